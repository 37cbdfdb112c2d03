"""Rule 3's deletes by key snapshot: what vanished between two readings of all keys."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.procedures.shop import Shop, call, execute

import tsqlite
from notify.databases import Role
from notify.errors import DatabaseError

TABLE: dict[str, Any] = {
    "soft_delete": None,
    "key_snapshot_minutes": 10,
    "notice_columns": ["status", "amount"],
    "mass_delete_percent": 50,
}


@pytest.fixture
def keeping(shop: Shop) -> Shop:
    """Orders 1 to 3 were there before the activation, and are in the first snapshot."""
    for number in (1, 2, 3):
        shop.insert(number, "old", amount=number)
    shop.pass_time(600)
    shop.watch(table=TABLE)
    return shop


def deletes(shop: Shop, name: str = "order changed") -> list[tuple[str, str, str | None]]:
    return [(record, state, reason) for record, operation, state, reason in shop.changes(name) if operation == "D"]


def due(shop: Shop) -> None:
    """The next snapshot is due, and the replica has a new heartbeat."""
    shop.pass_time(600)


class TestDeletes:
    def test_activation_takes_the_first_snapshot(self, keeping: Shop) -> None:
        rows = keeping.ask("SELECT r.record_key FROM notify.key_scan_row AS r ORDER BY r.record_key;")
        assert [row["record_key"] for row in rows] == ['["1"]', '["2"]', '["3"]']

    def test_a_snapshot_is_due_after_its_minutes(self, keeping: Shop) -> None:
        assert keeping.compare_keys() == []
        due(keeping)
        assert [said["outcome"] for said in keeping.compare_keys()] == ["compared"]
        assert keeping.compare_keys() == []

    def test_a_vanished_record_is_a_delete_with_its_last_known_fields(self, keeping: Shop) -> None:
        keeping.delete(2)
        due(keeping)
        (said,) = keeping.compare_keys()
        assert (said["recorded"], said["pending"], said["vanished"]) == (1, 1, 1)
        assert deletes(keeping) == [("2", "pending", None)]
        batch, _ = keeping.claim() or pytest.fail("nothing to claim")
        (change,) = json.loads(batch["request"])["changes"]
        assert (change["operation"], change["fields"]) == ("D", {"status": "old", "amount": 2})
        assert keeping.decide(batch) == [("generate", None)]

    def test_it_is_told_once(self, keeping: Shop) -> None:
        keeping.delete(2)
        for _ in range(3):
            due(keeping)
            keeping.compare_keys()
        assert len(deletes(keeping)) == 1

    def test_the_version_of_a_delete_is_the_last_recorded_state(self, keeping: Shop) -> None:
        keeping.update(2, "new")
        due(keeping)
        keeping.detect()
        (update,) = keeping.ask("SELECT c.version FROM notify.change AS c WHERE c.operation = 'U';")
        keeping.delete(2)
        due(keeping)
        keeping.compare_keys()
        (delete,) = keeping.ask("SELECT c.version, c.fields FROM notify.change AS c WHERE c.operation = 'D';")
        assert delete["version"] == update["version"]
        assert json.loads(delete["fields"])["status"] == "new"

    def test_a_row_inserted_detected_and_deleted_between_two_snapshots_is_a_delete(self, keeping: Shop) -> None:
        keeping.insert(4)
        keeping.pass_time()
        keeping.detect()
        keeping.enqueue_all()
        keeping.delete(4)
        due(keeping)
        keeping.compare_keys()
        assert deletes(keeping) == [("4", "pending", None)]

    def test_a_record_deleted_and_inserted_again_between_two_snapshots_is_no_delete(self, keeping: Shop) -> None:
        keeping.delete(2)
        keeping.wait(60)
        keeping.insert(2)
        due(keeping)
        keeping.compare_keys()
        assert deletes(keeping) == []
        keeping.detect()
        assert [change[:2] for change in keeping.changes()] == [("2", "I")]

    def test_inserted_again_and_deleted_again_it_is_a_second_delete(self, keeping: Shop) -> None:
        for _ in range(2):
            keeping.delete(2)
            due(keeping)
            keeping.compare_keys()
            keeping.insert(2)
            due(keeping)
            keeping.detect()
            keeping.compare_keys()
        assert [change[1] for change in keeping.changes()] == ["D", "I", "D", "I"]

    def test_a_delete_of_a_row_that_did_not_meet_the_criteria_is_skipped(self, shop: Shop) -> None:
        shop.insert(1, "old")
        shop.pass_time(600)
        shop.watch(table=TABLE, where=[{"column": "status", "operator": "=", "value": "new"}])
        shop.delete(1)
        due(shop)
        shop.compare_keys()
        assert deletes(shop) == [("1", "skipped", "criteria")]


class TestReplicas:
    def test_a_replica_that_is_behind_the_snapshot_is_not_compared(self, keeping: Shop) -> None:
        behind = keeping.replica
        keeping.insert(4)
        due(keeping)
        keeping.compare_keys()
        keeping.wait(600)
        assert [said["outcome"] for said in keeping.compare_keys(behind)] == ["behind"]
        assert deletes(keeping) == []
        assert len(keeping.ask("SELECT r.record_key FROM notify.key_scan_row AS r;")) == 4

    def test_keys_are_not_read_with_every_cycle_while_the_replica_stands_still(self, keeping: Shop) -> None:
        due(keeping)
        keeping.compare_keys()
        keeping.wait(600)
        assert [said["outcome"] for said in keeping.compare_keys()] == ["behind"]
        keeping.wait(60)
        assert keeping.compare_keys() == []
        due(keeping)
        assert [said["outcome"] for said in keeping.compare_keys()] == ["compared"]

    def test_an_equal_heartbeat_proves_nothing(self, keeping: Shop) -> None:
        due(keeping)
        behind = keeping.replica
        keeping.insert(4)
        keeping.compare_keys(keeping.redo())
        keeping.wait(600)
        assert [said["outcome"] for said in keeping.compare_keys(behind)] == ["behind"]

    def test_a_record_that_a_later_snapshot_showed_alive_is_no_delete(self, keeping: Shop) -> None:
        due(keeping)
        between = keeping.replica
        keeping.insert(4)
        keeping.pass_time()
        keeping.detect()
        keeping.compare_keys(between)
        assert deletes(keeping) == []

    def test_a_record_that_was_inserted_again_after_the_reading_is_no_delete(self, keeping: Shop) -> None:
        keeping.delete(2)
        due(keeping)
        between = keeping.replica
        keeping.insert(2)
        keeping.pass_time()
        keeping.detect()
        keeping.compare_keys(between)
        assert [change[:2] for change in keeping.changes()] == [("2", "I")]


class TestMassDeletes:
    @pytest.fixture
    def crowd(self, shop: Shop) -> Shop:
        """Thirty orders, all of which vanish."""
        for number in range(30):
            shop.insert(number)
        shop.pass_time(600)
        shop.watch(table=TABLE)
        shop.change("DELETE dbo.orders;")
        due(shop)
        return shop

    def test_a_mass_of_vanished_records_is_held_with_an_alert(self, crowd: Shop) -> None:
        (said,) = crowd.compare_keys()
        assert (said["outcome"], bool(said["held"]), said["recorded"], said["vanished"]) == ("held", True, 0, 30)
        assert deletes(crowd) == []
        (alert,) = crowd.ask("SELECT a.subject, a.message FROM notify.alert AS a WHERE a.kind = 'key_scan';")
        assert alert["subject"] == "dbo.orders"
        assert "30 of 30 records" in alert["message"]

    def test_a_person_approves(self, crowd: Shop) -> None:
        crowd.compare_keys()
        (scan,) = crowd.ask("SELECT ks.key_scan_id FROM notify.key_scan AS ks WHERE ks.state = 'held';")
        (said,) = call(crowd.processor, "approve_held_deletes", key_scan_id=scan["key_scan_id"])[0]
        assert (said["outcome"], said["recorded"]) == ("compared", 30)
        assert len(deletes(crowd)) == 30
        with pytest.raises(DatabaseError, match="50041"):
            call(crowd.processor, "approve_held_deletes", key_scan_id=scan["key_scan_id"])

    def test_what_is_held_is_read_again_at_the_snapshots_own_cadence(self, crowd: Shop) -> None:
        """Not with every cycle: the number in the alert's mail would be another one before a person has read it."""
        crowd.compare_keys()
        (scan,) = crowd.ask("SELECT ks.key_scan_id FROM notify.key_scan AS ks WHERE ks.state = 'held';")
        crowd.pass_time(300)
        assert crowd.compare_keys() == []
        (said,) = call(crowd.processor, "approve_held_deletes", key_scan_id=scan["key_scan_id"])[0]
        assert said["recorded"] == 30

    def test_who_has_no_snapshot_yet_takes_the_one_that_is_held(self, crowd: Shop) -> None:
        """Else its first one would be due with every cycle, a reading of the whole table each."""
        crowd.define("late comer", on=["update"], table=TABLE)
        crowd.activate("late comer")
        crowd.define("late comer", table=TABLE)  # deletes, too
        assert [said["outcome"] for said in crowd.compare_keys()] == ["held"]
        crowd.pass_time()
        assert crowd.compare_keys() == []
        crowd.insert(99)
        due(crowd)
        crowd.compare_keys()
        crowd.delete(99)
        (scan,) = crowd.ask("SELECT ks.key_scan_id FROM notify.key_scan AS ks WHERE ks.state = 'held';")
        call(crowd.processor, "approve_held_deletes", key_scan_id=scan["key_scan_id"])
        due(crowd)
        crowd.compare_keys()
        assert len(deletes(crowd)) == 30 + 1
        assert deletes(crowd, "late comer") == [("99", "pending", None)]

    def test_records_that_come_back_were_never_deleted(self, crowd: Shop) -> None:
        crowd.compare_keys()
        for number in range(30):
            crowd.insert(number, created_at="2026-03-02 08:00:00", modified_at="2026-03-02 08:00:00")
        due(crowd)
        assert [said["outcome"] for said in crowd.compare_keys()] == ["compared"]
        assert deletes(crowd) == []
        assert crowd.ask("SELECT ks.state FROM notify.key_scan AS ks WHERE ks.state = 'held';") == []
        assert (
            crowd.ask("SELECT a.kind FROM notify.alert AS a WHERE a.kind = 'key_scan' AND a.cleared_at IS NULL;") == []
        )

    def test_a_handful_is_never_a_mass(self, keeping: Shop) -> None:
        keeping.change("DELETE dbo.orders;")
        due(keeping)
        assert [said["outcome"] for said in keeping.compare_keys()] == ["compared"]
        assert len(deletes(keeping)) == 3


