"""The Python functions that emitted SQL calls, and their registration on a connection.

Names begin with ``ts_``. Arguments and results are storage values. A function that raises ``SqlError`` ends the
statement with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import apsw

if TYPE_CHECKING:
    from .functions.session_protocol import SessionProtocol

_SCALARS: dict[tuple[str, int], tuple[Callable[..., Any], bool, bool]] = {}
_AGGREGATES: dict[str, tuple[Callable[[], Any], int]] = {}
_TABLES: list[Callable[[apsw.Connection, SessionProtocol], None]] = []


def scalar(
    name: str, count: int = -1, *, session: bool = False, volatile: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a scalar function of ``count`` arguments (-1: any number).

    ``session``: it takes the session first. ``volatile``: it differs row by row; all others may be evaluated once in
    a statement when their arguments are constant, as SQL Server's run-time constants are.
    """

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        _SCALARS[name, count] = (function, session, volatile)
        return function

    return enter


def aggregate(name: str, count: int = 1) -> Callable[[type], type]:
    """Enter a class with step, inverse, value and final as an aggregate that is a window function too."""

    def enter(class_: type) -> type:
        _AGGREGATES[name] = (class_, count)
        return class_

    return enter


def table(
    setup: Callable[[apsw.Connection, SessionProtocol], None],
) -> Callable[[apsw.Connection, SessionProtocol], None]:
    """Enter a function that registers a table function on a connection."""
    _TABLES.append(setup)
    return setup


def register(connection: apsw.Connection, session: SessionProtocol) -> None:
    """Register all of them."""
    for (name, count), (function, with_session, volatile) in _SCALARS.items():
        bound = partial(function, session) if with_session else function
        connection.create_scalar_function(name, bound, count, deterministic=not volatile)
    for name, (factory, number) in _AGGREGATES.items():
        connection.create_window_function(name, factory, number)
    for setup in _TABLES:
        setup(connection, session)


class TableFunction:
    """An eponymous table function: ``columns`` visible, ``hidden`` arguments, rows from a generator."""

    def __init__(
        self, columns: Sequence[str], hidden: Sequence[str], rows: Callable[..., Iterable[tuple[Any, ...]]]
    ) -> None:
        self.columns, self.hidden, self.rows = list(columns), list(hidden), rows

    def Connect(self, connection: apsw.Connection, module: str, db: str, name: str, *args: Any) -> tuple[str, _Table]:  # noqa: N802
        shown = ", ".join(f'"{c}"' for c in self.columns)
        extra = ", ".join(f'"{c}" HIDDEN' for c in self.hidden)
        return f"CREATE TABLE x({shown}, {extra})", _Table(self)

    Create = Connect

    def register(self, connection: apsw.Connection, name: str) -> None:
        """Make it known as ``name`` on a connection."""
        connection.create_module(name, self, use_bestindex_object=True, eponymous_only=True)  # type: ignore[arg-type]


class _Table:
    def __init__(self, module: TableFunction) -> None:
        self.module = module

    def BestIndexObject(self, info: apsw.IndexInfo) -> bool:  # noqa: N802
        first = len(self.module.columns)
        wanted = {first + i for i in range(len(self.module.hidden))}
        order: dict[int, int] = {}
        for i in range(info.nConstraint):
            column = info.get_aConstraint_iColumn(i)
            if column in wanted and info.get_aConstraint_op(i) == apsw.SQLITE_INDEX_CONSTRAINT_EQ:
                if not info.get_aConstraint_usable(i):
                    return False
                order[column] = i
        if set(order) != wanted:
            return False
        for position, column in enumerate(sorted(order)):
            info.set_aConstraintUsage_argvIndex(order[column], position + 1)
            info.set_aConstraintUsage_omit(order[column], True)
        info.estimatedCost = 100.0
        info.estimatedRows = 50
        return True

    def Open(self) -> _Cursor:  # noqa: N802
        return _Cursor(self.module)

    def Disconnect(self) -> None:  # noqa: N802
        pass

    Destroy = Disconnect


class _Cursor:
    def __init__(self, module: TableFunction) -> None:
        self.module = module
        self.width = len(module.columns)
        self.rows: Iterator[tuple[Any, ...]] = iter(())
        self.row: tuple[Any, ...] | None = None
        self.number = 0
        self.arguments: Sequence[Any] = ()

    def Filter(self, number: int, text_: str | None, arguments: Sequence[Any]) -> None:  # noqa: N802
        self.arguments = arguments
        self.rows = iter(self.module.rows(*arguments))
        self.number = 0
        self.Next()

    def Next(self) -> None:  # noqa: N802
        self.row = next(self.rows, None)
        self.number += 1

    def Eof(self) -> bool:  # noqa: N802
        return self.row is None

    def Rowid(self) -> int:  # noqa: N802
        return self.number

    def Column(self, index: int) -> Any:  # noqa: N802
        assert self.row is not None
        if 0 <= index < len(self.row):
            return self.row[index]
        if index == -1:
            return self.number
        return self.arguments[index - self.width] if index >= self.width else None

    def Close(self) -> None:  # noqa: N802
        pass
