"""A server's databases: master lists them, USE goes from one to another, sessions are counted together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tsqlite.databases import Databases
from tsqlite.errors import SqlError, Unsupported
from tsqlite.interpreter import Interpreter
from tsqlite.results import DatabaseChanged, Event, Failure, Feed, LanguageChanged, Message, ResultSet


@pytest.fixture
def served(tmp_path: Path) -> Databases:
    return Databases(
        {"Sales": tmp_path / "sales.db", "Archive": tmp_path / "archive.db"},
        read_only={"archive"},
        synchronous="OFF",
        timeout=0.2,
    )


@pytest.fixture
def sales(served: Databases) -> Iterator[Interpreter]:
    session = served.open("sales", login="ann", host="desk", application="tests")
    yield Interpreter(session)
    session.close()


def ask(interpreter: Interpreter, text: str) -> list[tuple[object, ...]]:
    """The rows of the last result set; an error is raised."""
    found: list[tuple[object, ...]] = []
    for event in interpreter.run_batch(text).events:
        if isinstance(event, Failure):
            raise event.error
        if isinstance(event, ResultSet):
            found = list(event.rows)
    return found


def test_sys_databases_lists_all_that_are_served(served: Databases, sales: Interpreter) -> None:
    wanted = [("master", 1, 0), ("tempdb", 2, 0), ("Sales", 5, 0), ("Archive", 6, 1)]
    text = "SELECT name, database_id, is_read_only FROM {}sys.databases ORDER BY database_id"
    assert ask(sales, text.format("")) == wanted
    assert ask(sales, text.format("master.")) == wanted
    master = Interpreter(served.open(None))
    assert ask(master, text.format("")) == wanted
    assert ask(master, "SELECT DB_NAME(), DB_ID(), DB_NAME(6), DB_ID('archive'), DB_ID('nope')") == [
        ("master", 1, "Archive", 6, None)
    ]
    assert ask(master, "SELECT COUNT(*) FROM sys.tables") == [(0,)]
    assert ask(
        master, "SELECT state_desc, compatibility_level, collation_name FROM sys.databases WHERE name = 'Sales'"
    ) == [("ONLINE", 140, "SQL_Latin1_General_CP1_CI_AS")]
    master.session.close()


def test_a_database_that_is_not_there(served: Databases) -> None:
    with pytest.raises(SqlError) as e:
        served.open("nope")
    assert e.value.number == 4060


def test_nothing_is_created_in_master(served: Databases) -> None:
    master = Interpreter(served.open("master"))
    with pytest.raises(SqlError) as e:
        ask(master, "CREATE TABLE dbo.t (a int)")
    assert e.value.number == 3906
    assert ask(master, "CREATE TABLE #t (a int); INSERT #t VALUES (1); SELECT a FROM #t") == [(1,)]
    master.session.close()


def test_use_goes_to_another_database_in_the_midst_of_a_batch(served: Databases, sales: Interpreter) -> None:
    ask(sales, "CREATE TABLE dbo.t (a int); INSERT dbo.t VALUES (1)")
    events: list[Event] = []
    feed = Feed(sales, lambda event, _: events.append(event))
    sales.run_batch("DECLARE @n int = 7; SELECT a FROM dbo.t; USE [master]; SELECT @n, DB_NAME(); USE sales", sink=feed)
    rows = [e.rows for e in events if isinstance(e, ResultSet)]
    assert rows == [[(1,)], [(7, "master")]]
    assert [e for e in events if isinstance(e, DatabaseChanged)] == [
        DatabaseChanged("Sales", "master"),
        DatabaseChanged("master", "Sales"),
    ]
    assert [e.number for e in events if isinstance(e, Message)] == [5701, 5701]
    assert ask(sales, "SELECT a FROM dbo.t") == [(1,)]


def test_what_follows_use_means_the_other_database(tmp_path: Path) -> None:
    served = Databases({"a": tmp_path / "a.db", "b": tmp_path / "b.db"}, synchronous="OFF")
    one = Interpreter(served.open("a"))
    ask(one, "CREATE TABLE dbo.t (x int); INSERT dbo.t VALUES (1)")
    ask(one, "USE b; CREATE TABLE dbo.t (y varchar(9)); INSERT dbo.t VALUES ('b')")
    assert ask(one, "SELECT y FROM dbo.t") == [("b",)]
    assert ask(one, "USE a; SELECT x FROM dbo.t") == [(1,)]
    assert ask(one, "USE b; SELECT y FROM dbo.t") == [("b",)]
    one.session.close()


@pytest.mark.parametrize(
    "before",
    [
        "BEGIN TRANSACTION",
        "CREATE TABLE #t (a int)",
        "DECLARE @t TABLE (a int)",
        "EXECUTE sp_getapplock @Resource = N'r', @LockMode = 'Shared', @LockOwner = 'Session'",
    ],
)
def test_use_is_refused_where_it_would_lose_something(sales: Interpreter, before: str) -> None:
    with pytest.raises(Unsupported, match="USE Archive"):
        ask(sales, f"{before}; USE Archive")


def test_use_of_a_database_that_is_not_there(sales: Interpreter) -> None:
    with pytest.raises(SqlError) as e:
        ask(sales, "USE nope")
    assert e.value.number == 911
    assert sales.session.database == "Sales"


def test_a_read_only_database_refuses_writes(sales: Interpreter) -> None:
    with pytest.raises(SqlError) as e:
        ask(sales, "USE Archive; CREATE TABLE dbo.t (a int)")
    assert e.value.number == 3906


@pytest.mark.parametrize("text", ["SELECT * FROM Archive.dbo.t", "SELECT OBJECT_ID('Archive.dbo.t')"])
def test_a_statement_reads_one_database(sales: Interpreter, text: str) -> None:
    with pytest.raises(Unsupported):
        ask(sales, text)


def test_sessions_have_ids_of_their_own_whatever_their_database(served: Databases, sales: Interpreter) -> None:
    others = [Interpreter(served.open(name)) for name in ("master", "Archive", "Sales")]
    ids = [ask(i, "SELECT @@SPID")[0][0] for i in (sales, *others)]
    assert ids == [51, 52, 53, 54]
    others[0].session.close()
    again = served.open("Sales")
    assert again.spid() == 52
    again.wire.update(transport="TCP", encrypted=True, client_address="127.0.0.1")
    seen = ask(sales, "SELECT session_id, DB_NAME(database_id), login_name, status FROM sys.dm_exec_sessions")
    assert seen == [
        (51, "Sales", "ann", "running"),
        (52, "Sales", "sa", "sleeping"),
        (53, "Archive", "sa", "sleeping"),
        (54, "Sales", "sa", "sleeping"),
    ]
    assert ask(
        sales, "SELECT net_transport, encrypt_option, client_net_address FROM sys.dm_exec_connections"
        " WHERE session_id IN (51, 52) ORDER BY session_id"
    ) == [("Shared memory", "FALSE", "<local machine>"), ("TCP", "TRUE", "127.0.0.1")]  # fmt: skip
    ask(others[2], "BEGIN TRANSACTION")
    assert ask(sales, "SELECT session_id FROM sys.dm_tran_session_transactions") == [(54,)]
    for session in (again, others[1].session, others[2].session):
        session.close()


# -- a pooled connection is handed on


def test_reset_makes_a_session_as_new(sales: Interpreter) -> None:
    ask(sales, "SET NOCOUNT ON; SET LOCK_TIMEOUT 5; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; SET DATEFORMAT dmy")
    ask(sales, "CREATE TABLE #t (a int); EXECUTE sp_set_session_context N'k', N'v'; SET CONTEXT_INFO 0x01")
    ask(sales, "EXECUTE sp_getapplock @Resource = N'r', @LockMode = 'Exclusive', @LockOwner = 'Session'")
    ask(sales, "CREATE TABLE dbo.t (a int IDENTITY); BEGIN TRANSACTION; INSERT dbo.t DEFAULT VALUES")
    sales.session.reset()
    assert ask(
        sales,
        "SELECT @@TRANCOUNT, @@LOCK_TIMEOUT, @@OPTIONS & 512, OBJECT_ID('tempdb..#t'), SESSION_CONTEXT(N'k'),"
        " CONTEXT_INFO(), APPLOCK_MODE('public', 'r', 'Session'), @@IDENTITY, (SELECT COUNT(*) FROM dbo.t)",
    ) == [(0, -1, 0, None, None, None, "NoLock", None, 0)]
    assert ask(
        sales, "SELECT transaction_isolation_level, date_format FROM sys.dm_exec_sessions WHERE session_id = @@SPID"
    ) == [(2, "mdy")]


def test_reset_may_keep_the_transaction(sales: Interpreter) -> None:
    ask(sales, "CREATE TABLE dbo.t (a int); BEGIN TRANSACTION; INSERT dbo.t VALUES (1)")
    sales.session.reset(keep_transaction=True)
    assert ask(sales, "SELECT @@TRANCOUNT, (SELECT COUNT(*) FROM dbo.t)") == [(1, 1)]
    ask(sales, "ROLLBACK")


def test_reset_goes_back_to_the_database_of_the_login(sales: Interpreter) -> None:
    ask(sales, "USE master")
    sales.session.reset()
    assert sales.session.database == "Sales"
    assert ask(sales, "SELECT DB_NAME()") == [("Sales",)]


# -- what drivers set at login


def test_a_login_sets_its_options(sales: Interpreter) -> None:
    ask(sales, "SET QUOTED_IDENTIFIER ON; SET ANSI_DEFAULTS ON; SET IMPLICIT_TRANSACTIONS OFF; SET TEXTSIZE 2147483647")
    ask(sales, "SET CURSOR_CLOSE_ON_COMMIT OFF; SET ARITHABORT ON; SET CONCAT_NULL_YIELDS_NULL ON; SET DATEFIRST 7")
    events: list[Event] = []
    sales.run_batch("SET LANGUAGE us_english", sink=Feed(sales, lambda event, _: events.append(event)))
    assert events[0] == LanguageChanged("us_english", "us_english")
    assert isinstance(events[1], Message) and events[1].number == 5703


def test_a_text_size_cuts_long_values_on_their_way_to_the_client(sales: Interpreter) -> None:
    wide, long = "CAST(REPLICATE('a', 9) AS nvarchar(max))", "CAST(REPLICATE('b', 9) AS varchar(max))"
    ask(sales, "SET TEXTSIZE 5")
    assert ask(sales, f"SELECT {wide}, {long}, 0x0102030405060708, 'ccccccccc', LEN({long}), @@TEXTSIZE") == [
        ("aa", "bbbbb", bytes(range(1, 9)), "ccccccccc", 9, 5)
    ]
    assert ask(sales, "SET TEXTSIZE 0; SELECT @@TEXTSIZE") == [(4096,)]
    assert ask(sales, f"SET TEXTSIZE 2147483647; SELECT {long}") == [("bbbbbbbbb",)]


def test_row_count_stops_a_statement_early(sales: Interpreter) -> None:
    ask(sales, "CREATE TABLE dbo.t (a int); INSERT dbo.t VALUES (1), (2), (3), (4)")
    assert ask(sales, "SET ROWCOUNT 2; SELECT a FROM dbo.t ORDER BY a DESC") == [(4,), (3,)]
    assert ask(sales, "DECLARE @v int; SELECT @v = a FROM dbo.t ORDER BY a; SELECT @v, @@ROWCOUNT") == [(2, 2)]
    assert ask(sales, "UPDATE dbo.t SET a = a + 10 WHERE a < 9; SELECT @@ROWCOUNT") == [(2,)]
    assert ask(sales, "SELECT (SELECT COUNT(*) FROM dbo.t), (SELECT COUNT(*) FROM dbo.t WHERE a > 9)") == [(4, 2)]
    ask(sales, "SELECT a INTO #some FROM dbo.t; INSERT dbo.t SELECT 7 FROM dbo.t; DELETE dbo.t WHERE a = 7")
    assert ask(sales, "SET ROWCOUNT 0; SELECT COUNT(*), (SELECT COUNT(*) FROM #some) FROM dbo.t") == [(4, 2)]
    with pytest.raises(Unsupported, match="ROWCOUNT"):
        ask(sales, "SET ROWCOUNT 1; SELECT a FROM dbo.t FOR JSON PATH")
