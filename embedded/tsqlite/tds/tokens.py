"""What a server answers: the token stream of a RESULT message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from ..types import SqlType
from ..values import Storage


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


class Tokens:
    """Builds a token stream. ``take`` gives what there is and starts anew, so that a long result leaves in pieces."""

    def __init__(self) -> None:
        self.data = bytearray()

    def __len__(self) -> int:
        return len(self.data)

    def take(self) -> bytes:
        """The bytes so far, which the builder forgets; the columns stay known."""
        raise NotImplementedError

    def columns(self, columns: Sequence[ColumnInfo], *, metadata: bool = True) -> None:
        """COLMETADATA; the rows that follow are of these columns. ``metadata`` False: the client asked for none."""
        raise NotImplementedError

    def row(self, values: Sequence[Storage]) -> None:
        """ROW, or NBCROW when there is a NULL."""
        raise NotImplementedError

    def rows(self, rows: Iterable[Sequence[Storage]]) -> None:
        """Many rows: all in memory at once as bytes, so give some thousand at a time. Errors: ``Unsupported`` for a
        value that its column's type cannot hold; none of the rows is added then.
        """
        raise NotImplementedError

    def order(self, ordinals: Sequence[int]) -> None:
        """ORDER: the columns, from 1, that the rows are sorted by."""
        raise NotImplementedError

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
        raise NotImplementedError

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
        raise NotImplementedError

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
        raise NotImplementedError

    def login_ack(
        self,
        program: str = "Microsoft SQL Server",
        version: tuple[int, int, int] = (14, 0, 0),
        *,
        tds_version: int = 0x74000004,
    ) -> None:
        """LOGINACK; ``version`` is major, minor, build."""
        raise NotImplementedError

    def feature_ext_ack(self, features: Mapping[int, bytes]) -> None:
        """FEATUREEXTACK: the feature extensions that the server grants."""
        raise NotImplementedError

    def env_database(self, new: str, old: str = "") -> None:
        raise NotImplementedError

    def env_language(self, new: str, old: str = "") -> None:
        raise NotImplementedError

    def env_packet_size(self, new: int, old: int = 4096) -> None:
        raise NotImplementedError

    def env_collation(self, new: str | None = None, old: str = "") -> None:
        """Names of collations; ``new`` None is the default, ``old`` empty: there was none."""
        raise NotImplementedError

    def env_begin(self, descriptor: int) -> None:
        raise NotImplementedError

    def env_commit(self, descriptor: int) -> None:
        raise NotImplementedError

    def env_rollback(self, descriptor: int) -> None:
        raise NotImplementedError

    def env_reset_ack(self) -> None:
        raise NotImplementedError

    def env_routing(self, host: str, port: int) -> None:
        """The client is to connect there instead."""
        raise NotImplementedError

    def return_status(self, status: int) -> None:
        raise NotImplementedError

    def return_value(self, ordinal: int, name: str, type: SqlType, value: Storage, *, function: bool = False) -> None:
        """RETURNVALUE: an OUTPUT parameter, ``ordinal`` from 0 among the call's parameters; ``function``: what a
        function returned.
        """
        raise NotImplementedError
