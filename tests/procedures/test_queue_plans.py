"""Which way the queue's T-SQL goes is said in its text, not left to statistics.

The embedded engine has no plans, so a slow one cannot be shown here. What can be checked without a server is that each statement whose comment
promises a way has the hint that makes SQL Server go it, or refuse.
"""

from __future__ import annotations

import re

import pytest
from tests.procedures.queue_room import Room
from tests.procedures.test_queue_lock_order import statements

from notify import assets


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


@pytest.mark.parametrize(
    ("procedure", "words", "hint"),
    [
        ("sweep_messages", "m.expires_at <= @now", "INDEX (ix_message_expires)"),
        ("hold_notification_messages", "TOP (@batch_size)", "INDEX (ix_message_open)"),
        ("cancel_notification_messages", "TOP (@batch_size)", "INDEX (ix_message_open)"),
        ("release_notification_messages", "TOP (@batch_size)", "INDEX (ix_message_open)"),
        ("replace_older_versions", "m.completed_at IS NULL", "FORCESEEK, INDEX (ix_message_waiting)"),
        ("replace_older_versions", "SET c.newest_order", "OPTION (FORCE ORDER, LOOP JOIN)"),
        ("share_messages", "INSERT @message", "OPTION (FORCE ORDER, LOOP JOIN)"),
        ("share_messages", "UPDATE d", "OPTION (FORCE ORDER, LOOP JOIN)"),
        ("record_outcomes", "UPDATE o", "OPTION (FORCE ORDER, LOOP JOIN)"),
        ("record_unusual_outcomes", "DELETE r", "OPTION (FORCE ORDER, LOOP JOIN)"),
        ("record_unusual_outcomes", "INSERT notify.ready", "OPTION (FORCE ORDER, LOOP JOIN)"),
        ("raise_alerts", "UPDATE a", "INDEX (uq_alert_open)"),
        ("raise_alerts", "INSERT notify.alert", "INDEX (uq_alert_open)"),
        ("get_messages", "INSERT @page", "OPTION (RECOMPILE)"),
        ("doubt_due_messages", "INSERT @candidate", "INDEX (ix_message_open)"),
        ("doubt_due_messages", "UPDATE m", "OPTION (FORCE ORDER, LOOP JOIN, MAXDOP 1)"),
    ],
)
def test_no_plan_may_read_a_whole_table(procedure: str, words: str, hint: str) -> None:
    (statement,) = (text for text in statements(procedure) if words in text)
    assert hint in statement


@pytest.mark.parametrize(
    ("index", "columns"),
    [
        ("ix_message_completed", {"completed_at", "state", "channel", "notification_guid"}),
        ("uq_alert_open", {"kind", "notification_guid", "acknowledged_at"}),
    ],
)
def test_an_index_has_what_its_readers_ask_of_every_row(room: Room, index: str, columns: set[str]) -> None:
    rows = room.run(
        "SELECT c.name FROM sys.indexes AS i JOIN sys.index_columns AS ic ON ic.object_id = i.object_id AND ic.index_id = i.index_id"
        " JOIN sys.columns AS c ON c.object_id = ic.object_id AND c.column_id = ic.column_id WHERE i.name = ?;",
        index,
    )
    assert {row["name"] for row in rows} == columns


def test_no_word_of_a_provider_is_too_long_to_be_judged() -> None:
    """TRY_CONVERT of more than 4,000 characters may be an error of the whole call."""
    text = (
        (assets.sql() / "functions" / "queue" / "reported_outcomes.sql")
        .read_text(encoding="utf-8")
        .partition("CREATE")[2]
    )
    assert re.findall(r"TRY_CONVERT\(\w+, (?!LEFT\(\w\.\w+, 40\)\))", text) == []
    assert text.count("TRY_CONVERT(") == 5
