"""Rules 1 to 3, on the processor: what a detected row becomes, and how far a schedule has seen."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.procedures.shop import Row, Shop, call

from notify.errors import DatabaseError

SAFE = "2026-03-02 08:00:00.0000000"


def at(seconds: float) -> str:
    """A stamp so many seconds after nine o'clock."""
    return f"2026-03-02 09:{int(seconds) // 60:02d}:{seconds % 60:010.7f}"


def row(record: str, modified: float, *, created: float | None = None, state: str = "A", deleted: bool = False,
        matches: list[int] | None = None, ordinal: int = 1) -> Row:  # fmt: skip
    """What detect_changes shows of a record; created when it was modified, unless said otherwise."""
    return {
        "ordinal": ordinal,
        "record_key": json.dumps([record]),
        "record_match": json.dumps([record.upper()]),
        "stamp": at(modified),
        "created_stamp": at(modified if created is None else created),
        "state_stamp": at(modified),
        "state_hash": state,
        "is_deleted": deleted,
        "matches": json.dumps([1, 2, 3] if matches is None else matches),
    }


def record(shop: Shop, *rows: Row, beat: int = 100, safe: str = SAFE, last: bool = True, column: str = "modified_at",
           **changes: Any) -> Row:  # fmt: skip
    """A page of the scan of modified_at."""
    (scan,) = [scan for scan in shop.scans() if scan["column_name"] == column]
    page = {
        "stamp_column_id": scan["stamp_column_id"],
        "scan_version": scan["scan_version"],
        "beat": beat,
        "safe_stamp": safe,
        "is_last_page": last,
        "rows": [item | {"ordinal": number} for number, item in enumerate(rows, 1)],
    }
    return shop.record(page | changes)


HISTORY = {"created_stamp": "2026-03-02 07:00:00.0000000"}
"""Created before the activation, at eight o'clock."""


class TestInsertsAndUpdates:
    def test_a_row_created_after_the_activation_is_an_insert(self, watching: Shop) -> None:
        record(watching, row("1", 1))
        assert watching.changes() == [("1", "I", "pending", None)]

    def test_a_row_created_before_the_activation_counts_as_recorded_its_change_is_an_update(
        self, watching: Shop
    ) -> None:
        record(watching, row("1", 1) | HISTORY)
        assert watching.changes() == [("1", "U", "pending", None)]

    def test_an_insert_is_recorded_once_however_often_it_is_read(self, watching: Shop) -> None:
        for beat in (100, 100, 101):
            record(watching, row("1", 1), beat=beat)
        assert watching.changes() == [("1", "I", "pending", None)]

    def test_low_stays_while_pages_are_older_than_the_baseline(self, watching: Shop) -> None:
        """Their rows count as history, and are read again: who passed them would lose them."""
        before = watching.lows()
        record(watching, row("1", 1), beat=0, safe=at(30))
        assert (watching.lows(), watching.changes()) == (before, [])
        record(watching, row("1", 1), safe=at(30))
        assert watching.lows()["modified_at"] == at(30)
        assert watching.changes() == [("1", "I", "pending", None)]

    def test_a_newer_state_is_an_update(self, watching: Shop) -> None:
        record(watching, row("1", 1))
        watching.enqueue_all()
        record(watching, row("1", 2, created=1, state="B"))
        assert watching.changes() == [("1", "I", "enqueued", None), ("1", "U", "pending", None)]

    def test_an_older_state_shown_by_a_replica_that_lags_is_nothing(self, watching: Shop) -> None:
        record(watching, row("1", 2, created=1, state="B"), beat=101)
        watching.enqueue_all()
        record(watching, row("1", 1, state="A"), beat=100)
        record(watching, row("1", 1, state="A"), beat=102)
        assert [change[1] for change in watching.changes()] == ["I"]

    def test_another_state_with_the_same_stamp_counts_in_a_strictly_newer_snapshot(self, watching: Shop) -> None:
        record(watching, row("1", 1, state="A"), beat=100)
        watching.enqueue_all()
        record(watching, row("1", 1, state="B"), beat=101)
        assert [change[1] for change in watching.changes()] == ["I", "U"]

    @pytest.mark.parametrize("beat", [99, 100])
    def test_another_state_with_the_same_stamp_is_nothing_without_a_newer_heartbeat(
        self, watching: Shop, beat: int
    ) -> None:
        record(watching, row("1", 1, state="A"), beat=100)
        watching.enqueue_all()
        record(watching, row("1", 1, state="B"), beat=beat)
        assert [change[1] for change in watching.changes()] == ["I"]

    def test_a_state_that_was_recorded_with_its_stamp_comes_back_as_nothing(self, watching: Shop) -> None:
        record(watching, row("1", 1, state="A"), beat=100)
        watching.enqueue_all()
        record(watching, row("1", 1, state="B"), beat=101)
        record(watching, row("1", 1, state="A"), beat=102)
        assert [change[1] for change in watching.changes()] == ["I", "U"]

    def test_a_reinserted_row_is_a_second_insert(self, watching: Shop) -> None:
        record(watching, row("1", 1))
        watching.enqueue_all()
        record(watching, row("1", 5, state="B"))
        assert [change[1] for change in watching.changes()] == ["I", "I"]

    def test_the_same_record_twice_in_a_page_is_its_newest_state(self, watching: Shop) -> None:
        record(watching, row("1", 2, created=1, state="B"), row("1", 1, state="A"))
        (change,) = watching.ask("SELECT operation, state_hash FROM notify.change;")
        assert change == {"operation": "I", "state_hash": "B"}

    def test_pages_that_overlap_add_nothing(self, watching: Shop) -> None:
        first = [row(str(number), number) for number in (1, 2, 3)]
        record(watching, *first, last=False)
        assert record(watching, *first[1:], row("4", 4))["recorded"] == 1
        assert [change[0] for change in watching.changes()] == ["1", "2", "3", "4"]

    def test_keys_are_compared_as_their_column_compares_them(self, watching: Shop) -> None:
        record(watching, row("ab", 1))
        watching.enqueue_all()
        record(watching, row("AB", 2, created=1, state="B"))
        assert [change[:2] for change in watching.changes()] == [("ab", "I"), ("AB", "U")]

    def test_a_row_without_a_created_stamp_is_an_update(self, watching: Shop) -> None:
        record(watching, row("1", 1) | {"created_stamp": None})
        assert watching.changes() == [("1", "U", "pending", None)]


