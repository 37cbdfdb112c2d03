"""A rival after every statement that reads or writes: two that record the same scan, two that claim, a claim while an update is recorded."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy
from tests.procedures.shop import Row, Shop, call, execute

import tsqlite
from notify.databases import Connection, Database, Role
from notify.errors import DatabaseError
from notify.procedures import processor, replica

pytestmark = pytest.mark.only_in(
    "tsqlite", "pyodbc", because="its rivals come in between two statements of a procedure"
)

TELLING = ("SelectStatement", "Insert", "Update", "BeginTransaction", "Commit")
"""Statements after which a rival may find, or miss, something."""


def run_with_rival(work: Callable[[], Any], rival: Callable[[], Any], boundary: int) -> tuple[bool, Any, Any]:
    """Runs `work`; at its telling boundary with this number, the rival runs once.

    Returns:
        whether there was such a boundary, what work gave (or its error), what the rival gave (or its error).
    """
    count = itertools.count()
    said: list[Any] = []

    def at(reached: tsqlite.Boundary) -> None:
        if reached.phase == "after" and reached.kind in TELLING and not said and next(count) == boundary:
            said.append(None)  # no boundary of the rival's own counts
            said[0] = attempt(rival)

    stop = tsqlite.on_statement(at)
    try:
        result = attempt(work)
    finally:
        stop()
    return bool(said), result, said[0] if said else None


def attempt(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except DatabaseError as error:
        return error


def number(said: Any) -> int:
    return getattr(said, "number", 0) if isinstance(said, DatabaseError) else 0


@pytest.fixture
def impatient(watching: Shop) -> Connection:
    """The rival's session on the processor; it does not wait for a lock."""
    session = watching.guest(Role.PROCESSOR)
    execute(session, "SET LOCK_TIMEOUT 0;")
    return session


def test_of_two_that_record_the_same_page_exactly_one_does(watching: Shop, impatient: Connection) -> None:
    for boundary in itertools.count():
        watching.insert(boundary)
        watching.pass_time()
        (scan,) = [scan for scan in watching.scans() if scan["column_name"] == "modified_at"]
        page = watching.read(scan)

        def rival(page: Row = page) -> Row:
            return call(impatient, "record_changes", run_id=2, **page)[0][0]

        ran, mine, other = run_with_rival(lambda page=page: watching.record(page), rival, boundary)  # type: ignore[misc]
        recorded = [said for said in (mine, other) if isinstance(said, dict)]
        assert sum(said["recorded"] for said in recorded) == 1
        assert len(recorded) == 1
        assert {number(said) for said in (mine, other) if isinstance(said, DatabaseError)} <= {50020, 1222}
        assert [change[0] for change in watching.changes()] == [str(made) for made in range(boundary + 1)]
        watching.enqueue_all()
        if not ran:
            break
    assert boundary > 10


@pytest.mark.only_in("tsqlite", because="a server chooses the victims of its deadlocks itself")
def test_the_victim_of_a_deadlock_records_its_page_with_the_next_try(watching: Shop) -> None:
    """A deadlock has rolled everything back, and a page is recorded by compare-and-set: it may be sent again."""
    file = str(watching.folder / "processor.db")
    victim = Database(Role.PROCESSOR, sqlalchemy.URL.create("mssql+tsqlite", database=file, query={"timeout": "0.01"}))
    rival = watching.guest(Role.PROCESSOR)
    tries: list[str] = []

    def let_go(reached: tsqlite.Boundary) -> None:
        if reached.phase == "before" and reached.kind == "BeginTransaction":
            tries.append(reached.kind)
            if len(tries) == 3:
                execute(rival, "ROLLBACK TRANSACTION;")

    watching.insert(1)
    watching.pass_time()
    with victim.connection() as connection:
        (scan,) = [scan for scan in processor.get_scans(connection, 1) if scan.stamp_column == "modified_at"]
        page = replica.detect_changes(watching.replica, scan.request)
        execute(rival, "BEGIN TRANSACTION; UPDATE notify.setting SET value = value;")
        stop = tsqlite.on_statement(let_go)
        try:
            recorded = processor.record_changes(
                connection, run_id=1, scan=scan, beat=page.beat, safe_stamp=page.safe_stamp,
                is_last_page=page.is_last_page, rows=page.rows,
            )  # fmt: skip
        finally:
            stop()
    victim.dispose()
    assert (len(tries), recorded.recorded) == (3, 1)


def test_no_change_is_claimed_by_two(watching: Shop, impatient: Connection) -> None:
    def rival() -> list[Row]:
        batches, changes = call(impatient, "claim_batch", run_id=2, worker="rival", batch_size=2, lease_seconds=300)
        assert len(batches) <= 1
        return changes

    for boundary in itertools.count():
        for order in range(4):
            watching.insert(boundary * 4 + order)
        watching.pass_time()
        watching.detect()

        def mine() -> list[Row]:
            claimed = watching.claim(batch_size=2)
            return claimed[1] if claimed else []

        ran, first, second = run_with_rival(mine, rival, boundary)
        assert number(first) == 0
        if not ran:
            break
        taken = [change["change_number"] for change in first + (second if isinstance(second, list) else [])]
        assert len(taken) == len(set(taken))
        assert number(second) in (0, 1222)
        execute(watching.processor, "UPDATE notify.batch SET leased_until = '2000-01-01' WHERE state = 'open';")
        call(watching.processor, "sweep_batches", run_id=1)
        watching.enqueue_all()
    assert boundary > 5


def test_an_insert_claimed_while_an_update_is_recorded_is_not_raised(watching: Shop, impatient: Connection) -> None:
    """Either the claim sees the raised insert, or the update is recorded by itself: no state is lost between the two."""

    def rival() -> list[Row]:
        return call(impatient, "claim_batch", run_id=2, worker="rival", batch_size=100, lease_seconds=300)[1]

    for boundary in itertools.count():
        watching.insert(boundary)
        watching.pass_time()
        watching.detect()
        watching.update(boundary, "closed")
        watching.pass_time()
        (scan,) = [scan for scan in watching.scans() if scan["column_name"] == "modified_at"]
        page = watching.read(scan)
        ran, said, claimed = run_with_rival(lambda page=page: watching.record(page), rival, boundary)  # type: ignore[misc]
        assert number(said) == 0
        (shown,) = [row["state_stamp"] for row in page["rows"] if row["record_key"] == f'["{boundary}"]']
        newest = watching.ask(
            "SELECT MAX(c.state_stamp) AS state_stamp, MAX(c.operation) AS operation FROM notify.change AS c"
            " WHERE c.record_key = ?;",
            f'["{boundary}"]',
        )[0]
        assert newest["state_stamp"] == shown
        if isinstance(claimed, list) and claimed and claimed[0]["state_stamp"] != shown:
            assert newest["operation"] == "U"
        execute(watching.processor, "UPDATE notify.batch SET leased_until = '2000-01-01' WHERE state = 'open';")
        call(watching.processor, "sweep_batches", run_id=1)
        watching.enqueue_all()
        if not ran:
            break
    assert boundary > 10
