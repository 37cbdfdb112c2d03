"""System stored procedures: sp_executesql, application locks, session context, sp_rename, extended properties."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from . import odbc_catalog, tree, units
from .catalog import Module, Parameter, Sequence, Table, View
from .compiled import Column as ResultColumn
from .datatype_info import datatype_info
from .errors import SqlError, Unsupported, sql_error
from .results import ResultSet
from .types import BIT, INT, TINYINT, SqlType, nvarchar, varchar
from .values import Storage

if TYPE_CHECKING:
    from .interpreter import Frame, Interpreter

Procedure: TypeAlias = Callable[["Interpreter", tree.Execute, "Frame"], int | None]
NONE: Final = tree.NullLiteral()
SYSNAME: Final = nvarchar(128)


def text(value: str) -> tree.Expr:
    """A string as a default."""
    return tree.StringLiteral(value, True)


def _arguments(
    interpreter: Interpreter, node: tree.Execute, frame: Frame, name: str, *parameters: Parameter
) -> dict[str, Any]:
    values, _ = interpreter._arguments(name, parameters, node.args, frame)
    return values


def executesql(interpreter: Interpreter, node: tree.Execute, frame: Frame) -> int | None:
    """sp_executesql @stmt, @params, values: a level of its own with typed parameters."""
    session = interpreter.session
    args = list(node.args)
    if not args:
        raise sql_error(201, "sp_executesql", "@stmt", state=10)
    statement, of = interpreter._argument(args[0].value, frame)
    if of.is_string and not of.is_unicode:
        raise sql_error(214, "@statement", "ntext/nchar/nvarchar", state=2)
    if not of.is_string and statement is not None:
        raise sql_error(214, "@statement", "ntext/nchar/nvarchar", state=2)
    declared: Storage = ""
    rest = args[1:]
    if rest:
        declared, of = interpreter._argument(rest[0].value, frame)
        if of.is_string and not of.is_unicode and declared is not None:
            raise sql_error(214, "@params", "ntext/nchar/nvarchar", state=3)
        rest = rest[1:]
    if statement is None:
        return 0
    unit = units.dynamic_unit(str(statement), str(declared or ""), session.settings.quoted_identifier)
    shape = unit.shape(session)
    by_position: list[tree.ExecArgument] = rest
    values: dict[str, Storage] = {}
    outputs: dict[str, str] = {}
    parameters = {p.name.lower(): p for p in shape.parameters}
    for i, arg in enumerate(by_position):
        if arg.name is not None:
            found = parameters.get(arg.name.lower())
            if found is None:
                raise sql_error(8145, arg.name, "sp_executesql") if parameters else sql_error(8144, "sp_executesql")
        elif i < len(shape.parameters):
            found = shape.parameters[i]
        else:
            raise sql_error(8144, "sp_executesql", state=2) if shape.parameters else sql_error(8146, "sp_executesql")
        key = found.name.lower()
        if key in values:
            raise sql_error(8143, found.name)
        if arg.output:
            if not found.output:
                raise sql_error(8162, found.name, state=2)
            assert isinstance(arg.value, tree.Variable)
            outputs[arg.value.name.lower()] = key
        value, of = interpreter._argument(arg.value, frame)
        values[key] = interpreter._converted_argument(value, of, found.type)
    for p in shape.parameters:
        if p.name.lower() not in values:
            if p.default is None:
                raise sql_error(8178, f"({declared!s}){statement!s}", p.name)
            value, of = interpreter._argument(p.default, frame)
            values[p.name.lower()] = interpreter.converted(value, of, p.type)
    made = interpreter.run_dynamic(str(statement), str(declared or ""), values, frame, unit, 2)
    for target, source in outputs.items():
        frame.values[target] = interpreter.converted(
            made.values[source], shape.types[source], frame.shape.types[target]
        )
    return session.error if made.severity > 10 else 0


def _owner(value: object) -> str:
    owner = str(value).capitalize()
    if owner not in ("Session", "Transaction"):
        raise SqlError(1226, f"An invalid application lock owner was passed to sp_getapplock: {value}.")
    return owner


def getapplock(interpreter: Interpreter, node: tree.Execute, frame: Frame) -> int | None:
    """sp_getapplock: 0 granted, 1 granted after waiting, -1 time-out. Modes Shared and Exclusive."""
    session = interpreter.session
    args = _arguments(
        interpreter, node, frame, "sp_getapplock",
        Parameter("@Resource", nvarchar(255), NONE), Parameter("@LockMode", varchar(32)),
        Parameter("@LockOwner", varchar(32), text("Transaction")), Parameter("@LockTimeout", INT, NONE),
        Parameter("@DbPrincipal", SYSNAME, text("public")),
    )  # fmt: skip
    resource, mode = args["@resource"], str(args["@lockmode"]).capitalize()
    if resource is None:
        return -999
    if mode not in ("Shared", "Exclusive"):
        if mode.lower() in ("update", "intentshared", "intentexclusive"):
            raise Unsupported(f"sp_getapplock with @LockMode {mode}", node.line)
        raise SqlError(1225, "An invalid application lock mode was passed to sp_getapplock.")
    owner = _owner(args["@lockowner"])
    if owner == "Transaction" and session.transaction is None:
        raise SqlError(3918, "The statement or function must be executed in the context of a user transaction.", 16)
    wait = args["@locktimeout"]
    milliseconds = session.settings.lock_timeout if wait is None else int(wait)
    seconds = session.timeout if milliseconds < 0 else milliseconds / 1000
    key = f"{str(args['@dbprincipal']).lower()}\0{resource}"
    return session.presence.acquire((session.slot, owner), key, mode, seconds, session.pause)


def releaseapplock(interpreter: Interpreter, node: tree.Execute, frame: Frame) -> int | None:
    """sp_releaseapplock. Error 1223 for a lock that is not held."""
    session = interpreter.session
    args = _arguments(
        interpreter, node, frame, "sp_releaseapplock",
        Parameter("@Resource", nvarchar(255), NONE), Parameter("@LockOwner", varchar(32), text("Transaction")),
        Parameter("@DbPrincipal", SYSNAME, text("public")),
    )  # fmt: skip
    owner = _owner(args["@lockowner"])
    principal = str(args["@dbprincipal"]).lower()
    if not session.presence.release((session.slot, owner), f"{principal}\0{args['@resource']}"):
        raise SqlError(
            1223,
            f"Cannot release the application lock (Database Principal: '{principal}', Resource: '{args['@resource']}')"
            " because it is not currently held.",
        )
    return 0


def set_session_context(interpreter: Interpreter, node: tree.Execute, frame: Frame) -> int | None:
    """sp_set_session_context @key, @value, @read_only. Error 15664 for a read-only key."""
    session = interpreter.session
    values: dict[str, tuple[Storage, SqlType]] = {}
    names = ("@key", "@value", "@read_only")
    if len(node.args) > len(names):
        raise sql_error(8144, "sp_set_session_context", state=2)
    for name, arg in zip(names, node.args, strict=False):
        given = (arg.name or name).lower()
        if given not in names:
            raise sql_error(8145, arg.name, "sp_set_session_context")
        values[given] = interpreter._argument(arg.value, frame)
    for name in names[:2]:
        if name not in values:
            raise sql_error(201, "sp_set_session_context", name, state=10)
    if values["@key"][0] is None:
        raise SqlError(
            15600, "An invalid parameter or option was specified for procedure 'sys.sp_set_session_context'.", 15
        )
    key = str(values["@key"][0]).lower()
    if session.context.get(key, (None, False))[1]:
        raise SqlError(
            15664, f"Cannot set key '{key}' in the session context. The key has been set as read_only for this session."
        )
    value, of = values.get("@value", (None, INT))
    stored = None if value is None else str(interpreter.converted(value, of, nvarchar(4000)))
    read_only = bool(values["@read_only"][0]) if "@read_only" in values else False
    session.context[key] = (stored, read_only)
    return 0


def rename(interpreter: Interpreter, node: tree.Execute, frame: Frame) -> int | None:
    """sp_rename of tables, columns, indexes and constraints. Errors 15225, 15335."""
    from . import enforced
    from .catalog import quote
    from .ddl_tables import Changer
    from .interpreter import split_name
    from .results import Message

    session = interpreter.session
    args = _arguments(
        interpreter, node, frame, "sp_rename",
        Parameter("@objname", nvarchar(1035)), Parameter("@newname", SYSNAME), Parameter("@objtype", varchar(13), NONE),
    )  # fmt: skip
    old, new, kind = str(args["@objname"]), str(args["@newname"]), str(args["@objtype"] or "OBJECT").upper()
    for name in ("@objname", "@newname"):
        if args[name] is None:
            raise SqlError(15223, f"Error: The input parameter '{name}' is not allowed to be null.", 11)
    parts = split_name(old)
    missing = sql_error(15225, old, session.database, str(args["@objtype"] or "(null)"))
    with session.writing():
        changer, db = Changer(session), session.db
        if kind in ("COLUMN", "INDEX"):
            table = session.find_relation(parts[:-1]) if len(parts) > 1 else None
            if not isinstance(table, Table) or table.kind != "user":
                raise missing
            if kind == "COLUMN":
                column = table.column(parts[-1])
                if column is None:
                    raise missing
                if table.column(new) is not None:
                    raise sql_error(15335, new, "COLUMN")
                if enforced.column_holders(session, table, column.name):
                    shown = "the object participates in enforced dependencies."
                    raise SqlError(15336, f"Object '{old}' cannot be renamed because {shown}")
                if (
                    table.checks
                    or any(c.computed is not None for c in table.columns)
                    or any(i.filter for i in table.indexes)
                ):
                    raise Unsupported(
                        "sp_rename of a column of a table with CHECK constraints, filters or computed columns"
                    )
                db.execute(
                    "UPDATE main._ts_columns SET name = ? WHERE object_id = ? AND column_id = ?",
                    (new, table.object_id, column.column_id),
                )
                session.ddl(f"ALTER TABLE {table.sql} RENAME COLUMN {quote(column.name)} TO {quote(new)}")
            else:
                index = next((i for i in table.indexes if i.name.lower() == parts[-1].lower()), None)
                if index is None:
                    raise missing
                db.execute(
                    "UPDATE main._ts_indexes SET name = ? WHERE object_id = ? AND index_id = ?",
                    (new, table.object_id, index.index_id),
                )
                if index.object_id:
                    db.execute("UPDATE main._ts_objects SET name = ? WHERE object_id = ?", (new, index.object_id))
            changer.touch(table.object_id)
        elif kind == "OBJECT":
            schema = parts[-2] if len(parts) > 1 and parts[-2] else "dbo"
            object_id = session.object_id(f"[{schema}].[{parts[-1]}]", None)
            if object_id is None:
                raise missing
            if session.object_id(f"[{schema}].[{new}]", None) is not None:
                raise sql_error(15335, new, "OBJECT")
            found = session.catalog.by_id(object_id)
            if isinstance(found, View | Module | Sequence):
                raise Unsupported("sp_rename of a module")
            db.execute("UPDATE main._ts_objects SET name = ? WHERE object_id = ?", (new, object_id))
            db.execute("UPDATE main._ts_indexes SET name = ? WHERE constraint_id = ?", (new, object_id))
            if isinstance(found, Table):
                if enforced.holder(session, found) is not None:
                    shown = "the object participates in enforced dependencies."
                    raise SqlError(15336, f"Object '{old}' cannot be renamed because {shown}")
                session.ddl(f"ALTER TABLE {found.sql} RENAME TO {quote(f'{schema}.{new}'.lower())}")
        else:
            raise Unsupported(f"sp_rename of {kind}")
        session.changed()
    interpreter.sink.put(
        Message(
            15477,
            "Caution: Changing any part of an object name could break scripts and stored procedures.",
            0,
            1,
            node.line,
        )
    )
    return 0


def _extended_property(interpreter: Interpreter, node: tree.Execute, frame: Frame, verb: str) -> int | None:
    session = interpreter.session
    names = ["@name", "@value"] if verb != "drop" else ["@name"]
    names += [f"@level{i}{part}" for i in (0, 1, 2) for part in ("type", "name")]
    args = _arguments(
        interpreter, node, frame, f"sp_{verb}extendedproperty",
        *(Parameter(n, nvarchar(4000) if n == "@value" else SYSNAME, None if n == "@name" else NONE) for n in names),
    )  # fmt: skip
    class_, major, minor = 0, 0, 0
    if args["@level0type"] is not None:
        schema_id = session.schema_id(str(args["@level0name"]))
        class_, major = 3, schema_id or 0
        if args["@level1type"] is not None:
            found = session.object_id(f"[{args['@level0name']}].[{args['@level1name']}]", None)
            class_, major = 1, found or 0
            if found is None:
                raise SqlError(
                    15135,
                    "Object is invalid. Extended properties are not permitted on"
                    f" '{args['@level0name']}.{args['@level1name']}', or the object does not exist.",
                )
            if args["@level2type"] is not None:
                if str(args["@level2type"]).upper() != "COLUMN":
                    raise Unsupported(f"Extended properties of {args['@level2type']}", node.line)
                table = session.catalog.by_id(found)
                column = table.column(str(args["@level2name"])) if isinstance(table, Table) else None
                if column is None:
                    raise SqlError(
                        15135,
                        "Object is invalid. Extended properties are not permitted on it, or the object does not exist.",
                    )
                minor = column.column_id
    key = (class_, major, minor, args["@name"])
    with session.writing():
        there = session.db.execute(
            "SELECT 1 FROM main._ts_properties WHERE class = ? AND major_id = ? AND minor_id = ? AND name = ?", key
        ).fetchone()
        if verb == "add" and there:
            raise SqlError(
                15233, f"Property cannot be added. Property '{args['@name']}' already exists for 'object specified'."
            )
        if verb != "add" and not there:
            raise SqlError(
                15217,
                f"Cannot update or delete the extended property. The property '{args['@name']}' does not exist"
                " for 'object specified'.",
            )
        if verb == "drop":
            session.db.execute(
                "DELETE FROM main._ts_properties WHERE class = ? AND major_id = ? AND minor_id = ? AND name = ?", key
            )
        else:
            session.db.execute(
                "INSERT OR REPLACE INTO main._ts_properties VALUES (?, ?, ?, ?, ?)", (*key, args["@value"])
            )
    return 0


def _property(verb: str) -> Procedure:
    return lambda interpreter, node, frame: _extended_property(interpreter, node, frame, verb)


def addrolemember(interpreter: Interpreter, node: tree.Execute, frame: Frame) -> int | None:
    """sp_addrolemember."""
    from . import ddl_objects
    from .ddl_tables import Changer

    args = _arguments(
        interpreter, node, frame, "sp_addrolemember", Parameter("@rolename", SYSNAME), Parameter("@membername", SYSNAME)
    )
    with interpreter.session.writing():
        ddl_objects.alter_role(
            Changer(interpreter.session), tree.AlterRole(str(args["@rolename"]), "ADD", str(args["@membername"]))
        )
    return 0


def nothing(interpreter: Interpreter, node: tree.Execute, frame: Frame) -> int | None:
    """Changes no answer: plans are made anew by themselves."""
    return 0


def describe_first_result_set(interpreter: Interpreter, node: tree.Execute, frame: Frame) -> int | None:
    """sp_describe_first_result_set @tsql, @params, @browse_information_mode (0 or 1)."""
    from . import describe

    args = _arguments(
        interpreter, node, frame, "sp_describe_first_result_set", Parameter("@tsql", nvarchar(-1)),
        Parameter("@params", nvarchar(-1), NONE), Parameter("@browse_information_mode", TINYINT, NONE),
    )  # fmt: skip
    mode = args["@browse_information_mode"] or 0
    if mode not in (0, 1):
        raise Unsupported(f"sp_describe_first_result_set with @browse_information_mode {mode}", node.line)
    session = interpreter.session
    found = describe.first_result_set(session, str(args["@tsql"] or ""), str(args["@params"] or ""), keys=mode == 1)
    _send(interpreter, describe.RESULT_SET, describe.describe_rows(session, found or (), mode == 1))
    return 0


def describe_undeclared_parameters(interpreter: Interpreter, node: tree.Execute, frame: Frame) -> int | None:
    """sp_describe_undeclared_parameters @tsql, @params. Errors 11502, 11508."""
    from . import describe

    args = _arguments(
        interpreter, node, frame, "sp_describe_undeclared_parameters", Parameter("@tsql", nvarchar(-1)),
        Parameter("@params", nvarchar(-1), NONE),
    )  # fmt: skip
    found = describe.undeclared_parameters(interpreter.session, str(args["@tsql"] or ""), str(args["@params"] or ""))
    _send(interpreter, describe.PARAMETERS, describe.parameter_rows(found))
    return 0


def _catalog(name: str) -> Procedure:
    return lambda interpreter, node, frame: odbc_catalog.call(name, interpreter, node, frame)


def _send(interpreter: Interpreter, columns: tuple[ResultColumn, ...], rows: list[tuple[Any, ...]]) -> None:
    interpreter.session.row_count = len(rows)
    interpreter.sink.put(ResultSet(columns, rows, counted=not interpreter.session.settings.nocount))


PROCEDURES: Final[dict[str, Procedure]] = {
    "sp_describe_first_result_set": describe_first_result_set,
    "sp_describe_undeclared_parameters": describe_undeclared_parameters,
    **{name: _catalog(name) for name in odbc_catalog.QUERIES},
    "sp_executesql": executesql,
    "sp_getapplock": getapplock,
    "sp_releaseapplock": releaseapplock,
    "sp_set_session_context": set_session_context,
    "sp_rename": rename,
    "sp_addextendedproperty": _property("add"),
    "sp_updateextendedproperty": _property("update"),
    "sp_dropextendedproperty": _property("drop"),
    "sp_addrolemember": addrolemember,
    "sp_recompile": nothing,
    "sp_updatestats": nothing,
    "sp_refreshview": nothing,
    "sp_refreshsqlmodule": nothing,
    "sp_datatype_info": datatype_info,
    "sp_datatype_info_100": datatype_info,
}
_ = BIT
