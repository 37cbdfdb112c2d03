"""What commands print: tables, JSON, progress (bars on a terminal, lines in a log; both on standard error)."""

from __future__ import annotations

import datetime
import decimal
import json
import os
import shutil
import sys
import textwrap
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import TaskID
    from rich.table import Table

    from notify.cycle import Progress

__all__ = [
    "LOG_WIDTH",
    "cell",
    "duration",
    "print_json",
    "print_lines",
    "print_rows",
    "print_stripped",
    "print_table",
    "progress",
    "report_width",
]

LOG_WIDTH: Final = 100
"""Columns of a report in a log or a pipe, unless COLUMNS says otherwise."""
LINE_SECONDS: Final = 5.0
"""A step says how far it is at most this often in a log."""


def print_json(document: Any) -> None:
    """JSON on standard output: dates as ISO 8601, Decimals as text, bytes as 0x and hex digits."""
    click.echo(json.dumps(document, ensure_ascii=not is_unicode(), indent=2, default=plain))


def is_unicode() -> bool:
    """Whether standard output takes every letter."""
    return (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "").startswith("utf")


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


def duration(seconds: float) -> str:
    """``12 s``, ``41 min``, ``3 h 5 min``, ``2 d 4 h``: as exact as a person asks."""
    whole = round(seconds)
    for size, unit, smaller, least in ((86400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit}" + (f" {rest} {least}" if rest else "")
    return f"{whole // 60} min" if whole >= 120 else f"{whole} s"


def report_width() -> int:
    """Columns that a report may take: the terminal's, a log's without one; COLUMNS outweighs both."""
    return shutil.get_terminal_size((LOG_WIDTH, 24)).columns if sys.stdout.isatty() else _log_width()


def _log_width() -> int:
    try:
        return max(int(os.environ["COLUMNS"]), 40)
    except (KeyError, ValueError):
        return LOG_WIDTH


def print_rows(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Rows of data: drawn on a terminal; in a pipe aligned text, one line a row however wide, for other programs."""
    rows = list(rows)
    if sys.stdout.isatty():
        _draw(columns, rows, None)
        return
    texts = [[cell(value) for value in row] for row in rows]
    widths = [max([len(name), *(len(row[index]) for row in texts)]) for index, name in enumerate(columns)]
    for line in ([*columns], *texts):
        click.echo("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None) -> None:
    """A report's table, no wider than the terminal or a log: cells are wrapped; one block a row where that won't do."""
    _draw(columns, list(rows), title)


def _draw(columns: Sequence[str], rows: Sequence[Sequence[Any]], title: str | None) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # Cells are wrapped where they have a blank, times and headings first; never within a name.
    texts = [[_short(value) for value in row] for row in rows]
    console = Console(highlight=False, width=report_width())
    least = [
        max(len(word) for text in column for word in text.split() or [""])
        for column in zip(columns, *texts, strict=True)
    ]
    if title:
        console.print(Text(title, style="bold"))
    if rows and sum(least) + 2 * len(least) > console.width:
        wide = max(len(heading) for heading in columns)
        for row in texts:
            grid = Table(box=None, show_header=False, padding=(0, 1), pad_edge=False)
            grid.add_column(style="dim", min_width=wide + 1, no_wrap=True)
            grid.add_column(overflow="fold")
            for heading, text in zip(columns, row, strict=True):
                grid.add_row(f" {heading}", Text(text))
            print_stripped(console, grid)
            console.print()
        return
    # A title over the table is its heading; the columns' names step back behind it.
    table = Table(
        box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, header_style="dim" if title else "bold",
        border_style="dim",
    )  # fmt: skip
    for index, (heading, width) in enumerate(zip(columns, least, strict=True)):
        numeric = bool(rows) and all(isinstance(row[index], int | float | decimal.Decimal) for row in rows)
        table.add_column(heading, overflow="fold", min_width=width, justify="right" if numeric else "left")
    for row in texts:
        table.add_row(*(Text(text) for text in row))
    print_stripped(console, table)


def print_stripped(console: Console, table: Table) -> None:
    """A log wants no blanks at the ends of its lines, which rich fills up."""
    if console.is_terminal:
        console.print(table)
        return
    with console.capture() as captured:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def print_lines(lines: Iterable[tuple[str, str]], *, taken: int = 0, dim: bool = False) -> None:
    """Lines of a head that stays and a text that is wrapped beside it, to the terminal's width or a log's.

    Args:
        taken: columns of the first line that are printed already.
        dim: the heads are less than the texts.
    """
    width = report_width() - taken
    for head, text in lines:
        shown = click.style(head, dim=True) if dim else head
        if len(head) + len(text) <= width:
            click.echo(f"{shown}{text}" if text else shown.rstrip())
            continue
        # A head that would leave no room stands on a line of its own.
        indent = len(head) if len(head) <= width // 2 else 4
        margin = "\n" + " " * (taken + indent)
        first = shown if indent == len(head) else shown.rstrip() + margin
        wrapped = textwrap.wrap(text, width - indent, break_long_words=False, break_on_hyphens=False)
        click.echo(first + margin.join(wrapped))


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
    # Bars go when all is done: what was done is in the report.
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        yield TerminalBars(bars)
