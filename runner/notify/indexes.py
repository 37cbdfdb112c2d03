"""The index that detection needs on a stamp column, as T-SQL to be run by a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from notify.procedures.replica import quote_name

__all__ = ["ONLINE", "index_statement"]

ONLINE: Final = "/* on Enterprise WITH (ONLINE = ON): else nobody writes to the table while it is built */"


def index_statement(schema: str, table: str, stamp: str, keys: Sequence[str]) -> str:
    """One CREATE INDEX (stamp, keys), as activation asks for it: with the keys behind the stamp a page is read in the
    index's order, whatever the table is clustered by."""
    columns = ", ".join(quote_name(column) for column in (stamp, *(key for key in keys if key != stamp)))
    name = quote_name(f"ix_{table}_{stamp}"[:128])
    return f"CREATE NONCLUSTERED INDEX {name} ON {quote_name(schema)}.{quote_name(table)} ({columns}); {ONLINE}"
