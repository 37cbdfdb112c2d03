"""Microsoft's conversion chart: which type becomes which by itself, with CAST, or never.

https://learn.microsoft.com/sql/t-sql/functions/cast-and-convert-transact-sql
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from .errors import sql_error
from .types import BINARIES, DATETIMES, FLOATS, INTEGERS, MONEYS, STRINGS, TEMPORALS, UNICODE, SqlType

Verdict = Literal["implicit", "explicit", "none"]
_NEWER_DATES = frozenset({"date", "time", "datetime2", "datetimeoffset"})
_NUMERIC = INTEGERS | MONEYS | {"decimal", "numeric"}


@lru_cache(maxsize=1024)
def verdict(source: str, target: str) -> Verdict:
    """Whether a value of type ``source`` becomes ``target`` by itself, with CAST only, or not at all."""
    if "null" in (source, target) or source == target:
        return "implicit"
    if source in STRINGS:
        if target in BINARIES:
            return "explicit"
        if target == "rowversion":
            return "none" if source in UNICODE else "explicit"
        return "implicit"
    if source in BINARIES or source == "rowversion":
        if target in FLOATS:
            return "none"
        if source == "rowversion":
            return "none" if target in UNICODE or target in _NEWER_DATES or target == "uniqueidentifier" else "implicit"
        return "explicit" if target in _NEWER_DATES else "implicit"
    if source == "uniqueidentifier":
        return "implicit" if target in STRINGS or target in BINARIES else "none"
    if source in TEMPORALS:
        if target in STRINGS:
            return "implicit"
        if target in BINARIES:
            return "explicit"
        if target in TEMPORALS:
            return "none" if {source, target} == {"date", "time"} else "implicit"
        if source in DATETIMES and target != "uniqueidentifier":
            return "explicit"
        return "none"
    # numbers
    if target in STRINGS or target in _NUMERIC or target in FLOATS or target in BINARIES or target in DATETIMES:
        return "implicit"
    if target == "rowversion" and source not in FLOATS:
        return "implicit"
    return "none"


def check_implicit(from_type: SqlType, to_type: SqlType) -> None:
    """Refuse what is never converted without CAST: errors 206 and 257."""
    found = verdict(from_type.name, to_type.name)
    if found == "none":
        raise sql_error(206, from_type.display_name, to_type.display_name)
    if found == "explicit":
        raise sql_error(257, from_type.display_name, to_type.display_name)


def check_explicit(from_type: SqlType, to_type: SqlType) -> None:
    """Refuse what CAST cannot do: error 529."""
    if verdict(from_type.name, to_type.name) == "none":
        raise sql_error(529, from_type.display_name, to_type.display_name)
