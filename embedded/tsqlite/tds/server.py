"""The server: listens, and gives each client a connection of its own.

with Server({"Sales": "sales.db"}, password="...") as server:
    ...  # SERVER=127.0.0.1,{server.port};UID=sa;PWD=...;DATABASE=Sales
"""

from __future__ import annotations

import ctypes
import ipaddress
import logging
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from threading import Event, Lock, Thread, stack_size
from typing import Final, Literal

from ..databases import Databases
from ..session import Session
from ..session_functions import PRODUCT_VERSION
from .certificates import server_context
from .connection import Connection
from .packets import MESSAGE_LIMIT
from .transport import Transport

log = logging.getLogger("tsqlite.tds")

BACKLOG: Final = 128
NAME: Final = "TSQLITE"
"""The server's name in messages: what @@SERVERNAME says."""
STOP: Final = 10.0
"""Seconds that `stop` waits for the threads of the connections."""
M_ARENA_MAX, M_MMAP_THRESHOLD = -8, -3
STACK: Final = 16 * 1024 * 1024
"""Bytes of stack for a connection's requests. Texts nest as deep as their writers like, and where a system gives its
threads less (512 kB on macOS), the process would die of what is error 191. What is not used takes no memory.
"""

EncryptionMode = Literal["optional", "required", "off"]


class Server:
    """Serves databases to clients that speak TDS 7.4.

    Args:
        databases: name → file, created when it is not there.
        password: of `login`, the only one there is.
        host, port: where to listen; port 0 is any free one, see `port` after `start`. Beyond loopback there must be a
            password, and encryption is required.
        certificate: PEM files (certificate, key); by default one is made, signed by itself.
        encryption: "optional": as the client wants, the login is encrypted in any case; "required": clients that do
            not encrypt are turned away; "off": no TLS. Default: "optional" on loopback, else "required".
        read_only: database asked for with ApplicationIntent=ReadOnly → the database that is opened instead, read-only.
        default_database: for logins that name none; default: the first of `databases`.
        login_timeout: seconds from a connection's beginning to the end of its login.
        lock_timeout: seconds that a statement waits for another writer where LOCK_TIMEOUT is -1.
        synchronous: SQLite's.
        max_connections: logins beyond them are refused.
        message_limit: bytes of the longest request.

    Errors: `ValueError` for a host beyond loopback without a password or with encryption that is not required, and for
    names that `databases` does not have.
    """

    def __init__(
        self,
        databases: Mapping[str, str | Path],
        *,
        password: str,
        login: str = "sa",
        host: str = "127.0.0.1",
        port: int = 0,
        certificate: tuple[str | Path, str | Path] | None = None,
        encryption: EncryptionMode | None = None,
        read_only: Mapping[str, str] | None = None,
        default_database: str | None = None,
        login_timeout: float = 15.0,
        lock_timeout: float = 30.0,
        synchronous: str = "FULL",
        max_connections: int = 1000,
        message_limit: int = MESSAGE_LIMIT,
    ) -> None:
        if not is_loopback(host):
            if not password:
                raise ValueError(f"Listening on {host} needs a password")
            if encryption not in (None, "required"):
                raise ValueError(f"Listening on {host} needs encryption")
            encryption = "required"
        self.host, self.port = host, port
        self.password, self.login = password, login
        self.encryption_required = encryption == "required"
        self.context = (
            None
            if encryption == "off"
            else server_context(None if certificate is None else (Path(certificate[0]), Path(certificate[1])))
        )
        self.name = NAME
        self.login_timeout = login_timeout
        self.max_connections = max_connections
        self.message_limit = message_limit
        major, minor, build, _ = (int(part) for part in PRODUCT_VERSION.split("."))
        self.version = major, minor, build
        known = {n.lower() for n in databases}
        self._read_only = {n.lower(): replica for n, replica in (read_only or {}).items()}
        for asked in (*self._read_only, *self._read_only.values(), *([default_database] if default_database else [])):
            if asked.lower() not in known:
                raise ValueError(f"No database {asked}")
        self.default_database = default_database or next(iter(databases), "master")
        self.databases = Databases(
            {n: str(path) for n, path in databases.items()}, timeout=lock_timeout, synchronous=synchronous
        )
        self._guard = Lock()
        self._connections: set[Connection] = set()
        self._admitted: set[Connection] = set()
        self._numbers = count(1)
        self._listener: socket.socket | None = None
        self._stopping = Event()
        self._thread = Thread(target=self._accept, name="tds-accept", daemon=True)

    # -- life

    def start(self) -> Server:
        """Listen from now on. Errors: `OSError` for an address that is taken."""
        share_memory()
        family = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)[0][0]
        self._listener = socket.create_server((self.host, self.port), family=family, backlog=BACKLOG)
        self.port = int(self._listener.getsockname()[1])
        self._thread.start()
        return self

    def stop(self) -> None:
        """Listen no more, end every connection and roll back what is open; returns when it is done."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        if self._listener is None:
            return
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        # Where a shut-down listener does not wake its thread, a last client does.
        with suppress(OSError), socket.create_connection((self.host, self.port), 1):
            pass
        self._thread.join(STOP)
        self._listener.close()
        with self._guard:
            connections = list(self._connections)
        for connection in connections:
            connection.stop()
        for connection in connections:
            connection.thread.join(STOP)

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def connections(self) -> int:
        """How many clients are connected now."""
        with self._guard:
            return len(self._connections)

    # -- clients

    def _accept(self) -> None:
        assert self._listener is not None
        while not self._stopping.is_set():
            try:
                client, address = self._listener.accept()
            except OSError as e:
                if self._stopping.wait(0.05):
                    return
                log.warning("accept: %s", e)
                continue
            if self._stopping.is_set():
                client.close()
                return
            self._take(client, f"{address[0]}:{address[1]}")

    def _take(self, client: socket.socket, address: str) -> None:
        with self._guard:
            if len(self._connections) >= 2 * self.max_connections:
                client.close()
                return
            try:
                connection = Connection(self, Transport(client), next(self._numbers), address)
                self._connections.add(connection)
                before = stack_size(STACK)
                try:
                    connection.thread.start()
                finally:
                    stack_size(before)
            except (OSError, RuntimeError) as e:  # gone already; no more threads
                log.warning("%s: %s", address, e)
                client.close()
                self._connections.discard(connection)

    def forget(self, connection: Connection) -> None:
        """A connection has ended."""
        with self._guard:
            self._connections.discard(connection)
            self._admitted.discard(connection)

    def admit(self, connection: Connection) -> bool:
        """Count a login. False: there are as many as there may be."""
        with self._guard:
            if len(self._admitted) >= self.max_connections:
                return False
            self._admitted.add(connection)
            return True

    def open(self, database: str, *, read_only_intent: bool, host: str, application: str) -> Session:
        """A session for a login. Error 4060 for a database that is not there."""
        replica = self._read_only.get(database.lower()) if read_only_intent else None
        return self.databases.open(
            replica or database, login=self.login, host=host, application=application, readonly=replica is not None
        )


def share_memory() -> None:
    """Let the threads share their free memory, and give long texts back at once. The GNU C library has heaps for
    threads, and what a large answer has left free in one is of no use to the next: hundreds of megabytes with a thread
    a connection.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            library = ctypes.CDLL(None)
            library.mallopt(M_ARENA_MAX, 1)
            library.mallopt(M_MMAP_THRESHOLD, 1024 * 1024)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens on `host`."""
    if not host:
        return False
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return all(ipaddress.ip_address(str(address[4][0]).partition("%")[0]).is_loopback for address in found)
