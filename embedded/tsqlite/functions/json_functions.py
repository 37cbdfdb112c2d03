"""JSON functions, OPENJSON, and what FOR JSON calls. https://learn.microsoft.com/sql/t-sql/functions/json-functions-transact-sql"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import apsw

from .. import jsontext
from ..convert import _read, convert
from ..errors import SqlError, Unsupported, sql_error
from ..types import INT, SqlType, nvarchar
from ..values import sqlite_literal
from .arguments import text
from .registry import Call, Resolved, add, need, nullable_from, udf
from ..runtime import aggregate, scalar, table
from .session_protocol import SessionProtocol

_OPENJSON_PAGE = "openjson-transact-sql"


# -- scalar functions


@scalar("ts_isjson", 1)
def _isjson(value: str | None) -> int | None:
    return None if value is None else int(jsontext.is_json(value))


@scalar("ts_json_value", 2)
def _json_value(value: str | None, path: str | None) -> str | None:
    return None if value is None or path is None else jsontext.value(value, path)


@scalar("ts_json_query", 2)
def _json_query(value: str | None, path: str | None) -> str | None:
    return None if value is None or path is None else jsontext.fragment(value, path)


@scalar("ts_json_modify", 3)
def _json_modify(value: str | None, path: str | None, new: str | None) -> str | None:
    return None if value is None or path is None else jsontext.modify(value, path, new)


@scalar("ts_json_text", 3)
def _json_text(spelled: str, is_json: int, value: Any) -> str | None:
    return None if value is None else jsontext.value_text(_read(spelled), value, json=bool(is_json))


def _document(call: Call) -> SqlType:
    type_ = call.types[0]
    if not type_.is_string and not type_.is_null:
        raise sql_error(8116, type_.display_name, 1, call.name.lower())
    return nvarchar(nullable=type_.nullable)


def _resolve_isjson(call: Call) -> Resolved:
    need(call, 1)
    return Resolved(INT.with_nullable(nullable_from(call)), (_document(call),), udf("ts_isjson"))


def _resolve_value(call: Call) -> Resolved:
    need(call, 2)
    return Resolved(nvarchar(4000), (_document(call), text(call, 1)), udf("ts_json_value"))


def _resolve_query(call: Call) -> Resolved:
    need(call, 1, 2)
    types: list[SqlType | None] = [_document(call)]
    if len(call.arguments) == 2:
        types.append(text(call, 1))
    return Resolved(
        nvarchar(),
        tuple(types),
        lambda args, order_by="", over="": f"ts_json_query({args[0]}, {args[1] if len(args) > 1 else repr('$')})",
    )


def _resolve_modify(call: Call) -> Resolved:
    need(call, 3)
    new = call.arguments[2]
    type_ = nvarchar() if new.type.is_null else new.type
    if type_.is_temporal or type_.name == "uniqueidentifier" or type_.is_binary or type_.is_float:
        raise Unsupported(f"JSON_MODIFY with a value of type {type_.display_name}: CAST it to a string or a decimal")

    def emit(args: Sequence[str], order_by: str = "", over: str = "") -> str:
        return f"ts_json_modify({args[0]}, {args[1]}, ts_json_text('{type_}', {int(new.json)}, {args[2]}))"

    return Resolved(nvarchar(), (_document(call), text(call, 1), type_), emit)


add("ISJSON", "isjson-transact-sql", _resolve_isjson)
add("JSON_VALUE", "json-value-transact-sql", _resolve_value)
add("JSON_QUERY", "json-query-transact-sql", _resolve_query)
add("JSON_MODIFY", "json-modify-transact-sql", _resolve_modify)


# -- FOR JSON


@lru_cache(maxsize=512)
def _row_spec(spec: str) -> tuple[list[SqlType], list[str], list[bool], bool, Any]:
    data = json.loads(spec)
    return [_read(t) for t in data["types"]], data["names"], [bool(f) for f in data["json"]], data["nulls"], data["mode"]


@scalar("ts_json_object")
def _json_object(spec: str, *values: Any) -> str:
    types, names, flags, nulls, mode = _row_spec(spec)
    return jsontext.object_text(types, names, values, nulls, flags, mode)


def emit_json_object(
    types: Sequence[SqlType],
    names: Sequence[str],
    values: Sequence[str],
    *,
    include_nulls: bool,
    json_flags: Sequence[bool],
    mode: str = "path",
) -> str:
    """SQLite text of one FOR JSON object from the texts of its values. Error 13601 at once for names that collide."""
    jsontext._layout(tuple(names), mode == "path")
    spec = json.dumps(
        {"types": [str(t) for t in types], "names": list(names), "json": [int(f) for f in json_flags],
         "nulls": include_nulls, "mode": mode}
    )  # fmt: skip
    return f"ts_json_object({', '.join((sqlite_literal(spec), *values))})"


@aggregate("ts_json_array")
class _JsonArray:
    """JSON texts as one array text; NULL for no rows."""

    def __init__(self) -> None:
        self.items: list[str] = []

    def step(self, item: str | None) -> None:
        self.items.append("null" if item is None else item)

    def inverse(self, item: str | None) -> None:
        self.items.pop(0)

    def value(self) -> str | None:
        return "[" + ",".join(self.items) + "]" if self.items else None

    final = value


# -- OPENJSON


@dataclass(frozen=True, slots=True)
class OpenJsonColumn:
    """A column of OPENJSON's WITH clause; ``path`` None is ``$.name``."""

    name: str
    type: SqlType
    path: str | None = None
    as_json: bool = False


