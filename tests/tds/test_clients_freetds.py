"""FreeTDS: its ODBC driver through pyodbc, and its shell. Its fast_executemany is left alone: the driver crashes in it."""

from __future__ import annotations

import datetime
import decimal
import shutil
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests import driver
from tests.tds.conftest import Process
from tests.tds.other_clients import freetds, serving

pyodbc = pytest.importorskip("pyodbc", exc_type=ImportError)
driver.reason()  # unixODBC reads its settings at the process's first connection

Connect = Callable[..., Any]
PASSWORD = "Plain-1"  # its connection strings know no way to write a brace


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """One server for these tests: each makes objects of its own."""
    path, why = freetds()
    if path is None:
        pytest.skip(why)
    with serving(tmp_path_factory.mktemp("freetds"), PASSWORD) as server:
        yield server


@pytest.fixture
def connect(process: Process) -> Iterator[Connect]:
    pyodbc.pooling = False
    made: list[Any] = []

    def connect(*, autocommit: bool = True, **options: object) -> Any:
        keywords = {
            "DRIVER": freetds()[0], "SERVER": "127.0.0.1", "PORT": process.port, "UID": "sa", "PWD": PASSWORD,
            "DATABASE": "Sales", "TDS_Version": "7.4", "ClientCharset": "UTF-8",
        } | options  # fmt: skip
        text = ";".join(f"{key}={value}" for key, value in keywords.items())
        made.append(pyodbc.connect(text, autocommit=autocommit))
        return made[-1]

    yield connect
    for connection in made:
        connection.close()


@pytest.fixture
def cursor(connect: Connect) -> Any:
    return connect().cursor()


@pytest.mark.parametrize(("encryption", "encrypted"), [("off", "FALSE"), ("request", "FALSE"), ("require", "TRUE")])
def test_encryption(connect: Connect, encryption: str, encrypted: str) -> None:
    """A request is one for the login alone, which a server that does not insist grants."""
    query = "SELECT encrypt_option FROM sys.dm_exec_connections WHERE session_id = @@SPID"
    assert connect(Encryption=encryption).execute(query).fetchval() == encrypted


@pytest.mark.parametrize("version", ["7.3", "7.4", "auto"])
def test_versions(connect: Connect, version: str) -> None:
    assert connect(TDS_Version=version).execute("SELECT 1").fetchval() == 1


@pytest.mark.parametrize("version", ["7.1", "7.2"])
def test_a_client_that_is_too_old_is_told(connect: Connect, version: str) -> None:
    with pytest.raises(pyodbc.Error, match=r"TDS 7\.3B or later is needed"):
        connect(TDS_Version=version, Encryption="off")


@pytest.mark.parametrize(
    "value",
    [
        None, True, 0, -5, 2**40, 1.5, "", "ünï 😀", "x" * 5000, "ż" * 5000, b"", b"\x00\xff", b"y" * 9000,
        decimal.Decimal("123.456"), decimal.Decimal("12345678901234567890.123456"), datetime.date(2020, 2, 29),
        datetime.datetime(2020, 1, 2, 3, 4, 5, 678901), datetime.time(1, 2, 3),
    ],
    ids=lambda value: repr(value)[:30],
)  # fmt: skip
def test_a_parameter_comes_back_as_it_went(cursor: Any, value: Any) -> None:
    assert cursor.execute("SELECT ?", value).fetchval() == value