class TestReadings:
    def test_a_piece_may_be_repeated(self, keeping: Shop) -> None:
        due(keeping)
        (scan,) = call(keeping.processor, "get_key_scans", run_id=1)[0]
        _, rows = call(keeping.replica, "read_keys", request=scan["request"])
        for _ in range(2):
            (said,) = call(keeping.processor, "record_keys", key_scan_id=scan["key_scan_id"], rows=rows)[0]
        assert said["row_count"] == 3

    def test_a_key_that_is_too_long_is_refused_never_cut(self, keeping: Shop) -> None:
        due(keeping)
        (scan,) = call(keeping.processor, "get_key_scans", run_id=1)[0]
        rows = [{"record_key": "x" * length, "record_match": "x", "state_stamp": "2026"} for length in (450, 451)]
        call(keeping.processor, "record_keys", key_scan_id=scan["key_scan_id"], rows=rows[:1])
        with pytest.raises(DatabaseError, match="50022"):
            call(keeping.processor, "record_keys", key_scan_id=scan["key_scan_id"], rows=rows)

    def test_a_later_run_takes_over_a_reading_that_did_not_end(self, keeping: Shop) -> None:
        due(keeping)
        (first,) = call(keeping.processor, "get_key_scans", run_id=1)[0]
        (second,) = call(keeping.processor, "get_key_scans", run_id=2)[0]
        with pytest.raises(DatabaseError, match="50040"):
            call(keeping.processor, "record_keys", key_scan_id=first["key_scan_id"], rows=[])
        with pytest.raises(DatabaseError, match="50040"):
            call(keeping.processor, "compare_keys", key_scan_id=first["key_scan_id"], beat=1000)
        assert second["key_scan_id"] > first["key_scan_id"]

    def test_rows_of_readings_that_ended_are_deleted_but_for_the_one_that_is_the_snapshot(self, keeping: Shop) -> None:
        for _ in range(2):
            due(keeping)
            keeping.compare_keys()
        (stored,) = keeping.ask("SELECT stored.key_scan_id FROM notify.key_snapshot AS stored;")
        assert keeping.ask("SELECT r.key_scan_id, COUNT(*) AS rows FROM notify.key_scan_row AS r GROUP BY r.key_scan_id;") == [
            {"key_scan_id": stored["key_scan_id"], "rows": 3}
        ]  # fmt: skip

    def test_a_call_deletes_a_bounded_number_and_a_purge_goes_on(self, keeping: Shop) -> None:
        """The old reading of a large table is not one call's to delete: a cycle would wait for it, and time out."""

        def held() -> list[int]:
            counted = keeping.ask(
                "SELECT COUNT(*) AS rows FROM notify.key_scan_row AS r GROUP BY r.key_scan_id ORDER BY r.key_scan_id;"
            )
            return [row["rows"] for row in counted]

        (stored,) = keeping.ask("SELECT stored.key_scan_id FROM notify.key_snapshot AS stored;")
        for rows in (9000, 1):
            (reading,) = keeping.ask(
                "INSERT notify.key_scan (watched_table_id, run_id, state, started_at, ended_at)"
                " OUTPUT inserted.key_scan_id"
                " SELECT ks.watched_table_id, ks.run_id, 'discarded', ks.started_at, ks.started_at FROM notify.key_scan AS ks"
                " WHERE ks.key_scan_id = ?;",
                stored["key_scan_id"],
            )
            keeping.ask(
                "WITH ten AS (SELECT v.n FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS v (n))"
                " INSERT notify.key_scan_row (key_scan_id, record_key, record_match, state_stamp)"
                " SELECT TOP (?) ?, N'[\"' + n.number + N'\"]', N'[\"' + n.number + N'\"]', '2026' FROM ("
                "SELECT CONVERT(nvarchar(10), 1000 * a.n + 100 * b.n + 10 * c.n + d.n) AS number"
                " FROM ten AS a CROSS JOIN ten AS b CROSS JOIN ten AS c CROSS JOIN ten AS d) AS n;",
                rows,
                reading["key_scan_id"],
            )
        seen = []
        for _ in range(5):
            seen.append(held())
            (more,) = keeping.ask(
                "DECLARE @more bit; EXECUTE notify.clear_key_scans @steps = 1, @has_more = @more OUTPUT; SELECT @more AS more;"
            )
        assert seen == [[3, 9000, 1], [3, 5000, 1], [3, 1000, 1], [3, 1], [3]]
        assert not more["more"]
        assert not call(keeping.processor, "purge_processor")[0][0]["has_more"]

    @pytest.mark.only_in("tsqlite", "pyodbc", because="its rival comes in between two statements of a procedure")
    def test_rows_that_a_rival_holds_are_left_to_the_next_sweep(self, keeping: Shop) -> None:
        """What was compared is compared: a lock in the way of the sweeping behind it does not fail it."""
        due(keeping)
        rival = keeping.guest(Role.PROCESSOR)
        keeping.ask("SET LOCK_TIMEOUT 0;")

        def hold(reached: tsqlite.Boundary) -> None:
            if reached.phase == "before" and reached.kind == "Delete" and not held:
                held.append(True)
                execute(rival, "BEGIN TRANSACTION; UPDATE notify.key_scan_row SET fields = fields;")

        (scan,) = call(keeping.processor, "get_key_scans", run_id=1)[0]
        position, rows = call(keeping.replica, "read_keys", request=scan["request"])
        call(keeping.processor, "record_keys", key_scan_id=scan["key_scan_id"], rows=rows)
        held: list[bool] = []
        stop = tsqlite.on_statement(hold)
        try:
            (said,) = call(
                keeping.processor, "compare_keys", key_scan_id=scan["key_scan_id"], beat=position[0]["beat"]
            )[0]
        finally:
            stop()
            keeping.ask("SET LOCK_TIMEOUT -1;")
        execute(rival, "ROLLBACK TRANSACTION;")
        assert (held, said["outcome"]) == ([True], "compared")
        assert len(keeping.ask("SELECT DISTINCT r.key_scan_id FROM notify.key_scan_row AS r;")) == 2
        due(keeping)
        keeping.compare_keys()
        assert len(keeping.ask("SELECT DISTINCT r.key_scan_id FROM notify.key_scan_row AS r;")) == 1

    def test_deletes_of_a_paused_notification_are_told_when_it_is_resumed(self, keeping: Shop) -> None:
        keeping.define("other", table=TABLE)
        keeping.activate("other")
        call(keeping.processor, "pause_notification", name="order changed")
        keeping.delete(2)
        due(keeping)
        keeping.compare_keys()
        call(keeping.processor, "resume_notification", name="order changed", policy="catch_up", scans=None)
        assert deletes(keeping) == deletes(keeping, "other") == [("2", "pending", None)]

    def test_a_notification_that_is_activated_later_gets_no_delete_of_before(self, keeping: Shop) -> None:
        keeping.delete(1)
        keeping.pass_time()
        keeping.define("late comer", table=TABLE)
        keeping.activate("late comer")
        keeping.delete(2)
        due(keeping)
        keeping.compare_keys()
        assert [record for record, _, _ in deletes(keeping)] == ["1", "2"]
        assert [record for record, _, _ in deletes(keeping, "late comer")] == ["2"]


