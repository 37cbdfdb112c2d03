"""Scalar expressions and predicates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .nodes import Node

if TYPE_CHECKING:
    from .nodes import Name, TypeName
    from .queries import OrderItem, Query


# --- scalar expressions ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Expr(Node):
    """Base of everything that has a value."""


@dataclass(frozen=True, slots=True)
class IntLiteral(Expr):
    """Digits alone; above 2147483647 SQL Server reads a numeric(p, 0). Never negative: see `Unary`."""

    value: int


@dataclass(frozen=True, slots=True)
class DecimalLiteral(Expr):
    """Digits with a point: `1.50`, `.5`, `5.` as written; precision and scale come from the text."""

    text: str


@dataclass(frozen=True, slots=True)
class FloatLiteral(Expr):
    """`1e0`, `1.5E-3`, also a bare `1e`, as written."""

    text: str


@dataclass(frozen=True, slots=True)
class MoneyLiteral(Expr):
    """`$1.5`: the text after the currency sign, without thousands separators; '' for a bare `$`; may start with '-'."""

    text: str


@dataclass(frozen=True, slots=True)
class StringLiteral(Expr):
    """`'x'` (varchar) or, when `national`, `N'x'` (nvarchar); the value has its doubled quotes resolved."""

    value: str
    national: bool = False


@dataclass(frozen=True, slots=True)
class BinaryLiteral(Expr):
    """`0x0A`; an odd number of digits has been padded on the left."""

    value: bytes


@dataclass(frozen=True, slots=True)
class NullLiteral(Expr):
    """`NULL`."""


@dataclass(frozen=True, slots=True)
class DefaultValue(Expr):
    """`DEFAULT`, in VALUES, in UPDATE ... SET, and as an argument of EXECUTE or of a user function."""


@dataclass(frozen=True, slots=True)
class Bareword(Expr):
    """An unquoted word where EXECUTE expects a value (`EXEC sp_help orders`); it means the string."""

    value: str


@dataclass(frozen=True, slots=True)
class Variable(Expr):
    """`@name`."""

    name: str


@dataclass(frozen=True, slots=True)
class GlobalVariable(Expr):
    """`@@NAME`."""

    name: str


@dataclass(frozen=True, slots=True)
class ColumnRef(Expr):
    """`c`, `t.c`, `s.t.c`, `d.s.t.c`; also `inserted.c`, `deleted.c`. `$action`, `$rowguid`, `$identity` keep their
    sign.
    """

    name: Name


@dataclass(frozen=True, slots=True)
class Unary(Expr):
    """`-`, `+` or `~`."""

    op: str
    operand: Expr


@dataclass(frozen=True, slots=True)
class Binary(Expr):
    """`+ - * / % & | ^`."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Collate(Expr):
    """`operand COLLATE collation`."""

    operand: Expr
    collation: str


@dataclass(frozen=True, slots=True)
class AtTimeZone(Expr):
    """`operand AT TIME ZONE zone`."""

    operand: Expr
    zone: Expr


@dataclass(frozen=True, slots=True)
class When(Node):
    """A branch of a searched CASE."""

    condition: Predicate
    result: Expr


@dataclass(frozen=True, slots=True)
class SimpleWhen(Node):
    """A branch of a simple CASE."""

    value: Expr
    result: Expr


@dataclass(frozen=True, slots=True)
class SearchedCase(Expr):
    """`CASE WHEN condition THEN ... ELSE ... END`; no ELSE is None."""

    whens: tuple[When, ...]
    otherwise: Expr | None


@dataclass(frozen=True, slots=True)
class SimpleCase(Expr):
    """`CASE operand WHEN value THEN ... END`."""

    operand: Expr
    whens: tuple[SimpleWhen, ...]
    otherwise: Expr | None


@dataclass(frozen=True, slots=True)
class Iif(Expr):
    """`IIF(condition, a, b)`: the one function with a predicate among its arguments."""

    condition: Predicate
    then: Expr
    otherwise: Expr


@dataclass(frozen=True, slots=True)
class Cast(Expr):
    """`CAST(operand AS type)`, `TRY_CAST` when `attempt`."""

    operand: Expr
    type: TypeName
    attempt: bool = False


@dataclass(frozen=True, slots=True)
class Convert(Expr):
    """`CONVERT(type, operand [, style])`, `TRY_CONVERT` when `attempt`."""

    type: TypeName
    operand: Expr
    style: Expr | None
    attempt: bool = False


@dataclass(frozen=True, slots=True)
class Parse(Expr):
    """`PARSE(operand AS type [USING culture])`, `TRY_PARSE` when `attempt`."""

    operand: Expr
    type: TypeName
    culture: Expr | None
    attempt: bool = False


