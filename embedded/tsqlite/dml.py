"""Writes rows: identity and rowversion values, defaults, NOT NULL, keys, CHECK, foreign keys, OUTPUT.

The binder's query yields the rows to write, every value converted to its column's type; all of them are read before the
first is written. Constraints are checked row by row, foreign keys at the end of the statement.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import apsw

from . import binder, tree
from .catalog import Check, Column, ForeignKey, Index, Table, View, quote
from .compiled import Column as ResultColumn
from .compiled import Delete, Insert, Output, Query, Update
from .convert import assign, convert
from .errors import SqlError, Unsupported, sql_error
from .parser import parse_condition, parse_expression
from .results import ResultSet
from .types import nvarchar
from .units import Names
from .values import Storage

if TYPE_CHECKING:
    from .interpreter import Frame, Interpreter
    from .session import Session

Rows = list[tuple[Storage, ...]]


@dataclass(frozen=True, slots=True)
class Updating:
    """How some columns of a table are updated: `required` by their positions, `keyed` if a unique index has one."""

    sql: str
    required: tuple[tuple[int, Column], ...]
    keyed: bool


@dataclass(slots=True)
class TableWriter:
    """What writing to a table takes, made once for a version of the catalog."""

    table: Table
    insert_sql: str
    positions: dict[str, int]
    defaults: list[tuple[int, str]]
    constants: list[tuple[int, Storage]]
    check_sql: str | None
    """The number of a CHECK that the row ?1 breaks."""
    checks_sql: str | None
    """The same of rows, as a JSON array of their numbers."""
    checks: list[tuple[Check, tuple[str, ...]]]
    branches: list[str]
    required: list[tuple[int, Column]]
    identity: int | None
    rowversion: int | None
    updates: dict[tuple[str, ...], Updating] = field(default_factory=dict)
    update_checks: dict[tuple[str, ...], str | None] = field(default_factory=dict)

    def checks_of(self, columns: tuple[str, ...]) -> str | None:
        """The number of a CHECK that one of the rows breaks: of those that name an updated or a computed column."""
        if columns not in self.update_checks:
            plain = self.positions.keys() - set(columns)
            wanted = [
                branch
                for branch, (_, named) in zip(self.branches, self.checks, strict=True)
                if not named or not {name.lower() for name in named} <= plain
            ]
            self.update_checks[columns] = _broken(self.table, wanted)
        return self.update_checks[columns]


def _broken(table: Table, branches: Sequence[str]) -> str | None:
    if not branches:
        return None
    return (
        f"SELECT failed FROM (SELECT CASE {' '.join(branches)} END AS failed FROM {table.sql}"
        " WHERE _rowid IN (SELECT value FROM json_each(?))) WHERE failed IS NOT NULL LIMIT 1"
    )


def writer_of(session: Session, table: Table) -> TableWriter:
    """The writer of a table, from the cache of the catalog (or of the session, for a temporary table)."""
    cache: dict[Any, Any] = session.catalog.writers if table.object_id > 0 else session.temp_writers
    # Sessions share plans, and a plan holds the table of the session that made it: by its number alone two such tables
    # would take turns in the cache. A writer keeps its table, so an id stays one table's.
    key: Any = id(table) if table.object_id > 0 else table.sqlite_name
    found = cache.get(key)
    if found is None or found.table is not table:
        found = cache[key] = _make_writer(session, table)
    made: TableWriter = found
    return made


def _make_writer(session: Session, table: Table) -> TableWriter:
    stored = table.stored
    positions = {c.name.lower(): i for i, c in enumerate(stored)}
    names = Names(session, {})
    defaults: list[tuple[int, str]] = []
    constants: list[tuple[int, Storage]] = []
    for i, column in enumerate(stored):
        if column.default is None:
            continue
        scalar = binder.bind_default(parse_expression(column.default), column, table, names)
        if _is_constant(column.default):
            constants.append((i, session.db.execute(f"SELECT {scalar.sql}").get))
        else:
            defaults.append((i, scalar.sql))
    checks: list[tuple[Check, tuple[str, ...]]] = []
    branches = []
    for check in table.checks:
        if check.disabled:
            continue
        scalar = binder.bind_check(parse_condition(check.text), table, names)
        branches.append(f"WHEN NOT ({scalar.sql}) THEN {len(checks)}")
        checks.append((check, scalar.columns))
    marks = ", ".join(["?"] * len(stored))
    return TableWriter(
        table,
        f"INSERT INTO {table.sql} ({', '.join(quote(c.name) for c in stored)}) VALUES ({marks})",
        positions,
        defaults,
        constants,
        f"SELECT CASE {' '.join(branches)} END FROM {table.sql} WHERE _rowid = ?" if branches else None,
        _broken(table, branches),
        checks,
        branches,
        [(i, c) for i, c in enumerate(stored) if not c.nullable],
        next((i for i, c in enumerate(stored) if c.identity), None),
        next((i for i, c in enumerate(stored) if c.is_rowversion), None),
    )


def _is_constant(text: str) -> bool:
    node = parse_expression(text)
    return all(
        isinstance(
            n,
            tree.IntLiteral
            | tree.StringLiteral
            | tree.DecimalLiteral
            | tree.NullLiteral
            | tree.Unary
            | tree.BinaryLiteral,
        )
        for n in tree.walk(node)
    )


def set_identity_insert(session: Session, statement: tree.SetIdentityInsert) -> None:
    """SET IDENTITY_INSERT. Errors 1088, 8105, 8106, 8107."""
    table = session.temp_table(statement.table.name) or session.find_relation(statement.table.parts)
    if isinstance(table, View):
        raise SqlError(8105, f"'{statement.table}' is not a user table. Cannot perform SET operation.")
    if not isinstance(table, Table) or table.kind == "system":
        raise SqlError(
            1088,
            f'Cannot find the object "{statement.table}" because it does not exist or you do not have permissions.',
        )
    if table.identity is None:
        raise sql_error(8106, str(statement.table))
    key = table.object_id or table.sqlite_name
    if statement.on:
        if isinstance(session.identity_insert, int) and session.catalog.by_id(session.identity_insert) is None:
            session.identity_insert = None  # the table was dropped
        if session.identity_insert not in (None, key):
            other = session.catalog.by_id(session.identity_insert) if isinstance(session.identity_insert, int) else None
            name = other.name if other else "?"
            raise sql_error(8107, session.database, getattr(other, "schema", "dbo"), name, str(statement.table))
        session.identity_insert = key
    elif session.identity_insert == key:
        session.identity_insert = None


class Stale(Exception):
    """The catalog changed between the plan and the lock: nothing was done, plan again."""


class Writer:
    """One INSERT, UPDATE or DELETE; `rows` is how many rows it touched."""

    def __init__(self, interpreter: Interpreter, frame: Frame) -> None:
        self.interpreter = interpreter
        self.session = interpreter.session
        self.db = self.session.db
        self.frame = frame
        self.rows = 0
        self.verb = "INSERT"
        self.version = frame.shape.version if frame is not None else 0

    # -- statements

    def insert(self, plan: Insert) -> tuple[tuple[ResultColumn, ...], Rows] | None:
        """INSERT; gives what OUTPUT shows."""
        return self._run(plan, plan.query, self._insert_plan)

    def insert_rows(self, plan: Insert, sets: list[ResultSet]) -> tuple[tuple[ResultColumn, ...], Rows] | None:
        """The rows of INSERT ... EXECUTE. Error 213 when a result set has another number of columns."""
        table: Table = plan.table
        targets = [table.by_name[c.lower()] for c in plan.columns]

        def rows_of() -> Rows:
            rows: Rows = []
            for result in sets:
                if len(result.columns) != len(targets):
                    raise sql_error(213, state=7)
                types = [c.type for c in result.columns]
                for row in result.rows:
                    rows.append(
                        tuple(
                            None if v is None else assign(v, t, c.type, c.name, self._table_name(table), self.session)
                            for v, t, c in zip(row, types, targets, strict=True)
                        )
                    )
            return rows

        with self._atomic(plan):
            return self._insert_plan(plan, self.interpreter.first_rows(None, rows_of()))

    def update(self, plan: Update) -> tuple[tuple[ResultColumn, ...], Rows] | None:
        """UPDATE."""
        self.verb = "UPDATE"
        return self._run(plan, plan.query, self._update_plan)

    def delete(self, plan: Delete) -> tuple[tuple[ResultColumn, ...], Rows] | None:
        """DELETE."""
        self.verb = "DELETE"
        return self._run(plan, plan.query, self._delete_plan)

    def _run(self, plan: Any, query: Query | None, action: Any) -> tuple[tuple[ResultColumn, ...], Rows] | None:
        temporary = False
        if query is not None and plan.table.kind != "user":
            temporary = self.session.read(query.touched.tables, query.touched.locking)
        try:
            with self._atomic(plan):
                if self.session.catalog.version != self.version:
                    raise Stale
                rows: Rows = [()]
                if query is not None:
                    rows = self.interpreter.first_rows(query, self.interpreter.rows(query, self.frame))
                result: tuple[tuple[ResultColumn, ...], Rows] | None = action(plan, rows)
                return result
        finally:
            if temporary:
                self.session.read_done()

    def _atomic(self, plan: Any) -> AbstractContextManager[None]:
        session, table = self.session, plan.table
        into = [o.into for o in (plan.output, plan.output_select) if o is not None and o.into is not None]
        if table.kind == "temp":
            self._keep(table)
        if any(t.kind == "user" for t in (table, *into)):
            return session.writing()
        return session.savepoint()

    def _keep(self, table: Table) -> None:
        """A #temp table is about to change."""
        session = self.session
        if session.transaction is not None and session.transaction.doomed:
            raise sql_error(3930)
        scope = session.temp_scope(table.name)
        if scope is not None:
            session.before_temp_change(scope, table.name, table)

    # -- INSERT

    def _insert_plan(self, plan: Insert, rows: Rows) -> tuple[tuple[ResultColumn, ...], Rows] | None:
        table: Table = plan.table
        explicit = self._check_identity(table, plan.columns)
        written = self._insert(table, plan.columns, rows, plan.row_defaults, explicit)
        self.rows = len(written)
        return self._outputs(plan.output, plan.output_select, written)

    def _check_identity(self, table: Table, columns: Sequence[str]) -> bool:
        identity = table.identity
        if identity is None:
            return False
        given = identity.name.lower() in (c.lower() for c in columns)
        on = self.session.identity_insert == (table.object_id or table.sqlite_name)
        if given and not on:
            raise sql_error(544, table.name)
        if on and not given:
            raise sql_error(545, table.name)
        return given

    def _insert(
        self,
        table: Table,
        columns: Sequence[str],
        rows: Rows,
        row_defaults: Iterable[tuple[int, int]] = (),
        explicit_identity: bool = False,
    ) -> list[tuple[int, tuple[Storage, ...]]]:
        """Insert rows of `columns`; gives (_rowid, the row as it came) of each."""
        session, db = self.session, self.db
        if not rows:
            return []
        writer = writer_of(session, table)
        places = [writer.positions[c.lower()] for c in columns]
        blank: list[Storage] = [None] * len(writer.positions)
        given = set(places)
        for i, constant in writer.constants:
            if i not in given:
                blank[i] = constant
        wanted = [(i, sql) for i, sql in writer.defaults if i not in given]
        default_sql = f"SELECT {', '.join(sql for _, sql in wanted)}" if wanted else None
        missing = set(row_defaults)
        identity_column = table.identity
        written: list[tuple[int, tuple[Storage, ...]]] = []
        children: list[tuple[ForeignKey, list[int], Rows]] = [
            (fk, [writer.positions.get(c.lower(), -1) for c in fk.columns], [])
            for fk in table.foreign_keys
            if not fk.disabled
        ]
        last: int | None = None
        try:
            for number, row in enumerate(rows):
                values = blank.copy()
                for i, value in zip(places, row, strict=False):
                    values[i] = value
                if default_sql is not None:
                    for (i, _), value in zip(wanted, db.execute(default_sql).fetchone(), strict=True):
                        values[i] = value
                if missing:
                    for position, place in enumerate(places):
                        if (number, position) in missing:
                            values[place] = self._default(writer, place)
                if writer.identity is not None and identity_column is not None:
                    if explicit_identity:
                        chosen = values[writer.identity]
                        if isinstance(chosen, int):
                            self._raise_identity(table, identity_column, chosen)
                            last = chosen
                    else:
                        last = values[writer.identity] = session.next_identity(table, identity_column)
                        self._check_identity_range(identity_column, last)
                if writer.rowversion is not None:
                    values[writer.rowversion] = (
                        session.next_rowversion() if table.object_id else self._temp_rowversion()
                    )
                for i, column in writer.required:
                    if values[i] is None:
                        raise sql_error(515, column.name, self._full_name(table), "INSERT", state=2)
                try:
                    db.execute(writer.insert_sql, tuple(values))
                except apsw.ConstraintError as e:
                    raise self._duplicate(table, values, None) from e
                written.append((db.last_insert_rowid(), row))
                if children:
                    for _, positions, keys in children:
                        keys.append(tuple([values[i] for i in positions]))
        except SqlError:
            # An earlier row that breaks a CHECK comes first.
            self._check(writer, written)
            raise
        self._check(writer, written)
        if last is not None:
            session.scope.identity = session.last_identity = last
        for fk, positions, keys in children:
            computed = -1 in positions
            self._check_child(
                table, fk, self._keys(table, fk.columns, [rowid for rowid, _ in written]) if computed else keys
            )
        return written

    def _default(self, writer: TableWriter, place: int) -> Storage:
        for i, value in writer.constants:
            if i == place:
                return value
        for i, sql in writer.defaults:
            if i == place:
                found: Storage = self.db.execute(f"SELECT {sql}").get
                return found
        return None

    def _raise_identity(self, table: Table, column: Column, value: int) -> None:
        assert column.identity is not None
        last = self.session.identity_value(table)
        up = column.identity.increment > 0
        beyond = last is None and (value >= column.identity.seed if up else value <= column.identity.seed)
        if beyond or (last is not None and (value > last if up else value < last)):
            self.session.set_identity(table, value)

    def _check_identity_range(self, column: Column, value: int) -> None:
        limits = {"tinyint": (0, 255), "smallint": (-(2**15), 2**15 - 1), "int": (-(2**31), 2**31 - 1)}
        low, high = limits.get(column.type.name, (-(2**63), 2**63 - 1))
        if column.type.is_decimal:
            high = 10 ** (column.type.precision or 18) - 1
            low = -high
            if high >= 2**63:
                raise Unsupported("IDENTITY of more than 18 digits")
        if not low <= value <= high:
            raise sql_error(8115, "IDENTITY", column.type.display_name)

    def _temp_rowversion(self) -> bytes:
        raise Unsupported("rowversion in a temporary table")

    # -- UPDATE

    def _update_plan(self, plan: Update, rows: Rows) -> tuple[tuple[ResultColumn, ...], Rows] | None:
        table: Table = plan.table
        count = len(plan.columns)
        self._update(table, plan.columns, [(int(r[0]), r[1 : 1 + count]) for r in rows])  # type: ignore[arg-type]
        self.rows = len(rows)
        if plan.variables and rows:
            for name, value in zip(plan.variables, rows[-1][1 + count :], strict=False):
                self.frame.values[name] = value
        return self._outputs(plan.output, plan.output_select, [(int(r[0]), r) for r in rows])  # type: ignore[arg-type]

    def _update(self, table: Table, columns: Sequence[str], rows: list[tuple[int, tuple[Storage, ...]]]) -> None:
        session, db = self.session, self.db
        if not rows:
            return
        if not columns:  # SET @v = ... alone
            if table.rowversion is not None:
                raise Unsupported("UPDATE of variables alone in a table with a rowversion")
            return
        writer = writer_of(session, table)
        lower = [c.lower() for c in columns]
        identity = table.identity
        if identity is not None and identity.name.lower() in lower:
            raise sql_error(8102, identity.name)
        version = table.rowversion
        key = tuple(lower)
        how = writer.updates.get(key)
        if how is None:
            named = [*columns, *([version.name] if version else [])]
            sets = ", ".join(f"{quote(c)} = ?" for c in named)
            how = writer.updates[key] = Updating(
                f"UPDATE {table.sql} SET {sets} WHERE _rowid = ?",
                tuple((i, c) for i, name in enumerate(lower) if not (c := table.by_name[name]).nullable),
                any(i.unique and set(map(str.lower, i.key)) & set(lower) for i in table.indexes),
            )
        for _, values in rows:
            for i, column in how.required:
                if values[i] is None:
                    raise sql_error(515, column.name, self._full_name(table), "UPDATE", state=2)
        referenced = self._referenced(table, lower)
        before = {fk: self._keys(table, fk.referenced_columns, [r for r, _ in rows]) for _, fk in referenced}
        if how.keyed and len(rows) > 1:
            self._rewrite(table, writer, lower, rows)
        else:
            for rowid, values in rows:
                stamp = self._stamp(table, version)
                try:
                    db.execute(how.sql, (*values, *stamp, rowid))
                except apsw.ConstraintError as e:
                    raise self._duplicate(table, self._row_values(table, rowid, lower, values), rowid) from e
        if (check_sql := writer.checks_of(key)) is not None:
            self._failed(writer, db.execute(check_sql, (json.dumps([rowid for rowid, _ in rows]),)).get)
        if table.foreign_keys:
            self._check_children(table, [r for r, _ in rows], set(lower))
        for child, fk in referenced:
            after = set(self._keys(table, fk.referenced_columns, [r for r, _ in rows]))
            gone = [k for k in before[fk] if k not in after]
            if gone and fk.on_update == "CASCADE":
                self._cascade_update(table, child, fk, rows, before[fk])
            else:
                self._parents_gone(table, child, fk, gone, fk.on_update)

    def _stamp(self, table: Table, version: Column | None) -> tuple[Storage, ...]:
        if version is None:
            return ()
        return (self.session.next_rowversion() if table.object_id else self._temp_rowversion(),)

    def _row_values(self, table: Table, rowid: int, lower: Sequence[str], values: Sequence[Storage]) -> list[Storage]:
        stored = table.stored
        names = ", ".join(quote(c.name) for c in stored)
        row = list(self.db.execute(f"SELECT {names} FROM {table.sql} WHERE _rowid = ?", (rowid,)).fetchone())
        for i, column in enumerate(stored):
            if column.name.lower() in lower:
                row[i] = values[lower.index(column.name.lower())]
        return row

    def _rewrite(
        self, table: Table, writer: TableWriter, lower: Sequence[str], rows: list[tuple[int, tuple[Storage, ...]]]
    ) -> None:
        """Several rows get new keys: SQL Server checks them all at the end, so all go before the first comes back."""
        full = [(rowid, self._row_values(table, rowid, lower, values)) for rowid, values in rows]
        self.db.executemany(f"DELETE FROM {table.sql} WHERE _rowid = ?", [(r,) for r, _ in full])
        names = ", ".join(["_rowid", *(quote(c.name) for c in table.stored)])
        marks = ", ".join(["?"] * (len(table.stored) + 1))
        sql = f"INSERT INTO {table.sql} ({names}) VALUES ({marks})"
        for rowid, values in full:
            if writer.rowversion is not None:
                values[writer.rowversion] = self._stamp(table, table.rowversion)[0]
            try:
                self.db.execute(sql, (rowid, *values))
            except apsw.ConstraintError as e:
                raise self._duplicate(table, values, rowid) from e

    # -- DELETE

    def _delete_plan(self, plan: Delete, rows: Rows) -> tuple[tuple[ResultColumn, ...], Rows] | None:
        table: Table = plan.table
        outputs = self._outputs(plan.output, plan.output_select, [(int(r[0]), r) for r in rows])  # type: ignore[arg-type]
        self._delete(table, [int(r[0]) for r in rows])  # type: ignore[arg-type]
        self.rows = len(rows)
        return outputs

    def _delete(self, table: Table, rowids: list[int]) -> None:
        if not rowids:
            return
        referenced = self._referenced(table, None)
        before = {fk: self._keys(table, fk.referenced_columns, rowids) for _, fk in referenced}
        self.db.executemany(f"DELETE FROM {table.sql} WHERE _rowid = ?", [(r,) for r in rowids])
        for child, fk in referenced:
            self._parents_gone(table, child, fk, before[fk], fk.on_delete)

    # -- constraints

    def _check(self, writer: TableWriter, written: Sequence[tuple[int, object]]) -> None:
        """The rows of an INSERT so far."""
        if writer.check_sql is None or not written:
            return
        if len(written) == 1:
            self._failed(writer, self.db.execute(writer.check_sql, (written[0][0],)).get)
        else:
            self._failed(
                writer, self.db.execute(writer.checks_sql or "", (json.dumps([rowid for rowid, _ in written]),)).get
            )

    def _failed(self, writer: TableWriter, failed: Any) -> None:
        if failed is None:
            return
        check, columns = writer.checks[int(failed)]
        table = writer.table
        column = f", column '{columns[0]}'" if len(set(columns)) == 1 else ""
        raise sql_error(
            547, self.verb, "CHECK", check.name, self._database(table), self._object(table), column, state=0
        )

    def _database(self, table: Table) -> str:
        return self.session.database if table.kind == "user" else "tempdb"

    def _object(self, table: Table) -> str:
        return f"{table.schema}.{table.name}" if table.kind == "user" else f"dbo.{table.name}"

    def _full_name(self, table: Table) -> str:
        if table.kind == "variable":
            return table.name
        return f"{self._database(table)}.{self._object(table)}"

    def _table_name(self, table: Table) -> str:
        return self._full_name(table)

    def _referenced(self, table: Table, columns: Sequence[str] | None) -> list[tuple[Table, ForeignKey]]:
        if table.kind != "user":
            return []
        return [
            (child, fk)
            for child, fk in self.session.catalog.referencing(table.object_id)
            if not fk.disabled and (columns is None or any(c.lower() in columns for c in fk.referenced_columns))
        ]

    def _keys(self, table: Table, columns: Sequence[str], rowids: Sequence[int]) -> Rows:
        names = ", ".join(quote(c) for c in columns)
        sql = f"SELECT {names} FROM {table.sql} WHERE _rowid = ?"
        rows = [self.db.execute(sql, (r,)).fetchone() for r in rowids]
        return [r for r in rows if r is not None]

    def _check_children(self, table: Table, rowids: Sequence[int], changed: set[str]) -> None:
        """Each foreign key value of updated rows has its parent row."""
        for fk in table.foreign_keys:
            if not fk.disabled and any(c.lower() in changed for c in fk.columns):
                self._check_child(table, fk, self._keys(table, fk.columns, rowids))

    def _check_child(self, table: Table, fk: ForeignKey, keys: Rows) -> None:
        parent = self.session.catalog.by_id(fk.referenced_id)
        assert isinstance(parent, Table)
        sql = f"SELECT 1 FROM {parent.sql} WHERE {self._match(parent, fk.referenced_columns)} LIMIT 1"
        wanted = [key for key in dict.fromkeys(keys) if None not in key]
        if len(self.db.executemany(sql, wanted).fetchall()) == len(wanted):
            return
        for key in wanted:
            if self.db.execute(sql, key).fetchone() is None:
                kind = "FOREIGN KEY SAME TABLE" if parent.object_id == table.object_id else "FOREIGN KEY"
                column = f", column '{fk.referenced_columns[0]}'" if len(fk.columns) == 1 else ""
                raise sql_error(
                    547, self.verb, kind, fk.name, self._database(parent), self._object(parent), column, state=0
                )

    def _match(self, table: Table, columns: Sequence[str]) -> str:
        return " AND ".join(f"{quote(c)} = ?" for c in columns)

    def _parents_gone(self, parent: Table, child: Table, fk: ForeignKey, keys: Rows, action: str) -> None:
        """Rows that referred to keys which are no longer there: refuse, or do what the constraint says."""
        sql = f"SELECT _rowid FROM {child.sql} WHERE {self._match(child, fk.columns)}"
        for key in dict.fromkeys(keys):
            if None in key:
                continue
            # A key that another row still has is no loss.
            again = f"SELECT 1 FROM {parent.sql} WHERE {self._match(parent, fk.referenced_columns)} LIMIT 1"
            if self.db.execute(again, key).fetchone():
                continue
            rowids = [int(r) for (r,) in self.db.execute(sql, key).fetchall()]
            if not rowids:
                continue
            if action == "CASCADE":
                self._delete(child, rowids)
            elif action == "SET NULL":
                self._update(child, fk.columns, [(r, (None,) * len(fk.columns)) for r in rowids])
            elif action == "SET DEFAULT":
                writer = writer_of(self.session, child)
                new = tuple(self._default(writer, writer.positions[c.lower()]) for c in fk.columns)
                self._update(child, fk.columns, [(r, new) for r in rowids])
            else:
                kind = "SAME TABLE REFERENCE" if parent.object_id == child.object_id else "REFERENCE"
                column = f", column '{fk.columns[0]}'" if len(fk.columns) == 1 else ""
                raise sql_error(
                    547, self.verb, kind, fk.name, self._database(child), self._object(child), column, state=0
                )

    def _cascade_update(
        self,
        parent: Table,
        child: Table,
        fk: ForeignKey,
        rows: list[tuple[int, tuple[Storage, ...]]],
        before: Rows,
    ) -> None:
        after = self._keys(parent, fk.referenced_columns, [r for r, _ in rows])
        sql = f"SELECT _rowid FROM {child.sql} WHERE {self._match(child, fk.columns)}"
        changes: list[tuple[int, tuple[Storage, ...]]] = []
        for old, new in zip(before, after, strict=True):
            if old != new and None not in old:
                changes.extend((int(r), new) for (r,) in self.db.execute(sql, old).fetchall())
        self._update(child, fk.columns, changes)

    def _duplicate(self, table: Table, values: Sequence[Storage], rowid: int | None) -> SqlError:
        """The error for the unique index that a row violates."""
        writer = writer_of(self.session, table)
        for index in table.indexes:
            if not index.unique or index.disabled:
                continue
            key = [values[writer.positions[c.lower()]] for c in index.key]
            if self._exists(table, index, key, rowid):
                shown = ", ".join(self._shown(v, table.by_name[c.lower()]) for v, c in zip(key, index.key, strict=True))
                if index.primary or index.constraint:
                    kind = "PRIMARY KEY" if index.primary else "UNIQUE KEY"
                    return sql_error(2627, kind, index.name, self._object(table), shown)
                return sql_error(2601, self._object(table), index.name, shown)
        return SqlError(2627, "Violation of a key constraint.", 14)

    def _exists(self, table: Table, index: Index, key: Sequence[Storage], rowid: int | None) -> bool:
        where = " AND ".join(
            f"{quote(c)} IS NULL" if v is None else self._equals(table, c) for c, v in zip(index.key, key, strict=True)
        )
        if index.filter is not None:
            names = Names(self.session, {})
            where += f" AND ({binder.bind_check(parse_condition(index.filter), table, names).sql})"
        found = self.db.execute(
            f"SELECT 1 FROM {table.sql} WHERE {where} AND _rowid IS NOT ?",
            (*[v for v in key if v is not None], rowid),
        ).fetchone()
        return found is not None

    def _equals(self, table: Table, column: str) -> str:
        if table.by_name[column.lower()].type.name == "varbinary":
            return f"ts_trim_zeros({quote(column)}) = ts_trim_zeros(?)"
        return f"{quote(column)} = ?"

    def _shown(self, value: Storage, column: Column) -> str:
        if value is None:
            return "<NULL>"
        if isinstance(value, bytes) and column.type.name != "uniqueidentifier":
            return "0x" + value.hex()
        style = 121 if column.type.is_temporal else 0
        text = str(convert(value, column.type, nvarchar(4000), style, session=self.session))
        return text.lower() if column.type.name == "uniqueidentifier" else text

    # -- OUTPUT

    def _outputs(
        self, first: Output | None, second: Output | None, written: list[tuple[int, tuple[Storage, ...]]]
    ) -> tuple[tuple[ResultColumn, ...], Rows] | None:
        shown: tuple[tuple[ResultColumn, ...], Rows] | None = None
        for output in (first, second):
            if output is None:
                continue
            rows = self._output_rows(output, written)
            if output.into is None:
                shown = (output.columns, rows)
            else:
                self._output_into(output, rows)
        return shown

    def _output_rows(self, output: Output, written: list[tuple[int, tuple[Storage, ...]]]) -> Rows:
        count = len(output.columns)
        if output.start is not None:
            return [tuple(row[output.start : output.start + count]) for _, row in written]
        assert output.sql is not None
        tail = tuple(self.frame.values[p] for p in output.parameters)
        start, end = output.captured, output.captured + output.captured_count
        bindings = [(rowid, *row[start:end], *tail) for rowid, row in written]
        rows: Rows = self.db.executemany(output.sql, bindings).fetchall()
        return rows

    def _output_into(self, output: Output, rows: Rows) -> None:
        target: Table = output.into  # type: ignore[assignment]
        scope, last = self.session.scope.identity, self.session.last_identity
        if target.kind == "temp":
            self._keep(target)
        verb, self.verb = self.verb, "INSERT"
        explicit = self._check_identity(target, output.into_columns)
        self._insert(target, output.into_columns, rows, (), explicit)
        self.verb = verb
        if self.verb != "INSERT":
            self.session.scope.identity, self.session.last_identity = scope, last
