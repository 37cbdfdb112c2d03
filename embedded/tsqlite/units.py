"""Parsed texts and their plans, kept by the process: calling a procedure costs its execution, not its compilation."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from threading import RLock
from typing import TYPE_CHECKING, Any, Final

from . import system_views, tree
from .catalog import SYSTEM_TYPES, Module, Parameter, Table, View
from .errors import SqlError, Unsupported, sql_error
from .types import SqlType, parse_type

if TYPE_CHECKING:
    from .session import Session

KEPT: Final = 2000
KEPT_TEXT: Final = 2_000_000
"""Texts that are kept, and their characters together: a long one has a large tree."""
_guard = RLock()
_units: OrderedDict[tuple[str, bool], Unit] = OrderedDict()
_kept_text = 0


@dataclass(eq=False, slots=True)
class Plan:
    """A bound statement with everything that its binding depended on beyond the catalog's version."""

    compiled: Any
    node: tree.Node
    """Kept alive, since plans are found by its id."""
    temps: dict[str, str | None] = field(default_factory=dict)
    options: dict[str, bool] = field(default_factory=dict)
    functions: tuple[tuple[Module, tuple[Parameter, ...], SqlType], ...] = ()
    system_views: tuple[str, ...] = ()
    """Functions and catalog views live in a connection: another session's has to make them first."""


@dataclass(eq=False, slots=True)
class Shape:
    """What a catalog version makes of a unit: the types of its variables, its table variables, its plans by node."""

    version: int
    types: dict[str, SqlType]
    parameters: tuple[Parameter, ...]
    plans: dict[int, Plan] = field(default_factory=dict)
    tables: dict[tuple[str, int], tuple[Table, tuple[str, ...]]] = field(default_factory=dict)
    checked: bool = False
    returns: SqlType | None = None
    """What a scalar function returns, once it has been called."""


SHAPES: Final = 8
"""Databases, or states of one, that a text is kept ready for."""


@dataclass(eq=False, slots=True)
class Unit:
    """A batch, a module's body or a dynamic text. `parameters` are tree nodes."""

    text: str
    statements: tuple[tree.Statement, ...]
    parameters: tuple[tree.Parameter, ...] = ()
    declared: tuple[tree.VariableDeclaration, ...] = ()
    tables: tuple[tree.DeclareTable, ...] = ()
    returns: tree.TypeName | None = None
    schema: str = "dbo"
    """Where a name without a schema is sought first: a module's own schema."""
    shapes: dict[tuple[int, str], Shape] = field(default_factory=dict)

    def shape(self, session: Session) -> Shape:
        """Types and plans for the session's database as it is now.

        They belong to a version of the catalog, which only copies of a file share, and to the database's name, which a
        statement may say.
        """
        key = session.catalog.version, session.database.lower()
        found = self.shapes.get(key)
        if found is None:
            found = self._make(session, key[0])
            with _guard:
                while len(self.shapes) >= SHAPES:
                    del self.shapes[next(iter(self.shapes))]
                self.shapes[key] = found
        return found

    def _make(self, session: Session, version: int) -> Shape:
        parameters = tuple(parameter(p, session) for p in self.parameters)
        types = {p.name.lower(): p.type for p in parameters}
        for declaration in self.declared:
            if declaration.type.name.name.lower() == "cursor":
                continue
            types[declaration.name.lower()] = resolve_type(declaration.type, session, declaration.line)
        return Shape(version, types, parameters)


def parameter(node: tree.Parameter, session: Session) -> Parameter:
    """A parameter with its type."""
    if node.readonly:
        raise Unsupported("A table-valued parameter", node.line)
    return Parameter(node.name, resolve_type(node.type, session, node.line), node.default, node.output, node.readonly)


def resolve_type(node: tree.TypeName, session: Session, line: int = 0) -> SqlType:
    """The type that a declaration names: the system's, or the user's alias. Errors 2715 and kin."""
    parts = node.name.parts
    if len(parts) == 1 or parts[-2].lower() == "sys":
        try:
            return parse_type(parts[-1], node.args)
        except SqlError as e:
            found = session.catalog.user_type(None, parts[-1]) if e.number == 2715 else None
            if found is None:
                e.line = node.line or line
                raise
    else:
        found = session.catalog.user_type(parts[-2], parts[-1])
    if found is None:
        raise sql_error(2715, 1, str(node.name), line=node.line or line)
    if found.base is None:
        raise Unsupported("A variable of a table type", node.line or line)
    return found.base


