"""The only package with SQL text: one thin, typed function per procedure (`replica`, `processor`, `queue`).

Every call is ``EXECUTE notify.name @a = ?, @b = ?`` in autocommit; lists and objects travel as JSON.
"""

from __future__ import annotations

import datetime
import decimal
import json
import uuid
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from notify.databases import Connection, ResultSet, Value

__all__ = ["call", "from_json", "stream", "to_json"]


def call(connection: Connection, procedure: str, **parameters: Value) -> list[ResultSet]:
    """Calls a procedure and returns all of its result sets.

    Args:
        procedure: two-part name, as ``notify.claim_batch``.
        parameters: by name without ``@``; None is NULL.

    Raises:
        notify.errors.DatabaseError: and its kin, by error number.
    """
    return connection.execute(_statement(procedure, tuple(parameters)), tuple(parameters.values()), procedure)


def stream(
    connection: Connection, procedure: str, size: int = 2000, **parameters: Value
) -> Iterator[tuple[int, ResultSet]]:
    """Like `call`, in pieces of at most `size` rows: (number of the result set from 0, piece)."""
    return connection.stream(_statement(procedure, tuple(parameters)), tuple(parameters.values()), procedure, size)


@lru_cache(maxsize=256)
def _statement(procedure: str, names: tuple[str, ...]) -> str:
    arguments = ", ".join(f"@{name} = ?" for name in names)
    return f"EXECUTE {procedure} {arguments};" if arguments else f"EXECUTE {procedure};"


def to_json(value: Any) -> str:
    """JSON for a parameter: Decimals as exact numbers' text, dates as ISO 8601, bytes as hex digits without 0x."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)


def from_json(text: str | None) -> Any:
    """A JSON column's value, with exact Decimals; None for NULL."""
    return None if text is None else json.loads(text, parse_float=decimal.Decimal)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex().upper()
    if isinstance(value, decimal.Decimal | uuid.UUID):
        return str(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep="T")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form here")
