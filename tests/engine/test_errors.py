"""Errors: numbers and words as SQL Server has them, what they end, TRY/CATCH, THROW, RAISERROR, doomed transactions."""

from __future__ import annotations

import pytest
from talking import db, do, error, path, rival, rows, run, value

import tsqlite

__all__ = ["db", "path", "rival"]


@pytest.fixture
def t(db: tsqlite.Connection) -> tsqlite.Connection:
    do(
        db,
        "CREATE TABLE dbo.parent (id int NOT NULL CONSTRAINT pk_parent PRIMARY KEY)"
        " CREATE TABLE dbo.t (id int NOT NULL CONSTRAINT pk_t PRIMARY KEY, name nvarchar(5) NULL CONSTRAINT uq_t UNIQUE,"
        " v int NOT NULL CONSTRAINT df_v DEFAULT (1) CONSTRAINT ck_v CHECK (v > 0),"
        " pid int NULL CONSTRAINT fk_t REFERENCES dbo.parent (id))"
        " CREATE UNIQUE INDEX ux ON dbo.t (v) WHERE v > 100"
        " CREATE TABLE dbo.log (n int)",
    )
    return db


@pytest.mark.parametrize(
    ("sql", "number", "message"),
    [
        ("SELECT * FROM dbo.nope", 208, "Invalid object name 'dbo.nope'."),
        ("SELECT nope FROM dbo.t", 207, "Invalid column name 'nope'."),
        ("EXECUTE dbo.nope", 2812, "Could not find stored procedure 'dbo.nope'."),
        ("SELECT 1 / 0", 8134, "Divide by zero error encountered."),
        (
            "SELECT CAST('x' AS int)",
            245,
            "Conversion failed when converting the varchar value 'x' to data type int.",
        ),
        (
            "INSERT INTO dbo.t (id, v) VALUES (1, NULL)",
            515,
            "Cannot insert the value NULL into column 'v', table 'x.dbo.t'; column does not allow nulls. INSERT fails.",
        ),
        (
            "INSERT INTO dbo.t (id, v) VALUES (1, 0)",
            547,
            'The INSERT statement conflicted with the CHECK constraint "ck_v". The conflict occurred in database "x",'
            " table \"dbo.t\", column 'v'.",
        ),
        (
            "INSERT INTO dbo.t (id, pid) VALUES (1, 7)",
            547,
            'The INSERT statement conflicted with the FOREIGN KEY constraint "fk_t". The conflict occurred in database'
            ' "x", table "dbo.parent", column \'id\'.',
        ),
        (
            "INSERT INTO dbo.parent VALUES (1) INSERT INTO dbo.t (id, pid) VALUES (1, 1) DELETE FROM dbo.parent",
            547,
            'The DELETE statement conflicted with the REFERENCE constraint "fk_t". The conflict occurred in database'
            ' "x", table "dbo.t", column \'pid\'.',
        ),
        (
            "INSERT INTO dbo.t (id) VALUES (1), (1)",
            2627,
            "Violation of PRIMARY KEY constraint 'pk_t'. Cannot insert duplicate key in object 'dbo.t'. The duplicate"
            " key value is (1).",
        ),
        (
            "INSERT INTO dbo.t (id, name) VALUES (1, NULL), (2, NULL)",
            2627,
            "Violation of UNIQUE KEY constraint 'uq_t'. Cannot insert duplicate key in object 'dbo.t'. The duplicate"
            " key value is (<NULL>).",
        ),
        (
            "INSERT INTO dbo.t (id, name, v) VALUES (1, 'a', 101), (2, 'b', 101)",
            2601,
            "Cannot insert duplicate key row in object 'dbo.t' with unique index 'ux'. The duplicate key value is (101).",
        ),
        ("INSERT INTO dbo.t (id, name) VALUES (1, N'abcdef')", 8152, "String or binary data would be truncated."),
        (
            "SELECT * FROM dbo.t WHERE id = (SELECT 1 UNION ALL SELECT 2)",
            512,
            "Subquery returned more than 1 value. This is not permitted when the subquery follows =, !=, <, <= , >, >= or"
            " when the subquery is used as an expression.",
        ),
        ("COMMIT", 3902, "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION."),
        ("ROLLBACK", 3903, "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION."),
        ("SELECT @x", 137, 'Must declare the scalar variable "@x".'),
        ("DECLARE @x int, @x int", 134, None),
        ("THROW 50001, N'mine', 3", 50001, "mine"),
        ("RAISERROR (N'%s has %d', 16, 1, N'it', 5)", 50000, "it has 5"),
        ("CREATE TABLE dbo.t (a int)", 2714, "There is already an object named 't' in the database."),
        (
            "DROP TABLE dbo.nope",
            3701,
            "Cannot drop the table 'dbo.nope', because it does not exist or you do not have permission.",
        ),
    ],
)
def test_number_and_words(t: tsqlite.Connection, sql: str, number: int, message: str | None) -> None:
    found = error(t, sql)
    assert found.number == number
    if message is not None:
        assert found.message == message


