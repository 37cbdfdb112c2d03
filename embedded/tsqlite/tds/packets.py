"""Packets and messages: a message is cut into packets of the size both sides agreed on, the last one marked."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from .reader import Malformed

HEADER = 8
"""Bytes of a packet's header: type, status, length (big-endian, with the header), SPID, packet number, window."""
MIN_PACKET, MAX_PACKET, DEFAULT_PACKET = 512, 32_767, 4_096
MESSAGE_LIMIT = 64 * 1024 * 1024
"""Bytes that one message of a client may have unless a server says otherwise."""

_END, _IGNORE, _RESET, _RESET_KEEP = 0x01, 0x02, 0x08, 0x10
_PACK = struct.Struct(">BBHHBB").pack


class PacketType(IntEnum):
    SQL_BATCH = 1
    RPC = 3
    RESULT = 4
    ATTENTION = 6
    BULK = 7
    FEDERATED = 8
    TRANSACTION = 14
    LOGIN7 = 16
    SSPI = 17
    PRELOGIN = 18


_TYPES = {int(t): t for t in PacketType if t is not PacketType.RESULT}


@dataclass(frozen=True, slots=True)
class Message:
    """A whole message of a client.

    ``reset_connection``: put the session back to its state after login first; with ``keep_transaction`` the open
    transaction stays. ``ignore``: the client gave the message up before its end.
    """

    type: PacketType
    payload: bytes
    reset_connection: bool = False
    keep_transaction: bool = False
    ignore: bool = False


class MessageReader:
    """Puts messages together from whatever pieces a socket gives.

    ``limit``: bytes that one message may have. Errors: ``Malformed`` for a packet or message that is too long, too
    short or of an unknown type; the reader is of no use afterwards.
    """

    def __init__(self, limit: int = MESSAGE_LIMIT, packet_limit: int = MAX_PACKET) -> None:
        self.limit = limit
        self.packet_limit = packet_limit
        self._pending = bytearray()
        self._payload = bytearray()
        self._type: PacketType | None = None
        self._reset = 0

    @property
    def in_message(self) -> bool:
        """Whether something has come that is not a whole message yet."""
        return self._type is not None or bool(self._pending)

    def feed(self, data: bytes | bytearray | memoryview) -> list[Message]:
        """The messages that ``data`` completes, in order."""
        pending = self._pending
        pending += data
        messages: list[Message] = []
        at = 0
        while len(pending) - at >= HEADER:
            length = int.from_bytes(pending[at + 2 : at + 4], "big")
            self._check(pending[at], length)
            if len(pending) - at < length:
                break
            done = self._packet(pending[at], pending[at + 1], memoryview(pending)[at + HEADER : at + length])
            if done is not None:
                messages.append(done)
            at += length
        del pending[:at]
        return messages

    def rest(self) -> bytes:
        """What came behind the last message, taken out: the first TLS record may follow a packet at once."""
        data = bytes(self._pending)
        self._pending.clear()
        return data

    def _check(self, kind: int, length: int) -> None:
        type_ = _TYPES.get(kind)
        if type_ is None:
            raise Malformed(f"packet type {kind:#04x}")
        if self._type is not None and type_ is not self._type:
            raise Malformed(f"a packet of type {type_.name} within a message of type {self._type.name}")
        if not HEADER <= length <= self.packet_limit:
            raise Malformed(f"a packet of {length} bytes")
        if len(self._payload) + length - HEADER > self.limit:
            raise Malformed(f"a message of more than {self.limit} bytes")

    def _packet(self, kind: int, status: int, payload: memoryview) -> Message | None:
        if self._type is None:
            self._type = _TYPES[kind]
            # Resetting is asked for by a message's first packet, giving up by its last.
            self._reset = status & (_RESET | _RESET_KEEP)
        self._payload += payload
        payload.release()
        if not status & _END:
            return None
        message = Message(
            self._type,
            bytes(self._payload),
            reset_connection=bool(self._reset),
            keep_transaction=bool(self._reset & _RESET_KEEP),
            ignore=bool(status & _IGNORE),
        )
        self._type = None
        self._payload = bytearray()
        return message


def packets(
    type: PacketType, payload: bytes | bytearray | memoryview, size: int = DEFAULT_PACKET, spid: int = 0
) -> bytes:
    """A whole message as packets of at most ``size`` bytes, numbered from 1, the last one marked as such."""
    return _packets(type, payload, size, spid, 1, True)


class PacketWriter:
    """A message whose packets leave while it is being made.

    ``write`` gives the packets that are full, ``flush`` what is there although it fills none, ``finish`` the last one.
    """

    def __init__(self, type: PacketType = PacketType.RESULT, size: int = DEFAULT_PACKET, spid: int = 0) -> None:
        self.type = type
        self.size = size
        self.spid = spid
        self._held = bytearray()
        self._number = 1

    def write(self, data: bytes | bytearray | memoryview) -> bytes:
        """The full packets that ``data`` makes; the rest waits."""
        held = self._held
        held += data
        room = self.size - HEADER
        # One byte stays behind: whatever follows, the last packet must be known as the last.
        count = (len(held) - 1) // room if held else 0
        if count <= 0:
            return b""
        out = _packets(
            self.type, memoryview(held)[: count * room].toreadonly(), self.size, self.spid, self._number, False
        )
        self._number += count
        del held[: count * room]
        return out

    def flush(self) -> bytes:
        """What waits, as a packet that is not the last: for messages that are to be seen at once."""
        if not self._held:
            return b""
        out = _packets(self.type, self._held, self.size, self.spid, self._number, False)
        self._number += 1
        self._held = bytearray()
        return out

    def finish(self) -> bytes:
        """What was left, as the message's last packet. The next ``write`` begins a new message."""
        out = _packets(self.type, self._held, self.size, self.spid, self._number, True)
        self._held = bytearray()
        self._number = 1
        return out


def _packets(
    type: PacketType, payload: bytes | bytearray | memoryview, size: int, spid: int, number: int, last: bool
) -> bytes:
    room = size - HEADER
    total = len(payload)
    parts: list[bytes | bytearray | memoryview] = []
    for at in range(0, total, room) if total else (0,):
        part = payload[at : at + room]
        end = _END if last and at + room >= total else 0
        parts.append(_PACK(type, end, HEADER + len(part), spid & 0xFFFF, number & 0xFF, 0))
        parts.append(part)
        number += 1
    return b"".join(parts)
