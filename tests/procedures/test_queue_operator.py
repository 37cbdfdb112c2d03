"""What an operator sees of the queue, and how a change in doubt is settled."""

from __future__ import annotations

from typing import Any

import pytest
from tests.procedures.queue_room import NOTIFICATION, Room, change, key, mail, skipped, stamp

from notify.errors import ProcedureError
from notify.procedures import queue

ROW_VERSION = "0x00000000000007D1"
OTHER = "0b6e3a52-6f0f-4a0e-8d6a-0f6c3f4b7a22"


def seen(room: Room, state: str = "attention", **parameters: Any) -> list[int]:
    return [row["message_id"] for row in queue.get_messages(room.connection, state, **parameters)]


@pytest.fixture
def busy(room: Room) -> Room:
    """1 in doubt, 2 failed, 3 sent, 4 held, 5 scheduled, 6 queued."""
    room.enqueue(change(1), change(2), change(3))
    room.send_one("unknown", code="timeout", detail="no answer after the body")
    room.send_one("refused", is_permanent=True, code="550", detail="no such user")
    room.send_one()
    room.enqueue(change(4, notification_guid=OTHER))
    queue.hold_notification_messages(room.connection, OTHER, "ann", "wait")
    room.enqueue(change(5, mail(due_in_seconds=7200)), change(6, mail("bob")))
    return room


def test_what_waits_for_a_person_is_told_with_its_record_recipient_and_last_attempt(busy: Room) -> None:
    doubtful, failed, held = queue.get_messages(busy.connection)
    assert {
        "state": "in_doubt",
        "is_stuck": False,
        "notification_name": "listing changed",
        "record_key": '["1"]',
        "operation": "U",
        "change_key": key(1),
        "recipient_key": "ann",
        "channel": "email",
        "address": "ann@example.org",
        "gateway": "mail",
        "attempted_at": busy.now,
        "attempt_outcome": "unknown",
        "code": "timeout",
        "detail": "no answer after the body",
        "attempt_count": 1,
    }.items() <= doubtful.items()
    assert (failed["state"], failed["code"], failed["completed_at"]) == ("failed", "550", busy.now)
    assert (held["state"], held["reason"], held["gateway"]) == ("held", "wait", None)


@pytest.mark.parametrize(
    ("state", "found"),
    [
        ("in_doubt", [1]),
        ("failed", [2]),
        ("sent", [3]),
        ("held", [4]),
        ("scheduled", [5]),
        ("queued", [6]),
        ("stuck", []),
    ],
)
def test_a_state_can_be_asked_for(busy: Room, state: str, found: list[int]) -> None:
    assert seen(busy, state) == found


def test_a_due_message_that_nobody_takes_and_a_lease_that_nobody_sweeps_are_stuck(busy: Room) -> None:
    claimed = busy.claim_one()
    busy.wait(16 * 60)
    assert seen(busy, "stuck") == [claimed.message_id] == [6]
    busy.wait(3 * 3600)
    assert seen(busy, "stuck") == [5, 6]
    assert [row["is_stuck"] for row in queue.get_messages(busy.connection, "stuck")] == [True, True]
    assert seen(busy) == [1, 2, 4], "however many are stuck, they hide nothing that waits for a person"
    assert seen(busy, "stuck", stuck_minutes=24 * 60) == []


def test_what_ended_is_told_as_far_back_as_it_is_asked_for(busy: Room) -> None:
    busy.wait(25 * 3600)
    assert seen(busy, "failed") == []
    assert seen(busy, "failed", hours=26) == [2]
    assert seen(busy, "in_doubt") == [1]


def test_pages_follow_each_other(busy: Room) -> None:
    assert seen(busy, take=2) == [1, 2]
    assert seen(busy, take=2, after=2) == [4]
    assert seen(busy, notification_guid=OTHER) == [4]
    assert seen(busy, notification_guid=NOTIFICATION) == [1, 2]


