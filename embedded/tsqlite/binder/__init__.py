"""Names and types: from a syntax tree to what the interpreter runs.

Every function is pure: the same tree in the same environment gives the same result, so that results can be kept.
"""

from __future__ import annotations

from typing import Any

from .. import compiled, tree
from ..emit import Emitter
from ..errors import Unsupported, sql_error
from ..types import BIT
from . import json as for_json
from . import queries, support, typed
from .environment import Environment
from .expressions import binary, bind, bind_predicate, convert
from .scope import Context, Range, Scope, ScopeColumn
from .statements import assign, bind_delete, bind_insert, bind_update, result_columns, shown_type, touched

__all__ = [
    "Environment",
    "bind_check",
    "bind_condition",
    "bind_default",
    "bind_expression",
    "bind_statement",
    "for_json",
    "support",
]  # fmt: skip


def bind_statement(
    node: tree.Statement, environment: Environment
) -> compiled.Query | compiled.Insert | compiled.Update | compiled.Delete:
    """SELECT, INSERT, UPDATE, DELETE; ``SET @v = expr`` as a query of one value of the variable's type.

    Errors: ``SqlError`` without a line where it is the statement's; ``Unsupported``.
    """
    context = Context(environment)
    match node:
        case tree.SelectStatement():
            return _select(context, node)
        case tree.Insert():
            return bind_insert(context, node)
        case tree.Update():
            return bind_update(context, node)
        case tree.Delete():
            return bind_delete(context, node)
        case tree.SetVariable():
            return _set(context, node)
    raise Unsupported(type(node).__name__, node.line)


def _select(context: Context, node: tree.SelectStatement) -> compiled.Query:
    bound = queries.bind_statement(context, node, None, "top")
    emitter = Emitter()
    sql = emitter.query(bound.query)
    into = None
    columns = result_columns(bound.columns)
    if bound.into is not None:
        into = _into(bound)
    return compiled.Query(
        sql,
        tuple(emitter.parameters),
        columns,
        touched(context),
        bound.assigns,
        into,
        json=isinstance(bound.query, typed.JsonText),
    )


def _into(bound: queries.Bound) -> compiled.IntoTable:
    identity = None
    seen: set[str] = set()
    for i, column in enumerate(bound.columns):
        if not column.name:
            raise sql_error(1038)
        if column.name.lower() in seen:
            assert bound.into is not None
            raise sql_error(2705, column.name, bound.into.name)
        seen.add(column.name.lower())
        origin = column.origin
        base = origin.base if origin is not None else None
        # The identity property is inherited from a single table, never through a join.
        one_table = bound.scope is not None and len(bound.scope.ranges) == 1 and not bound.grouped
        if base is not None and base.identity and one_table and identity is None:
            identity = (i, base.identity.seed, base.identity.increment)
    return compiled.IntoTable(bound.into, identity)


def _set(context: Context, node: tree.SetVariable) -> compiled.Query:
    declared = context.environment.variable_type(node.variable.lower())
    if declared is None:
        raise sql_error(137, node.variable)
    value = bind(Scope(context, clause="values"), node.value)
    if node.op != "=":
        value = binary(node.op[:-1], context.variable(node.variable), value)
    return _one(context, convert(value, declared.with_nullable(True)), "")


def _one(context: Context, value: typed.Expr, name: str) -> compiled.Query:
    emitter = Emitter()
    sql = f"SELECT {emitter.expr(value)}"
    return compiled.Query(
        sql, tuple(emitter.parameters), (compiled.Column(name, shown_type(value.type)),), touched(context)
    )


def bind_expression(node: tree.Expr, environment: Environment) -> compiled.Query:
    """An expression outside of a query (PRINT, RETURN, an argument): one row, one column of its own type."""
    context = Context(environment)
    return _one(context, bind(Scope(context, clause="values"), node), "")


def bind_condition(node: tree.Predicate, environment: Environment) -> compiled.Query:
    """The condition of IF or WHILE: one row, one column: 1, 0 or NULL."""
    context = Context(environment)
    test = typed.Truth(BIT, bind_predicate(Scope(context, clause="values"), node))
    return _one(context, test, "")


def _row_scope(context: Context, table: Any) -> Scope:
    """The columns of one table, named without a qualifier."""
    source = typed.TableRows("", None, "")
    range_ = Range(table.name, (table.name,), [], source, aliased=True)
    computed = []
    for column in table.columns:
        if getattr(column, "computed", None) is not None:
            computed.append(column)
            continue
        expr = typed.ColumnValue(column.type, source, column.name, column.name)
        range_.columns.append(ScopeColumn(column.name, expr, column, range_))
    scope = Scope(context, None, [range_], "computed")
    made = [ScopeColumn(c.name, convert(bind(scope, c.computed), c.type), c, range_) for c in computed]
    range_.columns += made
    return scope


def _scalar(expr: typed.Expr | None, test: typed.Predicate | None) -> compiled.Scalar:
    emitter = Emitter()
    node: typed.Typed
    if expr is not None:
        sql, type_, node = emitter.expr(expr), expr.type, expr
    else:
        assert test is not None
        sql, type_, node = emitter.predicate(test), BIT, test
    columns = dict.fromkeys(n.column for n in typed.walk(node) if isinstance(n, typed.ColumnValue))
    return compiled.Scalar(sql, tuple(emitter.parameters), type_, tuple(columns))


def bind_check(node: tree.Predicate, table: Any, environment: Environment) -> compiled.Scalar:
    """A CHECK constraint or an index's filter over the columns of a table: 1, 0 or NULL."""
    context = Context(environment)
    scope = _row_scope(context, table)
    return _scalar(None, bind_predicate(scope, node))


def bind_computed(node: tree.Expr, table: Any, environment: Environment) -> compiled.Scalar:
    """A computed column's expression over the other columns of its table."""
    context = Context(environment)
    return _scalar(bind(_row_scope(context, table), node), None)


def bind_default(node: tree.Expr, column: Any, table: Any, environment: Environment) -> compiled.Scalar:
    """A DEFAULT's value, converted to its column's type."""
    context = Context(environment)
    return _scalar(assign(bind(Scope(context, clause="default"), node), column, table), None)


def describe(node: tree.SelectStatement, environment: Environment) -> tuple[compiled.Column, ...]:
    """Names and types of a query's columns (a view's, for the catalog)."""
    context = Context(environment)
    return result_columns(queries.bind_statement(context, node, None, "derived").columns)
