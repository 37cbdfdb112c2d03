"""Batches, parameters, procedures, results, messages and errors, as Microsoft's driver sees them."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest

Cursor = Any


def results(cursor: Cursor) -> list[Any]:
    """What is left of a cursor: rows of each result set, counts of statements without rows."""
    found = []
    while True:
        found.append([tuple(r) for r in cursor.fetchall()] if cursor.description else cursor.rowcount)
        if not cursor.nextset():
            return found


def test_several_results_come_in_order_with_their_counts(cursor: Cursor) -> None:
    cursor.execute("CREATE TABLE dbo.t (i int NOT NULL)")
    cursor.execute(
        "INSERT INTO dbo.t VALUES (1), (2), (3); SELECT i FROM dbo.t ORDER BY i; UPDATE dbo.t SET i += 1 WHERE i > 1;"
        " SELECT i FROM dbo.t WHERE i = 99; DELETE FROM dbo.t"
    )
    assert results(cursor) == [3, [(1,), (2,), (3,)], 2, [], 3]


def test_nocount_tells_no_counts(cursor: Cursor) -> None:
    cursor.execute("CREATE TABLE dbo.t (i int NOT NULL)")
    cursor.execute("SET NOCOUNT ON; INSERT INTO dbo.t VALUES (1), (2); SELECT i FROM dbo.t; DELETE FROM dbo.t")
    assert results(cursor)[0] == [(1,), (2,)]


def test_a_statement_with_parameters_is_prepared_once_and_run_often(cursor: Cursor) -> None:
    cursor.execute("CREATE TABLE dbo.t (i int NOT NULL, n nvarchar(20), d decimal(9, 2), w datetime2)")
    when = datetime.datetime(2026, 11, 21, 14, 35, 32, 123456)
    for i in range(4):
        cursor.execute("INSERT INTO dbo.t VALUES (?, ?, ?, ?)", i, f"ż{i}", Decimal("1.25") * i, when)
        assert cursor.rowcount == 1
    rows = cursor.execute("SELECT i, n, d, w FROM dbo.t WHERE i > ? ORDER BY i", 2).fetchall()
    assert [tuple(r) for r in rows] == [(3, "ż3", Decimal("3.75"), when)]


def test_null_parameters_are_described_by_the_server(cursor: Cursor) -> None:
    cursor.execute("CREATE TABLE dbo.t (i int NULL, b varbinary(10) NULL, w datetime2 NULL)")
    cursor.execute("INSERT INTO dbo.t VALUES (?, ?, ?)", None, None, None)
    assert tuple(cursor.execute("SELECT * FROM dbo.t").fetchone()) == (None, None, None)


@pytest.fixture
def remote(process: Any, connect_to: Any) -> Cursor:
    """A cursor of a server in another process."""
    return connect_to(process).cursor()


def test_rows_of_parameters_go_together(remote: Cursor) -> None:
    cursor = remote
    cursor.execute("CREATE TABLE dbo.t (i int NOT NULL PRIMARY KEY, n nvarchar(20) NULL)")
    cursor.fast_executemany = True
    cursor.executemany("INSERT INTO dbo.t VALUES (?, ?)", [(i, f"n{i}" if i % 2 else None) for i in range(1000)])
    found = cursor.execute("SELECT COUNT(*), COUNT(n), SUM(i) FROM dbo.t").fetchone()
    assert tuple(found) == (1000, 500, 499500)


def test_an_error_among_rows_of_parameters_is_told(remote: Cursor) -> None:
    cursor = remote
    cursor.execute("CREATE TABLE dbo.t (i int NOT NULL PRIMARY KEY)")
    cursor.fast_executemany = True
    with pytest.raises(Exception, match=r"Violation of PRIMARY KEY.*\(2627\)"):
        cursor.executemany("INSERT INTO dbo.t VALUES (?)", [(1,), (2,), (1,), (3,)])


PROCEDURE = """
CREATE PROCEDURE dbo.p @a int, @b nvarchar(20) = N'dflt', @out int OUTPUT, @text nvarchar(40) = NULL OUTPUT
AS
BEGIN
    SET NOCOUNT ON;
    PRINT N'before';
    SELECT @a AS a, @b AS b;
    RAISERROR (N'half way', 0, 1) WITH NOWAIT;
    SELECT @a * 2 AS twice;
    SET @out = @a + 1;
    SET @text = N'out: ' + @b;
    RETURN 7;
