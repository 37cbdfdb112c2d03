"""What every measurement uses: figures, clocks, and the time spent in calls to databases."""

from __future__ import annotations

import gc
import shutil
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from notify.databases import Connection

__all__ = ["Calls", "Figure", "Span", "calls", "folder", "median", "span"]


class Figure(NamedTuple):
    """One line of the table.

    Attributes:
        value, floor: in `unit`; floor None where there is nothing to compare with.
        ratio: what the target speaks of; value / floor unless the name says otherwise.
        target: as "<= 2"; None for what only informs, and then `ok` is None.
    """

    name: str
    value: float
    unit: str
    floor: float | None = None
    ratio: float | None = None
    target: str | None = None
    ok: bool | None = None

    @classmethod
    def of(
        cls,
        name: str,
        value: float,
        unit: str,
        floor: float | None = None,
        *,
        at_most: float | None = None,
        at_least: float | None = None,
        ratio: float | None = None,
        also: bool = True,
    ) -> Figure:
        """A figure with its ratio and verdict.

        Args:
            at_most, at_least: what the ratio (without a floor, the value) has to be.
            ratio: where it is not value / floor (a median of ratios taken side by side).
            also: a further condition of the verdict.
        """
        if ratio is None and floor:
            ratio = value / floor
        judged = value if ratio is None else ratio
        if at_most is not None:
            return cls(name, value, unit, floor, ratio, f"<= {at_most:g}", also and judged <= at_most)
        if at_least is not None:
            return cls(name, value, unit, floor, ratio, f">= {at_least:g}", also and judged >= at_least)
        return cls(name, value, unit, floor, ratio)


@dataclass
class Span:
    """Seconds on the clock and of processor time (all threads of this process)."""

    wall: float = 0.0
    cpu: float = 0.0


@contextmanager
def span() -> Iterator[Span]:
    """Measures a block; what earlier blocks left to the garbage collector is not put on its account."""
    found = Span()
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        yield found
    finally:
        found.wall, found.cpu = time.perf_counter() - wall, time.process_time() - cpu


@dataclass
class Calls:
    """Time spent in calls to databases, by procedure: seconds on the clock; `cpu` is that of the calling threads."""

    cpu: float = 0.0
    number: int = 0
    wall: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    @property
    def seconds(self) -> float:
        """On the clock, of all procedures."""
        return sum(self.wall.values())


@contextmanager
def calls() -> Iterator[Calls]:
    """Counts what passes through `notify.databases.Connection.execute` in this process.

    Parameters are JSON text before and rows are tuples after it: making and reading them is the runner's own work.
    """
    found = Calls()
    original = Connection.execute

    def execute(self: Connection, statement: str, parameters: Any = (), procedure: str = "") -> Any:
        wall, cpu = time.perf_counter(), time.thread_time()
        try:
            return original(self, statement, parameters, procedure)
        finally:
            found.cpu += time.thread_time() - cpu
            found.wall[procedure.removeprefix("notify.")] += time.perf_counter() - wall
            found.number += 1

    Connection.execute = execute  # type: ignore[method-assign]
    try:
        yield found
    finally:
        Connection.execute = original  # type: ignore[method-assign]


def median(values: list[float]) -> float:
    """The middle one."""
    return statistics.median(values)


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for databases, removed at the end."""
    path = Path(tempfile.mkdtemp(prefix="notify-bench-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
