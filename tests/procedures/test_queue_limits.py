"""What does not fit, is missing or too much concerns one message at most: no call fails for it, no outcome is lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.procedures.queue_room import Room, change, key, mail, stamp

from notify.errors import ProcedureError, QueueRestored
from notify.procedures import queue


def test_headers_beyond_their_column_fail_their_message_alone(room: Room) -> None:
    room.enqueue(change(1, mail(headers={"X": "x" * 5000})), change(2, mail("bob")))
    assert room.states() == {1: "failed", 2: "queued"}
    assert room.reasons() == ["the headers have more than 4,000 characters", None]


@pytest.mark.parametrize("value", [None, "", "eight", "-1", "99999999999"])
@pytest.mark.parametrize("name", ["max_attempts", "retry_base_seconds", "retry_cap_seconds"])
def test_a_setting_that_is_missing_or_no_number_loses_no_outcome(room: Room, name: str, value: str | None) -> None:
    if value is None:
        room.run("DELETE s FROM notify.setting AS s WHERE s.name = ?;", name)
    else:
        room.run("UPDATE notify.setting SET value = ? WHERE name = ?;", value, name)
    room.enqueue(change(1))
    room.send_one("refused")
    assert room.states() == {1: "retrying"}
    (row,) = room.run("SELECT next_at FROM notify.message;")
    assert 30 <= (row["next_at"] - room.now).total_seconds() <= 60


def test_a_hundred_attempts_have_a_wait_too(room: Room) -> None:
    room.run("UPDATE notify.setting SET value = N'200' WHERE name = 'max_attempts';")
    room.enqueue(change(1))
    room.run("UPDATE notify.message SET attempt_count = 99;")
    room.send_one("refused")
    assert room.states() == {1: "retrying"}


@pytest.mark.parametrize(
    "words",
    [
        {"code": "5" * 50},
        {"provider_id": "p" * 1000},
        {"detail": "d" * 5000},
        {
            "detail": 'a "quoted" \\ path\x00\x1f\u2028 and half a pair \ud83d'.encode(
                "utf-16", "surrogatepass"
            ).decode("utf-16", "replace")
        },
        {"retry_after_seconds": 2147483647},
        {"retry_after_seconds": -5},
    ],
)
def test_an_outcome_is_kept_whatever_the_provider_says(room: Room, words: dict[str, Any]) -> None:
    room.enqueue(change(1))
    room.send_one("refused", **words)
    assert room.states() == {1: "retrying"}


def test_what_expired_before_its_claim_says_so(room: Room) -> None:
    room.enqueue(change(1, mail(expires_in_seconds=60)))
    room.wait(61)
    room.claim()
    assert room.states() == {1: "expired"} and room.reasons() == ["too late to be sent"]


def test_the_newest_of_many_versions_decides_whatever_became_of_the_others(room: Room) -> None:
    for number in range(1, 6):
        room.enqueue(change(number, record_match='["1"]', shown_stamp=stamp(number)))
        if number < 4:
            room.send_one()
    room.enqueue(change(9, record_match='["1"]', shown_stamp=stamp(3)))
    room.enqueue(change(10, record_match='["1"]', shown_stamp=stamp(0)))
    assert room.states() == {1: "sent", 2: "sent", 3: "sent", 4: "canceled", 5: "queued", 6: "canceled"}


def test_a_purge_in_steps_says_when_nothing_is_left(room: Room) -> None:
    room.enqueue(change(1), change(2), change(3))
    for _ in range(3):
        room.send_one()
    room.wait(31 * 86400)
    (row,) = room.run(
        "DECLARE @step integer = 0, @has_more bit = 1;"
        " WHILE @has_more = 1 AND @step < 9 BEGIN"
        " EXECUTE notify.purge_messages @older_than_days = 30, @batch_size = 2, @has_more = @has_more OUTPUT;"
        " SET @step = @step + 1; END;"
    )
    assert (row["purged"], row["has_more"]) == (2, True) and room.states() == {}


def test_a_queued_message_that_is_in_nobodys_line_comes_back_with_the_purge(room: Room) -> None:
    room.enqueue(change(1), change(2), change(3))
    room.run("DELETE FROM notify.ready WHERE message_id = 2;")
    purge = "EXECUTE notify.purge_messages @older_than_days = 1;"
    room.run(purge)
    room.claim(1)
    room.wait(16 * 60)
    assert room.claim() and room.claim() == []
    room.run(purge)
    assert [message.message_id for message in room.claim()] == [2]
    (told,) = room.run("SELECT message_id, old_state, new_state, actor FROM notify.message_history;")
    assert told == {"message_id": 2, "old_state": "queued", "new_state": "queued", "actor": "purge_messages"}
    room.wait(16 * 60)
    room.run(purge)
    assert room.claim() == []


def test_a_recovery_that_could_not_mark_the_queue_says_so_and_changes_nothing(room: Room) -> None:
    room.enqueue(change(1))
    room.lose()
    room.run("CREATE OR ALTER VIEW notify.live_fork AS SELECT live_fork_guid = NEWID() WHERE 1 = 0;")
    with pytest.raises(QueueRestored, match="VIEW ANY DATABASE"):
        queue.recover_queue(room.connection, room.now, [], "ann")
    assert room.states() == {1: "queued"}


@pytest.mark.parametrize(
    ("call", "element"),
    [
        ("requeue_failed_messages @by = N'ann', @reason = N'x', @messages", lambda number: {"message_id": number}),
        ("take_outcomes @outcomes", lambda number: {"attempt_id": None}),
        ("audit_messages @changes", lambda number: {"change_key": key(number)}),
    ],
)
def test_a_list_has_at_most_4000_elements(room: Room, call: str, element: Callable[[int], dict[str, Any]]) -> None:
    """More of them would be one transaction without a bound."""
    elements = [element(number) for number in range(1, 4002)]
    with pytest.raises(ProcedureError) as error:
        room.run(f"EXECUTE notify.{call} = ?;", json.dumps(elements))
    assert error.value.number == 50103
    room.run(f"EXECUTE notify.{call} = ?;", json.dumps(elements[:-1]))


def test_a_recovery_must_say_whether_more_changes_follow(room: Room) -> None:
    room.lose()
    with pytest.raises(ProcedureError) as error:
        room.run("EXECUTE notify.recover_queue @lost_at = ?, @changes = NULL, @by = N'ann', @more_changes = NULL;", room.now.isoformat())  # fmt: skip
    assert error.value.number == 50103
