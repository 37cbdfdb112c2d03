"""A client that says what no driver says: raw messages over a socket."""

from __future__ import annotations

import socket
import struct

from tests.tds.conftest import PASSWORD

from tsqlite.tds.login import Login, build_login
from tsqlite.tds.packets import HEADER, PacketType, packets
from tsqlite.tds.prelogin import Encryption, Prelogin, build_prelogin

DONE_ATTENTION = 0x20


class RawClient:
    """Plain text only; `log_in` or `send` what you like. Times out after 20 seconds."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 20)

    def send(self, type: PacketType, payload: bytes) -> None:
        self.socket.sendall(packets(type, payload))

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
        login = Login(user="sa", password=PASSWORD, database=database, option_flags2=2, **options)  # type: ignore[arg-type]
        self.send(PacketType.LOGIN7, build_login(login))
        return self.receive()

    def batch(self, text: str, descriptor: int = 0) -> None:
        headers = struct.pack("<IIHQI", 22, 18, 2, descriptor, 1)
        self.send(PacketType.SQL_BATCH, headers + text.encode("utf-16-le"))

    def ask(self, text: str) -> bytes:
        self.batch(text)
        return self.receive()

    def cancel(self) -> None:
        self.send(PacketType.ATTENTION, b"")

    def close(self) -> None:
        self.socket.close()


def last_done(answer: bytes) -> tuple[int, int, int]:
    """Token, status and count of the DONE that ends an answer."""
    token, status, _, count = struct.unpack("<BHHQ", answer[-13:])
    return token, status, count
