"""Locks: none at BEGIN TRANSACTION, the write lock at the first write or locking read; a missing hint shows as the bug it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from talking import db, do, error, path, rival, rows, run, value

import tsqlite

__all__ = ["db", "path", "rival"]


@pytest.fixture
def t(db: tsqlite.Connection) -> tsqlite.Connection:
    do(db, "CREATE TABLE dbo.job (id int PRIMARY KEY, state varchar(10) NOT NULL); INSERT dbo.job VALUES (1, 'ready')")
    return db


def test_begin_transaction_takes_no_lock(t: tsqlite.Connection, rival: tsqlite.Connection) -> None:
    do(t, "BEGIN TRAN; SELECT * FROM dbo.job")
    do(rival, "UPDATE dbo.job SET state = 'taken'")
    assert value(t, "SELECT state FROM dbo.job") == "taken"
    do(t, "COMMIT")


def test_a_claim_without_updlock_is_taken_twice_and_with_it_once(
    t: tsqlite.Connection, rival: tsqlite.Connection
) -> None:
    def claims(hint: str) -> int:
        do(t, "UPDATE dbo.job SET state = 'ready'")
        won = 0
        statement = f"SELECT COUNT(*) FROM dbo.job {hint} WHERE state = 'ready'"

        def intrude(event: tsqlite.Boundary) -> None:
            nonlocal won
            if event.session is t.session and event.phase == "before" and event.kind == "Update":
                stop()
                do(rival, "SET LOCK_TIMEOUT 0")
                got = run(rival, f"BEGIN TRAN; {statement}; UPDATE dbo.job SET state = 'rival'; COMMIT")
                won += got[0] == [(1,)] and ("error", 1222) not in got

        stop = tsqlite.on_statement(intrude)
        got = run(t, f"BEGIN TRAN; {statement}; UPDATE dbo.job SET state = 'me'; COMMIT")
        rival.rollback()
        return won + (got[0] == [(1,)])

    assert claims("") == 2
    assert claims("WITH (UPDLOCK)") == 1
    assert claims("WITH (HOLDLOCK)") == 1


def test_lock_timeout_is_1222_and_the_sessions_own_limit_1205(t: tsqlite.Connection, rival: tsqlite.Connection) -> None:
    do(t, "BEGIN TRAN; UPDATE dbo.job SET state = 'x'")
    assert run(rival, "SET LOCK_TIMEOUT 0; UPDATE dbo.job SET state = 'y'; SELECT 'next'") == [
        ("error", 1222),
        [("next",)],
    ]
    do(rival, "SET LOCK_TIMEOUT -1")
    victim = error(rival, "BEGIN TRAN; UPDATE dbo.job SET state = 'y'")
    assert (victim.number, victim.severity) == (1205, 13)
    assert isinstance(victim, tsqlite.OperationalError)
    assert value(rival, "SELECT @@TRANCOUNT") == 0
    do(t, "COMMIT")


def test_readers_see_the_last_committed_state_while_another_writes(
    t: tsqlite.Connection, rival: tsqlite.Connection
) -> None:
    do(t, "BEGIN TRAN; UPDATE dbo.job SET state = 'x'")
    assert value(rival, "SELECT state FROM dbo.job") == "ready"
    do(t, "COMMIT")
    assert value(rival, "SELECT state FROM dbo.job") == "x"


def test_serializable_reads_lock(t: tsqlite.Connection, rival: tsqlite.Connection) -> None:
    do(t, "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; BEGIN TRAN; SELECT * FROM dbo.job")
    assert error(rival, "SET LOCK_TIMEOUT 0; UPDATE dbo.job SET state = 'y'").number == 1222
    do(t, "COMMIT; SET TRANSACTION ISOLATION LEVEL READ COMMITTED")


def test_snapshot_must_be_allowed_and_then_stands_still(t: tsqlite.Connection, rival: tsqlite.Connection) -> None:
    assert error(t, "SET TRANSACTION ISOLATION LEVEL SNAPSHOT").number == 3952
    do(t, "ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON")
    do(t, "SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRAN; SELECT * FROM dbo.job")
    do(rival, "UPDATE dbo.job SET state = 'y'")
    assert value(t, "SELECT state FROM dbo.job") == "ready"
    do(t, "COMMIT")
    assert value(t, "SELECT state FROM dbo.job") == "y"


def test_application_locks(t: tsqlite.Connection, rival: tsqlite.Connection) -> None:
    take = (
        "DECLARE @r int; EXECUTE @r = sp_getapplock @Resource = N'r', @LockMode = '{}', @LockOwner = '{}',"
        " @LockTimeout = 0; SELECT @r"
    )
    do(t, "BEGIN TRAN")
    assert rows(t, take.format("Exclusive", "Transaction")) == [(0,)]
    assert value(t, "SELECT APPLOCK_MODE('public', 'r', 'Transaction')") == "Exclusive"
    assert rows(rival, take.format("Shared", "Session")) == [(-1,)]
    do(t, "COMMIT")
    assert rows(rival, take.format("Shared", "Session")) == [(0,)]
    assert rows(t, take.format("Shared", "Session")) == [(0,)]
    do(rival, "EXECUTE sp_releaseapplock N'r', 'Session'")
    assert error(rival, "EXECUTE sp_releaseapplock N'r', 'Session'").number == 1223


def test_open_transactions_of_other_processes_are_seen_until_they_die(t: tsqlite.Connection, path: Path) -> None:
    program = (
        "import sys, tsqlite\n"
        f"c = tsqlite.connect({str(path)!r}, autocommit=True)\n"
        "c.execute('BEGIN TRAN')\n"
        "c.execute(\"EXECUTE sp_getapplock N'p', 'Exclusive'\")\n"
        "print('ready', flush=True)\n"
        "sys.stdin.read()\n"
    )
    other = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "ready\n"
    count = "SELECT COUNT(*) FROM sys.dm_tran_active_transactions"
    taken = "DECLARE @r int; EXECUTE @r = sp_getapplock N'p', 'Shared', 'Session', 0; SELECT @r"
    assert value(t, count) == 1
    assert value(t, taken) == -1
    other.kill()
    other.wait()
    assert value(t, count) == 0
    assert value(t, taken) == 0


def test_a_transactions_begin_time_is_the_servers_clock(t: tsqlite.Connection, rival: tsqlite.Connection) -> None:
    before = value(t, "SELECT SYSUTCDATETIME()")
    do(t, "BEGIN TRAN")
    began = value(rival, "SELECT transaction_begin_time FROM sys.dm_tran_active_transactions")
    do(t, "COMMIT")
    assert abs((began - before).total_seconds()) < 1
    assert value(rival, "SELECT COUNT(*) FROM sys.dm_tran_active_transactions") == 0


def test_whether_an_application_lock_would_be_given(t: tsqlite.Connection, rival: tsqlite.Connection) -> None:
    asked = "SELECT APPLOCK_TEST('public', 'r', '{}', 'Session')"
    assert value(t, asked.format("Exclusive")) == 1
    run(t, "EXEC sp_getapplock 'r', 'Shared', 'Session'")
    assert [value(t, asked.format("Exclusive")), value(rival, asked.format("Exclusive"))] == [1, 0]
    assert value(t, "SELECT APPLOCK_MODE('public', 'r', 'Session')") == "Shared"
    assert value(rival, asked.format("Shared")) == 1
    assert value(rival, "SELECT APPLOCK_MODE('public', 'r', 'Session')") == "NoLock"
