"""CAST, CONVERT, implicit conversion and assignment, against Microsoft's documented behaviour."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest
from evaluation import Expression, FixedSession, cast, connection, lit, run, shown, typed

from tsqlite import convert, types, values
from tsqlite.errors import SqlError, Unsupported
from tsqlite.types import (
    BIGINT,
    BIT,
    DATE,
    DATETIME,
    FLOAT,
    INT,
    MONEY,
    REAL,
    SMALLDATETIME,
    SMALLINT,
    SMALLMONEY,
    TINYINT,
    UNIQUEIDENTIFIER,
    binary,
    char,
    datetime2,
    datetimeoffset,
    decimal_type,
    nchar,
    nvarchar,
    time_type,
    varbinary,
    varchar,
)  # fmt: skip

D = Decimal


def number(e: Expression) -> int:
    with pytest.raises(SqlError) as caught:
        run(e)
    return caught.value.number


@pytest.mark.parametrize(
    ("source", "target", "style", "expected"),
    [
        # numbers to numbers: to an integer a decimal is cut, a money rounded
        (lit(D("10.6496")), INT, None, 10),
        (lit(D("-10.6496")), INT, None, -10),
        (typed("10.6496", MONEY), INT, None, 11),
        (typed("10.3496847", MONEY), MONEY, None, D("10.3497")),
        (lit(D("1.45")), decimal_type(3, 1), None, D("1.5")),
        (lit(D("-1.45")), decimal_type(3, 1), None, D("-1.5")),
        (lit(2.9), INT, None, 2),
        (lit(-2.9), INT, None, -2),
        (lit(0.1), decimal_type(38, 20), None, D("0.10000000000000000555")),
        (lit(5), BIT, None, True),
        (lit("true"), BIT, None, True),
        (lit("FALSE"), BIT, None, False),
        (lit(1), decimal_type(38, 10), None, D("1.0000000000")),
        (lit(D("12345678901234567890.12")), decimal_type(22, 2), None, D("12345678901234567890.12")),
        # strings to numbers
        (lit(" 42 "), INT, None, 42),
        (lit(""), INT, None, 0),
        (lit("-"), INT, None, 0),
        (lit("+7"), BIGINT, None, 7),
        (lit("1.005"), decimal_type(5, 2), None, D("1.01")),
        (lit("1e3"), FLOAT, None, 1000.0),
        (lit("$1,234.56789"), MONEY, None, D("1234.5679")),
        (lit("-$5"), MONEY, None, D("-5.0000")),
        # numbers to strings
        (lit(123), varchar(2), None, "*"),
        (lit(123), char(5), None, "123  "),
        (lit(-5), nvarchar(10), None, "-5"),
        (lit(D("1.50")), varchar(30), None, "1.50"),
        (typed("3148.29", SMALLMONEY), varchar(30), None, "3148.29"),
        (typed("4235098.2269", MONEY), varchar(30), 0, "4235098.23"),
        (typed("4235098.2269", MONEY), varchar(30), 1, "4,235,098.23"),
        (typed("4235098.2269", MONEY), varchar(30), 2, "4235098.2269"),
        (lit(1234567.0), varchar(30), None, "1.23457e+006"),
        (lit(123456.0), varchar(30), None, "123456"),
        (lit(0.5), varchar(30), 1, "5.0000000e-001"),
        (lit(0.5), varchar(30), 2, "5.000000000000000e-001"),
        (cast(lit(1), BIT), varchar(5), None, "1"),
        # strings: CAST cuts, char pads, varchar knows code page 1252 only
        (lit("abcdef"), varchar(3), None, "abc"),
        (lit("ab"), char(4), None, "ab  "),
        (lit("né", n=True), varchar(10), None, "né"),
        (lit("日本", n=True), varchar(10), None, "??"),
        (lit("Łódź", n=True), varchar(10), None, "Lódz"),
        (lit("€5", n=True), varchar(10), None, "€5"),
        # binary
        (lit(b"Name"), varchar(8), 0, "Name"),
        (lit(b"Name"), char(8), 1, "0x4E616D"),
        (lit(b"Name"), char(8), 2, "4E616D65"),
        (lit("Name"), binary(8), 0, b"Name\0\0\0\0"),
        (lit("0x4E616D65"), binary(4), 1, b"Name"),
        (lit("4E616D65"), binary(4), 2, b"Name"),
        (lit("a", n=True), varbinary(10), None, b"a\0"),
        (lit(1), binary(4), None, b"\0\0\0\1"),
        (lit(1), varbinary(2), None, b"\0\1"),
        (lit(b"\x01\x00"), INT, None, 256),
        (lit(b"\xff\xff\xff\xff"), INT, None, -1),
        # uniqueidentifier: what follows the 36 characters does not count
        (lit("0E984725-C51C-4BF4-9960-E1C80E27ABA0wrong", n=True), UNIQUEIDENTIFIER, None,
         "0E984725-C51C-4BF4-9960-E1C80E27ABA0"),
        (lit("{0e984725-c51c-4bf4-9960-e1c80e27aba0}"), UNIQUEIDENTIFIER, None, "0E984725-C51C-4BF4-9960-E1C80E27ABA0"),
        (typed("0E984725-C51C-4BF4-9960-E1C80E27ABA0", UNIQUEIDENTIFIER), binary(16), None,
         bytes.fromhex("2547980E1CC5F44B9960E1C80E27ABA0")),
    ],
)  # fmt: skip
def test_conversion(source: Expression, target: types.SqlType, style: int | None, expected: Any) -> None:
    assert run(cast(source, target, style)) == expected


@pytest.mark.parametrize(
    ("source", "target", "error"),
    [
        (lit("abc"), INT, 245),
        (lit("1.5"), INT, 245),
        (lit("99999999999"), INT, 248),
        (lit("70000"), SMALLINT, 244),
        (lit("abc"), BIGINT, 8114),
        (lit("abc"), decimal_type(5, 2), 8114),
        (lit(""), decimal_type(5, 2), 8114),
        (lit("1e2"), decimal_type(5, 2), 8114),
        (lit("abc"), FLOAT, 8114),
        (lit("abc"), MONEY, 235),
        (lit("abc"), BIT, 245),
        (lit("abc"), DATETIME, 241),
        (lit("2020-13-01"), DATETIME, 242),
        (lit("1700-01-01"), DATETIME, 242),
        (lit("2020-13-01"), DATE, 241),
        (lit("abc"), UNIQUEIDENTIFIER, 8169),
        (lit(256), TINYINT, 220),
        (lit(-1), TINYINT, 220),
        (lit(40000), SMALLINT, 220),
        (typed("3000000000", BIGINT), INT, 8115),
        (lit(D("3000000000")), INT, 8115),
        (lit(1e10), INT, 232),
        (lit(D("1000")), decimal_type(5, 2), 8115),
        (lit(12345), decimal_type(3, 0), 8115),
        (lit(123), nvarchar(2), 8115),
        (lit(D("12.5")), varchar(2), 8115),
        (typed("0E984725-C51C-4BF4-9960-E1C80E27ABA0", UNIQUEIDENTIFIER), varchar(10), 8170),
        (typed("1700-01-01", datetime2()), DATETIME, 242),
        (typed("2100-01-01", DATETIME), SMALLDATETIME, 242),
    ],
)
def test_conversion_errors(source: Expression, target: types.SqlType, error: int) -> None:
    assert number(cast(source, target)) == error
    assert run(cast(source, target, try_=True)) is None


@pytest.mark.parametrize(
    ("source", "target", "implicit", "explicit"),
    [
        (INT, DATE, 206, 529),
        (DATE, INT, 206, 529),
        (DATETIME, INT, 257, None),
        (INT, DATETIME, None, None),
        (DATE, time_type(), 206, 529),
        (varchar(10), varbinary(10), 257, None),
        (varbinary(10), varchar(10), None, None),
        (UNIQUEIDENTIFIER, INT, 206, 529),
        (UNIQUEIDENTIFIER, varchar(36), None, None),
        (varbinary(8), FLOAT, 206, 529),
        (INT, UNIQUEIDENTIFIER, 206, 529),
        (datetime2(), DATE, None, None),
        (nvarchar(8), types.ROWVERSION, 206, 529),
    ],
)
def test_which_pairs_convert(
    source: types.SqlType, target: types.SqlType, implicit: int | None, explicit: int | None
) -> None:
    for check, error in ((convert.check_implicit, implicit), (convert.check_explicit, explicit)):
        if error is None:
            check(source, target)
        else:
            with pytest.raises(SqlError) as caught:
                check(source, target)
            assert caught.value.number == error


@pytest.mark.parametrize(
    ("text", "target", "expected"),
    [
        ("20200105", DATE, "2020-01-05"),
        ("200105", DATE, "2020-01-05"),
        ("2020", DATE, "2020-01-01"),
        ("2020-01-05", DATE, "2020-01-05"),
        ("1/5/2020", DATE, "2020-01-05"),
        ("1-5-20", DATE, "2020-01-05"),
        ("1.5.1950", DATE, "1950-01-05"),
        ("Jan 5 2020", DATE, "2020-01-05"),
        ("5 January, 2020", DATE, "2020-01-05"),
        ("2020 jan 5", DATE, "2020-01-05"),
        ("January 2020", DATE, "2020-01-01"),
        ("05-Jan-2020", DATE, "2020-01-05"),
        ("", DATE, "1900-01-01"),
        ("12/31/49", DATE, "2049-12-31"),
        ("12/31/50", DATE, "1950-12-31"),
        ("2020-01-05T15:04:05.1234567", datetime2(), "2020-01-05 15:04:05.1234567"),
        ("2020-01-05T15:04:05.1234567", datetime2(3), "2020-01-05 15:04:05.123"),
        ("2020-01-05 15:04:05.9999999", datetime2(0), "2020-01-05 15:04:06"),
        ("2020-01-05T15:04:05Z", datetimeoffset(0), "2020-01-05 15:04:05 +00:00"),
        ("2020-01-05 15:04:05 +02:00", datetimeoffset(0), "2020-01-05 15:04:05 +02:00"),
        ("2020-01-05T15:04:05+02:00", datetime2(0), "2020-01-05 15:04:05"),
        ("Jan  5 2020  3:04PM", DATETIME, "Jan  5 2020  3:04PM"),
        ("20200105 15:04:05.127", DATETIME, "Jan  5 2020  3:04PM"),
        ("15:04", time_type(0), "15:04:00"),
        ("3:04:05 pm", time_type(0), "15:04:05"),
        ("3pm", time_type(0), "15:00:00"),
        ("12am", time_type(0), "00:00:00"),
        ("23:59:59.997", time_type(3), "23:59:59.997"),
    ],
)
def test_dates_from_text(text: str, target: types.SqlType, expected: str) -> None:
    assert shown(cast(lit(text), target)) == expected


@pytest.mark.parametrize("text", ["2020-02-30", "13/13/2020", "2020-1", "25:00", "Jan 2020 5 6", "5/2020", "20201301"])
def test_what_is_no_date(text: str) -> None:
    assert number(cast(lit(text), datetime2())) == 241


def test_dateformat_turns_datetime_round_and_leaves_date_alone() -> None:
    dmy = FixedSession(date_format="dmy")
    assert run(cast(lit("2020-01-05"), DATETIME), dmy) == datetime.datetime(2020, 5, 1)
    assert run(cast(lit("2020-01-05"), DATE), dmy) == datetime.date(2020, 1, 5)
    assert run(cast(lit("05/01/2020"), DATE), dmy) == datetime.date(2020, 1, 5)
    assert run(cast(lit("20200105"), DATETIME), dmy) == datetime.datetime(2020, 1, 5)
    assert run(cast(lit("12/31/2010"), datetime2(), try_=True), dmy) is None


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        (0, "Jan  5 2020  3:04PM"), (100, "Jan  5 2020  3:04PM"), (1, "01/05/20"), (101, "01/05/2020"), (2, "20.01.05"),
        (102, "2020.01.05"), (3, "05/01/20"), (103, "05/01/2020"), (4, "05.01.20"), (104, "05.01.2020"), (5,
        "05-01-20"),
        (105, "05-01-2020"), (6, "05 Jan 20"), (106, "05 Jan 2020"), (7, "Jan 05, 20"), (107, "Jan 05, 2020"),
        (8, "15:04:05"), (24, "15:04:05"), (108, "15:04:05"), (9, "Jan  5 2020  3:04:05:127PM"),
        (109, "Jan  5 2020  3:04:05:127PM"), (10, "01-05-20"), (110, "01-05-2020"), (11, "20/01/05"), (111,
        "2020/01/05"),
        (12, "200105"), (112, "20200105"), (13, "05 Jan 2020 15:04:05:127"), (113, "05 Jan 2020 15:04:05:127"),
        (14, "15:04:05:127"), (114, "15:04:05:127"), (20, "2020-01-05 15:04:05"), (120, "2020-01-05 15:04:05"),
        (21, "2020-01-05 15:04:05.127"), (25, "2020-01-05 15:04:05.127"), (121, "2020-01-05 15:04:05.127"),
        (23, "2020-01-05"), (126, "2020-01-05T15:04:05.127"), (127, "2020-01-05T15:04:05.127"),
    ],
)  # fmt: skip
def test_styles_of_a_datetime(style: int, expected: str) -> None:
    assert run(cast(typed("2020-01-05T15:04:05.127", DATETIME), varchar(40), style)) == expected


def test_hijri_styles_are_refused_and_unknown_ones_are_errors() -> None:
    with pytest.raises(Unsupported):
        run(cast(typed("20200105", DATETIME), varchar(40), 130))
    with pytest.raises(SqlError) as caught:
        cast(typed("20200105", DATETIME), varchar(40), 99)
    assert caught.value.number == 281


@pytest.mark.parametrize(
    ("text", "style", "expected"),
    [("05/01/2020", 103, "2020-01-05"), ("05.01.2020", 104, "2020-01-05"), ("01/05/2020", 101, "2020-01-05"),
     ("2020.01.05", 102, "2020-01-05"), ("05/01/20", 3, "2020-01-05")],
)  # fmt: skip
def test_styles_read_dates(text: str, style: int, expected: str) -> None:
    assert shown(cast(lit(text), DATE, style)) == expected


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("23:59:59.999", 0), ("12:00:00.995", 997), ("12:00:00.998", 997), ("12:00:00.992", 993), ("12:00:00.001", 0),
     ("12:00:00.002", 3), ("12:00:00.005", 7), ("12:00:00.008", 7), ("12:00:00.009", 10)],
)  # fmt: skip
def test_datetime_rounds_to_three_hundredths(text: str, milliseconds: int) -> None:
    made = run(cast(lit(f"2020-01-05 {text}"), DATETIME))
    assert made.microsecond == milliseconds * 1000
    assert made.day == (6 if text.startswith("23") else 5)


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        (typed("2020-01-05 12:35:29.998", DATETIME), SMALLDATETIME, "Jan  5 2020 12:35PM"),
        (typed("2020-01-05 12:35:29.999", DATETIME), SMALLDATETIME, "Jan  5 2020 12:36PM"),
        (typed("2020-01-05 12:35:30", datetime2(0)), SMALLDATETIME, "Jan  5 2020 12:36PM"),
        (typed("2009-04-22 13:49:33.633", DATETIME), time_type(3), "13:49:33.633"),
        (typed("2009-04-22 13:49:33.633", DATETIME), datetime2(7), "2009-04-22 13:49:33.6333333"),
        (typed("2009-04-22 13:49:33.637", DATETIME), datetime2(7), "2009-04-22 13:49:33.6366667"),
        (typed("2009-04-22", DATE), datetime2(0), "2009-04-22 00:00:00"),
        (typed("13:49:33", time_type()), DATETIME, "Jan  1 1900  1:49PM"),
        (typed("2009-04-22 13:49:33 +02:00", datetimeoffset(0)), datetime2(0), "2009-04-22 13:49:33"),
        (typed("2009-04-22 13:49:33", datetime2(0)), datetimeoffset(0), "2009-04-22 13:49:33 +00:00"),
        (lit(0), DATETIME, "Jan  1 1900 12:00AM"),
        (lit(1.5), DATETIME, "Jan  2 1900 12:00PM"),
    ],
)
def test_dates_to_dates(source: Expression, target: types.SqlType, expected: str) -> None:
    assert shown(cast(source, target)) == expected


def test_real_keeps_single_precision() -> None:
    assert run(cast(lit(0.1), REAL)) == 0.10000000149011612


def test_assignment_refuses_to_cut_a_string() -> None:
    session = FixedSession()
    where = connection(session)

    def assign(e: Expression, type_: types.SqlType) -> Any:
        text = convert.emit_assign(e.sql, e.type, type_, "name", "dbo.t")
        return values.decode(where.execute(f"SELECT {text}").fetchall()[0][0], type_)

    assert assign(lit("abc   "), varchar(3)) == "abc"
    assert assign(lit("ab"), nchar(3)) == "ab "
    assert assign(lit(b"\x01\x02\x00"), varbinary(2)) == b"\x01\x02"
    with pytest.raises(SqlError) as caught:
        assign(lit("abcd"), varchar(3))
    assert (caught.value.number, caught.value.message) == (8152, "String or binary data would be truncated.")
    session.verbose_truncation = True
    with pytest.raises(SqlError) as caught:
        assign(lit("abcd"), varchar(3))
    assert caught.value.number == 2628
    assert "table 'dbo.t', column 'name'. Truncated value: 'abc'" in caught.value.message


@pytest.mark.parametrize(
    "value",
    [
        (True, BIT), (255, TINYINT), (-(2**63), BIGINT), (D("-12.34"), decimal_type(9, 2)), (D("-1e-10"),
        decimal_type(38, 10)),
        (D("99999999999999999999999999999999999999"), decimal_type(38, 0)), (D("1.2345"), MONEY), (1.5, FLOAT), ("x",
        nvarchar(5)),
        (b"\0\1", varbinary(5)), ("0E984725-C51C-4BF4-9960-E1C80E27ABA0", UNIQUEIDENTIFIER), (datetime.date(2020, 2,
        29), DATE),
        (datetime.time(23, 59, 59, 999999), time_type()), (datetime.datetime(9999, 12, 31, 23, 59, 59, 999999),
        datetime2()),
        (datetime.datetime(1753, 1, 1), DATETIME), (datetime.datetime(2020, 1, 5, 1, 2), SMALLDATETIME),
        (datetime.datetime(2020, 1, 5, 1, 2, 3, tzinfo=datetime.timezone(datetime.timedelta(hours=-5))),
        datetimeoffset()),
    ],
)  # fmt: skip
def test_storage_and_back(value: tuple[Any, types.SqlType]) -> None:
    python, type_ = value
    assert values.decode(values.encode(python, type_), type_) == python


def test_storage_sorts_as_the_values_do() -> None:
    wide = decimal_type(38, 10)
    numbers = [D("-1e20"), D("-3.5"), D("-3.4"), D(0), D("0.0000000001"), D(7), D("1e20")]
    stored = [values.encode(n, wide) for n in numbers]
    assert stored == sorted(stored)  # type: ignore[type-var]
    # A uniqueidentifier sorts by its last six bytes first.
    guids = [values.encode(g, UNIQUEIDENTIFIER) for g in (
        "FFFFFFFF-FFFF-FFFF-FFFF-000000000001", "00000000-0000-0000-0100-000000000002",
        "00000000-0000-0000-0200-000000000002",
        "00000000-0000-0000-0000-010000000000")]  # fmt: skip
    assert guids == sorted(guids)  # type: ignore[type-var]
