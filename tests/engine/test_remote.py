"""What a front end asks of the engine: procedures by name with typed arguments, prepared texts, ends of statements."""

from __future__ import annotations

import pytest
from talking import db, do, path, rival

import tsqlite
from tsqlite.errors import SqlError
from tsqlite.remote import Argument, Output
from tsqlite.results import Count, DatabaseChanged, Done, Event, Failure, Feed, Message, ProcedureEnd, ResultSet
from tsqlite.types import INT, nvarchar

__all__ = ["db", "path", "rival"]

TEXT = nvarchar(50)


@pytest.fixture
def p(db: tsqlite.Connection) -> tsqlite.Connection:
    do(db, "CREATE TABLE dbo.t (id int IDENTITY PRIMARY KEY, a int NOT NULL, b nvarchar(9) NULL, c AS a * 2)")
    do(
        db,
        "CREATE PROCEDURE dbo.p @a int, @b nvarchar(9) = N'def', @c int = NULL OUTPUT AS"
        " SELECT @a, @b, @c; INSERT dbo.t (a, b) VALUES (@a, @b); SET @c = @a * 2; RETURN @a",
    )
    return db


def events_of(db: tsqlite.Connection, text: str) -> list[tuple[str, bool]]:
    """What a client would be told: each event and whether it belongs to a procedure."""
    seen: list[tuple[str, bool]] = []

    def receive(event: Event, inside: bool) -> None:
        seen.append((shown(event), inside))

    db.interpreter.run_batch(text, sink=Feed(db.interpreter, receive))
    return seen


def shown(event: Event) -> str:
    match event:
        case ResultSet():
            return f"rows {event.command:X} {len(event.rows) if event.counted else '-'}"
        case Count():
            return f"count {event.command:X} {event.rows}"
        case Message():
            return f"message {event.number}"
        case Failure():
            return f"error {event.error.number}"
        case Done():
            return f"done {event.command:X}{' error' if event.error else ''}"
        case ProcedureEnd():
            return f"return {event.status}"
        case DatabaseChanged():
            return f"database {event.new}"
    return type(event).__name__


# -- procedures by name


def test_a_procedure_takes_positions_and_names_and_gives_values_back(p: tsqlite.Connection) -> None:
    made = p.interpreter.run_procedure(
        "[dbo].p", [Argument(INT, 4), Argument(INT, 9, name="@c", output=True), Argument(TEXT, "x", name="@B")]
    )
    first, count = made.events
    assert isinstance(first, ResultSet) and first.rows == [(4, "x", 9)]
    assert count == Count(1, 0xC3)
    assert (made.completed, made.status) == (True, 4)
    assert made.outputs == [Output(1, "@c", INT, 8)]


def test_arguments_may_ask_for_the_default_and_have_another_type(p: tsqlite.Connection) -> None:
    made = p.interpreter.run_procedure("dbo.p", [Argument(TEXT, "5"), Argument(TEXT, None, default=True)])
    assert isinstance(made.events[0], ResultSet) and made.events[0].rows == [(5, "def", None)]


@pytest.mark.parametrize(
    ("name", "arguments", "number"),
    [
        ("dbo.p", [], 201),
        ("dbo.p", [Argument(INT, 1)] * 4, 8144),
        ("dbo.p", [Argument(INT, 1), Argument(INT, 1, name="@nope")], 8145),
        ("dbo.p", [Argument(INT, 1, name="@nope")], 201),
        ("dbo.p", [Argument(INT, 1, output=True)], 8162),
        ("dbo.nope", [], 2812),
        ("dbo.p", [Argument(TEXT, "x")], 8114),
    ],
)
def test_a_wrong_call_is_an_error_without_a_status(
    p: tsqlite.Connection, name: str, arguments: list[Argument], number: int
) -> None:
    made = p.interpreter.run_procedure(name, arguments)
    assert [e.error.number for e in made.events if isinstance(e, Failure)] == [number]
    assert (made.completed, made.status, made.outputs) == (False, None, [])


def test_sp_executesql_is_a_procedure_like_others(p: tsqlite.Connection) -> None:
    made = p.interpreter.run_procedure(
        "sp_executesql",
        [
            Argument(nvarchar(-1), "SET @y = @x + 1; SELECT @x"),
            Argument(nvarchar(-1), "@x int, @y int OUTPUT"),
            Argument(INT, 41, name="@x"),
            Argument(INT, None, name="@y", output=True),
        ],
    )
    assert [e.rows for e in made.events if isinstance(e, ResultSet)] == [[(41,)]]
    assert made.status == 0
    assert made.outputs == [Output(3, "@y", INT, 42)]


# -- prepared texts


def test_a_prepared_text_runs_with_other_values(p: tsqlite.Connection) -> None:
    prepared = p.interpreter.prepare(
        "INSERT dbo.t (a) VALUES (@P1); SET @o = SCOPE_IDENTITY()", "@P1 int, @o int OUTPUT"
    )
    assert [x.name for x in prepared.parameters(p.session)] == ["@P1", "@o"]
    ids = []
    for value in (5, 6):
        made = p.interpreter.run_prepared(prepared, [Argument(INT, value), Argument(INT, None, output=True)])
        assert made.events == [Count(1, 0xC3)]
        ids.append(made.outputs[0].value)
    assert ids == [1, 2]


