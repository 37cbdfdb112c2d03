"""INSERT, UPDATE, DELETE: identity, rowversion, defaults, keys checked at the end, OUTPUT, foreign key actions."""

from __future__ import annotations

import decimal

import pytest
from talking import db, do, error, path, rows, run, value

import tsqlite

__all__ = ["db", "path"]


@pytest.fixture
def t(db: tsqlite.Connection) -> tsqlite.Connection:
    do(
        db,
        "CREATE TABLE dbo.t (id int IDENTITY(10, 5) PRIMARY KEY, n int NULL, s nvarchar(10) NOT NULL DEFAULT N'd',"
        " g uniqueidentifier NOT NULL DEFAULT NEWID(), v rowversion)",
    )
    return db


def test_identity_starts_and_steps(t: tsqlite.Connection) -> None:
    assert rows(t, "INSERT dbo.t (n) OUTPUT inserted.id VALUES (1), (2)") == [(10,), (15,)]
    assert rows(t, "SELECT SCOPE_IDENTITY(), @@IDENTITY, IDENT_CURRENT('dbo.t')") == [(15, 15, 15)]


def test_scope_identity_is_the_scopes_own(t: tsqlite.Connection) -> None:
    do(t, "CREATE PROCEDURE dbo.p AS INSERT dbo.t (n) VALUES (1)")
    assert rows(t, "SET NOCOUNT ON; EXECUTE dbo.p; SELECT SCOPE_IDENTITY(), @@IDENTITY") == [(None, 10)]


def test_explicit_identity_values(t: tsqlite.Connection) -> None:
    assert error(t, "INSERT dbo.t (id, n) VALUES (1, 1)").number == 544
    do(t, "SET IDENTITY_INSERT dbo.t ON; INSERT dbo.t (id, n) VALUES (100, 1); SET IDENTITY_INSERT dbo.t OFF")
    assert rows(t, "INSERT dbo.t (n) OUTPUT inserted.id VALUES (1)") == [(105,)]
    assert error(t, "SET IDENTITY_INSERT dbo.t ON; INSERT dbo.t (n) VALUES (1)").number == 545
    assert error(t, "UPDATE dbo.t SET id = 3").number == 8102


def test_truncate_resets_identity_and_delete_does_not(t: tsqlite.Connection) -> None:
    do(t, "INSERT dbo.t (n) VALUES (1); DELETE FROM dbo.t; INSERT dbo.t (n) VALUES (1)")
    assert value(t, "SELECT id FROM dbo.t") == 15
    do(t, "TRUNCATE TABLE dbo.t; INSERT dbo.t (n) VALUES (1)")
    assert value(t, "SELECT id FROM dbo.t") == 10


def test_defaults_for_omitted_columns_and_the_keyword(t: tsqlite.Connection) -> None:
    do(t, "INSERT dbo.t (n, s) VALUES (1, DEFAULT), (2, N'x'); INSERT dbo.t DEFAULT VALUES")
    assert rows(t, "SELECT n, s FROM dbo.t ORDER BY id") == [(1, "d"), (2, "x"), (None, "d")]
    assert value(t, "SELECT COUNT(DISTINCT g) FROM dbo.t") == 3


def test_rowversion_grows_with_each_write_and_is_never_given(t: tsqlite.Connection) -> None:
    do(t, "INSERT dbo.t (n) VALUES (1), (2)")
    before = rows(t, "SELECT v FROM dbo.t ORDER BY id")
    do(t, "UPDATE dbo.t SET n = n WHERE n = 1")
    after = rows(t, "SELECT v FROM dbo.t ORDER BY id")
    assert before[0] < before[1] == after[1] < after[0]
    assert error(t, "INSERT dbo.t (v) VALUES (0x01)").number == 273
    assert error(t, "UPDATE dbo.t SET v = 0x01").number == 272


