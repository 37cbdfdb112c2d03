"""What a client asks for: SQL batches, remote procedure calls, transaction requests."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, NamedTuple, TypeAlias

from ..errors import SqlError, Unsupported
from ..types import SqlType
from ..values import Storage
from .packets import Message, PacketType
from .reader import Malformed, Reader, utf16
from .values import InvalidValue, read_type_info


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


class RpcParameter(NamedTuple):
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


MAX_PARAMETERS = 2100
"""Of one call; beyond it SQL Server refuses the request."""

_BY_REFERENCE, _DEFAULT, _ENCRYPTED = 0x01, 0x02, 0x08
_BATCH, _NO_EXEC = 0xFF, 0xFE
_BEGIN, _COMMIT, _ROLLBACK, _SAVE = 5, 7, 8, 9
_ISOLATIONS: tuple[Isolation, ...] = (
    "", "READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE", "SNAPSHOT",
)  # fmt: skip
_REFUSED_TRANSACTIONS = {
    0: "Asking for the address of a transaction coordinator",
    1: "Joining a distributed transaction",
    6: "Promoting a transaction to a distributed one",
}


def parse(message: Message) -> list[Request]:
    """The requests of a message, in the order in which they are run.

    Errors: ``Malformed``. An error for the client, after which the connection goes on: ``Unsupported`` for what the
    protocol has and the engine has not (XML, table-valued parameters, bulk load ...); ``SqlError`` 8003 for too many
    parameters and 8023 for a value that its type does not have. Nothing of the message is run then.
    """
    reader = Reader(message.payload)
    if message.type is PacketType.SQL_BATCH:
        transaction = _headers(reader)
        return [SqlBatch(_text(reader), transaction)]
    if message.type is PacketType.RPC:
        return _calls(reader, _headers(reader))
    if message.type is PacketType.TRANSACTION:
        return [_transaction(reader, _headers(reader))]
    if message.type is PacketType.BULK:
        raise Unsupported("Bulk load")
    raise Malformed(f"a message of type {message.type.name} is no request")


def _headers(reader: Reader) -> int:
    """ALL_HEADERS: the descriptor of the transaction; what query notifications and traces say is passed over."""
    total = reader.u32() - 4
    if not 0 <= total <= reader.remaining:
        raise Malformed(f"headers of {total + 4} bytes")
    end = reader.position + total
    seen: set[int] = set()
    transaction = 0
    while reader.position < end:
        size, kind = reader.u32(), reader.u16()
        if size < 6 or reader.position + size - 6 > end:
            raise Malformed(f"a header of {size} bytes")
        if kind in seen or not 1 <= kind <= 3:
            raise Malformed(f"header {kind}")
        seen.add(kind)
        if kind == 2:
            if size != 18:
                raise Malformed(f"a transaction descriptor of {size} bytes")
            transaction = reader.u64()
            reader.skip(4)
        else:
            reader.skip(size - 6)
    return transaction


def _text(reader: Reader) -> str:
    data = reader.rest()
    try:
        return data.decode("utf-16-le")
    except UnicodeDecodeError:
        if len(data) % 2:
            raise Malformed("an odd number of bytes of UTF-16") from None
        raise Unsupported("Half a surrogate pair in the text of a batch") from None


def _calls(reader: Reader, transaction: int) -> list[Request]:
    calls: list[Request] = []
    while True:
        name, proc_id = "", None
        length = reader.u16()
        if length == 0xFFFF:
            number = reader.u16()
            if not ProcId.CURSOR <= number <= ProcId.UNPREPARE:
                raise Malformed(f"procedure number {number}")
            proc_id = ProcId(number)
        else:
            if not 0 < length <= 523:
                raise Malformed(f"a procedure's name of {length} characters")
            name = reader.text(length)
        options = reader.u16()
        parameters: list[RpcParameter] = []
        while not reader.at_end and reader.peek() < _NO_EXEC:
            parameters.append(_parameter(reader, len(parameters) + 1))
        no_exec = False
        if not reader.at_end:
            no_exec = reader.u8() == _NO_EXEC
        calls.append(Rpc(name, proc_id, options, tuple(parameters), transaction, no_exec))
        if reader.at_end:
            return calls


def _parameter(reader: Reader, number: int) -> RpcParameter:
    if number > MAX_PARAMETERS:
        raise SqlError(
            8003,
            f"The incoming request has too many parameters. The server supports a maximum of {MAX_PARAMETERS} "
            f"parameters. Reduce the number of parameters and resend the request.",
        )
    name = reader.b_text()
    flags = reader.u8()
    if flags & _ENCRYPTED:
        raise Unsupported("A parameter encrypted by its client")
    type = read_type_info(reader)
    try:
        value = type.read(reader)
    except InvalidValue as error:
        raise SqlError(
            8023,
            f"The incoming tabular data stream (TDS) remote procedure call (RPC) protocol stream is incorrect. "
            f'Parameter {number} ("{name}"): The supplied value is not a valid instance of data type '
            f"{error.type.display_name}. Check the source data for invalid values. An example of an invalid value is "
            f"data of numeric type with scale greater than precision.",
        ) from None
    return RpcParameter(name, bool(flags & _BY_REFERENCE), bool(flags & _DEFAULT), type.type, value)


def _transaction(reader: Reader, transaction: int) -> TransactionRequest:
    kind = reader.u16()
    if kind in _REFUSED_TRANSACTIONS:
        raise Unsupported(_REFUSED_TRANSACTIONS[kind])
    if kind == _BEGIN:
        isolation = _isolation(reader)
        return TransactionRequest("begin", _last_name(reader), isolation, transaction=transaction)
    if kind == _SAVE:
        name = _last_name(reader)
        if not name:
            raise Malformed("a savepoint without a name")
        return TransactionRequest("save", name, transaction=transaction)
    if kind not in (_COMMIT, _ROLLBACK):
        raise Malformed(f"transaction request {kind}")
    ends: TransactionKind = "commit" if kind == _COMMIT else "rollback"
    name = utf16(reader.take(reader.u8()))
    if not reader.u8() & 1:
        _end(reader)
        return TransactionRequest(ends, name, transaction=transaction)
    isolation = _isolation(reader)
    return TransactionRequest(ends, name, isolation, True, _last_name(reader), transaction)


def _isolation(reader: Reader) -> Isolation:
    number = reader.u8()
    if number >= len(_ISOLATIONS):
        raise Malformed(f"isolation level {number}")
    return _ISOLATIONS[number]


def _last_name(reader: Reader) -> str:
    """The name at the end of a request. Its length is one of bytes; some clients count characters, which tells by what
    follows.
    """
    length = reader.u8()
    data = reader.take(length * 2 if reader.remaining == length * 2 else length)
    _end(reader)
    return utf16(data)


def _end(reader: Reader) -> None:
    if not reader.at_end:
        raise Malformed(f"{reader.remaining} bytes behind the request")
