"""Scalar expressions and predicates: syntax tree → typed tree."""

from __future__ import annotations

import decimal
from collections.abc import Callable, Sequence
from typing import Any

from .. import collation, functions, operators, tree
from ..convert import check_explicit, check_implicit, emit_convert
from ..errors import SqlError, Unsupported, sql_error
from ..functions import NO_LITERAL, Argument, Call
from ..numbers import to_code_page
from ..types import (
    INT,
    MONEY,
    NULL,
    SqlType,
    common_type,
    common_type_of,
    literal_type,
    nvarchar,
    parse_type,
)
from ..values import encode
from . import typed
from .scope import Scope


def constant(node: tree.Node) -> Any:
    """The Python value of a literal, a sign folded in; ``NO_LITERAL`` for everything else."""
    match node:
        case tree.IntLiteral():
            return node.value
        case tree.DecimalLiteral():
            return decimal.Decimal(node.text)
        case tree.FloatLiteral():
            return float_literal(node.text)
        case tree.StringLiteral() | tree.BinaryLiteral():
            return node.value
        case tree.NullLiteral():
            return None
        case tree.Unary(op="-" | "+"):
            value = constant(node.operand)
            if isinstance(value, int | float | decimal.Decimal):
                return -value if node.op == "-" else value
    return NO_LITERAL


def float_literal(text: str) -> float:
    """``1e`` is 1e0. Error 168 beyond the range."""
    lower = text.lower()
    if lower.endswith(("e", "e+", "e-")):
        lower += "0"
    value = float(lower)
    if value in (float("inf"), float("-inf")):
        raise sql_error(168, text)
    return value


def literal(value: object, type_: SqlType) -> typed.Literal:
    """A literal of a Python value."""
    return typed.Literal(type_, encode(value, type_))


def null(type_: SqlType = NULL) -> typed.Literal:
    """NULL of a type."""
    return typed.Literal(type_.with_nullable(True), None)


def integer(value: int) -> typed.Literal:
    """An int."""
    return typed.Literal(INT.with_nullable(False), value)


def retype(expr: typed.Expr, type_: SqlType) -> typed.Expr:
    """The same value under another type of the same storage (nullability, collation)."""
    if expr.type == type_:
        return expr
    return typed.Operation(type_, [expr], lambda a: a[0])


def convert(
    expr: typed.Expr, to: SqlType, *, implicit: bool = True, style: int | str | None = None, attempt: bool = False
) -> typed.Expr:
    """``expr`` converted to ``to``. Errors: 206, 257, 529 at once."""
    source = expr.type
    if isinstance(expr, typed.Literal) and expr.value is None:
        if isinstance(expr, typed.Unknown):
            expr.want(to)
        return typed.Literal(to.with_nullable(True), None)
    target = to.with_nullable(source.nullable or attempt)
    if to.is_string and to.collation is None:
        if source.is_string:
            target = target.with_collation(source.collation, source.collation_label)
        else:
            target = target.with_collation(None, "coercible-default")
    if source.same_as(to):
        return expr if isinstance(expr, typed.Literal) or source == target else retype(expr, target)
    if implicit:
        check_implicit(source, to)
    else:
        check_explicit(source, to)
    return typed.Operation(
        target,
        [expr],
        lambda a: emit_convert(a[0], source, to, style, implicit=implicit, try_=attempt),
        "CONVERT",
    )


def common(exprs: Sequence[typed.Expr]) -> tuple[SqlType, list[typed.Expr]]:
    """The common type of several expressions, and each converted to it."""
    type_ = common_type_of([e.type for e in exprs])
    return type_, [convert(e, type_) for e in exprs]


def bind(scope: Scope, node: tree.Expr) -> typed.Expr:
    """The typed expression. Errors as SQL Server words them; ``Unsupported`` with the construct and its line."""
    binder = _BINDERS.get(type(node))
    if binder is None:
        raise Unsupported(type(node).__name__, node.line)
    try:
        expr = binder(scope, node)
    except Unsupported as refusal:
        if not refusal.line:
            refusal.line = node.line
        raise
    if scope.grouping and not scope.in_aggregate and scope.clause in ("select", "having", "order"):
        from ..emit import text_of

        if scope.grouping.get(text_of(expr)):
            return null(expr.type)
    return expr