def test_exception_classes_are_pyodbcs(t: tsqlite.Connection) -> None:
    assert isinstance(error(t, "INSERT INTO dbo.t (id, v) VALUES (1, 0)"), tsqlite.IntegrityError)
    assert isinstance(error(t, "SELECT 1 / 0"), tsqlite.DataError)
    found = error(t, "SELECT * FROM nope")
    assert isinstance(found, tsqlite.ProgrammingError)
    assert found.args[0] == "42S02" and found.args[1].startswith("[42S02]") and "(208)" in found.args[1]


def test_most_errors_end_the_statement_alone(t: tsqlite.Connection) -> None:
    assert run(t, "INSERT INTO dbo.t (id) VALUES (1), (1) SELECT COUNT(*), @@ERROR FROM dbo.t") == [
        ("error", 2627),
        [(0, 2627)],
    ]


@pytest.mark.parametrize("number", [245, 241, 8114])
def test_conversion_errors_end_the_batch_and_roll_back(t: tsqlite.Connection, number: int) -> None:
    source = {245: "CAST('x' AS int)", 241: "CAST('x' AS datetime)", 8114: "CAST('x' AS decimal(5,2))"}[number]
    assert run(t, f"BEGIN TRAN INSERT dbo.log VALUES (1) SELECT {source} SELECT 2")[0:1] == [1]
    assert value(t, "SELECT @@TRANCOUNT") == 0
    assert value(t, "SELECT COUNT(*) FROM dbo.log") == 0


def test_xact_abort_ends_the_batch_and_rolls_back(t: tsqlite.Connection) -> None:
    got = run(t, "SET XACT_ABORT ON BEGIN TRAN INSERT dbo.log VALUES (1) INSERT dbo.t (id, v) VALUES (1, 0) SELECT 2")
    assert got == [1, ("error", 547)]
    assert value(t, "SELECT @@TRANCOUNT") == 0


def test_raiserror_does_not_honour_xact_abort_but_throw_does(t: tsqlite.Connection) -> None:
    assert run(t, "SET XACT_ABORT ON BEGIN TRAN RAISERROR ('x', 16, 1) SELECT @@TRANCOUNT ROLLBACK") == [
        ("error", 50000),
        [(1,)],
    ]
    assert run(t, "SET XACT_ABORT ON BEGIN TRAN; THROW 50001, 'x', 1; SELECT 1") == [("error", 50001)]
    assert value(t, "SELECT @@TRANCOUNT") == 0


def test_throw_ends_the_batch_without_xact_abort_and_leaves_the_transaction(t: tsqlite.Connection) -> None:
    assert run(t, "SET XACT_ABORT OFF BEGIN TRAN; THROW 50001, 'x', 1; SELECT 1") == [("error", 50001)]
    assert value(t, "SELECT @@TRANCOUNT") == 1
    t.rollback()


def test_catch_sees_the_error(t: tsqlite.Connection) -> None:
    do(t, "CREATE PROCEDURE dbo.p AS\nBEGIN\n    SELECT 1 / 0;\nEND")
    got = rows(
        t,
        "BEGIN TRY EXECUTE dbo.p END TRY BEGIN CATCH SELECT ERROR_NUMBER(), ERROR_MESSAGE(), ERROR_LINE(),"
        " ERROR_PROCEDURE(), ERROR_SEVERITY(), ERROR_STATE(), @@ERROR END CATCH",
    )
    assert got == [(8134, "Divide by zero error encountered.", 3, "p", 16, 1, 8134)]
    assert rows(t, "SELECT ERROR_NUMBER(), ERROR_MESSAGE()") == [(None, None)]


def test_rethrow_keeps_number_line_and_procedure(t: tsqlite.Connection) -> None:
    do(
        t,
        "CREATE PROCEDURE dbo.p AS\nBEGIN TRY\n  INSERT dbo.t (id, v) VALUES (1, 0)\nEND TRY\nBEGIN CATCH\n  THROW;\nEND CATCH",
    )
    found = error(t, "EXECUTE dbo.p")
    assert (found.number, found.line, found.procedure) == (547, 3, "p")