class TestCriteriaAndOperations:
    def test_what_does_not_meet_the_criteria_is_recorded_and_skipped(self, watching: Shop) -> None:
        record(watching, row("1", 1, matches=[]))
        assert watching.changes() == [("1", "I", "skipped", "criteria")]

    def test_an_operation_that_is_not_asked_for_is_recorded_and_skipped(self, shop: Shop) -> None:
        shop.watch(on=["update"])
        record(shop, row("1", 1))
        assert shop.changes() == [("1", "I", "skipped", "operation")]

    def test_a_row_that_comes_to_meet_the_criteria_is_an_update(self, watching: Shop) -> None:
        record(watching, row("1", 1, matches=[]))
        record(watching, row("1", 2, created=1, state="B"))
        assert [change[1:3] for change in watching.changes()] == [("I", "skipped"), ("U", "pending")]

    def test_each_notification_judges_for_itself(self, shop: Shop) -> None:
        shop.define("one")
        shop.define("two", on=["update"])
        shop.activate("one")
        shop.activate("two")
        record(shop, row("1", 1))
        assert (shop.changes("one")[0][2], shop.changes("two")[0][2]) == ("pending", "skipped")


class TestFoldingAndSuperseding:
    def test_an_update_that_finds_its_insert_unclaimed_raises_it(self, watching: Shop) -> None:
        record(watching, row("1", 1))
        assert record(watching, row("1", 2, created=1, state="B"))["raised"] == 1
        (change,) = watching.ask("SELECT operation, state, state_hash, state_stamp FROM notify.change;")
        assert change == {"operation": "I", "state": "pending", "state_hash": "B", "state_stamp": at(2)}

    def test_an_insert_that_was_ever_claimed_is_not_raised(self, watching: Shop) -> None:
        record(watching, row("1", 1))
        batch, _ = watching.claim() or pytest.fail("nothing to claim")
        call(
            watching.processor,
            "release_batch",
            batch_id=batch["batch_id"],
            lease_token=batch["lease_token"],
            reason="test",
        )
        record(watching, row("1", 2, created=1, state="B"))
        assert [change[1:3] for change in watching.changes()] == [("I", "superseded"), ("U", "pending")]

    def test_an_insert_that_is_not_mailed_itself_is_not_raised(self, shop: Shop) -> None:
        shop.watch(on=["update"])
        record(shop, row("1", 1))
        record(shop, row("1", 2, created=1, state="B"))
        assert [change[1:3] for change in shop.changes()] == [("I", "skipped"), ("U", "pending")]

    def test_under_policy_every_nothing_is_raised_or_superseded(self, shop: Shop) -> None:
        shop.watch(policy="every")
        for number in (1, 2, 3):
            record(shop, row("1", number, created=1, state=str(number)))
        assert [change[1:3] for change in shop.changes()] == [("I", "pending"), ("U", "pending"), ("U", "pending")]

    def test_a_newer_version_supersedes_older_pending_ones(self, watching: Shop) -> None:
        for number in (1, 2):
            record(watching, row("1", number) | HISTORY)
        assert [change[2] for change in watching.changes()] == ["superseded", "pending"]

    def test_a_state_that_is_not_to_be_mailed_supersedes_nothing(self, watching: Shop) -> None:
        record(watching, row("1", 1) | HISTORY)
        record(watching, row("1", 2, matches=[]) | HISTORY)
        assert [change[2] for change in watching.changes()] == ["pending", "skipped"]

    def test_a_change_that_waited_for_the_maximum_delay_is_not_superseded(self, shop: Shop) -> None:
        shop.watch(maximum_delay_minutes=10)
        record(shop, row("1", 1) | HISTORY)
        shop.wait(11 * 60)
        record(shop, row("1", 2) | HISTORY)
        assert [change[2] for change in shop.changes()] == ["pending", "pending"]