_DEFAULT_COLUMNS = (("key", nvarchar(4000)), ("value", nvarchar()), ("type", INT))
MAX_COLUMNS = 64


def resolve_openjson(columns: Sequence[OpenJsonColumn] | None, has_path: bool) -> Resolved:
    """OPENJSON(document [, path]) [WITH (...)]: document and path are the arguments, the text stands after FROM.

    Its SQLite columns are named ``c0``, ``c1``, ... in the order of ``columns`` of the result. Errors: 13618 AS JSON of another
    type than nvarchar(max); ``Unsupported`` above 64 columns.
    """
    types: tuple[SqlType | None, ...] = (nvarchar(), nvarchar(4000))[: 2 if has_path else 1]
    if columns is None:
        return Resolved(
            nvarchar(),
            types,
            lambda args, order_by="", over="": f"ts_openjson({args[0]}, {args[1] if has_path else repr('$')})",
            columns=_DEFAULT_COLUMNS,
        )
    if len(columns) > MAX_COLUMNS:
        raise Unsupported(f"OPENJSON with more than {MAX_COLUMNS} columns")
    spec = []
    for column in columns:
        if column.as_json and not (column.type.name == "nvarchar" and column.type.is_max):
            raise SqlError(
                13618, "AS JSON option can be specified only for column of nvarchar(max) type in WITH clause."
            )
        path = column.path if column.path is not None else "$." + json.dumps(column.name, ensure_ascii=False)
        jsontext.parse_path(path)
        spec.append([path, str(column.type), int(column.as_json)])
    literal = sqlite_literal(json.dumps(spec))

    def emit(args: Sequence[str], order_by: str = "", over: str = "") -> str:
        return f"ts_openjson_with({args[0]}, {args[1] if has_path else repr('$')}, {literal})"

    return Resolved(nvarchar(), types, emit, columns=tuple((c.name, c.type.with_nullable(True)) for c in columns))


def _target(document: str, path: str | None) -> jsontext.Node | None:
    """The node that OPENJSON opens; None: no rows. Errors in strict mode: 13608."""
    if path is None:
        return None
    steps = jsontext.parse_path(path)
    node = jsontext.find(jsontext.parse(document), steps.steps)
    if node is None or node.kind not in (jsontext.ARRAY, jsontext.OBJECT):
        if steps.strict:
            raise sql_error(13608 if node is None else 13611)
        return None
    return node


def _default_rows(document: str | None, path: str | None) -> Iterator[tuple[Any, ...]]:
    if document is None:
        return
    node = _target(document, path)
    if node is None:
        return
    pairs = (
        ((key, found) for key, found, _ in node.value)
        if node.kind == jsontext.OBJECT
        else ((str(i), found) for i, found in enumerate(node.value))
    )
    for key, found in pairs:
        shown = document[found.start : found.end] if found.kind in (jsontext.ARRAY, jsontext.OBJECT) else (
            jsontext.scalar_text(found)
        )  # fmt: skip
        yield key, shown, found.kind


@lru_cache(maxsize=256)
def _with_spec(spec: str) -> tuple[tuple[jsontext.Path, SqlType, bool, bool], ...]:
    return tuple(
        (jsontext.parse_path(p), _read(t), bool(j), _read(t).is_string) for p, t, j in json.loads(spec)
    )


_TEXT = nvarchar()


def _with_rows(
    session: SessionProtocol, document: str | None, path: str | None, spec: str
) -> Iterator[tuple[Any, ...]]:
    if document is None:
        return
    node = _target(document, path)
    if node is None:
        return
    columns = _with_spec(spec)
    for row in node.value if node.kind == jsontext.ARRAY else [node]:
        yield tuple(_column(session, document, row, *c) for c in columns)


