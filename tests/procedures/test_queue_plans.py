"""Which way the queue's T-SQL goes is said in its text, not left to statistics.

The embedded engine has no plans, so a slow one cannot be shown here. What can be checked without a server is that each statement whose comment
promises a way has the hint that makes SQL Server go it, or refuse.
"""

from __future__ import annotations

import re

import pytest
from tests.procedures.test_queue_lock_order import statements


@pytest.mark.parametrize(
    ("procedure", "beginning"),
    [("decide_changes", "INSERT notify.decision"), ("store_messages", "INSERT @message")],
)
def test_a_document_of_changes_is_read_once_however_many_they_are(procedure: str, beginning: str) -> None:
    """The document first, the table variable sought by its key; the other way round it would be parsed for every change."""
    (statement,) = (text for text in statements(procedure) if beginning in text)
    source, sought = (
        re.search(r"\bFROM (OPENJSON|notify\.requested_messages)\(@changes\)", statement),
        re.search(r"\bJOIN @", statement),
    )
    assert source is not None and sought is not None and source.start() < sought.start()
    assert "OPTION (FORCE ORDER, LOOP JOIN)" in statement


def test_only_a_call_that_shares_messages_looks_for_them() -> None:
    """Each message would look through all of the call for its change: there is no index for it."""
    (statement,) = (text for text in statements("store_messages") if "@shared = (" in text)
    assert statement.index("IF EXISTS") < statement.index("@shared = (") < statement.index("OPTION (HASH JOIN)")
