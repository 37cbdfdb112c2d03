"""Which recorded state is the last, where stamps alone do not say it: the repeated hour, and replicas with equal heartbeats."""

from __future__ import annotations

from typing import Any

import pytest
from tests.procedures.shop import Shop
from tests.procedures.test_recording import at, record, row

CET = "Central European Standard Time"
KEYS: dict[str, Any] = {"soft_delete": None, "key_snapshot_minutes": 10}


class TestRepeatedHour:
    """At three o'clock summer time it is two again."""

    def test_the_state_that_a_soft_delete_ends_is_the_last_recorded_not_the_greatest_stamp(self, shop: Shop) -> None:
        shop.watch(table={"time_zone": CET})
        record(shop, row("1", 3000, created=1, state="A"), beat=100)
        shop.enqueue_all()
        # Twice deleted and once brought back, all of it below the stamp of before.
        record(shop, row("1", 600, created=1, state="B", deleted=True), beat=101)
        record(shop, row("1", 1200, created=1, state="C"), beat=102)
        record(shop, row("1", 1800, created=1, state="D", deleted=True), beat=103)
        assert [change[1:3] for change in shop.changes()] == [
            ("I", "enqueued"), ("D", "superseded"), ("U", "superseded"), ("D", "pending"),
        ]  # fmt: skip
        (delete,) = shop.ask(
            "SELECT c.version FROM notify.change AS c WHERE c.operation = 'D' AND c.state = 'pending';"
        )
        assert delete["version"] == f"{at(1200)}|C"

    def test_the_state_that_a_vanished_row_ended_with_is_the_last_recorded(self, shop: Shop) -> None:
        shop.watch(table=KEYS | {"time_zone": CET})
        record(shop, row("1", 3000, created=1, state="A"), beat=10)
        shop.enqueue_all()
        record(shop, row("1", 600, created=1, state="B"), beat=11)
        shop.wait(600)
        for _ in range(20):
            shop.beat()
        shop.redo()
        shop.compare_keys()
        (delete,) = shop.ask("SELECT c.version FROM notify.change AS c WHERE c.operation = 'D';")
        assert delete["version"] == f"{at(600)}|B"


class TestEqualHeartbeats:
    @pytest.fixture
    def keeping(self, shop: Shop) -> Shop:
        """Order 2 is in the first key snapshot; the next one is due, and source has beaten."""
        shop.insert(2, "old")
        shop.pass_time(600)
        shop.watch(table=KEYS)
        shop.wait(600)
        shop.beat()
        return shop

    @staticmethod
    def told(shop: Shop) -> list[tuple[str, ...]]:
        return [change[:2] for change in shop.changes()]

    def test_a_state_of_before_the_delete_that_another_replica_shows_later_brings_no_second_delete(
        self, keeping: Shop
    ) -> None:
        keeping.update(2, "new")
        behind = keeping.redo()
        keeping.delete(2)
        keeping.redo()
        keeping.compare_keys()
        # The other replica shows the same heartbeat, and is behind by the delete.
        keeping.replica = behind
        keeping.detect()
        assert self.told(keeping) == [("2", "D")]
        keeping.pass_time(600)
        keeping.detect()
        keeping.compare_keys()
        assert self.told(keeping) == [("2", "D")]

    def test_a_record_updated_and_deleted_within_one_heartbeat_is_one_delete_at_the_next_reading(
        self, keeping: Shop
    ) -> None:
        keeping.update(2, "new")
        keeping.redo()
        keeping.detect()
        keeping.delete(2)
        keeping.redo()
        keeping.compare_keys()
        assert self.told(keeping) == [("2", "U")]
        for _ in range(2):
            keeping.pass_time(600)
            keeping.compare_keys()
        assert self.told(keeping) == [("2", "U"), ("2", "D")]

    def test_inserted_again_with_the_old_created_stamp_it_is_found_with_the_next_heartbeat(self, keeping: Shop) -> None:
        keeping.delete(2)
        keeping.redo()
        keeping.compare_keys()
        keeping.insert(2, created_at="2026-03-02 08:00:00")
        keeping.redo()
        keeping.detect()
        assert self.told(keeping) == [("2", "D")]
        keeping.pass_time(600)
        keeping.detect()
        assert self.told(keeping) == [("2", "D"), ("2", "U")]

    def test_another_life_of_the_row_needs_no_newer_heartbeat(self, keeping: Shop) -> None:
        keeping.delete(2)
        keeping.redo()
        keeping.compare_keys()
        keeping.insert(2)
        keeping.redo()
        keeping.detect()
        assert self.told(keeping) == [("2", "D"), ("2", "I")]
