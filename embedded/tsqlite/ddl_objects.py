"""Modules, schemas, types, sequences, principals and permissions: objects that are rows of the catalog and nothing in
SQLite.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from . import enforced, tree, units
from .catalog import FIXED_PRINCIPALS, Module, Sequence, Table, View, type_ids, type_text
from .errors import SqlError, Unsupported, sql_error
from .types import INTEGER_RANGE, SqlType

if TYPE_CHECKING:
    from .ddl_tables import Changer
    from .interpreter import Frame, Interpreter

KINDS: Final[dict[type, str]] = {
    tree.CreateProcedure: "P",
    tree.CreateScalarFunction: "FN",
    tree.CreateInlineFunction: "IF",
    tree.CreateTableFunction: "TF",
    tree.CreateView: "V",
}
DROPPED: Final = {
    "PROCEDURE": ("P",),
    "VIEW": ("V",),
    "FUNCTION": ("FN", "IF", "TF"),
    "SEQUENCE": ("SO",),
}
NO_EFFECT: Final = ("CERTIFICATE", "SIGNATURE", "MASTER KEY", "AUTHORIZATION")
"""Opaque statements about these are recorded: nothing here depends on them, since permissions are not enforced."""


def _types_of(kind: str) -> str:
    return {"P": "procedure", "V": "view"}.get(kind, "function")


def create_module(changer: Changer, node: Any) -> None:
    """CREATE, ALTER, CREATE OR ALTER of procedures, functions, views. Errors 208 (ALTER), 2714, 2760, 111."""
    from .ddl import target_schema

    session = changer.session
    schema, name = target_schema(session, node.name), node.name.name
    kind = KINDS[type(node)]
    if name.startswith("#"):
        raise Unsupported("A temporary procedure", node.line)
    for option in node.options:
        if option.name not in ("RECOMPILE", "SCHEMABINDING", "EXECUTE AS", "RETURNS NULL ON NULL INPUT",
                               "CALLED ON NULL INPUT", "VIEW_METADATA", "INLINE"):  # fmt: skip
            raise Unsupported(f"WITH {option.name}", node.line)
    _check_body(changer, node, kind)
    if any(option.name == "SCHEMABINDING" for option in node.options):
        if kind == "P":
            raise Unsupported("A procedure WITH SCHEMABINDING", node.line)
        enforced.check_binding(session, node, kind)
    found = session.catalog.find(schema, name)
    if found is None and node.action == "ALTER":
        raise sql_error(208, str(node.name), state=6)
    if found is not None:
        same = isinstance(found, View) if kind == "V" else isinstance(found, Module) and found.kind == kind
        if node.action == "CREATE" or not same:
            if node.action == "CREATE":
                raise sql_error(2714, name, state=3)
            raise SqlError(2010, f"Cannot perform alter on '{node.name}' because it is an incompatible object type.")
        assert isinstance(found, View | Module)
        object_id = found.object_id
        enforced.check_free(session, found, "ALTER")
        changer.touch(object_id)
        changer.db.execute("DELETE FROM main._ts_modules WHERE object_id = ?", (object_id,))
        for table in ("_ts_parameters", "_ts_columns"):
            changer.db.execute(f"DELETE FROM main.{table} WHERE object_id = ?", (object_id,))
    else:
        object_id = changer.add_object(schema, name, kind)
    settings = session.settings
    options = {o.name: o.value for o in node.options}
    changer.db.execute(
        "INSERT INTO main._ts_modules VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            object_id,
            node.text,
            int(settings.ansi_nulls),
            int(settings.quoted_identifier),
            int("SCHEMABINDING" in options),
            int("RECOMPILE" in options),
            options.get("EXECUTE AS"),
        ),
    )
    _parameters(changer, node, object_id)
    if kind == "V":
        _view_columns(changer, node, object_id)


def _parameters(changer: Changer, node: Any, object_id: int) -> None:
    rows: list[tuple[int, str, SqlType, bool, bool, int]] = []
    session = changer.session
    if isinstance(node, tree.CreateScalarFunction):
        returned = units.resolve_type(node.returns, session, node.line)
        rows.append((0, "", returned, True, False, units.alias_id(node.returns, session)))
    for i, parameter in enumerate(getattr(node, "parameters", ()), 1):
        made = units.parameter(parameter, session)
        alias = units.alias_id(parameter.type, session)
        rows.append((i, made.name, made.type, made.output, made.default is not None, alias))
    for number, name, type_, output, default, alias in rows:
        system, user, length, precision, scale = type_ids(type_)
        changer.db.execute(
            "INSERT INTO main._ts_parameters VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
            (
                object_id,
                number,
                name,
                type_text(type_),
                system,
                alias or user,
                length,
                precision,
                scale,
                int(output),
                int(default),
            ),
        )


def _compile(statement: tree.Statement, names: units.Names, module: str) -> None:
    """What a statement of a module can be blamed for now: tables that are not there yet are sought when it runs."""
    from . import binder
    from .interpreter import UNRESOLVED

    try:
        if isinstance(statement, tree.SelectStatement | tree.Insert | tree.Update | tree.Delete):
            binder.bind_statement(statement, names)
        elif isinstance(statement, tree.If | tree.While):
            binder.bind_condition(statement.condition, names)
        elif isinstance(statement, tree.SetVariable) and statement.variable.lower() in names.types:
            binder.bind_statement(statement, names)
        elif isinstance(statement, tree.Return) and statement.value is not None:
            binder.bind_expression(statement.value, names)
    except SqlError as e:
        if e.number not in UNRESOLVED:
            e.line, e.procedure = e.line or statement.line, module
            raise
    except Unsupported:
        pass  # refused when it runs, should it run


EFFECTS: Final = (
    tree.Execute, tree.ExecuteString, tree.Print, tree.Raiserror, tree.Throw, tree.TryCatch, tree.BeginTransaction,
    tree.Commit, tree.Rollback, tree.SaveTransaction, tree.WaitFor, tree.Truncate, tree.CreateTable, tree.AlterTable,
    tree.CreateIndex, tree.AlterIndex, tree.DropIndex, tree.Drop, tree.SetOption, tree.SetValue, tree.SetIsolation,
    tree.SetIdentityInsert,
)  # fmt: skip
SHOWN: Final = {
    "Commit": "COMMIT TRANSACTION", "Rollback": "ROLLBACK TRANSACTION", "ExecuteString": "EXECUTE STRING",
    "TryCatch": "BEGIN TRY", "Truncate": "TRUNCATE TABLE",
}  # fmt: skip


def _check_body(changer: Changer, node: Any, kind: str) -> None:
    if kind in ("P", "FN"):
        unit = units.analyse(units.Unit(node.text, node.body, node.parameters))
        shape = unit.shape(changer.session)  # the types of its variables must be there
        names = units.Names(changer.session, shape.types, node.name.schema or "dbo")
        for statement in units.every(node.body):
            _compile(statement, names, node.name.name)
            if isinstance(statement, tree.Use):
                where = "a procedure, function or trigger"
                raise sql_error(154, "a USE database statement", where, line=statement.line)
    if kind == "P":
        seen: set[str] = set()
        for parameter in node.parameters:
            if parameter.name.lower() in seen:
                raise sql_error(134, parameter.name, line=parameter.line or node.line)
            seen.add(parameter.name.lower())
    if kind == "FN":
        for statement in units.every(node.body):
            if isinstance(statement, tree.SelectStatement) and not _assigns(statement):
                raise sql_error(444, line=statement.line)
            if isinstance(statement, tree.Insert | tree.Update | tree.Delete):
                if not isinstance(statement.target, tree.TableVariable):
                    raise sql_error(443, type(statement).__name__.upper(), line=statement.line)
            elif isinstance(statement, EFFECTS):
                name = type(statement).__name__
                shown = SHOWN.get(name) or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).upper()
                raise sql_error(443, shown, line=statement.line)
    if kind == "IF":
        _check_inline(changer, node)
    if kind == "TF":
        raise Unsupported("A multi-statement table-valued function", node.line)


def _check_inline(changer: Changer, node: tree.CreateInlineFunction) -> None:
    """An inline function is bound as a view is: what it reads must be there. Errors 208, 207, 4121, 4506, 4514."""
    from . import binder

    made = [units.parameter(parameter, changer.session) for parameter in node.parameters]
    names = units.Names(changer.session, {p.name.lower(): p.type for p in made}, node.name.schema or "dbo")
    try:
        columns = binder.describe(node.query, names)
    except Unsupported:
        return  # refused when it is read, should it be
    seen: set[str] = set()
    for i, column in enumerate(columns, 1):
        if not column.name:
            raise SqlError(4514, f"CREATE FUNCTION failed because a column name is not specified for column {i}.")
        if column.name.lower() in seen:
            raise sql_error(4506, column.name, node.name.name)
        seen.add(column.name.lower())


def _assigns(statement: tree.SelectStatement) -> bool:
    body = statement.query.body
    return isinstance(body, tree.QuerySpec) and all(isinstance(i, tree.AssignItem) for i in body.items)


def _view_columns(changer: Changer, node: tree.CreateView, object_id: int) -> None:
    """The columns of a view, bound now: a view's tables must be there. Errors 208, 207, 4506, 4511."""
    from . import binder

    names = units.Names(changer.session, {}, node.name.schema or "dbo")
    if node.check_option:
        raise Unsupported("WITH CHECK OPTION", node.line)
    for table in tree.walk(node.query):
        if isinstance(table, tree.NamedTable) and table.name.name.startswith("#"):
            raise SqlError(
                4508,
                "Views or functions are not allowed on temporary tables. Table names that begin with '#' denote "
                "temporary tables.",
            )
    columns = binder.describe(node.query, names)
    if node.columns and len(node.columns) != len(columns):
        raise sql_error(8158 if len(columns) > len(node.columns) else 8159, node.name.name)
    seen: set[str] = set()
    for i, column in enumerate(columns, 1):
        name = node.columns[i - 1] if node.columns else column.name
        if not name:
            raise sql_error(4511, i)
        if name.lower() in seen:
            raise sql_error(4506, name, node.name.name)
        seen.add(name.lower())
        system, user, length, precision, scale = type_ids(column.type)
        changer.db.execute(
            "INSERT INTO main._ts_columns VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, NULL, NULL, NULL, 0, 0)",
            (
                object_id, i, name, type_text(column.type), system, column.user_type or user, length, precision, scale,
                column.type.collation if column.type.is_string else None, int(column.type.nullable),
            ),
        )  # fmt: skip


