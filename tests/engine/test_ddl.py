"""CREATE, ALTER, DROP."""

from __future__ import annotations

import pytest
from talking import db, do, error, path, rows, run

import tsqlite

__all__ = ["db", "path"]


@pytest.fixture
def t(db: tsqlite.Connection) -> tsqlite.Connection:
    do(
        db,
        "CREATE TABLE dbo.t (id int NOT NULL CONSTRAINT pk PRIMARY KEY, a int NULL); INSERT dbo.t VALUES (1, 1), (2, NULL)",
    )
    return db


def test_add_columns(t: tsqlite.Connection) -> None:
    assert error(t, "ALTER TABLE dbo.t ADD b int NOT NULL").number == 4901
    do(t, "ALTER TABLE dbo.t ADD b int NOT NULL CONSTRAINT df_b DEFAULT (5), c int NULL DEFAULT (6),"
          " d int NULL CONSTRAINT df_d DEFAULT (7) WITH VALUES")  # fmt: skip
    do(t, "ALTER TABLE dbo.t ADD e rowversion, f int IDENTITY")
    assert rows(t, "SELECT b, c, d, f FROM dbo.t ORDER BY id") == [(5, None, 7, 1), (5, None, 7, 2)]
    assert error(t, "ALTER TABLE dbo.t ADD b int").number == 2705


def test_drop_columns_and_constraints(t: tsqlite.Connection) -> None:
    do(t, "ALTER TABLE dbo.t ADD b int NOT NULL CONSTRAINT df_b DEFAULT (5)")
    assert error(t, "ALTER TABLE dbo.t DROP COLUMN b").number in (4922, 5074)
    do(t, "ALTER TABLE dbo.t DROP CONSTRAINT df_b, COLUMN b")
    assert rows(t, "SELECT * FROM dbo.t WHERE id = 1") == [(1, 1)]
    assert error(t, "ALTER TABLE dbo.t DROP COLUMN nope").number == 4924
    assert error(t, "ALTER TABLE dbo.t DROP CONSTRAINT nope").number in (3727, 3728)


def test_alter_column_changes_type_values_and_nullability(t: tsqlite.Connection) -> None:
    assert error(t, "ALTER TABLE dbo.t ALTER COLUMN a int NOT NULL").number == 515
    do(t, "UPDATE dbo.t SET a = 2 WHERE a IS NULL; CREATE INDEX ix ON dbo.t (id) INCLUDE (a)")
    do(t, "DROP INDEX ix ON dbo.t; ALTER TABLE dbo.t ALTER COLUMN a varchar(10) NOT NULL")
    assert rows(t, "SELECT a FROM dbo.t ORDER BY id") == [("1",), ("2",)]
    assert error(t, "INSERT dbo.t VALUES (1, '')").number == 2627
    assert error(t, "INSERT dbo.t VALUES (3, NULL)").number == 515
    do(t, "ALTER TABLE dbo.t ALTER COLUMN a int")
    assert rows(t, "SELECT a + 1 FROM dbo.t ORDER BY id") == [(2,), (3,)]


def test_constraints_check_the_rows_that_are_there(t: tsqlite.Connection) -> None:
    assert error(t, "ALTER TABLE dbo.t ADD CONSTRAINT ck CHECK (id > 1)").number == 547
    do(t, "ALTER TABLE dbo.t WITH NOCHECK ADD CONSTRAINT ck CHECK (id > 1)")
    assert error(t, "INSERT dbo.t VALUES (0, 0)").number == 547
    do(t, "ALTER TABLE dbo.t NOCHECK CONSTRAINT ck; INSERT dbo.t VALUES (0, 0)")
    assert rows(t, "SELECT is_disabled, is_not_trusted FROM sys.check_constraints") == [(True, True)]
    assert error(t, "ALTER TABLE dbo.t WITH CHECK CHECK CONSTRAINT ck").number == 547
    do(t, "CREATE TABLE dbo.c (x int); INSERT dbo.c VALUES (9)")
    assert error(t, "ALTER TABLE dbo.c ADD CONSTRAINT fk FOREIGN KEY (x) REFERENCES dbo.t (id)").number == 547
    do(t, "UPDATE dbo.t SET a = 5")
    assert error(t, "CREATE UNIQUE INDEX ux ON dbo.t (a)").number == 1505


