"""The whole way from a row to a decided change on tables of other shapes: composite and GUID keys, rowversion, local and coarse time."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from tests.procedures.shop import Shop, call

from notify.errors import DatabaseError

CET = "Central European Standard Time"
MINUTES = datetime.timedelta(minutes=2)
LINE: dict[str, Any] = {"name": "line", "created": None, "soft_delete": None}
VISIT: dict[str, Any] = {"name": "visit", "soft_delete": None, "time_zone": CET}
GUIDS = ("0E984725-C51C-4BF4-9960-E1C80E27ABA0", "0E984725-C51C-4BF4-9960-E1C80E27ABA1")


def add_line(shop: Shop, order_id: int, code: str, guid: str = GUIDS[0]) -> None:
    shop.change(
        "INSERT dbo.line (order_id, code, line_guid, quantity, created_at, modified_on) VALUES (?, ?, ?, 1, ?, ?);",
        order_id, code, guid, shop.now, shop.now,
    )  # fmt: skip


def verdicts(shop: Shop) -> list[str]:
    """Of every due change, by what the current replica shows."""
    found: list[str] = []
    while (claimed := shop.claim()) is not None:
        decided = [verdict for verdict, _ in shop.decide(claimed[0])]
        found += decided
        if "generate" in decided or "skip" in decided:
            shop.complete(*claimed)
    return found


@pytest.mark.parametrize(
    "table",
    [
        pytest.param({"created": "created_at", "modified": [], "rowversion": "line_version"}, id="rowversion"),
        pytest.param({"created": "created_at", "modified": ["modified_on"]}, id="smalldatetime"),
        pytest.param(
            {"created": "created_at", "modified": ["modified_on"], "time_zone": CET}, id="local smalldatetime"
        ),
    ],
)
def test_composite_keys_with_a_guid(shop: Shop, table: dict[str, Any]) -> None:
    shop.watch(table=LINE | table, on=["insert", "update"])
    if "time_zone" in table:
        # Stamps of this table are local time, an hour ahead.
        shop.now += datetime.timedelta(hours=1)
    for order_id, code, guid in ((1, "a", GUIDS[0]), (1, "b", GUIDS[0]), (2, "a", GUIDS[0]), (2, "a", GUIDS[1])):
        add_line(shop, order_id, code, guid)
    if "time_zone" in table:
        shop.now -= datetime.timedelta(hours=1)
    shop.pass_time()
    shop.detect()
    assert sorted(change[:2] for change in shop.changes()) == [
        (f"1, a, {GUIDS[0]}", "I"),
        (f"1, b, {GUIDS[0]}", "I"),
        (f"2, a, {GUIDS[0]}", "I"),
        (f"2, a, {GUIDS[1]}", "I"),
    ]
    assert verdicts(shop) == ["generate"] * 4
    stamp = shop.now + datetime.timedelta(hours=1 if "time_zone" in table else 0)
    shop.change(
        "UPDATE dbo.line SET quantity = 2, modified_on = ? WHERE order_id = 2 AND code = N'A' AND line_guid = ?;",
        stamp, GUIDS[1],
    )  # fmt: skip
    shop.pass_time()
    shop.detect()
    assert shop.changes()[4:] == [(f"2, a, {GUIDS[1]}", "U", "pending", None)]
    assert verdicts(shop) == ["generate"]
    shop.pass_time(120)
    shop.detect()
    assert len(shop.changes()) == 5
    assert shop.audit() == []


def test_a_local_table_through_the_repeated_hour(shop: Shop) -> None:
    """Every visit is found once, and every change of one, whichever of the two hours it was made in."""
    shop.now = datetime.datetime(2026, 10, 24, 22, 0)
    shop.beat()
    shop.redo()
    shop.watch(table=VISIT | {"created": None, "modified": ["modified_local"]}, on=["update"])
    for made in range(1, 25):
        shop.wait(600)
        local = shop.now + datetime.timedelta(hours=2 if shop.now < datetime.datetime(2026, 10, 25, 1) else 1)
        shop.change("INSERT dbo.visit (visit_id, modified_local) VALUES (?, ?);", made, local)
        if made > 6:
            shop.change(
                "UPDATE dbo.visit SET note = ?, modified_local = ? WHERE visit_id = ?;",
                f"at {shop.now}",
                local,
                made - 6,
            )
        shop.beat()
        shop.redo()
        shop.detect()
        shop.enqueue_all()
    shop.pass_time(7200)
    shop.detect()
    recorded = [change[0] for change in shop.changes()]
    expected = [str(number) for number in range(1, 25)] + [str(number) for number in range(1, 19)]
    assert sorted(recorded) == sorted(expected)
    assert shop.audit() == []


def test_a_late_committer_in_the_repeated_hour_is_found(shop: Shop) -> None:
    """It took its stamp in the first of the two hours; source committed it in the second."""
    shop.now = datetime.datetime(2026, 10, 25, 0, 30)
    shop.beat()
    shop.redo()
    shop.watch(table=VISIT | {"created": None, "modified": ["modified_local"]}, on=["update"])
    for minutes in (20, 20, 20):
        shop.wait(minutes * 60)
        shop.beat()
        shop.redo()
        shop.detect()
    # Half past one UTC: half past two of winter time, a stamp that the first of the two hours has passed already.
    shop.change("INSERT dbo.visit (visit_id, modified_local) VALUES (1, ?);", shop.now + datetime.timedelta(hours=1))
    shop.pass_time(600)
    shop.detect()
    assert [change[0] for change in shop.changes()] == ["1"]


def test_a_date_as_the_only_stamp(shop: Shop) -> None:
    shop.change(
        "CREATE TABLE dbo.day_note (id integer NOT NULL PRIMARY KEY, text nvarchar(50) NULL, day date NOT NULL, INDEX ix (day));"
    )
    shop.redo()
    table: dict[str, Any] = {"name": "day_note", "created": "day", "modified": [], "soft_delete": None}
    shop.watch(table=table, on=["insert"])
    for number in (1, 2, 3):
        shop.change("INSERT dbo.day_note VALUES (?, N'news', ?);", number, shop.now.date())
        shop.pass_time(600)
        shop.detect()
    # What carries the day of the activation itself cannot be told from history by a date; what follows can.
    shop.pass_time(3 * 86400)
    shop.change("INSERT dbo.day_note VALUES (4, N'news', ?);", shop.now.date())
    shop.pass_time(600)
    shop.detect()
    assert [change[0] for change in shop.changes()] == ["1", "2", "3", "4"]
    assert json.loads(shop.ask("SELECT TOP (1) c.record_key FROM notify.change AS c;")[0]["record_key"]) == ["1"]


def test_what_orders_the_states_stays_while_states_are_recorded(shop: Shop) -> None:
    """Stamps and rowversions do not compare: by the other one, the next change of a known record would be none, or one twice."""
    table = LINE | {"modified": ["modified_on"], "created": "created_at"}
    shop.watch(table=table, on=["insert", "update"])
    add_line(shop, 1, "a")
    shop.pass_time()
    shop.detect()
    call(shop.processor, "pause_notification", name="order changed")
    changed = {
        "name": "order changed", "on": ["insert", "update"], "merge_procedure": "dbo.merge_fields_order",
        "channels": {"email": {"template": "order.html.mako"}},
        "table": table | {"schema": "dbo", "rowversion": "line_version"},
    }  # fmt: skip
    problems, _ = call(shop.processor, "save_notification", definition=changed)
    assert [problem["path"] for problem in problems] == ["table.rowversion"]
    call(shop.processor, "resume_notification", name="order changed")
    shop.change("UPDATE dbo.line SET quantity = 2, modified_on = ? WHERE order_id = 1;", shop.now + MINUTES)
    shop.pass_time(300)
    shop.detect()
    assert (
        len(shop.ask("SELECT h.reason FROM notify.change_history AS h WHERE h.reason = N'raised to a newer state';"))
        == 1
    )


def test_a_key_that_is_too_long_is_told_as_such(shop: Shop) -> None:
    """Never cut, and not as a text that does not fit some column of ours."""
    shop.change(
        "CREATE TABLE dbo.address (url varchar(800) NOT NULL CONSTRAINT pk_address PRIMARY KEY, modified_at datetime2(3) NOT NULL,"
        " INDEX ix_address_modified_at (modified_at));"
    )
    shop.redo()
    table = {"name": "address", "created": None, "soft_delete": None, "modified": ["modified_at"]}
    shop.watch(table=table, on=["update"])
    shop.change("INSERT dbo.address VALUES (REPLICATE('a', 446), ?);", shop.now)
    shop.pass_time()
    shop.detect()
    assert len(shop.changes()) == 1
    shop.change("INSERT dbo.address VALUES (REPLICATE('a', 447), ?);", shop.now)
    shop.redo()
    with pytest.raises(DatabaseError, match="50022"):
        shop.detect()
    shop.define("another", table=table, on=["update"])
    with pytest.raises(DatabaseError, match="50022"):
        shop.activate("another")
    shop.ask("UPDATE notify.watermark SET low_stamp = '9999';")
    assert [operation for _, _, operation in shop.audit()] == ["U"]


def test_keys_and_criteria_of_another_collation_than_the_databases(shop: Shop) -> None:
    """In a variable their text would have the database's code page: it is compared as the column has it, page by page."""
    shop.change(
        "CREATE TABLE dbo.code (code varchar(20) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT pk_code PRIMARY KEY,"
        " kind char(5) COLLATE Latin1_General_BIN2 NOT NULL, modified_at datetime2(3) NOT NULL,"
        " INDEX ix_code_modified_at (modified_at));"
    )
    shop.redo()
    where = [
        {"column": "kind", "operator": "in", "value": ["a", "b"]},
        {"column": "code", "operator": "not like", "value": "x%"},
        {"column": "code", "operator": "between", "value": ["A", "z"]},
    ]
    table = {
        "name": "code",
        "created": None,
        "modified": ["modified_at"],
        "soft_delete": {"column": "kind", "value": "c"},
    }
    shop.watch(table=table, on=["update", "delete"], where=where)
    shop.ask("INSERT notify.setting (name, value) VALUES ('page_size', N'2');")
    rows = {"a": "a", "A": "a", "b": "B", "B": "b", "x1": "a", "c": "c"}
    for code, kind in rows.items():
        shop.change("INSERT dbo.code VALUES (?, ?, ?);", code, kind, shop.now)
    shop.pass_time()
    shop.detect()
    assert {(record, operation, reason) for record, operation, _, reason in shop.changes()} == {
        ("a", "U", None), ("A", "U", None), ("B", "U", None),
        ("b", "U", "criteria"), ("x1", "U", "criteria"), ("c", "D", "criteria"),
    }  # fmt: skip
    (scan,) = shop.scans()
    request = json.loads(scan["request"]) | {"cursor_stamp": "2026-03-02 08:00:00.0000000", "cursor_key": ["a"]}
    (statement,) = call(shop.replica, "detect_changes", request=request, debug=1)[0]
    assert "@key_0 nvarchar(4000) = JSON_VALUE" in statement["statement_text"]
    assert "> CONVERT(varchar(20), @key_0 COLLATE Latin1_General_BIN2)" in statement["statement_text"]
    assert statement["statement_text"].count("@low") == 0


