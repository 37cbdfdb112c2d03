"""Statements that define: tables, indexes, modules, other objects, permissions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .nodes import Node
from .statements import Statement

if TYPE_CHECKING:
    from .expressions import Expr, Predicate
    from .nodes import Name, TypeName
    from .statements import SelectStatement


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

    `cache` is None for CACHE without a number, too; `restart_value` is None for RESTART without WITH.
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
