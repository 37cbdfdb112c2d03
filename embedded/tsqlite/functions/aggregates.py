"""Aggregate and window functions. https://learn.microsoft.com/sql/t-sql/functions/aggregate-functions-transact-sql

SQLite's own where they do the same; sums and averages of decimals, whose precision it has not, by classes here.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from .. import collation
from ..chart import check_implicit
from ..errors import SqlError, Unsupported, sql_error
from ..runtime import aggregate, scalar
from ..types import BIGINT, FLOAT, INT, MONEY, SqlType, nvarchar, varchar
from ..values import BIAS, store_decimal, unscaled
from .arguments import integer, length_of, text
from .registry import Call, Emit, Resolved, add, need
from .strings import units

_POWERS: list[int] = [10**i for i in range(80)]


def _call_text(function: str, call: Call, wrap: str = "{}", collate: SqlType | None = None) -> Emit:
    """``wrap`` around ``function([DISTINCT] x) over``; ``collate``: the type whose collation decides equality."""
    distinct = "DISTINCT " if call.distinct else ""

    def emit(args: Sequence[str], order_by: str = "", over: str = "") -> str:
        argument = collation.ordered(args[0], collate) if collate is not None else args[0]
        if collate is not None and collate.name == "varbinary":
            argument = f"ts_trim_zeros({args[0]})"  # values that differ in trailing zero bytes alone are equal
        made = f"{function}({distinct}{argument})"
        return wrap.format(f"{made} {over}" if over else made)

    return emit


def _check_over(call: Call) -> None:
    if call.distinct and call.over:
        raise SqlError(10759, "Use of DISTINCT is not allowed with the OVER clause.")


def _operand(call: Call, word: str) -> SqlType:
    """A number to be summed. Error 8117."""
    need(call, 1)
    _check_over(call)
    given = call.types[0]
    if given.is_null:
        raise sql_error(8117, "NULL", word)
    if not given.is_number or given.name == "bit":
        raise sql_error(8117, given.display_name, word)
    return given


# -- COUNT


def _resolve_count(call: Call) -> Resolved:
    need(call, 1)
    _check_over(call)
    result = (BIGINT if call.name.upper() == "COUNT_BIG" else INT).with_nullable(False)
    argument = call.arguments[0]
    if argument.star:
        return Resolved(result, (None,), lambda args, order_by="", over="": f"count(*) {over}".rstrip())
    if argument.type.is_null:
        raise sql_error(8117, "NULL", "count")
    return Resolved(result, (None,), _call_text("count", call, collate=argument.type if call.distinct else None))


# -- SUM, AVG


@aggregate("ts_sum_integer")
class _SumInteger:
    """Sum of integers of any size."""

    def __init__(self) -> None:
        self.total = 0
        self.count = 0

    def step(self, value: Any) -> None:
        if value is not None:
            self.total += unscaled(value)
            self.count += 1

    def inverse(self, value: Any) -> None:
        if value is not None:
            self.total -= unscaled(value)
            self.count -= 1

    def value(self) -> Any:
        if not self.count:
            return None
        # Out of SQLite's integers: as a float it fails the range check.
        return self.total if -(2**63) <= self.total < 2**63 else float(self.total)

    final: Callable[..., Any] = value


@aggregate("ts_sum_decimal")
class _SumDecimal(_SumInteger):
    """Sum of decimals as decimal(38, s)."""

    def value(self) -> Any:
        if not self.count:
            return None
        if abs(self.total) >= BIAS:
            raise sql_error(8115, "expression", "numeric")
        return store_decimal(self.total, 38)

    final = value


@aggregate("ts_average_integer")
class _AverageInteger(_SumInteger):
    """Average of integers or of money, what is left over cut."""

    def value(self) -> Any:
        if not self.count:
            return None
        whole = abs(self.total) // self.count
        return whole if self.total >= 0 else -whole

    final = value


@aggregate("ts_average_int")
class _AverageInt(_AverageInteger):
    """Average of int and smaller, whose sum has to be an int."""

    def value(self) -> Any:
        if not -(2**31) <= self.total < 2**31:
            raise sql_error(8115, "expression", "int")
        return _AverageInteger.value(self)

    final = value


@aggregate("ts_average_bigint")
class _AverageBigint(_AverageInteger):
    """Average of bigint, whose sum has to be a bigint."""

    def value(self) -> Any:
        if not -(2**63) <= self.total < 2**63:
            raise sql_error(8115, "expression", "bigint")
        return _AverageInteger.value(self)

    final = value


@aggregate("ts_average_parts")
class _AverageParts(_SumInteger):
    """Sum and count as ``sum/count``, for ``ts_average_decimal``."""

    def value(self) -> Any:
        return f"{self.total}/{self.count}" if self.count else None

    final = value


@scalar("ts_average_decimal", 2)
def _average_decimal(parts: str | None, shift: int) -> Any:
    if parts is None:
        return None
    total, count = map(int, parts.split("/"))
    if abs(total) >= BIAS:
        raise sql_error(8115, "expression", "numeric")
    whole = abs(total) * _POWERS[shift] // count
    if whole >= BIAS:
        raise sql_error(8115, "expression", "numeric")
    return store_decimal(whole if total >= 0 else -whole, 38)


def _resolve_sum(call: Call) -> Resolved:
    type_ = _operand(call, "sum")
    if type_.name == "bigint":
        return Resolved(BIGINT, (None,), _call_text("ts_sum_integer", call, "ts_i8({})"))
    if type_.is_integer:
        return Resolved(INT, (None,), _call_text("sum", call, "ts_i4({})"))
    if type_.is_money:
        return Resolved(MONEY, (None,), _call_text("ts_sum_integer", call, "ts_money({})"))
    if type_.is_float:
        return Resolved(FLOAT, (None,), _call_text("sum", call, "ts_f8({})"))
    result = SqlType(type_.name, precision=38, scale=type_.scale)
    return Resolved(result, (None,), _call_text("ts_sum_decimal", call))


def _resolve_avg(call: Call) -> Resolved:
    type_ = _operand(call, "avg")
    if type_.is_integer:
        if type_.name == "bigint":
            return Resolved(BIGINT, (None,), _call_text("ts_average_bigint", call))
        # The sum itself has to fit, as SQL Server's does.
        return Resolved(INT, (None,), _call_text("ts_average_int", call))
    if type_.is_money:
        return Resolved(MONEY, (None,), _call_text("ts_average_integer", call))
    if type_.is_float:
        return Resolved(FLOAT, (None,), _call_text("avg", call, "ts_f8({})"))
    scale = max(type_.scale or 0, 6)
    shift = scale - (type_.scale or 0)
    result = SqlType(type_.name, precision=38, scale=scale)
    return Resolved(result, (None,), _call_text("ts_average_parts", call, f"ts_average_decimal({{}}, {shift})"))


# -- MIN, MAX


def _resolve_extreme(call: Call) -> Resolved:
    need(call, 1)
    _check_over(call)
    name = call.name.lower()
    type_ = call.types[0]
    if type_.name == "bit" or type_.is_null:
        raise sql_error(8117, "NULL" if type_.is_null else "bit", name)
    collation.require(type_)
    return Resolved(type_.with_nullable(True), (None,), _call_text(name, call, collate=type_))


# -- STDEV and its kin


class _Spread:
    """Two passes over the values kept: no loss of digits, and a window's moving start costs nothing to be exact."""

    population = False
    root = False

    def __init__(self) -> None:
        self.values: deque[float] = deque()

    def step(self, value: float | None) -> None:
        if value is not None:
            self.values.append(value)

    def inverse(self, value: float | None) -> None:
        if value is not None:
            self.values.popleft()

    def value(self) -> float | None:
        count = len(self.values)
        if count == 0 or (count == 1 and not self.population):
            return None
        mean = math.fsum(self.values) / count
        squares = math.fsum((v - mean) ** 2 for v in self.values)
        variance = squares / (count if self.population else count - 1)
        return math.sqrt(variance) if self.root else variance

    final: Callable[..., Any] = value


