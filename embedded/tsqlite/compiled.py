"""What the binder hands to the interpreter: SQLite text with everything that is needed to run it.

Parameters are numbered: ``?1`` in the text is ``parameters[0]``, the name of a T-SQL variable in lower case with its
``@``.
The value bound is the variable's storage value (``README.md``, "How a T-SQL value is stored"), and so are the values
of the
rows; every value that is written to a column or a variable has been converted to its type in the text already.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .types import SqlType


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a result set; ``name`` is empty where T-SQL gives it none. Whether it may be NULL is in its type.

    ``computed``: an expression, or a computed column, not a stored value as it stands. ``user_type``: the id of the
    alias type that the column shown was declared with.
    """

    name: str
    type: SqlType
    identity: bool = False
    computed: bool = True
    user_type: int = 0


@dataclass(frozen=True, slots=True)
class Touched:
    """What running a statement needs: who is read, and whether a hint or the isolation level asks for the write lock
    first."""

    tables: tuple[str, ...] = ()
    """SQLite names of the tables read (written ones are not repeated here)."""
    locking: bool = False
    """A read with UPDLOCK, XLOCK, HOLDLOCK, SERIALIZABLE, TABLOCKX: take the write lock before it runs."""


@dataclass(frozen=True, slots=True)
class IntoTable:
    """``SELECT ... INTO name``: the interpreter creates the table from the query's columns and fills it.

    ``identity`` is (position of the column, seed, increment) when the column inherits or is given IDENTITY.
    """

    name: Any
    """The ``tree`` node of the table's multipart name."""
    identity: tuple[int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """A SELECT, or an expression (one row, one column) wrapped as one.

    When ``assigns`` is set the rows are not a result set: the last row's values go to these variables, position by
    position,
    and no row leaves them alone.
    """

    sql: str
    parameters: tuple[str, ...]
    columns: tuple[Column, ...]
    touched: Touched = field(default_factory=Touched)
    assigns: tuple[str, ...] = ()
    into: IntoTable | None = None
    json: bool = False
    """FOR JSON at the top: one row with one nvarchar(max) value, and no row at all when there is nothing to show."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """SQL text of one expression over the columns of one table, as CHECK, DEFAULT and computed columns have it.

    ``sql`` names columns by their SQLite names without a qualifier, so that it can stand in a SELECT over the table
    alone.
    """

    sql: str
    parameters: tuple[str, ...]
    type: SqlType
    columns: tuple[str, ...] = ()
    """Names of the table's columns that it reads."""


@dataclass(frozen=True, slots=True)
class Output:
    """An OUTPUT clause.

    ``start`` is where its values begin in the rows of the statement's query when nothing depends on the written row
    (always so
    for DELETE). Otherwise ``sql`` is run for each written row: ``?1`` is its ``_rowid``, then come the values of the
    query's
    row from ``captured`` on (``captured_count`` of them), then ``parameters``.
    """

    columns: tuple[Column, ...]
    start: int | None = None
    sql: str | None = None
    captured: int = 0
    captured_count: int = 0
    parameters: tuple[str, ...] = ()
    into: Any | None = None
    """The ``catalog`` table that receives the rows; None: they are a result set."""
    into_columns: tuple[str, ...] = ()
    """Names of the columns that receive them, in order. The values have been converted to their types."""


@dataclass(frozen=True, slots=True)
class Insert:
    """INSERT of the rows of ``query`` (None: DEFAULT VALUES, or ``execute``) into ``columns`` of ``table``.

    ``defaults`` are positions (in ``columns``) that VALUES gave as DEFAULT in every row; they are left out of
    ``query``'s columns
    and of ``columns``. ``row_defaults``: (row, position) pairs where only some rows of VALUES say DEFAULT (the query
    gives NULL).
    """

    table: Any
    columns: tuple[str, ...]
    query: Query | None
    execute: Any | None = None
    """The ``tree`` node of INSERT ... EXECUTE; the interpreter converts its rows."""
    output: Output | None = None
    output_select: Output | None = None
    """The second OUTPUT clause, where OUTPUT ... INTO and OUTPUT are both there."""
    row_defaults: tuple[tuple[int, int], ...] = ()
    touched: Touched = field(default_factory=Touched)


@dataclass(frozen=True, slots=True)
class Update:
    """UPDATE: ``query`` yields ``_rowid``, then the new value of each of ``columns``, then ``variables``, then what
    OUTPUT needs.

    All rows are read before the first is written, so a right-hand side sees the old row. A ``_rowid`` comes once only.
    """

    table: Any
    columns: tuple[str, ...]
    query: Query
    variables: tuple[str, ...] = ()
    output: Output | None = None
    output_select: Output | None = None
    touched: Touched = field(default_factory=Touched)


@dataclass(frozen=True, slots=True)
class Delete:
    """DELETE: ``query`` yields ``_rowid`` (each once), then what OUTPUT shows."""

    table: Any
    query: Query
    output: Output | None = None
    output_select: Output | None = None
    touched: Touched = field(default_factory=Touched)
