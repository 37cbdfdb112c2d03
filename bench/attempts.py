"""The queue by itself: claims, attempts begun and outcomes stored per second, against SQLite's own commits."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apsw

from bench.measure import Figure, folder, median
from bench.sending import database_of, fill_queue, letter
from notify.databases import Connection
from notify.gateways.base import Message
from notify.procedures import queue

__all__ = ["attempts"]


def attempts(quick: bool) -> list[Figure]:
    """One commit per hand-over, which closes the attempt before it too, and 100 hand-overs in a commit."""
    rounds, number = (2, 200) if quick else (5, 1000)
    figures = []
    with folder() as path:
        full = path / "full.db"
        fill_queue(full, [letter(i) for i in range(number)])
        for size in (1, 100):
            own, floor = [], []
            for turn in range(rounds):
                file = path / f"{turn}.db"
                shutil.copy(full, file)
                database = database_of(file)
                with database.connection() as connection:
                    own.append(number / _finish(connection, size))
                database.dispose()
                floor.append(number / _bare(path / f"bare{size}-{turn}.db", number, size))
            name = "one commit per hand-over" if size == 1 else f"{size} hand-overs a commit"
            figures.append(Figure.of(f"claim and finish: {name}", median(own), "/s", median(floor)))
    return figures


def _finish(connection: Connection, size: int) -> float:
    """Seconds to claim all messages and to take them to their end, `size` at a time."""
    finished: list[dict[str, Any]] = []
    started = time.perf_counter()
    while claimed := queue.claim_messages(connection, "email", 100, 120, "bench"):
        for first in range(0, len(claimed), size):
            begun = [_attempt(message) for message in claimed[first : first + size]]
            queue.advance_attempts(connection, finished, begun, 120)
            finished = [
                {"message_id": item["message_id"], "attempt_id": item["attempt_id"], "outcome": "accepted"}
                for item in begun
            ]
    queue.record_outcomes(connection, finished)
    return time.perf_counter() - started


def _attempt(message: Message) -> dict[str, Any]:
    return {
        "message_id": message.message_id,
        "attempt_id": str(uuid.uuid4()),
        "claim_token": str(message.claim_token),
        "gateway": "bench",
    }


def _bare(file: Path, number: int, size: int) -> float:
    """Seconds to do to two plain tables what has to be stored of it, with commits of the same durability."""
    database = apsw.Connection(str(file))
    database.execute("PRAGMA journal_mode = WAL").fetchall()
    database.execute("PRAGMA synchronous = FULL")
    database.execute(
        "CREATE TABLE message (id INTEGER PRIMARY KEY, state TEXT, attempt_id BLOB);"
        "CREATE TABLE attempt (message_id INTEGER, attempt_id BLOB, begun_at INTEGER, outcome TEXT,"
        " PRIMARY KEY (message_id, attempt_id)) WITHOUT ROWID;"
    )
    database.executemany("INSERT INTO message VALUES (?, 'claimed', NULL)", [(i,) for i in range(number)])
    finished: Sequence[tuple[bytes, int]] = ()
    started = time.perf_counter()
    for first in range(0, number, size):
        begun = [(uuid.uuid4().bytes, i) for i in range(first, min(first + size, number))]
        database.execute("BEGIN IMMEDIATE")
        _store(database, finished, begun)
        database.execute("COMMIT")
        finished = begun
    database.execute("BEGIN IMMEDIATE")
    _store(database, finished, ())
    database.execute("COMMIT")
    seconds = time.perf_counter() - started
    database.close()
    return seconds


def _store(
    database: apsw.Connection, finished: Sequence[tuple[bytes, int]], begun: Sequence[tuple[bytes, int]]
) -> None:
    database.executemany("UPDATE attempt SET outcome = 'accepted' WHERE attempt_id = ? AND message_id = ?", finished)
    database.executemany("UPDATE message SET state = 'sent' WHERE attempt_id = ? AND id = ?", finished)
    database.executemany("UPDATE message SET state = 'sending', attempt_id = ? WHERE id = ?", begun)
    database.executemany("INSERT INTO attempt (attempt_id, message_id, begun_at) VALUES (?, ?, 1)", begun)
