"""Rule 10: the processor keeps copies of what the queue handed over, and notices a queue that lost some of it."""

from __future__ import annotations

import pytest
from tests.procedures.queue_room import Room, change, mail

from notify.databases import Connection
from notify.errors import ProcedureError
from notify.procedures import processor as procedures
from notify.procedures import queue


def copy(processor: Connection, room: Room, take: int = 100) -> int:
    """One page: how many are new."""
    known = procedures.get_queue_mark(processor)
    page = queue.read_outcomes(room.connection, *known, take)
    return procedures.store_outcomes(processor, known, page.queue_mark, page.highest, page.rows)


@pytest.fixture
def sent(room: Room) -> Room:
    """Three messages, of which two are sent."""
    room.enqueue(change(1), change(2), change(3))
    room.send_one()
    room.send_one()
    return room


def test_what_was_accepted_is_copied_once(processor: Connection, sent: Room) -> None:
    assert copy(processor, sent) == 2
    assert copy(processor, sent) == 0
    sent.send_one()
    assert copy(processor, sent) == 1


def test_the_copies_come_in_pages(processor: Connection, sent: Room) -> None:
    assert [copy(processor, sent, 1) for _ in range(3)] == [1, 1, 0]
    copies = procedures.get_outcome_copies(processor, 0, 10)
    assert len({row["dedupe_key"] for row in copies}) == 2
    assert [
        row["attempt_id"] for row in procedures.get_outcome_copies(processor, copies[0]["outcome_copy_id"], 10)
    ] == [copies[1]["attempt_id"]]


def test_a_queue_taken_back_without_a_new_recovery_fork_is_noticed(processor: Connection, sent: Room) -> None:
    copy(processor, sent)
    mark, highest = procedures.get_queue_mark(processor)
    assert mark is not None
    with pytest.raises(ProcedureError, match="older state") as error:
        procedures.store_outcomes(processor, (mark, highest), mark, "0x0000000000000001", [])
    assert error.value.number == 50032
    assert procedures.get_queue_mark(processor) == (mark, highest)
    assert processor.execute("SELECT kind, subject FROM notify.alert;")[0].rows == [("queue", "restored")]


def test_two_cycles_that_copy_at_the_same_time_are_no_alarm(processor: Connection, sent: Room) -> None:
    known = procedures.get_queue_mark(processor)
    slow = queue.read_outcomes(sent.connection, *known, 1)
    assert copy(processor, sent) == 2
    sent.send_one()
    assert copy(processor, sent) == 1
    before = procedures.get_queue_mark(processor)
    assert procedures.store_outcomes(processor, known, slow.queue_mark, slow.highest, slow.rows) == 0
    assert procedures.get_queue_mark(processor) == before


def test_a_person_can_distrust_it_and_recovery_gives_it_back_what_was_copied(processor: Connection, sent: Room) -> None:
    copy(processor, sent)
    copies = procedures.get_outcome_copies(processor, 0, 10)
    sent.run("DELETE notify.attempt;")
    sent.run(
        "UPDATE notify.message SET state = 'claimed', claim_token = NEWID(), completed_at = NULL WHERE state = 'sent';"
    )
    sent.run("EXECUTE notify.distrust_queue @by = N'ann', @reason = N'the machine was taken back';")
    with pytest.raises(ProcedureError):
        sent.enqueue(change(4))
    assert queue.take_outcomes(sent.connection, copies) == {"known": 2, "unknown": 0}
    assert queue.take_outcomes(sent.connection, copies) == {"known": 2, "unknown": 0}
    assert queue.recover_queue(sent.connection, sent.now, [], "ann")["messages_in_doubt"] == 1
    assert sorted(sent.states().values()) == ["in_doubt", "sent", "sent"]


def test_after_a_recovery_the_copying_begins_anew(processor: Connection, sent: Room) -> None:
    copy(processor, sent)
    sent.lose()
    assert not queue.read_outcomes(sent.connection, *procedures.get_queue_mark(processor), 10).is_trusted
    sent.wait(1)
    queue.recover_queue(sent.connection, sent.now, [], "ann")
    assert len(queue.read_outcomes(sent.connection, *procedures.get_queue_mark(processor), 10).rows) == 2
    assert copy(processor, sent) == 0


def test_of_messages_that_the_restored_queue_never_had_nothing_is_taken(processor: Connection, room: Room) -> None:
    stray = {"attempt_id": "6F9619FF-8B86-D011-B42D-00C04FC964FF", "dedupe_key": "AB" * 32, "gateway": "smtp"}
    room.enqueue(change(1, mail("bob")))
    assert queue.take_outcomes(room.connection, [stray]) == {"known": 0, "unknown": 1}