class TestSoftDeletes:
    def test_a_row_recorded_alive_is_a_delete_once(self, watching: Shop) -> None:
        record(watching, row("1", 1))
        watching.enqueue_all()
        for number in (2, 3):
            record(watching, row("1", number, created=1, state=f"D{number}", deleted=True))
        assert watching.changes() == [("1", "I", "enqueued", None), ("1", "D", "pending", None)]

    def test_a_row_of_before_the_activation_counts_as_recorded_alive(self, watching: Shop) -> None:
        record(watching, row("1", 1, deleted=True) | HISTORY)
        assert watching.changes() == [("1", "D", "pending", None)]

    def test_a_row_never_seen_alive_gives_no_notice(self, watching: Shop) -> None:
        record(watching, row("1", 1, deleted=True))
        assert watching.changes() == [("1", "D", "skipped", "never seen alive")]

    def test_brought_back_it_is_an_update_and_deleted_again_a_second_delete(self, watching: Shop) -> None:
        record(watching, row("1", 1))
        watching.enqueue_all()
        record(watching, row("1", 2, created=1, state="B", deleted=True))
        record(watching, row("1", 3, created=1, state="C"))
        record(watching, row("1", 4, created=1, state="D", deleted=True))
        assert [change[1] for change in watching.changes()] == ["I", "D", "U", "D"]

    def test_an_old_deletion_shown_by_a_replica_that_lags_is_nothing(self, watching: Shop) -> None:
        record(watching, row("1", 3, created=1, state="C"), beat=103)
        watching.enqueue_all()
        record(watching, row("1", 2, created=1, state="B", deleted=True), beat=102)
        assert [change[1] for change in watching.changes()] == ["I"]


class TestWatermark:
    def test_low_moves_with_the_changes_to_the_safe_stamp(self, watching: Shop) -> None:
        record(watching, row("1", 1), safe=at(30))
        assert watching.lows()["modified_at"] == at(30)

    def test_low_never_moves_back(self, watching: Shop) -> None:
        record(watching, safe=at(30))
        record(watching, safe=at(20))
        assert watching.lows()["modified_at"] == at(30)

    def test_a_sweep_moves_low_with_its_last_page_to_the_least_safe_stamp_of_all(self, watching: Shop) -> None:
        before = watching.lows()["modified_at"]
        record(watching, row("1", 1), safe=at(30), last=False)
        assert watching.lows()["modified_at"] == before
        record(watching, row("2", 2), safe=at(20), last=False)
        record(watching, safe=at(40))
        assert watching.lows()["modified_at"] == at(20)

    def test_a_sweep_goes_on_behind_the_last_row_recorded(self, watching: Shop) -> None:
        record(watching, row("1", 1), row("2", 1), last=False)
        request = json.loads(next(scan["request"] for scan in watching.scans() if scan["column_name"] == "modified_at"))
        assert (request["cursor_stamp"], request["cursor_key"]) == (at(1), ["2"])

    def test_a_page_of_a_scan_that_has_moved_records_nothing(self, watching: Shop) -> None:
        (scan,) = [scan for scan in watching.scans() if scan["column_name"] == "modified_at"]
        record(watching, safe=at(10))
        before = watching.lows()
        with pytest.raises(DatabaseError, match="50020"):
            record(watching, row("1", 1), safe=at(30), scan_version=scan["scan_version"])
        assert watching.changes() == []
        assert watching.lows() == before

    def test_an_activation_makes_pages_under_way_worthless(self, watching: Shop) -> None:
        (scan,) = [scan for scan in watching.scans() if scan["column_name"] == "modified_at"]
        watching.define("late comer")
        watching.activate("late comer")
        with pytest.raises(DatabaseError, match="50020"):
            record(watching, row("1", 1), scan_version=scan["scan_version"])

    def test_each_schedule_has_its_own_low_and_a_shared_scan_starts_at_the_least(self, watching: Shop) -> None:
        least = watching.lows()["modified_at"]
        watching.pass_time(600)
        watching.define("late comer")
        watching.activate("late comer")
        request = json.loads(next(scan["request"] for scan in watching.scans() if scan["column_name"] == "modified_at"))
        assert request["low"] == least < watching.lows()["modified_at"]
        record(watching, row("1", 1) | {"stamp": "2026-03-02 08:02:00.0000000"})
        assert len(watching.changes()) == 1
        assert watching.changes("late comer") == []

    def test_a_page_without_a_heartbeat_is_refused(self, watching: Shop) -> None:
        with pytest.raises(DatabaseError, match="50022"):
            record(watching, row("1", 1), beat=None)  # type: ignore[arg-type]

    def test_a_key_that_is_too_long_is_refused_never_cut(self, watching: Shop) -> None:
        with pytest.raises(DatabaseError, match="50022"):
            record(watching, row("x" * 449, 1))

    def test_two_stamp_columns_of_a_table_record_a_row_once(self, watching: Shop) -> None:
        record(watching, row("1", 1), column="created_at")
        record(watching, row("1", 1), column="modified_at")
        assert len(watching.changes()) == 1


