"""What drivers rely on without showing it: return codes and OUTPUT parameters, descriptors, resets, the bits of DONE."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.tds.conftest import PASSWORD
from tests.tds.raw_client import RawClient, descriptors, last_done

from tsqlite.tds.server import Server
from tsqlite.types import INT, nvarchar

DONE, DONEPROC, DONEINPROC = 0xFD, 0xFE, 0xFF
MORE, ERROR, IN_TRANSACTION, COUNT = 1, 2, 4, 16
NAME = nvarchar(50)


@pytest.fixture
def client(server: Server) -> Iterator[RawClient]:
    """Logged in to Sales."""
    made = RawClient(server.port)
    made.log_in()
    yield made
    made.close()


def test_the_last_done_has_the_statements_command_and_count(client: RawClient) -> None:
    client.ask("CREATE TABLE dbo.t (i int)")
    for text, command, status, count in (
        ("SELECT 1 AS a", 0xC1, COUNT, 1),
        ("INSERT INTO dbo.t VALUES (1), (2)", 0xC3, COUNT, 2),
        ("UPDATE dbo.t SET i = 3", 0xC5, COUNT, 2),
        ("DELETE FROM dbo.t WHERE i = 99", 0xC4, COUNT, 0),
        ("SET NOCOUNT ON", 0, 0, 0),
        ("SELECT 1 AS a", 0xC1, 0, 0),
        ("DELETE FROM dbo.t", 0xC4, 0, 0),
        ("BEGIN TRANSACTION", 0xD4, IN_TRANSACTION, 0),
        ("ROLLBACK", 0xD2, 0, 0),
    ):
        assert struct.unpack("<BHHQ", client.ask(text)[-13:]) == (DONE, status, command, count), text


def test_a_procedure_called_by_name_gives_its_return_code_and_output_parameters(client: RawClient) -> None:
    client.ask("CREATE PROCEDURE dbo.p @a int, @b nvarchar(50) OUTPUT AS BEGIN SET @b = @b + N'!'; RETURN @a + 1; END")
    answer = client.call("dbo.p", ("", False, INT, 41), ("@b", True, NAME, "ż"))
    assert answer.startswith(b"\x79" + struct.pack("<i", 42), answer.index(b"\x79"))
    assert b"\xac\x01\0\x02" + "@b".encode("utf-16-le") + b"\x01" in answer
    assert answer[:-13].endswith(struct.pack("<H", 4) + "ż!".encode("utf-16-le"))
    assert last_done(answer)[:2] == (DONEPROC, 0)


def test_a_procedure_that_is_not_there_is_2812(client: RawClient) -> None:
    answer = client.call("dbo.nothing", ("", False, INT, 1))
    assert answer[0] == 0xAA
    assert struct.unpack_from("<i", answer, 3) == (2812,)
    assert last_done(answer)[:2] == (DONEPROC, ERROR)


def test_transactions_of_t_sql_and_of_the_transaction_manager_have_descriptors(client: RawClient) -> None:
    ((kind, number),) = descriptors(client.ask("BEGIN TRANSACTION"))
    assert kind == "begin"
    assert number
    assert descriptors(client.ask("SELECT 1 AS a", descriptor=number)) == []
    assert descriptors(client.transaction(7, b"\0\0", descriptor=number)) == [("commit", number)]
    ((kind, second),) = descriptors(client.transaction(5, b"\0\0"))
    assert (kind, second != number) == ("begin", True)
    assert descriptors(client.ask("ROLLBACK TRANSACTION", descriptor=second)) == [("rollback", second)]
    assert client.transaction(7, b"\0\0")[0] == 0xAA  # 3902: there is none


def test_a_transaction_that_is_over_cannot_be_gone_on_with(client: RawClient) -> None:
    answer = client.ask("SELECT 1 AS a", descriptor=77)
    assert struct.unpack_from("<i", answer, 3) == (3971,)


def test_implicit_transactions_are_told(client: RawClient) -> None:
    client.ask("CREATE TABLE dbo.t (i int)")
    client.ask("SET IMPLICIT_TRANSACTIONS ON")
    ((kind, number),) = descriptors(client.ask("INSERT INTO dbo.t VALUES (1)"))
    assert kind == "begin"
    assert descriptors(client.ask("COMMIT", descriptor=number)) == [("commit", number)]


def test_a_reset_connection_is_as_new(client: RawClient) -> None:
    client.ask("USE Stock")
    client.ask("CREATE TABLE #t (i int); SET NOCOUNT ON; BEGIN TRANSACTION")
    answer = client.ask("SELECT OBJECT_ID('tempdb..#t') AS o, @@TRANCOUNT AS n, DB_NAME() AS d", status=8)
    assert answer.startswith(b"\xe3\x03\0\x12\0\0")
    assert [kind for kind, _ in descriptors(answer)] == ["rollback"]
    assert last_done(answer) == (DONE, COUNT, 1)
    assert "Sales".encode("utf-16-le") in answer


def test_read_only_intent_leads_to_the_replica_which_refuses_writes(tmp_path: Path) -> None:
    files = {"Sales": tmp_path / "s.db", "SalesReplica": tmp_path / "r.db"}
    with Server(files, password=PASSWORD, read_only={"Sales": "SalesReplica"}) as server:
        client = RawClient(server.port)
        client.log_in(type_flags=0x20)
        assert "SalesReplica".encode("utf-16-le") in client.ask("SELECT DB_NAME() AS d")
        assert struct.unpack_from("<i", client.ask("CREATE TABLE dbo.t (i int)"), 3) == (3906,)
        assert last_done(client.ask("SELECT 1 AS a"))[2] == 1
        # Some clients say USE after the login: it is no way around.
        client.ask("USE master")
        client.ask("USE Sales")
        assert "SalesReplica".encode("utf-16-le") in client.ask("SELECT DB_NAME() AS d")
        assert struct.unpack_from("<i", client.ask("CREATE TABLE dbo.t (i int)"), 3) == (3906,)
        client.close()
