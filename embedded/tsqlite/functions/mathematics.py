"""Mathematical functions. https://learn.microsoft.com/sql/t-sql/functions/mathematical-functions-transact-sql"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable
from typing import Any

from ..errors import SqlError, Unsupported, sql_error
from ..operators import fit_decimal
from ..runtime import scalar
from ..types import BIGINT, FLOAT, INT, INTEGER_RANGE, MONEY, SqlType, varchar
from ..values import round_half_away, unscaled
from .arguments import constant, integer
from .registry import Call, Resolved, add, need, nullable_from, udf
from .session_protocol import SessionProtocol

_POWERS: list[int] = [10**i for i in range(80)]


def _number(call: Call, index: int = 0, *, keep_small: bool = False) -> SqlType:
    """A numeric argument: strings become float, bit too, tinyint and smallint int. Error 8116."""
    given = call.types[index]
    if given.is_null:
        return INT.with_nullable(True)
    if given.is_string or given.name == "bit":
        return FLOAT.with_nullable(given.nullable)
    if given.is_binary:
        return INT.with_nullable(given.nullable)
    if not given.is_number:
        raise sql_error(8116, given.display_name, index + 1, call.name.lower())
    if given.name in ("tinyint", "smallint") and not keep_small:
        return INT.with_nullable(given.nullable)
    if given.name == "real":
        return FLOAT.with_nullable(given.nullable)
    if given.name == "smallmoney":
        return MONEY.with_nullable(given.nullable)
    return given


# -- ABS, SIGN, CEILING, FLOOR


@scalar("ts_abs", 2)
def _abs(value: Any, name: str) -> Any:
    if value is None:
        return None
    if value.__class__ is str:
        return fit_decimal(abs(unscaled(value)), 0, 38, 0)
    result = abs(value)
    limit = INTEGER_RANGE.get(name)
    if limit is not None and result > limit[1]:
        raise sql_error(8115, "expression", name)
    return result


def _resolve_abs(call: Call) -> Resolved:
    need(call, 1)
    type_ = _number(call)
    return Resolved(type_, (type_,), lambda args, order_by="", over="": f"ts_abs({args[0]}, '{type_.name}')")


@scalar("ts_sign", 2)
def _sign(value: Any, one: int) -> Any:
    if value is None:
        return None
    if value.__class__ is str:
        u = unscaled(value)
        return fit_decimal(((u > 0) - (u < 0)) * one, 0, 38, 0)
    result = (value > 0) - (value < 0)
    return float(result) if value.__class__ is float else result * one


def _resolve_sign(call: Call) -> Resolved:
    need(call, 1)
    type_ = _number(call)
    one = _POWERS[type_.system_scale]
    return Resolved(type_, (type_,), lambda args, order_by="", over="": f"ts_sign({args[0]}, {one})")


def _edge(name: str, direction: int) -> Callable[[Call], Resolved]:
    """CEILING and FLOOR: a decimal keeps its precision and loses its scale, the other types stay."""

    def resolve(call: Call) -> Resolved:
        need(call, 1)
        type_ = _number(call)
        if type_.is_decimal:
            result = SqlType(type_.name, precision=type_.precision, scale=0, nullable=type_.nullable)
            return Resolved(
                result, (type_,), udf("ts_decimal_edge", str(direction), str(type_.scale), str(type_.precision))
            )
        if type_.is_money:
            return Resolved(type_, (type_,), udf("ts_money_edge", str(direction)))
        if type_.is_float:
            return Resolved(type_, (type_,), udf("ts_float_edge", str(direction)))
        return Resolved(type_, (type_,), lambda args, order_by="", over="": args[0])

    return resolve


def _whole(value: int, factor: int, direction: int) -> int:
    return -(-value // factor) if direction > 0 else value // factor


@scalar("ts_decimal_edge", 4)
def _decimal_edge(direction: int, scale: int, precision: int, value: Any) -> Any:
    return None if value is None else fit_decimal(_whole(unscaled(value), _POWERS[scale], direction), 0, precision, 0)


@scalar("ts_money_edge", 2)
def _money_edge(direction: int, value: int | None) -> int | None:
    return None if value is None else _whole(value, 10_000, direction) * 10_000


@scalar("ts_float_edge", 2)
def _float_edge(direction: int, value: float | None) -> float | None:
    return None if value is None else float(math.ceil(value) if direction > 0 else math.floor(value))


add("ABS", "abs-transact-sql", _resolve_abs)
add("SIGN", "sign-transact-sql", _resolve_sign)
add("CEILING", "ceiling-transact-sql", _edge("ceiling", 1))
add("FLOOR", "floor-transact-sql", _edge("floor", -1))


# -- ROUND


def _round_integer(value: int, places: int, truncate: int) -> int:
    """Round an integer to 10^-places (``places`` <= 0), or cut it."""
    if -places >= 60:
        return 0
    step: int = _POWERS[-places]
    if truncate:
        return (abs(value) // step * step) * (1 if value >= 0 else -1)
    return round_half_away(value, step) * step


@scalar("ts_round_integer", 4)
def _ts_round_integer(name: str, value: int | None, places: int | None, truncate: int | None) -> int | None:
    if value is None or places is None or truncate is None:
        return None
    if places >= 0:
        return value
    result = _round_integer(value, places, truncate)
    low, high = INTEGER_RANGE[name]
    if not low <= result <= high:
        raise sql_error(8115, "expression", name)
    return result


@scalar("ts_round_decimal", 5)
def _ts_round_decimal(precision: int, scale: int, value: Any, places: int | None, truncate: int | None) -> Any:
    if value is None or places is None or truncate is None:
        return None
    u = unscaled(value)
    if places >= scale:
        return value
    return fit_decimal(_round_integer(u, places - scale, truncate), 0, precision, 0)


@scalar("ts_round_money", 3)
def _ts_round_money(value: int | None, places: int | None, truncate: int | None) -> int | None:
    if value is None or places is None or truncate is None:
        return None
    return value if places >= 4 else _round_integer(value, places - 4, truncate)


@scalar("ts_round_float", 3)
def _ts_round_float(value: float | None, places: int | None, truncate: int | None) -> float | None:
    if value is None or places is None or truncate is None:
        return None
    if places > 15:
        return value
    if places < -300:
        return 0.0
    factor = 10.0 ** abs(places)
    scaled = value * factor if places >= 0 else value / factor
    if math.isinf(scaled):
        return value
    whole = math.trunc(scaled) if truncate else math.floor(abs(scaled) + 0.5) * (1 if scaled >= 0 else -1)
    return whole / factor if places >= 0 else whole * factor


def _resolve_round(call: Call) -> Resolved:
    need(call, 2, 3)
    type_ = _number(call)
    types: list[SqlType | None] = [type_, *(integer(call, i) for i in range(1, len(call.arguments)))]
    result = type_.with_nullable(nullable_from(call))
    if type_.is_decimal:
        name, constants = "ts_round_decimal", f"{type_.precision}, {type_.scale}, "
    elif type_.is_money:
        name, constants = "ts_round_money", ""
    elif type_.is_float:
        name, constants = "ts_round_float", ""
    else:
        name, constants = "ts_round_integer", f"'{type_.name}', "
    return Resolved(
        result,
        tuple(types),
        lambda args, order_by="", over="": (
            f"{name}({constants}{args[0]}, {args[1]}, {args[2] if len(args) > 2 else 0})"
        ),
    )


add("ROUND", "round-transact-sql", _resolve_round)


# -- POWER


@scalar("ts_power", 4)
def _power(base: Any, exponent: float | None, name: str, scale: int) -> Any:
    if base is None or exponent is None:
        return None
    number = base if name == "float" else unscaled(base) / _POWERS[scale]
    if number == 0 and exponent < 0:
        raise sql_error(8134)
    try:
        if name in ("int", "bigint") and exponent >= 0 and exponent == int(exponent):
            result: Any = int(number) ** int(exponent) if exponent < 4096 else math.inf
        elif number < 0 and exponent != int(exponent):
            raise SqlError(3623, "An invalid floating point operation occurred.")
        else:
            result = float(number) ** exponent
        if math.isinf(result):
            raise OverflowError
    except OverflowError:
        raise SqlError(
            232 if name != "numeric" else 8115,
            f"Arithmetic overflow error for type {name}, value = {math.inf}."
            if name != "numeric"
            else "Arithmetic overflow error converting float to data type numeric.",
        ) from None
    if name == "float":
        return float(result)
    if name == "numeric":
        top, bottom = float(result).as_integer_ratio()
        u = round_half_away(top * _POWERS[scale], bottom)
        if abs(u) >= _POWERS[38]:
            raise sql_error(8115, "float", "numeric")
        return fit_decimal(u, scale, 38, scale)
    if name == "money":
        top, bottom = float(result).as_integer_ratio()
        u = round_half_away(top * 10_000, bottom)
    else:
        u = int(result)
    low, high = INTEGER_RANGE[name]
    if not low <= u <= high:
        raise SqlError(232, f"Arithmetic overflow error for type {name}, value = {float(result):f}.")
    return u


def _resolve_power(call: Call) -> Resolved:
    need(call, 2)
    type_ = _number(call)
    name = type_.name
    result = type_
    if type_.is_decimal:
        name = "numeric"
        result = SqlType(type_.name, precision=38, scale=type_.scale)
    result = result.with_nullable(nullable_from(call))
    return Resolved(
        result,
        (type_, FLOAT),
        lambda args, order_by="", over="": f"ts_power({args[0]}, {args[1]}, '{name}', {type_.system_scale})",
    )


add("POWER", "power-transact-sql", _resolve_power)


# -- functions of float


def _float(name: str, function: Callable[..., float], count: int = 1, page: str | None = None) -> None:
    """A function of ``count`` floats; what leaves its domain is error 3623, what leaves float's range 232."""

    @scalar(f"ts_{name.lower()}", count)
    def call_it(*values: float | None) -> float | None:
        if None in values:
            return None
        try:
            result = function(*values)
        except ValueError:
            raise SqlError(3623, "An invalid floating point operation occurred.") from None
        except ZeroDivisionError:
            raise sql_error(8134) from None
        except OverflowError:
            raise sql_error(8115, "expression", "float") from None
        if math.isinf(result):
            raise sql_error(8115, "expression", "float")
        return result

    def resolve(call: Call) -> Resolved:
        need(call, count)
        for i in range(count):
            _number(call, i)
        return Resolved(FLOAT.with_nullable(nullable_from(call)), (FLOAT,) * count, udf(f"ts_{name.lower()}"))

    add(name, page or f"{name.lower()}-transact-sql", resolve)


