"""Conversions: every pair of Microsoft's chart, as a Python function on storage values and as SQLite text.

https://learn.microsoft.com/sql/t-sql/functions/cast-and-convert-transact-sql
"""

from __future__ import annotations

import apsw

from .functions.session_protocol import SessionProtocol
from .types import SqlType
from .values import Storage


def check_implicit(from_type: SqlType, to_type: SqlType, *, clash: bool = False) -> None:
    """Refuse what is never converted without CAST: errors 206 and 257."""
    raise NotImplementedError


def check_explicit(from_type: SqlType, to_type: SqlType) -> None:
    """Refuse what CAST cannot do: error 529."""
    raise NotImplementedError


def convert(
    value: Storage,
    from_type: SqlType,
    to_type: SqlType,
    style: int = 0,
    *,
    implicit: bool = False,
    try_: bool = False,
    session: SessionProtocol,
) -> Storage:
    """Convert one storage value; too long a string is cut (as CAST and variables do)."""
    raise NotImplementedError


def assign(value: Storage, from_type: SqlType, to_type: SqlType, column: str, table: str, session: SessionProtocol) -> Storage:
    """Convert a value that goes into a column: error 8152 (2628 when the session asks) instead of cutting a string."""
    raise NotImplementedError


def emit_convert(
    sql: str, from_type: SqlType, to_type: SqlType, style: int | str = 0, *, implicit: bool = False, try_: bool = False
) -> str:
    """SQLite text that converts ``sql``; ``style`` is a number, or SQLite text of an int.

    Errors at once, not at run time: 206, 257 (implicit), 529 (explicit), 281 (a style that the pair has not).
    """
    raise NotImplementedError


def emit_assign(sql: str, from_type: SqlType, to_type: SqlType, column: str, table: str) -> str:
    """SQLite text that converts ``sql`` for a column of a table (both named in error 2628)."""
    raise NotImplementedError


def register(connection: apsw.Connection, session: SessionProtocol) -> None:
    """Register every function, aggregate, table function and collation that emitted text uses on a connection."""
    raise NotImplementedError
