"""The clock of each database. Real by default; a test may freeze or move it, in its own process."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from pathlib import Path

EPOCH = datetime.datetime(1, 1, 1)
_UNIX_TICKS = (datetime.datetime(1970, 1, 1) - EPOCH).days * 864_000_000_000
_clocks: dict[str, Callable[[], int]] = {}


def _key(path: str | Path) -> str:
    return str(Path(path).resolve())


def ticks_of(moment: datetime.datetime) -> int:
    """100 ns since 0001-01-01 of a UTC moment (naive, or converted when it has a zone)."""
    if moment.tzinfo is not None:
        moment = moment.astimezone(datetime.UTC).replace(tzinfo=None)
    delta = moment - EPOCH
    return delta.days * 864_000_000_000 + delta.seconds * 10_000_000 + delta.microseconds * 10


def real() -> int:
    """Now, UTC, in 100 ns since 0001-01-01."""
    return _UNIX_TICKS + time.time_ns() // 100


def now(path: str | Path) -> int:
    """The database's time in 100 ns since 0001-01-01."""
    found = _clocks.get(str(path)) if _clocks else None
    return found() if found else real()


def set_clock(path: str | Path, clock: Callable[[], datetime.datetime] | datetime.datetime | None) -> None:
    """Give the database at `path` a clock: a fixed UTC moment, a function that gives one, or None for the real one."""
    key = _key(path)
    if clock is None:
        _clocks.pop(key, None)
    elif isinstance(clock, datetime.datetime):
        fixed = ticks_of(clock)
        _clocks[key] = lambda: fixed
    else:
        given = clock
        _clocks[key] = lambda: ticks_of(given())


def freeze(path: str | Path, moment: datetime.datetime) -> None:
    """Stop the clock at a UTC moment."""
    set_clock(path, moment)


def advance(path: str | Path, by: datetime.timedelta) -> None:
    """Move the clock on: a frozen one stays frozen, a real one keeps running with the difference."""
    key = _key(path)
    step = by.days * 864_000_000_000 + by.seconds * 10_000_000 + by.microseconds * 10
    before = _clocks.get(key, real)
    _clocks[key] = lambda: before() + step