# --- leaves ---------------------------------------------------------------------------------------------------------


def _int(scope: Scope, node: tree.IntLiteral) -> typed.Expr:
    return literal(
        node.value if -(2**31) <= node.value < 2**31 else decimal.Decimal(node.value), literal_type(node.value)
    )


def _decimal(scope: Scope, node: tree.DecimalLiteral) -> typed.Expr:
    value = decimal.Decimal(node.text)
    return literal(value, literal_type(value))


def _float(scope: Scope, node: tree.FloatLiteral) -> typed.Expr:
    value = float_literal(node.text)
    return literal(value, literal_type(value))


def _money(scope: Scope, node: tree.MoneyLiteral) -> typed.Expr:
    value = decimal.Decimal(node.text or "0")
    return literal(value.quantize(decimal.Decimal("0.0001"), decimal.ROUND_HALF_UP), MONEY.with_nullable(False))


def _string(scope: Scope, node: tree.StringLiteral) -> typed.Expr:
    # A varchar literal is in the code page of the database: what that lacks is lost before anything sees it.
    value = node.value if node.national else to_code_page(node.value)
    return typed.Literal(literal_type(value, unicode=node.national), value)


def _binary(scope: Scope, node: tree.BinaryLiteral) -> typed.Expr:
    return typed.Literal(literal_type(node.value), node.value)


def _null(scope: Scope, node: tree.NullLiteral) -> typed.Expr:
    return null()


def _variable(scope: Scope, node: tree.Variable) -> typed.Expr:
    return scope.context.variable(node.name)


def _column(scope: Scope, node: tree.ColumnRef) -> typed.Expr:
    name = node.name.parts[-1]
    if name.lower() in ("$action", "$rowguid", "$identity"):
        raise Unsupported(name, node.line)
    if scope.clause in ("values", "default") and not scope.ranges and scope.parent is None:
        # VALUES and other places without a FROM clause: SQL Server says that columns are not allowed.
        if len(node.name.parts) == 1:
            raise sql_error(128, name) if scope.context.substitutions is None else sql_error(207, name)
        raise sql_error(4104, str(node.name))
    return scope.column(node.name.parts)


# --- operators ------------------------------------------------------------------------------------------------------


def _unary(scope: Scope, node: tree.Unary) -> typed.Expr:
    operand = bind(scope, node.operand)
    if isinstance(operand, typed.Literal) and node.op in "+-" and isinstance(node.operand, _NUMBER_LITERALS):
        value = constant(node)
        if value is not NO_LITERAL and not isinstance(value, str):
            return literal(decimal.Decimal(value) if operand.type.is_decimal else value, operand.type)
    operation = operators.resolve_unary(node.op, operand.type)
    operand = convert(operand, operation.operand)
    return typed.Operation(operation.type, [operand], lambda a: operation.emit(a[0]), node.op)


_NUMBER_LITERALS = (tree.IntLiteral, tree.DecimalLiteral, tree.FloatLiteral)


def _integer_constant(node: tree.Expr) -> object:
    value = constant(node)
    return value if isinstance(value, int) else None


def binary(
    op: str, left: typed.Expr, right: typed.Expr, left_literal: object = None, right_literal: object = None
) -> typed.Expr:
    """``left op right``."""
    operation = operators.resolve_binary(op, left.type, right.type, left_literal, right_literal)
    type_ = operation.type
    if type_.is_string:
        _wanted(left, right)
    folded = isinstance(left, typed.Literal) and isinstance(right, typed.Literal)
    if op in "+-*/%" and type_.is_number and not folded:
        # An overflow would be NULL with ARITHABORT OFF, so SQL Server calls arithmetic nullable, whatever its operands.
        type_ = type_.with_nullable(True)
    return typed.Operation(
        type_,
        [convert(left, operation.left), convert(right, operation.right)],
        lambda a: operation.emit(a[0], a[1]),
        op,
    )


