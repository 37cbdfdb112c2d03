"""LIKE's patterns as regular expressions under a collation: ``%``, ``_``, ``[a-z]``, ``[^x]``, ESCAPE."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any

from . import collation
from .caching import kept
from .collation import BINARY_COLLATIONS, check_searchable
from .errors import sql_error

# What stands for an escape character that is a letter: the pattern's other letters lose their case.
_ESCAPE = "\uffff"
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
    if first > last:
        return ""
    found = [c for c in _CANDIDATES if first <= key(c + "a") <= last and (c != " " or " " in (low, high))]
    return "".join(re.escape(fold(c, name)) for c in dict.fromkeys([low, high, *found]))


@kept(2048)
def compiled(
    pattern: str, name: str, escape: str | None, *, anywhere: bool = False, open_end: bool = False, padded: bool = False
) -> re.Pattern[str] | None:
    """The expression for a pattern, None when nothing can match it (an unclosed bracket).

    ``anywhere``: the match may begin at any place, which is the end of the expression's first group. ``open_end``: it
    may end at any. ``padded``: spaces may follow it.
    """
    if escape is not None and escape.lower() != escape.upper():
        # The escape character counts with its case, whatever the collation.
        pattern = re.sub(re.escape(escape) + "(.?)", _ESCAPE + r"\1", pattern, flags=re.DOTALL)
        escape = _ESCAPE
    pattern = fold(pattern, name)
    # What lies between two % has one length, so the first place where it matches is as good as any later one: there is
    # no other to go back to, and the time goes with the length of the text.
    segments: list[list[str]] = [[]]
    i, end = 0, len(pattern)
    while i < end:
        char = pattern[i]
        if escape is not None and char == escape:
            if i + 1 >= end:
                return None
            segments[-1].append(re.escape(pattern[i + 1]))
            i += 2
            continue
        if char == "%":
            if segments[-1] or len(segments) == 1:
                segments.append([])
        elif char == "_":
            segments[-1].append(".")
        elif char == "[":
            made, i = _set(pattern, i + 1, name, escape)
            if made is None:
                return None
            segments[-1].append(made)
            continue
        else:
            segments[-1].append(re.escape(char))
        i += 1
    first, *others = ["".join(segment) for segment in segments]
    last = others.pop() if others and not open_end else None
    if anywhere:
        first = f"(.*){first}" if last is None and not open_end else f"(?>(.*?){first})"
    middle = "".join([f"(?>.*?{other})" for other in others])
    return re.compile(first + middle + ("" if last is None else f".*{last}") + (" *" if padded else ""), re.DOTALL)


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
    character, while None is no escape at all. ``whole``: a supplementary character is one character, as under the _SC
    collations.
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
    if unicode or not folded.endswith(" "):
        return False
    expression = compiled(pattern, name, escape, padded=True)
    return expression is not None and expression.fullmatch(folded) is not None
