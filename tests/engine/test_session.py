"""Sessions: the clock, the statement hook, temporary objects, SET options, several processes on one catalog."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from talking import db, do, error, path, rival, rows, run, value

import tsqlite
from tsqlite import clock

__all__ = ["db", "path", "rival"]


def test_the_clock_can_be_frozen_and_moved(db: tsqlite.Connection, path: Path) -> None:
    noon = datetime.datetime(2026, 1, 2, 12)
    clock.freeze(path, noon)
    try:
        assert value(db, "SELECT SYSUTCDATETIME()") == noon
        clock.advance(path, datetime.timedelta(minutes=1))
        assert value(db, "SELECT GETUTCDATE()") == noon + datetime.timedelta(minutes=1)
    finally:
        clock.set_clock(path, None)
    assert value(db, "SELECT SYSUTCDATETIME()") != noon


def test_the_clock_stands_still_inside_a_statement(db: tsqlite.Connection, path: Path) -> None:
    ticking = iter(range(1000))
    clock.set_clock(path, lambda: datetime.datetime(2026, 1, 1) + datetime.timedelta(seconds=next(ticking)))
    try:
        a, b = rows(db, "SELECT SYSUTCDATETIME(), SYSUTCDATETIME()")[0]
        assert a == b
        assert value(db, "SELECT SYSUTCDATETIME()") > a
    finally:
        clock.set_clock(path, None)


def test_the_hook_sees_every_statement_boundary_and_the_commit(db: tsqlite.Connection) -> None:
    do(db, "CREATE TABLE dbo.t (i int)")
    do(db, "CREATE PROCEDURE dbo.p AS\nBEGIN TRAN\nINSERT dbo.t VALUES (1)\nCOMMIT")
    seen: list[tuple[str, str | None, int, str, bool]] = []
    stop = tsqlite.on_statement(lambda e: seen.append((e.phase, e.procedure, e.line, e.kind, e.in_transaction)))
    do(db, "EXECUTE dbo.p")
    stop()
    assert seen == [
        ("before", None, 1, "Execute", False),
        ("before", "p", 2, "BeginTransaction", False),
        ("after", "p", 2, "BeginTransaction", True),
        ("before", "p", 3, "Insert", True),
        ("after", "p", 3, "Insert", True),
        ("before", "p", 4, "Commit", True),
        ("commit", "p", 0, "COMMIT", True),
        ("after", "p", 4, "Commit", False),
        ("after", None, 1, "Execute", False),
    ]


def test_a_hook_that_raises_ends_the_batch_with_everything_undone(db: tsqlite.Connection, path: Path) -> None:
    do(db, "CREATE TABLE dbo.t (i int)")

    class Killed(BaseException):
        pass

    def kill(event: tsqlite.Boundary) -> None:
        if event.phase == "commit":
            raise Killed

    stop = tsqlite.on_statement(kill)
    with pytest.raises(Killed):
        do(db, "BEGIN TRAN; INSERT dbo.t VALUES (1); COMMIT")
    stop()
    db.close()
    again = tsqlite.connect(path, autocommit=True)
    assert value(again, "SELECT COUNT(*) FROM dbo.t") == 0
    again.close()


def test_rows_of_temp_tables_of_a_batch_that_was_cut_off_do_not_come_back(db: tsqlite.Connection) -> None:
    do(db, "CREATE TABLE dbo.t (i int)")
    do(db, "CREATE PROCEDURE dbo.p AS CREATE TABLE #a (i int PRIMARY KEY); BEGIN TRAN; INSERT dbo.t VALUES (1);"
           " INSERT #a SELECT i FROM dbo.t; SELECT COUNT(*) FROM #a; COMMIT")  # fmt: skip

    class Cut(Exception):
        pass

    def cut(event: tsqlite.Boundary) -> None:
        if event.phase == "after" and event.kind == "SelectStatement":
            raise Cut

    stop = tsqlite.on_statement(cut)
    for _ in range(2):
        with pytest.raises(Cut):
            do(db, "EXECUTE dbo.p")
    stop()
    assert value(db, "SELECT @@TRANCOUNT") == 0
    assert [g for g in run(db, "EXECUTE dbo.p") if isinstance(g, list)] == [[(1,)]]
    assert value(db, "SELECT COUNT(*) FROM dbo.t") == 1


def test_temp_tables_belong_to_their_level_and_inner_levels_see_them(db: tsqlite.Connection) -> None:
    do(db, "CREATE PROCEDURE dbo.inner_one AS SELECT COUNT(*) FROM #a; CREATE TABLE #b (i int)")
    do(db, "CREATE PROCEDURE dbo.outer_one AS CREATE TABLE #a (i int); INSERT #a VALUES (1); EXECUTE dbo.inner_one;"
           " SELECT OBJECT_ID('tempdb..#b')")  # fmt: skip
    assert [g for g in run(db, "EXECUTE dbo.outer_one") if isinstance(g, list)] == [[(1,)], [(None,)]]
    assert error(db, "SELECT * FROM #a").number == 208
    do(db, "CREATE TABLE #mine (i int)")
    assert value(db, "SELECT COUNT(*) FROM #mine") == 0
    assert value(db, "EXECUTE ('SELECT COUNT(*) FROM #mine')") == 0


def test_a_recursive_procedure_has_its_own_temp_table_and_variable(db: tsqlite.Connection) -> None:
    do(
        db,
        """CREATE PROCEDURE dbo.r @n int AS
        SET NOCOUNT ON; CREATE TABLE #t (i int); DECLARE @v TABLE (i int)
        INSERT #t VALUES (@n); INSERT @v VALUES (@n)
        DECLARE @next int = @n - 1
        IF @n > 1 EXECUTE dbo.r @next
        SELECT (SELECT MAX(i) FROM #t), (SELECT COUNT(*) FROM #t), (SELECT MAX(i) FROM @v), (SELECT COUNT(*) FROM @v)""",
    )
    for _ in range(2):
        assert run(db, "EXECUTE dbo.r 3") == [[(1, 1, 1, 1)], [(2, 1, 2, 1)], [(3, 1, 3, 1)]]


