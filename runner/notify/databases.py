"""The four database roles, each one SQLAlchemy URL, and the connections to them.

Procedures own their transactions: every connection is in autocommit. A connection belongs to one thread.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from notify.errors import ConfigError, DatabaseUnreachable, database_error, printed_number, without_prefix

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine
    from sqlalchemy.pool import PoolProxiedConnection

__all__ = ["Affected", "Connection", "Database", "Databases", "Printed", "ResultSet", "Role", "Value", "role_url"]

Value = str | int | float | bool | bytes | decimal.Decimal | datetime.date | datetime.time | uuid.UUID | None

EMBEDDED: Final = "mssql+tsqlite"
ODBC: Final = "mssql+pyodbc"
SQL_WVARCHAR: Final = -9
SQL_VARBINARY: Final = -3


class Role(enum.StrEnum):
    """What a database is to notify (sql/README.md)."""

    SOURCE = "source"
    REPLICA = "replica"
    PROCESSOR = "processor"
    QUEUE = "queue"


class ResultSet(NamedTuple):
    """One result set: column names and rows."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    def records(self) -> list[dict[str, Any]]:
        """Each row as a dict by column name."""
        columns = self.columns
        return [dict(zip(columns, row, strict=False)) for row in self.rows]

    def one(self) -> dict[str, Any]:
        """The only row; ValueError when there are none or several."""
        (row,) = self.rows
        return dict(zip(self.columns, row, strict=True))


class Printed(NamedTuple):
    """What PRINT, RAISERROR below severity 11 or the server itself said. `number` is 0 for PRINT."""

    number: int
    text: str


class Affected(NamedTuple):
    """How many rows a statement without a result set touched."""

    rows: int


class Connection:
    """One autocommit connection to a role. Errors of the driver become `notify.errors.DatabaseError` and its kin."""

    def __init__(self, role: Role, engine: Engine, raw: PoolProxiedConnection) -> None:
        self.role = role
        self._engine = engine
        self._raw = raw

    @property
    def is_embedded(self) -> bool:
        """Whether this is the embedded engine, not a server."""
        return self._engine.url.drivername == EMBEDDED

    def execute(self, statement: str, parameters: tuple[Value, ...] = (), procedure: str = "") -> list[ResultSet]:
        """Every result set of a statement (none for one that returns no rows).

        All of them are drained, since an error that follows a result set reaches the client only then.
        """
        self._check()
        results: list[ResultSet] = []
        cursor = None
        try:
            cursor = self._cursor(parameters)
            cursor.execute(statement, parameters)
            while True:
                if cursor.description is not None:
                    columns = tuple(column[0] for column in cursor.description)
                    results.append(ResultSet(columns, [tuple(row) for row in cursor.fetchall()]))
                if not cursor.nextset():
                    return results
        except Exception as error:
            raise self._translated(error, cursor, procedure) from error
        finally:
            self._close(cursor)

    def play(self, statement: str) -> Iterator[ResultSet | Printed | Affected]:
        """What a batch sends, in its order; an error after what came before it."""
        self._check()
        cursor: Any = None
        told: list[Any] = []
        seen = 0

        def fresh() -> Iterator[Printed]:
            nonlocal told, seen
            # pyodbc gives each result a list of its own, the embedded engine lets one grow.
            messages = getattr(cursor, "messages", None) or []
            seen = seen if messages is told else 0
            for state, text in messages[seen:]:
                yield Printed(printed_number(state), without_prefix(text))
            told, seen = messages, len(messages)

        try:
            cursor = self._raw.cursor()
            cursor.execute(statement)
            while True:
                yield from fresh()
                if cursor.description is not None:
                    columns = tuple(column[0] for column in cursor.description)
                    yield ResultSet(columns, [tuple(row) for row in cursor.fetchall()])
                elif cursor.rowcount >= 0:
                    yield Affected(cursor.rowcount)
                if not cursor.nextset():
                    yield from fresh()
                    return
        except GeneratorExit:
            raise
        except Exception as error:
            yield from fresh()
            raise self._translated(error, cursor, "") from error
        finally:
            self._close(cursor)

    def stream(
        self, statement: str, parameters: tuple[Value, ...] = (), procedure: str = "", size: int = 2000
    ) -> Iterator[tuple[int, ResultSet]]:
        """Result sets in pieces of at most `size` rows: (number of the result set from 0, piece)."""
        self._check()
        cursor = None
        try:
            cursor = self._cursor(parameters)
            cursor.execute(statement, parameters)
            number = 0
            while True:
                if cursor.description is not None:
                    columns = tuple(column[0] for column in cursor.description)
                    while rows := cursor.fetchmany(size):
                        yield number, ResultSet(columns, [tuple(row) for row in rows])
                    number += 1
                if not cursor.nextset():
                    return
        except GeneratorExit:
            raise
        except Exception as error:
            raise self._translated(error, cursor, procedure) from error
        finally:
            self._close(cursor)

    def close(self) -> None:
        """Gives the connection back; a broken one is thrown away."""
        self._raw.close()

    def _cursor(self, parameters: tuple[Value, ...]) -> Any:
        """A cursor, its parameters typed where pyodbc would choose badly.

        By itself pyodbc declares a string as long as it is, another plan for each length, and a long one as ntext.
        """
        cursor = self._raw.cursor()
        if self._engine.url.drivername == ODBC and any(isinstance(value, str | bytes) for value in parameters):
            cursor.setinputsizes([_input_size(value) for value in parameters])
        return cursor

    def _check(self) -> None:
        if self._raw.dbapi_connection is None:
            raise DatabaseUnreachable("the connection was lost a moment ago", role=self.role)

    def _translated(self, error: Exception, cursor: Any, procedure: str) -> Exception:
        driver = self._engine.dialect.loaded_dbapi
        if not isinstance(error, driver.Error):
            return error
        lost = bool(self._engine.dialect.is_disconnect(error, self._raw.dbapi_connection, cursor))
        translated = database_error(error, self.role, procedure, lost=lost)
        if isinstance(translated, DatabaseUnreachable):
            self._raw.invalidate(error)
        return translated

    @staticmethod
    def _close(cursor: Any) -> None:
        if cursor is not None:
            # The statement's own error is the one to tell.
            with suppress(Exception):
                cursor.close()