def alias_id(node: tree.TypeName, session: Session) -> int:
    """The user_type_id of the alias type that a declaration names, 0 when it names none."""
    if node.name.name.lower() == "sysname" and node.name.schema in (None, "sys"):
        return SYSTEM_TYPES["sysname"][1]
    if (node.name.schema or "").lower() == "sys" or node.name.name.lower() in SYSTEM_TYPES:
        return 0
    found = session.catalog.user_type(node.name.schema, node.name.name)
    return found.user_type_id if found is not None else 0


def unit_of(text: str, quoted_identifiers: bool = True) -> Unit:
    """A batch's text, parsed and checked."""
    from .parser import parse

    key = (text, quoted_identifiers)
    with _guard:
        found = _units.get(key)
        if found is not None:
            _units.move_to_end(key)
            return found
    batch = parse(text) if quoted_identifiers else parse(text, quoted_identifiers=False)
    made = analyse(Unit(text, batch.statements))
    _keep(key, made)
    return made


def dynamic_unit(text: str, parameters: str, quoted_identifiers: bool = True) -> Unit:
    """A text with parameters, as sp_executesql has it. Errors: those of the declaration are reported as its own."""
    key = (f"{parameters}\0{text}", quoted_identifiers)
    with _guard:
        found = _units.get(key)
        if found is not None:
            _units.move_to_end(key)
            return found
    from .parser import parse

    nodes: tuple[tree.Parameter, ...] = ()
    if parameters.strip():
        head = parse(f"CREATE PROCEDURE p {parameters} AS RETURN").statements[0]
        assert isinstance(head, tree.CreateProcedure)
        nodes = head.parameters
    batch = parse(text) if quoted_identifiers else parse(text, quoted_identifiers=False)
    made = analyse(Unit(text, batch.statements, nodes))
    _keep(key, made)
    return made


def module_unit(module: Module) -> Unit:
    """The body of a procedure or function."""
    key = (f"\1{module.text}", module.quoted_identifier)
    with _guard:
        found = _units.get(key)
        if found is not None:
            _units.move_to_end(key)
            return found
    node = module_node(module)
    body = getattr(node, "body", ())
    returns = getattr(node, "returns", None)
    made = analyse(Unit(module.text, body, node.parameters, returns=returns, schema=module.schema))
    _keep(key, made)
    return made


def module_node(module: Module) -> Any:
    """The CREATE statement of a module."""
    from .parser import parse

    quoted = module.quoted_identifier
    batch = parse(module.text) if quoted else parse(module.text, quoted_identifiers=False)
    return next(s for s in batch.statements if isinstance(s, tree.Module))


def _keep(key: tuple[str, bool], unit: Unit) -> None:
    global _kept_text
    with _guard:
        if key not in _units:
            _kept_text += len(key[0])
        _units[key] = unit
        while len(_units) > KEPT or _kept_text > KEPT_TEXT:
            (text, _), _ = _units.popitem(last=False)
            _kept_text -= len(text)


def forget() -> None:
    """Forget all plans (tests that count compilations)."""
    global _kept_text
    with _guard:
        _units.clear()
        _kept_text = 0


# --- what the server checks before the first statement runs -----------------------------------------------------------

TRANSACTIONS: Final = (tree.BeginTransaction, tree.Commit, tree.Rollback, tree.SaveTransaction)
LONGEST: Final = 32
"""Characters of a transaction's name."""


def inner_lists(statement: tree.Statement) -> Iterator[tuple[tree.Statement, ...]]:
    """The statement lists directly inside a compound statement."""
    if isinstance(statement, tree.Block):
        yield statement.statements
    elif isinstance(statement, tree.If):
        yield (statement.then,)
        if statement.otherwise is not None:
            yield (statement.otherwise,)
    elif isinstance(statement, tree.While):
        yield (statement.body,)
    elif isinstance(statement, tree.TryCatch):
        yield statement.body
        yield statement.handler


def every(statements: tuple[tree.Statement, ...]) -> Iterator[tree.Statement]:
    """All statements in the order of the text, those inside of others too; not those inside modules."""
    for statement in statements:
        yield statement
        for inner in inner_lists(statement):
            yield from every(inner)


