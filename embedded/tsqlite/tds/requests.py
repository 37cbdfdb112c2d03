"""What a client asks for: SQL batches, remote procedure calls, transaction requests."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, TypeAlias

from ..types import SqlType
from ..values import Storage
from .packets import Message


class ProcId(IntEnum):
    """System procedures that are called by number."""

    CURSOR = 1
    CURSOROPEN = 2
    CURSORPREPARE = 3
    CURSOREXECUTE = 4
    CURSORPREPEXEC = 5
    CURSORUNPREPARE = 6
    CURSORFETCH = 7
    CURSOROPTION = 8
    CURSORCLOSE = 9
    EXECUTESQL = 10
    PREPARE = 11
    EXECUTE = 12
    PREPEXEC = 13
    PREPEXECRPC = 14
    UNPREPARE = 15

    @property
    def procedure(self) -> str:
        """The name: ``sp_executesql``."""
        return f"sp_{self.name.lower()}"


@dataclass(frozen=True, slots=True)
class SqlBatch:
    """A text. ``transaction``: the descriptor of the transaction the client believes to be in, 0 for none."""

    text: str
    transaction: int = 0


@dataclass(frozen=True, slots=True)
class RpcParameter:
    """``name`` has its @, and is empty for a parameter by position. ``default``: the procedure's default is meant."""

    name: str
    by_reference: bool
    default: bool
    type: SqlType
    value: Storage


@dataclass(frozen=True, slots=True)
class Rpc:
    """A call of a procedure by ``name`` (as it was written: ``dbo.p``, ``[db]..[p]``) or by ``proc_id``.

    ``no_metadata``: results come without column names and types (an option no client of today uses). ``no_exec``:
    a separator said that the call is not to be run.
    """

    name: str
    proc_id: ProcId | None
    options: int
    parameters: tuple[RpcParameter, ...]
    transaction: int = 0
    no_exec: bool = False

    @property
    def with_recompile(self) -> bool:
        return bool(self.options & 1)

    @property
    def no_metadata(self) -> bool:
        return bool(self.options & 2)


TransactionKind = Literal["begin", "commit", "rollback", "save"]
Isolation = Literal["", "READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE", "SNAPSHOT"]


@dataclass(frozen=True, slots=True)
class TransactionRequest:
    """``isolation`` is that of the transaction that begins, empty for the session's own; ``begin_after``: a commit or
    rollback is followed by a new transaction, whose name is ``begin_name``.
    """

    kind: TransactionKind
    name: str = ""
    isolation: Isolation = ""
    begin_after: bool = False
    begin_name: str = ""
    transaction: int = 0


Request: TypeAlias = SqlBatch | Rpc | TransactionRequest


def parse(message: Message) -> list[Request]:
    """The requests of a message, in the order in which they are run.

    Errors: ``Malformed``; ``Unsupported`` for what the protocol has and the engine has not (XML, table-valued
    parameters, bulk load ...): an error for the client, after which the connection goes on.
    """
    raise NotImplementedError
