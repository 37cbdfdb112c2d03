"""Collations: which string sorts before which, which are equal, and whose collation wins."""

from __future__ import annotations

import apsw

from .types import Label, SqlType


def check(name: str) -> str:
    """The canonical spelling of a collation. Errors: 448 unknown; ``Unsupported`` when known and not built."""
    raise NotImplementedError


def combine(a: SqlType, b: SqlType) -> tuple[str | None, Label | None]:
    """Collation and label of an expression made of two strings (collation precedence); error 468 for two explicit ones."""
    raise NotImplementedError


def require(type_: SqlType, operation: str = "equal to") -> None:
    """Refuse a comparison, sort or grouping whose collation is unresolved. Error 468."""


def sqlite_collation(type_: SqlType) -> str | None:
    """The SQLite collation of a string type (or datetimeoffset): for CREATE TABLE, CREATE INDEX and COLLATE. None: BINARY does."""
    raise NotImplementedError


def ordered(sql: str, type_: SqlType) -> str:
    """``sql`` as a term of ORDER BY, GROUP BY, PARTITION BY, DISTINCT, UNION, or as an argument of MIN and MAX."""
    name = sqlite_collation(type_)
    return sql if name is None else f"{sql} COLLATE {name}"


def sort_key(value: str, type_: SqlType) -> object:
    """A hashable, ordered key: two strings of ``type_`` are equal, or sort, as their keys do."""
    raise NotImplementedError


def register(connection: apsw.Connection) -> None:
    """Register the collations on a connection."""
    raise NotImplementedError
