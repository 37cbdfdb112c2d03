"""What the databases of a test run on, by mode (tests/modes.py). A test knows a database by the path of its file."""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar

import apsw
import sqlalchemy
from tests import driver

import tsqlite
from notify.databases import EMBEDDED, ODBC, Database, Role
from notify.stage import Stage
from tsqlite.replica import Replica

T = TypeVar("T")
PASSWORD: Final = "Swap;this}one=1"
"""As awkward as a password may be: every layer has to quote it."""


class Host(ABC):
    """Hands out URLs of databases, and keeps what is dear to make."""

    name: ClassVar[str]
    is_engine: ClassVar[bool] = True
    """Whether tsqlite's files are behind it, so that a test may set their clocks, copy them and watch their statements."""

    def __init__(self) -> None:
        self._kept: dict[object, Any] = {}
        self._closing: list[Callable[[], object]] = []

    def keep(self, key: object, make: Callable[[], T], close: Callable[[T], object] | None = None) -> T:
        """One of something for the whole session: made when it is first asked for, closed at the end."""
        if key not in self._kept:
            made = self._kept[key] = make()
            if close is not None:
                self._closing.append(lambda: close(made))
        found: T = self._kept[key]
        return found

    @abstractmethod
    def url(self, path: Path, *, name: str | None = None, readonly: bool = False) -> sqlalchemy.URL:
        """The URL of a database; an empty one is made where there is none.

        Args:
            name: what DB_NAME() says; by default the file's name without suffix.
            readonly: as a readable secondary.
        """

    @abstractmethod
    def stage_urls(self, folder: Path) -> Mapping[Role, str] | None:
        """The URLs of a stage's four databases (`notify.stage.Stage`)."""

    @contextmanager
    def stage(
        self, folder: Path, *, original: Path | None = None, templates: Sequence[Path], keep: bool = False
    ) -> Iterator[Stage]:
        """A stage in a folder, where `original` given: a copy of that one's. `keep`: its databases will be copied."""
        if original is not None:
            shutil.copytree(original, folder)
        try:
            with Stage(folder, templates=templates, urls=self.stage_urls(folder)) as stage:
                yield stage
        finally:
            self.release(folder, keep=keep)

    @property
    @abstractmethod
    def errors(self) -> type[Exception]:
        """What the driver raises."""

    def connect(self, path: Path) -> Any:
        """A DB-API connection in autocommit, as the driver makes it."""
        engine = sqlalchemy.create_engine(self.url(path), isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool)
        return engine.raw_connection()

    def database(self, role: Role, path: Path, *, name: str | None = None, readonly: bool = False) -> Database:
        """A role's database."""
        return Database(role, self.url(path, name=name, readonly=readonly))

    @abstractmethod
    def release(self, folder: Path, *, keep: bool = False) -> None:
        """Nobody is connected to the databases of this folder any more, nor will be. `keep`: they will be copied."""

    def copy(self, path: Path, to: Path) -> None:
        """A copy of a database that may be in use, over another one that may be in use too."""
        source, target = apsw.Connection(str(path)), apsw.Connection(str(to))
        target.set_busy_timeout(10_000)  # a server learns a moment later that its client has gone
        with target.backup("main", source, "main") as backup:
            backup.step()
        source.close()
        target.close()

    def save(self, path: Path, to: Path) -> None:
        """A copy that is only there to be copied."""
        self.copy(path, to)

    def snapshot(self, path: Path, to: Path) -> None:
        """A replica of a source, as that is now."""
        self.copy(path, to)

    def close(self) -> None:
        """The end of the session."""
        for close in reversed(self._closing):
            close()


class InProcess(Host):
    """The engine itself."""

    name = "tsqlite"
    errors = tsqlite.Error

    def url(self, path: Path, *, name: str | None = None, readonly: bool = False) -> sqlalchemy.URL:
        if not path.exists():
            tsqlite.connect(path, autocommit=True, synchronous="OFF").close()
        options = {"synchronous": "OFF"} | ({"name": name} if name else {}) | ({"readonly": "1"} if readonly else {})
        return sqlalchemy.URL.create(EMBEDDED, database=str(path), query=options)

    def stage_urls(self, folder: Path) -> None:
        return None

    def release(self, folder: Path, *, keep: bool = False) -> None:
        pass


class OverTds(Host):
    """Microsoft's driver, TDS and TLS in front of the engine. The server is in this process, as its clients are."""

    name = "pyodbc"

    @property
    def errors(self) -> type[Exception]:
        import pyodbc

        return pyodbc.Error

    def __init__(self) -> None:
        super().__init__()
        self._servers: dict[tuple[Path, str, bool], Any] = {}

    def url(self, path: Path, *, name: str | None = None, readonly: bool = False) -> sqlalchemy.URL:
        called = name or path.stem
        if not path.exists():
            tsqlite.connect(path, autocommit=True, synchronous="OFF", name=called).close()
        server = self._server((path, called, readonly), {called: path}, {called: called} if readonly else {})
        return self._url(server.port, called, readonly)

    def stage_urls(self, folder: Path) -> Mapping[Role, str]:
        folder.mkdir(parents=True, exist_ok=True)
        files = {role.value: folder / f"{role.value}.db" for role in Role}
        for role in (Role.SOURCE, Role.PROCESSOR, Role.QUEUE):
            if not files[role].exists():
                tsqlite.connect(files[role], autocommit=True, synchronous="OFF").close()
        if not files[Role.REPLICA].exists():
            Replica(files[Role.SOURCE], files[Role.REPLICA])
        server = self._server((folder / "*", "", False), files, {"source": "replica"})
        # The replica is asked for as on an availability group: the primary's name and the intent to read.
        return {
            role: self._url(
                server.port, "source" if role is Role.REPLICA else role.value, role is Role.REPLICA
            ).render_as_string(hide_password=False)
            for role in Role
        }

    @staticmethod
    def _url(port: int, database: str, readonly: bool) -> sqlalchemy.URL:
        options = {"driver": driver.NAME, "TrustServerCertificate": "yes"}
        if readonly:
            options["ApplicationIntent"] = "ReadOnly"
        return sqlalchemy.URL.create(
            ODBC, username="sa", password=PASSWORD, host="127.0.0.1", port=port, database=database, query=options
        )

    def _server(self, key: tuple[Path, str, bool], files: Mapping[str, Path], read_only: Mapping[str, str]) -> Any:
        from tsqlite.tds.server import Server

        if key not in self._servers:
            server = Server(files, password=PASSWORD, read_only=read_only, synchronous="OFF")
            server.start()
            self._servers[key] = server
        return self._servers[key]

    def release(self, folder: Path, *, keep: bool = False) -> None:
        for key in [key for key in self._servers if key[0].is_relative_to(folder)]:
            self._servers.pop(key).stop()

    def close(self) -> None:
        super().close()
        self.release(Path("/"))


def tds_reason() -> str | None:
    """Why the engine cannot be served; None when it can."""
    try:
        import tsqlite.tds.server
    except ImportError as error:
        return str(error)
    return None if tsqlite.tds.server else ""