def _wanted(*exprs: typed.Expr) -> None:
    # A part of a longer text, a pattern, an argument of a function: any text will do.
    for expr in exprs:
        if isinstance(expr, typed.Unknown):
            expr.want(nvarchar(4000))


def _binary_operator(scope: Scope, node: tree.Binary) -> typed.Expr:
    # A chain of thousands of + is deep on the left: walk down that side without recursion.
    chain = [node]
    while isinstance(chain[-1].left, tree.Binary):
        chain.append(chain[-1].left)
    result = bind(scope, chain[-1].left)
    literal_ = _integer_constant(chain[-1].left)
    for link in reversed(chain):
        result = binary(link.op, result, bind(scope, link.right), literal_, _integer_constant(link.right))
        literal_ = None
    return result


def _collate(scope: Scope, node: tree.Collate) -> typed.Expr:
    operand = bind(scope, node.operand)
    if operand.type.is_null:
        operand = null(nvarchar(1))
    if not operand.type.is_string:
        raise sql_error(447, operand.type.display_name)
    name = collation.check(node.collation)
    # GROUP BY and ORDER BY tell expressions apart by their texts: another collation is another expression.
    return typed.Operation(operand.type.with_collation(name, "explicit"), [operand], lambda a: f"{a[0]} /* {name} */")


# --- CASE and its kin -----------------------------------------------------------------------------------------------


def case(whens: list[tuple[typed.Predicate, typed.Expr]], otherwise: typed.Expr | None) -> typed.Expr:
    """A searched CASE with its branches converted to their common type. Error 8133 when all are NULL."""
    results = [r for _, r in whens] + ([otherwise] if otherwise is not None else [])
    if all(r.type.is_null for r in results):
        raise sql_error(8133)
    type_, converted = common(results)
    nullable = otherwise is None or any(r.type.nullable for r in results)
    return typed.Case(
        type_.with_nullable(nullable),
        [(p, c) for (p, _), c in zip(whens, converted, strict=False)],
        converted[-1] if otherwise is not None else None,
    )


def _searched_case(scope: Scope, node: tree.SearchedCase) -> typed.Expr:
    whens = [(bind_predicate(scope, w.condition), bind(scope, w.result)) for w in node.whens]
    return case(whens, bind(scope, node.otherwise) if node.otherwise else None)


def _simple_case(scope: Scope, node: tree.SimpleCase) -> typed.Expr:
    whens = []
    for when in node.whens:
        left, right = bind(scope, node.operand), bind(scope, when.value)
        test = compare("=", left, right, _integer_constant(node.operand), _integer_constant(when.value))
        whens.append((test, bind(scope, when.result)))
    return case(whens, bind(scope, node.otherwise) if node.otherwise else None)


def _iif(scope: Scope, node: tree.Iif) -> typed.Expr:
    return case([(bind_predicate(scope, node.condition), bind(scope, node.then))], bind(scope, node.otherwise))


# --- conversions ----------------------------------------------------------------------------------------------------


def type_of(node: tree.TypeName, scope: Scope, context: str = "cast") -> SqlType:
    """The type that a name declares, user-defined ones included."""
    if len(node.name.parts) == 1 or node.name.parts[-2].lower() == "sys":
        try:
            return parse_type(node.name.parts[-1], node.args, context)  # type: ignore[arg-type]
        except SqlError as error:
            if error.number not in (243, 2715):
                raise
            found = _user_type(node, scope)
            if found is None:
                raise
            return found
    found = _user_type(node, scope)
    if found is None:
        raise sql_error(243, str(node.name))
    return found


def _user_type(node: tree.TypeName, scope: Scope) -> SqlType | None:
    find = getattr(scope.context.environment, "find_type", None)
    return find(node.name.parts) if find is not None else None


