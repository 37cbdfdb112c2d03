"""FROM: tables, views, derived tables, joins, APPLY, table-valued functions, PIVOT."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import functions, tree
from ..errors import Unsupported, sql_error
from ..functions import Argument, Call
from ..types import INT, SqlType, common_type_of
from . import typed
from .expressions import bind, bind_predicate, case, compare, constant, convert, integer, null, retype
from .queries import (
    Bound,
    BoundColumn,
    bind_query,
    bind_statement,
    column_names,
    derived_range,
    module_body,
)
from .scope import Context, Range, Scope, ScopeColumn

LOCKING = frozenset({"UPDLOCK", "XLOCK", "HOLDLOCK", "SERIALIZABLE", "REPEATABLEREAD", "TABLOCKX"})

JOINED = 64
"""SQLite's limit. Told here, before all the names of a longer FROM have been looked up."""


def bind_from(context: Context, nodes: Sequence[tree.TableSource], scope: Scope) -> tuple[typed.From, list[Range]]:
    """The FROM clause. Errors: 208, 1011, 1013 and those of what stands in it."""
    result: typed.From | None = None
    ranges: list[Range] = []
    for node in nodes:
        # After a comma nothing sees its left, but APPLY and functions do.
        source, more = bind_source(context, node, scope, ranges)
        result = source if result is None else _chain(result, source)
        ranges = ranges + more
    assert result is not None
    check_names(ranges)
    return result, ranges


def _chain(left: typed.From, right: typed.From) -> typed.From:
    """``left, right``: without parentheses where the result is the same, since SQLite plans those better."""
    if isinstance(right, typed.Join) and right.kind in ("INNER", "CROSS", "LEFT"):
        return typed.Join(right.kind, _chain(left, right.left), right.right, right.on)
    return typed.Join("INNER", left, right)


def check_names(ranges: Sequence[Range]) -> None:
    """No two sources of one name. Errors: 1011, 1012, 1013; ``Unsupported`` for more than SQLite joins."""
    if len(ranges) > JOINED:
        raise Unsupported(f"A FROM of more than {JOINED} tables")
    seen: dict[str, Range] = {}
    for range_ in ranges:
        key = (range_.name if range_.aliased else ".".join(range_.parts)).lower()
        if not key:
            continue
        if key in seen:
            if range_.aliased and seen[key].aliased:
                raise sql_error(1011, range_.name)
            raise sql_error(1013, ".".join(seen[key].parts), ".".join(range_.parts))
        seen[key] = range_


def bind_source(
    context: Context, node: tree.TableSource, scope: Scope, left: Sequence[Range] = ()
) -> tuple[typed.From, list[Range]]:
    """One element of FROM; ``left``: the sources before it."""
    match node:
        case tree.NamedTable():
            return _single(_named(context, node))
        case tree.TableVariable():
            return _single(_variable(context, node))
        case tree.DerivedTable():
            bound = bind_query(context, node.query, scope.parent, "derived")
            return _single(derived_range(context, bound, node.alias, node.columns, check=True))
        case tree.ValuesTable():
            inner = Scope(context, scope.parent, clause="values")
            return _single(derived_range(context, bind_values(inner, node.rows), node.alias, node.columns, check=True))
        case tree.Join():
            return _join(context, node, scope, left)
        case tree.Apply():
            return _apply(context, node, scope, left)
        case tree.OpenJson() | tree.TableFunction():
            lateral = Scope(context, scope.parent, list(left), "on")
            made = _function(context, node, lateral)
            if isinstance(made, Bound):
                return _single(derived_range(context, made, node.alias or _function_name(node), check=True))
            return _single(made)
        case tree.Pivot():
            from .pivot import bind_pivot

            return _single(bind_pivot(context, node, scope))
        case tree.Unpivot():
            from .pivot import bind_unpivot

            return _single(bind_unpivot(context, node, scope))
    raise Unsupported(type(node).__name__, node.line)


def _function_name(node: tree.OpenJson | tree.TableFunction) -> str:
    return node.name.name if isinstance(node, tree.TableFunction) else "OPENJSON"


def _single(range_: Range) -> tuple[typed.From, list[Range]]:
    assert range_.source is not None
    return range_.source, [range_]


# --- tables ---------------------------------------------------------------------------------------------------------


def table_range(context: Context, table: Any, alias: str | None, parts: tuple[str, ...]) -> Range:
    """A stored table as a source."""
    source = typed.TableRows(context.alias(), table.sqlite_schema, table.sqlite_name)
    context.tables[table.sqlite_name] = None
    if context.environment.serializable:
        context.locking = True
    range_ = Range(alias or parts[-1], (alias,) if alias else parts, [], source, table=table, aliased=alias is not None)
    computed = False
    for column in table.columns:
        expr = typed.ColumnValue(column.type, source, column.name, column.name)
        range_.columns.append(ScopeColumn(column.name, expr, column, range_))
        computed = computed or column.computed is not None
    if computed:
        stored = Range("", (), [c for c in range_.columns if c.base.computed is None], source)
        inner = Scope(context, None, [stored], "computed")
        for shown in range_.columns:
            if shown.base.computed is not None:
                value = convert(bind(inner, shown.base.computed), shown.base.type)
                shown.expr = retype(value, shown.base.type)
    return range_


