"""What needs a person: seen by notify messages, settled by release and requeue; and a restored queue recovered."""

from __future__ import annotations

from pathlib import Path

import pytest

from cycle.conftest import Shop
from notify.databases import Role
from notify.procedures import processor, queue

from .conftest import notify

RESTORED = "UPDATE notify.queue_identity SET recovery_fork_guid = NEWID();"
EMPTY = "DELETE notify.ready; DELETE notify.message_body; DELETE notify.message; DELETE notify.message_key; DELETE notify.decision;"
NOW = ("--lost-at", "2020-01-01T00:00:00")


def unsettled(shop: Shop, *outcomes: str) -> None:
    """One message an outcome: of the order 2, 3, ..."""
    for number in range(len(outcomes)):
        shop.order(number + 2)
    shop.cycle()
    with shop.stage.databases.connection(Role.QUEUE) as connection:
        for outcome in outcomes:
            (message,) = queue.claim_messages(connection, "email", 1, 60, "test")
            attempt = {
                "attempt_id": f"00000000-0000-0000-0000-{message.message_id:012}",
                "message_id": message.message_id,
                "claim_token": str(message.claim_token),
                "gateway": "mailbox",
            }
            queue.begin_attempts(connection, [attempt], 600)
            said = {"outcome": outcome, "is_permanent": outcome == "refused", "code": "550", "detail": "no such user"}
            queue.record_outcomes(connection, [attempt | said])


def test_messages_shows_what_waits_and_how_to_settle_it(shop: Shop, config: Path) -> None:
    assert "Nothing waits for a person" in notify("messages", "--config", config).said
    unsettled(shop, "unknown", "refused", "accepted")
    ran = notify("messages", "--config", config)
    assert ran.code == 0
    assert '1 in doubt: email to buyer2@shop.example.com, order_changed ["2"]' in ran.said
    assert "by mailbox: refused (550 no such user)" in ran.said
    assert "notify release ID" in ran.output and "notify requeue --message ID" in ran.said
    report = notify("messages", "--json", "--config", config).json
    assert [(row["message_id"], row["state"]) for row in report["messages"]] == [(1, "in_doubt"), (2, "failed")]
    assert (report["changes_in_doubt"], report["has_more"]) == ([], False)
    assert "one by one: notify messages" in notify("status", "--config", config).said
    assert "notify messages --state stuck" not in ran.said
    shop.order(9)
    shop.cycle()
    shop.stage.advance(hours=1)
    assert "notify messages --state stuck" in notify("messages", "--config", config).said
    ran = notify("messages", "--state", "stuck", "--config", config)
    assert "4 queued, stuck: email to buyer9@shop.example.com" in ran.said


def test_messages_of_a_state_of_a_notification_and_no_more_than_asked_for(shop: Shop, config: Path) -> None:
    unsettled(shop, "unknown", "unknown", "accepted")
    few = notify("messages", "--limit", "1", "--json", "--config", config).json
    assert ([row["message_id"] for row in few["messages"]], few["has_more"]) == ([1], True)
    assert "more than 1" in notify("messages", "--limit", "1", "--config", config).said
    sent = notify("messages", "--state", "sent", "--notification", "order_changed", "--json", "--config", config).json
    assert [row["message_id"] for row in sent["messages"]] == [3]
    assert "No message is held" in notify("messages", "--state", "held", "--config", config).said
    assert "there are: order_changed" in notify("messages", "--notification", "x", "--config", config).errors
    assert "did you mean in_doubt?" in notify("messages", "--state", "indoubt", "--config", config).errors


def test_release_takes_several_and_says_which_it_could_not(shop: Shop, config: Path) -> None:
    unsettled(shop, "unknown", "unknown", "accepted")
    words = ("--verdict", "sent", "--reason", "their log has it", "--config", config)
    assert notify("release", *words).code == 2
    ran = notify("release", "1", "2", "--json", *words)
    assert ran.code == 0
    assert ran.json["messages"] == [{"message_id": 1, "state": "sent"}, {"message_id": 2, "state": "sent"}]
    assert notify("release", "3", *words).code == 1
    assert notify("audit", "--json", "--config", config).json["sent"] == 3


