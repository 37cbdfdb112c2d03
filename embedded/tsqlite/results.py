"""What a batch sends to its client, in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias

from .compiled import Column
from .errors import SqlError, Unsupported
from .values import Storage

if TYPE_CHECKING:
    from .interpreter import Interpreter

Row: TypeAlias = Sequence[Storage]

SELECT: Final = 0xC1
INSERT: Final = 0xC3
DELETE: Final = 0xC4
UPDATE: Final = 0xC5
EXECUTE: Final = 0xE0
"""Kinds of statements, as a client of SQL Server sees them in the token that ends a statement."""


@dataclass(slots=True)
class ResultSet:
    """Rows of storage values; `counted`: the client is told how many (not under NOCOUNT)."""

    columns: tuple[Column, ...]
    rows: list[tuple[Storage, ...]]
    command: int = SELECT
    counted: bool = True


@dataclass(slots=True)
class Count:
    """'(n rows affected)' of a statement that returned no rows."""

    rows: int
    command: int = 0


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


@dataclass(slots=True)
class Done:
    """A statement has ended that sent neither rows nor a count, or that failed. Only a `Feed` is told."""

    command: int = 0
    error: bool = False


@dataclass(slots=True)
class ProcedureEnd:
    """A procedure that a batch has called is over. Only a `Feed` is told."""

    status: int


@dataclass(slots=True)
class DatabaseChanged:
    """USE. Only a `Feed` is told."""

    old: str
    new: str


@dataclass(slots=True)
class LanguageChanged:
    """SET LANGUAGE. Only a `Feed` is told."""

    old: str
    new: str


Event: TypeAlias = ResultSet | Count | Message | Failure | Done | ProcedureEnd | DatabaseChanged | LanguageChanged


@dataclass(slots=True)
class Sink:
    """Where events go: a list, or inside INSERT ... EXECUTE the rows alone."""

    detailed: ClassVar[bool] = False
    """Whether the ends of statements are wanted as well."""
    events: list[Event] = field(default_factory=list)
    parent: Sink | None = None

    def put(self, event: Event) -> None:
        """Take an event. Under INSERT ... EXECUTE only result sets stay here."""
        if self.parent is None or isinstance(event, ResultSet):
            self.events.append(event)
        elif not isinstance(event, Count):
            self.parent.put(event)


class Feed(Sink):
    """Hands on every event as it happens: `receive(event, in_procedure)`.

    An exception that `receive` raises ends the batch with its transaction rolled back, and leaves `run_...`.
    """

    __slots__ = ("_receive", "interpreter")
    detailed = True

    def __init__(self, interpreter: Interpreter, receive: Callable[[Event, bool], None]) -> None:
        super().__init__()
        self.interpreter = interpreter
        self._receive = receive

    def put(self, event: Event) -> None:
        """Hand the event on."""
        self._receive(event, self.interpreter.in_procedure)


@dataclass(frozen=True, slots=True)
class Told:
    """An error as a client is told of it."""

    number: int
    severity: int
    state: int
    text: str
    procedure: str
    line: int


REFUSAL: Final = 40000
"""The number of an error that names a construct which the engine refuses; SQL Server has none of its own there."""


def told(error: SqlError | Unsupported) -> Told:
    """The parts of an error's message."""
    if isinstance(error, Unsupported):
        text = f"{error.construct} is not supported by tsqlite" + (f" (line {error.line})" if error.line else "")
        return Told(error.number or REFUSAL, 16, 1, text, error.procedure or "", error.line or 1)
    return Told(
        error.number, error.severity, error.state, error.message, error.procedure or "", max(error.line or 1, 0)
    )
