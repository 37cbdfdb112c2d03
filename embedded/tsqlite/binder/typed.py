"""The typed tree: what a statement means, every name resolved, every type known, every conversion explicit.

Expressions carry their ``SqlType``; predicates are of three values and never values. A ``Source`` stands for one table
in one FROM clause, and identity (``is``) is what tells two of them apart, so these classes compare by identity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from ..functions import Emit as AggregateEmit
from ..types import SqlType

Emit = Callable[[Sequence[str]], str]
"""Operands' SQL texts in, SQL text out; the result is safe as an operand."""


@dataclass(eq=False, slots=True)
class Typed:
    """Base of every node."""


# --- expressions ----------------------------------------------------------------------------------------------------


@dataclass(eq=False, slots=True)
class Expr(Typed):
    """Base of everything that has a value."""

    type: SqlType


@dataclass(eq=False, slots=True)
class Literal(Expr):
    """A storage value."""

    value: int | float | str | bytes | None


@dataclass(eq=False, slots=True)
class Unknown(Literal):
    """A variable that nobody has declared, as sp_describe_undeclared_parameters meets it: NULL, which tells what type
    its place wants.
    """

    want: Callable[[SqlType], None]


@dataclass(eq=False, slots=True)
class Variable(Expr):
    """A T-SQL variable: lower case, with its @."""

    name: str


@dataclass(eq=False, slots=True)
class Placeholder(Expr):
    """A numbered parameter that is no variable: who runs the text binds it."""

    number: int


@dataclass(eq=False, slots=True)
class ColumnValue(Expr):
    """A column of a source by its SQLite name; ``name`` is for messages."""

    source: Source
    column: str
    name: str


@dataclass(eq=False, slots=True)
class OutputPosition(Expr):
    """An output column of the query itself (from 0), in its ORDER BY."""

    position: int


@dataclass(eq=False, slots=True)
class Operation(Expr):
    """An operator, function or conversion: the text comes from the module that knows it."""

    operands: list[Expr]
    emit: Emit
    name: str = ""


@dataclass(eq=False, slots=True)
class Truth(Expr):
    """A predicate as the value 1, 0 or NULL; only for the binder's own use, T-SQL has no such value."""

    predicate: Predicate


@dataclass(eq=False, slots=True)
class Case(Expr):
    """A searched CASE."""

    whens: list[tuple[Predicate, Expr]]
    otherwise: Expr | None


@dataclass(eq=False, slots=True)
class OrderTerm(Typed):
    expr: Expr
    descending: bool = False


@dataclass(eq=False, slots=True)
class Window(Typed):
    """OVER (...); ``frame`` is SQLite's text of it."""

    partition_by: list[Expr]
    order_by: list[OrderTerm]
    frame: str = ""


@dataclass(eq=False, slots=True)
class Aggregate(Expr):
    """An aggregate or window function; ``order_by`` is that of WITHIN GROUP."""

    name: str
    operands: list[Expr]
    emit: AggregateEmit
    order_by: list[OrderTerm] = field(default_factory=list)
    over: Window | None = None


@dataclass(eq=False, slots=True)
class ScalarSubquery(Expr):
    """``guard``: raise error 512 when there is more than one row."""

    query: Query
    guard: bool = True


# --- predicates -----------------------------------------------------------------------------------------------------


@dataclass(eq=False, slots=True)
class Predicate(Typed):
    """Base of everything that is true, false or unknown."""


@dataclass(eq=False, slots=True)
class Test(Predicate):
    """A comparison, LIKE: a predicate whose text the operators' module knows."""

    operands: list[Expr]
    emit: Emit
    equality: bool = False


@dataclass(eq=False, slots=True)
class Logic(Predicate):
    """AND, OR."""

    op: str
    left: Predicate
    right: Predicate


@dataclass(eq=False, slots=True)
class Not(Predicate):
    operand: Predicate


@dataclass(eq=False, slots=True)
class IsNull(Predicate):
    operand: Expr
    negated: bool = False


@dataclass(eq=False, slots=True)
class InList(Predicate):
    operand: Expr
    items: list[Expr]
    negated: bool = False


@dataclass(eq=False, slots=True)
class InQuery(Predicate):
    operand: Expr
    query: Query
    negated: bool = False


@dataclass(eq=False, slots=True)
class Exists(Predicate):
    query: Query