def _input_size(value: Value) -> tuple[int, int, int] | None:
    """A parameter's ODBC type, size (0: max) and scale; None: what pyodbc finds."""
    if isinstance(value, str):
        return SQL_WVARCHAR, (4000 if len(value) <= 2000 else 0), 0
    if isinstance(value, bytes):
        return SQL_VARBINARY, (8000 if len(value) <= 8000 else 0), 0
    return None


class Database:
    """One role's server."""

    def __init__(self, role: Role, url: URL, *, connect_timeout: int = 15, query_timeout: int = 300) -> None:
        self.role = role
        self.url = url
        self._connect_timeout = connect_timeout
        self._query_timeout = query_timeout
        self._engine: Engine | None = None

    @property
    def engine(self) -> Engine:
        """The SQLAlchemy engine, made at first use (Alembic works on it)."""
        if self._engine is None:
            import sqlalchemy

            options: dict[str, Any] = {"isolation_level": "AUTOCOMMIT", "pool_reset_on_return": None}
            if self.url.drivername == ODBC:
                options["connect_args"] = {"timeout": self._connect_timeout}
            try:
                self._engine = sqlalchemy.create_engine(self.url, **options)
            except (sqlalchemy.exc.ArgumentError, ImportError) as error:
                raise ConfigError(f"the {self.role} URL {self.shown} cannot be used: {error}") from error
            if self.url.drivername == ODBC:
                timeout = self._query_timeout

                @sqlalchemy.event.listens_for(self._engine, "connect")
                def limit(connection: Any, _record: Any) -> None:
                    connection.timeout = timeout

        return self._engine

    @property
    def shown(self) -> str:
        """The URL without its password."""
        return self.url.render_as_string(hide_password=True)

    def create(self) -> None:
        """Makes an embedded database's file, if it is not there."""
        if self.url.drivername == EMBEDDED:
            self._connect().close()

    def open(self) -> Connection:
        """A connection that its caller closes.

        Raises:
            DatabaseUnreachable: no server, no database, a failed login.
        """
        if self.url.drivername == EMBEDDED and self.url.database and not Path(self.url.database).exists():
            is_copy = self.role is Role.REPLICA
            remedy = "a replica is a copy of its source; see notify demo" if is_copy else "notify migrate creates it"
            raise DatabaseUnreachable(f"no such file: {self.url.database} ({remedy})", role=self.role)
        return self._connect()

    def _connect(self) -> Connection:
        import sqlalchemy

        engine = self.engine
        try:
            return Connection(self.role, engine, engine.raw_connection())
        except (sqlalchemy.exc.DBAPIError, engine.dialect.loaded_dbapi.Error) as error:
            cause = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) and error.orig else error
            told = database_error(cause, self.role, lost=True)
            raise DatabaseUnreachable(
                f"{told.args[0]} (URL {self.shown}; NOTIFY_{self.role.upper()}_URL or [databases] in notify.toml)",
                role=self.role,
                number=told.number,
            ) from error

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection for a `with` block."""
        connection = self.open()
        try:
            yield connection
        finally:
            connection.close()

    def dispose(self) -> None:
        """Closes pooled connections."""
        if self._engine is not None:
            self._engine.dispose()


class Databases:
    """The roles that are configured; asking for another says how to configure it."""

    def __init__(self, urls: Mapping[Role, URL], *, connect_timeout: int = 15, query_timeout: int = 300) -> None:
        self._databases = {
            role: Database(role, url, connect_timeout=connect_timeout, query_timeout=query_timeout)
            for role, url in urls.items()
        }

    def __contains__(self, role: Role) -> bool:
        return role in self._databases

    def __getitem__(self, role: Role) -> Database:
        try:
            return self._databases[role]
        except KeyError:
            raise ConfigError(
                f"no URL for the role {role}: set NOTIFY_{role.upper()}_URL, or {role} under [databases] in notify.toml"
            ) from None

    def __iter__(self) -> Iterator[Database]:
        return iter(self._databases.values())

    def open(self, role: Role) -> Connection:
        """A connection to a role, which its caller closes."""
        return self[role].open()

    def connection(self, role: Role) -> Any:
        """A connection to a role, for a `with` block."""
        return self[role].connection()

    def redo_embedded(self) -> int | None:
        """Lets an embedded replica catch up with its embedded source.

        Returns:
            transactions redone; None when there is no such pair, or no replica yet.
        """
        urls = [self[role].url for role in (Role.SOURCE, Role.REPLICA) if role in self]
        files = [url.database or "" for url in urls if url.drivername == EMBEDDED]
        if len(files) != 2 or not Path(files[1]).is_file():
            return None
        from tsqlite.replica import Replica

        replica = Replica(files[0], files[1])
        before = replica.position
        return replica.redo() - before

    def dispose(self) -> None:
        """Closes pooled connections of every role."""
        for database in self:
            database.dispose()


def role_url(role: Role, text: str, folder: Path) -> URL:
    """The URL of a role, checked.

    Args:
        text: as configured; an embedded database's relative path counts from `folder`.

    Raises:
        ConfigError: not a URL, or not of SQL Server.
    """
    import sqlalchemy

    try:
        url = sqlalchemy.make_url(text)
    except sqlalchemy.exc.ArgumentError:
        raise ConfigError(
            f"the {role} URL is not a URL: write "
            "mssql+pyodbc://USER:PASSWORD@HOST/DATABASE?driver=ODBC+Driver+18+for+SQL+Server, "
            f"or {EMBEDDED}:///PATH for the embedded engine"
        ) from None
    if not url.drivername.startswith("mssql"):
        raise ConfigError(
            f"the {role} URL names {url.drivername}: notify runs on SQL Server ({ODBC}://...) or embedded ({EMBEDDED}:///PATH)"
        )
    if url.drivername == EMBEDDED and url.database and not Path(url.database).is_absolute():
        url = url.set(database=str((folder / url.database).resolve()))
    if url.drivername == ODBC:
        _check_driver(role, url)
        if role is Role.REPLICA:
            url = _read_intent(url)
    return url


def _check_driver(role: Role, url: URL) -> None:
    """A host and a database without a driver are no connection; a DSN, or a whole ODBC string, name one themselves."""
    names = {key.lower() for key in url.query}
    is_dsn = "dsn" in names or (url.host is not None and not url.database)
    if "odbc_connect" in names or "driver" in names or is_dsn:
        return
    raise ConfigError(
        f"the {role} URL {url.render_as_string(hide_password=True)} names no ODBC driver: append "
        f"{'&' if url.query else '?'}driver=ODBC+Driver+18+for+SQL+Server (or the one that `odbcinst -q -d` shows)"
    )


def _read_intent(url: URL) -> URL:
    """Asks the listener for a readable secondary."""
    raw = url.query.get("odbc_connect")
    if isinstance(raw, str):
        if "applicationintent" in raw.lower():
            return url
        return url.update_query_dict({"odbc_connect": raw.rstrip(";") + ";ApplicationIntent=ReadOnly"})
    if any(key.lower() == "applicationintent" for key in url.query):
        return url
    return url.update_query_dict({"ApplicationIntent": "ReadOnly"})