def test_a_table_variable_is_new_in_each_call_but_not_in_each_loop(db: tsqlite.Connection) -> None:
    do(db, "CREATE PROCEDURE dbo.p AS SET NOCOUNT ON DECLARE @t TABLE (i int IDENTITY, n int); INSERT @t (n) VALUES (1);"
           " SELECT MAX(i), COUNT(*) FROM @t")  # fmt: skip
    assert run(db, "EXECUTE dbo.p EXECUTE dbo.p") == [[(1, 1)], [(1, 1)]]
    assert run(
        db,
        "SET NOCOUNT ON; DECLARE @i int = 0; WHILE @i < 2 BEGIN DECLARE @t TABLE (n int); INSERT @t VALUES (1);"
        " SET @i += 1 END SELECT COUNT(*) FROM @t",
    ) == [[(2,)]]


def test_set_options_of_a_procedure_end_with_it(db: tsqlite.Connection) -> None:
    do(db, "CREATE PROCEDURE dbo.p AS SET XACT_ABORT, NOCOUNT ON SET DATEFIRST 1 SET LOCK_TIMEOUT 5")
    before = rows(db, "SELECT @@OPTIONS, @@DATEFIRST, @@LOCK_TIMEOUT")
    do(db, "EXECUTE dbo.p")
    assert rows(db, "SELECT @@OPTIONS, @@DATEFIRST, @@LOCK_TIMEOUT") == before


@pytest.mark.parametrize("option", ["SET ANSI_NULLS OFF", "SET LANGUAGE German", "SET CONCAT_NULL_YIELDS_NULL OFF"])
def test_options_that_would_change_answers_are_refused(db: tsqlite.Connection, option: str) -> None:
    assert isinstance(error(db, option), tsqlite.NotSupportedError)


def test_rowcount_of_each_kind_of_statement(db: tsqlite.Connection) -> None:
    do(db, "CREATE TABLE dbo.t (i int)")
    read = "SELECT @@ROWCOUNT"
    for statement, expected in (
        ("INSERT dbo.t VALUES (1), (2)", 2),
        ("DECLARE @x int SET @x = 5", 1),
        ("SELECT * FROM dbo.t IF 1 = 0 PRINT 'x'", 0),
        ("SELECT * FROM dbo.t PRINT 'x'", 0),
        ("SELECT * FROM dbo.t SET NOCOUNT ON", 0),
        ("UPDATE dbo.t SET i = 3 WHERE i = 9", 0),
        ("DECLARE @y int SELECT @y = i FROM dbo.t", 2),
        ("EXECUTE ('SELECT TOP (1) * FROM dbo.t')", 1),
    ):
        assert run(db, f"{statement} {read} SET NOCOUNT OFF")[-1] == [(expected,)], statement


