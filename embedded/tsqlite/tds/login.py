"""LOGIN7: who a client is and what it wants."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from .reader import Malformed, Reader, utf16


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


_FIXED = struct.Struct("<IIIIIIBBBBiI")
_HEAD = 94
"""Where the data begins; 86 before TDS 7.2, whose clients cannot change a password."""
_FEATURES_SINCE = 0x74000000
_LIMIT = 128 * 1024 - 1
_DECODE = bytes((b ^ 0xA5) >> 4 | ((b ^ 0xA5) & 0x0F) << 4 for b in range(256))
_ENCODE = bytes((b >> 4 | (b & 0x0F) << 4) ^ 0xA5 for b in range(256))
_CHANGES_PASSWORD, _EXTENDED, _END = 0x01, 0x10, 0xFF


def parse_login(payload: bytes) -> Login:
    """What a client sent. Errors: ``Malformed``."""
    if len(payload) > _LIMIT:
        raise Malformed(f"a login of {len(payload)} bytes")
    reader = Reader(payload)
    length, version, packet, library_version, pid, connection, flags1, flags2, types, flags3, zone, lcid = (
        _FIXED.unpack(reader.take(_FIXED.size))
    )
    if length > len(payload):
        raise Malformed(f"a login of {length} bytes in a message of {len(payload)}")
    payload = payload[:length]

    def data(offset: int, size: int) -> bytes:
        if size and offset + size > length:
            raise Malformed(f"{size} bytes at {offset} of {length}")
        return payload[offset : offset + size]

    def text(limit: int = 128, table: bytes | None = None) -> str:
        offset, characters = reader.u16(), reader.u16()
        if characters > limit:
            raise Malformed(f"{characters} characters where {limit} may be")
        encoded = data(offset, characters * 2)
        return utf16(encoded if table is None else encoded.translate(table))

    start = int.from_bytes(payload[_FIXED.size : _FIXED.size + 2], "little")
    if start < 86:
        raise Malformed(f"data from byte {start}")
    host, user, password = text(), text(), text(table=_DECODE)
    application, server = text(), text()
    extension = data(reader.u16(), reader.u16())
    library, language, database = text(), text(), text()
    reader.skip(6)
    sspi_at, sspi_size = reader.u16(), reader.u16()
    attach = text(260)
    new_password: str | None = None
    if start >= _HEAD:
        changed = text(table=_DECODE)
        new_password = changed if flags3 & _CHANGES_PASSWORD else None
        long_size = reader.u32()
        if sspi_size == 0xFFFF and long_size:
            sspi_size = long_size
    return Login(
        user=user,
        password=password,
        host=host,
        application=application,
        server=server,
        library=library,
        language=language,
        database=database,
        attach_file=attach,
        tds_version=version,
        packet_size=packet,
        client_version=library_version,
        client_pid=pid,
        connection_id=connection,
        time_zone=zone,
        client_lcid=lcid,
        option_flags1=flags1,
        option_flags2=flags2,
        option_flags3=flags3,
        type_flags=types,
        new_password=new_password,
        sspi=data(sspi_at, sspi_size),
        # The flag is TDS 7.4's: older clients may set it and mean nothing.
        features=_features(payload, extension) if flags3 & _EXTENDED and version >= _FEATURES_SINCE else {},
    )


def _features(payload: bytes, extension: bytes) -> dict[int, bytes]:
    if len(extension) < 4:
        raise Malformed("an extension without the place of its features")
    features: dict[int, bytes] = {}
    at = int.from_bytes(extension[:4], "little")
    if at == 0:
        return features
    reader = Reader(payload)
    reader.skip(at)
    while (feature := reader.u8()) != _END:
        features[feature] = reader.take(reader.u32())
    return features


def build_login(login: Login) -> bytes:
    """The payload of a LOGIN7 message: for tests, and for clients written with this package."""
    flags3 = login.option_flags3
    flags3 |= (_CHANGES_PASSWORD if login.new_password is not None else 0) | (_EXTENDED if login.features else 0)
    table = bytearray()
    body = bytearray()

    def put(value: bytes, unit: int = 2) -> None:
        nonlocal table, body
        table += struct.pack("<HH", _HEAD + len(body), len(value) // unit)
        body += value

    def text(value: str) -> bytes:
        return value.encode("utf-16-le")

    put(text(login.host))
    put(text(login.user))
    put(text(login.password).translate(_ENCODE))
    put(text(login.application))
    put(text(login.server))
    place = len(body)
    put(b"\0" * 4 if login.features else b"", 1)
    put(text(login.library))
    put(text(login.language))
    put(text(login.database))
    table += b"\0" * 6
    put(login.sspi, 1)
    put(text(login.attach_file))
    put(text(login.new_password or "").translate(_ENCODE))
    table += struct.pack("<I", 0)
    if login.features:
        body[place : place + 4] = (_HEAD + len(body)).to_bytes(4, "little")
        for feature, value in login.features.items():
            body += struct.pack("<BI", feature, len(value)) + value
        body.append(_END)
    head = _FIXED.pack(
        _HEAD + len(body),
        login.tds_version,
        login.packet_size,
        login.client_version,
        login.client_pid,
        login.connection_id,
        login.option_flags1,
        login.option_flags2,
        login.type_flags,
        flags3,
        login.time_zone,
        login.client_lcid,
    )
    return head + bytes(table) + bytes(body)