_float("SQRT", math.sqrt)
_float("SQUARE", lambda x: x * x)
_float("EXP", math.exp)
_float("LOG10", math.log10)
_float("SIN", math.sin)
_float("COS", math.cos)
_float("TAN", math.tan)
_float("COT", lambda x: 1 / math.tan(x))
_float("ASIN", math.asin)
_float("ACOS", math.acos)
_float("ATAN", math.atan)


def _atn2(y: float, x: float) -> float:
    if y == x == 0:
        raise ValueError
    return math.atan2(y, x)


_float("ATN2", _atn2, 2)


@scalar("ts_log")
def _log(value: float | None, base: float | None = math.e) -> float | None:
    if value is None or base is None:
        return None
    try:
        return math.log(value) if base == math.e else math.log(value) / math.log(base)
    except (ValueError, ZeroDivisionError):
        raise SqlError(3623, "An invalid floating point operation occurred.") from None


def _resolve_log(call: Call) -> Resolved:
    need(call, 1, 2)
    return Resolved(FLOAT.with_nullable(nullable_from(call)), (FLOAT,) * len(call.arguments), udf("ts_log"))


add("LOG", "log-transact-sql", _resolve_log)


def _resolve_pi(call: Call) -> Resolved:
    need(call, 0)
    return Resolved(FLOAT.with_nullable(False), (), lambda args, order_by="", over="": repr(math.pi))


