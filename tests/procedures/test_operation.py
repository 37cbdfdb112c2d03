"""What operators ask of the processor: runs, alerts, status, one record's story, re-queueing, previews, purging."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from tests.procedures.definition import activate, definition, know, query, saved, scan, seen

from notify.databases import Connection
from notify.errors import ProcedureError
from notify.procedures import call

NOW = datetime.datetime(2026, 3, 2, 12, 0)
LATER = "2026-03-02 08:00:01.0000000"


@pytest.fixture(autouse=True)
def watching(processor: Connection) -> None:
    know(processor)
    saved(processor, definition())
    call(processor, "notify.set_test_clock", now=NOW)
    activate(processor)


def wait(connection: Connection, days: float) -> None:
    call(connection, "notify.set_test_clock", now=NOW + datetime.timedelta(days=days))


def change(
    connection: Connection, record: str, operation: str, number: int, state: str = "enqueued", reason: str | None = None
) -> None:
    """A recorded change whose state stamp is that of second `number`."""
    stamp = f"2026-03-02 09:00:{number:02d}.0000000"
    is_final = state in ("enqueued", "skipped", "failed", "superseded")
    connection.execute(
        "INSERT notify.change (change_key, notification_id, record_key, record_match, operation, version, state_stamp,"
        " state_hash, beat, state, reason, due_at, detected_at, completed_at) SELECT HASHBYTES('SHA2_256', ? + ? + ?),"
        " n.notification_id, ?, UPPER(?), ?, ?, ?, 'h', 7, ?, ?, ?, ?, ? FROM notify.notification AS n;",
        (
            record, operation, stamp, f'["{record}"]', f'["{record}"]', operation, stamp, stamp, state,
            reason or ("x" if state in ("failed", "skipped", "superseded", "waiting") else None),
            NOW, NOW, NOW if is_final else None,
        ),
    )  # fmt: skip


def left(connection: Connection) -> list[tuple[Any, ...]]:
    return query(connection, "SELECT record_key, operation, state FROM notify.change ORDER BY change_id;")


class TestRuns:
    def test_a_run_is_opened_and_closed_once(self, processor: Connection) -> None:
        run_id = call(processor, "notify.begin_run", host="here", process_id=7)[0].one()["run_id"]
        call(processor, "notify.end_run", run_id=run_id, outcome="ok", summary="3 changes")
        with pytest.raises(ProcedureError) as error:
            call(processor, "notify.end_run", run_id=run_id, outcome="ok", summary="again")
        assert error.value.number == 50012
        (run,) = call(processor, "notify.status")[2].records()
        assert (run["host"], run["outcome"], run["summary"]) == ("here", "ok", "3 changes")

    def test_what_went_only_partly_raises_an_alert_that_the_next_good_run_clears(self, processor: Connection) -> None:
        for outcome, alerts in (("partly", 1), ("failed", 1), ("ok", 0)):
            run_id = call(processor, "notify.begin_run", host="here", process_id=7)[0].one()["run_id"]
            call(processor, "notify.end_run", run_id=run_id, outcome=outcome, summary="because")
            found = call(processor, "notify.status")[3].records()
            assert len(found) == alerts
        assert query(processor, "SELECT raise_count, severity FROM notify.alert;") == [(2, "error")]

    def test_the_batch_of_a_worker_that_died_comes_back(self, processor: Connection) -> None:
        change(processor, "1", "U", 1, "pending")
        claimed = call(processor, "notify.claim_batch", run_id=1, worker="w", batch_size=10, lease_seconds=60)
        assert claimed[0].one()["change_count"] == 1
        again = call(processor, "notify.begin_run", host="here", process_id=7)[0].one()
        assert (again["expired_batches"], again["expired_changes"]) == (0, 0)
        wait(processor, 0.1)
        swept = call(processor, "notify.begin_run", host="here", process_id=7)[0].one()
        assert (swept["expired_batches"], swept["expired_changes"]) == (1, 1)
        assert left(processor) == [('["1"]', "U", "pending")]


class TestAlerts:
    def test_the_same_one_is_counted_and_told_once(self, processor: Connection) -> None:
        for number in range(3):
            call(
                processor,
                "notify.raise_alert",
                kind="change",
                subject="n",
                severity="warning",
                message=f"{number} failed",
            )
        (alert,) = call(processor, "notify.status")[3].records()
        assert (alert["raise_count"], alert["message"]) == (3, "2 failed")
        take = "DECLARE @s nvarchar(256), @b nvarchar(max); EXECUTE notify.take_alerts @s OUTPUT, @b OUTPUT; SELECT @b AS body;"
        assert query(processor, take) == [("warning: change (n)\r\n2 failed",)]
        assert query(processor, take) == [(None,)]

    def test_once_cleared_it_is_a_new_one(self, processor: Connection) -> None:
        call(processor, "notify.raise_alert", kind="change", subject="n", severity="warning", message="a")
        call(processor, "notify.clear_alert", kind="change", subject="n")
        call(processor, "notify.raise_alert", kind="change", subject="n", severity="error", message="b")
        assert query(processor, "SELECT COUNT(*), COUNT(cleared_at) FROM notify.alert;") == [(2, 1)]


class TestStatus:
    def test_it_counts_what_is_open_and_what_failed(self, processor: Connection) -> None:
        for number, state in enumerate(("pending", "pending", "waiting", "failed", "enqueued")):
            change(processor, str(number), "U", number, state)
        row = call(processor, "notify.status")[0].one()
        assert (row["pending"], row["waiting"], row["claimed"], row["failed"]) == (2, 1, 0, 1)
        assert row["table_name"] == "dbo.listing"

    def test_it_says_how_far_each_column_is_seen(self, processor: Connection) -> None:
        scans = call(processor, "notify.status")[1].records()
        assert [(row["column_name"], row["low_stamp"]) for row in scans] == [
            ("created_at", "2026-03-02 08:00:00.0000000"),
            ("modified_at", "2026-03-02 08:00:00.0000000"),
        ]


class TestStory:
    @pytest.mark.parametrize("key", ["ab", '["ab"]', '["AB"]'])
    def test_a_record_is_found_as_people_write_its_key(self, processor: Connection, key: str) -> None:
        change(processor, "ab", "I", 1)
        change(processor, "ab", "U", 2, "failed", "template: no field 'prize'")
        change(processor, "other", "U", 3)
        found = call(processor, "notify.explain_changes", record_key=key)
        assert [(row["operation"], row["state"], row["reason"]) for row in found[0].records()] == [
            ("I", "enqueued", None),
            ("U", "failed", "template: no field 'prize'"),
        ]

    def test_it_says_what_is_watched_also_when_nothing_was_recorded(self, processor: Connection) -> None:
        found = call(processor, "notify.explain_changes", record_key="42", table="dbo.listing")
        assert found[0].rows == []
        assert {row["column_name"] for row in found[2].records()} == {"created_at", "modified_at"}

    def test_requeueing_is_part_of_it(self, processor: Connection) -> None:
        change(processor, "1", "U", 1, "failed")
        call(processor, "notify.requeue_changes", notification="listing_changed")
        history = call(processor, "notify.explain_changes", record_key="1")[1].records()
        assert [(row["from_state"], row["to_state"], row["reason"]) for row in history] == [
            ("failed", "pending", "requeued")
        ]


class TestRequeueing:
    def test_only_failed_ones_of_the_notification_and_reason_asked_for(self, processor: Connection) -> None:
        change(processor, "1", "U", 1, "failed", "template: x")
        change(processor, "2", "U", 1, "failed", "deadline")
        change(processor, "3", "U", 1, "skipped", "template: x")
        done = call(processor, "notify.requeue_changes", notification="listing_changed", reason="template")
        assert done[0].one()["requeued"] == 1
        assert [state for _, _, state in left(processor)] == ["pending", "failed", "skipped"]

    def test_an_unknown_notification_is_refused(self, processor: Connection) -> None:
        with pytest.raises(ProcedureError) as error:
            call(processor, "notify.requeue_changes", notification="listing_chnged")
        assert error.value.number == 50003 and "listing_changed" in str(error.value)


class TestPreview:
    def test_it_is_what_extraction_would_ask_for_one_record(self, processor: Connection) -> None:
        row = call(processor, "notify.get_preview", name="listing_changed", record_key="42", operation="U")[0].one()
        request = json.loads(row["request"])
        assert request["merge_procedure"] == "notify_extract.merge_fields_listing"
        assert request["criteria"] == [{"column": "status", "operator": "=", "value": ["active"]}]
        assert request["changes"] == [{"change_number": 1, "key": ["42"], "operation": "U", "version": ""}]
        assert json.loads(row["channels"]) == [{"channel": "email", "template": "listing.html.mako"}]
        assert (json.loads(row["key_columns"]), row["stamp_column"]) == (["listing_id"], "created_at")

    def test_without_a_record_the_caller_chooses(self, processor: Connection) -> None:
        row = call(processor, "notify.get_preview", name="listing_changed")[0].one()
        assert json.loads(row["request"])["changes"] == []


class TestPurging:
    def purge(self, connection: Connection) -> dict[str, Any]:
        return call(connection, "notify.purge_processor", older_than_days=30, batch_size=100)[0].one()

    def test_what_a_later_change_is_judged_by_stays(self, processor: Connection) -> None:
        for number, operation in enumerate("IUU"):
            change(processor, "1", operation, number)
        wait(processor, 31)
        assert self.purge(processor)["changes"] == 1
        assert left(processor) == [('["1"]', "I", "enqueued"), ('["1"]', "U", "enqueued")]
        assert self.purge(processor)["changes"] == 0

    def test_what_is_young_or_open_stays(self, processor: Connection) -> None:
        change(processor, "1", "U", 1)
        change(processor, "1", "U", 2)
        wait(processor, 29)
        assert self.purge(processor)["changes"] == 0
        change(processor, "2", "U", 1, "pending")
        change(processor, "2", "U", 2, "pending")
        wait(processor, 31)
        assert self.purge(processor)["changes"] == 1

    def test_a_record_that_is_long_gone_goes_wholly(self, processor: Connection) -> None:
        for number, operation in enumerate("IUD"):
            change(processor, "1", operation, number)
        wait(processor, 31)
        assert self.purge(processor)["changes"] == 3

    def test_a_softly_deleted_row_may_come_back_and_keeps_its_insert(self, processor: Connection) -> None:
        saved(processor, definition({"soft_delete": {"column": "is_deleted", "value": 1}}))
        for number, operation in enumerate("IUD"):
            change(processor, "1", operation, number)
        wait(processor, 31)
        assert self.purge(processor)["changes"] == 1
        assert [operation for _, operation, _ in left(processor)] == ["I", "D"]

    def test_of_a_retired_notification_nothing_is_needed(self, processor: Connection) -> None:
        change(processor, "1", "I", 1)
        call(processor, "notify.retire_notification", name="listing_changed")
        wait(processor, 31)
        assert self.purge(processor)["changes"] == 1

    def test_its_history_goes_with_a_change_and_old_runs_go(self, processor: Connection) -> None:
        saved(processor, definition(name="second"))
        activate(processor, scan("created_at", seen(1, LATER)), scan("modified_at"), name="second")
        call(processor, "notify.retire_notification", name="second")
        call(processor, "notify.begin_run", host="here", process_id=7)
        wait(processor, 31)
        done = self.purge(processor)
        assert (done["changes"], done["history"], done["runs"], done["has_more"]) == (1, 1, 1, False)

    def test_each_step_goes_on_behind_the_last_one_past_what_is_kept(self, processor: Connection) -> None:
        for number in range(6):
            change(processor, str(number), "I", number)
        for number in range(6, 9):
            change(processor, "6", "U", number)
        wait(processor, 31)

        def step() -> tuple[int, bool]:
            done = call(processor, "notify.purge_processor", older_than_days=30, batch_size=2)[0].one()
            return done["changes"], bool(done["has_more"])

        assert [step() for _ in range(5)] == [(0, True), (0, True), (0, True), (2, True), (0, False)]
        assert step() == (0, True)  # the next pass begins at the oldest again

    def test_a_job_ends_when_nothing_is_left(self, processor: Connection) -> None:
        for number in range(5):
            change(processor, str(number), "I", number)
        wait(processor, 31)
        results = processor.execute(
            "DECLARE @step int = 0, @has_more bit = 1; WHILE @has_more = 1 AND @step < 20 BEGIN"
            " EXECUTE notify.purge_processor @older_than_days = 30, @batch_size = 2, @has_more = @has_more OUTPUT;"
            " SET @step += 1; END; SELECT @step AS steps;"
        )
        assert results[-1].one()["steps"] == 3

    def test_the_last_delete_of_a_record_goes_after_all_else_of_it(self, processor: Connection) -> None:
        for number, operation in enumerate("IUD"):
            change(processor, "1", operation, number)
        processor.execute(
            "UPDATE notify.change SET completed_at = DATEADD(DAY, 1, completed_at) WHERE operation = 'U';"
        )
        wait(processor, 32)
        deleted = [
            call(processor, "notify.purge_processor", older_than_days=30, batch_size=1)[0].one()["changes"]
            for _ in range(8)
        ]
        assert sum(deleted) == 3

    def test_history_goes_in_steps_before_its_changes(self, processor: Connection) -> None:
        change(processor, "1", "U", 1)
        change(processor, "1", "U", 2)
        processor.execute(
            "INSERT notify.change_history (change_id, to_state, changed_at) SELECT TOP (25) 0, 'waiting', ?"
            " FROM sys.columns AS many;"
            "UPDATE notify.change_history SET change_id = (SELECT MIN(c.change_id) FROM notify.change AS c) WHERE change_id = 0;",
            (NOW,),
        )
        wait(processor, 31)

        def step() -> tuple[int, int, bool]:
            done = call(processor, "notify.purge_processor", older_than_days=30, batch_size=2)[0].one()
            return done["changes"], done["history"], bool(done["has_more"])

        assert [step() for _ in range(3)] == [(0, 20, True), (1, 5, True), (0, 0, False)]
        assert [operation for _, operation, _ in left(processor)] == ["U"]

    @pytest.mark.parametrize("kind", ["runs", "alerts", "outcomes", "batches"])
    def test_the_first_rows_are_looked_at_and_the_young_among_them_stay(self, processor: Connection, kind: str) -> None:
        def add() -> None:
            call(processor, "notify.begin_run", host="here", process_id=7)
            call(processor, "notify.raise_alert", kind="change", subject="n", severity="warning", message="a")
            call(processor, "notify.clear_alert", kind="change", subject="n")
            processor.execute(
                "INSERT notify.outcome_copy (attempt_id, dedupe_key, gateway, copied_at)"
                " SELECT NEWID(), 0x00, N'g', notify.utc_now();"
                "INSERT notify.batch (batch_id, lease_token, notification_id, worker, state, change_count, claimed_at,"
                " leased_until, closed_at) SELECT NEWID(), NEWID(), n.notification_id, N'w', 'completed', 1,"
                " notify.utc_now(), notify.utc_now(), notify.utc_now() FROM notify.notification AS n;"
            )

        for _ in range(3):
            add()
        wait(processor, 31)
        add()

        def step() -> int:
            return int(call(processor, "notify.purge_processor", older_than_days=30, batch_size=2)[0].one()[kind])

        assert [step() for _ in range(3)] == [2, 1, 0]

    def test_readings_of_keys_go_but_not_the_snapshot(self, processor: Connection) -> None:
        processor.execute(
            "INSERT notify.key_scan (watched_table_id, state, started_at, ended_at)"
            " SELECT wt.watched_table_id, 'discarded', ?, ? FROM notify.watched_table AS wt;"
            "INSERT notify.key_scan (watched_table_id, state, beat, vanished_count, started_at, ended_at)"
            " SELECT wt.watched_table_id, 'compared', 1, 0, ?, ? FROM notify.watched_table AS wt;"
            "INSERT notify.key_snapshot (notification_id, key_scan_id, taken_at, after_change_id)"
            " SELECT n.notification_id, ks.key_scan_id, ks.ended_at, 0 FROM notify.notification AS n"
            " JOIN notify.key_scan AS ks ON ks.state = 'compared';",
            (NOW, NOW, NOW, NOW),
        )
        wait(processor, 31)
        assert self.purge(processor)["key_scans"] == 1
        assert query(processor, "SELECT state FROM notify.key_scan;") == [("compared",)]

    def test_a_week_is_the_least(self, processor: Connection) -> None:
        with pytest.raises(ProcedureError) as error:
            call(processor, "notify.purge_processor", older_than_days=6, batch_size=100)
        assert error.value.number == 50013


def test_the_states_of_a_change_are_held_by_the_table_itself(processor: Connection) -> None:
    for state, reason in (("claimed", None), ("skipped", None), ("sent", "x")):
        with pytest.raises(Exception, match="CHECK constraint"):
            processor.execute(
                "INSERT notify.change (change_key, notification_id, record_key, record_match, operation, version,"
                " state_stamp, state_hash, beat, state, reason, due_at, detected_at, completed_at)"
                " SELECT HASHBYTES('SHA2_256', 'x'), n.notification_id, N'k', N'k', 'U', 'v', 's', 'h', 7, ?, ?, ?, ?, ?"
                " FROM notify.notification AS n;",
                (state, reason, NOW, NOW, None if state == "claimed" else NOW),
            )
