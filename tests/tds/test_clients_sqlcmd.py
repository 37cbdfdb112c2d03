"""sqlcmd, as a DBA uses it: queries, files with GO, and at a terminal. The one in Go is what is tried."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from tests.tds.conftest import PASSWORD, Process
from tests.tds.other_clients import serving, sqlcmd

from notify.cli import main
from notify.deploy import split_batches

Ran = tuple[int, str]


@pytest.fixture(scope="module")
def program() -> Path:
    path, why = sqlcmd()
    if path is None:
        pytest.skip(f"sqlcmd: {why}")
    return path


@pytest.fixture(scope="module")
def process(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with serving(tmp_path_factory.mktemp("sqlcmd")) as server:
        yield server


def arguments(program: Path, process: Process, *more: str) -> list[str]:
    return [str(program), "-S", f"127.0.0.1,{process.port}", "-U", "sa", "-C", *more]


@pytest.fixture
def run(program: Path, process: Process) -> Callable[..., Ran]:
    """Runs sqlcmd: its exit code and what it printed."""

    def run(*more: str, password: str = PASSWORD) -> Ran:
        ran = subprocess.run(
            arguments(program, process, *more), env={**os.environ, "SQLCMDPASSWORD": password}, timeout=120,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
        )  # fmt: skip
        return ran.returncode, ran.stdout

    return run


def test_queries_messages_and_errors(run: Callable[..., Ran]) -> None:
    code, output = run("-W", "-Q", "SELECT 42 AS answer, N'ünï' AS name; PRINT 'said'; SELECT 1/0; SELECT 'after'")
    assert code == 0
    assert output.splitlines()[:3] == ["answer name", "------ ----", "42 ünï"]
    assert "(1 row affected)" in output and "said" in output and "after" in output
    assert "Msg 8134, Level 16, State 1, Server " in output and "Divide by zero error encountered." in output


def test_what_the_engine_does_not_know_is_told_with_its_line(run: Callable[..., Ran]) -> None:
    code, output = run("-b", "-Q", "SELECT 1\nCREATE TABLE dbo.x (a xml)")
    assert code != 0
    assert "is not supported by tsqlite (line 2)" in output


def test_logins(run: Callable[..., Ran]) -> None:
    code, output = run("-Q", "SELECT 1", password="wrong")
    assert code == 1 and "Login failed for user 'sa'" in output
    code, output = run("-d", "nowhere", "-Q", "SELECT 1")
    assert code == 1 and ("Login failed" in output or "nowhere" in output)
    code, output = run("-d", "Stock", "-W", "-h", "-1", "-Q", "SET NOCOUNT ON; SELECT DB_NAME()")
    assert (code, output.strip()) == (0, "Stock")
    code, output = run("-K", "ReadOnly", "-d", "Sales", "-W", "-h", "-1", "-Q", "SET NOCOUNT ON; SELECT DB_NAME()")
    assert (code, output.strip()) == (0, "Stock"), "reads of Sales go to Stock"


def test_a_query_time_out(run: Callable[..., Ran]) -> None:
    _, output = run("-t", "1", "-Q", "WAITFOR DELAY '00:05:00'")
    assert "Timeout expired" in output


@pytest.mark.parametrize(("role", "database"), [("processor", "Sales"), ("queue", "Stock")])
def test_the_scripts_that_a_dba_runs(run: Callable[..., Ran], tmp_path: Path, role: str, database: str) -> None:
    output = StringIO()
    with redirect_stdout(output), pytest.raises(SystemExit):
        main(["script", role])
    script = tmp_path / f"{role}.sql"
    script.write_text(output.getvalue(), encoding="utf-8")
    assert len(split_batches(output.getvalue())) > 20
    for _ in range(2):
        code, said = run("-b", "-d", database, "-i", str(script))
        assert code == 0, said
        assert "Msg " not in said
    count = "SET NOCOUNT ON; SELECT COUNT(*) FROM sys.objects WHERE type IN ('P', 'FN', 'IF', 'TF', 'V') AND schema_id = SCHEMA_ID('notify')"
    code, said = run("-d", database, "-W", "-h", "-1", "-Q", count)
    assert int(said) == output.getvalue().count("\nCREATE OR ALTER ")


# --- at a terminal ----------------------------------------------------------------------------------------------------


class Terminal:
    """sqlcmd on a terminal of its own."""

    def __init__(self, command: list[str]) -> None:
        import pty

        child, self.screen = pty.fork()
        if child == 0:
            os.execve(command[0], command, {**os.environ, "SQLCMDPASSWORD": PASSWORD, "TERM": "dumb"})
        self.child = child

    def until(self, prompt: str, seconds: float = 60) -> str:
        """What comes up to a prompt."""
        shown = b""
        while not shown.endswith(prompt.encode()):
            assert select.select([self.screen], [], [], seconds)[0], f"no {prompt!r} after {shown!r}"
            try:
                piece = os.read(self.screen, 65536)
            except OSError:
                piece = b""
            assert piece, f"ended with {shown!r}"
            shown += piece
        return shown.decode()

    def say(self, line: str, prompt: str) -> str:
        os.write(self.screen, line.encode() + b"\n")
        return self.until(prompt)

    def ended(self) -> int:
        """The exit code."""
        with suppress(OSError):
            while os.read(self.screen, 65536):
                pass
        return os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])

    def close(self) -> None:
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.child, signal.SIGKILL)
            os.waitpid(self.child, 0)
        os.close(self.screen)


@pytest.fixture
def terminal(program: Path, process: Process) -> Iterator[Any]:
    if sys.platform == "win32":
        pytest.skip("pseudo-terminals are Unix's")
    made = Terminal(arguments(program, process, "-d", "Sales"))
    yield made
    made.close()


def test_a_conversation(terminal: Terminal, tmp_path: Path) -> None:
    terminal.until("1> ")
    terminal.say("SELECT 42 AS answer,", "2> ")
    terminal.say("    N'ünï' AS name", "3> ")
    shown = terminal.say("GO", "1> ")
    assert "answer" in shown and "42" in shown and "ünï" in shown and "(1 row affected)" in shown
    terminal.say("SELECT 1/0", "2> ")
    assert "Divide by zero" in terminal.say("GO", "1> ")
    terminal.say("SELECT 'again'", "2> ")
    assert terminal.say("GO 3", "1> ").count("again") == 3
    terminal.say("USE Stock", "2> ")
    assert "Changed database context to 'Stock'." in terminal.say("GO", "1> ")
    included = tmp_path / "included.sql"
    included.write_text("SELECT DB_NAME()\n")
    terminal.say(f":r {included}", "2> ")
    assert "Stock" in terminal.say("GO", "1> ")
    os.write(terminal.screen, b"exit\n")
    assert terminal.ended() == 0
