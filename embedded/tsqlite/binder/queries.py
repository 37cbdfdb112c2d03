"""Query blocks, set operations, common table expressions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .. import collation, tree
from ..errors import Unsupported, sql_error
from ..types import BIGINT, FLOAT, INT, SqlType, common_type
from . import typed
from .expressions import binary, bind, bind_predicate, constant, convert, retype
from .scope import Context, CteEntry, Range, Scope, ScopeColumn


@dataclass(eq=False, slots=True)
class BoundColumn:
    """A column of a query. ``name`` None: it has none. ``origin``: the source's column it shows unchanged."""

    name: str | None
    type: SqlType
    origin: ScopeColumn | None = None


@dataclass(eq=False, slots=True)
class Bound:
    """A bound query. ``select`` and ``scope``: its block, where it is one; ``assigns``: variables that SELECT sets."""

    query: typed.Query
    columns: list[BoundColumn]
    select: typed.Select | None = None
    scope: Scope | None = None
    grouped: bool = False
    assigns: tuple[str, ...] = ()
    into: tree.Name | None = None


def at_most_one_row(bound: Bound) -> bool:
    """Whether a subquery cannot give a second row."""
    s = bound.select
    if isinstance(bound.query, typed.JsonText):
        return True
    if s is None or bound.query is not s:
        return False
    if bound.grouped and not s.group_by:
        return True
    if not bound.grouped and s.source is None:
        return True
    if (
        s.limit is not None
        and isinstance(s.limit.count, typed.Literal)
        and not s.limit.with_ties
        and not s.limit.percent
    ):
        return s.limit.count.value in (0, 1)
    return not bound.grouped and bound.scope is not None and _by_unique_key(bound.scope, s)


def _by_unique_key(scope: Scope, select: typed.Select) -> bool:
    """Whether one table is read by equality on all columns of a unique key."""
    if len(scope.ranges) != 1 or select.where is None or not isinstance(select.source, typed.TableRows):
        return False
    table = scope.ranges[0].table
    if table is None:
        return False
    fixed: set[str] = set()
    stack: list[typed.Predicate] = [select.where]
    while stack:
        test = stack.pop()
        if isinstance(test, typed.Logic) and test.op == "AND":
            stack += [test.left, test.right]
        elif isinstance(test, typed.Test) and test.equality:
            for column, other in (test.operands, reversed(test.operands)):
                if isinstance(column, typed.ColumnValue) and column.source is select.source:
                    own = any(isinstance(n, typed.ColumnValue) and n.source is select.source for n in typed.walk(other))
                    if not own:
                        fixed.add(column.column.lower())
    return any(all(c.lower() in fixed for c in key) for key in table.unique_keys)


# --- queries --------------------------------------------------------------------------------------------------------


def bind_query(context: Context, node: tree.Query, outer: Scope | None, role: str) -> Bound:
    """A query expression. ``role``: top, insert, subquery, exists, derived (also views, inline functions, CTEs).

    Errors: 1033, 104, 205, 207, 208, 209, 8120 and their kin.
    """
    if node.for_xml is not None:
        raise Unsupported("FOR XML", node.line)
    if node.order_by and role not in ("top", "insert") and node.for_json is None and node.offset is None:
        top = node.body.top if isinstance(node.body, tree.QuerySpec) else None
        if top is None:
            raise sql_error(1033)
    if isinstance(node.body, tree.QuerySpec):
        bound = _bind_spec(context, node.body, node, outer, role)
    else:
        bound = _bind_set(context, node.body, outer)
        assert isinstance(bound.query, typed.Compound)
        _order_set(bound, node)
        bound.query.limit = _offset(context, node)
    if node.for_json is not None:
        from .json import for_json

        if role == "insert":
            raise sql_error(13602, "INSERT")
        return for_json(context, bound, node.for_json, top=role == "top")
    return bound


def _bind_body(context: Context, body: tree.QueryBody, outer: Scope | None) -> Bound:
    if isinstance(body, tree.QuerySpec):
        return _bind_spec(context, body, tree.Query(body), outer, "arm")
    return _bind_set(context, body, outer)


