"""Definitions: what is wrong with one is said where it is saved, all of it at once, with the nearest right name."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.procedures.definition import (
    CATALOG,
    DEFINITION,
    LISTING,
    Row,
    activate,
    columns,
    definition,
    know,
    query,
    save,
    saved,
)

from notify.databases import Connection
from notify.errors import ProcedureError
from notify.procedures import call


@pytest.fixture(autouse=True)
def known(processor: Connection) -> None:
    know(processor)


def problems(connection: Connection, document: Row | str) -> list[tuple[str, str | None, str | None]]:
    """(path, value, suggestion) of each problem; nothing may have been saved."""
    found, done = save(connection, document)
    assert done["action"] is None
    assert query(connection, "SELECT name FROM notify.notification;") == []
    return [(row["path"], row["value"], row["suggestion"]) for row in found]


class TestSaving:
    def test_a_definition_without_a_problem_becomes_a_draft(self, processor: Connection) -> None:
        assert saved(processor, definition()) == "created"
        assert query(processor, "SELECT name, state, version FROM notify.notification;") == [
            ("listing_changed", "draft", 1)
        ]

    def test_saved_again_it_is_unchanged_and_with_another_word_changed(self, processor: Connection) -> None:
        saved(processor, definition())
        assert saved(processor, definition()) == "unchanged"
        assert saved(processor, definition(priority=2)) == "changed"
        assert query(processor, "SELECT priority, version FROM notify.notification;") == [(2, 2)]

    def test_a_dry_run_says_what_would_happen_and_stores_nothing(self, processor: Connection) -> None:
        _, done = save(processor, definition(), dry_run=True)
        assert done["action"] == "created" and done["definition_before"] is None
        assert json.loads(done["definition_after"])["name"] == "listing_changed"
        assert query(processor, "SELECT name FROM notify.notification;") == []

    def test_what_is_exported_can_be_saved_and_changes_nothing(self, processor: Connection) -> None:
        full = definition(
            {"soft_delete": {"column": "is_deleted", "value": True}, "time_zone": "Central European Standard Time",
             "key_snapshot_minutes": 30, "notice_columns": ["price", "status"], "skew_ms": 250, "rowversion": "row_version"},
            on=["delete", "insert", "update"],
            where=[
                {"column": "price", "operator": "between", "value": [100000, 250000.5]},
                {"column": "status", "operator": "not in", "value": ["sold", "it's \"off\""]},
                {"column": "posted_on", "operator": ">=", "value": "2026-01-31"},
                {"column": "plan", "operator": "is not null"},
            ],
            channels={"email": {"template": "a"}, "sms": {"template": "b"}},
            prerequisite={"procedure": "notify_extract.check_totals", "deadline_minutes": 90},
            description="What a home 🏡 costs", policy="every", expires_after_minutes=60, maximum_delay_minutes=5, state="active",
        )  # fmt: skip
        assert saved(processor, full) == "created"
        (row,) = call(processor, "notify.get_definitions")[0].records()
        exported = json.loads(row["definition"])
        assert exported["where"][0]["value"] == ["100000", "250000.5"]
        assert exported["where"][2]["value"] == ["2026-01-31 00:00:00.0000000"]
        assert exported["table"]["soft_delete"] == {"column": "is_deleted", "value": "1"}
        assert exported["description"] == "What a home 🏡 costs"
        assert saved(processor, exported) == "unchanged"

    def test_names_are_stored_as_the_catalog_spells_them(self, processor: Connection) -> None:
        saved(processor, definition(
            {"schema": "DBO", "name": "Listing", "created": "CREATED_AT"}, merge_procedure="[Notify_Extract].[MERGE_fields_listing]"
        ))  # fmt: skip
        (row,) = call(processor, "notify.get_definitions")[0].records()
        stored = json.loads(row["definition"])
        assert (stored["table"]["schema"], stored["table"]["name"], stored["table"]["created"]) == (
            "dbo",
            "listing",
            "created_at",
        )
        assert stored["merge_procedure"] == "notify_extract.merge_fields_listing"

    def test_the_keys_are_those_of_the_primary_key_unless_others_are_named(self, processor: Connection) -> None:
        saved(processor, definition())
        saved(processor, definition(
            {"schema": "Sales", "name": "PriceChange", "keys": ["LineGuid"], "created": ..., "modified": ["ChangedOn"]},
            name="price", on=["update"], where=...,
        ))  # fmt: skip
        assert query(
            processor,
            "SELECT column_name FROM notify.watched_column WHERE column_role = 'key' ORDER BY watched_table_id;",
        ) == [("listing_id",), ("LineGuid",)]


class TestProblems:
    def test_all_of_them_are_said_at_once(self, processor: Connection) -> None:
        found = problems(processor, definition(
            {"created": "createdat", "modified": ["modified_a"], "time_zone": "Central Europe Standard Tme"},
            on=["insert", "updated"],
            where=[{"column": "statsu", "operator": "="}, {"column": "price", "operator": "lik", "value": "x"}],
            policy="lastest", merge_procedure="notify_extract.merge_field_listing", priority=11, chanels={}, channels=...,
        ))  # fmt: skip
        assert found == [
            ("chanels", "{}", "channels"),
            ("channels", None, None),
            ("merge_procedure", "notify_extract.merge_field_listing", "notify_extract.merge_fields_listing"),
            ("on[1]", "updated", "update"),
            ("policy", "lastest", "latest"),
            ("priority", "11", None),
            ("table.created", "createdat", "created_at"),
            ("table.modified[0]", "modified_a", "modified_at"),
            ("table.time_zone", "Central Europe Standard Tme", "Central Europe Standard Time"),
            ("where[0].column", "statsu", "status"),
            ("where[0].value", "0 values", None),
            ("where[1].operator", "lik", "like"),
        ]

    def test_an_unknown_table_is_told_with_the_nearest_one(self, processor: Connection) -> None:
        assert problems(processor, definition({"name": "listings"})) == [("table.name", "dbo.listings", "dbo.listing")]
        assert problems(processor, definition({"name": "PriceChange"})) == [
            ("table.name", "dbo.PriceChange", "Sales.PriceChange")
        ]

    def test_without_a_catalog_it_says_so(self, processor: Connection) -> None:
        processor.execute("DELETE FROM notify.catalog_column;")
        found, _ = save(processor, definition())
        assert [row["problem"] for row in found] == [
            "The copy of the replica's catalog is empty: refresh_catalog comes first."
        ]

    @pytest.mark.parametrize("document", ["", "no json", "[1]", '"text"', "{"])
    def test_what_is_no_json_object_is_refused(self, processor: Connection, document: str) -> None:
        ((path, _, _),) = problems(processor, document)
        assert path == ""

    def test_an_empty_object_misses_what_is_required(self, processor: Connection) -> None:
        assert {path for path, _, _ in problems(processor, "{}")} >= {
            "name",
            "table",
            "on",
            "merge_procedure",
            "channels",
        }

    @pytest.mark.parametrize(
        ("part", "path"),
        [
            ({"name": 7}, "name"),
            ({"on": "insert"}, "on"),
            ({"where": {"column": "status"}}, "where"),
            ({"where": ["status"]}, "where[0]"),
            ({"channels": {"email": "listing.html.mako"}}, "channels.email"),
            ({"channels": {"email": {}}}, "channels.email.template"),
            ({"channels": {"fax": {"template": "x"}}}, "channels.fax"),
            ({"channels": {}}, "channels"),
            ({"prerequisite": {"deadline_minutes": 5}}, "prerequisite.procedure"),
            ({"expires_after_minutes": 1.5}, "expires_after_minutes"),
            ({"maximum_delay_minutes": 0}, "maximum_delay_minutes"),
            ({"name": "x" * 101}, "name"),
            ({"name": ""}, "name"),
        ],
    )
    def test_keys_of_the_wrong_kind_are_named(self, processor: Connection, part: Row, path: str) -> None:
        assert path in {found for found, _, _ in problems(processor, definition(**part))}

    @pytest.mark.parametrize("template", ["../secret.mako", "/etc/passwd", "C:\\x.mako", "a\\..\\b"])
    def test_a_template_stays_in_its_folder(self, processor: Connection, template: str) -> None:
        assert problems(processor, definition(channels={"email": {"template": template}})) == [
            ("channels.email.template", template, None)
        ]

    @pytest.mark.parametrize(
        ("table", "on", "path"),
        [
            ({"created": ...}, ["insert"], "on"),
            ({"modified": ...}, ["update"], "on"),
            ({}, ["delete"], "on"),
            ({"created": ..., "modified": ...}, ["update"], "table"),
            ({"modified": ..., "soft_delete": {"column": "is_deleted", "value": 1}}, ["delete"], "table.soft_delete"),
            ({}, [], "on"),
        ],
    )
    def test_operations_need_the_columns_that_show_them(
        self, processor: Connection, table: Row, on: list[str], path: str
    ) -> None:
        assert path in {found for found, _, _ in problems(processor, definition(table, on=on))}

    @pytest.mark.parametrize(
        ("table", "path"),
        [
            ({"modified": ["price"]}, "table.modified[0]"),
            ({"created": "row_version"}, "table.created"),
            ({"rowversion": "checked_at"}, "table.rowversion"),
            ({"keys": ["price"]}, "table.keys[0]"),
            ({"keys": ["plan"]}, "table.keys[0]"),
            ({"modified": ["created_at"]}, "table.modified[0]"),
            ({"soft_delete": {"column": "is_deleted", "value": "gone"}}, "table.soft_delete.value"),
            ({"allow_unindexed": True}, "table.row_cap"),
            ({"skew_ms": -1}, "table.skew_ms"),
            ({"mass_delete_percent": 300}, "table.mass_delete_percent"),
        ],
    )
    def test_a_column_must_be_able_to_play_its_role(self, processor: Connection, table: Row, path: str) -> None:
        assert [found for found, _, _ in problems(processor, definition(table))] == [path]

    def test_a_notice_keeps_what_json_can_hold_under_its_own_name(self, processor: Connection) -> None:
        facts = {"price.net": ("int", 4, 10, 0, 0, None, None, 0), "place": ("geography", -1, 0, 0, 1, None, None, 0)}
        know(processor, columns("dbo", "listing", LISTING | facts))
        found, _ = save(processor, definition({"notice_columns": ["price.net", "place", "price"]}))
        assert [(row["path"], row["problem"].partition(":")[0]) for row in found] == [
            ("table.notice_columns[0]", "A column with a dot in its name cannot be kept for notices"),
            ("table.notice_columns[1]", "A column of type geography cannot be kept for notices"),
        ]

    def test_keys_must_be_not_null_and_tell_accents_apart(self, processor: Connection) -> None:
        found, _ = save(processor, definition(
            {"schema": "Sales", "name": "PriceChange", "keys": ["Code", "Number"], "created": ..., "modified": ["ChangedOn"]},
            on=["update"], where=...,
        ))  # fmt: skip
        assert [(row["path"], row["problem"]) for row in found] == [
            ("table.keys[0]", "A key column must not have the accent-insensitive collation Latin1_General_CI_AI."),
            ("table.keys[1]", "A key column must be NOT NULL."),
        ]

    def test_a_table_without_primary_key_needs_named_keys(self, processor: Connection) -> None:
        table = {"schema": "Sales", "name": "PriceChange", "created": ..., "modified": ["ChangedOn"]}
        assert problems(processor, definition(table, on=["update"], where=...)) == [("table.keys", None, None)]


class TestCriteria:
    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("bedrooms", 256), ("bedrooms", "two"), ("bedrooms", ""), ("bedrooms", 2.5), ("price", "12.345"), ("price", 1e12),
            ("price", "1,000"), ("status", "x" * 21), ("posted_on", "2026-02-30"), ("posted_on", "01/02/2026"),
            ("posted_on", "2026-01-31T10:00:00"), ("checked_at", "1700-01-01"), ("modified_at", "2026-01-31T10:00:00Z"),
            ("is_deleted", 2), ("row_version", "12"), ("plan", "<a/>"), ("price", "0; DROP TABLE notify.change"),
        ],
    )  # fmt: skip
    def test_a_value_that_does_not_fit_its_column_is_refused(
        self, processor: Connection, column: str, value: Any
    ) -> None:
        found = problems(processor, definition(where=[{"column": column, "operator": "=", "value": value}]))
        assert [path for path, _, _ in found] == ["where[0].value"]

    @pytest.mark.parametrize(
        ("column", "value", "stored"),
        [
            ("bedrooms", 3, "3"), ("price", "-0012.50", "-0012.50"), ("price", 250000, "250000"),
            ("status", "O'Neill \"x\" \\ ü", "O'Neill \"x\" \\ ü"), ("status", "", ""),
            ("posted_on", "2026-01-31", "2026-01-31 00:00:00.0000000"),
            ("modified_at", "2026-01-31T10:00:00.1234567", "2026-01-31 10:00:00.1234567"),
            ("is_deleted", True, "1"), ("is_deleted", 0, "0"), ("row_version", "0x00000000000007d1", "0x00000000000007D1"),
        ],
    )  # fmt: skip
    def test_a_value_that_fits_is_stored_in_one_form(
        self, processor: Connection, column: str, value: Any, stored: str
    ) -> None:
        saved(processor, definition(where=[{"column": column, "operator": "=", "value": value}]))
        ((operand,),) = query(processor, "SELECT operand FROM notify.criterion;")
        assert json.loads(operand) == [stored]

    @pytest.mark.parametrize(
        ("criterion", "path"),
        [
            ({"column": "price", "operator": "between", "value": [1]}, "where[0].value"),
            ({"column": "price", "operator": "in", "value": []}, "where[0].value"),
            ({"column": "price", "operator": "=", "value": [1, 2]}, "where[0].value"),
            ({"column": "price", "operator": "=", "value": None}, "where[0].value"),
            ({"column": "price", "operator": "is null", "value": 1}, "where[0].value"),
            ({"column": "price", "operator": "like", "value": "1%"}, "where[0].operator"),
            ({"column": "status", "operator": "= 1 OR 1 =", "value": "x"}, "where[0].operator"),
            ({"column": "status) OR (1=1", "operator": "=", "value": "x"}, "where[0].column"),
            ({"column": "price", "value": 1}, "where[0].operator"),
        ],
    )
    def test_operators_have_their_number_and_kind_of_values(
        self, processor: Connection, criterion: Row, path: str
    ) -> None:
        assert [found for found, _, _ in problems(processor, definition(where=[criterion]))] == [path]

    @pytest.mark.parametrize(
        ("given", "meant"), [("!=", "<>"), ("==", "="), ("is nul", "is null"), ("betwen", "between")]
    )
    def test_an_unknown_operator_is_told_with_the_one_that_was_meant(
        self, processor: Connection, given: str, meant: str
    ) -> None:
        assert problems(processor, definition(where=[{"column": "price", "operator": given, "value": 1}])) == [
            ("where[0].operator", given, meant)
        ]

    def test_a_pattern_may_be_longer_than_its_column(self, processor: Connection) -> None:
        pattern = "%[aeiou]%" * 4
        assert (
            saved(processor, definition(where=[{"column": "status", "operator": "LIKE", "value": pattern}]))
            == "created"
        )


INJECTIONS = [
    "listing]; DROP TABLE notify.change; --",
    "listing'; SHUTDOWN; --",
    "[listing]",
    "dbo.listing",
    "x" * 5000,
    "🏡",
]


class TestInjection:
    @pytest.mark.parametrize("name", INJECTIONS)
    def test_an_identifier_is_looked_up_never_run(self, processor: Connection, name: str) -> None:
        for document in (
            definition({"name": name}), definition({"created": name}), definition({"keys": [name]}),
            definition(where=[{"column": name, "operator": "=", "value": 1}]), definition(merge_procedure=name),
            definition(prerequisite={"procedure": name}), definition({"time_zone": name}),
        ):  # fmt: skip
            assert problems(processor, document) != []
        assert query(processor, "SELECT COUNT(*) FROM notify.change;") == [(0,)]


class TestTablesShared:
    def test_what_a_second_definition_does_not_say_of_the_table_stays(self, processor: Connection) -> None:
        saved(processor, definition({"skew_ms": 50, "soft_delete": {"column": "is_deleted", "value": 1}}))
        assert saved(processor, {**DEFINITION, "name": "second", "table": {"name": "listing"}}) == "created"
        assert (
            saved(processor, definition({"skew_ms": 50, "soft_delete": {"column": "is_deleted", "value": 1}}))
            == "unchanged"
        )

    def test_alone_on_its_table_a_definition_is_the_whole_truth(self, processor: Connection) -> None:
        saved(processor, definition({"skew_ms": 50}))
        assert saved(processor, definition()) == "changed"
        assert query(processor, "SELECT skew_ms FROM notify.watched_table;") == [(1000,)]

    def test_an_indexed_rowversion_is_scanned_alone(self, processor: Connection) -> None:
        saved(processor, definition(
            {"schema": "Sales", "name": "PriceChange", "keys": ["LineGuid"], "created": ..., "modified": ["ChangedOn"],
             "rowversion": "RowVersion"}, on=["update"], where=...,
        ))  # fmt: skip
        assert query(processor, "SELECT column_name, is_scanned FROM notify.stamp_column ORDER BY column_name;") == [
            ("ChangedOn", False), ("RowVersion", True)
        ]  # fmt: skip

    def test_a_rowversion_without_index_only_orders_the_states(self, processor: Connection) -> None:
        saved(processor, definition({"rowversion": "row_version"}))
        assert query(processor, "SELECT column_name, is_scanned FROM notify.stamp_column ORDER BY column_name;") == [
            ("created_at", True), ("modified_at", True), ("row_version", False)
        ]  # fmt: skip


class TestInForce:
    @pytest.fixture(autouse=True)
    def active(self, processor: Connection) -> None:
        saved(processor, definition())
        activate(processor)

    def scan_versions(self, connection: Connection) -> list[int]:
        return [
            row[0]
            for row in query(connection, "SELECT scan_version FROM notify.stamp_column ORDER BY stamp_column_id;")
        ]

    def test_a_change_makes_pages_under_way_worthless(self, processor: Connection) -> None:
        before = self.scan_versions(processor)
        assert saved(processor, definition(where=[{"column": "price", "operator": ">", "value": 5}])) == "changed"
        assert self.scan_versions(processor) == [version + 1 for version in before]

    def test_no_change_leaves_them(self, processor: Connection) -> None:
        before = self.scan_versions(processor)
        assert saved(processor, definition()) == "unchanged"
        assert self.scan_versions(processor) == before

    @pytest.mark.parametrize(
        ("table", "path"),
        [
            ({"created": ..., "modified": ["modified_at", "created_at"]}, "table.created"),
            ({"modified": ["modified_at", "checked_at"]}, "table.modified"),
            ({"rowversion": "row_version"}, "table.rowversion"),
            ({"time_zone": "Pacific Standard Time"}, "table.time_zone"),
            ({"keys": ["listing_id", "status"]}, "table.keys"),
        ],
    )
    def test_what_tells_rows_apart_or_says_what_is_new_is_fixed(
        self, processor: Connection, table: Row, path: str
    ) -> None:
        found, done = save(processor, definition(table, on=["update"]))
        assert path in [row["path"] for row in found] and done["action"] is None
        assert query(processor, "SELECT version FROM notify.notification;") == [(1,)]

    def test_a_paused_one_may_get_another_stamp_column_but_keeps_its_keys(self, processor: Connection) -> None:
        call(processor, "notify.pause_notification", name="listing_changed")
        assert saved(
            processor, definition({"modified": ["modified_at", "checked_at"], "allow_unindexed": True, "row_cap": 9})
        )
        found, _ = save(processor, definition({"keys": ["status"]}))
        assert [row["path"] for row in found] == ["table.keys"]

    def test_a_retired_one_keeps_its_name(self, processor: Connection) -> None:
        call(processor, "notify.retire_notification", name="listing_changed")
        found, _ = save(processor, definition())
        assert [row["path"] for row in found] == ["name"]


class TestCatalog:
    def test_a_replica_that_shows_nothing_is_no_reason_to_forget(self, processor: Connection) -> None:
        with pytest.raises(ProcedureError) as refused:
            know(processor, [])
        assert refused.value.number == 50002
        assert query(processor, "SELECT COUNT(*) FROM notify.catalog_column;") == [(len(CATALOG),)]

    def test_it_is_replaced_as_a_whole(self, processor: Connection) -> None:
        know(processor, columns("dbo", "other", {"id": ("int", 4, 10, 0, 0, None, 1, 1)}))
        assert query(processor, "SELECT table_name, column_name FROM notify.catalog_column;") == [("other", "id")]


def test_every_save_is_on_record(processor: Connection) -> None:
    saved(processor, definition())
    saved(processor, definition(priority=1))
    activate(processor)
    rows = query(processor, "SELECT action, version FROM notify.notification_history ORDER BY notification_history_id;")
    assert rows == [("created", 1), ("changed", 2), ("activated", 2)]


def test_the_request_of_a_table_names_its_columns_and_criteria(processor: Connection) -> None:
    saved(processor, definition({"notice_columns": ["price"], "soft_delete": {"column": "is_deleted", "value": 1}}))
    ((notification_id, text),) = query(
        processor,
        "SELECT n.notification_id, notify.table_request(n.watched_table_id, sc.stamp_column_id, n.notification_id, '2026', NULL,"
        " '2026-03', N'[\"7\"]', 100) AS request FROM notify.notification AS n INNER JOIN notify.stamp_column AS sc"
        " ON sc.watched_table_id = n.watched_table_id AND sc.is_created = 1;",
    )
    assert json.loads(text) == {
        "schema": "dbo", "table": "listing", "keys": ["listing_id"], "stamp": "created_at", "is_rowversion": False,
        "stamps": ["created_at", "modified_at"], "created": "created_at", "soft_delete": {"column": "is_deleted", "value": "1"},
        "time_zone": "UTC", "skew_ms": 1000, "notice_columns": ["price"], "low": "2026", "cursor_stamp": "2026-03",
        "cursor_key": ["7"], "page_size": 100,
        "notifications": [{"id": notification_id, "criteria": [{"column": "status", "operator": "=", "value": ["active"]}]}],
    }  # fmt: skip
