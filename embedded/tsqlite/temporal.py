"""Dates and times as text: parsing as SQL Server reads strings, formatting by CONVERT's styles, and calendar
arithmetic.

A moment is (days since 0001-01-01, 100 ns since midnight, offset in minutes or None).
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass

from .caching import kept
from .errors import Unsupported

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTH_NUMBER = {m.lower(): i for i, m in enumerate(MONTHS, 1)} | {m[:3].lower(): i for i, m in enumerate(MONTHS, 1)}
SECOND = 10_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
MAX_DAY = 3_652_058
"""9999-12-31."""


class BadSyntax(Exception):
    """Not a date or time at all: error 241."""


class OutOfRange(Exception):
    """A date that does not exist: error 242 for datetime, 241 for the newer types."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What a string said; ``date`` and ``time`` tell which parts were there."""

    day: int
    ticks: int
    offset: int | None
    date: bool
    time: bool


def day_number(year: int, month: int, day: int) -> int:
    """Days since 0001-01-01. ``OutOfRange`` for a date that does not exist."""
    try:
        return datetime.date(year, month, day).toordinal() - 1
    except ValueError:
        raise OutOfRange from None


def civil(day: int) -> datetime.date:
    """The date of a day number."""
    return datetime.date.fromordinal(day + 1)


_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?", re.ASCII | re.IGNORECASE
)
_TIME = re.compile(
    r"(?<![\d:.])(\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:([.:])(\d+))?)?)?\s*(am|pm)(?![a-z])"
    r"|(?<![\d:.])(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:([.:])(\d+))?)?(?![\d:])",
    re.ASCII | re.IGNORECASE,
)
_OFFSET = re.compile(r"\s*(?:(Z)|([+-])(\d\d?):(\d\d))\s*\Z", re.ASCII | re.IGNORECASE)
_SEPARATED = re.compile(r"(\d{1,4})\s*([-/.])\s*(\d{1,4})\s*([-/.])\s*(\d{1,4})", re.ASCII)
_DIGITS = re.compile(r"\d{8}|\d{6}|\d{4}", re.ASCII)
_WORDS = re.compile(r"\d+|[A-Za-z]+", re.ASCII)

# The order in which CONVERT's style reads three numbers, and whether its years have four digits.
STYLE_ORDER = {
    1: "mdy", 101: "mdy", 10: "mdy", 110: "mdy", 22: "mdy", 2: "ymd", 102: "ymd", 11: "ymd", 111: "ymd", 12: "ymd",
    112: "ymd",
    20: "ymd", 120: "ymd", 21: "ymd", 25: "ymd", 121: "ymd", 23: "ymd", 3: "dmy", 103: "dmy", 4: "dmy", 104: "dmy",
    5: "dmy",
    105: "dmy", 126: "ymd", 127: "ymd",
}  # fmt: skip
_FREE_STYLES = frozenset({0, 100, 6, 106, 7, 107, 8, 108, 9, 109, 13, 113, 14, 114, 24})


@kept(4096)
def parse(text: str, legacy: bool, date_format: str, style: int | None = None) -> Moment:
    """Read a date, a time or both.

    ``legacy``: for datetime and smalldatetime, whose fractions have three digits at most and whose 'yyyy-mm-dd' obeys
    DATEFORMAT. Errors: ``BadSyntax``, ``OutOfRange``; ``Unsupported`` for the Hijri styles and ODBC's braces.
    """
    source = text.strip()
    if source.startswith("{"):
        raise Unsupported("A date written as an ODBC escape inside a string")
    if style is not None and style not in STYLE_ORDER and style not in _FREE_STYLES:
        raise Unsupported(f"Style {style} to read a date")
    if not source:
        return Moment(693_595, 0, None, False, False)
    iso = _ISO.fullmatch(source)
    if iso is not None:
        return _parse_iso(iso, legacy)
    if style in (126, 127):
        if "T" not in source.upper() and not legacy:
            pass
        elif not _SEPARATED.fullmatch(source):
            raise BadSyntax
    offset: int | None = None
    match = _OFFSET.search(source)
    if match is not None and (":" in source[: match.start()] or match[1]):
        if legacy and not match[1]:
            raise BadSyntax
        offset = 0 if match[1] else _offset(match[2], match[3], match[4])
        source = source[: match.start()]
    ticks: int | None = None
    match = _TIME.search(source)
    if match is not None:
        ticks = _clock(match, legacy)
        before, after = source[: match.start()], source[match.end() :]
        if before.strip() and after.strip():
            raise BadSyntax
        if before.strip() and not before[-1].isspace():
            raise BadSyntax
        source = (before + after).strip()
    if offset is not None and ticks is None:
        raise BadSyntax  # an offset belongs to a time
    if not source:
        return Moment(693_595, ticks or 0, offset, False, ticks is not None)
    day = _parse_date(source, legacy, date_format, style)
    return Moment(day, ticks or 0, offset, True, ticks is not None)


