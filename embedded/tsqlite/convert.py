"""Conversions: every pair of Microsoft's chart, as a Python function on storage values and as SQLite text.

https://learn.microsoft.com/sql/t-sql/functions/cast-and-convert-transact-sql
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeAlias

import apsw

from . import collation, numbers, runtime, temporal
from .chart import check_explicit as check_explicit
from .chart import check_implicit as check_implicit
from .errors import SqlError, Unsupported, sql_error
from .types import (
    DATETIMES,
    FLOATS,
    INTEGER_RANGE,
    INTEGERS,
    MONEYS,
    STRINGS,
    SqlType,
    as_decimal,
    parse_type,
)
from .values import (
    DATETIME_TICKS_PER_DAY,
    DAYS_TO_1900,
    TICKS_PER_DAY,
    Storage,
    decimal_text,
    dto_parts,
    dto_storage,
    guid_from_wire,
    guid_text,
    guid_wire_bytes,
    round_half_away,
    store_decimal,
    unscaled,
)

if TYPE_CHECKING:
    from .functions.session_protocol import SessionProtocol

Converter: TypeAlias = "Callable[[Any, int | None, SessionProtocol], Any]"
_POWERS: list[int] = [10**i for i in range(80)]


def _shown(type_: SqlType) -> str:
    return "numeric" if type_.is_decimal else type_.display_name


# -- to strings


def _utf16_length(text: str) -> int:
    return len(text) if text.isascii() or max(text) <= "\uffff" else len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, length: int, unicode: bool) -> str:
    """``text`` cut to ``length`` characters (UTF-16 code units); ``Unsupported`` where that would halve a surrogate
    pair.
    """
    if length == -1 or (len(text) <= length and (not unicode or text.isascii())):
        return text
    if not unicode or text.isascii() or max(text) <= "\uffff":
        return text[:length]
    data = text.encode("utf-16-le")[: 2 * length]
    try:
        return data.decode("utf-16-le")
    except UnicodeDecodeError:
        raise Unsupported("Cutting a string within a surrogate pair") from None


def pad(text: str, length: int, unicode: bool) -> str:
    """``text`` of a char or nchar with its trailing spaces."""
    missing = length - (_utf16_length(text) if unicode else len(text))
    return text + " " * missing if missing > 0 else text


def _string_sink(target: SqlType) -> Callable[[str], str]:
    """Cuts, pads and turns to the code page as the target needs."""
    length, unicode = target.length or 1, target.is_unicode
    fixed = target.name in ("char", "nchar")

    def sink(text: str) -> str:
        if not unicode:
            text = numbers.to_code_page(text)
        if length != -1 and (len(text) > length or (unicode and not text.isascii())):
            text = cut(text, length, unicode)
        return pad(text, length, unicode) if fixed else text

    return sink


def _to_string(source: SqlType, target: SqlType) -> Converter:
    sink = _string_sink(target)
    length = target.length or 1
    name = source.name
    if source.is_string:
        return lambda v, style, session: sink(v)
    if name in INTEGERS:
        star = not target.is_unicode and name not in ("bigint", "bit")

        def integer(v: int, style: int | None, session: SessionProtocol) -> str:
            text = str(v)
            if length != -1 and len(text) > length:
                if star:
                    return sink("*")
                raise sql_error(8115, "expression", target.name)
            return sink(text)

        return integer
    if source.is_decimal:
        scale = source.scale or 0
        return _fitting(lambda v, style: decimal_text(unscaled(v), scale), target, sink, ("numeric", 8115))
    if name in MONEYS:
        return _fitting(lambda v, style: numbers.money_text(v, style or 0), target, sink, ("money", 234))
    if name in FLOATS:
        real = name == "real"
        return _fitting(lambda v, style: numbers.float_text(v, style or 0, real=real), target, sink, ("float", 8115))
    if name == "uniqueidentifier":

        def guid(v: bytes, style: int | None, session: SessionProtocol) -> str:
            if length != -1 and length < 36:
                raise sql_error(8170)
            return sink(guid_text(v))

        return guid
    if source.is_binary:
        unicode = target.is_unicode

        def binary(v: bytes, style: int | None, session: SessionProtocol) -> str:
            if style in (1, 2):
                text = ("0x" if style == 1 else "") + v.hex().upper()
                return sink(text if length == -1 or len(text) <= length else text[: length - length % 2])
            if unicode:
                return sink(numbers.utf16_text(v[: 2 * length] if length != -1 else v))
            return sink(numbers.code_page_text(v))

        return binary
    return _temporal_to_string(source, target, sink)


def _fitting(
    text_of: Callable[[Any, int | None], str], target: SqlType, sink: Callable[[str], str], error: tuple[str, int]
) -> Converter:
    length = target.length or 1

    def converter(v: Any, style: int | None, session: SessionProtocol) -> str:
        text = text_of(v, style)
        if length != -1 and len(text) > length:
            if error[1] == 234:
                raise SqlError(234, f"There is insufficient result space to convert a money value to {target.name}.")
            raise sql_error(8115, error[0], target.name)
        return sink(text)

    return converter


def _temporal_to_string(source: SqlType, target: SqlType, sink: Callable[[str], str]) -> Converter:
    digits = _digits(source)
    name = source.name
    split = _splitter(source)
    # What does not fit is cut, as the habit of CONVERT(char(7), d, 120) needs.
    # datetime and smalldatetime show as style 0, the newer types as style 121.
    default = 0 if name in DATETIMES else 121

    def converter(v: Any, style: int | None, session: SessionProtocol) -> str:
        day, ticks, offset = split(v)
        if name == "datetime":
            ticks = round_half_away(ticks, 10_000) * 10_000
        text = temporal.format_style(day, ticks, offset, digits, name, default if style is None else style)
        return sink(text)

    return converter


def _digits(type_: SqlType) -> int:
    """Fractional digits of a temporal type."""
    if type_.name in ("time", "datetime2", "datetimeoffset"):
        return 7 if type_.scale is None else type_.scale
    return 3 if type_.name == "datetime" else 3 if type_.name == "smalldatetime" else 0


# -- temporal values as (day, ticks, offset)


def _splitter(source: SqlType) -> Callable[[Any], tuple[int, int, int | None]]:
    """Local day number, 100 ns of the day, and offset of a stored value."""
    name = source.name
    if name == "date":
        return lambda v: (v, 0, None)
    if name == "time":
        return lambda v: (DAYS_TO_1900, v, None)
    if name == "datetime2":
        return lambda v: (*divmod(v, TICKS_PER_DAY), None)
    if name == "datetime":

        def from_datetime(v: int) -> tuple[int, int, None]:
            day, rest = divmod(v, DATETIME_TICKS_PER_DAY)
            return day + DAYS_TO_1900, round_half_away(rest * 100_000, 3), None

        return from_datetime
    if name == "smalldatetime":
        return lambda v: (DAYS_TO_1900 + v // 1440, v % 1440 * temporal.MINUTE, None)

    def from_dto(v: str) -> tuple[int, int, int]:
        utc, offset = dto_parts(v)
        day, ticks = divmod(utc + offset * temporal.MINUTE, TICKS_PER_DAY)
        return day, ticks, offset

    return from_dto


def splitter(source: SqlType) -> Callable[[Any], tuple[int, int, int | None]]:
    """Local day number, 100 ns of the day, and offset (None but for datetimeoffset) of a stored temporal value."""
    return _splitter(source)


def joiner(target: SqlType, source_name: str = "datetime2") -> Callable[[int, int, int | None], Any]:
    """The reverse of ``splitter``: rounds to the target's fraction. Error 242 outside its range."""
    name = target.name
    digits = _digits(target)
    step = 10 ** (7 - digits) if name in ("time", "datetime2", "datetimeoffset") else 1

    def rounded(day: int, ticks: int) -> int:
        total = day * TICKS_PER_DAY + ticks
        if step > 1:
            total = (total + step // 2) // step * step
        if not 0 <= total < (temporal.MAX_DAY + 1) * TICKS_PER_DAY:
            raise sql_error(8115, "expression", name)
        return total

    if name == "date":
        return lambda day, ticks, offset: day
    if name == "time":

        def to_time(day: int, ticks: int, offset: int | None) -> int:
            result = (ticks + step // 2) // step * step
            if result >= TICKS_PER_DAY:
                # At the last fraction of a day rounding would leave the day: it is cut instead.
                result = ticks // step * step
            return result

        return to_time
    if name == "datetime2":
        return lambda day, ticks, offset: rounded(day, ticks)
    if name == "datetimeoffset":

        def to_dto(day: int, ticks: int, offset: int | None) -> str:
            minutes = offset or 0
            utc = rounded(day, ticks) - minutes * temporal.MINUTE
            if not 0 <= utc < (temporal.MAX_DAY + 1) * TICKS_PER_DAY:
                raise sql_error(8115, "expression", name)
            return dto_storage(utc, minutes)

        return to_dto
    if name == "datetime":

        def to_datetime(day: int, ticks: int, offset: int | None) -> int:
            total = (day - DAYS_TO_1900) * DATETIME_TICKS_PER_DAY + round_half_away(ticks * 3, 100_000)
            if not _DATETIME_LOW <= total <= _DATETIME_HIGH:
                raise sql_error(242, source_name, name)
            return total

        return to_datetime

    def to_smalldatetime(day: int, ticks: int, offset: int | None) -> int:
        total = (day - DAYS_TO_1900) * 1440 + (ticks + 30 * temporal.SECOND) // temporal.MINUTE
        if not 0 <= total < 65_536 * 1440:
            raise sql_error(242, source_name, name)
        return total

    return to_smalldatetime


_DATETIME_LOW = (temporal.day_number(1753, 1, 1) - DAYS_TO_1900) * DATETIME_TICKS_PER_DAY
_DATETIME_HIGH = (temporal.MAX_DAY + 1 - DAYS_TO_1900) * DATETIME_TICKS_PER_DAY - 1


def _to_temporal(source: SqlType, target: SqlType) -> Converter:
    name = target.name
    join = joiner(target, source.display_name)
    if source.is_temporal:
        split = _splitter(source)
        if source.name == "datetimeoffset" and name != "datetimeoffset":
            return lambda v, style, session: join(*split(v)[:2], None)
        if source.name == "datetime" and name == "smalldatetime":
            # By the milliseconds shown: 29.998 seconds go down, 29.999 up.
            def by_milliseconds(v: int, style: int | None, session: SessionProtocol) -> Any:
                day, ticks, _ = split(v)
                return join(day, round_half_away(ticks, 10_000) * 10_000, None)

            return by_milliseconds
        return lambda v, style, session: join(*split(v))
    if source.is_string:
        legacy = name in DATETIMES

        def from_text(v: str, style: int | None, session: SessionProtocol) -> Any:
            try:
                moment = temporal.parse(v, legacy, session.date_format, style)
            except temporal.BadSyntax:
                if name == "smalldatetime":
                    raise SqlError(
                        295, "Conversion failed when converting character string to smalldatetime data type."
                    ) from None
                raise sql_error(241) from None
            except temporal.OutOfRange:
                if legacy:
                    raise sql_error(242, source.name, name) from None
                raise sql_error(241) from None
            if name == "smalldatetime":
                # Read as a datetime first: 29.999 seconds are 30.
                return join(moment.day, round_half_away(round_half_away(moment.ticks * 3, 100_000) * 100_000, 3), None)
            return join(moment.day, moment.ticks, moment.offset)

        return from_text
    if name not in DATETIMES:
        raise Unsupported(f"Conversion from {source.display_name} to {name}")
    if source.is_binary:
        return _binary_to_datetime(name)

    low, high = (_DATETIME_LOW, _DATETIME_HIGH) if name == "datetime" else (0, 65_536 * 1440 - 1)
    from_integer = source.name in INTEGERS
    per_day = DATETIME_TICKS_PER_DAY if name == "datetime" else 1440
    number_of = _exact(source)

    def from_number(v: Any, style: int | None, session: SessionProtocol) -> int:
        total: int = v * per_day if from_integer else int((number_of(v) * per_day).to_integral_value(ROUND_HALF_UP))
        if not low <= total <= high:
            raise sql_error(8115, "expression", name)
        return total

    return from_number


def _binary_to_datetime(name: str) -> Converter:
    def converter(v: bytes, style: int | None, session: SessionProtocol) -> int:
        if name != "datetime":
            raise Unsupported("Conversion from binary to smalldatetime")
        days, ticks = struct.unpack(">iI", v[-8:].rjust(8, b"\0"))
        total: int = days * DATETIME_TICKS_PER_DAY + ticks
        if ticks >= DATETIME_TICKS_PER_DAY or not _DATETIME_LOW <= total <= _DATETIME_HIGH:
            raise sql_error(8115, "expression", name)
        return total

    return converter


# -- to numbers


def _exact(source: SqlType) -> Callable[[Any], Decimal]:
    """The number that a stored number, datetime or smalldatetime (days since 1900) is, exactly or to 60 digits."""
    if source.is_decimal or source.is_money:
        scale = source.system_scale
        return lambda v: Decimal(unscaled(v)).scaleb(-scale)
    if source.name == "datetime":
        return lambda v: Decimal(v) / DATETIME_TICKS_PER_DAY
    if source.name == "smalldatetime":
        return lambda v: Decimal(v) / 1440
    return lambda v: Decimal(v)


def _big_endian(v: bytes, size: int) -> int:
    return int.from_bytes(v[-size:].rjust(size, b"\0"), "big", signed=True)


def _to_integer(source: SqlType, target: SqlType) -> Converter:
    name = target.name
    low, high = INTEGER_RANGE[name]
    if source.is_string:
        if name == "bit":
            return lambda v, style, session: numbers.parse_bit(v, source.name)
        return lambda v, style, session: numbers.parse_integer(v, name, source.name)
    if source.is_binary:
        if name == "bit":
            return lambda v, style, session: int(any(v[-1:]))
        if name == "tinyint":
            return lambda v, style, session: v[-1] if v else 0
        size = target.max_bytes
        return lambda v, style, session: _big_endian(v, size)
    if name == "bit":
        return lambda v, style, session: int(v != 0) if not isinstance(v, str) else int(unscaled(v) != 0)
    number = _integer_of(source)

    def converter(v: Any, style: int | None, session: SessionProtocol) -> int:
        result = number(v)
        if low <= result <= high:
            return result
        if source.name in FLOATS:
            raise SqlError(232, f"Arithmetic overflow error for type {name}, value = {v:f}.")
        if source.name in INTEGERS and name in ("tinyint", "smallint"):
            raise SqlError(220, f"Arithmetic overflow error for data type {name}, value = {v}.")
        raise sql_error(8115, "numeric" if source.is_decimal else "expression", name)

    return converter


def _integer_of(source: SqlType) -> Callable[[Any], int]:
    if source.name in INTEGERS:
        return int
    if source.name in FLOATS:
        return int
    if source.is_decimal:
        factor = _POWERS[source.scale or 0]

        def whole(v: int | str) -> int:
            u = unscaled(v)
            return u // factor if u >= 0 else -(-u // factor)

        return whole
    if source.name in MONEYS:
        return lambda v: round_half_away(v, 10_000)
    if source.name == "datetime":
        return lambda v: (v + DATETIME_TICKS_PER_DAY // 2) // DATETIME_TICKS_PER_DAY
    if source.name == "smalldatetime":
        return lambda v: (v + 720) // 1440
    raise Unsupported(f"Conversion from {source.display_name} to an integer")


def _to_decimal(source: SqlType, target: SqlType) -> Converter:
    precision, scale = target.precision or 18, target.scale or 0
    limit = _POWERS[precision]

    def stored(u: int) -> int | str:
        if not -limit < u < limit:
            raise sql_error(8115, _shown(source) if source.name in INTEGERS or source.is_decimal else
                            "float" if source.name in FLOATS else "expression", "numeric")  # fmt: skip
        return store_decimal(u, precision)

    if source.is_string:
        return lambda v, style, session: store_decimal(
            numbers.parse_decimal(v, precision, scale, source.name), precision
        )
    if source.name in INTEGERS:
        factor = _POWERS[scale]
        return lambda v, style, session: stored(v * factor)
    if source.is_decimal or source.name in MONEYS:
        shift = scale - source.system_scale
        if shift >= 0:
            up = _POWERS[shift]
            return lambda v, style, session: stored(unscaled(v) * up)
        down = _POWERS[-shift]
        return lambda v, style, session: stored(round_half_away(unscaled(v), down))
    if source.name in FLOATS:

        def from_float(v: float, style: int | None, session: SessionProtocol) -> int | str:
            top, bottom = v.as_integer_ratio()
            return stored(round_half_away(top * _POWERS[scale], bottom))

        return from_float
    if source.name in DATETIMES:
        per_day = DATETIME_TICKS_PER_DAY if source.name == "datetime" else 1440
        return lambda v, style, session: stored(round_half_away(v * _POWERS[scale], per_day))
    raise Unsupported(f"Conversion from {source.display_name} to numeric")


def _to_money(source: SqlType, target: SqlType) -> Converter:
    name = target.name
    low, high = INTEGER_RANGE[name]

    def stored(u: int) -> int:
        if not low <= u <= high:
            raise sql_error(8115, "numeric" if source.is_decimal else "expression", name)
        return u

    if source.is_string:
        return lambda v, style, session: numbers.parse_money(v, name)
    if source.name in INTEGERS:
        return lambda v, style, session: stored(v * 10_000)
    if source.name in MONEYS:
        return lambda v, style, session: stored(v)
    if source.is_binary:
        return lambda v, style, session: _big_endian(v, 8 if name == "money" else 4)
    as_numeric = _to_decimal(source, SqlType("numeric", precision=38, scale=4))
    return lambda v, style, session: stored(unscaled(as_numeric(v, style, session)))


def _single(v: float) -> float:
    try:
        result: float = struct.unpack("f", struct.pack("f", v))[0]
    except OverflowError:
        result = math.inf
    if math.isinf(result):  # some versions of Python pack one without a word
        raise SqlError(232, f"Arithmetic overflow error for type real, value = {v:f}.")
    return result


def _to_float(source: SqlType, target: SqlType) -> Converter:
    single = target.name == "real"

    def stored(v: float) -> float:
        return _single(v) if single else v

    if source.is_string:
        return lambda v, style, session: stored(numbers.parse_float(v, target.name, source.name))
    if source.name in FLOATS or source.name in INTEGERS:
        return lambda v, style, session: stored(float(v))
    if source.is_decimal or source.name in MONEYS:
        factor = _POWERS[source.system_scale]
        # A quotient of two integers is rounded once, and right.
        return lambda v, style, session: stored(unscaled(v) / factor)
    if source.name in DATETIMES:
        per_day = DATETIME_TICKS_PER_DAY if source.name == "datetime" else 1440
        return lambda v, style, session: stored(v / per_day)
    raise Unsupported(f"Conversion from {source.display_name} to {target.name}")


# -- to binary, uniqueidentifier


def _bytes_of(source: SqlType) -> Callable[[Any, int | None], bytes]:
    name = source.name
    if source.is_string:
        unicode = source.is_unicode

        def from_text(v: str, style: int | None) -> bytes:
            if style in (1, 2):
                text = v.rstrip(" ") if source.name in ("char", "nchar") else v
                if style == 1:
                    if text[:2].lower() != "0x":
                        raise sql_error(8114, name, "varbinary")
                    text = text[2:]
                if len(text) % 2 or re.fullmatch(r"[0-9A-Fa-f]*", text) is None:
                    raise sql_error(8114, name, "varbinary")
                return bytes.fromhex(text)
            return numbers.utf16_bytes(v) if unicode else numbers.code_page_bytes(v)

        return from_text
    if source.is_binary:
        return lambda v, style: v
    if name == "uniqueidentifier":
        return lambda v, style: guid_wire_bytes(v)
    if name == "tinyint" or name == "bit":
        return lambda v, style: bytes([v])
    if name in INTEGERS or name in MONEYS:
        size = source.max_bytes
        return lambda v, style: v.to_bytes(size, "big", signed=True)
    if name in FLOATS:
        code = ">f" if name == "real" else ">d"
        return lambda v, style: struct.pack(code, v)
    if source.is_decimal:
        precision, scale = source.precision or 18, source.scale or 0
        size = source.max_bytes - 1

        def from_decimal(v: int | str, style: int | None) -> bytes:
            u = unscaled(v)
            return bytes([precision, scale, 0, int(u >= 0)]) + abs(u).to_bytes(size, "little")

        return from_decimal
    if name == "datetime":
        return lambda v, style: struct.pack(">iI", v // DATETIME_TICKS_PER_DAY, v % DATETIME_TICKS_PER_DAY)
    if name == "smalldatetime":
        return lambda v, style: struct.pack(">HH", v // 1440, v % 1440)
    if name == "date":
        return lambda v, style: v.to_bytes(3, "little")
    raise Unsupported(f"Conversion from {source.display_name} to binary")


def _to_binary(source: SqlType, target: SqlType) -> Converter:
    data = _bytes_of(source)
    length = 8 if target.length is None else target.length
    fixed = target.name == "binary" or target.name == "rowversion"
    # Numbers keep their low bytes, everything else its first ones.
    right = source.name in INTEGERS or source.name in MONEYS or source.name in FLOATS or source.name in DATETIMES

    def converter(v: Any, style: int | None, session: SessionProtocol) -> bytes:
        result = data(v, style)
        if length != -1:
            if len(result) > length:
                result = result[-length:] if right else result[:length]
            elif fixed:
                result = result.rjust(length, b"\0") if right else result.ljust(length, b"\0")
        return result

    return converter


def _to_guid(source: SqlType) -> Converter:
    if source.is_string:
        return lambda v, style, session: numbers.parse_guid(v)
    if source.is_binary:
        return lambda v, style, session: guid_from_wire(v[:16].ljust(16, b"\0"))
    raise sql_error(529, source.display_name, "uniqueidentifier")


# -- all together


def _build(source: SqlType, target: SqlType) -> Converter:
    name = target.name
    if source.is_null or target.is_null:
        return lambda v, style, session: v
    if name in STRINGS:
        return _to_string(source, target)
    if name in INTEGERS:
        return _to_integer(source, target)
    if target.is_decimal:
        return _to_decimal(source, target)
    if name in FLOATS:
        return _to_float(source, target)
    if name in MONEYS:
        return _to_money(source, target)
    if target.is_temporal:
        return _to_temporal(source, target)
    if target.is_binary:
        return _to_binary(source, target)
    if name == source.name:
        return lambda v, style, session: v
    return _to_guid(source)


@lru_cache(maxsize=4096)
def _converter(source: str, target: str) -> Converter:
    return _build(_read(source), _read(target))


def converter(from_type: SqlType, to_type: SqlType) -> Converter:
    """What `convert` does with a value that is not NULL, for many of them: called with (value, style, session)."""
    check_explicit(from_type, to_type)
    return _converter(str(from_type), str(to_type))


_SPELLED = re.compile(r"(\w+)(?:\(([^)]*)\))?")


@lru_cache(maxsize=4096)
def _read(spelled: str) -> SqlType:
    """The type behind ``str(type)``."""
    if spelled == "NULL":
        return SqlType("null")
    match = _SPELLED.fullmatch(spelled)
    assert match is not None
    return parse_type(match[1], tuple(match[2].split(",")) if match[2] else (), "column")


# Styles that CONVERT has for a pair; another is error 281.
def _check_style(source: SqlType, target: SqlType, style: int) -> None:
    if source.is_temporal and target.is_string:
        allowed = temporal.STYLES | {130, 131}
    elif (source.is_binary and target.is_string) or (source.is_string and target.is_binary):
        allowed = frozenset({0, 1, 2})
    elif source.is_money and target.is_string:
        allowed = frozenset({0, 1, 2, 126})
    elif source.is_float and target.is_string:
        allowed = frozenset({0, 1, 2, 3, 126, 128, 129})
    else:
        return
    if style not in allowed:
        raise SqlError(
            281,
            f"{style} is not a valid style number when converting from {source.display_name} to a character string.",
        )
    if source.is_float and style > 3:
        raise Unsupported(f"Style {style} of a float")


def convert(
    value: Storage,
    from_type: SqlType,
    to_type: SqlType,
    style: int | None = None,
    *,
    implicit: bool = False,
    try_: bool = False,
    session: SessionProtocol,
) -> Storage:
    """Convert one storage value; too long a string is cut (as CAST and variables do). ``try_``: NULL instead of an
    error.
    """
    (check_implicit if implicit else check_explicit)(from_type, to_type)
    if style is not None:
        _check_style(from_type, to_type, style)
    if value is None:
        return None
    try:
        result: Storage = _converter(str(from_type), str(to_type))(value, style, session)
    except SqlError:
        if try_:
            return None
        raise
    return result


@lru_cache(maxsize=4096)
def _room(source: str, target: str) -> tuple[Converter, Converter | None, int, bool]:
    """Converter to the target without a limit of length, converter to the target itself, its length, and whether it
    is binary.
    """
    from_type, to_type = _read(source), _read(target)
    if to_type.is_string and (from_type.is_string or from_type.is_binary or from_type.is_temporal):
        wide = SqlType("nvarchar" if to_type.is_unicode else "varchar", length=-1)
        return _build(from_type, wide), _build(wide, to_type), to_type.length or 1, False
    if to_type.is_binary and (from_type.is_binary or from_type.is_string):
        return (
            _build(from_type, SqlType("varbinary", length=-1)),
            _build(SqlType("varbinary", length=-1), to_type),
            (8 if to_type.length is None else to_type.length),
            True,
        )
    return _build(from_type, to_type), None, -1, False


def _assign(session: SessionProtocol, source: str, target: str, column: str, table: str, value: Any) -> Any:
    if value is None:
        return None
    wide, final, length, binary = _room(source, target)
    result = wide(value, None, session)
    if final is None:
        return result
    if (length != -1 and len(result) > length) or (length != -1 and not binary and _utf16_length(result) > length):
        # Spaces (and zero bytes) at the end are no loss.
        kept = result.rstrip(b"\0") if binary else result.rstrip(" ")
        if (len(kept) if binary else _utf16_length(kept)) > length:
            raise truncated(session, column, table, result, length, binary)
    return final(result, None, session)


def truncated(
    session: SessionProtocol, column: str, table: str, value: Any, length: int, binary: bool = False
) -> SqlError:
    """Error 8152, or 2628 with the column and the part of the value that fits."""
    if not session.verbose_truncation:
        return sql_error(8152)
    shown = "" if binary else value[:length]
    return SqlError(
        2628,
        f"String or binary data would be truncated in table '{table}', column '{column}'. Truncated value: '{shown}'.",
    )


def assign(
    value: Storage, from_type: SqlType, to_type: SqlType, column: str, table: str, session: SessionProtocol
) -> Storage:
    """Convert a value that goes into a column: error 8152 (2628 when the session asks) instead of cutting a string."""
    check_implicit(from_type, to_type)
    result: Storage = _assign(session, str(from_type), str(to_type), column, table, value)
    return result


# -- SQLite text

_STEP = {"tinyint": 1, "bit": 0, "smallint": 2, "int": 3, "bigint": 4}


def _native(sql: str, a: SqlType, b: SqlType) -> str | None:
    """SQLite text without a call, where SQLite's own arithmetic does the same."""
    if a.is_null or b.is_null or a.same_as(b):
        return sql
    if b.name == "bit" and a.name in INTEGERS:
        return f"({sql} <> 0)"
    if a.name in _STEP and b.name in _STEP and _STEP[a.name] <= _STEP[b.name]:
        return sql
    if (a.name in INTEGERS or a.is_decimal or a.is_money) and b.is_decimal:
        p1, s1 = as_decimal(a).precision or 18, a.system_scale
        p2, s2 = b.precision or 18, b.scale or 0
        if s2 >= s1 and p2 - s2 >= p1 - s1:
            if p2 <= 18 and (p1 <= 18 or not a.is_decimal):
                return sql if s1 == s2 else f"({sql} * {10 ** (s2 - s1)})"
            if p1 > 18 and s1 == s2 and a.is_decimal:
                return sql
        return None
    if b.name == "money" and a.name in ("tinyint", "smallint", "int", "bit"):
        return f"({sql} * 10000)"
    if (a.name == "smallmoney" and b.name == "money") or (a.name == "real" and b.name == "float"):
        return sql
    if b.name == "float" and a.name in ("tinyint", "smallint", "int", "bit", "bigint"):
        return f"CAST({sql} AS REAL)"
    if a.is_string and b.is_string:
        wider = b.length == -1 or (a.length != -1 and (b.length or 1) >= (a.length or 1))
        if wider and b.name in ("varchar", "nvarchar") and (b.is_unicode or not a.is_unicode):
            return sql
        return None
    if a.is_binary and b.name == "varbinary":
        size = a.length or 8
        if b.length == -1 or (a.length != -1 and (b.length or 1) >= size):
            return sql
        return None
    return _native_temporal(sql, a, b)


def _native_temporal(sql: str, a: SqlType, b: SqlType) -> str | None:
    pair = (a.name, b.name)
    if pair == ("date", "datetime2"):
        return f"({sql} * {TICKS_PER_DAY})"
    if pair == ("datetime2", "date"):
        return f"({sql} / {TICKS_PER_DAY})"
    if pair == ("smalldatetime", "datetime"):
        return f"({sql} * 18000)"
    if pair == ("smalldatetime", "datetime2"):
        return f"(({sql} + {DAYS_TO_1900 * 1440}) * {temporal.MINUTE})"
    if a.name == b.name and a.name in ("time", "datetime2", "datetimeoffset") and _digits(b) >= _digits(a):
        return sql
    return None


def emit_convert(
    sql: str,
    from_type: SqlType,
    to_type: SqlType,
    style: int | str | None = None,
    *,
    implicit: bool = False,
    try_: bool = False,
) -> str:
    """SQLite text that converts ``sql``; ``style`` is a number, SQLite text of an int, or None where CONVERT gives
    none.

    Errors at once, not at run time: 206 and 257 (implicit), 529 (explicit), 281 (a constant style that the pair has
    not).
    """
    (check_implicit if implicit else check_explicit)(from_type, to_type)
    if isinstance(style, int):
        _check_style(from_type, to_type, style)
        if style == 0 and not (from_type.is_temporal and to_type.is_string) and not to_type.is_temporal:
            style = None
    if style is None:
        native = _native(sql, from_type, to_type)
        if native is not None:
            return native
    source, target = str(from_type), str(to_type)
    _converter(source, target)  # a refusal comes now, not in the middle of a statement
    name = "ts_try_convert" if try_ else "ts_convert"
    tail = "" if style is None else f", {style}"
    return _where_long(sql, from_type, to_type, f"{name}('{source}>{target}', {sql}{tail})")


_REFERENCE = re.compile(r'(?:"[^"]+"\.)?"[^"]+"|\?\d+')


def _where_long(sql: str, a: SqlType, b: SqlType, converted: str) -> str:
    """A conversion that only cuts what is too long is called for that alone: of most texts SQLite sees that they fit,
    since no character takes fewer bytes in UTF-8 than it counts for a type's length.
    """
    cuts = a.is_string and b.name in ("varchar", "nvarchar") and (b.is_unicode or not a.is_unicode)
    if not cuts or not _REFERENCE.fullmatch(sql):
        return converted
    return f"CASE WHEN octet_length({sql}) > {b.length or 1} THEN {converted} ELSE {sql} END"


def emit_assign(sql: str, from_type: SqlType, to_type: SqlType, column: str, table: str) -> str:
    """SQLite text that converts ``sql`` for a column of a table (both named in error 2628)."""
    check_implicit(from_type, to_type)
    native = _native(sql, from_type, to_type)
    if native is not None:
        return native
    source, target = str(from_type), str(to_type)
    _room(source, target)
    quoted = ", ".join("'" + part.replace("'", "''") + "'" for part in (source, target, column, table))
    return _where_long(sql, from_type, to_type, f"ts_assign({quoted}, {sql})")


_PAIRS: dict[str, Converter] = {}


def _pair(spec: str) -> Converter:
    found = _PAIRS.get(spec)
    if found is None:
        found = _PAIRS[spec] = _converter(*spec.split(">"))
    return found


@lru_cache(maxsize=4096)
def _styled(spec: str, style: int) -> Converter:
    _style_checked(spec, style)
    return _pair(spec)


def _style_checked(spec: str, style: int | None) -> None:
    if style is not None:
        source, target = spec.split(">")
        _check_style(_read(source), _read(target), style)


def _ts_convert(session: SessionProtocol, spec: str, value: Any, style: int | None) -> Any:
    if value is None or style is None:
        return None
    return _styled(spec, style)(value, style, session)


def _ts_try_convert(session: SessionProtocol, spec: str, value: Any, *style: int | None) -> Any:
    if value is None or style == (None,):
        return None
    try:
        if style:
            _style_checked(spec, style[0])
        return _pair(spec)(value, style[0] if style else None, session)
    except SqlError:
        return None


def register(connection: apsw.Connection, session: SessionProtocol) -> None:
    """Register every function, aggregate, table function and collation that emitted text uses on a connection."""
    from .functions import FUNCTIONS

    assert FUNCTIONS, "importing the registry enters the functions that emitted text calls"

    pairs = _PAIRS

    def ts_convert(spec: str, value: Any) -> Any:
        if value is None:
            return None
        found = pairs.get(spec)
        return (found or _pair(spec))(value, None, session)

    # (The stub knows no function of fixed arguments.)
    connection.create_scalar_function("ts_convert", ts_convert, 2, deterministic=True)  # type: ignore[arg-type]
    connection.create_scalar_function("ts_convert", partial(_ts_convert, session), 3, deterministic=True)
    connection.create_scalar_function("ts_try_convert", partial(_ts_try_convert, session), 2, deterministic=True)
    connection.create_scalar_function("ts_try_convert", partial(_ts_try_convert, session), 3, deterministic=True)
    connection.create_scalar_function("ts_assign", partial(_assign, session), 5, deterministic=True)
    collation.register(connection)
    runtime.register(connection, session)