add("PI", "pi-transact-sql", _resolve_pi)


@scalar("ts_degrees", 2)
def _degrees(value: Any, scale: int) -> Any:
    return None if value is None else _scaled_turn(value, scale, 180 / math.pi)


@scalar("ts_radians", 2)
def _radians(value: Any, scale: int) -> Any:
    return None if value is None else _scaled_turn(value, scale, math.pi / 180)


def _scaled_turn(value: Any, scale: int, factor: float) -> Any:
    if scale == -1:
        return value * factor
    turned, limit = math.trunc(value * factor), -scale
    if not -limit <= turned < limit:
        raise sql_error(8115, "expression", "int" if limit == 2**31 else "bigint")
    return turned


def _resolve_turn(call: Call) -> Resolved:
    need(call, 1)
    type_ = _number(call)
    if type_.is_money or type_.is_decimal:
        # The scale of the result depends on how the argument came to be; a float says what is meant.
        raise Unsupported(f"{call.name.upper()} of {type_.display_name}: CAST it to float")
    scale = -1 if type_.is_float else -(2**63) if type_.name == "bigint" else -(2**31)
    return Resolved(type_, (type_,), lambda args, order_by="", over="": f"ts_{call.name.lower()}({args[0]}, {scale})")


add("DEGREES", "degrees-transact-sql", _resolve_turn)
add("RADIANS", "radians-transact-sql", _resolve_turn)


