"""The queue's calls, cut off or overtaken by a rival at every statement: nothing half done, nothing done twice."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.hosts import InProcess
from tests.procedures.queue_room import NOTIFICATION, START, Room, change, mail, stamp

import tsqlite
from notify.databases import Connection, Role
from notify.errors import DatabaseError
from notify.gateways.base import Message
from notify.procedures import queue

pytestmark = pytest.mark.only_in("tsqlite", because="its connections are cut in between two statements of a procedure")


class Killed(Exception):
    """The connection is cut."""


@contextmanager
def at_statement(number: int, action: Callable[[], None]) -> Iterator[list[int]]:
    """Runs an action before the n-th statement of procedures; gives how many statements there were."""
    seen = [0]
    running = [False]

    def look(boundary: tsqlite.session.Boundary) -> None:
        if boundary.phase == "before" and boundary.procedure is not None and not running[0]:
            seen[0] += 1
            if seen[0] == number:
                running[0] = True
                action()
                running[0] = False

    stop = tsqlite.on_statement(look)
    try:
        yield seen
    finally:
        stop()


def kill() -> None:
    raise Killed


class Scene:
    """A prepared queue that every cut begins with anew.

    Messages 1 and 2 have begun attempts, 3 and 4 are claimed, 5 waits, 6 waits for a retry that is due; the claims' leases
    have ended, the attempts' have not. 7 was sent long ago.
    """

    def __init__(self, built: Path, folder: Path) -> None:
        self.folder = folder
        self.base = folder / "base.db"
        shutil.copy(built, self.base)
        server = InProcess().database(Role.QUEUE, self.base)
        with server.connection() as connection:
            room = Room(connection)
            room.enqueue(*(change(number) for number in range(1, 7)))
            messages = room.claim(4)
            self.begun = [room.attempt(message, room.begin(message)[0]) for message in messages[:2]]
            self.fresh = [room.attempt(message) for message in messages[2:]]
            sixth: Message = room.claim(2)[1]
            self.fifth = room.attempt(sixth) | {"message_id": 5}
            room.record(sixth, None, "refused", code="450")
            queue.record_outcomes(connection, [self.fifth | {"outcome": "not_handed_over"}])
            room.enqueue(change(20, mail("old", priority=1)))
            room.send_one()
            room.run("UPDATE notify.message SET completed_at = '2020-01-01' WHERE message_id = 7;")
            room.wait(61)
            self.now = room.now
        server.dispose()
        self.copies = 0

    @contextmanager
    def room(self) -> Iterator[Room]:
        """A fresh copy."""
        self.copies += 1
        self.path = self.folder / f"{self.copies}.db"
        shutil.copy(self.base, self.path)
        with self.connect() as room:
            yield room

    @contextmanager
    def connect(self) -> Iterator[Room]:
        """Another connection to the latest copy."""
        server = InProcess().database(Role.QUEUE, self.path)
        with server.connection() as connection:
            yield Room(connection, self.now)
        server.dispose()

    def call(self, name: str, connection: Connection) -> Any:
        """One of the queue's calls, with the parameters that a repetition has too."""
        outcomes = [
            self.begun[0] | {"outcome": "accepted"},
            self.begun[1] | {"outcome": "refused", "is_permanent": True},
        ]
        match name:
            case "enqueue":
                newer = change(8, record_match='["5"]', shown_stamp=stamp(2))
                shared = change(9, mail("old"), record_match='["20"]')
                return queue.enqueue_messages(connection, [change(7, mail("ann"), mail("bob")), newer, shared])
            case "claim":
                return queue.claim_messages(connection, "email", 10, 60, "test")
            case "begin":
                return queue.begin_attempts(connection, self.fresh, 600)
            case "record":
                return queue.record_outcomes(connection, outcomes)
            case "give back":
                return queue.record_outcomes(connection, [item | {"outcome": "not_handed_over"} for item in self.fresh])
            case "advance":
                return queue.advance_attempts(connection, outcomes, self.fresh, 600)
            case "sweep":
                return queue.sweep_messages(connection)
            case "hold":
                return queue.hold_notification_messages(connection, NOTIFICATION, "ann", "wait")
            case "purge":
                return queue.purge_messages(connection, 1)
        raise AssertionError(name)


CALLS = ["enqueue", "claim", "begin", "record", "give back", "advance", "sweep", "hold", "purge"]


@pytest.fixture
def scene(built: Callable[[Role], Path], tmp_path: Path) -> Scene:
    return Scene(built(Role.QUEUE), tmp_path)


