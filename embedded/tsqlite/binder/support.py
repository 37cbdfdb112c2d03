"""The SQLite functions that emitted queries call for the binder's own constructs."""

from __future__ import annotations

import math

from ..errors import SqlError, sql_error
from ..functions.runtime import scalar

_COUNT_TEXTS = {
    127: "A TOP N or FETCH rowcount value may not be negative.",
    10742: "The offset specified in a OFFSET clause may not be negative.",
    10744: "The number of rows provided for a FETCH clause must be greater then zero.",
}


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
        raise SqlError(1031, "Percent values must be between 0 and 100.", 15)
    if value < least:
        raise SqlError(number, _COUNT_TEXTS[number], 15)
    return value


@scalar("ts_percent", 2)
def _percent(percent: float, rows: int) -> int:
    """TOP (n) PERCENT of a number of rows, rounded up."""
    return math.ceil(percent * rows / 100)


@scalar("ts_exact_real", 1)
def _exact_real(value: float | None) -> str | None:
    """A float as text that gives the same float again."""
    return None if value is None else repr(value)
