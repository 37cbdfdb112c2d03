"""Enforced dependencies: what schema-bound modules, CHECKs, DEFAULTs and computed columns name stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from . import tree, units
from .catalog import Module, Sequence, Table, View
from .errors import SqlError, Unsupported, sql_error

if TYPE_CHECKING:
    from .session import Session


def _named(node: tree.Node) -> Iterator[tuple[str, str]]:
    for part in tree.walk(node):
        if isinstance(part, tree.NamedTable | tree.TableFunction | tree.FunctionCall) and part.name.schema is not None:
            yield part.name.schema.lower(), part.name.name.lower()


def _schema_bound(session: Session) -> Iterator[tuple[Module | View, tree.Node]]:
    for (object_id,) in session.db.execute(
        "SELECT object_id FROM main._ts_modules WHERE is_schema_bound = 1 ORDER BY object_id"
    ).fetchall():
        found = session.catalog.by_id(object_id)
        if isinstance(found, View):
            yield found, found.query
        elif isinstance(found, Module):
            yield found, units.module_node(found)


def _expressions(session: Session) -> Iterator[tuple[str, tree.Node]]:
    from .parser import parse_condition, parse_expression

    for table in session.catalog.tables():
        for column in table.columns:
            if column.computed is not None:
                yield table.name, column.computed
            if column.default is not None:
                yield column.default_name or table.name, parse_expression(column.default)
        for check in table.checks:
            yield check.name, parse_condition(check.text)


def holder(session: Session, found: Table | View | Module | Sequence) -> str | None:
    """The name of an object that needs ``found`` as it is, None without one."""
    wanted = (found.schema.lower(), found.name.lower())
    for module, node in _schema_bound(session):
        if module.object_id != found.object_id and wanted in _named(node):
            return module.name
    if isinstance(found, Module) and found.kind == "FN":
        for name, node in _expressions(session):
            if wanted in _named(node):
                return name
    return None


def column_holders(session: Session, table: Table, column: str) -> list[str]:
    """The schema-bound modules that read a column; refused where a name alone does not tell."""
    wanted, holders = (table.schema.lower(), table.name.lower()), []
    for module, node in _schema_bound(session):
        named = set(_named(node))
        if wanted not in named:
            continue
        columns = {n.name.name.lower() for n in tree.walk(node) if isinstance(n, tree.ColumnRef)}
        if column.lower() not in columns:
            continue
        sources = [n for n in tree.walk(node) if isinstance(n, tree.TableSource) and not isinstance(n, tree.Join)]
        if len(sources) > 1:
            raise Unsupported(f"Changing column {column}, whose name the schema-bound {module.name} has,")
        holders.append(module.name)
    return holders


def check_binding(session: Session, node: Any, kind: str) -> None:
    """What WITH SCHEMABINDING forbids. Errors 1054, 4512, 4513."""
    spoken = "view" if kind == "V" else "function"
    shown = str(node.name)
    ctes = {n.name.lower() for n in tree.walk(node) if isinstance(n, tree.Cte)}
    for part in tree.walk(node):
        if isinstance(part, tree.StarItem):
            raise SqlError(1054, "Syntax '*' is not allowed in schema-bound objects.")
        if not isinstance(part, tree.NamedTable):
            continue
        if len(part.name.parts) == 1 and part.name.name.lower() in ctes:
            continue
        if part.name.name.startswith("#"):
            raise Unsupported("WITH SCHEMABINDING over a temporary table", node.line)
        if len(part.name.parts) != 2:
            raise SqlError(
                4512,
                f"Cannot schema bind {spoken} '{shown}' because name '{part.name}' is invalid for schema binding. "
                "Names must be in two-part format and an object cannot reference itself.",
            )
        if session.find_relation(part.name.parts) is None:
            raise sql_error(208, str(part.name), line=part.line)
    for schema, name in dict.fromkeys(_named(node)):
        if (schema, name) == ((node.name.schema or "dbo").lower(), node.name.name.lower()):
            raise Unsupported(f"A schema-bound {spoken} that names itself", node.line)
        found = session.catalog.find(schema, name)
        if isinstance(found, View | Module) and not (
            session.db.execute(
                "SELECT is_schema_bound FROM main._ts_modules WHERE object_id = ?", (found.object_id,)
            ).get
        ):
            raise SqlError(4513, f"Cannot schema bind {spoken} '{shown}'. '{schema}.{name}' is not schema bound.")


def check_free(session: Session, found: Table | View | Module | Sequence, verb: str) -> None:
    """Error 3729 when something needs ``found`` as it is."""
    name = holder(session, found)
    if name is not None:
        raise sql_error(3729, verb, f"{found.schema}.{found.name}", name)
