"""Types and values on the wire: SQL Server's type tokens and what follows them, to and from storage values."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from operator import add
from typing import Any, TypeAlias

from .. import types
from .. import values as storage
from ..errors import Unsupported
from ..numbers import code_page_bytes, code_page_text, to_code_page
from ..types import DEFAULT_COLLATION, SqlType
from ..values import DATETIME_TICKS_PER_DAY, TICKS_PER_DAY, Storage, unscaled
from .reader import Malformed, Reader

_MAX = 0xFFFF
"""The length of a max type."""
_PLP_NULL, _PLP_UNKNOWN = 0xFFFF_FFFF_FFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFE
_LAST_DAY = 3_652_058
"""9999-12-31 in days since 0001-01-01."""

_U16 = struct.Struct("<H").pack
_U64 = struct.Struct("<Q").pack
_PLP = struct.Struct("<QI").pack
_PLP_END = b"\0\0\0\0"

# Type tokens: the fixed one (a column that is never NULL), the nullable one, and the bytes of a value.
_FIXED = {
    "bit": (0x32, 0x68, 1), "tinyint": (0x30, 0x26, 1), "smallint": (0x34, 0x26, 2), "int": (0x38, 0x26, 4),
    "bigint": (0x7F, 0x26, 8), "real": (0x3B, 0x6D, 4), "float": (0x3E, 0x6D, 8), "smallmoney": (0x7A, 0x6E, 4),
    "money": (0x3C, 0x6E, 8), "smalldatetime": (0x3A, 0x6F, 4), "datetime": (0x3D, 0x6F, 8),
}  # fmt: skip
_STRING = {
    "char": 0xAF, "varchar": 0xA7, "nchar": 0xEF, "nvarchar": 0xE7, "binary": 0xAD, "varbinary": 0xA5,
    "rowversion": 0xAD,
}  # fmt: skip
_SCALED = {"time": 0x29, "datetime2": 0x2A, "datetimeoffset": 0x2B}
_REFUSED = {
    0x62: "A sql_variant parameter", 0xF0: "A parameter of a CLR type", 0xF1: "An xml parameter",
    0xF3: "A table-valued parameter", 0xF4: "A json parameter", 0xF5: "A vector parameter",
    0x25: "A parameter of TDS 4's varbinary", 0x27: "A parameter of TDS 4's varchar",
    0x2D: "A parameter of TDS 4's binary", 0x2F: "A parameter of TDS 4's char",
}  # fmt: skip


class InvalidValue(Exception):
    """A value that no instance of its type has (a numeric beyond its precision, NaN): SQL Server's error 8023."""

    def __init__(self, type: SqlType) -> None:
        super().__init__(str(type))
        self.type = type


# -- collations

_IGNORE_CASE, _IGNORE_KANA, _IGNORE_WIDTH = 1 << 20, 1 << 22, 1 << 23
_BINARY, _BINARY2, _UTF8 = 1 << 24, 1 << 25, 1 << 26
_ENGLISH = 0x0409
# The languages of code page 1252, by the low ten bits of their LCIDs.
_WESTERN = frozenset(
    {0x00, 0x03, 0x06, 0x07, 0x09, 0x0A, 0x0B, 0x0C, 0x0F, 0x10, 0x13, 0x14, 0x16, 0x17, 0x1D, 0x21, 0x2D, 0x2E, 0x36,
     0x38, 0x3B, 0x3C, 0x3E, 0x41, 0x56, 0x62, 0x64, 0x6C}
)  # fmt: skip
_WESTERN_SORTS = frozenset({50, 51, 52, 53, 54, 71, 72, 73, 74, 75, 183, 184, 185, 186})


@lru_cache(maxsize=64)
def collation_bytes(name: str | None) -> bytes:
    """The five bytes of a collation; None is the default's. All that the engine has are of code page 1252."""
    upper = (name or DEFAULT_COLLATION).upper()
    parts = upper.split("_")
    number = _ENGLISH | (2 << 28 if "_100_" in upper else 0)
    if parts[-1] == "BIN2":
        number |= _BINARY2
    elif parts[-1] == "BIN":
        number |= _BINARY
    else:
        number |= 0 if "CS" in parts else _IGNORE_CASE
        number |= 0 if "KS" in parts else _IGNORE_KANA
        number |= 0 if "WS" in parts else _IGNORE_WIDTH
    # The sort orders of SQL Server 7, which the SQL collations still are: 51 with case, 52 without.
    sort = (51 if "CS" in parts else 52) if parts[0] == "SQL" and "BIN" not in parts[-1] else 0
    return number.to_bytes(4, "little") + bytes([sort])


