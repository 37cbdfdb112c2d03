"""What a text would send and take, told without running it: sp_describe_first_result_set,
sp_describe_undeclared_parameters, SET FMTONLY.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from . import binder, compiled, tree, units
from .binder import queries, typed
from .binder.expressions import bind, convert
from .binder.scope import Context, Scope
from .binder.statements import shown_type
from .catalog import Module, Parameter, Table, type_ids
from .emit import Emitter
from .errors import SqlError, Unsupported, sql_error
from .lexer import Kind, tokenize
from .results import ResultSet
from .system_views import columns_of
from .types import DEFAULT_COLLATION, INT, NULL, SqlType
from .units import Names

if TYPE_CHECKING:
    from .frames import Frame
    from .interpreter import Interpreter
    from .session import Session

_FIXED: Final = {
    "bit": 50, "tinyint": 48, "smallint": 52, "int": 56, "bigint": 127, "smalldatetime": 58, "real": 59, "money": 60,
    "datetime": 61, "float": 62, "smallmoney": 122,
}  # fmt: skip
_VARIABLE: Final = {
    "bit": 104, "tinyint": 38, "smallint": 38, "int": 38, "bigint": 38, "smalldatetime": 111, "datetime": 111,
    "real": 109, "float": 109, "money": 110, "smallmoney": 110, "decimal": 106, "numeric": 108, "uniqueidentifier": 36,
    "date": 40, "time": 41, "datetime2": 42, "datetimeoffset": 43, "varbinary": 165, "varchar": 167, "binary": 173,
    "char": 175, "rowversion": 173, "nvarchar": 231, "nchar": 239,
}  # fmt: skip
"""Types as the tabular data stream numbers them: those that are never NULL, and the others."""

RESULT_SET: Final = columns_of(
    "is_hidden bit!, column_ordinal int!, name sysname, is_nullable bit!, system_type_id int!, system_type_name"
    " nvarchar(256), max_length smallint!, precision tinyint!, scale tinyint!, collation_name sysname, user_type_id"
    " int, user_type_database sysname, user_type_schema sysname, user_type_name sysname, assembly_qualified_type_name"
    " nvarchar(4000), xml_collection_id int, xml_collection_database sysname, xml_collection_schema sysname,"
    " xml_collection_name sysname, is_xml_document bit!, is_case_sensitive bit!, is_fixed_length_clr_type bit!,"
    " source_server sysname, source_database sysname, source_schema sysname, source_table sysname, source_column"
    " sysname, is_identity_column bit, is_part_of_unique_key bit, is_updateable bit, is_computed_column bit,"
    " is_sparse_column_set bit, ordinal_in_order_by_list smallint, order_by_list_length smallint, order_by_is_"
    "descending smallint, tds_type_id int!, tds_length int!, tds_collation_id int, tds_collation_sort_id tinyint"
)
PARAMETERS: Final = columns_of(
    "parameter_ordinal int!, name sysname!, suggested_system_type_id int!, suggested_system_type_name nvarchar(256),"
    " suggested_max_length smallint!, suggested_precision tinyint!, suggested_scale tinyint!, suggested_user_type_id"
    " int, suggested_user_type_database sysname, suggested_user_type_schema sysname, suggested_user_type_name sysname,"
    " suggested_assembly_qualified_type_name nvarchar(4000), suggested_xml_collection_id int,"
    " suggested_xml_collection_database sysname, suggested_xml_collection_schema sysname, suggested_xml_collection_name"
    " sysname, suggested_is_xml_document bit!, suggested_is_case_sensitive bit!, suggested_is_fixed_length_clr_type"
    " bit!, suggested_is_input bit!, suggested_is_output bit!, formal_parameter_name sysname, suggested_tds_type_id"
    " int!, suggested_tds_length int!"
)


def wire_type(type_: SqlType) -> tuple[int, int]:
    """(tds_type_id, tds_length) of a type."""
    number = _VARIABLE[type_.name] if type_.nullable or type_.name not in _FIXED else _FIXED[type_.name]
    if type_.is_max:
        return number, 65535
    return number, 17 if type_.is_decimal else type_.max_bytes


def wire_collation(type_: SqlType) -> tuple[int | None, int | None]:
    """(tds_collation_id, tds_collation_sort_id) of a string; (None, None) of other types and of an unknown one."""
    if not type_.is_string:
        return None, None
    name = (type_.collation or DEFAULT_COLLATION).upper()
    if name == DEFAULT_COLLATION.upper():
        return 13632521, 52
    if not name.startswith("LATIN1_GENERAL_"):
        return None, None
    parts = name.removeprefix("LATIN1_GENERAL_").split("_")
    version = {"90": 1, "100": 2, "140": 3}.get(parts[0], 0)
    flags = (
        ("CI" in parts) | ("AI" in parts) << 1 | ("WS" not in parts) << 2 | ("KS" not in parts) << 3
        if not {"BIN", "BIN2"} & set(parts)
        else (0x10 if "BIN" in parts else 0x20)
    )  # fmt: skip
    return 1033 | flags << 20 | version << 28, 0


def _case_sensitive(type_: SqlType) -> int:
    name = f"{type_.collation or DEFAULT_COLLATION}_".upper()
    return int(type_.is_string and ("_CS_" in name or "_BIN" in name))


# -- the first result set


@dataclass(frozen=True, slots=True)
class Described:
    """A column of a result set and where it comes from."""

    column: compiled.Column
    table: Table | None = None
    source: str | None = None
    """The name of the table's column."""
    hidden: bool = False
    order: tuple[int, int, bool] | None = None
    """Its place in ORDER BY, how many items that has, whether it is descending."""
    updatable: bool = False


