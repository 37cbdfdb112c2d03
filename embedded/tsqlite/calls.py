"""EXECUTE: procedures with their parameters, system procedures, dynamic texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, cast

from . import tree, units
from .catalog import Module, Parameter, Table, View
from .errors import SqlError, Unsupported, sql_error
from .frames import Frame, LevelEnd, Returned, ToCatch, split_name
from .results import EXECUTE, Done, Failure, ProcedureEnd, Sink
from .session import Scope, Session
from .types import INT, SqlType, nvarchar
from .units import Unit
from .values import Storage

if TYPE_CHECKING:
    from .interpreter import Interpreter

NESTING_LIMIT: Final = 32

dynamic_texts: list[str] | None = None
"""Set to a list, it collects every dynamic text that is run (for the tests that parse them all with Microsoft's
parser).
"""


class Calls:
    """The part of `Interpreter` that calls modules and texts."""

    if TYPE_CHECKING:
        session: Session
        sink: Sink
        frame: Frame | None

        @property
        def in_procedure(self) -> bool: ...
        def value(self, expr: tree.Expr, frame: Frame, type_: SqlType | None = None) -> tuple[Storage, SqlType]: ...
        def converted(self, value: Storage, of: SqlType, to: SqlType) -> Storage: ...
        def _level(self, unit: Unit, scope: Scope, values: dict[str, Storage] | None = None) -> Frame: ...
        def _declare_tables(self, frame: Frame) -> None: ...
        def _check(self, frame: Frame) -> None: ...
        def _statements(self, statements: Sequence[tree.Statement], frame: Frame) -> None: ...

    unbalanced = 0
    """266 once a call has left another count of transactions, for @@ERROR after the statement that called."""

    def execute(self, statement: tree.Execute | tree.ExecuteString, frame: Frame) -> None:
        """EXECUTE."""
        self._execute_any(statement, frame)

    def _execute_any(self, node: Any, frame: Frame) -> None:
        if isinstance(node, tree.ExecuteString):
            text = "".join(str(self.value(p, frame, nvarchar())[0] or "") for p in node.parts)
            self.run_dynamic(text, "", {}, frame)
            return
        assert isinstance(node, tree.Execute)
        if node.result_sets not in (None, "UNDEFINED"):
            raise Unsupported("WITH RESULT SETS", node.line)
        if isinstance(node.procedure, tree.Variable):
            name = str(frame.values[node.procedure.name.lower()] or "")
            parts = split_name(name)
        else:
            parts = node.procedure.parts
        code = self._call(parts, node, frame)
        if self.sink.detailed:
            self._returned(code)
        if node.return_variable is not None:
            key = node.return_variable.lower()
            frame.values[key] = self.converted(code, INT, frame.shape.types[key])

    def _returned(self, code: int | None) -> None:
        if not self.in_procedure:
            self.sink.put(ProcedureEnd(code or 0))
        elif self.session.scope.level and not self.session.settings.nocount:
            self.sink.put(Done(EXECUTE))

    def _call(self, parts: tuple[str, ...], node: tree.Execute, frame: Frame) -> int | None:
        from .system_procedures import PROCEDURES

        session = self.session
        if session.transaction is None or not session.transaction.writing:
            # Under the write lock nobody else changes the catalog.
            session.refresh()
        found = session.find_object(parts, frame.unit.schema)
        if not isinstance(found, Module):
            system = PROCEDURES.get(parts[-1].lower())
            if system is not None and (len(parts) == 1 or parts[-2].lower() in ("", "sys", "dbo")):
                return system(cast("Interpreter", self), node, frame)
            if parts[-1].lower().startswith(("sp_", "xp_")) and (len(parts) == 1 or parts[-2].lower() in ("", "sys")):
                raise Unsupported(f"System procedure {parts[-1]}", node.line)
            relation = found or session.find_relation(parts)
            if relation is not None and getattr(relation, "kind", "user") == "user" and not parts[-1].startswith("#"):
                what = "view" if isinstance(relation, View) else "table" if isinstance(relation, Table) else "sequence"
                raise sql_error(2809, "procedure", relation.name, relation.name, what)
            raise sql_error(2812, ".".join(parts), state=62)
        if found.kind == "FN":
            raise Unsupported("EXECUTE of a scalar function", node.line)
        if found.kind != "P":
            raise sql_error(2809, "procedure", found.name, found.name, "function")
        unit = units.module_unit(found)
        shape = unit.shape(session)
        values, outputs = self._arguments(found.name, shape.parameters, node.args, frame)
        frame_of_call = self.call(found, unit, values)
        code = frame_of_call.values.get("@@return_code")
        for target, source in outputs.items():
            frame.values[target] = self.converted(
                frame_of_call.values[source], shape.types[source], frame.shape.types[target]
            )
        assert code is None or isinstance(code, int)
        return code

    def call(self, module: Module, unit: Unit, values: dict[str, Storage]) -> Frame:
        """Run a procedure's body; its return code is the value of @@return_code."""
        session = self.session
        if session.scope.level >= NESTING_LIMIT:
            raise sql_error(217)
        scope = Scope(session.scope.level + 1, module, name=module.name)
        settings = session.settings
        session.settings = settings.copy()
        session.settings.ansi_nulls, session.settings.quoted_identifier = module.ansi_nulls, module.quoted_identifier
        count = session.trancount()
        outer = self.frame
        session.enter_scope(scope)
        try:
            frame = self.frame = Frame(unit, scope, session)
            frame.values.update(values)
            code: int | None = None
            try:
                self._declare_tables(frame)
                self._check(frame)
                self._statements(unit.statements, frame)
            except Returned as r:
                code = r.value
            except LevelEnd:
                code = -6
            frame.values["@@return_code"] = (
                code if code is not None else (10 - frame.severity if frame.severity > 10 else 0)
            )
            quiet = session.settings.xact_abort
        finally:
            # Only what the session keeps of it survives the call.
            settings.context_info = session.settings.context_info
            session.settings = settings
            session.leave_scope()
            self.frame = outer
        if session.trancount() != count and not quiet:
            error = sql_error(266, count, session.trancount(), state=2)
            error.procedure, error.line = module.name, 0
            self._mismatch(error)
        return frame

    def _mismatch(self, error: SqlError) -> None:
        if self.session.try_depth > 0:
            raise ToCatch(error)
        self.unbalanced = error.number
        self.sink.put(Failure(error))

    def _arguments(
        self, name: str, parameters: tuple[Parameter, ...], args: Iterable[tree.ExecArgument], frame: Frame
    ) -> tuple[dict[str, Storage], dict[str, str]]:
        by_name = {p.name.lower(): p for p in parameters}
        values: dict[str, Storage] = {}
        outputs: dict[str, str] = {}
        given = list(args)
        if given and not parameters:
            raise sql_error(8146, name)
        named, unknown = False, None
        for position, arg in enumerate(given):
            if arg.name is not None:
                named = True
                found = by_name.get(arg.name.lower())
                if found is None:
                    unknown = unknown or arg.name
                    continue
            else:
                if named:
                    raise sql_error(119, position + 1)
                if position >= len(parameters):
                    raise sql_error(8144, name, state=2)
                found = parameters[position]
            key = found.name.lower()
            if key in values:
                raise sql_error(8143, found.name)
            if arg.output:
                if not found.output:
                    raise sql_error(8162, found.name, state=2)
                if not isinstance(arg.value, tree.Variable):
                    raise sql_error(179)
                outputs[arg.value.name.lower()] = key
            if isinstance(arg.value, tree.DefaultValue):
                continue
            value, of = self._argument(arg.value, frame)
            values[key] = self._converted_argument(value, of, found.type)
        for p in parameters:
            key = p.name.lower()
            if key not in values:
                if p.default is None:
                    raise sql_error(201, name, p.name, state=4)
                value, of = self._argument(p.default, frame)
                values[key] = self.converted(value, of, p.type)
        if unknown is not None:
            raise sql_error(8145, unknown, name)  # a parameter that is missing is told first
        return values, outputs

    def _argument(self, expr: tree.Expr, frame: Frame) -> tuple[Storage, SqlType]:
        if isinstance(expr, tree.Bareword):
            return expr.value, nvarchar(max(1, len(expr.value)))
        return self.value(expr, frame)

    def _converted_argument(self, value: Storage, of: SqlType, to: SqlType) -> Storage:
        try:
            return self.converted(value, of, to)
        except SqlError as e:
            if e.number in (245, 241, 242, 8169, 235, 244, 248, 8114, 295):
                raise sql_error(8114, of.display_name, to.display_name, state=1) from None
            raise

    def run_dynamic(
        self,
        text: str,
        parameters: str,
        values: dict[str, Storage],
        frame: Frame,
        unit: Unit | None = None,
        levels: int = 1,
    ) -> Frame:
        """EXEC('...') or sp_executesql: a level of its own, which sees the caller's #temp tables but not its variables.

        sp_executesql counts as two `levels`: the procedure and its text.
        """
        session = self.session
        if session.scope.level >= NESTING_LIMIT:
            raise sql_error(217)
        dynamic_texts.append(text) if dynamic_texts is not None else None
        if unit is None:
            try:
                unit = units.dynamic_unit(text, parameters, session.settings.quoted_identifier)
            except SqlError as e:
                e.procedure = e.procedure or ""
                raise
        scope = Scope(session.scope.level + levels, None)
        settings = session.settings
        session.settings = settings.copy()
        session.enter_scope(scope)
        try:
            made: Frame | None = None
            with suppress(LevelEnd):
                made = self._level(unit, scope, values)
        finally:
            settings.context_info = session.settings.context_info
            session.settings = settings
            session.leave_scope()
        if made is None:
            made = Frame(unit, scope, session)
            made.values.update(values)
            made.severity = 16
        return made
