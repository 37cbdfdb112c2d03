"""`notify serve-sql` as its users start it: a process of its own, and Microsoft's driver as its client where it is there."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests import driver

from .conftest import notify

pytestmark = pytest.mark.only_in("tsqlite", because="it serves the embedded files themselves")

VARIABLE = "NOTIFY_SERVE_SQL_PASSWORD"


@contextmanager
def serving(config: Path, *arguments: str, password: str | None = None) -> Iterator[dict[str, Any]]:
    """A server on a free port, and what it says when it is ready; ended as by Ctrl-C, which must be clean."""
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    if password is not None:
        environment[VARIABLE] = password
    command = [sys.executable, "-c", "from notify.cli import main; main()", "serve-sql", "--port", "0", "--json"]
    with subprocess.Popen(
        [*command, "--config", str(config), *arguments], stdout=subprocess.PIPE, env=environment, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0


def connect(ready: dict[str, Any], database: str, password: str, more: str = "") -> Any:
    """A connection of Microsoft's driver."""
    if (reason := driver.reason()) is not None:
        pytest.skip(reason)
    import pyodbc

    return pyodbc.connect(
        f"DRIVER={{{driver.NAME}}};SERVER={ready['server']};UID={ready['login']};PWD={password};"
        f"DATABASE={database};TrustServerCertificate=yes{more}",
        autocommit=True,
    )


def test_each_role_is_a_database_and_read_intent_is_the_replica(config: Path) -> None:
    with serving(config) as ready:
        assert ready["databases"] == ["source", "replica", "processor", "queue"]
        for role in ready["databases"]:
            connection = connect(ready, role, ready["password"])
            assert connection.execute("SELECT DB_NAME();").fetchval() == role
            connection.close()
        connection = connect(ready, "source", ready["password"], ";ApplicationIntent=ReadOnly")
        assert connection.execute("SELECT COUNT(*) FROM dbo.customer_order;").fetchval() == 1
        with pytest.raises(Exception, match="3906"):
            connection.execute("DELETE FROM dbo.customer_order;")
        connection.close()


def test_a_password_of_ones_own_is_not_shown(config: Path) -> None:
    import pyodbc

    with serving(config, password="correct horse") as ready:
        assert ready["password"] is None
        assert connect(ready, "queue", "correct horse").execute("SELECT 1;").fetchval() == 1
        with pytest.raises(pyodbc.Error, match="18456"):
            connect(ready, "queue", "wrong")


def test_its_certificate_is_kept_and_its_key_is_for_its_owner_alone(config: Path) -> None:
    with serving(config) as ready:
        certificate = Path(ready["certificate"])
        kept = certificate.read_bytes()
    key = certificate.with_suffix(".key")
    assert certificate.parent == config.parent
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    with serving(config):
        assert certificate.read_bytes() == kept


def test_beyond_loopback_it_wants_a_password_and_a_certificate(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(config) as ready:
        pem = ("--certificate", ready["certificate"], "--key", str(Path(ready["certificate"]).with_suffix(".key")))
    monkeypatch.delenv(VARIABLE, raising=False)
    beyond = ("serve-sql", "--config", config, "--port", "0", "--host", "0.0.0.0")
    for arguments in (beyond, (*beyond, *pem)):
        ran = notify(*arguments)
        assert ran.code == 2
        assert VARIABLE in ran.errors
    monkeypatch.setenv(VARIABLE, "correct horse")
    ran = notify(*beyond)
    assert ran.code == 2
    assert "--certificate and --key" in ran.errors
    assert notify(*beyond, *pem[:2]).code == 2
    with serving(config, "--host", "0.0.0.0", *pem, password="correct horse") as ready:
        assert connect(ready | {"server": f"127.0.0.1,{ready['port']}"}, "queue", "correct horse")


def test_what_cannot_be_served_is_refused(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_QUEUE_URL", "mssql+pyodbc://me:secret@server/queue?driver=x")
    ran = notify("serve-sql", "--config", config)
    assert ran.code == 2
    assert "names real servers: queue (mssql+pyodbc://me:***@server/queue" in ran.errors
    monkeypatch.setenv("NOTIFY_QUEUE_URL", f"mssql+tsqlite:///{tmp_path}/none.db")
    ran = notify("serve-sql", "--config", config)
    assert ran.code == 1
    assert "none.db" in ran.errors
    monkeypatch.delenv("NOTIFY_QUEUE_URL")
    monkeypatch.setenv(VARIABLE, "")
    assert notify("serve-sql", "--config", config).code == 2


def test_a_port_that_is_taken_is_told(config: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = notify("serve-sql", "--port", str(taken.getsockname()[1]), "--config", config)
    assert ran.code == 1
    assert "--port 0 takes any free port" in ran.errors