aggregate("ts_var")(type("_Var", (_Spread,), {}))
aggregate("ts_varp")(type("_VarP", (_Spread,), {"population": True}))
aggregate("ts_stdev")(type("_StDev", (_Spread,), {"root": True}))
aggregate("ts_stdevp")(type("_StDevP", (_Spread,), {"population": True, "root": True}))


def _resolve_spread(call: Call) -> Resolved:
    _operand(call, call.name.lower())
    return Resolved(FLOAT, (FLOAT,), _call_text(f"ts_{call.name.lower()}", call))


# -- STRING_AGG


@aggregate("ts_string_agg", 2)
class _StringAgg:
    """Skips NULLs; each separator stands before its own row's value."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def step(self, value: str | None, separator: str | None) -> None:
        if value is not None:
            if self.parts and separator:
                self.parts.append(separator)
            self.parts.append(value)

    def inverse(self, value: str | None, separator: str | None) -> None:
        raise Unsupported("STRING_AGG with OVER")

    def value(self) -> str | None:
        return "".join(self.parts) if self.parts else None

    final = value


@scalar("ts_string_agg_limit", 2)
def _string_agg_limit(value: str | None, limit: int) -> str | None:
    if value is not None and (len(value) if limit == 8000 else units(value)) > limit:
        raise SqlError(
            9829,
            "STRING_AGG aggregation result exceeded the limit of 8000 bytes. Use LOB types to avoid result truncation.",
        )
    return value


def _resolve_string_agg(call: Call) -> Resolved:
    need(call, 2)
    if call.distinct:
        raise sql_error(102, "DISTINCT")
    if call.over:
        raise sql_error(4113, "STRING_AGG")
    type_ = call.types[0]
    value_type = text(call, 0) if type_.is_string else nvarchar(4000)
    if not type_.is_string:
        check_implicit(type_, value_type)
    separator = text(call, 1)
    unicode = value_type.is_unicode
    unlimited = length_of(value_type) == -1
    limit = 4000 if unicode else 8000
    result = (nvarchar if unicode else varchar)(-1 if unlimited else limit)
    result = result.with_collation(value_type.collation, value_type.collation_label)

    def emit(args: Sequence[str], order_by: str = "", over: str = "") -> str:
        order = f" ORDER BY {order_by}" if order_by else ""
        made = f"ts_string_agg({args[0]}, {args[1]}{order})"
        return made if unlimited else f"ts_string_agg_limit({made}, {limit})"

    return Resolved(result, (value_type, separator), emit)


for _name, _resolve in (
    ("COUNT", _resolve_count), ("COUNT_BIG", _resolve_count), ("SUM", _resolve_sum), ("AVG", _resolve_avg),
    ("MIN", _resolve_extreme), ("MAX", _resolve_extreme), ("STDEV", _resolve_spread), ("STDEVP", _resolve_spread),
    ("VAR", _resolve_spread), ("VARP", _resolve_spread), ("STRING_AGG", _resolve_string_agg),
):  # fmt: skip
    add(_name, f"{_name.lower().replace('_', '-')}-transact-sql", _resolve, kind="aggregate")


# -- window functions


def _check_window(call: Call) -> None:
    name = call.name.upper()
    if not call.over:
        raise sql_error(10753, name)
    if not call.ordered:
        raise SqlError(4112, f"The function '{name}' must have an OVER clause with ORDER BY.", 15)


def _ranking(name: str, type_: SqlType) -> Callable[[Call], Resolved]:
    def resolve(call: Call) -> Resolved:
        need(call, 0)
        _check_window(call)
        if call.framed:
            raise SqlError(10752, f"The function '{name}' may not have a window frame.", 15)
        return Resolved(type_.with_nullable(True), (), lambda args, order_by="", over="": f"{name.lower()}() {over}")

    return resolve


@scalar("ts_ntile_count", 1)
def _ntile_count(value: int | None) -> int | None:
    if value is None or value <= 0:
        raise SqlError(4116, "The function 'ntile' takes only a positive int or bigint expression as its input.")
    return value


def _resolve_ntile(call: Call) -> Resolved:
    need(call, 1)
    _check_window(call)
    return Resolved(
        BIGINT,
        (integer(call, 0, BIGINT),),
        lambda args, order_by="", over="": f"ntile(ts_ntile_count({args[0]})) {over}",
    )


@scalar("ts_lag_offset", 1)
def _lag_offset(value: int | None) -> int | None:
    if value is not None and value < 0:
        raise SqlError(8730, "Offset parameter for Lag and Lead functions cannot be a negative value.")
    return value


def _resolve_lag(call: Call) -> Resolved:
    need(call, 1, 3)
    _check_window(call)
    type_ = INT if call.types[0].is_null else call.types[0]
    types: list[SqlType | None] = [type_]
    if len(call.arguments) > 1:
        types.append(integer(call, 1, BIGINT))
    if len(call.arguments) > 2:
        check_implicit(call.types[2], type_)
        types.append(type_)

    def emit(args: Sequence[str], order_by: str = "", over: str = "") -> str:
        shown = [args[0]]
        if len(args) > 1:
            shown.append(args[1] if args[1].isdigit() else f"ts_lag_offset({args[1]})")
        return f"{call.name.lower()}({', '.join([*shown, *args[2:]])}) {over}"

    return Resolved(type_.with_nullable(True), tuple(types), emit)


def _resolve_edge_value(call: Call) -> Resolved:
    need(call, 1)
    _check_window(call)
    type_ = INT if call.types[0].is_null else call.types[0]
    return Resolved(
        type_.with_nullable(True), (type_,), lambda args, order_by="", over="": f"{call.name.lower()}({args[0]}) {over}"
    )


for _name, _result in (
    ("ROW_NUMBER", BIGINT), ("RANK", BIGINT), ("DENSE_RANK", BIGINT), ("PERCENT_RANK", FLOAT), ("CUME_DIST", FLOAT)
):  # fmt: skip
    add(_name, f"{_name.lower().replace('_', '-')}-transact-sql", _ranking(_name, _result), kind="window")
add("NTILE", "ntile-transact-sql", _resolve_ntile, kind="window")
for _name in ("LAG", "LEAD"):
    add(_name, f"{_name.lower()}-transact-sql", _resolve_lag, kind="window")
for _name in ("FIRST_VALUE", "LAST_VALUE"):
    add(_name, f"{_name.lower().replace('_', '-')}-transact-sql", _resolve_edge_value, kind="window")
