"""Rules 1, 2 and 8 on source and replica: the safe point, what detect_changes reads, and how values become text."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from tests.procedures.shop import Shop, call, execute, run_script

from notify import assets
from notify.databases import Role
from notify.errors import DatabaseError

CET = "Central European Standard Time"


def request(table: str = "orders", **changes: Any) -> dict[str, Any]:
    """A request as the processor makes it."""
    known: dict[str, dict[str, Any]] = {
        "orders": {
            "keys": ["order_id"],
            "stamp": "modified_at",
            "stamps": ["created_at", "modified_at"],
            "created": "created_at",
        },
        "line": {"keys": ["order_id", "code", "line_guid"], "stamp": "modified_on", "stamps": ["modified_on"]},
        "visit": {"keys": ["visit_id"], "stamp": "modified_local", "stamps": ["modified_local"]},
    }
    whole = {"schema": "dbo", "table": table, "time_zone": "UTC", "skew_ms": 0, "low": "2000-01-01 00:00:00.0000000", "page_size": 100,
             "notice_columns": [], "notifications": [], **known.get(table, {})} | changes  # fmt: skip
    return {name: value for name, value in whole.items() if value is not None}


def detect(shop: Shop, table: str = "orders", **changes: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """(position, rows)"""
    position, rows = call(shop.replica, "detect_changes", request=request(table, **changes))
    return position[0], rows


def keys(rows: list[dict[str, Any]]) -> list[str]:
    return [",".join(json.loads(row["record_key"])) for row in rows]


def add_line(
    shop: Shop, order_id: int, code: str, minute: int = 0, guid: str = "0E984725-C51C-4BF4-9960-E1C80E27ABA0"
) -> None:
    when = datetime.datetime(2026, 3, 2, 8, minute)
    shop.change(
        "INSERT dbo.line (order_id, code, line_guid, quantity, created_at, modified_on) VALUES (?, ?, ?, 1, ?, ?);",
        order_id, code, guid, when, when,
    )  # fmt: skip


class TestHeartbeat:
    def test_each_beat_is_one_more(self, shop: Shop) -> None:
        before = call(shop.replica, "read_position")[0][0]["beat"]
        shop.beat()
        assert call(shop.redo(), "read_position")[0][0]["beat"] == before + 1

    def test_the_safe_point_is_the_clock_less_the_step_of_the_transactions_times(self, shop: Shop) -> None:
        shop.wait(60)
        shop.beat()
        assert call(shop.redo(), "read_position")[0][0]["safe_point"] == shop.now - datetime.timedelta(milliseconds=4)

    def test_an_open_transaction_holds_the_safe_point_back(self, shop: Shop) -> None:
        late = shop.guest(Role.SOURCE)
        execute(late, "BEGIN TRANSACTION; SELECT COUNT(*) AS orders FROM dbo.orders;")
        began = shop.now
        shop.wait(600)
        shop.beat()
        assert call(shop.redo(), "read_position")[0][0]["safe_point"] <= began
        execute(late, "ROLLBACK TRANSACTION;")
        shop.beat()
        assert call(shop.redo(), "read_position")[0][0]["safe_point"] > began

    def test_a_late_committer_is_not_passed_over(self, shop: Shop) -> None:
        shop.watch()
        late = shop.guest(Role.SOURCE)
        execute(late, "BEGIN TRANSACTION; SELECT COUNT(*) AS orders FROM dbo.orders;")
        stamp = shop.now
        shop.wait(60)
        shop.insert(1)
        shop.pass_time()
        shop.detect()
        execute(
            late,
            "INSERT dbo.orders (order_id, status, created_at, modified_at) VALUES (2, 'late', ?, ?); COMMIT TRANSACTION;",
            stamp,
            stamp,
        )
        shop.pass_time()
        shop.detect()
        assert [change[:2] for change in shop.changes()] == [("1", "I"), ("2", "I")]

    def test_a_database_that_can_be_written_is_refused(self, shop: Shop) -> None:
        for procedure in ("detect_changes", "read_keys", "extract_changes"):
            with pytest.raises(DatabaseError, match="50150"):
                call(shop.source, procedure, request=request())
        with pytest.raises(DatabaseError, match="50150"):
            execute(shop.source, "EXECUTE notify.read_catalog;")

    def test_without_a_heartbeat_nothing_is_read(self, shop: Shop) -> None:
        shop.change("DELETE notify.heartbeat;")
        shop.redo()
        assert call(shop.replica, "read_position")[0][0]["beat"] is None
        with pytest.raises(DatabaseError, match="50155"):
            detect(shop)


class TestSafeStamp:
    """The safe point less the skew, in the column's zone, cut to its step, less one whole step."""

    @pytest.mark.parametrize(
        ("type_name", "scale", "expected"),
        [
            ("date", 0, "2026-03-01 00:00:00.0000000"),
            ("smalldatetime", 0, "2026-03-02 09:58:00.0000000"),
            ("datetime", 3, "2026-03-02 09:59:59.4900000"),
            ("datetime2", 0, "2026-03-02 09:59:58.0000000"),
            ("datetime2", 3, "2026-03-02 09:59:59.4990000"),
            ("datetime2", 7, "2026-03-02 09:59:59.4999999"),
            ("datetimeoffset", 7, "2026-03-02 09:59:59.4999999"),
            ("timestamp", 0, "0x00000000000007D0"),
            ("int", 0, None),
        ],
    )
    def test_by_type(self, shop: Shop, type_name: str, scale: int, expected: str | None) -> None:
        assert self.safe(shop, "2026-03-02 10:00:00.500", type_name, scale, skew_ms=1000) == expected

    @pytest.mark.parametrize(
        ("safe_point", "expected"),
        [
            ("2026-01-15 10:00:00", "2026-01-15 10:59:59"),
            ("2026-07-15 10:00:00", "2026-07-15 11:59:59"),
            ("2026-10-24 22:30:00", "2026-10-25 00:29:59"),
            # Between two and three in summer time: the same hour comes again, and may bring stamps from its beginning on.
            ("2026-10-25 00:30:00", "2026-10-25 01:29:59"),
            ("2026-10-25 01:30:00", "2026-10-25 02:29:59"),
        ],
    )
    def test_of_a_local_time_an_hour_more_is_taken_off_before_the_repeated_hour(
        self, shop: Shop, safe_point: str, expected: str
    ) -> None:
        assert self.safe(shop, safe_point, "datetime2", 0, zone=CET) == f"{expected}.0000000"

    @pytest.mark.parametrize(
        ("type_name", "scale"), [("date", 0), ("smalldatetime", 0), ("datetime", 3), ("datetime2", 0), ("datetime2", 3)]
    )
    @pytest.mark.parametrize("zone", ["UTC", CET])
    def test_no_stamp_taken_at_the_safe_point_or_later_is_at_or_below_it(
        self, shop: Shop, type_name: str, scale: int, zone: str
    ) -> None:
        declared = f"{type_name}({scale})" if type_name == "datetime2" else type_name
        rows = execute(
            shop.source,
            f"""
            SELECT COUNT(*) AS stamps, SUM(CASE WHEN taken.stamp > safe.stamp THEN 0 ELSE 1 END) AS passed_over
            FROM (VALUES (0), (29), (59), (60), (61), (89), (119), (120), (150), (3599)) AS s (seconds)
            CROSS JOIN (VALUES (0), (1), (499), (500), (997), (998), (999)) AS m (milliseconds)
            CROSS JOIN (VALUES (0), (20), (40), (60), (80)) AS l (later_minutes)
            CROSS APPLY (
                SELECT DATEADD(MILLISECOND, m.milliseconds, DATEADD(SECOND, s.seconds, CONVERT(datetime2(3), '2026-10-25 00:00:00'))) AS safe_point
            ) AS p
            CROSS APPLY (SELECT notify.safe_stamp(p.safe_point, 0x00, N'{type_name}', {scale}, N'{zone}', 0) AS stamp) AS safe
            CROSS APPLY (
                SELECT CONVERT(varchar(27), CONVERT(datetime2(7), CONVERT({declared}, CONVERT(datetime2(7),
                    DATEADD(MINUTE, l.later_minutes, p.safe_point) AT TIME ZONE 'UTC' AT TIME ZONE '{zone}'))), 121) AS stamp
            ) AS taken;
            """,
        )[0]
        assert rows == [{"stamps": 350, "passed_over": 0}]

    @staticmethod
    def safe(shop: Shop, safe_point: str, type_name: str, scale: int, zone: str = "UTC", skew_ms: int = 0) -> Any:
        return execute(
            shop.source,
            "SELECT notify.safe_stamp(?, 0x00000000000007D1, ?, ?, ?, ?) AS stamp;",
            safe_point, type_name, scale, zone, skew_ms,
        )[0][0]["stamp"]  # fmt: skip


