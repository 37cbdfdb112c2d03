"""One outcome that says nonsense holds none of the others back, and is not lost without a word."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from tests.procedures.queue_room import Room, change

from notify.procedures import queue


@pytest.fixture
def sending(room: Room) -> tuple[Room, list[dict[str, Any]]]:
    """Three messages on their way, and what was said of each: accepted."""
    room.enqueue(*(change(number) for number in range(1, 4)))
    attempts = [room.attempt(message, room.begin(message)[0]) for message in room.claim()]
    return room, [attempt | {"outcome": "accepted"} for attempt in attempts]


def record(room: Room, *elements: Any) -> list[dict[str, Any]]:
    return room.run("EXECUTE notify.record_outcomes @outcomes = ?;", json.dumps(elements))


@pytest.mark.parametrize(
    ("change", "defect"),
    [
        ({"message_id": None}, "no number of a message"),
        ({"message_id": "two"}, "no number of a message"),
        ({"message_id": 2.5}, "no number of a message"),
        ({"message_id": -2}, "no number of a message"),
        ({"message_id": 10**30}, "no number of a message"),
        ({"message_id": "9" * 5000}, "no number of a message"),
        ({"message_id": {"number": 2}}, "no number of a message"),
        ({"attempt_id": None}, "no id of an attempt"),
        ({"attempt_id": "the second"}, "no id of an attempt"),
        ({"attempt_id": "x" * 5000}, "no id of an attempt"),
        ({"message_id": 1, "outcome": "refused"}, "the message is there twice in this call"),
    ],
)
def test_an_outcome_of_nobody_knows_what_is_named_and_the_others_are_recorded(
    sending: tuple[Room, list[dict[str, Any]]], change: dict[str, Any], defect: str
) -> None:
    room, said = sending
    said[1] |= change
    answer = record(room, *said)
    assert {row["message_id"]: row["state"] for row in answer} == {1: "sent", 3: "sent", None: None}
    assert [row["defect"] for row in answer if row["message_id"] is None] == [defect]
    assert room.states() == {1: "sent", 2: "sending", 3: "sent"}
    assert room.alerts() == {"outcome_not_recorded": 1}
    (alert,) = queue.queue_status(room.connection).alerts
    assert alert["detail"].startswith(defect)
    room.wait(601)
    queue.sweep_messages(room.connection)
    assert room.states()[2] == "in_doubt"


def test_elements_that_are_no_objects_are_counted(sending: tuple[Room, list[dict[str, Any]]]) -> None:
    room, said = sending
    record(room, said[0], {}, None, 7, "accepted", [], said[2])
    assert room.states() == {1: "sent", 2: "sending", 3: "sent"}
    assert room.alerts() == {"outcome_not_recorded": 5}


@pytest.mark.parametrize("word", [None, "", "delivered", "ACCEPTED", "x" * 100, 1])
def test_an_outcome_that_is_no_known_word_leaves_a_doubt_that_tells_it(
    sending: tuple[Room, list[dict[str, Any]]], word: Any
) -> None:
    room, said = sending
    said[1]["outcome"] = word
    record(room, *said)
    assert room.states() == {1: "sent", 2: "in_doubt", 3: "sent"}
    reason = room.reasons()[1]
    assert reason is not None and reason.startswith(f"no such outcome: {'' if word is None else word}")
    assert room.alerts() == {"message_in_doubt": 1}


def test_what_else_cannot_be_read_counts_as_not_said(sending: tuple[Room, list[dict[str, Any]]]) -> None:
    room, said = sending
    nonsense = {"is_permanent": "perhaps", "retry_after_seconds": "soon", "claim_token": "lost", "gateway": "g" * 500}
    said[1] |= {"outcome": "refused", "code": "450", "detail": "later"} | nonsense
    record(room, *said)
    assert room.states() == {1: "sent", 2: "retrying", 3: "sent"} and room.reasons()[1] == "450 later"


def test_of_two_outcomes_for_one_message_the_acceptance_counts(sending: tuple[Room, list[dict[str, Any]]]) -> None:
    room, said = sending
    record(room, said[0] | {"outcome": "refused", "attempt_id": str(uuid.UUID(int=0))}, said[0])
    assert room.states()[1] == "sent"


def test_next_attempts_begin_beside_an_outcome_that_is_not_recorded(room: Room) -> None:
    room.enqueue(change(1), change(2))
    first, second = room.claim()
    attempt_id, _ = room.begin(first)
    bad = {"attempt_id": attempt_id, "outcome": "accepted"}
    recorded, begun = queue.advance_attempts(room.connection, [bad], [room.attempt(second)], 600)
    assert [row["defect"] for row in recorded] == ["no number of a message"] and begun[0]["begun"]
