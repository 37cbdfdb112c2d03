"""`notify demo`, once: what it says against what the databases and the mail folder hold, and what comes after it."""

from __future__ import annotations

import email
import email.policy
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import Ran, notify
from notify import assets, styles


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ran]:
    """A demo that was played, and what was said at its end."""
    folder = tmp_path_factory.mktemp("town") / "demo"
    return folder, notify("demo", "--directory", folder, "--seed", "11", "--json")


@pytest.fixture
def demo(town: tuple[Path, Ran], tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(town[0], tmp_path / "demo"))


def rows(demo: Path, role: str, text: str) -> list[list[Any]]:
    """The only result set of a query."""
    (result,) = notify("sql", role, "-Q", text, "--json", "--config", demo / "notify.toml").json
    return list(result["rows"])


def test_what_it_says_is_what_the_databases_hold(town: tuple[Path, Ran]) -> None:
    folder, ran = town
    assert ran.code == 0
    report = ran.json
    sums = {
        name: sum(item[name] for item in report["notifications"])
        for name in report["notifications"][0]
        if name != "notification"
    }
    ((messages, sent),) = rows(
        folder, "queue", "SELECT COUNT(*), SUM(CASE WHEN m.state = 'sent' THEN 1 ELSE 0 END) FROM notify.message AS m;"
    )
    assert (sums["messages"], sums["sent"]) == (messages, sent)
    ((generated,),) = rows(folder, "processor", "SELECT COUNT(*) FROM notify.change AS c WHERE c.state = 'enqueued';")
    assert sums["generated"] == generated
    assert sums["detected"] == sums["generated"] + sums["skipped"]
    assert sums["messages"] == sums["sent"] + sums["waiting_sms"] + sums["not_sent"]
    audit = report["audit"]
    assert (audit["missing"], audit["doubled"]) == (0, 0)
    assert audit["sent"] == sums["sent"]
    assert (
        report["mails"]
        == sent
        == len(list((folder / "mail").glob("*.eml")))
        == len(list((folder / "mail").glob("*.html")))
    )


def test_run_again_it_rests(town: tuple[Path, Ran]) -> None:
    _, ran = town
    again = notify("demo", "--directory", town[0], "--json")
    assert again.code == 0
    assert again.json["already_there"] and again.json["received_now"] == 0
    assert again.json["notifications"] == ran.json["notifications"]
    assert again.json["audit"] == ran.json["audit"]


def test_run_again_it_keeps_what_a_person_has_set(demo: Path) -> None:
    file = demo / "notify.toml"
    text = file.read_text()
    file.write_text(text.replace("workers = 2", "workers = 3  # mine") + "\n[send]\ntake = 7\n")
    assert notify("demo", "--directory", demo, "--json").code == 0
    kept = file.read_text()
    assert "workers = 3  # mine" in kept and "take = 7" in kept
    port = re.compile(r"(?m)^port = (\d+)$")
    assert port.findall(kept) != port.findall(text)
    file.unlink()
    assert notify("demo", "--directory", demo, "--json").code == 0
    assert "[[gateway]]" in file.read_text()


def test_every_mail_is_a_whole_one(town: tuple[Path, Ran]) -> None:
    for file in (town[0] / "mail").glob("*.eml"):
        mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
        assert mail["Subject"] and mail["Message-ID"] and mail["Date"]
        kinds = [part.get_content_type() for part in mail.walk() if not part.is_multipart()]
        assert kinds == ["text/plain", "text/html"]
        text = file.with_suffix(".html").read_text()
        assert "None" not in re.sub(r"<style.*?</style>", "", text, flags=re.S)


@pytest.mark.parametrize(
    "file", sorted((assets.examples() / "brokerage" / "templates").glob("*.html.mako")), ids=lambda file: file.name
)
def test_a_templates_styles_are_inlined_once_not_for_each_mail(file: Path) -> None:
    sheet = styles.Sheet()
    sheet.read([file.read_text(), (file.parent / "brokerage.html.mako").read_text()])
    assert sheet.is_static