def _bind_set(context: Context, body: tree.QueryBody, outer: Scope | None) -> Bound:
    assert isinstance(body, tree.SetOperation)
    chain = [body]
    while isinstance(chain[-1].left, tree.SetOperation):
        chain.append(chain[-1].left)
    result = _bind_body(context, chain[-1].left, outer)
    for link in reversed(chain):
        result = unite(context, link.op + (" ALL" if link.all else ""), result, _bind_body(context, link.right, outer))
    return result


def unite(context: Context, op: str, left: Bound, right: Bound) -> Bound:
    """A set operation: each column of the common type of both sides. Errors: 205, 206, 468."""
    if len(left.columns) != len(right.columns):
        raise sql_error(205)
    types = []
    for a, b in zip(left.columns, right.columns, strict=True):
        type_ = common_type(a.type, b.type)
        nullable = a.type.nullable if op == "EXCEPT" else a.type.nullable or b.type.nullable
        if op == "INTERSECT":
            nullable = a.type.nullable and b.type.nullable
        if type_.name == "varbinary" and op in ("EXCEPT", "INTERSECT"):
            raise Unsupported(f"{op} of varbinary")
        if type_.is_string and op != "UNION ALL":
            collation.require(type_, op)
        types.append(type_.with_nullable(nullable))
    names = [f"c{i + 1}" for i in range(len(types))]
    query = typed.Compound(
        op, convert_outputs(context, left, types), convert_outputs(context, right, types), types, names
    )
    into = left.into
    return Bound(query, [BoundColumn(c.name, t) for c, t in zip(left.columns, types, strict=True)], into=into)


def _order_set(bound: Bound, node: tree.Query) -> None:
    query = bound.query
    assert isinstance(query, typed.Compound)
    for item in node.order_by:
        position = _output_position(bound.columns, item.expr)
        if position is None:
            position = _written_position(node.body, item.expr)
        if position is None:
            if isinstance(item.expr, tree.ColumnRef) and len(item.expr.name.parts) == 1:
                raise sql_error(207, item.expr.name.name)
            raise sql_error(104)
        term = typed.OutputPosition(query.outputs[position], position)
        query.order_by.append(typed.OrderTerm(term, item.descending))


def _written_position(body: tree.QueryBody, expr: tree.Expr) -> int | None:
    """The item of the first SELECT of a set operation that is written as ``expr`` is, table name and all."""
    while isinstance(body, tree.SetOperation):
        body = body.left
    assert isinstance(body, tree.QuerySpec)
    if not isinstance(expr, tree.ColumnRef) or any(isinstance(i, tree.StarItem) for i in body.items):
        return None
    wanted = tuple(p.lower() for p in expr.name.parts)
    only = body.from_[0] if len(body.from_) == 1 and isinstance(body.from_[0], tree.NamedTable) else None
    qualifiers = {wanted[:-1]}
    if only is not None:
        # The one table's columns may be written with its name or without.
        shown = (only.alias,) if only.alias else only.name.parts
        parts = tuple(p.lower() for p in shown)
        if wanted[:-1] and parts[-len(wanted[:-1]) :] == wanted[:-1]:
            qualifiers |= {(), *(parts[i:] for i in range(len(parts)))}
    for i, item in enumerate(body.items):
        if isinstance(item, tree.ExprItem) and isinstance(item.expr, tree.ColumnRef):
            written = tuple(p.lower() for p in item.expr.name.parts)
            if written[-1] == wanted[-1] and written[:-1] in qualifiers:
                return i
    return None


def _output_position(columns: Sequence[BoundColumn], expr: tree.Expr) -> int | None:
    """The output that an ORDER BY item names by its number or name. Errors: 108, 209."""
    if isinstance(expr, tree.IntLiteral):
        if not 1 <= expr.value <= len(columns):
            raise sql_error(108, expr.value)
        return expr.value - 1
    if isinstance(expr, tree.ColumnRef) and len(expr.name.parts) == 1:
        name = expr.name.name.lower()
        found = [i for i, c in enumerate(columns) if c.name is not None and c.name.lower() == name]
        if len(found) > 1:
            origins = {id(c.origin.expr) if c.origin is not None else id(c) for c in (columns[i] for i in found)}
            if len(origins) > 1:
                raise sql_error(209, expr.name.name)
        if found:
            return found[0]
    return None