@pytest.mark.parametrize(
    ("sql", "number"),
    [
        ("CREATE TABLE dbo.u (a int, A int)", 2705),
        ("CREATE TABLE dbo.u (a nonsense)", 2715),
        ("CREATE TABLE dbo.u (a int IDENTITY, b int IDENTITY)", 2744),
        ("CREATE TABLE dbo.u (a varchar(10) IDENTITY)", 2749),
        ("CREATE TABLE dbo.u (a int PRIMARY KEY, b int PRIMARY KEY)", 8110),
        ("CREATE TABLE dbo.u (a int NULL PRIMARY KEY)", 8111),
        ("CREATE TABLE nowhere.u (a int)", 2760),
        ("CREATE TABLE dbo.u (a int REFERENCES dbo.none (id))", 1767),
        ("CREATE TABLE dbo.u (a int REFERENCES dbo.t (a))", 1776),
        ("CREATE INDEX ix ON dbo.t (nope)", 1911),
        ("CREATE INDEX ix ON dbo.none (a)", 1088),
        ("CREATE CLUSTERED INDEX ix ON dbo.t (a)", 1902),
        ("DROP INDEX pk ON dbo.t", 3723),
        ("DROP INDEX nope ON dbo.t", 3701),
        ("ALTER TABLE dbo.t ADD CONSTRAINT pk2 PRIMARY KEY (id)", 1779),
        ("CREATE SCHEMA dbo", 2714),
        ("DROP SCHEMA nowhere", 15151),
        ("CREATE VIEW dbo.v AS SELECT 1 + 1", 4511),
        ("CREATE VIEW dbo.v AS SELECT * FROM dbo.none", 208),
    ],
)
def test_refused_definitions(t: tsqlite.Connection, sql: str, number: int) -> None:
    assert error(t, sql).number == number
    assert rows(t, "SELECT name FROM sys.tables") == [("t",)]


def test_views_schemas_types(t: tsqlite.Connection) -> None:
    do(t, "CREATE SCHEMA app AUTHORIZATION dbo")
    do(t, "CREATE TYPE dbo.code FROM varchar(5) NOT NULL")
    do(t, "CREATE TABLE app.t (c dbo.code)")
    assert error(t, "INSERT app.t VALUES (NULL)").number == 515
    do(t, "CREATE VIEW app.v (x, y) AS SELECT id, a FROM dbo.t WHERE id > 1")
    assert rows(t, "SELECT y, x FROM app.v") == [(None, 2)]
    assert rows(t, "SELECT name FROM sys.columns WHERE object_id = OBJECT_ID('app.v')") == [("x",), ("y",)]
    do(t, "DROP VIEW app.v; DROP TABLE app.t; DROP SCHEMA app; DROP TYPE dbo.code")


def test_sp_rename(t: tsqlite.Connection) -> None:
    do(t, "EXECUTE sp_rename 'dbo.t', 'u'; EXECUTE sp_rename 'dbo.u.a', 'b', 'COLUMN'; EXECUTE sp_rename 'pk', 'pk_u'")
    assert rows(t, "SELECT b FROM dbo.u WHERE id = 1") == [(1,)]
    assert error(t, "INSERT dbo.u VALUES (1, 1)").message.startswith("Violation of PRIMARY KEY constraint 'pk_u'")
    assert error(t, "EXECUTE sp_rename 'dbo.none', 'x'").number == 15225


def test_an_index_is_a_seek(t: tsqlite.Connection) -> None:
    do(t, "CREATE INDEX ix ON dbo.t (a DESC, id)")
    name = t.session.catalog.find("dbo", "t").sqlite_name  # type: ignore[union-attr]
    plan = t.session.db.execute(f'EXPLAIN QUERY PLAN SELECT id FROM "{name}" WHERE a = 1').fetchall()
    assert "SEARCH" in plan[0][3] and "COVERING INDEX" in plan[0][3]


def test_certificates_and_signatures_are_accepted(t: tsqlite.Connection) -> None:
    do(t, "CREATE CERTIFICATE c ENCRYPTION BY PASSWORD = 'x' WITH SUBJECT = 's'")


def test_triggers_and_merge_are_refused(t: tsqlite.Connection) -> None:
    assert run(t, "CREATE TRIGGER x ON dbo.t AFTER INSERT AS SELECT 1")[0][0] == "refused"
    assert run(t, "MERGE dbo.t AS a USING dbo.t AS b ON a.id = b.id WHEN MATCHED THEN DELETE;")[0][0] == "refused"
    assert run(t, "SELECT * FROM otherdb.dbo.t")[0][0] == "refused"


def test_the_alembic_way_of_dropping_a_default(t: tsqlite.Connection) -> None:
    do(t, "ALTER TABLE dbo.t ADD z int NOT NULL DEFAULT 3")
    do(
        t,
        """declare @const_name varchar(256)
        select @const_name = QUOTENAME([name]) from sys.default_constraints
        where parent_object_id = object_id('dbo.t') and col_name(parent_object_id, parent_column_id) = 'z'
        exec('alter table dbo.t drop constraint ' + @const_name)""",
    )
    do(t, "ALTER TABLE dbo.t DROP COLUMN z")


def test_cascades_have_one_path(t: tsqlite.Connection) -> None:
    key = "REFERENCES dbo.{} (id) ON DELETE CASCADE"
    assert error(t, f"CREATE TABLE dbo.s (id int PRIMARY KEY, up int {key.format('s')})").number == 1785
    do(t, f"CREATE TABLE dbo.b (id int PRIMARY KEY, up int {key.format('t')})")
    do(t, f"CREATE TABLE dbo.c (id int PRIMARY KEY, up int {key.format('b')}, other int REFERENCES dbo.t (id))")
    assert error(t, f"ALTER TABLE dbo.c ADD top_one int {key.format('t')}").number == 1785
    do(t, f"CREATE TABLE dbo.d (id int PRIMARY KEY, up int {key.format('c')})")