def first_result_set(
    session: Session, text: str, declarations: str = "", *, keys: bool = False
) -> tuple[Described, ...] | None:
    """The columns of the first result set of a text, None when it has none; `keys` adds the hidden ones of its keys.

    Errors: those of compiling it; 11509, 11513, 11526 where it cannot be told without running.
    """
    unit = units.dynamic_unit(text, declarations, session.settings.quoted_identifier)
    return _first(session, unit.statements, Names(session, unit.shape(session).types, unit.schema), keys, 0)


def _first(
    session: Session, statements: Sequence[tree.Statement], names: Names, keys: bool, depth: int
) -> tuple[Described, ...] | None:
    for statement in statements:
        found = _of(session, statement, names, keys, depth)
        if found is not None:
            return found
        if isinstance(statement, tree.Return):
            return None
    return None


def _of(
    session: Session, statement: tree.Statement, names: Names, keys: bool, depth: int
) -> tuple[Described, ...] | None:
    match statement:
        case tree.SelectStatement():
            _no_temporary(statement)
            return _select(statement, names, keys)
        case tree.Insert() | tree.Update() | tree.Delete():
            _no_temporary(statement)
            plan: Any = binder.bind_statement(statement, names)
            output = next((o for o in (plan.output, plan.output_select) if o is not None and o.into is None), None)
            return None if output is None else tuple(Described(c) for c in output.columns)
        case tree.ExecuteString():
            raise SqlError(
                11513, f"The metadata could not be determined because statement '{_shown(statement)}' contains dynamic"
                " SQL. Consider using the WITH RESULT SETS clause to explicitly describe the result set.",
            )  # fmt: skip
        case tree.Execute():
            return _execute(session, statement, keys, depth)
        case tree.If():
            branches = [_of(session, statement.then, names, keys, depth)]
            if statement.otherwise is not None:
                branches.append(_of(session, statement.otherwise, names, keys, depth))
            told = [b for b in branches if b is not None]
            if len(told) == 2 and [c.column for c in told[0]] != [c.column for c in told[1]]:
                raise SqlError(
                    11509, f"The metadata could not be determined because the statement '{_shown(statement)}' is not"
                    " compatible with the statement in another branch.",
                )  # fmt: skip
            return told[0] if told else None
    for inner in units.inner_lists(statement):
        found = _first(session, inner, names, keys, depth)
        if found is not None:
            return found
    return None


