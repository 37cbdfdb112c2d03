"""PIVOT and UNPIVOT, as grouping and as a join with the columns' names."""

from __future__ import annotations

from collections.abc import Callable

from .. import functions, tree
from ..errors import Unsupported, sql_error
from ..functions import Argument, Call
from ..types import INT, nvarchar
from . import typed
from .expressions import case, compare, convert, integer, literal
from .queries import Bound, BoundColumn, derived_range
from .scope import Context, Range, Scope


def _source(context: Context, node: tree.TableSource, scope: Scope) -> tuple[typed.From, Scope]:
    from .sources import bind_source

    source, ranges = bind_source(context, node, scope)
    return source, Scope(context, scope.parent, ranges)


def bind_pivot(context: Context, node: tree.Pivot, scope: Scope) -> Range:
    """The columns that are neither aggregated nor spread are grouped by."""
    source, inner = _source(context, node.source, scope)
    if len(node.arguments) != 1:
        raise Unsupported("PIVOT of an aggregate of several columns", node.line)
    spread = inner.column(node.column.name.parts)
    value = inner.column(node.arguments[0].name.parts)
    name = node.aggregate.name.upper()
    if name == "COUNT" and isinstance(node.arguments[0], tree.Star):
        raise Unsupported("PIVOT of COUNT(*)", node.line)
    outputs: list[typed.Expr] = []
    columns: list[BoundColumn] = []
    for range_ in inner.ranges:
        for column in range_.columns:
            if column.expr is spread or column.expr is value:
                continue
            outputs.append(column.expr)
            columns.append(BoundColumn(column.name, column.expr.type))
    groups = list(outputs)
    function = functions.lookup(name)
    for text in node.values:
        heading = convert(literal(text, nvarchar(max(1, len(text)), nullable=False)), spread.type)
        picked = case([(compare("=", spread, heading), value)], None)
        resolved = function.resolve(Call(name, (Argument(picked.type),)))
        operand = picked if resolved.arguments[0] is None else convert(picked, resolved.arguments[0])
        outputs.append(typed.Aggregate(resolved.type, name, [operand], resolved.emit))
        columns.append(BoundColumn(text, resolved.type))
    select = typed.Select(outputs, [f"c{i + 1}" for i in range(len(outputs))], source, group_by=groups)
    return derived_range(context, Bound(select, columns, grouped=True), node.alias, check=True)


def bind_unpivot(context: Context, node: tree.Unpivot, scope: Scope) -> Range:
    """Each row once for each of the columns that is not NULL. Error 8167 when their types differ."""
    source, inner = _source(context, node.source, scope)
    spread = [inner.column(c.name.parts) for c in node.columns]
    if any(not e.type.same_as(spread[0].type) for e in spread):
        raise sql_error(8167, node.columns[-1].name.name)
    rows = typed.Values([[integer(i)] for i in range(len(spread))], [INT], ["c1"])
    numbers = typed.QueryRows(context.alias(), rows)
    number = typed.ColumnValue(INT.with_nullable(False), numbers, "c1", "")

    def pick(of: Callable[[int], typed.Expr]) -> typed.Expr:
        whens = [(compare("=", number, integer(i)), of(i)) for i in range(len(spread))]
        return case(whens[:-1], whens[-1][1]) if len(whens) > 1 else whens[0][1]

    value = pick(lambda i: spread[i])
    name_type = nvarchar(128, nullable=False)
    heading = pick(lambda i: typed.Literal(name_type, node.columns[i].name.name))
    outputs: list[typed.Expr] = []
    columns: list[BoundColumn] = []
    for range_ in inner.ranges:
        for column in range_.columns:
            if not any(column.expr is e for e in spread):
                outputs.append(column.expr)
                columns.append(BoundColumn(column.name, column.expr.type))
    outputs += [value, heading]
    columns += [BoundColumn(node.value_column, value.type), BoundColumn(node.name_column, name_type)]
    joined = typed.Join("INNER", source, numbers)
    select = typed.Select(
        outputs, [f"c{i + 1}" for i in range(len(outputs))], joined, typed.IsNull(value, negated=True)
    )
    return derived_range(context, Bound(select, columns), node.alias, check=True)
