"""SQL Server behind a test's databases: the one that NOTIFY_TEST_MSSQL_URL names, or one in a container.

A path stands for a database of the server, or for a backup of one. What is a file's copy elsewhere is a backup and a restore here;
a replica is a database snapshot of its source: read-only, and a prefix of the source's commits, as a readable secondary is.
All databases are named notify_test_*; they are dropped in the end. The login must be able to create, restore and drop them.
"""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, Final

import sqlalchemy
from tests import driver
from tests.hosts import Host

from notify.databases import ODBC, Connection, Database, Role
from notify.errors import DatabaseError
from notify.stage import Stage

VARIABLE: Final = "NOTIFY_TEST_MSSQL_URL"
IMAGE: Final = "mcr.microsoft.com/mssql/server:2022-latest"
PREFIX: Final = "notify_test_"
MADE: Final = re.compile(PREFIX + r"gw\d*_\d+")
"""Nobody else's database is dropped for its name."""
PASSWORD: Final = "Swap-this-1-one"
COLLATION: Final = "SQL_Latin1_General_CP1_CI_AS"
IN_USE: Final = 3702
DATABASES: Final = (Role.SOURCE, Role.PROCESSOR, Role.QUEUE)


def reason() -> str | None:
    """Why there is no SQL Server; None when there is one."""
    if os.environ.get(VARIABLE):
        return None
    try:
        import docker

        docker.from_env().ping()
    except Exception as error:  # no package, no socket, no permission, no daemon: all the same here
        return f"{VARIABLE} is not set, and no Docker answers ({type(error).__name__})"
    return None


class SqlServer(Host):
    """SQL Server itself."""

    name = "server"
    is_engine = False

    def __init__(self) -> None:
        super().__init__()
        self._container: Any = None
        self._server = self._find()
        self._databases: dict[Path, str] = {}
        self._snapshots: dict[Path, Path] = {}
        """A replica's path → its source's."""
        self._backups: dict[Path, str] = {}
        self._files: list[str] = []
        self._numbers = count(1)
        self._master = Database(Role.SOURCE, self._server.set(database="master"), query_timeout=600)
        with self._master.connection() as master:
            (row,) = master.execute(
                "SELECT CONVERT(nvarchar(500), SERVERPROPERTY('InstanceDefaultDataPath')) AS data,"
                " CONVERT(nvarchar(500), SERVERPROPERTY('InstanceDefaultBackupPath')) AS backups;"
            )[0].records()
            self._data, self._backup_folder = _folder(row["data"]), _folder(row["backups"])
            for name in _names(master):
                self._drop(master, name)  # what a run that was killed has left

    def _find(self) -> sqlalchemy.URL:
        given = os.environ.get(VARIABLE)
        if given:
            return sqlalchemy.make_url(given)
        from testcontainers.community.mssql import SqlServerContainer

        self._container = SqlServerContainer(IMAGE, password=PASSWORD)
        self._container.start()
        return sqlalchemy.URL.create(
            ODBC,
            username="sa",
            password=PASSWORD,
            host=self._container.get_container_host_ip(),
            port=int(self._container.get_exposed_port(1433)),
            query={"driver": driver.NAME, "TrustServerCertificate": "yes"},
        )

    @property
    def errors(self) -> type[Exception]:
        import pyodbc

        return pyodbc.Error

    # --- what tests ask for ---------------------------------------------------------------------------------------

    def url(self, path: Path, *, name: str | None = None, readonly: bool = False) -> sqlalchemy.URL:
        """Names are the server's own, `name` is not heard; what is read only is a snapshot already."""
        if path not in self._databases:
            with self._master.connection() as master:
                made = self._name()
                master.execute(f"CREATE DATABASE {made} COLLATE {COLLATION};")
                master.execute(f"ALTER DATABASE {made} SET RECOVERY SIMPLE;")
            self._databases[path] = made
        return self._server.set(database=self._databases[path])

    def stage_urls(self, folder: Path) -> Mapping[Role, str]:
        urls = {role: self.url(folder / f"{role}.db") for role in DATABASES}
        if folder / "replica.db" not in self._databases:
            self.snapshot(folder / "source.db", folder / "replica.db")
        urls[Role.REPLICA] = self.url(folder / "replica.db")
        return {role: url.render_as_string(hide_password=False) for role, url in urls.items()}

    @contextmanager
    def stage(
        self, folder: Path, *, original: Path | None = None, templates: Sequence[Path], keep: bool = False
    ) -> Iterator[Stage]:
        if original is not None:
            for role in DATABASES:
                self.copy(original / f"{role}.db", folder / f"{role}.db")
        try:
            with ServerStage(folder, templates=templates, urls=self.stage_urls(folder)) as stage:
                stage.host = self
                yield stage
        finally:
            self.release(folder, keep=keep)

    def copy(self, path: Path, to: Path) -> None:
        """Whoever is connected to `to` is not any more."""
        backup = self._backups.get(path) if path not in self._databases else None
        with self._master.connection() as master:
            if backup is None:
                backup = self._back_up(master, path)
            files = master.execute(f"RESTORE FILELISTONLY FROM DISK = N'{backup}';")[0].records()
            name = self._databases.pop(to, None)
            if name is not None:
                self._drop(master, name)
            name = self._name()
            moves = ", ".join(
                f"MOVE N'{file['LogicalName']}' TO N'{self._data}{name}{'_log.ldf' if file['Type'] == 'L' else '.mdf'}'"
                for file in files
            )
            master.execute(f"RESTORE DATABASE {name} FROM DISK = N'{backup}' WITH REPLACE, RECOVERY, {moves};")
            self._databases[to] = name

    def save(self, path: Path, to: Path) -> None:
        """A backup is all that a copy needs which nobody opens."""
        with self._master.connection() as master:
            self._backups[to] = self._back_up(master, path)

    def snapshot(self, path: Path, to: Path) -> None:
        """The name stays, for the URLs that say it; connections to the older snapshot end."""
        source = self._databases[path]
        name = self._databases.get(to) or self._name()
        with self._master.connection() as master:
            self._drop(master, name)
            (file,) = master.execute(
                "SELECT f.name, f.physical_name FROM sys.master_files AS f WHERE f.database_id = DB_ID(?) AND f.type = 0;",
                (source,),
            )[0].records()
            master.execute(
                f"CREATE DATABASE {name} ON (NAME = [{file['name']}], FILENAME = N'{file['physical_name']}.{name}.ss')"
                f" AS SNAPSHOT OF {source};"
            )
        self._databases[to] = name
        self._snapshots[to] = path

    def release(self, folder: Path, *, keep: bool = False) -> None:
        """Drops the folder's databases; `keep`: a backup stays in their place."""
        paths = [path for path in self._databases if path.is_relative_to(folder)]
        with self._master.connection() as master:
            # A database cannot be dropped while it has snapshots.
            for path in sorted(paths, key=lambda path: path not in self._snapshots):
                if keep and path not in self._snapshots:
                    self._backups[path] = self._back_up(master, path)
                self._drop(master, self._databases.pop(path))
                self._snapshots.pop(path, None)

    def close(self) -> None:
        super().close()
        try:
            self.release(Path("/"))
            with self._master.connection() as master, suppress(DatabaseError):  # before SQL Server 2019 they stay
                for file in self._files:
                    master.execute(f"EXECUTE master.sys.xp_delete_files N'{file}';")
        finally:
            self._master.dispose()
            if self._container is not None:
                self._container.stop()

    # --- the server -----------------------------------------------------------------------------------------------

    def _name(self) -> str:
        return f"{PREFIX}{os.environ.get('PYTEST_XDIST_WORKER', 'gw')}_{next(self._numbers)}"

    def _back_up(self, master: Connection, path: Path) -> str:
        backup = f"{self._backup_folder}{self._name()}.bak"
        master.execute(f"BACKUP DATABASE {self._databases[path]} TO DISK = N'{backup}' WITH COPY_ONLY, FORMAT, INIT;")
        self._files.append(backup)
        return backup

    @staticmethod
    def _drop(master: Connection, name: str) -> None:
        """Drops a database or a snapshot, whoever is in it."""
        for attempt in range(100):
            sessions = master.execute(
                "SELECT s.session_id FROM sys.dm_exec_sessions AS s WHERE s.database_id = DB_ID(?);", (name,)
            )
            for (session,) in sessions[0].rows:
                with suppress(DatabaseError):  # it has gone by itself
                    master.execute(f"KILL {int(session)};")
            try:
                master.execute(f"DROP DATABASE IF EXISTS {name};")
                return
            except DatabaseError as error:
                if error.number != IN_USE or attempt == 99:
                    raise
                master.execute("WAITFOR DELAY '00:00:00.100';")  # who is killed has still to roll back


