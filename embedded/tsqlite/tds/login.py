"""LOGIN7: who a client is and what it wants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum


class Feature(IntEnum):
    """Feature extensions that clients ask for."""

    SESSION_RECOVERY = 0x01
    FEDERATED_AUTHENTICATION = 0x02
    COLUMN_ENCRYPTION = 0x04
    GLOBAL_TRANSACTIONS = 0x05
    AZURE_SQL_SUPPORT = 0x08
    DATA_CLASSIFICATION = 0x09
    UTF8_SUPPORT = 0x0A
    DNS_CACHING = 0x0B
    JSON_SUPPORT = 0x0D
    VECTOR_SUPPORT = 0x0E


@dataclass(frozen=True, slots=True)
class Login:
    """A LOGIN7 message, the password in clear. ``packet_size`` is what the client asks for, 0: the server's choice."""

    user: str = ""
    password: str = field(default="", repr=False)
    host: str = ""
    application: str = ""
    server: str = ""
    library: str = ""
    language: str = ""
    database: str = ""
    attach_file: str = ""
    tds_version: int = 0x74000004
    packet_size: int = 4096
    client_version: int = 0
    client_pid: int = 0
    connection_id: int = 0
    time_zone: int = 0
    client_lcid: int = 0
    option_flags1: int = 0
    option_flags2: int = 0
    option_flags3: int = 0
    type_flags: int = 0
    new_password: str | None = field(default=None, repr=False)
    sspi: bytes = b""
    features: Mapping[int, bytes] = field(default_factory=dict)

    @property
    def read_only_intent(self) -> bool:
        """ApplicationIntent=ReadOnly."""
        return bool(self.type_flags & 0x20)

    @property
    def integrated(self) -> bool:
        """Windows authentication is asked for."""
        return bool(self.option_flags2 & 0x80)

    @property
    def database_required(self) -> bool:
        """Without the database asked for the login fails (fDatabase: fatal)."""
        return bool(self.option_flags1 & 0x40)

    @property
    def odbc(self) -> bool:
        """The client is an ODBC driver (fODBC): the session begins with ANSI_DEFAULTS ON."""
        return bool(self.option_flags2 & 0x02)


def parse_login(payload: bytes) -> Login:
    """What a client sent. Errors: ``Malformed``."""
    raise NotImplementedError


def build_login(login: Login) -> bytes:
    """The payload of a LOGIN7 message: for tests, and for clients written with this package."""
    raise NotImplementedError