def convert_outputs(context: Context, bound: Bound, types: Sequence[SqlType]) -> typed.Query:
    """The query with each column converted to the type that is asked for."""
    query = bound.query
    if all(c.type.same_as(t) and c.type.collation == t.collation for c, t in zip(bound.columns, types, strict=True)):
        return query
    if isinstance(query, typed.Select) and not query.distinct and not query.order_by:
        query.outputs = [
            convert(e, t) if i < len(types) else e
            for i, (e, t) in enumerate(
                zip(query.outputs, [*types, *(e.type for e in query.outputs[len(types) :])], strict=True)
            )
        ]
        return query
    range_ = derived_range(context, bound, "")
    assert range_.source is not None
    outputs = [convert(c.expr, t) for c, t in zip(range_.columns, types, strict=True)]
    return typed.Select(outputs, [f"c{i + 1}" for i in range(len(outputs))], range_.source)


def derived_range(
    context: Context, bound: Bound, name: str, columns: Sequence[str] = (), *, check: bool = False
) -> Range:
    """A source of the query's rows. With ``check``: every column has a name, and no two the same (8155, 8156)."""
    from ..emit import names as names_of

    source = typed.QueryRows(context.alias(), bound.query)
    range_ = Range(name, (name,), [], source, bound=bound, aliased=True)
    sqlite_names = names_of(bound.query)
    given = column_names(bound, name, columns, check)
    for i, (column, shown) in enumerate(zip(bound.columns, given, strict=True)):
        type_ = INT.with_nullable(True) if column.type.is_null else column.type
        if type_.is_string and type_.collation_label == "explicit":
            type_ = type_.with_collation(type_.collation, "implicit")
        expr = typed.ColumnValue(type_, source, sqlite_names[i], shown)
        origin = column.origin
        range_.columns.append(ScopeColumn(shown, expr, origin.base if origin else None, range_, origin))
    return range_


def column_names(bound: Bound, name: str, columns: Sequence[str], check: bool) -> list[str]:
    """The names of a derived table's columns. Errors: 8155, 8156, 8158, 8159."""
    if columns:
        if len(columns) < len(bound.columns):
            raise sql_error(8158, name)
        if len(columns) > len(bound.columns):
            raise sql_error(8159, name)
        given: list[str] = list(columns)
    else:
        given = [c.name or "" for c in bound.columns]
    if check:
        seen: set[str] = set()
        for i, column in enumerate(given):
            if not column:
                raise sql_error(8155, i + 1, name)
            if column.lower() in seen:
                raise sql_error(8156, column, name)
            seen.add(column.lower())
    return given


# --- one block ------------------------------------------------------------------------------------------------------


def _bind_spec(context: Context, spec: tree.QuerySpec, node: tree.Query, outer: Scope | None, role: str) -> Bound:
    from .aggregates import expand_sets, has_sets

    if spec.group_by and has_sets(spec):
        return expand_sets(context, spec, node, outer, role)
    return bind_block(context, spec, node, outer, role)


@dataclass(slots=True)
class _Items:
    outputs: list[typed.Expr] = field(default_factory=list)
    columns: list[BoundColumn] = field(default_factory=list)
    assigns: list[str] = field(default_factory=list)


