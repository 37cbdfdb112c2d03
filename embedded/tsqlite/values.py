"""SQLite storage ⇄ Python values, as a DB-API client sees them (the classes that pyodbc gives).

Storage values: ``README.md``, "How a T-SQL value is stored". Python values: bool, int, Decimal, float, str, bytes,
date, time, datetime (with ``tzinfo`` for datetimeoffset); uniqueidentifier is an upper-case ``str``. Python has
microseconds only, so the seventh digit of a fraction is cut when decoding.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from typing import TypeAlias

from .errors import sql_error
from .types import FLOATS, INTEGER_RANGE, SqlType

Storage: TypeAlias = int | float | str | bytes | None

BIAS = 10**38
"""Added to an unscaled decimal of more than 18 digits, so that its 39 digits sort as the number does."""
TICKS_PER_DAY = 864_000_000_000
DAYS_TO_1900 = 693_595
"""From 0001-01-01 to 1900-01-01."""
DATETIME_TICKS_PER_DAY = 300 * 86_400
_ORDINAL_1 = datetime.date(1, 1, 1).toordinal()
_WIDE = Context(prec=80)
_POWERS: list[int] = [10**i for i in range(80)]
_EPOCH = datetime.datetime(1, 1, 1)


def unscaled(value: int | str) -> int:
    """The integer behind a stored decimal: its value times 10^scale."""
    return value if value.__class__ is int else int(value) - BIAS


def store_decimal(value: int, precision: int) -> int | str:
    """An unscaled integer as decimal(``precision``, s) stores it. The caller has checked the range."""
    return value if precision <= 18 else f"{BIAS + value:039d}"


def decimal_text(value: int, scale: int) -> str:
    """The digits of an unscaled integer: ``decimal_text(-5, 2) == '-0.05'``."""
    if scale <= 0:
        return str(value)
    digits = f"{abs(value):0{scale + 1}d}"
    return f"{'-' if value < 0 else ''}{digits[:-scale]}.{digits[-scale:]}"


def guid_to_storage(value: uuid.UUID) -> bytes:
    """The 16 bytes in SQL Server's sort order: last six first."""
    b = value.bytes_le
    return b[10:16] + b[8:10] + b[6:8] + b[4:6] + b[0:4]


def guid_wire_bytes(storage: bytes) -> bytes:
    """The 16 bytes as CAST(guid AS binary(16)) shows them (little-endian groups)."""
    return storage[12:16] + storage[10:12] + storage[8:10] + storage[6:8] + storage[0:6]


def guid_from_wire(data: bytes) -> bytes:
    return data[10:16] + data[8:10] + data[6:8] + data[4:6] + data[0:4]


def guid_from_text(text: str) -> bytes:
    """The storage value of 36 characters."""
    b = bytes.fromhex(text.replace("-", ""))
    return b[10:] + b[8:10] + b[7:5:-1] + b[5:3:-1] + b[3::-1]


@lru_cache(maxsize=4096)
def guid_text(storage: bytes) -> str:
    """Upper-case text with hyphens."""
    b = (storage[15:11:-1] + storage[11:9:-1] + storage[9:7:-1] + storage[6:8] + storage[:6]).hex().upper()
    return f"{b[:8]}-{b[8:12]}-{b[12:16]}-{b[16:20]}-{b[20:]}"


def dto_parts(storage: str) -> tuple[int, int]:
    """UTC 100 ns since 0001-01-01, and the offset in minutes."""
    return int(storage[:19]), int(storage[19:])


def dto_storage(utc_ticks: int, offset: int) -> str:
    return f"{utc_ticks:019d}{offset:+05d}"


