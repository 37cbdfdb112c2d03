"""DB-API 2.0 (PEP 249), in the manner of pyodbc: qmark parameters, several result sets, errors where they occur.

An error that follows a result set is raised by the `nextset()` that reaches it.
"""

from __future__ import annotations

import datetime
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

import apsw

from .compiled import Column
from .errors import SqlError, Unsupported
from .interpreter import Interpreter
from .results import Count, Event, Failure, Message, ResultSet
from .session import Session
from .types import SqlType, from_python
from .values import Storage, decoder, encode

apilevel: Final = "2.0"
threadsafety: Final = 1
paramstyle: Final = "qmark"

STRING, BINARY, NUMBER, DATETIME, ROWID = str, bytes, Decimal, datetime.datetime, int
Date, Time, Timestamp, Binary = datetime.date, datetime.time, datetime.datetime, bytes


class Warning(Exception):
    """PEP 249."""


class Error(Exception):
    """An error with what SQL Server says of it; `args` are (SQLSTATE, text) as pyodbc's are."""

    number: int = 0
    severity: int = 0
    state: int = 0
    line: int = 0
    procedure: str | None = None
    message: str = ""


class InterfaceError(Error):
    """A wrong use of this module."""


class DatabaseError(Error):
    """An error of the database."""


class DataError(DatabaseError):
    """SQLSTATE 22: conversions, overflows, division by zero, truncation."""


class OperationalError(DatabaseError):
    """Deadlock victim, closed or unreachable database."""


class IntegrityError(DatabaseError):
    """SQLSTATE 23: keys, CHECK, foreign keys, NOT NULL."""


class InternalError(DatabaseError):
    """Not raised."""


class ProgrammingError(DatabaseError):
    """SQLSTATE 42 and whatever else the server raises."""


class NotSupportedError(DatabaseError):
    """The engine refuses a construct."""


_STATES: Final[dict[int, str]] = {
    208: "42S02", 207: "42S22", 2714: "42S01", 1913: "42S11", 2705: "42S21", 4902: "42S02", 3701: "42S02",
    4701: "42S02", 515: "23000", 547: "23000", 2601: "23000", 2627: "23000", 1505: "23000",
    8152: "22001", 2628: "22001", 220: "22003", 232: "22003", 8115: "22003", 237: "22003", 244: "22003", 248: "22003",
    535: "22003", 241: "22007", 242: "22007", 517: "22007", 8134: "22012", 245: "22018", 8114: "22018", 8169: "22018",
    235: "22018", 1205: "40001", 3960: "40001", 2812: "42000",
}  # fmt: skip


def _class_of(state: str) -> type[Error]:
    return {"22": DataError, "23": IntegrityError, "40": OperationalError, "08": OperationalError}.get(
        state[:2], ProgrammingError
    )


def error_of(error: SqlError | Unsupported) -> Error:
    """The exception that a client sees."""
    made: Error
    if isinstance(error, Unsupported):
        text = f"{error.construct} is not supported by tsqlite (line {error.line})"
        made = NotSupportedError("0A000", f"[0A000] [tsqlite]{text}")
        made.line, made.procedure, made.message = error.line, error.procedure, text
        return made
    state = _STATES.get(error.number, "42000")
    made = _class_of(state)(state, f"[{state}] [tsqlite][SQL Server]{error.message} ({error.number}) (SQLExecDirectW)")
    made.number, made.severity, made.state = error.number, error.severity, error.state
    made.line, made.procedure, made.message = error.line, error.procedure or None, error.message
    return made


_MARKS = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\[(?:[^\]]|\]\])*\]|--[^\n]*|/\*|\?", re.S)


@lru_cache(maxsize=2000)
def numbered(sql: str) -> tuple[str, int]:
    """The text with its question marks as @P1, @P2 ..., and how many there are."""
    made: list[str] = []
    count = position = 0
    while match := _MARKS.search(sql, position):
        made.append(sql[position : match.start()])
        text = match[0]
        end = match.end()
        if text == "?":
            count += 1
            text = f"@P{count}"
        elif text == "/*":
            depth = 1
            while depth and end < len(sql):
                if sql.startswith("*/", end):
                    depth, end = depth - 1, end + 2
                elif sql.startswith("/*", end):
                    depth, end = depth + 1, end + 2
                else:
                    end += 1
            text = sql[match.start() : end]
        made.append(text)
        position = end
    made.append(sql[position:])
    return "".join(made), count


def parameter(value: object) -> tuple[SqlType, Storage]:
    """A Python value as a typed parameter. Error: `ProgrammingError` for a class that has no type."""
    try:
        type_ = from_python(value)
    except TypeError as e:
        raise ProgrammingError("HY105", f"[HY105] [tsqlite]{e}") from e
    if type_.is_string and (type_.length or 0) > 4000:
        type_ = type_.with_length(-1)
    return type_, encode(value, type_)


