"""What disorder has found, each as the smallest scenario that shows it."""

from __future__ import annotations

from tests.procedures.conftest import built, deployed, room, shop, stage, watching
from tests.procedures.queue_room import Room, change, stamp
from tests.procedures.shop import Shop, call

from notify.procedures import queue

__all__ = ["built", "deployed", "room", "shop", "stage", "watching"]


def test_a_claim_that_came_back_after_a_newer_version_is_not_sent(room: Room) -> None:
    """A sender died with it in hand; the newer version, which could not call it back, went out long ago."""
    room.enqueue(change(1))
    room.claim_one()
    room.enqueue(change(2, record_match='["1"]', shown_stamp=stamp(2)))
    room.wait(3600)
    queue.sweep_messages(room.connection)
    assert room.states() == {1: "canceled", 2: "queued"}


def test_a_delete_cancels_what_was_still_to_be_told_of_its_record(room: Room) -> None:
    """Else a retry tells of the record as alive after it was told as gone."""
    room.enqueue(change(1))
    room.enqueue(change(2, record_match='["1"]', operation="D", shown_beat=2))
    assert room.states() == {1: "canceled", 2: "queued"}


def test_a_record_that_is_there_again_cancels_the_notice_of_its_delete(room: Room) -> None:
    room.enqueue(change(1, operation="D"))
    room.enqueue(change(2, record_match='["1"]', operation="U", shown_stamp=stamp(2), shown_beat=2))
    assert room.states() == {1: "canceled", 2: "queued"}


def test_a_deleted_row_that_is_written_again_is_not_missing(watching: Shop) -> None:
    """Its delete is recorded once, and while it stays deleted the audit asks for nothing more."""
    watching.insert(1)
    watching.pass_time()
    watching.detect()
    watching.enqueue_all()
    for _ in range(2):
        watching.soft_delete(1)
        watching.pass_time()
        watching.detect()
    assert [change[1] for change in watching.changes()] == ["I", "D"]
    watching.pass_time(120)
    watching.detect()
    assert watching.audit() == []


def test_what_was_in_hand_when_its_notification_was_retired_ends_too(watching: Shop) -> None:
    """Its worker died: the change is nobody's any more, and would be on its way for ever."""
    watching.insert(1)
    watching.pass_time()
    watching.detect()
    assert watching.claim() is not None
    call(watching.processor, "retire_notification", name="order changed")
    watching.wait(3600)
    call(watching.processor, "sweep_batches", run_id=watching.run_id)
    assert [(state, reason) for _, _, state, reason in watching.changes()] == [("skipped", "retired")]


def test_what_a_replica_behind_the_activation_shows_is_history(shop: Shop) -> None:
    """Inserted and deleted before the activation, whose snapshot has nothing of it; the next replica still shows the row."""
    shop.insert(1)
    shop.beat()
    behind = shop.redo()
    shop.delete(1)
    shop.beat()
    shop.redo()
    shop.define()
    shop.activate()
    shop.replica = behind
    shop.detect()
    assert shop.changes() == []
    shop.insert(2)
    shop.pass_time()
    shop.detect()
    assert shop.changes() == [("2", "I", "pending", None)]