def test_one_that_another_version_made_is_told_and_built_anew_when_asked(demo: Path) -> None:
    edited = "UPDATE f SET f.fingerprint = REPLICATE('0', 64) FROM dbo.notify_alembic_fingerprint AS f;"
    notify("sql", "processor", "-Q", edited, "--config", demo / "notify.toml")
    before = (demo / "notify.toml").read_text()
    ran = notify("demo", "--directory", demo)
    assert ran.code == 1
    assert f"{demo} was made by another version of notify; nothing in it was changed" in ran.errors
    assert f"demo --directory {demo} --seed 11 --fresh" in ran.errors
    assert (demo / "notify.toml").read_text() == before
    anew = notify("demo", "--directory", demo, "--seed", "12", "--fresh", "--json")
    assert anew.code == 0
    assert (anew.json["seed"], anew.json["already_there"]) == (12, False)
    assert anew.json["mails"] == anew.json["received_now"] == anew.json["audit"]["sent"]


def test_nothing_is_removed_from_a_folder_that_no_demo_wrote(tmp_path: Path) -> None:
    (tmp_path / "queue.db").write_text("mine")
    ran = notify("demo", "--directory", tmp_path, "--fresh")
    assert ran.code == 2
    assert (tmp_path / "queue.db").read_text() == "mine"


# --- afterwards: its mail server is gone ------------------------------------------------------------------------------


@pytest.fixture
def moved(demo: Path) -> Path:
    """A visit is moved, and what is to be told of it is queued."""
    config = demo / "notify.toml"
    port = free_port()
    config.write_text(re.sub(r"(?m)^port = .*$", f"port = {port}", config.read_text()))
    newest = (
        "SELECT MAX(s.showing_id) FROM dbo.showing AS s "
        "INNER JOIN dbo.person AS p ON p.person_id = s.person_id AND p.email IS NOT NULL;"
    )
    ((key,),) = rows(demo, "source", newest)
    update = (
        "UPDATE dbo.showing SET starts_at = DATEADD(HOUR, 1, starts_at), modified_at = SYSUTCDATETIME() "
        f"WHERE showing_id = {key};"
    )
    assert notify("sql", "source", "-Q", update, "--config", config).code == 0
    assert notify("beat", "--config", config).code == 0
    assert notify("run-cycle", "--config", config).code == 0
    return demo


def free_port() -> int:
    """A port of this machine on which nothing listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def mail_server(moved: Path) -> Iterator[subprocess.Popen[str]]:
    """`notify serve-mail` of the demo, ready."""
    command = [sys.executable, "-c", "from notify.cli import main; main()", "serve-mail", "--json"]
    with subprocess.Popen(
        [*command, "--config", str(moved / "notify.toml")], stdout=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        yield process
        process.terminate()


def test_a_closed_mailbox_says_how_to_open_it(moved: Path) -> None:
    config = moved / "notify.toml"
    ran = notify("send", "--drain", "--config", config)
    assert ran.code == 3
    assert f"notify serve-mail --config {config}" in ran.errors
    checks = notify("doctor", "--json", "--config", config).json
    assert any(f"notify serve-mail --config {config}" in (check["remedy"] or "") for check in checks)


def test_serve_mail_takes_what_is_sent_into_the_folder(moved: Path, mail_server: subprocess.Popen[str]) -> None:
    assert mail_server.stdout is not None
    ready = json.loads(mail_server.stdout.readline())
    assert (ready["gateway"], ready["folder"]) == ("mailbox", str(moved / "mail"))
    before = len(list((moved / "mail").glob("*.eml")))
    assert notify("send", "--drain", "--json", "--config", moved / "notify.toml").json["accepted"] == 1
    mail = json.loads(mail_server.stdout.readline())
    assert Path(mail["file"]).is_file()
    assert len(list((moved / "mail").glob("*.eml"))) == before + 1
    second = notify("serve-mail", "--config", moved / "notify.toml")
    assert second.code == 1
    assert "is another notify serve-mail or notify demo running?" in second.errors
    mail_server.send_signal(signal.SIGINT)
    assert mail_server.wait(20) == 0


def test_serve_mail_stands_in_for_no_real_server(moved: Path) -> None:
    config = moved / "notify.toml"
    config.write_text(config.read_text().replace('host = "127.0.0.1"', 'host = "smtp.example.com"'))
    ran = notify("serve-mail", "--config", config)
    assert ran.code == 2
    assert "smtp.example.com" in ran.errors
