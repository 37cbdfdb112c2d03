"""CREATE, ALTER, DROP: the catalog's rows and SQLite's tables and indexes, in one transaction.

What a DBA would see is recorded as written: clustered or not, included columns, filters, descending keys. SQLite gets a
real index for each, so that what is a seek there is a seek here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import apsw

from . import ddl_objects, enforced, tree
from .catalog import (
    Column,
    Identity,
    Index,
    Module,
    Table,
    View,
    quote,
)
from .catalog import (
    Sequence as SequenceObject,
)
from .compiled import Query
from .ddl_tables import (
    Changer,
    Definition,
    checkindex_columns_of,
    define,
    digest,
    filter_of,
    guard_of,
    index_columns_of,
    index_sql,
    options_allowed,
    table_sql,
    temporary,
    temporary_of,
)
from .errors import SqlError, Unsupported, sql_error
from .session import Session
from .types import DEFAULT_COLLATION, SqlType
from .values import Storage

if TYPE_CHECKING:
    from .interpreter import Frame, Interpreter


# --- statements -------------------------------------------------------------------------------------------------------


def execute(interpreter: Interpreter, statement: tree.Statement, frame: Frame) -> None:
    """Run one of `STATEMENTS`."""
    STATEMENTS[type(statement)](interpreter, statement, frame)


def target_schema(session: Session, name: tree.Name) -> str:
    """The schema a new object goes to. Errors 2760; three-part names of other databases are refused."""
    if name.database and name.database.lower() != session.database.lower():
        raise Unsupported(f"Database {name.database}", name.line)
    return name.schema or "dbo"


def create_table(interpreter: Interpreter, statement: tree.CreateTable, frame: Frame) -> None:
    """CREATE TABLE, of a stored table or a #temp one."""
    session = interpreter.session
    options_allowed(statement.options, statement.line)
    name = statement.name.name
    if name.startswith("##"):
        raise Unsupported("Global temporary tables (##)", statement.line)
    if name.startswith("#"):
        scope = session.scope
        if name.lower() in scope.temps:
            raise sql_error(2714, name, state=6)
        table, statements = temporary(session, name, f"{name}@{scope.level}".lower(), statement.definition, "temp")
        session.before_temp_change(scope, name, None)
        session.make_temp(table.sqlite_name, statements)
        scope.temps[name.lower()] = table
        return
    with session.writing():
        definition = define(session, name, statement.definition)
        Changer(session).create_table(target_schema(session, statement.name), name, definition)


def select_into(interpreter: Interpreter, query: Query, frame: Frame) -> int:
    """SELECT ... INTO: a table of the query's columns, and its rows; gives their number. Errors 1038, 2705, 2714."""
    session = interpreter.session
    assert query.into is not None
    node: tree.Name = query.into.name
    name = node.name
    columns: list[Column] = []
    seen: set[str] = set()
    for i, column in enumerate(query.columns):
        if not column.name:
            raise sql_error(1038)
        if column.name.lower() in seen:
            raise sql_error(2705, column.name, name)
        seen.add(column.name.lower())
        type_ = column.type
        if type_.is_null:
            type_ = SqlType("int")
        identity = query.into.identity
        chosen = Identity(identity[1], identity[2]) if identity and identity[0] == i else None
        if type_.is_string:
            type_ = type_.with_collation(type_.collation or DEFAULT_COLLATION, "implicit")
        columns.append(
            Column(
                column.name,
                type_.with_nullable(column.type.nullable),
                column.type.nullable,
                identity=chosen,
                user_type=column.user_type,
            )
        )
    definition = Definition(columns, [], [], [], [], {})
    names = ", ".join(quote(c.name) for c in columns)
    marks = ", ".join("?" * len(columns))
    if name.startswith("#"):
        scope = session.scope
        if name.lower() in scope.temps:
            raise sql_error(2714, name, state=6)
        rows = interpreter.first_rows(query, interpreter.query(query, frame))
        table, statements = temporary_of(session, name, f"{name}@{scope.level}".lower(), definition, "temp")
        session.before_temp_change(scope, name, None)
        session.make_temp(table.sqlite_name, statements)
        scope.temps[name.lower()] = table
        with session.savepoint():
            session.db.executemany(f"INSERT INTO {table.sql} ({names}) VALUES ({marks})", rows)
    else:
        with session.writing():
            table = Changer(session).create_table(target_schema(session, node), name, definition)
            rows = interpreter.first_rows(query, interpreter.rows(query, frame))
            session.db.executemany(f"INSERT INTO {table.sql} ({names}) VALUES ({marks})", rows)
    if query.into.identity and rows:
        position, _, increment = query.into.identity
        numbers = [n for r in rows if isinstance(n := r[position], int)]
        if numbers and table.kind == "temp":
            session.set_identity(table, max(numbers) if increment > 0 else min(numbers))
        elif numbers:
            with session.writing():
                session.set_identity(table, max(numbers) if increment > 0 else min(numbers))
    return len(rows)


