"""Rule 2: activation takes one snapshot, and nothing that was there is ever mailed; pause, resume, retire; the heartbeat."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from tests.procedures.definition import (
    CATALOG,
    Row,
    activate,
    definition,
    know,
    query,
    saved,
    scan,
    seen,
)

from notify.databases import Connection
from notify.errors import ProcedureError
from notify.procedures import call, to_json

LOW = "2026-03-02 08:00:00.0000000"
LATER = "2026-03-02 08:00:01.0000000"
LATEST = "2026-03-02 08:00:02.0000000"
NOON = datetime.datetime(2026, 3, 2, 12, 0)


@pytest.fixture(autouse=True)
def draft(processor: Connection) -> None:
    know(processor)
    saved(processor, definition())


def refused(number: int, action: Any, *arguments: Any, **named: Any) -> str:
    """The message of a refusal."""
    with pytest.raises(ProcedureError) as error:
        action(*arguments, **named)
    assert error.value.number == number, error.value
    return str(error.value)


def state(connection: Connection, name: str = "listing_changed") -> str:
    return str(query(connection, "SELECT state FROM notify.notification WHERE name = ?;", name)[0][0])


def lows(connection: Connection) -> dict[str, tuple[str, str]]:
    """(baseline, low) by column."""
    rows = query(
        connection,
        "SELECT sc.column_name, m.baseline_stamp, m.low_stamp FROM notify.watermark AS m"
        " INNER JOIN notify.stamp_column AS sc ON sc.stamp_column_id = m.stamp_column_id;",
    )
    return {name: (baseline, low) for name, baseline, low in rows}


def changes(connection: Connection) -> list[tuple[str, str, str, str, str]]:
    """(record, operation, state stamp, state, reason), in order."""
    return [
        tuple(row)  # type: ignore[misc]
        for row in query(
            connection,
            "SELECT c.record_key, c.operation, c.state_stamp, c.state, c.reason FROM notify.change AS c"
            " ORDER BY c.record_match, c.state_stamp, c.operation, c.version;",
        )
    ]


class TestRequests:
    def test_there_is_one_per_stamp_column_and_it_has_no_low(self, processor: Connection) -> None:
        scans, keys = call(processor, "notify.get_activation", name="listing_changed")
        assert [row["column_name"] for row in scans.records()] == ["created_at", "modified_at"]
        request = json.loads(scans.records()[1]["request"])
        assert request["stamp"] == "modified_at" and "low" not in request
        assert [item["criteria"][0]["value"] for item in request["notifications"]] == [["active"]]
        assert keys.rows == []

    def test_deletes_by_key_snapshot_need_the_keys_too(self, processor: Connection) -> None:
        saved(processor, definition({"key_snapshot_minutes": 5, "notice_columns": ["price"]}, on=["delete"]))
        _, keys = call(processor, "notify.get_activation", name="listing_changed")
        request = json.loads(keys.records()[0]["request"])
        assert request["notice_columns"] == ["price"] and "stamp" not in request


class TestActivation:
    def test_low_becomes_the_safe_stamp_of_each_scan(self, processor: Connection) -> None:
        activate(processor, scan("created_at", safe=LOW), scan("modified_at", safe=LATER))
        assert lows(processor) == {"created_at": (LOW, LOW), "modified_at": (LATER, LATER)}
        assert state(processor) == "active"

    def test_every_visible_row_above_low_is_recorded_as_skipped(self, processor: Connection) -> None:
        done = activate(
            processor,
            scan("created_at", seen(1, LATER)),
            scan("modified_at", seen(1, LATER), seen(2, LATEST, created="2026-01-01 00:00:00.0000000")),
        )
        assert done["baseline_count"] == 2
        assert changes(processor) == [
            ('["1"]', "I", LATER, "skipped", "baseline"),
            ('["2"]', "U", LATEST, "skipped", "baseline"),
        ]

    def test_a_row_that_changed_between_two_scans_is_recorded_in_both_states(self, processor: Connection) -> None:
        activate(
            processor,
            scan("created_at", seen(1, LATER)),
            scan("modified_at", seen(1, LATEST, created=LATER, state_hash="BB")),
        )
        assert [(operation, stamp) for _, operation, stamp, _, _ in changes(processor)] == [("I", LATER), ("U", LATEST)]

    def test_a_softly_deleted_row_is_recorded_as_a_delete(self, processor: Connection) -> None:
        saved(processor, definition({"soft_delete": {"column": "is_deleted", "value": 1}}, on=["delete"]))
        activate(processor, scan("created_at"), scan("modified_at", seen(3, LATER, deleted=True)))
        assert changes(processor) == [('["3"]', "D", LATER, "skipped", "baseline")]

    def test_records_of_two_cases_are_two_records(self, processor: Connection) -> None:
        lower = seen(1, LATER) | {"record_key": '["a"]', "record_match": '["a"]'}
        upper = seen(1, LATER) | {"record_key": '["A"]', "record_match": '["A"]'}
        activate(processor, scan("created_at", lower, upper), scan("modified_at"))
        assert [record for record, *_ in changes(processor)] == ['["A"]', '["a"]']

    def test_the_change_key_is_the_hash_of_its_json_text(self, processor: Connection) -> None:
        import hashlib

        activate(processor, scan("created_at", seen(1, LATER)), scan("modified_at"))
        ((guid, key),) = query(
            processor,
            "SELECT n.notification_guid, c.change_key FROM notify.change AS c"
            " INNER JOIN notify.notification AS n ON n.notification_id = c.notification_id;",
        )
        text = json.dumps([str(guid).upper(), '["1"]', "I", LATER], separators=(",", ":"))
        assert bytes(key) == hashlib.sha256(text.encode("utf-16-le")).digest()

    def test_pages_under_way_for_the_tables_other_notifications_become_worthless(self, processor: Connection) -> None:
        activate(processor)
        before = query(processor, "SELECT scan_version FROM notify.stamp_column ORDER BY stamp_column_id;")
        saved(processor, definition(name="second"))
        activate(processor, name="second")
        after = query(processor, "SELECT scan_version FROM notify.stamp_column ORDER BY stamp_column_id;")
        assert all(new > old for (old,), (new,) in zip(before, after, strict=True))


class TestRefusal:
    def test_a_missing_scan(self, processor: Connection) -> None:
        text = refused(50006, activate, processor, scan("modified_at"))
        assert "created_at" in text and state(processor) == "draft" and lows(processor) == {}

    @pytest.mark.parametrize("broken", [{"beat": 0}, {"beat": None}, {"safe": None}])
    def test_a_scan_without_heartbeat(self, processor: Connection, broken: Row) -> None:
        refused(50007, activate, processor, scan("created_at"), scan("modified_at", **broken))
        assert state(processor) == "draft"

    def test_a_heartbeat_that_stands_still(self, processor: Connection) -> None:
        call(processor, "notify.set_test_clock", now=NOON)
        processor.execute("EXECUTE notify.begin_run @host = N'here', @process_id = 1, @beat = 7;")
        call(processor, "notify.set_test_clock", now=NOON + datetime.timedelta(minutes=6))
        refused(50008, activate, processor)
        assert query(processor, "SELECT kind FROM notify.alert WHERE cleared_at IS NULL;") == [("heartbeat",)]
        activate(processor, scan("created_at", beat=8), scan("modified_at", beat=8))
        assert state(processor) == "active"

    def test_more_rows_than_a_page(self, processor: Connection) -> None:
        refused(50009, activate, processor, scan("created_at"), scan("modified_at", is_last_page=False))

    def test_no_index_on_the_stamp_unless_that_is_allowed(self, processor: Connection) -> None:
        table = {"modified": ["modified_at", "checked_at"]}
        saved(processor, definition(table))
        scans = [scan("created_at"), scan("modified_at"), scan("checked_at")]
        text = refused(50005, activate, processor, *scans)
        assert "CREATE INDEX [ix_listing_checked_at] ON [dbo].[listing] ([checked_at], [listing_id])" in text
        saved(processor, definition({**table, "allow_unindexed": True, "row_cap": 1000}))
        activate(processor, *scans)
        request = json.loads(query(processor, "SELECT notify.table_request(wt.watched_table_id, NULL, NULL, NULL, NULL, NULL,"
                                              " NULL, NULL) AS request FROM notify.watched_table AS wt;")[0][0])  # fmt: skip
        assert request["row_cap"] == 1000

    def test_a_definition_that_the_replica_no_longer_fits(self, processor: Connection) -> None:
        know(processor, [row for row in CATALOG if row["column_name"] != "status"])
        text = refused(50005, call, processor, "notify.get_activation", name="listing_changed")
        assert "where[0].column" in text and "'status'" in text

    def test_what_is_active_or_unknown(self, processor: Connection) -> None:
        activate(processor)
        refused(50004, activate, processor)
        assert "Perhaps listing_changed?" in refused(50003, activate, processor, name="listing_change")

    def test_nothing_is_left_of_an_activation_that_fails(self, processor: Connection) -> None:
        saved(processor, definition({"key_snapshot_minutes": 5}, on=["delete"]))
        refused(50006, activate, processor, scan("created_at", seen(1, LATER)), scan("modified_at"))
        assert changes(processor) == [] and lows(processor) == {} and state(processor) == "draft"


class TestKeySnapshot:
    KEYS = {
        "beat": 7,
        "rows": [
            {"record_key": f'["{n}"]', "record_match": f'["{n}"]', "created_stamp": LOW, "state_stamp": LOW,
             "fields": '{"price":1}', "matches": "[1]"}
            for n in (1, 2)
        ],
    }  # fmt: skip

    @pytest.fixture(autouse=True)
    def deletes(self, processor: Connection) -> None:
        saved(processor, definition({"key_snapshot_minutes": 5, "notice_columns": ["price"]}, on=["delete"]))

    def test_activation_takes_the_first_one(self, processor: Connection) -> None:
        activate(processor, keys=self.KEYS)
        assert query(processor, "SELECT record_key, fields FROM notify.key_scan_row ORDER BY record_match;") == [
            ('["1"]', '{"price":1}'), ('["2"]', '{"price":1}')
        ]  # fmt: skip
        assert query(processor, "SELECT key_snapshot_beat FROM notify.watched_table;") == [(7,)]

    def snapshots(self, processor: Connection) -> list[tuple[Any, ...]]:
        return query(
            processor,
            "SELECT n.name, r.record_key, r.fields, r.matches FROM notify.key_snapshot AS stored"
            " JOIN notify.notification AS n ON n.notification_id = stored.notification_id"
            " JOIN notify.key_scan_row AS r ON r.key_scan_id = stored.key_scan_id ORDER BY n.name, r.record_match;",
        )

    def test_a_second_notification_has_a_snapshot_of_its_own_and_leaves_the_others(self, processor: Connection) -> None:
        activate(processor, keys=self.KEYS)
        saved(processor, definition(name="second", on=["delete"]))
        rows = [row | {"matches": "[-2]", "fields": '{"price":2}'} for row in self.KEYS["rows"][:1]]
        activate(processor, name="second", keys={"beat": 8, "rows": rows})
        assert self.snapshots(processor) == [
            ("listing_changed", '["1"]', '{"price":1}', "[1]"),
            ("listing_changed", '["2"]', '{"price":1}', "[1]"),
            ("second", '["1"]', '{"price":2}', "[-2]"),
        ]
        assert changes(processor) == []
        assert query(processor, "SELECT key_snapshot_beat FROM notify.watched_table;") == [(8,)]

    def test_keys_may_come_in_pieces_to_a_reading_that_the_activation_began(self, processor: Connection) -> None:
        _, keys = call(processor, "notify.get_activation", name="listing_changed")
        (begun,) = keys.records()
        for row in self.KEYS["rows"]:
            call(processor, "notify.record_keys", key_scan_id=begun["key_scan_id"], rows=to_json([row]))
        activate(processor, keys={"beat": 7, "key_scan_id": begun["key_scan_id"]})
        assert [row[1] for row in self.snapshots(processor)] == ['["1"]', '["2"]']

    def test_a_reading_that_a_later_request_discarded_is_refused(self, processor: Connection) -> None:
        _, keys = call(processor, "notify.get_activation", name="listing_changed")
        call(processor, "notify.get_activation", name="listing_changed")
        refused(50040, activate, processor, keys={"beat": 7, "key_scan_id": keys.records()[0]["key_scan_id"]})
        assert state(processor) == "draft"

    def test_keys_of_a_replica_that_is_behind_are_refused(self, processor: Connection) -> None:
        activate(processor, keys=self.KEYS)
        saved(processor, definition(name="second", on=["delete"]))
        refused(50014, activate, processor, name="second", keys={"beat": 6, "rows": []})

    def test_who_begins_to_watch_deletes_later_begins_with_a_new_one(self, processor: Connection) -> None:
        activate(processor, keys=self.KEYS)
        call(processor, "notify.retire_notification", name="listing_changed")
        table = {"key_snapshot_minutes": 5}
        saved(processor, definition(table, name="second", on=["update"]))
        activate(processor, name="second")
        saved(processor, definition(table, name="second", on=["update", "delete"]))
        assert query(processor, "SELECT COUNT(*) FROM notify.key_snapshot;") == [(0,)]
        assert query(processor, "SELECT key_snapshot_beat FROM notify.watched_table;") == [(None,)]


class TestPause:
    @pytest.fixture(autouse=True)
    def paused(self, processor: Connection) -> None:
        activate(processor)
        call(processor, "notify.pause_notification", name="listing_changed")

    def resume(self, connection: Connection, policy: str, *scans: Row) -> Row:
        given = to_json(list(scans)) if scans else None
        return call(connection, "notify.resume_notification", name="listing_changed", policy=policy, scans=given)[
            0
        ].one()

    def test_it_stops_at_its_low_and_catches_up_from_there(self, processor: Connection) -> None:
        before = lows(processor)
        assert state(processor) == "paused"
        self.resume(processor, "catch_up")
        assert state(processor) == "active" and lows(processor) == before and changes(processor) == []

    def test_skip_makes_history_of_what_is_there(self, processor: Connection) -> None:
        done = self.resume(
            processor, "skip", scan("created_at", safe=LATER, beat=9),
            scan("modified_at", seen(1, LATEST, created=LOW), safe=LATER, beat=9),
        )  # fmt: skip
        assert done["baseline_count"] == 1
        assert lows(processor) == {"created_at": (LATER, LATER), "modified_at": (LATER, LATER)}
        assert changes(processor) == [('["1"]', "U", LATEST, "skipped", "baseline")]

    def test_skip_needs_scans(self, processor: Connection) -> None:
        refused(50006, self.resume, processor, "skip")
        assert state(processor) == "paused"

    def test_low_does_not_move_back_on_a_replica_that_is_behind(self, processor: Connection) -> None:
        earlier = "2026-03-02 07:00:00.0000000"
        self.resume(processor, "skip", scan("created_at", safe=earlier), scan("modified_at", safe=LATER))
        assert lows(processor) == {"created_at": (LOW, LOW), "modified_at": (LATER, LATER)}

    def test_skip_ends_what_was_recorded_and_not_yet_generated(self, processor: Connection) -> None:
        self.pending(processor)
        done = self.resume(processor, "skip", scan("created_at"), scan("modified_at"))
        assert done["skipped_count"] == 1
        assert changes(processor) == [('["5"]', "U", LATER, "skipped", "skipped when resumed")]
        assert query(processor, "SELECT from_state, to_state, reason FROM notify.change_history;") == [
            ("pending", "skipped", "skipped when resumed")
        ]

    def test_a_stamp_column_that_came_meanwhile_begins_at_its_scan(self, processor: Connection) -> None:
        table = {"modified": ["modified_at", "checked_at"], "allow_unindexed": True, "row_cap": 9}
        saved(processor, definition(table))
        refused(50006, self.resume, processor, "catch_up")
        done = self.resume(
            processor, "catch_up", scan("created_at", safe=LATEST), scan("modified_at", safe=LATEST),
            scan("checked_at", seen(1, LATEST), safe=LATER),
        )  # fmt: skip
        assert done["baseline_count"] == 0
        assert lows(processor) == {"created_at": (LOW, LOW), "modified_at": (LOW, LOW), "checked_at": (LATER, LATER)}

    def test_another_time_zone_is_a_new_beginning(self, processor: Connection) -> None:
        saved(processor, definition({"time_zone": "Pacific Standard Time"}))
        assert lows(processor) == {}
        done = self.resume(processor, "catch_up", scan("created_at", seen(1, LATER)), scan("modified_at"))
        assert done["baseline_count"] == 1

    def test_retiring_ends_what_is_left(self, processor: Connection) -> None:
        self.pending(processor)
        call(processor, "notify.retire_notification", name="listing_changed")
        assert changes(processor) == [('["5"]', "U", LATER, "skipped", "retired")]
        refused(50004, self.resume, processor, "catch_up")

    def test_an_unknown_policy_is_refused(self, processor: Connection) -> None:
        refused(50013, self.resume, processor, "later")

    @staticmethod
    def pending(connection: Connection) -> None:
        connection.execute(
            "INSERT notify.change (change_key, notification_id, record_key, record_match, operation, version, state_stamp,"
            " state_hash, beat, state, due_at, detected_at) SELECT HASHBYTES('SHA2_256', 'x'), n.notification_id, N'[\"5\"]',"
            " N'[\"5\"]', 'U', 'v', ?, 'h', 7, 'pending', SYSUTCDATETIME(), SYSUTCDATETIME() FROM notify.notification AS n;",
            (LATER,),
        )


class TestHeartbeat:
    def status(self, connection: Connection, minutes: int, beat: int) -> list[str]:
        """Kinds of the open alerts after a cycle began so many minutes after noon and saw this beat."""
        call(connection, "notify.set_test_clock", now=NOON + datetime.timedelta(minutes=minutes))
        call(connection, "notify.begin_run", host="here", process_id=1, beat=beat)
        return [row["kind"] for row in call(connection, "notify.status")[3].records()]

    def test_a_beat_that_stands_raises_an_alert_and_the_next_beat_clears_it(self, processor: Connection) -> None:
        assert self.status(processor, 0, 7) == []
        assert self.status(processor, 5, 7) == []
        assert self.status(processor, 6, 7) == ["heartbeat"]
        assert self.status(processor, 7, 8) == []

    def test_an_older_beat_of_another_replica_is_no_progress(self, processor: Connection) -> None:
        self.status(processor, 0, 7)
        assert self.status(processor, 6, 6) == ["heartbeat"]


class TestClock:
    def test_it_is_set_in_test_databases_only(self, processor: Connection) -> None:
        call(processor, "notify.set_test_clock", now=NOON)
        assert query(processor, "SELECT notify.utc_now() AS now;") == [(NOON,)]
        call(processor, "notify.set_test_clock", now=None)
        assert query(processor, "SELECT notify.utc_now() AS now;")[0][0] > datetime.datetime(2026, 6, 1)

    def test_elsewhere_the_switch_is_off_whatever_the_setting_says(self, processor: Connection) -> None:
        call(processor, "notify.set_test_clock", now=NOON)
        processor.execute("UPDATE notify.setting SET value = N'0' WHERE name = 'allow_test_clock';")
        try:
            assert query(processor, "SELECT notify.utc_now() AS now;") != [(NOON,)]
            refused(50011, call, processor, "notify.set_test_clock", now=NOON)
        finally:
            processor.execute("UPDATE notify.setting SET value = N'1' WHERE name = 'allow_test_clock';")