class TestSecondNotification:
    """Each notification has a key snapshot of its own until the next comparison."""

    @staticmethod
    def late_comer(shop: Shop) -> None:
        shop.define("late comer", table=TABLE)
        shop.activate("late comer")

    def test_a_row_inserted_before_its_activation_and_deleted_before_the_next_reading_is_told(
        self, keeping: Shop
    ) -> None:
        keeping.insert(4)
        keeping.pass_time()
        keeping.detect()
        keeping.pass_time()
        self.late_comer(keeping)
        keeping.delete(4)
        due(keeping)
        keeping.compare_keys()
        assert deletes(keeping, "late comer") == deletes(keeping) == [("4", "pending", None)]

    def test_so_is_one_that_the_others_never_saw(self, keeping: Shop) -> None:
        keeping.insert(4, created_at="2026-03-02 08:00:00", modified_at="2026-03-02 08:00:00")
        keeping.pass_time()
        self.late_comer(keeping)
        keeping.delete(4)
        due(keeping)
        keeping.compare_keys()
        assert deletes(keeping, "late comer") == [("4", "pending", None)]
        assert deletes(keeping) == []

    def test_a_row_that_did_not_meet_its_criteria_then_is_skipped(self, keeping: Shop) -> None:
        keeping.insert(4, "new", created_at="2026-03-02 08:00:00", modified_at="2026-03-02 08:00:00")
        keeping.pass_time()
        keeping.define("late comer", table=TABLE, where=[{"column": "status", "operator": "=", "value": "old"}])
        keeping.activate("late comer")
        keeping.delete(4)
        due(keeping)
        keeping.compare_keys()
        assert deletes(keeping, "late comer") == [("4", "skipped", "criteria")]

    def test_a_reading_between_the_two_snapshots_is_compared_for_the_first_alone(self, keeping: Shop) -> None:
        keeping.delete(1)
        due(keeping)
        between = keeping.replica
        keeping.insert(4)
        keeping.pass_time()
        self.late_comer(keeping)
        assert [said["outcome"] for said in keeping.compare_keys(between)] == ["compared"]
        assert [record for record, _, _ in deletes(keeping)] == ["1"]
        assert deletes(keeping, "late comer") == []
        keeping.delete(4)
        due(keeping)
        keeping.compare_keys()
        assert [record for record, _, _ in deletes(keeping, "late comer")] == ["4"]

    def test_an_activation_that_was_not_finished_leaves_no_rows_behind(self, keeping: Shop) -> None:
        keeping.define("late comer", table=TABLE)
        _, keys = call(keeping.processor, "get_activation", name="late comer")
        _, rows = call(keeping.replica, "read_keys", request=keys[0]["request"])
        call(keeping.processor, "record_keys", key_scan_id=keys[0]["key_scan_id"], rows=rows)
        due(keeping)
        keeping.compare_keys()
        assert len(keeping.ask("SELECT DISTINCT r.key_scan_id FROM notify.key_scan_row AS r;")) == 2
        keeping.pass_time(86400)
        keeping.compare_keys()
        assert len(keeping.ask("SELECT DISTINCT r.key_scan_id FROM notify.key_scan_row AS r;")) == 1


