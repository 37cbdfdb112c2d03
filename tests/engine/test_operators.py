"""Operators: result types, values, errors; comparison, LIKE."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from evaluation import Expression, call, cast, like, lit, minus, op, run, shown, typed

from tsqlite import operators, types
from tsqlite.errors import SqlError
from tsqlite.types import (
    BIGINT,
    BIT,
    DATE,
    DATETIME,
    FLOAT,
    INT,
    MONEY,
    SMALLINT,
    TINYINT,
    UNIQUEIDENTIFIER,
    char,
    datetime2,
    datetimeoffset,
    decimal_type,
    nchar,
    nvarchar,
    time_type,
    varchar,
)  # fmt: skip

D = Decimal


def as_int(n: int) -> Expression:
    return cast(lit(n), INT)


def column(text: str, type_: types.SqlType) -> Expression:
    return typed(text, type_)


@pytest.mark.parametrize(
    ("a", "operator", "b", "expected", "type_"),
    [
        (lit(1), "/", lit(2), 0, "int"),
        (lit(-7), "/", lit(2), -3, "int"),
        (lit(-7), "%", lit(2), -1, "int"),
        (lit(1), "/", lit(D("2.0")), D("0.500000"), "numeric(8,6)"),
        (lit(D("1.0")), "/", lit(3), D("0.333333"), "numeric(7,6)"),
        (lit(D("1.0")), "/", as_int(3), D("0.333333333333"), "numeric(13,12)"),
        (lit(2), "*", lit(D("1.5")), D("3.0"), "numeric(4,1)"),
        (lit(7), "%", lit(D("2.5")), D("2.0"), "numeric(2,1)"),
        (lit(D("1.1")), "+", lit(D("2.22")), D("3.32"), "numeric(4,2)"),
        (lit("1"), "+", lit(1), 2, "int"),
        (lit("125127"), "+", lit(15), 125142, "int"),
        (lit("a"), "+", lit("b"), "ab", "varchar(2)"),
        (lit("a"), "+", lit("b", n=True), "ab", "nvarchar(2)"),
        (lit(b"\1"), "+", lit(b"\2"), b"\1\2", "varbinary(2)"),
        (lit(6), "&", lit(3), 2, "int"),
        (lit(6), "|", lit(3), 7, "int"),
        (lit(170), "^", lit(75), 225, "int"),
        (lit(2.0), "*", lit(3), 6.0, "float"),
        (column("10", MONEY), "/", column("3", MONEY), D("3.3333"), "money"),
        (column("0.0001", MONEY), "*", column("0.5", MONEY), D("0.0001"), "money"),
        (column("10", MONEY), "*", lit(3), D("30.0000"), "money"),
        (column("5", TINYINT), "+", column("3", SMALLINT), 8, "smallint"),
        (column("9", decimal_type(38, 10)), "*", column("2", decimal_type(38, 10)), D("18.000000"), "decimal(38,6)"),
        (column("1", decimal_type(38, 0)), "/", column("3", decimal_type(38, 0)), D("0.333333"), "decimal(38,6)"),
        (column("99999999999999999999", decimal_type(20, 0)), "+", lit(1), D("100000000000000000000"), "numeric(21,0)"),
    ],
)  # fmt: skip
def test_arithmetic(a: Expression, operator: str, b: Expression, expected: Any, type_: str) -> None:
    made = op(operator, a, b)
    assert (run(made), str(made.type)) == (expected, type_)


@pytest.mark.parametrize(
    ("a", "operator", "b", "error"),
    [
        (lit(2147483647), "+", lit(1), 8115),
        (lit(-2147483648), "-", lit(1), 8115),
        (lit(65536), "*", lit(65536), 8115),
        (cast(lit(D("9223372036854775807")), BIGINT), "+", lit(1), 8115),
        (typed("255", TINYINT), "+", typed("1", TINYINT), 8115),
        (lit(1), "/", lit(0), 8134),
        (lit(1), "%", lit(0), 8134),
        (lit(1.0), "/", lit(0.0), 8134),
        (lit(D("1.0")), "/", lit(D("0.0")), 8134),
        (lit(1e308), "*", lit(10.0), 8115),
        (lit("a", n=True), "+", lit(1), 245),
        (typed("9" * 38, decimal_type(38, 0)), "+", typed("9" * 38, decimal_type(38, 0)), 8115),
    ],
)
def test_arithmetic_errors(a: Expression, operator: str, b: Expression, error: int) -> None:
    with pytest.raises(SqlError) as caught:
        run(op(operator, a, b))
    assert caught.value.number == error


@pytest.mark.parametrize(
    ("a", "operator", "b", "error"),
    [
        (DATE, "+", INT, 206),
        (datetime2(), "+", INT, 206),
        (datetime2(), "-", datetime2(), 8117),
        (DATE, "-", datetime2(), 402),
        (DATE, "=", INT, 206),
        (DATE, "=", time_type(), 402),
        (UNIQUEIDENTIFIER, "=", INT, 206),
        (BIT, "+", BIT, 8117),
        (varchar(3), "-", varchar(3), 8117),
        (varchar(3), "*", nvarchar(3), 402),
        (FLOAT, "%", FLOAT, 8117),
        (FLOAT, "&", INT, 402),
        (UNIQUEIDENTIFIER, "+", INT, 402),
        (varchar(3), "+", types.varbinary(3), 402),
    ],
)
def test_types_that_do_not_go_together(a: types.SqlType, operator: str, b: types.SqlType, error: int) -> None:
    with pytest.raises(SqlError) as caught:
        operators.resolve_binary(operator, a, b)
    assert caught.value.number == error


def test_a_datetime_counts_days() -> None:
    start = typed("2020-01-05 12:00", DATETIME)
    assert shown(op("+", start, lit(1))) == "Jan  6 2020 12:00PM"
    assert shown(op("-", start, lit(D("0.5")))) == "Jan  5 2020 12:00AM"
    assert shown(op("-", start, typed("2020-01-04 12:00", DATETIME))) == "Jan  2 1900 12:00AM"


def test_minus() -> None:
    assert run(minus(lit(5))) == -5
    assert run(minus(typed("123.45", decimal_type(10, 2)))) == D("-123.45")
    assert run(minus(typed("1.5", decimal_type(38, 2)))) == D("-1.50")
    assert str(minus(typed("5", TINYINT)).type) == "smallint"
    with pytest.raises(SqlError) as caught:
        run(minus(cast(lit(-2147483648), INT)))
    assert caught.value.number == 8115


@pytest.mark.parametrize(
    ("a", "operator", "b", "expected"),
    [
        (lit("abc"), "=", lit("ABC"), True),
        (lit("abc"), "=", lit("abc   "), True),
        (lit("e"), "=", lit("é"), False),
        (lit("é", n=True), "=", lit("e\u0301", n=True), True),
        (lit("straße", n=True), "=", lit("STRASSE", n=True), True),
        (lit("a-c"), "<", lit("ab"), True),
        (lit("a-c", n=True), "<", lit("ab", n=True), False),
        (lit("a"), "<", lit("B"), True),
        (lit("Z"), "<", lit("a"), False),
        (lit("2"), "<", lit("a"), True),
        (lit("_"), "<", lit("1"), True),
        (lit("10"), "=", lit(10), True),
        (lit(1), "=", lit(D("1.00")), True),
        (lit(1), "<", lit(1.5), True),
        (typed("1.5", decimal_type(38, 2)), ">", lit(D("1.49999")), True),
        (typed("-1.5", decimal_type(38, 2)), "<", lit(0), True),
        (typed("2020-01-05", DATE), "=", lit("20200105"), True),
        (typed("2020-01-05", DATE), "<", typed("2020-01-05 00:00:01", datetime2()), True),
        (
            typed("2020-01-05 12:00 +02:00", datetimeoffset()),
            "=",
            typed("2020-01-05 10:00 +00:00", datetimeoffset()),
            True,
        ),
        (typed("2020-01-05 12:00:00.003", DATETIME), "=", typed("2020-01-05 12:00:00.0033333", datetime2()), True),
        (lit(b"\1\2"), "=", lit(b"\1\2\0"), True),
        (lit(b"\1"), "<", lit(b"\1\1"), True),
        (typed("ab", char(5)), "=", lit("ab"), True),
        (lit(None), "=", lit(1), None),
        (cast(lit(1), BIT), "=", lit("true"), True),
    ],
)
def test_comparison(a: Expression, operator: str, b: Expression, expected: bool | None) -> None:
    assert run(op(operator, a, b)) == expected


def collated(text: str, collation: str, label: Any = "explicit", n: bool = True) -> Expression:
    e = lit(text, n=n)
    return Expression(e.sql, e.type.with_collation(collation, label))


def test_collations_by_name() -> None:
    assert run(op("=", collated("a", "Latin1_General_CS_AS"), lit("A"))) is False
    assert run(op("=", collated("a", "Latin1_General_BIN2"), lit("a "))) is True
    assert run(op("<", collated("Z", "Latin1_General_BIN2"), lit("a"))) is True
    assert run(op("<", collated("a", "Latin1_General_CS_AS"), lit("A"))) is True
    # Before version 100 supplementary characters weigh nothing.
    assert run(op("=", collated("😀", "Latin1_General_CI_AS"), lit("😊", n=True))) is True
    assert run(op("=", collated("😀", "Latin1_General_100_CI_AS"), lit("😊", n=True))) is False


def test_collation_conflicts() -> None:
    a, b = collated("a", "Latin1_General_CS_AS", "implicit"), collated("b", "Latin1_General_CI_AS", "implicit")
    for pair in ((a, b), (collated("a", "Latin1_General_CS_AS"), collated("b", "Latin1_General_CI_AS"))):
        with pytest.raises(SqlError) as caught:
            op("=", *pair)
        assert caught.value.number == 468
    assert run(op("=", a, collated("A", "Latin1_General_CI_AS"))) is True


@pytest.mark.parametrize(
    ("a", "pattern", "expected"),
    [
        (lit("abc"), lit("A%"), True),
        (lit("abc"), lit("a_c"), True),
        (lit("abc"), lit("[a-c]bc"), True),
        (lit("Bbc"), lit("[a-c]bc"), True),
        (lit("dbc"), lit("[^a-c]bc"), True),
        (lit("a%c"), lit("a[%]c"), True),
        (lit("abc"), lit("a[%]c"), False),
        (lit("a]c"), lit("a]c"), True),
        (lit("a-c"), lit("a[a-]c"), True),
        (lit("abc  "), lit("abc"), True),
        (lit("abc  ", n=True), lit("abc", n=True), False),
        (lit("abc"), lit("abc "), False),
        (typed("abc", nchar(5)), lit("abc", n=True), False),
        (typed("abc", char(5)), lit("abc"), True),
        (lit("a\nb"), lit("a%b"), True),
        (lit("é"), lit("e"), False),
        (lit("é"), lit("[a-f]"), True),
        (lit(""), lit("%"), True),
        (lit(None), lit("%"), None),
        (lit(123), lit("1%"), True),
    ],
)  # fmt: skip
def test_like(a: Expression, pattern: Expression, expected: bool | None) -> None:
    assert run(like(a, pattern)) == expected


def test_like_escape() -> None:
    assert run(like(lit("50%"), lit("50!%"), lit("!"))) is True
    assert run(like(lit("500"), lit("50!%"), lit("!"))) is False
    with pytest.raises(SqlError) as caught:
        run(like(lit("a"), lit("a"), lit("ab")))
    assert caught.value.number == 506


def test_a_column_is_left_bare_for_its_index() -> None:
    assert operators.resolve_binary("=", INT, BIGINT).emit("c", "?1") == "c = ?1"
    found = operators.resolve_binary("=", varchar(20), nvarchar(10))
    assert found.left.is_unicode and call("LEN", lit("x")).type.name == "int"