def create_trigger(changer: Changer, node: tree.CreateTrigger) -> None:
    """Refused."""
    raise Unsupported("CREATE TRIGGER", node.line)


def create_statistics(changer: Changer, node: tree.CreateStatistics) -> None:
    """Recorded: changes no answer."""
    from .ddl import stored_table

    table = stored_table(changer.session, node.table, 1088)
    changer.db.execute(
        "INSERT OR REPLACE INTO main._ts_statistics VALUES (?, ?, ?)",
        (table.object_id, node.name, ",".join(node.columns)),
    )


def create_schema(changer: Changer, node: tree.CreateSchema) -> None:
    """CREATE SCHEMA. Errors 2714, 15151."""
    if node.name.lower() in changer.session.catalog.schemas:
        raise sql_error(2714, node.name, state=6)
    owner = principal_id(changer, node.owner) if node.owner else 1
    last = int(changer.db.execute("SELECT max(schema_id) FROM main._ts_schemas WHERE schema_id < 16384").get)
    changer.db.execute("INSERT INTO main._ts_schemas VALUES (?, ?, ?)", (last + 1, node.name, owner))


def create_type(changer: Changer, node: tree.CreateType) -> None:
    """CREATE TYPE of an alias. Table types are refused."""
    from .ddl import target_schema

    if node.definition is not None:
        raise Unsupported("CREATE TYPE ... AS TABLE", node.line)
    assert node.base is not None
    session = changer.session
    schema = target_schema(session, node.name)
    if session.catalog.user_type(schema, node.name.name) is not None:
        raise SqlError(219, f"The type '{node.name}' already exists, or you do not have permission to create it.")
    base = units.resolve_type(node.base, session, node.line)
    number = int(changer.db.execute("SELECT value FROM main._ts_counters WHERE name = 'user_type'").get)
    changer.db.execute("UPDATE main._ts_counters SET value = ? WHERE name = 'user_type'", (number + 1,))
    changer.db.execute(
        "INSERT INTO main._ts_types VALUES (?, ?, ?, ?, ?, NULL)",
        (number, changer.schema_id(schema), node.name.name, type_text(base), int(node.nullable is not False)),
    )


