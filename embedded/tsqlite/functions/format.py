"""FORMAT: .NET's date and number formats. https://learn.microsoft.com/sql/t-sql/functions/format-transact-sql

Cultures: en-US (default), en-GB, de-DE; another one is refused. A format that .NET would reject gives NULL.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from .. import temporal
from ..convert import splitter
from ..errors import Unsupported, sql_error
from ..runtime import scalar
from ..temporal import HOUR, MINUTE, SECOND
from ..types import SqlType, nvarchar
from ..values import unscaled
from .arguments import text
from .dates import _spell, _type
from .registry import Call, Resolved, add, need

_PAGE = "format-transact-sql"
_WIDE = Context(prec=400)


@dataclass(frozen=True, slots=True)
class Culture:
    """Names and patterns of a culture."""

    point: str
    group: str
    currency: str
    negative_currency: str
    months: tuple[str, ...]
    days: tuple[str, ...]
    patterns: dict[str, str] = field(default_factory=dict)
    date_separator: str = "/"
    am_pm: tuple[str, str] = ("AM", "PM")
    percent: str = "{}%"


_GERMAN_MONTHS = ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober",
"November",
                  "Dezember")  # fmt: skip
_GERMAN_DAYS = ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag")

CULTURES = {
    "en-us": Culture(
        ".", ",", "${}", "(${})", temporal.MONTHS, temporal.WEEKDAYS,
        {"d": "M/d/yyyy", "D": "dddd, MMMM d, yyyy", "t": "h:mm tt", "T": "h:mm:ss tt", "M": "MMMM d",
        "Y": "MMMM yyyy"},
        percent="{}%",
    ),
    "en-gb": Culture(
        ".", ",", "£{}", "-£{}", temporal.MONTHS, temporal.WEEKDAYS,
        {"d": "dd/MM/yyyy", "D": "dd MMMM yyyy", "t": "HH:mm", "T": "HH:mm:ss", "M": "d MMMM", "Y": "MMMM yyyy"},
    ),
    "de-de": Culture(
        ",", ".", "{} €", "-{} €", _GERMAN_MONTHS, _GERMAN_DAYS,
        {"d": "dd.MM.yyyy", "D": "dddd, d. MMMM yyyy", "t": "HH:mm", "T": "HH:mm:ss", "M": "d. MMMM", "Y": "MMMM yyyy"},
        date_separator=".",
        am_pm=("", ""),
    ),
}  # fmt: skip
# Of this one only the short date is told by Microsoft's page.
_SHORT_DATES = {"zh-cn": "yyyy/M/d"}
_INVARIANT = {
    "s": "yyyy'-'MM'-'dd'T'HH':'mm':'ss", "u": "yyyy'-'MM'-'dd HH':'mm':'ss'Z'",
    "R": "ddd, dd MMM yyyy HH':'mm':'ss 'GMT'",
}  # fmt: skip


def culture(name: str | None) -> Culture:
    found = CULTURES.get((name or "en-us").lower())
    if found is None:
        raise Unsupported(f"FORMAT with culture {name}")
    return found


# -- dates

_TOKEN = re.compile(r"d+|M+|y+|H+|h+|m+|s+|f+|F+|t+|z+|K|:|/|'[^']*'|\"[^\"]*\"|\\.|%.|.", re.DOTALL)


def _date_pattern(code: str, c: Culture, has_offset: bool) -> str | None:
    patterns = c.patterns
    match code:
        case "d" | "D" | "t" | "T":
            return patterns[code]
        case "f":
            return f"{patterns['D']} {patterns['t']}"
        case "F":
            return f"{patterns['D']} {patterns['T']}"
        case "g":
            return f"{patterns['d']} {patterns['t']}"
        case "G":
            return f"{patterns['d']} {patterns['T']}"
        case "m" | "M":
            return patterns["M"]
        case "y" | "Y":
            return patterns["Y"]
        case "o" | "O":
            return "yyyy'-'MM'-'dd'T'HH':'mm':'ss'.'fffffff" + ("zzz" if has_offset else "")
        case "r" | "R":
            return _INVARIANT["R"]
        case "s" | "u":
            return _INVARIANT[code]
    return None


def format_date(day: int, ticks: int, offset: int | None, pattern: str, culture_name: str | None) -> str | None:
    """A moment by a .NET format; None for a bad format."""
    pattern = pattern or "G"
    if (culture_name or "").lower() in _SHORT_DATES and pattern == "d":
        pattern, c = _SHORT_DATES[(culture_name or "").lower()], CULTURES["en-us"]
    else:
        c = culture(culture_name)
    if len(pattern) == 1:
        if pattern == "U" and offset is None:
            raise Unsupported("FORMAT with U, which depends on the time zone of the server,")
        expanded = _date_pattern(pattern, c, offset is not None)
        if expanded is None:
            return None
        if pattern in "uRr" and offset:
            total = day * temporal.DAY + ticks - offset * MINUTE
            day, ticks = divmod(total, temporal.DAY)
        if pattern in "suoORr":
            c = CULTURES["en-us"]
        pattern = expanded
    d = temporal.civil(day)
    hour, minute, second, fraction = ticks // HOUR, ticks // MINUTE % 60, ticks // SECOND % 60, ticks % SECOND
    out: list[str] = []
    # "MMMM d": German months have one form only, so genitives do not matter.
    for token in _TOKEN.findall(pattern):
        out.append(_date_token(token, d, day, hour, minute, second, fraction, offset, c))
    return _without_optional("".join(out))


def _without_optional(text_: str) -> str:
    # 'F' digits that are zero vanish with the point before them.
    return text_.replace(".\ue000", "").replace("\ue000", "")


def _date_token(
    token: str, d: Any, day: int, hour: int, minute: int, second: int, fraction: int, offset: int | None, c: Culture
) -> str:
    count = len(token)
    match token[0]:
        case "d":
            name = c.days[day % 7]
            short = name[:2] if c.date_separator == "." else name[:3]
            return str(d.day) if count == 1 else f"{d.day:02d}" if count == 2 else short if count == 3 else name
        case "M":
            name = c.months[d.month - 1]
            if count == 3 and c.date_separator == "." and len(name) > 4:
                raise Unsupported("FORMAT with a German abbreviated month")
            return str(d.month) if count == 1 else f"{d.month:02d}" if count == 2 else name[:3] if count == 3 else name
        case "y":
            return (
                str(d.year % 100) if count == 1 else f"{d.year % 100:02d}" if count == 2 else str(d.year).zfill(count)
            )
        case "H":
            return str(hour) if count == 1 else f"{hour:02d}"
        case "h":
            return str(hour % 12 or 12) if count == 1 else f"{hour % 12 or 12:02d}"
        case "m":
            return str(minute) if count == 1 else f"{minute:02d}"
        case "s":
            return str(second) if count == 1 else f"{second:02d}"
        case "f":
            return f"{fraction:07d}"[:count]
        case "F":
            return f"{fraction:07d}"[:count].rstrip("0") or "\ue000"
        case "t":
            half = c.am_pm[hour >= 12]
            return half[:1] if count == 1 else half
        case "z" | "K":
            if offset is None:
                if token == "K":
                    return ""
                raise Unsupported("FORMAT of an offset that the type has not")
            if token == "K" or count >= 3:
                return temporal.offset_text(offset)
            sign = "-" if offset < 0 else "+"
            return f"{sign}{abs(offset) // 60:0{count}d}"
        case "/":
            return c.date_separator
        case "'" | '"':
            return token[1:-1] if count > 1 else ""
        case "\\":
            return token[1:]
        case "%":
            return _date_token(token[1:], d, day, hour, minute, second, fraction, offset, c)
    return token


# -- numbers


def _grouped(whole: str, c: Culture) -> str:
    return f"{int(whole):,}".replace(",", c.group)


def _rounded(value: Decimal, places: int) -> tuple[str, str, bool]:
    """Whole digits, fraction digits, and whether the rounded number is negative."""
    rounded = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _WIDE)
    shown = format(abs(rounded), "f")
    whole, _, fraction = shown.partition(".")
    return whole, fraction, rounded < 0


def format_number(value: Decimal, pattern: str, culture_name: str | None, *, integer: bool) -> str | None:
    """A number by a .NET format; None for a bad format."""
    c = culture(culture_name)
    pattern = pattern or "G"
    standard = re.fullmatch(r"([A-Za-z])(\d{0,2})", pattern)
    if standard is None:
        return _custom_number(value, pattern, c)
    code, digits = standard[1], standard[2]
    places = int(digits) if digits else 2
    match code.upper():
        case "N" | "C" | "P":
            if code.upper() == "P":
                value *= 100
            whole, fraction, negative = _rounded(value, places)
            shown = _grouped(whole, c) + (c.point + fraction if fraction else "")
            if code.upper() == "C":
                return (c.negative_currency if negative else c.currency).format(shown)
            if code.upper() == "P":
                shown = f"{shown} %" if c.date_separator == "." else f"{shown}%"
            return f"-{shown}" if negative else shown
        case "F":
            whole, fraction, negative = _rounded(value, places)
            return ("-" if negative else "") + whole + (c.point + fraction if fraction else "")
        case "D" | "X":
            if not integer:
                return None
            width = int(digits or 0)
            if code.upper() == "D":
                return ("-" if value < 0 else "") + str(abs(int(value))).zfill(width)
            if value < 0:
                raise Unsupported("FORMAT of a negative number in hexadecimal")
            made = f"{int(value):X}".zfill(width)
            return made if code == "X" else made.lower()
        case "G":
            if digits:
                raise Unsupported("FORMAT with G and a precision")
            return format(value, "f").replace(".", c.point)
        case "E":
            places = int(digits) if digits else 6
            # A zero of Decimal has an exponent of its own.
            mantissa, exponent = f"{value or Decimal(0):.{places}E}".split("E")
            if not value:
                exponent = "+0"
            return f"{mantissa.replace('.', c.point)}{code}{exponent[0]}{abs(int(exponent)):03d}"
    return None


def _sections(pattern: str) -> list[str]:
    parts = [""]
    quote = ""
    i = 0
    while i < len(pattern):
        char = pattern[i]
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char == "\\":
            parts[-1] += pattern[i : i + 2]
            i += 2
            continue
        elif char == ";":
            parts.append("")
            i += 1
            continue
        parts[-1] += char
        i += 1
    return parts


_NUMBER_TOKEN = re.compile(r"'[^']*'|\"[^\"]*\"|\\.|.", re.DOTALL)


def _custom_number(value: Decimal, pattern: str, c: Culture) -> str | None:
    sections = _sections(pattern)
    section, sign = sections[0], "-" if value < 0 else ""
    if value < 0 and len(sections) > 1 and sections[1]:
        section, sign = sections[1], ""
    elif value == 0 and len(sections) > 2:
        section = sections[2]
    if re.search(r"(?<!\\)[eE][+-]?0", section) or "‰" in section:
        raise Unsupported("FORMAT with an exponent or per mille in a custom format")
    tokens = _NUMBER_TOKEN.findall(section)
    point = next((i for i, t in enumerate(tokens) if t == "."), len(tokens))
    before = [t for t in tokens[:point] if t in ("0", "#")]
    after = [t for t in tokens[point + 1 :] if t in ("0", "#")]
    places = [i for i, t in enumerate(tokens[:point]) if t in ("0", "#")]
    grouping = any(t == "," and places and places[0] < i < places[-1] for i, t in enumerate(tokens[:point]))
    trailing = 0
    if places:
        i = places[-1] + 1
        while i < point and tokens[i] == ",":
            trailing += 1
            i += 1
    number = abs(value) * (100 if "%" in tokens else 1)
    number = number.scaleb(-3 * trailing)
    whole, fraction, _ = _rounded(number, len(after))
    if int(whole or 0) == 0 and not any(fraction.strip("0")) and len(sections) == 1:
        sign = ""
    fraction_keep = max(
        (i + 1 for i, (t, f) in enumerate(zip(after, fraction, strict=False)) if t == "0" or fraction[i:].strip("0")),
        default=0,
    )
    fraction = fraction[:fraction_keep]
    minimum = len(before) - before.index("0") if "0" in before else 0
    digits = (whole.lstrip("0")).zfill(minimum)
    return sign + _fill(tokens, digits, fraction, len(before), grouping, c)


def _fill(tokens: Sequence[str], digits: str, fraction: str, slots: int, grouping: bool, c: Culture) -> str:
    """The tokens with digits in the places of 0 and #: the first place takes all that are left over."""
    out: list[str] = []
    seen, in_fraction, used = 0, False, 0
    for token in tokens:
        if token in ("0", "#"):
            if in_fraction:
                if used < len(fraction):
                    out.append(fraction[used])
                    used += 1
                continue
            seen += 1
            remaining = slots - seen
            if seen == 1:
                taken = digits[: max(0, len(digits) - remaining)]
                start = 0
            else:
                start = len(digits) - remaining - 1
                taken = digits[start : start + 1] if start >= 0 else ""
            for i, digit in enumerate(taken):
                out.append(digit)
                place = len(digits) - (start + i) - 1
                if grouping and place and place % 3 == 0:
                    out.append(c.group)
        elif token == ".":
            if fraction and not in_fraction:
                out.append(c.point)
            in_fraction = True
        elif token == ",":
            continue
        elif token[0] in "'\"" and len(token) > 1:
            out.append(token[1:-1])
        elif token[0] == "\\":
            out.append(token[1:])
        else:
            out.append(token)
    return "".join(out)


