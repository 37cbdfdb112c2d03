"""Autocommit off and on, transactions that T-SQL begins, isolation, cut connections."""

from __future__ import annotations

from typing import Any

import pytest

Connect = Any


@pytest.fixture
def table(connect: Connect) -> None:
    connect().execute("CREATE TABLE dbo.t (i int NOT NULL PRIMARY KEY)")


def count(connect: Connect) -> int:
    return int(connect().execute("SELECT COUNT(*) FROM dbo.t").fetchval())


def test_without_autocommit_nothing_is_there_before_commit(connect: Connect, table: None) -> None:
    c = connect(autocommit=False)
    c.execute("INSERT INTO dbo.t VALUES (1)")
    assert c.execute("SELECT @@TRANCOUNT").fetchval() == 1
    assert count(connect) == 0
    c.commit()
    assert count(connect) == 1
    c.execute("INSERT INTO dbo.t VALUES (?)", 2)
    c.rollback()
    assert count(connect) == 1
    c.commit()


def test_transactions_of_t_sql_across_batches(connect: Connect, table: None) -> None:
    c = connect().cursor()
    c.execute("BEGIN TRANSACTION")
    c.execute("INSERT INTO dbo.t VALUES (1)")
    assert tuple(c.execute("SELECT @@TRANCOUNT, XACT_STATE()").fetchone()) == (1, 1)
    c.execute("ROLLBACK TRANSACTION")
    assert c.execute("SELECT @@TRANCOUNT").fetchval() == 0
    c.execute("BEGIN TRAN; INSERT INTO dbo.t VALUES (2); COMMIT")
    assert count(connect) == 1


def test_an_error_under_xact_abort_ends_the_transaction(connect: Connect, table: None) -> None:
    c = connect().cursor()
    c.execute("SET XACT_ABORT ON; BEGIN TRANSACTION; INSERT INTO dbo.t VALUES (1)")
    with pytest.raises(Exception, match=r"\(2627\)"):
        c.execute("INSERT INTO dbo.t VALUES (1)")
    assert c.execute("SELECT @@TRANCOUNT").fetchval() == 0
    assert count(connect) == 0


def test_isolation_is_set_by_the_driver(connect: Connect, table: None) -> None:
    import pyodbc

    c = connect()
    c.set_attr(pyodbc.SQL_ATTR_TXN_ISOLATION, pyodbc.SQL_TXN_SERIALIZABLE)
    found = c.execute(
        "SELECT transaction_isolation_level FROM sys.dm_exec_sessions WHERE session_id = @@SPID"
    ).fetchval()
    assert found == 4


def test_a_closed_connection_leaves_nothing_behind(connect: Connect, table: None) -> None:
    c = connect(autocommit=False)
    c.execute("INSERT INTO dbo.t VALUES (1)")
    c.close()
    d = connect()
    d.execute("SET LOCK_TIMEOUT 5000")
    d.execute("INSERT INTO dbo.t VALUES (1)")
    assert count(connect) == 1
