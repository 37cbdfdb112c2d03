"""What a person sees on a terminal of 80 columns; the same text in a pipe has no styles."""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from cycle.conftest import Shop
from notify.cli import SECTIONS, cli

from .conftest import notify

pty = pytest.importorskip("pty", reason="no pseudo-terminals here")
COLOUR = "\x1b[3"
STYLE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def on_a_terminal(columns: int, *arguments: str) -> list[str]:
    """Runs `notify ARGUMENTS` on a terminal and gives its lines without styles."""
    return [line.rstrip() for line in STYLE.sub("", on_a_terminal_raw(columns, *arguments)).splitlines()]


def on_a_terminal_raw(columns: int, *arguments: str) -> str:
    """The same, as the terminal gets it."""
    import fcntl
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    command = [sys.executable, "-c", "from notify.cli import main; main()", *arguments]
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"} | {"TERM": "xterm"}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        said = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # Linux says so when the other side is closed
                break
            if not piece:
                break
            said += piece
    os.close(ours)
    assert process.returncode in (0, 1)
    return said.decode()


def test_status_and_why_fit_80_columns(shop: Shop, config: Path) -> None:
    shop.order(2)
    shop.order(3, "draft")
    shop.arrive()
    notify("run-cycle", "--config", config)
    for arguments in (["status"], ["why", "2"], ["why", "1"], ["audit"]):
        lines = on_a_terminal(80, *arguments, "--config", str(config))
        assert [line for line in lines if len(line) > 80] == []
    text = "\n".join(on_a_terminal(80, "status", "--config", str(config)))
    assert "order_changed  dbo.customer_order  active  20" in text
    assert "created_at,\n" not in text.replace(" ", "") or "modified_at" in text
    assert not re.search(r"\.\d{7}", text), "a fraction of a second says nothing here"


def test_reports_fit_a_log_of_100_columns(shop: Shop, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    shop.order(2)
    shop.order(3, "odd")
    shop.arrive()
    notify("run-cycle", "--config", config)
    shop.status(2, "shipped")
    shop.cycle()
    for arguments in (["status"], ["why", "2"], ["why", "3"], ["why", "9"], ["audit"], ["messages"], ["doctor"]):
        lines = notify(*arguments, "--config", config).output.splitlines()
        # A path is never broken.
        assert [line for line in lines if len(line) > 100 and max(map(len, line.split())) < 60] == []
        assert lines == [line.rstrip() for line in lines]
    monkeypatch.setenv("COLUMNS", "60")
    assert max(map(len, notify("why", "2", "--config", config).output.splitlines())) <= 60


def test_a_log_of_another_encoding_gets_every_line(shop: Shop, config: Path) -> None:
    shop.order(2, customer="Łukasz 🏠")
    shop.order(3, "odd")
    shop.arrive()
    notify("run-cycle", "--config", config)
    environment = os.environ | {"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    for arguments in (
        ["doctor"],
        ["status"],
        ["preview", "order_changed", "--key", "2"],
        ["preview", "order_changed", "--key", "2", "--json"],
        ["export"],
    ):
        command = [sys.executable, "-c", "from notify.cli import main; main()", *arguments, "--config", str(config)]
        ran = subprocess.run(command, capture_output=True, env=environment, encoding="cp1252")
        assert ran.returncode == 0, ran.stderr
        if "--json" in arguments:
            assert "Łukasz 🏠" in str(json.loads(ran.stdout)["messages"])


def test_data_in_a_pipe_is_one_line_a_row_however_wide(shop: Shop, config: Path) -> None:
    query = "SELECT REPLICATE('a', 150) AS wide, 1 AS one UNION ALL SELECT 'b', 2;"
    output = notify("sql", "queue", "-Q", query, "--config", config).output
    assert [line.split() for line in output.splitlines()][:3] == [["wide", "one"], ["a" * 150, "1"], ["b", "2"]]


def test_a_result_that_is_too_wide_is_shown_row_by_row(shop: Shop, config: Path, tmp_path: Path) -> None:
    shop.order(2)
    shop.arrive()
    notify("run-cycle", "--config", config)
    file = tmp_path / "wide.sql"
    file.write_text("SELECT * FROM notify.message;")
    lines = on_a_terminal(80, "sql", "queue", str(file), "--config", str(config))
    assert [line for line in lines if len(line) > 80] == []
    assert any(re.fullmatch(r" address +buyer2@shop.example.com", line) for line in lines)


def test_no_color_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert COLOUR in on_a_terminal_raw(80, "send", "--help")
    monkeypatch.setenv("NO_COLOR", "1")
    assert COLOUR not in on_a_terminal_raw(80, "send", "--help")


@pytest.mark.parametrize("width", [80, 120])
def test_help_fits(width: int) -> None:
    for name in ("", *(str(command.name) for commands in SECTIONS.values() for command in commands)):
        result = CliRunner().invoke(cli, [*([name] if name else []), "--help"], terminal_width=width)
        text, _, example = result.output.partition("Example")
        assert [line for line in text.splitlines() if len(line) > width] == [], name
        assert example
        assert not STYLE.search(result.output)
