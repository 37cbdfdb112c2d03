"""The SQLite functions that emitted queries call for the binder's own constructs."""

from __future__ import annotations

import math

from ..errors import sql_error
from ..runtime import scalar


# Volatile: SQLite may evaluate a constant call before it knows that it is needed.
@scalar("ts_raise", volatile=True)
def _raise(number: int, *args: object) -> None:
    raise sql_error(number, *args)


@scalar("ts_row_count", 4)
def _row_count(value: int | float | None, least: int, number: int, percent: int) -> int | float:
    """The value of TOP, OFFSET or FETCH. Errors: 1014 NULL, 127, 10742, 10744; 1031 for a percentage."""
    if value is None:
        raise sql_error(1014)
    if percent and not 0 <= value <= 100:
        raise sql_error(1031)
    if value < least:
        raise sql_error(number)
    return value


@scalar("ts_percent", 2)
def _percent(percent: float, rows: int) -> int:
    """TOP (n) PERCENT of a number of rows, rounded up."""
    return math.ceil(percent * rows / 100)


@scalar("ts_exact_real", 1)
def _exact_real(value: float | None) -> str | None:
    """A float as text that gives the same float again."""
    return None if value is None else repr(value)