def _cast(scope: Scope, node: tree.Cast) -> typed.Expr:
    return _explicit(bind(scope, node.operand), type_of(node.type, scope), None, node.attempt)


def _explicit(operand: typed.Expr, to: SqlType, style: int | str | None, attempt: bool) -> typed.Expr:
    if operand.type.is_null:
        if isinstance(operand, typed.Unknown):
            operand.want(to)
        return null(to)
    to = to.with_nullable(True)
    if operand.type.is_string and to.is_string:
        to = to.with_collation(operand.type.collation, operand.type.collation_label)
    return convert(operand, to, implicit=False, style=style, attempt=attempt)


def _convert(scope: Scope, node: tree.Convert) -> typed.Expr:
    to = type_of(node.type, scope)
    operand = bind(scope, node.operand)
    if node.style is None:
        return _explicit(operand, to, None, node.attempt)
    value = constant(node.style)
    if isinstance(value, int):
        return _explicit(operand, to, value, node.attempt)
    style = convert(bind(scope, node.style), INT)
    if operand.type.is_null:
        return null(to)
    check_explicit(operand.type, to)
    source, attempt = operand.type, node.attempt
    target = to.with_nullable(True)
    return typed.Operation(
        target, [operand, style], lambda a: emit_convert(a[0], source, to, a[1], try_=attempt), "CONVERT"
    )


# --- functions ------------------------------------------------------------------------------------------------------


def _argument(scope: Scope, node: tree.Expr) -> tuple[Argument, typed.Expr | None]:
    if isinstance(node, tree.DatePart):
        return Argument(NULL, date_part=node.name), None
    if isinstance(node, tree.Star):
        return Argument(NULL, star=True), None
    bound = bind(scope, node)
    return Argument(bound.type, constant(node), json=is_json(bound)), bound


def is_json(expr: typed.Expr) -> bool:
    """Whether a value is JSON already, so that FOR JSON and JSON_MODIFY take it as it is."""
    while isinstance(expr, typed.Operation) and expr.name in ("", "CONVERT") and len(expr.operands) == 1:
        expr = expr.operands[0]
    if isinstance(expr, typed.ScalarSubquery):
        return isinstance(expr.query, typed.JsonText) and expr.query.before != ""
    return isinstance(expr, typed.Operation) and expr.name in ("JSON_QUERY", "JSON_MODIFY")


def _global(scope: Scope, node: tree.GlobalVariable) -> typed.Expr:
    return call_scalar(scope, node.name, (), node.line)


def _niladic(scope: Scope, node: tree.NiladicFunction) -> typed.Expr:
    return call_scalar(scope, node.name, (), node.line)


def call_scalar(scope: Scope, name: str, nodes: Sequence[tree.Expr], line: int) -> typed.Expr:
    """A call of a built-in scalar function."""
    function = functions.lookup(name)
    if function.kind == "table":
        raise sql_error(195, name, "built-in function name")
    pairs = [_argument(scope, n) for n in nodes]
    resolved = function.resolve(Call(name, tuple(a for a, _ in pairs)))
    operands = _operands(pairs, resolved.arguments)
    emit = resolved.emit
    return typed.Operation(resolved.type, operands, lambda a: emit(a), name.upper())


def _operands(
    pairs: Sequence[tuple[Argument, typed.Expr | None]], targets: Sequence[SqlType | None]
) -> list[typed.Expr]:
    operands: list[typed.Expr] = []
    for (argument, expr), target in zip(pairs, targets, strict=True):
        if expr is None:
            # A date part or * : the function knows it from the call; its place in the texts is kept.
            operands.append(typed.Literal(NULL, argument.date_part or None))
        else:
            if target is not None and target.is_string:
                _wanted(expr)
            operands.append(expr if target is None else convert(expr, target))
    return operands