def bind_block(
    context: Context,
    spec: tree.QuerySpec,
    node: tree.Query,
    outer: Scope | None,
    role: str,
    grouping_set: Sequence[int] | None = None,
    group_nodes: Sequence[tree.Expr] | None = None,
) -> Bound:
    """One SELECT. ``grouping_set``: positions in ``group_nodes`` that are grouped by, the others being NULL."""
    from .aggregates import bind_group_by, check_grouping
    from .sources import bind_from

    scope = Scope(context, outer)
    source = None
    if spec.from_:
        scope.clause = "on"
        source, scope.ranges = bind_from(context, spec.from_, scope)
    select = typed.Select([], [], source, distinct=spec.distinct)
    if spec.where is not None:
        scope.clause = "where"
        select.where = bind_predicate(scope, spec.where)
    nodes = group_nodes if group_nodes is not None else [g.expr for g in spec.group_by if isinstance(g, tree.GroupExpr)]
    if spec.group_by:
        select.group_by = bind_group_by(scope, nodes, grouping_set)
    scope.clause = "select"
    scope.grouped = bool(spec.group_by or spec.having is not None)
    items = _bind_items(scope, spec.items, role)
    select.outputs = items.outputs
    if spec.having is not None:
        scope.clause = "having"
        select.having = bind_predicate(scope, spec.having)
    scope.clause = "order"
    bound = Bound(select, items.columns, select, scope, assigns=tuple(items.assigns), into=spec.into)
    _order_by(scope, bound, select, node)
    select.names = [f"c{i + 1}" for i in range(len(select.outputs))]
    bound.grouped = scope.grouped = bool(spec.group_by or spec.having is not None or scope.aggregates)
    if bound.grouped:
        check_grouping(scope, select, spec)
    _limit(context, scope, bound, select, spec, node)
    ordered = select.order_by and select.limit is not None
    if role == "exists" and bound.query is select and not bound.grouped and not select.distinct and not ordered:
        select.order_by = []
        select.outputs, select.names = [typed.Literal(INT, 1)], ["c1"]
    return bound


def _bind_items(scope: Scope, nodes: Sequence[tree.SelectItem], role: str) -> _Items:
    items = _Items()
    assigning = sum(isinstance(n, tree.AssignItem) for n in nodes)
    if assigning and assigning != len(nodes):
        raise sql_error(141)
    if assigning and role != "top":
        raise sql_error(10734) if role == "arm" else sql_error(102, "=")
    if assigning:
        _bind_assignments(scope, nodes, items)
        return items
    for node in nodes:
        if isinstance(node, tree.StarItem):
            if role != "exists":
                _check_star(scope, node)
            for column in star(scope, node):
                items.outputs.append(column.expr)
                items.columns.append(BoundColumn(column.name, column.expr.type, column))
        elif isinstance(node, tree.ExprItem):
            expr = bind(scope, node.expr)
            origin = None
            name = node.alias
            if isinstance(node.expr, tree.ColumnRef):
                name = name or node.expr.name.name
                found = scope.lookup(node.expr.name.parts)
                origin = found if found is not None and found.expr is expr else None
            items.outputs.append(expr)
            items.columns.append(BoundColumn(name, expr.type, origin))
    return items


def star(scope: Scope, node: tree.StarItem) -> Iterator[ScopeColumn]:
    """The columns of ``*`` or ``t.*``. Errors: 107, 263."""
    if node.qualifier is None:
        if not scope.ranges:
            raise sql_error(263)
        for range_ in scope.ranges:
            yield from range_.columns
        return
    found = False
    for range_ in scope.ranges:
        if range_.matches(node.qualifier.parts):
            found = True
            yield from range_.columns
    if not found:
        raise sql_error(107, str(node.qualifier))


def _check_star(scope: Scope, node: tree.StarItem) -> None:
    """A catalog view that has fewer columns than SQL Server's cannot be shown whole."""
    for range_ in scope.ranges:
        if getattr(range_.table, "withheld", None) and (node.qualifier is None or range_.matches(node.qualifier.parts)):
            raise Unsupported(f"* of {'.'.join(range_.parts)}: name the columns", node.line)


def _bind_assignments(scope: Scope, nodes: Sequence[tree.SelectItem], items: _Items) -> None:
    context = scope.context
    assigned: dict[str, typed.Expr] = {}
    saved = context.overrides
    for node in nodes:
        assert isinstance(node, tree.AssignItem)
        key = node.variable.lower()
        declared = context.environment.variable_type(key)
        if declared is None:
            raise sql_error(137, node.variable)
        if assigned and scope.ranges and _reads(node.expr, assigned):
            raise Unsupported("SELECT that assigns a variable and reads it again, row by row", node.line)
        if scope.ranges and (node.op != "=" or _reads(node.expr, [key])):
            raise Unsupported("SELECT @v = @v ... over the rows of a table", node.line)
        # Without rows to go through, later items see what earlier ones assigned.
        context.overrides = assigned
        try:
            value = bind(scope, node.expr)
            if node.op != "=":
                value = binary(node.op[:-1], context.variable(node.variable), value)
        finally:
            context.overrides = saved
        value = convert(value, declared.with_nullable(True))
        assigned[key] = value
        items.outputs.append(value)
        items.columns.append(BoundColumn(node.variable, value.type))
        items.assigns.append(key)