@pytest.mark.parametrize(
    ("number", "parameters"), [(50107, {"state": "lost"}), (50103, {"take": 4001}), (50103, {"hours": 0})]
)
def test_what_cannot_be_asked_is_refused(room: Room, number: int, parameters: dict[str, Any]) -> None:
    with pytest.raises(ProcedureError) as error:
        queue.get_messages(room.connection, **parameters)
    assert error.value.number == number


def test_failed_messages_are_tried_again_by_their_ids(room: Room) -> None:
    room.enqueue(change(1), change(2), change(3), change(4, mail(reason="bad address")))
    for _ in range(3):
        room.send_one("refused", is_permanent=True, code="550")
    room.wait(48 * 3600)
    assert queue.requeue_failed_messages(room.connection, "ann", "mended", message_ids=[3, 1, 3, 4, 99]) == 2
    assert room.states() == {1: "queued", 2: "failed", 3: "queued", 4: "failed"}


@pytest.fixture
def lost(room: Room) -> Room:
    """The restored queue knows change 1, and does not know 7, 8 and 9."""
    room.enqueue(change(1))
    room.send_one()
    room.lose()
    room.wait(60)
    queue.recover_queue(room.connection, room.now, [change(number) for number in (1, 7, 8, 9)], "ann")
    return room


def test_changes_in_doubt_come_in_pages_and_are_counted(lost: Room) -> None:
    first = queue.get_changes_in_doubt(lost.connection, take=2)
    assert [row["change_key"] for row in first] == [key(7), key(8)]
    (last,) = queue.get_changes_in_doubt(lost.connection, after=key(8), take=2)
    assert (last["record_key"], last["notification_name"], last["operation"]) == ('["9"]', "listing changed", "U")
    assert queue.get_changes_in_doubt(lost.connection, OTHER) == []
    assert queue.queue_status(lost.connection).queue["changes_in_doubt"] == 3


@pytest.mark.parametrize("verdict", ["sent", "failed"])
def test_a_persons_word_settles_a_change_for_good(lost: Room, verdict: str) -> None:
    released = queue.release_change(lost.connection, key(7), verdict, "ann", "asked them")
    assert released == {"change_key": key(7), "outcome": verdict}
    (told,) = lost.enqueue(change(7))
    assert (told["outcome"], told["reason"], told["was_first"]) == (verdict, "asked them", False)
    (audited,) = queue.audit_messages(lost.connection, [key(7)]).changes
    assert (audited["outcome"], audited["missing"]) == (verdict, 0)
    (said,) = queue.explain_messages(lost.connection, '["7"]').decision_history
    assert (said["old_outcome"], said["new_outcome"], said["actor"]) == ("in_doubt", verdict, "ann")
    with pytest.raises(ProcedureError, match=f"is {verdict}"):
        queue.release_change(lost.connection, key(7), "send", "ann", "again")


def test_a_change_that_is_to_be_sent_is_forgotten_and_generated_once_more(lost: Room) -> None:
    for _ in range(2):
        released = queue.release_change(lost.connection, key(7), "send", "ann", "their log has none")
        assert released == {"change_key": key(7), "outcome": None}
    (told,) = lost.enqueue(change(7))
    assert (told["outcome"], told["was_first"]) == ("messages", True)
    assert lost.states() == {1: "sent", 2: "queued"}
    (said,) = queue.explain_messages(lost.connection, '["7"]').decision_history
    assert (said["new_outcome"], said["reason"]) == (None, "their log has none")
    with pytest.raises(ProcedureError, match="has its messages"):
        queue.release_change(lost.connection, key(7), "send", "ann", "again")


def test_only_a_change_in_doubt_can_be_released(lost: Room) -> None:
    lost.enqueue(skipped(2, "no recipient"))
    for change_key, told in (
        (key(1), "has its messages"),
        (key(2), "is skipped"),
        (key(99), "is not there"),
        ("x", "is not there"),
    ):
        with pytest.raises(ProcedureError, match=told) as error:
            queue.release_change(lost.connection, change_key, "send", "ann", "x")
        assert error.value.number == 50104
    with pytest.raises(ProcedureError, match="unknown") as error:
        queue.release_change(lost.connection, key(7), "maybe", "ann", "x")
    assert error.value.number == 50105