def test_set_sees_the_old_row(db: tsqlite.Connection) -> None:
    do(db, "CREATE TABLE dbo.t (a int, b int); INSERT dbo.t VALUES (1, 2)")
    do(db, "UPDATE dbo.t SET a = b, b = a")
    assert rows(db, "SELECT * FROM dbo.t") == [(2, 1)]
    assert rows(db, "DECLARE @x int; UPDATE dbo.t SET @x = a = a + 10; SELECT @x, a FROM dbo.t") == [(12, 12)]


def test_keys_are_checked_at_the_end_of_the_statement(db: tsqlite.Connection) -> None:
    do(db, "CREATE TABLE dbo.t (id int PRIMARY KEY, n int UNIQUE); INSERT dbo.t VALUES (1, 1), (2, 2), (3, 3)")
    do(db, "UPDATE dbo.t SET id = id + 1, n = 4 - n")
    assert rows(db, "SELECT id, n FROM dbo.t ORDER BY id") == [(2, 3), (3, 2), (4, 1)]
    assert error(db, "UPDATE dbo.t SET id = 7").number == 2627
    assert rows(db, "SELECT id FROM dbo.t ORDER BY id") == [(2,), (3,), (4,)]


def test_filtered_unique_index_and_nulls(db: tsqlite.Connection) -> None:
    do(db, "CREATE TABLE dbo.t (a int NULL, b int NULL)")
    do(db, "CREATE UNIQUE INDEX ux ON dbo.t (a, b) WHERE a IS NOT NULL")
    do(db, "INSERT dbo.t VALUES (NULL, 1), (NULL, 1), (1, NULL)")
    assert error(db, "INSERT dbo.t VALUES (1, NULL)").number == 2601


def test_keys_compare_by_the_columns_collation(db: tsqlite.Connection) -> None:
    do(db, "CREATE TABLE dbo.t (s nvarchar(10) PRIMARY KEY, b nvarchar(10) COLLATE Latin1_General_BIN2 UNIQUE)")
    do(db, "INSERT dbo.t VALUES (N'a', N'a')")
    assert error(db, "INSERT dbo.t VALUES (N'A ', N'z')").number == 2627
    do(db, "INSERT dbo.t VALUES (N'c', N'A')")


def test_an_index_under_a_binary_collation_is_sought_and_sorts_by_the_code_page(db: tsqlite.Connection) -> None:
    do(db, "CREATE TABLE dbo.t (s varchar(10) COLLATE Latin1_General_BIN2 NOT NULL, n int)")
    do(db, "CREATE INDEX ix ON dbo.t (s) INCLUDE (n)")
    do(db, "INSERT dbo.t VALUES ('é', 1), ('€', 2), ('a ', 3), ('A', 4), ('z', 5)")
    # In code page 1252 the euro stands at 0x80, before é at 0xE9; in Unicode it comes long after.
    assert rows(db, "SELECT s FROM dbo.t ORDER BY s") == [("A",), ("a ",), ("z",), ("€",), ("é",)]
    assert rows(db, "SELECT s FROM dbo.t WHERE s > 'a' AND s < 'é' ORDER BY s") == [("z",), ("€",)]
    assert rows(db, "SELECT n FROM dbo.t WHERE s = 'a'") == [(3,)]
    assert rows(db, "SELECT n FROM dbo.t WHERE s IN ('A', '€  ') ORDER BY n") == [(2,), (4,)]
    assert value(db, "SELECT MAX(s) FROM dbo.t") == "é"
    plan = db.session.db.execute("EXPLAIN QUERY PLAN SELECT n FROM \"dbo.t\" WHERE s = 'a' COLLATE RTRIM").fetchall()
    assert "COVERING INDEX" in plan[0][3]