def create_sequence(changer: Changer, node: tree.CreateSequence) -> None:
    """CREATE SEQUENCE."""
    from .ddl import target_schema

    if node.alter:
        raise Unsupported("ALTER SEQUENCE", node.line)
    session = changer.session
    type_ = units.resolve_type(node.type, session, node.line) if node.type else SqlType("bigint")
    if type_.name not in INTEGER_RANGE or type_.is_money or type_.name == "bit":
        raise Unsupported(f"A sequence of type {type_}", node.line)
    low, high = INTEGER_RANGE[type_.name]
    increment = 1 if node.increment is None else node.increment
    if increment == 0:
        raise sql_error(11700, str(node.name))
    minimum = low if node.minimum is None else node.minimum
    maximum = high if node.maximum is None else node.maximum
    start = node.start if node.start is not None else (minimum if increment > 0 else maximum)
    if minimum >= maximum:
        raise SqlError(
            11705, f"The minimum value for sequence object '{node.name}' must be less than its maximum value."
        )
    if not minimum <= start <= maximum:
        raise SqlError(
            11703,
            f"The start value for sequence object '{node.name}' must be between the minimum and maximum value of the"
            " sequence object.",
        )
    if abs(increment) > maximum - minimum:
        raise SqlError(
            11701,
            f"The absolute value of the increment for sequence object '{node.name}' must be less than or equal to the"
            " difference between the minimum and maximum value of the sequence object.",
        )
    if node.cache is not None and node.cache <= 0:
        raise SqlError(11706, f"The cache size for sequence object '{node.name}' must be greater than 0.")
    if not (low <= minimum and maximum <= high):
        name = "MINVALUE" if minimum < low else "MAXVALUE"
        raise SqlError(11708, f"An invalid value was specified for argument '{name}' for the given data type.")
    object_id = changer.add_object(target_schema(session, node.name), node.name.name, "SO")
    changer.db.execute(
        "INSERT INTO main._ts_sequences VALUES (?, ?, ?, ?, ?, ?, ?)",
        (object_id, type_text(type_), start, increment, minimum, maximum, int(bool(node.cycle))),
    )


