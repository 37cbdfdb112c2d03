"""What commands print: tables, JSON, progress (bars on a terminal, lines in a log; both on standard error)."""

from __future__ import annotations

import datetime
import decimal
import json
import sys
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from notify.cycle import Progress

__all__ = ["cell", "print_json", "print_table", "progress"]

LINE_SECONDS: Final = 5.0
"""A step says how far it is at most this often in a log."""


def print_json(document: Any) -> None:
    """JSON on standard output: dates as ISO 8601, Decimals as text, bytes as 0x and hex digits."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2, default=plain))


def plain(value: Any) -> Any:
    """A value that JSON does not know."""
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, decimal.Decimal | uuid.UUID):
        return str(value)
    if isinstance(value, bytes):
        return "0x" + value.hex().upper()
    raise TypeError(f"{type(value).__name__} in a report")


def cell(value: Any) -> str:
    """A value in a table."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, bytes):
        return "0x" + value.hex().upper()
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ", timespec="milliseconds")
    return str(value)


def _short(value: Any) -> str:
    """A value in a table on a terminal."""
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return cell(value)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None) -> None:
    """A table on standard output: drawn on a terminal, aligned plain text in a pipe."""
    rows = list(rows)
    if sys.stdout.isatty():
        from rich import box
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        # Cells are wrapped where they have a blank, times and headings first; within a name only when all else fails.
        texts = [[_short(value) for value in row] for row in rows]
        console = Console()
        headings = [name.replace("_", " ") for name in columns]
        least = [
            max(len(word) for text in column for word in text.split() or [""])
            for column in zip(headings, *texts, strict=True)
        ]
        fits = sum(least) + 3 * len(least) <= console.width
        table = Table(title=title, title_style="bold", box=box.SIMPLE_HEAD, title_justify="left", collapse_padding=True)
        for heading, width in zip(headings, least, strict=True):
            table.add_column(heading, overflow="fold", min_width=width + 1 if fits else None)
        for row in texts:
            table.add_row(*(Text(text) for text in row))
        console.print(table)
        return
    if title:
        click.echo(title)
    texts = [[cell(value) for value in row] for row in rows]
    widths = [max([len(name), *(len(row[index]) for row in texts)]) for index, name in enumerate(columns)]
    for line in ([*columns], *texts):
        click.echo("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


class Lines:
    """Progress as plain lines, for logs."""

    def __init__(self) -> None:
        self._told: dict[str, float] = {}

    def note(self, text: str) -> None:
        """A line with the time."""
        click.echo(f"{datetime.datetime.now():%H:%M:%S} {text}", err=True)

    def step(self, name: str, done: int, total: int | None) -> None:
        """A line at the end of a step, and now and then on the way."""
        now = time.monotonic()
        if now - self._told.get(name, now if done != total else 0.0) >= LINE_SECONDS or (total and done == total):
            self.note(f"{name}: {done}" + (f" of {total}" if total is not None else ""))
            self._told[name] = now
        self._told.setdefault(name, now)


class TerminalBars:
    """Progress as bars, for people."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def note(self, text: str) -> None:
        """A line above the bars."""
        self._bars.console.print(text, markup=False, highlight=False)

    def step(self, name: str, done: int, total: int | None) -> None:
        """Moves the step's bar."""
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=total)
        self._bars.update(self._tasks[name], completed=done, total=total)


@contextmanager
def progress() -> Iterator[Progress]:
    """Where long work tells how far it is."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=Console(stderr=True)) as bars:
        yield TerminalBars(bars)