def test_xact_abort_dooms_the_transaction_in_catch(t: tsqlite.Connection) -> None:
    got = run(
        t,
        """SET XACT_ABORT ON
        BEGIN TRY BEGIN TRAN INSERT dbo.log VALUES (1) INSERT dbo.t (id, v) VALUES (1, 0) END TRY
        BEGIN CATCH
            SELECT XACT_STATE(), @@TRANCOUNT, (SELECT COUNT(*) FROM dbo.log)
            BEGIN TRY INSERT dbo.log VALUES (2) END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH
            BEGIN TRY COMMIT END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH
            ROLLBACK
            SELECT XACT_STATE(), (SELECT COUNT(*) FROM dbo.log)
        END CATCH""",
    )
    assert [g for g in got if isinstance(g, list)] == [[(-1, 1, 1)], [(3930,)], [(3930,)], [(0, 0)]]


def test_without_xact_abort_the_transaction_can_be_committed(t: tsqlite.Connection) -> None:
    do(
        t,
        "SET XACT_ABORT OFF BEGIN TRY BEGIN TRAN INSERT dbo.log VALUES (1) INSERT dbo.t (id, v) VALUES (1, 0) END TRY"
        " BEGIN CATCH IF XACT_STATE() = 1 COMMIT END CATCH",
    )
    assert value(t, "SELECT COUNT(*) FROM dbo.log") == 1


def test_a_doomed_transaction_is_rolled_back_at_the_end_of_the_batch(t: tsqlite.Connection) -> None:
    got = run(
        t,
        "SET XACT_ABORT ON BEGIN TRY BEGIN TRAN INSERT dbo.log VALUES (1) SELECT 1/0 END TRY BEGIN CATCH PRINT 'x' END CATCH",
    )
    assert got[-1] == ("error", 3998)
    assert value(t, "SELECT @@TRANCOUNT") == 0


def test_a_late_name_error_passes_the_catch_of_its_own_level(t: tsqlite.Connection) -> None:
    do(t, "CREATE PROCEDURE dbo.p AS BEGIN TRY SELECT * FROM dbo.missing END TRY BEGIN CATCH SELECT 'inner' END CATCH")
    assert run(t, "EXECUTE dbo.p SELECT 'next'") == [("error", 208), [("next",)]]
    assert run(t, "BEGIN TRY EXECUTE dbo.p END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH") == [[(208,)]]


def test_a_batch_that_does_not_compile_runs_nothing(t: tsqlite.Connection) -> None:
    assert run(t, "INSERT dbo.log VALUES (1) SELECT nope FROM dbo.t") == [("error", 207)]
    assert value(t, "SELECT COUNT(*) FROM dbo.log") == 0


def test_messages_of_low_severity_are_no_errors(t: tsqlite.Connection) -> None:
    cursor = t.cursor()
    cursor.execute("RAISERROR ('note %i', 10, 1, 5) WITH NOWAIT; PRINT 'printed'")
    while cursor.nextset():
        pass
    assert [m.text for m in t.messages] == ["note 5", "printed"]


def test_raiserror_with_log_is_refused(t: tsqlite.Connection) -> None:
    assert isinstance(error(t, "RAISERROR ('x', 16, 1) WITH LOG"), tsqlite.NotSupportedError)


def test_a_refusal_is_never_caught(t: tsqlite.Connection) -> None:
    got = run(
        t,
        "BEGIN TRY EXEC ('CREATE TRIGGER x ON dbo.t AFTER INSERT AS SELECT 1') END TRY BEGIN CATCH SELECT 1 END CATCH",
    )
    assert [g[0] for g in got] == ["refused"]


def test_throw_outside_of_catch_and_bad_numbers(t: tsqlite.Connection) -> None:
    assert error(t, "THROW").number == 10704
    assert error(t, "THROW 49999, 'x', 1").number == 35100


def test_the_error_of_an_uncaught_procedure_lets_it_go_on(t: tsqlite.Connection) -> None:
    do(t, "CREATE PROCEDURE dbo.p AS SET NOCOUNT ON INSERT dbo.t (id, v) VALUES (1, 0) SELECT 'after'")
    assert run(t, "EXECUTE dbo.p") == [("error", 547), [("after",)]]


def test_nested_catches_show_the_inner_then_the_outer_error(t: tsqlite.Connection) -> None:
    got = run(
        t,
        "BEGIN TRY SELECT 1/0 END TRY BEGIN CATCH"
        " BEGIN TRY SELECT CAST('x' AS int) END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH"
        " SELECT ERROR_NUMBER() END CATCH",
    )
    assert got[-2:] == [[(245,)], [(8134,)]]