def create_synonym(changer: Changer, node: tree.CreateSynonym) -> None:
    """Refused."""
    raise Unsupported("CREATE SYNONYM", node.line)


# --- principals and permissions: recorded, not enforced ---------------------------------------------------------------


def principal_id(changer: Changer, name: str) -> int:
    """Error 15151."""
    row = changer.db.execute("SELECT principal_id FROM main._ts_principals WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise sql_error(15151, "find", "principal", name)
    return int(row[0])


def _add_principal(changer: Changer, name: str, type_: str, owner: int | None) -> None:
    if changer.db.execute("SELECT 1 FROM main._ts_principals WHERE name = ?", (name,)).fetchone():
        raise sql_error(15023, name)
    last = int(changer.db.execute("SELECT max(principal_id) FROM main._ts_principals WHERE principal_id < 16384").get)
    changer.db.execute(
        "INSERT INTO main._ts_principals VALUES (?, ?, ?, ?, 0, ?)", (max(last + 1, 5), name, type_, owner, changer.now)
    )


def create_role(changer: Changer, node: tree.CreateRole) -> None:
    """CREATE ROLE."""
    _add_principal(changer, node.name, "R", principal_id(changer, node.owner) if node.owner else 1)


def create_user(changer: Changer, node: tree.CreateUser) -> None:
    """CREATE USER."""
    kinds = {"CERTIFICATE": "C", "ASYMMETRIC KEY": "K", "EXTERNAL PROVIDER": "E"}
    _add_principal(changer, node.name, kinds.get(node.source or "", "S"), None)


def alter_role(changer: Changer, node: tree.AlterRole) -> None:
    """ALTER ROLE ... ADD | DROP MEMBER."""
    role = principal_id(changer, node.role)
    if node.change == "NAME":
        changer.db.execute("UPDATE main._ts_principals SET name = ? WHERE principal_id = ?", (node.member, role))
        return
    member = principal_id(changer, node.member)
    if node.change == "ADD":
        changer.db.execute("INSERT OR IGNORE INTO main._ts_role_members VALUES (?, ?)", (role, member))
    else:
        changer.db.execute(
            "DELETE FROM main._ts_role_members WHERE role_principal_id = ? AND member_principal_id = ?", (role, member)
        )


def change_permission(changer: Changer, node: tree.ChangePermission) -> None:
    """GRANT, DENY, REVOKE: rows of sys.database_permissions. Error 15151 for what is not there."""
    session = changer.session
    class_, major = 0, 0
    if node.securable is not None:
        name = node.securable
        kind = node.securable_class or "OBJECT"
        if kind == "SCHEMA":
            found_schema = session.catalog.schemas.get(name.name.lower())
            if found_schema is None:
                raise sql_error(15151, "find", "schema", name.name)
            class_, major = 3, found_schema
        elif kind == "OBJECT":
            found = session.find_object(name.parts)
            if found is None:
                relation = session.find_relation(name.parts)
                if not isinstance(relation, Table):
                    raise sql_error(15151, "find", "object", name.name)
                class_, major = 1, relation.object_id
            else:
                class_, major = 1, found.object_id
        elif kind in ("DATABASE", "TYPE", "ROLE", "USER", "CERTIFICATE", "APPLICATION ROLE"):
            class_ = {"DATABASE": 0, "TYPE": 6}.get(kind, 4)
        else:
            raise Unsupported(f"Permissions on {kind}", node.line)
    grantees = [principal_id(changer, p) for p in node.principals]
    for permission in node.permissions:
        for grantee in grantees:
            key = (class_, major, 0, grantee, permission.name)
            if node.action == "REVOKE":
                changer.db.execute(
                    "DELETE FROM main._ts_permissions WHERE class = ? AND major_id = ? AND minor_id = ?"
                    " AND grantee_principal_id = ? AND permission_name = ?",
                    key,
                )
            else:
                state = "D" if node.action == "DENY" else "W" if node.grant_option else "G"
                changer.db.execute(
                    "INSERT OR REPLACE INTO main._ts_permissions VALUES (?, ?, ?, ?, 1, ?, ?)",
                    (class_, major, 0, grantee, permission.name, state),
                )


# --- DROP, ALTER DATABASE, the rest -----------------------------------------------------------------------------------


def _kind_of(found: Table | View | Module | Sequence) -> str:
    if isinstance(found, Module):
        return "procedure" if found.kind == "P" else "function"
    return "view" if isinstance(found, View) else "sequence" if isinstance(found, Sequence) else "table"


def drop(changer: Changer, kind: str, name: tree.Name, if_exists: bool, line: int) -> None:
    """DROP of everything but tables. Errors 3701, 15151, 3729."""
    session, db = changer.session, changer.db
    if kind in DROPPED:
        found = session.find_object(name.parts)
        of = "V" if isinstance(found, View) else "SO" if isinstance(found, Sequence) else getattr(found, "kind", "")
        if found is None or of not in DROPPED[kind]:
            other = None if found is None and kind == "SEQUENCE" else found or session.find_relation(name.parts)
            if isinstance(other, Table) and other.kind != "user":
                other = None
            if other is not None:
                is_ = _kind_of(other)
                raise sql_error(3705, kind, str(name), str(name), is_, f"DROP {is_.upper()}")
            if if_exists:
                return
            raise sql_error(3701, "drop", kind.lower(), str(name), state=5)
        enforced.check_free(session, found, f"DROP {kind}")
        changer.remove_object(found.object_id)
    elif kind == "SCHEMA":
        schema_id = session.catalog.schemas.get(name.name.lower())
        if schema_id is None:
            if if_exists:
                return
            raise sql_error(15151, "drop", "schema", name.name)
        used = db.execute("SELECT name FROM main._ts_objects WHERE schema_id = ? LIMIT 1", (schema_id,)).fetchone()
        if used:
            raise sql_error(3729, "drop schema", name.name, used[0])
        db.execute("DELETE FROM main._ts_schemas WHERE schema_id = ?", (schema_id,))
    elif kind == "TYPE":
        type_ = session.catalog.user_type(name.schema, name.name)
        if type_ is None:
            if if_exists:
                return
            raise SqlError(
                218,
                f"Could not find the type '{name}'. Either it does not exist or you do not have the necessary"
                " permission.",
            )
        used = db.execute(
            "SELECT o.name FROM main._ts_objects AS o WHERE EXISTS (SELECT 1 FROM main._ts_columns AS c WHERE"
            " c.object_id = o.object_id AND c.user_type_id = ?1) OR EXISTS (SELECT 1 FROM main._ts_parameters AS p"
            " WHERE p.object_id = o.object_id AND p.user_type_id = ?1) LIMIT 1",
            (type_.user_type_id,),
        ).fetchone()
        if used:
            raise sql_error(3732, str(name), used[0])
        db.execute("DELETE FROM main._ts_types WHERE user_type_id = ?", (type_.user_type_id,))
    elif kind in ("ROLE", "USER"):
        row = db.execute("SELECT principal_id FROM main._ts_principals WHERE name = ?", (name.name,)).fetchone()
        if row is None:
            if if_exists:
                return
            raise sql_error(15151, "drop", kind.lower(), name.name)
        if row[0] in FIXED_PRINCIPALS:
            raise SqlError(15150, f"Cannot drop the {kind.lower()} '{name.name}'.")
        if (
            kind == "ROLE"
            and db.execute("SELECT 1 FROM main._ts_role_members WHERE role_principal_id = ?", row).fetchone()
        ):
            raise SqlError(15144, "The role has members. It must be empty before it can be dropped.")
        db.execute("DELETE FROM main._ts_principals WHERE principal_id = ?", row)
        db.execute("DELETE FROM main._ts_role_members WHERE member_principal_id = ?", row)
        db.execute("DELETE FROM main._ts_permissions WHERE grantee_principal_id = ?", row)
    elif kind in NO_EFFECT or (kind in ("TRIGGER", "SYNONYM", "STATISTICS") and if_exists):
        return
    else:
        raise Unsupported(f"DROP {kind}", line)
    session.changed()


def alter_database(changer: Changer, node: tree.AlterDatabaseSet) -> None:
    """ALTER DATABASE SET: options that are properties here; others are refused."""
    session, db = changer.session, changer.db
    if node.database is not None and node.database.lower() not in (session.database.lower(), "current"):
        raise sql_error(5011, node.database) if False else Unsupported(f"Database {node.database}", node.line)
    for option in node.options:
        value = (option.value or "").upper()
        if option.name == "COMPATIBILITY_LEVEL":
            if value not in ("140", "150", "160"):
                raise Unsupported(f"COMPATIBILITY_LEVEL {value}", node.line)
            stored: Any = int(value)
            key = "compatibility_level"
        elif option.name in ("ALLOW_SNAPSHOT_ISOLATION", "READ_COMMITTED_SNAPSHOT"):
            key = "allow_snapshot" if option.name.startswith("ALLOW") else "read_committed_snapshot"
            stored = int(value == "ON")
        elif option.name in ("RECOVERY", "PAGE_VERIFY", "AUTO_CLOSE", "AUTO_SHRINK", "AUTO_CREATE_STATISTICS",
                             "AUTO_UPDATE_STATISTICS", "AUTO_UPDATE_STATISTICS_ASYNC", "PARAMETERIZATION", "MULTI_USER",
                             "QUERY_STORE", "DELAYED_DURABILITY", "TARGET_RECOVERY_TIME"):  # fmt: skip
            key, stored = option.name.lower(), value
        else:
            raise Unsupported(f"ALTER DATABASE SET {option.name}", node.line)
        db.execute("INSERT OR REPLACE INTO main._ts_database VALUES (?, ?)", (key, stored))


def opaque(changer: Changer, node: tree.Opaque) -> None:
    """Certificates, signatures, ownership: accepted, since no answer here depends on them."""
    if not any(word in node.kind.upper() for word in NO_EFFECT):
        raise Unsupported(node.kind, node.line)


def dbcc(interpreter: Interpreter, node: tree.Dbcc, frame: Frame) -> None:
    """DBCC TRACEON and TRACEOFF (460), CHECKIDENT with RESEED. Others are refused."""
    session = interpreter.session
    args = [interpreter.value(a, frame)[0] for a in node.args if not isinstance(a, tree.Bareword | tree.ColumnRef)]
    if node.command in ("TRACEON", "TRACEOFF"):
        if 460 in args:
            session.verbose_truncation = node.command == "TRACEON"
        return
    if node.command == "CHECKIDENT" and node.args:
        words = [a.value.upper() for a in node.args if isinstance(a, tree.Bareword)]
        words += [a.name.name.upper() for a in node.args if isinstance(a, tree.ColumnRef)]
        from .interpreter import split_name

        table = session.find_relation(split_name(str(args[0])))
        if "RESEED" in words and len(args) == 2 and isinstance(args[1], int):
            if not isinstance(table, Table) or table.identity is None:
                raise SqlError(7997, f"'{args[0]!s}' does not contain an identity column.")
            with session.writing():
                empty = session.identity_value(table) is None
                increment = table.identity.identity.increment if table.identity.identity else 1
                # The next value is the new seed where no row was ever inserted, else one step beyond it.
                session.set_identity(table, args[1] - increment if empty else args[1])
            return
    raise Unsupported(f"DBCC {node.command}", node.line)
