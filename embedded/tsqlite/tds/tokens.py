"""What a server answers: the token stream of a RESULT message."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import chain, repeat

from ..types import SqlType
from ..values import Storage
from .values import (
    ENCODING_ERRORS,
    ColumnEncoder,
    collation_bytes,
    column_encoder,
    encoder,
    is_case_sensitive,
    refusal,
    type_info,
    user_type,
)


class Done(IntEnum):
    """The end of: a statement of a batch, a procedure, a statement within a procedure."""

    DONE = 0xFD
    DONEPROC = 0xFE
    DONEINPROC = 0xFF


class Command(IntEnum):
    """What a DONE says has ended."""

    NONE = 0
    SELECT = 0xC1
    INSERT = 0xC3
    DELETE = 0xC4
    UPDATE = 0xC5
    SELECT_INTO = 0xCE
    BEGIN_TRANSACTION = 0xD4
    COMMIT = 0xD5
    ROLLBACK = 0xD2
    EXECUTE = 0xE0
    MERGE = 0x117


@dataclass(frozen=True, slots=True)
class ColumnInfo:
    """A column of a result. ``computed``: an expression, not a column of a table. ``updatable`` None: unknown for a
    table's column, no for all others.
    """

    name: str
    type: SqlType
    identity: bool = False
    computed: bool = False
    updatable: bool | None = None
    key: bool = False
    hidden: bool = False


_COLMETADATA, _ROW, _NBCROW, _ORDER, _RETURNSTATUS, _RETURNVALUE = 0x81, 0xD1, 0xD2, 0xA9, 0x79, 0xAC
_ERROR, _INFO, _LOGINACK, _FEATUREEXTACK, _ENVCHANGE = 0xAA, 0xAB, 0xAD, 0xAE, 0xE3
_NULLABLE, _CASE_SENSITIVE, _READ_WRITE, _UNKNOWN = 0x0001, 0x0002, 0x0004, 0x0008
_IDENTITY, _COMPUTED, _HIDDEN, _KEY = 0x0010, 0x0020, 0x2000, 0x4000
_MORE, _FAILED, _IN_TRANSACTION, _COUNT, _ATTENTION, _SERVER_ERROR = 0x01, 0x02, 0x04, 0x10, 0x20, 0x100
_DONE = struct.Struct("<BHHQ").pack
_OLD_DONE = struct.Struct("<BHHI").pack
_MESSAGE_LIMIT = 31_000
"""UTF-16 code units of a message: with the names around it the token stays below 65,535 bytes."""


class _RowHeads(dict[int, bytes]):
    """What a row begins with, by the bits of its columns that are NULL."""

    def __init__(self, columns: int) -> None:
        super().__init__({0: bytes([_ROW])})
        self.size = (columns + 7) // 8

    def __missing__(self, nulls: int) -> bytes:
        head = bytes([_NBCROW]) + nulls.to_bytes(self.size, "little")
        if len(self) < 4096:
            self[nulls] = head
        return head


class Description:
    """Columns of results, ready for the wire: COLMETADATA, and how their rows become bytes.

    Errors: ``Unsupported`` for a type that has no form on the wire.
    """

    __slots__ = ("encoders", "heads", "metadata", "types")

    def __init__(self, columns: Sequence[ColumnInfo], *, metadata: bool = True) -> None:
        self.types = [c.type for c in columns]
        self.encoders: list[ColumnEncoder] = [column_encoder(t) for t in self.types]
        self.heads = _RowHeads(len(columns))
        made = bytearray([_COLMETADATA])
        if columns and metadata:
            made += len(columns).to_bytes(2, "little")
            for column in columns:
                made += struct.pack("<IH", user_type(column.type), _flags(column))
                made += type_info(column.type)
                made += _b_text(column.name)
        else:
            made += b"\xff\xff"
        self.metadata = bytes(made)


class Tokens:
    """Builds a token stream. ``take`` gives what there is and starts anew, so that a long result leaves in pieces.

    ``old``: for a client older than TDS 7.2, so that it can read why it is refused.
    """

    def __init__(self, *, old: bool = False) -> None:
        self.data = bytearray()
        self._done, self._line = (_OLD_DONE, "<H") if old else (_DONE, "<I")
        self._columns = Description(())

    def __len__(self) -> int:
        return len(self.data)

    def take(self) -> bytes:
        """The bytes so far, which the builder forgets; the columns stay known."""
        data = bytes(self.data)
        self.data.clear()
        return data

    # -- results

    def columns(self, columns: Sequence[ColumnInfo], *, metadata: bool = True) -> None:
        """COLMETADATA; the rows that follow are of these columns. ``metadata`` False: the client asked for none.

        Errors: ``Unsupported`` for a type that has no form on the wire; nothing is added then.
        """
        self.describe(Description(columns, metadata=metadata))

    def describe(self, description: Description) -> None:
        """COLMETADATA that was made before."""
        self._columns = description
        self.data += description.metadata

    def row(self, values: Sequence[Storage]) -> None:
        """ROW, or NBCROW when there is a NULL."""
        self.rows((values,))

    def rows(self, rows: Iterable[Sequence[Storage]]) -> None:
        """Many rows: all in memory at once as bytes, so give some thousand at a time. Errors: ``Unsupported`` for a
        value that its column's type cannot hold; none of the rows is added then.
        """
        columns = self._columns
        block = list(rows)
        if not block:
            return
        if any(len(row) != len(columns.types) for row in block):
            raise ValueError(f"a row that has not {len(columns.types)} columns")
        # A column at a time: its values are encoded by few calls, and the rows are put together without a loop.
        nulls: list[int] | None = None
        pieces: list[Iterable[bytes]] = []
        for i, values in enumerate(zip(*block, strict=True)):
            try:
                if None in values:
                    bit = 1 << i
                    nulls = nulls or [0] * len(block)
                    nulls = [n if v is not None else n | bit for n, v in zip(nulls, values, strict=True)]
                    encoded = iter(columns.encoders[i]([v for v in values if v is not None]))
                    pieces.append([next(encoded) if v is not None else b"" for v in values])
                else:
                    pieces.append(list(columns.encoders[i](values)))
            except ENCODING_ERRORS as error:
                raise refusal(columns.types[i], error) from error
        heads: Iterable[bytes] = map(columns.heads.__getitem__, nulls) if nulls else repeat(columns.heads[0])
        self.data += b"".join(chain.from_iterable(zip(heads, *pieces)))  # noqa: B905 - heads have no end

    def order(self, ordinals: Sequence[int]) -> None:
        """ORDER: the columns, from 1, that the rows are sorted by."""
        self.data += struct.pack(f"<BH{len(ordinals)}H", _ORDER, 2 * len(ordinals), *ordinals)

    def done(
        self,
        kind: Done = Done.DONE,
        *,
        count: int | None = None,
        more: bool = False,
        error: bool = False,
        in_transaction: bool = False,
        attention: bool = False,
        server_error: bool = False,
        command: int = 0,
    ) -> None:
        """DONE, DONEPROC or DONEINPROC. ``count`` None: no count is told. ``attention``: a cancel is acknowledged."""
        status = (
            (_MORE if more else 0)
            | (_FAILED if error else 0)
            | (_IN_TRANSACTION if in_transaction else 0)
            | (_COUNT if count is not None else 0)
            | (_ATTENTION if attention else 0)
            | (_SERVER_ERROR if server_error else 0)
        )
        self.data += self._done(kind, status, command, count or 0)

    def return_status(self, status: int) -> None:
        """What a procedure RETURNs."""
        self.data += struct.pack("<Bi", _RETURNSTATUS, status)

    def return_value(self, ordinal: int, name: str, type: SqlType, value: Storage, *, function: bool = False) -> None:
        """RETURNVALUE: an OUTPUT parameter, ``ordinal`` from 0 among the call's parameters; ``function``: what a
        function returned. Errors: ``Unsupported`` for a value that its type cannot hold; nothing is added then.
        """
        type = type.with_nullable(True)
        encoded = encoder(type)(value)
        self.data += struct.pack("<BH", _RETURNVALUE, ordinal) + _b_text(name)
        self.data += struct.pack("<BIH", 2 if function else 1, user_type(type), 0)
        self.data += type_info(type) + encoded

    # -- messages

    def error(
        self,
        number: int,
        message: str,
        *,
        severity: int = 16,
        state: int = 1,
        line: int = 0,
        procedure: str = "",
        server: str = "",
    ) -> None:
        """ERROR; a message that is too long for the token is cut."""
        self._message(_ERROR, number, message, severity, state, line, procedure, server)

    def info(
        self,
        number: int,
        message: str,
        *,
        severity: int = 0,
        state: int = 1,
        line: int = 0,
        procedure: str = "",
        server: str = "",
    ) -> None:
        """INFO: PRINT, RAISERROR up to severity 10, and what a session tells."""
        self._message(_INFO, number, message, severity, state, line, procedure, server)

    def _message(
        self, token: int, number: int, message: str, severity: int, state: int, line: int, procedure: str, server: str
    ) -> None:
        text = _utf16(message, _MESSAGE_LIMIT)
        body = struct.pack("<iBBH", number, state & 0xFF, severity & 0xFF, len(text) // 2) + text
        body += _b_text(server) + _b_text(procedure) + struct.pack(self._line, max(0, line))
        self._sized(token, body)

    # -- the login and the session

    def login_ack(
        self,
        program: str = "Microsoft SQL Server",
        version: tuple[int, int, int] = (14, 0, 0),
        *,
        tds_version: int = 0x74000004,
    ) -> None:
        """LOGINACK; ``version`` is major, minor, build."""
        major, minor, build = version
        # SQL Server counts two zeros into its name.
        body = struct.pack(">BI", 1, tds_version) + _b_text(program + "\0\0")
        self._sized(_LOGINACK, body + struct.pack(">BBH", major, minor, build))

    def feature_ext_ack(self, features: Mapping[int, bytes]) -> None:
        """FEATUREEXTACK: the feature extensions that the server grants."""
        self.data.append(_FEATUREEXTACK)
        for feature, data in features.items():
            self.data += struct.pack("<BI", feature, len(data)) + data
        self.data.append(0xFF)

    def env_database(self, new: str, old: str = "") -> None:
        """ENVCHANGE: the current database."""
        self._environment(1, _b_text(new), _b_text(old))

    def env_language(self, new: str, old: str = "") -> None:
        """ENVCHANGE: the session's language."""
        self._environment(2, _b_text(new), _b_text(old))

    def env_packet_size(self, new: int, old: int = 4096) -> None:
        """ENVCHANGE: packets have this size from the next message on."""
        self._environment(4, _b_text(str(new)), _b_text(str(old)))

    def env_collation(self, new: str | None = None, old: str = "") -> None:
        """ENVCHANGE: names of collations; ``new`` None is the default, ``old`` empty: there was none."""
        self._environment(7, b"\x05" + collation_bytes(new), b"\x05" + collation_bytes(old) if old else b"\0")

    def env_begin(self, descriptor: int) -> None:
        """ENVCHANGE: a transaction has begun."""
        self._environment(8, struct.pack("<BQ", 8, descriptor), b"\0")

    def env_commit(self, descriptor: int) -> None:
        """ENVCHANGE: the transaction is committed."""
        self._environment(9, b"\0", struct.pack("<BQ", 8, descriptor))

    def env_rollback(self, descriptor: int) -> None:
        """ENVCHANGE: the transaction is rolled back."""
        self._environment(10, b"\0", struct.pack("<BQ", 8, descriptor))

    def env_reset_ack(self) -> None:
        """ENVCHANGE: the session is as it was after its login."""
        self._environment(18, b"\0", b"\0")

    def env_routing(self, host: str, port: int) -> None:
        """ENVCHANGE: the client is to connect there instead."""
        name = _utf16(host, 1024)
        route = struct.pack("<BHH", 0, port, len(name) // 2) + name
        self._environment(20, struct.pack("<H", len(route)) + route, b"\0\0")

    def _environment(self, kind: int, new: bytes, old: bytes) -> None:
        self._sized(_ENVCHANGE, bytes([kind]) + new + old)

    def _sized(self, token: int, body: bytes) -> None:
        self.data += struct.pack("<BH", token, len(body)) + body


def _flags(column: ColumnInfo) -> int:
    derived = column.identity or column.computed or column.type.name == "rowversion"
    updatable = column.updatable
    return (
        (_NULLABLE if column.type.nullable or column.type.is_null else 0)
        | (_CASE_SENSITIVE if is_case_sensitive(column.type) else 0)
        | (_READ_WRITE if updatable else _UNKNOWN if updatable is None and not derived else 0)
        | (_IDENTITY if column.identity else 0)
        | (_COMPUTED if column.computed else 0)
        | (_HIDDEN if column.hidden else 0)
        | (_KEY if column.key else 0)
    )


def _utf16(text: str, limit: int) -> bytes:
    """At most ``limit`` code units, a pair not cut in two."""
    data = text.encode("utf-16-le", "surrogatepass")
    if len(data) <= 2 * limit:
        return data
    return data[: 2 * limit].decode("utf-16-le", "ignore").encode("utf-16-le")


def _b_text(text: str) -> bytes:
    data = _utf16(text, 255)
    return bytes([len(data) // 2]) + data