def hints(context: Context, nodes: Sequence[tree.TableHint]) -> None:
    """WITH (...): those that take locks are obeyed, the others say how to run."""
    if any(h.name in LOCKING for h in nodes):
        context.locking = True


def _named(context: Context, node: tree.NamedTable) -> Range:
    hints(context, node.hints)
    parts = node.name.parts
    if len(parts) == 1:
        entry = context.ctes.get(parts[0].lower())
        if entry is not None:
            return _cte(context, entry, node.alias)
        pseudo = context.pseudo.get(parts[0].lower())
        if pseudo is not None:
            return table_range(context, pseudo, node.alias, parts)
    found = context.environment.find_table(parts)
    if found is None:
        raise sql_error(208, str(node.name))
    if hasattr(found, "query"):
        return view_range(context, found, node.alias, parts)
    return table_range(context, found, node.alias, parts)


def _cte(context: Context, entry: Any, alias: str | None) -> Range:
    source = typed.CteRows(context.alias(), entry.sqlite_name)
    range_ = Range(
        alias or entry.name, (alias or entry.name,), [], source, bound=entry.bound, aliased=alias is not None
    )
    origins = [c.origin for c in entry.bound.columns] if entry.bound is not None else [None] * len(entry.names)
    for name, type_, column, origin in zip(entry.names, entry.types, entry.columns, origins, strict=False):
        type_ = INT if type_.is_null else type_
        if type_.is_string and type_.collation_label == "explicit":
            type_ = type_.with_collation(type_.collation, "implicit")
        expr = typed.ColumnValue(type_, source, column, name)
        range_.columns.append(ScopeColumn(name, expr, origin.base if origin else None, range_, origin))
    return range_


def view_range(context: Context, view: Any, alias: str | None, parts: tuple[str, ...]) -> Range:
    """A view as a source: its query in place."""
    with module_body(context, {}, view.schema):
        bound = bind_statement(context, view.query, None, "derived")
    range_ = derived_range(context, bound, alias or view.name, view.column_names, check=True)
    range_.parts = (alias,) if alias else parts
    range_.aliased = alias is not None
    return range_


def _variable(context: Context, node: tree.TableVariable) -> Range:
    table = context.environment.find_table((node.name,))
    if table is None:
        raise sql_error(1087, node.name)
    return table_range(context, table, node.alias, (node.name,))


def bind_values(scope: Scope, rows: Sequence[Sequence[tree.Expr]]) -> Bound:
    """A table value constructor: each column of the common type of its rows. Errors: 10709, 206."""
    width = len(rows[0])
    bound_rows: list[list[typed.Expr]] = []
    for row in rows:
        if len(row) != width:
            raise sql_error(10709)
        bound_rows.append([bind(scope, e) for e in row])
    types = [common_type_of([r[i].type for r in bound_rows]) for i in range(width)]
    types = [t.with_nullable(any(r[i].type.nullable for r in bound_rows)) for i, t in enumerate(types)]
    converted = [[convert(e, t) for e, t in zip(row, types, strict=True)] for row in bound_rows]
    names = [f"c{i + 1}" for i in range(width)]
    if len(rows) == 1:
        select = typed.Select(converted[0], names)
        return Bound(select, [BoundColumn(None, t) for t in types], select, scope)
    return Bound(typed.Values(converted, types, names), [BoundColumn(None, t) for t in types])


# --- joins ----------------------------------------------------------------------------------------------------------


def _join(context: Context, node: tree.Join, scope: Scope, before: Sequence[Range]) -> tuple[typed.From, list[Range]]:
    left, left_ranges = bind_source(context, node.left, scope, before)
    right, right_ranges = bind_source(context, node.right, scope, [*before, *left_ranges])
    ranges = [*left_ranges, *right_ranges]
    check_names(ranges)
    on = None
    if node.on is not None:
        on = bind_predicate(scope.inner(ranges, "on"), node.on)
    if node.kind in ("LEFT", "FULL"):
        make_nullable(right_ranges)
    if node.kind in ("RIGHT", "FULL"):
        make_nullable(left_ranges)
    return typed.Join(node.kind, left, right, on), ranges


