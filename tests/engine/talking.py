"""Talk T-SQL to the engine as a client does, and see all that comes back, in order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tsqlite


def run(connection: tsqlite.Connection, sql: str, *parameters: Any) -> list[Any]:
    """Every result of a batch: a list of rows, a count of rows, or ('error', number)."""
    cursor = connection.cursor()
    made: list[Any] = []
    first = True
    while True:
        try:
            if first:
                first = False
                cursor.execute(sql, *parameters)
            elif not cursor.nextset():
                return made
        except tsqlite.NotSupportedError as e:
            made.append(("refused", e.message))
            continue
        except tsqlite.Error as e:
            made.append(("error", e.number))
            continue
        if cursor.description is not None:
            made.append(cursor.fetchall())
        elif cursor.rowcount >= 0:
            made.append(cursor.rowcount)


def rows(connection: tsqlite.Connection, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """The rows of a batch that is one query; any error is raised."""
    cursor = connection.cursor()
    cursor.execute(sql, *parameters)
    while cursor.description is None:
        if not cursor.nextset():
            return []
    found = cursor.fetchall()
    while cursor.nextset():
        pass
    return found


def value(connection: tsqlite.Connection, sql: str, *parameters: Any) -> Any:
    """The one value of a query."""
    return rows(connection, sql, *parameters)[0][0]


def do(connection: tsqlite.Connection, sql: str, *parameters: Any) -> None:
    """Run a batch to its end; any error is raised."""
    cursor = connection.cursor()
    cursor.execute(sql, *parameters)
    while cursor.nextset():
        pass


def error(connection: tsqlite.Connection, sql: str, *parameters: Any) -> tsqlite.Error:
    """The error that a batch raises."""
    with pytest.raises(tsqlite.Error) as caught:
        do(connection, sql, *parameters)
    return caught.value


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a new database will be."""
    return tmp_path / "x.db"


@pytest.fixture
def db(path: Path) -> Iterator[tsqlite.Connection]:
    """A connection in autocommit mode to a new database named x."""
    connection = tsqlite.connect(path, autocommit=True, synchronous="OFF", timeout=0.2)
    yield connection
    connection.close()


@pytest.fixture
def rival(db: tsqlite.Connection, path: Path) -> Iterator[tsqlite.Connection]:
    """Another connection to the same database."""
    connection = tsqlite.connect(path, autocommit=True, synchronous="OFF", timeout=0.2)
    yield connection
    connection.close()