def test_names_that_look_like_parts_of_a_statement_are_only_names(shop: Shop) -> None:
    shop.change(
        "CREATE TABLE dbo.odd ([{stamp}] integer NOT NULL CONSTRAINT pk_odd PRIMARY KEY, [{matches}] integer NULL,"
        " [it's ]] ?] integer NULL, [modified at] datetime2(3) NOT NULL, INDEX ix_odd ([modified at]));"
    )
    shop.redo()
    where = [{"column": "{matches}", "operator": ">", "value": 1}, {"column": "it's ] ?", "operator": "is null"}]
    table = {"name": "odd", "created": None, "soft_delete": None, "modified": ["modified at"]}
    shop.watch(table=table | {"notice_columns": ["{matches}", "it's ] ?"]}, on=["update"], where=where)
    shop.ask("INSERT notify.setting (name, value) VALUES ('page_size', N'1');")
    for number in (1, 2):
        shop.change("INSERT dbo.odd VALUES (?, ?, NULL, ?);", number, number, shop.now)
    shop.pass_time()
    shop.detect()
    assert shop.changes() == [("1", "U", "skipped", "criteria"), ("2", "U", "pending", None)]
    (row,) = shop.ask("SELECT c.fields FROM notify.change AS c WHERE c.state = 'pending';")
    assert json.loads(row["fields"]) == {"{matches}": 2, "it's ] ?": None}


