"""How a table is made: definitions from the syntax tree, SQLite's tables and indexes, and the rows of the catalog."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import apsw

from . import binder, clock, tree
from .catalog import (
    Check,
    Column,
    ForeignKey,
    Identity,
    Index,
    KeyColumn,
    Table,
    View,
    quote,
    type_ids,
    type_text,
)
from .collation import check as check_collation
from .collation import equality_collation
from .errors import SqlError, Unsupported, sql_error
from .parser import parse_condition, parse_expression
from .session import TICKS_TO_1900, Session
from .types import DEFAULT_COLLATION, SqlType
from .units import Names, alias_id, resolve_type

if TYPE_CHECKING:
    pass

KEY_OPTIONS: Final = frozenset(
    "PAD_INDEX STATISTICS_NORECOMPUTE SORT_IN_TEMPDB DROP_EXISTING ONLINE ALLOW_ROW_LOCKS ALLOW_PAGE_LOCKS"
    " MAXDOP FILLFACTOR"
    " DATA_COMPRESSION OPTIMIZE_FOR_SEQUENTIAL_KEY STATISTICS_INCREMENTAL RESUMABLE".split()
)
"""Options of indexes and tables that change no answer."""


# --- definitions ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Definition:
    """A table as it is to be made. Indexes carry no ids yet; names may be None until they are chosen."""

    columns: list[Column]
    keys: list[tuple[tree.KeyConstraint, tuple[KeyColumn, ...]]]
    indexes: list[tree.IndexDef]
    checks: list[tuple[str | None, str, str | None]]
    foreign_keys: list[tree.ForeignKey]
    default_names: dict[str, str | None]


CHANGING: Final = frozenset(
    "GETDATE GETUTCDATE SYSDATETIME SYSUTCDATETIME SYSDATETIMEOFFSET CURRENT_TIMESTAMP NEWID RAND".split()
)
"""Functions that say something else each time."""


def no_default(table: str, column: str, identity: bool, type_: SqlType) -> None:
    """Errors 1754 and 1755 for a DEFAULT of an identity or rowversion column."""
    where = f"Table '{table}', column '{column}'."
    if identity:
        raise SqlError(1754, f"Defaults cannot be created on columns with an IDENTITY attribute. {where}")
    if type_.name == "rowversion":
        raise SqlError(1755, f"Defaults cannot be created on columns of data type timestamp. {where}")


def column_of(session: Session, node: tree.ColumnDef, table: str) -> Column:
    """A column from its definition. Errors 2715 and kin, 2749, 8111."""
    if node.sparse:
        raise Unsupported("SPARSE columns", node.line)
    if node.computed is not None:
        return Column(node.name, SqlType("int"), True, computed=node.computed, persisted=node.persisted)
    assert node.type is not None
    try:
        type_ = resolve_type(node.type, session, node.line)
    except SqlError as error:
        if error.number != 192:
            raise
        precision, scale = node.type.args
        text = f"The scale ({scale}) for column '{node.name}' must be within the range 0 to {precision}."
        raise SqlError(183, text, 15) from None
    if type_.is_string:
        type_ = type_.with_collation(
            check_collation(node.collation) if node.collation else DEFAULT_COLLATION, "implicit"
        )
    elif node.collation:
        raise sql_error(447, type_.display_name)
    primary = any(isinstance(c, tree.KeyConstraint) and c.primary for c in node.constraints)
    if node.nullable and primary:
        raise sql_error(8111, table)
    nullable = node.nullable
    if nullable is None:
        user = session.catalog.user_type(node.type.name.schema, node.type.name.name)
        nullable = not primary and node.identity is None and type_.name != "rowversion" and type_.nullable
        if user is not None:
            nullable = user.nullable and not primary
    identity = None
    if node.identity is not None:
        exact = type_.name in ("int", "bigint", "smallint", "tinyint") or (type_.is_decimal and type_.scale == 0)
        if not exact:
            raise sql_error(2749, node.name)
        if node.nullable:
            raise sql_error(8147, node.name, table)
        identity = Identity(node.identity.seed, node.identity.increment)
    default = None
    for constraint in node.constraints:
        if isinstance(constraint, tree.DefaultConstraint):
            if default is not None:
                raise sql_error(1781)
            no_default(table, node.name, identity is not None, type_)
            default = default_text(constraint.value)
    return Column(
        node.name,
        type_.with_nullable(nullable),
        nullable,
        identity=identity,
        default=default,
        rowguidcol=node.rowguidcol,
        user_type=alias_id(node.type, session),
    )


def default_text(value: tree.Expr) -> str:
    """The definition of a default as sys.default_constraints shows it: a number has parentheses of its own."""
    from .printer import print_node

    text = print_node(value)
    return f"(({text}))" if isinstance(value, tree.IntLiteral | tree.DecimalLiteral | tree.Unary) else f"({text})"


def define(session: Session, name: str, node: tree.TableDefinition) -> Definition:
    """Columns and constraints of a CREATE TABLE. Errors 2705, 2738, 2744, 8110 and those of columns."""
    from .printer import print_node

    columns = [column_of(session, c, name) for c in node.columns]
    seen: set[str] = set()
    for column in columns:
        if column.name.lower() in seen:
            raise sql_error(2705, column.name, name)
        seen.add(column.name.lower())
    if sum(c.identity is not None for c in columns) > 1:
        raise sql_error(2744, name)
    stamps = [c for c in columns if c.is_rowversion]
    if len(stamps) > 1:
        raise sql_error(2738, name, stamps[1].name)
    made = Definition(columns, [], list(node.indexes), [], [], {})
    for c in node.columns:
        for constraint in c.constraints:
            if isinstance(constraint, tree.KeyConstraint):
                made.keys.append((constraint, (KeyColumn(c.name),)))
            elif isinstance(constraint, tree.CheckConstraint):
                made.checks.append((constraint.name, f"({print_node(constraint.condition)})", c.name))
            elif isinstance(constraint, tree.ForeignKey):
                made.foreign_keys.append(replace(constraint, columns=(c.name,)))
            elif isinstance(constraint, tree.DefaultConstraint):
                made.default_names[c.name.lower()] = constraint.name
            else:
                raise Unsupported(type(constraint).__name__, c.line)
        if c.index is not None:
            columns_of_index = c.index.columns or (tree.IndexColumn(c.name),)
            made.indexes.append(replace(c.index, columns=columns_of_index))
    for constraint in node.constraints:
        if isinstance(constraint, tree.KeyConstraint):
            made.keys.append((constraint, tuple(KeyColumn(k.name, k.descending) for k in constraint.columns)))
        elif isinstance(constraint, tree.CheckConstraint):
            made.checks.append((constraint.name, f"({print_node(constraint.condition)})", None))
        elif isinstance(constraint, tree.ForeignKey):
            made.foreign_keys.append(constraint)
        else:
            raise Unsupported(type(constraint).__name__, node.line)
    if sum(k.primary for k, _ in made.keys) > 1:
        raise sql_error(8110, name)
    for key, key_columns in made.keys:
        if key.primary:
            names = {k.name.lower() for k in key_columns}
            for i, column in enumerate(made.columns):
                if column.name.lower() in names:
                    written = next((c.nullable for c in node.columns if c.name.lower() == column.name.lower()), None)
                    if written:
                        raise sql_error(8111, name)
                    made.columns[i] = replace(column, nullable=False, type=column.type.with_nullable(False))
    _check_clustered(name, made)
    return made


def _check_clustered(name: str, definition: Definition) -> None:
    clustered = [k for k, _ in definition.keys if k.clustered]
    if len(clustered) + sum(bool(i.clustered) for i in definition.indexes) > 1:
        raise sql_error(8112, name)


def checkindex_columns_of(table: Table, columns: Iterable[KeyColumn], what: str) -> None:
    """Errors 1911 (no such column), 1909 (twice), 1919 (type)."""
    seen: set[str] = set()
    for key in columns:
        column = table.column(key.name)
        if column is None:
            raise sql_error(1911, key.name)
        if key.name.lower() in seen:
            raise sql_error(1909, what, key.name)
        seen.add(key.name.lower())
        if not key.included and (column.type.length == -1):
            raise sql_error(1919, column.name, table.name)
        if column.computed is not None:
            raise Unsupported(f"An index on the computed column {column.name}")


def table_sql(table: Table, sqlite_name: str | None = None) -> str:
    """SQLite's CREATE TABLE: no affinities, the collations of the strings."""
    columns = ["_rowid INTEGER PRIMARY KEY"]
    for column in table.stored:
        name = equality_collation(column.type)
        columns.append(quote(column.name) + (f" COLLATE {name}" if name else ""))
    target = f"{table.sqlite_schema}.{quote(sqlite_name or table.sqlite_name)}"
    return f"CREATE TABLE {target} ({', '.join(columns)})"