def round_half_away(numerator: int, denominator: int) -> int:
    """Nearest integer of a quotient, halves away from zero; ``denominator`` > 0."""
    if numerator >= 0:
        return (2 * numerator + denominator) // (2 * denominator)
    return -((-2 * numerator + denominator) // (2 * denominator))


def _ticks(value: datetime.datetime) -> int:
    delta = value.replace(tzinfo=None) - _EPOCH
    return delta.days * TICKS_PER_DAY + delta.seconds * 10_000_000 + delta.microseconds * 10


def _datetime(ticks: int) -> datetime.datetime:
    return _EPOCH + datetime.timedelta(days=ticks // TICKS_PER_DAY, microseconds=ticks % TICKS_PER_DAY // 10)


def _encode_datetime(value: object, type_: SqlType) -> Storage:
    if isinstance(value, datetime.datetime):
        ticks = _ticks(value)
    elif isinstance(value, datetime.date):
        ticks = (value.toordinal() - _ORDINAL_1) * TICKS_PER_DAY
    else:
        raise TypeError(f"{type_} cannot hold a {type(value).__name__}")
    if type_.name in ("datetime2", "datetimeoffset"):
        step = 10 ** (7 - (7 if type_.scale is None else type_.scale))
        ticks = round_half_away(ticks, step) * step
    if type_.name == "datetime2":
        return ticks
    if type_.name == "datetimeoffset":
        offset = value.utcoffset() if isinstance(value, datetime.datetime) else None
        minutes = 0 if offset is None else int(offset.total_seconds() // 60)
        return dto_storage(ticks - minutes * 600_000_000, minutes)
    since = ticks - DAYS_TO_1900 * TICKS_PER_DAY
    if type_.name == "datetime":
        return round_half_away(since * 3, 100_000)
    return round_half_away(since, 600_000_000)


def encode(value: object, type_: SqlType) -> Storage:
    """A Python value as ``type_`` stores it. The value fits (``from_python`` gave the type) or is of the type's own
    class.

    Errors: ``TypeError`` for a class that the type cannot hold; 8115 and 220 for a number out of range. Strings are
    not cut.
    """
    if value is None:
        return None
    name = type_.name
    if type_.is_string:
        if not isinstance(value, str):
            raise TypeError(f"{type_} cannot hold a {type(value).__name__}")
        return value
    if name == "bit":
        return 1 if value else 0
    if name in INTEGER_RANGE and not type_.is_money:
        if not isinstance(value, int):
            raise TypeError(f"{type_} cannot hold a {type(value).__name__}")
        low, high = INTEGER_RANGE[name]
        if not low <= value <= high:
            raise sql_error(8115, "expression", name)
        return int(value)
    if type_.is_decimal or type_.is_money:
        if not isinstance(value, int | Decimal | float):
            raise TypeError(f"{type_} cannot hold a {type(value).__name__}")
        exact = Decimal(value) if not isinstance(value, float) else Decimal(repr(value))
        number = int(exact.scaleb(type_.system_scale, _WIDE).to_integral_value(ROUND_HALF_UP, _WIDE))
        if type_.is_money:
            low, high = INTEGER_RANGE[name]
            if not low <= number <= high:
                raise sql_error(8115, "numeric", name)
            return number
        precision = type_.precision or 18
        if abs(number) >= _POWERS[precision]:
            raise sql_error(8115, "numeric", name)
        return store_decimal(number, precision)
    if name in FLOATS:
        if not isinstance(value, int | float | Decimal):
            raise TypeError(f"{type_} cannot hold a {type(value).__name__}")
        return float(value)
    if type_.is_binary:
        if not isinstance(value, bytes | bytearray | memoryview):
            raise TypeError(f"{type_} cannot hold a {type(value).__name__}")
        return bytes(value)
    if name == "uniqueidentifier":
        return guid_to_storage(value if isinstance(value, uuid.UUID) else uuid.UUID(str(value)))
    if name == "date":
        if not isinstance(value, datetime.date):
            raise TypeError(f"{type_} cannot hold a {type(value).__name__}")
        return value.toordinal() - _ORDINAL_1
    if name == "time":
        if not isinstance(value, datetime.time):
            raise TypeError(f"{type_} cannot hold a {type(value).__name__}")
        ticks = ((value.hour * 60 + value.minute) * 60 + value.second) * 10_000_000 + value.microsecond * 10
        step = 10 ** (7 - (7 if type_.scale is None else type_.scale))
        return int(round_half_away(ticks, step) * step % TICKS_PER_DAY)
    return _encode_datetime(value, type_)


def decoder(type_: SqlType) -> Callable[[Storage], object]:
    """A function from a storage value that is not NULL to its Python value; the identity for strings, integers and
    floats.
    """
    name = type_.name
    if name == "bit":
        return bool
    if type_.is_decimal or type_.is_money:
        scale = type_.system_scale
        return lambda v: Decimal(unscaled(v)).scaleb(-scale, _WIDE)  # type: ignore[arg-type]
    if name == "uniqueidentifier":
        return guid_text
    if name == "date":
        return lambda v: datetime.date.fromordinal(v + _ORDINAL_1)  # type: ignore[operator,arg-type]
    if name == "time":
        return _decode_time
    if name == "datetime2":
        return lambda v: _datetime(v)  # type: ignore[arg-type]
    if name == "datetime":
        return _decode_datetime
    if name == "smalldatetime":
        return lambda v: _datetime(DAYS_TO_1900 * TICKS_PER_DAY + int(v or 0) * 600_000_000)
    if name == "datetimeoffset":
        return _decode_dto
    if name in FLOATS:
        return float  # type: ignore[return-value]
    return lambda v: v


def _decode_time(value: Storage) -> datetime.time:
    assert isinstance(value, int)
    seconds, fraction = divmod(value, 10_000_000)
    return datetime.time(seconds // 3600, seconds // 60 % 60, seconds % 60, fraction // 10)


def _decode_datetime(value: Storage) -> datetime.datetime:
    # The driver shows .003, .007, .010, and so does everybody: whole milliseconds.
    assert isinstance(value, int)
    days, rest = divmod(value, DATETIME_TICKS_PER_DAY)
    return _EPOCH + datetime.timedelta(days=days + DAYS_TO_1900, milliseconds=(rest * 20 + 3) // 6)


def _decode_dto(value: Storage) -> datetime.datetime:
    assert isinstance(value, str)
    utc, offset = dto_parts(value)
    zone = datetime.timezone(datetime.timedelta(minutes=offset))
    return _datetime(utc + offset * 600_000_000).replace(tzinfo=zone)


def decode(storage: Storage, type_: SqlType) -> object:
    """The Python value of a storage value."""
    return None if storage is None else decoder(type_)(storage)


def sqlite_literal(storage: Storage) -> str:
    """A storage value as SQLite text."""
    if storage is None:
        return "NULL"
    if isinstance(storage, bool):
        return str(int(storage))
    if isinstance(storage, int):
        # The lowest bigint has no literal of its own: its digits alone would be read as a REAL.
        return str(storage) if storage > -(2**63) else "(-9223372036854775807 - 1)"
    if isinstance(storage, float):
        text = repr(storage)
        return text if any(c in text for c in ".en") else text + ".0"
    if isinstance(storage, bytes):
        return f"x'{storage.hex()}'"
    if "\0" in storage:
        return f"CAST(x'{storage.encode().hex()}' AS TEXT)"
    return "'" + storage.replace("'", "''") + "'"
