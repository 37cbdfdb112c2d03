"""The script that signs the replica's procedures: what it checks before it changes anything."""

from __future__ import annotations

import pytest
from tests.procedures.shop import Shop, execute

from notify import assets
from notify.deploy import split_batches
from notify.errors import DatabaseError

TO_EDIT = "N'dbo.replace_with_your_tables'"


def check(shop: Shop, names: str) -> None:
    """The script up to its first change: the engine has no certificates."""
    (batch,) = [batch for batch in split_batches(script()) if TO_EDIT in batch]
    execute(shop.source, batch[: batch.index("BEGIN TRY")].replace(TO_EDIT, names))


def script() -> str:
    return (assets.sql() / "roles" / "replica_signature.sql").read_text(encoding="utf-8")


def test_tables_that_are_there_pass(shop: Shop) -> None:
    check(shop, "N'dbo.orders'), (N'[dbo].[line]'")


@pytest.mark.parametrize(
    ("names", "told"),
    [
        pytest.param(TO_EDIT, r"dbo\.replace_with_your_tables\.", id="not edited"),
        pytest.param("N'dbo.orders'), (N'dbo.order'), (N'sales.line'", r": dbo\.order, sales\.line\.", id="misspelt"),
        pytest.param("N'orders'", r": orders\.", id="without its schema"),
        pytest.param("N'dbo.merge_fields_order'", r": dbo\.merge_fields_order\.", id="not a table"),
    ],
)
def test_names_that_are_no_tables_are_told_before_anything_changes(shop: Shop, names: str, told: str) -> None:
    with pytest.raises(DatabaseError, match=told + ".*50191"):
        check(shop, names)
