"""What holds at the boundaries inside of one procedure: nobody comes between, and half of it is nothing."""

from __future__ import annotations

import datetime
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy
from tests.faults.world import Boundaries
from tests.procedures.conftest import built, stage, watching
from tests.procedures.queue_room import Room, change
from tests.procedures.shop import Shop, execute

from notify import assets
from notify.databases import Connection, Database, Role
from notify.errors import DatabaseError
from notify.procedures import queue

__all__ = ["built", "stage", "watching"]

CLAIM = re.compile(r"AS \(\s*SELECT TOP \((?:@\w+|\d+)\)[^;]*?FROM notify\.\w+ AS \w+ WITH \(([^)]*)\)", re.DOTALL)


class Interrupted(Exception):
    """A process that ends."""


@pytest.mark.parametrize(
    "name",
    [
        "processor/take_changes",
        "processor/sweep_batches",
        "queue/claim_messages",
        "queue/queue_due_messages",
        "queue/doubt_open_attempts",
    ],
)
def test_every_claim_keeps_what_it_takes_and_skips_what_a_rival_has(name: str) -> None:
    """UPDLOCK keeps, READPAST skips; READCOMMITTEDLOCK, or READPAST is refused under RCSI's row versions. (The embedded engine
    has one lock for all writers, and so cannot tell.)"""
    text = (assets.sql() / "procedures" / f"{name}.sql").read_text(encoding="utf-8")
    claims = CLAIM.findall(text)
    assert claims
    for hints in claims:
        assert {hint.strip() for hint in hints.split(",")} >= {"ROWLOCK", "READPAST", "UPDLOCK", "READCOMMITTEDLOCK"}


def test_nobody_comes_between_the_test_of_a_claim_and_its_attempt(
    built: Callable[[Role], Path], tmp_path: Path
) -> None:
    """A claim whose lease has passed may still begin; or a rival takes the message over; never both."""
    room, rival = open_room(built, tmp_path)
    number = 0
    while True:
        room.enqueue(change(number + 1))
        message = room.claim_one()
        room.wait(120)
        begun: list[bool] = []

        def take_over(begun: list[bool] = begun) -> None:
            try:
                queue.sweep_messages(rival.connection)
                begun += [rival.begin(taken)[1] for taken in rival.claim()]
            except DatabaseError as error:
                assert error.number in (1205, 1222)

        boundaries = Boundaries(number, take_over)
        with boundaries.watching():
            begun.append(room.begin(message)[1])
        assert begun.count(True) == 1, boundaries.places[min(number, len(boundaries.places) - 1)]
        if not boundaries.acted:
            return
        number += 1


def open_room(built: Callable[[Role], Path], folder: Path) -> tuple[Room, Room]:
    """A queue and two that work in it; the second gives up at once when it meets a lock."""
    path = folder / "queue.db"
    shutil.copy(built(Role.QUEUE), path)
    url = sqlalchemy.URL.create("mssql+tsqlite", database=str(path), query={"synchronous": "OFF", "timeout": "0.01"})
    database = Database(Role.QUEUE, url)
    room = Room(database.open())
    rival = object.__new__(Room)
    rival.connection = database.open()
    return room, rival


def test_a_transaction_that_begins_during_a_heartbeat_is_not_passed_over(watching: Shop) -> None:
    """At each boundary another transaction begins and takes its stamp: the safe point stays below it."""
    number = 0
    while True:
        stamps: list[datetime.datetime] = []
        session = watching.guest(Role.SOURCE)

        def begin(stamps: list[datetime.datetime] = stamps, session: Connection = session) -> None:
            watching.wait(1)
            stamps.append(watching.now)
            execute(session, "BEGIN TRANSACTION;")
            watching.wait(5)

        boundaries = Boundaries(number, begin)
        with boundaries.watching():
            watching.beat()
        if not boundaries.acted:
            return
        (row,) = execute(watching.source, "SELECT h.safe_point FROM notify.heartbeat AS h;")[0]
        assert row["safe_point"] < stamps[0], boundaries.places[number]
        execute(session, "ROLLBACK TRANSACTION;")
        number += 1


def test_recording_that_dies_at_any_boundary_loses_no_row(watching: Shop) -> None:
    """Changes and low are one transaction: cut off anywhere, both are as before, or both are done."""
    watching.insert(1)
    watching.pass_time()
    page = watching.read(next(item for item in watching.scans() if item["column_name"] == "created_at"))
    before = watching.lows(), watching.changes()
    number, boundaries = 0, Boundaries()
    while True:
        boundaries = Boundaries(number, interrupt)
        with boundaries.watching(), suppress(Interrupted):
            watching.record(page)
        now = watching.lows(), watching.changes()
        if now != before:
            break
        assert boundaries.acted or boundaries.places, number
        number += 1
    assert number > 20
    assert now[1] == [("1", "I", "pending", None)], boundaries.places[-1]
    assert now[0]["created_at"] > before[0]["created_at"], (
        number,
        boundaries.acted,
        boundaries.places[-3:],
        execute(watching.processor, "SELECT @@TRANCOUNT AS t;"),
    )


def interrupt() -> None:
    raise Interrupted
