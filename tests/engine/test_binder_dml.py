"""What INSERT, UPDATE, DELETE and OUTPUT mean: old and new rows, targets, updatable queries, their errors."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tsqlite.dbapi import Connection, DatabaseError, connect


@pytest.fixture
def connection() -> Iterator[Connection]:
    made = connect(":memory:")
    made.autocommit = True
    run(
        made,
        "CREATE TABLE item (id int NOT NULL PRIMARY KEY, kind varchar(10) NULL, n int NULL, pay decimal(9, 2) NULL);"
        " INSERT item VALUES (1, 'x', 10, 1.5), (2, 'x', NULL, 2.25), (3, 'y', 30, NULL), (4, 'y', 40, 4);"
        " CREATE TABLE note (id int IDENTITY (10, 10) NOT NULL PRIMARY KEY, item_id int NOT NULL DEFAULT 7,"
        " twice AS item_id * 2, text varchar(5) NULL, stamp rowversion NOT NULL)",
    )
    yield made
    made.close()


def run(connection: Connection, sql: str) -> list[tuple[Any, ...]]:
    """The rows of the last result set."""
    cursor = connection.cursor()
    cursor.execute(sql)
    last: list[tuple[Any, ...]] = []
    while True:
        if cursor.description:
            last = [tuple(r) for r in cursor.fetchall()]
        if not cursor.nextset():
            return last


def number_of(connection: Connection, sql: str) -> int:
    with pytest.raises(DatabaseError) as caught:
        run(connection, sql)
    return caught.value.number


def test_right_hand_sides_see_the_old_row(connection: Connection) -> None:
    run(connection, "UPDATE item SET id = n, n = id WHERE id = 1")
    assert run(connection, "SELECT id, n FROM item WHERE n = 1") == [(10, 1)]


def test_output_shows_old_and_new(connection: Connection) -> None:
    sql = "UPDATE item SET pay = pay * 2, kind = DEFAULT OUTPUT deleted.pay, inserted.pay - deleted.pay, inserted.kind WHERE id = 1"
    assert run(connection, sql) == [(Decimal("1.50"), Decimal("1.50"), None)]
    assert run(connection, "DELETE item OUTPUT deleted.id, deleted.n + 1 AS m WHERE id = 3") == [(3, 31)]


def test_output_of_an_insert_shows_what_the_engine_gave(connection: Connection) -> None:
    rows = run(
        connection, "INSERT note (text) OUTPUT inserted.id, inserted.item_id, inserted.twice VALUES ('a'), (NULL)"
    )
    assert rows == [(10, 7, 14), (20, 7, 14)]
    rows = run(connection, "INSERT note OUTPUT inserted.stamp DEFAULT VALUES")
    assert rows == run(connection, "SELECT stamp FROM note WHERE id = 30")


def test_output_into_and_output(connection: Connection) -> None:
    rows = run(
        connection,
        "DECLARE @seen TABLE (id int, was int); UPDATE item SET n = 0 OUTPUT inserted.id, deleted.n INTO @seen (id, was)"
        " OUTPUT inserted.n WHERE id > 2; SELECT id, was FROM @seen ORDER BY id",
    )
    assert rows == [(3, 30), (4, 40)]


def test_output_sees_the_sources_of_from(connection: Connection) -> None:
    rows = run(
        connection,
        "UPDATE i SET n = s.n OUTPUT inserted.id, s.n, deleted.n FROM item AS i"
        " JOIN (VALUES (1, 5)) AS s (id, n) ON s.id = i.id",
    )
    assert rows == [(1, 5, 10)]


def test_a_row_is_written_once_though_several_match(connection: Connection) -> None:
    run(connection, "UPDATE i SET n = s.n FROM item AS i JOIN (VALUES (1, 5), (1, 6)) AS s (id, n) ON s.id = i.id")
    assert run(connection, "SELECT @@ROWCOUNT") == [(1,)]
    assert run(connection, "SELECT n FROM item WHERE id = 1")[0][0] in (5, 6)


def test_an_ordered_top_cte_claims_in_order(connection: Connection) -> None:
    rows = run(
        connection,
        "WITH c AS (SELECT TOP (2) id, n FROM item WITH (ROWLOCK, READPAST, UPDLOCK, READCOMMITTEDLOCK)"
        " ORDER BY id DESC) UPDATE c SET n = -1 OUTPUT inserted.id, deleted.n",
    )
    assert sorted(rows) == [(3, 30), (4, 40)]
    assert run(connection, "SELECT id FROM item WHERE n = -1 ORDER BY id") == [(3,), (4,)]


def test_delete_by_a_numbered_cte(connection: Connection) -> None:
    run(
        connection,
        "WITH c AS (SELECT *, ROW_NUMBER() OVER (PARTITION BY kind ORDER BY id) AS place FROM item)"
        " DELETE c WHERE place > 1",
    )
    assert run(connection, "SELECT id FROM item ORDER BY id") == [(1,), (3,)]


def test_a_view_and_a_derived_table_over_a_join_write_their_base(connection: Connection) -> None:
    run(connection, "CREATE VIEW paid AS SELECT id AS item_no, pay AS amount FROM item WHERE pay IS NOT NULL")
    run(connection, "UPDATE paid SET amount = 9 WHERE item_no = 1; DELETE paid WHERE item_no = 2")
    run(connection, "INSERT paid (item_no, amount) VALUES (5, 5)")
    assert run(connection, "SELECT id, pay FROM item ORDER BY id") == [
        (1, Decimal("9.00")), (3, None), (4, Decimal("4.00")), (5, Decimal("5.00")),
    ]  # fmt: skip
    run(connection, "UPDATE q SET n = 1 FROM (SELECT i.n FROM item AS i JOIN item AS j ON j.id = i.id + 1) AS q")
    assert run(connection, "SELECT id FROM item WHERE n = 1 ORDER BY id") == [(3,), (4,)]


def test_delete_through_an_alias_and_an_outer_join(connection: Connection) -> None:
    run(connection, "DELETE i FROM item AS i LEFT JOIN (VALUES (2), (3)) AS s (id) ON s.id = i.id WHERE s.id IS NULL")
    assert run(connection, "SELECT id FROM item ORDER BY id") == [(2,), (3,)]
    run(connection, "DELETE FROM item WHERE EXISTS (SELECT 1 FROM (VALUES (2)) AS s (id) WHERE s.id = item.id)")
    assert run(connection, "SELECT id FROM item") == [(3,)]


def test_delete_top(connection: Connection) -> None:
    run(connection, "DECLARE @n int = 3; DELETE TOP (@n) FROM item")
    assert run(connection, "SELECT COUNT(*) FROM item") == [(1,)]


def test_compound_assignment_and_variables(connection: Connection) -> None:
    rows = run(
        connection,
        "DECLARE @was int; UPDATE item SET n += 5, @was = n WHERE id = 1; SELECT @was, n FROM item WHERE id = 1",
    )
    assert rows == [(10, 15)]
    rows = run(
        connection,
        "DECLARE @now int; UPDATE item SET @now = n = n * 2 WHERE id = 1; SELECT @now, n FROM item WHERE id = 1",
    )
    assert rows == [(30, 30)]


def test_the_order_of_a_select_is_the_order_of_identity(connection: Connection) -> None:
    run(connection, "INSERT note (item_id) SELECT id FROM item ORDER BY id DESC")
    assert run(connection, "SELECT id, item_id FROM note ORDER BY id") == [(10, 4), (20, 3), (30, 2), (40, 1)]
    run(connection, "INSERT TOP (1) note (item_id) SELECT id FROM item")
    assert run(connection, "SELECT COUNT(*) FROM note") == [(5,)]


def test_default_in_some_rows(connection: Connection) -> None:
    run(connection, "INSERT note (item_id, text) VALUES (1, DEFAULT), (DEFAULT, 'b')")
    assert run(connection, "SELECT item_id, text FROM note ORDER BY id") == [(1, None), (7, "b")]


def test_select_into_keeps_types_and_identity(connection: Connection) -> None:
    run(
        connection,
        "INSERT note (text) VALUES ('a'); SELECT id, text, 1 AS one, pay = CAST(NULL AS decimal(5, 1)) INTO made FROM note",
    )
    rows = run(
        connection,
        "SELECT c.name, t.name, c.is_nullable, c.is_identity FROM sys.columns AS c JOIN sys.types AS t"
        " ON t.user_type_id = c.user_type_id WHERE c.object_id = OBJECT_ID('made') ORDER BY c.column_id",
    )
    assert rows == [
        ("id", "int", False, True), ("text", "varchar", True, False), ("one", "int", False, False), ("pay", "decimal", True, False),
    ]  # fmt: skip


ERRORS = {
    "INSERT note (text) VALUES ('toolong')": 8152,
    "INSERT note (twice) VALUES (1)": 271,
    "INSERT note (id) VALUES (1)": 544,
    "INSERT note (stamp) VALUES (0x01)": 273,
    "INSERT note (item_id, item_id) VALUES (1, 2)": 264,
    "INSERT note (nope) VALUES (1)": 207,
    "INSERT note (item_id, text) VALUES (1)": 109,
    "INSERT note (item_id) VALUES (1, 2)": 110,
    "INSERT note (item_id, text) SELECT 1": 120,
    "INSERT note (item_id) SELECT 1, 2": 121,
    "INSERT item VALUES (1, 2)": 213,
    "INSERT item (id, n) VALUES (5, 1), (6)": 10709,
    "INSERT nowhere VALUES (1)": 208,
    "INSERT @nowhere VALUES (1)": 1087,
    "INSERT item (id, n) VALUES (9, CAST('2020-01-01' AS date))": 206,
    "UPDATE item SET nope = 1": 207,
    "UPDATE item SET n = 1, n = 2": 264,
    "UPDATE item SET n = COUNT(*)": 157,
    "UPDATE note SET id = 1": 8102,
    "UPDATE note SET twice = 1": 271,
    "UPDATE note SET stamp = 0x01": 272,
    "UPDATE item SET n = (SELECT id FROM item)": 512,
    "UPDATE q SET c = 1 FROM (SELECT COUNT(*) AS c FROM item) AS q": 4406,
    "DELETE q FROM (SELECT DISTINCT kind FROM item) AS q": 4403,
    "UPDATE q SET a = 1, b = 2 FROM (SELECT i.n AS a, j.n AS b FROM item AS i JOIN item AS j ON j.id = i.id) AS q": 4405,
    "UPDATE item SET n = 1 OUTPUT inserted.nope": 207,
    "UPDATE item SET n = 1 OUTPUT n": 207,
}


@pytest.mark.parametrize("sql", ERRORS)
def test_errors(connection: Connection, sql: str) -> None:
    assert number_of(connection, sql) == ERRORS[sql]
