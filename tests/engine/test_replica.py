"""Replicas: redo in commit order up to a chosen point, read-only, snapshots; and the trace of what was touched."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

import pytest
from talking import do, error, rows, value

import tsqlite
from tsqlite import clock
from tsqlite.replica import Replica, log_end, truncate_log
from tsqlite.trace import Trace


@pytest.fixture
def primary(tmp_path: Path) -> Iterator[tsqlite.Connection]:
    connection = tsqlite.connect(tmp_path / "app.db", autocommit=True, synchronous="OFF")
    do(connection, "CREATE TABLE dbo.t (id int IDENTITY PRIMARY KEY, n nvarchar(20) NULL, v rowversion)")
    do(connection, "INSERT dbo.t (n) VALUES (N'first')")
    yield connection
    connection.close()


@pytest.fixture
def replica(primary: tsqlite.Connection, tmp_path: Path) -> Replica:
    return Replica(tmp_path / "app.db", tmp_path / "replica.db")


@pytest.fixture
def reader(replica: Replica) -> Iterator[tsqlite.Connection]:
    connection = tsqlite.connect(replica.path, autocommit=True)
    yield connection
    connection.close()


def test_commits_appear_in_their_order_and_late_committers_late(
    primary: tsqlite.Connection, replica: Replica, reader: tsqlite.Connection, tmp_path: Path
) -> None:
    do(primary, "BEGIN TRAN; DECLARE @early datetime2 = SYSUTCDATETIME()")
    other = tsqlite.connect(tmp_path / "app.db", autocommit=True)
    do(other, "INSERT dbo.t (n) VALUES (N'quick')")
    do(primary, "INSERT dbo.t (n) VALUES (N'slow'); COMMIT")
    other.close()
    assert replica.behind == 2
    replica.redo(replica.position + 1)
    assert rows(reader, "SELECT n FROM dbo.t ORDER BY id") == [("first",), ("quick",)]
    replica.redo()
    assert rows(reader, "SELECT n FROM dbo.t ORDER BY id") == [("first",), ("quick",), ("slow",)]
    assert replica.behind == 0


def test_redo_up_to_a_moment_or_a_lag(
    primary: tsqlite.Connection, replica: Replica, reader: tsqlite.Connection
) -> None:
    noon = datetime.datetime(2026, 1, 1, 12)
    try:
        for minute in range(3):
            clock.freeze(replica.primary, noon + datetime.timedelta(minutes=minute))
            do(primary, "INSERT dbo.t (n) VALUES (N'x')")
        replica.redo(noon)
        assert value(reader, "SELECT COUNT(*) FROM dbo.t") == 2
        replica.redo(datetime.timedelta(minutes=1))
        assert value(reader, "SELECT COUNT(*) FROM dbo.t") == 3
    finally:
        clock.set_clock(replica.primary, None)


def test_a_stuck_replica_stands_still_and_then_jumps(
    primary: tsqlite.Connection, replica: Replica, reader: tsqlite.Connection
) -> None:
    replica.stuck = True
    do(primary, "INSERT dbo.t (n) VALUES (N'a'); DELETE FROM dbo.t WHERE n = N'a'; UPDATE dbo.t SET n = N'b'")
    replica.redo()
    assert rows(reader, "SELECT n FROM dbo.t") == [("first",)]
    replica.stuck = False
    replica.redo()
    assert rows(reader, "SELECT n FROM dbo.t") == [("b",)]


def test_everything_replicates_as_the_primary_has_it(
    primary: tsqlite.Connection, replica: Replica, reader: tsqlite.Connection
) -> None:
    do(primary, "ALTER TABLE dbo.t ADD z int NOT NULL DEFAULT 7")
    do(
        primary,
        "CREATE UNIQUE INDEX ux ON dbo.t (n) WHERE n IS NOT NULL; ALTER TABLE dbo.t ADD y int NULL; ALTER TABLE dbo.t ALTER COLUMN y bigint NULL",
    )
    do(primary, "CREATE PROCEDURE dbo.p AS SELECT n, z FROM dbo.t")
    do(primary, "BEGIN TRAN; SAVE TRAN s; INSERT dbo.t (n) VALUES (N'undone'); ROLLBACK TRAN s; CREATE TABLE dbo.u (i int);"
                " INSERT dbo.u VALUES (1); EXECUTE sp_rename 'dbo.u', 'w'; COMMIT")  # fmt: skip
    replica.redo()
    assert rows(reader, "EXECUTE dbo.p") == [("first", 7)]
    assert rows(reader, "SELECT i FROM dbo.w") == [(1,)]
    assert rows(reader, "SELECT v FROM dbo.t") == rows(primary, "SELECT v FROM dbo.t")
    assert rows(reader, "SELECT name FROM sys.objects ORDER BY name") == rows(
        primary, "SELECT name FROM sys.objects ORDER BY name"
    )


def test_several_replicas_each_with_its_own_lag(primary: tsqlite.Connection, replica: Replica, tmp_path: Path) -> None:
    second = Replica(tmp_path / "app.db", tmp_path / "second.db")
    do(primary, "INSERT dbo.t (n) VALUES (N'a')")
    second.redo()
    assert (replica.behind, second.behind) == (1, 0)
    truncate_log(tmp_path / "app.db", log_end(tmp_path / "app.db") - 1)
    assert Replica(tmp_path / "app.db", tmp_path / "replica.db").redo() == second.position


def test_writes_are_refused_but_temporary_objects_work(reader: tsqlite.Connection) -> None:
    for sql in (
        "INSERT dbo.t (n) VALUES (N'x')",
        "CREATE TABLE dbo.u (i int)",
        "EXECUTE ('DELETE dbo.t')",
        "TRUNCATE TABLE dbo.t",
    ):
        assert error(reader, sql).number == 3906
    assert value(reader, "SELECT DATABASEPROPERTYEX(DB_NAME(), 'Updateability')") == "READ_ONLY"
    assert rows(
        reader,
        "SET NOCOUNT ON; DECLARE @t TABLE (n nvarchar(20)); CREATE TABLE #t (n nvarchar(20)); INSERT @t SELECT n FROM dbo.t;"
        " INSERT #t SELECT n FROM @t; SELECT n FROM #t",
    ) == [("first",)]


def test_a_transaction_reads_one_snapshot_from_its_first_read(
    primary: tsqlite.Connection, replica: Replica, reader: tsqlite.Connection
) -> None:
    do(reader, "BEGIN TRAN")
    do(primary, "INSERT dbo.t (n) VALUES (N'before')")
    replica.redo()
    assert value(reader, "SELECT COUNT(*) FROM dbo.t") == 2
    do(primary, "INSERT dbo.t (n) VALUES (N'after')")
    replica.redo()
    assert value(reader, "SELECT COUNT(*) FROM dbo.t") == 2
    do(reader, "COMMIT")
    assert value(reader, "SELECT COUNT(*) FROM dbo.t") == 3


def test_a_rolled_back_transaction_is_not_logged(primary: tsqlite.Connection, replica: Replica) -> None:
    end = log_end(replica.primary)
    do(primary, "BEGIN TRAN; DELETE dbo.t; ROLLBACK")
    replica.redo()
    reader = tsqlite.connect(replica.path, autocommit=True)
    assert value(reader, "SELECT COUNT(*) FROM dbo.t") == 1
    reader.close()
    assert log_end(replica.primary) >= end


def test_the_trace_names_the_tables_of_each_statement(primary: tsqlite.Connection, tmp_path: Path) -> None:
    do(primary, "CREATE TABLE dbo.u (i int); CREATE TABLE dbo.untouched (i int)")
    do(primary, "CREATE PROCEDURE dbo.p AS INSERT dbo.u SELECT id FROM dbo.t; SELECT 1")
    with Trace(tmp_path / "app.db") as trace:
        do(primary, "EXECUTE dbo.p")
        do(primary, "EXECUTE dbo.p")
    inserts = [s for s in trace.statements if s.kind == "Insert"]
    assert [(s.procedure, s.reads - {"dbo.u"}, s.writes) for s in inserts] == [("p", {"dbo.t"}, {"dbo.u"})] * 2
    assert trace.tables == {"dbo.t", "dbo.u"}


def test_a_trace_minds_neither_sessions_that_have_ended_nor_those_that_end(tmp_path: Path) -> None:
    ended = tsqlite.connect(tmp_path / "app.db", autocommit=True)
    ended.execute("CREATE TABLE dbo.t (i int NOT NULL)")
    ended.close()
    with Trace() as trace, tsqlite.connect(tmp_path / "app.db", autocommit=True) as connection:
        connection.execute("SELECT i FROM dbo.t")
        connection.close()
    assert trace.reads == {"dbo.t"}
