"""Who waits for whom in the queue: one order of locks, read from its T-SQL.

The embedded engine has one lock for all writers, and so cannot show a deadlock. What can be checked without a server is that each
transaction takes the locks for which it may have to wait in the order that sql/README.md states.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final, NamedTuple

import pytest

from notify import assets

ORDER: Final = ("decision", "message_key", "message", "attempt")
"""Then the rest, in no order: each of those tables is locked by one statement, or by who holds a lock of these that others want first."""

ENTRIES: Final = sorted(
    file.stem
    for file in (assets.sql() / "procedures" / "queue").glob("*.sql")
    if "BEGIN TRANSACTION" in file.read_text(encoding="utf-8")
)

CLAIM: Final = {"ROWLOCK", "READPAST", "UPDLOCK", "READCOMMITTEDLOCK"}
SOURCE: Final = re.compile(r"(?:FROM|JOIN)\s+notify\.(\w+)(\([^;]*?\))?\s+AS\s+(\w+)(?:\s+WITH\s*\(([^)]*)\))?")
TARGET: Final = re.compile(r"\b(UPDATE|DELETE FROM|DELETE)\s+(\w+)\b")
CTE: Final = re.compile(r"\bWITH\s+(\w+)\s+AS\s*\(")
LOCKING: Final = {"UPDLOCK", "SERIALIZABLE", "XLOCK", "HOLDLOCK"}
EXEMPT: Final = {
    "share_messages": "its messages are new, or replace_older_versions has locked them",
}


class Lock(NamedTuple):
    """A statement takes locks on a table, and may have to wait for them unless it skips rows."""

    procedure: str
    table: str
    hints: frozenset[str]
    statement: str


@cache
def statements(procedure: str) -> tuple[str, ...]:
    """A procedure's statements in the order of its text."""
    text = (assets.sql() / "procedures" / "queue" / f"{procedure}.sql").read_text(encoding="utf-8")
    body = re.sub(r"/\*.*?\*/", " ", text.partition("CREATE OR ALTER")[2], flags=re.DOTALL)
    return tuple(body.split(";"))


def locks_of(procedure: str, statement: str) -> Iterator[Lock]:
    """What a statement locks beyond its own end: by its hints, and as the target of an UPDATE or DELETE."""
    cte, target = CTE.search(statement), TARGET.search(statement)
    for table, call, alias, hints in SOURCE.findall(statement):
        names = frozenset(hint.strip() for hint in hints.split(",") if hint)
        in_cte = cte is not None and target is not None and target[2] in (cte[1], "due")
        is_target = target is not None and (target[2] == alias or in_cte)
        if call:
            file = assets.sql() / "functions" / "queue" / f"{table}.sql"
            yield from locks_of(table, re.sub(r"/\*.*?\*/", " ", file.read_text(encoding="utf-8"), flags=re.DOTALL))
        elif is_target or names & LOCKING:
            yield Lock(procedure, table, names, statement)


def transactions(procedure: str) -> Iterator[list[Lock]]:
    """The locks of each transaction that a procedure makes, in their order; a statement outside of one is one of its own."""
    depth = 0
    taken: list[Lock] = []

    def walk(name: str) -> Iterator[list[Lock]]:
        nonlocal depth, taken
        for statement in statements(name):
            if "BEGIN TRANSACTION" in statement:
                depth += 1
            elif "COMMIT TRANSACTION" in statement:
                depth -= 1
            elif called := re.search(r"\bEXECUTE notify\.(\w+)", statement):
                yield from walk(called[1])
            else:
                taken += locks_of(name, statement)
            if not depth and taken:
                yield taken
                taken = []

    yield from walk(procedure)


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_transaction_takes_its_first_lock_of_each_table_in_the_order(entry: str) -> None:
    for taken in transactions(entry):
        waiting = [lock for lock in taken if "READPAST" not in lock.hints]
        tables = list(dict.fromkeys(lock.table for lock in waiting))
        ranks = [ORDER.index(table) if table in ORDER else len(ORDER) for table in tables]
        assert ranks == sorted(ranks), f"{entry} locks {', '.join(tables)}"


def test_nobody_waits_for_a_ready_row() -> None:
    """A claim takes ready rows before their messages, all others after: so those leave to it what it has."""
    taken = [lock for entry in ENTRIES for transaction in transactions(entry) for lock in transaction]
    ready = {lock for lock in taken if lock.table == "ready"}
    assert {lock.procedure for lock in ready} == {
        "claim_messages",
        "withdraw_messages",
        "record_unusual_outcomes",
        "doubt_due_messages",
    }
    for lock in ready:
        assert lock.hints >= CLAIM, lock.statement


def test_whoever_looks_for_a_ready_row_sees_it_as_it_is_now() -> None:
    """Not as it was when the statement began: with row versions, one that a claim is dropping would count as there."""
    looked = {
        name: statement
        for name in ENTRIES
        for statement in statements(name)
        if "NOT EXISTS" in statement and "notify.ready AS there" in statement
    }
    assert set(looked) == {
        "release_message",
        "release_notification_messages",
        "requeue_failed_messages",
        "requeue_lost_messages",
    }
    for statement in looked.values():
        assert "FROM notify.ready AS there WITH (READCOMMITTEDLOCK)" in statement


def test_whoever_waits_for_several_messages_takes_them_by_their_ids() -> None:
    """From a list in the order of the ids, in a loop; a plan of SQL Server's choice might begin anywhere."""
    taken = [lock for entry in ENTRIES for transaction in transactions(entry) for lock in transaction]
    for lock in {lock for lock in taken if lock.table == "message" and "READPAST" not in lock.hints}:
        by_id = re.search(r"OPTION \(FORCE ORDER, LOOP JOIN(, MAXDOP 1)?\)", lock.statement) is not None
        is_one = "m.message_id = @message_id" in lock.statement
        assert by_id or is_one or lock.procedure in EXEMPT, lock.statement


def test_the_order_is_the_documented_one() -> None:
    readme = (assets.sql() / "README.md").read_text(encoding="utf-8")
    section = readme[readme.index("## Who waits for whom") :]
    found = [section.index(f"`{table}`") for table in ORDER]
    assert found == sorted(found)