class TestReading:
    def test_every_row_above_low_in_the_order_of_stamp_and_key(self, shop: Shop) -> None:
        for number, minute in ((3, 1), (2, 2), (1, 1)):
            shop.insert(number, modified_at=datetime.datetime(2026, 3, 2, 8, minute))
        shop.redo()
        _, rows = detect(shop, low="2026-03-02 08:00:00.0000000")
        assert keys(rows) == ["1", "3", "2"]
        assert keys(detect(shop, low="2026-03-02 08:01:00.0000000")[1]) == ["2"]

    def test_without_a_low_it_is_the_snapshots_own_safe_stamp(self, shop: Shop) -> None:
        shop.insert(1, modified_at=shop.now - datetime.timedelta(minutes=5))
        shop.insert(2)
        shop.redo()
        assert keys(detect(shop, low=None)[1]) == ["2"]

    def test_an_upper_bound_is_the_audits(self, shop: Shop) -> None:
        for number in (1, 2):
            shop.insert(number, modified_at=datetime.datetime(2026, 3, 2, 8, number))
        shop.redo()
        assert keys(detect(shop, high="2026-03-02 08:01:00.0000000")[1]) == ["1"]

    @pytest.mark.parametrize("page_size", [1, 2, 3])
    def test_pages_give_each_row_once_though_stamps_are_equal(self, shop: Shop, page_size: int) -> None:
        for code in ("b", "A", "c"):
            for order_id in (1, 2):
                add_line(shop, order_id, code)
        shop.redo()
        seen: list[str] = []
        cursor: dict[str, Any] = {}
        while True:
            position, rows = detect(shop, "line", page_size=page_size, **cursor)
            seen += [key.rsplit(",", 1)[0] for key in keys(rows)]
            if position["is_last_page"]:
                break
            cursor = {"cursor_stamp": rows[-1]["stamp"], "cursor_key": json.loads(rows[-1]["record_key"])}
        assert seen == ["1,A", "1,b", "1,c", "2,A", "2,b", "2,c"]

    def test_a_rowversion_is_a_stamp_and_the_state(self, shop: Shop) -> None:
        add_line(shop, 1, "a")
        add_line(shop, 1, "b")
        shop.change("UPDATE dbo.line SET quantity = 2 WHERE code = N'a';")
        shop.beat()
        shop.redo()
        position, rows = detect(shop, "line", stamp="line_version", rowversion="line_version", low="0x0000000000000000")
        assert [key.split(",")[1] for key in keys(rows)] == ["b", "a"]
        assert [row["state_stamp"] for row in rows] == [row["stamp"] for row in rows]
        assert position["safe_stamp"] >= rows[-1]["stamp"]

    def test_the_state_is_the_greatest_stamp_and_a_hash_of_the_row(self, shop: Shop) -> None:
        shop.insert(1, created_at=datetime.datetime(2026, 3, 2, 7))
        shop.redo()
        _, (before,) = detect(shop)
        assert before["state_stamp"] == "2026-03-02 08:00:00.0000000"
        assert before["created_stamp"] == "2026-03-02 07:00:00.0000000"
        shop.change("UPDATE dbo.orders SET amount = 1;")
        shop.redo()
        _, (after,) = detect(shop)
        assert after["state_stamp"] == before["state_stamp"]
        assert after["state_hash"] != before["state_hash"]

    def test_a_column_that_is_added_changes_no_state_until_it_is_filled(self, shop: Shop) -> None:
        shop.insert(1)
        shop.redo()
        _, (before,) = detect(shop)
        shop.change("ALTER TABLE dbo.orders ADD remark nvarchar(20) NULL;")
        shop.redo()
        assert detect(shop)[1][0]["state_hash"] == before["state_hash"]
        shop.change("UPDATE dbo.orders SET remark = N'new';")
        shop.redo()
        assert detect(shop)[1][0]["state_hash"] != before["state_hash"]

    def test_keys_are_matched_by_the_columns_collation_and_shown_as_they_are(self, shop: Shop) -> None:
        add_line(shop, 1, 'aé"b  ')
        shop.redo()
        _, (row,) = detect(shop, "line")
        guid = "0E984725-C51C-4BF4-9960-E1C80E27ABA0"
        assert json.loads(row["record_key"]) == ["1", 'aé"b  ', guid]
        assert json.loads(row["record_match"]) == ["1", 'AÉ"B', guid]

    def test_the_fields_of_a_notice_come_along(self, shop: Shop) -> None:
        shop.insert(1, "open")
        shop.redo()
        _, (row,) = detect(shop, notice_columns=["status", "amount"])
        assert json.loads(row["fields"]) == {"status": "open", "amount": None}

    @pytest.mark.parametrize(("value", "expected"), [("1", [False, True]), (None, [True, True])])
    def test_a_soft_delete_is_a_value_or_any_value(self, shop: Shop, value: str | None, expected: list[bool]) -> None:
        shop.insert(1)
        shop.insert(2, is_deleted=1)
        shop.redo()
        _, rows = detect(shop, soft_delete={"column": "is_deleted", "value": value})
        assert [bool(row["is_deleted"]) for row in rows] == expected