def is_case_sensitive(type: SqlType) -> bool:
    """Whether the collation of a string type tells case apart: a flag of its column."""
    return type.is_string and not collation_bytes(type.collation)[2] & 0x10


@lru_cache(maxsize=64)
def _text_decoder(collation: bytes) -> Callable[[bytes], str]:
    """How the bytes of a char or varchar of a collation become text of code page 1252. ``Unsupported``: another one."""
    number = int.from_bytes(collation[:4], "little")
    sort = collation[4]
    if sort == 0 and number & _UTF8:
        return _utf8
    if sort in _WESTERN_SORTS or (sort == 0 and number & 0x3FF in _WESTERN):
        return _western
    raise Unsupported(f"A char or varchar parameter of a collation whose code page is not 1252 ({collation.hex()})")


def _western(data: bytes) -> str:
    return data.decode("ascii") if data.isascii() else code_page_text(data)


def _utf8(data: bytes) -> str:
    try:
        return to_code_page(data.decode())
    except UnicodeDecodeError:
        raise InvalidValue(types.varchar()) from None


# -- types, outwards


def user_type(type: SqlType) -> int:
    """The user type of a column: 80 for timestamp, else 0."""
    return 0x50 if type.name == "rowversion" else 0


def type_info(type: SqlType) -> bytes:
    """TYPE_INFO: the token of a type and its length, precision, scale, collation. A type that may not be NULL has the
    fixed token where there is one (INT4), else the nullable one (INTN).

    Errors: ``Unsupported`` for a type that no result of the engine has.
    """
    name = "int" if type.name == "null" else type.name
    if name in _FIXED:
        fixed, nullable, size = _FIXED[name]
        return bytes([nullable, size]) if type.nullable or type.is_null else bytes([fixed])
    if name in _STRING:
        size = _MAX if type.is_max else max(1, type.max_bytes)
        head = bytes([_STRING[name]]) + _U16(size)
        return head + collation_bytes(type.collation) if type.is_string else head
    if type.is_decimal:
        token = 0x6A if name == "decimal" else 0x6C
        return bytes([token, type.max_bytes, type.system_precision, type.system_scale])
    if name in _SCALED:
        return bytes([_SCALED[name], _scale(type)])
    if name == "date":
        return b"\x28"
    if name == "uniqueidentifier":
        return b"\x24\x10"
    raise Unsupported(f"A result of type {type}")


def _scale(type: SqlType) -> int:
    return 7 if type.scale is None else type.scale


def null_bytes(type: SqlType) -> bytes:
    """NULL of a type that has it."""
    if type.is_max:
        return b"\xff" * 8
    return b"\xff\xff" if type.name in _STRING else b"\0"


def encoder(type: SqlType) -> Callable[[Storage], bytes]:
    """A function from a storage value to its bytes with their length; NULL included.

    Errors of the function: ``Unsupported`` for a value that its type cannot hold.
    """
    many = column_encoder(type)
    null = null_bytes(type) if type.nullable or type.is_null or type.name not in _FIXED else None

    def encode(value: Storage) -> bytes:
        if value is None:
            if null is None:
                raise Unsupported(f"NULL as a value of {type} NOT NULL")
            return null
        try:
            return next(iter(many((value,))))
        except ENCODING_ERRORS as error:
            raise refusal(type, error) from error

    return encode


ENCODING_ERRORS = (struct.error, ValueError, OverflowError, TypeError, AttributeError)
"""What a column's encoder raises for a value that is not of its type: a defect of whatever made the value."""


def refusal(type: SqlType, error: Exception) -> Unsupported:
    return Unsupported(f"A value that {type} cannot hold ({error})")


# Storage values of one type: which one, the type of the column says.
Column = Sequence[Any]
ColumnEncoder: TypeAlias = Callable[[Column], Iterable[bytes]]


