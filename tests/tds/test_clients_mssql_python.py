"""mssql-python, Microsoft's own DB-API driver, encrypted as it is by default."""

from __future__ import annotations

import datetime
import decimal
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests import driver
from tests.tds.conftest import PASSWORD, Process
from tests.tds.other_clients import serving

# Its library is Microsoft's ODBC driver, so what that one needs it needs.
pytestmark = pytest.mark.skipif(driver.reason() is not None, reason=str(driver.reason()))
mssql_python = pytest.importorskip("mssql_python", exc_type=ImportError)

Connect = Callable[..., Any]


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """One server for these tests: each makes objects of its own."""
    with serving(tmp_path_factory.mktemp("mssql_python")) as server:
        yield server


@pytest.fixture
def connect(process: Process) -> Iterator[Connect]:
    made: list[Any] = []

    def connect(*, autocommit: bool = True, **options: str) -> Any:
        keywords = {
            "SERVER": f"127.0.0.1,{process.port}", "DATABASE": "Sales", "UID": "sa", "PWD": PASSWORD,
            "TrustServerCertificate": "yes",
        } | options  # fmt: skip
        text = ";".join(f"{key}={{{value.replace('}', '}}')}}}" for key, value in keywords.items())
        made.append(mssql_python.connect(text, autocommit=autocommit))
        return made[-1]

    yield connect
    for connection in made:
        connection.close()


@pytest.fixture
def cursor(connect: Connect) -> Any:
    return connect().cursor()


@contextmanager
def refused(text: str) -> Iterator[None]:
    with pytest.raises(mssql_python.Error, match=text):
        yield


def test_the_connection_is_encrypted(cursor: Any) -> None:
    cursor.execute("SELECT encrypt_option FROM sys.dm_exec_connections WHERE session_id = @@SPID")
    assert cursor.fetchval() == "TRUE"


def test_a_certificate_that_nobody_signed_is_not_trusted(connect: Connect) -> None:
    with refused("certificate verify failed"):
        connect(TrustServerCertificate="no")


def test_wrong_password_and_unknown_database(connect: Connect) -> None:
    with refused("Login failed for user 'sa'"):
        connect(PWD="wrong")
    with refused("Login failed for user 'sa'|Cannot open database"):
        connect(DATABASE="nowhere")


VALUES = [
    None, True, 0, -5, 2**40, -(2**63), 1.5, "", "ünï 😀", "x" * 5000, b"", b"\x00\xff", b"y" * 9000,
    decimal.Decimal("123.456"), decimal.Decimal("-0.00001"), decimal.Decimal("12345678901234567890.123456"),
    datetime.date(2020, 2, 29), datetime.time(1, 2, 3, 456), datetime.datetime(2020, 1, 2, 3, 4, 5, 678901),
    datetime.datetime(2020, 1, 2, 3, 4, 5, tzinfo=datetime.timezone(datetime.timedelta(hours=-3))),
    uuid.UUID("00112233-4455-6677-8899-aabbccddeeff"),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:30])
def test_a_parameter_comes_back_as_it_went(cursor: Any, value: Any) -> None:
    found = cursor.execute("SELECT ?", (value,)).fetchval()
    assert found == value
    assert type(found) is type(value)


COLUMNS = {
    "b": "bit", "ti": "tinyint", "si": "smallint", "i": "int", "bi": "bigint", "f": "float", "r": "real", "m": "money",
    "sm": "smallmoney", "d": "decimal(20, 5)", "c": "char(3)", "vc": "varchar(20)", "s": "nvarchar(50)", "vs": "varchar(max)",
    "ns": "nvarchar(max)", "bin": "binary(4)", "vb": "varbinary(max)", "dd": "date", "tm": "time(6)", "dt": "datetime",
    "d2": "datetime2(3)", "sd": "smalldatetime", "o": "datetimeoffset", "g": "uniqueidentifier",
}  # fmt: skip
ROW = (
    True, 7, -300, 70000, 2**50, 1.25, 0.5, decimal.Decimal("12.3400"), decimal.Decimal("-1.5000"), decimal.Decimal("5.00001"),
    "abc", "é€", "żółw", "long" * 3000, "ż" * 6000, b"\0\1\2\3", b"\0\1" * 5000, datetime.date(1999, 1, 1),
    datetime.time(1, 2, 3, 456789), datetime.datetime(2020, 1, 2, 3, 4, 5, 10000),
    datetime.datetime(2020, 1, 2, 3, 4, 5, 678000), datetime.datetime(2020, 1, 2, 3, 4),
    datetime.datetime(2020, 1, 2, 3, 4, 5, tzinfo=datetime.UTC), uuid.uuid4(),
)  # fmt: skip


