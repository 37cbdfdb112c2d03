"""A readable secondary: a second file that redoes a primary's committed transactions, in commit order, up to a chosen
point.

The primary keeps a log: for each transaction its changeset (SQLite's session extension) and the DDL between changes,
written by the transaction itself, so that there is no commit without its log and no log without its commit. A `Replica`
copies the primary's file once and then redoes. Its sessions are read only (error 3906).
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apsw

from . import clock

_LOG = """
CREATE TABLE IF NOT EXISTS _ts_log (seq INTEGER PRIMARY KEY, commit_time INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS _ts_log_segments (
    seq INTEGER, number INTEGER, kind TEXT, data, PRIMARY KEY (seq, number)) WITHOUT ROWID;
"""


def enable_log(path: str | Path) -> None:
    """Make the database a primary: from now on every commit is logged. Created when it is not there."""
    from .session import Session

    session = Session(path)
    try:
        db = session.db
        session._wait(lambda: db.execute("BEGIN IMMEDIATE"))
        db.execute(_LOG)
        db.execute("INSERT OR REPLACE INTO main._ts_database VALUES ('log', 1)")
        session.changed()
        db.execute("COMMIT")
    finally:
        session.close()


def append(db: Any, segments: Sequence[tuple[str, Any]], now: int) -> None:
    """Write the log of the transaction that is about to commit. `now`: 100 ns since 0001-01-01."""
    db.execute("INSERT INTO main._ts_log (commit_time) VALUES (?)", (now,))
    seq = db.last_insert_rowid()
    db.executemany(
        "INSERT INTO main._ts_log_segments VALUES (?, ?, ?, ?)",
        [(seq, i, kind, data) for i, (kind, data) in enumerate(segments)],
    )


def truncate_log(path: str | Path, up_to: int) -> None:
    """Forget the log of transactions that every replica has redone."""
    db = apsw.Connection(str(path))
    db.set_busy_timeout(30_000)
    try:
        db.execute("BEGIN IMMEDIATE")
        for table in ("_ts_log_segments", "_ts_log"):
            db.execute(f"DELETE FROM {table} WHERE seq <= ?", (up_to,))
        db.execute("COMMIT")
    finally:
        db.close()


def log_end(path: str | Path) -> int:
    """Sequence number of the last committed transaction of a primary; 0 before the first."""
    db = apsw.Connection(str(path))
    try:
        return int(db.execute("SELECT coalesce(max(seq), 0) FROM _ts_log").get)
    finally:
        db.close()


class Replica:
    """One replica of a primary, with a lag of its own.

    Args:
        primary: the primary's file; its log is turned on when it is not.
        path: the replica's file; copied from the primary as it is now when it is not there.
        name: DB_NAME() of the replica's sessions; the primary's by default.

    Attributes:
        stuck: while True, `redo` does nothing.
    """

    def __init__(self, primary: str | Path, path: str | Path, name: str | None = None) -> None:
        self.primary = Path(primary).resolve()
        self.path = Path(path).resolve()
        self.stuck = False
        probe = apsw.Connection(str(self.primary))
        logged = bool(probe.execute("SELECT 1 FROM sqlite_schema WHERE name = '_ts_log'").fetchone())
        probe.close()
        if not logged:
            enable_log(self.primary)
        if not self.path.exists():
            self._copy(name)

    def _copy(self, name: str | None) -> None:
        source: Any = apsw.Connection(str(self.primary))
        target: Any = apsw.Connection(str(self.path))
        with target.backup("main", source, "main") as backup:
            while not backup.done:
                backup.step(10_000)
        source.close()
        target.execute("PRAGMA journal_mode = WAL").fetchall()
        target.execute("BEGIN IMMEDIATE")
        position = int(target.execute("SELECT coalesce(max(seq), 0) FROM _ts_log").get)
        moment = target.execute("SELECT max(commit_time) FROM _ts_log").get
        target.execute("DROP TABLE _ts_log; DROP TABLE _ts_log_segments")
        target.execute("CREATE TABLE _ts_redo (position INTEGER, commit_time INTEGER)")
        target.execute("INSERT INTO _ts_redo VALUES (?, ?)", (position, moment))
        for key, value in (("log", 0), ("read_only", 1), *((("name", name),) if name else ())):
            target.execute("INSERT OR REPLACE INTO _ts_database VALUES (?, ?)", (key, value))
        target.execute("COMMIT")
        target.close()

    def _read(self, sql: str) -> Any:
        db = apsw.Connection(str(self.path))
        try:
            return db.execute(sql).get
        finally:
            db.close()

    @property
    def position(self) -> int:
        """Sequence number of the last transaction redone."""
        return int(self._read("SELECT position FROM _ts_redo"))

    @property
    def behind(self) -> int:
        """How many committed transactions of the primary are not redone yet."""
        db = apsw.Connection(str(self.primary))
        try:
            return int(db.execute("SELECT count(*) FROM _ts_log WHERE seq > ?", (self.position,)).get)
        finally:
            db.close()

    def redo(self, up_to: int | datetime.datetime | datetime.timedelta | None = None) -> int:
        """Redo committed transactions in their order; gives the new position.

        `up_to`: a sequence number, a moment of commit (UTC), a lag behind the primary's clock; None is everything.
        """
        from .session import register

        if self.stuck:
            return self.position
        source: Any = apsw.Connection(str(self.primary))
        target: Any = apsw.Connection(str(self.path))
        target.set_busy_timeout(30_000)
        register(target, _Nobody())  # type: ignore[arg-type]
        try:
            position = int(target.execute("SELECT position FROM _ts_redo").get)
            where = "1"
            limit: tuple[int, ...] = ()
            if isinstance(up_to, datetime.timedelta):
                lag = up_to.days * 864_000_000_000 + up_to.seconds * 10_000_000 + up_to.microseconds * 10
                where, limit = "commit_time <= ?2", (clock.now(self.primary) - lag,)
            elif isinstance(up_to, datetime.datetime):
                where, limit = "commit_time <= ?2", (clock.ticks_of(up_to),)
            elif up_to is not None:
                where, limit = "seq <= ?2", (up_to,)
            pending = source.execute(
                f"SELECT seq, commit_time FROM _ts_log WHERE seq > ?1 AND {where} ORDER BY seq", (position, *limit)
            ).fetchall()
            for seq, moment in pending:
                # In commit order without gaps: a later commit with an earlier clock waits for its turn.
                if seq != position + 1:
                    break
                self._apply(source, target, seq, moment)
                position = seq
            return position
        finally:
            source.close()
            target.close()

    def _apply(self, source: Any, target: Any, seq: int, moment: int) -> None:
        target.execute("BEGIN IMMEDIATE")
        try:
            for kind, data in source.execute(
                "SELECT kind, data FROM _ts_log_segments WHERE seq = ? ORDER BY number", (seq,)
            ).fetchall():
                if kind == "sql":
                    target.execute(data)
                else:
                    apsw.Changeset.apply(data, target, conflict=_conflict)
            target.execute("UPDATE _ts_redo SET position = ?, commit_time = ?", (seq, moment))
            target.execute("COMMIT")
        except BaseException:
            if target.in_transaction:
                target.execute("ROLLBACK")
            raise


class _Nobody:
    """The session behind a redo: SQLite's functions are there for the indexes' sake, none of them asks for anything."""

    verbose_truncation = False
    date_format = "mdy"
    date_first = 7


def _conflict(reason: int, change: Any) -> int:
    if change.name in ("_ts_database", "_ts_counters") and reason in (
        apsw.SQLITE_CHANGESET_DATA,
        apsw.SQLITE_CHANGESET_CONFLICT,
    ):
        return int(apsw.SQLITE_CHANGESET_REPLACE)
    return int(apsw.SQLITE_CHANGESET_ABORT)
