"""The replica's procedures: position, catalog, detection, extraction. All of them only read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from notify.databases import Connection, ResultSet
from notify.procedures import call, from_json, stream, to_json

__all__ = [
    "Catalog",
    "Detected",
    "Extracted",
    "beat_heartbeat",
    "detect_changes",
    "extract_changes",
    "merge_fields",
    "merge_rows",
    "newest_keys",
    "notice_fields",
    "parse_request",
    "quote_name",
    "read_catalog",
    "read_keys",
    "read_position",
]


class Catalog(NamedTuple):
    """Columns of the application's tables, and the procedures a definition may name (contract: read_catalog)."""

    columns: list[dict[str, Any]]
    procedures: list[dict[str, Any]]


class Detected(NamedTuple):
    """One page of a scan. `safe_stamp` is the candidate for the next low, `rows` as record_changes takes them."""

    beat: int
    safe_stamp: str | None
    is_last_page: bool
    rows: list[dict[str, Any]]


class Extracted(NamedTuple):
    """What one snapshot of the replica shows of a batch's changes."""

    beat: int
    states: list[dict[str, Any]]
    prerequisites: list[dict[str, Any]]
    merge_rows: ResultSet


def beat_heartbeat(connection: Connection) -> None:
    """Beats the heart on source (there, SQL Agent does it)."""
    call(connection, "notify.beat_heartbeat")


def read_position(connection: Connection) -> dict[str, Any]:
    """beat, beat_at, safe_point, min_active_rowversion, is_read_only, database_name."""
    return call(connection, "notify.read_position")[0].one()


def read_catalog(connection: Connection) -> Catalog:
    """The replica's tables with keys and indexes, and its extraction procedures."""
    columns, procedures = call(connection, "notify.read_catalog")[:2]
    return Catalog(columns.records(), procedures.records())


def detect_changes(connection: Connection, request: str) -> Detected:
    """Rows above low, at most a page of them, in one snapshot with the safe point."""
    position, rows = call(connection, "notify.detect_changes", request=request)[:2]
    at = position.one()
    return Detected(at["beat"], at["safe_stamp"], bool(at["is_last_page"]), rows.records())


def read_keys(
    connection: Connection, request: str, size: int = 2000
) -> Iterator[tuple[int | None, list[dict[str, Any]]]]:
    """Every key of a table for a key snapshot: first (beat, []), then (None, at most `size` rows) until the end."""
    for number, piece in stream(connection, "notify.read_keys", size, request=request):
        if number == 0:
            yield piece.one()["beat"], []
        else:
            yield None, piece.records()


def extract_changes(connection: Connection, request: str) -> Extracted:
    """States, prerequisite verdicts and merge rows of a batch, all from one snapshot."""
    results = call(connection, "notify.extract_changes", request=request)
    position, states, prerequisites = results[:3]
    # A batch of which nothing is present calls no merge procedure, and then there is no fourth result set.
    merge_rows = results[3] if len(results) > 3 else ResultSet(("change_number",), [])
    return Extracted(position.one()["beat"], states.records(), prerequisites.records(), merge_rows)


def merge_fields(connection: Connection, procedure: str, changes: list[dict[str, Any]]) -> ResultSet:
    """Calls a merge-field procedure by itself, for a preview.

    Args:
        procedure: two-part name, from a saved definition.
        changes: change_number, key, operation, fields, version.
    """
    schema, _, name = procedure.rpartition(".")
    quoted = f"{quote_name(schema)}.{quote_name(name)}"
    return call(connection, quoted, changes=to_json(changes))[0]


def newest_keys(
    connection: Connection, schema: str, table: str, keys: list[str], stamp: str, count: int = 1
) -> list[list[str]]:
    """Keys of the newest rows by a stamp column, for a preview of a real record."""
    columns = ", ".join(f"CONVERT(nvarchar(450), t.{quote_name(key)}) AS {quote_name(key)}" for key in keys)
    # A stamp column may be one of the key's, and a column stands in an ORDER BY once.
    order = ", ".join(f"t.{quote_name(name)} DESC" for name in dict.fromkeys((stamp, *keys)))
    (result,) = connection.execute(
        f"SELECT TOP ({count:d}) {columns} FROM {quote_name(schema)}.{quote_name(table)} AS t ORDER BY {order};"
    )
    return [[str(value) for value in row] for row in result.rows]


def merge_rows(connection: Connection, select: str, changes: list[dict[str, Any]]) -> ResultSet:
    """Runs the SELECT of a merge-field procedure that is not deployed yet (it reads @changes)."""
    return connection.execute(f"DECLARE @changes nvarchar(max) = ?;\n{select}", (to_json(changes),))[0]


def notice_fields(
    connection: Connection, schema: str, table: str, keys: list[str], key: list[str], columns: list[str]
) -> dict[str, Any] | None:
    """The columns that a key snapshot keeps, of one record as it is now; None when there are none."""
    if not columns:
        return None
    chosen = ", ".join(f"t.{quote_name(name)}" for name in columns)
    where = " AND ".join(f"t.{quote_name(name)} = ?" for name in keys)
    (result,) = connection.execute(
        f"SELECT {chosen} FROM {quote_name(schema)}.{quote_name(table)} AS t WHERE {where};", tuple(key)
    )
    return next(iter(result.records()), None)


def quote_name(name: str) -> str:
    """QUOTENAME: an identifier in brackets."""
    return "[" + name.replace("]", "]]") + "]"


def parse_request(request: str) -> dict[str, Any]:
    """A request as the processor composed it."""
    value = from_json(request)
    assert isinstance(value, dict)
    return value