END
"""


def test_a_procedure_is_called_with_results_and_messages_in_order(cursor: Cursor) -> None:
    cursor.execute(PROCEDURE)
    cursor.execute("{CALL dbo.p (?, ?, ?)}", 5, "x", 0)
    assert [tuple(r) for r in cursor.fetchall()] == [(5, "x")]
    assert [text.rpartition("]")[2] for _, text in cursor.messages] == ["before"]
    assert cursor.nextset()
    assert [tuple(r) for r in cursor.fetchall()] == [(10,)]
    assert [text.rpartition("]")[2] for _, text in cursor.messages] == ["half way"]
    assert not cursor.nextset()


def test_output_parameters_and_the_return_code_come_back_to_t_sql(cursor: Cursor) -> None:
    cursor.execute(PROCEDURE)
    cursor.execute(
        "SET NOCOUNT ON; DECLARE @o int, @t nvarchar(40), @rc int;"
        " EXECUTE @rc = dbo.p @a = ?, @out = @o OUTPUT, @text = @t OUTPUT; SELECT @rc, @o, @t",
        41,
    )
    assert results(cursor) == [[(41, "dflt")], [(82,)], [(7, 42, "out: dflt")]]


def test_an_error_behind_a_result_set_waits_for_its_turn(cursor: Cursor) -> None:
    cursor.execute("SELECT 1 AS one; THROW 50123, N'the reason', 4;")
    assert cursor.fetchall()[0][0] == 1
    with pytest.raises(Exception, match=r"the reason \(50123\)"):
        cursor.nextset()
    assert cursor.execute("SELECT 2").fetchval() == 2


def test_what_the_engine_refuses_is_an_error_with_its_name_and_line(cursor: Cursor) -> None:
    with pytest.raises(Exception, match=r"(?s)MERGE.*line 3"):
        cursor.execute("SELECT 1 AS a;\n\nMERGE dbo.t AS t USING dbo.s AS s ON t.i = s.i WHEN MATCHED THEN DELETE;")
        while cursor.nextset():
            pass
    assert cursor.execute("SELECT 2").fetchval() == 2


def test_errors_have_their_states(cursor: Cursor) -> None:
    for sql, state, number in (
        ("SELECT * FROM dbo.nowhere", "42S02", 208),
        ("SELECT 1/0", "22012", 8134),
        ("SELECT CAST('x' AS int)", "22018", 245),
        ("EXECUTE dbo.nothing", "42000", 2812),
        ("SELECT FROM", "42000", 156),
    ):
        with pytest.raises(Exception, match=rf"\({number}\)") as raised:
            cursor.execute(sql).fetchall()
        assert raised.value.args[0] == state, sql


def test_the_connection_stays_usable_after_each_kind_of_error(cursor: Cursor) -> None:
    for sql, parameters in (
        ("SELECT ? / 0", [1]),
        ("SELECT * FROM dbo.nowhere WHERE i = ?", [1]),
        ("SELECT ? FROM", [1]),
    ):
        with pytest.raises(Exception, match="SQL Server"):
            cursor.execute(sql, parameters).fetchall()
        assert cursor.execute("SELECT ?", 5).fetchval() == 5


def test_use_changes_the_database(cursor: Cursor) -> None:
    assert cursor.execute("SELECT DB_NAME()").fetchval() == "Sales"
    cursor.execute("USE Stock")
    assert cursor.execute("SELECT DB_NAME()").fetchval() == "Stock"


def test_a_long_result_arrives_whole(cursor: Cursor) -> None:
    cursor.execute(
        "DECLARE @ten nvarchar(100) = N'[0,1,2,3,4,5,6,7,8,9]';"
        " SELECT 1000 * a.value + 100 * b.value + 10 * c.value + d.value AS i, REPLICATE(N'ż', 50) AS t"
        " FROM OPENJSON(@ten) WITH (value int '$') AS a, OPENJSON(@ten) WITH (value int '$') AS b,"
        " OPENJSON(@ten) WITH (value int '$') AS c, OPENJSON(@ten) WITH (value int '$') AS d ORDER BY i"
    )
    rows = cursor.fetchall()
    assert [r[0] for r in rows] == list(range(10000))
    assert {r[1] for r in rows} == {"ż" * 50}


def test_a_long_text_goes_both_ways(cursor: Cursor) -> None:
    text = "zażółć " * 100_000
    assert cursor.execute("SELECT ?", text).fetchval() == text
    assert cursor.execute("SELECT ?", text.encode()).fetchval() == text.encode()
