"""Scalar functions, against Microsoft's documented results."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from evaluation import Expression, FixedSession, call, cast, lit, part, run, shown, typed

from tsqlite import functions
from tsqlite.errors import SqlError, Unsupported
from tsqlite.types import (
    DATE,
    DATETIME,
    INT,
    MONEY,
    char,
    datetime2,
    datetimeoffset,
    nchar,
    time_type,
    varchar,
)  # fmt: skip

D = Decimal
NULL_TEXT = Expression("NULL", varchar(10))


@pytest.mark.parametrize(
    ("e", "expected", "type_"),
    [
        (call("LEN", lit("abc  ")), 3, "int"),
        (call("LEN", lit("  abc")), 5, "int"),
        (call("LEN", lit("😀", n=True)), 2, "int"),
        (call("LEN", lit(12345)), 5, "int"),
        (call("LEN", typed("ab", char(5))), 2, "int"),
        (call("DATALENGTH", lit("abc  ")), 5, "int"),
        (call("DATALENGTH", lit("abc", n=True)), 6, "int"),
        (call("DATALENGTH", lit(5)), 4, "int"),
        (call("DATALENGTH", typed("ab", nchar(5))), 10, "int"),
        (call("SUBSTRING", lit("abcdef"), lit(2), lit(3)), "bcd", "varchar(3)"),
        (call("SUBSTRING", lit("abcdef"), lit(0), lit(3)), "ab", "varchar(3)"),
        (call("SUBSTRING", lit("abcdef"), lit(10), lit(3)), "", "varchar(1)"),
        (call("SUBSTRING", lit(b"\1\2\3"), lit(2), lit(1)), b"\2", "varbinary(1)"),
        (call("LEFT", lit("abcdef"), lit(2)), "ab", "varchar(2)"),
        (call("RIGHT", lit("abcdef", n=True), lit(20)), "abcdef", "nvarchar(6)"),
        (call("UPPER", lit("straße", n=True)), "STRAßE", "nvarchar(6)"),
        (call("LOWER", lit("ABC")), "abc", "varchar(3)"),
        (call("LTRIM", lit("  a ")), "a ", "varchar(4)"),
        (call("RTRIM", lit(" a  ")), " a", "varchar(4)"),
        (call("TRIM", lit("  a  ")), "a", "varchar(5)"),
        (call("TRIM", lit(".,! "), lit("  #  test  .")), "#  test", "varchar(12)"),
        (call("REPLACE", lit("abcABC"), lit("B"), lit("x")), "axcAxC", "varchar(8000)"),
        (call("REPLACE", lit("abc"), lit(""), lit("x")), "abc", "varchar(8000)"),
        (call("REPLICATE", lit("ab"), lit(3)), "ababab", "varchar(6)"),
        (call("REPLICATE", lit("ab"), lit(-1)), None, "varchar(1)"),
        (call("REVERSE", lit("abc")), "cba", "varchar(3)"),
        (call("SPACE", lit(3)), "   ", "varchar(3)"),
        (call("STUFF", lit("abcdef"), lit(2), lit(3), lit("ijklmn")), "aijklmnef", "varchar(12)"),
        (call("STUFF", lit("abc"), lit(9), lit(1), lit("x")), None, "varchar(4)"),
        (call("CHARINDEX", lit("B"), lit("abcb")), 2, "int"),
        (call("CHARINDEX", lit("b"), lit("abcb"), lit(3)), 4, "int"),
        (call("CHARINDEX", lit("z"), lit("abc")), 0, "int"),
        (call("CHARINDEX", lit("x", n=True), lit("😀x", n=True)), 3, "int"),
        (call("PATINDEX", lit("%ter%"), lit("interesting data")), 3, "int"),
        (call("PATINDEX", lit("%[^a-z ]%"), lit("ab 1")), 4, "int"),
        (call("CONCAT", lit("a"), NULL_TEXT, lit(1)), "a1", "varchar(23)"),
        (call("CONCAT_WS", lit(","), lit("a"), NULL_TEXT, lit("b")), "a,b", "varchar(14)"),
        (call("STRING_ESCAPE", lit('\\ / \n "', n=True), lit("json")), '\\\\ \\/ \\n \\"', "nvarchar(max)"),
        (call("TRANSLATE", lit("2*[3+4]/{7-2}"), lit("[]{}"), lit("()()")), "2*(3+4)/(7-2)", "varchar(13)"),
        (call("ASCII", lit("A")), 65, "int"),
        (call("CHAR", lit(128)), "€", "char(1)"),
        (call("NCHAR", lit(248)), "ø", "nchar(1)"),
        (call("UNICODE", lit("Å", n=True)), 197, "int"),
        (call("QUOTENAME", lit("abc]def")), "[abc]]def]", "nvarchar(258)"),
        (call("QUOTENAME", lit("a'b"), lit("'")), "'a''b'", "nvarchar(258)"),
        (call("QUOTENAME", lit("x" * 129)), None, "nvarchar(258)"),
        (call("PARSENAME", lit("srv.db.[my schema].obj"), lit(2)), "my schema", "nvarchar(128)"),
        (call("SOUNDEX", lit("Smythe")), "S530", "varchar(4)"),
        (call("DIFFERENCE", lit("Green"), lit("Greene")), 4, "int"),
        (call("STR", lit(123.45), lit(6), lit(1)), " 123.5", "varchar(6)"),
        (call("STR", lit(123.45), lit(2), lit(2)), "**", "varchar(2)"),
        (call("FORMATMESSAGE", lit("%s has %d of %5.2s"), lit("x"), lit(3), lit("abc")), "x has 3 of    ab",
        "nvarchar(2048)"),
        # NULL and choice
        (call("ISNULL", Expression("NULL", varchar(2)), lit("abcdef")), "ab", "varchar(2)"),
        (call("ISNULL", lit(None), lit("abcdef")), "abcdef", "varchar(6)"),
        (call("COALESCE", Expression("NULL", varchar(2)), lit(5), lit(D("1.5"))), D("5.0"), "numeric(11,1)"),
        (call("NULLIF", lit(4), lit(D("4.0"))), None, "int"),
        (call("NULLIF", lit("A"), lit("a")), None, "varchar(1)"),
        (call("NULLIF", lit("b"), lit("a")), "b", "varchar(1)"),
        (call("CHOOSE", lit(3), lit("a"), lit("bc"), lit("d")), "d", "varchar(2)"),
        (call("CHOOSE", lit(9), lit("a"), lit("bc")), None, "varchar(2)"),
        # mathematics
        (call("ABS", lit(D("-1.0"))), D("1.0"), "numeric(2,1)"),
        (call("CEILING", lit(D("123.45"))), D("124"), "numeric(5,0)"),
        (call("CEILING", lit(D("-123.45"))), D("-123"), "numeric(5,0)"),
        (call("FLOOR", typed("-123.45", MONEY)), D("-124.0000"), "money"),
        (call("ROUND", lit(D("123.9994")), lit(3)), D("123.9990"), "numeric(7,4)"),
        (call("ROUND", lit(D("150.75")), lit(0), lit(1)), D("150.00"), "numeric(5,2)"),
        (call("ROUND", lit(D("748.58")), lit(-2)), D("700.00"), "numeric(5,2)"),
        (call("ROUND", lit(1250), lit(-2)), 1300, "int"),
        (call("POWER", lit(2), lit(10)), 1024, "int"),
        (call("POWER", lit(D("2.5")), lit(2)), D("6.3"), "numeric(38,1)"),
        (call("SQRT", lit(16)), 4.0, "float"),
        (call("SQUARE", lit(3)), 9.0, "float"),
        (call("SIGN", lit(D("-2.5"))), D("-1.0"), "numeric(2,1)"),
        (call("LOG", lit(8), lit(2)), pytest.approx(3.0), "float"),
        (call("PI"), 3.141592653589793, "float"),
        (call("ISNUMERIC", lit("$1,000")), 1, "int"),
        (call("ISNUMERIC", lit("1e5")), 1, "int"),
        (call("ISNUMERIC", lit("abc")), 0, "int"),
        # hashes tell 'a' and N'a' apart
        (call("HASHBYTES", lit("MD5"), lit("a")), bytes.fromhex("0cc175b9c0f1b6a831c399e269772661"), "varbinary(8000)"),
        (call("HASHBYTES", lit("MD5"), lit("a", n=True)), bytes.fromhex("4144e195f46de78a3623da7364d04f11"),
        "varbinary(8000)"),
        (call("DECOMPRESS", call("COMPRESS", lit("a", n=True))), b"a\0", "varbinary(max)"),
        # the session
        (call("@@ROWCOUNT"), 3, "int"),
        (call("SCOPE_IDENTITY"), D(42), "numeric(38,0)"),
    ],
)  # fmt: skip
def test_function(e: Expression, expected: Any, type_: str) -> None:
    assert (run(e), str(e.type)) == (expected, type_)


@pytest.mark.parametrize(
    ("e", "error"),
    [
        (call("LEFT", lit("a"), lit(-1)), 537),
        (call("SUBSTRING", lit("a"), lit(1), lit(-1)), 537),
        (call("POWER", lit(2), lit(31)), 232),
        (call("ABS", cast(lit(-2147483648), INT)), 8115),
        (call("SQRT", lit(-1.0)), 3623),
        (call("LOG", lit(0.0)), 3623),
        (call("DATEFROMPARTS", lit(2020), lit(2), lit(30)), 289),
        (call("DATEADD", part("year"), lit(9000), typed("2020-01-05", DATE)), 517),
        (call("DATEDIFF", part("second"), typed("1900-01-01", DATE), typed("2020-01-01", DATE)), 535),
    ],
)
def test_function_errors(e: Expression, error: int) -> None:
    with pytest.raises(SqlError) as caught:
        run(e)
    assert caught.value.number == error


def test_unknown_and_unbuilt_functions_are_refused() -> None:
    with pytest.raises(SqlError) as caught:
        functions.lookup("NO_SUCH")
    assert (caught.value.number, caught.value.message) == (195, "'NO_SUCH' is not a recognized built-in function name.")
    for name in ("CHECKSUM", "GREATEST"):
        with pytest.raises(Unsupported):
            functions.lookup(name)
    with pytest.raises(SqlError) as caught:
        call("LEN", lit("a"), lit("b"))
    assert caught.value.number == 174


def test_searches_that_a_collation_makes_ambiguous_are_refused() -> None:
    for e in (
        call("CHARINDEX", lit("ss", n=True), lit("straße", n=True)),
        call("REPLACE", lit("e\u0301", n=True), lit("e", n=True), lit("x", n=True)),
        call("REPLACE", lit("a\0b", n=True), lit("\0", n=True), lit("", n=True)),
    ):
        with pytest.raises(Unsupported):
            run(e)
    assert run(call("CHARINDEX", lit("t", n=True), lit("straße", n=True))) == 2


def test_every_function_is_documented() -> None:
    assert all(f.link.startswith("https://learn.microsoft.com/sql/") for f in functions.functions())


D2 = datetime2()


@pytest.mark.parametrize(
    ("e", "expected"),
    [
        (call("DATEADD", part("month"), lit(1), typed("2006-08-31", DATETIME)), "Sep 30 2006 12:00AM"),
        (call("DATEADD", part("ms"), lit(1), typed("2007-01-01 13:10:10.1111111", D2)), "2007-01-01 13:10:10.1121111"),
        (call("DATEADD", part("ns"), lit(49), typed("2007-01-01 13:10:10.1111111", D2)), "2007-01-01 13:10:10.1111111"),
        (call("DATEADD", part("ns"), lit(50), typed("2007-01-01 13:10:10.1111111", D2)), "2007-01-01 13:10:10.1111112"),
        (call("DATEADD", part("day"), lit(-1), typed("2020-03-01", DATE)), "2020-02-29"),
        (call("DATEADD", part("hour"), lit(2), typed("23:00", time_type(0))), "01:00:00"),
        (call("DATEDIFF", part("year"), lit("2005-12-31 23:59:59.9999999"), lit("2006-01-01 00:00:00.0000000")), "1"),
        (call("DATEDIFF", part("week"), lit("2005-12-31"), lit("2006-01-01")), "1"),
        (call("DATEDIFF", part("day"), lit("2020-01-05 23:59"), lit("2020-01-06")), "1"),
        (call("DATEDIFF", part("hour"), typed("2020-01-05 12:00 +02:00", datetimeoffset()),
        typed("2020-01-05 12:00 +00:00", datetimeoffset())), "2"),
        (call("DATEDIFF_BIG", part("mcs"), lit("2005-12-12"), lit("2006-12-12")), "31536000000000"),
        (call("DATEPART", part("weekday"), typed("2026-11-21", DATE)), "7"),
        (call("DATEPART", part("week"), typed("2007-10-30", DATE)), "44"),
        (call("DATEPART", part("iso_week"), typed("2008-12-29", DATE)), "1"),
        (call("DATEPART", part("ns"), typed("2007-10-30 12:15:32.1234567", D2)), "123456700"),
        (call("DATEPART", part("tz"), typed("2007-05-10 00:00:01.1234567 +05:10", datetimeoffset())), "310"),
        (call("DATENAME", part("month"), typed("2007-10-30", DATE)), "October"),
        (call("DATENAME", part("dw"), typed("2007-10-30", DATE)), "Tuesday"),
        (call("DATENAME", part("tz"), typed("2007-10-30 12:15:32.12 +05:10", datetimeoffset())), "+05:10"),
        (call("YEAR", lit(0)), "1900"),
        (call("DAY", lit("2015-04-30 01:01:01.1234567")), "30"),
        (call("EOMONTH", lit("2020-02-03")), "2020-02-29"),
        (call("EOMONTH", typed("2020-01-31", DATE), lit(-1)), "2019-12-31"),
        (call("DATEFROMPARTS", lit(2010), lit(12), lit(31)), "2010-12-31"),
        (call("DATETIME2FROMPARTS", *[lit(n) for n in (2011, 8, 15, 14, 23, 44, 50, 3)]), "2011-08-15 14:23:44.050"),
        (call("TIMEFROMPARTS", *[lit(n) for n in (14, 23, 44, 5, 1)]), "14:23:44.5"),
        (call("DATETIMEOFFSETFROMPARTS", *[lit(n) for n in (2010, 12, 31, 14, 23, 23, 0, 12, 0, 7)]),
        "2010-12-31 14:23:23.0000000 +12:00"),
        (call("ISDATE", lit("2009-05-12 10:19:41.177")), "1"),
        (call("ISDATE", lit("2009-05-12 10:19:41.1770000")), "0"),
        (call("SWITCHOFFSET", typed("1998-09-20 7:45:50.71345 -05:00", datetimeoffset()), lit("-08:00")),
        "1998-09-20 04:45:50.7134500 -08:00"),
        (call("TODATETIMEOFFSET", typed("2019-04-22", datetime2(0)), lit("-07:00")), "2019-04-22 00:00:00 -07:00"),
        (call("AT TIME ZONE", typed("2015-03-29T02:01:00", datetime2(0)), lit("Central European Standard Time")),
        "2015-03-29 03:01:00 +02:00"),
        (call("AT TIME ZONE", typed("2015-10-25T02:01:00", datetime2(0)), lit("Central European Standard Time")),
        "2015-10-25 02:01:00 +02:00"),
        (call("AT TIME ZONE", typed("2026-07-01T12:00:00+00:00", datetimeoffset(0)), lit("Pacific Standard Time")),
        "2026-07-01 05:00:00 -07:00"),
        (call("SYSUTCDATETIME"), "2026-03-04 12:00:00.1234560"),
        (call("SYSDATETIMEOFFSET"), "2026-03-04 13:00:00.1234560 +01:00"),
        (call("GETDATE"), "Mar  4 2026  1:00PM"),
    ],
)  # fmt: skip
def test_date_function(e: Expression, expected: str) -> None:
    assert shown(e) == expected


def test_datefirst() -> None:
    monday = FixedSession(date_first=1)
    e = call("DATEPART", part("dw"), typed("2026-11-21", DATE))
    assert (run(e), run(e, monday)) == (7, 6)


def test_date_parts_that_a_type_has_not() -> None:
    for e, error in (
        (lambda: call("DATEADD", part("hour"), lit(1), typed("2020-01-05", DATE)), 9810),
        (lambda: call("DATEPART", part("year"), typed("10:00", time_type())), 9810),
        (lambda: call("DATEPART", part("fortnight"), typed("2020-01-05", DATE)), 155),
        (lambda: call("DATEADD", part("iso_week"), lit(1), typed("2020-01-05", DATE)), 9806),
    ):
        with pytest.raises(SqlError) as caught:
            e()
        assert caught.value.number == error


@pytest.mark.parametrize(
    ("value", "pattern", "culture", "expected"),
    [
        (typed("2020-11-22", DATE), "d", "en-US", "11/22/2020"),
        (typed("2020-11-22", DATE), "d", "en-gb", "22/11/2020"),
        (typed("2020-11-22", DATE), "d", "de-de", "22.11.2020"),
        (typed("2020-11-22", DATE), "d", "zh-cn", "2020/11/22"),
        (typed("2020-11-22", DATE), "D", "en-US", "Sunday, November 22, 2020"),
        (typed("2020-11-22", DATE), "D", "de-de", "Sonntag, 22. November 2020"),
        (typed("2020-11-22 15:04:05.1230000", D2), "yyyy-MM-dd HH:mm:ss.fff", None, "2020-11-22 15:04:05.123"),
        (typed("2020-11-22 15:04", D2), "h:mm tt", None, "3:04 PM"),
        (typed("2020-11-02 15:04", D2), "ddd d MMM yy", None, "Mon 2 Nov 20"),
        (lit(123456789), "###-##-####", None, "123-45-6789"),
        (lit(D("1234.567")), "N", None, "1,234.57"),
        (lit(D("1234.567")), "N", "de-de", "1.234,57"),
        (lit(D("-1234.5")), "C", None, "($1,234.50)"),
        (lit(D("0.256")), "P1", "en-us", "25.6%"),
        (lit(7), "D3", None, "007"),
        (lit(1234567), "#,##0", None, "1,234,567"),
        (lit(D("5")), "0.00", None, "5.00"),
        (lit(D("0.5")), "#.##", None, ".5"),
        (lit(255), "X", None, "FF"),
        (lit(1.5), "D", None, None),
    ],
)  # fmt: skip
def test_format(value: Expression, pattern: str, culture: str | None, expected: str | None) -> None:
    arguments = [value, lit(pattern), *([lit(culture)] if culture else [])]
    assert run(call("FORMAT", *arguments)) == expected


def test_format_refuses_a_culture_that_it_has_not() -> None:
    with pytest.raises(Unsupported):
        run(call("FORMAT", lit(1), lit("N"), lit("fr-FR")))
