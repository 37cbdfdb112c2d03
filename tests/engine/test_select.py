"""SELECT as SQL Server answers it: joins, grouping, subqueries, APPLY, set operations, FOR JSON; and the errors of names."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tsqlite import binder
from tsqlite.dbapi import Connection, DatabaseError, NotSupportedError, connect
from tsqlite.parser import parse
from tsqlite.units import Names

SCHEMA = """
CREATE TABLE person (
    id int NOT NULL PRIMARY KEY, team varchar(10) NULL, name nvarchar(20) NOT NULL, points int NULL, pay decimal(9, 2) NULL
);
INSERT person VALUES
    (1, 'x', N'Ann', 10, 1.5), (2, 'x', N'bob', NULL, 2.25), (3, 'y', N'Carl', 30, NULL), (4, 'Y ', N'dave', 40, 4);
CREATE TABLE task (id int IDENTITY NOT NULL PRIMARY KEY, person_id int NULL, title varchar(10) NOT NULL);
INSERT task (person_id, title) VALUES (1, 'one'), (1, 'uno'), (2, 'two'), (9, 'none');
"""


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    made = connect(":memory:")
    made.autocommit = True
    made.cursor().execute(SCHEMA)
    made.cursor().execute(
        "CREATE VIEW busy AS SELECT p.id, p.name, COUNT(t.id) AS tasks FROM person AS p"
        " JOIN task AS t ON t.person_id = p.id GROUP BY p.id, p.name"
    )
    made.cursor().execute(
        "CREATE FUNCTION dbo.tasks_of (@id int, @most int = 10) RETURNS TABLE AS RETURN"
        " (SELECT TOP (@most) title FROM task WHERE person_id = @id ORDER BY id)"
    )
    yield made
    made.close()


def rows(connection: Connection, sql: str) -> list[tuple[Any, ...]]:
    cursor = connection.cursor()
    cursor.execute(sql)
    return [tuple(r) for r in cursor.fetchall()]


def number_of(connection: Connection, sql: str) -> int:
    """The number of the error that a statement ends with."""
    with pytest.raises(DatabaseError) as caught:
        rows(connection, sql)
    return caught.value.number


def types(connection: Connection, sql: str) -> list[str]:
    """Type of each column as it is declared, with NOT NULL where it cannot be NULL."""
    query = binder.bind_statement(parse(sql).statements[0], Names(connection.session, {}))
    return [f"{c.type}{'' if c.type.nullable else ' NOT NULL'}" for c in query.columns]  # type: ignore[union-attr]


ANSWERS: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
    "left join": (
        "SELECT p.id, t.title FROM person AS p LEFT JOIN task AS t ON t.person_id = p.id ORDER BY p.id, t.title",
        [(1, "one"), (1, "uno"), (2, "two"), (3, None), (4, None)],
    ),
    "full join, NULLs first": (
        "SELECT p.id, t.title FROM person AS p FULL JOIN task AS t ON t.person_id = p.id ORDER BY p.id, t.title",
        [(None, "none"), (1, "one"), (1, "uno"), (2, "two"), (3, None), (4, None)],
    ),
    "right join, NULLs last when descending": (
        "SELECT p.id, t.title FROM person AS p RIGHT JOIN task AS t ON t.person_id = p.id ORDER BY p.id DESC, t.title",
        [(2, "two"), (1, "one"), (1, "uno"), (None, "none")],
    ),
    "comma and LEFT JOIN": (
        "SELECT COUNT(*) FROM person AS a, person AS b LEFT JOIN task AS t ON t.person_id = b.id",
        [(20,)],
    ),
    "groups are equal without case and trailing spaces": (
        "SELECT COUNT(*), SUM(points), AVG(points), MIN(name), AVG(pay) FROM person GROUP BY team ORDER BY MIN(id)",
        [(2, 10, 10, "Ann", Decimal("1.875000")), (2, 70, 35, "Carl", Decimal("4.000000"))],
    ),
    "no GROUP BY, no rows": ("SELECT COUNT(*), SUM(points) FROM person WHERE 1 = 0", [(0, None)]),
    "HAVING alone": ("SELECT 1 FROM person HAVING MAX(id) > 3", [(1,)]),
    "HAVING alone, no aggregate": ("SELECT 1 FROM person WHERE 1 = 0 HAVING 1 = 1", [(1,)]),
    "DISTINCT": ("SELECT COUNT(*) FROM (SELECT DISTINCT team FROM person) AS q", [(2,)]),
    "COUNT(DISTINCT)": ("SELECT COUNT(DISTINCT team), COUNT(DISTINCT points) FROM person", [(2, 3)]),
    "TOP WITH TIES": ("SELECT TOP (1) WITH TIES id FROM person ORDER BY team", [(1,), (2,)]),
    "TOP PERCENT rounds up": ("SELECT TOP (30) PERCENT id FROM person ORDER BY id DESC", [(4,), (3,)]),
    "TOP of groups with ties": (
        "SELECT TOP (1) WITH TIES COUNT(*) AS n FROM person GROUP BY team ORDER BY n",
        [(2,), (2,)],
    ),
    "OFFSET and FETCH": ("SELECT id FROM person ORDER BY id OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY", [(2,), (3,)]),
    "an alias wins over a column in ORDER BY": (
        "SELECT -id AS name FROM person ORDER BY name",
        [(-4,), (-3,), (-2,), (-1,)],
    ),
    "recursion to the limit": (
        "WITH c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c WHERE n < 101) SELECT COUNT(*), MAX(n) FROM c",
        [(101, 101)],
    ),
    "recursion without limit": (
        "WITH c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c WHERE n < 500) SELECT COUNT(*) FROM c"
        " OPTION (MAXRECURSION 0)",
        [(500,)],
    ),
    "a CTE sees the one before": (
        "WITH a AS (SELECT 1 AS n), b AS (SELECT n + 1 AS n FROM a) SELECT a.n, b.n FROM a CROSS JOIN b",
        [(1, 2)],
    ),
    "CROSS APPLY of TOP (1)": (
        "SELECT p.id, x.title FROM person AS p CROSS APPLY"
        " (SELECT TOP (1) title FROM task WHERE person_id = p.id ORDER BY title DESC) AS x ORDER BY p.id",
        [(1, "uno"), (2, "two")],
    ),
    "OUTER APPLY of an aggregate": (
        "SELECT p.id, x.m, x.n FROM person AS p OUTER APPLY"
        " (SELECT MAX(title) AS m, COUNT(*) AS n FROM task WHERE person_id = p.id) AS x ORDER BY p.id",
        [(1, "uno", 2), (2, "two", 1), (3, None, 0), (4, None, 0)],
    ),
    "OUTER APPLY of rows": (
        "SELECT p.id, x.title FROM person AS p OUTER APPLY (SELECT title FROM task WHERE person_id = p.id) AS x"
        " ORDER BY p.id, x.title",
        [(1, "one"), (1, "uno"), (2, "two"), (3, None), (4, None)],
    ),
    "OUTER APPLY keeps a constant NULL where there is no row": (
        "SELECT p.id, x.k FROM person AS p OUTER APPLY (SELECT 7 AS k FROM task WHERE person_id = p.id AND id = 3) AS x"
        " ORDER BY p.id",
        [(1, None), (2, 7), (3, None), (4, None)],
    ),
    "APPLY carries every type whole": (
        "SELECT x.* FROM (VALUES (CAST(1 AS bigint))) AS p (i) CROSS APPLY (SELECT TOP (1) CAST(0.1 AS float) + p.i AS f,"
        " 0x00FF AS b, CAST(12345678901234567890.12 AS decimal(30, 2)) + p.i AS d, N'é\"' AS s, p.i * 9007199254740993 AS i,"
        " CAST(NULL AS varbinary(4)) AS n ORDER BY p.i) AS x",
        [(1.1, b"\x00\xff", Decimal("12345678901234567891.12"), 'é"', 9007199254740993, None)],
    ),
    "CROSS APPLY of VALUES": (
        "SELECT p.id, x.what, x.amount FROM person AS p CROSS APPLY (VALUES ('pay', p.pay), ('points', p.points))"
        " AS x (what, amount) WHERE p.id < 3 ORDER BY p.id, x.what",
        [
            (1, "pay", Decimal("1.50")),
            (1, "points", Decimal("10.00")),
            (2, "pay", Decimal("2.25")),
            (2, "points", None),
        ],
    ),
    "APPLY of an inline function": (
        "SELECT p.id, f.title FROM person AS p CROSS APPLY dbo.tasks_of(p.id, 1) AS f ORDER BY p.id",
        [(1, "one"), (2, "two")],
    ),
    "DEFAULT parameter": ("SELECT title FROM dbo.tasks_of(1, DEFAULT)", [("one",), ("uno",)]),
    "APPLY of OPENJSON": (
        "SELECT o.id, j.a FROM (VALUES (1, '[{\"a\":1},{\"a\":2}]'), (2, '[]')) AS o (id, j)"
        " OUTER APPLY OPENJSON(o.j) WITH (a int) AS j ORDER BY o.id, j.a",
        [(1, 1), (1, 2), (2, None)],
    ),
    "view": ("SELECT name, tasks FROM busy ORDER BY id", [("Ann", 2), ("bob", 1)]),
    "scalar subquery of no row": (
        "SELECT id, (SELECT MAX(title) FROM task WHERE person_id = p.id) FROM person AS p WHERE id > 1 ORDER BY id",
        [(2, "two"), (3, None), (4, None)],
    ),
    "ALL": ("SELECT id FROM person WHERE points > ALL (SELECT 10 UNION ALL SELECT 20) ORDER BY id", [(3,), (4,)]),
    "ALL of nothing": ("SELECT COUNT(*) FROM person WHERE points > ALL (SELECT id FROM task WHERE 1 = 0)", [(4,)]),
    "ALL with NULL is unknown": ("SELECT COUNT(*) FROM person WHERE id > ALL (SELECT NULL)", [(0,)]),
    "ANY with NULL": ("SELECT COUNT(*) FROM person WHERE NOT id > ANY (SELECT NULL UNION ALL SELECT 2)", [(0,)]),
    "NOT IN with NULL": ("SELECT COUNT(*) FROM person WHERE id NOT IN (SELECT points FROM person)", [(0,)]),
    "IN of another type": ("SELECT id FROM person WHERE id IN ('1', 3) ORDER BY id", [(1,), (3,)]),
    "EXCEPT": ("SELECT id FROM person EXCEPT SELECT person_id FROM task", [(3,), (4,)]),
    "INTERSECT binds first": (
        "SELECT 7 AS n UNION ALL SELECT id FROM person INTERSECT SELECT person_id FROM task ORDER BY n",
        [(1,), (2,), (7,)],
    ),
    "UNION ignores case": ("SELECT COUNT(*) FROM (SELECT 'a ' AS c UNION SELECT 'A') AS q", [(1,)]),
    "UNION under BIN2": (
        "SELECT COUNT(*) FROM (SELECT 'a' COLLATE Latin1_General_BIN2 AS c UNION SELECT 'A') AS q",
        [(2,)],
    ),
    "a set operation on its right": (
        "SELECT n FROM (SELECT 1 AS n EXCEPT (SELECT 1 UNION SELECT 2)) AS q",
        [],
    ),
    "ROLLUP": (
        "SELECT team, GROUPING(team), COUNT(*) FROM person WHERE id < 4 GROUP BY ROLLUP (team) ORDER BY GROUPING(team), team",
        [("x", 0, 2), ("y", 0, 1), (None, 1, 3)],
    ),
    "CUBE": (
        "SELECT a, b, COUNT(*), GROUPING_ID(a, b) AS g FROM (VALUES (1, 2), (1, 3)) AS t (a, b) GROUP BY CUBE (a, b)"
        " ORDER BY g, b",
        [(1, 2, 1, 0), (1, 3, 1, 0), (1, None, 2, 1), (None, 2, 1, 2), (None, 3, 1, 2), (None, None, 2, 3)],
    ),
    "windows": (
        "SELECT id, ROW_NUMBER() OVER (PARTITION BY team ORDER BY id DESC), SUM(points) OVER (ORDER BY id),"
        " LAG(points) OVER (ORDER BY id), COUNT(*) OVER () FROM person ORDER BY id",
        [(1, 2, 10, None, 4), (2, 1, 10, 10, 4), (3, 2, 40, None, 4), (4, 1, 80, 30, 4)],
    ),
    "a window over groups": (
        "SELECT SUM(SUM(points)) OVER (), COUNT(*) FROM person GROUP BY team ORDER BY 2",
        [(80, 2), (80, 2)],
    ),
    "STRING_AGG WITHIN GROUP": (
        "SELECT STRING_AGG(name, ',') WITHIN GROUP (ORDER BY name DESC) FROM person",
        [("dave,Carl,bob,Ann",)],
    ),
    "FOR JSON PATH": (
        "SELECT id AS [who.id], name AS [who.name], points, (SELECT title FROM task WHERE person_id = p.id ORDER BY id"
        " FOR JSON PATH) AS tasks FROM person AS p WHERE id IN (2, 3) ORDER BY id FOR JSON PATH, ROOT('people')",
        [
            (
                '{"people":[{"who":{"id":2,"name":"bob"},"tasks":[{"title":"two"}]},'
                '{"who":{"id":3,"name":"Carl"},"points":30}]}',
            )
        ],
    ),
    "FOR JSON of no rows is no row": ("SELECT id FROM person WHERE 1 = 0 FOR JSON PATH", []),
    "FOR JSON keeps NULL when asked": (
        "SELECT points FROM person WHERE id = 2 FOR JSON AUTO, INCLUDE_NULL_VALUES, WITHOUT_ARRAY_WRAPPER",
        [('{"points":null}',)],
    ),
    "FOR JSON AUTO nests one table in the other": (
        "SELECT p.id, t.title FROM person AS p LEFT JOIN task AS t ON t.person_id = p.id WHERE p.id <> 2"
        " ORDER BY p.id, t.id FOR JSON AUTO",
        [('[{"id":1,"t":[{"title":"one"},{"title":"uno"}]},{"id":3,"t":[{}]},{"id":4,"t":[{}]}]',)],
    ),
    "FOR JSON in APPLY is NULL without rows": (
        "SELECT p.id, JSON_QUERY(x.j) AS tasks FROM person AS p CROSS APPLY"
        " (SELECT title FROM task WHERE person_id = p.id FOR JSON PATH) AS x (j) WHERE p.id > 1 AND p.id < 4"
        " ORDER BY p.id FOR JSON PATH",
        [('[{"id":2,"tasks":[{"title":"two"}]},{"id":3}]',)],
    ),
    "IN under the collation of its items": (
        "SELECT id FROM person WHERE team IN ('X' COLLATE Latin1_General_BIN2, 'y') ORDER BY id",
        [(3,)],
    ),
    "IN of binary values": ("SELECT 1 WHERE CAST(0x0100 AS varbinary(4)) IN (SELECT 0x01)", [(1,)]),
    "PIVOT": (
        "SELECT x, y FROM (SELECT team, points FROM person) AS s PIVOT (SUM(points) FOR team IN (x, y)) AS p",
        [(10, 70)],
    ),
    "UNPIVOT leaves NULL out": (
        "SELECT id, what, amount FROM (SELECT id, points, CAST(pay AS int) AS pay FROM person WHERE id > 2) AS s"
        " UNPIVOT (amount FOR what IN (points, pay)) AS u ORDER BY id, what",
        [(3, "points", 30), (4, "pay", 4), (4, "points", 40)],
    ),
    "NULL is unknown": ("SELECT COUNT(*) FROM person WHERE NOT (points = 10)", [(2,)]),
    "an OR of unknown": ("SELECT COUNT(*) FROM person WHERE points <> 10 OR 1 = 1", [(4,)]),
    "CASE evaluates what it needs": (
        "SELECT CASE WHEN id = 1 THEN 0 ELSE 10 / (id - 1) END FROM person WHERE id < 3",
        [(0,), (10,)],
    ),
    "LIKE": ("SELECT name FROM person WHERE name LIKE '[A-B]%' ORDER BY name", [("Ann",), ("bob",)]),
    "BETWEEN": ("SELECT id FROM person WHERE points NOT BETWEEN 20 AND 35 ORDER BY id", [(1,), (4,)]),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_answers(connection: Connection, name: str) -> None:
    sql, expected = ANSWERS[name]
    assert rows(connection, sql) == expected


ERRORS = {
    "SELECT nope FROM person": 207,
    "SELECT p.nope FROM person AS p": 207,
    "SELECT q.id FROM person AS p": 4104,
    "SELECT person.id FROM person AS p": 4104,
    "SELECT q.* FROM person AS p": 107,
    "SELECT * FROM nobody": 208,
    "SELECT id FROM person, task": 209,
    "SELECT * FROM person AS p JOIN person AS p ON p.id = p.id": 1011,
    "SELECT 1 FROM person, person": 1013,
    "SELECT team, points FROM person GROUP BY team": 8120,
    "SELECT * FROM person GROUP BY team": 8120,
    "SELECT team FROM person GROUP BY team HAVING points > 1": 8121,
    "SELECT team FROM person GROUP BY team ORDER BY points": 8127,
    "SELECT id FROM person WHERE COUNT(*) > 1": 147,
    "SELECT SUM(COUNT(*)) FROM person": 130,
    "SELECT SUM((SELECT 1)) FROM person": 130,
    "SELECT 1 FROM person GROUP BY 'x'": 164,
    "SELECT ROW_NUMBER() OVER (ORDER BY id) FROM person WHERE ROW_NUMBER() OVER (ORDER BY id) = 1": 4108,
    "SELECT id FROM person UNION SELECT id, name FROM person": 205,
    "SELECT id FROM person UNION SELECT id FROM task ORDER BY id + 1": 104,
    "SELECT DISTINCT team FROM person ORDER BY id": 145,
    "SELECT id FROM person ORDER BY 3": 108,
    "SELECT * FROM (SELECT id FROM person ORDER BY id) AS q": 1033,
    "SELECT * FROM (SELECT 1) AS q": 8155,
    "SELECT * FROM (SELECT id, id FROM person) AS q": 8156,
    "SELECT * FROM (SELECT id FROM person) AS q (a, b)": 8159,
    "SELECT (SELECT id, name FROM person)": 116,
    "SELECT (SELECT title FROM task WHERE person_id = p.id) FROM person AS p": 512,
    "WITH c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c WHERE n < 102) SELECT COUNT(*) FROM c": 530,
    "WITH c AS (SELECT 1 AS n UNION ALL SELECT n + 1.5 FROM c WHERE n < 9) SELECT * FROM c": 240,
    "WITH c AS (SELECT 1 AS n UNION SELECT n + 1 FROM c) SELECT * FROM c": 252,
    "SELECT TOP (-1) id FROM person": 127,
    "SELECT TOP (1) WITH TIES id FROM person": 1062,
    "SELECT id FROM person ORDER BY id OFFSET 0 ROWS FETCH NEXT 0 ROWS ONLY": 10744,
    "SELECT 1 UNION SELECT 'x'": 245,
    "SELECT CASE WHEN 1 = 1 THEN NULL END": 8133,
    "SELECT 'a' COLLATE Latin1_General_BIN2 + 'b' COLLATE Latin1_General_CI_AS": 468,
    "SELECT id FROM person FOR JSON PATH, ROOT('a'), WITHOUT_ARRAY_WRAPPER": 13620,
    "SELECT 1 FOR JSON PATH": 13605,
    "SELECT 1 AS [a.b], 2 AS c, 3 AS [a.d] FOR JSON PATH": 13601,
    "SELECT @nope": 137,
    "SELECT dbo.nope(1)": 4121,
    "SELECT nope(1)": 195,
}  # fmt: skip


@pytest.mark.parametrize("sql", ERRORS)
def test_errors(connection: Connection, sql: str) -> None:
    assert number_of(connection, sql) == ERRORS[sql]


TYPES = {
    "SELECT id, team, name, points, pay FROM person": [
        "int NOT NULL", "varchar(10)", "nvarchar(20) NOT NULL", "int", "decimal(9,2)",
    ],
    "SELECT 1, 'ab', N'ab', 1.50, NULL, 0x0A": [
        "int NOT NULL", "varchar(2) NOT NULL", "nvarchar(2) NOT NULL", "numeric(3,2) NOT NULL", "int", "varbinary(1) NOT NULL",
    ],
    "SELECT t.id, p.id FROM task AS t LEFT JOIN person AS p ON p.id = t.person_id": ["int NOT NULL", "int"],
    "SELECT COUNT(*), COUNT_BIG(*), SUM(points), SUM(pay), AVG(pay), MIN(name) FROM person": [
        "int NOT NULL", "bigint NOT NULL", "int", "decimal(38,2)", "decimal(38,6)", "nvarchar(20)",
    ],
    "SELECT id FROM person UNION ALL SELECT points FROM person": ["int"],
    "SELECT 'a' AS c UNION ALL SELECT N'bcd'": ["nvarchar(3) NOT NULL"],
    "SELECT 1 AS n UNION ALL SELECT 2.5": ["numeric(11,1) NOT NULL"],
    "SELECT CASE WHEN id = 1 THEN 1 END, CASE WHEN id = 1 THEN 1 ELSE 2 END, ISNULL(points, 0) FROM person": [
        "int", "int NOT NULL", "int NOT NULL",
    ],
    "SELECT id + 1, 1 + 1, -id, COALESCE(points, 0), CAST(id AS bigint), name + N'!' FROM person": [
        "int", "int NOT NULL", "int NOT NULL", "int", "bigint NOT NULL", "nvarchar(21) NOT NULL",
    ],
    "SELECT (SELECT id FROM person WHERE id = 1), (SELECT COUNT(*) FROM person)": ["int", "int"],
    "SELECT TOP (1) name FROM busy": ["nvarchar(20) NOT NULL"],
    "SELECT q.a FROM (VALUES (1), (NULL)) AS q (a)": ["int"],
    "SELECT id FROM person FOR JSON PATH": ["nvarchar(max)"],
}  # fmt: skip


@pytest.mark.parametrize("sql", TYPES)
def test_every_column_has_its_type(connection: Connection, sql: str) -> None:
    assert types(connection, sql) == TYPES[sql]


@pytest.mark.parametrize(
    "sql",
    [
        "DECLARE @s varchar(100) = ''; SELECT @s = @s + name FROM person",
        "SELECT id FROM person FOR XML PATH",
        "SELECT title, (SELECT SUM(p.id) FROM task) FROM person AS p CROSS JOIN task GROUP BY title",
    ],
)
def test_refused(connection: Connection, sql: str) -> None:
    with pytest.raises(NotSupportedError):
        rows(connection, sql)


def test_a_variable_keeps_its_value_without_rows_and_takes_the_last(connection: Connection) -> None:
    sql = "DECLARE @n int = 5; SELECT @n = points FROM person WHERE id > 9; SELECT @n"
    assert rows(connection, sql) == [(5,)]
    sql = "DECLARE @n int; SELECT @n = points FROM person ORDER BY id; SELECT @n"
    assert rows(connection, sql) == [(40,)]
    sql = "DECLARE @n int = 5; SET @n = (SELECT points FROM person WHERE id > 9); SELECT @n"
    assert rows(connection, sql) == [(None,)]
    sql = "DECLARE @a int, @b int; SELECT @a = 2, @b = @a * 3; SELECT @a, @b"
    assert rows(connection, sql) == [(2, 6)]


def test_an_index_serves_a_parameter_of_the_columns_type(connection: Connection) -> None:
    statement = parse("SELECT name FROM person WHERE id = @id").statements[0]
    from tsqlite.types import INT, varchar

    for type_ in (INT, varchar(10)):
        query = binder.bind_statement(statement, Names(connection.session, {"@id": type_}))
        plan = connection.session.db.execute("EXPLAIN QUERY PLAN " + query.sql, (1,)).fetchall()  # type: ignore[union-attr]
        assert "SEARCH" in str(plan), plan
