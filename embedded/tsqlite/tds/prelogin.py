"""PRELOGIN: what both sides say before the login, encryption above all."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from .reader import Malformed, Reader


class Encryption(IntEnum):
    """What a side asks for; OFF encrypts the login alone."""

    OFF = 0
    ON = 1
    NOT_SUPPORTED = 2
    REQUIRED = 3


@dataclass(frozen=True, slots=True)
class Prelogin:
    """The options of one side. ``version`` is major, minor, build, sub-build; None stands for an option not sent.
    ``federated`` and ``nonce`` are of federated authentication.
    """

    version: tuple[int, int, int, int] = (0, 0, 0, 0)
    encryption: Encryption = Encryption.OFF
    client_certificate: bool = False
    instance: bytes | None = None
    thread_id: int | None = None
    mars: bool | None = None
    trace_id: bytes | None = None
    federated: int | None = None
    nonce: bytes | None = None


_VERSION, _ENCRYPTION, _INSTANCE, _THREAD, _MARS, _TRACE, _FEDERATED, _NONCE, _END = 0, 1, 2, 3, 4, 5, 6, 7, 0xFF
_OPTION = struct.Struct(">BHH")


def parse_prelogin(payload: bytes) -> Prelogin:
    """What a side sent. Errors: ``Malformed``."""
    reader = Reader(payload)
    found: dict[int, bytes] = {}
    while (token := reader.u8()) != _END:
        offset, length = reader.u16be(), reader.u16be()
        if not found and token != _VERSION:
            raise Malformed("the first option is not the version")
        if offset + length > len(payload):
            raise Malformed(f"option {token} ends at {offset + length} of {len(payload)} bytes")
        if token in found:
            raise Malformed(f"option {token} twice")
        found[token] = payload[offset : offset + length]
    version = found.get(_VERSION, b"")
    if len(version) != 6:
        raise Malformed("no version")
    major, minor, build, sub_build = struct.unpack(">BBHH", version)
    flags = _byte(found, _ENCRYPTION) or 0
    if flags & 0x1F > Encryption.REQUIRED:
        raise Malformed(f"encryption {flags:#04x}")
    # The instance's name is a zero-terminated string; nothing but the zero for the default one.
    instance = found.get(_INSTANCE)
    thread = found.get(_THREAD, b"")
    mars = _byte(found, _MARS)
    return Prelogin(
        (major, minor, build, sub_build),
        Encryption(flags & 0x1F),
        client_certificate=bool(flags & 0x80),
        instance=None if instance is None else instance.rstrip(b"\0"),
        thread_id=int.from_bytes(thread, "big") if len(thread) == 4 else None,
        mars=None if mars is None else mars == 1,
        trace_id=found.get(_TRACE),
        federated=_byte(found, _FEDERATED),
        nonce=found.get(_NONCE),
    )


def _byte(found: Mapping[int, bytes], token: int) -> int | None:
    data = found.get(token)
    if not data:
        return None
    if len(data) != 1:
        raise Malformed(f"option {token} of {len(data)} bytes")
    return data[0]


def build_prelogin(options: Prelogin) -> bytes:
    """The payload of a PRELOGIN message: a server's answer (sent as ``PacketType.RESULT``) or a client's own."""
    flags = options.encryption | (0x80 if options.client_certificate else 0)
    data: dict[int, bytes] = {_VERSION: struct.pack(">BBHH", *options.version), _ENCRYPTION: bytes([flags])}
    if options.instance is not None:
        data[_INSTANCE] = options.instance + b"\0"
    if options.thread_id is not None:
        data[_THREAD] = options.thread_id.to_bytes(4, "big")
    if options.mars is not None:
        data[_MARS] = bytes([options.mars])
    if options.trace_id is not None:
        data[_TRACE] = options.trace_id
    if options.federated is not None:
        data[_FEDERATED] = bytes([options.federated])
    if options.nonce is not None:
        data[_NONCE] = options.nonce
    at = _OPTION.size * len(data) + 1
    head = bytearray()
    for token, value in data.items():
        head += _OPTION.pack(token, at, len(value))
        at += len(value)
    return bytes(head) + bytes([_END]) + b"".join(data.values())
