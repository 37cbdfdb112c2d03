"""One answer: the events of a run, as tokens in the packets of a RESULT message."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ..errors import SqlError, Unsupported
from ..interpreter import LATE
from ..remote import Argument, Outcome, Output
from ..results import (
    Count,
    DatabaseChanged,
    Event,
    Failure,
    LanguageChanged,
    Message,
    ProcedureEnd,
    ResultSet,
    told,
)
from ..results import Done as StatementDone
from .packets import PacketWriter
from .requests import RpcParameter
from .tokens import ColumnInfo, Command, Description, Done, Tokens

if TYPE_CHECKING:
    from ..compiled import Column
    from .connection import Connection

ROWS: Final = 2000
"""Rows that are made into bytes at once."""
FLUSH: Final = 65536
"""Bytes of tokens that are handed on at once."""
DESCRIPTIONS: Final = 200
"""Results whose columns a connection keeps as bytes."""


@dataclass(slots=True)
class Ending:
    """A DONE that waits for what follows it, which decides about its MORE bit."""

    kind: Done
    count: int | None
    error: bool
    command: int
    in_transaction: bool


def not_prepared() -> SqlError:
    """Error 8180, which follows whatever is wrong with a text that was to be prepared."""
    return SqlError(8180, "Statement(s) could not be prepared.", 16, 1, 1)


def column_infos(columns: Iterable[Column]) -> list[ColumnInfo]:
    """The engine's columns as COLMETADATA has them."""
    return [ColumnInfo(c.name, c.type, identity=c.identity, computed=c.computed) for c in columns]


class Descriptions:
    """COLMETADATA of the results that a connection has had: a plan has the same columns each time."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[tuple[Column, ...], Description]] = {}

    def of(self, columns: tuple[Column, ...]) -> Description:
        """Errors: ``Unsupported`` for a type that has no form on the wire."""
        found = self._made.get(id(columns))
        if found is None:
            if len(self._made) >= DESCRIPTIONS:
                self._made.clear()
            # The columns are kept as well, so that no others get their id.
            found = self._made[id(columns)] = columns, Description(column_infos(columns))
        return found[1]


def arguments(parameters: Iterable[RpcParameter]) -> list[Argument]:
    """An RPC's parameters as the engine takes them."""
    return [Argument(p.type, p.value, p.name, p.by_reference, p.default) for p in parameters]


