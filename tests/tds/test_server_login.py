"""Who gets in, how, and what they are told who do not."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests import driver
from tests.tds.conftest import PASSWORD, connection_string
from tests.tds.raw_client import RawClient, last_done

from tsqlite.tds.certificates import self_signed
from tsqlite.tds.prelogin import Encryption, parse_prelogin
from tsqlite.tds.server import Server

Connect = Any


@pytest.mark.parametrize("encrypt", ["yes", "no", "optional", "mandatory"])
def test_a_client_logs_in_encrypted_or_not(connect: Connect, encrypt: str) -> None:
    row = connect(Encrypt=encrypt).execute("SELECT 1 AS one, N'zażółć' AS text, DB_NAME() AS name").fetchone()
    assert tuple(row) == (1, "zażółć", "Sales")


def test_a_wrong_password_is_18456(connect: Connect) -> None:
    with pytest.raises(Exception, match=r"Login failed for user 'sa'\. \(18456\)") as refused:
        connect(PWD="wrong")
    assert refused.value.args[0] == "28000"


def test_an_unknown_login_is_18456(connect: Connect) -> None:
    with pytest.raises(Exception, match=r"Login failed for user 'who'\. \(18456\)"):
        connect(UID="who")


def test_an_unknown_database_is_4060(connect: Connect) -> None:
    with pytest.raises(Exception, match=r'Cannot open database "Nowhere" requested by the login.*\(4060\)'):
        connect(DATABASE="Nowhere")


def error_number(answer: bytes) -> int:
    """The number of the error that an answer begins with."""
    assert answer[0] == 0xAA
    return int(struct.unpack_from("<i", answer, 3)[0])


@pytest.mark.parametrize(
    ("options", "number"),
    [
        ({"option_flags2": 0x82}, 18452),  # Windows authentication
        ({"tds_version": 0x71000001}, 17803),
        ({"new_password": "another"}, 18456),
        ({"language": "Klingon"}, 40000),
    ],
)
def test_a_login_that_asks_for_what_there_is_not_is_refused(
    server: Server, options: dict[str, Any], number: int
) -> None:
    client = RawClient(server.port)
    assert error_number(client.log_in(**options)) == number
    assert client.receive() == b""
    client.close()


def test_logins_beyond_the_limit_are_refused(tmp_path: Path) -> None:
    with Server({"Sales": tmp_path / "s.db"}, password=PASSWORD, max_connections=1) as server:
        first, second = RawClient(server.port), RawClient(server.port)
        assert first.log_in()[0] == 0xE3
        assert error_number(second.log_in()) == 17809
        assert last_done(first.ask("SELECT 1 AS a"))[2] == 1
        first.close()
        second.close()


@pytest.mark.parametrize(
    ("encryption", "asked", "answered"),
    [
        ("optional", Encryption.OFF, Encryption.OFF),
        ("optional", Encryption.ON, Encryption.ON),
        ("optional", Encryption.NOT_SUPPORTED, Encryption.NOT_SUPPORTED),
        ("required", Encryption.OFF, Encryption.REQUIRED),
        ("required", Encryption.ON, Encryption.ON),
        ("required", Encryption.NOT_SUPPORTED, Encryption.REQUIRED),
        ("off", Encryption.OFF, Encryption.NOT_SUPPORTED),
        ("off", Encryption.ON, Encryption.NOT_SUPPORTED),
    ],
)
def test_encryption_is_agreed_on(tmp_path: Path, encryption: Any, asked: Encryption, answered: Encryption) -> None:
    with Server({"Sales": tmp_path / "s.db"}, password=PASSWORD, encryption=encryption) as server:
        client = RawClient(server.port)
        answer = parse_prelogin(client.greet(asked))
        assert (answer.encryption, answer.version[0]) == (answered, 14)
        if (encryption, asked) in (("required", Encryption.NOT_SUPPORTED), ("off", Encryption.ON)):
            assert client.receive() == b""
        client.close()


def test_a_server_that_requires_encryption_encrypts_for_a_client_that_would_not(
    tmp_path: Path, connect_to: Connect
) -> None:
    with Server({"Sales": tmp_path / "s.db"}, password=PASSWORD, encryption="required") as server:
        row = connect_to(server, Encrypt="no").execute(
            "SELECT encrypt_option FROM sys.dm_exec_connections WHERE session_id = @@SPID"
        )
        assert row.fetchval() == "TRUE"


ASK = "import pyodbc, sys; print(pyodbc.connect(sys.argv[1]).execute('SELECT 1').fetchval())"


def test_a_certificate_of_ones_own_is_verified_by_clients_that_know_it(tmp_path: Path) -> None:
    if (missing := driver.reason()) is not None:
        pytest.skip(missing)
    files = tmp_path / "certificate.pem", tmp_path / "key.pem"
    for file, data in zip(files, self_signed("localhost"), strict=True):
        file.write_bytes(data)
    with Server({"Sales": tmp_path / "s.db"}, password=PASSWORD, certificate=files) as server:
        strict = connection_string(
            server, SERVER=f"localhost,{server.port}", Encrypt="yes", TrustServerCertificate="no"
        )
        for known, answer in ((files[0], "1"), (os.devnull, "")):
            ran = subprocess.run(
                [sys.executable, "-c", ASK, strict],
                env={**os.environ, "SSL_CERT_FILE": str(known)}, capture_output=True, text=True, timeout=60,
            )  # fmt: skip
            assert ran.stdout.strip() == answer, ran.stderr
            assert ("certificate verify failed" in ran.stderr) == (not answer)


def test_a_client_that_wants_several_active_results_goes_on_without(connect: Connect) -> None:
    c = connect(MARS_Connection="yes")
    first = c.execute("SELECT 1 AS one UNION ALL SELECT 2")
    with pytest.raises(Exception, match="Connection is busy"):
        c.execute("SELECT 2 AS two")
    assert [tuple(r) for r in first.fetchall()] == [(1,), (2,)]


def test_mssql_python_is_a_client_too(server: Server) -> None:
    mssql_python = pytest.importorskip("mssql_python")
    keywords = connection_string(server, DRIVER=None, Encrypt="yes")
    client = mssql_python.connect(keywords, autocommit=True)
    cursor = client.cursor()
    assert tuple(cursor.execute("SELECT ? AS one, N'ż' AS text", 1).fetchone()) == (1, "ż")
    with pytest.raises(mssql_python.Error, match="Divide by zero"):
        cursor.execute("SELECT 1/0")
    client.close()
