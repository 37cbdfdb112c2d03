"""Cancels, cut and half-open connections, malformed packets, clients that do not read, many at once."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tests.tds.conftest import PASSWORD
from tests.tds.raw_client import DONE_ATTENTION, RawClient, last_done

from tsqlite.tds.packets import PacketType
from tsqlite.tds.server import Server

Connect = Any
SLEEP = "WAITFOR DELAY '00:01:00'"


def test_a_query_time_out_leaves_the_connection_usable(connect: Connect) -> None:
    c = connect()
    c.timeout = 1
    started = time.monotonic()
    with pytest.raises(Exception, match="timeout") as raised:
        c.execute(SLEEP)
    assert raised.value.args[0] == "HYT00"
    assert time.monotonic() - started < 20
    assert c.execute("SELECT 1").fetchval() == 1


def test_a_cancel_ends_a_statement_and_keeps_the_transaction(server: Server) -> None:
    client = RawClient(server.port)
    client.log_in()
    assert last_done(client.ask("CREATE TABLE dbo.t (i int); BEGIN TRANSACTION; INSERT INTO dbo.t VALUES (1)"))[2] == 1
    client.batch(SLEEP)
    client.cancel()
    # What was cancelled ends first, the acknowledgement is a message of its own: JDBC reads both.
    assert not last_done(client.receive())[1] & DONE_ATTENTION
    assert last_done(client.receive())[1] & DONE_ATTENTION
    answer = client.ask("SELECT @@TRANCOUNT; DELETE FROM dbo.t")
    assert last_done(answer)[2] == 1
    client.close()


def test_a_cancel_when_nothing_runs_is_acknowledged_too(server: Server) -> None:
    client = RawClient(server.port)
    client.log_in()
    client.cancel()
    assert last_done(client.receive())[1] & DONE_ATTENTION
    assert last_done(client.ask("SELECT 1"))[2] == 1
    client.close()


def insert_and_sleep(client: RawClient) -> None:
    client.ask("CREATE TABLE dbo.t (i int)")
    client.ask("BEGIN TRANSACTION; INSERT INTO dbo.t VALUES (1)")


@pytest.mark.parametrize("running", [False, True])
def test_a_cut_connection_rolls_back_at_once_also_while_a_statement_runs(server: Server, running: bool) -> None:
    client, other = RawClient(server.port), RawClient(server.port)
    client.log_in()
    other.log_in()
    insert_and_sleep(client)
    if running:
        client.batch(SLEEP)
    client.close()
    started = time.monotonic()
    assert last_done(other.ask("SET LOCK_TIMEOUT 15000; INSERT INTO dbo.t VALUES (2)"))[1:] == (0x10, 1)
    assert time.monotonic() - started < 15
    other.close()


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x01\x01\xff\xff\0\0\1\0" + b"x" * 70000,  # longer than the packets agreed on
        b"\x01\x01\0\x03\0\0\1\0",  # shorter than its own header
        b"\xee\x01\0\x09\0\0\1\0x",  # no such type
        b"\x03\x01\0\x0c\0\0\1\0abcd",  # an RPC that ends in its middle
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
@pytest.mark.parametrize("logged_in", [True, False])
def test_a_malformed_packet_closes_its_own_connection_only(server: Server, garbage: bytes, logged_in: bool) -> None:
    bad, good = RawClient(server.port), RawClient(server.port)
    good.log_in()
    if logged_in:
        bad.log_in()
    try:
        bad.socket.sendall(garbage)
        while bad.receive():
            pass
    except ConnectionError:
        pass
    assert last_done(good.ask("SELECT 1"))[2] == 1
    bad.close()
    good.close()


def test_a_login_that_does_not_come_is_timed_out(tmp_path: Path) -> None:
    with Server({"Sales": tmp_path / "s.db"}, password=PASSWORD, login_timeout=0.3) as server:
        silent, greeted = RawClient(server.port), RawClient(server.port)
        greeted.greet()
        assert silent.receive() == b""
        assert greeted.receive() == b""
        silent.close()
        greeted.close()


def test_a_client_that_does_not_read_blocks_nobody(server: Server) -> None:
    slow, other = RawClient(server.port), RawClient(server.port)
    slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.log_in()
    other.log_in()
    slow.ask("CREATE TABLE dbo.t (i int)")
    big = "SELECT REPLICATE(CAST(N'x' AS nvarchar(max)), 4000000) AS x; "
    slow.batch(big * 4 + "PRINT 'there'; INSERT INTO dbo.t VALUES (1); " + big)
    for _ in range(20):
        answer = other.ask("INSERT INTO dbo.t VALUES (2); SELECT i FROM dbo.t")
        assert last_done(answer)[1] & 2 == 0
    slow.cancel()
    slow.close()
    other.close()


def test_stop_ends_what_runs_and_every_thread(tmp_path: Path) -> None:
    there_before = set(threading.enumerate())  # other tests' servers may live as long as this process
    server = Server({"Sales": tmp_path / "s.db"}, password=PASSWORD).start()
    clients = [RawClient(server.port) for _ in range(5)]
    for client in clients[:4]:
        client.log_in()
    for client in clients[:2]:
        client.batch(SLEEP)
    started = time.monotonic()
    server.stop()
    assert time.monotonic() - started < 5
    assert [t.name for t in threading.enumerate() if t not in there_before] == []
    for client in clients:
        assert client.receive() == b""
        client.close()


def test_many_clients_at_once(server: Server, connect: Connect) -> None:
    connect().execute("CREATE TABLE dbo.t (i int NOT NULL)")
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            client = RawClient(server.port)
            client.log_in()
            for i in range(5):
                assert last_done(client.ask(f"INSERT INTO dbo.t VALUES ({number * 100 + i})"))[1:] == (0x10, 1)
            client.close()
        except BaseException as e:
            failures.append(e)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert connect().execute("SELECT COUNT(DISTINCT i) FROM dbo.t").fetchval() == 160


def test_beyond_loopback_there_is_no_listening_without_password_and_encryption(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="password"):
        Server({"Sales": tmp_path / "s.db"}, password="", host="0.0.0.0")
    with pytest.raises(ValueError, match="encryption"):
        Server({"Sales": tmp_path / "s.db"}, password="x", host="0.0.0.0", encryption="optional")
    assert Server({"Sales": tmp_path / "s.db"}, password="x", host="0.0.0.0").encryption_required


def test_bulk_load_is_refused(server: Server) -> None:
    client = RawClient(server.port)
    client.log_in()
    client.send(PacketType.BULK, b"\x81\x00\x00")
    assert last_done(client.receive())[1] & 2
    assert last_done(client.ask("SELECT 1"))[2] == 1
    client.close()