class Cursor:
    """A cursor: the results of one batch, in order."""

    arraysize = 1

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.description: tuple[tuple[Any, ...], ...] | None = None
        self.rowcount = -1
        self.messages: list[tuple[str, str]] = []
        self.types: tuple[Column, ...] = ()
        """Columns of the current result set with their SQL Server types."""
        self._events: list[Event] = []
        self._next = 0
        self._rows: Iterator[tuple[Any, ...]] = iter(())
        self._closed = False

    # -- running

    def execute(self, sql: str, *parameters: Any) -> Cursor:
        """Run a batch up to its first result. Parameters come one by one, or as one sequence."""
        self._open()
        given: Sequence[Any] = parameters
        if len(parameters) == 1 and isinstance(parameters[0], list | tuple):
            given = parameters[0]
        self._events = self.connection._run(sql, given)
        self._next = 0
        self.messages = []
        self._advance()
        return self

    def executemany(self, sql: str, seq_of_parameters: Iterable[Sequence[Any]]) -> None:
        """Run a batch for each of several parameter rows; `rowcount` is the last one's, as pyodbc has it."""
        for parameters in seq_of_parameters:
            self.execute(sql, tuple(parameters))
            while self._next < len(self._events):
                self._advance()

    def callproc(self, name: str, parameters: Sequence[Any] = ()) -> Sequence[Any]:
        """EXECUTE a procedure; OUTPUT parameters are not given back."""
        self.execute(f"EXECUTE {name} {', '.join('?' * len(parameters))}", tuple(parameters))
        return parameters

    def nextset(self) -> bool | None:
        """Go to the next result; None (false) when there is none. An error between them is raised here."""
        self._open()
        return True if self._advance() else None

    def _advance(self) -> bool:
        self.description, self.rowcount, self._rows, self.types = None, -1, iter(()), ()
        while self._next < len(self._events):
            event = self._events[self._next]
            self._next += 1
            if isinstance(event, Message):
                text = f"[tsqlite][SQL Server]{event.text}"
                self.messages.append((f"[01000] ({event.number})", text))
                self.connection.messages.append(event)
            elif isinstance(event, Failure):
                raise error_of(event.error)
            elif isinstance(event, Count):
                self.rowcount = event.rows
                return True
            elif isinstance(event, ResultSet):
                self._show(event)
                return True
        return False

    def _show(self, result: ResultSet) -> None:
        self.types = result.columns
        self.description = _description(result.columns)
        self._rows = _decoded(result)

    # -- fetching

    def _fetchable(self) -> None:
        self._open()
        if self.description is None:
            raise ProgrammingError("24000", "[24000] [tsqlite]No results. Previous SQL was not a query.")

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row, or None."""
        self._fetchable()
        return next(self._rows, None)

    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        """The next `size` rows."""
        self._fetchable()
        made = []
        for _ in range(self.arraysize if size is None else size):
            row = next(self._rows, None)
            if row is None:
                break
            made.append(row)
        return made

    def fetchall(self) -> list[tuple[Any, ...]]:
        """The remaining rows."""
        self._fetchable()
        return list(self._rows)

    def fetchval(self) -> Any:
        """The first column of the next row."""
        row = self.fetchone()
        return row[0] if row else None

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        self._fetchable()
        return self._rows

    # -- the rest of PEP 249

    def close(self) -> None:
        """Drop the results."""
        self._closed = True
        self._events, self._rows = [], iter(())

    def setinputsizes(self, sizes: Sequence[Any] | None) -> None:
        """Does nothing: parameters have the types of their Python classes."""

    def setoutputsize(self, size: int, column: int | None = None) -> None:
        """Does nothing."""

    def _open(self) -> None:
        if self._closed:
            raise ProgrammingError("HY000", "[HY000] [tsqlite]Attempt to use a closed cursor.")
        self.connection._open()

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_descriptions: dict[int, tuple[Sequence[Column], tuple[Any, ...]]] = {}


def _description(columns: Sequence[Column]) -> tuple[Any, ...]:
    """PEP 249's, made once for the columns of a plan."""
    found = _descriptions.get(id(columns))
    if found is None or found[0] is not columns:
        if len(_descriptions) >= 1000:
            _descriptions.clear()
        found = _descriptions[id(columns)] = columns, tuple([_described(c) for c in columns])
    return found[1]


def _described(column: Column) -> tuple[Any, ...]:
    t = column.type
    precision = t.system_precision
    if t.is_string or t.is_binary:
        precision = 0 if t.length == -1 else (t.length or 8)
    elif t.name == "uniqueidentifier":
        precision = 36
    return (column.name, t.python_type, None, precision, precision, t.system_scale, t.nullable)


def _decoded(result: ResultSet) -> Iterator[tuple[Any, ...]]:
    places = []
    for place, column in enumerate(result.columns):
        same = (column.type.is_string or column.type.is_integer or column.type.is_binary) and column.type.name != "bit"
        if not same:
            places.append((place, decoder(column.type)))
    return _each_decoded(result.rows, places) if places else iter(result.rows)


def _each_decoded(
    rows: Sequence[tuple[Any, ...]], places: Sequence[tuple[int, Callable[[Any], Any]]]
) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        values = list(row)
        for place, decode in places:
            if values[place] is not None:
                values[place] = decode(values[place])
        yield tuple(values)


