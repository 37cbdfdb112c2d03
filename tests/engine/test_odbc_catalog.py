"""What clients ask about a database: ODBC's catalog procedures, SQLAlchemy's inspector, properties of the connection."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from talking import db, do, error, path, rows, value

import tsqlite

__all__ = ["db", "path"]

SHOP = (
    "CREATE SCHEMA app",
    "CREATE TABLE dbo.parent (id int IDENTITY(5, 2) CONSTRAINT pk_parent PRIMARY KEY, code varchar(10) NOT NULL"
    " CONSTRAINT uq_code UNIQUE, name nvarchar(50) NULL CONSTRAINT df_name DEFAULT (N'x'), price decimal(9, 2) NULL,"
    " at datetime2(3) NULL, long nvarchar(max) NULL, twice AS id * 2 PERSISTED)",
    "CREATE TABLE app.child (a int NOT NULL, b int NOT NULL, parent_id int NULL CONSTRAINT fk_parent"
    " REFERENCES dbo.parent (id) ON DELETE CASCADE, CONSTRAINT pk_child PRIMARY KEY NONCLUSTERED (a, b))",
    "CREATE INDEX ix_child ON app.child (parent_id DESC) WHERE parent_id IS NOT NULL",
    "CREATE VIEW dbo.vw AS SELECT id, name FROM dbo.parent",
)


@pytest.fixture
def shop(db: tsqlite.Connection) -> tsqlite.Connection:
    for text in SHOP:
        do(db, text)
    return db


def told(db: tsqlite.Connection, call: str) -> list[dict[str, Any]]:
    cursor = db.cursor()
    cursor.execute(call)
    assert cursor.description is not None
    names = [d[0] for d in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def test_tables(shop: tsqlite.Connection) -> None:
    found = told(shop, "EXECUTE sp_tables @table_owner = N'dbo'")
    assert [(t["TABLE_QUALIFIER"], t["TABLE_OWNER"], t["TABLE_NAME"], t["TABLE_TYPE"]) for t in found] == [
        ("x", "dbo", "parent", "TABLE"),
        ("x", "dbo", "vw", "VIEW"),
    ]
    assert [t["TABLE_NAME"] for t in told(shop, "EXEC sys.sp_tables N'%', N'%', NULL, '''TABLE'''")] == [
        "child",
        "parent",
    ]
    assert {"sys"} == {t["TABLE_OWNER"] for t in told(shop, "EXEC sp_tables @table_name = N'key%'")}
    assert told(shop, "EXEC sp_tables @table_name = N'pare__', @fUsePattern = 0") == []


def test_columns(shop: tsqlite.Connection) -> None:
    found = told(shop, "EXECUTE [x].sys.sp_columns_100 N'parent', N'%', NULL, NULL, @ODBCVer = 3, @fUsePattern = 1")
    assert [
        (c["COLUMN_NAME"], c["DATA_TYPE"], c["TYPE_NAME"], c["PRECISION"], c["LENGTH"], c["SCALE"]) for c in found
    ] == [
        ("id", 4, "int identity", 10, 4, 0),
        ("code", 12, "varchar", 10, 10, None),
        ("name", -9, "nvarchar", 50, 100, None),
        ("price", 3, "decimal", 9, 11, 2),
        ("at", 93, "datetime2", 23, 16, 3),
        ("long", -9, "nvarchar", 0, 0, None),
        ("twice", 4, "int", 10, 4, 0),
    ]
    assert [c["COLUMN_DEF"] for c in found if c["COLUMN_DEF"]] == ["(N'x')"]
    assert [(c["ORDINAL_POSITION"], c["IS_NULLABLE"], c["SS_IS_COMPUTED"]) for c in found][-1] == (7, "YES", 1)
    assert (found[4]["SQL_DATA_TYPE"], found[4]["SQL_DATETIME_SUB"]) == (9, 3)


def test_keys(shop: tsqlite.Connection) -> None:
    assert [(k["COLUMN_NAME"], k["KEY_SEQ"], k["PK_NAME"]) for k in told(shop, "EXEC sp_pkeys N'child'")] == [
        ("a", 1, "pk_child"),
        ("b", 2, "pk_child"),
    ]
    for call in ("EXEC sp_fkeys N'parent'", "EXEC sp_fkeys @fktable_name = N'child', @fktable_owner = N'app'"):
        (key,) = told(shop, call)
        assert (key["PKTABLE_NAME"], key["PKCOLUMN_NAME"], key["FKTABLE_OWNER"], key["FKCOLUMN_NAME"]) == (
            "parent", "id", "app", "parent_id",
        )  # fmt: skip
        assert (key["UPDATE_RULE"], key["DELETE_RULE"], key["FK_NAME"], key["PK_NAME"]) == (
            1,
            0,
            "fk_parent",
            "pk_parent",
        )


def test_statistics(shop: tsqlite.Connection) -> None:
    do(shop, "INSERT dbo.parent (code) VALUES ('a'), ('b')")
    found = told(shop, "EXEC sp_statistics_100 N'parent', NULL, NULL, N'%', N'N', N'Q'")
    assert [(s["TYPE"], s["NON_UNIQUE"], s["INDEX_NAME"], s["COLUMN_NAME"], s["CARDINALITY"]) for s in found] == [
        (0, None, None, None, 2),
        (1, 0, "pk_parent", "id", 2),
        (3, 0, "uq_code", "code", None),
    ]
    child = told(shop, "EXEC sp_statistics_100 N'child'")
    assert [(s["INDEX_NAME"], s["COLLATION"], s["FILTER_CONDITION"]) for s in child if s["NON_UNIQUE"]] == [
        ("ix_child", "D", "([parent_id] IS NOT NULL)")
    ]


def test_parameters_of_procedures(shop: tsqlite.Connection) -> None:
    do(shop, "CREATE PROCEDURE app.p @a int, @b nvarchar(9) = N'x', @c decimal(9, 2) OUTPUT AS RETURN 1")
    do(shop, "CREATE FUNCTION dbo.f (@x date) RETURNS bigint AS BEGIN RETURN 1 END")
    found = told(shop, "EXEC sp_sproc_columns_100 N'p', N'%', NULL, NULL, @ODBCVer = 3, @fUsePattern = 1")
    assert [
        (c["PROCEDURE_NAME"], c["COLUMN_NAME"], c["COLUMN_TYPE"], c["TYPE_NAME"], c["PRECISION"]) for c in found
    ] == [
        ("p;1", "@RETURN_VALUE", 5, "int", 10),
        ("p;1", "@a", 1, "int", 10),
        ("p;1", "@b", 1, "nvarchar", 9),
        ("p;1", "@c", 2, "decimal", 9),
    ]
    found = told(shop, "EXEC sp_sproc_columns_100 N'f'")
    assert [(c["PROCEDURE_NAME"], c["COLUMN_NAME"], c["COLUMN_TYPE"], c["TYPE_NAME"]) for c in found] == [
        ("f;0", "@RETURN_VALUE", 5, "bigint"),
        ("f;0", "@x", 1, "date"),
    ]


def test_other_catalog_procedures_are_refused(shop: tsqlite.Connection) -> None:
    with pytest.raises(tsqlite.NotSupportedError):
        do(shop, "EXEC sp_column_privileges N'parent'")


# -- SQLAlchemy's inspector


def test_the_inspector_sees_what_is_there(shop: tsqlite.Connection, path: Any) -> None:
    do(shop, "EXEC sp_addextendedproperty N'MS_Description', N'the parents', N'SCHEMA', N'dbo', N'TABLE', N'parent'")
    do(
        shop,
        "EXEC sp_addextendedproperty N'MS_Description', N'its code', N'SCHEMA', N'dbo', N'TABLE', N'parent', N'COLUMN',"
        " N'code'",
    )
    engine = sa.create_engine(f"mssql+tsqlite:///{path}")
    inspector = sa.inspect(engine)
    assert inspector.get_table_names() == ["parent"]
    assert inspector.get_table_names(schema="app") == ["child"]
    assert inspector.get_view_names() == ["vw"]
    assert inspector.get_view_definition("vw") == SHOP[4]
    columns = {c["name"]: c for c in inspector.get_columns("parent")}
    assert columns["id"]["identity"] == {"start": 5, "increment": 2}
    assert columns["twice"]["computed"]["persisted"] is True
    assert (columns["code"]["comment"], columns["name"]["default"]) == ("its code", "(N'x')")
    assert str(columns["price"]["type"]) == "DECIMAL(9, 2)"
    assert inspector.get_pk_constraint("child", schema="app")["constrained_columns"] == ["a", "b"]
    (key,) = inspector.get_foreign_keys("child", schema="app")
    assert (key["referred_schema"], key["referred_table"], key["options"]) == ("dbo", "parent", {"ondelete": "CASCADE"})
    (index,) = inspector.get_indexes("child", schema="app")
    assert index["dialect_options"]["mssql_where"] == "([parent_id] IS NOT NULL)"
    assert inspector.get_table_comment("parent") == {"text": "the parents"}
    assert inspector.has_table("nope") is False
    with engine.connect() as connection:
        assert connection.get_isolation_level() == "READ COMMITTED"
    engine.dispose()


def test_extended_properties_by_level(shop: tsqlite.Connection) -> None:
    do(shop, "EXEC sp_addextendedproperty N'Version', N'7'; EXEC sp_addextendedproperty N'N', N's', N'SCHEMA', N'app'")
    do(shop, "EXEC sp_addextendedproperty N'N', N'c', N'SCHEMA', N'app', N'TABLE', N'child', N'COLUMN', N'b'")
    of = "SELECT objtype, objname, name, value FROM {}fn_listextendedproperty({})"
    nothing = ", ".join(["default"] * 7)
    assert rows(shop, of.format("", nothing)) == [(None, None, "Version", "7")]
    assert rows(shop, of.format("sys.", "N'N', N'schema', default, NULL, NULL, NULL, NULL")) == [
        ("SCHEMA", "app", "N", "s")
    ]
    assert rows(shop, of.format("", "NULL, 'schema', 'app', 'table', 'child', 'column', default")) == [
        ("COLUMN", "b", "N", "c")
    ]
    assert rows(shop, of.format("", "'other', 'schema', 'app', 'table', 'child', 'column', default")) == []
    assert error(shop, of.format("", "NULL, NULL")).number == 313


# -- the connection


def test_a_client_asks_of_its_connection(db: tsqlite.Connection) -> None:
    assert rows(
        db,
        "SELECT CONNECTIONPROPERTY('net_transport'), CONNECTIONPROPERTY('auth_scheme'), ORIGINAL_DB_NAME(),"
        " HAS_DBACCESS('x'), HAS_DBACCESS('nope'), IS_SRVROLEMEMBER('sysadmin'), IS_SRVROLEMEMBER('dbcreator'),"
        " IS_SRVROLEMEMBER('nope')",
    ) == [("Shared memory", "SQL", "x", 1, None, 1, 0, None)]
    assert value(db, "SELECT net_transport FROM sys.dm_exec_connections WHERE session_id = @@SPID") == "Shared memory"


def test_procedures_and_their_parameters(shop: tsqlite.Connection) -> None:
    do(shop, "CREATE PROCEDURE dbo.pr @a int, @at datetime2(3), @name nvarchar(20) OUTPUT AS RETURN 0")
    do(shop, "CREATE FUNCTION dbo.fn (@x int) RETURNS int AS BEGIN RETURN @x END")
    found = told(shop, "EXEC sp_stored_procedures NULL, N'dbo'")
    assert [(p["PROCEDURE_NAME"], p["PROCEDURE_TYPE"]) for p in found] == [("fn;0", 2), ("pr;1", 2)]
    assert len(told(shop, "EXEC sp_stored_procedures N'p%'")) == 1
    columns = ("COLUMN_NAME", "COLUMN_TYPE", "DATA_TYPE", "TYPE_NAME", "PRECISION")
    newer = told(shop, "EXEC sp_sproc_columns_100 N'pr', @ODBCVer = 3")
    assert [tuple(p[c] for c in columns) for p in newer] == [
        ("@RETURN_VALUE", 5, 4, "int", 10), ("@a", 1, 4, "int", 10), ("@at", 1, 93, "datetime2", 23),
        ("@name", 2, -9, "nvarchar", 20),
    ]  # fmt: skip
    older = told(shop, "EXEC sp_sproc_columns N'pr', @ODBCVer = 3")
    assert [p["DATA_TYPE"] for p in older] == [4, 4, -9, -9]


def test_what_clients_older_than_2008_ask(shop: tsqlite.Connection) -> None:
    found = told(shop, "EXEC sp_columns N'parent'")
    assert [
        (c["COLUMN_NAME"], c["DATA_TYPE"], c["PRECISION"], c["LENGTH"])
        for c in found
        if c["COLUMN_NAME"] in ("id", "at")
    ] == [
        ("id", 4, 10, 4),
        ("at", -9, 23, 46),
    ]
    newer = told(shop, "EXEC sp_statistics_100 N'parent'")
    older = told(shop, "EXEC ..sp_statistics N'parent'")
    assert [{**row, "FILTER_CONDITION": None} for row in older] == [{**row, "FILTER_CONDITION": None} for row in newer]


def test_the_columns_that_tell_rows_apart(shop: tsqlite.Connection) -> None:
    do(
        shop,
        "CREATE TABLE dbo.stock (shelf int NOT NULL, code varchar(8) NULL, stamp rowversion, part bigint IDENTITY,"
        " CONSTRAINT k PRIMARY KEY (part, shelf), UNIQUE (code))",
    )
    best = told(shop, "EXEC sp_special_columns N'stock'")
    assert [(c["SCOPE"], c["COLUMN_NAME"], c["TYPE_NAME"], c["PSEUDO_COLUMN"]) for c in best] == [
        (0, "shelf", "int", 1),
        (0, "part", "bigint identity", 1),
    ]
    assert [c["COLUMN_NAME"] for c in told(shop, "EXEC sp_special_columns_100 'stock', @col_type = 'V'")] == ["stamp"]
    assert error(shop, "EXEC sp_special_columns").number == 201


def test_a_missing_parameter_is_told_before_an_unknown_one(shop: tsqlite.Connection) -> None:
    assert error(shop, "EXEC sp_columns @nope = N'parent'").number == 201
    assert error(shop, "EXEC sp_columns @table_name = N'parent', @nope = 1").number == 8145
