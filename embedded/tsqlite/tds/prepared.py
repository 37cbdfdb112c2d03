"""Prepared statements of a connection: sp_prepare, sp_prepexec, sp_execute, sp_unprepare."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import count
from typing import TYPE_CHECKING, Final, TypeAlias

from ..errors import SqlError, Unsupported
from ..remote import Outcome, Output, Prepared
from ..results import Feed
from ..types import INT
from .reply import Reply, arguments, column_infos, not_prepared
from .requests import Rpc, RpcParameter
from .tokens import Command, Done

if TYPE_CHECKING:
    from .connection import Connection


Known: TypeAlias = Prepared | str
"""A text, or the name of a procedure."""


class Statements:
    """The prepared statements and calls of one connection, by their handles."""

    def __init__(self) -> None:
        self._known: dict[int, Known] = {}
        self._handles = count(1)

    def add(self, statement: Known) -> int:
        """Keep a statement; gives its handle."""
        handle = next(self._handles)
        self._known[handle] = statement
        return handle

    def find(self, handle: object) -> Known:
        """Error 8179."""
        found = self._known.get(handle) if isinstance(handle, int) else None
        if found is None:
            raise unknown(handle)
        return found

    def remove(self, handle: object) -> None:
        """Forget a statement. Error 8179."""
        self.find(handle)
        assert isinstance(handle, int)
        del self._known[handle]

    def discard(self, handle: int) -> None:
        """Forget a statement, if it is there."""
        self._known.pop(handle, None)

    def clear(self) -> None:
        """Forget them all."""
        self._known.clear()


def unknown(handle: object) -> SqlError:
    """Error 8179."""
    shown = handle if isinstance(handle, int) else 0
    return SqlError(8179, f"Could not find prepared statement with handle {shown}.", 16, 4)


def _at_least(request: Rpc, name: str, *parameters: str) -> Sequence[RpcParameter]:
    given = request.parameters
    if len(given) < len(parameters):
        raise SqlError(
            201,
            f"Procedure or function '{name}' expects parameter '{parameters[len(given)]}', which was not supplied.",
            16,
            10,
        )
    return given


_LARGE: Final = {"ntext": "nvarchar(max)", "text": "varchar(max)", "image": "varbinary(max)"}
_LARGE_PARAMETER: Final = re.compile(r"(@[\w$#@]+\s+)(ntext|text|image)\b", re.IGNORECASE)


def declarations(text: str) -> str:
    """Parameters of a text, those of the types before `max` declared as of `max`: ODBC's long types become them."""
    return _LARGE_PARAMETER.sub(lambda m: m[1] + _LARGE[m[2].lower()], text)


def _prepared(connection: Connection, declared: RpcParameter, statement: RpcParameter) -> Prepared:
    for parameter, name in ((declared, "@params"), (statement, "@stmt")):
        if parameter.value is not None and not parameter.type.is_string:
            raise SqlError(214, f"Procedure expects parameter '{name}' of type 'ntext/nchar/nvarchar'.", 16, 21)
    return connection.interpreter.prepare(str(statement.value or ""), declarations(str(declared.value or "")))


def _not_prepared(reply: Reply, error: SqlError) -> None:
    reply.failure(error)
    reply.failure(not_prepared())
    reply.end(Done.DONEPROC, None, Command.EXECUTE, error=True)


def _handle(value: int, parameter: RpcParameter) -> Output:
    # By the name that the client gave it, if it gave one.
    return Output(0, parameter.name, INT, value)


def prepare(reply: Reply, request: Rpc) -> None:
    """sp_prepare @handle OUTPUT, @params, @stmt, @options: with option 1 the columns of its result follow."""
    given = _at_least(request, "sp_prepare", "@handle", "@params", "@stmt")
    connection = reply.connection
    try:
        statement = _prepared(connection, given[1], given[2])
    except SqlError as error:
        return _not_prepared(reply, error)
    options = given[3].value if len(given) > 3 else 0
    if isinstance(options, int) and options & 1:
        columns = statement.columns(connection.session)
        if columns is not None:
            reply.tokens.columns(column_infos(columns))
            reply.end(Done.DONEINPROC, None, Command.SELECT)
    reply.procedure_end(Outcome([], True, 0, []), [_handle(connection.statements.add(statement), given[0])])
    return None


def prepexec(reply: Reply, request: Rpc) -> None:
    """sp_prepexec @handle OUTPUT, @params, @stmt, values: prepared and run."""
    given = _at_least(request, "sp_prepexec", "@handle", "@params", "@stmt")
    connection = reply.connection
    old = given[0].value
    try:
        statement = _prepared(connection, given[1], given[2])
    except SqlError as error:
        return _not_prepared(reply, error)
    _replace(connection, old)
    handle = connection.statements.add(statement)
    reply.preparing = True
    reply.procedure_end(_run(reply, statement, given[3:]), [_handle(handle, given[0])], 3)
    return None


def prepexecrpc(reply: Reply, request: Rpc) -> None:
    """sp_prepexecrpc @handle OUTPUT, @rpccall, arguments: a procedure's call, kept and made; {CALL p (?)} is one."""
    given = _at_least(request, "sp_prepexecrpc", "@handle", "@rpccall")
    name = given[1].value
    if not isinstance(name, str) or not name:
        raise Unsupported("sp_prepexecrpc without a procedure's name")
    _replace(reply.connection, given[0].value)
    handle = reply.connection.statements.add(name)
    reply.procedure_end(_run(reply, name, given[2:]), [_handle(handle, given[0])], 2)


def _replace(connection: Connection, old: object) -> None:
    # A handle that comes in is one that the client no longer needs.
    if isinstance(old, int) and old:
        connection.statements.discard(old)


def _run(reply: Reply, what: Known, parameters: Sequence[RpcParameter]) -> Outcome:
    interpreter = reply.connection.interpreter
    sink = Feed(interpreter, reply.receive)
    if isinstance(what, str):
        return interpreter.run_procedure(what, arguments(parameters), sink=sink)
    return interpreter.run_prepared(what, arguments(parameters), sink=sink)


def execute(reply: Reply, request: Rpc) -> None:
    """sp_execute @handle, values."""
    given = _at_least(request, "sp_execute", "@handle")
    what = reply.connection.statements.find(given[0].value)
    reply.procedure_end(_run(reply, what, given[1:]), (), 1)


def unprepare(reply: Reply, request: Rpc) -> None:
    """sp_unprepare @handle."""
    given = _at_least(request, "sp_unprepare", "@handle")
    reply.connection.statements.remove(given[0].value)
    reply.procedure_end(Outcome([], True, 0, []))


PROCEDURES: Final[dict[str, Callable[[Reply, Rpc], None]]] = {
    "sp_prepare": prepare,
    "sp_prepexec": prepexec,
    "sp_prepexecrpc": prepexecrpc,
    "sp_execute": execute,
    "sp_unprepare": unprepare,
}