def index_sql(session: Session, table: Table, index: Index) -> list[str]:
    """SQLite's CREATE INDEX statements of an index."""
    where = ""
    if index.filter is not None:
        scalar = binder.bind_check(parse_condition(index.filter), table, Names(session, {}))
        where = f" WHERE {scalar.sql}"
    parts = []
    for key in index.columns:
        if not key.included:
            parts.append(quote(key.name) + (" DESC" if key.descending else ""))
    seen = {k.lower() for k in index.key}
    nullable = [c for c in index.key if table.by_name[c.lower()].nullable]
    unique = "UNIQUE " if index.unique and index.guard is None else ""
    if not unique:
        # Included columns follow the key, so that the index alone answers the query, as it does there. No one seeks
        # them: any order will do, and SQLite's own is the cheapest.
        parts += [f"{quote(k.name)} COLLATE BINARY" for k in index.columns if k.included and k.name.lower() not in seen]
    made = [
        f"CREATE {unique}INDEX {table.sqlite_schema}.{quote(index.sqlite_name)} ON {quote(table.sqlite_name)}"
        f" ({', '.join(parts)}){where}"
    ]
    if index.guard is not None:
        terms = []
        for name in index.key:
            column = table.by_name[name.lower()]
            collation = equality_collation(column.type)
            collate = f" COLLATE {collation}" if collation else ""
            # Binary values are equal when they differ in zero bytes at their ends alone.
            value = f"ts_trim_zeros({quote(name)})" if column.type.name == "varbinary" else quote(name)
            if name in nullable:
                terms += [f"{quote(name)} IS NULL", f"ifnull({value}, 0){collate}"]
            else:
                terms.append(f"{value}{collate}")
        made.append(
            f"CREATE UNIQUE INDEX {table.sqlite_schema}.{quote(index.guard)} ON {quote(table.sqlite_name)}"
            f" ({', '.join(terms)}){where}"
        )
    return made


