"""Transactions: @@TRANCOUNT, savepoints, what a rollback undoes and what survives it."""

from __future__ import annotations

import pytest
from talking import db, do, error, path, rival, rows, run, value

import tsqlite

__all__ = ["db", "path", "rival"]


@pytest.fixture
def t(db: tsqlite.Connection) -> tsqlite.Connection:
    do(db, "CREATE TABLE dbo.t (id int IDENTITY PRIMARY KEY, n int NULL, v rowversion)")
    return db


def test_trancount_counts_and_only_the_outermost_commit_commits(
    t: tsqlite.Connection, rival: tsqlite.Connection
) -> None:
    do(t, "BEGIN TRAN BEGIN TRAN INSERT dbo.t (n) VALUES (1) COMMIT")
    assert value(t, "SELECT @@TRANCOUNT") == 1
    assert value(rival, "SELECT COUNT(*) FROM dbo.t") == 0
    do(t, "COMMIT")
    assert value(rival, "SELECT COUNT(*) FROM dbo.t") == 1


def test_rollback_goes_to_zero_from_any_depth(t: tsqlite.Connection) -> None:
    do(t, "BEGIN TRAN BEGIN TRAN INSERT dbo.t (n) VALUES (1) ROLLBACK")
    assert rows(t, "SELECT @@TRANCOUNT, (SELECT COUNT(*) FROM dbo.t)") == [(0, 0)]


def test_rollback_to_a_savepoint(t: tsqlite.Connection) -> None:
    do(
        t,
        "BEGIN TRAN INSERT dbo.t (n) VALUES (1) SAVE TRAN s INSERT dbo.t (n) VALUES (2) ROLLBACK TRAN s"
        " INSERT dbo.t (n) VALUES (3) COMMIT",
    )
    assert rows(t, "SELECT n FROM dbo.t ORDER BY id") == [(1,), (3,)]


def test_a_savepoint_before_the_first_write(t: tsqlite.Connection) -> None:
    do(t, "BEGIN TRAN SAVE TRAN s INSERT dbo.t (n) VALUES (2) ROLLBACK TRAN s INSERT dbo.t (n) VALUES (3) COMMIT")
    assert rows(t, "SELECT n FROM dbo.t") == [(3,)]


def test_an_unknown_savepoint_is_6401(t: tsqlite.Connection) -> None:
    assert error(t, "BEGIN TRAN ROLLBACK TRAN nope").number == 6401
    t.rollback()


def test_identity_and_rowversion_values_are_not_given_back(t: tsqlite.Connection) -> None:
    do(t, "BEGIN TRAN INSERT dbo.t (n) VALUES (1) ROLLBACK INSERT dbo.t (n) VALUES (2)")
    first = value(t, "SELECT @@DBTS")
    assert rows(t, "SELECT id, n, v FROM dbo.t") == [(2, 2, first)]
    do(t, "BEGIN TRAN UPDATE dbo.t SET n = 3 ROLLBACK UPDATE dbo.t SET n = 4")
    assert int.from_bytes(value(t, "SELECT v FROM dbo.t")) == int.from_bytes(first) + 2


def test_table_variables_survive_a_rollback_and_temp_tables_do_not(t: tsqlite.Connection) -> None:
    got = rows(
        t,
        """SET NOCOUNT ON
        DECLARE @v TABLE (i int); CREATE TABLE #t (i int); INSERT #t VALUES (0)
        BEGIN TRAN
        INSERT @v VALUES (1); INSERT #t VALUES (1); INSERT dbo.t (n) VALUES (1); INSERT @v VALUES (2); INSERT #t VALUES (2)
        ROLLBACK
        SELECT (SELECT COUNT(*) FROM @v), (SELECT COUNT(*) FROM #t), (SELECT COUNT(*) FROM dbo.t)""",
    )
    assert got == [(2, 1, 0)]


def test_a_temp_table_is_rolled_back_though_the_database_was_never_written(t: tsqlite.Connection) -> None:
    got = rows(
        t,
        """SET NOCOUNT ON
        CREATE TABLE #t (i int); INSERT #t VALUES (0)
        BEGIN TRAN; INSERT #t VALUES (1); CREATE TABLE #u (i int); DROP TABLE #t; ROLLBACK
        SELECT (SELECT COUNT(*) FROM #t), OBJECT_ID('tempdb..#u')""",
    )
    assert got == [(1, None)]