# -- the function


@scalar("ts_format_date", 4)
def _ts_format_date(spelled: str, value: Any, pattern: str | None, culture_name: str | None) -> str | None:
    if value is None or pattern is None:
        return None
    day, ticks, offset = _type(spelled)[1](value)
    return format_date(day, ticks, offset, pattern, culture_name)


@scalar("ts_format_number", 5)
def _ts_format_number(
    scale: int, integer: int, value: Any, pattern: str | None, culture_name: str | None
) -> str | None:
    if value is None or pattern is None:
        return None
    if value.__class__ is float:
        if math.isinf(value):
            return None
        number = Decimal(f"{value:.15g}")
    else:
        number = Decimal(unscaled(value)).scaleb(-scale, _WIDE)
    return format_number(number, pattern, culture_name, integer=bool(integer))


def _resolve_format(call: Call) -> Resolved:
    need(call, 2, 3)
    type_ = call.types[0]
    types: list[SqlType | None] = [None, text(call, 1)]
    if len(call.arguments) == 3:
        types.append(nvarchar(128))
    if type_.name == "time":
        raise Unsupported("FORMAT of a time")
    if type_.is_temporal:
        head = f"ts_format_date('{_spell(type_)}'"
    elif type_.is_number and type_.name != "bit":
        head = f"ts_format_number({type_.system_scale}, {int(type_.is_integer)}"
    else:
        raise sql_error(8116, "NULL" if type_.is_null else type_.display_name, 1, "format")
    return Resolved(
        nvarchar(4000),
        tuple(types),
        lambda args, order_by="", over="": f"{head}, {args[0]}, {args[1]}, {args[2] if len(args) > 2 else 'NULL'})",
    )


add("FORMAT", _PAGE, _resolve_format)

__all__ = ["CULTURES", "format_date", "format_number", "splitter"]
