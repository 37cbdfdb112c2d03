"""LIKE's patterns as regular expressions under a collation: ``%``, ``_``, ``[a-z]``, ``[^x]``, ESCAPE."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any

from . import collation
from .collation import BINARY_COLLATIONS, check_searchable
from .errors import sql_error

_PAIRED = re.compile("[\U00010000-\U0010ffff]")
# A range stands for the characters that sort between its ends; these are the ones tried.
_CANDIDATES = [
    chr(c) for c in (*range(0x20, 0x7F), *range(0xA0, 0x250), *range(0x370, 0x530), *range(0x2010, 0x2040), 0x20AC)
]


def _folds(name: str) -> bool:
    return "_ci" in name


def fold(text: str, name: str) -> str:
    """Composed, and in small letters where the collation ignores case: one character for one."""
    if text.isascii():
        return text.lower() if _folds(name) else text
    text = unicodedata.normalize("NFC", text)
    return "".join([c.lower() if len(c.lower()) == 1 else c for c in text]) if _folds(name) else text


@lru_cache(maxsize=512)
def _between(low: str, high: str, name: str) -> str:
    if name in BINARY_COLLATIONS:
        return "".join(re.escape(c) for c in _CANDIDATES if low <= c <= high)
    key: Any = collation.key_function(name)
    first, last = key(low + "a"), key(high + "a")
    found = [c for c in _CANDIDATES if first <= key(c + "a") <= last and (c != " " or " " in (low, high))]
    return "".join(re.escape(fold(c, name)) for c in dict.fromkeys([low, high, *found]))


@lru_cache(maxsize=2048)
def compiled(pattern: str, name: str, escape: str | None) -> re.Pattern[str] | None:
    """The expression for a pattern, None when nothing can match it (an unclosed bracket)."""
    pattern = fold(pattern, name)
    if escape is not None:
        escape = fold(escape, name)
    parts: list[str] = []
    i, end = 0, len(pattern)
    while i < end:
        char = pattern[i]
        if escape is not None and char == escape:
            if i + 1 >= end:
                return None
            parts.append(re.escape(pattern[i + 1]))
            i += 2
            continue
        if char == "%":
            if not parts or parts[-1] != ".*":
                parts.append(".*")
        elif char == "_":
            parts.append(".")
        elif char == "[":
            made, i = _set(pattern, i + 1, name, escape)
            if made is None:
                return None
            parts.append(made)
            continue
        else:
            parts.append(re.escape(char))
        i += 1
    return re.compile("".join(parts), re.DOTALL)


def _set(pattern: str, i: int, name: str, escape: str | None) -> tuple[str | None, int]:
    """The class that begins after ``[`` at ``i``, and where the pattern goes on."""
    end = len(pattern)
    negated = i < end and pattern[i] == "^"
    i += negated
    members: list[str] = []
    while i < end:
        char = pattern[i]
        if char == "]":
            body = "".join(members)
            if not body:
                return ("." if negated else "(?!)"), i + 1
            return f"[{'^' if negated else ''}{body}]", i + 1
        if escape is not None and char == escape and i + 1 < end:
            i += 1
            char = pattern[i]
        if i + 2 < end and pattern[i + 1] == "-" and pattern[i + 2] != "]":
            high, width = pattern[i + 2], 3
            if escape is not None and high == escape and i + 3 < end:
                high, width = pattern[i + 3], 4
            members.append(_between(char, high, name))
            i += width
            continue
        members.append(re.escape(char))
        i += 1
    return None, i


def halved(text: str) -> str:
    """The text with each supplementary character as its two surrogates."""
    if text.isascii() or not text or max(text) <= "\uffff":
        return text
    return _PAIRED.sub(_halves, text)


def _halves(match: re.Match[str]) -> str:
    point = ord(match[0]) - 0x10000
    return chr(0xD800 + (point >> 10)) + chr(0xDC00 + (point & 0x3FF))


def matches(value: str, pattern: str, name: str, unicode: bool, escape: str | None, *, whole: bool = True) -> bool:
    """Whether ``value`` is LIKE ``pattern`` under the SQLite collation ``name``; error 506 for an escape of not one
    character. ``whole``: a supplementary character is one character, as under the _SC collations.
    """
    if not whole:
        value, pattern = halved(value), halved(pattern)
    if escape is not None and len(escape) != 1:
        raise sql_error(506, escape, "LIKE")
    expression = compiled(pattern, name, escape)
    if expression is None:
        return False
    if not (value.isascii() and pattern.isascii()):
        check_searchable(unicodedata.normalize("NFC", pattern), unicodedata.normalize("NFC", value), name)
    folded = fold(value, name)
    if expression.fullmatch(folded):
        return True
    # Trailing spaces of the matched text do not count, but for nvarchar they do.
    return not unicode and folded.endswith(" ") and _without_spaces(expression, folded)


def _without_spaces(expression: re.Pattern[str], text: str) -> bool:
    stripped = text.rstrip(" ")
    return any(expression.fullmatch(text[:n]) for n in range(len(stripped), len(text)))
