"""INSERT, UPDATE, DELETE: which table is written, what to, and what OUTPUT shows of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import compiled, tree
from ..convert import check_implicit, emit_assign
from ..emit import Emitter
from ..emit import names as names_of
from ..errors import SqlError, Unsupported, sql_error
from ..types import INT, SqlType
from . import typed
from .expressions import binary, bind, bind_predicate, constant, convert, null
from .queries import BoundColumn, bind_ctes, bind_query, count, options, star
from .scope import Context, Range, Scope, ScopeColumn
from .sources import bind_from, bind_source, hints, table_range

ROWID = SqlType("bigint", nullable=False)


def assign(expr: typed.Expr, column: Any, table: Any) -> typed.Expr:
    """A value converted for a column: too long a string is an error. Errors: 206, 257 (260 in a column's words)."""
    to: SqlType = column.type
    if isinstance(expr, typed.Literal) and expr.value is None:
        if isinstance(expr, typed.Unknown):
            expr.want(to)
        return null(to)
    source = expr.type
    try:
        check_implicit(source, to)
    except SqlError as error:
        if error.number == 257:
            raise sql_error(260, source.display_name, to.display_name, table.display, column.name) from None
        raise
    name, shown = column.name, getattr(table, "display", table.name)
    return typed.Operation(
        to.with_nullable(source.nullable), [expr], lambda a: emit_assign(a[0], source, to, name, shown), "ASSIGN"
    )


def finish(
    context: Context, query: typed.Query, columns: Sequence[compiled.Column], ctes: list[typed.Cte]
) -> compiled.Query:
    """The text of a query."""
    emitter = Emitter()
    sql = emitter.query(typed.With(ctes, query) if ctes else query)
    return compiled.Query(sql, tuple(emitter.parameters), tuple(columns), touched(context))


def touched(context: Context) -> compiled.Touched:
    """What was read, and whether under a lock."""
    return compiled.Touched(tuple(context.tables), context.locking)


def shown_type(type_: SqlType) -> SqlType:
    """The type of a result's column: a bare NULL is an int."""
    return INT.with_nullable(True) if type_.is_null else type_


def result_columns(columns: Sequence[BoundColumn]) -> tuple[compiled.Column, ...]:
    """Names and types as the client sees them."""
    return tuple(_result_column(c) for c in columns)


def _result_column(column: BoundColumn) -> compiled.Column:
    base = column.origin.base if column.origin is not None else None
    computed = base is None or base.computed is not None
    return compiled.Column(
        column.name or "",
        shown_type(column.type),
        base is not None and bool(base.identity),
        computed,
        base.user_type if base is not None else 0,
    )


# --- targets --------------------------------------------------------------------------------------------------------


@dataclass(eq=False, slots=True)
class Target:
    """What is written: ``range`` is the source in the statement (a table, or a view, CTE or derived table over it)."""

    range: Range
    table: Any
    rowid: typed.Expr
    columns: dict[str, Any] = field(default_factory=dict)
    """Written name (lower case) -> column of the table."""


def find_table(context: Context, node: tree.NamedTable | tree.TableVariable) -> Any:
    """The table or view that a statement names. Errors: 208, 1087."""
    parts = (node.name,) if isinstance(node, tree.TableVariable) else node.name.parts
    found = context.environment.find_table(parts)
    if found is None:
        raise sql_error(1087 if parts[-1].startswith("@") else 208, ".".join(parts))
    return found


def target_of(context: Context, range_: Range, assigned: Sequence[str]) -> Target:
    """The base table behind a source, with its row's id. Errors: 4405, 4403, 4406."""
    if range_.table is not None:
        assert range_.source is not None
        own = typed.ColumnValue(ROWID, range_.source, "_rowid", "_rowid")
        return Target(range_, range_.table, own, {c.name.lower(): c for c in range_.table.columns})
    base = _base_of(range_, assigned)
    rowid = _expose(range_, base)
    columns = {}
    for column in range_.columns:
        origin = _root(column)
        if origin is not None and origin.range is base:
            columns[column.name.lower()] = origin.base
    return Target(range_, base.table, rowid, columns)


def _root(column: ScopeColumn) -> ScopeColumn | None:
    while column.origin is not None:
        column = column.origin
    return column if column.range is not None and column.range.table is not None else None


def _base_of(range_: Range, assigned: Sequence[str]) -> Range:
    """The one stored table that an updatable query shows."""
    roots: list[Range] = []
    for name in assigned:
        found = range_.find(name)
        if not found:
            raise sql_error(207, name)
        root = _root(found[0])
        if root is None or root.range is None:
            raise sql_error(4406, range_.name)
        roots.append(root.range)
    if not assigned:
        roots = list(_tables(range_))
    if not roots or any(r is not roots[0] for r in roots):
        raise sql_error(4405, range_.name)
    return roots[0]


def _tables(range_: Range) -> list[Range]:
    if range_.table is not None:
        return [range_]
    scope = range_.bound.scope if range_.bound is not None else None
    return [t for r in (scope.ranges if scope else []) for t in _tables(r)]


def _expose(range_: Range, base: Range) -> typed.Expr:
    """A column of ``range_`` with the id of the base table's row, added to every query on the way."""
    if range_ is base:
        assert range_.source is not None
        return typed.ColumnValue(ROWID, range_.source, "_rowid", "_rowid")
    bound = range_.bound
    if bound is None or bound.select is None or bound.query is not bound.select or bound.scope is None:
        raise sql_error(4403, range_.name)
    select = bound.select
    if bound.grouped or select.distinct:
        raise sql_error(4403, range_.name)
    for inner in bound.scope.ranges:
        if base in _tables(inner):
            expr = _expose(inner, base)
            select.outputs.append(expr)
            select.names.append(f"_rowid{len(select.outputs)}")
            # A CTE's list of columns is its query's own list of names, so it has grown with it.
            assert range_.source is not None
            return typed.ColumnValue(expr.type, range_.source, select.names[-1], "_rowid")
    raise sql_error(4405, range_.name)


def _find_target(context: Context, node: tree.Update | tree.Delete, scope: Scope) -> tuple[typed.From, Range]:
    """The FROM clause of UPDATE and DELETE, and the source in it that is written."""
    target = node.target
    if isinstance(target, tree.NamedTable):
        hints(context, target.hints)
    if node.from_:
        source, scope.ranges = bind_from(context, node.from_, scope)
        found = _in_from(target, scope.ranges)
        if found is not None:
            return source, found
        # The target is another table, joined with all of FROM unless it is one there.
        more, ranges = bind_source(context, target, scope)
        scope.ranges = [*scope.ranges, *ranges]
        return typed.Join("INNER", source, more), ranges[0]
    source, scope.ranges = bind_source(context, target, scope)
    return source, scope.ranges[0]


def _in_from(target: tree.NamedTable | tree.TableVariable, ranges: Sequence[Range]) -> Range | None:
    parts = (target.name,) if isinstance(target, tree.TableVariable) else target.name.parts
    name = parts[-1].lower()
    if len(parts) == 1:
        for range_ in ranges:
            if range_.aliased and range_.name.lower() == name:
                return range_
    matching = [
        r
        for r in ranges
        if (r.table is not None and r.table.name.lower() == name and _same_schema(parts, r))
        or (r.table is None and not r.aliased and r.name.lower() == name)
    ]
    if len(matching) > 1:
        plain = [r for r in matching if not r.aliased]
        if len(plain) == 1:
            return plain[0]
        raise sql_error(8154, parts[-1])
    return matching[0] if matching else None


def _same_schema(parts: Sequence[str], range_: Range) -> bool:
    schema = getattr(range_.table, "schema", None)
    return len(parts) < 2 or not parts[-2] or schema is None or parts[-2].lower() == schema.lower()


# --- OUTPUT ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _OutputPlan:
    node: tree.Output
    exprs: list[typed.Expr]
    columns: list[BoundColumn]
    into: Any = None
    into_columns: tuple[str, ...] = ()


def _bind_outputs(
    context: Context, nodes: Sequence[tree.Output], target: Target, scope: Scope, kinds: Sequence[str]
) -> tuple[list[_OutputPlan], dict[str, typed.Source]]:
    """OUTPUT lists over ``inserted`` and ``deleted`` (``kinds``) and the sources of FROM."""
    ranges: list[Range] = []
    sources: dict[str, typed.Source] = {}
    for kind in kinds:
        if kind == "deleted":
            columns = [ScopeColumn(c.name, c.expr, c.base, c.range, c.origin) for c in target.range.columns]
            ranges.append(Range("deleted", ("deleted",), columns, aliased=True))
            continue
        made = table_range(context, target.table, "inserted", ("inserted",))
        assert made.source is not None
        sources[kind] = made.source
        if target.range.table is None:
            by_base = {id(c.base): c for c in made.columns}
            made.columns = [
                ScopeColumn(name, by_base[id(base)].expr, base, made)
                for name, base in ((c.name, target.columns.get(c.name.lower())) for c in target.range.columns)
                if base is not None
            ]
        ranges.append(made)
    others = [] if len(kinds) == 1 and kinds[0] == "inserted" else [r for r in scope.ranges if r is not target.range]
    inner = Scope(context, None, [*ranges, *others], "output")
    plans = []
    for node in nodes:
        exprs: list[typed.Expr] = []
        columns_: list[BoundColumn] = []
        for item in node.items:
            if isinstance(item, tree.StarItem):
                if item.qualifier is None:
                    raise sql_error(102, "*")
                for column in star(inner, item):
                    exprs.append(column.expr)
                    columns_.append(BoundColumn(column.name, column.expr.type, column))
            elif isinstance(item, tree.ExprItem):
                if isinstance(item.expr, tree.ColumnRef) and len(item.expr.name.parts) == 1:
                    only_here = Scope(context, None, others, "output")
                    if only_here.lookup(item.expr.name.parts) is None:
                        raise sql_error(207, item.expr.name.name)
                expr = bind(inner, item.expr)
                if any(isinstance(n, typed.Query) for n in typed.walk(expr)):
                    raise sql_error(10705)
                name = item.alias or (item.expr.name.name if isinstance(item.expr, tree.ColumnRef) else None)
                exprs.append(expr)
                columns_.append(BoundColumn(name, expr.type))
            else:
                raise sql_error(102, "=")
        plan = _OutputPlan(node, exprs, columns_)
        if node.into is not None:
            _output_into(context, plan, node)
        plans.append(plan)
    return plans, sources


def _output_into(context: Context, plan: _OutputPlan, node: tree.Output) -> None:
    assert node.into is not None
    table = find_table(context, node.into)
    if hasattr(table, "query"):
        raise Unsupported("OUTPUT INTO a view", node.line)
    by_name = {c.name.lower(): c for c in table.columns}
    if node.columns:
        targets = []
        for name in node.columns:
            if name.lower() not in by_name:
                raise sql_error(207, name)
            targets.append(by_name[name.lower()])
    else:
        targets = [c for c in table.columns if c.computed is None and not c.identity and c.type.name != "rowversion"]
        if len(plan.exprs) != len(targets):
            targets = [c for c in table.columns if c.computed is None]
    if len(plan.exprs) != len(targets):
        if node.columns:
            raise sql_error(121 if len(plan.exprs) > len(targets) else 120)
        raise sql_error(213)
    plan.exprs = [assign(e, c, table) for e, c in zip(plan.exprs, targets, strict=True)]
    plan.into, plan.into_columns = table, tuple(c.name for c in targets)


def _place_outputs(
    plans: Sequence[_OutputPlan], sources: dict[str, typed.Source], outputs: list[typed.Expr], *, new_only: bool = False
) -> list[Callable[[], compiled.Output]]:
    """Add to the statement's query what OUTPUT needs, and say how to make its clauses."""
    made: list[Callable[[], compiled.Output]] = []
    inserted = sources.get("inserted")
    for plan in plans:
        columns = result_columns(plan.columns)
        reads_new = inserted is not None and any(
            isinstance(n, typed.ColumnValue) and n.source is inserted for e in plan.exprs for n in typed.walk(e)
        )
        if not reads_new and not new_only:
            start = len(outputs)
            outputs += plan.exprs
            made.append(_positioned(plan, columns, start))
            continue
        captured = len(outputs)
        values: list[typed.Expr] = []
        exprs = [_captured(e, inserted, values) for e in plan.exprs]
        outputs += values
        made.append(_selected(plan, columns, exprs, inserted, captured, len(values)))
    return made


def _positioned(plan: _OutputPlan, columns: tuple[compiled.Column, ...], start: int) -> Callable[[], compiled.Output]:
    return lambda: compiled.Output(columns, start=start, into=plan.into, into_columns=plan.into_columns)


def _selected(
    plan: _OutputPlan,
    columns: tuple[compiled.Column, ...],
    exprs: Sequence[typed.Expr],
    inserted: typed.Source | None,
    captured: int,
    captured_count: int,
) -> Callable[[], compiled.Output]:
    emitter = Emitter(first=2 + captured_count)
    texts = ", ".join(emitter.expr(e) for e in exprs)
    assert inserted is not None
    sql = f'SELECT {texts} FROM {emitter.source(inserted)} WHERE "{inserted.alias}"._rowid = ?1'
    return lambda: compiled.Output(
        columns,
        sql=sql,
        captured=captured,
        captured_count=captured_count,
        parameters=tuple(emitter.parameters),
        into=plan.into,
        into_columns=plan.into_columns,
    )


def _captured(expr: typed.Expr, inserted: typed.Source | None, values: list[typed.Expr]) -> typed.Expr:
    """The expression with every column of the old row (or of FROM) read before the write and bound as a parameter."""
    if isinstance(expr, typed.ColumnValue):
        if expr.source is inserted:
            return expr
        for i, value in enumerate(values):
            if isinstance(value, typed.ColumnValue) and value.source is expr.source and value.column == expr.column:
                return typed.Placeholder(expr.type, i + 2)
        values.append(expr)
        return typed.Placeholder(expr.type, len(values) + 1)
    if isinstance(expr, typed.Operation):
        return typed.Operation(expr.type, [_captured(o, inserted, values) for o in expr.operands], expr.emit, expr.name)
    if isinstance(expr, typed.Case):
        whens = [(_captured_predicate(p, inserted, values), _captured(e, inserted, values)) for p, e in expr.whens]
        otherwise = _captured(expr.otherwise, inserted, values) if expr.otherwise is not None else None
        return typed.Case(expr.type, whens, otherwise)
    if isinstance(expr, typed.Literal | typed.Variable):
        return expr
    raise Unsupported("This expression in OUTPUT")


def _captured_predicate(
    node: typed.Predicate, inserted: typed.Source | None, values: list[typed.Expr]
) -> typed.Predicate:
    match node:
        case typed.Test():
            return typed.Test([_captured(o, inserted, values) for o in node.operands], node.emit)
        case typed.Logic():
            left = _captured_predicate(node.left, inserted, values)
            return typed.Logic(node.op, left, _captured_predicate(node.right, inserted, values))
        case typed.Not():
            return typed.Not(_captured_predicate(node.operand, inserted, values))
        case typed.IsNull():
            return typed.IsNull(_captured(node.operand, inserted, values), node.negated)
        case typed.InList():
            items = [_captured(i, inserted, values) for i in node.items]
            return typed.InList(_captured(node.operand, inserted, values), items, node.negated)
    raise Unsupported("This condition in OUTPUT")


def _split(made: Sequence[Callable[[], compiled.Output]]) -> tuple[compiled.Output | None, compiled.Output | None]:
    outputs = [m() for m in made]
    return (outputs[0] if outputs else None), (outputs[1] if len(outputs) > 1 else None)


# --- INSERT ---------------------------------------------------------------------------------------------------------


def bind_insert(context: Context, node: tree.Insert) -> compiled.Insert:
    """INSERT. Errors: 207, 213, 264, 109, 110, 120, 121, 271, 273, 8101."""
    if isinstance(node.target, tree.NamedTable):
        hints(context, node.target.hints)
    options(context, node.options)
    ctes = bind_ctes(context, node.ctes)
    scope = Scope(context)
    if isinstance(node.target, tree.NamedTable) and len(node.target.name.parts) == 1:
        if node.target.name.name.lower() in context.ctes:
            raise Unsupported("INSERT into a common table expression", node.line)
    found = find_table(context, node.target)
    written: dict[str, Any] = {}
    shown: Range | None = None
    if hasattr(found, "query"):
        _, ranges = bind_source(context, node.target, scope)
        shown = ranges[0]
        names = list(node.columns) or [c.name for c in shown.columns]
        target = target_of(context, shown, names)
        table, written = target.table, target.columns
    else:
        table = found
        written = {c.name.lower(): c for c in table.columns}
        shown = table_range(context, table, None, (table.name,))
        assert shown.source is not None
        target = Target(shown, table, typed.ColumnValue(ROWID, shown.source, "_rowid", "_rowid"), written)
    context.tables.pop(table.sqlite_name, None)
    columns = _insert_columns(node, table, written, shown)
    outputs, sources = _bind_outputs(context, node.outputs, target, scope, ("inserted",))
    made = _place_outputs(outputs, sources, [], new_only=True)
    first, second = _split(made)
    source = node.source
    if isinstance(source, tree.InsertDefaults):
        return compiled.Insert(table, (), None, output=first, output_select=second, touched=touched(context))
    if isinstance(source, tree.InsertExecute):
        if node.columns == () and not columns:
            raise sql_error(213)
        return compiled.Insert(
            table,
            tuple(c.name for c in columns),
            None,
            source.execute,
            output=first,
            output_select=second,
            touched=touched(context),
        )
    if isinstance(source, tree.InsertValues):
        query, columns, defaults = _insert_values(context, source, columns, table, bool(node.columns))
    else:
        assert isinstance(source, tree.InsertQuery)
        query, defaults = _insert_query(context, source.query, columns, table, bool(node.columns)), ()
    if node.top is not None:
        query = _top(context, query, node.top)
    result = finish(context, query, [compiled.Column(c.name, c.type) for c in columns], ctes)
    return compiled.Insert(
        table,
        tuple(c.name for c in columns),
        result,
        output=first,
        output_select=second,
        row_defaults=defaults,
        touched=result.touched,
    )


def _insert_columns(node: tree.Insert, table: Any, written: dict[str, Any], shown: Range | None) -> list[Any]:
    if node.columns:
        columns, seen = [], set()
        for name in node.columns:
            column = written.get(name.lower())
            if column is None:
                raise sql_error(207, name)
            if name.lower() in seen:
                raise sql_error(264, name)
            seen.add(name.lower())
            if column.computed is not None:
                raise sql_error(271, column.name)
            if column.type.name == "rowversion" and not isinstance(node.source, tree.InsertValues):
                raise sql_error(273)
            columns.append(column)
        return columns
    every = (
        [written[c.name.lower()] for c in shown.columns if c.name.lower() in written] if shown else list(table.columns)
    )
    return [c for c in every if c.computed is None and not c.identity]


def _insert_values(
    context: Context, source: tree.InsertValues, columns: list[Any], table: Any, named: bool
) -> tuple[typed.Query, list[Any], tuple[tuple[int, int], ...]]:
    rows = source.rows
    width = len(rows[0])
    if any(len(r) != width for r in rows):
        raise sql_error(10709)
    if len(rows) > 1000:
        raise sql_error(10738)
    if width != len(columns):
        if not named:
            with_identity = [c for c in table.columns if c.computed is None]
            if width == len(with_identity) and any(c.identity for c in table.columns):
                raise sql_error(8101, table.name)
            raise sql_error(213)
        raise sql_error(109 if width < len(columns) else 110)
    scope = Scope(context, None, clause="values")
    kept: list[int] = []
    for i, column in enumerate(columns):
        if all(isinstance(r[i], tree.DefaultValue) for r in rows):
            continue
        if column.type.name == "rowversion":
            if any(not isinstance(r[i], tree.DefaultValue) and constant(r[i]) is not None for r in rows):
                raise sql_error(273)
            if any(not isinstance(r[i], tree.DefaultValue) for r in rows):
                raise sql_error(273)
            continue
        kept.append(i)
    defaults: list[tuple[int, int]] = []
    bound: list[list[typed.Expr]] = []
    for number, row in enumerate(rows):
        values: list[typed.Expr] = []
        for place, i in enumerate(kept):
            if isinstance(row[i], tree.DefaultValue):
                if columns[i].identity:
                    raise sql_error(339)
                defaults.append((number, place))
                values.append(null(columns[i].type))
            else:
                values.append(bind(scope, row[i]))
        bound.append(values)
    kept_columns = [columns[i] for i in kept]
    names = [f"c{i + 1}" for i in range(len(kept))]
    if len(bound) > 1:
        # A table value constructor is one table: its rows have one type before they reach the column.
        from ..types import common_type_of

        for place in range(len(kept)):
            exprs = [b[place] for n, b in enumerate(bound) if (n, place) not in defaults]
            type_ = common_type_of([e.type for e in exprs])
            for n, b in enumerate(bound):
                if (n, place) not in defaults:
                    if isinstance(b[place], typed.Unknown):
                        assign(b[place], kept_columns[place], table)
                    b[place] = convert(b[place], type_)
    converted = [[assign(e, c, table) for e, c in zip(b, kept_columns, strict=True)] for b in bound]
    if not kept:
        if len(rows) > 1:
            raise Unsupported("INSERT of several rows of nothing but DEFAULT")
        return typed.Select([typed.Literal(INT, 0)], ["c1"]), [], ()
    if len(converted) == 1:
        return typed.Select(converted[0], names), kept_columns, tuple(defaults)
    return typed.Values(converted, [c.type for c in kept_columns], names), kept_columns, tuple(defaults)


def _insert_query(context: Context, node: tree.Query, columns: list[Any], table: Any, named: bool) -> typed.Query:
    bound = bind_query(context, node, None, "insert")
    if len(bound.columns) != len(columns):
        if named:
            raise sql_error(120 if len(bound.columns) < len(columns) else 121)
        if len(bound.columns) == len([c for c in table.columns if c.computed is None]) and any(
            c.identity for c in table.columns
        ):
            raise sql_error(8101, table.name)
        raise sql_error(213)
    for column in columns:
        if column.type.name == "rowversion":
            raise sql_error(273)
    query = bound.query
    if (
        isinstance(query, typed.Select)
        and not query.distinct
        and not any(isinstance(t.expr, typed.OutputPosition) for t in query.order_by)
    ):
        query.outputs = [assign(e, c, table) for e, c in zip(query.outputs, columns, strict=True)]
        return query
    # The order of the rows is the order of the identity values given.
    limited = query
    source = typed.QueryRows(context.alias(), limited)
    outputs = [
        assign(typed.ColumnValue(c.type, source, n, n), column, table)
        for c, n, column in zip(bound.columns, names_of(query), columns, strict=True)
    ]
    if isinstance(query, typed.Select | typed.Compound) and query.order_by and query.limit is None:
        query.limit = typed.Limit()
    return typed.Select(outputs, [f"c{i + 1}" for i in range(len(outputs))], source)


def _top(context: Context, query: typed.Query, top: tree.Top) -> typed.Query:
    from ..emit import types as types_of

    if top.percent or top.with_ties:
        raise Unsupported("INSERT TOP ... PERCENT")
    source = typed.QueryRows(context.alias(), query)
    names = names_of(query)
    outputs: list[typed.Expr] = [
        typed.ColumnValue(t, source, n, n) for t, n in zip(types_of(query), names, strict=True)
    ]
    return typed.Select(outputs, list(names), source, limit=typed.Limit(count(context, top.count, "top")))


# --- UPDATE and DELETE ----------------------------------------------------------------------------------------------


def bind_update(context: Context, node: tree.Update) -> compiled.Update:
    """UPDATE. Errors: 207, 264, 271, 272, 8102, 157 and those of its parts."""
    options(context, node.options)
    ctes = bind_ctes(context, node.ctes)
    scope = Scope(context, clause="on")
    source, range_ = _find_target(context, node, scope)
    assigned = [a.column.name for a in node.assignments if a.column is not None]
    target = target_of(context, range_, assigned)
    where = None
    if node.where is not None:
        scope.clause = "where"
        where = bind_predicate(scope, node.where)
    scope.clause = "set"
    outputs: list[typed.Expr] = [target.rowid]
    columns: list[Any] = []
    variables: list[str] = []
    variable_values: list[typed.Expr] = []
    saved = context.overrides
    assigned_values: dict[str, typed.Expr] = {}
    for item in node.assignments:
        if item.variable is not None and assigned_values and _reads_variable(item.value, assigned_values):
            raise Unsupported("UPDATE that assigns a variable and reads it again, row by row", item.line)
        value = _set_value(scope, item, target)
        if item.column is not None:
            column = _written(target, item.column)
            if any(c is column for c in columns):
                raise sql_error(264, column.name)
            if column.computed is not None:
                raise sql_error(271, column.name)
            if column.type.name == "rowversion":
                raise sql_error(272)
            if column.identity:
                raise sql_error(8102, column.name)
            value = assign(value, column, target.table)
            columns.append(column)
            outputs.append(value)
        if item.variable is not None:
            key = item.variable.lower()
            declared = context.environment.variable_type(key)
            if declared is None:
                raise sql_error(137, item.variable)
            if any(isinstance(n, typed.Variable) and n.name == key for n in typed.walk(value)) and not _single_row(
                scope, where
            ):
                raise Unsupported("UPDATE ... SET @v = @v ..., row by row", item.line)
            variables.append(key)
            value = convert(value, declared.with_nullable(True))
            variable_values.append(value)
            assigned_values[key] = value
    context.overrides = saved
    outputs += variable_values
    plans, sources = _bind_outputs(context, node.outputs, target, scope, ("inserted", "deleted"))
    made = _place_outputs(plans, sources, outputs)
    query = _written_rows(context, node, scope, source, where, outputs)
    result = finish(context, query, [compiled.Column("", e.type) for e in outputs], ctes)
    first, second = _split(made)
    return compiled.Update(
        target.table, tuple(c.name for c in columns), result, tuple(variables), first, second, result.touched
    )


def _reads_variable(node: tree.Node, names: dict[str, typed.Expr]) -> bool:
    return any(isinstance(n, tree.Variable) and n.name.lower() in names for n in tree.walk(node))


def _single_row(scope: Scope, where: typed.Predicate | None) -> bool:
    """Whether at most one row is met, so that a variable is read before it is written."""
    from .queries import _by_unique_key

    if len(scope.ranges) != 1 or scope.ranges[0].source is None:
        return False
    return _by_unique_key(scope, typed.Select([], [], scope.ranges[0].source, where))


def _written(target: Target, name: tree.Name) -> Any:
    column = target.columns.get(name.name.lower())
    if column is None:
        raise sql_error(207, name.name)
    return column


def _set_value(scope: Scope, item: tree.Assignment, target: Target) -> typed.Expr:
    if isinstance(item.value, tree.DefaultValue):
        assert item.column is not None
        column = _written(target, item.column)
        if column.default is None:
            return null(column.type)
        from ..parser import parse_expression

        return bind(Scope(scope.context, None, clause="default"), parse_expression(column.default))
    value = bind(scope, item.value)
    if item.op == "=":
        return value
    if item.column is not None:
        found = [c for c in target.range.columns if c.name.lower() == item.column.name.lower()]
        if not found:
            raise sql_error(207, item.column.name)
        old = found[0].expr
    else:
        assert item.variable is not None
        old = scope.context.variable(item.variable)
    return binary(
        item.op[:-1], old, value, None, constant(item.value) if isinstance(constant(item.value), int) else None
    )


def bind_delete(context: Context, node: tree.Delete) -> compiled.Delete:
    """DELETE. Errors as for UPDATE."""
    options(context, node.options)
    ctes = bind_ctes(context, node.ctes)
    scope = Scope(context, clause="on")
    source, range_ = _find_target(context, node, scope)
    target = target_of(context, range_, ())
    where = None
    if node.where is not None:
        scope.clause = "where"
        where = bind_predicate(scope, node.where)
    outputs: list[typed.Expr] = [target.rowid]
    plans, sources = _bind_outputs(context, node.outputs, target, scope, ("deleted",))
    made = _place_outputs(plans, sources, outputs)
    query = _written_rows(context, node, scope, source, where, outputs)
    result = finish(context, query, [compiled.Column("", e.type) for e in outputs], ctes)
    first, second = _split(made)
    return compiled.Delete(target.table, result, first, second, result.touched)


def _written_rows(
    context: Context,
    node: tree.Update | tree.Delete,
    scope: Scope,
    source: typed.From,
    where: typed.Predicate | None,
    outputs: list[typed.Expr],
) -> typed.Query:
    """The rows to write: each once, even when several rows of FROM match it."""
    names = [f"c{i + 1}" for i in range(len(outputs))]
    select: typed.Query = typed.Select(outputs, names, source, where)
    if isinstance(source, typed.Join):
        assert isinstance(select, typed.Select)
        # An outer join may give no row of the target at all.
        there = typed.IsNull(outputs[0], negated=True)
        select.where = there if where is None else typed.Logic("AND", where, there)
        inner = typed.QueryRows(context.alias(), select)
        values: list[typed.Expr] = [typed.ColumnValue(e.type, inner, n, n) for e, n in zip(outputs, names, strict=True)]
        # The plus keeps SQLite from reading the whole target in the order of its rows, to spare itself the sorting.
        each = typed.Operation(values[0].type, [values[0]], lambda a: f"+{a[0]}", "each row once")
        select = typed.Select(values, list(names), inner, group_by=[each])
    if node.top is not None:
        if node.top.with_ties:
            raise sql_error(102, "WITH")
        assert isinstance(select, typed.Select)
        select.limit = typed.Limit(count(context, node.top.count, "top", node.top.percent), None, node.top.percent)
    return select
