"""Runs batches and procedures: control of flow, variables, TRY/CATCH, calls, result sets, what an error ends.

Three things may happen to an error. With a TRY around it (here or in a caller) control goes to that CATCH. Otherwise it
is sent to the client, and either the next statement runs, or the batch ends: XACT_ABORT, THROW, and errors of
conversion do that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import apsw

from . import binder, ddl, ddl_tables, dml, tree, units
from .calls import Calls
from .compiled import Column, Delete, Insert, Query, Update
from .convert import convert
from .errors import Cancelled, SqlError, Unsupported, message_text, sql_error
from .frames import (
    BatchEnd,
    Break,
    Continue,
    Frame,
    Jump,
    LevelEnd,
    Returned,
    ToCatch,
    literal,
    split_name,
)
from .remote import Remote
from .results import (
    DELETE,
    EXECUTE,
    INSERT,
    SELECT,
    UPDATE,
    Count,
    DatabaseChanged,
    Done,
    Failure,
    LanguageChanged,
    Message,
    ResultSet,
    Sink,
)
from .session import Scope, Session, hooks
from .types import INT, SqlType, nvarchar
from .units import Names, Plan, Unit
from .values import Storage

ABORTING: Final = frozenset(
    {
        *(235, 241, 245, 289, 293, 295, 3623, 8114, 8169),
        *(217, 911, 1205, 2714, 3960, 3951, 3952, 3961),
    }
)
"""Errors that end the batch and roll back the transaction whatever XACT_ABORT says; in TRY they doom it."""
DEFINITIONS: Final = (
    tree.CreateTable,
    tree.AlterTable,
    tree.CreateIndex,
    tree.AlterIndex,
    tree.DropIndex,
    tree.Drop,
    tree.Truncate,
    tree.CreateSchema,
    tree.CreateType,
    tree.CreateSequence,
    tree.SetIdentityInsert,
)
"""Statements whose errors do so too in a transaction, but for those of objects that are not there."""
ABSENT: Final = frozenset({208, 1088, 3701, 4701, 4902, 15151})
COMPLAINTS: Final = frozenset({266, 3701})
"""Errors that XACT_ABORT does not mind."""
NO_UNDO: Final = frozenset({3952})
LATE: Final = frozenset({207, 208, 209, 4104, 1087, 4121, 213, 206, 402, 8117, 8120, 257, 4902, 1911})
"""Errors of names and types: found when a statement is compiled. At run time they end their procedure or batch."""
UNRESOLVED: Final = frozenset({208, 1087, 4902, 2812, 4121, 15151, 1088})
"""At compilation of a batch these are left for the statement's turn: the object may be there by then."""