def test_release_goes_on_after_one_that_it_cannot(shop: Shop, config: Path) -> None:
    unsettled(shop, "unknown", "accepted")
    ran = notify("release", "2", "1", "--verdict", "failed", "--reason", "x", "--config", config)
    assert ran.code == 3
    assert "message 1: failed" in ran.said
    assert "message 2 is sent" in ran.errors


def test_failed_messages_and_changes_are_tried_again_by_their_ids(shop: Shop, config: Path) -> None:
    unsettled(shop, "refused", "accepted")
    shop.order(8, "odd")
    shop.cycle()
    with shop.stage.databases.connection(Role.PROCESSOR) as connection:
        page = processor.get_audited_changes(connection, 0, 100)
    (failed,) = (row["change_key"] for row in page if row["state"] == "failed")
    assert notify("requeue", "--config", config).code == 2
    ran = notify("requeue", "--message", "1", "--change", failed.lower(), "--json", "--config", config)
    assert (ran.code, ran.json) == (0, {"requeued": 2})
    ran = notify("requeue", "--message", "1", "--message", "2", "--config", config)
    assert ran.code == 1
    assert "0 of 2 are tried again" in ran.said


@pytest.fixture
def lost(shop: Shop, config: Path) -> str:
    """The queue came back from before the order's messages: the key of its change."""
    shop.order(2)
    shop.cycle()
    shop.stage.queue(EMPTY)
    shop.stage.queue(RESTORED)
    with shop.stage.databases.connection(Role.PROCESSOR) as connection:
        ((change),) = processor.get_claimed_changes(connection, 0, 10)
    return str(change["change_key"])


def test_recovering_the_queue_asks_and_says_what_is_to_be_done(shop: Shop, config: Path, lost: str) -> None:
    ran = notify("recover-queue", *NOW, "--config", config)
    assert ran.code == 2
    assert "--yes" in ran.errors
    assert notify("recover-queue", "--lost-at", "2999-01-01 00:00:00", "--yes", "--config", config).code == 2
    assert notify("run-cycle", "--config", config).code == 0
    ran = notify("recover-queue", *NOW, "--yes", "--config", config)
    assert ran.code == 0
    assert "0 messages and 1 change is in doubt" in ran.said
    assert "notify messages --state in_doubt" in ran.said
    again = notify("recover-queue", *NOW, "--yes", "--config", config)
    assert again.code == 1
    assert "nothing to recover" in again.errors
    assert lost in notify("messages", "--config", config).said
    assert "1 change is in doubt" in notify("status", "--config", config).said


def test_a_change_in_doubt_is_released_to_be_sent(shop: Shop, config: Path, lost: str) -> None:
    assert notify("recover-queue", *NOW, "--yes", "--json", "--config", config).json == {
        "sent": 0, "messages_in_doubt": 0, "changes_in_doubt": 1
    }  # fmt: skip
    ran = notify("release", "--change", lost, "--verdict", "send", "--reason", "none there", "--config", config)
    assert ran.code == 0
    assert "the next cycle generates it again" in ran.said
    assert notify("run-cycle", "--config", config).code == 0
    assert notify("send", "--drain", "--config", config).code == 0
    assert shop.subjects() == ["Order 2 is paid"]
    assert "to be generated again: none there" in notify("why", "2", "--config", config).said
    assert notify("audit", "--config", config).code == 0


def test_a_change_in_doubt_is_released_as_sent(shop: Shop, config: Path, lost: str) -> None:
    notify("recover-queue", *NOW, "--yes", "--config", config)
    ran = notify("release", "--change", lost, "--verdict", "sent", "--reason", "seen", "--json", "--config", config)
    assert ran.json["changes"] == [{"change_key": lost, "outcome": "sent", "state": None}]
    assert notify("audit", "--json", "--config", config).json["sent"] == 1
    assert "sent, by a person's word: seen" in notify("why", "2", "--config", config).said
    again = notify("release", "--change", lost, "--verdict", "send", "--reason", "x", "--config", config)
    assert again.code == 1
    assert "is sent" in again.errors