def guard_of(table: Table, columns: Sequence[KeyColumn], unique: bool, name: str) -> str | None:
    """The name of the second unique index that a unique index over nullable or varbinary columns needs."""
    keys = [table.by_name[k.name.lower()] for k in columns if not k.included]
    if unique and any(c.nullable or c.type.name == "varbinary" for c in keys):
        return f"{name}:nulls"
    return None


def options_allowed(options: Iterable[tree.Option], line: int) -> None:
    """Refuse options that change answers."""
    for option in options:
        if option.name == "IGNORE_DUP_KEY" and (option.value or "").upper() == "OFF":
            continue
        if option.name not in KEY_OPTIONS:
            raise Unsupported(f"Option {option.name}", line)


def temporary(
    session: Session, name: str, sqlite_name: str, node: tree.TableDefinition, kind: str
) -> tuple[Table, tuple[str, ...]]:
    """A #temp table or table variable: its description and the SQLite statements that make it."""
    definition = define(session, name, node)
    if definition.foreign_keys:
        raise Unsupported("FOREIGN KEY in a temporary table", node.line)
    return temporary_of(session, name, sqlite_name, definition, kind)


def temporary_of(
    session: Session, name: str, sqlite_name: str, definition: Definition, kind: str
) -> tuple[Table, tuple[str, ...]]:
    """The same from a definition."""
    columns = tuple(replace(c, column_id=i) for i, c in enumerate(definition.columns, 1))
    table = Table(name, "dbo", columns, "temp", "", 0, kind)
    indexes: list[Index] = []
    for key, key_columns in definition.keys:
        checkindex_columns_of(table, key_columns, "index")
        chosen = key.name or f"{'PK' if key.primary else 'UQ'}__{name.strip('#@')[:8]}__{digest(name, len(indexes))}"
        indexes.append(
            Index(
                chosen, len(indexes) + 1, True, bool(key.clustered), key_columns, primary=key.primary, constraint=True
            )
        )
    for item in definition.indexes:
        options_allowed(item.options, item.line)
        index_columns = index_columns_of(item)
        checkindex_columns_of(table, index_columns, "index")
        indexes.append(
            Index(item.name, len(indexes) + 1, item.unique, bool(item.clustered), index_columns, filter_of(item))
        )
    shape = repr((columns, [(i.columns, i.filter, i.unique) for i in indexes], definition.checks))
    made_name = f"{sqlite_name}.{hashlib.blake2b(shape.encode(), digest_size=6).hexdigest()}"
    checks = tuple(
        Check(n or f"CK__{name.strip('#@')[:9]}__{digest(name, i)}", 0, text, c)
        for i, (n, text, c) in enumerate(definition.checks)
    )
    named = tuple(
        replace(
            i,
            sqlite_name=f"{made_name}.{i.index_id}",
            guard=guard_of(table, i.columns, i.unique, f"{made_name}.{i.index_id}"),
        )
        for i in indexes
    )
    table = replace(table, sqlite_name=made_name, indexes=named, checks=checks, by_name={})
    statements = [table_sql(table)]
    for index in named:
        statements += index_sql(session, table, index)
    return table, tuple(statements)


