"""Which tables each statement touched, as SQLite's own authorizer saw it.

with Trace(path) as trace:
    ...
trace.tables  # {'dbo.orders'}
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import apsw

if TYPE_CHECKING:
    from .session import Boundary, Session

Listener = Callable[[frozenset[str], frozenset[str]], None]
READING: Final = ("SELECT", "WITH", "VALUES", "INSERT", "REPLACE", "UPDATE", "DELETE")
"""What a statement that touches tables begins with."""


@dataclass(slots=True)
class Touched:
    """A T-SQL statement and the user tables that it read and wrote, as lower-case `schema.name`."""

    database: str
    procedure: str | None
    line: int
    kind: str
    reads: set[str] = field(default_factory=set)
    writes: set[str] = field(default_factory=set)


class Watcher:
    """Tells its listeners what each of a connection's statements reads and writes; costs nothing while there are none.

    SQLite asks the authorizer while it prepares a statement, and statements are kept: to see what one of them touches,
    it is explained first.
    """

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._listeners: list[Listener] = []
        self._reads: set[str] = set()
        self._writes: set[str] = set()

    def add(self, listener: Listener) -> None:
        """From now on."""
        self._listeners.append(listener)
        self._db.exec_trace = self._executed

    def remove(self, listener: Listener) -> None:
        """No more."""
        self._listeners.remove(listener)
        if not self._listeners:
            with suppress(apsw.ConnectionClosedError):  # its session may have ended in the meantime
                self._db.exec_trace = None

    def _authorize(self, operation: int, table: str | None, _b: str | None, schema: str | None, _c: str | None) -> int:
        if schema == "main" and table and not table.startswith(("_ts_", "sqlite_")):
            if operation == apsw.SQLITE_READ:
                self._reads.add(table)
            elif operation in (apsw.SQLITE_INSERT, apsw.SQLITE_UPDATE, apsw.SQLITE_DELETE):
                self._writes.add(table)
        return 0

    def _executed(self, cursor: Any, sql: str, bindings: Any) -> bool:
        if sql.lstrip().upper().startswith(READING):
            self._reads.clear()
            self._writes.clear()
            self._db.exec_trace, self._db.authorizer = None, self._authorize
            try:
                self._db.execute(f"EXPLAIN {sql}", bindings, can_cache=False).fetchone()
            finally:
                self._db.exec_trace, self._db.authorizer = self._executed, None
            reads, writes = frozenset(self._reads), frozenset(self._writes)
            for listener in self._listeners:
                listener(reads, writes)
        return True


class Trace:
    """Watches the sessions of one database file, or of all, in this process: those open now and those opened later."""

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = None if path is None else str(Path(path).resolve())
        self.statements: list[Touched] = []
        self._watched: list[Watcher] = []
        self._stop: Any = None

    @property
    def reads(self) -> set[str]:
        """All tables read."""
        return set().union(*(s.reads for s in self.statements))

    @property
    def writes(self) -> set[str]:
        """All tables written."""
        return set().union(*(s.writes for s in self.statements))

    @property
    def tables(self) -> set[str]:
        """All tables read or written."""
        return self.reads | self.writes

    def __enter__(self) -> Trace:
        from . import session as sessions

        self._stop = sessions.on_statement(self._statement)
        sessions.openers.append(self._watch)
        for session in list(sessions.living):
            if not session.closed:
                self._watch(session)
        return self

    def __exit__(self, *_: object) -> None:
        from . import session as sessions

        self._stop()
        sessions.openers.remove(self._watch)
        for watcher in self._watched:
            watcher.remove(self._touched)

    def _statement(self, event: Boundary) -> None:
        if event.phase == "before" and self.path in (None, event.database):
            self.statements.append(Touched(event.database, event.procedure, event.line, event.kind))

    def _watch(self, session: Session) -> None:
        if self.path not in (None, session.path):
            return
        self._watched.append(session.watcher)
        session.watcher.add(self._touched)

    def _touched(self, reads: frozenset[str], writes: frozenset[str]) -> None:
        if self.statements:
            self.statements[-1].reads |= reads
            self.statements[-1].writes |= writes