class TestLateReplicas:
    def test_an_insert_that_a_replica_behind_the_snapshot_shows_is_not_forgotten_by_the_next_comparison(
        self, keeping: Shop
    ) -> None:
        keeping.insert(4)
        keeping.pass_time()
        behind = keeping.replica
        keeping.delete(4)
        due(keeping)
        ahead = keeping.replica
        keeping.compare_keys()
        keeping.replica = behind
        keeping.detect()
        keeping.enqueue_all()
        keeping.replica = ahead
        due(keeping)
        keeping.compare_keys()
        assert [change[:2] for change in keeping.changes()] == [("4", "I"), ("4", "D")]


class TestSkippedPauses:
    """What was deleted while a notification was paused is history, once it is resumed with skip."""

    @pytest.fixture
    def paused(self, keeping: Shop) -> Shop:
        """Order 4 was recorded alive; then the notification was paused, and the order deleted."""
        keeping.insert(4)
        keeping.pass_time()
        self.behind = keeping.replica
        keeping.detect()
        call(keeping.processor, "pause_notification", name="order changed")
        keeping.delete(4)
        return keeping

    @staticmethod
    def resume(shop: Shop) -> None:
        call(shop.processor, "resume_notification", name="order changed", policy="skip", **shop.read_activation())

    def test_keys_that_were_read_with_the_heartbeat_of_a_recorded_change_are_no_baseline(self, paused: Shop) -> None:
        paused.redo()
        with pytest.raises(DatabaseError, match="50014"):
            self.resume(paused)
        paused.pass_time()
        self.resume(paused)
        due(paused)
        paused.compare_keys()
        assert deletes(paused) == []

    def test_a_replica_behind_that_records_something_later_does_not_bring_it_up_again(self, paused: Shop) -> None:
        paused.pass_time()
        self.resume(paused)
        ahead, paused.replica = paused.replica, self.behind
        record = {"record_key": '["5"]', "record_match": '["5"]', "stamp": "2026-03-02 09:00:00.0000000"}
        state = {"created_stamp": record["stamp"], "state_stamp": record["stamp"], "state_hash": "A", "matches": "[1]"}
        for scan in paused.scans():
            page = paused.read(scan)
            page["rows"] = [record | state | {"ordinal": 1, "is_deleted": 0}]
            paused.ask("UPDATE notify.watermark SET baseline_beat = 0;")
            paused.record(page)
        paused.replica = ahead
        due(paused)
        paused.compare_keys()
        assert deletes(paused) == [("5", "pending", None)]


