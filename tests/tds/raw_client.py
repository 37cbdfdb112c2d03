"""A client that says what no driver says: raw messages over a socket."""

from __future__ import annotations

import socket
import struct

from tests.tds.conftest import PASSWORD

from tsqlite.tds.login import Login, build_login
from tsqlite.tds.packets import HEADER, PacketType, packets
from tsqlite.tds.prelogin import Encryption, Prelogin, build_prelogin
from tsqlite.tds.values import encoder, type_info
from tsqlite.types import SqlType
from tsqlite.values import Storage

DONE_ATTENTION = 0x20


class RawClient:
    """Plain text only; `log_in` or `send` what you like. Times out after 20 seconds."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 20)

    def send(self, type: PacketType, payload: bytes, *, status: int = 0) -> None:
        """One message; `status` is added to its packets' (8: reset the connection first)."""
        data = bytearray(packets(type, payload))
        data[1] |= status
        self.socket.sendall(data)

    def receive(self) -> bytes:
        """The payload of the next message; b'' at the connection's end."""
        payload = b""
        while True:
            header = self._exactly(HEADER)
            if not header:
                return b""
            payload += self._exactly(int.from_bytes(header[2:4], "big") - HEADER)
            if header[1] & 1:
                return payload

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            try:
                piece = self.socket.recv(size - len(data))
            except ConnectionError:
                return b""
            if not piece:
                return b""
            data += piece
        return data

    def greet(self, encryption: Encryption = Encryption.NOT_SUPPORTED) -> bytes:
        self.send(PacketType.PRELOGIN, build_prelogin(Prelogin(encryption=encryption)))
        return self.receive()

    def log_in(self, database: str = "Sales", **options: object) -> bytes:
        self.greet()
        given = {"user": "sa", "password": PASSWORD, "database": database, "option_flags2": 2} | options
        login = Login(**given)  # type: ignore[arg-type]
        self.send(PacketType.LOGIN7, build_login(login))
        return self.receive()

    def batch(self, text: str, *, descriptor: int = 0, status: int = 0) -> None:
        self.send(PacketType.SQL_BATCH, headers(descriptor) + text.encode("utf-16-le"), status=status)

    def ask(self, text: str, *, descriptor: int = 0, status: int = 0) -> bytes:
        self.batch(text, descriptor=descriptor, status=status)
        return self.receive()

    def call(self, name: str, *parameters: tuple[str, bool, SqlType, Storage]) -> bytes:
        """An RPC by name; each parameter is name, by reference, type, value."""
        payload = headers() + struct.pack("<H", len(name)) + name.encode("utf-16-le") + b"\0\0"
        for parameter, by_reference, type_, value in parameters:
            payload += bytes([len(parameter)]) + parameter.encode("utf-16-le") + bytes([by_reference])
            payload += type_info(type_) + encoder(type_)(value)
        self.send(PacketType.RPC, payload)
        return self.receive()

    def transaction(self, request: int, payload: bytes, *, descriptor: int = 0) -> bytes:
        """A request of the transaction manager: 5 begins, 7 commits, 8 rolls back, 9 saves."""
        self.send(PacketType.TRANSACTION, headers(descriptor) + struct.pack("<H", request) + payload)
        return self.receive()

    def cancel(self) -> None:
        self.send(PacketType.ATTENTION, b"")

    def close(self) -> None:
        self.socket.close()


def headers(descriptor: int = 0) -> bytes:
    """ALL_HEADERS with the transaction's descriptor."""
    return struct.pack("<IIHQI", 22, 18, 2, descriptor, 1)


def descriptors(answer: bytes) -> list[tuple[str, int]]:
    """The transactions that an answer says have begun or ended, when nothing else is in it that looks alike."""
    found = []
    for kind, mark, at in (
        ("begin", b"\xe3\x0b\0\x08\x08", 0),
        ("commit", b"\xe3\x0b\0\x09\0\x08", 0),
        ("rollback", b"\xe3\x0b\0\x0a\0\x08", 0),
    ):
        while (at := answer.find(mark, at)) >= 0:
            at += len(mark)
            found.append((at, kind, int.from_bytes(answer[at : at + 8], "little")))
    return [(kind, number) for _, kind, number in sorted(found)]


def last_done(answer: bytes) -> tuple[int, int, int]:
    """Token, status and count of the DONE that ends an answer."""
    token, status, _, count = struct.unpack("<BHHQ", answer[-13:])
    return token, status, count
