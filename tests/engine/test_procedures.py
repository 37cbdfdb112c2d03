"""Procedures: parameters, OUTPUT, return codes, dynamic SQL, INSERT ... EXECUTE, nesting, late names, the plan cache."""

from __future__ import annotations

import pytest
from talking import db, do, error, path, rival, rows, run, value

import tsqlite
from tsqlite import binder

__all__ = ["db", "path", "rival"]


@pytest.fixture
def p(db: tsqlite.Connection) -> tsqlite.Connection:
    do(
        db,
        "CREATE PROCEDURE dbo.p @a int, @b nvarchar(3) = N'def', @c int = NULL OUTPUT AS"
        " SELECT @a, @b, @c; SET @c = @a * 2; RETURN @a",
    )
    return db


def test_positions_names_defaults(p: tsqlite.Connection) -> None:
    assert rows(p, "EXECUTE dbo.p 1") == [(1, "def", None)]
    assert rows(p, "EXECUTE dbo.p @b = N'x', @a = 2") == [(2, "x", None)]
    assert rows(p, "EXECUTE dbo.p 3, DEFAULT, 4") == [(3, "def", 4)]
    assert rows(p, "EXEC dbo.p @a = '5', @b = N'toolong'") == [(5, "too", None)]


def test_output_and_return_code(p: tsqlite.Connection) -> None:
    assert run(p, "DECLARE @r int, @o int = 9; EXECUTE @r = dbo.p 4, N'x', @o OUTPUT; SELECT @r, @o") == [
        [(4, "x", 9)],
        [(4, 8)],
    ]
    assert run(p, "DECLARE @o int = 9; EXECUTE dbo.p 4, N'x', @o; SELECT @o")[-1] == [(9,)]
    assert (
        value(p, "EXEC ('CREATE PROCEDURE dbo.q AS RETURN NULL') DECLARE @r int = 5; EXECUTE @r = dbo.q; SELECT @r")
        == 0
    )


@pytest.mark.parametrize(
    ("call", "number"),
    [
        ("EXECUTE dbo.p", 201),
        ("EXECUTE dbo.p 1, N'x', 2, 3", 8144),
        ("EXECUTE dbo.p 1, @nope = 2", 8145),
        ("EXECUTE dbo.p @a = 1, N'x'", 119),
        ("EXECUTE dbo.p @a = 1, @a = 2", 8143),
        ("EXECUTE dbo.p 'x'", 8114),
        ("DECLARE @i int = 1; EXECUTE dbo.p @i OUTPUT", 8162),
        ("EXECUTE dbo.nope", 2812),
    ],
)
def test_wrong_calls(p: tsqlite.Connection, call: str, number: int) -> None:
    assert error(p, call).number == number


def test_a_procedures_name_in_a_variable(p: tsqlite.Connection) -> None:
    assert rows(p, "DECLARE @n sysname = N'[dbo].[p]'; EXECUTE @n 1") == [(1, "def", None)]


def test_executesql_with_typed_and_output_parameters(db: tsqlite.Connection) -> None:
    assert run(
        db,
        "DECLARE @n int; EXECUTE sp_executesql N'SELECT @a; SET @b = LEN(@a)', N'@a nvarchar(3), @b int OUTPUT',"
        " @a = N'abcdef', @b = @n OUTPUT; SELECT @n",
    ) == [[("abc",)], [(3,)]]
    assert error(db, "EXECUTE sp_executesql N'SELECT @a', N'@a int'").number == 8178
    assert error(db, "EXECUTE sp_executesql 'SELECT 1'").number == 214
    assert error(db, "DECLARE @x int; EXECUTE sp_executesql N'SELECT @x'").number == 137


def test_dynamic_sql_does_not_see_variables_but_concatenates(db: tsqlite.Connection) -> None:
    assert value(db, "DECLARE @s varchar(20) = '1 + 1'; EXECUTE ('SELECT ' + @s)") == 2


def test_insert_execute_takes_every_result_set(p: tsqlite.Connection) -> None:
    do(p, "CREATE PROCEDURE dbo.two AS SELECT 1, 'a' SELECT '2', 'b'")
    do(p, "CREATE TABLE dbo.t (i int, s char(2))")
    assert run(p, "INSERT dbo.t EXECUTE dbo.two") == [2]
    assert rows(p, "SELECT i, s FROM dbo.t ORDER BY i") == [(1, "a "), (2, "b ")]
    do(p, "CREATE PROCEDURE dbo.three AS SELECT 1, 2, 3")
    assert error(p, "INSERT dbo.t EXECUTE dbo.three").number == 213


