"""What a batch sends to its client, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from .compiled import Column
from .errors import SqlError, Unsupported
from .values import Storage

Row: TypeAlias = Sequence[Storage]


@dataclass(slots=True)
class ResultSet:
    """Rows of storage values."""

    columns: tuple[Column, ...]
    rows: list[tuple[Storage, ...]]


@dataclass(slots=True)
class Count:
    """'(n rows affected)' of a statement that returned no rows."""

    rows: int


@dataclass(slots=True)
class Message:
    """PRINT, RAISERROR below severity 11, and information."""

    number: int
    text: str
    severity: int = 0
    state: int = 1
    line: int = 0
    procedure: str | None = None


@dataclass(slots=True)
class Failure:
    """An error that reached the client; the batch may have gone on."""

    error: SqlError | Unsupported


Event: TypeAlias = ResultSet | Count | Message | Failure


@dataclass(slots=True)
class Sink:
    """Where events go: a list, or inside INSERT ... EXECUTE the rows alone."""

    events: list[Event] = field(default_factory=list)
    parent: Sink | None = None

    def put(self, event: Event) -> None:
        """Take an event. Under INSERT ... EXECUTE only result sets stay here."""
        if self.parent is None or isinstance(event, ResultSet):
            self.events.append(event)
        elif not isinstance(event, Count):
            self.parent.put(event)
