"""How the application writes its tables, and what a committed transaction leaves of a record."""

from __future__ import annotations

import datetime as dt
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

BERLIN = ZoneInfo("Europe/Berlin")
STATUSES = ("draft", "open", "paid", "void")

Row = dict[str, Any]
Document = dict[str, Any]


def _fold(text: str) -> str:
    return text.rstrip(" ").upper()


def _trim(text: str) -> str:
    return text.rstrip(" ")


def _datetime(moment: dt.datetime) -> dt.datetime:
    """To 1/300 s, as datetime rounds."""
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    ticks = round((moment - midnight).total_seconds() * 300)
    return midnight + dt.timedelta(microseconds=ticks * 10_000 // 3)


def _minute(moment: dt.datetime) -> dt.datetime:
    return (moment + dt.timedelta(seconds=30)).replace(second=0, microsecond=0)


def _millisecond(moment: dt.datetime) -> dt.datetime:
    return moment + dt.timedelta(microseconds=500 - (moment.microsecond + 500) % 1000)


def _local(moment: dt.datetime) -> dt.datetime:
    """What the wall clock in Berlin shows, in whole seconds."""
    return moment.replace(microsecond=0, tzinfo=dt.UTC).astimezone(BERLIN).replace(tzinfo=None)


def _day(moment: dt.datetime) -> dt.datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _same(moment: dt.datetime) -> dt.datetime:
    return moment


@dataclass(frozen=True)
class Table:
    """How the application writes a table. `stamp` cuts a moment to what the column can hold."""

    name: str
    keys: tuple[str, ...]
    created: str | None
    modified: str | None
    stamp: Callable[[dt.datetime], dt.datetime]
    key: Callable[[random.Random], tuple[Any, ...]]
    canonical: Callable[[tuple[Any, ...]], str]
    soft: bool = False
    more: Callable[[random.Random], Row] = lambda chance: {}
    separator: str = ""
    """Between the key's columns, in what is mailed."""

    def record(self, mailed: str) -> str:
        """The record that a mail names."""
        return self.canonical(tuple(mailed.split(self.separator, 1)) if self.separator else (mailed,))


GUIDS = [str(uuid.UUID(int=number * 0x1234567890ABCDEF1234567890ABCDEF % (1 << 128))).upper() for number in range(1, 7)]

TABLES = {
    table.name: table
    for table in (
        Table(
            "parcel", ("depot", "code"), "created_at", "modified_at", _same,
            lambda chance: (chance.choice((1, 2)), chance.choice(("ab", "AB", "aB ", "b c", "ß", "z"))),
            lambda key: f"{key[0]}/{_fold(key[1])}",
            more=lambda chance: {"weight": chance.choice((None, "0.500", "1.000", "7.125"))}, separator="/",
        ),
        Table(
            "device", ("device_id",), "created_at", "modified_at", _datetime,
            lambda chance: (chance.choice(GUIDS),), lambda key: key[0].upper(), soft=True,
        ),
        Table(
            "tag", ("code",), "created_at", "modified_at", _minute,
            lambda chance: (chance.choice(("x", "X", "x ", "x y", "x  y", "é")),), lambda key: _trim(key[0]),
        ),
        Table(
            "memo", ("memo_id",), "created_on", "modified_on", _day,
            lambda chance: (chance.choice((1, 2, 3, 10**15)),), lambda key: str(key[0]),
        ),
        Table(
            "ledger", ("account", "line"), "created_at", None, _millisecond,
            lambda chance: (chance.choice(("a", "A", "a-1")), chance.randint(1, 4)),
            lambda key: f"{_trim(key[0])}/{key[1]}", separator="/",
        ),
        Table(
            "visit", ("visit_id",), "created_local", "modified_local", _local,
            lambda chance: (chance.randint(1, 6),), lambda key: str(key[0]),
        ),
        Table(
            "preference", ("name",), None, "modified_at", _same,
            lambda chance: (chance.choice(("Colour", "colour", "size ", "font")),), lambda key: _fold(key[0]),
        ),
        Table(
            "crate", ("hall", "code"), "created_at", "modified_at", _datetime,
            lambda chance: (chance.choice(GUIDS[:2]), chance.choice(("k", "K ", "k  k", "q"))),
            lambda key: f"{key[0].upper()}/{_fold(key[1])}", separator="/",
        ),
    )
}  # fmt: skip


@dataclass(frozen=True)
class State:
    """What a committed transaction left of one record. `kind`: I, U, D (the row is gone), S (deleted softly)."""

    position: int
    table: str
    record: str
    kind: str
    version: int
    row: Row
    stamp: Any
    created: Any
    at: dt.datetime = dt.datetime.min
    """When it was committed, by the play's time."""

    @property
    def shown_stamp(self) -> dt.datetime | None:
        """The greatest of the row's stamps; None where a rowversion orders the states."""
        table = TABLES[self.table]
        if table.modified is None:
            return None
        stamps = [self.row.get(name) for name in (table.created, table.modified) if name]
        shown: dt.datetime = max(stamp for stamp in stamps if stamp is not None)
        return shown


def holds(document: Document, row: Row) -> bool:
    """Whether a row meets a definition's criteria: told once more, in Python."""
    return all(_holds(item["operator"], row[item["column"]], item.get("value")) for item in document.get("where", ()))


def _holds(operator: str, value: Any, operand: Any) -> bool:
    if operator in ("is null", "is not null"):
        return (value is None) == (operator == "is null")
    if value is None:
        return False
    given = operand if isinstance(operand, list) else [operand]
    if isinstance(value, int) or str(value)[:1].isdigit():
        value, given = Decimal(value), [Decimal(item) for item in given]
    match operator:
        case "=" | "in":
            return value in given
        case "<>" | "not in":
            return value not in given
        case ">=":
            return bool(value >= given[0])
        case "between":
            return bool(given[0] <= value <= given[1])
        case "like":
            assert given[0].startswith("%") and given[0].endswith("%")
            return given[0][1:-1] in value
    raise AssertionError(operator)
