"""A server that goes away in the middle ends a cycle or a sender with exit 1; nothing is lost, the next one completes it."""

from __future__ import annotations

import pytest
from tests.cycle.conftest import Shop, active, built, shop
from tests.faults.world import Boundaries, Town

import tsqlite
from notify.databases import Role
from notify.errors import DatabaseError, DatabaseUnreachable

__all__ = ["active", "built", "shop"]


def cut() -> None:
    """The link to the server breaks, as a driver tells it."""
    raise tsqlite.OperationalError("08S01", "[08S01] [tsqlite]Communication link failure (0) (SQLExecDirectW)")


@pytest.mark.parametrize("step", range(12))
def test_a_connection_lost_in_mid_cycle(shop: Shop, step: int) -> None:
    """At twelve places of the cycle, from its first procedure to its last: what the driver asks before, it may do without."""
    shop.order(2)
    shop.status(1, "packed")
    shop.arrive()
    boundaries = Boundaries(step * 90 + 15, cut)
    with boundaries.watching():
        try:
            shop.stage.cycle()
        except DatabaseUnreachable as error:
            assert "connection was lost" in str(error)
        else:
            assert len(boundaries.places) <= step * 90 + 15, "it was cut, and nobody said so"
    for _ in range(3):
        shop.stage.advance(minutes=10)
        shop.cycle()
    shop.stage.send()
    assert shop.subjects() == ["Order 1 is packed", "Order 2 is paid"]
    audit = shop.stage.audit()
    assert (audit["expected"], audit["sent"], audit["missing"], audit["doubled"]) == (2, 2, 0, 0)


@pytest.mark.parametrize("role", [Role.REPLICA, Role.PROCESSOR, Role.QUEUE])
def test_a_server_that_is_not_there(shop: Shop, role: Role) -> None:
    shop.order(2)
    shop.arrive()
    shop.stage.close()
    file = shop.stage.path(role)
    away = file.rename(file.with_suffix(".away"))
    with pytest.raises(DatabaseUnreachable, match=str(role)):
        shop.stage.cycle()
    shop.stage.close()
    away.rename(file)
    shop.stage.advance(minutes=10)
    shop.cycle()
    shop.stage.send()
    assert shop.subjects() == ["Order 2 is paid"]


def test_a_restored_queue_takes_no_cycle_and_no_sender(shop: Shop) -> None:
    shop.order(2)
    shop.order(3)
    shop.cycle()
    shop.stage.queue("UPDATE notify.queue_identity SET recovery_fork_guid = NEWID();")
    shop.status(1, "packed")
    for run in (shop.cycle, shop.stage.send):
        with pytest.raises(DatabaseError, match="restored"):
            run()
    assert shop.stage.mails == []


class TestTheAuditIsNotCircular:
    """It counts from the replica what should have been mailed, and from the queue what was."""

    @pytest.fixture
    def mailed(self, shop: Shop) -> Shop:
        """Three orders, mailed, and low is past them."""
        for number in (2, 3, 4):
            shop.order(number)
        shop.cycle()
        shop.stage.send()
        shop.stage.processor("UPDATE notify.watched_table SET skew_ms = 0;")
        for _ in range(3):
            shop.cycle()
        report = shop.stage.audit()
        assert (report["expected"], report["sent"], report["missing"], report["doubled"]) == (3, 3, 0, 0)
        return shop

    def test_a_recorded_change_that_is_deleted_is_missing(self, mailed: Shop) -> None:
        low = "UPDATE notify.watermark SET low_stamp = '2199-01-01 00:00:00.0000000';"
        mailed.stage.processor(
            low + "DELETE h FROM notify.change_history AS h INNER JOIN notify.change AS c ON c.change_id = h.change_id"
            " WHERE c.record_key = N'[\"3\"]'; DELETE FROM notify.change WHERE record_key = N'[\"3\"]';"
        )
        report = mailed.stage.audit()
        assert (report["expected"], report["sent"], report["missing"], report["doubled"]) == (3, 2, 1, 0)
        assert [(item["finding"], item["record_key"]) for item in report["findings"]] == [("missing", '["3"]')]

    def test_a_message_the_queue_does_not_know_is_missing(self, mailed: Shop) -> None:
        mailed.stage.queue("DELETE FROM notify.decision WHERE record_key = N'[\"3\"]';")
        report = mailed.stage.audit()
        assert report["missing"] >= 1

    def test_a_second_accepted_hand_over_is_doubled(self, mailed: Shop) -> None:
        mailed.stage.queue(
            "INSERT INTO notify.attempt (message_id, attempt_id, attempt_number, gateway, begun_at, closed_at, outcome)"
            " SELECT TOP (1) a.message_id, NEWID(), 2, a.gateway, a.begun_at, a.closed_at, 'accepted' FROM notify.attempt AS a"
            " ORDER BY a.message_id;"
        )
        report = mailed.stage.audit()
        assert (report["expected"], report["sent"], report["missing"], report["doubled"]) == (3, 3, 0, 1)


def test_the_town_is_at_rest_when_nothing_is_left(shop: Shop) -> None:
    """The oracle of the other tests: what it calls quiet is quiet."""
    town = Town(shop.stage.folder)
    town.stage = shop.stage
    shop.order(2)
    shop.cycle()
    assert not town.is_quiet()
    shop.stage.send()
    assert town.is_quiet()