def test_nesting_stops_at_32(db: tsqlite.Connection) -> None:
    do(db, "CREATE PROCEDURE dbo.r AS EXECUTE dbo.r")
    assert error(db, "EXECUTE dbo.r").number == 217
    do(
        db,
        "CREATE PROCEDURE dbo.n AS SELECT @@NESTLEVEL EXEC ('SELECT @@NESTLEVEL') EXEC sp_executesql N'SELECT @@NESTLEVEL'",
    )
    assert run(db, "SELECT @@NESTLEVEL EXECUTE dbo.n") == [[(0,)], [(1,)], [(2,)], [(3,)]]


def test_tables_are_looked_up_when_the_procedure_runs(db: tsqlite.Connection) -> None:
    do(db, "CREATE PROCEDURE dbo.p AS SELECT * FROM dbo.later")
    assert error(db, "EXECUTE dbo.p").number == 208
    do(db, "CREATE TABLE dbo.later (i int)")
    assert rows(db, "EXECUTE dbo.p") == []


def test_create_or_alter_keeps_the_object_and_the_exact_text(db: tsqlite.Connection) -> None:
    first = "-- a note\nCREATE OR ALTER PROCEDURE dbo.p AS  SELECT 1"
    do(db, first)
    id_ = value(db, "SELECT OBJECT_ID(N'dbo.p', N'P')")
    assert value(db, "SELECT definition FROM sys.sql_modules") == first
    do(db, "CREATE OR ALTER PROCEDURE dbo.p AS SELECT 2")
    assert value(db, "SELECT OBJECT_ID(N'dbo.p')") == id_
    assert error(db, "CREATE PROCEDURE dbo.p AS SELECT 3").number == 2714
    assert error(db, "ALTER PROCEDURE dbo.none AS SELECT 3").number == 208
    do(db, "DROP PROCEDURE IF EXISTS dbo.p, dbo.none")
    assert error(db, "DROP PROCEDURE dbo.p").number == 3701


def test_scalar_and_inline_functions(db: tsqlite.Connection) -> None:
    do(db, "CREATE FUNCTION dbo.twice (@i int) RETURNS int AS BEGIN DECLARE @r int = @i * 2; RETURN @r END")
    do(
        db,
        "CREATE FUNCTION dbo.upto (@n int) RETURNS TABLE AS RETURN (SELECT v FROM (VALUES (1), (2), (3)) AS x (v) WHERE v <= @n)",
    )
    assert rows(db, "SELECT v, dbo.twice(v) FROM dbo.upto(2) ORDER BY v") == [(1, 2), (2, 4)]


@pytest.mark.parametrize(
    ("body", "number"),
    [
        ("SELECT t.a FROM dbo.nothing AS t", 208),
        ("SELECT t.a FROM dbo.no_function(@a) AS t", 208),
        ("SELECT dbo.no_function(@a) AS x", 4121),
        ("SELECT t.b FROM dbo.t AS t WHERE t.a = @a", 207),
        ("SELECT @b AS x", 137),
        ("SELECT @a AS x, @a + 1", 4514),
        ("SELECT @a AS x, 1 AS X", 4506),
    ],
)
def test_an_inline_function_is_bound_when_it_is_created(db: tsqlite.Connection, body: str, number: int) -> None:
    """As a view is: what it reads must be there. A scalar function is read when it runs, as a procedure."""
    run(db, "CREATE TABLE dbo.t (a integer);")
    for action in ("CREATE", "CREATE OR ALTER"):
        assert error(db, f"{action} FUNCTION dbo.f(@a integer) RETURNS TABLE AS RETURN {body};").number == number
    later = "RETURN (SELECT t.x FROM dbo.no_function(@a) AS t)"
    run(db, f"CREATE FUNCTION dbo.later(@a integer) RETURNS integer AS BEGIN {later}; END;")