def _column(
    session: SessionProtocol,
    document: str,
    row: jsontext.Node,
    path: jsontext.Path,
    type_: SqlType,
    as_json: bool,
    is_text: bool,
) -> Any:
    found = jsontext.find(row, path.steps)
    if found is None:
        if path.strict:
            raise sql_error(13608)
        return None
    compound = found.kind in (jsontext.ARRAY, jsontext.OBJECT)
    if as_json:
        if compound:
            return document[found.start : found.end]
        if path.strict:
            raise sql_error(13624)
        return None
    if compound:
        if path.strict:
            raise SqlError(13623, "Scalar value cannot be found in the specified JSON path.")
        return None
    shown = jsontext.scalar_text(found)
    if shown is None:
        return None
    if type_.is_binary:
        raise Unsupported("A binary column in OPENJSON's WITH clause")
    if is_text and type_.length != -1 and len(shown) > (type_.length or 1):
        if path.strict:
            raise SqlError(13625, "String value in the specified JSON path would be truncated.")
        raise Unsupported(f"OPENJSON of a string longer than its column's {type_}")
    return convert(shown, _TEXT, type_, session=session)


class _Module:
    """An eponymous table function: ``columns`` visible, ``hidden`` arguments, rows from a generator."""

    def __init__(self, columns: Sequence[str], hidden: Sequence[str], rows: Any) -> None:
        self.columns, self.hidden, self.rows = list(columns), list(hidden), rows

    def Connect(self, connection: apsw.Connection, module: str, db: str, name: str, *args: Any) -> tuple[str, _Table]:  # noqa: N802
        shown = ", ".join(f'"{c}"' for c in self.columns)
        extra = ", ".join(f'"{c}" HIDDEN' for c in self.hidden)
        return f"CREATE TABLE x({shown}, {extra})", _Table(self)

    Create = Connect


class _Table:
    def __init__(self, module: _Module) -> None:
        self.module = module

    def BestIndexObject(self, info: apsw.IndexInfo) -> bool:  # noqa: N802
        first = len(self.module.columns)
        wanted = {first + i for i in range(len(self.module.hidden))}
        order: dict[int, int] = {}
        for i in range(info.nConstraint):
            column = info.get_aConstraint_iColumn(i)
            if column in wanted and info.get_aConstraint_op(i) == apsw.SQLITE_INDEX_CONSTRAINT_EQ:
                if not info.get_aConstraint_usable(i):
                    return False
                order[column] = i
        if set(order) != wanted:
            return False
        for position, column in enumerate(sorted(order)):
            info.set_aConstraintUsage_argvIndex(order[column], position + 1)
            info.set_aConstraintUsage_omit(order[column], True)
        info.estimatedCost = 100.0
        info.estimatedRows = 50
        return True

    def Open(self) -> _Cursor:  # noqa: N802
        return _Cursor(self.module)

    def Disconnect(self) -> None:  # noqa: N802
        pass

    Destroy = Disconnect


class _Cursor:
    def __init__(self, module: _Module) -> None:
        self.module = module
        self.width = len(module.columns)
        self.rows: Iterator[tuple[Any, ...]] = iter(())
        self.row: tuple[Any, ...] | None = None
        self.number = 0
        self.arguments: Sequence[Any] = ()

    def Filter(self, number: int, text_: str | None, arguments: Sequence[Any]) -> None:  # noqa: N802
        self.arguments = arguments
        self.rows = iter(self.module.rows(*arguments))
        self.number = 0
        self.Next()

    def Next(self) -> None:  # noqa: N802
        self.row = next(self.rows, None)
        self.number += 1

    def Eof(self) -> bool:  # noqa: N802
        return self.row is None

    def Rowid(self) -> int:  # noqa: N802
        return self.number

    def Column(self, index: int) -> Any:  # noqa: N802
        if index == -1:
            return self.number
        if index >= self.width:
            return self.arguments[index - self.width]
        assert self.row is not None
        return self.row[index] if index < len(self.row) else None

    def Close(self) -> None:  # noqa: N802
        pass


@table
def _openjson(connection: apsw.Connection, session: SessionProtocol) -> None:
    plain = _Module(("c0", "c1", "c2"), ("document", "path"), _default_rows)
    typed = _Module(
        [f"c{i}" for i in range(MAX_COLUMNS)],
        ("document", "path", "spec"),
        lambda document, path, spec: _with_rows(session, document, path, spec),
    )
    for name, module in (("ts_openjson", plain), ("ts_openjson_with", typed)):
        connection.create_module(name, module, use_bestindex_object=True, eponymous_only=True)  # type: ignore[arg-type]


def _resolve_openjson(call: Call) -> Resolved:
    need(call, 1, 2)
    return resolve_openjson(None, len(call.arguments) == 2)


add("OPENJSON", _OPENJSON_PAGE, _resolve_openjson, kind="table")
