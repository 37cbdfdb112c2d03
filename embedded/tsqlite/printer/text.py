"""Names, types and literals as text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from .. import tree as t
from ..lexer import RESERVED

_REGULAR: Final = re.compile(r"[A-Za-z_]\w*\Z", re.ASCII)
_SEVERAL_WORDS: Final = frozenset(
    {
        "double precision",
        "char varying",
        "character varying",
        "nchar varying",
        "binary varying",
        "national char",
        "national character",
        "national text",
        "national char varying",
        "national character varying",
    }
)
_RESERVED_FUNCTIONS: Final = frozenset({"COALESCE", "NULLIF", "LEFT", "RIGHT"})


def quote(name: str) -> str:
    """`name` in brackets."""
    return f"[{name.replace(']', ']]')}]"


def quote_string(value: str, *, national: bool = False) -> str:
    """`value` as a string literal."""
    return f"{'N' if national else ''}'{value.replace(chr(39), chr(39) * 2)}'"


def name_text(name: t.Name) -> str:
    """A qualified name, every part in brackets."""
    return ".".join(quote(p) if p else "" for p in name.parts)


def names_text(names: Iterable[str]) -> str:
    """Names, comma-separated."""
    return ", ".join(quote(n) for n in names)


def columns_text(names: tuple[str, ...]) -> str:
    """` (a, b)`, or nothing."""
    return f" ({names_text(names)})" if names else ""


def function_text(name: t.Name) -> str:
    """A function's name; a built-in one keeps its plain form."""
    if len(name.parts) > 1:
        return name_text(name)
    word = name.name
    if _REGULAR.match(word) and (word.upper() not in RESERVED or word.upper() in _RESERVED_FUNCTIONS):
        return word
    return quote(word)


def type_text(type_: t.TypeName) -> str:
    """A data type with its arguments."""
    name = type_.name
    word = name.name
    several_words = len(name.parts) == 1 and word in _SEVERAL_WORDS
    if len(name.parts) == 1 and (several_words or (_REGULAR.match(word) and word.upper() not in RESERVED)):
        text = word
    else:
        text = name_text(name)
    return text + (f"({', '.join(str(a) for a in type_.args)})" if type_.args else "")


def words(*parts: str | None) -> str:
    """The parts that are there, with a space between."""
    return " ".join(p for p in parts if p)


def options_text(options: tuple[t.Option, ...]) -> str:
    """`WITH (NAME = value, ...)`, or nothing."""
    return f"WITH ({', '.join(f'{o.name} = {o.value}' for o in options)})" if options else ""


def filegroup_text(name: str | None) -> str:
    """`ON [name]`, or nothing."""
    return f"ON {quote(name)}" if name is not None else ""