class TestStampsOfNoMeaning:
    VISIT: dict[str, Any] = {
        "soft_delete": None,
        "created": None,
        "key_snapshot_minutes": 10,
        "notice_columns": ["note"],
    }

    def test_rows_without_a_stamp_have_deletes_too(self, shop: Shop) -> None:
        shop.change(
            "CREATE TABLE dbo.tag (tag_id integer NOT NULL PRIMARY KEY, note nvarchar(50) NULL, seen_at datetime2(3) NULL,"
            " INDEX ix_tag (seen_at));"
        )
        shop.change("INSERT dbo.tag VALUES (1, N'a', NULL), (2, N'b', NULL);")
        shop.pass_time(600)
        shop.watch(on=["delete"], table=self.VISIT | {"name": "tag", "modified": ["seen_at"]})
        shop.change("DELETE dbo.tag WHERE tag_id = 2;")
        due(shop)
        shop.compare_keys()
        assert deletes(shop) == [("2", "pending", None)]
        shop.change("INSERT dbo.tag VALUES (2, N'c', ?);", shop.now)
        shop.pass_time()
        shop.detect()
        assert [change[:2] for change in shop.changes()] == [("2", "D"), ("2", "U")]

    def test_the_first_moment_of_all_in_local_time(self, shop: Shop) -> None:
        """Applications write it where they know none; an hour before it there is no time."""
        shop.change("INSERT dbo.visit (visit_id, modified_local) VALUES (1, '0001-01-01');")
        shop.pass_time(600)
        table = self.VISIT | {
            "name": "visit", "modified": ["modified_local"], "time_zone": "Central European Standard Time"
        }  # fmt: skip
        shop.watch(on=["update", "delete"], table=table)
        shop.change("DELETE dbo.visit;")
        due(shop)
        shop.compare_keys()
        assert deletes(shop) == [("1", "pending", None)]
        local = shop.now.replace(hour=shop.now.hour + 1)
        shop.change("INSERT dbo.visit (visit_id, modified_local) VALUES (1, ?);", local)
        shop.pass_time()
        shop.detect()
        due(shop)
        shop.compare_keys()
        assert [change[:2] for change in shop.changes()] == [("1", "D"), ("1", "U")]