def test_a_catalog_change_is_noticed_by_other_connections(db: tsqlite.Connection, rival: tsqlite.Connection) -> None:
    do(db, "CREATE TABLE dbo.t (i int); INSERT dbo.t VALUES (1)")
    do(rival, "CREATE PROCEDURE dbo.p AS SELECT * FROM dbo.t")
    assert rows(db, "EXECUTE dbo.p") == [(1,)]
    do(rival, "ALTER TABLE dbo.t ADD j int NOT NULL DEFAULT 2")
    assert rows(db, "EXECUTE dbo.p") == [(1, 2)]
    do(rival, "ALTER PROCEDURE dbo.p AS SELECT 'new'")
    assert rows(db, "EXECUTE dbo.p") == [("new",)]


def test_session_context_and_context_info(db: tsqlite.Connection) -> None:
    do(db, "EXECUTE sp_set_session_context N'k', N'v', 1")
    assert value(db, "SELECT CAST(SESSION_CONTEXT(N'k') AS nvarchar(10))") == "v"
    assert error(db, "EXECUTE sp_set_session_context N'k', N'w'").number == 15664


def test_catalog_views_describe_the_database(db: tsqlite.Connection) -> None:
    do(
        db,
        "CREATE TABLE dbo.p (id int CONSTRAINT pk PRIMARY KEY) CREATE TABLE dbo.t (a int NOT NULL, b nvarchar(10) NULL,"
        " pid int CONSTRAINT fk REFERENCES dbo.p (id) ON DELETE CASCADE, CONSTRAINT ck CHECK (a > 0), CONSTRAINT pk_t"
        " PRIMARY KEY NONCLUSTERED (a)) CREATE UNIQUE CLUSTERED INDEX ix ON dbo.t (b DESC) CREATE INDEX iy ON dbo.t (pid)"
        " INCLUDE (b) WHERE pid > 3",
    )
    assert rows(
        db,
        "SELECT name, index_id, type_desc, is_unique, is_primary_key, filter_definition FROM sys.indexes"
        " WHERE object_id = OBJECT_ID(N'dbo.t') ORDER BY index_id",
    ) == [
        ("ix", 1, "CLUSTERED", True, False, None),
        ("pk_t", 2, "NONCLUSTERED", True, True, None),
        (
            "iy",
            3,
            "NONCLUSTERED",
            False,
            False,
            rows(db, "SELECT filter_definition FROM sys.indexes WHERE name = 'iy'")[0][0],
        ),
    ]
    assert rows(
        db,
        "SELECT COL_NAME(object_id, column_id), key_ordinal, is_included_column, is_descending_key FROM sys.index_columns"
        " WHERE object_id = OBJECT_ID(N'dbo.t') ORDER BY index_id, index_column_id",
    ) == [("b", 1, False, True), ("a", 1, False, False), ("pid", 1, False, False), ("b", 0, True, False)]
    assert rows(
        db, "SELECT name, OBJECT_NAME(referenced_object_id), delete_referential_action_desc FROM sys.foreign_keys"
    ) == [("fk", "p", "CASCADE")]
    assert rows(db, "SELECT p.rows FROM sys.partitions AS p WHERE p.object_id = OBJECT_ID(N'dbo.t')") == [(0,)] * 3
    assert isinstance(error(db, "SELECT * FROM sys.dm_os_wait_stats"), tsqlite.NotSupportedError)
    assert error(db, "SELECT * FROM sys.nonsense").number == 208


def test_permissions_are_recorded(db: tsqlite.Connection) -> None:
    do(db, "CREATE ROLE worker")
    do(db, "CREATE USER ann WITHOUT LOGIN")
    do(db, "ALTER ROLE worker ADD MEMBER ann")
    do(db, "CREATE PROCEDURE dbo.p AS SELECT 1")
    do(db, "GRANT EXECUTE ON OBJECT::dbo.p TO worker")
    do(db, "ALTER PROCEDURE dbo.p AS SELECT 2")
    assert rows(
        db,
        "SELECT USER_NAME(grantee_principal_id), OBJECT_NAME(major_id), permission_name, state_desc"
        " FROM sys.database_permissions",
    ) == [("worker", "p", "EXECUTE", "GRANT")]
    do(db, "REVOKE EXECUTE ON dbo.p FROM worker")
    assert rows(db, "SELECT 1 FROM sys.database_permissions") == []
    assert error(db, "GRANT EXECUTE ON dbo.p TO nobody").number == 15151


