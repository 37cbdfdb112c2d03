"""FOR JSON, and OPENJSON as a source."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from .. import functions, tree
from ..convert import convert as convert_value
from ..errors import Unsupported, sql_error
from ..functions import Argument, Call, SessionProtocol
from ..runtime import aggregate, scalar
from ..types import SqlType, nvarchar, parse_type
from ..values import decimal_text, guid_text, unscaled
from . import typed
from .expressions import bind, constant, convert, is_json, type_of
from .queries import Bound, BoundColumn, derived_range
from .scope import Context, Range, Scope, ScopeColumn

RESULT_NAME = "JSON_F52E2B61-18A1-11d1-B105-00805F49916B"


def for_json(context: Context, bound: Bound, node: tree.ForJson, *, top: bool) -> Bound:
    """FOR JSON PATH or AUTO over a query. Errors: 13605 no name, 13601 two of one name, 13603, 13620."""
    if node.mode == "AUTO" and bound.scope is not None and not bound.scope.ranges:
        raise sql_error(13600)
    if node.root is not None and node.without_array_wrapper:
        raise sql_error(13620)
    if bound.assigns:
        raise sql_error(13602, "ASSIGNMENT")
    paths: list[list[str]] = []
    for column in bound.columns:
        if not column.name:
            raise sql_error(13605)
        paths.append(column.name.split(".") if node.mode == "PATH" else [column.name])
    nested = node.mode == "AUTO" and bound.scope is not None and len(bound.scope.ranges) > 1
    if not nested:
        _check_paths(paths, [c.name or "" for c in bound.columns])
    raw = [_is_json(bound, i) for i in range(len(bound.columns))]
    kinds = ["json" if r else _kind(c.type) for c, r in zip(bound.columns, raw, strict=True)]
    query = bound.query
    if isinstance(query, typed.Select | typed.Compound) and query.order_by and query.limit is None:
        query.limit = typed.Limit()
    range_ = derived_range(context, bound, "")
    assert range_.source is not None
    if nested:
        rows = _nested(bound, node, range_, kinds)
        return _wrapped(bound, node, rows, top)
    spec = json.dumps([node.include_null_values, paths, kinds], ensure_ascii=False)
    quoted = _quoted(spec)
    text = typed.Operation(
        nvarchar(-1, nullable=False),
        [c.expr for c in range_.columns],
        lambda a: f"ts_json_object({', '.join([quoted, *a])})",
        "FOR JSON",
    )
    return _wrapped(bound, node, typed.Select([text], ["c1"], range_.source), top)


def _wrapped(bound: Bound, node: tree.ForJson, rows: typed.Query, top: bool) -> Bound:
    before, after = ("", "") if node.without_array_wrapper else ("[", "]")
    if node.root is not None:
        before, after = f"{{{_string(node.root or 'root')}:{before}", f"{after}}}"
    type_ = nvarchar(-1).with_collation(None, "coercible-default")
    made = typed.JsonText(type_, rows, before, after, top)
    return Bound(made, [BoundColumn(RESULT_NAME if top else None, type_)], into=bound.into)


def _nested(bound: Bound, node: tree.ForJson, range_: Range, kinds: Sequence[str]) -> typed.Query:
    """AUTO over several tables: each table, in the order of the select list, is an array inside the one before."""
    levels: list[Range] = []
    level_of: list[int] = []
    for column in bound.columns:
        of = column.origin.range if column.origin is not None else None
        if of is None:
            raise Unsupported("FOR JSON AUTO over several tables with a computed column", node.line)
        if of not in levels:
            levels.append(of)
        level_of.append(levels.index(of))
    columns = [[c.name or "", level] for c, level in zip(bound.columns, level_of, strict=True)]
    for level in range(len(levels)):
        names = [str(n) for n, at in columns if at == level] + [r.name for r in levels[level + 1 : level + 2]]
        _check_paths([[n] for n in names], names)
    spec = json.dumps([node.include_null_values, [r.name for r in levels], columns], ensure_ascii=False)
    texts: list[typed.Expr] = []
    for shown, kind in zip(range_.columns, kinds, strict=True):
        texts.append(_value(shown.expr, kind))
    text = typed.Aggregate(
        nvarchar(-1),
        "FOR JSON",
        texts,
        lambda args, order_by="", over="": f"ts_json_nested({', '.join([_quoted(spec), *args])})",
    )
    return typed.Select([text], ["c1"], range_.source, having=typed.Test([], lambda a: "count(*) > 0"))


def _value(expr: typed.Expr, kind: str) -> typed.Expr:
    return typed.Operation(nvarchar(-1), [expr], lambda a: f"ts_json_value_text({_quoted(kind)}, {a[0]})")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@scalar("ts_json_value_text", 2, session=True)
def _value_text(session: SessionProtocol, kind: str, value: Any) -> str | None:
    return None if value is None else value_text(value, _type(kind), session)


@aggregate("ts_json_nested", -1)
class _Nested:
    """Rows to objects within objects; a level's object goes on while its values stay the same."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.open: list[tuple[str | None, ...]] = []

    def step(self, spec: str, *values: str | None) -> None:
        include, names, columns = _nesting(spec)
        rows = [tuple(v for v, (_, at) in zip(values, columns, strict=True) if at == i) for i in range(len(names))]
        same = 0
        while same < len(self.open) - 1 and self.open[same] == rows[same]:
            same += 1
        if self.open:
            self._close(same)
            self.out.append(",")
        for level in range(same, len(names)):
            shown = [n for n, at in columns if at == level]
            members = [
                f"{_string(n)}:{'null' if v is None else v}"
                for n, v in zip(shown, rows[level], strict=True)
                if v is not None or include
            ]
            self.out.append("{" + ",".join(members))
            if level < len(names) - 1:
                self.out.append(("," if members else "") + _string(names[level + 1]) + ":[")
            self.open.append(rows[level])

    def _close(self, keep: int) -> None:
        """Close the objects below ``keep`` levels."""
        depth = len(self.open)
        while depth > keep:
            self.out.append("}" if depth == len(self.open) else "]}")
            depth -= 1
        del self.open[keep:]

    def final(self) -> str:
        self._close(0)
        return "".join(self.out)

    def inverse(self, *values: object) -> None:
        raise AssertionError("FOR JSON is no window function")

    def value(self) -> str:
        raise AssertionError("FOR JSON is no window function")