def analyse(unit: Unit) -> Unit:
    """Collect declarations.

    Errors 134 (twice), 137 and 1087 (not declared before use), 103, 132, 133, 135, 136, 178, 1026.
    """
    declared: dict[str, tree.VariableDeclaration] = {}
    tables: dict[str, tree.DeclareTable] = {}
    known = {p.name.lower() for p in unit.parameters}
    _check_jumps(unit.statements)
    for statement in every(unit.statements):
        if isinstance(statement, tree.Module):
            continue
        if isinstance(statement, tree.Declare):
            for declaration in statement.variables:
                key = declaration.name.lower()
                if declaration.value is not None:
                    _check_variables(declaration.value, known, statement.line)
                if key in known:
                    raise sql_error(134, declaration.name, line=declaration.line or statement.line)
                known.add(key)
                declared[key] = declaration
            continue
        if isinstance(statement, tree.DeclareTable):
            key = statement.name.lower()
            if key in known:
                raise sql_error(134, statement.name, line=statement.line)
            known.add(key)
            tables[key] = statement
            continue
        if isinstance(statement, TRANSACTIONS):
            name = statement.name or ""
            if len(name) > LONGEST and name[0] != "@":
                raise sql_error(103, name[:LONGEST], LONGEST, line=statement.line)
        _check_variables(statement, known, statement.line)
    _check_loops(unit.statements, False)
    unit.declared = tuple(declared.values())
    unit.tables = tuple(tables.values())
    return unit


def _check_variables(node: tree.Node, known: set[str], line: int) -> None:
    line = node.line or line
    if isinstance(node, tree.Variable) and node.name.lower() not in known:
        raise sql_error(137, node.name, line=line, state=2)
    if isinstance(node, tree.TableVariable) and node.name.lower() not in known:
        raise sql_error(1087, node.name, line=line, state=2)
    if isinstance(node, tree.SetVariable | tree.AssignItem | tree.Assignment):
        if node.variable and node.variable.lower() not in known:
            raise sql_error(137, node.variable, line=line)
    if isinstance(node, tree.Execute) and node.return_variable and node.return_variable.lower() not in known:
        raise sql_error(137, node.return_variable, line=line, state=2)
    for child in tree.children(node):
        # Inner statements come by themselves, after the declarations between them.
        if not isinstance(child, tree.Statement) or isinstance(node, tree.InsertSource):
            _check_variables(child, known, line)


def _places(
    statements: tuple[tree.Statement, ...], around: tuple[int, ...], tries: tuple[int, ...], numbers: Iterator[int]
) -> Iterator[tuple[tree.Statement, tuple[int, ...], tuple[int, ...]]]:
    # Labels and jumps with the numbers of the lists around them, and of those of these that are a TRY or CATCH.
    for statement in statements:
        if isinstance(statement, tree.Goto | tree.Label):
            yield statement, around, tries
        for inner in inner_lists(statement):
            number = next(numbers)
            guarded = (*tries, number) if isinstance(statement, tree.TryCatch) else tries
            yield from _places(inner, (*around, number), guarded, numbers)


def _check_jumps(statements: tuple[tree.Statement, ...]) -> None:
    places = list(_places(statements, (), (), count()))
    labels: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {}
    for node, around, tries in places:
        if isinstance(node, tree.Label):
            if node.name.lower() in labels:
                raise sql_error(132, node.name, line=node.line)
            labels[node.name.lower()] = around, tries
    for node, around, tries in places:
        if isinstance(node, tree.Goto):
            if node.label.lower() not in labels:
                raise sql_error(133, node.label, line=node.line)
            target, guarded = labels[node.label.lower()]
            if guarded != tries[: len(guarded)]:
                raise sql_error(1026, line=node.line)
            if target != around[: len(target)]:
                raise Unsupported("GOTO into a block", node.line)


def _check_loops(statements: tuple[tree.Statement, ...], inside: bool) -> None:
    for statement in statements:
        if isinstance(statement, tree.Break | tree.Continue) and not inside:
            raise sql_error(135 if isinstance(statement, tree.Break) else 136, line=statement.line)
        for inner in inner_lists(statement):
            _check_loops(inner, inside or isinstance(statement, tree.While))


# --- names ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ScalarFunction:
    """A user's scalar function, as the binder calls it."""

    type: SqlType
    parameters: tuple[Parameter, ...]
    sqlite_function: str
    schema: str
    formula: tree.Expr | None
    """All it does, where that is to return the value of an expression, under the caller's settings."""