class Connection:
    """A connection. `session` is the engine's own side of it."""

    Warning, Error, InterfaceError, DatabaseError = Warning, Error, InterfaceError, DatabaseError
    DataError, OperationalError, IntegrityError = DataError, OperationalError, IntegrityError
    InternalError, ProgrammingError, NotSupportedError = InternalError, ProgrammingError, NotSupportedError

    def __init__(self, session: Session, autocommit: bool) -> None:
        self.session = session
        self.interpreter = Interpreter(session)
        self.messages: list[Message] = []
        self.timeout = 0
        self.autocommit = autocommit

    @property
    def autocommit(self) -> bool:
        """Off: the first statement that touches a table begins a transaction, which `commit` or `rollback` ends."""
        return not self.session.settings.implicit_transactions

    @autocommit.setter
    def autocommit(self, on: bool) -> None:
        if on and self.session.settings.implicit_transactions:
            self.commit()
        self.session.settings.implicit_transactions = not on

    @property
    def closed(self) -> bool:
        """Whether it has been closed."""
        return self.session.closed

    def _open(self) -> None:
        if self.session.closed:
            raise ProgrammingError("08003", "[08003] [tsqlite]The connection is closed.")

    def _run(self, sql: str, parameters: Sequence[Any]) -> list[Event]:
        self._open()
        if not parameters:
            return self.interpreter.run_batch(sql).events
        text, count = numbered(sql)
        if count != len(parameters):
            raise ProgrammingError(
                "HY000",
                f"[HY000] [tsqlite]The SQL contains {count} parameter markers, but {len(parameters)} parameters"
                " were supplied",
            )
        return self.interpreter.run_batch(text, [parameter(p) for p in parameters]).events

    def cursor(self) -> Cursor:
        """A new cursor."""
        self._open()
        return Cursor(self)

    def execute(self, sql: str, *parameters: Any) -> Cursor:
        """Run a batch on a new cursor."""
        return self.cursor().execute(sql, *parameters)

    def commit(self) -> None:
        """Commit the open transaction, however deep; nothing without one."""
        self._open()
        while self.session.transaction is not None:
            try:
                self.session.commit()
            except SqlError as e:
                raise error_of(e) from None

    def rollback(self) -> None:
        """Roll back the open transaction; nothing without one."""
        self._open()
        self.session.undo()

    def close(self) -> None:
        """Roll back and leave."""
        self.session.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, type_: object, *_: object) -> None:
        if self.session.closed:
            return
        if type_ is None:
            self.commit()
        else:
            self.rollback()


_TRUE = ("1", "true", "yes", "on")


def connect(
    database: str | Path,
    *,
    autocommit: bool = False,
    readonly: bool = False,
    timeout: float = 30.0,
    synchronous: str = "FULL",
    name: str | None = None,
    login: str = "sa",
    application: str = "tsqlite",
) -> Connection:
    """Open a database file, which is created when it is not there.

    Args:
        database: path, also with options: ``x.db?readonly=1&timeout=5&synchronous=OFF&name=Sales&autocommit=1``.
        autocommit: False begins transactions implicitly, as pyodbc does.
        readonly: refuse writes with error 3906, as a readable secondary does.
        timeout: seconds to wait for another writer where LOCK_TIMEOUT is -1.
        synchronous: SQLite's: FULL, NORMAL or OFF.
        name: what DB_NAME() says; by default the file's name without suffix.
    """
    text = str(database)
    path, mark, query = text.partition("?")
    if mark:
        for key, value in parse_qsl(query, keep_blank_values=True):
            if key == "readonly":
                readonly = value.lower() in _TRUE
            elif key == "autocommit":
                autocommit = value.lower() in _TRUE
            elif key == "timeout":
                timeout = float(value)
            elif key == "synchronous":
                synchronous = value
            elif key == "name":
                name = value
            elif key == "login":
                login = value
            elif key == "application":
                application = value
            else:
                raise InterfaceError("HY024", f"[HY024] [tsqlite]Unknown option {key}")
    try:
        session = Session(
            path,
            readonly=readonly,
            timeout=timeout,
            synchronous=synchronous,
            name=name,
            login=login,
            application=application,
        )
    except apsw.Error as e:
        # no database file, no right to read it, or another program keeps it locked
        made = OperationalError("08001", f"[08001] [tsqlite]Cannot open {path}: {e}")
        made.message = f"Cannot open {path}: {e}"
        raise made from e
    return Connection(session, autocommit)


__all__ = [
    "BINARY", "DATETIME", "NUMBER", "ROWID", "STRING", "Binary", "Connection", "Cursor", "DataError", "DatabaseError",
    "Date", "Error", "IntegrityError", "InterfaceError", "InternalError", "NotSupportedError", "OperationalError",
    "ProgrammingError", "Time", "Timestamp", "Warning", "apilevel", "connect", "paramstyle", "threadsafety",
]  # fmt: skip
_ = uuid