class TestPages:
    ROWS = 4100

    @pytest.fixture
    def large(self, shop: Shop) -> Shop:
        """More rows than a page of deletes; then all but one vanish, and the reading is recorded."""
        shop.watch(table=TABLE | {"mass_delete_percent": 100, "mass_delete_rows": 1000000})
        due(shop)
        (scan,) = call(shop.processor, "get_key_scans", run_id=1)[0]
        rows = [self.key(number) for number in range(self.ROWS)]
        for first in range(0, self.ROWS, 4000):
            call(shop.processor, "record_keys", key_scan_id=scan["key_scan_id"], rows=rows[first : first + 4000])
        call(shop.processor, "compare_keys", key_scan_id=scan["key_scan_id"], beat=1000)
        shop.wait(600)
        (scan,) = call(shop.processor, "get_key_scans", run_id=2)[0]
        call(shop.processor, "record_keys", key_scan_id=scan["key_scan_id"], rows=rows[7:8])
        self.scan = scan["key_scan_id"]
        return shop

    @staticmethod
    def key(number: int) -> dict[str, Any]:
        key = json.dumps([str(number)])
        return {"record_key": key, "record_match": key, "state_stamp": "2026-03-02 07:00:00.0000000", "matches": "[1]"}

    def stored(self, shop: Shop) -> int:
        (row,) = shop.ask(
            "SELECT COUNT(*) AS rows FROM notify.key_snapshot AS stored"
            " JOIN notify.key_scan_row AS r ON r.key_scan_id = stored.key_scan_id;"
        )
        return int(row["rows"])

    def test_a_comparison_that_dies_between_two_pages_leaves_the_snapshot_whole(self, large: Shop) -> None:
        large.ask(
            "DECLARE @outcome varchar(10), @snapshots nvarchar(max), @base bigint = 0, @after nvarchar(450),"
            " @recorded int = 0, @pending int = 0, @superseded int = 0;"
            "EXECUTE notify.begin_comparison @key_scan_id = ?, @beat = 2000, @outcome = @outcome OUTPUT,"
            " @snapshots = @snapshots OUTPUT;"
            "EXECUTE notify.record_vanished @key_scan_id = ?, @snapshots = @snapshots, @base_key_scan_id = @base OUTPUT,"
            " @after_match = @after OUTPUT, @recorded = @recorded OUTPUT, @pending = @pending OUTPUT,"
            " @superseded = @superseded OUTPUT;",
            self.scan, self.scan,
        )  # fmt: skip
        assert len(deletes(large)) == 4000
        assert self.stored(large) == self.ROWS
        # The next run reads anew, and compares with the old snapshot; a record has come back meanwhile.
        (scan,) = call(large.processor, "get_key_scans", run_id=3)[0]
        rows = [self.key(7), self.key(self.ROWS - 1)]
        call(large.processor, "record_keys", key_scan_id=scan["key_scan_id"], rows=rows)
        (said,) = call(large.processor, "compare_keys", key_scan_id=scan["key_scan_id"], beat=3000)[0]
        told = [record for record, _, _ in deletes(large)]
        assert said["recorded"] + 4000 == len(told) == len(set(told))
        assert self.stored(large) == 2

    def test_all_pages_are_recorded(self, large: Shop) -> None:
        (said,) = call(large.processor, "compare_keys", key_scan_id=self.scan, beat=2000)[0]
        assert (said["outcome"], said["recorded"], said["vanished"]) == ("compared", self.ROWS - 1, self.ROWS - 1)
        assert self.stored(large) == 1

    def test_a_piece_of_more_rows_than_a_page_is_refused(self, large: Shop) -> None:
        rows = [self.key(number) for number in range(4001)]
        with pytest.raises(Exception, match="50015"):
            call(large.processor, "record_keys", key_scan_id=self.scan, rows=rows)