class Reply:
    """The answer to one message. While the engine runs, a client that does not read is not waited for: what it does
    not take is kept, and sent when the run has ended and holds no lock.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.session = connection.session
        self.tokens = Tokens()
        self.writer = PacketWriter(size=connection.packet_size, spid=self.session.spid())
        self._held: Ending | None = None
        self._failed = False
        self.preparing = False
        """Whether what runs has not been compiled yet: sp_prepexec before its first event."""

    # -- events

    def receive(self, event: Event, in_procedure: bool) -> None:
        """An event of the run."""
        kind = Done.DONEINPROC if in_procedure else Done.DONE
        self._release(more=True)
        if isinstance(event, ResultSet):
            self.tokens.describe(self.connection.descriptions.of(event.columns))
            self._rows(event.rows)
            self.end(kind, len(event.rows) if event.counted else None, event.command)
        elif isinstance(event, Count):
            self.end(kind, event.rows, event.command)
        elif isinstance(event, StatementDone):
            self._failed = self._failed or event.error
            self.end(kind, None, event.command)
        elif isinstance(event, Message):
            self.message(event)
            self.flush()
        elif isinstance(event, Failure):
            self.failure(event.error)
            if self.preparing and not event.error.procedure and getattr(event.error, "number", 0) in LATE:
                self.failure(not_prepared())
        elif isinstance(event, ProcedureEnd):
            self.tokens.return_status(event.status)
            self.end(Done.DONEPROC, None, Command.EXECUTE)
        elif isinstance(event, DatabaseChanged):
            self.tokens.env_database(event.new, event.old)
        elif isinstance(event, LanguageChanged):
            self.tokens.env_language(event.new, event.old)
        self.preparing = False

    def _rows(self, rows: Sequence[Sequence[object]]) -> None:
        for start in range(0, len(rows), ROWS):
            self.tokens.rows(rows[start : start + ROWS])  # type: ignore[arg-type]
            if len(self.tokens) > FLUSH:
                self.connection.transport.offer(self.writer.write(self.tokens.take()))

    def message(self, event: Message) -> None:
        """INFO."""
        self.tokens.info(
            event.number,
            event.text,
            severity=event.severity,
            state=event.state,
            line=event.line,
            procedure=event.procedure or "",
            server=self.connection.server.name,
        )

    def failure(self, error: SqlError | Unsupported) -> None:
        """ERROR; the DONE that follows has its error bit."""
        self._release(more=True)
        said = told(error)
        self.tokens.error(
            said.number,
            said.text,
            severity=said.severity,
            state=said.state,
            line=said.line,
            procedure=said.procedure,
            server=self.connection.server.name,
        )
        self._failed = True

    def end(self, kind: Done, count: int | None = None, command: int = 0, *, error: bool = False) -> None:
        """A statement or procedure has ended."""
        self._release(more=True)
        self.tell_transaction(command)
        self._held = Ending(kind, count, error or self._failed, command, self.session.transaction is not None)
        self._failed = False

    def procedure_end(self, outcome: Outcome, extra: Sequence[Output] = (), first: int = 0) -> None:
        """The end of an RPC: status, OUTPUT parameters (`first` more than the engine counted come in front of them),
        DONEPROC.
        """
        self._release(more=True)
        failed, self._failed = self._failed, False
        if outcome.completed:
            self.tokens.return_status(outcome.status or 0)
        for output in extra:
            self.tokens.return_value(output.ordinal, output.name, output.type, output.value)
        if outcome.completed:
            for output in outcome.outputs:
                self.tokens.return_value(output.ordinal + first, output.name, output.type, output.value)
        self.end(Done.DONEPROC, None, Command.EXECUTE, error=failed or not outcome.completed)

    # -- transactions

    def tell_transaction(self, command: int = 0) -> None:
        """ENVCHANGE, when a transaction has begun or ended since the client was last told."""
        transaction = self.session.transaction
        now = 0 if transaction is None else transaction.id
        before = self.connection.transaction
        if now == before:
            return
        if before:
            if self._failed or command == Command.ROLLBACK:
                self.tokens.env_rollback(before)
            else:
                self.tokens.env_commit(before)
        if now:
            self.tokens.env_begin(now)
        self.connection.transaction = now

    # -- bytes

    def _release(self, *, more: bool) -> None:
        held, self._held = self._held, None
        if held is None:
            return
        self.tokens.done(
            held.kind,
            count=held.count,
            more=more,
            error=held.error,
            in_transaction=held.in_transaction,
            command=held.command,
        )

    def flush(self) -> None:
        """Let the client have what there is, as far as it reads."""
        data = self.writer.write(self.tokens.take())
        self.connection.transport.offer(data + self.writer.flush())

    def finish(self) -> None:
        """The run is over: its last DONE, and everything out."""
        self.tell_transaction()
        cancelled = self.session.cancelled
        if self._failed or self._held is None or cancelled:
            self.end(Done.DONE, error=cancelled)
        self._release(more=False)
        # First the packets that are full, so that a long text is not held twice.
        data = self.writer.write(self.tokens.take())
        self.connection.transport.send(data + self.writer.finish())

    def acknowledge(self) -> None:
        """The answer to an attention: a message of its own, behind that of what it has cancelled."""
        self.tokens.done(in_transaction=self.session.transaction is not None, attention=True)
        self.connection.transport.send(self.writer.write(self.tokens.take()) + self.writer.finish())