def _function(scope: Scope, node: tree.FunctionCall) -> typed.Expr:
    if len(node.name.parts) > 1:
        return _user_function(scope, node)
    name = node.name.name.upper()
    if name in ("GROUPING", "GROUPING_ID"):
        return _grouping(scope, node)
    if name == "TRIM" and len(node.args) != 1:
        raise sql_error(174, "trim", 1)
    if name == "NEWSEQUENTIALID" and scope.clause != "default":
        raise sql_error(302)
    function = functions.lookup(name)
    if function.kind in ("aggregate", "window"):
        return _aggregate(scope, node, function)
    if node.over is not None:
        raise sql_error(4113, node.name.name)
    if node.within_group:
        raise sql_error(10757, node.name.name)
    if node.distinct:
        raise sql_error(102, "DISTINCT")
    return call_scalar(scope, name, node.args, node.line)


def _user_function(scope: Scope, node: tree.FunctionCall) -> typed.Expr:
    find = getattr(scope.context.environment, "find_scalar_function", None)
    found = find(node.name.parts) if find is not None else None
    if found is None:
        parts = node.name.parts
        raise sql_error(4121, parts[0], ".".join(parts))
    parameters = list(found.parameters)
    if len(node.args) < len(parameters):
        raise sql_error(313, ".".join(node.name.parts))
    if len(node.args) > len(parameters):
        raise sql_error(8144, ".".join(node.name.parts))
    operands = []
    for parameter, arg in zip(parameters, node.args, strict=True):
        if isinstance(arg, tree.DefaultValue):
            if parameter.default is None:
                raise sql_error(313, ".".join(node.name.parts))
            arg = parameter.default
        operands.append(convert(bind(scope, arg), parameter.type))
    if found.formula is not None and not parameters and scope.clause == "values":
        # A call costs as much as ten statements. A function has no side effects, so that its value will do.
        from .queries import module_body

        with module_body(scope.context, {}, found.schema):
            value = convert(bind(Scope(scope.context, clause="values"), found.formula), found.type)
        return retype(value, found.type.with_nullable(True))
    function = found.sqlite_function
    return typed.Operation(
        found.type.with_nullable(True), operands, lambda a: f"{function}({', '.join(a)})", node.name.name
    )


def _grouping(scope: Scope, node: tree.FunctionCall) -> typed.Expr:
    from ..emit import text_of

    if scope.grouping is None:
        if scope.clause in ("select", "having", "order") and scope.grouped is not None:
            return typed.Literal(
                SqlType("tinyint" if node.name.name.upper() == "GROUPING" else "int", nullable=False), 0
            )
        raise Unsupported(node.name.name, node.line)
    value = 0
    texts: list[str] = []
    outer, scope.in_aggregate = scope.in_aggregate, True
    for arg in node.args:
        text = text_of(bind(scope, arg))
        texts.append(text)
        if text not in scope.grouping:
            raise sql_error(8161, node.args.index(arg) + 1, node.name.name)
        value = value * 2 + scope.grouping[text]
    scope.in_aggregate = outer
    type_ = SqlType("tinyint" if node.name.name.upper() == "GROUPING" else "int", nullable=False)
    # Not a bare number: ORDER BY tells expressions apart by their texts, and those of every set have to agree.
    mark = ", ".join(texts).replace("*/", "* /")
    return typed.Operation(type_, [], lambda a: f"(+{value} /* {mark} */)")