def _reads(node: tree.Node, names: Any) -> bool:
    return any(isinstance(n, tree.Variable) and n.name.lower() in names for n in tree.walk(node))


def _sorted_as(expr: typed.Expr) -> str:
    """The text of an expression and its order: two collations make two orders of one value."""
    from ..emit import text_of

    return f"{text_of(expr)} {expr.type.collation or ''}" if expr.type.is_string else text_of(expr)


def _order_by(scope: Scope, bound: Bound, select: typed.Select, node: tree.Query) -> None:
    seen: set[str] = set()
    for item in node.order_by:
        position = _output_position(bound.columns, item.expr) if not bound.assigns else None
        if position is None:
            if isinstance(item.expr, tree.Variable | tree.StringLiteral | tree.NullLiteral | tree.DecimalLiteral):
                raise sql_error(1008 if isinstance(item.expr, tree.Variable) else 408, len(select.order_by) + 1)
            expr = bind(scope, item.expr)
            text = _sorted_as(expr)
            position = next((i for i, o in enumerate(select.outputs) if _sorted_as(o) == text), None)
            if position is None and select.distinct:
                raise sql_error(145)
        if position is not None:
            expr = typed.OutputPosition(select.outputs[position].type, position)
            text = f"#{position}"
        if text in seen:
            raise sql_error(169)
        seen.add(text)
        if expr.type.is_string:
            collation.require(expr.type, "ORDER BY")
        select.order_by.append(typed.OrderTerm(expr, item.descending))


def _limit(
    context: Context, scope: Scope, bound: Bound, select: typed.Select, spec: tree.QuerySpec, node: tree.Query
) -> None:
    offset = _offset(context, node)
    if spec.top is None:
        select.limit = offset
        return
    if offset is not None:
        raise sql_error(10741)
    top = spec.top
    if top.with_ties and not node.order_by:
        raise sql_error(1062)
    limit = typed.Limit(count(context, top.count, "top", top.percent), None, top.percent, top.with_ties)
    if limit.percent and isinstance(limit.count, typed.Literal) and limit.count.value == 100:
        return
    select.limit = limit
    if (limit.percent or limit.with_ties) and (select.distinct or bound.grouped):
        _enclose(context, bound, select)


def _enclose(context: Context, bound: Bound, select: typed.Select) -> None:
    """Rank the rows of a derived table, where DISTINCT or GROUP BY come first."""
    terms, limit = select.order_by, select.limit
    select.order_by, select.limit = [], None
    shown = len(bound.columns)
    for term in terms:
        if not isinstance(term.expr, typed.OutputPosition):
            select.outputs.append(term.expr)
            select.names.append(f"c{len(select.outputs)}")
            term.expr = typed.OutputPosition(term.expr.type, len(select.outputs) - 1)
    source = typed.QueryRows(context.alias(), select)
    values: list[typed.Expr] = [
        typed.ColumnValue(e.type, source, n, n) for e, n in zip(select.outputs, select.names, strict=True)
    ]
    order = [
        typed.OrderTerm(values[t.expr.position], t.descending)
        for t in terms
        if isinstance(t.expr, typed.OutputPosition)
    ]
    bound.query = typed.Select(values[:shown], select.names[:shown], source, order_by=order, limit=limit)


def _offset(context: Context, node: tree.Query) -> typed.Limit | None:
    if node.offset is None:
        return None
    fetch = count(context, node.fetch, "fetch") if node.fetch is not None else None
    return typed.Limit(fetch, count(context, node.offset, "offset"))


_COUNT_ERRORS = {"top": (127, 0), "offset": (10742, 0), "fetch": (10744, 1)}


