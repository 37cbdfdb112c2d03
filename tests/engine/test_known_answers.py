"""What SQL Server 2017 answers, statement by statement: the engine's specification. An answer is right or refused."""

from __future__ import annotations

import datetime
import decimal
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from known_answers import conversions, functions, programs, queries
from talking import run

import tsqlite


def shown(value: Any) -> Any:
    """A value as the tables write it: numbers with their scale and moments as text, bytes in hexadecimal."""
    if isinstance(value, decimal.Decimal | datetime.date | datetime.time):
        return str(value)
    return f"0x{value.hex().upper()}" if isinstance(value, bytes) else value


def result(found: Any) -> Any:
    if isinstance(found, list):
        return [tuple(shown(v) for v in row) for row in found]
    return "refused" if isinstance(found, tuple) and found[0] == "refused" else found


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database, made once."""
    path = tmp_path_factory.mktemp("known") / "x.db"
    tsqlite.connect(path, autocommit=True, synchronous="OFF").close()
    return path


@pytest.fixture(scope="module")
def talk(template: Path) -> Iterator[tsqlite.Connection]:
    connection = tsqlite.connect(template.with_name("values.db"), autocommit=True, synchronous="OFF")
    yield connection
    connection.close()


@pytest.mark.parametrize(("expression", "type_", "value"), [*conversions.VALUES, *functions.VALUES])
def test_value(talk: tsqlite.Connection, expression: str, type_: str | None, value: Any) -> None:
    found: Any
    try:
        cursor = talk.execute(f"SELECT {expression} AS x")
        kind, found = str(cursor.types[0].type), shown(cursor.fetchone()[0])  # type: ignore[index]
    except tsqlite.NotSupportedError:
        kind, found = "refused", None
    except tsqlite.Error as error:
        kind, found = "error", error.number
    assert (type_ or kind, type(found), found) == (kind, type(value), value)


@pytest.mark.parametrize(("batch", "answers"), [*queries.BATCHES, *programs.BATCHES])
def test_batch(template: Path, tmp_path: Path, batch: str, answers: list[Any]) -> None:
    path = shutil.copy(template, tmp_path / "x.db")
    connection = tsqlite.connect(path, autocommit=True, synchronous="OFF", timeout=0.2)
    try:
        assert [result(f) for f in run(connection, batch)] == answers
    finally:
        connection.close()