class TestCriteria:
    @pytest.mark.parametrize(
        ("column", "operator", "value", "expected"),
        [
            ("status", "=", ["OPEN"], ["1"]),
            ("status", "<>", ["open"], ["2", "3"]),
            ("amount", "<", ["10"], ["1"]),
            ("amount", "<=", ["10.00"], ["1", "2"]),
            ("amount", ">", ["9.99"], ["2"]),
            ("amount", ">=", ["10"], ["2"]),
            ("status", "in", ["open", "it's"], ["1", "3"]),
            ("status", "not in", ["open", "it's"], ["2"]),
            ("status", "like", ["%s%"], ["2", "3"]),
            ("status", "not like", ["%s%"], ["1"]),
            ("amount", "is null", [], ["3"]),
            ("amount", "is not null", [], ["1", "2"]),
            ("amount", "between", ["9", "10"], ["1", "2"]),
            ("modified_at", ">", ["2026-03-02 08:01:00.0000000"], ["2", "3"]),
            ("status", "=", ["'; DROP TABLE dbo.orders; --"], []),
        ],
    )
    def test_each_operator(self, shop: Shop, column: str, operator: str, value: list[str], expected: list[str]) -> None:
        for number, (status, amount) in enumerate((("open", 9), ("closed", 10), ("it's", None)), 1):
            shop.insert(number, status, amount=amount, modified_at=datetime.datetime(2026, 3, 2, 8, number))
        shop.redo()
        criteria = [{"column": column, "operator": operator, "value": value}]
        _, rows = detect(shop, notifications=[{"id": 7, "criteria": criteria}])
        assert [key for key, row in zip(keys(rows), rows, strict=True) if json.loads(row["matches"]) == [7]] == expected

    def test_all_criteria_of_a_notification_must_hold_and_each_has_its_own(self, shop: Shop) -> None:
        shop.insert(1, "open", amount=5)
        shop.redo()
        is_open = {"column": "status", "operator": "=", "value": ["open"]}
        is_dear = {"column": "amount", "operator": ">", "value": ["100"]}
        _, (row,) = detect(
            shop,
            notifications=[
                {"id": 1, "criteria": [is_open]},
                {"id": 2, "criteria": [is_open, is_dear]},
                {"id": 3, "criteria": []},
            ],
        )
        assert json.loads(row["matches"]) == [1, 3]

    def test_an_unknown_operator_is_refused(self, shop: Shop) -> None:
        criteria = [{"column": "status", "operator": "= 1 OR 1 =", "value": ["x"]}]
        with pytest.raises(DatabaseError, match="50154"):
            detect(shop, notifications=[{"id": 1, "criteria": criteria}])


