"""Enqueueing: one decision per change, one message per key, and never an older version after a newer one."""

from __future__ import annotations

import pytest
from tests.procedures.queue_room import NOTIFICATION, Room, change, headers, key, mail, skipped, stamp

from notify.errors import ProcedureError, QueueRestored
from notify.procedures import queue


def test_a_change_is_stored_with_its_messages(room: Room) -> None:
    (decision,) = room.enqueue(change(1, mail("ann"), mail("bob")))
    assert decision == {
        "change_key": key(1), "outcome": "messages", "reason": None, "message_count": 2, "was_first": True
    }  # fmt: skip
    ann, bob = room.claim()
    assert (ann.address, ann.recipient_name, ann.subject) == ("ann@example.org", "Ann", "Hello")
    assert (ann.html, ann.text) == ("<p>Hello ann 🏡</p>", "Hello ann 🏡")
    assert headers(ann) == {"List-Unsubscribe": "<https://example.com>"}
    assert bob.recipient_name == "Bob" and ann.dedupe_key != bob.dedupe_key


def test_the_same_call_again_stores_nothing_and_gives_the_same_answer(room: Room) -> None:
    first = room.enqueue(change(1), skipped(2, "gone"))
    again = room.enqueue(change(1), skipped(2, "gone"))
    assert [row | {"was_first": False} for row in first] == again
    assert room.states() == {1: "queued"}


def test_the_first_word_on_a_change_stands(room: Room) -> None:
    room.enqueue(skipped(1, "no recipient"), change(2))
    told = room.enqueue(change(1), skipped(2, "gone"))
    assert [(row["outcome"], row["reason"], row["was_first"]) for row in told] == [
        ("skipped", "no recipient", False),
        ("messages", None, False),
    ]
    assert len(room.states()) == 1


def test_two_changes_that_show_the_same_version_share_one_message(room: Room) -> None:
    room.enqueue(change(1))
    room.enqueue(change(2, record_match='["1"]'), change(3, mail("ann"), mail("bob"), record_match='["1"]'))
    assert room.states() == {1: "queued", 2: "queued"}
    audited = queue.audit_messages(room.connection, [key(1), key(2), key(3)])
    assert [(row["message_count"], row["pending"], row["purged"]) for row in audited.changes] == [
        (1, 1, 0), (1, 1, 0), (2, 2, 0)
    ]  # fmt: skip


def test_under_policy_every_each_change_has_its_own_messages(room: Room) -> None:
    room.enqueue(change(1, policy="every"), change(2, policy="every", record_match='["1"]'))
    assert room.states() == {1: "queued", 2: "queued"}


def test_a_delete_is_told_even_when_the_last_state_was(room: Room) -> None:
    room.enqueue(change(1), change(2, record_match='["1"]', operation="D"))
    assert room.states() == {1: "queued", 2: "queued"}


def test_a_newer_version_cancels_the_older_ones_that_wait(room: Room) -> None:
    room.enqueue(change(1), change(2, mail(due_in_seconds=60), record_match='["1"]', shown_stamp=stamp(2)))
    room.enqueue(change(3, record_match='["1"]', shown_stamp=stamp(3)))
    assert room.states() == {1: "canceled", 2: "canceled", 3: "queued"}


def test_an_older_version_that_arrives_later_is_stored_canceled(room: Room) -> None:
    room.enqueue(change(1, shown_stamp=stamp(2)))
    room.send_one()
    room.enqueue(change(2, record_match='["1"]', shown_stamp=stamp(1)))
    assert room.states() == {1: "sent", 2: "canceled"}


def test_what_a_later_snapshot_shows_is_newer_even_where_local_stamps_run_backwards(room: Room) -> None:
    room.enqueue(change(1, shown_stamp=stamp(2), shown_beat=7))
    room.enqueue(change(2, record_match='["1"]', shown_stamp=stamp(1), shown_beat=8))
    assert room.states() == {1: "canceled", 2: "queued"}


def test_an_older_snapshot_that_is_enqueued_later_is_stored_canceled(room: Room) -> None:
    room.enqueue(change(1, shown_stamp=stamp(1), shown_beat=10))
    room.enqueue(change(2, record_match='["1"]', shown_stamp=stamp(2), shown_beat=9))
    assert room.states() == {1: "queued", 2: "canceled"}


def test_a_version_that_a_later_snapshot_shows_again_does_not_cancel_itself(room: Room) -> None:
    room.enqueue(change(1, shown_stamp=stamp(1), shown_beat=7))
    room.enqueue(change(2, record_match='["1"]', shown_stamp=stamp(1), shown_beat=8))
    assert room.states() == {1: "queued"}
    room.enqueue(change(3, record_match='["1"]', shown_stamp=stamp(2), shown_beat=7))
    assert room.states() == {1: "queued", 2: "canceled"}