def make_nullable(ranges: Sequence[Range]) -> None:
    """Outside of an outer join, the columns of its inner side may be NULL."""
    for range_ in ranges:
        for column in range_.columns:
            expr = column.expr
            type_ = expr.type.with_nullable(True)
            if isinstance(expr, typed.ColumnValue):
                column.expr = typed.ColumnValue(type_, expr.source, expr.column, expr.name)
            elif range_.strict:
                column.expr = retype(expr, type_)
            elif isinstance(range_.source, typed.TableRows):
                there = typed.IsNull(typed.ColumnValue(INT, range_.source, "_rowid", "_rowid"), negated=True)
                column.expr = typed.Case(type_, [(there, expr)], None)
            else:
                raise Unsupported("An outer join over APPLY of computed columns")


def _apply(context: Context, node: tree.Apply, scope: Scope, before: Sequence[Range]) -> tuple[typed.From, list[Range]]:
    left, left_ranges = bind_source(context, node.left, scope, before)
    visible = [*before, *left_ranges]
    lateral = Scope(context, scope.parent, visible, "on")
    outer = node.kind == "OUTER"
    kind = "LEFT" if outer else "INNER"
    right = node.right
    name, columns = _alias(right)
    bound: Bound | Range
    match right:
        case tree.DerivedTable():
            bound = bind_query(context, right.query, lateral, "derived")
        case tree.ValuesTable():
            bound = bind_values(Scope(context, lateral, clause="values"), right.rows)
        case tree.OpenJson() | tree.TableFunction():
            bound = _function(context, right, lateral)
        case _:
            inner, inner_ranges = bind_source(context, right, lateral)
            check_names([*left_ranges, *inner_ranges])
            if outer:
                make_nullable(inner_ranges)
            return typed.Join(kind, left, inner), [*left_ranges, *inner_ranges]
    if isinstance(bound, Range):
        check_names([*left_ranges, bound])
        if outer:
            make_nullable([bound])
        assert bound.source is not None
        return typed.Join(kind, left, bound.source), [*left_ranges, bound]
    joined, range_ = lateral_join(context, left, visible, bound, name, columns, outer)
    check_names([*left_ranges, range_])
    return joined, [*left_ranges, range_]


def _alias(node: tree.TableSource) -> tuple[str, tuple[str, ...]]:
    alias = getattr(node, "alias", None) or (_function_name(node) if isinstance(node, tree.TableFunction) else "")
    return alias, getattr(node, "columns", None) or () if not isinstance(node, tree.OpenJson) else ()


def correlated(node: typed.Typed | None, ranges: Sequence[Range]) -> bool:
    """Whether a tree reads any of the sources."""
    if node is None:
        return False
    sources = {
        n.source.alias
        for r in ranges
        for c in r.columns
        for n in typed.walk(c.expr)
        if isinstance(n, typed.ColumnValue)
    }
    return any(isinstance(n, typed.ColumnValue) and n.source.alias in sources for n in typed.walk(node))


def lateral_join(
    context: Context,
    left: typed.From,
    visible: Sequence[Range],
    bound: Bound,
    name: str,
    columns: Sequence[str],
    outer: bool,
) -> tuple[typed.From, Range]:
    """``left CROSS | OUTER APPLY query``.

    SQLite's joins do not look to their left, so the query is taken apart, or packed as JSON row by row.
    """
    kind = "LEFT" if outer else "INNER"
    if not correlated(bound.query, visible):
        range_ = derived_range(context, bound, name, columns, check=True)
        if outer:
            make_nullable([range_])
        assert range_.source is not None
        return typed.Join(kind, left, range_.source), range_
    given = column_names(bound, name, columns, check=True)
    if isinstance(bound.query, typed.Values):
        return _apply_values(context, left, bound.query, name, given)
    select = bound.select
    if select is not None and bound.query is select and _plain(select, bound):
        if select.source is None and select.where is None:
            return left, _substituted(name, given, select.outputs)
        if select.source is not None and not outer and not correlated(select.source, visible):
            return typed.Join("INNER", left, select.source, select.where), _substituted(name, given, select.outputs)
        single = isinstance(select.source, typed.Source) and not correlated(select.source, visible)
        if (
            single
            and outer
            and all(isinstance(o, typed.ColumnValue) and o.source is select.source for o in select.outputs)
        ):
            range_ = _substituted(name, given, select.outputs)
            make_nullable([range_])
            assert select.source is not None
            return typed.Join("LEFT", left, select.source, select.where), range_
    source = typed.PackedRows(context.alias("j"), bound.query)
    range_ = Range(name, (name,), [], source, aliased=True)
    from ..emit import names as names_of

    for shown, column, sqlite_name in zip(given, bound.columns, names_of(bound.query), strict=False):
        type_ = INT if column.type.is_null else column.type
        expr = typed.ColumnValue(type_.with_nullable(type_.nullable or outer), source, sqlite_name, shown)
        range_.columns.append(ScopeColumn(shown, expr, None, range_))
    return typed.Join(kind, left, source), range_