def _execute(session: Session, statement: tree.Execute, keys: bool, depth: int) -> tuple[Described, ...] | None:
    if isinstance(statement.procedure, tree.Variable) or depth > 30:
        raise SqlError(11514, "The metadata could not be determined because the called procedure is not known.")
    parts = statement.procedure.parts
    found = session.find_object(parts)
    if isinstance(found, Module) and found.kind == "P":
        unit = units.module_unit(found)
        return _first(session, unit.statements, Names(session, unit.shape(session).types, unit.schema), keys, depth + 1)
    if parts[-1].lower() == "sp_executesql" and statement.args:
        texts = [a.value for a in statement.args[:2]]
        if all(isinstance(t, tree.StringLiteral) for t in texts):
            given = [str(t.value) for t in texts if isinstance(t, tree.StringLiteral)]
            return first_result_set(session, given[0], given[1] if len(given) > 1 else "", keys=keys)
        raise SqlError(
            11513, "The metadata could not be determined because a statement contains dynamic SQL. Consider using the"
            " WITH RESULT SETS clause to explicitly describe the result set.",
        )  # fmt: skip
    if parts[-1].lower().startswith(("sp_", "xp_")):
        raise Unsupported(f"The result set of {parts[-1]}", statement.line)
    raise sql_error(2812, ".".join(parts), state=62)


def _shown(statement: tree.Node) -> str:
    from . import printer

    return printer.print_node(statement)[:128]


def _no_temporary(statement: tree.Statement) -> None:
    for node in tree.walk(statement):
        if isinstance(node, tree.NamedTable) and node.name.name.startswith("#"):
            raise SqlError(
                11526, f"The metadata could not be determined because statement '{_shown(statement)}' uses a temp"
                " table.",
            )  # fmt: skip


def _select(node: tree.SelectStatement, names: Names, keys: bool) -> tuple[Described, ...] | None:
    bound = queries.bind_statement(Context(names), node, None, "top")
    if bound.assigns or bound.into is not None:
        return None
    Emitter().query(bound.query)  # what cannot be run is refused, not described
    ordered = _ordered(bound)
    made = []
    for position, column in enumerate(bound.columns):
        origin = column.origin
        base = origin.base if origin is not None else None
        table = origin.range.table if origin is not None and origin.range is not None else None
        computed = base is None or base.computed is not None
        shown = compiled.Column(
            column.name or "", shown_type(column.type), bool(base is not None and base.identity), computed
        )
        updatable = base is not None and not computed and not base.identity and base.type.name != "rowversion"
        known = table if isinstance(table, Table) else None
        made.append(Described(shown, known, base.name if base else None, False, ordered.get(position), updatable))
    if keys:
        made += _keys(bound, made)
    return tuple(made)


def _ordered(bound: queries.Bound) -> dict[int, tuple[int, int, bool]]:
    """Which output columns ORDER BY names."""
    select = bound.select
    if select is None or not select.order_by:
        return {}
    places: dict[int, tuple[int, int, bool]] = {}
    for number, term in enumerate(select.order_by, 1):
        expr = term.expr
        for position, output in enumerate(select.outputs):
            same = isinstance(expr, typed.OutputPosition) and expr.position == position
            if isinstance(expr, typed.ColumnValue) and isinstance(output, typed.ColumnValue):
                same = expr.source is output.source and expr.column == output.column
            if same:
                places.setdefault(position, (number, len(select.order_by), term.descending))
    return places


def _keys(bound: queries.Bound, shown: Sequence[Described]) -> Iterator[Described]:
    """Columns of each table's key that the list lacks: what a client needs to find a row again."""
    if bound.scope is None or bound.grouped or bound.select is None or bound.select.distinct:
        return
    for range_ in bound.scope.ranges:
        table = range_.table
        if not isinstance(table, Table) or not table.unique_keys:
            continue
        there = {d.source.lower() for d in shown if d.table is table and d.source}
        for name in table.unique_keys[0]:
            column = table.column(name)
            if column is not None and name.lower() not in there:
                described = compiled.Column(
                    column.name, column.type, bool(column.identity), column.computed is not None
                )
                yield Described(described, table, column.name, hidden=True)