def test_a_version_shown_twice_in_one_call_is_as_new_as_its_later_snapshot(room: Room) -> None:
    room.enqueue(
        change(1, shown_stamp=stamp(1), shown_beat=7),
        change(2, record_match='["1"]', shown_stamp=stamp(1), shown_beat=8),
    )
    assert room.states() == {1: "queued"}


def test_another_recipient_record_or_channel_is_another_conversation(room: Room) -> None:
    room.enqueue(
        change(1), change(2, mail("bob"), mail("ann", channel="sms"), record_match='["1"]', shown_stamp=stamp(2))
    )
    room.enqueue(change(3, shown_stamp=stamp(2)))
    assert set(room.states().values()) == {"queued"}


def test_an_older_version_on_its_way_is_not_called_back(room: Room) -> None:
    room.enqueue(change(1))
    message = room.claim_one()
    room.enqueue(change(2, record_match='["1"]', shown_stamp=stamp(2)))
    attempt_id, begun = room.begin(message)
    assert begun and room.record(message, attempt_id, "accepted") == "sent"


def test_stamps_of_another_kind_do_not_compare(room: Room) -> None:
    room.enqueue(change(1))
    room.enqueue(change(2, record_match='["1"]', shown_stamp="0x00000000000007D1"))
    assert room.states() == {1: "queued", 2: "queued"}


def test_a_message_may_be_stored_at_its_end(room: Room) -> None:
    queue.suppress_address(room.connection, "email", "Ann@Example.org", "asked to be left alone", "test")
    room.enqueue(
        change(1), change(2, mail("bob", address="", reason="no address")), change(3, mail("bob", expires_in_seconds=0))
    )
    assert room.states() == {1: "suppressed", 2: "failed", 3: "expired"}
    assert room.reasons() == ["asked to be left alone", "no address", None]
    assert queue.allow_address(room.connection, "email", "ann@example.org")
    room.enqueue(change(4))
    assert room.states()[4] == "queued"


def test_a_recipient_key_or_address_beyond_its_column_fails_and_never_makes_two_people_one(room: Room) -> None:
    ann, bob = "x" * 200 + "ann", "x" * 200 + "bob"
    room.enqueue(change(1, mail(ann, address="ann@example.org"), mail(bob, address="bob@example.org")))
    room.enqueue(change(2, mail("carl", address="c" * 310 + "@example.org"), mail("y" * 200)))
    assert room.states() == {1: "failed", 2: "failed", 3: "failed", 4: "queued"}
    assert room.reasons() == [
        *["the recipient key has more than 200 characters"] * 2, "the address has more than 320 characters", None
    ]  # fmt: skip


def test_a_recipient_that_is_named_twice_gets_one_mail(room: Room) -> None:
    (decision,) = room.enqueue(change(1, mail("ann"), mail("bob"), mail("ann", address="other@example.org")))
    assert decision["message_count"] == 2
    assert [message.address for message in room.claim()] == ["ann@example.org", "bob@example.org"]


def test_a_message_for_later_waits_until_it_is_due(room: Room) -> None:
    room.enqueue(change(1, mail(due_in_seconds=3600)))
    assert room.states() == {1: "scheduled"} and room.claim() == []
    room.wait(3599)
    assert queue.sweep_messages(room.connection)["queued"] == 0
    room.wait(1)
    assert queue.sweep_messages(room.connection)["queued"] == 1
    assert room.claim_one().message_id == 1


def test_a_held_notifications_messages_wait_for_a_person(room: Room) -> None:
    room.enqueue(change(1), change(2, mail(due_in_seconds=60)))
    assert queue.hold_notification_messages(room.connection, NOTIFICATION, "ann", "wrong price") == 2
    room.enqueue(change(3))
    assert set(room.states().values()) == {"held"} and room.claim() == []
    assert queue.release_notification_messages(room.connection, NOTIFICATION, "ann", "price mended") == 3
    assert room.states() == {1: "queued", 2: "scheduled", 3: "queued"}
    assert queue.cancel_notification_messages(room.connection, NOTIFICATION, "ann", "all of it was wrong") == 3
    assert set(room.states().values()) == {"canceled"}


def test_a_call_is_bounded(room: Room) -> None:
    with pytest.raises(ProcedureError) as caught:
        room.enqueue(*(skipped(number, "gone") for number in range(101)))
    assert caught.value.number == 50102
    assert len(room.enqueue(*(skipped(number, "gone") for number in range(100)))) == 100


def test_one_bad_change_refuses_the_whole_call(room: Room) -> None:
    with pytest.raises(Exception, match="ck_message_channel"):
        room.enqueue(change(1), change(2, mail(channel="pigeon")))
    assert room.states() == {} and room.run("SELECT change_key FROM notify.decision;") == []


def test_a_restored_queue_takes_nothing(room: Room) -> None:
    room.lose()
    with pytest.raises(QueueRestored):
        room.enqueue(change(1))
