"""Queries and what FROM may name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .nodes import Node

if TYPE_CHECKING:
    from .expressions import ColumnRef, Expr, Predicate
    from .nodes import Name, TypeName


# --- queries --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OrderItem(Node):
    """`descending` is False for ASC and for nothing written."""

    expr: Expr
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Top(Node):
    """`TOP (count) [PERCENT] [WITH TIES]`."""

    count: Expr
    percent: bool = False
    with_ties: bool = False


@dataclass(frozen=True, slots=True)
class SelectItem(Node):
    """Base of the elements of a select list or OUTPUT list."""


@dataclass(frozen=True, slots=True)
class ExprItem(SelectItem):
    """`expr`, `expr AS alias`, `alias = expr`."""

    expr: Expr
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class StarItem(SelectItem):
    """`*` (qualifier None) or `t.*`."""

    qualifier: Name | None = None


@dataclass(frozen=True, slots=True)
class AssignItem(SelectItem):
    """`@v = expr`; `op` may also be `+=`, `-=`, `*=`, `/=`, `%=`, `&=`, `|=`, `^=`."""

    variable: str
    op: str
    expr: Expr


@dataclass(frozen=True, slots=True)
class GroupingElement(Node):
    """Base of what GROUP BY lists."""


@dataclass(frozen=True, slots=True)
class GroupExpr(GroupingElement):
    """One expression."""

    expr: Expr


@dataclass(frozen=True, slots=True)
class GroupComposite(GroupingElement):
    """`(a, b)` inside ROLLUP, CUBE or GROUPING SETS; `()` is the grand total."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class GroupRollup(GroupingElement):
    """`ROLLUP (...)`, also the old `... WITH ROLLUP`."""

    items: tuple[GroupingElement, ...]


@dataclass(frozen=True, slots=True)
class GroupCube(GroupingElement):
    """`CUBE (...)`, also the old `... WITH CUBE`."""

    items: tuple[GroupingElement, ...]


@dataclass(frozen=True, slots=True)
class GroupingSets(GroupingElement):
    """`GROUPING SETS (...)`."""

    items: tuple[GroupingElement, ...]


@dataclass(frozen=True, slots=True)
class QueryBody(Node):
    """Base of what a Query orders: `QuerySpec`, `SetOperation`."""


@dataclass(frozen=True, slots=True)
class QuerySpec(QueryBody):
    """One SELECT ... HAVING. `from_` lists the comma-separated sources (() without FROM)."""

    items: tuple[SelectItem, ...]
    from_: tuple[TableSource, ...] = ()
    where: Predicate | None = None
    group_by: tuple[GroupingElement, ...] = ()
    having: Predicate | None = None
    distinct: bool = False
    top: Top | None = None
    into: Name | None = None


@dataclass(frozen=True, slots=True)
class SetOperation(QueryBody):
    """`op` is UNION, EXCEPT or INTERSECT; `all` only with UNION. INTERSECT binds closer; the tree shows it."""

    op: str
    all: bool
    left: QueryBody
    right: QueryBody


@dataclass(frozen=True, slots=True)
class ForJson(Node):
    """`FOR JSON PATH | AUTO`; `root` is '' for ROOT without a name, None without ROOT."""

    mode: str
    root: str | None = None
    include_null_values: bool = False
    without_array_wrapper: bool = False


@dataclass(frozen=True, slots=True)
class ForXml(Node):
    """`FOR XML mode[(element)], options...`; options are upper-case words, ROOT and ELEMENTS among them."""

    mode: str
    element: str | None = None
    options: tuple[str, ...] = ()
    root: str | None = None


@dataclass(frozen=True, slots=True)
class Query(Node):
    """A query expression with what may follow it; the form of every subquery, CTE, derived table and INSERT source."""

    body: QueryBody
    order_by: tuple[OrderItem, ...] = ()
    offset: Expr | None = None
    fetch: Expr | None = None
    for_json: ForJson | None = None
    for_xml: ForXml | None = None


@dataclass(frozen=True, slots=True)
class Cte(Node):
    """`name [(columns)] AS (query)`; it is recursive when the query names it."""

    name: str
    columns: tuple[str, ...]
    query: Query


@dataclass(frozen=True, slots=True)
class QueryHint(Node):
    """One element of OPTION (...): `RECOMPILE`, `MAXDOP` with value 1, `OPTIMIZE FOR` with its text as value, ...;
    upper case.
    """

    name: str
    value: str | None = None


# --- table sources --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TableSource(Node):
    """Base of what FROM lists."""


@dataclass(frozen=True, slots=True)
class TableHint(Node):
    """`NOLOCK`, `UPDLOCK`, `INDEX` with args ("ix_a",), `FORCESEEK`, ...; upper case name."""

    name: str
    args: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class NamedTable(TableSource):
    """A table, view, CTE, #temp table, synonym, or (in a trigger) inserted / deleted."""

    name: Name
    alias: str | None = None
    hints: tuple[TableHint, ...] = ()


@dataclass(frozen=True, slots=True)
class TableVariable(TableSource):
    """`@t` as a table."""

    name: str
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class DerivedTable(TableSource):
    """`(SELECT ...) AS alias (columns)`."""

    query: Query
    alias: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ValuesTable(TableSource):
    """`(VALUES (...), (...)) AS alias (columns)`."""

    rows: tuple[tuple[Expr, ...], ...]
    alias: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableFunction(TableSource):
    """A table-valued function, built-in (STRING_SPLIT, OPENJSON has its own node) or the user's."""

    name: Name
    args: tuple[Expr, ...]
    alias: str | None = None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenJsonColumn(Node):
    """`name type ['path'] [AS JSON]`; the path still carries its `lax` or `strict`."""

    name: str
    type: TypeName
    path: str | None = None
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class OpenJson(TableSource):
    """`OPENJSON(expr [, path]) [WITH (columns)] alias`; `columns` is None without WITH (key, value, type)."""

    expr: Expr
    path: Expr | None
    columns: tuple[OpenJsonColumn, ...] | None
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Join(TableSource):
    """`kind`: INNER, LEFT, RIGHT, FULL, CROSS (`on` is None only there); `hint`: LOOP, HASH, MERGE, REMOTE or None."""

    kind: str
    left: TableSource
    right: TableSource
    on: Predicate | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Apply(TableSource):
    """`left CROSS | OUTER APPLY right`; `kind` is CROSS or OUTER."""

    kind: str
    left: TableSource
    right: TableSource


@dataclass(frozen=True, slots=True)
class Pivot(TableSource):
    """`source PIVOT (aggregate(columns) FOR column IN ([a], [b])) AS alias`."""

    source: TableSource
    aggregate: Name
    arguments: tuple[ColumnRef, ...]
    column: ColumnRef
    values: tuple[str, ...]
    alias: str


@dataclass(frozen=True, slots=True)
class Unpivot(TableSource):
    """`source UNPIVOT (value_column FOR name_column IN (a, b)) AS alias`."""

    source: TableSource
    value_column: str
    name_column: str
    columns: tuple[ColumnRef, ...]
    alias: str