def truncate(interpreter: Interpreter, statement: tree.Truncate, frame: Frame) -> None:
    """TRUNCATE TABLE. Errors 4701, 4708, 4712."""
    session = interpreter.session
    table = session.temp_table(statement.table.name) if statement.table.name.startswith("#") else None
    if table is not None:
        scope = session.temp_scope(table.name)
        assert scope is not None
        session.before_temp_change(scope, table.name, table)
        session.db.execute(f"DELETE FROM {table.sql}")
        session.set_identity(table, None)
        return
    found = session.find_relation(statement.table.parts)
    if isinstance(found, View):
        raise SqlError(4708, f"Could not truncate object '{statement.table}' because it is not a table.")
    if not isinstance(found, Table) or found.kind != "user":
        raise sql_error(4701, statement.table.name)
    with session.writing():
        if session.catalog.referencing(found.object_id):
            raise sql_error(4712, found.name)
        session.db.execute(f"DELETE FROM {found.sql}")
        session.set_identity(found, None)


def stored_table(session: Session, name: tree.Name, number: int = 4902) -> Table:
    """A user table by its name. Errors 4902 or 1088, 4909."""
    found = session.find_relation(name.parts)
    if isinstance(found, View):
        if number == 1088:
            raise Unsupported("An index or statistics of a view", name.line)
        raise SqlError(4909, f"Cannot alter '{name}' because it is not a table.")
    if not isinstance(found, Table) or found.kind != "user":
        if number == 1088:
            raise SqlError(
                1088,
                f'Cannot find the object "{name}" because it does not exist or you do not have permissions.',
                state=12,
            )
        raise sql_error(number, str(name))
    return found


def create_index(interpreter: Interpreter, statement: tree.CreateIndex, frame: Frame) -> None:
    """CREATE INDEX."""
    session = interpreter.session
    if statement.table.name.startswith("#"):
        _create_temp_index(session, statement)
        return
    with session.writing():
        table = stored_table(session, statement.table, 1088)
        changer = Changer(session)
        changer.create_index(table, statement.index)
        changer.touch(table.object_id)
        session.changed()


def _create_temp_index(session: Session, statement: tree.CreateIndex) -> None:
    table = session.temp_table(statement.table.name)
    scope = session.temp_scope(statement.table.name)
    if table is None or scope is None:
        raise SqlError(
            1088,
            f'Cannot find the object "{statement.table}" because it does not exist or you do not have permissions.',
            state=12,
        )
    item = statement.index
    options_allowed(item.options, item.line)
    columns = index_columns_of(item)
    checkindex_columns_of(table, columns, "index")
    if any(i.name.lower() == item.name.lower() for i in table.indexes):
        raise sql_error(1913, item.name, "table", table.name)
    rows = session._contents(table)
    new_name = f"{table.sqlite_name}+{digest(item)}"
    number = len(table.indexes) + 1
    sqlite_name = f"{new_name}.{number}"
    index = Index(
        item.name, number, item.unique, bool(item.clustered), columns, filter_of(item), sqlite_name=sqlite_name,
        guard=guard_of(table, columns, item.unique, sqlite_name),
    )  # fmt: skip
    kept = tuple(
        replace(i, sqlite_name=f"{new_name}.{i.index_id}", guard=f"{new_name}.{i.index_id}:nulls" if i.guard else None)
        for i in table.indexes
    )
    made = replace(table, sqlite_name=new_name, indexes=(*kept, index), by_name={})
    statements = [table_sql(made)]
    for i in made.indexes:
        statements += index_sql(session, made, i)
    session.before_temp_change(scope, table.name, table)
    last = session.identity_value(table)
    session.make_temp(new_name, statements)
    try:
        session._fill(made, rows)
    except apsw.ConstraintError:
        raise SqlError(
            1505,
            "The CREATE UNIQUE INDEX statement terminated because a duplicate key was found for the object name"
            f" 'dbo.{table.name}' and the index name '{item.name}'.",
        ) from None
    scope.temps[table.name.lower()] = made
    session.free_temp(table)
    session.set_identity(made, last)


def drop_index(interpreter: Interpreter, statement: tree.DropIndex, frame: Frame) -> None:
    """DROP INDEX. Errors 3701, 3723."""
    session = interpreter.session
    with session.writing():
        changer = Changer(session)
        for item in statement.indexes:
            found = session.find_relation(item.table.parts)
            index = None
            if isinstance(found, Table):
                index = next((i for i in found.indexes if i.name.lower() == item.name.lower()), None)
            if index is None or not isinstance(found, Table):
                if statement.if_exists:
                    continue
                raise sql_error(3701, "drop", "index", f"{item.table}.{item.name}", state=7)
            if index.constraint or index.primary:
                raise sql_error(3723, f"{item.table}.{item.name}", "PRIMARY KEY" if index.primary else "UNIQUE KEY")
            changer.drop_index(found, index)
            session.changed()


