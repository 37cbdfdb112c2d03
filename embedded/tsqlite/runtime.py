"""The Python functions that emitted SQL calls, and their registration on a connection.

Names begin with ``ts_``. Arguments and results are storage values. A function that raises ``SqlError`` ends the statement with it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import apsw

if TYPE_CHECKING:
    from .functions.session_protocol import SessionProtocol

_SCALARS: dict[str, tuple[Callable[..., Any], int, bool, bool]] = {}
_AGGREGATES: dict[str, tuple[Callable[[], Any], int]] = {}
_TABLES: list[Callable[[apsw.Connection, SessionProtocol], None]] = []


def scalar(
    name: str, count: int = -1, *, session: bool = False, volatile: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a scalar function of ``count`` arguments (-1: any number).

    ``session``: it takes the session first. ``volatile``: it differs row by row; all others may be evaluated once in a statement
    when their arguments are constant, as SQL Server's run-time constants are.
    """

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        _SCALARS[name] = (function, count, session, volatile)
        return function

    return enter


def aggregate(name: str, count: int = 1) -> Callable[[type], type]:
    """Enter a class with step, inverse, value and final as an aggregate that is a window function too."""

    def enter(class_: type) -> type:
        _AGGREGATES[name] = (class_, count)
        return class_

    return enter


def table(setup: Callable[[apsw.Connection, SessionProtocol], None]) -> Callable[[apsw.Connection, SessionProtocol], None]:
    """Enter a function that registers a table function on a connection."""
    _TABLES.append(setup)
    return setup


def register(connection: apsw.Connection, session: SessionProtocol) -> None:
    """Register all of them."""
    for name, (function, count, with_session, volatile) in _SCALARS.items():
        bound = partial(function, session) if with_session else function
        connection.create_scalar_function(name, bound, count, deterministic=not volatile)
    for name, (factory, number) in _AGGREGATES.items():
        connection.create_window_function(name, factory, number)
    for setup in _TABLES:
        setup(connection, session)