def index_columns_of(item: tree.IndexDef) -> tuple[KeyColumn, ...]:
    return (
        *(KeyColumn(c.name, c.descending) for c in item.columns),
        *(KeyColumn(c, included=True) for c in item.include),
    )


def filter_of(item: tree.IndexDef) -> str | None:
    from .printer import print_node

    return f"({print_node(item.where)})" if item.where is not None else None


def digest(*values: object) -> str:
    return hashlib.blake2b(repr(values).encode(), digest_size=4).hexdigest().upper()


# --- stored tables ----------------------------------------------------------------------------------------------------


class Changer:
    """Changes the catalog of a session's database; used inside `Session.writing`."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.db = session.db
        self.now = (clock.now(session.path) - TICKS_TO_1900) * 3 // 100_000

    def new_id(self) -> int:
        """An object id."""
        value = int(self.db.execute("SELECT value FROM main._ts_counters WHERE name = 'object_id'").get)
        following = value + 16000057
        if following > 2147483647:
            following -= 2147483647 - 7
        while self.db.execute("SELECT 1 FROM main._ts_objects WHERE object_id = ?", (following,)).fetchone():
            following += 1
        self.db.execute("UPDATE main._ts_counters SET value = ? WHERE name = 'object_id'", (following,))
        return value

    def schema_id(self, schema: str) -> int:
        """Error 2760."""
        found = self.session.catalog.schemas.get(schema.lower())
        if found is None:
            raise sql_error(2760, schema)
        return found

    def add_object(self, schema: str, name: str, type_: str, parent: int = 0) -> int:
        """A row of sys.objects. Error 2714 when the name is taken."""
        schema_id = self.schema_id(schema)
        if self.db.execute(
            "SELECT 1 FROM main._ts_objects WHERE schema_id = ? AND name = ?", (schema_id, name)
        ).fetchone():
            raise sql_error(2714, name, state=6 if type_ == "U" else 3)
        object_id = self.new_id()
        self.db.execute(
            "INSERT INTO main._ts_objects VALUES (?, ?, ?, ?, ?, ?, ?)",
            (object_id, schema_id, name, type_, parent, self.now, self.now),
        )
        return object_id

    def touch(self, object_id: int) -> None:
        """modify_date."""
        self.db.execute("UPDATE main._ts_objects SET modify_date = ? WHERE object_id = ?", (self.now, object_id))

    def remove_object(self, object_id: int) -> None:
        """An object and everything that is said of it."""
        for table, column in (
            ("_ts_objects", "object_id"),
            ("_ts_modules", "object_id"),
            ("_ts_parameters", "object_id"),
            ("_ts_columns", "object_id"),
            ("_ts_sequences", "object_id"),
            ("_ts_permissions", "major_id"),
            ("_ts_properties", "major_id"),
        ):
            where = " AND class = 1" if column == "major_id" else ""
            self.db.execute(f"DELETE FROM main.{table} WHERE {column} = ?{where}", (object_id,))

    # -- columns and constraints

    def add_column(self, object_id: int, column: Column, default_name: str | None, schema: str, table: str) -> None:
        """A row of sys.columns, and its default constraint."""
        from .printer import print_node

        system, user, length, precision, scale = type_ids(column.type)
        self.db.execute(
            "INSERT INTO main._ts_columns VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                object_id,
                column.column_id,
                column.name,
                type_text(column.type),
                system,
                column.user_type or user,
                length,
                precision,
                scale,
                (column.type.collation or DEFAULT_COLLATION) if column.type.is_string else None,
                int(column.nullable),
                int(column.rowguidcol),
                column.identity.seed if column.identity else None,
                column.identity.increment if column.identity else None,
                f"({print_node(column.computed)})" if column.computed is not None else None,
                int(column.persisted),
                0,
            ),
        )
        if column.default is not None:
            self.add_default(object_id, column, default_name, schema, table)

    def add_default(self, object_id: int, column: Column, name: str | None, schema: str, table: str) -> None:
        """A default constraint."""
        constraint = name or f"DF__{table[:9]}__{column.name[:5]}__{digest(table, column.name, self.new_id())}"
        constraint_id = self.add_object(schema, constraint, "D", object_id)
        self.db.execute(
            "INSERT INTO main._ts_defaults VALUES (?, ?, ?, ?, ?)",
            (constraint_id, object_id, column.column_id, column.default, int(name is None)),
        )
        self.db.execute(
            "UPDATE main._ts_columns SET default_object_id = ? WHERE object_id = ? AND column_id = ?",
            (constraint_id, object_id, column.column_id),
        )

    def add_index(
        self,
        table: Table,
        name: str,
        columns: tuple[KeyColumn, ...],
        *,
        unique: bool,
        clustered: bool,
        where: str | None = None,
        primary: bool = False,
        constraint_id: int = 0,
        system_named: bool = False,
    ) -> Index:
        """An index of a stored table, in the catalog and in SQLite. Errors 1902, 1913, 1505."""
        checkindex_columns_of(table, columns, "index")
        for other in table.indexes:
            if other.name.lower() == name.lower():
                raise sql_error(1913, name, "table", f"{table.schema}.{table.name}")
            if clustered and other.clustered:
                raise sql_error(1902, "table", table.name, other.name)
        taken = {i.index_id for i in table.indexes}
        index_id = 1 if clustered else next(i for i in range(2, 2000) if i not in taken)
        sqlite_name = f"ix:{table.object_id}:{index_id}:{self.new_id()}"
        index = Index(
            name,
            index_id,
            unique,
            clustered,
            columns,
            where,
            primary,
            bool(constraint_id) and unique,
            constraint_id,
            sqlite_name,
            guard_of(table, columns, unique, sqlite_name),
        )
        self.build_index(table, index)
        self.db.execute(
            "INSERT INTO main._ts_indexes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)",
            (
                table.object_id,
                index_id,
                name,
                1 if clustered else 2,
                int(unique),
                int(primary),
                int(bool(constraint_id) and not primary),
                constraint_id,
                where,
                sqlite_name,
                index.guard,
                int(system_named),
            ),
        )
        ordinal = 0
        for i, key in enumerate(columns, 1):
            if not key.included:
                ordinal += 1
            self.db.execute(
                "INSERT INTO main._ts_index_columns VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    table.object_id,
                    index_id,
                    i,
                    table.by_name[key.name.lower()].column_id,
                    0 if key.included else ordinal,
                    int(key.descending),
                    int(key.included),
                ),
            )
        return index

    def build_index(self, table: Table, index: Index) -> None:
        """SQLite's indexes. Error 1505 when the rows there are not unique."""
        for sql in index_sql(self.session, table, index):
            try:
                self.session.ddl(sql)
            except apsw.ConstraintError:
                raise self._not_unique(table, index) from None

    def _not_unique(self, table: Table, index: Index) -> SqlError:
        from .dml import Writer

        names = ", ".join(quote(c) for c in index.key)
        row = self.db.execute(
            f"SELECT {names} FROM {table.sql} GROUP BY {names} HAVING count(*) > 1 LIMIT 1"
        ).fetchone()
        assert self.session.interpreter is not None
        shower = Writer(self.session.interpreter, self.session.interpreter.frame)  # type: ignore[arg-type]
        shown = ", ".join(
            shower._shown(v, table.by_name[c.lower()]) for v, c in zip(row or (), index.key, strict=False)
        )
        return sql_error(1505, f"{table.schema}.{table.name}", index.name, f"({shown})")

    def drop_index(self, table: Table, index: Index) -> None:
        """An index goes, from the catalog and from SQLite."""
        for name in (index.sqlite_name, index.guard):
            if name:
                self.session.ddl(f"DROP INDEX main.{quote(name)}")
        for where in ("_ts_indexes", "_ts_index_columns"):
            self.db.execute(
                f"DELETE FROM main.{where} WHERE object_id = ? AND index_id = ?", (table.object_id, index.index_id)
            )

    def add_key(self, table: Table, node: tree.KeyConstraint, columns: tuple[KeyColumn, ...]) -> None:
        """PRIMARY KEY or UNIQUE."""
        options_allowed(node.options, node.line)
        has_clustered = any(i.clustered for i in table.indexes)
        clustered = node.clustered if node.clustered is not None else (node.primary and not has_clustered)
        name = node.name
        if name is None:
            number = digest(table.name, columns, self.new_id()) + digest(self.now)
            name = f"{'PK' if node.primary else 'UQ'}__{table.name[: 9 if node.primary else 8]}__{number}"
        constraint_id = self.add_object(table.schema, name, "PK" if node.primary else "UQ", table.object_id)
        self.add_index(
            table,
            name,
            columns,
            unique=True,
            clustered=bool(clustered),
            primary=node.primary,
            constraint_id=constraint_id,
            system_named=node.name is None,
        )

    def add_check(self, table: Table, name: str | None, text: str, column: str | None, checked: bool = True) -> None:
        """A CHECK constraint; the rows there are checked when `checked`. Error 547."""
        scalar = binder.bind_check(parse_condition(text), table, Names(self.session, {}))
        if column is not None and any(c.lower() != column.lower() for c in scalar.columns):
            raise SqlError(
                8141,
                f"Column CHECK constraint for column '{column}' references another column, table '{table.name}'.",
            )
        chosen = name or f"CK__{table.name[:9]}__{(column or '')[:5]}__{digest(table.name, text, self.new_id())}"
        constraint_id = self.add_object(table.schema, chosen, "C", table.object_id)
        if checked:
            broken = self.db.execute(f"SELECT 1 FROM {table.sql} WHERE NOT ({scalar.sql}) LIMIT 1").fetchone()
            if broken:
                only = f", column '{scalar.columns[0]}'" if len(set(scalar.columns)) == 1 else ""
                raise sql_error(
                    547,
                    "ALTER TABLE",
                    "CHECK",
                    chosen,
                    self.session.database,
                    f"{table.schema}.{table.name}",
                    only,
                    state=0,
                )
        owner = table.column(column) if column else None
        self.db.execute(
            "INSERT INTO main._ts_checks VALUES (?, ?, ?, ?, 0, ?, ?)",
            (
                constraint_id,
                table.object_id,
                owner.column_id if owner else 0,
                text,
                int(not checked),
                int(name is None),
            ),
        )

    def add_foreign_key(self, table: Table, node: tree.ForeignKey, checked: bool = True) -> None:
        """A FOREIGN KEY. Errors 1767, 1769, 1770, 1776, 1778, 547."""
        parent = self.session.find_relation(node.table.parts)
        first = node.columns[0] if node.columns else ""
        chosen = node.name or (f"FK__{table.name[:9]}__{first[:5]}__{digest(table.name, node.columns, self.new_id())}")
        if isinstance(parent, View):
            raise SqlError(1768, f"Foreign key '{chosen}' references object '{node.table}' which is not a user table.")
        if not isinstance(parent, Table) or parent.kind != "user":
            raise sql_error(1767, chosen, str(node.table), state=0)
        names = node.ref_columns
        if not names:
            primary = next((i for i in parent.indexes if i.primary), None)
            if primary is None:
                raise SqlError(
                    1773,
                    f"Foreign key '{chosen}' has implicit reference to object '{parent.name}' which does not"
                    " have a primary key defined on it.",
                    state=0,
                )
            names = primary.key
        columns = []
        for child_name, parent_name in zip(node.columns, names, strict=False):
            child, referenced = table.column(child_name), parent.column(parent_name)
            if child is None:
                raise sql_error(1769, chosen, child_name, table.name)
            if referenced is None:
                raise sql_error(1770, chosen, parent_name, parent.name)
            if child.type.name != referenced.type.name and {child.type.name, referenced.type.name} != {
                "decimal",
                "numeric",
            }:
                raise sql_error(1778, parent.name, referenced.name, table.name, child.name, chosen, state=0)
            if child.type.name == "varbinary":
                raise Unsupported("A foreign key on a varbinary column", node.line)
            columns.append((child, referenced))
        if len(node.columns) != len(names):
            raise SqlError(
                8139,
                "Number of referencing columns in foreign key differs from number of referenced columns, table"
                f" '{table.name}'.",
            )
        wanted = [c.lower() for c in names]
        index = next(
            (i for i in parent.indexes if i.unique and i.filter is None and [k.lower() for k in i.key] == wanted), None
        ) or next(
            (
                i
                for i in parent.indexes
                if i.unique and i.filter is None and sorted(k.lower() for k in i.key) == sorted(wanted)
            ),
            None,
        )
        if index is None:
            raise sql_error(1776, parent.name, chosen, state=0)
        if {node.on_delete, node.on_update} & {"CASCADE", "SET NULL", "SET DEFAULT"}:
            self._check_paths(parent, table, chosen)
        constraint_id = self.add_object(table.schema, chosen, "F", table.object_id)
        if checked:
            self._check_foreign_key(table, parent, columns, chosen)
        self.db.execute(
            "INSERT INTO main._ts_foreign_keys VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?)",
            (
                constraint_id,
                table.object_id,
                parent.object_id,
                index.index_id,
                node.on_delete or "NO ACTION",
                node.on_update or "NO ACTION",
                int(not checked),
                int(node.name is None),
            ),
        )
        self.db.executemany(
            "INSERT INTO main._ts_foreign_key_columns VALUES (?, ?, ?, ?)",
            [(constraint_id, i, c.column_id, r.column_id) for i, (c, r) in enumerate(columns, 1)],
        )

    def _check_paths(self, parent: Table, child: Table, name: str) -> None:
        """Error 1785 when a new cascading key closes a cycle or makes a second path between two tables."""
        edges: dict[int, list[int]] = {}
        for above, below in self.db.execute(
            "SELECT referenced_object_id, parent_object_id FROM main._ts_foreign_keys"
            " WHERE delete_action <> 'NO ACTION' OR update_action <> 'NO ACTION'"
        ).fetchall():
            edges.setdefault(above, []).append(below)

        def reached(start: int, seen: set[int]) -> set[int]:
            for below in edges.get(start, ()):
                if below not in seen:
                    seen.add(below)
                    reached(below, seen)
            return seen

        below_child = reached(child.object_id, {child.object_id})
        for above in {parent.object_id, *(t for t in edges if parent.object_id in reached(t, set()))}:
            if above in below_child or reached(above, set()) & below_child:
                raise sql_error(1785, name, child.name, state=0)

    def _check_foreign_key(self, table: Table, parent: Table, columns: list[tuple[Column, Column]], name: str) -> None:
        present = " AND ".join(f"c.{quote(c.name)} IS NOT NULL" for c, _ in columns)
        match = " AND ".join(f"p.{quote(r.name)} = c.{quote(c.name)}" for c, r in columns)
        if self.db.execute(
            f"SELECT 1 FROM {table.sql} AS c WHERE {present}"
            f" AND NOT EXISTS (SELECT 1 FROM {parent.sql} AS p WHERE {match}) LIMIT 1"
        ).fetchone():
            column = f", column '{columns[0][1].name}'" if len(columns) == 1 else ""
            raise sql_error(
                547,
                "ALTER TABLE",
                "FOREIGN KEY SAME TABLE" if table.object_id == parent.object_id else "FOREIGN KEY",
                name,
                self.session.database,
                f"{parent.schema}.{parent.name}",
                column,
                state=0,
            )

    def create_table(self, schema: str, name: str, definition: Definition) -> Table:
        """A stored table with everything that its definition says."""
        object_id = self.add_object(schema, name, "U")
        made: list[Column] = []
        for i, column in enumerate(definition.columns, 1):
            column = replace(column, column_id=i)
            if column.computed is not None:
                column = self.computed(column, definition.columns, schema, name)
            self.add_column(object_id, column, definition.default_names.get(column.name.lower()), schema, name)
            made.append(column)
        self.session.changed()
        table = self._table(object_id)
        self.session.ddl(table_sql(table))
        self._check_defaults(table)
        for key, columns in sorted(definition.keys, key=lambda k: not (k[0].clustered or k[0].primary)):
            self.add_key(table, key, columns)
            table = self.reload(object_id)
        for item in definition.indexes:
            self.create_index(table, item)
            table = self.reload(object_id)
        for check_name, text, column_name in definition.checks:
            self.add_check(table, check_name, text, column_name)
        if definition.foreign_keys:
            table = self.reload(object_id)
            for node in definition.foreign_keys:
                self.add_foreign_key(table, node)
        return self.reload(object_id)

    def computed(self, column: Column, others: Sequence[Column], schema: str, name: str) -> Column:
        """A computed column with its type."""
        stored = tuple(c for c in others if c.computed is None)
        table = Table(name, schema, stored, "main", f"{schema}.{name}".lower())
        computed = {c.name.lower(): c for c in others if c.computed is not None}
        assert column.computed is not None
        for node in tree.walk(column.computed):
            found = computed.get(node.name.name.lower()) if isinstance(node, tree.ColumnRef) else None
            if found is not None:
                raise SqlError(
                    1759,
                    f"Computed column '{found.name}' in table '{name}' is not allowed to be used in another"
                    " computed-column definition.",
                )
            if column.persisted and isinstance(node, tree.FunctionCall) and node.name.name.upper() in CHANGING:
                raise SqlError(
                    4936,
                    f"Computed column '{column.name}' in table '{name}' cannot be persisted because the column is"
                    " non-deterministic.",
                )
        scalar = binder.bind_computed(column.computed, table, Names(self.session, {}))
        return replace(column, type=scalar.type, nullable=scalar.type.nullable)

    def _check_defaults(self, table: Table) -> None:
        names = Names(self.session, {})
        for column in table.columns:
            if column.default is not None:
                binder.bind_default(parse_expression(column.default), column, table, names)

    def reload(self, object_id: int) -> Table:
        """The table as the catalog has it now."""
        self.session.changed()
        return self._table(object_id)

    def _table(self, object_id: int) -> Table:
        found = self.session.catalog.by_id(object_id)
        assert isinstance(found, Table)
        return found

    def create_index(self, table: Table, item: tree.IndexDef) -> None:
        """CREATE INDEX."""
        options_allowed(item.options, item.line)
        if any(o.name == "DROP_EXISTING" and (o.value or "").upper() == "ON" for o in item.options):
            existing = next((i for i in table.indexes if i.name.lower() == item.name.lower()), None)
            if existing is None:
                raise SqlError(7999, f"Could not find any index named '{item.name}' for table '{table.name}'.")
            self.drop_index(table, existing)
            table = self.reload(table.object_id)
        self.add_index(
            table,
            item.name,
            index_columns_of(item),
            unique=item.unique,
            clustered=bool(item.clustered),
            where=filter_of(item),
        )

    def drop_table(self, table: Table) -> None:
        """A table and all that is its own. Error 3726 while a foreign key of another table refers to it."""
        if any(child.object_id != table.object_id for child, _ in self.session.catalog.referencing(table.object_id)):
            raise sql_error(3726, str(table.name))
        for (child_id,) in self.db.execute(
            "SELECT object_id FROM main._ts_objects WHERE parent_object_id = ?", (table.object_id,)
        ).fetchall():
            self.remove_object(child_id)
        for name, column in (
            ("_ts_indexes", "object_id"),
            ("_ts_index_columns", "object_id"),
            ("_ts_checks", "parent_object_id"),
            ("_ts_defaults", "parent_object_id"),
            ("_ts_statistics", "object_id"),
        ):
            self.db.execute(f"DELETE FROM main.{name} WHERE {column} = ?", (table.object_id,))
        for fk in table.foreign_keys:
            self.drop_foreign_key(fk)
        self.remove_object(table.object_id)
        self.session.set_identity(table, None)
        self.session.ddl(f"DROP TABLE {table.sql}")
        self.session.changed()

    def drop_foreign_key(self, fk: ForeignKey) -> None:
        """A foreign key goes."""
        self.db.execute("DELETE FROM main._ts_foreign_keys WHERE object_id = ?", (fk.object_id,))
        self.db.execute("DELETE FROM main._ts_foreign_key_columns WHERE object_id = ?", (fk.object_id,))
        self.remove_object(fk.object_id)