def _parse_iso(iso: re.Match[str], legacy: bool) -> Moment:
    year, month, day, hour, minute = (int(iso[i]) for i in range(1, 6))
    if iso[6] is None and (legacy or iso[8]):
        raise BadSyntax
    if hour > 23 or minute > 59 or int(iso[6] or 0) > 59:
        raise OutOfRange
    ticks = hour * HOUR + minute * MINUTE + int(iso[6] or 0) * SECOND + _fraction(iso[7], legacy)
    offset: int | None = None
    if iso[8]:
        if iso[8] in "Zz":
            offset = 0
        elif legacy:
            raise BadSyntax
        else:
            offset = _offset(iso[8][0], iso[8][1:3], iso[8][4:6])
    return Moment(day_number(year, month, day), ticks, offset, True, True)


def _offset(sign: str, hours: str, minutes: str) -> int:
    total = int(hours) * 60 + int(minutes)
    if total > 840 or int(minutes) > 59:
        raise BadSyntax
    return -total if sign == "-" else total


def _fraction(digits: str | None, legacy: bool) -> int:
    if not digits:
        return 0
    if len(digits) > (3 if legacy else 7):
        raise BadSyntax
    return int(digits.ljust(7, "0"))


def _clock(match: re.Match[str], legacy: bool) -> int:
    base = 1 if match[1] is not None else 7
    hour, minute, second = int(match[base]), int(match[base + 1] or 0), int(match[base + 2] or 0)
    meridiem = (match[6] or "").lower() if base == 1 else ""
    digits = match[base + 4]
    if match[base + 3] == ":":
        # 'hh:mi:ss:mmm' counts thousandths: ':7' is seven of them.
        if len(digits) > 3:
            raise BadSyntax
        fraction = int(digits) * 10_000
    else:
        fraction = _fraction(digits, legacy)
    if meridiem:
        if hour > 23:
            raise OutOfRange
        if hour <= 12:
            hour = hour % 12 + (12 if meridiem == "pm" else 0)
        elif meridiem == "am":
            raise BadSyntax
    if hour > 23 or minute > 59 or second > 59:
        raise OutOfRange
    return hour * HOUR + minute * MINUTE + second * SECOND + fraction


def _year(digits: str) -> int:
    number = int(digits)
    if len(digits) == 4:
        return number
    if len(digits) > 2:
        raise BadSyntax
    return number + (2000 if number < 50 else 1900)


def _parse_date(source: str, legacy: bool, date_format: str, style: int | None) -> int:
    if _DIGITS.fullmatch(source):
        if len(source) == 4:
            return day_number(int(source), 1, 1)
        year = _year(source[:-4])
        return day_number(year, int(source[-4:-2]), int(source[-2:]))
    match = _SEPARATED.fullmatch(source)
    if match is not None:
        if match[2] != match[4] and not legacy:
            raise BadSyntax
        return _three_numbers(match[1], match[3], match[5], match[2], legacy, date_format, style)
    return _with_month_name(source, date_format)


def _three_numbers(a: str, b: str, c: str, separator: str, legacy: bool, date_format: str, style: int | None) -> int:
    order = date_format
    if style is not None and style in STYLE_ORDER:
        order = STYLE_ORDER[style]
        wants_century = style >= 100 or style in (20, 21, 23, 25)
        if wants_century and max(map(len, (a, b, c))) != 4:
            raise Unsupported(f"A year of two digits with style {style}")
    if len(a) == 4:
        # The newer types take yyyy-mm-dd as ISO does, whatever DATEFORMAT says.
        if not legacy and separator == "-":
            order = "ymd"
        else:
            order = "y" + order.replace("y", "")
    elif len(c) == 4:
        order = order.replace("y", "") + "y"
    elif len(b) == 4:
        order = order.replace("y", "")[0] + "y" + order.replace("y", "")[1]
    if len(a) == 3 or len(b) == 3 or len(c) == 3:
        raise BadSyntax
    parts = dict(zip(order, (a, b, c), strict=True))
    if len(parts["m"]) > 2 or len(parts["d"]) > 2:
        raise BadSyntax
    return day_number(_year(parts["y"]), int(parts["m"]), int(parts["d"]))


def _with_month_name(source: str, date_format: str) -> int:
    if re.sub(r"[A-Za-z0-9\s,./-]", "", source):
        raise BadSyntax
    words = _WORDS.findall(source)
    names = [w for w in words if w.isalpha()]
    numbers = [w for w in words if w.isdigit()]
    if len(names) != 1 or names[0].lower() not in _MONTH_NUMBER or not 1 <= len(numbers) <= 2:
        raise BadSyntax
    month = _MONTH_NUMBER[names[0].lower()]
    if len(numbers) == 1:
        if len(numbers[0]) == 4:
            return day_number(int(numbers[0]), month, 1)
        raise BadSyntax
    first, second = numbers
    if len(first) == 4 and len(second) <= 2:
        year, day = first, second
    elif len(first) <= 2:
        year, day = second, first
        if len(second) <= 2 and date_format.index("y") < date_format.index("d"):
            year, day = first, second
    else:
        raise BadSyntax
    return day_number(_year(year), month, int(day))