@dataclass(frozen=True, slots=True)
class Trim(Expr):
    """`TRIM(characters FROM operand)`; `TRIM(x)` without FROM is an ordinary call."""

    characters: Expr
    operand: Expr


@dataclass(frozen=True, slots=True)
class DatePart(Expr):
    """The date part that is the first argument of DATEADD, DATEDIFF, DATEDIFF_BIG, DATENAME, DATEPART, as written."""

    name: str


@dataclass(frozen=True, slots=True)
class Star(Expr):
    """The `*` of COUNT(*), as its only argument."""


@dataclass(frozen=True, slots=True)
class FrameBound(Node):
    """`kind`: UNBOUNDED PRECEDING, PRECEDING, CURRENT ROW, FOLLOWING, UNBOUNDED FOLLOWING; `offset` for the two with a
    number.
    """

    kind: str
    offset: Expr | None = None


@dataclass(frozen=True, slots=True)
class Frame(Node):
    """`unit` is ROWS or RANGE; `end` is None in the short form, which means CURRENT ROW."""

    unit: str
    start: FrameBound
    end: FrameBound | None = None


@dataclass(frozen=True, slots=True)
class Over(Node):
    """`OVER (PARTITION BY ... ORDER BY ... frame)`."""

    partition_by: tuple[Expr, ...] = ()
    order_by: tuple[OrderItem, ...] = ()
    frame: Frame | None = None


@dataclass(frozen=True, slots=True)
class FunctionCall(Expr):
    """A call of a built-in or user-defined function, aggregate or window function.

    COALESCE, NULLIF, LEFT, RIGHT, UPDATE(col) and the like are ordinary calls. COUNT(*) has one `Star` argument.
    The date functions have a `DatePart` first.
    """

    name: Name
    args: tuple[Expr, ...] = ()
    distinct: bool = False
    within_group: tuple[OrderItem, ...] = ()
    over: Over | None = None


@dataclass(frozen=True, slots=True)
class NiladicFunction(Expr):
    """CURRENT_TIMESTAMP, CURRENT_USER, SESSION_USER, SYSTEM_USER, USER: no parentheses; upper case."""

    name: str


@dataclass(frozen=True, slots=True)
class NextValueFor(Expr):
    """`NEXT VALUE FOR sequence`."""

    sequence: Name
    over: Over | None = None


@dataclass(frozen=True, slots=True)
class ScalarSubquery(Expr):
    """`(SELECT ...)` as a value."""

    query: Query


# --- predicates -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Predicate(Node):
    """Base of everything that is TRUE, FALSE or UNKNOWN; never a value in T-SQL."""


@dataclass(frozen=True, slots=True)
class And(Predicate):
    """`left AND right`."""

    left: Predicate
    right: Predicate


@dataclass(frozen=True, slots=True)
class Or(Predicate):
    """`left OR right`."""

    left: Predicate
    right: Predicate


@dataclass(frozen=True, slots=True)
class Not(Predicate):
    """`NOT operand`. The NOT of NOT IN, NOT LIKE, NOT BETWEEN and IS NOT NULL is a flag there."""

    operand: Predicate


@dataclass(frozen=True, slots=True)
class Comparison(Predicate):
    """`op` is one of `= <> < <= > >=`; `!=`, `!<`, `!>` have been turned into `<>`, `>=`, `<=`."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Quantified(Predicate):
    """`left op ALL (query)` or, with `quantifier` ANY, `left op ANY | SOME (query)`."""

    op: str
    left: Expr
    quantifier: str
    query: Query


@dataclass(frozen=True, slots=True)
class Between(Predicate):
    """`operand [NOT] BETWEEN low AND high`."""

    operand: Expr
    low: Expr
    high: Expr
    negated: bool = False


@dataclass(frozen=True, slots=True)
class InList(Predicate):
    """`operand [NOT] IN (a, b, ...)`."""

    operand: Expr
    items: tuple[Expr, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class InQuery(Predicate):
    """`operand [NOT] IN (SELECT ...)`."""

    operand: Expr
    query: Query
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Like(Predicate):
    """`operand [NOT] LIKE pattern [ESCAPE c]`."""

    operand: Expr
    pattern: Expr
    escape: Expr | None = None
    negated: bool = False


@dataclass(frozen=True, slots=True)
class IsNull(Predicate):
    """`operand IS [NOT] NULL`."""

    operand: Expr
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Exists(Predicate):
    """`EXISTS (SELECT ...)`."""

    query: Query


@dataclass(frozen=True, slots=True)
class TriggerUpdate(Predicate):
    """`UPDATE(column)` inside a trigger."""

    column: str