def test_columns_of_every_type(cursor: Any) -> None:
    declared = ", ".join(f"{name} {type_}" for name, type_ in COLUMNS.items())
    cursor.execute(f"CREATE TABLE every_type (id int IDENTITY PRIMARY KEY, {declared})")
    insert = f"INSERT INTO every_type VALUES ({', '.join('?' * len(ROW))})"
    assert cursor.execute(insert, ROW).rowcount == 1
    cursor.executemany(insert, [ROW, ROW])
    cursor.execute(f"INSERT INTO every_type ({', '.join(COLUMNS)}) SELECT {', '.join(['NULL'] * len(ROW))}")
    rows = cursor.execute("SELECT * FROM every_type ORDER BY id").fetchall()
    assert [tuple(row)[1:] for row in rows] == [ROW, ROW, ROW, (None,) * len(ROW)]
    assert [column[0] for column in cursor.description] == ["id", *COLUMNS]
    sizes = {column[0]: column[3:7] for column in cursor.description}
    assert sizes["id"] == (10, 10, 0, False)
    assert sizes["d"] == (20, 20, 5, True)
    assert sizes["s"][0] == 50


def test_executemany(cursor: Any) -> None:
    cursor.execute("CREATE TABLE many (n int, s nvarchar(20))")
    cursor.executemany("INSERT INTO many VALUES (?, ?)", [(n, f"s{n}" if n % 2 else None) for n in range(3000)])
    assert cursor.rowcount == 3000
    assert tuple(cursor.execute("SELECT COUNT(*), COUNT(s), SUM(n) FROM many").fetchone()) == (3000, 1500, 4498500)
    assert cursor.execute("UPDATE many SET n = n + 1 WHERE s IS NULL").rowcount == 1500


def test_output_parameters_and_return_codes_through_a_batch(cursor: Any) -> None:
    cursor.execute("""
        CREATE PROCEDURE dbo.twice @a int, @b nvarchar(20) = N'd', @c int OUTPUT AS
        BEGIN SET @c = @a * 2; PRINT N'hi'; SELECT @a AS a, @b AS b; SELECT 2 AS two; RETURN 7 END""")
    cursor.execute("DECLARE @o int, @r int; EXECUTE @r = dbo.twice ?, ?, @o OUTPUT; SELECT @o, @r", (4, "y"))
    assert tuple(cursor.fetchone()) == (4, "y")
    assert cursor.nextset() and tuple(cursor.fetchone()) == (2,)
    assert cursor.nextset() and tuple(cursor.fetchone()) == (8, 7)
    assert tuple(cursor.execute("{CALL dbo.twice(?, ?, ?)}", (1, "x", 0)).fetchone()) == (1, "x")


def test_errors_leave_the_connection_usable(cursor: Any) -> None:
    for text, error in (
        ("SELECT 1/0", "Divide by zero"),
        ("SELECT * FROM nothing_here", "Invalid object name 'nothing_here'"),
        ("SELEC 1", "Could not find stored procedure 'SELEC'"),
        ("THROW 50001, N'my own', 1", "my own"),
        ("CREATE TRIGGER x ON t AFTER INSERT AS SELECT 1", r"CREATE TRIGGER is not supported by tsqlite \(line 1\)"),
    ):
        with refused(error):
            cursor.execute(text).fetchall()
        assert cursor.execute("SELECT 1").fetchval() == 1
    cursor.execute("CREATE TABLE keyed (k int PRIMARY KEY)")
    with pytest.raises(mssql_python.IntegrityError):
        cursor.execute("INSERT INTO keyed VALUES (1), (1)")
    cursor.execute("SELECT 1 AS a; THROW 50002, N'after a result', 1")
    assert cursor.fetchval() == 1
    with refused("after a result"):
        cursor.nextset()


def test_transactions(connect: Connect) -> None:
    one, other = connect(autocommit=False), connect()
    cursor, seen = one.cursor(), other.cursor()
    seen.execute("CREATE TABLE ledger (n int)")
    cursor.execute("INSERT INTO ledger VALUES (1)")
    assert cursor.execute("SELECT @@TRANCOUNT").fetchval() == 1
    assert seen.execute("SELECT COUNT(*) FROM ledger").fetchval() == 0
    one.rollback()
    cursor.execute("INSERT INTO ledger VALUES (2)")
    one.commit()
    assert [row[0] for row in seen.execute("SELECT n FROM ledger")] == [2]


def test_a_query_time_out_cancels_the_statement(connect: Connect) -> None:
    connection = connect()
    connection.timeout = 1
    cursor = connection.cursor()
    with pytest.raises(mssql_python.OperationalError, match="timeout expired"):
        cursor.execute("WAITFOR DELAY '00:05:00'")
    assert cursor.execute("SELECT 1").fetchval() == 1


def test_the_catalog(cursor: Any) -> None:
    cursor.execute("CREATE TABLE listed (id int IDENTITY CONSTRAINT pk_listed PRIMARY KEY, name nvarchar(30) NOT NULL)")
    assert [tuple(row)[:4] for row in cursor.tables(table="listed").fetchall()] == [("Sales", "dbo", "listed", "TABLE")]
    columns = [tuple(row)[3:7] for row in cursor.columns(table="listed").fetchall()]
    assert columns == [("id", 4, "int identity", 10), ("name", -9, "nvarchar", 30)]
    assert [tuple(row)[3:] for row in cursor.primaryKeys("listed").fetchall()] == [("id", 1, "pk_listed")]


def test_bulkcopy_is_refused(cursor: Any) -> None:
    cursor.execute("CREATE TABLE loaded (n int)")
    with pytest.raises(Exception, match="not supported by tsqlite"):
        cursor.bulkcopy("loaded", [(1,)])
    assert cursor.execute("SELECT COUNT(*) FROM loaded").fetchval() == 0