def _aggregate(scope: Scope, node: tree.FunctionCall, function: functions.Function) -> typed.Expr:
    name = node.name.name.upper()
    over = node.over
    if over is None and function.kind == "window":
        raise sql_error(10753, node.name.name)
    if over is not None:
        if scope.clause not in ("select", "order"):
            raise sql_error(4108)
        if scope.windowed:
            raise sql_error(4109)
    elif scope.clause == "where":
        raise sql_error(147)
    elif scope.clause == "on":
        raise sql_error(1015)
    elif scope.clause == "group":
        raise sql_error(144)
    elif scope.clause == "set":
        raise sql_error(157)
    elif scope.clause in ("values", "default", "output"):
        raise sql_error(158 if scope.clause == "output" else 147)
    if scope.in_aggregate:
        raise sql_error(130 if over is None else 4109)
    saved = scope.in_aggregate, scope.windowed
    scope.in_aggregate, scope.windowed = (saved[0], True) if over is not None else (True, saved[1])
    try:
        pairs = [_argument(scope, a) for a in node.args]
        order_by = [typed.OrderTerm(bind(scope, i.expr), i.descending) for i in node.within_group]
        window = _window(scope, over) if over is not None else None
    finally:
        scope.in_aggregate, scope.windowed = saved
    if over is None:
        _own(scope, [e for _, e in pairs if e is not None])
    resolved = function.resolve(
        Call(
            name,
            tuple(a for a, _ in pairs),
            distinct=node.distinct,
            over=over is not None,
            ordered=bool(over and over.order_by),
            framed=bool(over and over.frame),
            within_group=bool(node.within_group),
        )
    )
    if window is not None and not window.frame and window.order_by and resolved.default_frame:
        window.frame = resolved.default_frame
    result = typed.Aggregate(resolved.type, name, _operands(pairs, resolved.arguments), resolved.emit, order_by, window)
    if over is None:
        scope.aggregates.append(result)
    return result


def _own(scope: Scope, operands: Sequence[typed.Expr]) -> None:
    """Refuse an aggregate whose columns are all of an outer block: SQL Server computes it there."""
    sources = [n.source for o in operands for n in typed.walk(o) if isinstance(n, typed.ColumnValue)]
    for operand in operands:
        for part in typed.walk(operand):
            if isinstance(part, typed.Query):
                raise sql_error(130)
    if sources and not any(scope.owns(s) for s in sources):
        raise Unsupported("An aggregate of an outer query's column inside a subquery")


def _window(scope: Scope, over: tree.Over) -> typed.Window:
    partition = [bind(scope, e) for e in over.partition_by]
    order = []
    for item in over.order_by:
        if isinstance(constant(item.expr), int):
            raise sql_error(5308)
        order.append(typed.OrderTerm(bind(scope, item.expr), item.descending))
    return typed.Window(partition, order, _frame(over.frame) if over.frame else "")


def _frame(frame: tree.Frame) -> str:
    def bound(b: tree.FrameBound) -> str:
        if b.offset is None:
            return b.kind
        value = constant(b.offset)
        if not isinstance(value, int) or value < 0:
            raise Unsupported("A frame offset that is no unsigned integer constant", frame.line)
        if frame.unit == "RANGE":
            raise sql_error(4194)
        return f"{value} {b.kind}"

    end = bound(frame.end) if frame.end else "CURRENT ROW"
    return f"{frame.unit} BETWEEN {bound(frame.start)} AND {end}"


def _trim(scope: Scope, node: tree.Trim) -> typed.Expr:
    return call_scalar(scope, "TRIM", (node.characters, node.operand), node.line)


def _at_time_zone(scope: Scope, node: tree.AtTimeZone) -> typed.Expr:
    return call_scalar(scope, "AT TIME ZONE", (node.operand, node.zone), node.line)


def _scalar_subquery(scope: Scope, node: tree.ScalarSubquery) -> typed.Expr:
    from .queries import at_most_one_row, bind_query

    bound = bind_query(scope.context, node.query, scope, "subquery")
    if len(bound.columns) != 1:
        raise sql_error(116)
    # Nullable whatever the query, as SQL Server describes it.
    type_ = bound.columns[0].type.with_nullable(True)
    return typed.ScalarSubquery(type_, bound.query, not at_most_one_row(bound))


_BINDERS: dict[type, Callable[[Scope, Any], typed.Expr]] = {
    tree.IntLiteral: _int,
    tree.DecimalLiteral: _decimal,
    tree.FloatLiteral: _float,
    tree.MoneyLiteral: _money,
    tree.StringLiteral: _string,
    tree.BinaryLiteral: _binary,
    tree.NullLiteral: _null,
    tree.Variable: _variable,
    tree.GlobalVariable: _global,
    tree.ColumnRef: _column,
    tree.Unary: _unary,
    tree.Binary: _binary_operator,
    tree.Collate: _collate,
    tree.AtTimeZone: _at_time_zone,
    tree.SearchedCase: _searched_case,
    tree.SimpleCase: _simple_case,
    tree.Iif: _iif,
    tree.Cast: _cast,
    tree.Convert: _convert,
    tree.Trim: _trim,
    tree.FunctionCall: _function,
    tree.NiladicFunction: _niladic,
    tree.ScalarSubquery: _scalar_subquery,
}


