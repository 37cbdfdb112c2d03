"""Aggregates, window functions, table functions and JSON, run over rows in SQLite."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from evaluation import Expression, call, connection, lit, run

from tsqlite import collation, functions, values
from tsqlite.errors import SqlError, Unsupported
from tsqlite.functions import Argument, json
from tsqlite.types import (
    BIGINT,
    BIT,
    DATE,
    FLOAT,
    INT,
    MONEY,
    TINYINT,
    SqlType,
    datetime2,
    decimal_type,
    nvarchar,
    varchar,
)  # fmt: skip

D = Decimal


def over_rows(rows: list[Any], type_: SqlType, make: Any) -> list[Any]:
    """The values of ``make(column)`` over a table of one column ``c`` with an ``id``."""
    where = connection()
    where.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, c)")
    where.executemany("INSERT INTO t (c) VALUES (?)", [(values.encode(r, type_),) for r in rows])
    made: Expression = make(Expression("c", type_))
    return [values.decode(v, made.type) for (v,) in where.execute(f"SELECT {made.sql} FROM t").fetchall()]


@pytest.mark.parametrize(
    ("name", "type_", "rows", "expected", "result"),
    [
        ("SUM", INT, [1, 2, None], 3, "int"),
        ("SUM", TINYINT, [200, 200], 400, "int"),
        ("SUM", BIGINT, [2**40, 2**40], 2**41, "bigint"),
        ("SUM", decimal_type(5, 2), [D("1.10"), D("2.20")], D("3.30"), "decimal(38,2)"),
        ("SUM", MONEY, [D("1.1"), D("2.2")], D("3.3000"), "money"),
        ("SUM", FLOAT, [0.5, 1.0], 1.5, "float"),
        ("SUM", INT, [], None, "int"),
        ("AVG", INT, [1, 2], 1, "int"),
        ("AVG", INT, [-1, -2], -1, "int"),
        ("AVG", decimal_type(5, 2), [D("1.00"), D("2.00"), D("2.00")], D("1.666666"), "decimal(38,6)"),
        ("AVG", FLOAT, [1.0, 2.0], 1.5, "float"),
        ("COUNT", INT, [1, None, 3], 2, "int"),
        ("COUNT_BIG", INT, [], 0, "bigint"),
        ("MIN", varchar(5), ["b", "A", "c"], "A", "varchar(5)"),
        ("MAX", varchar(5), ["b", "A", "C"], "C", "varchar(5)"),
        ("MAX", DATE, [None], None, "date"),
        ("VAR", INT, [1, 2, 3, 4], pytest.approx(5 / 3), "float"),
        ("STDEVP", INT, [2, 4], 1.0, "float"),
        ("STDEV", INT, [2], None, "float"),
    ],
)  # fmt: skip
def test_aggregate(name: str, type_: SqlType, rows: list[Any], expected: Any, result: str) -> None:
    seen: list[SqlType] = []

    def make(column: Expression) -> Expression:
        made = call(name, column)
        seen.append(made.type)
        return made

    assert over_rows(rows, type_, make) == [expected]
    assert str(seen[0]) == result


def test_aggregates_of_distinct_values() -> None:
    assert over_rows(["a", "A", "b", None], varchar(5), lambda c: call("COUNT", c, distinct=True)) == [2]
    assert over_rows([1, 1, 2], INT, lambda c: call("SUM", c, distinct=True)) == [3]
    rows = [D("1.00"), D("1.00"), D("2.00")]
    assert over_rows(rows, decimal_type(5, 2), lambda c: call("AVG", c, distinct=True)) == [D("1.500000")]


@pytest.mark.parametrize(
    ("name", "type_", "error"), [("SUM", BIT, 8117), ("AVG", varchar(5), 8117), ("MIN", BIT, 8117)]
)
def test_aggregates_of_the_wrong_type(name: str, type_: SqlType, error: int) -> None:
    with pytest.raises(SqlError) as caught:
        call(name, Expression("c", type_))
    assert caught.value.number == error


def test_a_sum_that_overflows() -> None:
    for type_, big in ((INT, 2**31 - 1), (BIGINT, 2**63 - 1)):
        with pytest.raises(SqlError) as caught:
            over_rows([big, 1], type_, lambda c: call("SUM", c))
        assert caught.value.number == 8115


def test_string_agg() -> None:
    rows = ["b", None, "a", "c"]
    assert over_rows(rows, varchar(5), lambda c: call("STRING_AGG", c, lit(", "), order_by="c DESC")) == ["c, b, a"]
    assert over_rows([None], varchar(5), lambda c: call("STRING_AGG", c, lit(", "))) == [None]
    assert over_rows([1, 2], INT, lambda c: call("STRING_AGG", c, lit("-"), order_by="id")) == ["1-2"]
    with pytest.raises(SqlError) as caught:
        over_rows(["x" * 4000] * 3, varchar(4000), lambda c: call("STRING_AGG", c, lit("")))
    assert caught.value.number == 9829


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda c: call("ROW_NUMBER", over="OVER (ORDER BY c DESC)"), [4, 3, 2, 1]),
        (lambda c: call("RANK", over="OVER (ORDER BY c)"), [1, 2, 2, 4]),
        (lambda c: call("DENSE_RANK", over="OVER (ORDER BY c)"), [1, 2, 2, 3]),
        (lambda c: call("NTILE", lit(2), over="OVER (ORDER BY c)"), [1, 1, 2, 2]),
        (lambda c: call("LAG", c, over="OVER (ORDER BY id)"), [None, D("1.00"), D("2.00"), D("2.00")]),
        (lambda c: call("LEAD", c, lit(1), lit(0), over="OVER (ORDER BY id)"), [D("2.00"), D("2.00"), D("5.00"),
        D("0.00")]),
        (lambda c: call("FIRST_VALUE", c, over="OVER (ORDER BY id)"), [D("1.00")] * 4),
        (lambda c: call("SUM", c, over="OVER (ORDER BY id)"), [D("1.00"), D("3.00"), D("5.00"), D("10.00")]),
        (lambda c: call("SUM", c, over="OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)"),
         [D("1.00"), D("3.00"), D("4.00"), D("7.00")]),
        (lambda c: call("AVG", c, over="OVER (PARTITION BY 1)"), [D("2.500000")] * 4),
        (lambda c: call("COUNT", c, over="OVER (ORDER BY c)"), [1, 3, 3, 4]),
        (lambda c: call("PERCENT_RANK", over="OVER (ORDER BY id)"), [pytest.approx(n / 3) for n in range(4)]),
    ],
)  # fmt: skip
def test_window(make: Any, expected: list[Any]) -> None:
    rows = [D("1.00"), D("2.00"), D("2.00"), D("5.00")]
    by_id = sorted(over_rows(rows, decimal_type(5, 2), make), key=repr)
    assert by_id == sorted(expected, key=repr) or by_id == expected


def test_window_functions_need_over_and_order() -> None:
    for over, error in (("", 10753), ("OVER ()", 4112)):
        with pytest.raises(SqlError) as caught:
            call("ROW_NUMBER", over=over)
        assert caught.value.number == error
    with pytest.raises(SqlError) as caught:
        over_rows([1, 2], INT, lambda c: call("LAG", c, lit(-1), over="OVER (ORDER BY id)"))
    assert caught.value.number == 8730


def test_string_split() -> None:
    resolved = functions.lookup("STRING_SPLIT").resolve(
        functions.Call("STRING_SPLIT", (Argument(varchar(20)), Argument(varchar(1))))
    )
    rows = connection().execute(f"SELECT value FROM {resolved.emit(['?', '?'])}", ("a,,b", ",")).fetchall()
    assert (rows, [(n, str(t)) for n, t in resolved.columns]) == ([("a",), ("",), ("b",)], [("value", "varchar(20)")])


DOC = lit('{"a":{"b":[1,"two",null,true]},"n":1.50,"s":"x\\"y","long":"' + "z" * 4001 + '"}', n=True)


@pytest.mark.parametrize(
    ("e", "expected"),
    [
        (call("JSON_VALUE", DOC, lit("$.a.b[1]")), "two"),
        (call("JSON_VALUE", DOC, lit("$.a.b[2]")), None),
        (call("JSON_VALUE", DOC, lit("$.a.b[3]")), "true"),
        (call("JSON_VALUE", DOC, lit("$.n")), "1.50"),
        (call("JSON_VALUE", DOC, lit("lax $.s")), 'x"y'),
        (call("JSON_VALUE", DOC, lit("$.missing")), None),
        (call("JSON_VALUE", DOC, lit("$.a")), None),
        (call("JSON_VALUE", DOC, lit("$.long")), None),
        (call("JSON_QUERY", DOC, lit("$.a")), '{"b":[1,"two",null,true]}'),
        (call("JSON_QUERY", DOC, lit("$.n")), None),
        (call("ISJSON", lit("[1, 2]")), 1),
        (call("ISJSON", lit("1")), 0),
        (call("ISJSON", lit('{"a":01}')), 0),
        (call("ISJSON", lit(None)), None),
        (call("JSON_MODIFY", lit('{"a":1}'), lit("$.b"), lit("x")), '{"a":1,"b":"x"}'),
        (call("JSON_MODIFY", lit('{"a":1, "b":2}'), lit("$.a"), lit(None)), '{"b":2}'),
        (call("JSON_MODIFY", lit('{"a": 173}'), lit("$.a"), lit(174)), '{"a": 174}'),
        (call("JSON_MODIFY", lit('{"a":[1]}'), lit("append $.a"), lit("x")), '{"a":[1,"x"]}'),
        (call("JSON_MODIFY", lit('{"a":1}'), lit("strict $.a"), lit(None)), '{"a":null}'),
        (call("JSON_MODIFY", lit('{"a":1}'), lit("$.a"), lit("[1]")), '{"a":"[1]"}'),
    ],
)
def test_json(e: Expression, expected: Any) -> None:
    assert run(e) == expected


@pytest.mark.parametrize(
    ("e", "error"),
    [
        (call("JSON_VALUE", DOC, lit("strict $.missing")), 13608),
        (call("JSON_VALUE", DOC, lit("strict $.a")), 13623),
        (call("JSON_VALUE", DOC, lit("strict $.long")), 13625),
        (call("JSON_QUERY", DOC, lit("strict $.n")), 13624),
        (call("JSON_VALUE", lit("{bad}"), lit("$.a")), 13609),
        (call("JSON_VALUE", DOC, lit("a.b")), 13607),
    ],
)
def test_json_errors(e: Expression, error: int) -> None:
    with pytest.raises(SqlError) as caught:
        run(e)
    assert caught.value.number == error


def test_openjson_without_with() -> None:
    rows = connection().execute(
        "SELECT * FROM ts_openjson(?, '$.x')", ('{"x":{"a":"1","b":2,"c":true,"d":null,"e":[1, 2],"f":{}}}',)
    )
    assert rows.fetchall() == [
        ("a", "1", 1), ("b", "2", 2), ("c", "true", 3), ("d", None, 0), ("e", "[1, 2]", 4), ("f", "{}", 5)
    ]  # fmt: skip


def test_openjson_with_columns() -> None:
    columns = [
        ("id", INT, None, False), ("name", nvarchar(5), "$.who.name", False), ("at", datetime2(3), None, False),
        ("amount", decimal_type(9, 2), None, False), ("rest", nvarchar(), "$.who", True), ("gone", INT, None, False),
    ]  # fmt: skip
    resolved = json.open_json_with((Argument(nvarchar()),), columns)  # type: ignore[arg-type]
    document = '[{"id":"7","who":{"name":"Ann"},"at":"2020-01-05T10:00:00.123","amount":1.005},{"id":null}]'
    names = ", ".join(n for n, _ in resolved.columns)
    rows = connection().execute(f"SELECT {names} FROM {resolved.emit(['?'])}", (document,)).fetchall()
    decoded = [tuple(str(values.decode(v, t)) for v, (_, t) in zip(r, resolved.columns, strict=True)) for r in rows]
    assert decoded == [
        ("7", "Ann", "2020-01-05 10:00:00.123000", "1.01", '{"name":"Ann"}', "None"), ("None",) * 6,
    ]  # fmt: skip


def test_openjson_refuses_what_does_not_fit() -> None:
    resolved = json.open_json_with((Argument(nvarchar()),), [("s", nvarchar(2), None, False)])
    with pytest.raises(Unsupported):
        connection().execute(f"SELECT c0 FROM {resolved.emit(['?'])}", ('{"s":"abc"}',)).fetchall()
    strict = json.open_json_with((Argument(nvarchar()),), [("s", INT, "strict $.t", False)])
    with pytest.raises(SqlError) as caught:
        connection().execute(f"SELECT c0 FROM {strict.emit(['?'])}", ('{"s":1}',)).fetchall()
    assert caught.value.number == 13608


def test_ordering_by_a_collation() -> None:
    type_ = nvarchar(20)
    words = ["coop", "b", "Ärger", "co-op", "a", "B", "apfel", "10", "_x", "Zebra", "zebra2", ""]
    where = connection()
    where.execute("CREATE TABLE t (c)")
    where.executemany("INSERT INTO t VALUES (?)", [(w,) for w in words])
    found = [r[0] for r in where.execute(f"SELECT c FROM t ORDER BY {collation.ordered('c', type_)}, rowid")]
    assert found == ["", "_x", "10", "a", "apfel", "Ärger", "b", "B", "coop", "co-op", "Zebra", "zebra2"]
    assert sorted(words, key=lambda w: str(collation.sort_key(w, type_))) == found