class Interpreter(Calls, Remote):
    """Runs texts in a session. One at a time; results go to `sink`."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.sink = Sink()
        self.frame: Frame | None = None
        session.interpreter = self

    def _level(self, unit: Unit, scope: Scope, values: dict[str, Storage] | None = None) -> Frame:
        session = self.session
        outer, outer_variables = self.frame, scope.variables
        frame = self.frame = Frame(unit, scope, session)
        if values:
            frame.values.update(values)
        scope.variables = {}
        try:
            self._declare_tables(frame)
            self._check(frame)
            self._statements(unit.statements, frame)
        except Returned:
            pass
        finally:
            for table in scope.variables.values():
                if not session.closed:
                    session.free_temp(table)
            scope.variables = outer_variables
            self.frame = outer
        return frame

    def _declare_tables(self, frame: Frame) -> None:
        for node in frame.unit.tables:
            key = (node.name.lower(), frame.scope.level)
            found = frame.shape.tables.get(key)
            if found is None:
                name = f"{node.name}@{frame.scope.level}"
                found = frame.shape.tables[key] = ddl_tables.temporary(
                    self.session, node.name, name, node.definition, "variable"
                )
            table, statements = found
            self.session.make_temp(table.sqlite_name, statements)
            frame.scope.variables[node.name.lower()] = table

    def _check(self, frame: Frame) -> None:
        """Compile every statement that can be, as the server does before a batch or procedure runs."""
        if frame.shape.checked:
            return
        for statement in units.every(frame.unit.statements):
            if isinstance(statement, tree.Use) and statement.database.lower() != self.session.database.lower():
                # What follows means the objects of another database: left for its turn.
                return
            try:
                self._compile(statement, frame)
            except SqlError as e:
                if e.number not in UNRESOLVED:
                    raise self._placed(e, statement, frame) from None
            except Unsupported as u:
                u.line = u.line or statement.line
                raise
        frame.shape.checked = True

    def _compile(self, statement: tree.Statement, frame: Frame) -> None:
        handler = HANDLERS.get(type(statement))
        if handler is None or handler is Interpreter.cursor:
            raise Unsupported("A cursor" if handler else type(statement).__name__, statement.line)
        if isinstance(statement, tree.WaitFor) and statement.kind != "DELAY":
            raise Unsupported(f"WAITFOR {statement.kind}", statement.line)
        if isinstance(statement, tree.SelectStatement | tree.Insert | tree.Update | tree.Delete):
            self._plan(statement, frame, binder.bind_statement)
        elif isinstance(statement, tree.If | tree.While):
            self._plan(statement.condition, frame, binder.bind_condition)
        elif isinstance(statement, tree.SetVariable) and statement.variable.lower() in frame.shape.types:
            self._plan(statement, frame, binder.bind_statement)

    # -- statements

    def _statements(self, statements: Sequence[tree.Statement], frame: Frame) -> None:
        index = 0
        while index < len(statements):
            try:
                self._statement(statements[index], frame)
            except Jump as jump:
                target = next(
                    (
                        i
                        for i, s in enumerate(statements)
                        if isinstance(s, tree.Label) and s.name.lower() == jump.label.lower()
                    ),
                    None,
                )
                if target is None:
                    raise
                index = target
            index += 1

    def _statement(self, statement: tree.Statement, frame: Frame) -> None:
        session = self.session
        handler = HANDLERS.get(type(statement))
        if handler is None:
            raise Unsupported(type(statement).__name__, statement.line)
        settings = session.settings
        if (settings.noexec or settings.fmtonly) and not ends_withholding(statement):
            if not settings.noexec:
                self._formats(statement, frame)
            return
        if session.cancelled:
            raise Cancelled(session.settings.xact_abort)
        if handler in TRANSPARENT:
            handler(self, statement, frame)
            return
        if not session.function_depth:
            session._moment = None
        if session.settings.implicit_transactions and session.transaction is None and begins(statement):
            session.begin()
        if hooks:
            session.boundary("before", type(statement).__name__, statement.line)
        try:
            handler(self, statement, frame)
            session.error, self.unbalanced = self.unbalanced, 0
            if self.sink.detailed:
                self._ended(statement)
        except SqlError as e:
            self._failed(e, statement, frame)
        except Unsupported as u:
            u.line = u.line or statement.line
            raise
        except apsw.InterruptError:
            raise Cancelled(session.settings.xact_abort) from None
        except apsw.BusyError as e:
            self._failed(sql_error(1205, session.spid(), "lock", state=45), statement, frame)
            del e
        except apsw.Error as e:
            self._failed_inside(e, statement)
        finally:
            if hooks:
                session.boundary("after", type(statement).__name__, statement.line)

    def _formats(self, statement: tree.Statement, frame: Frame) -> None:
        from . import describe

        try:
            describe.formats(self, statement, frame)
        except SqlError as e:
            self._failed(e, statement, frame)

    def _failed_inside(self, error: apsw.Error, statement: tree.Statement) -> None:
        # SQLite could not run what was made of the statement: the engine's limit, told as such.
        raise Unsupported(f"{type(statement).__name__} (SQLite: {error})", statement.line) from error

    def _placed(self, error: SqlError, statement: tree.Node, frame: Frame) -> SqlError:
        if not error.line:
            error.line = statement.line
        if error.procedure is None:
            error.procedure = frame.procedure
        return error

    def _failed(self, error: SqlError, statement: tree.Statement, frame: Frame) -> None:
        session = self.session
        if session.function_depth:
            # An error inside a function is one of the statement that called it.
            raise error
        self._placed(error, statement, frame)
        session.error = error.number
        session.row_count = 0
        frame.severity = max(frame.severity, error.severity)
        raised = isinstance(statement, tree.Raiserror)
        thrown = isinstance(statement, tree.Throw)
        late = error.number in LATE and isinstance(
            statement,
            tree.SelectStatement | tree.Insert | tree.Update | tree.Delete | tree.SetVariable | tree.If | tree.While,
        )
        aborting = (
            error.number in ABORTING
            or (isinstance(statement, DEFINITIONS) and session.transaction is not None and error.number not in ABSENT)
            or (session.settings.xact_abort and not raised and error.number not in COMPLAINTS)
        )
        if isinstance(statement, tree.Module) and error.number not in ABORTING:
            aborting = False  # it was compiled, and nothing was run
        depth = session.try_depth
        if late and not session.settings.xact_abort:
            depth = frame.try_depth
        if depth > 0 and error.severity < 20:
            if aborting and session.transaction is not None:
                session.transaction.doomed = True
            raise ToCatch(error, frame if late else None)
        if aborting and error.number not in NO_UNDO:
            tx = session.transaction
            if tx is not None:
                tx.insert_execute = False
            session.undo()
        self.sink.put(Failure(error))
        if aborting or thrown:
            raise BatchEnd
        if isinstance(statement, tree.Insert | tree.Update | tree.Delete) and not late:
            self.sink.put(Message(3621, message_text(3621), 0, 0, error.line, error.procedure))
        if self.sink.detailed:
            self.sink.put(Done(COMMANDS.get(type(statement), 0), error=True))
        if late:
            raise LevelEnd

    def _ended(self, statement: tree.Statement) -> None:
        # What sends rows or a count has ended with them, a called procedure with its status.
        if not self.in_procedure and (
            type(statement) in ENDS or (self.session.settings.nocount and isinstance(statement, WRITES))
        ):
            self.sink.put(Done(COMMANDS.get(type(statement), 0)))

    # -- plans

    def _plan(self, node: tree.Node, frame: Frame, bind: Callable[[Any, Any], Any]) -> Any:
        shape = frame.shape
        if shape.version != self.session.catalog.version:
            values = frame.values
            frame.shape = shape = frame.unit.shape(self.session)
            frame.names = Names(self.session, shape.types, frame.unit.schema)
            frame.values = values
        plan = shape.plans.get(id(node))
        if plan is None or not frame.names.valid(plan):
            names = Names(self.session, shape.types, frame.unit.schema)
            try:
                compiled = bind(node, names)
            except SqlError as e:
                if not e.line:
                    e.line = node.line
                raise
            plan = shape.plans[id(node)] = Plan(
                compiled,
                node,
                names.temps,
                names.options,
                functions=tuple(names.functions),
                system_views=tuple(names.system_views),
            )
        return plan.compiled

    def query(self, query: Query, frame: Frame) -> list[tuple[Storage, ...]]:
        """The rows of a bound query."""
        session = self.session
        temporary = session.read(query.touched.tables, query.touched.locking)
        values = frame.values
        # As in `rows`; written out here, where every call of a procedure comes by.
        outer, session.interruptible = session.interruptible, True
        try:
            rows: list[tuple[Storage, ...]] = session.db.execute(
                query.sql, tuple([values[p] for p in query.parameters])
            ).fetchall()
            return rows
        finally:
            session.interruptible = outer
            if temporary:
                session.read_done()

    def rows(self, query: Query, frame: Frame) -> list[tuple[Storage, ...]]:
        """Run a query's SQL; the only work of SQLite that `Session.cancel` may interrupt, since it changes nothing."""
        session, values = self.session, frame.values
        outer, session.interruptible = session.interruptible, True
        try:
            found: list[tuple[Storage, ...]] = session.db.execute(
                query.sql, tuple([values[p] for p in query.parameters])
            ).fetchall()
            return found
        finally:
            session.interruptible = outer

    def first_rows(self, query: Query | None, rows: list[tuple[Storage, ...]]) -> list[tuple[Storage, ...]]:
        """As many of a statement's rows as SET ROWCOUNT leaves."""
        limit = self.session.settings.rowcount
        if not limit:
            return rows
        if query is None or query.json:
            raise Unsupported(f"{'FOR JSON' if query else 'INSERT ... EXECUTE'} under SET ROWCOUNT")
        return rows[:limit]

    def locked(
        self, node: tree.Node, frame: Frame, bind: Callable[[Any, Any], Any], locks: Callable[[Any], bool]
    ) -> Any:
        """A plan, made again if taking the write lock showed another catalog."""
        compiled = self._plan(node, frame, bind)
        tx = self.session.transaction
        if tx is not None and not tx.writing and not self.session.readonly and not tx.doomed and locks(compiled):
            before = self.session.catalog.version
            self.session.lock()
            if self.session.catalog.version != before:
                compiled = self._plan(node, frame, bind)
        return compiled

    def value(self, expr: tree.Expr, frame: Frame, type_: SqlType | None = None) -> tuple[Storage, SqlType]:
        """Value and type of an expression; converted when `type_` is given."""
        if isinstance(expr, tree.Variable):
            found: Storage = frame.values[expr.name.lower()]
            of = frame.shape.types[expr.name.lower()]
        else:
            known = literal(expr)
            if known is not None:
                found, of = known
            else:
                query = self._plan(expr, frame, binder.bind_expression)
                rows = self.query(query, frame)
                found, of = rows[0][0], query.columns[0].type
        if type_ is None:
            return found, of
        return self.converted(found, of, type_), type_

    def converted(self, value: Storage, of: SqlType, to: SqlType) -> Storage:
        """An implicit conversion, as an assignment to a variable does it."""
        if value is None:
            return None
        if of.same_as(to) and not to.is_string:
            return value
        return convert(value, of, to, implicit=True, session=self.session)

    # -- queries and DML

    def select(self, statement: tree.SelectStatement, frame: Frame) -> None:
        """SELECT: rows to the client, to variables, or into a new table."""
        session = self.session
        query = self._plan(statement, frame, binder.bind_statement)
        if query.into is not None:
            session.row_count = ddl.select_into(self, query, frame)
            self.count(INSERT)
            return
        rows = self.query(query, frame)
        if session.settings.rowcount:
            rows = self.first_rows(query, rows)
        session.row_count = len(rows)
        if query.assigns:
            if rows:
                for name, value in zip(query.assigns, rows[-1], strict=True):
                    frame.values[name] = value
            return
        if query.json and not rows:
            session.row_count = 0
        if 0 < session.settings.textsize < 2**31 - 1 and self.sink.parent is None:
            rows = cut(query.columns, rows, session.settings.textsize)
        self.sink.put(ResultSet(query.columns, rows, SELECT, not session.settings.nocount))

    def write(self, statement: tree.Insert | tree.Update | tree.Delete, frame: Frame) -> None:
        """INSERT, UPDATE, DELETE."""
        session = self.session
        plan = self._plan(statement, frame, binder.bind_statement)
        if plan.table.kind == "user":
            session.check_writable()
            before = session.catalog.version
            if session.transaction is not None:
                session.lock()
                if session.catalog.version != before:
                    plan = self._plan(statement, frame, binder.bind_statement)
        elif plan.table.kind == "system":
            raise sql_error(259, "Ad hoc updates to system catalogs are not allowed.")
        if isinstance(plan, Insert) and plan.execute is not None:
            self._insert_execute(plan, frame)
            return
        while True:
            writer = dml.Writer(self, frame)
            try:
                if isinstance(plan, Insert):
                    outputs = writer.insert(plan)
                elif isinstance(plan, Update):
                    outputs = writer.update(plan)
                else:
                    assert isinstance(plan, Delete)
                    outputs = writer.delete(plan)
                break
            except dml.Stale:
                plan = self._plan(statement, frame, binder.bind_statement)
        session.row_count = writer.rows
        if outputs is not None:
            self.sink.put(ResultSet(*outputs, COMMANDS[type(statement)], not session.settings.nocount))
        else:
            self.count(COMMANDS[type(statement)])

    def count(self, command: int = SELECT) -> None:
        """Tell the client how many rows a statement touched, unless NOCOUNT."""
        if not self.session.settings.nocount:
            self.sink.put(Count(self.session.row_count, command))

    def _insert_execute(self, plan: Insert, frame: Frame) -> None:
        session = self.session
        if self.sink.parent is not None:
            raise sql_error(8164)
        own = session.transaction is None
        if own:
            session.begin()
        tx = session.transaction
        assert tx is not None
        marked, tx.insert_execute = tx.insert_execute, True
        self.sink = Sink(parent=self.sink)
        capture = self.sink
        done = False
        try:
            self._execute_any(plan.execute, frame)
            done = True
        finally:
            self.sink = capture.parent or self.sink
            tx.insert_execute = marked
            if not done and own and session.transaction is tx and not tx.doomed:
                session.undo()
        try:
            writer = dml.Writer(self, frame)
            sets = [e for e in capture.events if isinstance(e, ResultSet)]
            outputs = writer.insert_rows(plan, sets)
            if own:
                session.commit()
        except BaseException:
            if own and session.transaction is tx:
                session.undo()
            raise
        session.row_count = writer.rows
        if outputs is not None:
            self.sink.put(ResultSet(*outputs, INSERT, not session.settings.nocount))
        else:
            self.count(INSERT)

    def truncate(self, statement: tree.Truncate, frame: Frame) -> None:
        """TRUNCATE TABLE."""
        ddl.truncate(self, statement, frame)
        self.session.row_count = 0

    def define(self, statement: tree.Statement, frame: Frame) -> None:
        """CREATE, ALTER, DROP and kin."""
        ddl.execute(self, statement, frame)
        self.session.row_count = 0

    # -- variables

    def declare(self, statement: tree.Declare, frame: Frame) -> None:
        """DECLARE with values."""
        for declaration in statement.variables:
            if declaration.value is not None:
                self._assign(declaration.name, declaration.value, frame)

    def nothing(self, statement: tree.Statement, frame: Frame) -> None:
        """DECLARE @t TABLE: the table is there from the start. A label."""

    def _assign(self, name: str, value: tree.Expr, frame: Frame) -> None:
        key = name.lower()
        frame.values[key] = self.value(value, frame, frame.shape.types[key])[0]
        self.session.row_count = 1

    def set_variable(self, statement: tree.SetVariable, frame: Frame) -> None:
        """SET @v = value."""
        key = statement.variable.lower()
        if key not in frame.shape.types:
            raise Unsupported("A cursor variable", statement.line)
        query = self._plan(statement, frame, binder.bind_statement)
        rows = self.query(query, frame)
        frame.values[key] = rows[0][0]
        self.session.row_count = 1

    def set_option(self, statement: tree.SetOption, frame: Frame) -> None:
        """SET a, b ON."""
        for option in statement.options:
            self.session.set_option(option, statement.on, statement.line)
        self.session.row_count = 0

    def set_value(self, statement: tree.SetValue, frame: Frame) -> None:
        """SET option value."""
        expr = statement.value
        value, of = (expr.value, nvarchar()) if isinstance(expr, tree.Bareword) else self.value(expr, frame)
        if statement.option == "CONTEXT_INFO" and not of.is_binary:
            raise Unsupported(f"SET CONTEXT_INFO of {of.display_name}", statement.line)
        old = self.session.settings.language
        self.session.set_value(statement.option, value, statement.line)
        if statement.option == "LANGUAGE" and self.sink.detailed:
            new = self.session.settings.language
            self.sink.put(LanguageChanged(old, new))
            self.sink.put(Message(5703, f"Changed language setting to {new}.", 0, 1, statement.line))
        self.session.row_count = 0

    def set_isolation(self, statement: tree.SetIsolation, frame: Frame) -> None:
        """SET TRANSACTION ISOLATION LEVEL."""
        self.session.set_isolation(statement.level)
        self.session.row_count = 0

    def set_identity_insert(self, statement: tree.SetIdentityInsert, frame: Frame) -> None:
        """SET IDENTITY_INSERT."""
        dml.set_identity_insert(self.session, statement)
        self.session.row_count = 0

    # -- control of flow

    def block(self, statement: tree.Block, frame: Frame) -> None:
        """BEGIN ... END."""
        self._statements(statement.statements, frame)

    def condition(self, statement: tree.If | tree.While, frame: Frame) -> bool:
        """The condition of IF or WHILE; a statement of its own."""
        session = self.session
        if session.cancelled:
            raise Cancelled(session.settings.xact_abort)
        if not session.function_depth:
            session._moment = None
        if hooks:
            session.boundary("before", type(statement).__name__, statement.line)
        try:
            query = self._plan(statement.condition, frame, binder.bind_condition)
            true = self.query(query, frame)[0][0] == 1
            session.error = 0
        except SqlError as e:
            self._failed(e, statement, frame)
            true = False
        except Unsupported as u:
            u.line = u.line or statement.line
            raise
        except apsw.InterruptError:
            raise Cancelled(session.settings.xact_abort) from None
        except apsw.Error as e:
            self._failed_inside(e, statement)
        session.row_count = 0
        return true

    def if_(self, statement: tree.If, frame: Frame) -> None:
        """IF. After an error in the condition neither branch runs... the server skips the statement."""
        if self.condition(statement, frame):
            self._statements((statement.then,), frame)
        elif statement.otherwise is not None and self.session.error == 0:
            self._statements((statement.otherwise,), frame)

    def while_(self, statement: tree.While, frame: Frame) -> None:
        """WHILE."""
        while self.condition(statement, frame):
            try:
                self._statements((statement.body,), frame)
            except Break:
                break
            except Continue:
                continue

    def break_(self, statement: tree.Break, frame: Frame) -> None:
        """BREAK."""
        raise Break

    def continue_(self, statement: tree.Continue, frame: Frame) -> None:
        """CONTINUE."""
        raise Continue

    def goto(self, statement: tree.Goto, frame: Frame) -> None:
        """GOTO."""
        raise Jump(statement.label)

    def return_(self, statement: tree.Return, frame: Frame) -> None:
        """RETURN, with an int in a procedure."""
        if statement.value is None:
            raise Returned(None)
        if frame.unit.returns is not None:
            type_ = frame.shape.returns
            if type_ is None:
                type_ = frame.shape.returns = units.resolve_type(frame.unit.returns, self.session)
            frame.values["@@return"] = self.value(statement.value, frame, type_)[0]
            raise Returned(None)
        if frame.scope.module is None:
            raise sql_error(178)
        value, _ = self.value(statement.value, frame, INT)
        self.session.row_count = 1
        raise Returned(0 if value is None else int(value))

    def try_catch(self, statement: tree.TryCatch, frame: Frame) -> None:
        """TRY ... CATCH."""
        session = self.session
        depth, levels, sink = session.try_depth, len(session.scopes), self.sink
        session.try_depth = depth + 1
        try:
            self._statements(statement.body, frame)
            return
        except ToCatch as e:
            if e.passing is frame:
                raise
            caught = e.error
        finally:
            session.try_depth = depth
        assert len(session.scopes) == levels and self.sink is sink
        session.caught.append(caught)
        session.error = caught.number
        try:
            self._statements(statement.handler, frame)
        finally:
            session.caught.pop()

    def throw(self, statement: tree.Throw, frame: Frame) -> None:
        """THROW."""
        session = self.session
        if statement.number is None:
            if not session.caught:
                raise SqlError(
                    10704,
                    "To rethrow an error, a THROW statement must be used inside a CATCH block. Insert the THROW"
                    " statement "
                    "inside a CATCH block, or add error parameters to the THROW statement.",
                    15,
                )
            raise session.caught[-1]
        number = self.value(statement.number, frame, INT)[0]
        message = self.value(statement.message, frame, nvarchar(2048))[0] if statement.message is not None else None
        state = self.value(statement.state, frame, INT)[0] if statement.state is not None else 1
        if not isinstance(number, int) or not 50000 <= number <= 2147483647:
            raise SqlError(
                35100,
                f"Error number {number!s} in the THROW statement is outside the valid range. Specify an error"
                " number in the "
                "valid range of 50000 to 2147483647.",
            )
        if not isinstance(state, int) or not 0 <= state <= 255:
            raise (
                sql_error(1023, 3, "THROW")
                if state is None
                else SqlError(2787, f"Invalid format specification: '{state!s}'.")
            )
        raise SqlError(number, str(message or ""), 16, state, statement.line)

    def raiserror(self, statement: tree.Raiserror, frame: Frame) -> None:
        """RAISERROR: a message below severity 11, else an error."""
        from .raiserror import formatted

        unknown = set(statement.options) - {"NOWAIT"}
        if unknown:
            raise Unsupported(f"RAISERROR WITH {', '.join(sorted(unknown))}", statement.line)
        template, of = self.value(statement.message, frame)
        severity = self.value(statement.severity, frame, INT)[0]
        state = self.value(statement.state, frame, INT)[0]
        args = [self.value(a, frame) for a in statement.args]
        if of.is_integer:
            raise Unsupported("RAISERROR with a message number", statement.line)
        assert isinstance(severity, int) and isinstance(state, int)
        text = formatted(str(template if template is not None else ""), args)
        severity, state = max(severity, 0), min(max(state, 0), 255)
        if severity > 18:
            raise sql_error(2754)
        self.session.row_count = 0
        if severity <= 10:
            self.sink.put(Message(50000, text, severity if severity else 0, state, statement.line, frame.procedure))
            return
        raise SqlError(50000, text, severity, state, statement.line)

    def print_(self, statement: tree.Print, frame: Frame) -> None:
        """PRINT."""
        value, of = self.value(statement.value, frame)
        text = self.converted(value, of, nvarchar(4000) if of.is_unicode else nvarchar(8000))
        self.sink.put(Message(0, str(text) if text is not None else " ", 0, 1, statement.line, frame.procedure))
        self.session.row_count = 0

    def wait_for(self, statement: tree.WaitFor, frame: Frame) -> None:
        """WAITFOR DELAY."""
        if statement.kind != "DELAY":
            raise Unsupported("WAITFOR TIME", statement.line)
        value, of = self.value(statement.value, frame)
        text = str(self.converted(value, of, nvarchar(100)))
        parts = text.strip().split(":")
        try:
            hours, minutes = int(parts[0]), int(parts[1])
            seconds = float(parts[2]) if len(parts) > 2 else 0.0
        except (ValueError, IndexError):
            raise SqlError(148, f"Incorrect time syntax in time string '{text}' used with WAITFOR.", 15) from None
        self.session.pause(hours * 3600 + minutes * 60 + seconds)
        self.session.row_count = 0

    # -- transactions

    def begin_transaction(self, statement: tree.BeginTransaction, frame: Frame) -> None:
        """BEGIN TRANSACTION."""
        self.session.begin(self._name(statement.name, frame))
        self.session.row_count = 0

    def commit(self, statement: tree.Commit, frame: Frame) -> None:
        """COMMIT."""
        self.session.commit()
        self.session.row_count = 0

    def rollback(self, statement: tree.Rollback, frame: Frame) -> None:
        """ROLLBACK."""
        self.session.rollback(self._name(statement.name, frame))
        self.session.row_count = 0

    def save_transaction(self, statement: tree.SaveTransaction, frame: Frame) -> None:
        """SAVE TRANSACTION."""
        name = self._name(statement.name, frame)
        assert name is not None
        self.session.save(name)
        self.session.row_count = 0

    def _name(self, name: str | None, frame: Frame) -> str | None:
        if name is not None and name.startswith("@"):
            return str(frame.values[name.lower()])[: units.LONGEST]
        return name

    def module(self, statement: tree.Statement, frame: Frame) -> None:
        """CREATE PROCEDURE and kin."""
        self.define(statement, frame)

    def use(self, statement: tree.Use, frame: Frame) -> None:
        """USE."""
        session = self.session
        old = session.database
        session.use(statement.database)
        session.row_count = 0
        if session.database != old:
            frame.rebind(session)
        if self.sink.detailed:
            self.sink.put(DatabaseChanged(old, session.database))
            text = f"Changed database context to '{session.database}'."
            self.sink.put(Message(5701, text, 0, 2, statement.line))

    def cursor(self, statement: tree.Statement, frame: Frame) -> None:
        """Cursors."""
        raise Unsupported("A cursor", statement.line)