class ServerStage(Stage):
    """A stage on a server. Its source's clock is the server's; processor and queue have notify's test clock."""

    host: SqlServer

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._ahead = datetime.timedelta()

    def redo(self, up_to: int | datetime.datetime | datetime.timedelta | None = None) -> int:
        """The replica shows what is committed by now; lags are the embedded replica's alone."""
        assert up_to is None
        self.close()
        self.host.snapshot(self.path(Role.SOURCE), self.path(Role.REPLICA))
        return 0

    def advance(self, **delta: float) -> None:
        """The clocks stand still from now on, at the time that is reached."""
        self._ahead += datetime.timedelta(**delta)
        for role in (Role.PROCESSOR, Role.QUEUE):
            columns, values = (", description", ", N'test'") if role is Role.QUEUE else ("", "")
            self.query(
                role,
                "SET NOCOUNT ON; DECLARE @ahead int = ?;"
                " DELETE FROM notify.setting WHERE name IN ('allow_test_clock', 'test_clock');"
                f" INSERT INTO notify.setting (name, value{columns}) SELECT 'allow_test_clock', N'1'{values} UNION ALL SELECT"
                f" 'test_clock', CONVERT(nvarchar(30), DATEADD(MILLISECOND, @ahead, SYSUTCDATETIME()), 126){values};",
                (int(self._ahead / datetime.timedelta(milliseconds=1)),),
            )


def _folder(path: str | None) -> str:
    """A folder of the server, ended as its system does it; '' for its default where it does not say."""
    if not path:
        return ""
    mark = "\\" if "\\" in path else "/"
    return path.rstrip(mark) + mark


def _names(master: Connection) -> list[str]:
    """Databases that the suite has made, snapshots first."""
    rows = master.execute(
        "SELECT d.name FROM sys.databases AS d WHERE d.name LIKE ? ORDER BY CASE WHEN d.source_database_id IS NULL THEN 1 ELSE 0 END;",
        (PREFIX.replace("_", "[_]") + "%",),
    )[0].rows
    return [name for (name,) in rows if MADE.fullmatch(name)]