@pytest.mark.parametrize("keys", ["order_id, created_at", "created_at, order_id", "created_at"])
@pytest.mark.parametrize("page_size", [1, 2, 100])
def test_a_stamp_that_is_part_of_the_key(shop: Shop, keys: str, page_size: int) -> None:
    """Each row once, over pages that end among equal stamps too."""
    shop.change(
        "CREATE TABLE dbo.event (order_id integer NOT NULL, created_at datetime2(3) NOT NULL, modified_at datetime2(3) NOT NULL,"
        f" CONSTRAINT pk_event PRIMARY KEY ({keys}), INDEX ix_created (created_at), INDEX ix_modified (modified_at));"
    )
    shop.redo()
    shop.watch(table={"name": "event", "soft_delete": None}, on=["insert", "update"])
    shop.ask("INSERT notify.setting (name, value) VALUES ('page_size', ?);", str(page_size))
    expected = []
    for number in range(6):
        together = 1 if keys == "created_at" else 3
        created = shop.now + datetime.timedelta(milliseconds=number // together)
        shop.change("INSERT dbo.event VALUES (?, ?, ?);", number % 3, created, shop.now)
        shown = {"order_id": str(number % 3), "created_at": f"{created:%Y-%m-%d %H:%M:%S.%f}0"}
        expected.append((", ".join(shown[key] for key in keys.split(", ")), "I", "pending", None))
    shop.pass_time()
    shop.detect()
    assert sorted(shop.changes()) == sorted(expected)
    shop.pass_time(120)
    shop.detect()
    assert len(shop.changes()) == 6
    assert shop.audit() == []
