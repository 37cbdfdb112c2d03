"""Which tables each statement touched, as SQLite's own authorizer saw it.

with Trace(path) as trace:
    ...
trace.tables  # {'dbo.orders'}
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw

if TYPE_CHECKING:
    from .session import Boundary, Session


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
    """What SQLite says of a connection's statements. A kept statement is prepared once, so it is remembered by its
    text.

    A statement that SQLite has to prepare again (another connection changed the schema) may be put down to the next one
    as well: more than was touched may be told, never less.
    """

    def __init__(self, db: apsw.Connection) -> None:
        self.known: dict[str, tuple[frozenset[str], frozenset[str]]] = {}
        self.listeners: list[Any] = []
        self._last = ""
        self._reads: set[str] = set()
        self._writes: set[str] = set()
        db.authorizer = self._authorize
        db.exec_trace = self._executed

    def _authorize(self, operation: int, table: str | None, _b: str | None, schema: str | None, _c: str | None) -> int:
        # Called while a statement is prepared.
        if schema == "main" and table and not table.startswith(("_ts_", "sqlite_")):
            if operation == apsw.SQLITE_READ:
                self._reads.add(table)
            elif operation in (apsw.SQLITE_INSERT, apsw.SQLITE_UPDATE, apsw.SQLITE_DELETE):
                self._writes.add(table)
        return 0

    def _executed(self, cursor: Any, sql: str, bindings: Any) -> bool:
        found = self.known.get(sql)
        if found is None or self._reads or self._writes:
            # What was prepared since the last call is this statement, when it is new, else the last one again.
            owner = sql if found is None else self._last
            before = self.known.get(owner, (frozenset(), frozenset()))
            self.known[owner] = (before[0] | self._reads, before[1] | self._writes)
            self._reads.clear()
            self._writes.clear()
            found = self.known.setdefault(sql, (frozenset(), frozenset()))
        self._last = sql
        for listener in self.listeners:
            listener(*found)
        return True


class Trace:
    """Watches the sessions of one database file, or of all, in this process: those open now and those opened later."""

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = None if path is None else str(Path(path).resolve())
        self.statements: list[Touched] = []
        self._watched: list[Session] = []
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
            self._watch(session)
        return self

    def __exit__(self, *_: object) -> None:
        from . import session as sessions

        self._stop()
        sessions.openers.remove(self._watch)
        for session in self._watched:
            session.watcher.listeners.remove(self._touched)

    def _statement(self, event: Boundary) -> None:
        if event.phase == "before" and self.path in (None, event.database):
            self.statements.append(Touched(event.database, event.procedure, event.line, event.kind))

    def _watch(self, session: Session) -> None:
        if self.path not in (None, session.path):
            return
        self._watched.append(session)
        session.watcher.listeners.append(self._touched)

    def _touched(self, reads: frozenset[str], writes: frozenset[str]) -> None:
        if self.statements:
            self.statements[-1].reads |= reads
            self.statements[-1].writes |= writes