def _plain(select: typed.Select, bound: Bound) -> bool:
    return not (
        select.distinct
        or select.limit is not None
        or select.order_by
        or bound.grouped
        or any(isinstance(n, typed.Aggregate) for o in select.outputs for n in typed.walk(o))
    )


def _substituted(name: str, given: Sequence[str], exprs: Sequence[typed.Expr]) -> Range:
    range_ = Range(name, (name,), [], None, aliased=True)
    for shown, expr in zip(given, exprs, strict=False):
        type_ = expr.type
        if type_.is_null:
            expr = null(INT)
        elif type_.is_string and type_.collation_label in ("explicit", "coercible-default"):
            expr = retype(expr, type_.with_collation(type_.collation, "implicit"))
        range_.columns.append(ScopeColumn(shown, expr, None, range_))
    return range_


def _apply_values(
    context: Context, left: typed.From, values: typed.Values, name: str, given: Sequence[str]
) -> tuple[typed.From, Range]:
    """Rows of expressions over the left: a join with their numbers, and CASE."""
    numbers = typed.Values([[integer(i)] for i in range(len(values.rows))], [INT], ["c1"])
    source = typed.QueryRows(context.alias(), numbers)
    number = typed.ColumnValue(INT.with_nullable(False), source, "c1", "")
    exprs: list[typed.Expr] = []
    for position, type_ in enumerate(values.outputs):
        if type_.is_null:
            exprs.append(null(INT))
            continue
        whens = [(compare("=", number, integer(i)), row[position]) for i, row in enumerate(values.rows)]
        picked = case(whens[:-1], whens[-1][1]) if len(whens) > 1 else whens[0][1]
        exprs.append(convert(picked, type_))
    return typed.Join("INNER", left, source), _substituted(name, given, exprs)


# --- table-valued functions ------------------------------------------------------------------------------------------


def _function(context: Context, node: tree.OpenJson | tree.TableFunction, lateral: Scope) -> Bound | Range:
    if isinstance(node, tree.OpenJson):
        from .json import open_json

        return open_json(context, node, lateral)
    name = node.name.name.upper()
    system = name == "FN_LISTEXTENDEDPROPERTY" and node.name.parts[:-1] in ((), ("sys",))
    if (len(node.name.parts) > 1 or name not in functions.FUNCTIONS) and not system:
        return _inline(context, node, lateral)
    function = functions.lookup(name)
    if function.kind != "table":
        raise sql_error(208, node.name.name)
    given = [tree.NullLiteral() if system and isinstance(a, tree.DefaultValue) else a for a in node.args]
    pairs = [(bind(lateral, a), constant(a)) for a in given]
    resolved = function.resolve(Call(name, tuple(Argument(e.type, v) for e, v in pairs)))
    operands = [e if t is None else convert(e, t) for (e, _), t in zip(pairs, resolved.arguments, strict=True)]
    return function_range(
        context, operands, resolved.emit, resolved.columns, node.alias or node.name.name, node.columns
    )


def function_range(
    context: Context,
    operands: list[typed.Expr],
    emit: Any,
    columns: Sequence[tuple[str, SqlType]],
    name: str,
    given: Sequence[str] = (),
) -> Range:
    """A table function of SQLite as a source."""
    source = typed.FunctionRows(context.alias(), operands, emit, tuple(name for name, _ in columns))
    range_ = Range(name, (name,), [], source, aliased=True)
    if given and len(given) != len(columns):
        raise sql_error(8158 if len(given) < len(columns) else 8159, name)
    for i, (column, type_) in enumerate(columns):
        shown = given[i] if given else column
        range_.columns.append(ScopeColumn(shown, typed.ColumnValue(type_, source, column, shown), None, range_))
    return range_


def _inline(context: Context, node: tree.TableFunction, lateral: Scope) -> Bound:
    found = context.environment.find_function(node.name.parts)
    if found is None:
        raise sql_error(208, str(node.name))
    parameters = list(found.parameters)
    if len(node.args) < len(parameters):
        raise sql_error(313, str(node.name))
    if len(node.args) > len(parameters):
        raise sql_error(8144, str(node.name))
    substitutions: dict[str, typed.Expr] = {}
    for parameter, arg in zip(parameters, node.args, strict=True):
        if isinstance(arg, tree.DefaultValue):
            if parameter.default is None:
                raise sql_error(313, str(node.name))
            arg = parameter.default
        value = bind(lateral, arg)
        if value.type.is_null:
            value = null(parameter.type)
        # As a variable: too long a string is cut, and it may be NULL.
        value = convert(value, parameter.type.with_nullable(True))
        substitutions[parameter.name.lower()] = (
            retype(value, parameter.type.with_nullable(True)) if value.type.is_string else value
        )
    with module_body(context, substitutions, found.schema):
        return bind_statement(context, found.query, None, "derived")
