"""Statements: queries and changes of rows, variables, control of flow, batches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .nodes import Node

if TYPE_CHECKING:
    from .definitions import TableDefinition
    from .expressions import Expr, Predicate, Variable
    from .nodes import Name, TypeName
    from .queries import Cte, NamedTable, Query, QueryHint, SelectItem, TableSource, TableVariable, Top


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


# --- batches --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Batch(Node):
    """What is sent to the server at once; `text` is its source, to which the spans refer."""

    statements: tuple[Statement, ...]
    text: str = field(default="", compare=False)