# -- formatting

DATE_STYLES = frozenset({1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 23, 101, 102, 103, 104, 105, 106, 107, 110, 111, 112})
TIME_STYLES = frozenset({8, 24, 108, 14, 114})
BOTH_STYLES = frozenset({0, 100, 9, 109, 13, 113, 20, 120, 21, 25, 121, 22, 126, 127})
STYLES = DATE_STYLES | TIME_STYLES | BOTH_STYLES


def _fraction_text(ticks: int, digits: int, mark: str) -> str:
    return f"{mark}{ticks % SECOND:07d}"[: digits + 1] if digits else ""


def hms(ticks: int) -> str:
    seconds = ticks // SECOND
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _half_day(ticks: int) -> tuple[int, str]:
    hour = ticks // HOUR
    return hour % 12 or 12, "PM" if hour >= 12 else "AM"


def offset_text(offset: int) -> str:
    """``+02:00``."""
    return f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}"


def _date_text(day: int, style: int) -> str:
    d = civil(day)
    year = f"{d.year:04d}"
    short = year[2:]
    y = short if style < 20 else year
    name = MONTHS[d.month - 1][:3]
    match style % 100:
        case 1:
            return f"{d.month:02d}/{d.day:02d}/{y}"
        case 2:
            return f"{y}.{d.month:02d}.{d.day:02d}"
        case 3:
            return f"{d.day:02d}/{d.month:02d}/{y}"
        case 4:
            return f"{d.day:02d}.{d.month:02d}.{y}"
        case 5:
            return f"{d.day:02d}-{d.month:02d}-{y}"
        case 6:
            return f"{d.day:02d} {name} {y}"
        case 7:
            return f"{name} {d.day:02d}, {y}"
        case 10:
            return f"{d.month:02d}-{d.day:02d}-{y}"
        case 11:
            return f"{y}/{d.month:02d}/{d.day:02d}"
        case 12:
            return f"{y}{d.month:02d}{d.day:02d}"
        case 0 | 9:
            return f"{name} {d.day:2d} {year}"
        case 13:
            return f"{d.day:02d} {name} {year}"
        case 22:
            return f"{d.month:02d}/{d.day:02d}/{short}"
        case _:
            return f"{year}-{d.month:02d}-{d.day:02d}"


def _time_text(ticks: int, digits: int, style: int, kind: str) -> str:
    hour, half = _half_day(ticks)
    match style:
        case 0 | 100:
            shown = f"{hour}" if kind == "time" else f"{hour:2d}"
            return f"{shown}:{ticks // MINUTE % 60:02d}{half}"
        case 9 | 109:
            mark = ":" if kind in ("datetime", "smalldatetime") else "."
            shown = f"{hour}" if kind == "time" else f"{hour:2d}"
            return f"{shown}{hms(ticks)[2:]}{_fraction_text(ticks, digits, mark)}{half}"
        case 22:
            return f"{hour:2d}{hms(ticks)[2:]} {half}"
        case 13 | 113 | 14 | 114:
            return hms(ticks) + _fraction_text(ticks, digits, ":" if kind in ("datetime", "smalldatetime") else ".")
        case 21 | 25 | 121:
            return hms(ticks) + _fraction_text(ticks, digits, ".")
        case 126 | 127:
            if kind in ("datetime", "smalldatetime") and ticks % SECOND == 0:
                return hms(ticks)
            return hms(ticks) + _fraction_text(ticks, digits, ".")
        case _:
            return hms(ticks)


def format_style(day: int, ticks: int, offset: int | None, digits: int, kind: str, style: int) -> str:
    """Text of a moment (local day and time of day) of SQL type ``kind`` with ``digits`` fractional digits, by
    CONVERT's style.

    ``Unsupported`` for the Hijri styles 130 and 131 and for a date's time or a time's date.
    """
    if style in (130, 131):
        raise Unsupported(f"Style {style} (Hijri calendar)")
    if style not in STYLES:
        raise Unsupported(f"Style {style} of a date or time")
    if kind == "date":
        if style in TIME_STYLES:
            raise Unsupported(f"Style {style} of a date")
        return _date_text(day, style)
    if kind == "time":
        if style in DATE_STYLES:
            raise Unsupported(f"Style {style} of a time")
        return _time_text(ticks, digits, style, kind)
    if style == 127 and offset is not None:
        utc = day * DAY + ticks - offset * MINUTE
        return f"{_date_text(utc // DAY, 126)}T{_time_text(utc % DAY, digits, 126, kind)}Z"
    if style in DATE_STYLES:
        return _date_text(day, style)
    time = _time_text(ticks, digits, style, kind)
    tail = "" if offset is None else ("" if style in (126, 127) else " ") + offset_text(offset)
    if style in TIME_STYLES:
        return time + tail
    return f"{_date_text(day, style)}{'T' if style in (126, 127) else ' '}{time}{tail}"
