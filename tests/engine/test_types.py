"""Types: declaration, spelling, precedence, and what Python values are declared as."""

from __future__ import annotations

import datetime
import uuid
from decimal import Decimal

import pytest

from tsqlite import types
from tsqlite.errors import SqlError, Unsupported
from tsqlite.types import (
    BIGINT,
    DATE,
    DATETIME,
    FLOAT,
    INT,
    MONEY,
    NULL,
    UNIQUEIDENTIFIER,
    SqlType,
    char,
    common_type,
    common_type_of,
    datetime2,
    datetimeoffset,
    decimal_type,
    from_python,
    nvarchar,
    parse_type,
    time_type,
    varchar,
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "args", "context", "expected"),
    [
        ("varchar", (), "declare", "varchar(1)"), ("varchar", (), "cast", "varchar(30)"), ("nvarchar", ("max",),
        "column", "nvarchar(max)"),
        ("VARCHAR", (8000,), "column", "varchar(8000)"), ("decimal", (), "column", "decimal(18,0)"),
        ("numeric", (5,), "column", "numeric(5,0)"), ("float", (24,), "column", "real"), ("float", (25,), "column",
        "float"),
        ("datetime2", (), "column", "datetime2(7)"), ("time", (3,), "column", "time(3)"), ("rowversion", (),
        "column", "timestamp"),
        ("timestamp", (), "column", "timestamp"), ("sysname", (), "column", "nvarchar(128)"),
        ("double precision", (), "column", "float"), ("national character varying", (5,), "column", "nvarchar(5)"),
        ("integer", (), "column", "int"), ("dec", (9, 2), "column", "decimal(9,2)"),
    ],
)  # fmt: skip
def test_declaration(name: str, args: tuple[int | str, ...], context: str, expected: str) -> None:
    assert str(parse_type(name, args, context)) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "args", "context", "error"),
    [
        ("nope", (), "column", 2715), ("nope", (), "cast", 243), ("varchar", (8001,), "column", 131),
        ("nvarchar", (4001,), "column", 131), ("varchar", (0,), "column", 1001), ("decimal", (39, 0), "column", 2750),
        ("decimal", (5, 6), "column", 192), ("datetime2", (8,), "column", 1002), ("int", (4,), "column", 2716),
    ],
)  # fmt: skip
def test_bad_declaration(name: str, args: tuple[int | str, ...], context: str, error: int) -> None:
    with pytest.raises(SqlError) as caught:
        parse_type(name, args, context)  # type: ignore[arg-type]
    assert caught.value.number == error


def test_types_that_are_refused() -> None:
    for name in ("xml", "text", "sql_variant", "geography"):
        with pytest.raises(Unsupported):
            parse_type(name)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (INT, BIGINT, "bigint"), (INT, decimal_type(5, 2), "decimal(12,2)"), (varchar(3), INT, "int"), (INT, FLOAT,
        "float"),
        (varchar(3), nvarchar(2), "nvarchar(3)"), (char(3), varchar(5), "varchar(5)"), (varchar(3), varchar(),
        "varchar(max)"),
        (decimal_type(5, 2), decimal_type(5, 4), "decimal(7,4)"), (decimal_type(38, 0), decimal_type(38, 10),
        "decimal(38,0)"),
        (DATE, datetime2(3), "datetime2(3)"), (DATETIME, datetime2(0), "datetime2(3)"), (MONEY, decimal_type(5, 2),
        "decimal(19,4)"),
        (NULL, INT, "int"), (varchar(10), UNIQUEIDENTIFIER, "uniqueidentifier"), (datetime2(3), datetimeoffset(0),
        "datetimeoffset(3)"),
    ],
)  # fmt: skip
def test_common_type(a: SqlType, b: SqlType, expected: str) -> None:
    assert str(common_type(a, b)) == str(common_type(b, a)) == expected


def test_common_type_clashes() -> None:
    with pytest.raises(SqlError) as caught:
        common_type(DATE, INT)
    assert caught.value.number == 206


def test_common_type_of_several_goes_by_the_highest() -> None:
    assert str(common_type_of([varchar(4), INT, types.numeric(3, 1), NULL])) == "numeric(11,1)"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("abc", "nvarchar(3)"), ("", "nvarchar(1)"), ("x" * 5000, "nvarchar(max)"), ("😀", "nvarchar(2)"), (1, "int"),
        (2**31, "bigint"),
        (True, "bit"), (1.5, "float"), (Decimal("1.50"), "decimal(3,2)"), (Decimal("1E+3"), "decimal(4,0)"),
        (datetime.datetime(2020, 1, 5), "datetime2(7)"), (datetime.date(2020, 1, 5), "date"), (datetime.time(1),
        "time(7)"),
        (datetime.datetime(2020, 1, 5, tzinfo=datetime.UTC), "datetimeoffset(7)"), (b"ab", "varbinary(2)"),
        (uuid.UUID(int=1), "uniqueidentifier"), (None, "nvarchar(1)"),
    ],
)  # fmt: skip
def test_types_of_parameters(value: object, expected: str) -> None:
    assert str(from_python(value)) == expected


def test_sizes_as_the_catalog_shows_them() -> None:
    assert [t.max_bytes for t in (nvarchar(10), varchar(), decimal_type(18, 2), datetime2(7), time_type(0), INT)] == [
        20,
        -1,
        9,
        8,
        3,
        4,
    ]
    assert [t.storage_class for t in (INT, decimal_type(19, 0), FLOAT, datetimeoffset(), UNIQUEIDENTIFIER)] == [
        "INTEGER", "TEXT", "REAL", "TEXT", "BLOB"
    ]  # fmt: skip
