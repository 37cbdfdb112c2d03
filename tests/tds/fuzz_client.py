"""The fuzzer's client: bytes split at random, TLS inside PRELOGIN, and answers that are gone through token by token."""

from __future__ import annotations

import select
import socket
import ssl
import struct
import time
from dataclasses import dataclass, field
from random import Random

from tests.tds.conftest import PASSWORD

from tsqlite.tds.login import Login, build_login
from tsqlite.tds.packets import HEADER, PacketType, packets
from tsqlite.tds.prelogin import Encryption, Prelogin, build_prelogin
from tsqlite.tds.reader import Reader
from tsqlite.tds.values import WireType, read_type_info

MORE, ATTENTION = 0x01, 0x20


class Late(Exception):
    """No answer in time."""


class Wrong(Exception):
    """An answer that is none."""


class Wire:
    """A connection whose bytes go out in pieces of any size. Every wait has an end: `Late`."""

    def __init__(self, port: int, chance: Random, patience: float) -> None:
        self.chance = chance
        self.patience = patience
        self.socket = socket.create_connection(("127.0.0.1", port), patience)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.tls: ssl.SSLObject | None = None
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._pending = b""

    # -- bytes

    def send(self, data: bytes) -> bool:
        """False: the server has closed the connection."""
        if self.tls is not None:
            self.tls.write(data)
            data = self._out.read()
        return self.plain(data)

    def plain(self, data: bytes) -> bool:
        """Past TLS, if there is any."""
        cuts = sorted(self.chance.randrange(len(data) + 1) for _ in range(self.chance.choice((0, 0, 1, 3, 12))))
        try:
            for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
                self.socket.sendall(data[start:end])
        except TimeoutError:
            raise Late("the server reads nothing") from None
        except OSError:
            return False
        return True

    def _some(self, deadline: float) -> bytes:
        while True:
            if self.tls is not None:
                try:
                    if data := self.tls.read(65536):
                        return data
                    return b""
                except ssl.SSLWantReadError:
                    pass
                except ssl.SSLError:
                    return b""
            self.socket.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                raise Late(f"no answer within {self.patience} s") from None
            except OSError:
                return b""
            finally:
                self.socket.settimeout(self.patience)
            if self.tls is None or not data:
                return data
            self._in.write(data)

    def message(self, patience: float | None = None) -> bytes | None:
        """The payload of the next message; None at the connection's end."""
        deadline = time.monotonic() + (self.patience if patience is None else patience)
        payload = b""
        while True:
            while len(self._pending) < HEADER or len(self._pending) < int.from_bytes(self._pending[2:4], "big"):
                data = self._some(deadline)
                if not data:
                    return None
                self._pending += data
            size = int.from_bytes(self._pending[2:4], "big")
            kind, status = self._pending[0], self._pending[1]
            # The alert of a handshake that has failed comes as the handshake did.
            if kind not in (PacketType.RESULT, PacketType.PRELOGIN) or size < HEADER:
                raise Wrong(f"a packet of type {kind}, {size} bytes")
            payload += self._pending[HEADER:size]
            self._pending = self._pending[size:]
            if status & 1:
                return payload

    def quiet(self, seconds: float) -> bool:
        """Whether nothing comes for some time."""
        if self._pending:
            return False
        poll = select.poll()  # select() knows no descriptor beyond 1023
        poll.register(self.socket, select.POLLIN)
        return not poll.poll(seconds * 1000)

    # -- the usual beginning

    def greet(self, encryption: Encryption = Encryption.NOT_SUPPORTED) -> bytes | None:
        self.send(packets(PacketType.PRELOGIN, build_prelogin(Prelogin((18, 0, 0, 0), encryption))))
        return self.message()

    def start_tls(self) -> None:
        """The client's side of the handshake. Errors: `ssl.SSLError`, `Wrong`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        tls = context.wrap_bio(self._in, self._out)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                if self._out.pending and not self.plain(packets(PacketType.PRELOGIN, self._out.read())):
                    raise Wrong("closed during the handshake") from None
                self._in.write(self._handshake())
        if self._out.pending:
            self.plain(packets(PacketType.PRELOGIN, self._out.read()))
        self.tls = tls

    def _handshake(self) -> bytes:
        deadline = time.monotonic() + self.patience
        while len(self._pending) < HEADER or len(self._pending) < int.from_bytes(self._pending[2:4], "big"):
            data = self._some(deadline)
            if not data:
                raise Wrong("closed during the handshake")
            self._pending += data
        size = int.from_bytes(self._pending[2:4], "big")
        data, self._pending = self._pending[HEADER:size], self._pending[size:]
        return data

    def log_in(self, database: str, encryption: Encryption = Encryption.NOT_SUPPORTED, packet_size: int = 4096) -> bool:
        """Greeting, TLS and login; False where the server refuses."""
        if self.greet(encryption) is None:
            return False
        if encryption is not Encryption.NOT_SUPPORTED:
            self.start_tls()
        self.send(packets(PacketType.LOGIN7, build_login(login(database, packet_size))))
        if encryption is Encryption.OFF:
            self.tls = None
        answer = self.message()
        return answer is not None and not walk(answer).errors

    def close(self, *, reset: bool = False) -> None:
        """`reset`: as a client that dies, not as one that says good-bye."""
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def login(database: str, packet_size: int = 4096) -> Login:
    return Login(
        user="sa", password=PASSWORD, database=database, application="fuzz", option_flags2=2, packet_size=packet_size
    )


@dataclass
class Answer:
    """What a message of the server says: numbers and texts of errors, rows, and how it ends."""

    errors: list[tuple[int, str]] = field(default_factory=list)
    rows: int = 0
    status: int = 0
    transaction: int = 0
    attention: bool = False
    ended: bool = False


def walk(payload: bytes) -> Answer:
    """Goes through every token and every value. `Wrong`, or an exception of the codecs, for a token stream that is none."""
    answer = Answer()
    reader = Reader(payload)
    types: list[WireType] = []
    while not reader.at_end:
        token = reader.u8()
        if answer.ended:
            raise Wrong(f"token {token:#04x} behind the last DONE")
        if token == 0x81:
            count = reader.u16()
            types = [_column(reader) for _ in range(0 if count == 0xFFFF else count)]
        elif token == 0xD1:
            answer.rows += 1
            for type_ in types:
                type_.read(reader)
        elif token == 0xD2:
            answer.rows += 1
            nulls = reader.take((len(types) + 7) // 8)
            for i, type_ in enumerate(types):
                if not nulls[i // 8] >> i % 8 & 1:
                    type_.read(reader)
        elif token in (0xFD, 0xFE, 0xFF):
            status = answer.status = reader.u16()
            # Six bytes to a client that says it is of TDS 7.1 or older.
            reader.skip(10 if reader.remaining >= 10 else 6)
            answer.attention = answer.attention or bool(status & ATTENTION)
            answer.ended = not status & MORE
        elif token == 0xAA:
            end = reader.u16() + reader.position
            number = reader.i32()
            reader.skip(2)
            answer.errors.append((number, reader.us_text()))
            reader.skip(end - reader.position)
        elif token == 0xE3:
            inside = Reader(reader.take(reader.u16()))
            kind = inside.u8()
            if kind == 8:
                inside.u8()
                answer.transaction = inside.u64()
            elif kind in (9, 10):
                answer.transaction = -1
        elif token in (0xAB, 0xAD, 0xA9):
            reader.skip(reader.u16())
        elif token == 0x79:
            reader.skip(4)
        elif token == 0xAC:
            reader.skip(2)
            reader.b_text()
            reader.skip(7)
            read_type_info(reader).read(reader)
        else:
            raise Wrong(f"token {token:#04x} at {reader.position}")
    if not answer.ended:
        raise Wrong("an answer without an end")
    return answer


def _column(reader: Reader) -> WireType:
    reader.skip(6)
    type_ = read_type_info(reader)
    reader.b_text()
    return type_
