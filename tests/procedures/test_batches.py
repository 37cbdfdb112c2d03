"""Rules 5 and 9 on the processor: leases, and what a replica must show before a change is mailed or skipped."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.procedures.shop import Row, Shop, call

from notify.errors import DatabaseError


def claim(shop: Shop, **options: Any) -> tuple[Row, list[Row]]:
    claimed = shop.claim(**options)
    assert claimed is not None
    return claimed


def states(shop: Shop, name: str = "order changed") -> list[str]:
    return [change[2] for change in shop.changes(name)]


@pytest.fixture
def detected(watching: Shop) -> Shop:
    """Order 1 was inserted and detected; the replica that showed it is the current one."""
    watching.insert(1)
    watching.pass_time()
    watching.detect()
    return watching


class TestClaims:
    def test_a_claim_takes_due_changes_of_one_notification_under_a_token(self, detected: Shop) -> None:
        batch, changes = claim(detected)
        assert (batch["notification_name"], batch["policy"], batch["change_count"]) == ("order changed", "latest", 1)
        assert json.loads(batch["channels"]) == [{"channel": "email", "template": "order.html.mako"}]
        assert [json.loads(change["record_key"]) for change in changes] == [["1"]]
        assert states(detected) == ["claimed"]

    def test_what_is_claimed_is_not_claimed_again(self, detected: Shop) -> None:
        claim(detected)
        assert detected.claim() is None

    def test_a_batch_is_no_larger_than_asked_for_and_the_oldest_come_first(self, watching: Shop) -> None:
        for number in (1, 2, 3):
            watching.insert(number)
            watching.pass_time()
            watching.detect()
        _, first = claim(watching, batch_size=2)
        _, second = claim(watching, batch_size=2)
        assert [json.loads(change["record_key"])[0] for change in first + second] == ["1", "2", "3"]

    def test_the_notification_with_the_highest_priority_goes_first(self, shop: Shop) -> None:
        shop.define("slow", priority=9)
        shop.define("urgent", priority=1)
        for name in ("slow", "urgent"):
            shop.activate(name)
        shop.pass_time()
        shop.insert(1)
        shop.pass_time()
        shop.detect()
        assert [claim(shop)[0]["notification_name"] for _ in range(2)] == ["urgent", "slow"]

    def test_nothing_of_a_paused_notification_is_claimed(self, detected: Shop) -> None:
        call(detected.processor, "pause_notification", name="order changed")
        assert detected.claim() is None

    def test_an_expired_lease_gives_the_changes_back(self, detected: Shop) -> None:
        claim(detected, lease_seconds=60)
        detected.wait(61)
        call(detected.processor, "sweep_batches", run_id=1)
        assert states(detected) == ["pending"]
        assert detected.claim() is not None

    def test_a_lease_that_holds_is_left_alone(self, detected: Shop) -> None:
        claim(detected, lease_seconds=60)
        detected.wait(59)
        call(detected.processor, "sweep_batches", run_id=1)
        assert states(detected) == ["claimed"]

    def test_a_worker_whose_lease_is_lost_changes_nothing(self, detected: Shop) -> None:
        old, changes = claim(detected, lease_seconds=60)
        detected.wait(61)
        call(detected.processor, "sweep_batches", run_id=1)
        claim(detected)
        for late in (
            lambda: detected.complete(old, changes),
            lambda: detected.decide(old),
            lambda: call(
                detected.processor,
                "release_batch",
                batch_id=old["batch_id"],
                lease_token=old["lease_token"],
                reason="late",
            ),
        ):
            with pytest.raises(DatabaseError, match="50030"):
                late()
        assert states(detected) == ["claimed"]

    def test_another_token_changes_nothing(self, detected: Shop) -> None:
        batch, changes = claim(detected)
        with pytest.raises(DatabaseError, match="50030"):
            detected.complete(batch | {"lease_token": "00000000-0000-0000-0000-000000000000"}, changes)

    def test_a_batch_that_is_given_back_is_due_a_little_later(self, detected: Shop) -> None:
        batch, _ = claim(detected)
        released = call(
            detected.processor,
            "release_batch",
            batch_id=batch["batch_id"],
            lease_token=batch["lease_token"],
            reason="no room",
        )[0][0]
        assert released == {"released": 1}
        assert states(detected) == ["pending"]
        assert detected.claim() is None
        detected.wait(10)
        assert detected.claim() is not None

    def test_a_message_expires_so_many_minutes_after_detection(self, shop: Shop) -> None:
        shop.watch(expires_after_minutes=60)
        shop.insert(1)
        shop.pass_time()
        shop.detect()
        shop.wait(600)
        shop.insert(2)
        shop.pass_time()
        shop.detect()
        assert [change["expires_in_seconds"] for change in claim(shop)[1]] == [2940, 3600]


class TestCompletion:
    @pytest.mark.parametrize("outcome", ["enqueued", "skipped", "failed", "superseded"])
    def test_each_outcome_is_final(self, detected: Shop, outcome: str) -> None:
        said = detected.complete(*claim(detected), outcome=outcome, reason="because")
        assert (said[outcome], said["remaining"]) == (1, 0)
        assert detected.changes() == [("1", "I", outcome, "because")]
        assert detected.ask("SELECT b.state FROM notify.batch AS b;") == [{"state": "completed"}]

    def test_results_may_come_in_pieces(self, watching: Shop) -> None:
        for number in (1, 2):
            watching.insert(number)
        watching.pass_time()
        watching.detect()
        batch, changes = claim(watching)
        assert watching.complete(batch, changes[:1])["remaining"] == 1
        assert watching.complete(batch, changes[1:])["remaining"] == 0

    def test_an_outcome_that_does_not_exist_changes_nothing(self, detected: Shop) -> None:
        batch, changes = claim(detected)
        with pytest.raises(DatabaseError, match="50031"):
            detected.complete(batch, changes, outcome="lost")
        assert states(detected) == ["claimed"]

    def test_every_state_is_kept_in_the_history(self, detected: Shop) -> None:
        detected.complete(*claim(detected))
        rows = detected.ask(
            "SELECT h.from_state, h.to_state FROM notify.change_history AS h ORDER BY h.change_history_id;"
        )
        assert [(row["from_state"], row["to_state"]) for row in rows] == [
            (None, "pending"),
            ("pending", "claimed"),
            ("claimed", "enqueued"),
        ]


class TestReplicasDiffer:
    def test_a_row_at_its_version_goes_on(self, detected: Shop) -> None:
        assert detected.decide(claim(detected)[0]) == [("generate", None)]

    def test_a_row_that_is_newer_goes_on(self, detected: Shop) -> None:
        detected.update(1, "closed")
        detected.redo()
        assert detected.decide(claim(detected)[0]) == [("generate", None)]

    def test_an_absent_row_waits_on_a_replica_that_may_be_behind(self, watching: Shop) -> None:
        behind = watching.replica
        watching.insert(1)
        watching.pass_time()
        watching.detect()
        assert watching.decide(claim(watching)[0], behind) == [("wait", "the replica is behind")]
        assert watching.changes() == [("1", "I", "waiting", "the replica is behind")]

    def test_an_absent_row_waits_in_a_snapshot_with_the_same_heartbeat(self, detected: Shop) -> None:
        detected.delete(1)
        detected.redo()
        assert detected.decide(claim(detected)[0]) == [("wait", "the replica is behind")]

    def test_an_absent_row_is_gone_when_a_strictly_newer_heartbeat_shows(self, detected: Shop) -> None:
        detected.delete(1)
        detected.pass_time()
        assert detected.decide(claim(detected)[0]) == [("skip", "gone")]

    def test_what_waits_is_claimed_again_and_mailed(self, watching: Shop) -> None:
        behind = watching.replica
        watching.insert(1)
        watching.pass_time()
        watching.detect()
        ahead = watching.replica
        watching.decide(claim(watching)[0], behind)
        assert watching.claim() is None
        watching.wait(10)
        assert watching.decide(claim(watching)[0], ahead) == [("generate", None)]

    def test_an_older_state_waits_until_a_newer_heartbeat_and_is_then_mailed_as_shown(self, detected: Shop) -> None:
        detected.enqueue_all()
        older = detected.replica
        detected.wait(60)
        detected.update(1, "closed")
        detected.pass_time()
        detected.detect()
        assert detected.decide(claim(detected)[0], older) == [("wait", "the replica is behind")]
        detected.wait(10)
        detected.update(1, "open", modified_at=detected.now.replace(hour=7))
        detected.pass_time()
        assert detected.decide(claim(detected)[0]) == [("generate", None)]

    def test_an_equal_stamp_with_another_hash_counts_as_older(self, detected: Shop) -> None:
        detected.change("UPDATE dbo.orders SET amount = 1;")
        detected.redo()
        assert detected.decide(claim(detected)[0]) == [("wait", "the replica is behind")]

    def test_a_row_deleted_softly_since_is_gone(self, detected: Shop) -> None:
        detected.wait(1)
        detected.soft_delete(1)
        detected.redo()
        assert detected.decide(claim(detected)[0]) == [("skip", "gone")]

    def test_criteria_are_tested_again(self, shop: Shop) -> None:
        shop.watch(where=[{"column": "status", "operator": "=", "value": "open"}])
        shop.insert(1, "open")
        shop.pass_time()
        shop.detect()
        shop.update(1, "closed")
        shop.redo()
        assert shop.decide(claim(shop)[0]) == [("skip", "no longer matching")]


class TestDeletes:
    @pytest.fixture
    def deleted(self, detected: Shop) -> Shop:
        """Order 1 was mailed, then deleted softly; the delete is recorded."""
        detected.enqueue_all()
        self.alive = detected.replica
        detected.wait(60)
        detected.soft_delete(1)
        detected.pass_time()
        detected.detect()
        return detected

    def test_a_deleted_row_is_told(self, deleted: Shop) -> None:
        assert deleted.decide(claim(deleted)[0]) == [("generate", None)]

    def test_a_delete_waits_while_the_replica_still_shows_that_life_of_the_row(self, deleted: Shop) -> None:
        assert deleted.decide(claim(deleted)[0], self.alive) == [("wait", "the replica is behind")]

    def test_a_row_that_was_brought_back_is_not_told_as_deleted(self, deleted: Shop) -> None:
        deleted.update(1, "open again")
        deleted.redo()
        assert deleted.decide(claim(deleted)[0]) == [("skip", "there again")]

    def test_a_later_life_of_the_record_does_not_hide_the_delete(self, deleted: Shop) -> None:
        deleted.delete(1)
        deleted.insert(1)
        deleted.redo()
        assert deleted.decide(claim(deleted)[0]) == [("generate", None)]


class TestPrerequisites:
    @pytest.fixture
    def waiting(self, shop: Shop) -> Shop:
        """A notification whose totals are never ready; order 1 is detected."""
        shop.watch(prerequisite={"procedure": "dbo.check_totals", "deadline_minutes": 30})
        shop.insert(1)
        shop.pass_time()
        shop.detect()
        return shop

    def test_what_is_not_ready_waits_with_the_reason(self, waiting: Shop) -> None:
        assert waiting.decide(claim(waiting)[0]) == [("wait", "prerequisite: totals of yesterday")]
        assert states(waiting) == ["waiting"]

    def test_after_the_deadline_it_fails_with_the_reason_and_can_be_put_back(self, waiting: Shop) -> None:
        waiting.wait(30 * 60)
        reason = "prerequisite not met within 30 minutes: totals of yesterday"
        assert waiting.decide(claim(waiting)[0]) == [("fail", reason)]
        assert waiting.changes() == [("1", "I", "failed", reason)]
        call(waiting.processor, "requeue_changes", notification="order changed")
        assert waiting.decide(claim(waiting)[0]) == [("wait", "prerequisite: totals of yesterday")]

    def test_put_back_it_has_a_whole_deadline_again(self, waiting: Shop) -> None:
        waiting.wait(30 * 60)
        waiting.decide(claim(waiting)[0])
        waiting.wait(3600)
        call(waiting.processor, "requeue_changes", notification="order changed")
        for minutes, verdict in ((0, "wait"), (29, "wait"), (1, "fail")):
            waiting.wait(minutes * 60)
            assert [said for said, _ in waiting.decide(claim(waiting)[0])] == [verdict]

    def test_only_the_notification_that_needs_it_is_held_back(self, waiting: Shop) -> None:
        waiting.define("no totals")
        waiting.activate("no totals")
        waiting.pass_time()
        waiting.insert(2)
        waiting.pass_time()
        waiting.detect()
        verdicts = {}
        while (claimed := waiting.claim()) is not None:
            verdicts[claimed[0]["notification_name"]] = {verdict for verdict, _ in waiting.decide(claimed[0])}
            if verdicts[claimed[0]["notification_name"]] == {"generate"}:
                waiting.complete(*claimed)
        assert verdicts == {"order changed": {"wait"}, "no totals": {"generate"}}


class TestExtraction:
    def test_the_merge_rows_come_from_the_same_snapshot(self, detected: Shop) -> None:
        batch, changes = claim(detected)
        _, states, prerequisites, merge_rows = call(detected.replica, "extract_changes", request=batch["request"])
        assert [state["change_number"] for state in states] == [changes[0]["change_number"]]
        assert prerequisites == []
        assert [(row["recipient_key"], row["status"]) for row in merge_rows] == [("owner", "open")]

    def test_a_procedure_that_is_not_there_is_told(self, detected: Shop) -> None:
        request = json.loads(claim(detected)[0]["request"]) | {
            "merge_procedure": "dbo.no_such; DROP TABLE dbo.orders; --"
        }
        with pytest.raises(DatabaseError, match=r"no procedure dbo\.no_such.*50157"):
            call(detected.replica, "extract_changes", request=request)

    def test_the_generated_statement_can_be_seen(self, detected: Shop) -> None:
        (rows,) = call(detected.replica, "extract_changes", request=claim(detected)[0]["request"], debug=1)
        assert "LEFT JOIN [dbo].[orders] AS t ON t.[order_id] = c.key_0" in rows[0]["statement_text"]
