"""Date and time functions.
https://learn.microsoft.com/sql/t-sql/functions/date-and-time-data-types-and-functions-transact-sql
"""

from __future__ import annotations

import datetime
from calendar import monthrange
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

from .. import temporal
from ..chart import check_implicit
from ..convert import joiner, splitter
from ..errors import SqlError, Unsupported, sql_error
from ..runtime import scalar
from ..temporal import DAY, HOUR, MINUTE, SECOND
from ..types import (
    BIGINT,
    DATE,
    DATETIME,
    DATETIMES,
    INT,
    SMALLDATETIME,
    SqlType,
    datetime2,
    datetimeoffset,
    nvarchar,
    parse_type,
    time_type,
    varchar,
)
from .arguments import constant, integer
from .registry import Call, Resolved, add, need, nullable_from, udf
from .session_protocol import SessionProtocol

PARTS = {
    "year": "year", "yy": "year", "yyyy": "year", "quarter": "quarter", "qq": "quarter", "q": "quarter",
    "month": "month",
    "mm": "month", "m": "month", "dayofyear": "dayofyear", "dy": "dayofyear", "y": "dayofyear", "day": "day",
    "dd": "day",
    "d": "day", "week": "week", "wk": "week", "ww": "week", "weekday": "weekday", "dw": "weekday", "w": "weekday",
    "hour": "hour", "hh": "hour", "minute": "minute", "mi": "minute", "n": "minute", "second": "second", "ss": "second",
    "s": "second", "millisecond": "millisecond", "ms": "millisecond", "microsecond": "microsecond",
    "mcs": "microsecond",
    "nanosecond": "nanosecond", "ns": "nanosecond", "tzoffset": "tzoffset", "tz": "tzoffset", "iso_week": "iso_week",
    "isowk": "iso_week", "isoww": "iso_week",
}  # fmt: skip
_UNITS = {
    "hour": HOUR,
    "minute": MINUTE,
    "second": SECOND,
    "millisecond": 10_000,
    "microsecond": 10,
    "nanosecond": 0.01,
}
_DATE_ONLY = frozenset({"year", "quarter", "month", "dayofyear", "day", "week", "weekday", "iso_week"})


def date_part(call: Call) -> str:
    """The canonical name of the first argument's date part. Error 155."""
    given = call.arguments[0].date_part if call.arguments else None
    if given is None:
        raise SqlError(1023, f"Invalid parameter 1 specified for {call.name.lower()}.", 15)
    found = PARTS.get(given.lower())
    if found is None:
        raise sql_error(155, given, call.name.lower())
    return found


def temporal_argument(call: Call, index: int, default: SqlType) -> SqlType:
    """A date argument: temporal types stay, all else becomes ``default``."""
    given = call.arguments[index].type
    if given.is_temporal:
        return given
    if given.is_null:
        return default
    if not given.is_string and default.name not in DATETIMES:
        # A number is a datetime, as it was before the newer types came.
        default = DATETIME
    check_implicit(given, default)
    return default.with_nullable(given.nullable)


@lru_cache(maxsize=256)
def _type(spelled: str) -> tuple[SqlType, Callable[[Any], tuple[int, int, int | None]], Callable[..., Any]]:
    name, _, scale = spelled.partition("/")
    type_ = parse_type(name, (int(scale),) if scale else (), "column")
    return type_, splitter(type_), joiner(type_)


def _spell(type_: SqlType) -> str:
    return type_.name if type_.scale is None else f"{type_.name}/{type_.scale}"


# -- now


@scalar("ts_now", 1, session=True)
def _now(session: SessionProtocol, kind: str) -> Any:
    utc = session.utc_now()
    if kind == "utc2":
        return utc
    if kind == "utc":
        return joiner(DATETIME)(*divmod(utc, DAY), None)
    offset = session.utc_offset()
    local = utc + offset * MINUTE
    if kind == "local2":
        return local
    if kind == "local":
        return joiner(DATETIME)(*divmod(local, DAY), None)
    return joiner(datetimeoffset())(*divmod(local, DAY), offset)


def _clock(kind: str, type_: SqlType) -> Callable[[Call], Resolved]:
    def resolve(call: Call) -> Resolved:
        need(call, 0)
        return Resolved(type_.with_nullable(False), (), udf("ts_now", f"'{kind}'"))

    return resolve