class TestNames:
    def test_an_unknown_table_is_told(self, shop: Shop) -> None:
        with pytest.raises(DatabaseError, match=r"dbo\.no_orders.*50151"):
            call(shop.replica, "detect_changes", request=request() | {"table": "no_orders"})

    def test_all_unknown_columns_are_told_at_once(self, shop: Shop) -> None:
        with pytest.raises(DatabaseError, match=r"has no column \[x\]; DROP TABLE dbo.orders; --, bad_key\..*50152"):
            detect(shop, keys=["bad_key"], stamps=["modified_at", "[x]; DROP TABLE dbo.orders; --"])

    def test_a_name_with_a_bracket_is_quoted(self, shop: Shop) -> None:
        shop.change(
            "CREATE TABLE dbo.[odd ]]name] ([a]]b] integer NOT NULL PRIMARY KEY, [m.n] datetime2(3) NOT NULL INDEX ix);"
        )
        shop.change("INSERT dbo.[odd ]]name] VALUES (1, '2026-03-02');")
        shop.redo()
        _, rows = detect(shop, keys=["a]b"], stamp="m.n", stamps=["m.n"], created=None, table="odd ]name")
        assert keys(rows) == ["1"]

    def test_a_column_that_cannot_be_a_stamp_is_told(self, shop: Shop) -> None:
        with pytest.raises(DatabaseError, match=r"status \(scan\).*50153"):
            detect(shop, stamp="status")

    def test_a_table_without_an_index_on_its_stamp_is_read_up_to_the_size_allowed(self, shop: Shop) -> None:
        shop.change("CREATE TABLE dbo.heap (id integer NOT NULL PRIMARY KEY, changed datetime2(3) NOT NULL);")
        shop.change("INSERT dbo.heap VALUES (1, '2026-03-02'), (2, '2026-03-02');")
        shop.redo()
        small: dict[str, Any] = {
            "keys": ["id"],
            "stamp": "changed",
            "stamps": ["changed"],
            "created": None,
            "table": "heap",
        }
        assert len(detect(shop, row_cap=2, **small)[1]) == 2
        for refused in (1, None):
            with pytest.raises(DatabaseError, match="50156"):
                detect(shop, row_cap=refused, **small)

    @pytest.mark.parametrize(
        "instead",
        [
            pytest.param("", id="gone"),
            pytest.param("CREATE INDEX ix_part ON dbo.orders (modified_at) WHERE status = 'open';", id="filtered"),
            pytest.param("CREATE INDEX ix_behind ON dbo.orders (status, modified_at);", id="does not lead"),
        ],
    )
    def test_an_index_that_goes_after_the_activation_stops_the_scan(self, watching: Shop, instead: str) -> None:
        """Else a release that drops it makes every cycle read the whole table."""
        watching.change("DROP INDEX ix_orders_modified_at ON dbo.orders;")
        if instead:
            watching.change(instead)
        watching.insert(1)
        watching.pass_time()
        with pytest.raises(
            DatabaseError, match=r"No usable index of \[dbo\].\[orders\] leads on \[modified_at\].*50156"
        ):
            watching.detect()
        watching.change("CREATE INDEX ix_again ON dbo.orders (modified_at, order_id);")
        watching.pass_time()
        watching.detect()
        assert [change[:2] for change in watching.changes()] == [("1", "I")]

    def test_no_row_cap_allows_a_view_whose_rows_cannot_be_counted(self, shop: Shop) -> None:
        shop.change("CREATE VIEW dbo.open_orders AS SELECT o.order_id, o.modified_at FROM dbo.orders AS o;")
        shop.insert(1)
        shop.redo()
        view: dict[str, Any] = {"stamps": ["modified_at"], "created": None, "table": "open_orders"}
        with pytest.raises(DatabaseError, match="50156"):
            detect(shop, row_cap=10_000_000, **view)

    def test_a_memory_optimized_table_is_refused(self, shop: Shop) -> None:
        """The engine has none: the procedure's question is turned round, so that it takes orders for one."""
        text = (assets.sql() / "procedures" / "replica" / "check_columns.sql").read_text(encoding="utf-8")
        assert text.count("t.is_memory_optimized = 1") == 1
        run_script(shop.source, text.replace("t.is_memory_optimized = 1", "t.is_memory_optimized = 0"))
        shop.is_rebuilt = True
        shop.redo()
        for procedure in ("detect_changes", "read_keys"):
            with pytest.raises(DatabaseError, match=r"dbo\.orders is memory-optimized.*50158"):
                call(shop.replica, procedure, request=request())
        shown, _ = execute(shop.replica, "EXECUTE notify.read_catalog;")
        assert {bool(column["is_memory_optimized"]) for column in shown} == {False}

    def test_the_generated_statement_can_be_seen(self, shop: Shop) -> None:
        (rows,) = call(shop.replica, "detect_changes", request=request(), debug=1)
        assert "FROM [dbo].[orders] AS t" in rows[0]["statement_text"]
