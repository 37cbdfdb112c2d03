"""Runs what a client asks for: batches, remote procedure calls, requests of the transaction manager."""

from __future__ import annotations

import re
from typing import Final

from ..errors import SqlError, Unsupported
from ..results import Feed
from . import prepared
from .reply import Reply, arguments
from .requests import ProcId, Request, Rpc, SqlBatch, TransactionRequest
from .tokens import Command, Done

_BULK: Final = re.compile(r"\s*insert\s+bulk\b", re.IGNORECASE)
"""What announces a bulk copy; no T-SQL that a batch may have."""


def run(reply: Reply, request: Request) -> None:
    """Run a request to its end, its events into `reply`."""
    if isinstance(request, SqlBatch):
        if _BULK.match(request.text):
            raise Unsupported("INSERT BULK (bulk copy)", 1)
        interpreter = reply.connection.interpreter
        interpreter.run_batch(request.text, sink=Feed(interpreter, reply.receive))
    elif isinstance(request, Rpc):
        call(reply, request)
    else:
        transaction(reply, request)


def call(reply: Reply, request: Rpc) -> None:
    """A remote procedure call, by name or number."""
    if request.no_exec:
        return
    connection = reply.connection
    name = request.name
    if request.proc_id is not None:
        name = request.proc_id.procedure
    special = prepared.PROCEDURES.get(name.lower().removeprefix("sys."))
    try:
        if special is not None:
            special(reply, request)
            return
        if request.proc_id not in (None, ProcId.EXECUTESQL):
            raise Unsupported(f"A server cursor ({name})")
        sink = Feed(connection.interpreter, reply.receive)
        reply.procedure_end(connection.interpreter.run_procedure(name, arguments(request.parameters), sink=sink))
    except (SqlError, Unsupported) as error:
        reply.failure(error)
        reply.end(Done.DONEPROC, None, Command.EXECUTE, error=True)


_COMMANDS: Final = {
    "begin": Command.BEGIN_TRANSACTION,
    "commit": Command.COMMIT,
    "rollback": Command.ROLLBACK,
    "save": Command.NONE,
}


def transaction(reply: Reply, request: TransactionRequest) -> None:
    """A request of the transaction manager."""
    session = reply.session
    command = _COMMANDS[request.kind]
    try:
        if request.isolation:
            session.set_isolation(request.isolation)
        if request.kind == "begin":
            session.begin(request.name or None)
        elif request.kind == "save":
            session.save(request.name)
        else:
            if request.kind == "commit":
                session.commit()
            else:
                session.rollback(request.name or None)
            reply.tell_transaction(command)
            if request.begin_after:
                session.begin(request.begin_name or None)
    except (SqlError, Unsupported) as error:
        reply.failure(error)
    reply.end(Done.DONE, None, command)