for _name, _kind, _result in (
    ("GETDATE", "local", DATETIME), ("CURRENT_TIMESTAMP", "local", DATETIME), ("GETUTCDATE", "utc", DATETIME),
    ("SYSDATETIME", "local2", datetime2()), ("SYSUTCDATETIME", "utc2", datetime2()),
    ("SYSDATETIMEOFFSET", "offset", datetimeoffset()),
):  # fmt: skip
    add(
        _name,
        f"{_name.lower().replace('_', '-')}-transact-sql",
        _clock(_kind, _result),
        deterministic=False,
        needs_session=True,
    )


# -- parts


def _week(day: int, first: int) -> int:
    """Week of the year: 1 January is in week 1, and a week begins on ``first`` (1 Monday)."""
    d = temporal.civil(day)
    new_year = day - (d.timetuple().tm_yday - 1)
    # Days since the last first day of a week, on 1 January.
    lead = (new_year - (first - 1)) % 7
    return (day - new_year + lead) // 7 + 1


def part_of(name: str, day: int, ticks: int, offset: int | None, date_first: int) -> int:
    """The number that DATEPART gives."""
    match name:
        case "hour":
            return ticks // HOUR
        case "minute":
            return ticks // MINUTE % 60
        case "second":
            return ticks // SECOND % 60
        case "millisecond":
            return ticks % SECOND // 10_000
        case "microsecond":
            return ticks % SECOND // 10
        case "nanosecond":
            return ticks % SECOND * 100
        case "tzoffset":
            return offset or 0
        case "weekday":
            return (day - (date_first - 1)) % 7 + 1
        case "week":
            return _week(day, date_first)
    d = temporal.civil(day)
    match name:
        case "year":
            return d.year
        case "quarter":
            return (d.month + 2) // 3
        case "month":
            return d.month
        case "dayofyear":
            return d.timetuple().tm_yday
        case "day":
            return d.day
        case _:
            return d.isocalendar()[1]


# From compatibility level 130 on a datetime counts as the 1/300 s that it is, not as the milliseconds it shows.
_DATETIME_ZERO: Final = temporal.day_number(1900, 1, 1) * 86_400 * 300
_FRACTIONS: Final = {"millisecond": 1_000, "microsecond": 1_000_000, "nanosecond": 1_000_000_000}


