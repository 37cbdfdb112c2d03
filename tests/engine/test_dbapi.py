"""DB-API 2.0."""

from __future__ import annotations

import datetime
import decimal
import uuid
from pathlib import Path

import pytest
from talking import db, do, path, rows

import tsqlite

__all__ = ["db", "path"]


def test_module(path: Path) -> None:
    assert (tsqlite.apilevel, tsqlite.paramstyle) == ("2.0", "qmark")
    connection = tsqlite.connect(f"{path}?timeout=1&synchronous=OFF&name=Sales&autocommit=1")
    assert rows(connection, "SELECT DB_NAME()") == [("Sales",)]
    connection.close()
    with pytest.raises(tsqlite.ProgrammingError):
        connection.cursor()


@pytest.mark.parametrize(
    ("given", "type_"),
    [
        (True, "bit"),
        (7, "int"),
        (2**40, "bigint"),
        (1.5, "float"),
        (decimal.Decimal("12.50"), "decimal(4,2)"),
        ("text", "nvarchar(4)"),
        (b"\x01\x02", "varbinary(2)"),
        (datetime.date(2026, 1, 2), "date"),
        (datetime.time(1, 2, 3, 456789), "time(7)"),
        (datetime.datetime(2026, 1, 2, 3, 4, 5, 678901), "datetime2(7)"),
        (datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone(datetime.timedelta(hours=2))), "datetimeoffset(7)"),
    ],
)
def test_parameters_and_values_go_both_ways(db: tsqlite.Connection, given: object, type_: str) -> None:
    cursor = db.execute("SELECT ? AS x", given)
    assert str(cursor.types[0].type) == type_
    assert cursor.fetchone() == (given,)


def test_guids_are_upper_case_text(db: tsqlite.Connection) -> None:
    guid = uuid.uuid4()
    assert db.execute("SELECT ?", guid).fetchone() == (str(guid).upper(),)


def test_question_marks_in_texts_and_comments_are_no_parameters(db: tsqlite.Connection) -> None:
    assert db.execute("SELECT '?', ? /* ? /* ? */ ? */ AS [a?] -- ?", 1).fetchall() == [("?", 1)]
    with pytest.raises(tsqlite.ProgrammingError, match="2 parameter markers, but 1"):
        db.execute("SELECT ?, ?", 1)


def test_description(db: tsqlite.Connection) -> None:
    cursor = db.execute("SELECT CAST(1.5 AS decimal(9,2)) AS d, N'x' AS s, CAST(NULL AS int) AS i")
    assert cursor.description is not None
    assert [(d[0], d[1], d[6]) for d in cursor.description] == [
        ("d", decimal.Decimal, cursor.description[0][6]),
        ("s", str, False),
        ("i", int, True),
    ]
    assert cursor.description[0][4:6] == (9, 2)


def test_result_sets_counts_and_nocount(db: tsqlite.Connection) -> None:
    do(db, "CREATE TABLE dbo.t (i int)")
    cursor = db.execute("INSERT dbo.t VALUES (1), (2); SELECT i FROM dbo.t; SET NOCOUNT ON; DELETE dbo.t; SELECT 5")
    assert (cursor.rowcount, cursor.description) == (2, None)
    assert cursor.nextset() and cursor.fetchall() == [(1,), (2,)]
    assert cursor.nextset() and cursor.fetchone() == (5,) and cursor.fetchone() is None
    assert not cursor.nextset()
    with pytest.raises(tsqlite.ProgrammingError):
        cursor.fetchall()


def test_an_error_after_a_result_set_is_raised_when_it_is_reached(db: tsqlite.Connection) -> None:
    cursor = db.execute("SELECT 1; SELECT 1 / 0; SELECT 2")
    assert cursor.fetchall() == [(1,)]
    with pytest.raises(tsqlite.DataError):
        cursor.nextset()
    assert cursor.nextset() and cursor.fetchall() == [(2,)]


def test_errors_carry_what_the_server_says(db: tsqlite.Connection) -> None:
    do(db, "CREATE PROCEDURE dbo.p AS\n\nTHROW 50001, N'mine', 7")
    with pytest.raises(tsqlite.ProgrammingError) as caught:
        db.execute("EXECUTE dbo.p")
    e = caught.value
    assert (e.number, e.message, e.severity, e.state, e.line, e.procedure) == (50001, "mine", 16, 7, 3, "p")
    assert e.args == ("42000", "[42000] [tsqlite][SQL Server]mine (50001) (SQLExecDirectW)")


def test_a_refusal_names_the_construct_and_its_line(db: tsqlite.Connection) -> None:
    with pytest.raises(tsqlite.NotSupportedError, match=r"WAITFOR TIME is not supported by tsqlite \(line 2\)"):
        db.execute("SELECT 1\nWAITFOR TIME '10:00'")


def test_executemany_and_context_managers(db: tsqlite.Connection) -> None:
    do(db, "CREATE TABLE dbo.t (i int, s nvarchar(5))")
    with db.cursor() as cursor:
        cursor.executemany("INSERT dbo.t VALUES (?, ?)", [(1, "a"), (2, None)])
    assert db.execute("SELECT * FROM dbo.t ORDER BY i").fetchmany(5) == [(1, "a"), (2, None)]
    db.autocommit = False
    with pytest.raises(ZeroDivisionError), db:
        db.execute("DELETE dbo.t")
        raise ZeroDivisionError
    with db:
        db.execute("DELETE dbo.t WHERE i = 1")
    assert list(db.execute("SELECT i FROM dbo.t")) == [(2,)]


def test_read_only_connections_refuse_writes(db: tsqlite.Connection, path: Path) -> None:
    do(db, "CREATE TABLE dbo.t (i int)")
    reader = tsqlite.connect(path, readonly=True, autocommit=True)
    with pytest.raises(tsqlite.ProgrammingError) as caught:
        reader.execute("INSERT dbo.t VALUES (1)")
    assert caught.value.number == 3906
    assert reader.execute("CREATE TABLE #t (i int); INSERT #t VALUES (1); SELECT i FROM #t").nextset()
    reader.close()