def test_noexec_passes_over_every_batch_until_it_is_off(db: tsqlite.Connection) -> None:
    do(db, "CREATE TABLE dbo.t (a int);")
    do(db, "IF 1 = 1 SET NOEXEC ON; INSERT INTO dbo.t VALUES (1);")
    do(db, "INSERT INTO dbo.t VALUES (2);")
    do(db, "CREATE SCHEMA s;")
    do(db, "SET NOEXEC OFF;")
    do(db, "INSERT INTO dbo.t VALUES (3);")
    assert rows(db, "SELECT a FROM dbo.t") == [(3,)]
    assert value(db, "SELECT SCHEMA_ID(N's')") is None


def test_plans_kept_by_the_process_serve_every_connection(db: tsqlite.Connection, rival: tsqlite.Connection) -> None:
    do(db, "CREATE FUNCTION dbo.twice (@i int) RETURNS int AS BEGIN RETURN @i * 2 END")
    do(db, "CREATE PROCEDURE dbo.p AS SELECT dbo.twice(COUNT(*)) FROM sys.procedures")
    assert rows(db, "EXECUTE dbo.p") == [(2,)]
    assert rows(rival, "EXECUTE dbo.p") == [(2,)]


def test_an_error_inside_a_function_is_the_statements(db: tsqlite.Connection) -> None:
    do(db, "CREATE FUNCTION dbo.f (@i int) RETURNS int AS BEGIN DECLARE @r int = 1 / @i; RETURN @r END")
    assert run(db, "SELECT dbo.f(0) SELECT 'next'") == [("error", 8134), [("next",)]]
    assert run(db, "BEGIN TRY SELECT dbo.f(0) END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH") == [[(8134,)]]
    assert rows(db, "DECLARE @x int SELECT @x = 1 SELECT dbo.f(1), @@ROWCOUNT") == [(1, 1)]


def test_a_file_that_cannot_be_opened_is_not_kept_open(tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    file.write_bytes(bytes(range(256)) * 20)
    for _ in range(3):
        with pytest.raises(tsqlite.Error, match="not a database"):
            tsqlite.connect(file)
    opened = Path("/proc/self/fd")
    if not opened.is_dir():
        pytest.skip("no /proc here to see the open files in")
    assert [link for link in opened.iterdir() if link.is_symlink() and str(link.readlink()) == str(file)] == []


def test_a_catalog_view_with_fewer_columns_is_not_shown_whole(db: tsqlite.Connection) -> None:
    run(db, "CREATE TABLE dbo.t (a int, b varchar(3))")
    assert isinstance(error(db, "SELECT * FROM sys.tables"), tsqlite.NotSupportedError)
    assert isinstance(error(db, "SELECT t.* FROM sys.schemas AS s, sys.tables AS t"), tsqlite.NotSupportedError)
    assert isinstance(error(db, "SELECT is_filetable FROM sys.tables"), tsqlite.NotSupportedError)
    assert error(db, "SELECT is_fileable FROM sys.tables").number == 207
    assert rows(db, "SELECT s.* FROM sys.schemas AS s WHERE EXISTS (SELECT * FROM sys.tables) AND s.name = 'dbo'") == [
        ("dbo", 1, 1)
    ]
    assert rows(db, "SELECT name FROM sys.all_columns WHERE object_id = OBJECT_ID(N'dbo.t')") == [("a",), ("b",)]
    assert value(db, "SELECT COUNT(*) FROM sys.types") == 34


def test_the_standards_columns_are_all_there(db: tsqlite.Connection) -> None:
    run(db, "CREATE TABLE dbo.t (b varchar(3))")
    (row,) = rows(db, "SELECT * FROM INFORMATION_SCHEMA.COLUMNS")
    assert len(row) == 23
    assert row[14:20] == (None, None, "iso_1", None, None, "SQL_Latin1_General_CP1_CI_AS")
    assert len(rows(db, "SELECT * FROM INFORMATION_SCHEMA.SCHEMATA")[0]) == 6
    run(db, "CREATE TYPE dbo.code FROM varchar(3)")
    run(db, "ALTER TABLE dbo.t ADD c dbo.code NULL")
    assert [row[20:] for row in rows(db, "SELECT * FROM INFORMATION_SCHEMA.COLUMNS ORDER BY ORDINAL_POSITION")] == [
        (None, None, None),
        (rows(db, "SELECT DB_NAME()")[0][0], "dbo", "code"),
    ]