@dataclass(frozen=True, slots=True)
class InlineFunction:
    """A user's inline table-valued function."""

    name: str
    schema: str
    query: Any
    parameters: tuple[Parameter, ...]


def _formula(statements: Sequence[tree.Statement]) -> tree.Expr | None:
    while len(statements) == 1 and isinstance(statements[0], tree.Block):
        statements = statements[0].statements
    match statements:
        case [tree.Return(value=value)]:
            return value
    return None


class Names:
    """The binder's environment: what a statement of a unit sees. It notes what the binding depends on."""

    def __init__(self, session: Session, types: dict[str, SqlType], schema: str = "dbo") -> None:
        self.session = session
        self.default_schema = schema
        self.types = types
        self.temps: dict[str, str | None] = {}
        self.options: dict[str, bool] = {}
        self.functions: list[tuple[Module, tuple[Parameter, ...], SqlType]] = []
        self.system_views: list[str] = []

    @property
    def serializable(self) -> bool:
        """Whether every read takes the lock."""
        value = self.session.every_read_locks
        self.options["serializable"] = value
        return value

    def variable_type(self, name: str) -> SqlType | None:
        """Type of a scalar variable."""
        return self.types.get(name)

    def find_table(self, parts: tuple[str, ...]) -> Table | View | None:
        """A table or view by its name as written."""
        name = parts[-1]
        session = self.session
        if name.startswith("@"):
            table = session.scope.variables.get(name.lower())
            self.temps[name.lower()] = table.sqlite_name if table else None
            return table
        if name.startswith("#"):
            if name.startswith("##"):
                raise Unsupported("Global temporary tables (##)")
            table = session.temp_table(name)
            self.temps[name.lower()] = table.sqlite_name if table else None
            return table
        found = session.find_relation(parts, self.default_schema)
        if isinstance(found, Table) and found.kind == "system":
            self.system_views.append(found.sqlite_name)
        return found

    def find_function(self, parts: tuple[str, ...]) -> InlineFunction | None:
        """An inline table-valued function."""
        found = self.session.find_object(parts, self.default_schema)
        if not isinstance(found, Module) or found.kind == "FN":
            return None
        if found.kind == "TF":
            raise Unsupported(f"Multi-statement table-valued function {found.name}")
        if found.kind != "IF":
            return None
        unit = module_unit(found)
        parameters = unit.shape(self.session).parameters
        return InlineFunction(found.name, found.schema, module_node(found).query, parameters)

    def find_scalar_function(self, parts: tuple[str, ...]) -> ScalarFunction | None:
        """A scalar function."""
        found = self.session.find_object(parts)
        if not isinstance(found, Module) or found.kind != "FN":
            return None
        unit = module_unit(found)
        shape = unit.shape(self.session)
        assert unit.returns is not None
        type_ = resolve_type(unit.returns, self.session)
        self.functions.append((found, shape.parameters, type_))
        name = self.session.scalar_function(found, shape.parameters, type_)
        settings = self.session.settings
        same = (found.ansi_nulls, found.quoted_identifier) == (settings.ansi_nulls, settings.quoted_identifier)
        return ScalarFunction(type_, shape.parameters, name, found.schema, _formula(unit.statements) if same else None)

    def find_type(self, parts: tuple[str, ...]) -> SqlType | None:
        """An alias type."""
        found = self.session.catalog.user_type(parts[-2] if len(parts) > 1 else None, parts[-1])
        return found.base if found else None

    def option(self, name: str) -> bool:
        """A SET option."""
        value = self.session.option(name)
        self.options[name] = value
        return value

    def valid(self, plan: Plan) -> bool:
        """Whether a plan made earlier means the same here and now."""
        session = self.session
        for name, sqlite_name in plan.temps.items():
            table = session.scope.variables.get(name) if name[0] == "@" else session.temp_table(name)
            if (table.sqlite_name if table else None) != sqlite_name:
                return False
        for name, value in plan.options.items():
            now = session.every_read_locks if name == "serializable" else session.option(name)
            if now != value:
                return False
        # Another session may have made the plan: SQLite knows functions and temporary views by connection.
        for function in plan.functions:
            session.scalar_function(*function)
        for key in plan.system_views:
            system_views.make(session, key)
        return True
