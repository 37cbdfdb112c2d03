"""What a text would send and take, told without running it, as drivers ask before they bind or fetch."""

from __future__ import annotations

from typing import Any

import pytest
from talking import db, do, error, path, rows, run, value

import tsqlite

__all__ = ["db", "path"]


@pytest.fixture
def t(db: tsqlite.Connection) -> tsqlite.Connection:
    do(
        db,
        "CREATE TABLE dbo.t (id int IDENTITY PRIMARY KEY, name nvarchar(50) NOT NULL, price decimal(9, 2) NULL,"
        " at datetime2(3) NULL, code varchar(10) COLLATE Latin1_General_100_BIN2 NULL, twice AS id * 2, v rowversion)",
    )
    do(db, "CREATE PROCEDURE dbo.p @id int, @name nvarchar(9) = N'x', @n bigint OUTPUT AS SELECT id, name FROM dbo.t")
    return db


def result(db: tsqlite.Connection, text: str, declarations: str | None = None, mode: int = 0) -> list[dict[str, Any]]:
    return told(db, "EXECUTE sp_describe_first_result_set ?, ?, ?", text, declarations, mode)


def parameters(db: tsqlite.Connection, text: str, declarations: str | None = None) -> list[dict[str, Any]]:
    return told(db, "EXECUTE sys.sp_describe_undeclared_parameters ?, ?", text, declarations)


def told(db: tsqlite.Connection, call: str, *arguments: Any) -> list[dict[str, Any]]:
    cursor = db.cursor()
    cursor.execute(call, *arguments)
    assert cursor.description is not None
    names = [d[0] for d in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


# -- sp_describe_first_result_set


def test_columns_with_their_types(t: tsqlite.Connection) -> None:
    found = result(t, "SELECT id, name, price, at, code, twice, v, 1 AS one FROM dbo.t")
    assert [(c["column_ordinal"], c["name"], c["system_type_name"], c["is_nullable"]) for c in found] == [
        (1, "id", "int", False),
        (2, "name", "nvarchar(50)", False),
        (3, "price", "decimal(9,2)", True),
        (4, "at", "datetime2(3)", True),
        (5, "code", "varchar(10)", True),
        (6, "twice", "int", True),
        (7, "v", "timestamp", False),
        (8, "one", "int", False),
    ]
    assert [(c["system_type_id"], c["max_length"], c["precision"], c["scale"]) for c in found[:5]] == [
        (56, 4, 10, 0),
        (231, 100, 0, 0),
        (106, 5, 9, 2),
        (42, 7, 23, 3),
        (167, 10, 0, 0),
    ]
    assert [(c["tds_type_id"], c["tds_length"]) for c in found[:6]] == [
        (56, 4), (231, 100), (106, 17), (42, 7), (167, 10), (38, 4),
    ]  # fmt: skip
    assert [(c["tds_collation_id"], c["tds_collation_sort_id"], c["is_case_sensitive"]) for c in found[:5:1]][1::3] == [
        (13632521, 52, False),
        (1033 | 0x20 << 20 | 2 << 28, 0, True),
    ]
    assert [(c["is_identity_column"], c["is_updateable"], c["is_computed_column"]) for c in found] == [
        (True, False, False),
        *[(False, True, False)] * 4,
        (False, False, True),
        (False, False, False),
        (False, False, False),
    ]
    assert {c["source_table"] for c in found} == {None}


def test_browse_mode_names_the_sources_and_adds_the_key(t: tsqlite.Connection) -> None:
    found = result(t, "SELECT name AS n FROM dbo.t ORDER BY name DESC", mode=1)
    assert [(c["is_hidden"], c["name"], c["source_schema"], c["source_table"], c["source_column"]) for c in found] == [
        (False, "n", "dbo", "t", "name"),
        (True, "id", "dbo", "t", "id"),
    ]
    assert [c["is_part_of_unique_key"] for c in found] == [False, True]
    assert (found[0]["ordinal_in_order_by_list"], found[0]["order_by_is_descending"]) == (1, 1)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("SET NOCOUNT ON; DECLARE @a int; SET @a = 1; SELECT @a AS a; SELECT 1 AS b", ["a"]),
        ("SELECT @P1 AS p", ["p"]),
        ("INSERT dbo.t (name) OUTPUT inserted.id, inserted.name AS n VALUES (@P1)", ["id", "n"]),
        ("UPDATE dbo.t SET name = N''", []),
        ("EXECUTE dbo.p 1, N'x', 1", ["id", "name"]),
        ("EXEC sp_executesql N'SELECT @x AS y', N'@x int', 1", ["y"]),
        ("IF @P1 = N'a' SELECT 1 AS a ELSE SELECT 2 AS a", ["a"]),
        ("BEGIN TRY SELECT 1 AS a END TRY BEGIN CATCH SELECT 'x' AS b END CATCH", ["a"]),
        ("SELECT * FROM sys.schemas", ["name", "schema_id", "principal_id"]),
        ("SELECT id INTO dbo.new FROM dbo.t; PRINT 'x'", []),
    ],
)
def test_the_first_result_set_of_a_text(t: tsqlite.Connection, text: str, names: list[str]) -> None:
    assert [c["name"] for c in result(t, text, "@P1 nvarchar(9)")] == names
    assert value(t, "SELECT COUNT(*) FROM dbo.t") == 0


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("SELECT nope FROM dbo.t", 207),
        ("SELECT * FROM dbo.nope", 208),
        ("SELECT 1 +", 102),
        ("SELECT @nope", 137),
        ("SELECT * FROM #t", 11526),
        ("EXECUTE ('SELECT 1')", 11513),
        ("IF 1 = 1 SELECT 1 AS a ELSE SELECT 'x' AS b", 11509),
        ("EXECUTE dbo.nope", 2812),
    ],
)
def test_what_cannot_be_told(t: tsqlite.Connection, text: str, number: int) -> None:
    assert error(t, "EXECUTE sp_describe_first_result_set ?", text).number == number


