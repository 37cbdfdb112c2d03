"""The state of a session: SET options, levels of execution, the open transaction with its savepoints."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from .catalog import Table
from .values import Storage


@dataclass(slots=True)
class Settings:
    """SET options. A procedure's changes end with it."""

    nocount: bool = False
    xact_abort: bool = False
    ansi_nulls: bool = True
    quoted_identifier: bool = True
    ansi_padding: bool = True
    ansi_warnings: bool = True
    arithabort: bool = True
    concat_null_yields_null: bool = True
    numeric_roundabort: bool = False
    ansi_null_dflt_on: bool = True
    implicit_transactions: bool = False
    cursor_close_on_commit: bool = False
    noexec: bool = False
    fmtonly: bool = False
    lock_timeout: int = -1
    deadlock_priority: int = 0
    isolation: str = "READ COMMITTED"
    date_format: str = "mdy"
    date_first: int = 7
    language: str = "us_english"
    rowcount: int = 0
    textsize: int = -1
    context_info: bytes | None = None

    def copy(self) -> Settings:
        """The same settings, to be restored later."""
        return Settings(*_every_setting(self))


_every_setting = attrgetter(*Settings.__slots__)


@dataclass(slots=True)
class Scope:
    """A level of execution: its #temp tables (by lower-case name) and table variables, and what functions ask for."""

    level: int
    module: Any = None
    temps: dict[str, Table] = field(default_factory=dict)
    variables: dict[str, Table] = field(default_factory=dict)
    identity: int | None = None
    name: str | None = None


@dataclass(slots=True)
class Image:
    """A #temp table as it was when a transaction or savepoint began; `table` None: it was not there."""

    scope: Scope
    table: Table | None
    rows: list[tuple[Storage, ...]]


@dataclass(slots=True)
class Savepoint:
    """SAVE TRANSACTION: `sqlite` names SQLite's, once there is one."""

    name: str
    sqlite: str | None
    segments: int
    images: dict[str, Image] = field(default_factory=dict)


@dataclass(slots=True)
class Transaction:
    """An open T-SQL transaction. `active`: SQLite has one as well; `writing`: it holds the write lock."""

    id: int
    begin: int
    name: str | None = None
    count: int = 1
    doomed: bool = False
    active: bool = False
    writing: bool = False
    levels: list[Savepoint] = field(default_factory=lambda: [Savepoint("", None, 0)])
    insert_execute: bool = False