def test_output_of_each_statement(t: tsqlite.Connection) -> None:
    do(t, "INSERT dbo.t (n) VALUES (1), (2)")
    assert rows(t, "UPDATE dbo.t SET n = n * 10 OUTPUT deleted.n, inserted.n, inserted.n - deleted.n WHERE n = 2") == [
        (2, 20, 18)
    ]
    assert rows(t, "DELETE FROM dbo.t OUTPUT deleted.n, deleted.s WHERE n = 1") == [(1, "d")]
    do(t, "CREATE TABLE dbo.log (k int IDENTITY, n int)")
    assert rows(
        t,
        "SET NOCOUNT ON; DECLARE @o TABLE (n int); DELETE FROM dbo.t OUTPUT deleted.n INTO @o; INSERT dbo.log (n) SELECT n"
        " FROM @o; SELECT k, n FROM dbo.log",
    ) == [(1, 20)]
    do(t, "INSERT dbo.t (n) OUTPUT inserted.n INTO dbo.log (n) VALUES (5)")
    assert rows(t, "SELECT n FROM dbo.log ORDER BY k") == [(20,), (5,)]


def test_an_updatable_cte_claims_in_order(t: tsqlite.Connection) -> None:
    do(t, "INSERT dbo.t (n) VALUES (3), (1), (2)")
    got = rows(
        t,
        "WITH due AS (SELECT TOP (2) * FROM dbo.t WITH (ROWLOCK, READPAST, UPDLOCK, READCOMMITTEDLOCK) ORDER BY n)"
        " UPDATE due SET s = N'claimed' OUTPUT inserted.n",
    )
    assert sorted(got) == [(1,), (2,)]
    assert rows(t, "SELECT n FROM dbo.t WHERE s = N'd'") == [(3,)]


def test_update_from_and_delete_from_a_join(t: tsqlite.Connection) -> None:
    do(t, "INSERT dbo.t (n) VALUES (1), (2), (3)")
    do(t, "UPDATE x SET x.s = y.s FROM dbo.t AS x JOIN (VALUES (1, N'one'), (2, N'two')) AS y (n, s) ON y.n = x.n")
    assert rows(t, "SELECT s FROM dbo.t ORDER BY n") == [("one",), ("two",), ("d",)]
    assert run(t, "DELETE x FROM dbo.t AS x JOIN (VALUES (1), (2)) AS y (n) ON y.n = x.n") == [2]


def test_delete_top(t: tsqlite.Connection) -> None:
    do(t, "INSERT dbo.t (n) VALUES (1), (2), (3)")
    assert run(t, "DELETE TOP (2) FROM dbo.t") == [2]


@pytest.mark.parametrize(
    ("action", "left"),
    [("CASCADE", []), ("SET NULL", [(1, None)]), ("SET DEFAULT", [(1, 0)])],
)
def test_foreign_key_actions(db: tsqlite.Connection, action: str, left: list[tuple[int, int | None]]) -> None:
    do(db, "CREATE TABLE dbo.p (id int PRIMARY KEY); INSERT dbo.p VALUES (0), (1)")
    do(db, f"CREATE TABLE dbo.c (id int, pid int DEFAULT 0 REFERENCES dbo.p (id) ON DELETE {action})")
    do(db, "INSERT dbo.c VALUES (1, 1); DELETE FROM dbo.p WHERE id = 1")
    assert rows(db, "SELECT id, pid FROM dbo.c") == left


def test_a_foreign_key_is_checked_at_the_end_of_the_statement(db: tsqlite.Connection) -> None:
    do(db, "CREATE TABLE dbo.e (id int PRIMARY KEY, boss int REFERENCES dbo.e (id))")
    do(db, "INSERT dbo.e VALUES (1, 2), (2, 1)")
    do(db, "DELETE FROM dbo.e")
    found = error(db, "INSERT dbo.e VALUES (1, 5)")
    assert found.number == 547 and "FOREIGN KEY SAME TABLE" in found.message


def test_check_passes_on_unknown(db: tsqlite.Connection) -> None:
    do(db, "CREATE TABLE dbo.t (a int CHECK (a > 0)); INSERT dbo.t VALUES (NULL)")
    assert error(db, "UPDATE dbo.t SET a = -1").message.startswith("The UPDATE statement conflicted with the CHECK")