def picture(room: Room) -> list[list[dict[str, Any]]]:
    """Everything that a call may change, but for numbers and tokens that a repetition draws anew."""
    room.check()
    return [
        room.run("SELECT change_key, outcome, message_count, purged_count FROM notify.decision ORDER BY change_key;"),
        room.run("SELECT dedupe_key, state, attempt_count FROM notify.message ORDER BY dedupe_key;"),
        room.run("SELECT dedupe_key FROM notify.message_key ORDER BY dedupe_key;"),
        room.run("SELECT attempt_id, outcome FROM notify.attempt ORDER BY attempt_id;"),
        room.run("SELECT message_id, new_state FROM notify.message_history ORDER BY message_history_id;"),
        room.run("SELECT kind, occurrences FROM notify.alert ORDER BY kind;"),
    ]


@pytest.mark.parametrize("name", CALLS)
def test_a_call_that_is_cut_off_anywhere_can_be_repeated(scene: Scene, name: str) -> None:
    with scene.room() as room:
        before = picture(room)
        with at_statement(0, kill) as statements:
            scene.call(name, room.connection)
        after = picture(room)
        assert after != before
    for number in range(1, statements[0] + 1):
        with scene.room() as room, at_statement(number, kill), pytest.raises(Killed):
            scene.call(name, room.connection)
        with scene.connect() as room:
            picture(room)
            scene.call(name, room.connection)
            assert picture(room) == after, f"cut off before statement {number} of {statements[0]}"


@pytest.mark.parametrize(
    ("name", "rival"),
    [(name, rival) for name in CALLS for rival in ("claim", "sweep")]
    + [
        ("enqueue", "purge"),
        ("purge", "enqueue"),
        ("enqueue", "record"),
        ("enqueue", "begin"),
        ("enqueue", "enqueue"),
        ("record", "enqueue"),
        ("hold", "enqueue"),
    ]
    + [("begin", "begin"), ("sweep", "begin"), ("claim", "hold")],
)
def test_a_rival_at_any_statement_breaks_nothing(scene: Scene, name: str, rival: str) -> None:
    with scene.room() as room, at_statement(0, kill) as statements:
        scene.call(name, room.connection)
    number = 0
    told: dict[str, Any] = {"rival": None}
    while number < statements[0]:
        # Once the first call has its locks the rival waits, until the last statement, which follows the commit.
        number = number + 1 if "rival" in told else statements[0]
        told = {}

        def overtake(told: dict[str, Any] = told) -> None:
            with scene.connect() as other:
                other.run("SET LOCK_TIMEOUT 0;")
                with suppress(DatabaseError):
                    told["rival"] = scene.call(rival, other.connection)

        with scene.room() as room:
            with at_statement(number, overtake):
                told["first"] = scene.call(name, room.connection)
            room.check()
            check_rivals(room, name, rival, told)


def check_rivals(room: Room, name: str, rival: str, told: dict[str, Any]) -> None:
    """What no order of two calls may bring about."""
    answers = [(name, told["first"]), (rival, told.get("rival"))]
    claimed = [message.message_id for call, answer in answers if call == "claim" and answer for message in answer]
    assert len(claimed) == len(set(claimed))
    granted = [
        row["message_id"] for call, answer in answers if call == "begin" and answer for row in answer if row["begun"]
    ]
    assert not set(granted) & set(claimed)
    firsts = [
        row["change_key"]
        for call, answer in answers
        if call == "enqueue" and answer
        for row in answer
        if row["was_first"]
    ]
    assert len(firsts) == len(set(firsts))
    keys = room.run("SELECT dedupe_key FROM notify.message;")
    assert len(keys) == len({row["dedupe_key"] for row in keys})
    decided = room.run("SELECT CONVERT(char(64), change_key, 2) AS change_key FROM notify.decision;")
    audited = queue.audit_messages(room.connection, [row["change_key"] for row in decided])
    assert not any(row["missing"] for row in audited.changes)
    sending = room.run("SELECT message_id FROM notify.message WHERE state = 'sending';")
    opened = room.run("SELECT DISTINCT message_id FROM notify.attempt WHERE outcome IS NULL;")
    assert {row["message_id"] for row in sending} == {row["message_id"] for row in opened}


def test_the_scene_is_as_it_says(scene: Scene) -> None:
    with scene.room() as room:
        states = {1: "sending", 2: "sending", 3: "claimed", 4: "claimed", 5: "queued", 6: "retrying", 7: "sent"}
        assert room.states() == states
        assert (room.now - START).total_seconds() == 61 and uuid.UUID(scene.begun[0]["attempt_id"])
