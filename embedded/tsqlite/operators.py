"""Unary and binary operators, comparisons and LIKE: operand types, result type, SQLite text."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from . import collation, like
from .chart import check_implicit
from .convert import cut
from .errors import SqlError, sql_error
from .runtime import scalar
from .types import (
    BIT,
    DATETIMES,
    INT,
    INTEGER_RANGE,
    SqlType,
    as_decimal,
    common_type,
    numeric,
    precedence,
)
from .values import round_half_away, store_decimal, unscaled

_POWERS: list[int] = [10**i for i in range(80)]
_COMPARISONS = {"=": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">=", "!<": ">=", "!>": "<="}
_COMPARISON_WORDS = {
    "=": "equal to", "<>": "not equal to", "<": "less than", "<=": "less than or equal to", ">": "greater than",
    ">=": "greater than or equal to",
}  # fmt: skip
_ARITHMETIC_WORDS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "modulo"}
_BITWISE = {"&": "'&'", "|": "'|'", "^": "'^'"}


@dataclass(frozen=True, slots=True)
class Operation:
    """What an operator means: convert the operands to ``left`` and ``right`` (implicitly), then ``emit`` their texts.

    A comparison's ``type`` is bit, its text an SQLite condition (NULL is UNKNOWN).
    """

    type: SqlType
    left: SqlType
    right: SqlType
    emit: Callable[[str, str], str]


@dataclass(frozen=True, slots=True)
class UnaryOperation:
    """As ``Operation``, with one operand."""

    type: SqlType
    operand: SqlType
    emit: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class LikeOperation:
    """LIKE: convert operand, pattern and escape to these types; ``emit(operand, pattern, escape)`` is a condition."""

    operand: SqlType
    pattern: SqlType
    escape: SqlType
    emit: Callable[[str, str, str | None], str]


def resolve_binary(
    op: str, left: SqlType, right: SqlType, left_literal: object = None, right_literal: object = None
) -> Operation:
    """``+ - * / % & | ^`` and ``= <> != < <= > >= !< !>``.

    ``left_literal`` and ``right_literal``: the value of an operand that is an integer constant (a sign folded in),
    since SQL Server reads ``2`` as numeric(1, 0) beside a decimal, not as numeric(10, 0). Errors: 402, 206, 257,
    8117, 468; at run time 8115, 8134, 517.
    """
    if op in _COMPARISONS:
        return _comparison(_COMPARISONS[op], left, right)
    if op in _BITWISE:
        return _bitwise(op, left, right)
    if left.is_null and right.is_null:
        left = right = INT
    nullable = left.nullable or right.nullable
    if left.is_null:
        left = _null_operand(right)
    if right.is_null:
        right = _null_operand(left)
    if op == "+" and (left.is_string or left.is_binary) and (right.is_string or right.is_binary):
        return _concatenation(left, right, nullable)
    if left.is_temporal or right.is_temporal:
        return _date_arithmetic(op, left, right, nullable)
    for operand in (left, right):
        if not operand.is_number and not operand.is_string:
            other = right if operand is left else left
            if operand.is_binary and other.is_integer:
                continue
            if operand.is_binary or operand.name == "uniqueidentifier":
                raise sql_error(402, left.display_name, right.display_name, _ARITHMETIC_WORDS[op])
            raise sql_error(8117, operand.display_name, _ARITHMETIC_WORDS[op])
    if left.is_string and right.is_string:
        raise (
            sql_error(8117, left.display_name, _ARITHMETIC_WORDS[op])
            if left.name == right.name
            else sql_error(402, left.display_name, right.display_name, _ARITHMETIC_WORDS[op])
        )
    return _arithmetic(op, left, right, nullable, left_literal, right_literal)


def _null_operand(other: SqlType) -> SqlType:
    """A bare NULL takes the type of the other operand."""
    return other.with_nullable(True)


# -- comparisons


def _comparison(op: str, left: SqlType, right: SqlType) -> Operation:
    word = _COMPARISON_WORDS[op]
    for type_ in (left, right):
        if type_.name == "sql_variant":
            raise sql_error(402, left.display_name, right.display_name, word)
    if left.is_null and right.is_null:
        return Operation(BIT, INT, INT, lambda a, b: f"{a} {op} {b}")
    if left.is_temporal != right.is_temporal and not (left.is_null or right.is_null):
        other = right if left.is_temporal else left
        newer = left if left.is_temporal else right
        if other.is_number and newer.name not in DATETIMES:
            raise sql_error(206, left.display_name, right.display_name)
    try:
        common = common_type(left, right)
    except SqlError as error:
        if error.number in (206, 257) and {left.name, right.name} <= {"date", "time"}:
            raise sql_error(402, left.display_name, right.display_name, word) from None
        raise
    if common.is_string:
        collation.comparison_type(left, right, common, word)
        # Both stay as they are but for the code page: padding and length do not count.
        sides = [_comparable(t, common) for t in (left, right)]
        of = collation.equality_collation if op in ("=", "<>") else collation.sqlite_collation
        name = of(common)
        return Operation(BIT, sides[0], sides[1], lambda a, b: f"{a} {op} {b} COLLATE {name}")
    if "datetime" in (left.name, right.name) and common.name in ("datetime2", "datetimeoffset"):
        # Compared as what it is, thirds of 10 ms, however few digits the other side has.
        common = replace(common, scale=7)
    if common.name == "datetimeoffset":
        return Operation(BIT, common, common, lambda a, b: f"{a} {op} {b} COLLATE ts_dto")
    if common.is_binary:
        return _binary_comparison(op, left, right, common)
    if common.is_decimal and left.is_number and right.is_number:
        a_type, b_type = as_decimal(left), as_decimal(right)
        sa, sb = a_type.scale or 0, b_type.scale or 0
        if (common.scale or 0) < max(sa, sb):
            # 38 digits do not hold both: compared digit by digit, nothing rounded away.
            return Operation(BIT, a_type, b_type, lambda a, b: f"ts_compare_decimal({a}, {sa}, {b}, {sb}) {op} 0")
    return Operation(BIT, common, common, lambda a, b: f"{a} {op} {b}")


@scalar("ts_compare_decimal", 4)
def _compare_decimal(a: Any, s1: int, b: Any, s2: int) -> int | None:
    if a is None or b is None:
        return None
    common = max(s1, s2)
    x, y = unscaled(a) * _POWERS[common - s1], unscaled(b) * _POWERS[common - s2]
    return (x > y) - (x < y)


def _comparable(type_: SqlType, common: SqlType) -> SqlType:
    if type_.is_string and type_.is_unicode == common.is_unicode:
        return type_
    if type_.is_string:
        length = -1 if type_.length == -1 or (type_.length or 1) > 4000 else type_.length
        return replace(common, length=length, name="nvarchar")
    return common


def _binary_comparison(op: str, left: SqlType, right: SqlType, common: SqlType) -> Operation:
    """Binary values compare as if the shorter had zero bytes at its end."""
    sides = [t if t.is_binary else common for t in (left, right)]
    if all(t.name in ("binary", "rowversion") for t in sides) and sides[0].max_bytes == sides[1].max_bytes:
        return Operation(BIT, sides[0], sides[1], lambda a, b: f"{a} {op} {b}")
    if all(t.name in ("binary", "rowversion") for t in sides):
        wide = SqlType("binary", length=max(t.max_bytes for t in sides))
        return Operation(BIT, wide, wide, lambda a, b: f"{a} {op} {b}")
    return Operation(BIT, sides[0], sides[1], lambda a, b: f"ts_trim_zeros({a}) {op} ts_trim_zeros({b})")


@scalar("ts_trim_zeros", 1)
def _trim_zeros(value: bytes | None) -> bytes | None:
    return None if value is None else value.rstrip(b"\0")


# -- bitwise


def _bitwise(op: str, left: SqlType, right: SqlType) -> Operation:
    nullable = left.nullable or right.nullable
    if left.is_null and right.is_null:
        return Operation(INT, INT, INT, lambda a, b: f"({a} {op} {b})")
    if left.is_null:
        left = _null_operand(right)
    if right.is_null:
        right = _null_operand(left)
    for operand in (left, right):
        if not (operand.is_integer or operand.is_string or operand.is_binary):
            raise sql_error(402, left.display_name, right.display_name, _BITWISE[op])
    if (left.is_binary and right.is_binary) or (left.is_string and right.is_string):
        raise sql_error(402, left.display_name, right.display_name, _BITWISE[op])
    if not (left.is_integer or right.is_integer):
        raise sql_error(402, left.display_name, right.display_name, _BITWISE[op])
    if left.is_binary or right.is_binary:
        type_ = left if left.is_integer else right
    else:
        type_ = left if precedence(left) >= precedence(right) else right
    type_ = type_.with_nullable(nullable)
    if op == "^":
        return Operation(type_, type_, type_, lambda a, b: f"ts_xor({a}, {b})")
    return Operation(type_, type_, type_, lambda a, b: f"({a} {op} {b})")


@scalar("ts_xor", 2)
def _xor(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else a ^ b


# -- concatenation


def _concatenation(left: SqlType, right: SqlType, nullable: bool) -> Operation:
    if left.is_binary or right.is_binary:
        if not (left.is_binary and right.is_binary):
            raise sql_error(402, left.display_name, right.display_name, "add")
        lengths = [8 if t.length is None else t.length for t in (left, right)]
        total = -1 if -1 in lengths else min(8000, sum(lengths))
        result = SqlType("varbinary", length=total, nullable=nullable)
        limit = total if -1 not in lengths and sum(lengths) > 8000 else -1
        return Operation(result, left, right, lambda a, b: f"ts_concat_binary({a}, {b}, {limit})")
    common = common_type(left, right)
    unicode = common.is_unicode
    most = 4000 if unicode else 8000
    assert left.length is not None and right.length is not None
    unlimited = -1 in (left.length, right.length)
    length = -1 if unlimited else min(most, left.length + right.length)
    fixed = not unlimited and left.name in ("char", "nchar") and right.name in ("char", "nchar")
    name = ("nchar" if unicode else "char") if fixed else ("nvarchar" if unicode else "varchar")
    result = SqlType(
        name, length, nullable=nullable, collation=common.collation, collation_label=common.collation_label
    )
    sides = [_comparable(t, common) for t in (left, right)]
    if not unlimited and left.length + right.length > most:
        return Operation(result, sides[0], sides[1], lambda a, b: f"ts_cut({a} || {b}, {most}, {int(unicode)})")
    return Operation(result, sides[0], sides[1], lambda a, b: f"({a} || {b})")


@scalar("ts_cut", 3)
def _ts_cut(text: str | None, length: int, unicode: int) -> str | None:
    return None if text is None else cut(text, length, bool(unicode))


@scalar("ts_concat_binary", 3)
def _concat_binary(a: bytes | None, b: bytes | None, limit: int) -> bytes | None:
    if a is None or b is None:
        return None
    return a + b if limit == -1 else (a + b)[:limit]


# -- dates


def _date_arithmetic(op: str, left: SqlType, right: SqlType, nullable: bool) -> Operation:
    """datetime and smalldatetime count days since 1900; the newer types have no arithmetic."""
    for operand in (left, right):
        other = right if operand is left else left
        if operand.is_temporal and operand.name not in DATETIMES:
            if other.is_temporal or other.is_string:
                raise sql_error(
                    8117 if left.name == right.name else 402,
                    *((operand.display_name,) if left.name == right.name else (left.display_name, right.display_name)),
                    _ARITHMETIC_WORDS[op],
                )
            raise (
                sql_error(206, other.display_name, operand.display_name)
                if other.is_number
                else sql_error(402, left.display_name, right.display_name, _ARITHMETIC_WORDS[op])
            )
    if op not in ("+", "-"):
        operand = left if left.is_temporal else right
        if (right if operand is left else left).is_temporal:
            raise sql_error(8117, operand.display_name, _ARITHMETIC_WORDS[op])
        raise sql_error(402, left.display_name, right.display_name, _ARITHMETIC_WORDS[op])
    high = left if precedence(left) >= precedence(right) else right
    other = right if high is left else left
    check_implicit(other, high)
    name = high.name
    if left.name != right.name and left.is_temporal and right.is_temporal:
        name = "datetime"
    type_ = SqlType(name, nullable=nullable)
    sign = op
    return Operation(type_, type_, type_, lambda a, b: f"ts_add_{name}({a}, {sign}({b}))")


_DATETIME_LIMITS = (-53690 * 25_920_000, 2_958_464 * 25_920_000 - 1)


@scalar("ts_add_datetime", 2)
def _add_datetime(a: int | None, b: int | None) -> int | None:
    if a is None or b is None:
        return None
    total = a + b
    if not _DATETIME_LIMITS[0] <= total <= _DATETIME_LIMITS[1]:
        raise sql_error(8115, "expression", "datetime")
    return total


@scalar("ts_add_smalldatetime", 2)
def _add_smalldatetime(a: int | None, b: int | None) -> int | None:
    if a is None or b is None:
        return None
    total = a + b
    if not 0 <= total < 65_536 * 1440:
        raise sql_error(8115, "expression", "smalldatetime")
    return total


# -- arithmetic


def _arithmetic(
    op: str, left: SqlType, right: SqlType, nullable: bool, left_literal: object, right_literal: object
) -> Operation:
    # A string takes the other operand's type, and so does binary.
    if left.is_string or left.is_binary:
        left = right
        left_literal = None
    elif right.is_string or right.is_binary:
        right = left
        right_literal = None
    if left.is_decimal or right.is_decimal:
        if not (left.is_float or right.is_float):
            return _decimal_arithmetic(
                op, _decimal_operand(left, left_literal), _decimal_operand(right, right_literal), nullable
            )
    high = left if precedence(left) >= precedence(right) else right
    if high.is_float:
        if op == "%":
            raise (
                sql_error(402, left.display_name, right.display_name, "modulo")
                if left.name != right.name
                else (sql_error(8117, high.display_name, "modulo"))
            )
        type_ = high.with_nullable(nullable)
        return Operation(type_, type_, type_, _float_emit(op, high.name == "real"))
    if high.is_money:
        return _money_arithmetic(op, left, right, high.with_nullable(nullable))
    if high.name == "bit":
        if left.name == right.name == "bit":
            raise sql_error(8117, "bit", _ARITHMETIC_WORDS[op])
    type_ = high.with_nullable(nullable)
    return Operation(type_, type_, type_, _integer_emit(op, type_.name, right_literal))


def _integer_emit(op: str, name: str, divisor: object) -> Callable[[str, str], str]:
    short = {"tinyint": "i1", "smallint": "i2", "int": "i4", "bigint": "i8"}[name]
    if op in ("+", "-", "*"):
        return lambda a, b: f"ts_{short}({a} {op} ({b}))" if b.startswith("-") else f"ts_{short}({a} {op} {b})"
    if isinstance(divisor, int) and divisor not in (0, -1):
        return lambda a, b: f"({a} {op} {b})"
    if op == "%":
        return lambda a, b: f"ts_modulo({a}, {b})"
    return lambda a, b: f"ts_{short}(ts_quotient({a}, {b}))"


def _range_check(short: str, name: str) -> None:
    low, high = INTEGER_RANGE[name]

    @scalar(f"ts_{short}", 1)
    def check(value: Any) -> Any:
        # Beyond 64 bits SQLite has gone over to floating point.
        if value is None or (value.__class__ is int and low <= value <= high):
            return value
        raise sql_error(8115, "expression", name)


for _short, _name in (("i1", "tinyint"), ("i2", "smallint"), ("i4", "int"), ("i8", "bigint")):
    _range_check(_short, _name)


@scalar("ts_quotient", 2)
def _quotient(a: int | None, b: int | None) -> int | float | None:
    if a is None or b is None:
        return None
    if b == 0:
        raise sql_error(8134)
    result = abs(a) // abs(b)
    if result >= 2**63:
        return float(result)
    return result if (a < 0) == (b < 0) else -result


@scalar("ts_modulo", 2)
def _modulo(a: int | None, b: int | None) -> int | None:
    if a is None or b is None:
        return None
    if b == 0:
        raise sql_error(8134)
    return abs(a) % abs(b) if a >= 0 else -(abs(a) % abs(b))


def _float_emit(op: str, single: bool) -> Callable[[str, str], str]:
    name = "ts_f4" if single else "ts_f8"
    if op == "/":
        return lambda a, b: f"{name}(ts_float_quotient({a}, {b}))"
    return lambda a, b: f"{name}({a} {op} ({b}))"


def _finite(name: str, single: bool) -> Callable[[Any], Any]:
    from .convert import _single

    def check(value: float | None) -> float | None:
        if value is None:
            return None
        if math.isinf(value) or math.isnan(value):
            raise sql_error(8115, "expression", name)
        return _single(value) if single else value

    return check


scalar("ts_f4", 1)(_finite("real", True))
scalar("ts_f8", 1)(_finite("float", False))


@scalar("ts_float_quotient", 2)
def _float_quotient(a: float | None, b: float | None) -> float | None:
    if a is None or b is None:
        return None
    if b == 0:
        raise sql_error(8134)
    return a / b


def _money_arithmetic(op: str, left: SqlType, right: SqlType, type_: SqlType) -> Operation:
    short = "money" if type_.name == "money" else "smallmoney"
    if op in ("+", "-"):
        return Operation(type_, type_, type_, lambda a, b: f"ts_{short}({a} {op} ({b}))")
    if op == "%":
        return Operation(type_, type_, type_, lambda a, b: f"ts_modulo({a}, {b})")
    function = "ts_money_product" if op == "*" else "ts_money_quotient"
    return Operation(type_, type_, type_, lambda a, b: f"ts_{short}({function}({a}, {b}))")


for _name in ("money", "smallmoney"):
    _range_check(_name, _name)


@scalar("ts_money_product", 2)
def _money_product(a: int | None, b: int | None) -> int | float | None:
    if a is None or b is None:
        return None
    result = round_half_away(a * b, 10_000)
    return result if -(2**63) <= result < 2**63 else float(result)


@scalar("ts_money_quotient", 2)
def _money_quotient(a: int | None, b: int | None) -> int | float | None:
    """Four digits, and what is left over is cut: the known weakness of money."""
    if a is None or b is None:
        return None
    if b == 0:
        raise sql_error(8134)
    result = abs(a) * 10_000 // abs(b)
    if (a < 0) != (b < 0):
        result = -result
    return result if -(2**63) <= result < 2**63 else float(result)


# -- decimals: https://learn.microsoft.com/sql/t-sql/data-types/precision-scale-and-length-transact-sql


def _decimal_operand(type_: SqlType, literal: object) -> SqlType:
    if isinstance(literal, int) and type_.is_integer:
        return numeric(max(1, len(str(abs(literal)))), 0, nullable=False)
    return as_decimal(type_)


def decimal_result(op: str, a: SqlType, b: SqlType) -> tuple[int, int]:
    """Precision and scale of an arithmetic result, reduced to 38 digits as SQL Server does."""
    p1, s1, p2, s2 = a.precision or 18, a.scale or 0, b.precision or 18, b.scale or 0
    if op in ("+", "-"):
        scale = max(s1, s2)
        precision = scale + max(p1 - s1, p2 - s2) + 1
        if precision > 38:
            # The whole part is kept, the scale gives way.
            return 38, min(scale, max(0, 38 - max(p1 - s1, p2 - s2)))
        return precision, scale
    if op == "*":
        precision, scale = p1 + p2 + 1, s1 + s2
    elif op == "/":
        scale = max(6, s1 + p2 + 1)
        precision = p1 - s1 + s2 + scale
    else:
        scale = max(s1, s2)
        precision = min(p1 - s1, p2 - s2) + scale
    if precision > 38:
        whole = precision - scale
        if whole > 32 and scale > 6:
            return 38, 6
        return 38, min(scale, max(38 - whole, min(scale, 6)))
    return precision, scale


def _decimal_arithmetic(op: str, a: SqlType, b: SqlType, nullable: bool) -> Operation:
    precision, scale = decimal_result(op, a, b)
    s1, s2 = a.scale or 0, b.scale or 0
    name = "decimal" if a.name == b.name == "decimal" else "numeric"
    type_ = SqlType(name, precision=precision, scale=scale, nullable=nullable)
    small = precision <= 18 and (a.precision or 18) <= 18 and (b.precision or 18) <= 18
    if op in ("+", "-"):
        if small:
            return Operation(type_, a, b, lambda x, y: f"({_up(x, scale - s1)} {op} {_up(y, scale - s2)})")
        sign = 1 if op == "+" else -1
        return Operation(
            type_, a, b, lambda x, y: f"ts_decimal_add({x}, {s1}, {y}, {s2}, {sign}, {precision}, {scale})"
        )
    if op == "*":
        if small:
            return Operation(type_, a, b, lambda x, y: f"({x} * ({y}))")
        return Operation(type_, a, b, lambda x, y: f"ts_decimal_multiply({x}, {y}, {s1 + s2}, {precision}, {scale})")
    if op == "/":
        return Operation(type_, a, b, lambda x, y: f"ts_decimal_divide({x}, {y}, {s1 - s2}, {precision}, {scale})")
    return Operation(type_, a, b, lambda x, y: f"ts_decimal_modulo({x}, {s1}, {y}, {s2}, {precision}, {scale})")


def _up(sql: str, shift: int) -> str:
    return f"({sql} * {10**shift})" if shift else f"({sql})"


def fit_decimal(value: int, scale: int, precision: int, result_scale: int) -> int | str:
    """An unscaled integer of ``scale`` as decimal(``precision``, ``result_scale``), rounded. Error 8115."""
    shift = result_scale - scale
    value = value * _POWERS[shift] if shift >= 0 else round_half_away(value, _POWERS[-shift])
    if not -_POWERS[precision] < value < _POWERS[precision]:
        raise sql_error(8115, "expression", "numeric")
    return store_decimal(value, precision)


@scalar("ts_decimal_add", 7)
def _decimal_add(a: Any, s1: int, b: Any, s2: int, sign: int, precision: int, scale: int) -> int | str | None:
    if a is None or b is None:
        return None
    common = max(s1, s2)
    total = unscaled(a) * _POWERS[common - s1] + sign * unscaled(b) * _POWERS[common - s2]
    return fit_decimal(total, common, precision, scale)


@scalar("ts_decimal_multiply", 5)
def _decimal_multiply(a: Any, b: Any, scale: int, precision: int, result_scale: int) -> int | str | None:
    if a is None or b is None:
        return None
    return fit_decimal(unscaled(a) * unscaled(b), scale, precision, result_scale)


@scalar("ts_decimal_divide", 5)
def _decimal_divide(a: Any, b: Any, scale: int, precision: int, result_scale: int) -> int | str | None:
    """``scale`` is the difference of the operands' scales. What is left over is cut."""
    if a is None or b is None:
        return None
    top, bottom = unscaled(a), unscaled(b)
    if bottom == 0:
        raise sql_error(8134)
    shift = result_scale - scale
    numerator, denominator = abs(top), abs(bottom)
    if shift >= 0:
        numerator *= _POWERS[shift]
    else:
        denominator *= _POWERS[-shift]
    result = numerator // denominator
    if result >= _POWERS[precision]:
        raise sql_error(8115, "expression", "numeric")
    return store_decimal(-result if (top < 0) != (bottom < 0) else result, precision)