def test_the_changes_come_in_pages_and_the_queue_is_trusted_with_the_last_call_only(room: Room) -> None:
    room.enqueue(change(1))
    room.lose()
    page = [change(7), change(8)]
    counts = queue.recover_queue(room.connection, room.now, page, "ann", more_changes=True)
    assert counts == {"messages_in_doubt": 0, "changes_in_doubt": 2}
    assert room.states() == {1: "queued"} and not queue.queue_status(room.connection).queue["is_trusted"]
    # Who was cut off begins again.
    assert queue.recover_queue(room.connection, room.now, page, "ann", more_changes=True)["changes_in_doubt"] == 0
    assert queue.recover_queue(room.connection, room.now, [change(9)], "ann") == {
        "messages_in_doubt": 1,
        "changes_in_doubt": 1,
    }
    assert queue.queue_status(room.connection).queue["is_trusted"]


@pytest.mark.parametrize(
    ("later", "outcome"),
    [
        ({"shown_stamp": stamp(1)}, "in_doubt"),
        ({"shown_stamp": stamp(2)}, "in_doubt"),
        ({"shown_stamp": stamp(3)}, "messages"),
        ({"shown_stamp": stamp(2), "policy": "every"}, "messages"),
        ({"shown_stamp": stamp(2), "operation": "D", "shown_beat": 2}, "messages"),
        ({"shown_stamp": stamp(2), "notification_guid": OTHER}, "messages"),
        ({"shown_stamp": stamp(2), "record_match": '["8"]'}, "messages"),
    ],
)
def test_a_state_that_a_change_in_doubt_may_have_shown_is_in_doubt_too(
    room: Room, later: dict[str, Any], outcome: str
) -> None:
    room.lose()
    queue.recover_queue(room.connection, room.now, [change(7, shown_stamp=stamp(2))], "ann")
    ask = change(9, **{"record_match": '["7"]'} | later)
    for was_first in (True, False):
        (told,) = room.enqueue(ask)
        assert (told["outcome"], told["was_first"]) == (outcome, was_first)
    assert len(room.states()) == (outcome == "messages")


@pytest.mark.parametrize(("shown", "asked"), [(stamp(2), ROW_VERSION), (ROW_VERSION, stamp(2))])
def test_a_state_in_doubt_says_nothing_of_states_with_stamps_of_another_kind(
    room: Room, shown: str, asked: str
) -> None:
    """The notification has moved to a rowversion, or from it: its baseline lies between the two."""
    room.lose()
    queue.recover_queue(room.connection, room.now, [change(7, shown_stamp=shown)], "ann")
    (told,) = room.enqueue(change(9, record_match='["7"]', shown_stamp=asked))
    assert told["outcome"] == "messages"


def test_a_purge_takes_what_persons_have_seen_and_said_and_keeps_what_was_decided(lost: Room) -> None:
    lost.enqueue(change(2), change(3))
    lost.send_one("refused", is_permanent=True)
    queue.acknowledge_alerts(lost.connection, "ann")
    lost.send_one("refused", is_permanent=True)
    queue.release_change(lost.connection, key(7), "sent", "ann", "their log has it")
    queue.release_change(lost.connection, key(8), "send", "ann", "their log has none")
    assert queue.purge_messages(lost.connection, 30)["alerts"] == 0
    lost.wait(31 * 86400)
    assert queue.purge_messages(lost.connection, 30) == {
        "purged": 3, "alerts": 1, "decision_history": 2, "has_more": False
    }  # fmt: skip
    assert lost.alerts() == {"message_failed": 1}, "nobody has seen it yet"
    told = lost.enqueue(change(1), change(2), change(7), change(8), change(9))
    assert [(row["outcome"], row["was_first"]) for row in told] == [
        ("messages", False), ("messages", False), ("sent", False), ("messages", True), ("in_doubt", False)
    ]  # fmt: skip