# -- RAND


@scalar("ts_rand", 0)
def _rand() -> float:
    return random.random()


def _resolve_rand(call: Call) -> Resolved:
    need(call, 0, 1)
    if call.arguments:
        raise Unsupported("RAND with a seed")
    # One value for a whole statement, as in SQL Server: the text is constant, so SQLite evaluates it once.
    return Resolved(FLOAT.with_nullable(False), (), udf("ts_rand"))


add("RAND", "rand-transact-sql", _resolve_rand, deterministic=False)


# -- ISNUMERIC


@scalar("ts_isnumeric", 1)
def _isnumeric(value: str | None) -> int:
    from .. import numbers

    if value is None:
        return 0
    text = value.strip(" \t\r\n")
    if not text:
        return 0
    if text in ("+", "-", ".", "$"):
        return 1
    # Blanks may stand between a sign, or the sign of a currency, and the digits.
    text = re.sub(r"(?<=[-+$])\s+(?=[-+.\d])", "", text)
    for parse in (
        lambda: numbers.parse_float(text, "float", "varchar"),
        lambda: numbers.parse_money(text, "money"),
    ):
        try:
            parse()
            return 1
        except SqlError:
            continue
    return 0


def _resolve_isnumeric(call: Call) -> Resolved:
    need(call, 1)
    given = call.types[0]
    result = INT.with_nullable(False)
    if given.is_number:
        return Resolved(result, (None,), lambda args, order_by="", over="": f"({args[0]} IS NOT NULL)")
    if given.is_temporal or given.is_binary or given.name == "uniqueidentifier":
        return Resolved(result, (None,), lambda args, order_by="", over="": f"({args[0]} IS NULL AND 0)")
    return Resolved(result, (given if given.is_string else varchar(8000),), udf("ts_isnumeric"))


add("ISNUMERIC", "isnumeric-transact-sql", _resolve_isnumeric)

__all__ = ["BIGINT", "SessionProtocol", "constant"]
