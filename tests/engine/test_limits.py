"""Texts and values that nobody writes by hand: they end soon, by an answer or an error, and leave nothing behind."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from talking import value

import tsqlite
from tsqlite import units
from tsqlite.caching import LONGEST, kept


@pytest.fixture
def connection() -> Iterator[tsqlite.Connection]:
    """An empty database."""
    made = tsqlite.connect(":memory:")
    made.autocommit = True
    yield made
    made.close()


DEEP = {
    "sums": "SELECT 1" + " + 1" * 20_000,
    "conditions": "SELECT 1 WHERE " + " AND ".join(["1 = 1"] * 20_000),
    "unions": "SELECT 1 " + "UNION ALL SELECT 1 " * 20_000,
    "parentheses": "SELECT " + "(" * 20_000 + "1" + ")" * 20_000,
    "blocks": "BEGIN " * 20_000 + "SELECT 1" + " END" * 20_000,
    "ifs": "IF 1 = 1 " * 20_000 + "SELECT 1",
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_a_text_that_nests_too_deeply_is_error_191(connection: tsqlite.Connection, text: str) -> None:
    with pytest.raises(tsqlite.Error) as raised:
        connection.cursor().execute(text)
    assert raised.value.number == 191
    assert value(connection, "SELECT 1") == 1


def test_a_join_of_too_many_tables_is_refused_at_once(connection: tsqlite.Connection) -> None:
    joined = "".join([f" JOIN sys.schemas AS s{i} ON s{i}.schema_id = s.schema_id" for i in range(1000)])
    started = time.thread_time()
    with pytest.raises(tsqlite.NotSupportedError, match="more than 64 tables"):
        connection.cursor().execute("SELECT 1 FROM sys.schemas AS s" + joined)
    assert time.thread_time() - started < 5


@pytest.mark.parametrize(
    "expression",
    [
        "CASE WHEN REPLICATE('a', 8000) LIKE '" + "%a" * 40 + "%b' THEN 1 ELSE 0 END",
        "CASE WHEN REPLICATE(CAST('a' AS varchar(max)), 300000) LIKE '%a%b_%' THEN 1 ELSE 0 END",
        "CASE WHEN REPLICATE(CAST(' ' AS varchar(max)), 300000) LIKE '%a' THEN 1 ELSE 0 END",
        "PATINDEX('" + "%[a-z]" * 40 + "%1%', REPLICATE('a', 8000))",
        "PATINDEX('%a%b', REPLICATE(CAST('a' AS varchar(max)), 300000))",
    ],
)
def test_a_pattern_takes_time_with_the_length_of_the_text(connection: tsqlite.Connection, expression: str) -> None:
    started = time.thread_time()
    assert value(connection, f"SELECT {expression}") == 0
    assert time.thread_time() - started < 5


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("%a%b%", "xxaxxb", 3),
        ("%a%b", "a b ab", 1),
        ("%b", "b b ab", 6),
        ("%a_%a", "aaa", 1),
        ("%ab%ab%", "aab ab", 2),
        ("%a%", "bbb", 0),
        ("%[ab]c%c", "ac bc", 1),
    ],
)
def test_a_pattern_is_found_at_its_first_place(
    connection: tsqlite.Connection, pattern: str, text: str, found: int
) -> None:
    assert value(connection, f"SELECT PATINDEX('{pattern}', '{text}')") == found
    assert value(connection, f"SELECT CASE WHEN '{text}' LIKE '{pattern}' THEN 1 ELSE 0 END") == int(found > 0)


def test_long_texts_are_not_kept_for_ever(connection: tsqlite.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "KEPT_TEXT", 100_000)
    units.forget()
    for number in range(20):
        value(connection, f"SELECT {number} -- " + "x" * 20_000)
    assert sum(len(text) for text, _ in units._units) <= 100_000
    first = units.unit_of("SELECT 1")
    assert units.unit_of("SELECT 1") is first
    units.forget()


def test_what_a_short_text_gives_is_kept_what_a_long_one_gives_is_not() -> None:
    calls: list[str] = []

    @kept(10)
    def length(text: str) -> int:
        calls.append(text)
        return len(text)

    short, long = "x" * LONGEST, "x" * (LONGEST + 1)
    assert [length(text) for text in (short, short, long, long)] == [LONGEST] * 2 + [LONGEST + 1] * 2
    assert calls == [short, long, long]