# --- predicates -----------------------------------------------------------------------------------------------------


def compare(
    op: str, left: typed.Expr, right: typed.Expr, left_literal: object = None, right_literal: object = None
) -> typed.Predicate:
    """``left op right`` under the common type. Errors: 402, 206, 468."""
    operation = operators.resolve_binary(op, left.type, right.type, left_literal, right_literal)
    return typed.Test(
        [convert(left, operation.left), convert(right, operation.right)],
        lambda a: operation.emit(a[0], a[1]),
        op == "=",
    )


def bind_predicate(scope: Scope, node: tree.Predicate) -> typed.Predicate:
    """The typed predicate."""
    binder = _PREDICATES.get(type(node))
    if binder is None:
        raise Unsupported(type(node).__name__, node.line)
    try:
        return binder(scope, node)
    except Unsupported as refusal:
        if not refusal.line:
            refusal.line = node.line
        raise


def _and_or(scope: Scope, node: tree.And | tree.Or) -> typed.Predicate:
    kind = type(node)
    chain: list[tree.And | tree.Or] = [node]
    while isinstance(chain[-1].left, kind):
        chain.append(chain[-1].left)
    result = bind_predicate(scope, chain[-1].left)
    for link in reversed(chain):
        result = typed.Logic("AND" if kind is tree.And else "OR", result, bind_predicate(scope, link.right))
    return result


def _not(scope: Scope, node: tree.Not) -> typed.Predicate:
    return typed.Not(bind_predicate(scope, node.operand))


def _comparison(scope: Scope, node: tree.Comparison) -> typed.Predicate:
    left, right = bind(scope, node.left), bind(scope, node.right)
    return compare(node.op, left, right, _integer_constant(node.left), _integer_constant(node.right))


def _between(scope: Scope, node: tree.Between) -> typed.Predicate:
    def side(op: str, limit: tree.Expr) -> typed.Predicate:
        return compare(
            op, bind(scope, node.operand), bind(scope, limit), _integer_constant(node.operand), _integer_constant(limit)
        )

    test: typed.Predicate = typed.Logic("AND", side(">=", node.low), side("<=", node.high))
    return typed.Not(test) if node.negated else test


def _in_list(scope: Scope, node: tree.InList) -> typed.Predicate:
    operand = bind(scope, node.operand)
    items = [bind(scope, i) for i in node.items]
    type_ = common_type_of([operand.type, *(i.type for i in items)])
    if type_.is_null:
        return typed.InList(operand, items, node.negated)
    for item in items:
        if isinstance(item, typed.Unknown):
            item.want(operand.type)
    operation = operators.resolve_binary("=", operand.type, type_)
    stored = operation.left.same_as(operation.right) and "varbinary" not in (operation.left.name, operation.right.name)
    # A datetime is not rounded to the digits of another's type, which is what a common type would do.
    mixed = type_.name in ("datetime2", "datetimeoffset") and any(i.type.name == "datetime" for i in items)
    if not type_.is_string and (mixed or not stored):
        # SQLite's IN compares what is stored; for varbinary and decimals beyond 38 digits that will not do.
        test: typed.Predicate = compare("=", operand, items[0])
        for item in items[1:]:
            test = typed.Logic("OR", test, compare("=", operand, item))
        return typed.Not(test) if node.negated else test
    key = _member_type(operand.type, type_)
    return typed.InList(_member(operand, key), [convert(i, key) for i in items], node.negated)