@scalar("ts_decimal_modulo", 6)
def _decimal_modulo(a: Any, s1: int, b: Any, s2: int, precision: int, scale: int) -> int | str | None:
    if a is None or b is None:
        return None
    common = max(s1, s2)
    top, bottom = unscaled(a) * _POWERS[common - s1], unscaled(b) * _POWERS[common - s2]
    if bottom == 0:
        raise sql_error(8134)
    result = abs(top) % abs(bottom)
    return fit_decimal(-result if top < 0 else result, common, precision, scale)


# -- unary


def resolve_unary(op: str, operand: SqlType) -> UnaryOperation:
    """``-``, ``+`` and ``~``. Errors: 8117."""
    word = {"-": "minus", "+": "plus", "~": "'~'"}[op]
    if operand.is_null:
        operand = INT
    if op == "+":
        return UnaryOperation(operand, operand, lambda a: a)
    if op == "~":
        if not operand.is_integer:
            raise sql_error(8117, operand.display_name, word)
        if operand.name == "bit":
            return UnaryOperation(operand, operand, lambda a: f"(1 - {a})")
        if operand.name == "tinyint":
            return UnaryOperation(operand, operand, lambda a: f"(255 - {a})")
        return UnaryOperation(operand, operand, lambda a: f"(~{a})")
    if operand.name == "bit" or not operand.is_number:
        raise sql_error(8117, operand.display_name, word)
    if operand.name in ("int", "bigint", "smallint", "tinyint"):
        # A negative tinyint has no place of its own: it becomes smallint.
        result = replace(operand, name="smallint") if operand.name == "tinyint" else operand
        short = {"smallint": "i2", "int": "i4", "bigint": "i8"}[result.name]
        return UnaryOperation(result, operand, lambda a: f"ts_{short}(-({a}))")
    if operand.is_money:
        return UnaryOperation(operand, operand, lambda a: f"ts_{operand.name}(-({a}))")
    if operand.is_decimal and (operand.precision or 18) > 18:
        p = operand.precision
        return UnaryOperation(operand, operand, lambda a: f"ts_decimal_multiply({a}, -1, 0, {p}, 0)")
    return UnaryOperation(operand, operand, lambda a: f"(-({a}))")


