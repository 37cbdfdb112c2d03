"""Bytes to and from one client: the socket, and TLS on it.

TDS 7.x wraps the records of the TLS handshake in PRELOGIN packets; after it plain TLS records follow, either for the
rest of the connection, or ("login only") for the LOGIN7 message alone.
"""

from __future__ import annotations

import socket
import ssl
import time
from contextlib import suppress
from threading import Lock
from typing import Final

from .packets import HEADER, MAX_PACKET, PacketType, packets
from .reader import Malformed

CHUNK: Final = 65536
_DONT_WAIT: Final[int] = getattr(socket, "MSG_DONTWAIT", 0)
KEEP_ALIVE: Final = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 1, "TCP_KEEPCNT": 10}
"""SQL Server's own: half-open connections are found after some 40 seconds."""


class Transport:
    """One client's socket. One thread receives, one sends; either may shut it down."""

    def __init__(self, client: socket.socket) -> None:
        self._socket = client
        self._tls: ssl.SSLObject | None = None
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._guard = Lock()
        self._unsent = bytearray()
        self._deadline: float | None = None
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in KEEP_ALIVE.items():
            if hasattr(socket, option):
                client.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)

    @property
    def encrypted(self) -> bool:
        """Whether TLS is on."""
        return self._tls is not None

    def set_deadline(self, seconds: float | None) -> None:
        """All that is received or sent from now on takes `seconds` at most, else `TimeoutError`; None: any time."""
        self._deadline = None if seconds is None else time.monotonic() + seconds
        if seconds is None:
            self._socket.settimeout(None)

    def _hurry(self) -> None:
        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._socket.settimeout(left)

    def receive(self) -> bytes:
        """Some bytes, decrypted; none at the connection's end.

        Errors: `OSError`, `TimeoutError`, `ssl.SSLError`.
        """
        if self._tls is None:
            self._hurry()
            return self._socket.recv(CHUNK)
        while True:
            with self._guard:
                tls = self._tls
                if tls is not None:
                    with suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError):
                        if data := tls.read(CHUNK):
                            return data
            self._hurry()
            received = self._socket.recv(CHUNK)
            if not received:
                return b""
            with self._guard:
                if self._tls is None:
                    return received
                self._in.write(received)

    def send(self, data: bytes | bytearray | memoryview) -> None:
        """Send everything; waits for a client that does not read."""
        self._seal(data)
        self._hurry()
        self._socket.sendall(self._unsent)
        self._unsent.clear()

    def offer(self, data: bytes | bytearray | memoryview) -> None:
        """Send what the client takes at once; the rest goes with the next `send` or `offer`."""
        self._seal(data)
        if not _DONT_WAIT:
            return
        sent = 0
        with suppress(BlockingIOError), memoryview(self._unsent) as view:
            while sent < len(view):
                sent += self._socket.send(view[sent:], _DONT_WAIT)
        del self._unsent[:sent]

    def _seal(self, data: bytes | bytearray | memoryview) -> None:
        tls = self._tls
        if tls is None:
            self._unsent += data
            return
        view = memoryview(data)
        for start in range(0, len(view), CHUNK):
            with self._guard:
                tls.write(view[start : start + CHUNK])
                self._unsent += self._out.read()

    # -- TLS

    def start_tls(self, context: ssl.SSLContext) -> None:
        """The server's side of the handshake, inside PRELOGIN packets. Errors: `ssl.SSLError`, `Malformed`."""
        tls = context.wrap_bio(self._in, self._out, server_side=True)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush_handshake()
                self._in.write(self._handshake_packet())
            except ssl.SSLError:
                with suppress(OSError):
                    self._flush_handshake()
                raise
        self._flush_handshake()
        self._tls = tls

    def stop_tls(self) -> None:
        """Go on in plain text: encryption was for the login only."""
        with self._guard:
            self._tls = None

    def _flush_handshake(self) -> None:
        if self._out.pending:
            self._hurry()
            self._socket.sendall(packets(PacketType.PRELOGIN, self._out.read()))

    def _handshake_packet(self) -> bytes:
        header = self._exactly(HEADER)
        length = int.from_bytes(header[2:4], "big")
        if header[0] != PacketType.PRELOGIN or not HEADER < length <= MAX_PACKET:
            raise Malformed("TLS handshake expected")
        return self._exactly(length - HEADER)

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            self._hurry()
            received = self._socket.recv(size - len(data))
            if not received:
                raise ConnectionResetError("closed in the middle of a packet")
            data += received
        return data

    # -- end

    def shut_down(self) -> None:
        """End the connection from any thread: whoever receives or sends on it comes back."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Say good-bye and close."""
        with suppress(OSError, ssl.SSLError):
            if self._tls is not None:
                with self._guard:
                    with suppress(ssl.SSLError):
                        self._tls.unwrap()
                    data = self._out.read()
                self._socket.settimeout(1)
                self._socket.sendall(data)
        self.shut_down()
        self._socket.close()
