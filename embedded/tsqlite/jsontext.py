"""JSON text as SQL Server reads and writes it: nodes with their places in the text, paths, formatting."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from . import numbers, temporal
from .caching import kept
from .convert import splitter
from .errors import SqlError, Unsupported, sql_error
from .types import SqlType
from .values import decimal_text, guid_text, round_half_away, unscaled

NULL, STRING, NUMBER, BOOLEAN, ARRAY, OBJECT = range(6)
"""Node kinds, numbered as OPENJSON's ``type`` column has them."""
_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_MAX_DEPTH = 128


@dataclass(slots=True)
class Node:
    """A value and its place: ``value`` is the decoded string, the items (nodes) or the members (key, node, start of
    the key).
    """

    kind: int
    start: int
    end: int
    value: Any


class _Malformed(Exception):
    def __init__(self, position: int) -> None:
        self.position = position


def skip(text: str, i: int) -> int:
    """The first place from `i` on that is no white space of JSON."""
    if text[i : i + 1] > " ":  # as a rule there is no space
        return i
    match = _SPACE.match(text, i)
    assert match is not None
    return match.end()


def _string(text: str, i: int) -> tuple[str, int]:
    try:
        value, end = scanstring(text, i, True)
    except ValueError as error:
        raise _Malformed(getattr(error, "pos", i)) from None
    return value, end


def _value(text: str, i: int, depth: int) -> Node:
    char = text[i : i + 1]
    if char == '"':
        value, end = _string(text, i + 1)
        return Node(STRING, i, end, value)
    if char == "{":
        return _object(text, i, depth)
    if char == "[":
        return _array(text, i, depth)
    for word, kind in (("true", BOOLEAN), ("false", BOOLEAN), ("null", NULL)):
        if text.startswith(word, i):
            return Node(kind, i, i + len(word), word)
    match = _NUMBER.match(text, i)
    if match is None:
        raise _Malformed(i)
    return Node(NUMBER, i, match.end(), match[0])


def _object(text: str, start: int, depth: int) -> Node:
    if depth > _MAX_DEPTH:
        raise Unsupported(f"JSON nested deeper than {_MAX_DEPTH}")
    members: list[tuple[str, Node, int]] = []
    i = skip(text, start + 1)
    if text[i : i + 1] == "}":
        return Node(OBJECT, start, i + 1, members)
    while True:
        if text[i : i + 1] != '"':
            raise _Malformed(i)
        place = i
        key, i = _string(text, i + 1)
        i = skip(text, i)
        if text[i : i + 1] != ":":
            raise _Malformed(i)
        node = _value(text, skip(text, i + 1), depth + 1)
        members.append((key, node, place))
        i = skip(text, node.end)
        char = text[i : i + 1]
        if char == "}":
            return Node(OBJECT, start, i + 1, members)
        if char != ",":
            raise _Malformed(i)
        i = skip(text, i + 1)


def _array(text: str, start: int, depth: int) -> Node:
    if depth > _MAX_DEPTH:
        raise Unsupported(f"JSON nested deeper than {_MAX_DEPTH}")
    items: list[Node] = []
    i = skip(text, start + 1)
    if text[i : i + 1] == "]":
        return Node(ARRAY, start, i + 1, items)
    while True:
        node = _value(text, i, depth + 1)
        items.append(node)
        i = skip(text, node.end)
        char = text[i : i + 1]
        if char == "]":
            return Node(ARRAY, start, i + 1, items)
        if char != ",":
            raise _Malformed(i)
        i = skip(text, i + 1)


def _parse(text: str) -> Node:
    i = skip(text, 0)
    # SQL Server 2017 knows objects and arrays only at the top.
    if text[i : i + 1] not in ("{", "["):
        raise _Malformed(i)
    node = _value(text, i, 0)
    i = skip(text, node.end)
    if i != len(text):
        raise _Malformed(i)
    return node


_parse_cached = lru_cache(maxsize=32)(_parse)


def parse(text: str) -> Node:
    """The tree of a JSON text. Error 13609."""
    try:
        return _parse_cached(text) if len(text) < 1_000_000 else _parse(text)
    except _Malformed as error:
        at = min(error.position, len(text))
        shown = text[at : at + 1] or "."
        raise SqlError(
            13609, f"JSON text is not properly formatted. Unexpected character '{shown}' is found at position {at}."
        ) from None