@dataclass(eq=False, slots=True)
class Quantified(Predicate):
    """``comparison`` compares the operand with ``item``, the only column of ``source``."""

    comparison: Predicate
    source: Source
    all: bool


@dataclass(eq=False, slots=True)
class Constant(Predicate):
    value: bool


# --- sources --------------------------------------------------------------------------------------------------------


@dataclass(eq=False, slots=True)
class Source(Typed):
    """Something in FROM that has rows; ``alias`` is unique in the statement."""

    alias: str


@dataclass(eq=False, slots=True)
class TableRows(Source):
    """A stored table: ``schema`` is SQLite's, or None."""

    schema: str | None
    table: str


@dataclass(eq=False, slots=True)
class CteRows(Source):
    """A reference to a common table expression by its SQLite name."""

    cte: str


@dataclass(eq=False, slots=True)
class QueryRows(Source):
    """A derived table."""

    query: Query


@dataclass(eq=False, slots=True)
class FunctionRows(Source):
    """A table-valued function of SQLite, with the names of its columns; arguments may name the sources on its left."""

    operands: list[Expr]
    emit: AggregateEmit
    columns: tuple[str, ...]

    @property
    def is_lateral(self) -> bool:
        """Whether its rows may differ with those of other sources."""
        return any(isinstance(n, ColumnValue | Query) for o in self.operands for n in walk(o))


@dataclass(eq=False, slots=True)
class PackedRows(Source):
    """A correlated query, evaluated for each row on its left: packed as JSON and unpacked by json_each."""

    query: Query


@dataclass(eq=False, slots=True)
class Join(Typed):
    """``kind``: INNER, LEFT, RIGHT, FULL, CROSS."""

    kind: str
    left: From
    right: From
    on: Predicate | None = None


From = Source | Join


# --- queries --------------------------------------------------------------------------------------------------------


@dataclass(eq=False, slots=True)
class Query(Typed):
    """Base of what gives rows; columns bear ``names`` in SQLite, their types are in ``types``."""


@dataclass(eq=False, slots=True)
class Limit(Typed):
    """TOP or OFFSET ... FETCH. ``count`` None: all rows."""

    count: Expr | None = None
    offset: Expr | None = None
    percent: bool = False
    with_ties: bool = False


@dataclass(eq=False, slots=True)
class Select(Query):
    """One query block. ``names`` are the SQLite names of its output columns, in order."""

    outputs: list[Expr]
    names: list[str]
    source: From | None = None
    where: Predicate | None = None
    group_by: list[Expr] | None = None
    """None: no GROUP BY; an empty list: one group even of no rows."""
    having: Predicate | None = None
    distinct: bool = False
    order_by: list[OrderTerm] = field(default_factory=list)
    limit: Limit | None = None


@dataclass(eq=False, slots=True)
class Compound(Query):
    """``op``: UNION, UNION ALL, EXCEPT, INTERSECT. ``order_by`` has output positions only."""

    op: str
    left: Query
    right: Query
    outputs: list[SqlType]
    names: list[str]
    order_by: list[OrderTerm] = field(default_factory=list)
    limit: Limit | None = None


@dataclass(eq=False, slots=True)
class Values(Query):
    """Rows of expressions; each column's are of one type."""

    rows: list[list[Expr]]
    outputs: list[SqlType]
    names: list[str]


@dataclass(eq=False, slots=True)
class Cte(Typed):
    """A common table expression."""

    name: str
    columns: list[str]
    query: Query


@dataclass(eq=False, slots=True)
class With(Query):
    """A query with common table expressions in front."""

    ctes: list[Cte]
    query: Query


@dataclass(eq=False, slots=True)
class JsonText(Query):
    """FOR JSON: the objects in the only column of ``query``, joined.

    Of no objects it is NULL, and as a statement's own result (``top``) no row at all.
    """

    type: SqlType
    query: Query
    before: str
    after: str
    top: bool = False


def parts(node: Any) -> Iterator[Typed]:
    """The nodes directly below ``node``."""
    for f in fields(node):
        yield from _typed(getattr(node, f.name))


def _typed(value: Any) -> Iterator[Typed]:
    if isinstance(value, Typed):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _typed(item)


def walk(node: Typed) -> Iterator[Typed]:
    """``node`` and everything below it. The source of a column value is not below it."""
    assert is_dataclass(node)
    yield node
    if not isinstance(node, ColumnValue):
        for part in parts(node):
            yield from walk(part)