def test_decimals_are_exact(db: tsqlite.Connection) -> None:
    do(db, "CREATE TABLE dbo.t (a decimal(38, 10), b money)")
    do(
        db,
        "INSERT dbo.t VALUES (?, ?)",
        decimal.Decimal("1234567890123456789012345678.0123456789"),
        decimal.Decimal("0.1"),
    )
    assert rows(db, "SELECT a, b + b FROM dbo.t") == [
        (decimal.Decimal("1234567890123456789012345678.0123456789"), decimal.Decimal("0.2000"))
    ]


def test_select_into_inherits_types_and_identity(t: tsqlite.Connection) -> None:
    do(t, "INSERT dbo.t (n) VALUES (1)")
    do(t, "SELECT id, s, n * 1.5 AS x INTO dbo.u FROM dbo.t")
    assert rows(
        t,
        "SELECT c.name, t.name, c.max_length, c.precision, c.scale, c.is_nullable, c.is_identity FROM sys.columns AS c"
        " JOIN sys.types AS t ON t.user_type_id = c.user_type_id WHERE c.object_id = OBJECT_ID('dbo.u') ORDER BY column_id",
    ) == [
        ("id", "int", 4, 10, 0, False, True),
        ("s", "nvarchar", 20, 0, 0, False, False),
        ("x", "numeric", 9, 13, 1, True, False),
    ]
    assert rows(t, "SELECT s INTO #x FROM dbo.t; SELECT * FROM #x") == [("d",)]
    assert error(t, "SELECT n + 1 INTO dbo.w FROM dbo.t").number == 1038


def test_wrong_shapes(t: tsqlite.Connection) -> None:
    assert error(t, "INSERT dbo.t (n, s) VALUES (1)").number == 109
    assert error(t, "INSERT dbo.t (n) VALUES (1, 2)").number == 110
    assert error(t, "INSERT dbo.t (n, n) VALUES (1, 2)").number == 264
    assert error(t, "INSERT dbo.t (nope) VALUES (1)").number == 207
    assert error(t, "INSERT dbo.t VALUES (1)").number == 213


def test_truncate_needs_no_reference(db: tsqlite.Connection) -> None:
    do(db, "CREATE TABLE dbo.p (id int PRIMARY KEY); CREATE TABLE dbo.c (pid int REFERENCES dbo.p (id))")
    assert error(db, "TRUNCATE TABLE dbo.p").number == 4712
    assert error(db, "DROP TABLE dbo.p").number == 3726


def test_computed_columns_are_computed(db: tsqlite.Connection) -> None:
    do(db, "CREATE TABLE dbo.t (a int NOT NULL, b AS a * 2, c AS CONCAT(a, 'x')); INSERT dbo.t (a) VALUES (3)")
    assert rows(db, "SELECT * FROM dbo.t WHERE b = 6") == [(3, 6, "3x")]
    assert error(db, "UPDATE dbo.t SET b = 1").number == 271


def test_binary_keys_are_equal_but_for_zeros_at_the_end(db: tsqlite.Connection) -> None:
    do(db, "CREATE TABLE dbo.t (b varbinary(10) NOT NULL PRIMARY KEY); INSERT dbo.t VALUES (0x01)")
    assert error(db, "INSERT dbo.t VALUES (0x0100)").message.endswith("The duplicate key value is (0x0100).")


def test_count_distinct_takes_binary_values_that_differ_in_zeros_at_the_end_for_one(db: tsqlite.Connection) -> None:
    text = (
        "SELECT COUNT(DISTINCT v.b), COUNT(v.b) FROM (VALUES (CONVERT(varbinary(8), 0x01)), (0x0100), (0x02)) AS v (b);"
    )
    assert db.cursor().execute(text).fetchall() == [(2, 3)]