def _member_type(operand: SqlType, items: SqlType) -> SqlType:
    """The type, and for strings the collation, under which IN compares. Errors: 402, 206, 468."""
    key = operators.resolve_binary("=", operand, items).left
    if key.is_string:
        both = common_type(operand, items)
        key = key.with_collation(both.collation, both.collation_label)
    return key


def _member(operand: typed.Expr, key: SqlType) -> typed.Expr:
    """The left side of IN, whose collation is the one that compares."""
    converted = convert(operand, key)
    return retype(converted, key.with_nullable(converted.type.nullable)) if key.is_string else converted


def _in_query(scope: Scope, node: tree.InQuery) -> typed.Predicate:
    from .queries import bind_query, convert_outputs

    operand = bind(scope, node.operand)
    bound = bind_query(scope.context, node.query, scope, "subquery")
    if len(bound.columns) != 1:
        raise sql_error(116)
    item = bound.columns[0].type
    operation = operators.resolve_binary("=", operand.type, item)
    if operation.left.is_binary and "varbinary" in (operation.left.name, operation.right.name):
        return _binary_in_query(scope, operand, bound, node.negated)
    if not operation.left.is_string and not operation.left.same_as(operation.right):
        raise Unsupported("IN (SELECT ...) of such different types", node.line)
    query = convert_outputs(scope.context, bound, [operation.right])
    return typed.InQuery(_member(operand, _member_type(operand.type, item)), query, node.negated)


def _binary_in_query(scope: Scope, operand: typed.Expr, bound: Any, negated: bool) -> typed.Predicate:
    """Zero bytes at the end do not count, so both sides are compared without them."""
    from .queries import derived_range

    def trimmed(expr: typed.Expr) -> typed.Expr:
        return typed.Operation(expr.type, [expr], lambda a: f"ts_trim_zeros({a[0]})")

    range_ = derived_range(scope.context, bound, "")
    query = typed.Select([trimmed(range_.columns[0].expr)], ["c1"], range_.source)
    return typed.InQuery(trimmed(operand), query, negated)


def _exists(scope: Scope, node: tree.Exists) -> typed.Predicate:
    from .queries import bind_query

    return typed.Exists(bind_query(scope.context, node.query, scope, "exists").query)


def _quantified(scope: Scope, node: tree.Quantified) -> typed.Predicate:
    from .queries import bind_query, derived_range

    operand = bind(scope, node.left)
    bound = bind_query(scope.context, node.query, scope, "subquery")
    if len(bound.columns) != 1:
        raise sql_error(116)
    range_ = derived_range(scope.context, bound, "")
    assert range_.source is not None
    comparison = compare(node.op, operand, range_.columns[0].expr)
    return typed.Quantified(comparison, range_.source, node.quantifier == "ALL")


def _like(scope: Scope, node: tree.Like) -> typed.Predicate:
    operand, pattern = bind(scope, node.operand), bind(scope, node.pattern)
    escape = bind(scope, node.escape) if node.escape is not None else None
    operation = operators.resolve_like(operand.type, pattern.type, escape.type if escape else None)
    _wanted(operand, pattern)
    operands = [convert(operand, operation.operand), convert(pattern, operation.pattern)]
    if escape is not None:
        operands.append(convert(escape, operation.escape))
    test: typed.Predicate = typed.Test(operands, lambda a: operation.emit(a[0], a[1], a[2] if len(a) > 2 else None))
    return typed.Not(test) if node.negated else test


def _is_null(scope: Scope, node: tree.IsNull) -> typed.Predicate:
    return typed.IsNull(bind(scope, node.operand), node.negated)


_PREDICATES: dict[type, Callable[[Scope, Any], typed.Predicate]] = {
    tree.And: _and_or,
    tree.Or: _and_or,
    tree.Not: _not,
    tree.Comparison: _comparison,
    tree.Between: _between,
    tree.InList: _in_list,
    tree.InQuery: _in_query,
    tree.Exists: _exists,
    tree.Quantified: _quantified,
    tree.Like: _like,
    tree.IsNull: _is_null,
}
