"""JSON functions and OPENJSON. https://learn.microsoft.com/sql/t-sql/functions/json-functions-transact-sql"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, Final, TypeAlias

import apsw

from .. import jsontext
from ..convert import _read, converter
from ..errors import SqlError, Unsupported, sql_error
from ..runtime import TableFunction, scalar, table
from ..types import INT, SqlType, nvarchar
from ..values import sqlite_literal
from .arguments import text
from .registry import Argument, Call, Resolved, add, need, nullable_from, udf
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


# -- OPENJSON


@dataclass(frozen=True, slots=True)
class OpenJsonColumn:
    """A column of OPENJSON's WITH clause; ``path`` None is ``$.name``."""

    name: str
    type: SqlType
    path: str | None = None
    as_json: bool = False


# Only key has a collation of its own: beside a column of another one it is a conflict.
_KEY = nvarchar(4000).with_collation("Latin1_General_BIN2", "implicit")
_DEFAULT_COLUMNS = (("key", _KEY), ("value", nvarchar()), ("type", INT))
MAX_COLUMNS = 64


def resolve_openjson(columns: Sequence[OpenJsonColumn] | None, has_path: bool) -> Resolved:
    """OPENJSON(document [, path]) [WITH (...)]: document and path are the arguments, the text stands after FROM.

    With WITH its SQLite columns are named ``c0``, ``c1``, ..., and ``columns`` of the result gives these names.
    Errors: 13618 AS JSON of another type than nvarchar(max), 13607; ``Unsupported`` above 64 columns.
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

    return Resolved(
        nvarchar(), types, emit, columns=tuple((f"c{i}", c.type.with_nullable(True)) for i, c in enumerate(columns))
    )


def open_json_with(arguments: Sequence[Argument], columns: Sequence[tuple[str, SqlType, str | None, bool]]) -> Resolved:
    """OPENJSON(...) WITH: ``columns`` are (name, type, path or None, AS JSON). See ``resolve_openjson``."""
    if not arguments[0].type.is_string and not arguments[0].type.is_null:
        raise sql_error(8116, arguments[0].type.display_name, 1, "OPENJSON")
    return resolve_openjson([OpenJsonColumn(*c) for c in columns], len(arguments) == 2)


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


_Plain: TypeAlias = tuple[str, str, int, bool, Callable[..., Any] | None]


@dataclass(frozen=True, slots=True)
class _Spec:
    """The columns of a WITH clause: for any row, and as (key, type, longest text or -1, whether ASCII that is no longer
    stays as it is, converter or None for AS JSON), where no column asks for more than a member's value.
    """

    columns: tuple[tuple[jsontext.Path, SqlType, bool, bool, Callable[..., Any]], ...]
    plain: tuple[_Plain, ...] | None
    has_nested: bool


@lru_cache(maxsize=256)
def _with_spec(spec: str) -> _Spec:
    columns = tuple(
        (jsontext.parse_path(p), _read(t), bool(j), _read(t).is_string, converter(_TEXT, _read(t)))
        for p, t, j in json.loads(spec)
    )
    plain = []
    for path, type_, as_json, is_text, converted in columns:
        (key,) = path.steps if len(path.steps) == 1 else (None,)
        if not isinstance(key, str) or path.strict or type_.is_binary:
            return _Spec(columns, None, False)
        longest = (type_.length or 1) if is_text else -1
        as_is = type_.name in ("varchar", "nvarchar")
        plain.append((key, str(type_), longest, as_is, None if as_json else converted))
    return _Spec(columns, tuple(plain), any(c[2] for c in columns))


_TEXT = nvarchar()


_NESTED: Final = frozenset({dict, list})


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # The first member of a name counts.
    found = dict(pairs)
    return found if len(found) == len(pairs) else dict(reversed(pairs))


def _constant(name: str) -> Any:
    raise ValueError(name)


_decode = json.JSONDecoder(object_pairs_hook=_members, parse_float=str, parse_int=str, parse_constant=_constant).decode


def _flat(document: str) -> list[dict[str, Any]] | None:
    """The objects of a document without a nested value, read by Python's own scanner; None where it is anything else,
    or wrong: jsontext knows what to say of it.
    """
    try:
        rows = _decode(document)
    except (ValueError, RecursionError):
        return None
    if type(rows) is dict:
        rows = [rows]
    if type(rows) is not list:
        return None
    for row in rows:
        if type(row) is not dict or not _NESTED.isdisjoint(map(type, row.values())):
            return None
    return rows


_scan = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=_constant).scan_once  # type: ignore[attr-defined]


def _object(document: str, index: int) -> tuple[dict[str, Any], int]:
    """The object at an index, its nested values as their texts in the document; and where it ends."""
    found: dict[str, Any] = {}
    if document[index] != "{":
        raise ValueError
    index = jsontext.skip(document, index + 1)
    if document[index] == "}":
        return found, index + 1
    while True:
        if document[index] != '"':
            raise ValueError
        key, index = scanstring(document, index + 1, True)
        index = jsontext.skip(document, index)
        if document[index] != ":":
            raise ValueError
        start = jsontext.skip(document, index + 1)
        value, index = _scan(document, start)
        if type(value) in _NESTED:
            if _is_deep(value, _DEPTH):
                raise ValueError
            value = _Nested(document[start:index])
        # The first member of a name counts.
        found.setdefault(key, value)
        index = jsontext.skip(document, index)
        end = document[index]
        if end == "}":
            return found, index + 1
        if end != ",":
            raise ValueError
        index = jsontext.skip(document, index + 1)


_DEPTH: Final = 100
"""Levels of a nested value; the module that knows all of JSON has SQL Server's limit."""


