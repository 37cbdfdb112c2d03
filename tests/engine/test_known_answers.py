"""What SQL Server 2017 answers, statement by statement: the engine's specification. An answer is right or refused.

Through a driver the values and the numbers of errors are the same; types are told by the engine alone.
"""

from __future__ import annotations

import datetime
import decimal
from pathlib import Path
from typing import Any

import pytest
from known_answers import conversions, functions, programs, queries
from tests.hosts import Host

import tsqlite
from notify.errors import error_number

REFUSED = 40000
"""The number of a refusal over the wire."""
SURROGATES = "COLLATE Latin1_General_100_CI_AS_SC,1)"
"""One character that takes two places of the nvarchar(1) that a client is promised: refused there."""


def shown(value: Any) -> Any:
    """A value as the tables write it: numbers with their scale and moments as text, bytes in hexadecimal."""
    if isinstance(value, decimal.Decimal | datetime.date | datetime.time):
        return str(value)
    return f"0x{value.hex().upper()}" if isinstance(value, bytes) else value


def is_refusal(error: Exception) -> bool:
    return isinstance(error, tsqlite.NotSupportedError) or error_number(error) == REFUSED


def run(mode: Host, connection: Any, batch: str) -> list[Any]:
    """Every result of a batch: a list of rows, a count of rows, ("error", number) or "refused"."""
    cursor = connection.cursor()
    made: list[Any] = []
    while True:
        try:
            if not made:
                made.append(None)
                cursor.execute(batch)
            elif not cursor.nextset():
                return made[1:]
        except mode.errors as error:
            made.append("refused" if is_refusal(error) else ("error", error_number(error)))
            continue
        if cursor.description is not None:
            made.append([tuple(shown(value) for value in row) for row in cursor.fetchall()])
        elif cursor.rowcount >= 0:
            made.append(cursor.rowcount)


def as_seen(mode: Host, batch: str, answers: list[Any]) -> list[Any]:
    """Answers as a mode's client sees them."""
    if mode.name == "tsqlite":
        return answers
    if batch == "USE master":
        return []  # a server has it
    for number, answer in enumerate(answers, 1):
        if answer == "refused" or isinstance(answer, tuple):
            return answers[:number]  # pyodbc gives nothing that comes after an error
    return answers


@pytest.fixture
def template(mode: Host, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database, made once."""

    def made() -> Path:
        path = tmp_path_factory.mktemp("known") / "x.db"
        mode.url(path)
        mode.release(path.parent, keep=True)
        return path

    return mode.keep("empty", made)


@pytest.fixture
def talk(mode: Host, template: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A connection for expressions."""

    def made() -> Any:
        path = tmp_path_factory.mktemp("values") / "x.db"
        mode.copy(template, path)
        return mode.connect(path)

    return mode.keep("values", made, lambda connection: connection.close())


@pytest.fixture
def fresh(mode: Host, template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database x that is empty."""
    path = mode.keep("fresh", lambda: tmp_path_factory.mktemp("fresh") / "x.db")
    mode.copy(template, path)
    return path


@pytest.mark.parametrize(("expression", "type_", "value"), [*conversions.VALUES, *functions.VALUES])
def test_value(mode: Host, talk: Any, expression: str, type_: str | None, value: Any) -> None:
    if not mode.is_engine and type_ == "refused":
        pytest.skip("refused by the engine alone")
    found: Any
    kind = type_
    try:
        cursor = talk.cursor()
        cursor.execute(f"SELECT {expression} AS x")
        if mode.name == "tsqlite":
            kind = str(cursor.types[0].type)
        found = shown(cursor.fetchone()[0])
    except mode.errors as error:
        if is_refusal(error):
            kind, found = "refused", None
        else:
            kind, found = "error", error_number(error)
    if mode.name == "pyodbc" and expression.endswith(SURROGATES) and value == "😀":
        type_, value = "refused", None
    assert (type_ or kind, type(found), found) == (kind, type(value), value)


@pytest.mark.parametrize(("batch", "answers"), [*queries.BATCHES, *programs.BATCHES])
def test_batch(mode: Host, fresh: Path, batch: str, answers: list[Any]) -> None:
    if not mode.is_engine and "refused" in answers:
        pytest.skip("refused by the engine alone")
    if not mode.is_engine and ("DB_NAME()" in batch or 'database "x"' in str(answers)):
        pytest.skip("databases have names of their own there")
    connection = mode.connect(fresh)
    try:
        assert run(mode, connection, batch) == as_seen(mode, batch, answers)
    finally:
        connection.close()
