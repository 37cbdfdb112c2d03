"""A hold holds: nothing of a held notification leaves by a way round, and nothing is lost by it."""

from __future__ import annotations

from tests.procedures.queue_room import NOTIFICATION, Room, change, stamp

from notify.procedures import queue


def hold(room: Room) -> None:
    queue.hold_notification_messages(room.connection, NOTIFICATION, "ann", "wrong price")


def test_a_claim_whose_lease_ended_is_held_with_its_notification(room: Room) -> None:
    room.enqueue(change(1))
    room.claim_one()
    hold(room)
    room.wait(61)
    assert queue.sweep_messages(room.connection)["queued"] == 0
    assert room.states() == {1: "held"} and room.reasons() == ["wrong price"]


def test_a_refusal_for_now_is_held_with_its_notification_and_a_newer_version_still_replaces_it(room: Room) -> None:
    room.enqueue(change(1), change(2))
    hand_overs = [(message, room.begin(message)[0]) for message in room.claim()]
    hold(room)
    room.enqueue(change(3, record_match='["2"]', shown_stamp=stamp(2)))
    for message, attempt_id in hand_overs:
        room.record(message, attempt_id, "refused")
    room.wait(86400)
    queue.sweep_messages(room.connection)
    assert room.states() == {1: "held", 2: "canceled", 3: "held"} and room.claim() == []


def test_a_claim_given_back_is_held_with_its_notification(room: Room) -> None:
    room.enqueue(change(1))
    message = room.claim_one()
    hold(room)
    assert room.record(message, None, "not_handed_over") != "queued"
    queue.sweep_messages(room.connection)
    assert room.states() == {1: "held"}
    queue.release_notification_messages(room.connection, NOTIFICATION, "ann", "mended")
    assert room.claim_one().attempt_number == 1


def test_failed_messages_of_a_held_notification_get_their_round_when_it_is_released(room: Room) -> None:
    room.enqueue(change(1))
    room.send_one("refused", is_permanent=True)
    hold(room)
    queue.requeue_failed_messages(room.connection, "ann", "the server was wrong")
    assert room.claim() == []


def test_cancelling_a_held_notification_leaves_the_hold(room: Room) -> None:
    hold(room)
    room.enqueue(change(1))
    assert queue.cancel_notification_messages(room.connection, NOTIFICATION, "ann", "wrong") == 1
    room.enqueue(change(2))
    assert room.states() == {1: "canceled", 2: "held"}
