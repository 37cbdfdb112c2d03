"""SQL Server's data types: declaration, spelling, precedence, and the common type of several expressions.

A ``SqlType`` says all that SQL Server knows about an expression before it runs. ``length`` counts characters for the
character types (UTF-16 code units for nchar/nvarchar, code-page bytes for char/varchar) and bytes for the binary
ones; -1 is ``max``. ``scale`` is also the number of fractional digits of time, datetime2 and datetimeoffset.
"""

from __future__ import annotations

import datetime
import decimal
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from .errors import SqlError, Unsupported

DEFAULT_COLLATION = "SQL_Latin1_General_CP1_CI_AS"
"""Collation of a string type that names none: the database's default."""

Label = Literal["implicit", "explicit", "coercible-default", "no-collation"]
StorageClass = Literal["INTEGER", "REAL", "TEXT", "BLOB"]

# Highest first: https://learn.microsoft.com/sql/t-sql/data-types/data-type-precedence-transact-sql
PRECEDENCE = (
    "sql_variant", "datetimeoffset", "datetime2", "datetime", "smalldatetime", "date", "time", "float", "real",
    "decimal",
    "numeric", "money", "smallmoney", "bigint", "int", "smallint", "tinyint", "bit", "rowversion", "uniqueidentifier",
    "nvarchar", "nchar", "varchar", "char", "varbinary", "binary", "null",
)  # fmt: skip
_RANK = {name: len(PRECEDENCE) - i for i, name in enumerate(PRECEDENCE)}
_RANK["numeric"] = _RANK["decimal"]

INTEGERS = frozenset({"bigint", "int", "smallint", "tinyint", "bit"})
DECIMALS = frozenset({"decimal", "numeric"})
MONEYS = frozenset({"money", "smallmoney"})
FLOATS = frozenset({"float", "real"})
NUMBERS = INTEGERS | DECIMALS | MONEYS | FLOATS
STRINGS = frozenset({"char", "varchar", "nchar", "nvarchar"})
UNICODE = frozenset({"nchar", "nvarchar"})
BINARIES = frozenset({"binary", "varbinary"})
DATETIMES = frozenset({"datetime", "smalldatetime"})
TEMPORALS = frozenset({"date", "time", "datetime", "smalldatetime", "datetime2", "datetimeoffset"})

