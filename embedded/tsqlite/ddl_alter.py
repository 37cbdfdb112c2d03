"""ALTER TABLE: ADD, DROP, ALTER COLUMN, CHECK and NOCHECK. SQLite's table is made anew where SQLite cannot alter it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from . import binder, enforced, tree
from .catalog import Column, Table, quote, type_ids, type_text
from .collation import check as check_collation
from .collation import equality_collation
from .convert import emit_assign, emit_convert
from .ddl_tables import Changer, default_text, define, guard_of, index_sql, no_default, table_sql
from .errors import SqlError, Unsupported, sql_error
from .parser import parse_expression
from .types import DEFAULT_COLLATION
from .units import Names, alias_id, resolve_type

if TYPE_CHECKING:
    from .catalog import Index


def alter(changer: Changer, table: Table, statement: tree.AlterTable) -> None:
    """One ALTER TABLE."""
    action = statement.action
    if isinstance(action, tree.AddElements):
        _add(changer, table, action)
    elif isinstance(action, tree.DropElements):
        for element in action.elements:
            table = changer.reload(table.object_id)
            if element.kind == "COLUMN":
                _drop_column(changer, table, element)
            else:
                _drop_constraint(changer, table, element)
    elif isinstance(action, tree.AlterColumn):
        _alter_column(changer, table, action, statement.line)
    elif isinstance(action, tree.CheckExisting):
        _switch(changer, table, action)
    elif isinstance(action, tree.SetTableOptions):
        return
    else:
        raise Unsupported(f"ALTER TABLE: {type(action).__name__}", statement.line)


def _add(changer: Changer, table: Table, action: tree.AddElements) -> None:
    session, db = changer.session, changer.db
    # ADD DEFAULT ... FOR column comes as a table constraint of its own kind.
    defaults = [c for c in action.definition.constraints if isinstance(c, tree.DefaultConstraint)]
    others = tuple(c for c in action.definition.constraints if not isinstance(c, tree.DefaultConstraint))
    definition = define(session, table.name, replace(action.definition, constraints=others))
    with_values = {
        c.name.lower()
        for c in action.definition.columns
        if any(isinstance(x, tree.DefaultConstraint) and x.with_values for x in c.constraints)
    }
    for column in definition.columns:
        if table.column(column.name) is not None:
            raise sql_error(2705, column.name, table.name)
        if column.computed is not None:
            column = changer.computed(column, table.columns, table.schema, table.name)
        number = max((c.column_id for c in table.columns), default=0) + 1
        column = replace(column, column_id=number)
        filled = column.identity is not None or column.is_rowversion
        empty = db.execute(f"SELECT 1 FROM {table.sql} LIMIT 1").fetchone() is None
        if not column.nullable and column.default is None and not filled and not empty and column.computed is None:
            raise sql_error(4901, column.name, table.name)
        if column.identity is not None and table.identity is not None:
            raise sql_error(2744, table.name)
        if column.is_rowversion and table.rowversion is not None:
            raise sql_error(2738, table.name, column.name)
        changer.add_column(
            table.object_id, column, definition.default_names.get(column.name.lower()), table.schema, table.name
        )
        if column.computed is None:
            collation = equality_collation(column.type) if column.type.is_string else None
            session.ddl(
                f"ALTER TABLE {table.sql} ADD COLUMN {quote(column.name)}"
                + (f" COLLATE {collation}" if collation else "")
            )
        table = changer.reload(table.object_id)
        column = table.by_name[column.name.lower()]
        if empty or column.computed is not None:
            continue
        if column.default is not None and (not column.nullable or column.name.lower() in with_values):
            scalar = binder.bind_default(parse_expression(column.default), column, table, Names(session, {}))
            db.execute(f"UPDATE {table.sql} SET {quote(column.name)} = (SELECT {scalar.sql})")
        elif filled:
            for (rowid,) in db.execute(f"SELECT _rowid FROM {table.sql} ORDER BY _rowid").fetchall():
                value = session.next_rowversion() if column.is_rowversion else session.next_identity(table, column)
                db.execute(f"UPDATE {table.sql} SET {quote(column.name)} = ? WHERE _rowid = ?", (value, rowid))
    for key, key_columns in definition.keys:
        if key.primary:
            for k in key_columns:
                found = table.column(k.name)
                if found is not None and found.nullable:
                    raise sql_error(8111, table.name)
            if any(i.primary for i in table.indexes):
                raise sql_error(1779, table.name, state=0)
        changer.add_key(table, key, key_columns)
        table = changer.reload(table.object_id)
    for item in definition.indexes:
        changer.create_index(table, item)
        table = changer.reload(table.object_id)
    checked = action.check is not False
    for name, text, column_name in definition.checks:
        changer.add_check(table, name, text, column_name, checked)
    for node in definition.foreign_keys:
        changer.add_foreign_key(table, node, checked)
    for constraint in defaults:
        target = table.column(constraint.column or "")
        if target is None or target.computed is not None:
            raise sql_error(1752, constraint.column, table.name, state=0)
        if target.default is not None:
            raise sql_error(1781)
        no_default(table.name, target.name, target.identity is not None, target.type)
        made = replace(target, default=default_text(constraint.value))
        assert made.default is not None
        binder.bind_default(parse_expression(made.default), made, table, Names(session, {}))
        changer.add_default(table.object_id, made, constraint.name, table.schema, table.name)


def _dependants(changer: Changer, table: Table, column: Column) -> list[tuple[str, str]]:
    """(kind, name) of what keeps a column from being dropped or altered."""
    name = column.name.lower()
    found = [("index" if not i.constraint and not i.primary else "object", i.name) for i in table.indexes
             if name in (k.name.lower() for k in i.columns)]  # fmt: skip
    for check in table.checks:
        scalar = binder.bind_check(changer_condition(check.text), table, Names(changer.session, {}))
        if name in (c.lower() for c in scalar.columns):
            found.append(("object", check.name))
    found += [("object", fk.name) for fk in table.foreign_keys if name in (c.lower() for c in fk.columns)]
    found += [
        ("object", fk.name)
        for child, fk in changer.session.catalog.referencing(table.object_id)
        if name in (c.lower() for c in fk.referenced_columns)
    ]
    for other in table.columns:
        if other.computed is not None and any(
            isinstance(n, tree.ColumnRef) and n.name.name.lower() == name for n in tree.walk(other.computed)
        ):
            found.append(("column", other.name))
    return found


def changer_condition(text: str) -> tree.Predicate:
    """The tree of a CHECK."""
    from .parser import parse_condition

    return parse_condition(text)


def _drop_column(changer: Changer, table: Table, element: tree.DropElement) -> None:
    column = table.column(element.name)
    if column is None:
        if element.if_exists:
            return
        raise sql_error(4924, "ALTER TABLE DROP COLUMN", element.name, table.name)
    dependants = _dependants(changer, table, column)
    if column.default is not None:
        dependants.insert(0, ("object", column.default_name or ""))
    dependants += [("object", name) for name in enforced.column_holders(changer.session, table, column.name)]
    if dependants:
        kind, name = dependants[0]
        error = sql_error(5074, kind, name, "column", column.name)
        raise _with_previous(sql_error(4922, f"ALTER TABLE DROP COLUMN {column.name}", state=9), error)
    if len(table.columns) == 1:
        raise sql_error(4923, column.name, table.name)
    changer.db.execute(
        "DELETE FROM main._ts_columns WHERE object_id = ? AND column_id = ?", (table.object_id, column.column_id)
    )
    if column.computed is None:
        changer.session.ddl(f"ALTER TABLE {table.sql} DROP COLUMN {quote(column.name)}")
    changer.session.changed()


def _with_previous(error: SqlError, first: SqlError) -> SqlError:
    # The server sends both; the first is the one that drivers raise.
    first.previous = error
    return first


def _drop_constraint(changer: Changer, table: Table, element: tree.DropElement) -> None:
    db, session = changer.db, changer.session
    name = element.name.lower()
    for index in table.indexes:
        if index.name.lower() == name and (index.constraint or index.primary):
            for child, fk in session.catalog.referencing(table.object_id):
                if sorted(c.lower() for c in fk.referenced_columns) == sorted(k.lower() for k in index.key):
                    raise sql_error(3725, index.name, child.name, fk.name, state=0)
            changer.drop_index(table, index)
            changer.remove_object(index.object_id)
            session.changed()
            return
    for check in table.checks:
        if check.name.lower() == name:
            db.execute("DELETE FROM main._ts_checks WHERE object_id = ?", (check.object_id,))
            changer.remove_object(check.object_id)
            session.changed()
            return
    for fk in table.foreign_keys:
        if fk.name.lower() == name:
            changer.drop_foreign_key(fk)
            session.changed()
            return
    for column in table.columns:
        if column.default_name is not None and column.default_name.lower() == name:
            db.execute("DELETE FROM main._ts_defaults WHERE object_id = ?", (column.default_id,))
            db.execute(
                "UPDATE main._ts_columns SET default_object_id = 0 WHERE object_id = ? AND column_id = ?",
                (table.object_id, column.column_id),
            )
            changer.remove_object(column.default_id)
            session.changed()
            return
    if not element.if_exists:
        raise _with_previous(sql_error(3727), sql_error(3728, element.name))


def _alter_column(changer: Changer, table: Table, action: tree.AlterColumn, line: int) -> None:
    if action.change is not None or action.type is None:
        raise Unsupported(f"ALTER COLUMN ... {action.change}", line)
    column = table.column(action.name)
    if column is None:
        raise sql_error(4924, "ALTER TABLE ALTER COLUMN", action.name, table.name)
    if column.is_rowversion or column.computed is not None:
        raise sql_error(4928, column.name, "timestamp" if column.is_rowversion else "COMPUTED")
    session, db = changer.session, changer.db
    type_ = resolve_type(action.type, session, line)
    if type_.name == "rowversion":
        raise SqlError(4927, f"Cannot alter column '{column.name}' to be data type timestamp.")
    if type_.is_string:
        collation = (
            check_collation(action.collation)
            if action.collation
            else (column.type.collation if column.type.is_string else DEFAULT_COLLATION)
        )
        type_ = type_.with_collation(collation, "implicit")
    nullable = True if action.nullable is None else action.nullable
    if nullable and any(i.primary and column.name in i.key for i in table.indexes):
        raise sql_error(5074, "object", next(i.name for i in table.indexes if i.primary), "column", column.name)
    same = type_.name == column.type.name
    wider = (
        same
        and type_.storage_class == column.type.storage_class
        and (type_.length == -1 or (column.type.length or 0) <= (type_.length or 0))
    )
    if not (same and type_.same_as(column.type)):
        blocking = [
            d for d in _dependants(changer, table, column) if not (wider and (type_.is_string or type_.is_binary))
        ]
        if column.default is not None and not wider:
            blocking.append(("object", column.default_name or ""))
        blocking += [("object", name) for name in enforced.column_holders(session, table, column.name)]
        if blocking:
            kind, name = blocking[0]
            raise _with_previous(
                sql_error(4922, f"ALTER TABLE ALTER COLUMN {column.name}", state=9),
                sql_error(5074, kind, name, "column", column.name),
            )
    if not nullable and db.execute(f"SELECT 1 FROM {table.sql} WHERE {quote(column.name)} IS NULL LIMIT 1").fetchone():
        raise sql_error(515, column.name, f"{session.database}.{table.schema}.{table.name}", "UPDATE", state=2)
    made = replace(column, type=type_.with_nullable(nullable), nullable=nullable)
    emit_convert("NULL", column.type, type_, implicit=True)
    text = emit_assign(
        quote(column.name), column.type, type_, column.name, f"{session.database}.{table.schema}.{table.name}"
    )
    system, user, length, precision, scale = type_ids(type_)
    db.execute(
        "UPDATE main._ts_columns SET type = ?, system_type_id = ?, user_type_id = ?, max_length = ?, precision = ?,"
        " scale = ?, collation_name = ?, is_nullable = ? WHERE object_id = ? AND column_id = ?",
        (
            type_text(type_), system, alias_id(action.type, session) or user, length, precision, scale,
            type_.collation if type_.is_string else None, int(nullable), table.object_id, column.column_id,
        ),
    )  # fmt: skip
    rebuild(changer, table, made, text)
    session.changed()


def rebuild(changer: Changer, table: Table, made: Column, text: str) -> None:
    """SQLite's table anew, with one column's value (and collation, and indexes' guards) changed."""
    session = changer.session
    columns = tuple(made if c.column_id == made.column_id else c for c in table.columns)
    indexes: list[Index] = []
    for index in table.indexes:
        guard = guard_of(replace(table, columns=columns, by_name={}), index.columns, index.unique, index.sqlite_name)
        if guard != index.guard:
            changer.db.execute(
                "UPDATE main._ts_indexes SET guard = ? WHERE object_id = ? AND index_id = ?",
                (guard, table.object_id, index.index_id),
            )
        indexes.append(replace(index, guard=guard))
    after = replace(table, columns=columns, indexes=tuple(indexes), by_name={})
    temporary = f"{table.sqlite_name}:new"
    names = ", ".join(["_rowid", *(quote(c.name) for c in table.stored)])
    values = ", ".join(["_rowid", *(text if c.column_id == made.column_id else quote(c.name) for c in table.stored)])
    session.ddl(table_sql(after, temporary))
    session.ddl(f"INSERT INTO main.{quote(temporary)} ({names}) SELECT {values} FROM {table.sql}")
    session.ddl(f"DROP TABLE {table.sql}")
    session.ddl(f"ALTER TABLE main.{quote(temporary)} RENAME TO {quote(table.sqlite_name)}")
    for index in indexes:
        for sql in index_sql(session, after, index):
            session.ddl(sql)


def _switch(changer: Changer, table: Table, action: tree.CheckExisting) -> None:
    """CHECK and NOCHECK CONSTRAINT. Error 547 when rows break it WITH CHECK."""
    db = changer.db
    wanted = {n.lower() for n in action.names}
    found = False
    for check in table.checks:
        if not wanted or check.name.lower() in wanted:
            found = True
            if action.enable and action.check:
                scalar = binder.bind_check(changer_condition(check.text), table, Names(changer.session, {}))
                if db.execute(f"SELECT 1 FROM {table.sql} WHERE NOT ({scalar.sql}) LIMIT 1").fetchone():
                    only = f", column '{scalar.columns[0]}'" if len(set(scalar.columns)) == 1 else ""
                    raise sql_error(
                        547, "ALTER TABLE", "CHECK", check.name, changer.session.database,
                        f"{table.schema}.{table.name}", only, state=0,
                    )  # fmt: skip
            trusted = action.enable and (action.check or (check.trusted and not check.disabled))
            db.execute(
                "UPDATE main._ts_checks SET is_disabled = ?, is_not_trusted = ? WHERE object_id = ?",
                (int(not action.enable), int(not trusted), check.object_id),
            )
    for fk in table.foreign_keys:
        if not wanted or fk.name.lower() in wanted:
            found = True
            if action.enable and action.check:
                parent = changer.session.catalog.by_id(fk.referenced_id)
                assert isinstance(parent, Table)
                pairs = [
                    (table.by_name[c.lower()], parent.by_name[r.lower()])
                    for c, r in zip(fk.columns, fk.referenced_columns, strict=True)
                ]
                changer._check_foreign_key(table, parent, pairs, fk.name)
            trusted = action.enable and (action.check or (fk.trusted and not fk.disabled))
            db.execute(
                "UPDATE main._ts_foreign_keys SET is_disabled = ?, is_not_trusted = ? WHERE object_id = ?",
                (int(not action.enable), int(not trusted), fk.object_id),
            )
    if wanted and not found:
        raise SqlError(4917, f"Constraint '{action.names[0]}' does not exist.")
