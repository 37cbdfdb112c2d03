"""Attention: the client withdraws its request, from another thread, whatever the engine is doing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from talking import db, do, path, rival, rows, value

import tsqlite
from tsqlite.results import Event, Feed, Message

__all__ = ["db", "path", "rival"]

FOREVER = "WITH n AS (SELECT CAST(1 AS bigint) AS i UNION ALL SELECT i + 1 FROM n) SELECT COUNT_BIG(*) FROM n OPTION (MAXRECURSION 0)"


@pytest.fixture
def t(db: tsqlite.Connection) -> tsqlite.Connection:
    do(db, "CREATE TABLE dbo.t (a int NOT NULL); INSERT dbo.t VALUES (1)")
    return db


def cancelled(db: tsqlite.Connection, text: str) -> list[Event]:
    """Run a batch, cancel it as soon as it says PRINT 'now', and give what came before."""
    events: list[Event] = []
    said = threading.Event()

    def receive(event: Event, _: bool) -> None:
        events.append(event)
        if isinstance(event, Message):
            said.set()

    def run() -> None:
        db.interpreter.run_batch(text, sink=Feed(db.interpreter, receive))

    worker = threading.Thread(target=run)
    worker.start()
    assert said.wait(20)
    db.session.cancel()
    worker.join(20)
    assert not worker.is_alive()
    db.session.resume()
    return events[2:]  # PRINT and its end


def quickly(action: Callable[[], list[Event]]) -> None:
    started = time.monotonic()
    assert action() == []
    assert time.monotonic() - started < 15


@pytest.mark.parametrize(
    "work",
    [
        "WAITFOR DELAY '00:01'",
        "WHILE 1 = 1 SET NOCOUNT ON",
        "WHILE 1 = 1 BEGIN IF 1 = 0 BREAK; END",
        FOREVER,
        FOREVER.replace("SELECT COUNT_BIG(*)", "SELECT i INTO #n"),
        "DECLARE @n bigint = 0; " + FOREVER.replace("SELECT COUNT_BIG(*)", "SELECT @n = MAX(i)"),
    ],
)
def test_whatever_runs_is_ended_and_sends_nothing_more(t: tsqlite.Connection, work: str) -> None:
    quickly(lambda: [e for e in cancelled(t, f"PRINT 'now'; {work}; SELECT 'after'") if not hasattr(e, "command")])
    assert value(t, "SELECT 1") == 1


def test_a_write_is_undone_and_the_transaction_stays_open(t: tsqlite.Connection) -> None:
    do(t, "BEGIN TRANSACTION; INSERT dbo.t VALUES (2)")
    slow = FOREVER.replace("SELECT COUNT_BIG(*)", "INSERT dbo.t SELECT CAST(i AS int)")
    assert cancelled(t, f"PRINT 'now'; {slow}") == []
    assert value(t, "SELECT @@TRANCOUNT") == 1
    assert rows(t, "SELECT a FROM dbo.t ORDER BY a") == [(1,), (2,)]
    do(t, "COMMIT")
    assert value(t, "SELECT COUNT(*) FROM dbo.t") == 2


def test_xact_abort_rolls_it_back(t: tsqlite.Connection) -> None:
    do(t, "SET XACT_ABORT ON; BEGIN TRANSACTION; INSERT dbo.t VALUES (2)")
    assert cancelled(t, "PRINT 'now'; WAITFOR DELAY '00:01'") == []
    assert value(t, "SELECT @@TRANCOUNT") == 0
    assert value(t, "SELECT COUNT(*) FROM dbo.t") == 1


def test_catch_does_not_see_it(t: tsqlite.Connection) -> None:
    assert (
        cancelled(t, "BEGIN TRY PRINT 'now'; WAITFOR DELAY '00:01' END TRY BEGIN CATCH SELECT 'caught' END CATCH") == []
    )


def test_a_wait_for_a_lock_ends(t: tsqlite.Connection, rival: tsqlite.Connection) -> None:
    t.session.timeout = 60
    do(rival, "BEGIN TRANSACTION; UPDATE dbo.t SET a = 5")
    assert cancelled(t, "PRINT 'now'; UPDATE dbo.t SET a = 6") == []
    do(rival, "ROLLBACK")
    assert value(t, "SELECT a FROM dbo.t") == 1


def test_a_wait_for_an_application_lock_ends(t: tsqlite.Connection, rival: tsqlite.Connection) -> None:
    t.session.timeout = 60
    lock = "EXECUTE sp_getapplock @Resource = N'r', @LockMode = 'Exclusive', @LockOwner = 'Session'"
    do(rival, lock)
    assert cancelled(t, f"PRINT 'now'; {lock}") == []
    assert value(t, "SELECT APPLOCK_MODE('public', 'r', 'Session')") == "NoLock"


def test_a_procedure_deep_inside_is_left_with_its_settings_and_tables(t: tsqlite.Connection) -> None:
    do(t, "CREATE PROCEDURE dbo.p AS SET NOCOUNT ON; CREATE TABLE #p (a int); PRINT 'now'; WAITFOR DELAY '00:01'")
    do(t, "CREATE PROCEDURE dbo.q AS DECLARE @t TABLE (a int); INSERT @t EXECUTE dbo.p")
    events = cancelled(t, "EXECUTE dbo.q")
    assert events == []
    assert (value(t, "SELECT @@NESTLEVEL"), value(t, "SELECT @@TRANCOUNT"), t.session.settings.nocount) == (0, 0, False)
    assert value(t, "SELECT OBJECT_ID('tempdb..#p')") is None


def test_cancelled_before_it_began(t: tsqlite.Connection) -> None:
    t.session.cancel()
    assert t.interpreter.run_batch("SELECT 1").events == []
    assert not t.interpreter.run_procedure("sp_executesql").completed
    t.session.resume()
    assert value(t, "SELECT 1") == 1