def describe_rows(session: Session, described: Sequence[Described], keys: bool) -> list[tuple[Any, ...]]:
    """The rows that sp_describe_first_result_set sends."""
    rows = []
    for ordinal, d in enumerate(described, 1):
        c, t = d.column, d.column.type
        system, _, length, precision, scale = type_ids(t)
        key: int | None = None
        source: tuple[str | None, ...] = (None, None, None, None)
        if keys:
            key = int(d.table is not None and _in_key(d))
            if d.table is not None:
                source = (session.database, d.table.schema, d.table.name, d.source)
        rows.append(
            (
                int(d.hidden), ordinal, c.name or None, int(t.nullable), system, str(t), length, precision, scale,
                (t.collation or DEFAULT_COLLATION) if t.is_string else None, None, None, None, None, None, None, None,
                None, None, 0, _case_sensitive(t), 0, None, *source, int(c.identity), key, int(d.updatable),
                int(c.computed and d.source is not None), 0, *_order(d), *wire_type(t), *wire_collation(t),
            )
        )  # fmt: skip
    return rows


def _order(described: Described) -> tuple[int | None, int | None, int | None]:
    if described.order is None:
        return None, None, None
    number, length, descending = described.order
    return number, length, int(descending)


def _in_key(described: Described) -> bool:
    assert described.table is not None
    return any((described.source or "").lower() in (c.lower() for c in k) for k in described.table.unique_keys)


# -- parameters that nobody has declared


class Guesses(Names):
    """Names in which a variable that is not declared has the type that its surroundings want."""

    def __init__(self, session: Session, types: dict[str, SqlType]) -> None:
        super().__init__(session, types)
        self.found: dict[str, SqlType] = {}

    def unknown(self, name: str) -> typed.Expr:
        """The value of an undeclared variable."""
        return typed.Unknown(NULL, None, lambda type_: self._wanted(name, type_))

    def _wanted(self, name: str, type_: SqlType) -> None:
        if not type_.is_null:
            self.found.setdefault(name, type_)


@dataclass(slots=True)
class Guess:
    """An undeclared parameter."""

    name: str
    type: SqlType | None = None
    output: bool = False
    input: bool = True
    formal: str | None = None


def undeclared_parameters(session: Session, text: str, declarations: str = "") -> list[Guess]:
    """Names and types of the variables that a text uses and does not declare, in the order of the text.

    Errors: 11502 when a type cannot be told, 11508 when one is used twice; those of compiling the text.
    """
    from .parser import parse

    head = units.dynamic_unit("", declarations, session.settings.quoted_identifier)
    types = dict(head.shape(session).types)
    statements = list(units.every(parse(text).statements))
    for statement in statements:
        if isinstance(statement, tree.Declare):
            for declaration in statement.variables:
                types[declaration.name.lower()] = units.resolve_type(declaration.type, session, statement.line)
    variables = [text[t.start : t.end] for t in tokenize(text) if t.kind is Kind.VARIABLE]
    used = Counter(v.lower() for v in variables)
    written = {v.lower(): v for v in reversed(variables)}
    tables = {s.name.lower() for s in statements if isinstance(s, tree.DeclareTable)}
    guesses = {key: Guess(written[key]) for key in used if key not in types and key not in tables}
    formal = _formal_names(statements)
    for key in [k for k in guesses if k in formal and used[k] == formal[k]]:
        del guesses[key]
    for key in guesses:
        if used[key] - formal.get(key, 0) > 1:
            raise SqlError(
                11508, f"The undeclared parameter '{guesses[key].name}' is used more than once in the batch being"
                " analyzed.",
            )  # fmt: skip
    names = Guesses(session, types)
    for statement in statements:
        _guess(session, statement, names, guesses)
    for key, guess in guesses.items():
        guess.type = guess.type or names.found.get(key)
        if guess.type is None:
            raise SqlError(
                11502, f"The type for parameter '{guess.name}' could not be deduced in statement '{text[:512]}'."
            )
    return list(guesses.values())


def _formal_names(statements: Sequence[tree.Statement]) -> Counter[str]:
    """Names of parameters that calls name: `EXECUTE p @a = ...` uses no variable @a."""
    return Counter(
        a.name.lower() for s in statements if isinstance(s, tree.Execute) for a in s.args if a.name is not None
    )