def test_a_prepared_text_is_parsed_when_prepared(p: tsqlite.Connection) -> None:
    with pytest.raises(SqlError) as e:
        p.interpreter.prepare("SELECT @nope", "@P1 int")
    assert e.value.number == 137


def test_a_prepared_text_tells_its_columns(p: tsqlite.Connection) -> None:
    told = p.interpreter.prepare("SELECT id, @P1 AS x FROM dbo.t", "@P1 nvarchar(9)").columns(p.session)
    assert told is not None and [(c.name, str(c.type)) for c in told] == [("id", "int"), ("x", "nvarchar(9)")]
    assert p.interpreter.prepare("DELETE dbo.t").columns(p.session) is None
    assert p.interpreter.prepare("SELECT * FROM dbo.later").columns(p.session) is None


def test_an_argument_is_missing(p: tsqlite.Connection) -> None:
    made = p.interpreter.run_prepared(p.interpreter.prepare("SELECT @P1", "@P1 int"))
    assert isinstance(made.events[0], Failure) and made.events[0].error.number == 8178


def test_settings_and_temporary_tables_end_with_a_prepared_text(p: tsqlite.Connection) -> None:
    p.interpreter.run_prepared(p.interpreter.prepare("SET NOCOUNT ON; CREATE TABLE #t (a int)"))
    assert not p.session.settings.nocount
    assert p.session.temp_table("#t") is None


# -- the ends of statements


def test_each_statement_says_how_it_ended(p: tsqlite.Connection) -> None:
    assert events_of(
        p, "SET LOCK_TIMEOUT 9; DECLARE @a int; SET @a = 1; SELECT 1; INSERT dbo.t (a) VALUES (1), (2)"
    ) == [
        ("done 0", False),
        ("rows C1 1", False),
        ("count C3 2", False),
    ]
    assert events_of(p, "UPDATE dbo.t SET a = 3; DELETE dbo.t OUTPUT deleted.a; PRINT 'x'; BEGIN TRAN; ROLLBACK") == [
        ("count C5 2", False),
        ("rows C4 2", False),
        ("message 0", False),
        ("done 0", False),
        ("done D4", False),
        ("done D2", False),
    ]


def test_nocount_takes_the_counts_away(p: tsqlite.Connection) -> None:
    assert events_of(p, "SET NOCOUNT ON; SELECT 1; INSERT dbo.t (a) VALUES (1); UPDATE dbo.t SET a = 2") == [
        ("done 0", False),
        ("rows C1 -", False),
        ("done C3", False),
        ("done C5", False),
    ]


def test_what_a_procedure_does_is_marked_and_its_status_ends_it(p: tsqlite.Connection) -> None:
    do(p, "CREATE PROCEDURE dbo.outer_ AS EXECUTE dbo.p 1; PRINT 'done'; RETURN 7")
    assert events_of(p, "EXECUTE dbo.outer_; SELECT 1") == [
        ("rows C1 1", True),
        ("count C3 1", True),
        ("done E0", True),
        ("message 0", True),
        ("return 7", False),
        ("rows C1 1", False),
    ]
    assert events_of(p, "EXECUTE ('SELECT 1')") == [("rows C1 1", True), ("done E0", False)]


def test_an_error_ends_its_statement_and_the_batch_goes_on(p: tsqlite.Connection) -> None:
    assert events_of(p, "INSERT dbo.t (a) VALUES (NULL); SELECT 1 / 0; SELECT 2") == [
        ("error 515", False),
        ("message 3621", False),
        ("done C3 error", False),
        ("error 8134", False),
        ("done C1 error", False),
        ("rows C1 1", False),
    ]


def test_insert_execute_keeps_its_rows(p: tsqlite.Connection) -> None:
    assert events_of(p, "INSERT dbo.t (a) EXECUTE ('SELECT 1; SELECT 2')") == [("count C3 2", False)]


def test_everything_a_called_procedure_sends_is_marked(p: tsqlite.Connection) -> None:
    seen: list[tuple[str, bool]] = []
    feed = Feed(p.interpreter, lambda event, inside: seen.append((shown(event), inside)))
    p.interpreter.run_procedure("dbo.p", [Argument(INT, 1)], sink=feed)
    assert seen == [("rows C1 1", True), ("count C3 1", True)]


def test_columns_say_what_they_are(p: tsqlite.Connection) -> None:
    made = p.interpreter.run_batch("SELECT id, a, c, a + 1 AS d FROM (SELECT * FROM dbo.t) AS x").events[0]
    assert isinstance(made, ResultSet)
    assert [(c.name, c.identity, c.computed) for c in made.columns] == [
        ("id", True, False),
        ("a", False, False),
        ("c", False, True),
        ("d", False, True),
    ]