@lru_cache(maxsize=256)
def _nesting(spec: str) -> tuple[bool, list[str], list[tuple[str, int]]]:
    include, names, columns = json.loads(spec)
    return include, names, columns


def _check_paths(paths: Sequence[Sequence[str]], names: Sequence[str]) -> None:
    seen: set[tuple[str, ...]] = set()
    inner: set[tuple[str, ...]] = set()
    last: tuple[str, ...] = ()
    for path, name in zip(paths, names, strict=True):
        key = tuple(path)
        prefixes = {key[:i] for i in range(1, len(key))}
        shared = {p for p in prefixes if p == last[: len(p)]}
        # An object that was closed cannot be opened again.
        if key in seen or key in inner or prefixes & seen or (prefixes - shared) & inner:
            raise sql_error(13601, name)
        seen.add(key)
        inner |= prefixes
        last = key


def _is_json(bound: Bound, position: int) -> bool:
    """Whether a column is JSON already, to be printed as it is."""
    if bound.select is None or bound.query is not bound.select:
        return False
    return is_json(bound.select.outputs[position])


def _kind(type_: SqlType) -> str:
    if type_.is_null:
        return "int"
    if type_.is_string:
        return "string"
    return str(type_).replace("timestamp", "rowversion")


@lru_cache(maxsize=512)
def _spec(text: str) -> tuple[bool, list[list[str]], list[SqlType | str]]:
    include, paths, kinds = json.loads(text)
    return include, paths, [_type(kind) for kind in kinds]


@lru_cache(maxsize=256)
def _type(kind: str) -> SqlType | str:
    if kind in ("json", "string"):
        return kind
    name, _, rest = kind.partition("(")
    args = tuple(a if a == "max" else int(a) for a in rest.rstrip(")").split(",")) if rest else ()
    return parse_type(name, args)


@scalar("ts_json_object", -1, session=True)
def _object(session: SessionProtocol, spec: str, *values: Any) -> str:
    include, paths, types = _spec(spec)
    out: list[str] = []
    open_: list[str] = []
    fresh = True
    for path, type_, value in zip(paths, types, values, strict=True):
        if value is None and not include:
            continue
        *parents, name = path
        common = 0
        while common < len(open_) and common < len(parents) and open_[common] == parents[common]:
            common += 1
        if len(open_) > common:
            out.append("}" * (len(open_) - common))
            del open_[common:]
            fresh = False
        for parent in parents[common:]:
            out.append(("" if fresh else ",") + _string(parent) + ":{")
            open_.append(parent)
            fresh = True
        out.append(("" if fresh else ",") + _string(name) + ":" + value_text(value, type_, session))
        fresh = False
    return "{" + "".join(out) + "}" * (len(open_) + 1)