def test_columns_of_every_type(cursor: Any) -> None:
    columns = {
        "a": ("int", 1), "s": ("nvarchar(max)", "ż" * 5000), "d": ("decimal(20, 5)", decimal.Decimal("1.50000")),
        "d2": ("datetime2(3)", datetime.datetime(2020, 1, 2, 3, 4, 5, 678000)), "vb": ("varbinary(max)", b"x" * 9000),
        "bt": ("bit", True), "m": ("money", decimal.Decimal("1.2500")), "f": ("float", 1.5), "r": ("real", 0.5),
        "dd": ("date", datetime.date(1999, 1, 2)), "tm": ("time", datetime.time(1, 2, 3)),
        "sd": ("smalldatetime", datetime.datetime(2020, 1, 2, 3, 4)), "dt": ("datetime", datetime.datetime(2020, 1, 2, 3, 4, 5)),
        "c": ("char(5)", "abc  "), "nc": ("nchar(5)", "ż    "), "vm": ("varchar(max)", "v" * 9000),
        "g": ("uniqueidentifier", uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")),
    }  # fmt: skip
    cursor.execute(f"CREATE TABLE every_type ({', '.join(f'{n} {type_} NULL' for n, (type_, _) in columns.items())})")
    row = [value for _, value in columns.values()]
    cursor.execute(f"INSERT INTO every_type VALUES ({', '.join('?' * len(row))})", row)
    cursor.execute("INSERT INTO every_type DEFAULT VALUES")
    found = [tuple(found) for found in cursor.execute("SELECT * FROM every_type ORDER BY a DESC")]
    # Unique identifiers come as texts.
    assert found == [(*row[:-1], str(row[-1]).upper()), (None,) * len(row)]


def test_prepared_statements_and_rows_of_parameters(cursor: Any) -> None:
    cursor.execute("CREATE TABLE many (n int, s nvarchar(20))")
    cursor.executemany("INSERT INTO many VALUES (?, ?)", [(n, f"s{n}") for n in range(200)])
    assert [cursor.execute("SELECT s FROM many WHERE n = ?", n).fetchval() for n in (0, 100, 199)] == [
        "s0",
        "s100",
        "s199",
    ]
    assert cursor.execute("UPDATE many SET s = NULL WHERE n < ?", 50).rowcount == 50


def test_procedures_and_several_results(cursor: Any) -> None:
    cursor.execute("""
        CREATE PROCEDURE dbo.twice @a int, @b nvarchar(20) = N'd', @c int = 0 OUTPUT AS
        BEGIN SET @c = @a * 2; SELECT @a AS a, @b AS b; SELECT 2 AS two; RETURN 7 END""")
    assert tuple(cursor.execute("{CALL dbo.twice(?, ?)}", 1, "x").fetchone()) == (1, "x")
    assert cursor.nextset() and tuple(cursor.fetchone()) == (2,)
    cursor.execute("DECLARE @r int, @o int; EXECUTE @r = dbo.twice 4, N'x', @o OUTPUT; SELECT @r, @o")
    assert cursor.nextset() and cursor.nextset() and tuple(cursor.fetchone()) == (7, 8)


def test_errors_leave_the_connection_usable(cursor: Any) -> None:
    for text, error in (
        ("SELECT 1/0", "Divide by zero"),
        ("SELECT * FROM nothing_here", "Invalid object name 'nothing_here'"),
        ("CREATE TRIGGER x ON t AFTER INSERT AS SELECT 1", r"CREATE TRIGGER is not supported by tsqlite \(line 1\)"),
    ):
        with pytest.raises(pyodbc.Error, match=error):
            cursor.execute(text).fetchall()
        assert cursor.execute("SELECT 1").fetchval() == 1
    cursor.execute("SELECT 1; THROW 50001, N'late', 1")
    assert len(cursor.fetchall()) == 1
    with pytest.raises(pyodbc.Error, match="late"):
        cursor.nextset()


def test_transactions(connect: Connect) -> None:
    one, other = connect(autocommit=False), connect()
    other.execute("CREATE TABLE ledger (n int)")
    one.execute("INSERT INTO ledger VALUES (1)")
    assert one.execute("SELECT @@TRANCOUNT").fetchval() == 1
    one.rollback()
    one.execute("INSERT INTO ledger VALUES (2)")
    one.commit()
    assert [row[0] for row in other.execute("SELECT n FROM ledger")] == [2]


def test_time_out_and_cancel(connect: Connect) -> None:
    connection, other = connect(), connect()
    connection.timeout = 1
    with pytest.raises(pyodbc.OperationalError, match="Timeout expired"):
        connection.execute("WAITFOR DELAY '00:05:00'")
    connection.timeout = 0
    cursor = connection.cursor()

    def cancel() -> None:
        taken = (
            "DECLARE @r int; EXECUTE @r = sp_getapplock 'running', 'Exclusive', 'Session', 0;"
            " IF @r >= 0 EXECUTE sp_releaseapplock 'running', 'Session'; SELECT @r"
        )
        deadline = time.monotonic() + 60
        while other.execute(taken).fetchval() != -1 and time.monotonic() < deadline:
            pass
        cursor.cancel()

    canceller = threading.Thread(target=cancel)
    canceller.start()
    with pytest.raises(pyodbc.Error, match="cancel"):
        cursor.execute("EXECUTE sp_getapplock 'running', 'Exclusive', 'Session'; WAITFOR DELAY '00:05:00'")
    canceller.join()
    assert cursor.execute("SELECT 1").fetchval() == 1


def test_the_catalog(cursor: Any) -> None:
    cursor.execute("CREATE TABLE listed (id int IDENTITY CONSTRAINT pk_listed PRIMARY KEY, name nvarchar(30) NOT NULL)")
    cursor.execute("CREATE PROCEDURE dbo.listed_too @a int AS RETURN 0")
    assert [tuple(row)[:4] for row in cursor.tables(table="listed").fetchall()] == [("Sales", "dbo", "listed", "TABLE")]
    columns = [(row.column_name, row.type_name, row.column_size) for row in cursor.columns(table="listed").fetchall()]
    assert columns == [("id", "int identity", 10), ("name", "nvarchar", 30)]
    assert [tuple(row)[3:] for row in cursor.primaryKeys("listed").fetchall()] == [("id", 1, "pk_listed")]
    assert [row.index_name for row in cursor.statistics("listed").fetchall()] == [None, "pk_listed"]
    assert [row.procedure_name for row in cursor.procedures("listed_too").fetchall()] == ["listed_too;1"]
    assert [row.column_name for row in cursor.procedureColumns("listed_too").fetchall()] == ["@RETURN_VALUE", "@a"]


def test_logins(connect: Connect) -> None:
    with pytest.raises(pyodbc.Error, match="Login failed for user 'sa'"):
        connect(PWD="wrong")
    with pytest.raises(pyodbc.Error, match=r"18456|4060"):
        connect(DATABASE="nowhere")
    assert connect(ApplicationIntent="ReadOnly").execute("SELECT DB_NAME()").fetchval() == "Stock"


def test_the_shell(process: Process) -> None:
    tsql = shutil.which("tsql")
    if tsql is None:
        pytest.skip("FreeTDS's shell is not installed (apt-get install freetds-bin)")
    script = "SELECT 1 AS a, N'ünï' AS b\nGO\nSELECT 1/0\nGO\nUSE Stock\nGO\nSELECT DB_NAME()\nGO\nexit\n"
    ran = subprocess.run(
        [tsql, "-H", "127.0.0.1", "-p", str(process.port), "-U", "sa", "-P", PASSWORD, "-D", "Sales"],
        input=script, encoding="utf-8", timeout=60, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={"LANG": "C.UTF-8", "TDSVER": "7.4"},
    )  # fmt: skip
    assert ran.returncode == 0
    assert "1\tünï" in ran.stdout and "Divide by zero" in ran.stdout and "\nStock\n" in ran.stdout