def column_encoder(type: SqlType) -> ColumnEncoder:
    """``encoder`` for many values at once, none of them NULL; one of ``ENCODING_ERRORS`` for a value that the type
    cannot hold, at the latest when the result has been gone through.

    Values of a column go through the same few calls, so they are made together rather than one function call each.
    """
    name = type.name
    if name in _FIXED:
        return _fixed_encoder(type)
    if type.is_string or type.is_binary:
        return _long_encoder(type) if type.is_max else _short_encoder(type)
    if type.is_decimal:
        return _decimal_encoder(type)
    if name in _SCALED:
        return _scaled_encoder(type)
    if name == "date":
        pack = struct.Struct("<I").pack
        return lambda values: [pack(v << 8 | 3) for v in values]
    if name == "uniqueidentifier":
        return lambda values: [b"\x10" + storage.guid_wire_bytes(v) for v in values]
    if name == "null":
        return _nothing
    raise Unsupported(f"A result of type {type}")


def _nothing(values: Column) -> Iterable[bytes]:
    if values:
        raise TypeError("NULL alone is of no type")
    return ()


def _fixed_encoder(type: SqlType) -> ColumnEncoder:
    name, size = type.name, _FIXED[type.name][2]
    # A value of a nullable type is preceded by its length.
    prefix = (size,) if type.nullable else ()
    head = "<B" if type.nullable else "<"
    if name == "money":
        pack = partial(struct.Struct(head + "iI").pack, *prefix)
        return lambda values: [pack(v >> 32, v & 0xFFFF_FFFF) for v in values]
    if name in ("datetime", "smalldatetime"):
        day = DATETIME_TICKS_PER_DAY if name == "datetime" else 1440
        pack = partial(struct.Struct(head + ("iI" if name == "datetime" else "HH")).pack, *prefix)
        return lambda values: [pack(*divmod(v, day)) for v in values]
    code = {
        "bit": "B", "tinyint": "B", "smallint": "h", "int": "i", "bigint": "q", "real": "f", "float": "d",
        "smallmoney": "i",
    }[name]  # fmt: skip
    one: Callable[[Any], bytes] = struct.Struct(head + code).pack
    if prefix:
        one = partial(one, *prefix)
    return lambda values: map(one, values)


def _decimal_encoder(type: SqlType) -> ColumnEncoder:
    size = type.max_bytes
    limit = 10**type.system_precision
    if size <= 9:
        pack = struct.Struct("<BBI" if size == 5 else "<BBQ").pack

        def narrow(values: Column) -> Iterable[bytes]:
            whole = [unscaled(v) for v in values]
            if whole and not -limit < min(whole) <= max(whole) < limit:
                raise OverflowError("too many digits")
            return [pack(size, v >= 0, abs(v)) for v in whole]

        return narrow

    def wide(values: Column) -> Iterable[bytes]:
        whole = [unscaled(v) for v in values]
        if whole and not -limit < min(whole) <= max(whole) < limit:
            raise OverflowError("too many digits")
        return [(abs(v) << 16 | (v >= 0) << 8 | size).to_bytes(size + 1, "little") for v in whole]

    return wide


