"""Texts and arguments for the fuzzer: the known answers' statements changed at random, statements made by a small
grammar of everything that the engine says it has, and parameters of every type as their bytes.
"""

from __future__ import annotations

import re
import struct
from functools import cache
from random import Random
from typing import Final

from tests.engine.known_answers import conversions, functions, programs, queries
from tests.tds.wire_samples import COLLATION, b_text, call, nvarchar_max

from tsqlite.functions import functions as registry
from tsqlite.lexer import RESERVED
from tsqlite.system_procedures import PROCEDURES
from tsqlite.system_views import VIEWS

TABLES: Final = (
    "dbo.t",
    "t",
    "#h",
    "dbo.u",
    "@v",
    "dbo.nowhere",
    "sys.objects",
    "(VALUES (1, 'a'), (NULL, 'b')) AS d (id, g)",
)
COLUMNS: Final = ("id", "g", "v", "w", "t.id", "nowhere", "*", "d.g", "_rowid", "rowid", "[id]", '"v"')
TYPES: Final = (
    "bit", "tinyint", "smallint", "int", "bigint", "decimal(9, 3)", "decimal(38, 10)", "numeric(18)", "money", "smallmoney",
    "float", "real", "date", "time(3)", "time", "datetime", "smalldatetime", "datetime2(0)", "datetime2", "datetimeoffset",
    "char(5)", "varchar(3)", "varchar(max)", "nchar(4)", "nvarchar(10)", "nvarchar(max)", "binary(4)", "varbinary(max)",
    "uniqueidentifier", "sql_variant", "xml", "rowversion", "sysname", "nowhere", "decimal(39)", "varchar(8001)",
)  # fmt: skip
LITERALS: Final = (
    "0", "1", "-1", "NULL", "2147483647", "2147483648", "-9223372036854775808", "9223372036854775807", "1.5", "1e308", "1e-320",
    "99999999999999999999999999999999999999", "0.00000000000000000000000000000000000001", "$1", "-$922337203685477.5808", "''",
    "N''", "'a'", "N'ą😀'", "'%[^a-z]_'", "'2026-02-30'", "'20260228'", "'1753-01-01'", "'9999-12-31T23:59:59.9999999'",
    "'24:00'", "0x", "0x00FF", "'{\"a\":[1,{\"b\":null}]}'", "'$.a[0]'", "'lax $.a.\"b\"'", "'[[[[[[[['", "'\0'", "' '",
    "'abc' COLLATE Latin1_General_BIN2", "N'ß'", "'6F9619FF-8B86-D011-B42D-00C04FC964FF'", "'W. Europe Standard Time'",
)  # fmt: skip
VARIABLES: Final = ("@i", "@s", "@d", "@b", "@P1", "@nowhere")
DATE_PARTS: Final = ("year", "month", "day", "hour", "ns", "mcs", "week", "iso_week", "tzoffset", "weekday", "quarter")
HEAD: Final = "DECLARE @i int = 3, @s nvarchar(max) = N'x', @d datetime2 = '2026-03-01', @b varbinary(8) = 0x01; "
SETUP: Final = (
    "IF OBJECT_ID('dbo.t') IS NULL CREATE TABLE dbo.t (id int NOT NULL, g varchar(5) NULL, v int NULL);"
    " INSERT dbo.t VALUES (1, 'a', 1), (2, 'a', 2), (3, 'b', 2), (4, NULL, NULL);"
    " CREATE TABLE #h (id int IDENTITY PRIMARY KEY, g nvarchar(10) NULL, w datetime2 NULL);"
    " IF OBJECT_ID('dbo.u') IS NULL CREATE TABLE dbo.u (id bigint NOT NULL PRIMARY KEY, g nvarchar(max) NULL,"
    " v AS id * 2, r rowversion, UNIQUE (id));"
)
OPERATORS: Final = (
    "+",
    "-",
    "*",
    "/",
    "%",
    "&",
    "|",
    "^",
    "||",
    "=",
    "<>",
    "<",
    ">=",
    "LIKE",
    "IN",
    "IS",
    "AND",
    "OR",
    "COLLATE",
)
TOKEN: Final = re.compile(r"N?'(?:[^']|'')*'|@{0,2}[\w#$]+|\s+|.", re.DOTALL)