@scalar("ts_datepart", 3, session=True)
def _datepart(session: SessionProtocol, name: str, spelled: str, value: Any) -> int | None:
    if value is None:
        return None
    type_, split, _ = _type(spelled)
    if type_.name == "datetime" and name in _FRACTIONS:
        return int(value % 300 * _FRACTIONS[name] // 300)
    day, ticks, offset = split(value)
    return part_of(name, day, ticks, offset, session.date_first)


@scalar("ts_datename", 3, session=True)
def _datename(session: SessionProtocol, name: str, spelled: str, value: Any) -> str | None:
    if value is None:
        return None
    _, split, _ = _type(spelled)
    day, _, offset = split(value)
    if name == "month":
        return temporal.MONTHS[temporal.civil(day).month - 1]
    if name == "weekday":
        return temporal.WEEKDAYS[day % 7]
    if name == "tzoffset":
        return temporal.offset_text(offset or 0)
    return str(_datepart(session, name, spelled, value))


def _check_part(name: str, type_: SqlType, call: Call) -> None:
    """Parts that a type has not: error 9810."""
    time_part = name in _UNITS
    wrong = (
        (type_.name == "date" and time_part)
        or (type_.name == "time" and name in _DATE_ONLY)
        or (name == "tzoffset" and type_.name not in ("datetime2", "datetimeoffset"))
    )
    if wrong:
        raise SqlError(
            9810,
            f"The datepart {call.arguments[0].date_part} is not supported by date function {call.name.lower()} "
            f"for data type {type_.display_name}.",
        )


def _resolve_part(call: Call) -> Resolved:
    need(call, 2)
    name = date_part(call)
    type_ = temporal_argument(call, 1, datetimeoffset() if name == "tzoffset" else datetime2())
    as_name = call.name.upper() == "DATENAME"
    _check_part(name, type_, call)
    constants = f"'{name}', '{_spell(type_)}'"
    result = nvarchar(30) if as_name else INT
    function = "ts_datename" if as_name else "ts_datepart"
    return Resolved(
        result.with_nullable(type_.nullable),
        (None, type_),
        lambda args, order_by="", over="": f"{function}({constants}, {args[1]})",
    )


add("DATEPART", "datepart-transact-sql", _resolve_part, deterministic=False)
add("DATENAME", "datename-transact-sql", _resolve_part, deterministic=False)


def _short_part(name: str) -> Callable[[Call], Resolved]:
    def resolve(call: Call) -> Resolved:
        need(call, 1)
        type_ = temporal_argument(call, 0, datetime2())
        if type_.name == "time":
            raise SqlError(9810, f"The datepart {name} is not supported by date function {name} for data type time.")
        return Resolved(
            INT.with_nullable(type_.nullable), (type_,), udf("ts_datepart", f"'{name}'", f"'{_spell(type_)}'")
        )

    return resolve


for _name in ("DAY", "MONTH", "YEAR"):
    add(_name, f"{_name.lower()}-transact-sql", _short_part(_name.lower()))


# -- DATEADD


def add_months(day: int, months: int) -> int:
    """The same day of the month, or its last one. ``OutOfRange`` outside years 1 to 9999."""
    d = temporal.civil(day)
    index = d.year * 12 + d.month - 1 + months
    year, month = divmod(index, 12)
    if not 1 <= year <= 9999:
        raise temporal.OutOfRange
    return temporal.day_number(year, month + 1, min(d.day, monthrange(year, month + 1)[1]))


@scalar("ts_dateadd", 4)
def _dateadd(name: str, spelled: str, number: int | None, value: Any) -> Any:
    if number is None or value is None:
        return None
    type_, split, join = _type(spelled)
    day, ticks, offset = split(value)
    try:
        if name in ("year", "quarter", "month"):
            months: int = number * {"year": 12, "quarter": 3, "month": 1}[name]
            day = add_months(day, months)
        elif name in ("day", "dayofyear", "weekday", "week"):
            day += number * (7 if name == "week" else 1)
        else:
            if type_.name == "datetime":
                # Ticks of 1/300 s, so that milliseconds round as they do in SQL Server.
                return _add_to_datetime(name, number, value)
            if type_.name == "smalldatetime" and name in ("second", "millisecond"):
                total = ticks + number * int(_UNITS[name])
            elif name == "nanosecond":
                total = ticks + (abs(number) + 50) // 100 * (1 if number >= 0 else -1)
            else:
                total = ticks + number * int(_UNITS[name])
            if type_.name == "time":
                return join(day, total % DAY, None)
            day += total // DAY
            ticks = total % DAY
        if not 0 <= day <= temporal.MAX_DAY:
            raise temporal.OutOfRange
        return join(day, ticks, offset)
    except (temporal.OutOfRange, SqlError) as error:
        if isinstance(error, SqlError) and error.number not in (242, 8115):
            raise
        raise sql_error(517, type_.display_name) from None


def _add_to_datetime(name: str, number: int, value: int) -> int:
    if name == "millisecond":
        shift = (abs(number) * 3 + 5) // 10 * (1 if number >= 0 else -1)
        # The value's own milliseconds count: .997 + 1 ms and the like round from the sum.
        total = value + shift
    else:
        total = value + number * (int(_UNITS[name]) * 3 // 100_000)
    low, high = -53690 * 25_920_000, 2_958_464 * 25_920_000  # 1753-01-01, 10000-01-01
    if not low <= total < high:
        raise temporal.OutOfRange
    return total


def _resolve_dateadd(call: Call) -> Resolved:
    need(call, 3)
    name = date_part(call)
    if name in ("tzoffset", "iso_week"):
        raise SqlError(9806, f"The datepart {call.arguments[0].date_part} is not supported by date function dateadd.")
    type_ = temporal_argument(call, 2, DATETIME)
    _check_part(name, type_, call)
    if type_.name in ("datetime", "smalldatetime") and name in ("microsecond", "nanosecond"):
        raise SqlError(
            9810,
            f"The datepart {call.arguments[0].date_part} is not supported by date function dateadd for data type "
            f"{type_.name}.",
        )
    number = INT if call.types[1].is_null else integer(call, 1)
    return Resolved(
        type_.with_nullable(nullable_from(call)),
        (None, number, type_),
        lambda args, order_by="", over="": f"ts_dateadd('{name}', '{_spell(type_)}', {args[1]}, {args[2]})",
    )


add("DATEADD", "dateadd-transact-sql", _resolve_dateadd)


# -- DATEDIFF: boundaries crossed


def _boundary(name: str, day: int, ticks: int) -> int:
    """How many boundaries of a part lie between the beginning of time and a moment."""
    match name:
        case "year":
            return temporal.civil(day).year
        case "quarter":
            d = temporal.civil(day)
            return d.year * 4 + (d.month - 1) // 3
        case "month":
            d = temporal.civil(day)
            return d.year * 12 + d.month - 1
        case "day" | "dayofyear" | "weekday":
            return int(day)
        case "week":
            # Always from Sunday, whatever DATEFIRST says: day 0 was a Monday.
            return (day + 1) // 7
        case "nanosecond":
            return (day * DAY + ticks) * 100
        case _:
            return (day * DAY + ticks) // int(_UNITS[name])


@scalar("ts_datediff", 6)
def _datediff(name: str, spelled_a: str, spelled_b: str, a: Any, b: Any, big: int) -> int | None:
    if a is None or b is None:
        return None
    type_a, split_a, _ = _type(spelled_a)
    type_b, split_b, _ = _type(spelled_b)
    counts = []
    for type_, split, value in ((type_a, split_a, a), (type_b, split_b, b)):
        if type_.name == "datetime" and name in _FRACTIONS:
            counts.append(int((value + _DATETIME_ZERO) * _FRACTIONS[name] // 300))
            continue
        day, ticks, offset = split(value)
        # An offset is taken off: DATEDIFF compares UTC.
        counts.append(_boundary(name, *divmod(day * DAY + ticks - (offset or 0) * MINUTE, DAY)))
    result: int = counts[1] - counts[0]
    limit = 2**63 if big else 2**31
    if not -limit <= result < limit:
        raise SqlError(
            535,
            f"The {'datediff_big' if big else 'datediff'} function resulted in an overflow. The number of dateparts "
            f"separating "
            f"two date/time instances is too large. Try to use {'datediff_big' if big else 'datediff'} with a less "
            f"precise "
            "datepart.",
        )
    return result


def _resolve_datediff(call: Call) -> Resolved:
    need(call, 3)
    name = date_part(call)
    if name in ("tzoffset", "iso_week"):
        raise SqlError(
            9806,
            f"The datepart {call.arguments[0].date_part} is not supported by date function {call.name.lower()}.",
        )
    a, b = temporal_argument(call, 1, datetimeoffset()), temporal_argument(call, 2, datetimeoffset())
    big = call.name.upper() == "DATEDIFF_BIG"
    for type_ in (a, b):
        # The documentation says both that a time has no such part and that its date is 1900-01-01.
        if type_.name == "time" and name in _DATE_ONLY:
            raise Unsupported(f"{call.name.upper()} by {name} of a time")
    return Resolved(
        (BIGINT if big else INT).with_nullable(nullable_from(call)),
        (None, a, b),
        lambda args, order_by="", over="": (
            f"ts_datediff('{name}', '{_spell(a)}', '{_spell(b)}', {args[1]}, {args[2]}, {int(big)})"
        ),
    )


add("DATEDIFF", "datediff-transact-sql", _resolve_datediff)
add("DATEDIFF_BIG", "datediff-big-transact-sql", _resolve_datediff)


# -- from parts


def _bad_parts(name: str) -> SqlError:
    return SqlError(289, f"Cannot construct data type {name}, some of the arguments have values which are not valid.")


def _build(name: str, make: Callable[..., Any]) -> Callable[..., Any]:
    def function(*values: int | None) -> Any:
        if any(v is None for v in values):
            return None
        try:
            return make(*values)
        except (temporal.OutOfRange, SqlError, ValueError):
            raise _bad_parts(name) from None

    return function


def _ticks(hour: int, minute: int, second: int, fraction: int, digits: int) -> int:
    if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60 and 0 <= fraction < 10**digits):
        raise ValueError
    return int(hour * HOUR + minute * MINUTE + second * SECOND + fraction * 10 ** (7 - digits))


def _make_datetime(year: int, month: int, day: int, hour: int, minute: int, second: int, ms: int) -> Any:
    return joiner(DATETIME)(temporal.day_number(year, month, day), _ticks(hour, minute, second, ms, 3), None)


def _make_datetime2(
    year: int, month: int, day: int, hour: int, minute: int, second: int, fraction: int, digits: int
) -> int:
    return temporal.day_number(year, month, day) * DAY + _ticks(hour, minute, second, fraction, digits)


def _make_dto(
    year: int,
    month: int,
    day: int,
    hour: int,
    minute: int,
    second: int,
    fraction: int,
    hours: int,
    minutes: int,
    digits: int,
) -> Any:
    if abs(hours) > 14 or abs(minutes) > 59 or hours * minutes < 0 or abs(hours * 60 + minutes) > 840:
        raise ValueError
    ticks = _ticks(hour, minute, second, fraction, digits)
    return joiner(datetimeoffset(digits))(temporal.day_number(year, month, day), ticks, hours * 60 + minutes)


scalar("ts_datefromparts", 3)(_build("date", temporal.day_number))
scalar("ts_datetimefromparts", 7)(_build("datetime", _make_datetime))
scalar("ts_smalldatetimefromparts", 5)(
    _build(
        "smalldatetime",
        lambda y, m, d, h, mi: joiner(SMALLDATETIME)(temporal.day_number(y, m, d), _ticks(h, mi, 0, 0, 0), None),
    )
)
scalar("ts_datetime2fromparts", 8)(_build("datetime2", _make_datetime2))
scalar("ts_timefromparts", 5)(_build("time", _ticks))
scalar("ts_datetimeoffsetfromparts", 10)(_build("datetimeoffset", _make_dto))


def _from_parts(count: int, make: Callable[[int], SqlType], has_precision: bool) -> Callable[[Call], Resolved]:
    def resolve(call: Call) -> Resolved:
        need(call, count)
        scale = 7
        if has_precision:
            given = constant(call, count - 1)
            if not isinstance(given, int) or not 0 <= given <= 7:
                raise SqlError(
                    10760, "Scale argument is not valid. Valid expressions for data type argument scale are integer "
                    "constants and "
                    "integer constant expressions."
                )  # fmt: skip
            scale = given
        type_ = make(scale)
        return Resolved(
            type_.with_nullable(nullable_from(call)),
            tuple(integer(call, i) for i in range(count)),
            udf(f"ts_{call.name.lower()}"),
        )

    return resolve


for _name, _count, _make, _precise in (
    ("DATEFROMPARTS", 3, lambda s: DATE, False), ("DATETIMEFROMPARTS", 7, lambda s: DATETIME, False),
    ("SMALLDATETIMEFROMPARTS", 5, lambda s: SMALLDATETIME, False), ("DATETIME2FROMPARTS", 8, datetime2, True),
    ("TIMEFROMPARTS", 5, time_type, True), ("DATETIMEOFFSETFROMPARTS", 10, datetimeoffset, True),
):  # fmt: skip
    add(_name, f"{_name.lower()}-transact-sql", _from_parts(_count, _make, _precise))

# -- EOMONTH, ISDATE


@scalar("ts_eomonth", 2)
def _eomonth(day: int | None, months: int | None) -> int | None:
    if day is None or months is None:
        return None
    try:
        d = temporal.civil(add_months(day, months))
    except temporal.OutOfRange:
        raise sql_error(517, "date") from None
    return temporal.day_number(d.year, d.month, monthrange(d.year, d.month)[1])


def _resolve_eomonth(call: Call) -> Resolved:
    need(call, 1, 2)
    given = call.types[0]
    if given.name == "time":
        raise sql_error(8116, "time", 1, "eomonth")
    check_implicit(given, DATE)
    types: list[SqlType | None] = [DATE]
    if len(call.arguments) == 2:
        types.append(integer(call, 1))
    # A month count of NULL is no month.
    return Resolved(
        DATE,
        tuple(types),
        lambda args, order_by="", over="": f"ts_eomonth({args[0]}, {f'ifnull({args[1]}, 0)' if len(args) > 1 else 0})",
    )


add("EOMONTH", "eomonth-transact-sql", _resolve_eomonth)


@scalar("ts_isdate", 1, session=True)
def _isdate(session: SessionProtocol, value: str | None) -> int:
    if value is None:
        return 0
    try:
        moment = temporal.parse(value, True, session.date_format)
        joiner(DATETIME)(moment.day, moment.ticks, None)
    except (temporal.BadSyntax, temporal.OutOfRange, SqlError):
        return 0
    return int(value.strip() != "")


def _resolve_isdate(call: Call) -> Resolved:
    need(call, 1)
    type_ = call.types[0]
    if type_.is_temporal and type_.name not in DATETIMES:
        raise sql_error(8116, type_.display_name, 1, "isdate")
    if type_.name in DATETIMES:
        return Resolved(INT, (None,), lambda args, order_by="", over="": f"({args[0]} IS NOT NULL)")
    return Resolved(INT.with_nullable(False), (varchar(8000),), udf("ts_isdate"))


add("ISDATE", "isdate-transact-sql", _resolve_isdate, deterministic=False)


# -- offsets and zones


def _offset_minutes(text: str | int) -> int:
    """'+hh:mm' or minutes. Error 9812."""
    if isinstance(text, int):
        minutes = text
    else:
        stripped = text.strip()
        try:
            if len(stripped) != 6 or stripped[0] not in "+-" or stripped[3] != ":":
                raise ValueError
            minutes = int(stripped[1:3]) * 60 + int(stripped[4:6])
            if int(stripped[4:6]) > 59:
                raise ValueError
            minutes = -minutes if stripped[0] == "-" else minutes
        except ValueError:
            minutes = 10_000
    if abs(minutes) > 840:
        raise SqlError(9812, "The timezone provided to builtin function switchoffset is invalid.")
    return minutes


@scalar("ts_switchoffset", 3)
def _switchoffset(spelled: str, value: str | None, offset: Any) -> str | None:
    if value is None or offset is None:
        return None
    _, split, join = _type(spelled)
    day, ticks, old = split(value)
    minutes = _offset_minutes(offset)
    total = day * DAY + ticks + (minutes - (old or 0)) * MINUTE
    result: str = join(*divmod(total, DAY), minutes)
    return result


@scalar("ts_todatetimeoffset", 3)
def _todatetimeoffset(spelled: str, value: int | None, offset: Any) -> str | None:
    if value is None or offset is None:
        return None
    type_, split, _ = _type(spelled)
    day, ticks, _old = split(value)
    minutes = _offset_minutes(offset)
    result: str = joiner(datetimeoffset(type_.scale if type_.scale is not None else 7))(day, ticks, minutes)
    return result


def _resolve_offset(call: Call) -> Resolved:
    need(call, 2)
    switch = call.name.upper() == "SWITCHOFFSET"
    given = call.types[0]
    if switch:
        if given.name not in ("datetimeoffset", "datetime2") and not given.is_string and not given.is_null:
            if given.name != "datetime" and given.name not in ("date", "smalldatetime"):
                raise sql_error(8116, given.display_name, 1, "switchoffset")
        type_ = given if given.name == "datetimeoffset" else datetimeoffset(
            given.scale if given.name == "datetime2" and given.scale is not None else 7
        )  # fmt: skip
        result = type_
    else:
        type_ = temporal_argument(call, 0, datetime2())
        if type_.name == "datetimeoffset":
            type_ = datetime2(7 if type_.scale is None else type_.scale)
        result = datetimeoffset(type_.scale if type_.name == "datetime2" and type_.scale is not None else 7)
    offset_type = call.types[1]
    as_ = INT if offset_type.is_number else varchar(8)
    function = "ts_switchoffset" if switch else "ts_todatetimeoffset"
    return Resolved(result.with_nullable(nullable_from(call)), (type_, as_), udf(function, f"'{_spell(type_)}'"))


add("SWITCHOFFSET", "switchoffset-transact-sql", _resolve_offset)
add("TODATETIMEOFFSET", "todatetimeoffset-transact-sql", _resolve_offset)


@scalar("ts_at_time_zone", 4)
def _at_time_zone(spelled: str, digits: int, value: Any, zone_name: str | None) -> str | None:
    if value is None or zone_name is None:
        return None
    from ..zones import local_offset, utc_offset

    _, split, _ = _type(spelled)
    day, ticks, offset = split(value)
    join = joiner(datetimeoffset(digits))
    if offset is None:
        total, minutes = local_offset(zone_name, day * DAY + ticks)
    else:
        utc = day * DAY + ticks - offset * MINUTE
        minutes = utc_offset(zone_name, utc)
        total = utc + minutes * MINUTE
    result: str = join(*divmod(total, DAY), minutes)
    return result


def resolve_at_time_zone(call: Call) -> Resolved:
    """``value AT TIME ZONE zone``: the two are the arguments. Errors: 9820 unknown zone (at run time), 8116."""
    given = call.types[0]
    type_ = temporal_argument(call, 0, datetime2())
    if given.is_string or type_.name in ("date", "time"):
        raise sql_error(8116, given.display_name, 1, "AT TIME ZONE")
    scale = type_.scale if type_.scale is not None else (3 if type_.name == "datetime" else 0)
    return Resolved(
        datetimeoffset(scale).with_nullable(True),
        (type_, nvarchar(128)),
        udf("ts_at_time_zone", f"'{_spell(type_)}'", str(scale)),
    )


add(
    "AT TIME ZONE",
    "https://learn.microsoft.com/sql/t-sql/queries/at-time-zone-transact-sql",
    resolve_at_time_zone,
)

__all__ = ["PARTS", "Sequence", "Unsupported", "datetime", "part_of", "resolve_at_time_zone"]
