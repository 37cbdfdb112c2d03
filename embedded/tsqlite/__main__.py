"""`python -m tsqlite support` prints what is supported; `python -m tsqlite PATH [FILE...]` runs T-SQL on a database."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from . import dbapi, support
from .parser import split_batches


def shown(connection: dbapi.Connection, batch: str) -> Iterator[str]:
    """The results of a batch as lines: tables, counts, messages, errors."""
    cursor = connection.cursor()
    first = True
    while True:
        try:
            if first:
                first = False
                cursor.execute(batch)
            elif not cursor.nextset():
                break
        except dbapi.Error as e:
            place = f", Procedure {e.procedure}" if e.procedure else ""
            number = f"Msg {e.number}, Level {e.severity}, State {e.state}{place}, Line {e.line}: " if e.number else ""
            yield number + e.message
            continue
        if cursor.description is not None:
            yield from _table([d[0] for d in cursor.description], [[_text(v) for v in row] for row in cursor])
        elif cursor.rowcount >= 0:
            yield f"({cursor.rowcount} rows affected)"
    for message in connection.messages:
        yield message.text
    connection.messages.clear()


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return "0x" + value.hex().upper()
    return "NULL" if value is None else str(int(value)) if isinstance(value, bool) else str(value)


def _table(names: list[str], rows: list[list[str]]) -> Iterator[str]:
    widths = [max(len(cell) for cell in column) for column in zip(names, *rows, strict=True)]
    for row in (names, ["-" * w for w in widths], *rows):
        yield "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
    yield f"({len(rows)} rows)"


def main(arguments: list[str]) -> int:
    """Gives the exit status: 0, or 2 for a wrong call."""
    if arguments == ["support"]:
        print(support.markdown(), end="")
        return 0
    if not arguments or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    connection = dbapi.connect(arguments[0], autocommit=True)
    try:
        for text in (Path(f).read_text(encoding="utf-8-sig") for f in arguments[1:]) if arguments[1:] else _typed():
            for batch in split_batches(text):
                for line in shown(connection, batch.text):
                    print(line)
    finally:
        connection.close()
    return 0


def _typed() -> Iterator[str]:
    """Batches from the keyboard (each ended by GO) or a pipe."""
    lines: list[str] = []
    for line in sys.stdin:
        if line.strip().upper() == "GO":
            yield "".join(lines)
            lines.clear()
        else:
            lines.append(line)
    if "".join(lines).strip():
        yield "".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
