"""The syntax tree of T-SQL: what the parser builds and the binder, interpreter and printer read.

Frozen dataclasses; sequences are tuples, so nodes are hashable and compare by structure. Positions (`line`, `span`)
and source
texts do not take part in comparison: two trees are equal when they mean the same syntax. Parentheses leave no node.

Conventions
- Identifiers are plain strings without their quotes, in the case they were written in.
- Variables keep their `@` (`"@id"`), global variables their `@@` (`"@@ROWCOUNT"`).
- Keywords stored in fields are upper case (`Join.kind == "LEFT"`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Node:
    """Base of every node. `line` counts from 1 within the batch."""

    line: int = field(default=0, compare=False, kw_only=True)


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below `node`, in field order."""
    for f in fields(node):
        yield from _nodes(getattr(node, f.name))


def _nodes(value: Any) -> Iterator[Node]:
    if isinstance(value, Node):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _nodes(item)


def walk(node: Node) -> Iterator[Node]:
    """`node` and everything below it, parents first."""
    yield node
    for child in children(node):
        yield from walk(child)


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A possibly qualified object name: 1 to 4 parts, the last being the object; an omitted middle part is ''."""

    parts: tuple[str, ...]

    @property
    def name(self) -> str:
        """The last part."""
        return self.parts[-1]

    @property
    def schema(self) -> str | None:
        """The schema, None where not written."""
        return (self.parts[-2] or None) if len(self.parts) > 1 else None

    @property
    def database(self) -> str | None:
        """The database, None where not written."""
        return (self.parts[-3] or None) if len(self.parts) > 2 else None

    @property
    def server(self) -> str | None:
        """The linked server, None where not written."""
        return (self.parts[-4] or None) if len(self.parts) > 3 else None

    def __str__(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class TypeName(Node):
    """A data type as written: `decimal(10, 2)` has args (10, 2), `nvarchar(max)` has ("max",), `int` has ().

    Types of several words are one part in lower case: `double precision`, `national character varying`.
    """

    name: Name
    args: tuple[int | str, ...] = ()


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


# --- statements: queries and DML ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Statement(Node):
    """Base of every statement. `span` is its (start, end) in `Batch.text`, without a final semicolon."""

    span: tuple[int, int] = field(default=(0, 0), compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class SelectStatement(Statement):
    """`[WITH ctes] query [OPTION (...)]`; also the body of a view and of an inline function."""

    query: Query
    ctes: tuple[Cte, ...] = ()
    options: tuple[QueryHint, ...] = ()


@dataclass(frozen=True, slots=True)
class Output(Node):
    """`OUTPUT items [INTO target [(columns)]]`. A statement has at most one with and one without INTO."""

    items: tuple[SelectItem, ...]
    into: NamedTable | TableVariable | None = None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InsertSource(Node):
    """Base of what INSERT inserts."""


@dataclass(frozen=True, slots=True)
class InsertValues(InsertSource):
    """`VALUES (...), (...)`; an element may be `DefaultValue`."""

    rows: tuple[tuple[Expr, ...], ...]


@dataclass(frozen=True, slots=True)
class InsertQuery(InsertSource):
    """`SELECT ...`, also a parenthesised one."""

    query: Query


@dataclass(frozen=True, slots=True)
class InsertExecute(InsertSource):
    """`EXECUTE ...`."""

    execute: Execute | ExecuteString


@dataclass(frozen=True, slots=True)
class InsertDefaults(InsertSource):
    """`DEFAULT VALUES`."""


@dataclass(frozen=True, slots=True)
class Insert(Statement):
    """INSERT; `columns` is () when not written. The target carries its hints, never an alias."""

    target: NamedTable | TableVariable
    columns: tuple[str, ...]
    source: InsertSource
    top: Top | None = None
    outputs: tuple[Output, ...] = ()
    ctes: tuple[Cte, ...] = ()
    options: tuple[QueryHint, ...] = ()


@dataclass(frozen=True, slots=True)
class Assignment(Node):
    """One element of UPDATE ... SET.

    `column op value`, `@variable op value`, or `@variable = column op value` (both set). `value` may be `DefaultValue`.
    """

    variable: str | None
    column: Name | None
    op: str
    value: Expr


@dataclass(frozen=True, slots=True)
class Update(Statement):
    """UPDATE; the target may be an alias of `from_`, or a CTE."""

    target: NamedTable | TableVariable
    assignments: tuple[Assignment, ...]
    from_: tuple[TableSource, ...] = ()
    where: Predicate | None = None
    top: Top | None = None
    outputs: tuple[Output, ...] = ()
    ctes: tuple[Cte, ...] = ()
    options: tuple[QueryHint, ...] = ()


@dataclass(frozen=True, slots=True)
class Delete(Statement):
    """DELETE; the target may be an alias of `from_`, or a CTE."""

    target: NamedTable | TableVariable
    from_: tuple[TableSource, ...] = ()
    where: Predicate | None = None
    top: Top | None = None
    outputs: tuple[Output, ...] = ()
    ctes: tuple[Cte, ...] = ()
    options: tuple[QueryHint, ...] = ()


@dataclass(frozen=True, slots=True)
class Truncate(Statement):
    """TRUNCATE TABLE."""

    table: Name


# --- statements: variables, control of flow -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VariableDeclaration(Node):
    """`@name type [= value]`."""

    name: str
    type: TypeName
    value: Expr | None = None


@dataclass(frozen=True, slots=True)
class Declare(Statement):
    """DECLARE of scalar variables, of cursor variables (type `cursor`) and of variables of a table type."""

    variables: tuple[VariableDeclaration, ...]


@dataclass(frozen=True, slots=True)
class DeclareTable(Statement):
    """`DECLARE @name TABLE (...)`."""

    name: str
    definition: TableDefinition


@dataclass(frozen=True, slots=True)
class DeclareCursor(Statement):
    """`DECLARE name CURSOR options FOR query [FOR UPDATE [OF columns] | FOR READ ONLY]`; options are upper case words.

    With `name` starting with `@` it is `SET @name = CURSOR ...`.
    """

    name: str
    options: tuple[str, ...]
    query: SelectStatement
    for_update: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class SetVariable(Statement):
    """`SET @v = expr`; `op` may be compound. `SET @cursor_variable = name` has a ColumnRef of one part."""

    variable: str
    op: str
    value: Expr


@dataclass(frozen=True, slots=True)
class SetOption(Statement):
    """`SET a, b ON | OFF`: NOCOUNT, XACT_ABORT, ANSI_NULLS, QUOTED_IDENTIFIER, STATISTICS IO, ...; upper case."""

    options: tuple[str, ...]
    on: bool


@dataclass(frozen=True, slots=True)
class SetValue(Statement):
    """`SET option value`: LOCK_TIMEOUT, DEADLOCK_PRIORITY, DATEFORMAT, DATEFIRST, LANGUAGE, ROWCOUNT, TEXTSIZE,
    CONTEXT_INFO.

    A bare word as value (LOW, dmy, us_english) is a `Bareword`.
    """

    option: str
    value: Expr


@dataclass(frozen=True, slots=True)
class SetIsolation(Statement):
    """`SET TRANSACTION ISOLATION LEVEL level`: READ UNCOMMITTED, READ COMMITTED, REPEATABLE READ, SERIALIZABLE,
    SNAPSHOT.
    """

    level: str


@dataclass(frozen=True, slots=True)
class SetIdentityInsert(Statement):
    """`SET IDENTITY_INSERT table ON | OFF`."""

    table: Name
    on: bool


@dataclass(frozen=True, slots=True)
class Block(Statement):
    """`BEGIN ... END`."""

    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class If(Statement):
    """`IF condition statement [ELSE statement]`."""

    condition: Predicate
    then: Statement
    otherwise: Statement | None = None


@dataclass(frozen=True, slots=True)
class While(Statement):
    """`WHILE condition statement`."""

    condition: Predicate
    body: Statement


@dataclass(frozen=True, slots=True)
class Break(Statement):
    """BREAK."""


@dataclass(frozen=True, slots=True)
class Continue(Statement):
    """CONTINUE."""


@dataclass(frozen=True, slots=True)
class TryCatch(Statement):
    """`BEGIN TRY ... END TRY BEGIN CATCH ... END CATCH`."""

    body: tuple[Statement, ...]
    handler: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Throw(Statement):
    """`THROW` (all None, inside CATCH) or `THROW number, message, state`: literals or variables."""

    number: Expr | None = None
    message: Expr | None = None
    state: Expr | None = None


@dataclass(frozen=True, slots=True)
class Raiserror(Statement):
    """`RAISERROR (message, severity, state, args...) WITH options`; options NOWAIT, LOG, SETERROR. Message may be a
    number.
    """

    message: Expr
    severity: Expr
    state: Expr
    args: tuple[Expr, ...] = ()
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Print(Statement):
    """PRINT."""

    value: Expr


@dataclass(frozen=True, slots=True)
class Return(Statement):
    """RETURN [value]."""

    value: Expr | None = None


@dataclass(frozen=True, slots=True)
class Goto(Statement):
    """GOTO label."""

    label: str


@dataclass(frozen=True, slots=True)
class Label(Statement):
    """`label:`."""

    name: str


@dataclass(frozen=True, slots=True)
class WaitFor(Statement):
    """`WAITFOR DELAY | TIME value`; `kind` is DELAY or TIME."""

    kind: str
    value: Expr


@dataclass(frozen=True, slots=True)
class Use(Statement):
    """USE database."""

    database: str


@dataclass(frozen=True, slots=True)
class BeginTransaction(Statement):
    """BEGIN TRANSACTION [name | @variable] [WITH MARK]."""

    name: str | None = None
    mark: str | None = None


@dataclass(frozen=True, slots=True)
class Commit(Statement):
    """COMMIT [TRANSACTION | WORK] [name]."""

    name: str | None = None


@dataclass(frozen=True, slots=True)
class Rollback(Statement):
    """ROLLBACK [TRANSACTION | WORK] [name | savepoint | @variable]."""

    name: str | None = None


@dataclass(frozen=True, slots=True)
class SaveTransaction(Statement):
    """SAVE TRANSACTION savepoint | @variable."""

    name: str


@dataclass(frozen=True, slots=True)
class ExecArgument(Node):
    """`[@name =] value [OUTPUT]`; value is a literal, `Variable`, `Bareword` or `DefaultValue`."""

    value: Expr
    name: str | None = None
    output: bool = False


@dataclass(frozen=True, slots=True)
class Execute(Statement):
    """`EXECUTE [@r =] procedure args`; `procedure` is a Name, or a Variable that holds the name.

    `result_sets` is None without WITH RESULT SETS, else its text ("UNDEFINED", "NONE", "((...))").
    """

    procedure: Name | Variable
    args: tuple[ExecArgument, ...] = ()
    return_variable: str | None = None
    recompile: bool = False
    result_sets: str | None = None


@dataclass(frozen=True, slots=True)
class ExecuteString(Statement):
    """`EXECUTE ('...' + @v + ...)`; parts are StringLiterals and Variables, to be concatenated."""

    parts: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class OpenCursor(Statement):
    """OPEN cursor; a cursor variable keeps its `@`."""

    cursor: str


@dataclass(frozen=True, slots=True)
class FetchCursor(Statement):
    """`FETCH [direction [offset]] FROM cursor INTO variables`; NEXT, PRIOR, FIRST, LAST, ABSOLUTE, RELATIVE."""

    cursor: str
    direction: str = "NEXT"
    offset: Expr | None = None
    into: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CloseCursor(Statement):
    """CLOSE cursor."""

    cursor: str


@dataclass(frozen=True, slots=True)
class DeallocateCursor(Statement):
    """DEALLOCATE cursor."""

    cursor: str


# --- statements: tables and indexes ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Option(Node):
    """`name = value` or `name`, of WITH (...) and SET: upper case; a literal value as written."""

    name: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class IndexColumn(Node):
    """A key column of an index or constraint."""

    name: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Constraint(Node):
    """Base of constraints; `name` is None where the server would choose one."""

    name: str | None


@dataclass(frozen=True, slots=True)
class KeyConstraint(Constraint):
    """PRIMARY KEY or UNIQUE. On a column, `columns` is (). `clustered` is None when not written."""

    primary: bool
    clustered: bool | None = None
    columns: tuple[IndexColumn, ...] = ()
    options: tuple[Option, ...] = ()
    filegroup: str | None = None


@dataclass(frozen=True, slots=True)
class ForeignKey(Constraint):
    """`FOREIGN KEY (columns) REFERENCES table (ref_columns)`; on a column `columns` is ().

    Actions: NO ACTION, CASCADE, SET NULL, SET DEFAULT, or None.
    """

    columns: tuple[str, ...]
    table: Name
    ref_columns: tuple[str, ...]
    on_delete: str | None = None
    on_update: str | None = None


@dataclass(frozen=True, slots=True)
class CheckConstraint(Constraint):
    """`CHECK (condition)`."""

    condition: Predicate


@dataclass(frozen=True, slots=True)
class DefaultConstraint(Constraint):
    """`DEFAULT value`; `column` only in `ALTER TABLE ... ADD DEFAULT value FOR column`."""

    value: Expr
    column: str | None = None
    with_values: bool = False


@dataclass(frozen=True, slots=True)
class Identity(Node):
    """`IDENTITY(seed, increment)`, by default (1, 1)."""

    seed: int = 1
    increment: int = 1


@dataclass(frozen=True, slots=True)
class ColumnDef(Node):
    """A column: either `type` or `computed` is set (`rowversion` / `timestamp` without a type name: name "timestamp").

    `nullable` is None when neither NULL nor NOT NULL is written. `constraints` holds the inline ones, DEFAULT among
    them.
    `index` is an inline INDEX of the column.
    """

    name: str
    type: TypeName | None
    computed: Expr | None = None
    persisted: bool = False
    nullable: bool | None = None
    collation: str | None = None
    identity: Identity | None = None
    rowguidcol: bool = False
    sparse: bool = False
    constraints: tuple[Constraint, ...] = ()
    index: IndexDef | None = None


@dataclass(frozen=True, slots=True)
class IndexDef(Node):
    """An index as defined inline in a table or by CREATE INDEX. `clustered` is None when not written."""

    name: str
    columns: tuple[IndexColumn, ...]
    unique: bool = False
    clustered: bool | None = None
    include: tuple[str, ...] = ()
    where: Predicate | None = None
    options: tuple[Option, ...] = ()
    filegroup: str | None = None


@dataclass(frozen=True, slots=True)
class TableDefinition(Node):
    """What stands between the parentheses of CREATE TABLE, of a table variable, of a table type."""

    columns: tuple[ColumnDef, ...]
    constraints: tuple[Constraint, ...] = ()
    indexes: tuple[IndexDef, ...] = ()


@dataclass(frozen=True, slots=True)
class CreateTable(Statement):
    """CREATE TABLE."""

    name: Name
    definition: TableDefinition
    options: tuple[Option, ...] = ()
    filegroup: str | None = None
    textimage_filegroup: str | None = None


@dataclass(frozen=True, slots=True)
class AlterAction(Node):
    """Base of what ALTER TABLE does."""


@dataclass(frozen=True, slots=True)
class AddElements(AlterAction):
    """`[WITH CHECK | NOCHECK] ADD columns, constraints, indexes`; `check` is None when not written."""

    definition: TableDefinition
    check: bool | None = None


@dataclass(frozen=True, slots=True)
class DropElement(Node):
    """`kind` is COLUMN or CONSTRAINT."""

    kind: str
    name: str
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class DropElements(AlterAction):
    """`DROP COLUMN a, CONSTRAINT b`."""

    elements: tuple[DropElement, ...]


@dataclass(frozen=True, slots=True)
class AlterColumn(AlterAction):
    """`ALTER COLUMN name type [COLLATE c] [NULL | NOT NULL]`, or with `change` ADD | DROP of ROWGUIDCOL, PERSISTED,
    SPARSE.
    """

    name: str
    type: TypeName | None
    nullable: bool | None = None
    collation: str | None = None
    change: str | None = None


@dataclass(frozen=True, slots=True)
class CheckExisting(AlterAction):
    """`[WITH CHECK | NOCHECK] CHECK | NOCHECK CONSTRAINT names`; names () is ALL."""

    enable: bool
    names: tuple[str, ...]
    check: bool | None = None


@dataclass(frozen=True, slots=True)
class EnableTrigger(AlterAction):
    """`ENABLE | DISABLE TRIGGER names`; names () is ALL."""

    enable: bool
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetTableOptions(AlterAction):
    """`SET (LOCK_ESCALATION = ...)`, `REBUILD WITH (...)` has `rebuild`."""

    options: tuple[Option, ...]
    rebuild: bool = False


@dataclass(frozen=True, slots=True)
class AlterTable(Statement):
    """ALTER TABLE: one action."""

    name: Name
    action: AlterAction


@dataclass(frozen=True, slots=True)
class CreateIndex(Statement):
    """CREATE INDEX; `table` is a table or an indexed view."""

    table: Name
    index: IndexDef


@dataclass(frozen=True, slots=True)
class AlterIndex(Statement):
    """`ALTER INDEX name | ALL ON table REBUILD | REORGANIZE | DISABLE | SET`; name None is ALL."""

    name: str | None
    table: Name
    action: str
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class DroppedIndex(Node):
    """`name ON table`."""

    name: str
    table: Name


@dataclass(frozen=True, slots=True)
class DropIndex(Statement):
    """DROP INDEX."""

    indexes: tuple[DroppedIndex, ...]
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class Drop(Statement):
    """`DROP kind [IF EXISTS] names`: TABLE, VIEW, PROCEDURE, FUNCTION, TRIGGER, SCHEMA, TYPE, SEQUENCE, SYNONYM, ROLE,
    USER, ...
    """

    kind: str
    names: tuple[Name, ...]
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class CreateStatistics(Statement):
    """CREATE STATISTICS name ON table (columns) [WHERE ...] [WITH options]."""

    name: str
    table: Name
    columns: tuple[str, ...]
    where: Predicate | None = None
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class UpdateStatistics(Statement):
    """UPDATE STATISTICS table [names] [WITH options]."""

    table: Name
    names: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()


# --- statements: modules --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parameter(Node):
    """A parameter of a procedure or function; `default` None: there is none (DEFAULT NULL is a NullLiteral)."""

    name: str
    type: TypeName
    default: Expr | None = None
    output: bool = False
    readonly: bool = False


@dataclass(frozen=True, slots=True)
class Module(Statement):
    """Base of procedures, functions, views and triggers.

    `action` is CREATE, ALTER or CREATE OR ALTER. `text` is the whole batch as written, what sys.sql_modules stores.
    `options` are upper case: RECOMPILE, SCHEMABINDING, ENCRYPTION, EXECUTE AS with value CALLER | OWNER | SELF |
    'user', ...
    """

    action: str
    name: Name
    text: str = field(compare=False)
    options: tuple[Option, ...] = field(kw_only=True, default=())


@dataclass(frozen=True, slots=True)
class CreateProcedure(Module):
    """CREATE PROCEDURE."""

    parameters: tuple[Parameter, ...]
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class CreateScalarFunction(Module):
    """CREATE FUNCTION ... RETURNS type AS BEGIN ... END."""

    parameters: tuple[Parameter, ...]
    returns: TypeName
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class CreateInlineFunction(Module):
    """CREATE FUNCTION ... RETURNS TABLE AS RETURN (SELECT ...)."""

    parameters: tuple[Parameter, ...]
    query: SelectStatement


@dataclass(frozen=True, slots=True)
class CreateTableFunction(Module):
    """CREATE FUNCTION ... RETURNS @result TABLE (...) AS BEGIN ... END."""

    parameters: tuple[Parameter, ...]
    variable: str
    definition: TableDefinition
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class CreateView(Module):
    """CREATE VIEW name (columns) AS query [WITH CHECK OPTION]."""

    columns: tuple[str, ...]
    query: SelectStatement
    check_option: bool = False


@dataclass(frozen=True, slots=True)
class CreateTrigger(Module):
    """A DML trigger: `timing` is AFTER (also FOR) or INSTEAD OF; `events` of INSERT, UPDATE, DELETE."""

    table: Name
    timing: str
    events: tuple[str, ...]
    body: tuple[Statement, ...]


# --- statements: other objects, permissions -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CreateSchema(Statement):
    """CREATE SCHEMA name [AUTHORIZATION owner]."""

    name: str
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class CreateType(Statement):
    """`CREATE TYPE name FROM base [NULL | NOT NULL]` or `CREATE TYPE name AS TABLE (...)`: `base` or `definition` is
    set.
    """

    name: Name
    base: TypeName | None = None
    nullable: bool | None = None
    definition: TableDefinition | None = None


@dataclass(frozen=True, slots=True)
class CreateSequence(Statement):
    """CREATE | ALTER SEQUENCE. NO MINVALUE and the like are None; `restart` and `alter` belong to ALTER.

    `cache` is 0 for CACHE without a number; `restart_value` is None for RESTART without WITH.
    """

    name: Name
    type: TypeName | None = None
    start: int | None = None
    increment: int | None = None
    minimum: int | None = None
    maximum: int | None = None
    cycle: bool | None = None
    cache: int | None = None
    no_cache: bool = False
    alter: bool = False
    restart: bool = False
    restart_value: int | None = None


@dataclass(frozen=True, slots=True)
class CreateSynonym(Statement):
    """CREATE SYNONYM name FOR target."""

    name: Name
    target: Name


@dataclass(frozen=True, slots=True)
class CreateRole(Statement):
    """CREATE ROLE name [AUTHORIZATION owner]."""

    name: str
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class AlterRole(Statement):
    """`ALTER ROLE role ADD | DROP MEMBER member`, or `WITH NAME = member` with change NAME."""

    role: str
    change: str
    member: str


@dataclass(frozen=True, slots=True)
class CreateUser(Statement):
    """CREATE USER name [FOR LOGIN login | WITHOUT LOGIN | FOR CERTIFICATE c] [WITH options].

    `source` is LOGIN, WITHOUT LOGIN, CERTIFICATE, ASYMMETRIC KEY, EXTERNAL PROVIDER or None.
    """

    name: str
    source: str | None = None
    source_name: str | None = None
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class GrantedPermission(Node):
    """`EXECUTE`, `SELECT (a, b)`, `VIEW DEFINITION`, `ALL`; upper case."""

    name: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangePermission(Statement):
    """GRANT, DENY or REVOKE. `securable_class` is OBJECT, SCHEMA, TYPE, ROLE, ... or None; without ON, `securable` is
    None.
    """

    action: str
    permissions: tuple[GrantedPermission, ...]
    securable_class: str | None
    securable: Name | None
    principals: tuple[str, ...]
    grant_option: bool = False
    cascade: bool = False
    grantor: str | None = None


@dataclass(frozen=True, slots=True)
class ExecuteAs(Statement):
    """`EXECUTE AS USER | LOGIN = name`, `EXECUTE AS CALLER`; `kind` is USER, LOGIN or CALLER."""

    kind: str
    principal: Expr | None = None


@dataclass(frozen=True, slots=True)
class Revert(Statement):
    """REVERT."""


@dataclass(frozen=True, slots=True)
class AlterDatabaseSet(Statement):
    """ALTER DATABASE name SET options [WITH termination]; database None is CURRENT."""

    database: str | None
    options: tuple[Option, ...]
    termination: str | None = None


@dataclass(frozen=True, slots=True)
class Dbcc(Statement):
    """`DBCC command (args) WITH options`; command and options upper case."""

    command: str
    args: tuple[Expr, ...] = ()
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Opaque(Statement):
    """A statement that is read but not taken apart: certificates, signatures, ALTER AUTHORIZATION. `kind` is its first
    words.
    """

    kind: str
    text: str


# --- batches --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Batch(Node):
    """What is sent to the server at once; `text` is its source, to which the spans refer."""

    statements: tuple[Statement, ...]
    text: str = field(default="", compare=False)
