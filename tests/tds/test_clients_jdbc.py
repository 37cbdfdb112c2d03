"""Microsoft's JDBC driver: what clients/JdbcClient.java does, and what comes of it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.tds.conftest import PASSWORD
from tests.tds.other_clients import jdbc, serving

PROGRAM = Path(__file__).parent / "clients" / "JdbcClient.java"

ROW = (
    "[true, 200, -300, 70000, 1125899906842624, 1.25, 0.5, 12.3400, 5.00001, abc, é€, żółw 😀, 20000, 6000, [0, 1, 2, 3],"
    " 20000, 1999-01-02, 01:02:03, 2020-01-02 03:04:05.01, 2020-01-02T03:04:05.123456700, 2020-01-02T03:04:05.500+02:00,"
    " 00112233-4455-6677-8899-AABBCCDDEEFF, 8, 140000]"
)
FOUR = "(1,é0,0)(2,é1,0)(3,é2,1)(4,é3,2)"

TOLD = {
    "encrypt=true": "(TRUE,Microsoft JDBC Driver for SQL Server)",
    "encrypt=false": "(FALSE,Microsoft JDBC Driver for SQL Server)",
    "insert 1": "1 key (1)",
    "insert 2": "1 key (2)",
    "insert 3": "1 key (3)",
    "values": ROW,
    "nulls": "(null,null,null,null,null)",
    "columns": "[id int(10,0) identity read-only, d decimal(20,5) null, nv nvarchar(50,0) null,"
    " nm nvarchar(1073741823,0) null, twice int(10,0) null read-only]",
    "streams": "(100000,100001)",
    "many rows": "52005000",
    "a result left half read": "(1)",
    "prepareMethod=prepare": FOUR,
    "enablePrepareOnFirstPreparedStatementCall=true": FOUR,
    "sendStringParametersAsUnicode=false": FOUR,
    "disableStatementPooling=false;statementPoolingCacheSize=10": FOUR,
    "sendTimeAsDatetime=false": FOUR,
    "packetSize=512": FOUR,
    "responseBuffering=full": FOUR,
    "batch": "[1, 1, 1, 1, 1]",
    "batch with an error": "[1, -3, 1] 2627 (10) (11)",
    "parameters": "int nvarchar(20)",
    "call": "(21,x) (2) returned 7 42 2020-01-02 00:00:00.0",
    "call by names": "(4,y) (2) 8",
    "several results": "(1) count 2 count 1",
    "messages": "printed, low",
    "division by zero": "error 8134 S0001: Divide by zero error encountered.",
    "unknown table": "error 208 S0002: Invalid object name 'nothing_here'.",
    "duplicate key": "error 2627 23000: Violation of PRIMARY KEY constraint 'pk_batched'. *",
    "error behind a result": "error 50001 S0003: late",
    "refused": "error 40000 S0001: CREATE TRIGGER is not supported by tsqlite (line 1)",
    "server cursor": "error 40000 S0001: A server cursor (sp_cursoropen) is not supported by tsqlite",
    "bulk copy": "error 0 null: INSERT BULK (bulk copy) is not supported by tsqlite*",
    "after the errors": "(1)",
    "savepoints": "(30)",
    "isolation 1": "(1)",
    "isolation 2": "(2)",
    "isolation 4": "(3)",
    "isolation 8": "(4)",
    "isolation 4096": "error 3952 S0001: Snapshot isolation transaction failed accessing database 'Sales' *",
    "lock time-out": "error 1222 S0051: Lock request time out period exceeded.",
    "a connection closed inside a transaction": "(5)",
    "query time-out": "error 0 HY008: The query has timed out.",
    "cancel": "error 0 HY008: The query was canceled.",
    "after the cancels": "(0)",
    "product": "Microsoft SQL Server 14 sa",
    "tables": "(batched,TABLE) (child,TABLE) (every_type,TABLE)",
    "column list": "(n,int,10,NO) (s,nvarchar,20,YES)",
    "primary key": "(id,pk_every_type)",
    "imported keys": "(every_type,parent,fk_child,0)",
    "indexes": "(null,null) (pk_child,id) (ix_child,parent) (ix_child,id)",
    "procedures": "(doubled;1)",
    "procedure columns": "(@RETURN_VALUE,int) (@a,int) (@b,nvarchar) (@c,int) (@at,datetime2)",
    "catalogs": "(master) (Sales) (Stock) (tempdb)",
    "another catalog": "Stock (Stock)",
    "wrong password": "error 18456 S0001: Login failed for user 'sa'. *",
    "unknown database": 'error 4060 S0001: Cannot open database "nowhere" requested by the login. *',
    "untrusted certificate": "error 0 08S01: *could not establish a secure connection*",
    "read-only intent": 'error 3906 S0001: Failed to update database "Stock" because the database is read-only.',
}
"""A * stands for anything."""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """What the program printed, by the names of its steps."""
    jar, why = jdbc()
    if jar is None:
        pytest.skip(f"JDBC: {why}")
    with serving(tmp_path_factory.mktemp("jdbc")) as server:
        ran = subprocess.run(
            ["java", "-Dfile.encoding=UTF-8", "-Dstdout.encoding=UTF-8", "-Xshare:auto", "-XX:TieredStopAtLevel=1",
             "-cp", str(jar), str(PROGRAM), str(server.port), PASSWORD],
            capture_output=True, encoding="utf-8", timeout=250,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        lines = dict(line.split("\t", 1) for line in ran.stdout.splitlines())
        assert list(lines) == list(TOLD), ran.stderr
        yield lines


@pytest.mark.parametrize("step", TOLD)
def test_jdbc(told: Mapping[str, str], step: str) -> None:
    pattern = ".*".join(re.escape(part) for part in TOLD[step].split("*"))
    assert re.fullmatch(pattern, told[step]), told[step]