def test_variables_survive_a_rollback(t: tsqlite.Connection) -> None:
    assert value(t, "DECLARE @i int = 1; BEGIN TRAN; SET @i = 2; ROLLBACK; SELECT @i") == 2


def test_ddl_rolls_back(t: tsqlite.Connection) -> None:
    do(t, "BEGIN TRAN; CREATE TABLE dbo.u (i int); ALTER TABLE dbo.t ADD z int NULL; ROLLBACK")
    assert rows(t, "SELECT OBJECT_ID('dbo.u'), COL_LENGTH('dbo.t', 'z')") == [(None, None)]
    do(t, "INSERT dbo.t (n) VALUES (1)")


def test_a_failed_statement_undoes_itself_alone(t: tsqlite.Connection) -> None:
    do(t, "CREATE UNIQUE INDEX ux ON dbo.t (n)")
    got = run(t, "BEGIN TRAN INSERT dbo.t (n) VALUES (1) INSERT dbo.t (n) VALUES (2), (1) COMMIT SELECT n FROM dbo.t")
    assert got == [1, ("error", 2601), [(1,)]]


def test_procedures_that_leave_with_another_count_are_266(t: tsqlite.Connection) -> None:
    do(t, "CREATE PROCEDURE dbo.p AS BEGIN TRAN")
    assert run(t, "EXECUTE dbo.p SELECT @@TRANCOUNT ROLLBACK") == [("error", 266), [(1,)]]
    do(t, "CREATE PROCEDURE dbo.q AS ROLLBACK")
    assert run(t, "BEGIN TRAN EXECUTE dbo.q SELECT @@TRANCOUNT") == [("error", 266), [(0,)]]


def test_implicit_transactions_as_pyodbc_has_them(t: tsqlite.Connection, rival: tsqlite.Connection) -> None:
    t.autocommit = False
    do(t, "SELECT 1")
    assert value(t, "SELECT @@TRANCOUNT") == 0
    do(t, "INSERT dbo.t (n) VALUES (1)")
    assert value(t, "SELECT @@TRANCOUNT") == 1
    t.rollback()
    do(t, "INSERT dbo.t (n) VALUES (2)")
    t.commit()
    assert rows(rival, "SELECT n FROM dbo.t") == [(2,)]
    t.rollback()


def test_min_active_rowversion_stays_below_what_an_open_transaction_has_drawn(
    t: tsqlite.Connection, rival: tsqlite.Connection
) -> None:
    do(t, "INSERT dbo.t (n) VALUES (1)")
    last = value(t, "SELECT MAX(v) FROM dbo.t")
    assert value(rival, "SELECT MIN_ACTIVE_ROWVERSION()") > last
    do(t, "BEGIN TRAN INSERT dbo.t (n) VALUES (2)")
    drawn = value(t, "SELECT MAX(v) FROM dbo.t")
    assert last < value(rival, "SELECT MIN_ACTIVE_ROWVERSION()") <= drawn
    assert value(t, "SELECT MIN_ACTIVE_ROWVERSION()") == drawn
    do(t, "COMMIT")
    assert value(rival, "SELECT MIN_ACTIVE_ROWVERSION()") > drawn


def test_insert_execute_is_one_transaction_and_forbids_rollback(t: tsqlite.Connection) -> None:
    do(t, "CREATE PROCEDURE dbo.p AS SELECT @@TRANCOUNT")
    do(t, "INSERT dbo.t (n) EXECUTE dbo.p")
    assert rows(t, "SELECT n FROM dbo.t") == [(1,)]
    do(t, "CREATE PROCEDURE dbo.q AS BEGIN TRAN; SELECT 1; ROLLBACK")
    assert run(t, "INSERT dbo.t (n) EXECUTE dbo.q")[0] == ("error", 3915)
    do(t, "CREATE PROCEDURE dbo.r AS CREATE TABLE #x (i int); INSERT #x EXECUTE dbo.p; SELECT i FROM #x")
    assert run(t, "INSERT dbo.t (n) EXECUTE dbo.r")[0] == ("error", 8164)