def is_json(text: str) -> bool:
    try:
        _parse_cached(text)
    except _Malformed:
        return False
    return True


# -- paths


@dataclass(frozen=True, slots=True)
class Path:
    """``mode`` and ``append`` come from the words before ``$``; a step is a key or an index."""

    strict: bool
    append: bool
    steps: tuple[str | int, ...]


_WORD = re.compile(r"[^\W\d]\w*|[\w$@#]+")


@kept(1024)
def parse_path(path: str) -> Path:
    """Read a path. Error 13607."""
    text = path
    i = skip(text, 0)
    append = strict = False
    while i < len(text) and text[i] != "$":
        match = re.compile(r"(append\s+|(?:lax|strict)(?:\s+|(?=\$)))", re.IGNORECASE).match(text, i)
        if match is None:
            raise _bad_path(text, i)
        mode = match[1].strip().lower()
        append |= mode == "append"
        strict |= mode == "strict"
        i = match.end()
    if i >= len(text):
        raise _bad_path(text, i)
    i += 1
    steps: list[str | int] = []
    while i < len(text):
        if text[i] == ".":
            if text[i + 1 : i + 2] == '"':
                try:
                    key, i = _string(text, i + 2)
                except _Malformed:
                    raise _bad_path(text, i) from None
            else:
                match = re.compile(r"[A-Za-z_$\u0080-\uffff][\w$]*").match(text, i + 1)
                if match is None:
                    raise _bad_path(text, i + 1)
                key, i = match[0], match.end()
            steps.append(key)
        elif text[i] == "[":
            match = re.compile(r"\[\s*(\d+)\s*\]", re.ASCII).match(text, i)
            if match is None:
                raise _bad_path(text, i + 1)
            steps.append(int(match[1]))
            i = match.end()
        elif text[i:].strip() == "":
            break
        else:
            raise _bad_path(text, i)
    return Path(strict, append, tuple(steps))


def _bad_path(text: str, at: int) -> SqlError:
    shown = text[at : at + 1] or "."
    return SqlError(
        13607, f"JSON path is not properly formatted. Unexpected character '{shown}' is found at position {at}."
    )


def child(node: Node, step: str | int) -> Node | None:
    """The first member of that key, or the item of that index."""
    if isinstance(step, int):
        return node.value[step] if node.kind == ARRAY and step < len(node.value) else None
    if node.kind == OBJECT:
        for key, found, _ in node.value:
            if key == step:
                return found  # type: ignore[no-any-return]
    return None


def find(node: Node, steps: Sequence[str | int]) -> Node | None:
    """The node at the end of a path."""
    current: Node | None = node
    for step in steps:
        if current is None:
            return None
        current = child(current, step)
    return current


def scalar_text(node: Node) -> str | None:
    """A scalar as JSON_VALUE gives it: strings decoded, numbers as written, NULL for null."""
    return None if node.kind == NULL else node.value


def value(text: str, path: str, *, limit: int | None = 4000) -> str | None:
    """JSON_VALUE. Errors in strict mode: 13608, 13623, 13625."""
    steps = parse_path(path)
    if steps.append:
        raise _bad_path(path, 0)
    node = find(parse(text), steps.steps)
    if node is None:
        if steps.strict:
            raise sql_error(13608)
        return None
    if node.kind in (ARRAY, OBJECT):
        if steps.strict:
            raise SqlError(13623, "Scalar value cannot be found in the specified JSON path.")
        return None
    result = scalar_text(node)
    if limit is not None and result is not None and len(result) > limit:
        if steps.strict:
            raise SqlError(13625, "String value in the specified JSON path would be truncated.")
        return None
    return result


def fragment(text: str, path: str) -> str | None:
    """JSON_QUERY. Errors in strict mode: 13608, 13624."""
    steps = parse_path(path)
    if steps.append:
        raise _bad_path(path, 0)
    node = find(parse(text), steps.steps)
    if node is None:
        if steps.strict:
            raise sql_error(13608)
        return None
    if node.kind not in (ARRAY, OBJECT):
        if steps.strict:
            raise sql_error(13624)
        return None
    return text[node.start : node.end]


