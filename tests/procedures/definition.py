"""A catalog as a replica would show it, a definition that fits it, and words for what tests do with them."""

from __future__ import annotations

import copy
from typing import Any

from notify.databases import Connection
from notify.procedures import call, processor, to_json

Row = dict[str, Any]

CI = "SQL_Latin1_General_CP1_CI_AS"
# name: type, max_length, precision, scale, is_nullable, collation, key_ordinal, leads_index
LISTING: dict[str, tuple[Any, ...]] = {
    "listing_id": ("int", 4, 10, 0, 0, None, 1, 1),
    "status": ("varchar", 20, 0, 0, 0, CI, None, 0),
    "price": ("decimal", 9, 12, 2, 1, None, None, 0),
    "bedrooms": ("tinyint", 1, 3, 0, 1, None, None, 0),
    "posted_on": ("date", 3, 10, 0, 1, None, None, 0),
    "plan": ("xml", -1, 0, 0, 1, None, None, 0),
    "created_at": ("datetime2", 8, 27, 7, 0, None, None, 1),
    "modified_at": ("datetime2", 8, 27, 7, 1, None, None, 1),
    "checked_at": ("datetime", 8, 23, 3, 1, None, None, 0),
    "is_deleted": ("bit", 1, 1, 0, 0, None, None, 0),
    "row_version": ("timestamp", 8, 0, 0, 0, None, None, 0),
}
PRICE_CHANGE: dict[str, tuple[Any, ...]] = {
    "Code": ("nvarchar", 40, 0, 0, 0, "Latin1_General_CI_AI", None, 0),
    "Number": ("int", 4, 10, 0, 1, None, None, 0),
    "LineGuid": ("uniqueidentifier", 16, 0, 0, 0, None, None, 0),
    "ChangedOn": ("smalldatetime", 4, 16, 0, 0, None, None, 1),
    "RowVersion": ("timestamp", 8, 0, 0, 0, None, None, 1),
}
FIELDS = (
    "type_name",
    "max_length",
    "precision",
    "scale",
    "is_nullable",
    "collation_name",
    "key_ordinal",
    "leads_index",
)


def columns(schema: str, table: str, described: dict[str, tuple[Any, ...]]) -> list[Row]:
    """Rows of read_catalog."""
    return [
        {"schema_name": schema, "table_name": table, "column_name": name, "column_id": number, "is_computed": 0}
        | dict(zip(FIELDS, facts, strict=True))
        for number, (name, facts) in enumerate(described.items(), 1)
    ]


CATALOG = columns("dbo", "listing", LISTING) + columns("Sales", "PriceChange", PRICE_CHANGE)
PROCEDURES = [
    {"schema_name": "notify_extract", "procedure_name": name}
    for name in ("merge_fields_listing", "merge_fields_price", "check_totals")
]

DEFINITION: Row = {
    "name": "listing_changed",
    "table": {"schema": "dbo", "name": "listing", "created": "created_at", "modified": ["modified_at"]},
    "on": ["insert", "update"],
    "where": [{"column": "status", "operator": "=", "value": "active"}],
    "merge_procedure": "notify_extract.merge_fields_listing",
    "channels": {"email": {"template": "listing.html.mako"}},
}


def definition(table: Row | None = None, **changes: Any) -> Row:
    """The definition with other top-level keys, and other keys of its table; a value of ... takes a key away."""
    made = copy.deepcopy(DEFINITION) | changes
    made["table"] = made["table"] | (table or {})
    made["table"] = {key: value for key, value in made["table"].items() if value is not ...}
    return {key: value for key, value in made.items() if value is not ...}


def know(connection: Connection, catalog: list[Row] | None = None) -> None:
    """The processor learns what the replica has."""
    processor.refresh_catalog(connection, CATALOG if catalog is None else catalog, PROCEDURES)


def save(connection: Connection, document: Row | str, *, dry_run: bool = False) -> tuple[list[Row], Row]:
    """save_notification's two results: problems, and the row with the action."""
    text = document if isinstance(document, str) else to_json(document)
    problems, (done,) = (
        result.records() for result in call(connection, "notify.save_notification", definition=text, dry_run=dry_run)
    )
    return problems, done


def saved(connection: Connection, document: Row) -> str:
    """Saves what has no problem: the action."""
    problems, done = save(connection, document)
    assert problems == []
    return str(done["action"])


def scan(
    column: str, *rows: Row, beat: int = 7, safe: str | None = "2026-03-02 08:00:00.0000000", **changes: Any
) -> Row:
    """What detect_changes gave for one stamp column."""
    return {"column_name": column, "beat": beat, "safe_stamp": safe, "is_last_page": True, "rows": list(rows)} | changes


def seen(record: int, stamp: str, *, created: str | None = None, state_hash: str = "AA", deleted: bool = False) -> Row:
    """A row above low."""
    return {
        "record_key": f'["{record}"]',
        "record_match": f'["{record}"]',
        "stamp": stamp,
        "created_stamp": stamp if created is None else created,
        "state_stamp": stamp,
        "state_hash": state_hash,
        "is_deleted": deleted,
        "matches": "[1]",
    }


def activate(connection: Connection, *scans: Row, name: str = "listing_changed", keys: Any = None) -> Row:
    """activate_notification, by default from scans that saw nothing above low."""
    given = list(scans) or [scan("created_at"), scan("modified_at")]
    return processor.activate_notification(connection, name, to_json(given), None if keys is None else to_json(keys))


def query(connection: Connection, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """The rows of a SELECT."""
    return connection.execute(statement, parameters)[0].rows