def test_control_of_flow(db: tsqlite.Connection) -> None:
    assert (
        value(
            db,
            "DECLARE @i int = 0, @s int = 0; WHILE 1 = 1 BEGIN SET @i += 1; IF @i = 3 CONTINUE; IF @i > 5 BREAK; SET @s += @i END"
            " SELECT @s",
        )
        == 12
    )
    assert value(db, "DECLARE @i int = 0; again: SET @i += 1; IF @i < 3 GOTO again; SELECT @i") == 3
    assert run(db, "IF NULL = NULL SELECT 1 ELSE SELECT 2") == [[(2,)]]
    assert run(db, "SELECT 1 RETURN SELECT 2") == [[(1,)]]


def test_assignments_of_several_rows_and_of_none(db: tsqlite.Connection) -> None:
    assert rows(
        db,
        "DECLARE @a int = 7, @b int = 7; SELECT @a = v FROM (VALUES (1)) AS x (v) WHERE v > 5;"
        " SET @b = (SELECT v FROM (VALUES (1)) AS x (v) WHERE v > 5); SELECT @a, @b",
    ) == [(7, None)]
    assert error(db, "DECLARE @a int; SET @a = (SELECT v FROM (VALUES (1), (2)) AS x (v))").number == 512


def test_a_call_costs_no_compilation(db: tsqlite.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    do(db, "CREATE TABLE dbo.t (i int)")
    do(
        db,
        "CREATE PROCEDURE dbo.p @n int AS SET NOCOUNT ON; DECLARE @v TABLE (i int); CREATE TABLE #t (i int);"
        " INSERT @v VALUES (@n); INSERT #t SELECT i FROM @v; IF @n > 0 INSERT dbo.t SELECT i FROM #t;"
        " DECLARE @c int = (SELECT COUNT(*) FROM dbo.t); SELECT @c",
    )
    do(db, "EXECUTE dbo.p 1")
    calls: list[object] = []
    for name in ("bind_statement", "bind_expression", "bind_condition"):
        original = getattr(binder, name)
        monkeypatch.setattr(binder, name, lambda n, e, original=original: (calls.append(n), original(n, e))[1])
    assert rows(db, "EXECUTE dbo.p 2") == [(2,)]
    assert calls == []


def test_a_name_without_a_schema_is_sought_in_the_modules_schema_first(db: tsqlite.Connection) -> None:
    run(db, "CREATE TABLE dbo.place (id int); INSERT dbo.place VALUES (1); EXEC ('CREATE SCHEMA own')")
    run(db, "CREATE TABLE own.place (id int); INSERT own.place VALUES (2), (3)")
    do(
        db,
        "CREATE PROCEDURE own.p AS SELECT id FROM place ORDER BY id; INSERT place VALUES (4); DELETE place WHERE id = 2",
    )
    do(db, "CREATE FUNCTION own.f() RETURNS int AS BEGIN RETURN (SELECT COUNT(*) FROM place) END")
    do(db, "CREATE FUNCTION own.rows_of() RETURNS TABLE AS RETURN SELECT id FROM place")
    do(db, "CREATE VIEW own.v AS SELECT id FROM place")
    do(
        db,
        "CREATE VIEW dbo.both_of AS SELECT p.id, o.n FROM place AS p CROSS JOIN (SELECT COUNT(*) AS n FROM own.v) AS o",
    )
    assert value(db, "SELECT own.f()") == 2
    assert rows(db, "SELECT id FROM own.rows_of() ORDER BY id") == rows(db, "SELECT id FROM own.v") == [(2,), (3,)]
    assert rows(db, "SELECT * FROM dbo.both_of") == [(1, 2)]
    assert run(db, "EXECUTE own.p")[0] == [(2,), (3,)]
    assert rows(db, "SELECT id FROM own.place ORDER BY id") == [(3,), (4,)]
    assert rows(db, "SELECT id FROM place") == [(1,)]
    # EXECUTE does so too, definitions and dynamic texts do not, and dbo comes second.
    do(db, "CREATE PROCEDURE own.outer_one AS EXECUTE p; EXECUTE ('SELECT id FROM place'); TRUNCATE TABLE place")
    assert run(db, "EXECUTE own.outer_one")[0::3] == [[(3,), (4,)], [(1,)]]
    assert (value(db, "SELECT COUNT(*) FROM dbo.place"), value(db, "SELECT COUNT(*) FROM own.place")) == (0, 3)
    run(db, "DROP TABLE own.place; INSERT dbo.place VALUES (9)")
    assert value(db, "SELECT own.f()") == value(db, "SELECT COUNT(*) FROM own.v") == 1