def _is_deep(value: Any, levels: int) -> bool:
    if type(value) not in _NESTED:
        return False
    inner = value.values() if type(value) is dict else value
    return levels == 0 or any(_is_deep(item, levels - 1) for item in inner)


class _Nested(str):
    """The text of an array or object."""

    __slots__ = ()


def _objects(document: str) -> list[dict[str, Any]] | None:
    """An object, or those of an array, read by Python's own scanner, nested values as texts; None as of `_flat`."""
    rows = []
    try:
        index = jsontext.skip(document, 0)
        if document[index] == "{":
            row, index = _object(document, index)
            rows.append(row)
        elif document[index] == "[":
            index = jsontext.skip(document, index + 1)
            if document[index] == "]":
                index += 1
            else:
                while True:
                    row, index = _object(document, index)
                    rows.append(row)
                    index = jsontext.skip(document, index) + 1
                    if document[index - 1] == "]":
                        break
                    if document[index - 1] != ",":
                        return None
                    index = jsontext.skip(document, index)
        else:
            return None
        return rows if jsontext.skip(document, index) == len(document) else None
    except (ValueError, IndexError, StopIteration, RecursionError):
        return None


def _plain_rows(
    session: SessionProtocol,
    rows: list[dict[str, Any]],
    columns: tuple[_Plain, ...],
) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        values: list[Any] = []
        for key, type_, longest, as_is, converted in columns:
            value = row.get(key)
            if converted is None or type(value) is _Nested:
                value = str(value) if converted is None and type(value) is _Nested else None
            elif value is not None:
                if type(value) is bool:
                    value = "true" if value else "false"
                if len(value) > longest >= 0:
                    raise _too_long(type_)
                if not as_is or not value.isascii():
                    value = converted(value, None, session)
            values.append(value)
        yield tuple(values)


def _too_long(type_: object) -> Unsupported:
    return Unsupported(f"OPENJSON of a string longer than its column's {type_}")


def _with_rows(
    session: SessionProtocol, document: str | None, path: str | None, spec: str
) -> Iterable[tuple[Any, ...]]:
    if document is None:
        return ()
    columns = _with_spec(spec)
    if path == "$" and columns.plain is not None:
        rows = None if columns.has_nested else _flat(document)
        rows = _objects(document) if rows is None else rows
        if rows is not None:
            return _plain_rows(session, rows, columns.plain)
    return _any_rows(session, document, path, columns)


def _any_rows(session: SessionProtocol, document: str, path: str | None, spec: _Spec) -> Iterator[tuple[Any, ...]]:
    node = _target(document, path)
    if node is None:
        return
    for row in node.value if node.kind == jsontext.ARRAY else [node]:
        # The first member of a name counts.
        members = {key: found for key, found, _ in reversed(row.value)} if row.kind == jsontext.OBJECT else {}
        yield tuple([_column(session, document, row, members, *c) for c in spec.columns])


def _column(
    session: SessionProtocol,
    document: str,
    row: jsontext.Node,
    members: dict[str, jsontext.Node],
    path: jsontext.Path,
    type_: SqlType,
    as_json: bool,
    is_text: bool,
    converted: Callable[..., Any],
) -> Any:
    steps = path.steps
    if len(steps) == 1 and isinstance(steps[0], str):
        found = members.get(steps[0])
    else:
        found = jsontext.find(row, steps)
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
        raise _too_long(type_)
    return converted(shown, None, session)


@table
def _openjson(connection: apsw.Connection, session: SessionProtocol) -> None:
    plain = TableFunction(("key", "value", "type"), ("document", "path"), _default_rows)
    typed = TableFunction(
        [f"c{i}" for i in range(MAX_COLUMNS)],
        ("document", "path", "spec"),
        lambda document, path, spec: _with_rows(session, document, path, spec),
    )
    plain.register(connection, "ts_openjson")
    typed.register(connection, "ts_openjson_with")


def _resolve_openjson(call: Call) -> Resolved:
    need(call, 1, 2)
    return resolve_openjson(None, len(call.arguments) == 2)


add("OPENJSON", _OPENJSON_PAGE, _resolve_openjson, kind="table")