INTEGER_RANGE: dict[str, tuple[int, int]] = {
    "bit": (0, 1),
    "tinyint": (0, 255),
    "smallint": (-(2**15), 2**15 - 1),
    "int": (-(2**31), 2**31 - 1),
    "bigint": (-(2**63), 2**63 - 1),
    "smallmoney": (-(2**31), 2**31 - 1),
    "money": (-(2**63), 2**63 - 1),
}
_AS_DECIMAL = {
    "bit": (1, 0), "tinyint": (3, 0), "smallint": (5, 0), "int": (10, 0), "bigint": (19, 0),
    "money": (19, 4), "smallmoney": (10, 4),
}  # fmt: skip
_KNOWN_BUT_REFUSED = frozenset(
    {
        "text",
        "ntext",
        "image",
        "xml",
        "sql_variant",
        "geography",
        "geometry",
        "hierarchyid",
        "cursor",
        "table",
        "json",
        "vector",
    }
)
_SYNONYMS = {
    "integer": "int", "dec": "decimal", "character": "char", "char varying": "varchar", "character varying": "varchar",
    "national char": "nchar", "national character": "nchar", "national char varying": "nvarchar",
    "national character varying": "nvarchar", "binary varying": "varbinary", "double precision": "float",
    "timestamp": "rowversion",
}  # fmt: skip
_FIXED_BYTES = {
    "bit": 1, "tinyint": 1, "smallint": 2, "int": 4, "bigint": 8, "smallmoney": 4, "money": 8, "real": 4, "float": 8,
    "date": 3, "datetime": 8, "smalldatetime": 4, "uniqueidentifier": 16, "rowversion": 8, "null": 0,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SqlType:
    """The static type of an expression, column, variable or parameter."""

    name: str
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    nullable: bool = True
    collation: str | None = None
    collation_label: Label | None = None

    def __str__(self) -> str:
        name = self.name
        if name == "null":
            return "NULL"
        if name in STRINGS or name in BINARIES:
            return f"{name}(max)" if self.length == -1 else f"{name}({self.length})"
        if name in DECIMALS:
            return f"{name}({self.precision},{self.scale})"
        if name in ("time", "datetime2", "datetimeoffset"):
            return f"{name}({self.scale})"
        return "timestamp" if name == "rowversion" else name

    @property
    def is_string(self) -> bool:
        return self.name in STRINGS

    @property
    def is_unicode(self) -> bool:
        return self.name in UNICODE

    @property
    def is_binary(self) -> bool:
        return self.name in BINARIES or self.name == "rowversion"

    @property
    def is_integer(self) -> bool:
        """bit counts as an integer type here."""
        return self.name in INTEGERS

    @property
    def is_decimal(self) -> bool:
        return self.name in DECIMALS

    @property
    def is_money(self) -> bool:
        return self.name in MONEYS

    @property
    def is_float(self) -> bool:
        return self.name in FLOATS

    @property
    def is_number(self) -> bool:
        return self.name in NUMBERS

    @property
    def is_temporal(self) -> bool:
        return self.name in TEMPORALS

    @property
    def is_null(self) -> bool:
        """The type of a bare NULL: any other type wins over it. What is shown or stored of it is int."""
        return self.name == "null"

    @property
    def is_max(self) -> bool:
        return self.length == -1

    @property
    def display_name(self) -> str:
        """As error messages name it: without length, ``timestamp`` for rowversion."""
        return "timestamp" if self.name == "rowversion" else "NULL" if self.name == "null" else self.name

    @property
    def storage_class(self) -> StorageClass:
        """The SQLite type of its values (``README.md``, "How a T-SQL value is stored")."""
        if self.name in FLOATS:
            return "REAL"
        if self.name in STRINGS or self.name == "datetimeoffset":
            return "TEXT"
        if self.name in DECIMALS:
            return "TEXT" if (self.precision or 18) > 18 else "INTEGER"
        if self.name in BINARIES or self.name in ("uniqueidentifier", "rowversion"):
            return "BLOB"
        return "INTEGER"

    @property
    def max_bytes(self) -> int:
        """``max_length`` of sys.columns: bytes, -1 for max types."""
        if self.name in STRINGS or self.name in BINARIES:
            assert self.length is not None
            return -1 if self.length == -1 else self.length * (2 if self.name in UNICODE else 1)
        if self.name in DECIMALS:
            p = self.precision or 18
            return 5 if p <= 9 else 9 if p <= 19 else 13 if p <= 28 else 17
        if self.name in ("time", "datetime2", "datetimeoffset"):
            s = 7 if self.scale is None else self.scale
            return {"time": 3, "datetime2": 6, "datetimeoffset": 8}[self.name] + (0 if s <= 2 else 1 if s <= 4 else 2)
        return _FIXED_BYTES[self.name]

    @property
    def system_precision(self) -> int:
        """``precision`` of sys.columns and of a result set's description; 0 where it does not apply."""
        if self.name in DECIMALS:
            return self.precision or 18
        if self.name in ("time", "datetime2", "datetimeoffset"):
            s = 7 if self.scale is None else self.scale
            return {"time": 8, "datetime2": 19, "datetimeoffset": 26}[self.name] + (s + 1 if s else 0)
        return {
            "bit": 1, "tinyint": 3, "smallint": 5, "int": 10, "bigint": 19, "smallmoney": 10, "money": 19, "real": 24,
            "float": 53, "date": 10, "datetime": 23, "smalldatetime": 16,
        }.get(self.name, 0)  # fmt: skip

    @property
    def system_scale(self) -> int:
        if self.scale is not None:
            return self.scale
        return {"money": 4, "smallmoney": 4, "datetime": 3}.get(self.name, 0)

    @property
    def python_type(self) -> type:
        """The class that a DB-API client sees, as pyodbc has it: the ``type_code`` of a description."""
        if self.name == "bit":
            return bool
        if self.name in INTEGERS or self.name == "null":
            return int
        if self.name in DECIMALS or self.name in MONEYS:
            return decimal.Decimal
        if self.name in FLOATS:
            return float
        if self.name in STRINGS or self.name == "uniqueidentifier":
            return str
        if self.name == "date":
            return datetime.date
        if self.name == "time":
            return datetime.time
        return bytes if self.storage_class == "BLOB" else datetime.datetime

    def with_nullable(self, nullable: bool) -> SqlType:
        return self if self.nullable == nullable else replace(self, nullable=nullable)

    def with_length(self, length: int) -> SqlType:
        return replace(self, length=length)

    def with_collation(self, collation: str | None, label: Label | None) -> SqlType:
        return replace(self, collation=collation, collation_label=label)

    def same_as(self, other: SqlType) -> bool:
        """Whether both have one name, length, precision and scale (not: one collation and nullability)."""
        return (
            self.name == other.name
            and self.length == other.length
            and self.precision == other.precision
            and self.scale == other.scale
        )


BIT = SqlType("bit")
TINYINT = SqlType("tinyint")
SMALLINT = SqlType("smallint")
INT = SqlType("int")
BIGINT = SqlType("bigint")
MONEY = SqlType("money")
SMALLMONEY = SqlType("smallmoney")
FLOAT = SqlType("float")
REAL = SqlType("real")
DATE = SqlType("date")
DATETIME = SqlType("datetime")
SMALLDATETIME = SqlType("smalldatetime")
UNIQUEIDENTIFIER = SqlType("uniqueidentifier")
ROWVERSION = SqlType("rowversion")
NULL = SqlType("null")


def varchar(length: int = -1, *, nullable: bool = True) -> SqlType:
    """varchar of ``length`` characters; over 8000 becomes max."""
    return SqlType("varchar", length=-1 if length > 8000 else length, nullable=nullable)


def char(length: int, *, nullable: bool = True) -> SqlType:
    return SqlType("char", length=length, nullable=nullable)


def nvarchar(length: int = -1, *, nullable: bool = True) -> SqlType:
    """nvarchar of ``length`` UTF-16 code units; over 4000 becomes max."""
    return SqlType("nvarchar", length=-1 if length > 4000 else length, nullable=nullable)


def nchar(length: int, *, nullable: bool = True) -> SqlType:
    return SqlType("nchar", length=length, nullable=nullable)


def varbinary(length: int = -1, *, nullable: bool = True) -> SqlType:
    return SqlType("varbinary", length=-1 if length > 8000 else length, nullable=nullable)


def binary(length: int, *, nullable: bool = True) -> SqlType:
    return SqlType("binary", length=length, nullable=nullable)


def decimal_type(precision: int = 18, scale: int = 0, *, name: str = "decimal", nullable: bool = True) -> SqlType:
    return SqlType(name, precision=precision, scale=scale, nullable=nullable)


def numeric(precision: int = 18, scale: int = 0, *, nullable: bool = True) -> SqlType:
    """The type of a literal with a point, and of arithmetic on such."""
    return SqlType("numeric", precision=precision, scale=scale, nullable=nullable)


def time_type(scale: int = 7, *, nullable: bool = True) -> SqlType:
    return SqlType("time", scale=scale, nullable=nullable)


def datetime2(scale: int = 7, *, nullable: bool = True) -> SqlType:
    return SqlType("datetime2", scale=scale, nullable=nullable)


def datetimeoffset(scale: int = 7, *, nullable: bool = True) -> SqlType:
    return SqlType("datetimeoffset", scale=scale, nullable=nullable)


def parse_type(
    name: str, args: Sequence[int | str] = (), context: Literal["declare", "cast", "column"] = "declare"
) -> SqlType:
    """The type that ``name(args)`` declares; ``max`` among ``args`` is the string ``'max'``.

    ``context`` decides the length of a string type that gives none: 30 in CAST and CONVERT, else 1. Errors: 2715
    unknown type in a declaration (243 in CAST), 131 length over the maximum, 1001 length zero, 2750 precision, 192
    scale over precision, 1002 fractional digits, 2716 a length where none may be; ``Unsupported`` for xml and its
    like.
    """
    spelled = " ".join(name.lower().split())
    key = spelled.removeprefix("sys.")
    key = _SYNONYMS.get(key, key)
    if key == "sysname":
        return SqlType("nvarchar", length=128, nullable=False)
    if key in _KNOWN_BUT_REFUSED:
        raise Unsupported(f"Data type {key}")
    if key not in _RANK or key == "null":
        if context == "cast":
            raise SqlError(243, f"Type {name} is not a defined system type.")
        raise SqlError(2715, f"Column, parameter, or variable #1: Cannot find data type {name}.")
    values = [_argument(a) for a in args]
    if key in STRINGS or key in BINARIES:
        return _string_type(key, name, values, context)
    if any(v == "max" for v in values):
        raise SqlError(2716, f"Column, parameter, or variable #1: Cannot specify a column width on data type {key}.")
    numbers = [v for v in values if isinstance(v, int)]
    if key in DECIMALS:
        return _decimal_declaration(key, numbers)
    if key == "float":
        bits = numbers[0] if numbers else 53
        if not 1 <= bits <= 53:
            raise SqlError(
                2750,
                f"Column or parameter #1: Specified column precision {bits} is greater than the maximum precision of "
                f"53.",
            )
        return REAL if bits <= 24 else FLOAT
    if key in ("time", "datetime2", "datetimeoffset"):
        scale = numbers[0] if numbers else 7
        if not 0 <= scale <= 7:
            raise SqlError(1002, f"Line 1: Specified scale {scale} is invalid.")
        return SqlType(key, scale=scale)
    if numbers:
        raise SqlError(2716, f"Column, parameter, or variable #1: Cannot specify a column width on data type {key}.")
    return SqlType(key)


def _argument(value: int | str) -> int | str:
    if isinstance(value, str):
        return "max" if value.lower() == "max" else int(value)
    return value


def _string_type(key: str, name: str, values: Sequence[int | str], context: str) -> SqlType:
    limit = 4000 if key in UNICODE else 8000
    if not values:
        return SqlType(key, length=30 if context == "cast" else 1)
    length = values[0]
    if length == "max":
        if key in ("char", "nchar", "binary"):
            raise SqlError(
                2716, f"Column, parameter, or variable #1: Cannot specify a column width on data type {key}."
            )
        return SqlType(key, length=-1)
    assert isinstance(length, int)
    if length < 1:
        raise SqlError(1001, f"Line 1: Length or precision specification {length} is invalid.")
    if length > limit:
        raise SqlError(
            131, f"The size ({length}) given to the type '{name}' exceeds the maximum allowed for any data type (8000)."
        )
    return SqlType(key, length=length)


def _decimal_declaration(key: str, numbers: Sequence[int]) -> SqlType:
    precision = numbers[0] if numbers else 18
    scale = numbers[1] if len(numbers) > 1 else 0
    if precision < 1:
        raise SqlError(1001, f"Line 1: Length or precision specification {precision} is invalid.")
    if precision > 38:
        raise SqlError(
            2750,
            f"Column or parameter #1: Specified column precision {precision} is greater than the maximum precision "
            f"of 38.",
        )
    if scale > precision or scale < 0:
        raise SqlError(192, "The scale must be less than or equal to the precision.", 15)
    return SqlType(key, precision=precision, scale=scale)


def as_decimal(type_: SqlType) -> SqlType:
    """The decimal type that holds every value of an integer, money or decimal type."""
    if type_.is_decimal:
        return type_
    precision, scale = _AS_DECIMAL[type_.name]
    return decimal_type(precision, scale, name="numeric", nullable=type_.nullable)


def common_type(a: SqlType, b: SqlType) -> SqlType:
    """The type that both are converted to, by data type precedence; its length, precision and scale hold both.

    For comparisons, CASE, COALESCE, UNION, VALUES. Errors: 206 when the one of lower precedence cannot be converted
    to the other implicitly; a collation conflict is left in the result's label ('no-collation'), and is an error only
    where it matters.
    """
    from .chart import check_implicit  # late: the chart needs the types

    nullable = a.nullable or b.nullable
    if a.is_null or b.is_null:
        return (b if a.is_null else a).with_nullable(True)
    high, low = (a, b) if _RANK[a.name] >= _RANK[b.name] else (b, a)
    check_implicit(low, high)
    if high.is_string:
        return _common_string(high, low, a, b, nullable)
    if high.is_binary and low.is_binary and high.length is not None:
        low_length = 8 if low.length is None else low.length
        length = -1 if -1 in (high.length, low_length) else max(high.length, low_length)
        return SqlType(high.name, length=length, nullable=nullable)
    if high.is_decimal and low.is_number and not low.is_float:
        return _common_decimal(high, as_decimal(low), nullable)
    if high.name in ("time", "datetime2", "datetimeoffset"):
        scale = max(high.scale or 0, _fraction_digits(low))
        return SqlType(high.name, scale=scale, nullable=nullable)
    return high.with_nullable(nullable)


def _fraction_digits(type_: SqlType) -> int:
    if type_.name in ("time", "datetime2", "datetimeoffset"):
        return 7 if type_.scale is None else type_.scale
    return {"datetime": 3}.get(type_.name, 0)


def _common_string(high: SqlType, low: SqlType, a: SqlType, b: SqlType, nullable: bool) -> SqlType:
    from .collation import combine

    if not low.is_string:
        return high.with_nullable(nullable)
    assert high.length is not None and low.length is not None
    length = -1 if -1 in (high.length, low.length) else max(high.length, low.length)
    name = high.name
    if length == -1:
        name = "nvarchar" if high.is_unicode else "varchar"
    if name in UNICODE and length > 4000:
        length = 4000 if "var" not in name else -1
    collation, label = combine(a, b)
    return SqlType(name, length=length, nullable=nullable, collation=collation, collation_label=label)


def _common_decimal(a: SqlType, b: SqlType, nullable: bool) -> SqlType:
    assert a.precision is not None and a.scale is not None and b.precision is not None and b.scale is not None
    whole = max(a.precision - a.scale, b.precision - b.scale)
    scale = max(a.scale, b.scale)
    if whole + scale > 38:
        scale = max(0, 38 - whole)
    return SqlType(a.name, precision=min(38, whole + scale), scale=scale, nullable=nullable)


def common_type_of(types: Iterable[SqlType]) -> SqlType:
    """``common_type`` of several; of none but NULLs it is the NULL type. The NULLs among them make it nullable."""
    result: SqlType | None = None
    # The highest first, so that "1, '2', 3.5" goes to decimal and not by way of a string.
    for type_ in sorted(types, key=lambda t: -_RANK[t.name]):
        result = type_ if result is None else common_type(result, type_)
    assert result is not None
    return result


def precedence(type_: SqlType) -> int:
    """Higher wins."""
    return _RANK[type_.name]


def literal_type(value: object, *, unicode: bool = False) -> SqlType:
    """The type of a literal in a statement; ``unicode``: it has the N prefix.

    ``int`` -> int, or numeric(p, 0) beyond its range; ``Decimal`` -> numeric(p, s) with the digits written; ``float``
    -> float; ``str`` -> varchar(n) or nvarchar(n); ``bytes`` -> varbinary(n). (Money literals are the caller's to
    type.)
    """
    if value is None:
        return NULL
    if isinstance(value, int):
        if -(2**31) <= value < 2**31:
            return SqlType("int", nullable=False)
        return numeric(len(str(abs(value))), 0, nullable=False)
    if isinstance(value, decimal.Decimal):
        p, s = decimal_size(value)
        return numeric(p, s, nullable=False)
    if isinstance(value, float):
        return SqlType("float", nullable=False)
    if isinstance(value, bytes):
        return varbinary(max(1, len(value)), nullable=False)
    if isinstance(value, str):
        length = max(
            1, len(value) if value.isascii() or not unicode else len(value.encode("utf-16-le", "surrogatepass")) // 2
        )
        made = nvarchar(length, nullable=False) if unicode else varchar(length, nullable=False)
        return made.with_collation(None, "coercible-default")
    raise TypeError(f"no literal of {type(value).__name__}")


def decimal_size(value: decimal.Decimal) -> tuple[int, int]:
    """Precision and scale that hold ``value`` as it is written. Error 1007 beyond 38 digits."""
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise SqlError(8114, "Error converting data type numeric to numeric.")
    scale = max(0, -exponent)
    whole = max(0, len(digits) + exponent) if any(digits) else 0
    precision = max(1, whole + scale)
    if precision > 38:
        raise SqlError(
            1007, f"The number '{value}' is out of the range for numeric representation (maximum precision 38)."
        )
    return precision, scale


def from_python(value: object) -> SqlType:
    """The type with which Microsoft's ODBC driver declares a Python parameter.

    Errors: ``TypeError`` for a class that it does not send.
    """
    if value is None:
        return nvarchar(1)
    if isinstance(value, bool):
        return BIT
    if isinstance(value, int):
        if -(2**31) <= value < 2**31:
            return INT
        if -(2**63) <= value < 2**63:
            return BIGINT
        return decimal_type(*decimal_size(decimal.Decimal(value)))
    if isinstance(value, float):
        return FLOAT
    if isinstance(value, decimal.Decimal):
        return decimal_type(*decimal_size(value))
    if isinstance(value, str):
        length = len(value) if value.isascii() else len(value.encode("utf-16-le", "surrogatepass")) // 2
        return nvarchar(max(1, length))
    if isinstance(value, datetime.datetime):
        return datetime2(7) if value.tzinfo is None else datetimeoffset(7)
    if isinstance(value, datetime.date):
        return DATE
    if isinstance(value, datetime.time):
        return time_type(7)
    if isinstance(value, bytes | bytearray | memoryview):
        return varbinary(max(1, len(value)))
    if isinstance(value, uuid.UUID):
        return UNIQUEIDENTIFIER
    raise TypeError(f"a parameter cannot be of class {type(value).__name__}")