# -- sp_describe_undeclared_parameters


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("SELECT * FROM dbo.t WHERE id = @P1 AND name = @P2 AND at > @P3", ["int", "nvarchar(50)", "datetime2(3)"]),
        ("INSERT INTO dbo.t (name, price, at) VALUES (@P1, @P2, @P3)", ["nvarchar(50)", "decimal(9,2)", "datetime2(3)"]),
        ("INSERT INTO dbo.t (name, price) SELECT @P1, @P2", ["nvarchar(50)", "decimal(9,2)"]),
        ("INSERT INTO dbo.t (name) VALUES (@P1), (@P2)", ["nvarchar(50)", "nvarchar(50)"]),
        ("UPDATE dbo.t SET price = @P1, name = @P2 WHERE id = @P3", ["decimal(9,2)", "nvarchar(50)", "int"]),
        ("UPDATE dbo.t SET price = price + @P1", ["decimal(9,2)"]),
        ("DELETE FROM dbo.t WHERE id IN (@P1, @P2) OR id BETWEEN @P3 AND @P4", ["int"] * 4),
        ("SELECT TOP (@P1) id FROM dbo.t WHERE name LIKE @P2", ["bigint", "nvarchar(4000)"]),
        ("SELECT id FROM dbo.t ORDER BY id OFFSET @P1 ROWS FETCH NEXT @P2 ROWS ONLY", ["bigint", "bigint"]),
        ("SELECT id FROM dbo.t WHERE name LIKE N'%' + @P1 + N'%'", ["nvarchar(4000)"]),
        ("SELECT CAST(@P1 AS date), CONVERT(varchar(9), @P2), TRY_CAST(@P3 AS float)", ["date", "varchar(9)", "float"]),
        ("SELECT ISNULL(price, @P1), COALESCE(@P2, id), CASE WHEN id = 1 THEN @P3 ELSE at END FROM dbo.t",
         ["decimal(9,2)", "int", "datetime2(3)"]),
        ("SELECT DATEADD(day, @P1, at), UPPER(@P2) FROM dbo.t", ["int", "nvarchar(4000)"]),
        ("SELECT id FROM dbo.t AS t WHERE EXISTS (SELECT 1 FROM dbo.t AS u WHERE u.id = @P1)", ["int"]),
        ("SET NOCOUNT ON; DECLARE @x bigint; SET @x = @P1; SELECT @x; IF @P2 > 1 SELECT 1", ["bigint", "int"]),
        ("EXECUTE dbo.p @P1, @n = @P2 OUTPUT", ["int", "bigint"]),
        ("MERGE_is_not_here", None),
    ],
)  # fmt: skip
def test_a_parameter_has_the_type_that_its_place_wants(
    t: tsqlite.Connection, text: str, types: list[str] | None
) -> None:
    if types is None:
        return
    found = parameters(t, text)
    assert [p["suggested_system_type_name"] for p in found] == types
    assert [p["parameter_ordinal"] for p in found] == list(range(1, len(types) + 1))
    assert [p["name"] for p in found] == [f"@P{i}" for i in range(1, len(types) + 1)]


def test_parameters_of_a_call_say_their_direction_and_formal_names(t: tsqlite.Connection) -> None:
    found = parameters(t, "EXECUTE @r = dbo.p @a, @n = @b OUTPUT")
    assert [
        (p["name"], p["suggested_is_input"], p["suggested_is_output"], p["formal_parameter_name"]) for p in found
    ] == [("@r", False, True, None), ("@a", True, False, "@id"), ("@b", True, True, "@n")]


def test_how_a_type_is_written_on_the_wire(t: tsqlite.Connection) -> None:
    found = parameters(t, "SELECT 1 FROM dbo.t WHERE id = @P1 AND name = @P2 AND price = @P3")
    assert [(p["suggested_tds_type_id"], p["suggested_tds_length"]) for p in found] == [(38, 4), (231, 100), (106, 17)]


def test_declared_parameters_are_left_out(t: tsqlite.Connection) -> None:
    found = parameters(t, "SELECT 1 FROM dbo.t WHERE id = @a AND price = @b", "@a int")
    assert [p["name"] for p in found] == ["@b"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("SELECT @P1", 11502),
        ("SELECT 1 FROM dbo.t WHERE id = @p AND name = @p", 11508),
        ("SELECT nope FROM dbo.t WHERE id = @P1", 207),
        ("EXECUTE dbo.nope @P1", 2812),
    ],
)
def test_a_type_that_cannot_be_told(t: tsqlite.Connection, text: str, number: int) -> None:
    assert error(t, "EXECUTE sp_describe_undeclared_parameters ?", text).number == number


# -- SET FMTONLY


def test_fmtonly_sends_columns_alone(t: tsqlite.Connection) -> None:
    do(t, "INSERT dbo.t (name) VALUES (N'a')")
    do(t, "CREATE PROCEDURE dbo.q AS IF 1 = 0 SELECT 1 AS a ELSE SELECT 2 AS b, 3 AS c")
    do(t, "CREATE PROCEDURE dbo.r AS INSERT dbo.t (name) VALUES (N'b'); EXECUTE dbo.q")
    assert run(t, "SET FMTONLY ON; SELECT id, name FROM dbo.t; DELETE dbo.t; EXECUTE dbo.r; SET FMTONLY OFF") == [
        [], [], [],
    ]  # fmt: skip
    assert rows(t, "SELECT name FROM dbo.t") == [("a",)]
