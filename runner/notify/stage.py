"""Four embedded databases in a folder: a source whose committed transactions a replica redoes, a processor, a queue.

The demo plays on it, and so do tests and benches: everything behind it is what runs in production, only the
four servers are files. A person may lag the replica, move the clocks and read what the SMTP server received.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import tsqlite
from notify import deploy
from notify.config import Config, load_config
from notify.databases import Databases, Role
from notify.mailbox import Mail, Mailbox
from tsqlite.replica import Replica, enable_log

__all__ = ["Stage", "Statement"]

Statement = tuple[str, Sequence[Any]]

CONFIGURATION = """\
# Four embedded databases. On real servers the URLs begin with mssql+pyodbc:// (README).
[databases]
{databases}

[templates]
directories = [{templates}]

[cycle]
workers = {workers}

# A mail server of the demo's own, which writes every mail into a folder; it listens while the demo runs, and no longer.
[[gateway]]
name = "mailbox"
kind = "smtp"
channel = "email"
host = "127.0.0.1"
port = {port}
from_address = "{sender}"
from_name = "{sender_name}"
max_connections = {connections}
timeout_seconds = 20.0
"""

OWN_PORT = re.compile(r"""(\[\[gateway\]\]\s+name\s*=\s*"mailbox"(?:(?!\n\[).)*?\nport\s*=\s*)\d+""", re.S)
"""Where the gateway of CONFIGURATION names its port."""


class Stage:
    """``with Stage(folder, templates=[...]) as stage: stage.build(schema=[...]); stage.apply(...); stage.cycle()``.

    Args:
        folder: where the databases and notify.toml are, or will be.
        templates: the notifications' template folders.
        mail_folder: where received mails are written; None keeps them in memory.
        workers: threads that generate; 1 keeps a cycle in one thread's order.
        connections: SMTP connections.
        urls: each role's URL where something serves the files; None: they are opened in this process.
    """

    def __init__(
        self,
        folder: Path,
        *,
        templates: Sequence[Path] = (),
        mail_folder: Path | None = None,
        workers: int = 1,
        connections: int = 4,
        sender: tuple[str, str] = ("office@brokerage.example.com", "The office"),
        urls: Mapping[Role, str] | None = None,
    ) -> None:
        self.folder = folder
        self.urls = urls
        self.templates = tuple(templates)
        self.workers, self.connections, self.sender = workers, connections, sender
        self.mailbox = Mailbox(mail_folder)
        self._config: Config | None = None
        self._databases: Databases | None = None
        self._replica: Replica | None = None

    def __enter__(self) -> Stage:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.mailbox.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        self.mailbox.__exit__(kind, error, trace)

    def close(self) -> None:
        """Closes every connection; the next call opens new ones. For copying the files, or before a fork."""
        if self._databases is not None:
            self._databases.dispose()
        self._databases = None

    # --- building -------------------------------------------------------------------------------------------------

    @property
    def is_built(self) -> bool:
        """Whether the databases are there."""
        return (self.folder / "queue.db").exists()

    def build(
        self,
        *,
        schema: Sequence[Path] = (),
        procedures: Sequence[Path] = (),
        fill: Callable[[Stage], None] | None = None,
    ) -> None:
        """Source with its schema and procedures, then processor and queue, then the replica, as it stands.

        Args:
            schema: the application's own scripts.
            procedures: its merge-field procedures, which need schema notify_extract.
            fill: called when source is there and before the replica is taken from it.
        """
        self.write_configuration()
        if self.urls is None:
            enable_log(self.path(Role.SOURCE))
        for file in schema:
            self._run_file(file)
        deploy.migrate(self.databases[Role.SOURCE])
        for file in procedures:
            self._run_file(file)
        for role in (Role.PROCESSOR, Role.QUEUE):
            deploy.migrate(self.databases[role])
        if fill is not None:
            fill(self)
        self.beat()
        self.redo()

    def write_configuration(self) -> None:
        """Writes notify.toml: the SMTP server's port is another one each time."""
        urls = self.urls or {role: f"mssql+tsqlite:///{self.path(role).name}" for role in Role}
        text = CONFIGURATION.format(
            databases="\n".join(f'{role.value:9} = "{urls[role]}"' for role in Role),
            templates=", ".join(f'"{path.as_posix()}"' for path in self.templates),
            workers=self.workers,
            port=self.mailbox.port,
            sender=self.sender[0],
            sender_name=self.sender[1],
            connections=self.connections,
        )
        self._save(text)

    def renew_port(self) -> None:
        """Puts the SMTP server's port of now into notify.toml, and leaves all else as a person may have set it.

        A file that is gone, or has no gateway of ours any more, is written anew.
        """
        file = self.folder / "notify.toml"
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
        renewed, count = OWN_PORT.subn(rf"\g<1>{self.mailbox.port}", text)
        if count == 1:
            self._save(renewed)
        else:
            self.write_configuration()

    def _save(self, text: str) -> None:
        (self.folder / "notify.toml").write_text(text, encoding="utf-8")
        self._config = None
        self.close()

    @property
    def config(self) -> Config:
        """What notify.toml says."""
        if self._config is None:
            self._config = load_config(self.folder / "notify.toml", environ={})
        return self._config

    @property
    def databases(self) -> Databases:
        """Connections to the four roles."""
        if self._databases is None:
            self._databases = self.config.databases()
        return self._databases

    def path(self, role: Role) -> Path:
        """A role's file."""
        return self.folder / f"{role.value}.db"

    # --- source and replica ---------------------------------------------------------------------------------------

    def do(self, *statements: Statement) -> None:
        """One transaction of the application on source."""
        with self._cursor(Role.SOURCE) as cursor:
            cursor.execute("SET XACT_ABORT ON; BEGIN TRANSACTION;")
            for text, parameters in statements:
                cursor.execute(text, tuple(parameters))
                while cursor.nextset():  # an error that follows a count is told only there
                    pass
            cursor.execute("COMMIT TRANSACTION;")

    def load(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Inserts rows of a table into source, in one transaction."""
        if not rows:
            return
        names = list(rows[0])
        text = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))});"
        with self._cursor(Role.SOURCE) as cursor:
            cursor.execute("BEGIN TRANSACTION;")
            cursor.executemany(text, [tuple(row.values()) for row in rows])
            cursor.execute("COMMIT TRANSACTION;")

    def beat(self) -> None:
        """One heartbeat on source, as its Agent job writes it."""
        self.do(("EXECUTE notify.beat_heartbeat;", ()))

    @property
    def replica(self) -> Replica:
        """The replica: `redo` moves it on, `behind` tells its lag in transactions, `stuck` stops it."""
        if self._replica is None:
            self._replica = Replica(self.path(Role.SOURCE), self.path(Role.REPLICA))
        return self._replica

    def redo(self, up_to: int | dt.datetime | dt.timedelta | None = None) -> int:
        """Lets the replica catch up, to the end or up to a transaction or time; gives its position."""
        return self.replica.redo(up_to)

    # --- the toolkit ----------------------------------------------------------------------------------------------

    def apply(self, *files: Path) -> list[Any]:
        """`notify apply`: checks, saves and activates definitions. AssertionError names what was refused."""
        from notify.cycle import make_renderer
        from notify.definitions import apply_definitions, read_definitions

        applied = list(
            apply_definitions(self.databases, read_definitions(files), make_renderer(self.config), dry_run=False)
        )
        refused = [(item.name, item.problems) for item in applied if item.problems]
        assert not refused, refused
        return applied

    def cycle(self, progress: Any = None) -> Any:
        """`notify run-cycle`."""
        from notify.cycle import run_cycle

        return run_cycle(self.config, self.databases, progress)

    def send(self, on_progress: Any = None) -> Any:
        """`notify send --drain`."""
        from notify.gateways import open_gateway
        from notify.send import send

        return send(
            self.databases[Role.QUEUE],
            [open_gateway(item) for item in self.config.gateways],
            self.config.send,
            drain=True,
            on_progress=on_progress,
        )

    def audit(self) -> dict[str, Any]:
        """`notify audit --json`."""
        from notify.audit import audit

        return dict(audit(self.databases).to_json())

    @property
    def mails(self) -> list[Mail]:
        """What the SMTP server received."""
        return self.mailbox.mails

    # --- looking and meddling -------------------------------------------------------------------------------------

    def query(self, role: Role, text: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The first result set of a statement on a role; [] if it has none."""
        with self._cursor(role) as cursor:
            cursor.execute(text, tuple(parameters))
            while cursor.description is None:
                if not cursor.nextset():
                    return []
            return [tuple(row) for row in cursor.fetchall()]

    def ask(self, text: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """A query of the replica."""
        return self.query(Role.REPLICA, text, parameters)

    def processor(self, text: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """A query of the processor."""
        return self.query(Role.PROCESSOR, text, parameters)

    def queue(self, text: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """A query of the queue."""
        return self.query(Role.QUEUE, text, parameters)

    def advance(self, **delta: float) -> None:
        """Moves the clocks of processor and queue on, in this process: ``advance(minutes=2)``."""
        for role in (Role.PROCESSOR, Role.QUEUE):
            tsqlite.clock.advance(self.path(role), dt.timedelta(**delta))

    @contextmanager
    def _cursor(self, role: Role) -> Iterator[Any]:
        """A DB-API cursor in autocommit, beside the toolkit's own connections."""
        if self.urls is None:
            with tsqlite.connect(self.path(role), autocommit=True) as connection:
                yield connection.cursor()
            return
        pooled = self.databases[role].engine.raw_connection()
        try:
            yield pooled.cursor()
        except BaseException:
            pooled.invalidate()  # with whatever transaction it was in
            raise
        finally:
            pooled.close()

    def _run_file(self, file: Path) -> None:
        with self.databases.connection(Role.SOURCE) as connection:
            deploy.run_file(connection, file)
