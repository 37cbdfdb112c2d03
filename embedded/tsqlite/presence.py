"""Who is connected to a database file: open transactions of every session and process, and application locks.

A side file `<database>-sessions` has one slot of 32 bytes for each session. A slot belongs to the process that holds
the operating system's lock on its byte, so a killed process leaves nothing behind. SQLite's own locks are not involved:
a session can be seen while another one writes.
"""

from __future__ import annotations

import os
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Final

try:
    import fcntl
except ImportError:  # Windows: sessions of one process see each other, those of another one do not
    fcntl = None  # type: ignore[assignment]

SLOT: Final = struct.Struct("<qqqq")  # process, transaction, begin time, session
SLOTS: Final = 4096
FIRST_SESSION: Final = 51
_SLOT_LOCKS: Final = 1 << 20
_RESOURCES: Final = 1 << 40
_guard = threading.RLock()
_known: dict[tuple[int, str], Presence] = {}
_transaction_ids = count(1)


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """An open transaction: `begin` in 100 ns since 0001-01-01."""

    session_id: int
    transaction_id: int
    begin: int


class Presence:
    """The sessions of one database file, as this process sees them."""

    def __init__(self, path: str | None) -> None:
        self.path = path
        self.own: dict[int, bytes] = {}
        self.locks: dict[str, dict[object, tuple[str, int]]] = {}
        self.fd = -1 if path is None else os.open(path + "-sessions", os.O_RDWR | os.O_CREAT, 0o666)

    @classmethod
    def of(cls, path: str) -> Presence:
        """The one of a file; a database in memory has its own each time."""
        if path == ":memory:":
            return cls(None)
        with _guard:
            key = (os.getpid(), path)
            if key not in _known:
                _known[key] = cls(path)
            return _known[key]

    # -- sessions

    def enter(self) -> int:
        """Take a slot; the session's id is `FIRST_SESSION` more."""
        with _guard:
            for slot in range(SLOTS):
                if slot not in self.own and self._lock(_SLOT_LOCKS + slot, exclusive=True):
                    self.own[slot] = b""
                    self._write(slot, SLOT.pack(os.getpid(), 0, 0, 0))
                    return slot
        raise OSError("too many sessions")

    def leave(self, slot: int) -> None:
        """Give a slot back."""
        with _guard:
            if self.own.pop(slot, None) is None:
                return
            if self.fd >= 0:
                os.pwrite(self.fd, SLOT.pack(0, 0, 0, 0), slot * SLOT.size)
                self._unlock(_SLOT_LOCKS + slot)
                if not self.own:
                    os.close(self.fd)
                    self.fd = -1
                    _known.pop((os.getpid(), self.path or ""), None)

    def begin(self, slot: int, ticks: int, session_id: int) -> int:
        """A transaction of a session has begun at `ticks`; gives its id."""
        transaction_id = (slot + 1) * 1_000_000_000 + next(_transaction_ids)
        self._write(slot, SLOT.pack(os.getpid(), transaction_id, ticks, session_id))
        return transaction_id

    def end(self, slot: int) -> None:
        """The slot's transaction has ended."""
        if slot in self.own:
            self._write(slot, SLOT.pack(os.getpid(), 0, 0, 0))

    def transactions(self) -> list[OpenTransaction]:
        """The open transactions of all living sessions."""
        found = []
        with _guard:
            if self.fd >= 0:
                data = os.pread(self.fd, SLOTS * SLOT.size, 0)
            else:
                data = b"".join(self.own.get(i) or bytes(SLOT.size) for i in range(max(self.own, default=-1) + 1))
            for slot in range(len(data) // SLOT.size):
                _, transaction_id, begin, session_id = SLOT.unpack_from(data, slot * SLOT.size)
                if transaction_id and self._alive(slot):
                    found.append(OpenTransaction(session_id, transaction_id, begin))
        return found

    def _alive(self, slot: int) -> bool:
        if slot in self.own:
            return True
        if not self._lock(_SLOT_LOCKS + slot, exclusive=True):
            return True
        self._unlock(_SLOT_LOCKS + slot)
        return False

    def _write(self, slot: int, data: bytes) -> None:
        self.own[slot] = data
        if self.fd >= 0:
            os.pwrite(self.fd, data, slot * SLOT.size)

    def _lock(self, byte: int, *, exclusive: bool) -> bool:
        if fcntl is None or self.fd < 0:
            return True
        try:
            fcntl.lockf(self.fd, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB, 1, byte)
        except OSError:
            return False
        return True

    def _unlock(self, byte: int) -> None:
        if fcntl is not None and self.fd >= 0:
            fcntl.lockf(self.fd, fcntl.LOCK_UN, 1, byte)

    # -- application locks

    def acquire(
        self, owner: object, resource: str, mode: str, timeout: float, pause: Callable[[float], None] = time.sleep
    ) -> int:
        """Take an application lock ('Shared' or 'Exclusive') for `owner`.

        Gives 0 at once, 1 after waiting, -1 when `timeout` seconds have passed (negative: for ever).
        `pause` waits between two attempts; what it raises ends them.
        """
        started = time.monotonic()
        waited = 0
        while not self._try(owner, resource, mode):
            if 0 <= timeout <= time.monotonic() - started:
                return -1
            waited = 1
            pause(0.002)
        return waited

    def release(self, owner: object, resource: str, *, whole: bool = False) -> bool:
        """Give a lock back once (`whole`: however often it was taken). False: `owner` does not hold it."""
        with _guard:
            holders = self.locks.get(resource, {})
            if owner not in holders:
                return False
            mode, times = holders[owner]
            if times > 1 and not whole:
                holders[owner] = (mode, times - 1)
                return True
            del holders[owner]
            if not holders:
                self.locks.pop(resource, None)
                self._unlock(_byte(resource))
            elif mode == "Exclusive":
                self._lock(_byte(resource), exclusive=False)
            return True

    def release_all(self, owner: object) -> None:
        """Give back all locks of an owner: its transaction or session has ended."""
        with _guard:
            for resource in [r for r, holders in self.locks.items() if owner in holders]:
                self.release(owner, resource, whole=True)

    def holds(self, owner: object) -> bool:
        """Whether an owner holds any lock."""
        with _guard:
            return any(owner in holders for holders in self.locks.values())

    def mode(self, owner: object, resource: str) -> str:
        """The mode in which `owner` holds a resource, 'NoLock' if not at all."""
        return self.locks.get(resource, {}).get(owner, ("NoLock", 0))[0]

    def grants(self, owner: object, resource: str, mode: str) -> bool:
        """Whether `owner` would be given a lock at once."""
        with _guard:
            before = self.locks.get(resource, {}).get(owner)
            if not self._try(owner, resource, mode):
                return False
            self.release(owner, resource)
            if before is not None and before != self.locks[resource][owner]:
                self.locks[resource][owner] = before
                self._lock(_byte(resource), exclusive=False)
            return True

    def _try(self, owner: object, resource: str, mode: str) -> bool:
        with _guard:
            holders = self.locks.setdefault(resource, {})
            held = holders.get(owner)
            others = [m for o, (m, _) in holders.items() if o != owner]
            exclusive = mode == "Exclusive"
            if (exclusive and others) or "Exclusive" in others:
                return False
            if not others and (held is None or (exclusive and held[0] == "Shared")):
                if not self._lock(_byte(resource), exclusive=exclusive):
                    if not holders:
                        self.locks.pop(resource, None)
                    return False
            stronger = "Exclusive" if exclusive or (held and held[0] == "Exclusive") else "Shared"
            holders[owner] = (stronger, (held[1] if held else 0) + 1)
            return True


def _byte(resource: str) -> int:
    import hashlib

    return _RESOURCES + int.from_bytes(hashlib.blake2b(resource.encode(), digest_size=5).digest(), "big")
