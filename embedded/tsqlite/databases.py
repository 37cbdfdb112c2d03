"""The databases that a server offers: files by name, their ids, and `master`, which lists them."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import apsw

from . import clock
from .errors import SqlError, sql_error
from .presence import FIRST_SESSION
from .session import Session
from .types import DEFAULT_COLLATION

MASTER: Final = "master"
FIRST_DATABASE: Final = 5
IN_MEMORY: Final = ":memory:"


@dataclass(frozen=True, slots=True)
class Served:
    """A database by name: its file and its id, from 5 on as the user databases of a server have."""

    name: str
    path: str
    id: int
    read_only: bool = False


class Databases:
    """What one server serves; its sessions have ids of their own and may change among the databases (USE).

    Args:
        files: name to path; a file that is not there is created. Names are compared without regard to case.
        read_only: names of those that refuse writes with error 3906, as a readable secondary does.
        timeout: seconds to wait for another writer where LOCK_TIMEOUT is -1.
        synchronous: SQLite's: FULL, NORMAL or OFF.
    Raises:
        ValueError: a name twice, or one of the server's own (master, tempdb, model, msdb).
    """

    def __init__(
        self,
        files: Mapping[str, str | Path],
        *,
        read_only: Collection[str] = (),
        timeout: float = 30.0,
        synchronous: str = "FULL",
    ) -> None:
        self.timeout, self.synchronous = timeout, synchronous
        self.started = clock.now(IN_MEMORY)
        """When the server began, which is when its tempdb was made: 100 ns since 0001-01-01."""
        self.sessions: dict[int, Session] = {}
        self._ids: set[int] = set()
        self._guard = threading.Lock()
        self._served: dict[str, Served] = {}
        refused = {name.lower() for name in read_only}
        for i, (name, path) in enumerate(files.items()):
            if name.lower() in self._served or name.lower() in (MASTER, "tempdb", "model", "msdb"):
                raise ValueError(f"database name {name}")
            self._served[name.lower()] = Served(
                name, str(Path(path).resolve()), FIRST_DATABASE + i, name.lower() in refused
            )
        self._served[MASTER] = Served(MASTER, IN_MEMORY, 1, True)
        for served in self:
            if served.path != IN_MEMORY and not Path(served.path).exists():
                Session(served.path, name=served.name, synchronous=synchronous).close()

    def __iter__(self) -> Iterator[Served]:
        return iter(sorted(self._served.values(), key=lambda s: s.id))

    def __contains__(self, name: object) -> bool:
        return str(name).lower() in self._served

    @property
    def names(self) -> list[str]:
        """The names of the databases with files."""
        return [s.name for s in self if s.path != IN_MEMORY]

    def find(self, name: str) -> Served | None:
        """A database by name."""
        return self._served.get(name.lower())

    def by_id(self, id_: int) -> Served | None:
        """A database by id."""
        return next((s for s in self if s.id == id_), None)

    def open(
        self,
        name: str | None = None,
        *,
        login: str = "sa",
        host: str | None = None,
        application: str = "",
        readonly: bool = False,
    ) -> Session:
        """A session in a database (None: `master`); `readonly` refuses writes there. Error 4060: it is not there."""
        served = self.find(name or MASTER)
        if served is None:
            raise sql_error(4060, name or "")
        with self._guard:
            id_ = FIRST_SESSION
            while id_ in self._ids:
                id_ += 1
            self._ids.add(id_)
        try:
            self.sessions[id_] = Session(
                served.path,
                readonly=readonly or served.read_only,
                timeout=self.timeout,
                synchronous=self.synchronous,
                name=served.name,
                login=login,
                host=host,
                application=application,
                databases=self,
                id_=id_,
            )
        except BaseException:
            self._ids.discard(id_)
            raise
        return self.sessions[id_]

    def left(self, session: Session) -> None:
        """A session has closed."""
        with self._guard:
            if self.sessions.pop(session.spid(), None) is not None:
                self._ids.discard(session.spid())

    def properties(self, served: Served) -> dict[str, Any]:
        """What a database says of itself."""
        if served.path == IN_MEMORY:
            return {"compatibility_level": 140, "collation_name": DEFAULT_COLLATION, "recovery": "SIMPLE"}
        db = apsw.Connection(served.path)
        try:
            db.set_busy_timeout(5000)
            return dict(db.execute("SELECT name, value FROM main._ts_database"))
        except apsw.SQLError as e:
            raise SqlError(927, f"Database '{served.name}' cannot be opened: {e}", 14) from e
        finally:
            db.close()