@cache
def known() -> tuple[str, ...]:
    """The statements of the known answers."""
    values = [f"SELECT {case[0]} AS x" for case in (*conversions.VALUES, *functions.VALUES)]
    return (*values, *[case[0] for case in (*queries.BATCHES, *programs.BATCHES)])


@cache
def names() -> tuple[str, ...]:
    return tuple([f.name for f in registry()])


class Texts:
    """Statements by chance."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance

    def batch(self) -> str:
        """One to four statements, some of which mean something."""
        match self.chance.randrange(10):
            case 0 | 1 | 2:
                return self.changed(self.chance.choice(known()))
            case 3:
                return self.chance.choice(known())
            case 4:
                return self.deep()
            case 5:
                return self.changed(HEAD + self.statement(2))
            case _:
                return HEAD + "; ".join(self.statement(2) for _ in range(self.chance.randint(1, 4)))

    # -- changes

    def changed(self, text: str) -> str:
        """A text with some of its tokens removed, doubled, exchanged, or replaced by others."""
        chance = self.chance
        tokens = TOKEN.findall(text)
        for _ in range(chance.choice((1, 1, 2, 3, 8))):
            if not tokens:
                break
            at = chance.randrange(len(tokens))
            match chance.randrange(7):
                case 0:
                    del tokens[at : at + chance.randint(1, 3)]
                case 1:
                    tokens[at:at] = tokens[at : at + chance.randint(1, 5)]
                case 2:
                    other = chance.randrange(len(tokens))
                    tokens[at], tokens[other] = tokens[other], tokens[at]
                case 3:
                    tokens[at] = self.atom()
                case 4:
                    tokens.insert(at, f" {self.token()} ")
                case 5:
                    tokens[at] = tokens[at][: chance.randint(0, len(tokens[at]))]
                case _:
                    part = TOKEN.findall(chance.choice(known()))
                    start = chance.randrange(len(part) or 1)
                    tokens[at:at] = part[start : start + chance.randint(1, 12)]
        return "".join(tokens)

    def token(self) -> str:
        """A word, an operator or a character."""
        chance = self.chance
        return chance.choice(
            (
                chance.choice(sorted(RESERVED)), chance.choice(OPERATORS), chance.choice("()[]{}'\",;.@#$:\0\\\x7f\ufffeÿ—"),
                chance.choice(TYPES), chance.choice(COLUMNS), chance.choice(names()), chance.choice(LITERALS), "OVER (ORDER BY v)",
                "FOR JSON PATH", "OPTION (MAXRECURSION 0)", "WITH (UPDLOCK, READPAST)", "OUTPUT inserted.*", "TOP (1)", "--", "/*", "GO",
            )
        )  # fmt: skip

    def deep(self) -> str:
        """Something nested or repeated far too often."""
        times = self.chance.choice((10, 100, 500, 1000, 3000, 20_000))
        some = min(times, 1000)
        return self.chance.choice(
            (
                "SELECT " + "(" * times + "1" + ")" * times,
                "SELECT 1" + " + 1" * times,
                "SELECT " + "-" * times + "1",
                "SELECT " + "~ " * times + "1",
                "SELECT 1 WHERE " + "NOT " * times + "1 = 1",
                "SELECT 1 WHERE " + " AND ".join(["1 = 1"] * times),
                "SELECT 1 WHERE 1 IN (" + ", ".join(map(str, range(times))) + ")",
                "SELECT " + "CASE WHEN 1 = 1 THEN " * times + "1" + " END" * times,
                "SELECT " + "ISNULL(" * times + "1" + ", 1)" * times,
                "SELECT " + "LEN(" * times + "'a'" + ")" * times,
                "SELECT 'a'" + " + N'b'" * times,
                "BEGIN " * times + "SELECT 1" + " END" * times,
                "IF 1 = 1 " * times + "SELECT 1",
                "BEGIN TRY " * some + "SELECT 1" + " END TRY BEGIN CATCH END CATCH" * some,
                "SELECT 1 " + "UNION ALL SELECT 1 " * times,
                "SELECT * FROM " + "(SELECT * FROM " * times + "dbo.t" + ") AS a" * times,
                "SELECT 1 FROM dbo.t AS a" + "".join([f" JOIN dbo.t AS a{i} ON a{i}.id = a.id" for i in range(some)]),
                "WITH " + ", ".join(f"c{i} AS (SELECT {i} AS i)" for i in range(some)) + " SELECT i FROM c0",
                "SELECT " + ", ".join(map(str, range(times))),
                "DECLARE " + ", ".join(f"@v{i} int = {i}" for i in range(times)),
                "INSERT dbo.t VALUES " + ", ".join(["(1, 'a', 1)"] * times),
                "DECLARE @s nvarchar(max) = N'SELECT 1'; " + "SET @s = N'EXEC (''' + REPLACE(@s, '''', '''''') + N''')'; " * 12 + "EXEC (@s)",
                "SELECT '" + "a" * times * 20 + "'",
                "SELECT 1 AS [" + "a" * times + "]",
                "PRINT N'" + "ą" * times + "'",
                "RAISERROR (N'" + "%s" * some + "', 16, 1" + ", 'a'" * some + ")",
                "SELECT REPLICATE(CAST('a' AS varchar(max)), 300000), REPLICATE(CAST(N'ą' AS nvarchar(max)), 300000)",
                "SELECT 1 WHERE REPLICATE('a', 60) LIKE '" + "%a" * min(times, 40) + "%b'",
                "SELECT PATINDEX('" + "%[a-z]" * min(times, 40) + "%', REPLICATE('1', 500))",
                "DECLARE @j nvarchar(max) = REPLICATE(CAST('[' AS nvarchar(max)), " + str(times) + "); SELECT ISJSON(@j); SELECT * FROM OPENJSON(@j)",
                "WITH c AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM c WHERE i < 5000) SELECT MAX(i) FROM c OPTION (MAXRECURSION 0)",
                "DECLARE @i int = 0; WHILE @i < 2000 SET @i += 1; SELECT @i",
                "EXEC sp_executesql N'" + "(" * times + "', N'@a int'",
                "CREATE OR ALTER PROCEDURE dbo.r AS EXEC dbo.r; " if self.chance.random() < 0.5 else "EXEC dbo.r",
                "CREATE TABLE dbo.wide (" + ", ".join(f"c{i} int" for i in range(some + 100)) + ")",
            )
        )  # fmt: skip

    # -- the grammar

    def atom(self) -> str:
        chance = self.chance
        return chance.choice((chance.choice(LITERALS), chance.choice(COLUMNS), chance.choice(VARIABLES)))

    def expression(self, depth: int) -> str:
        chance = self.chance
        if depth <= 0 or chance.random() < 0.15:
            return self.atom()
        match chance.randrange(12):
            case 0 | 1 | 2 | 3:
                name = chance.choice(names())
                if name.startswith("@@"):
                    return name
                arguments = [self.expression(depth - 1) for _ in range(chance.choice((0, 1, 1, 2, 2, 3, 4)))]
                if arguments and name.startswith(("DATE", "SWITCH")) and name.count("FROMPARTS") == 0:
                    arguments[0] = chance.choice(DATE_PARTS)
                over = f" OVER ({self.window()})" if chance.random() < 0.08 else ""
                return f"{name}({', '.join(arguments)}){over}"
            case 4:
                verb = chance.choice(("CAST", "TRY_CAST"))
                return f"{verb}({self.expression(depth - 1)} AS {chance.choice(TYPES)})"
            case 5:
                style = chance.choice(("", "", ", 126", ", 101", ", 2", ", -1", ", 0", ", NULL"))
                return (
                    f"{chance.choice(('', 'TRY_'))}CONVERT({chance.choice(TYPES)}, {self.expression(depth - 1)}{style})"
                )
            case 6:
                return f"CASE WHEN {self.condition(depth - 1)} THEN {self.expression(depth - 1)} ELSE {self.expression(depth - 1)} END"
            case 7:
                return f"(SELECT {self.expression(depth - 1)} {self.sources(depth - 1)})"
            case 8:
                return f"{self.expression(depth - 1)} AT TIME ZONE {chance.choice(LITERALS)}"
            case _:
                return f"({self.expression(depth - 1)} {chance.choice('+-*/%&|^')} {self.expression(depth - 1)})"

    def window(self) -> str:
        chance = self.chance
        part = f"PARTITION BY {chance.choice(COLUMNS)} " if chance.random() < 0.5 else ""
        frame = chance.choice(
            ("", " ROWS UNBOUNDED PRECEDING", " ROWS BETWEEN 1 PRECEDING AND 2 FOLLOWING", " RANGE CURRENT ROW")
        )
        return f"{part}ORDER BY {chance.choice(COLUMNS)}{frame}"

    def condition(self, depth: int) -> str:
        chance = self.chance
        one = self.expression(depth)
        match chance.randrange(7):
            case 0:
                return f"{one} IS {chance.choice(('', 'NOT '))}NULL"
            case 1:
                return f"{one} IN ({', '.join(self.expression(depth - 1) for _ in range(chance.randint(1, 3)))})"
            case 2:
                return f"{one} {chance.choice(('', 'NOT '))}LIKE {self.expression(depth - 1)} {chance.choice(('', 'ESCAPE N!'))}"
            case 3:
                return f"{one} BETWEEN {self.expression(depth - 1)} AND {self.expression(depth - 1)}"
            case 4:
                return f"EXISTS ({self.query(depth - 1)})"
            case 5:
                return f"{chance.choice(('NOT ', ''))}({one} = {self.expression(depth - 1)} OR 1 = 0)"
            case _:
                return f"{one} {chance.choice(('=', '<>', '<', '>=', '> ALL', '= ANY'))} {self.expression(depth - 1)}"

    def sources(self, depth: int) -> str:
        chance = self.chance
        if chance.random() < 0.3:
            return ""
        text = "FROM " + chance.choice(
            (*TABLES, chance.choice(list(VIEWS)), "OPENJSON(@s)", "STRING_SPLIT('a,b', ',')")
        )
        if chance.random() < 0.3:
            kind = chance.choice(("JOIN", "LEFT JOIN", "CROSS JOIN", "CROSS APPLY", "FULL JOIN"))
            text += f" {kind} {chance.choice(TABLES)} AS j" + (
                "" if kind.startswith("CROSS") else f" ON {self.condition(depth - 1)}"
            )
        if chance.random() < 0.4:
            text += f" WHERE {self.condition(depth)}"
        if chance.random() < 0.2:
            text += f" GROUP BY {chance.choice(('', '', 'ROLLUP '))}({chance.choice(COLUMNS)})"
        return text

    def query(self, depth: int) -> str:
        chance = self.chance
        top = chance.choice(("", "", "", "TOP (2) ", "DISTINCT ", f"TOP ({self.expression(0)}) "))
        columns = ", ".join(f"{self.expression(depth)} AS c{i}" for i in range(chance.randint(1, 3)))
        order = chance.choice(
            (
                "",
                "",
                " ORDER BY 1",
                " ORDER BY v OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY",
                " FOR JSON PATH",
                " FOR XML AUTO",
            )
        )
        union = (
            f" {chance.choice(('UNION', 'UNION ALL', 'EXCEPT'))} {self.query(depth - 1)}"
            if chance.random() < 0.1
            else ""
        )
        return f"SELECT {top}{columns} {self.sources(depth)}{union}{order}"

    def statement(self, depth: int) -> str:
        chance = self.chance
        table = chance.choice(TABLES)
        e = self.expression
        simple: tuple[str, ...] = (
            "BEGIN TRANSACTION", "COMMIT", "ROLLBACK", "SAVE TRANSACTION a", "ROLLBACK TRANSACTION a", "BEGIN TRANSACTION a WITH MARK",
            "SET NOCOUNT ON", "SET XACT_ABORT ON", "SET FMTONLY ON", "SET FMTONLY OFF", "SET NOEXEC ON", "SET ROWCOUNT 1", "SET ROWCOUNT 0",
            "SET IMPLICIT_TRANSACTIONS ON", "SET LANGUAGE German", "SET DATEFORMAT dmy", "SET TEXTSIZE 3", "SET QUOTED_IDENTIFIER OFF",
            "SET TRANSACTION ISOLATION LEVEL SNAPSHOT", "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "SET LOCK_TIMEOUT 100",
            "USE master", "USE Shared", "USE nowhere", "WAITFOR DELAY '00:00:00.010'", "WAITFOR TIME '25:00'", "RETURN", "BREAK", "GOTO a",
            "a:", "THROW", "THROW 50000, N'x', 1", "RAISERROR ('x %d', 10, 1, 5) WITH NOWAIT", "RAISERROR ('x', 25, 1) WITH LOG",
            "DECLARE @v TABLE (id int PRIMARY KEY, g varchar(3))", "DECLARE c CURSOR FOR SELECT 1", "FETCH NEXT FROM c INTO @i",
            "CREATE TABLE #h (a int)", "DROP TABLE #h", "TRUNCATE TABLE dbo.t", "CREATE INDEX ix ON dbo.t (v) INCLUDE (g)",
            "DROP TABLE IF EXISTS dbo.u", "ALTER TABLE dbo.t ADD x int NOT NULL DEFAULT 1", "ALTER TABLE dbo.t DROP COLUMN v",
            "ALTER TABLE dbo.t ADD CONSTRAINT c CHECK (v > 0)", "ALTER TABLE dbo.t ALTER COLUMN g nvarchar(100) NOT NULL",
            "CREATE SCHEMA s", "DROP SCHEMA s", "CREATE TYPE dbo.y FROM int", "CREATE SEQUENCE dbo.q", "KILL 51", "SHUTDOWN", "CHECKPOINT",
            "BACKUP DATABASE Shared TO DISK = 'x'", "DBCC CHECKIDENT ('dbo.u', RESEED, 5)", "EXEC xp_cmdshell 'x'", "GRANT SELECT ON dbo.t TO public",
            "BULK INSERT dbo.t FROM 'x'", "MERGE dbo.t AS t USING dbo.u AS u ON t.id = u.id WHEN MATCHED THEN DELETE;",
            "EXEC sp_getapplock 'a', 'Exclusive', 'Session', 100", "EXEC sp_releaseapplock 'a', 'Session'", "CREATE USER x WITHOUT LOGIN",
            "CREATE TRIGGER dbo.g ON dbo.t AFTER INSERT AS SELECT 1", "REVERT", "EXECUTE AS USER = 'x'", "SET IDENTITY_INSERT #h ON",
        )  # fmt: skip
        match chance.randrange(16):
            case 0 | 1 | 2 | 3:
                return self.query(depth)
            case 4:
                return f"INSERT {chance.choice(('', 'INTO '))}{table} {chance.choice(('', '(id, g) ', '(v) '))}VALUES ({e(1)}, {e(1)}), ({e(0)}, {e(0)})"
            case 5:
                output = chance.choice(("", "", "OUTPUT inserted.id, inserted.g ", "OUTPUT inserted.* INTO @v "))
                return f"INSERT INTO {table} {output}{self.query(depth - 1)}"
            case 6:
                output = chance.choice(("", "", "OUTPUT deleted.*, inserted.v ", f"OUTPUT {e(1)} AS o "))
                return f"UPDATE {table} SET {chance.choice(COLUMNS)} {chance.choice(('=', '+='))} {e(depth)} {output}{self.sources(depth - 1)}"
            case 7:
                return f"DELETE {chance.choice(('TOP (1) ', ''))}FROM {table} WHERE {self.condition(depth - 1)}"
            case 8:
                return f"SET {chance.choice(VARIABLES)} {chance.choice(('=', '+=', '|='))} {e(depth)}"
            case 9:
                return (
                    f"IF {self.condition(depth)} {self.statement(depth - 1)} ELSE {self.statement(depth - 1)}"
                    if depth > 0
                    else "PRINT 1"
                )
            case 10:
                inside = self.statement(depth - 1) if depth > 0 else "SELECT 1 / 0"
                return f"BEGIN TRY {inside} END TRY BEGIN CATCH SELECT ERROR_NUMBER(), ERROR_MESSAGE(), XACT_STATE() END CATCH"
            case 11:
                text = (
                    self.statement(depth - 1).replace("'", "''")
                    if depth > 0
                    else self.chance.choice(known()).replace("'", "''")
                )
                return chance.choice((f"EXEC (N'{text}')", f"EXEC sp_executesql N'{text}', N'@i int', {e(0)}"))
            case 12:
                procedure = chance.choice(list(PROCEDURES))
                return f"EXEC {procedure} {', '.join(chance.choice((*LITERALS, *VARIABLES)) for _ in range(chance.randint(0, 5)))}"
            case 13:
                kind = chance.choice(
                    (
                        "PROCEDURE dbo.p @a int = 1, @o int = 2 OUTPUT AS",
                        "VIEW dbo.w AS",
                        "FUNCTION dbo.f (@a int) RETURNS int AS BEGIN RETURN",
                    )
                )
                body = {"P": f"BEGIN {self.statement(1)}; RETURN 5 END", "V": self.query(1), "F": f"{e(2)} END"}[
                    kind[0]
                ]
                return "EXEC (N'" + f"CREATE OR ALTER {kind} {body}".replace("'", "''") + "')"
            case 14:
                return chance.choice(
                    (
                        "EXEC dbo.p",
                        f"EXEC dbo.p {e(0)}, @i OUTPUT",
                        "SELECT * FROM dbo.w",
                        f"SELECT dbo.f({e(1)})",
                        "PRINT " + e(depth),
                    )
                )
            case _:
                return chance.choice(simple)


# -- parameters as bytes


def _sized(token: int, size: int, value: bytes | None) -> bytes:
    return bytes([token, size]) + (b"\0" if value is None else bytes([size]) + value)


class Parameters:
    """Calls with parameters by chance: their values are of their types most of the time."""

    def __init__(self, chance: Random, texts: Texts) -> None:
        self.chance = chance
        self.texts = texts

    def value(self) -> tuple[str, bytes]:
        """A type as a text declares it, TYPE_INFO and value."""
        chance = self.chance

        def some(size: int) -> bytes | None:
            return (
                None if chance.random() < 0.15 else chance.choice((bytes(size), b"\xff" * size, chance.randbytes(size)))
            )

        match chance.randrange(20):
            case 0:
                size = chance.choice((1, 2, 4, 8))
                return {1: "tinyint", 2: "smallint", 4: "int", 8: "bigint"}[size], _sized(0x26, size, some(size))
            case 1:
                return "bit", _sized(0x68, 1, some(1))
            case 2:
                size = chance.choice((4, 8))
                return ("float", "real")[size == 4], _sized(0x6D, size, some(size))
            case 3:
                size = chance.choice((4, 8))
                return ("money", "smallmoney")[size == 4], _sized(0x6E, size, some(size))
            case 4:
                size = chance.choice((4, 8))
                data = (
                    some(size)
                    if chance.random() < 0.3
                    else struct.pack("<iI" if size == 8 else "<HH", 40000, chance.randrange(1440))
                )
                return ("datetime", "smalldatetime")[size == 4], _sized(0x6F, size, data)
            case 5:
                data = some(3) if chance.random() < 0.3 else chance.randrange(3_652_059).to_bytes(3, "little")
                return "date", b"\x28" + (b"\0" if data is None else b"\x03" + data)
            case 6 | 7:
                token = chance.choice((0x29, 0x2A, 0x2B))
                scale = chance.randrange(8)
                clock = 3 if scale <= 2 else 4 if scale <= 4 else 5
                size = clock + (0, 3, 5)[token - 0x29]
                data = chance.randrange(86_400 * 10**scale).to_bytes(clock, "little") + chance.randrange(
                    3_652_059
                ).to_bytes(3, "little")
                data += struct.pack("<h", chance.choice((0, 60, -840, 840, 841)))
                name = ("time", "datetime2", "datetimeoffset")[token - 0x29]
                return f"{name}({scale})", _sized_scaled(
                    token, scale, some(size) if chance.random() < 0.2 else data[:size]
                )
            case 8 | 9:
                precision = chance.randint(1, 38)
                scale = chance.randint(0, precision)
                size = 5 if precision <= 9 else 9 if precision <= 19 else 13 if precision <= 28 else 17
                number = chance.choice((0, 1, 10**precision - 1, 10**precision, chance.randrange(10**precision)))
                data = bytes([chance.randrange(2)]) + min(number, 256 ** (size - 1) - 1).to_bytes(size - 1, "little")
                return f"decimal({precision}, {scale})", bytes([0x6A, size, precision, scale, size]) + data
            case 10:
                return "uniqueidentifier", _sized(0x24, 16, some(16))
            case 11 | 12:
                text = self.text()[:4000].encode("utf-16-le")[:8000]
                return "nvarchar(4000)", b"\xe7\x40\x1f" + COLLATION + struct.pack("<H", len(text)) + text
            case 13:
                text = self.text().encode("cp1252", "replace")[:100]
                return "varchar(100)", b"\xa7\x64\x00" + COLLATION + struct.pack("<H", len(text)) + text
            case 14:
                text = self.text().encode("utf-16-le")[:20]
                return "nchar(10)", b"\xef\x14\x00" + COLLATION + struct.pack("<H", len(text)) + text
            case 15:
                data = chance.randbytes(chance.randint(0, 8))
                return "varbinary(8)", b"\xa5\x08\x00" + struct.pack("<H", len(data)) + data
            case 16:
                data = chance.randbytes(chance.choice((0, 1, 100, 10_000)))
                body = struct.pack("<QI", len(data), len(data)) + data + b"\0\0\0\0" if data else bytes(12)
                return "varbinary(max)", b"\xa5\xff\xff" + body
            case 17:
                text = self.text()
                cut = chance.randint(0, len(text))
                return "nvarchar(max)", nvarchar_max(
                    *[part for part in (text[:cut], text[cut:]) if part], known=chance.random() < 0.5
                )
            case 18:
                return "nvarchar(max)", b"\xe7\xff\xff" + COLLATION + b"\xff" * 8
            case _:
                return "int", b"\x1f" if chance.random() < 0.5 else bytes([0x38]) + chance.randbytes(4)

    def text(self) -> str:
        chance = self.chance
        one = chance.choice((*LITERALS, self.texts.expression(1), "x" * chance.choice((1, 3999, 5000, 70_000))))
        return one.strip("N'")

    def call(self) -> bytes:
        """One call: a text with parameters, a prepared statement, a procedure."""
        chance = self.chance
        given = [self.value() for _ in range(chance.choice((0, 1, 2, 3, 3, 8)))]
        declared = ", ".join(
            f"@P{i} {kind}{' OUTPUT' if chance.random() < 0.2 else ''}" for i, (kind, _) in enumerate(given, 1)
        )
        values = [
            self._parameter(f"@P{i}" if chance.random() < 0.3 else "", data) for i, (_, data) in enumerate(given, 1)
        ]
        text = chance.choice(
            (
                "SELECT " + (", ".join(f"@P{i} AS p{i}" for i in range(1, len(given) + 1)) or "1"),
                "INSERT INTO dbo.t (id, g) VALUES (@P1, @P2)", "SELECT v FROM dbo.t WHERE g = @P1 AND id IN (@P2, @P3)",
                "SET @P1 = " + self.texts.expression(2).replace("@i", "@P1"), "SELECT " + self.texts.expression(2), self.texts.batch(),
            )
        )  # fmt: skip
        handle = b"\0\1" + _sized(0x26, 4, chance.choice((None, struct.pack("<i", chance.randint(-1, 5)))))
        head = [b"\0\0" + nvarchar_max(declared), b"\0\0" + nvarchar_max(text)]
        options = chance.choice((0, 0, 0, 1, 2, 0xFFFF))
        match chance.randrange(9):
            case 0 | 1 | 2:
                return call(10, head[1], head[0], *values, options=options)
            case 3:
                return call(
                    11,
                    handle,
                    *head,
                    b"\0\0" + _sized(0x26, 4, struct.pack("<i", chance.randrange(2))),
                    options=options,
                )
            case 4:
                return call(13, handle, *head, *values, options=options)
            case 5:
                return call(
                    12, b"\0\0" + _sized(0x26, 4, struct.pack("<i", chance.randint(0, 5))), *values, options=options
                )
            case 6:
                return call(chance.choice((15, 14, *range(1, 10))), handle, *values, options=options)
            case 7:
                return call(
                    chance.choice(
                        ("dbo.p", "p", "dbo.r", "Shared..p", "[a]]b].c", "....", "sp_describe_undeclared_parameters")
                    ),
                    *values,
                )
            case _:
                return call(
                    chance.choice((*PROCEDURES, "sys.sp_executesql")),
                    *[*head, *values][:: chance.choice((1, -1))],
                    options=options,
                )

    def _parameter(self, name: str, data: bytes) -> bytes:
        return b_text(name) + bytes([self.chance.choice((0, 0, 0, 1, 2, 3, 8))]) + data


def _sized_scaled(token: int, scale: int, value: bytes | None) -> bytes:
    return bytes([token, scale]) + (b"\0" if value is None else bytes([len(value)]) + value)
