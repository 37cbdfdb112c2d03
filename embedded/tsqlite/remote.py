"""What a client may ask for: a batch, a procedure by name with its arguments, a text prepared once and run often."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from . import units
from .catalog import Parameter
from .compiled import Column
from .errors import Cancelled, SqlError, Unsupported, sql_error
from .frames import BatchEnd, Frame, LevelEnd, ToCatch, literal, split_name
from .parser import too_deep
from .results import Event, Failure, Sink
from .session import Scope, Session
from .types import SqlType
from .units import Unit
from .values import Storage


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a call: a storage value of `type`. `name` ('@a') is empty where its position tells which it is.

    `output`: the value comes back. `default`: the parameter's own default is meant.
    """

    type: SqlType
    value: Storage
    name: str = ""
    output: bool = False
    default: bool = False


@dataclass(frozen=True, slots=True)
class Output:
    """A value that came back: `ordinal` is the argument's position from 0; the type is the argument's."""

    ordinal: int
    name: str
    type: SqlType
    value: Storage


@dataclass(slots=True)
class Outcome:
    """What a call came to. Not `completed`: the batch ended before the procedure returned, `status` is None."""

    events: list[Event] = field(default_factory=list)
    completed: bool = False
    status: int | None = None
    outputs: list[Output] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A text with declared parameters, ready to run."""

    text: str
    declarations: str
    unit: Unit

    def parameters(self, session: Session) -> tuple[Parameter, ...]:
        """Names and types of the parameters."""
        return self.unit.shape(session).parameters

    def columns(self, session: Session) -> tuple[Column, ...] | None:
        """The columns of its first result set; None where it has none, or where only running it would tell."""
        from . import describe

        try:
            found = describe.first_result_set(session, self.text, self.declarations)
        except (SqlError, Unsupported):
            return None
        return None if found is None else tuple([d.column for d in found])


@lru_cache(maxsize=1000)
def _call_text(name: str, arguments: tuple[tuple[str, str, bool, bool], ...]) -> tuple[str, str]:
    """EXECUTE of a procedure as a text with declared parameters: the text and their declarations."""
    parts = ".".join(part and "[" + part.replace("]", "]]") + "]" for part in split_name(name))
    given, declared = [], ["@status int = NULL"]
    for i, (parameter, type_, output, default) in enumerate(arguments):
        value = "DEFAULT" if default else f"@p{i} OUTPUT" if output else f"@p{i}"
        given.append(f"{parameter} = {value}" if parameter else value)
        declared.append(f"@p{i} {type_}")
    return f"EXECUTE @status = {parts} {', '.join(given)}", ", ".join(declared)


class Remote:
    """The part of `Interpreter` that clients call. Errors are events; whatever else leaves is a defect of the engine,
    and everything has been rolled back.
    """

    if TYPE_CHECKING:
        session: Session
        sink: Sink
        frame: Frame | None

        def _level(self, unit: Unit, scope: Scope, values: dict[str, Storage] | None = None) -> Frame: ...
        def converted(self, value: Storage, of: SqlType, to: SqlType) -> Storage: ...
        def _converted_argument(self, value: Storage, of: SqlType, to: SqlType) -> Storage: ...

    remote = False
    """Whether what runs was asked for as a procedure, not as a batch."""

    @property
    def in_procedure(self) -> bool:
        """Whether what happens now belongs to a procedure or dynamic text, not to the batch itself."""
        return self.remote or self.session.scope.level > 0

    def run_batch(
        self, text: str, parameters: Sequence[tuple[SqlType, Storage]] | None = None, *, sink: Sink | None = None
    ) -> Sink:
        """Run a batch to its end. `parameters` are @P1, @P2 ... of the text. Errors are events of the result."""
        session = self.session
        sink = self._start(sink)
        try:
            session.refresh()
            if parameters is None:
                unit = units.unit_of(text, session.settings.quoted_identifier)
                self._level(unit, session.scopes[0])
            else:
                head = ", ".join(f"@P{i} {t}" for i, (t, _) in enumerate(parameters, 1))
                unit = units.dynamic_unit(text, head, session.settings.quoted_identifier)
                scope = Scope(1)
                session.enter_scope(scope)
                try:
                    values = {f"@p{i}": v for i, (_, v) in enumerate(parameters, 1)}
                    self._level(unit, scope, values)
                finally:
                    session.leave_scope()
        except BaseException as e:
            if not self._ended_by(e):
                raise
        self._finish()
        return sink

    def run_procedure(self, name: str, arguments: Sequence[Argument] = (), *, sink: Sink | None = None) -> Outcome:
        """Call a procedure by its multipart name, a system procedure too."""

        def run(outcome: Outcome) -> None:
            text, head = _call_text(name, tuple([(a.name, str(a.type), a.output, a.default) for a in arguments]))
            unit = units.dynamic_unit(text, head, True)
            values = {f"@p{i}": a.value for i, a in enumerate(arguments)}
            values["@status"] = None
            frame = self._level(unit, self.session.scopes[0], values)
            status = frame.values["@status"]
            assert status is None or isinstance(status, int)
            outcome.status, outcome.completed = status, status is not None
            if outcome.completed:
                outcome.outputs = [
                    Output(i, a.name, a.type, frame.values[f"@p{i}"]) for i, a in enumerate(arguments) if a.output
                ]

        return self._call_for(run, sink)

    def prepare(self, text: str, declarations: str = "") -> Prepared:
        """Make a text ready to run. Errors: `SqlError` and `Unsupported` of its parsing and its declarations."""
        self.session.refresh()
        try:
            unit = units.dynamic_unit(text, declarations, self.session.settings.quoted_identifier)
        except RecursionError:
            raise too_deep() from None
        unit.shape(self.session)
        return Prepared(text, declarations, unit)

    def run_prepared(
        self, prepared: Prepared, arguments: Sequence[Argument] = (), *, sink: Sink | None = None
    ) -> Outcome:
        """Run a prepared text. Errors 8178 for a missing argument, 8144 for one too many, 8145, 8162."""

        def run(outcome: Outcome) -> None:
            session = self.session
            values, places = self._given(prepared, arguments)
            scope = Scope(1)
            settings = session.settings
            session.settings = settings.copy()
            session.enter_scope(scope)
            frame: Frame | None = None
            try:
                frame = self._level(prepared.unit, scope, values)
            except LevelEnd:
                outcome.status = -6
            finally:
                settings.context_info = session.settings.context_info
                session.settings = settings
                session.leave_scope()
            outcome.completed = True
            if frame is None:
                return
            outcome.status = session.error if frame.severity > 10 else 0
            outcome.outputs = [
                Output(i, a.name, a.type, self.converted(frame.values[key], frame.shape.types[key], a.type))
                for i, (a, key) in enumerate(zip(arguments, places, strict=True))
                if a.output
            ]

        return self._call_for(run, sink)

    def _given(self, prepared: Prepared, arguments: Sequence[Argument]) -> tuple[dict[str, Storage], list[str]]:
        parameters = prepared.parameters(self.session)
        by_name = {p.name.lower(): p for p in parameters}
        values: dict[str, Storage] = {}
        places = []
        for i, argument in enumerate(arguments):
            if argument.name:
                found = by_name.get(argument.name.lower())
                if found is None:
                    raise sql_error(8145, argument.name, "")
            elif i < len(parameters):
                found = parameters[i]
            else:
                raise sql_error(8144, "", state=2) if parameters else sql_error(8146, "")
            key = found.name.lower()
            if key in values:
                raise sql_error(8143, found.name)
            if argument.output and not found.output:
                raise sql_error(8162, found.name, state=2)
            places.append(key)
            if not argument.default:
                values[key] = self._converted_argument(argument.value, argument.type, found.type)
        for p in parameters:
            if p.name.lower() in values:
                continue
            default = literal(p.default) if p.default is not None else None
            if default is None:
                raise sql_error(8178, f"({prepared.declarations}){prepared.text}", p.name)
            values[p.name.lower()] = self.converted(*default, p.type)
        return values, places

    # -- the frame of a run

    def _call_for(self, run: Callable[[Outcome], None], sink: Sink | None) -> Outcome:
        sink = self._start(sink)
        outcome = Outcome(sink.events)
        self.remote = True
        try:
            self.session.refresh()
            run(outcome)
        except BaseException as e:
            outcome.completed, outcome.status = False, None
            if not self._ended_by(e):
                raise
        finally:
            self.remote = False
        self._finish()
        return outcome

    def _start(self, sink: Sink | None) -> Sink:
        session = self.session
        self.sink = sink = Sink() if sink is None else sink
        session.try_depth = 0
        session.caught.clear()
        session.insert_execute_depth = 0
        session.running = True
        session.start_statement()
        return sink

    def _ended_by(self, error: BaseException) -> bool:
        """Settle what ended a run. False: it is nothing that T-SQL knows of, everything has been undone."""
        match error:
            case SqlError():
                self.session.error = error.number
                self.sink.put(Failure(error))
            case Unsupported():
                self._abandon()
                self.sink.put(Failure(error))
            case ToCatch():
                self.sink.put(Failure(error.error))
            case BatchEnd() | LevelEnd():
                pass
            case Cancelled():
                self._cancel(error)
            case RecursionError():
                self._abandon()
                self.sink.put(Failure(too_deep()))
            case _:
                self._abandon()
                return False
        return True

    def _cancel(self, error: Cancelled) -> None:
        # The statement has been undone; the transaction stays open, as after an attention, unless XACT_ABORT is on.
        tx = self.session.transaction
        if error.undo or (tx is not None and (tx.insert_execute or tx.doomed)):
            self._abandon()
        else:
            self._drop_levels()

    def _finish(self) -> None:
        self.session.running = False
        tx = self.session.transaction
        if tx is not None and tx.doomed:
            self.session.undo()
            self.sink.put(Failure(sql_error(3998, line=1)))

    def _abandon(self) -> None:
        self.session.running = False
        # First undone, then left: emptying a level's temporary tables must not itself be undone.
        tx = self.session.transaction
        if tx is not None:
            tx.insert_execute = False
        self.session.undo()
        self._drop_levels()

    def _drop_levels(self) -> None:
        session = self.session
        while len(session.scopes) > 1:
            session.leave_scope()
        while self.sink.parent is not None:
            self.sink = self.sink.parent
