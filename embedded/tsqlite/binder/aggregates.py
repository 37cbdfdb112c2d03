"""GROUP BY: what may stand beside it, and ROLLUP, CUBE and GROUPING SETS as a union of plain groupings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

from .. import collation, tree
from ..errors import Unsupported, sql_error
from . import typed
from .expressions import bind
from .queries import Bound, BoundColumn, bind_block, count
from .scope import Context, Scope


def bind_group_by(scope: Scope, nodes: Sequence[tree.Expr], grouping_set: Sequence[int] | None) -> list[typed.Expr]:
    """The expressions grouped by. Errors: 144, 164."""
    from ..emit import text_of

    scope.clause = "group"
    exprs = []
    for node in nodes:
        expr = bind(scope, node)
        parts = list(typed.walk(expr))
        if any(isinstance(p, typed.Query) for p in parts):
            raise sql_error(144)
        if not any(isinstance(p, typed.ColumnValue) and scope.owns(p.source) for p in parts):
            raise sql_error(164)
        if expr.type.is_string:
            collation.require(expr.type, "GROUP BY")
        exprs.append(expr)
    if grouping_set is None:
        return exprs
    scope.grouping = {text_of(e): i not in grouping_set for i, e in enumerate(exprs)}
    return [e for i, e in enumerate(exprs) if i in grouping_set]


def check_grouping(scope: Scope, select: typed.Select, spec: tree.QuerySpec) -> None:
    """Every column outside aggregates is grouped by. Errors: 8120, 8121, 8127."""
    from ..emit import text_of

    groups = {text_of(g) for g in select.group_by or []}
    if scope.grouping:
        groups |= set(scope.grouping)
    plain = all(isinstance(g, typed.ColumnValue) for g in select.group_by or []) and not scope.grouping

    def check(node: typed.Typed, number: int) -> None:
        if isinstance(node, typed.Expr) and (isinstance(node, typed.ColumnValue) or not plain) and groups:
            if text_of(node) in groups:
                return
        if isinstance(node, typed.Aggregate) and node.over is None and node in scope.aggregates:
            return
        if isinstance(node, typed.ColumnValue):
            if scope.owns(node.source):
                prefix = next((".".join(r.parts) for r in scope.ranges if r.source is node.source), "")
                raise sql_error(number, f"{prefix}.{node.name}" if prefix else node.name)
            return
        for part in typed.parts(node):
            check(part, number)

    for output in select.outputs:
        check(output, 8120)
    if select.having is not None:
        check(select.having, 8121)
    for term in select.order_by:
        check(term.expr, 8127)
    if not select.group_by:
        shown = [n for o in select.outputs for n in typed.walk(o)]
        if not any(isinstance(n, typed.Aggregate) and n in scope.aggregates for n in shown):
            # SQLite knows an aggregate query by the aggregates of its select list alone.
            first = select.outputs[0]
            select.outputs[0] = typed.Operation(first.type, [first], lambda a: f"iif(count(*) >= 0, {a[0]}, NULL)")


def has_sets(spec: tree.QuerySpec) -> bool:
    """Whether GROUP BY has more than plain expressions."""
    return any(not isinstance(g, tree.GroupExpr) for g in spec.group_by)


def _sets(element: tree.GroupingElement) -> list[tuple[tree.Expr, ...]]:
    """The grouping sets that an element stands for."""
    match element:
        case tree.GroupExpr():
            return [(element.expr,)]
        case tree.GroupComposite():
            return [element.items]
        case tree.GroupRollup():
            parts = [_sets(i)[0] for i in element.items]
            return [tuple(e for p in parts[:n] for e in p) for n in range(len(parts), -1, -1)]
        case tree.GroupCube():
            parts = [_sets(i)[0] for i in element.items]
            if len(parts) > 12:
                raise Unsupported("CUBE of more than 12 expressions", element.line)
            return [
                tuple(e for p, use in zip(parts, mask, strict=True) if use for e in p)
                for mask in product((True, False), repeat=len(parts))
            ]
        case tree.GroupingSets():
            return [s for i in element.items for s in _sets(i)]
    raise Unsupported(type(element).__name__, element.line)


def expand_sets(context: Context, spec: tree.QuerySpec, node: tree.Query, outer: Scope | None, role: str) -> Bound:
    """A block with grouping sets: UNION ALL of one block for each set."""
    sets: list[tuple[tree.Expr, ...]] = [()]
    for element in spec.group_by:
        sets = [a + b for a, b in product(sets, _sets(element))]
    nodes: list[tree.Expr] = []
    for one in sets:
        nodes += [e for e in one if e not in nodes]
    if any(isinstance(i, tree.AssignItem) for i in spec.items):
        raise Unsupported("SELECT @v = ... with grouping sets", spec.line)
    inner_spec = replace(spec, top=None, distinct=False, into=None)
    inner_node = replace(node, offset=None, fetch=None, for_json=None)
    arms: list[Bound] = []
    for one in sets:
        positions = sorted({nodes.index(e) for e in one})
        arms.append(bind_block(context, inner_spec, inner_node, outer, "arm", positions, nodes))
    return _union(context, arms, spec, node)


def _union(context: Context, arms: list[Bound], spec: tree.QuerySpec, node: tree.Query) -> Bound:
    shown = len(arms[0].columns)
    terms: list[tuple[int, bool]] = []
    for arm in arms:
        select = arm.select
        assert select is not None
        terms = []
        for term in select.order_by:
            if isinstance(term.expr, typed.OutputPosition):
                terms.append((term.expr.position, term.descending))
            else:
                select.outputs.append(term.expr)
                select.names.append(f"c{len(select.outputs)}")
                terms.append((len(select.outputs) - 1, term.descending))
        select.order_by = []
    first = arms[0].select
    assert first is not None
    # Which columns a set leaves out differs, so a column may be NULL even if it is not in the first set.
    outputs = [
        e.type.with_nullable(any(a.select.outputs[i].type.nullable for a in arms if a.select))
        for i, e in enumerate(first.outputs)
    ]
    query: typed.Query = first
    for arm in arms[1:]:
        assert arm.select is not None
        query = typed.Compound("UNION ALL", query, arm.select, outputs, first.names)
    source = typed.QueryRows(context.alias(), query)
    values: list[typed.Expr] = [typed.ColumnValue(t, source, n, n) for t, n in zip(outputs, first.names, strict=True)]
    select = typed.Select(values[:shown], first.names[:shown], source, distinct=spec.distinct)
    select.order_by = [typed.OrderTerm(values[p], d) for p, d in terms]
    if spec.top is not None:
        select.limit = typed.Limit(
            count(context, spec.top.count, "top", spec.top.percent), None, spec.top.percent, spec.top.with_ties
        )
    elif node.offset is not None:
        fetch = count(context, node.fetch, "fetch") if node.fetch is not None else None
        select.limit = typed.Limit(fetch, count(context, node.offset, "offset"))
    columns = [BoundColumn(c.name, t) for c, t in zip(arms[0].columns, outputs, strict=False)]
    return Bound(select, columns, into=spec.into)