# -- JSON_MODIFY


def modify(text: str, path: str, new: str | None) -> str:
    """``text`` with the value at ``path`` replaced by the JSON text ``new``; None deletes a key in lax mode."""
    parsed = parse_path(path)
    steps = parsed.steps
    if not steps:
        raise Unsupported("JSON_MODIFY of the whole document")
    root = parse(text)
    parent = find(root, steps[:-1])
    last = steps[-1]
    node = None if parent is None else child(parent, last)
    if node is None and parsed.strict:
        raise sql_error(13608)
    if parsed.append:
        return _append(text, parent, node, last, "null" if new is None else new)
    if parent is None:
        return text
    if node is not None:
        if new is not None or parsed.strict or parent.kind == ARRAY:
            return text[: node.start] + ("null" if new is None else new) + text[node.end :]
        return _delete(text, parent, node)
    if new is None:
        return text
    if isinstance(last, int):
        if parent.kind == ARRAY:
            raise Unsupported("JSON_MODIFY beyond the end of an array")
        return text
    return _insert(text, parent, last, new) if parent.kind == OBJECT else text


def _append(text: str, parent: Node | None, node: Node | None, last: str | int, new: str) -> str:
    if node is None:
        if parent is None or parent.kind != OBJECT or not isinstance(last, str):
            return text
        return _insert(text, parent, last, f"[{new}]")
    if node.kind != ARRAY:
        raise SqlError(13618, "Property cannot be found on the specified JSON path.")
    at = node.end - 1
    if node.value:
        at = node.value[-1].end
        return f"{text[:at]},{new}{text[at:]}"
    return f"{text[:at]}{new}{text[at:]}"


def _insert(text: str, parent: Node, key: str, new: str) -> str:
    from .functions.strings import json_escape

    member = f'"{json_escape(key)}":{new}'
    if parent.value:
        at = parent.value[-1][1].end
        return f"{text[:at]},{member}{text[at:]}"
    at = parent.end - 1
    return f"{text[:at]}{member}{text[at:]}"


def _delete(text: str, parent: Node, node: Node) -> str:
    members = parent.value
    index = next(i for i, (_, found, _) in enumerate(members) if found is node)
    start = members[index][2]
    if index + 1 < len(members):
        return text[:start] + text[members[index + 1][2] :]
    if index:
        return text[: members[index - 1][1].end] + text[node.end :]
    return text[:start] + text[node.end :]


# -- writing


def value_text(type_: SqlType, stored: Any, *, json: bool = False) -> str:
    """A value as FOR JSON writes it; ``json``: its text is JSON already. NULL gives ``null``."""
    from .functions.strings import json_escape

    if stored is None:
        return "null"
    name = type_.name
    if type_.is_string:
        if json:
            return str(stored)
        return f'"{json_escape(stored)}"'
    if name == "bit":
        return "true" if stored else "false"
    if type_.is_integer:
        return str(stored)
    if type_.is_decimal:
        return decimal_text(unscaled(stored), type_.scale or 0)
    if type_.is_money:
        return decimal_text(stored, 4)
    if type_.is_float:
        return numbers.float_text(stored, 1 if name == "real" else 2)
    if name == "uniqueidentifier":
        return f'"{guid_text(stored)}"'
    if type_.is_binary:
        return f'"{json_escape(base64.b64encode(stored).decode())}"'
    return f'"{_moment_text(type_, stored)}"'


def _moment_text(type_: SqlType, stored: Any) -> str:
    day, ticks, offset = splitter(type_)(stored)
    name = type_.name
    digits = 3 if name in ("datetime", "smalldatetime") else type_.scale or 0
    if name == "datetime":
        ticks = round_half_away(ticks, 10_000) * 10_000
    if ticks % temporal.SECOND == 0:
        digits = 0
    if name == "date":
        return temporal.format_style(day, 0, None, 0, name, 23)
    if name == "time":
        return temporal.format_style(day, ticks, None, digits, name, 121)
    text = temporal.format_style(day, ticks, None, digits, "datetime2", 126)
    if offset is None:
        return text
    return text + ("Z" if offset == 0 else temporal.offset_text(offset))