def alter_index(interpreter: Interpreter, statement: tree.AlterIndex, frame: Frame) -> None:
    """ALTER INDEX: REBUILD and REORGANIZE change no answer; DISABLE is refused."""
    session = interpreter.session
    table = stored_table(session, statement.table, 1088)
    if statement.action not in ("REBUILD", "REORGANIZE", "SET"):
        raise Unsupported(f"ALTER INDEX ... {statement.action}", statement.line)
    if statement.name is not None and not any(i.name.lower() == statement.name.lower() for i in table.indexes):
        raise SqlError(2727, f"Cannot find index '{statement.name}'.", 11)


def drop(interpreter: Interpreter, statement: tree.Drop, frame: Frame) -> None:
    """DROP of tables, modules and other objects."""
    session = interpreter.session
    for name in statement.names:
        if statement.kind == "TABLE" and name.name.startswith("#"):
            _drop_temp(session, name, statement.if_exists)
            continue
        with session.writing():
            if statement.kind == "TABLE":
                found = session.find_relation(name.parts)
                if not isinstance(found, Table) or found.kind != "user":
                    if isinstance(found, View):
                        raise sql_error(3705, "TABLE", str(name), str(name), "view", "DROP VIEW")
                    if statement.if_exists:
                        continue
                    raise sql_error(3701, "drop", "table", str(name), state=5)
                enforced.check_free(session, found, "DROP TABLE")
                Changer(session).drop_table(found)
            else:
                ddl_objects.drop(Changer(session), statement.kind, name, statement.if_exists, statement.line)


def _drop_temp(session: Session, name: tree.Name, if_exists: bool) -> None:
    scope = session.temp_scope(name.name)
    if scope is None:
        if if_exists:
            return
        raise sql_error(3701, "drop", "table", name.name, state=5)
    table = scope.temps[name.name.lower()]
    session.before_temp_change(scope, name.name, table)
    del scope.temps[name.name.lower()]
    session.free_temp(table)


def alter_table(interpreter: Interpreter, statement: tree.AlterTable, frame: Frame) -> None:
    """ALTER TABLE."""
    from .ddl_alter import alter

    session = interpreter.session
    if statement.name.name.startswith("#"):
        raise Unsupported("ALTER TABLE of a #temp table", statement.line)
    with session.writing():
        table = stored_table(session, statement.name)
        changer = Changer(session)
        alter(changer, table, statement)
        changer.touch(table.object_id)
        session.changed()


def _object(action: Callable[[Changer, Any], None]) -> Callable[[Interpreter, Any, Frame], None]:
    def run(interpreter: Interpreter, statement: Any, frame: Frame) -> None:
        session = interpreter.session
        with session.writing():
            action(Changer(session), statement)
            session.changed()

    return run


def _nothing(interpreter: Interpreter, statement: Any, frame: Frame) -> None:
    """Recorded nowhere: changes no answer."""


def _execute_as(interpreter: Interpreter, statement: Any, frame: Frame) -> None:
    raise Unsupported("EXECUTE AS", statement.line)


STATEMENTS: Final[dict[type, Callable[[Interpreter, Any, Frame], None]]] = {
    tree.CreateTable: create_table,
    tree.AlterTable: alter_table,
    tree.CreateIndex: create_index,
    tree.DropIndex: drop_index,
    tree.AlterIndex: alter_index,
    tree.Drop: drop,
    tree.CreateStatistics: _object(ddl_objects.create_statistics),
    tree.UpdateStatistics: _nothing,
    tree.CreateProcedure: _object(ddl_objects.create_module),
    tree.CreateScalarFunction: _object(ddl_objects.create_module),
    tree.CreateInlineFunction: _object(ddl_objects.create_module),
    tree.CreateTableFunction: _object(ddl_objects.create_module),
    tree.CreateView: _object(ddl_objects.create_module),
    tree.CreateTrigger: _object(ddl_objects.create_trigger),
    tree.CreateSchema: _object(ddl_objects.create_schema),
    tree.CreateType: _object(ddl_objects.create_type),
    tree.CreateSequence: _object(ddl_objects.create_sequence),
    tree.CreateSynonym: _object(ddl_objects.create_synonym),
    tree.CreateRole: _object(ddl_objects.create_role),
    tree.AlterRole: _object(ddl_objects.alter_role),
    tree.CreateUser: _object(ddl_objects.create_user),
    tree.ChangePermission: _object(ddl_objects.change_permission),
    tree.AlterDatabaseSet: _object(ddl_objects.alter_database),
    tree.ExecuteAs: _execute_as,
    tree.Revert: _execute_as,
    tree.Opaque: _object(ddl_objects.opaque),
    tree.Dbcc: ddl_objects.dbcc,
}

__all__ = ["STATEMENTS", "Changer", "Module", "SequenceObject", "execute"]
_Storage = Storage
