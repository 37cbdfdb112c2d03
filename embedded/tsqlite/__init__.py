"""A small T-SQL engine over SQLite: `tsqlite.connect(path)` is a DB-API 2.0 connection."""

from __future__ import annotations

from . import clock
from .dbapi import (
    BINARY,
    DATETIME,
    NUMBER,
    ROWID,
    STRING,
    Binary,
    Connection,
    Cursor,
    DatabaseError,
    DataError,
    Date,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    Time,
    Timestamp,
    Warning,
    apilevel,
    connect,
    paramstyle,
    threadsafety,
)
from .errors import SqlError, Unsupported
from .session import Boundary, Session, on_statement

__version__ = "0.1.0"
__all__ = [
    "BINARY", "DATETIME", "NUMBER", "ROWID", "STRING", "Binary", "Boundary", "Connection", "Cursor", "DataError",
    "DatabaseError", "Date", "Error", "IntegrityError", "InterfaceError", "InternalError", "NotSupportedError",
    "OperationalError", "ProgrammingError", "Session", "SqlError", "Time", "Timestamp", "Unsupported", "Warning",
    "apilevel", "clock", "connect", "on_statement", "paramstyle", "threadsafety",
]  # fmt: skip