def count(context: Context, node: tree.Expr, clause: str, percent: bool = False) -> typed.Expr:
    """The number of a TOP, OFFSET or FETCH clause: a bigint, or a float with PERCENT.

    Errors: 1060, 127, 10742, 10744, 1031.
    """
    value = constant(node)
    number, least = _COUNT_ERRORS[clause]
    if isinstance(value, int) and value >= least and not (percent and value > 100):
        return typed.Literal((FLOAT if percent else BIGINT).with_nullable(False), value)
    expr = bind(Scope(context, None, clause="values"), node)
    if not (expr.type.is_integer or expr.type.is_null or (percent and expr.type.is_number)):
        if percent or not expr.type.is_number:
            raise sql_error(1060)
        raise sql_error(1060)
    expr = convert(expr, FLOAT if percent else BIGINT)
    return typed.Operation(
        expr.type.with_nullable(False), [expr], lambda a: f"ts_row_count({a[0]}, {least}, {number}, {int(percent)})"
    )


# --- common table expressions ---------------------------------------------------------------------------------------


@contextmanager
def module_body(context: Context, substitutions: dict[str, typed.Expr], schema: str) -> Iterator[None]:
    """Inside a view or inline function: its schema comes first, the caller's variables and CTEs are out of sight."""
    saved = context.ctes, context.substitutions, context.nesting, context.overrides
    context.ctes, context.substitutions, context.overrides = {}, substitutions, {}
    context.nesting += 1
    if context.nesting > 32:
        raise sql_error(217)
    environment = context.environment
    outer, environment.default_schema = environment.default_schema, schema
    try:
        yield
    finally:
        context.ctes, context.substitutions, context.nesting, context.overrides = saved
        environment.default_schema = outer


def bind_statement(context: Context, node: tree.SelectStatement, outer: Scope | None, role: str) -> Bound:
    """A SELECT statement, a view's or inline function's query: common table expressions and hints included."""
    options(context, node.options)
    ctes = bind_ctes(context, node.ctes)
    bound = bind_query(context, node.query, outer, role)
    if ctes:
        bound.query = typed.With(ctes, bound.query)
    return bound


def options(context: Context, hints: Sequence[tree.QueryHint]) -> None:
    """OPTION (...): all but MAXRECURSION tell the optimiser how, not what."""
    for hint in hints:
        if hint.name == "MAXRECURSION":
            value = int(hint.value or 100)
            if not 0 <= value <= 32767:
                raise sql_error(310, value)
            context.max_recursion = value


def bind_ctes(context: Context, nodes: Sequence[tree.Cte]) -> list[typed.Cte]:
    """WITH: each sees the ones before it, and itself."""
    if not nodes:
        return []
    context.ctes = dict(context.ctes)
    made: list[typed.Cte] = []
    own: set[str] = set()
    for node in nodes:
        key = node.name.lower()
        if key in own:
            raise sql_error(239, node.name)
        own.add(key)
        sqlite_name = context.alias("w")
        if _names_itself(node):
            made.append(_recursive(context, node, sqlite_name))
            continue
        bound = bind_query(context, node.query, None, "derived")
        given = column_names(bound, node.name, node.columns, check=True)
        entry = CteEntry(node.name, sqlite_name, given, [c.type for c in bound.columns], [], bound)
        from ..emit import names as names_of

        cte = typed.Cte(sqlite_name, names_of(bound.query), bound.query)
        entry.columns = cte.columns
        context.ctes[key] = entry
        made.append(cte)
    return made


def _names_itself(node: tree.Cte) -> bool:
    return _names(node.query, node.name)


def _names(node: tree.Node, name: str) -> bool:
    return any(
        isinstance(n, tree.NamedTable) and len(n.name.parts) == 1 and n.name.name.lower() == name.lower()
        for n in tree.walk(node)
    )