_ESCAPES = {'"': '\\"', "\\": "\\\\", "/": "\\/", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPES |= {chr(i): f"\\u{i:04x}" for i in range(32) if chr(i) not in _ESCAPES}
_TABLE = str.maketrans(_ESCAPES)


def _string(text: str) -> str:
    return '"' + text.translate(_TABLE) + '"'


def value_text(value: Any, type_: SqlType | str, session: SessionProtocol) -> str:
    """A storage value as FOR JSON prints it."""
    if value is None:
        return "null"
    if isinstance(type_, str):
        return str(value) if type_ == "json" else _string(str(value))
    name = type_.name
    if name == "bit":
        return "true" if value else "false"
    if type_.is_integer:
        return str(value)
    if type_.is_decimal or type_.is_money:
        return decimal_text(unscaled(value), type_.system_scale)
    if type_.is_float:
        digits = 15 if name == "float" else 7
        mantissa, exponent = f"{value:.{digits}e}".split("e")
        return f"{mantissa}e{exponent[0]}{int(exponent[1:]):03d}"
    if name == "uniqueidentifier":
        return f'"{guid_text(value)}"'
    if type_.is_binary:
        return '"' + base64.b64encode(value).decode() + '"'
    style = 23 if name == "date" else 114 if name == "time" else 127 if name == "datetimeoffset" else 126
    if name == "time":
        text = str(convert_value(value, type_, nvarchar(40), 121, session=session))
    else:
        text = str(
            convert_value(value, type_, nvarchar(40), style if name != "datetimeoffset" else 126, session=session)
        )
    whole, point, fraction = text.partition(".")
    if point:
        digits_ = fraction[: len(fraction) - len(fraction.lstrip("0123456789"))]
        if not digits_.strip("0"):
            text = whole + fraction[len(digits_) :]
    return f'"{text}"'


# --- OPENJSON -------------------------------------------------------------------------------------------------------


def open_json(context: Context, node: tree.OpenJson, lateral: Scope) -> Range:
    """OPENJSON as a source: key, value, type, or the columns of WITH."""
    from .sources import function_range

    function = functions.lookup("OPENJSON")
    nodes = [node.expr] + ([node.path] if node.path is not None else [])
    pairs = [(bind(lateral, n), constant(n)) for n in nodes]
    alias = node.alias or "OPENJSON"
    arguments = tuple(Argument(e.type, v) for e, v in pairs)
    if node.columns is None:
        resolved = function.resolve(Call("OPENJSON", arguments))
        operands = [e if t is None else convert(e, t) for (e, _), t in zip(pairs, resolved.arguments, strict=True)]
        return function_range(context, operands, resolved.emit, resolved.columns, alias)
    return _with_columns(context, node, lateral, pairs, arguments, alias)


def _with_columns(
    context: Context,
    node: tree.OpenJson,
    lateral: Scope,
    pairs: Sequence[tuple[typed.Expr, Any]],
    arguments: tuple[Argument, ...],
    alias: str,
) -> Range:
    from ..functions import json as library

    columns = []
    seen: set[str] = set()
    for column in node.columns or ():
        if column.name.lower() in seen:
            raise sql_error(8156, column.name, alias)
        seen.add(column.name.lower())
        type_ = type_of(column.type, lateral, "declare").with_nullable(True)
        if type_.is_string:
            type_ = type_.with_collation(None, "implicit")
        columns.append((column.name, type_, column.path, column.as_json))
    resolved = library.open_json_with(arguments, columns)
    operands = [e if t is None else convert(e, t) for (e, _), t in zip(pairs, resolved.arguments, strict=True)]
    source = typed.FunctionRows(context.alias(), operands, resolved.emit, tuple(name for name, _ in resolved.columns))
    range_ = Range(alias, (alias,), [], source, aliased=True)
    for (shown, type_, _, _), (sqlite_name, _) in zip(columns, resolved.columns, strict=True):
        range_.columns.append(ScopeColumn(shown, typed.ColumnValue(type_, source, sqlite_name, shown), None, range_))
    return range_