# -- LIKE


def resolve_like(operand: SqlType, pattern: SqlType, escape: SqlType | None = None) -> LikeOperation:
    """``operand LIKE pattern [ESCAPE escape]``; the negation is the caller's. Errors: 506 at run time, 8116, 468."""

    def text(type_: SqlType, position: int) -> SqlType:
        if type_.is_string:
            return type_
        if type_.is_null:
            return SqlType("varchar", length=1)
        if type_.is_binary:
            raise sql_error(8116, type_.display_name, position, "like")
        check_implicit(type_, SqlType("varchar", length=8000))
        return SqlType("varchar", length=8000, nullable=type_.nullable)

    left, right = text(operand, 1), text(pattern, 2)
    common = common_type(left, right)
    collation.comparison_type(left, right, common, "like")
    unicode = common.is_unicode or (escape is not None and escape.is_unicode)
    name = collation.sqlite_collation(replace(common, name="nvarchar" if unicode else "varchar"))
    sides = [_comparable(t, replace(common, name="nvarchar" if unicode else "varchar")) for t in (left, right)]
    whole = (common.collation or "").upper().endswith("_SC")
    flags = f"'{name}', {int(unicode) + 2 * whole}"

    def emit(value: str, like_pattern: str, escape_text: str | None) -> str:
        if escape_text is None:
            return f"ts_like({value}, {like_pattern}, {flags})"
        return f"ts_like({value}, {like_pattern}, {flags}, {escape_text})"

    return LikeOperation(
        sides[0], sides[1], SqlType("nvarchar" if unicode else "varchar", length=8000 if not unicode else 4000), emit
    )


@scalar("ts_like")
def _like(value: str | None, pattern: str | None, name: str, flags: int, *escape: str | None) -> int | None:
    if value is None or pattern is None:
        return None
    return int(like.matches(value, pattern, name, bool(flags & 1), escape[0] if escape else None, whole=flags > 1))