def _scaled_encoder(type: SqlType) -> ColumnEncoder:
    """time, datetime2, datetimeoffset: units of the last digit since midnight, then the day, then the offset: one
    little-endian number, with its length below.
    """
    scale, size = _scale(type), type.max_bytes
    step = 10 ** (7 - scale)
    total = size + 1
    clock = 8 * (3 if scale <= 2 else 4 if scale <= 4 else 5)

    def time(values: Column) -> Iterable[bytes]:
        if values and not 0 <= min(values) <= max(values) < TICKS_PER_DAY:
            raise OverflowError("no time of a day")
        return [(v // step << 8 | size).to_bytes(total, "little") for v in values]

    def moment(values: Column) -> Iterable[bytes]:
        parts = [divmod(v, TICKS_PER_DAY) for v in values]
        return [((day << clock | ticks // step) << 8 | size).to_bytes(total, "little") for day, ticks in parts]

    def zoned(values: Column) -> Iterable[bytes]:
        made = []
        for value in values:
            utc, offset = storage.dto_parts(value)
            day, ticks = divmod(utc, TICKS_PER_DAY)
            number = (offset & 0xFFFF) << (clock + 24) | day << clock | ticks // step
            made.append((number << 8 | size).to_bytes(total, "little"))
        return made

    return {"time": time, "datetime2": moment, "datetimeoffset": zoned}[type.name]


def _utf16(values: Column) -> list[bytes]:
    return [v.encode("utf-16-le") for v in values]


def _code_page(values: Column) -> list[bytes]:
    return [v.encode() if v.isascii() else code_page_bytes(v) for v in values]


def _bytes(values: Column) -> list[bytes]:
    for value in values:
        if value.__class__ is not bytes:
            raise TypeError(f"{value.__class__.__name__} is not bytes")
    return list(values)


def _data_of(type: SqlType) -> Callable[[Column], list[bytes]]:
    return _utf16 if type.is_unicode else _code_page if type.is_string else _bytes


def _short_encoder(type: SqlType) -> ColumnEncoder:
    data_of = _data_of(type)
    limit = max(1, type.max_bytes)
    fixed = type.name in ("char", "nchar", "binary", "rowversion")
    padding = {"char": b" ", "nchar": b" \0"}.get(type.name, b"\0")

    def encode(values: Column) -> Iterable[bytes]:
        data = data_of(values)
        lengths = list(map(len, data))
        if lengths and max(lengths) > limit:
            raise OverflowError(f"{max(lengths)} bytes")
        if fixed and lengths and min(lengths) < limit:
            data = [d + padding * ((limit - len(d)) // len(padding)) for d in data]
            lengths = [limit] * len(data)
        return map(add, map(_U16, lengths), data)

    return encode


def _long_encoder(type: SqlType) -> ColumnEncoder:
    data_of = _data_of(type)

    def encode(values: Column) -> Iterable[bytes]:
        return [plp(d) for d in data_of(values)]

    return encode


def plp(data: bytes) -> bytes:
    """A value of a max type: its length, one chunk (none when it is empty), the end."""
    return _PLP(len(data), len(data)) + data + _PLP_END if data else _U64(0) + _PLP_END


# -- types and values, inwards


@dataclass(frozen=True, slots=True)
class WireType:
    """A type as a client declared it: the engine's type, and how to read a value of it.

    Errors of ``read``: ``Malformed``, ``InvalidValue``, ``Unsupported`` (half a surrogate pair).
    """

    type: SqlType
    read: Callable[[Reader], Storage]


def read_value(reader: Reader, type: WireType) -> Storage:
    """A value of a type that was read before. Errors: ``Malformed``, ``InvalidValue``, ``Unsupported``."""
    return type.read(reader)


def read_type_info(reader: Reader) -> WireType:
    """The type of a parameter. Errors: ``Malformed``; ``Unsupported`` for XML, CLR types, table-valued parameters and
    sql_variant.
    """
    token = reader.u8()
    known = _FIXED_READERS.get(token)
    if known is not None:
        return known
    sized = _NULLABLE_TYPES.get(token)
    if sized is not None:
        length = reader.u8()
        if length not in sized:
            raise Malformed(f"type {token:#04x} of {length} bytes")
        return sized[length]
    if token in (0xE7, 0xA7, 0xEF, 0xAF):
        return _character(token, reader.u16(), reader.take(5))
    if token in (0xA5, 0xAD):
        return _binary(token, reader.u16())
    if token in (0x6A, 0x6C, 0x37, 0x3F):
        return _decimal(token, reader.u8(), reader.u8(), reader.u8())
    if token in (0x29, 0x2A, 0x2B):
        return _temporal(token, reader.u8())
    if token == 0x28:
        return _DATE
    if token in (0x22, 0x23, 0x63):
        length = reader.u32()
        if length > 0x7FFF_FFFF and length != 0xFFFF_FFFF:
            raise Malformed(f"type {token:#04x} of {length} bytes")
        return _legacy(token, reader.take(5) if token != 0x22 else b"")
    if token in _REFUSED:
        raise Unsupported(_REFUSED[token])
    raise Malformed(f"type token {token:#04x}")


def _number(code: str) -> Callable[[bytes], Storage]:
    unpack = struct.Struct("<" + code).unpack

    def convert(data: bytes) -> Storage:
        return int(unpack(data)[0])

    return convert


def _float(type: SqlType, code: str) -> Callable[[bytes], Storage]:
    unpack = struct.Struct("<" + code).unpack

    def convert(data: bytes) -> Storage:
        value = float(unpack(data)[0])
        if not math.isfinite(value):
            raise InvalidValue(type)
        return value

    return convert


def _bit(data: bytes) -> Storage:
    return int(data != b"\0")


def _money(data: bytes) -> Storage:
    high, low = struct.unpack("<iI", data)
    return int(high << 32 | low)


def _datetime(data: bytes) -> Storage:
    days, ticks = struct.unpack("<iI", data)
    if not -53_690 <= days <= 2_958_463 or ticks >= DATETIME_TICKS_PER_DAY:
        raise InvalidValue(types.DATETIME)
    return int(days * DATETIME_TICKS_PER_DAY + ticks)


def _smalldatetime(data: bytes) -> Storage:
    days, minutes = struct.unpack("<HH", data)
    if minutes >= 1440:
        raise InvalidValue(types.SMALLDATETIME)
    return int(days * 1440 + minutes)


def _date(data: bytes) -> Storage:
    day = int.from_bytes(data, "little")
    if day > _LAST_DAY:
        raise InvalidValue(types.DATE)
    return day


def _nullable(type: SqlType, size: int, convert: Callable[[bytes], Storage]) -> WireType:
    """A byte of length: ``size``, or 0 for NULL."""

    def read(reader: Reader) -> Storage:
        length = reader.u8()
        if length == size:
            return convert(reader.take(length))
        if length:
            raise Malformed(f"{length} bytes of {type}")
        return None

    return WireType(type, read)


def _always(type: SqlType, size: int, convert: Callable[[bytes], Storage]) -> WireType:
    return WireType(type, lambda reader: convert(reader.take(size)))


_CONVERSIONS: dict[str, tuple[SqlType, Callable[[bytes], Storage]]] = {
    "bit": (types.BIT, _bit),
    "tinyint": (types.TINYINT, _number("B")),
    "smallint": (types.SMALLINT, _number("h")),
    "int": (types.INT, _number("i")),
    "bigint": (types.BIGINT, _number("q")),
    "real": (types.REAL, _float(types.REAL, "f")),
    "float": (types.FLOAT, _float(types.FLOAT, "d")),
    "smallmoney": (types.SMALLMONEY, _number("i")),
    "money": (types.MONEY, _money),
    "smalldatetime": (types.SMALLDATETIME, _smalldatetime),
    "datetime": (types.DATETIME, _datetime),
}
_FIXED_READERS: dict[int, WireType] = {0x1F: WireType(types.NULL, lambda reader: None)}
_NULLABLE_TYPES: dict[int, dict[int, WireType]] = {
    0x24: {16: _nullable(types.UNIQUEIDENTIFIER, 16, storage.guid_from_wire)}
}
for _name, (_type, _convert) in _CONVERSIONS.items():
    _token, _nullable_token, _size = _FIXED[_name]
    _FIXED_READERS[_token] = _always(_type, _size, _convert)
    _NULLABLE_TYPES.setdefault(_nullable_token, {})[_size] = _nullable(_type, _size, _convert)
_DATE = _nullable(types.DATE, 3, _date)


@lru_cache(maxsize=512)
def _decimal(token: int, size: int, precision: int, scale: int) -> WireType:
    if not (1 <= precision <= 38 and scale <= precision and 2 <= size <= 17):
        raise Malformed(f"decimal({precision},{scale}) of {size} bytes")
    type = types.decimal_type(precision, scale, name="decimal" if token in (0x6A, 0x37) else "numeric")
    limit = 10**precision

    def read(reader: Reader) -> Storage:
        # The length goes by the precision at SQL Server, by the digits at some clients.
        length = reader.u8()
        if length == 0:
            return None
        if not 2 <= length <= 17:
            raise Malformed(f"{length} bytes of {type}")
        data = reader.take(length)
        number = int.from_bytes(data[1:], "little")
        if number >= limit:
            raise InvalidValue(type)
        return storage.store_decimal(number if data[0] else -number, precision)

    return WireType(type, read)


@lru_cache(maxsize=32)
def _temporal(token: int, scale: int) -> WireType:
    if scale > 7:
        raise Malformed(f"{scale} digits of a second")
    type = {0x29: types.time_type, 0x2A: types.datetime2, 0x2B: types.datetimeoffset}[token](scale)
    clock = 3 if scale <= 2 else 4 if scale <= 4 else 5
    step = 10 ** (7 - scale)

    def convert(data: bytes) -> Storage:
        ticks: int = int.from_bytes(data[:clock], "little") * step
        day = int.from_bytes(data[clock : clock + 3], "little")
        if ticks >= TICKS_PER_DAY or day > _LAST_DAY:
            raise InvalidValue(type)
        moment = day * TICKS_PER_DAY + ticks
        if token != 0x2B:
            return moment
        offset = int.from_bytes(data[clock + 3 :], "little", signed=True)
        local = moment + offset * 600_000_000
        if not -840 <= offset <= 840 or not 0 <= local < (_LAST_DAY + 1) * TICKS_PER_DAY:
            raise InvalidValue(type)
        return storage.dto_storage(moment, offset)

    return _nullable(type, type.max_bytes, convert)


@lru_cache(maxsize=2048)
def _character(token: int, size: int, collation: bytes) -> WireType:
    unicode = token in (0xE7, 0xEF)
    decode = _unicode if unicode else _text_decoder(collation)
    if size == _MAX and token in (0xE7, 0xA7):
        return WireType(types.nvarchar() if unicode else types.varchar(), lambda reader: _from_plp(reader, decode))
    if size > 8000 or (unicode and size % 2):
        raise Malformed(f"a string type of {size} bytes")
    # A client with nothing but empty strings may declare no length at all; the shortest type holds them.
    length = max(1, size // 2 if unicode else size)
    type = {0xE7: types.nvarchar, 0xA7: types.varchar, 0xEF: types.nchar, 0xAF: types.char}[token](length)
    return WireType(type, lambda reader: _short(reader, size, decode, length if token in (0xEF, 0xAF) else 0))


def _short(reader: Reader, size: int, decode: Callable[[bytes], str], pad: int) -> Storage:
    length = reader.u16()
    if length == 0xFFFF:
        return None
    if length > size:
        raise Malformed(f"{length} bytes of a type of {size}")
    text = decode(reader.take(length))
    if pad:
        missing = pad - (len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2)
        return text + " " * missing
    return text


@lru_cache(maxsize=512)
def _binary(token: int, size: int) -> WireType:
    if size == _MAX and token == 0xA5:
        return WireType(types.varbinary(), lambda reader: _from_plp(reader, bytes))
    if size > 8000:
        raise Malformed(f"a binary type of {size} bytes")
    type = (types.binary if token == 0xAD else types.varbinary)(max(1, size))

    def read(reader: Reader) -> Storage:
        length = reader.u16()
        if length == 0xFFFF:
            return None
        if length > size:
            raise Malformed(f"{length} bytes of {type}")
        data = reader.take(length)
        return data.ljust(max(1, size), b"\0") if token == 0xAD else data

    return WireType(type, read)


@lru_cache(maxsize=64)
def _legacy(token: int, collation: bytes) -> WireType:
    """image, text, ntext: as the max types that stand in for them."""
    decode: Callable[[bytes], str | bytes]
    if token == 0x22:
        type, decode = types.varbinary(), bytes
    elif token == 0x63:
        type, decode = types.nvarchar(), _unicode
    else:
        type, decode = types.varchar(), _text_decoder(collation)

    def read(reader: Reader) -> Storage:
        length = reader.u32()
        return None if length == 0xFFFF_FFFF else decode(reader.take(length))

    return WireType(type, read)


def _unicode(data: bytes) -> str:
    try:
        return data.decode("utf-16-le")
    except UnicodeDecodeError:
        if len(data) % 2:
            raise Malformed("an odd number of bytes of UTF-16") from None
        # SQL Server keeps it; text in SQLite is UTF-8, which has no place for it.
        raise Unsupported("Half a surrogate pair in a string") from None


def _from_plp(reader: Reader, decode: Callable[[bytes], Storage]) -> Storage:
    """Chunks up to the empty one; the length in front may be unknown, else it is that of all of them."""
    total = reader.u64()
    if total == _PLP_NULL:
        return None
    chunks = []
    while size := reader.u32():
        chunks.append(reader.take(size))
    data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
    if total not in (len(data), _PLP_UNKNOWN):
        raise Malformed(f"{len(data)} bytes in chunks, {total} announced")
    return decode(data)