def _guess(session: Session, statement: tree.Statement, names: Guesses, guesses: dict[str, Guess]) -> None:
    match statement:
        case tree.SelectStatement() | tree.Insert() | tree.Update() | tree.Delete():
            binder.bind_statement(statement, names)
            if isinstance(statement, tree.Insert) and isinstance(statement.source, tree.InsertExecute):
                if isinstance(statement.source.execute, tree.Execute):
                    _arguments(session, statement.source.execute, guesses)
        case tree.SetVariable() if statement.variable.lower() in names.types:
            binder.bind_statement(statement, names)
        case tree.If() | tree.While():
            binder.bind_condition(statement.condition, names)
        case tree.Execute():
            _arguments(session, statement, guesses)
        case tree.Return() if statement.value is not None:
            query = Scope(Context(names), clause="values")
            convert(bind(query, statement.value), INT)


def _arguments(session: Session, statement: tree.Execute, guesses: dict[str, Guess]) -> None:
    """A call's arguments have the types of its parameters."""
    if statement.return_variable is not None and statement.return_variable.lower() in guesses:
        status = guesses[statement.return_variable.lower()]
        status.type, status.output, status.input = INT, True, False
    parameters: tuple[Parameter, ...] = ()
    if isinstance(statement.procedure, tree.Name):
        found = session.find_object(statement.procedure.parts)
        if isinstance(found, Module) and found.kind == "P":
            parameters = units.module_unit(found).shape(session).parameters
        elif not statement.procedure.name.lower().startswith("sp_"):
            raise sql_error(2812, ".".join(statement.procedure.parts), state=62)
    by_name = {p.name.lower(): p for p in parameters}
    for position, argument in enumerate(statement.args):
        if not isinstance(argument.value, tree.Variable) or argument.value.name.lower() not in guesses:
            continue
        if argument.name is not None:
            parameter = by_name.get(argument.name.lower())
        else:
            parameter = parameters[position] if position < len(parameters) else None
        if parameter is not None:
            guess = guesses[argument.value.name.lower()]
            guess.type, guess.output, guess.formal = parameter.type, argument.output, parameter.name


def parameter_rows(guesses: Sequence[Guess]) -> list[tuple[Any, ...]]:
    """The rows that sp_describe_undeclared_parameters sends."""
    rows = []
    for ordinal, guess in enumerate(guesses, 1):
        assert guess.type is not None
        t = guess.type.with_nullable(True)
        system, _, length, precision, scale = type_ids(t)
        rows.append(
            (
                ordinal, guess.name, system, str(t), length, precision, scale, None, None, None, None, None, None, None,
                None, None, 0, _case_sensitive(t), 0, int(guess.input), int(guess.output), guess.formal, *wire_type(t),
            )
        )  # fmt: skip
    return rows


# -- SET FMTONLY


def formats(interpreter: Interpreter, statement: tree.Statement, frame: Frame) -> None:
    """SET FMTONLY ON: the columns of every result set of a statement, whatever would be executed, and no rows."""
    _formats(interpreter, (statement,), Names(interpreter.session, frame.shape.types, frame.unit.schema), 0)


def _formats(interpreter: Interpreter, statements: tuple[tree.Statement, ...], names: Names, depth: int) -> None:
    session = interpreter.session
    for node in units.every(statements):
        if isinstance(node, tree.Execute) and isinstance(node.procedure, tree.Name):
            found = session.find_object(node.procedure.parts)
            if isinstance(found, Module) and found.kind == "P" and depth < 32:
                unit = units.module_unit(found)
                _formats(
                    interpreter, unit.statements, Names(session, unit.shape(session).types, unit.schema), depth + 1
                )
                continue
        if isinstance(
            node, tree.SelectStatement | tree.Insert | tree.Update | tree.Delete | tree.Execute | tree.ExecuteString
        ):
            described = _of(session, node, names, False, 0)
            if described is not None:
                interpreter.sink.put(ResultSet(tuple(d.column for d in described), [], counted=False))