class TestLocalTime:
    """The repeated hour: at three o'clock summer time it is two again."""

    @pytest.fixture
    def local(self, shop: Shop) -> Shop:
        shop.watch(table={"time_zone": "Central European Standard Time", "soft_delete": None}, on=["insert", "update"])
        return shop

    def test_an_unrecorded_state_up_to_an_hour_below_the_newest_is_newer(self, local: Shop) -> None:
        record(local, row("1", 3599, created=1, state="A"), beat=100)
        local.enqueue_all()
        record(local, row("1", 10, created=1, state="B"), beat=101)
        assert [change[1] for change in local.changes()] == ["I", "U"]

    def test_more_than_an_hour_below_it_is_an_old_one(self, local: Shop) -> None:
        record(local, row("1", 3599, created=1, state="A"), beat=100)
        local.enqueue_all()
        old = row("1", 1, created=1, state="B") | {"state_stamp": "2026-03-02 08:59:00.0000000"}
        record(local, old, beat=101)
        assert [change[1] for change in local.changes()] == ["I"]

    def test_a_recorded_state_below_the_newest_comes_back_as_nothing(self, local: Shop) -> None:
        record(local, row("1", 10, state="A"), beat=100)
        local.enqueue_all()
        record(local, row("1", 20, created=10, state="B"), beat=101)
        record(local, row("1", 10, state="A"), beat=102)
        assert [change[1] for change in local.changes()] == ["I", "U"]


class TestActivation:
    def test_no_row_of_before_the_activation_is_ever_mailed(self, shop: Shop) -> None:
        shop.insert(1)
        shop.pass_time()
        shop.insert(2)
        shop.beat()
        shop.redo()
        shop.define()
        shop.activate()
        shop.pass_time()
        shop.detect()
        assert shop.changes() == []

    def test_a_visible_row_above_low_is_recorded_as_baseline(self, shop: Shop) -> None:
        shop.beat()
        shop.insert(1)
        shop.redo()
        shop.define()
        shop.activate()
        assert {row["reason"] for row in shop.ask("SELECT reason FROM notify.change;")} == {"baseline"}
        shop.wait(60)
        shop.update(1, "closed")
        shop.pass_time()
        shop.detect()
        assert shop.changes() == [("1", "U", "pending", None)]

    def test_a_row_committed_after_the_activation_with_an_earlier_stamp_is_news(self, shop: Shop) -> None:
        shop.define()
        stamp = shop.now
        shop.beat()
        shop.redo()
        shop.activate()
        shop.insert(1, created_at=stamp, modified_at=stamp)
        shop.pass_time()
        shop.detect()
        assert shop.changes() == [("1", "I", "pending", None)]

    def test_a_pause_stops_detection_and_resuming_catches_up(self, shop: Shop) -> None:
        shop.watch()
        call(shop.processor, "pause_notification", name="order changed")
        shop.insert(1)
        shop.pass_time()
        assert shop.scans() == []
        call(shop.processor, "resume_notification", name="order changed", policy="catch_up", scans=None)
        shop.detect()
        assert shop.changes() == [("1", "I", "pending", None)]

    def test_resuming_with_skip_leaves_out_what_happened_meanwhile(self, shop: Shop) -> None:
        shop.watch()
        call(shop.processor, "pause_notification", name="order changed")
        shop.insert(1)
        shop.pass_time()
        scans = shop.read_activation()["scans"]
        call(shop.processor, "resume_notification", name="order changed", policy="skip", scans=scans)
        shop.pass_time()
        shop.insert(2)
        shop.pass_time()
        shop.detect()
        assert [change[0] for change in shop.changes()] == ["2"]