def _recursive(context: Context, node: tree.Cte, sqlite_name: str) -> typed.Cte:
    arms: list[tree.QueryBody] = []
    body: tree.QueryBody = node.query.body
    while isinstance(body, tree.SetOperation) and body.op == "UNION" and body.all and _names(body, node.name):
        arms.insert(0, body.right)
        body = body.left
    arms.insert(0, body)
    if len(arms) < 2 or _names(arms[0], node.name):
        raise sql_error(246 if len(arms) > 1 else 252, node.name)
    anchors = [a for a in arms if not _names(a, node.name)]
    anchor = _bind_body(context, anchors[0], None)
    for other in anchors[1:]:
        anchor = unite(context, "UNION ALL", anchor, _bind_body(context, other, None))
    given = column_names(anchor, node.name, node.columns, check=True)
    types = [(INT if c.type.is_null else c.type).with_nullable(True) for c in anchor.columns]
    types = [t.with_collation(t.collation, "implicit") if t.is_string else t for t in types]
    counted = context.max_recursion > 0
    columns = [f"c{i + 1}" for i in range(len(types))]
    entry = CteEntry(node.name, sqlite_name, given, types, columns, depth=counted)
    context.ctes[node.name.lower()] = entry
    range_ = derived_range(context, anchor, node.name)
    assert range_.source is not None
    outputs: list[typed.Expr] = [retype(c.expr, t) for c, t in zip(range_.columns, types, strict=True)]
    all_names = [*columns, "_depth"] if counted else columns
    if counted:
        outputs.append(typed.Literal(INT, 0))
    query: typed.Query = typed.Select(outputs, all_names, range_.source)
    for arm in (a for a in arms if _names(a, node.name)):
        member = _recursive_member(context, entry, arm)
        query = typed.Compound("UNION ALL", query, member, [*types, INT] if counted else types, all_names)
    bound = Bound(query, [BoundColumn(n, t) for n, t in zip(given, types, strict=True)])
    entry.bound = bound
    return typed.Cte(sqlite_name, all_names, query)


def _recursive_member(context: Context, entry: CteEntry, arm: tree.QueryBody) -> typed.Select:
    if not isinstance(arm, tree.QuerySpec):
        raise Unsupported("A set operation inside the recursive part of a common table expression", arm.line)
    name = entry.name
    if arm.distinct:
        raise sql_error(460, name)
    if arm.top is not None:
        raise sql_error(461, name)
    bound = bind_block(context, arm, tree.Query(arm), None, "arm")
    if bound.grouped:
        raise sql_error(467, name)
    select = bound.select
    assert select is not None
    if len(bound.columns) != len(entry.types):
        raise sql_error(205)
    for i, (column, type_) in enumerate(zip(bound.columns, entry.types, strict=True)):
        if not column.type.same_as(type_) and not column.type.is_null:
            raise sql_error(240, entry.names[i], name)
    select.outputs = [convert(e, t) for e, t in zip(select.outputs, entry.types, strict=True)]
    if any(isinstance(n, typed.Aggregate) for n in typed.walk(select)):
        raise Unsupported("A window function in the recursive part of a common table expression", arm.line)
    own = [s for s in _sources(select.source) if isinstance(s, typed.CteRows) and s.cte == entry.sqlite_name]
    everywhere = [n for n in typed.walk(select) if isinstance(n, typed.CteRows) and n.cte == entry.sqlite_name]
    if len(everywhere) != len(own) or not own:
        raise sql_error(465, name)
    if len(own) > 1:
        raise sql_error(253, name)
    _no_outer_join(select.source, own[0], name)
    if entry.depth:
        limit = context.max_recursion
        depth = typed.ColumnValue(INT, own[0], "_depth", "")
        select.outputs.append(
            typed.Operation(
                INT, [depth], lambda a: f"(CASE WHEN {a[0]} >= {limit} THEN ts_raise(530, {limit}) ELSE {a[0]} + 1 END)"
            )
        )
        select.names.append("_depth")
    return select


def _sources(node: typed.From | None) -> Iterator[typed.Source]:
    if isinstance(node, typed.Join):
        yield from _sources(node.left)
        yield from _sources(node.right)
    elif node is not None:
        yield node


def _no_outer_join(node: typed.From | None, own: typed.Source, name: str) -> None:
    if not isinstance(node, typed.Join):
        return
    left, right = own in list(_sources(node.left)), own in list(_sources(node.right))
    if node.kind == "FULL" or (node.kind == "LEFT" and right) or (node.kind == "RIGHT" and left):
        raise sql_error(462, name)
    _no_outer_join(node.left, own, name)
    _no_outer_join(node.right, own, name)