def cut(columns: Sequence[Column], rows: list[tuple[Storage, ...]], size: int) -> list[tuple[Storage, ...]]:
    """Rows as a client sees them under SET TEXTSIZE: no value of a max type is longer than so many bytes."""
    places = [i for i, c in enumerate(columns) if c.type.is_max]
    if not places:
        return rows
    made = []
    for row in rows:
        values = list(row)
        for i in places:
            value = values[i]
            if isinstance(value, str) and columns[i].type.is_unicode:
                # Code units, not characters: one beyond the first plane may lose its second half.
                units16 = value.encode("utf-16-le", "surrogatepass")[: size // 2 * 2]
                values[i] = units16.decode("utf-16-le", "surrogatepass")
            elif isinstance(value, str | bytes):
                values[i] = value[:size]
        made.append(tuple(values))
    return made


def ends_withholding(statement: tree.Statement) -> bool:
    """Whether a statement is SET NOEXEC OFF or SET FMTONLY OFF, which are executed under SET ... ON."""
    return isinstance(statement, tree.SetOption) and not statement.on and bool(WITHHOLDING & set(statement.options))


WITHHOLDING: Final = frozenset({"NOEXEC", "FMTONLY"})


def begins(statement: tree.Statement) -> bool:
    """Whether a statement begins a transaction under IMPLICIT_TRANSACTIONS."""
    if isinstance(statement, tree.SelectStatement):
        return any(isinstance(n, tree.TableSource) for n in tree.walk(statement.query))
    return (
        isinstance(statement, tree.Insert | tree.Update | tree.Delete | tree.Truncate | tree.BeginTransaction)
        or type(statement) in ddl.STATEMENTS
    )


HANDLERS: Final[dict[type, Callable[[Interpreter, Any, Frame], None]]] = {
    tree.SelectStatement: Interpreter.select,
    tree.Insert: Interpreter.write,
    tree.Update: Interpreter.write,
    tree.Delete: Interpreter.write,
    tree.Truncate: Interpreter.truncate,
    tree.Declare: Interpreter.declare,
    tree.DeclareTable: Interpreter.nothing,
    tree.Label: Interpreter.nothing,
    tree.SetVariable: Interpreter.set_variable,
    tree.SetOption: Interpreter.set_option,
    tree.SetValue: Interpreter.set_value,
    tree.SetIsolation: Interpreter.set_isolation,
    tree.SetIdentityInsert: Interpreter.set_identity_insert,
    tree.Block: Interpreter.block,
    tree.If: Interpreter.if_,
    tree.While: Interpreter.while_,
    tree.Break: Interpreter.break_,
    tree.Continue: Interpreter.continue_,
    tree.Goto: Interpreter.goto,
    tree.Return: Interpreter.return_,
    tree.TryCatch: Interpreter.try_catch,
    tree.Throw: Interpreter.throw,
    tree.Raiserror: Interpreter.raiserror,
    tree.Print: Interpreter.print_,
    tree.WaitFor: Interpreter.wait_for,
    tree.Use: Interpreter.use,
    tree.BeginTransaction: Interpreter.begin_transaction,
    tree.Commit: Interpreter.commit,
    tree.Rollback: Interpreter.rollback,
    tree.SaveTransaction: Interpreter.save_transaction,
    tree.Execute: Interpreter.execute,
    tree.ExecuteString: Interpreter.execute,
    tree.DeclareCursor: Interpreter.cursor,
    tree.OpenCursor: Interpreter.cursor,
    tree.FetchCursor: Interpreter.cursor,
    tree.CloseCursor: Interpreter.cursor,
    tree.DeallocateCursor: Interpreter.cursor,
    **dict.fromkeys(ddl.STATEMENTS, Interpreter.define),
}
COMMANDS: Final[dict[type, int]] = {
    tree.SelectStatement: SELECT,
    tree.Insert: INSERT,
    tree.Delete: DELETE,
    tree.Update: UPDATE,
    tree.Rollback: 0xD2,
    tree.BeginTransaction: 0xD4,
    tree.Commit: 0xD5,
    tree.ExecuteString: EXECUTE,
}
"""The kinds of statements for `results.Done`; 0 for the others, which no client asks for."""
WRITES: Final = (tree.Insert, tree.Update, tree.Delete)
ENDS: Final = frozenset(
    {
        tree.Truncate,
        tree.SetOption,
        tree.SetValue,
        tree.SetIsolation,
        tree.SetIdentityInsert,
        tree.Print,
        tree.Raiserror,
        tree.WaitFor,
        tree.Use,
        tree.BeginTransaction,
        tree.Commit,
        tree.Rollback,
        tree.SaveTransaction,
        tree.ExecuteString,
        *ddl.STATEMENTS,
    }
)
"""Statements that send neither rows nor a count: the client of a server is told of their end."""
TRANSPARENT: Final = frozenset(
    {
        Interpreter.block,
        Interpreter.if_,
        Interpreter.while_,
        Interpreter.break_,
        Interpreter.continue_,
        Interpreter.goto,
        Interpreter.try_catch,
        Interpreter.nothing,
    }
)

__all__ = ["Frame", "Interpreter", "split_name"]
