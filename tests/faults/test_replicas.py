"""Replicas lag, jump, stand still and are swapped: what was done on source is mailed once, as it is."""

from __future__ import annotations

import pytest
from tests.cycle.conftest import Shop, active, built, shop

from notify.databases import Role
from notify.procedures import processor, replica
from tsqlite.replica import Replica

__all__ = ["active", "built", "shop"]


def rest(shop: Shop) -> None:
    """Time passes until nothing waits any more."""
    for _ in range(3):
        shop.stage.advance(minutes=10)
        shop.cycle()
    shop.stage.send()


def use(shop: Shop, file: str) -> None:
    """The listener names another replica from now on."""
    configuration = shop.stage.folder / "notify.toml"
    text = configuration.read_text(encoding="utf-8")
    before = text.partition('replica   = "mssql+tsqlite:///')[2].partition('"')[0]
    configuration.write_text(text.replace(f"///{before}", f"///{file}"), encoding="utf-8")
    shop.stage.close()
    shop.stage._config = None


def test_a_replica_that_lags_shows_each_order_in_its_time(shop: Shop) -> None:
    shop.order(2)
    shop.stage.beat()
    shop.order(3)
    shop.stage.beat()
    while shop.stage.replica.behind:
        shop.stage.redo(shop.stage.replica.position + 1)
        shop.stage.cycle()
    shop.stage.send()
    assert shop.subjects() == ["Order 2 is paid", "Order 3 is paid"]
    rest(shop)
    assert len(shop.subjects()) == 2


def test_a_replica_that_stands_still_loses_nothing(shop: Shop) -> None:
    shop.stage.replica.stuck = True
    shop.order(2)
    for _ in range(3):
        assert shop.cycle().detected == 0
        shop.stage.advance(minutes=5)
    shop.stage.replica.stuck = False
    rest(shop)
    assert shop.subjects() == ["Order 2 is paid"]


@pytest.mark.parametrize("lag", [0, 1, 3, 5])
def test_a_swap_to_a_replica_that_is_behind_and_back(shop: Shop, lag: int) -> None:
    """Detected on one, extracted on another that has not seen it: it waits, and is mailed as it is in the end."""
    behind = Replica(shop.stage.path(Role.SOURCE), shop.stage.folder / "other.db")
    shop.order(2)
    shop.arrive()
    shop.status(1, "packed")
    shop.arrive()
    behind.redo(behind.position + lag)
    # One cycle on the fast replica as far as detection goes: its extraction meets the slow one.
    databases = shop.stage.databases
    with databases.connection(Role.PROCESSOR) as connection, databases.connection(Role.REPLICA) as source:
        run_id = processor.begin_run(connection, "test", 1, replica.read_position(source)["beat"])["run_id"]
        for scan in processor.get_scans(connection, run_id):
            page = replica.detect_changes(source, scan.request)
            processor.record_changes(
                connection, run_id=run_id, scan=scan, beat=page.beat, safe_stamp=page.safe_stamp,
                is_last_page=page.is_last_page, rows=page.rows,
            )  # fmt: skip
    use(shop, "other.db")
    for _ in range(2):
        shop.stage.cycle()
        shop.stage.advance(minutes=1)
    shop.stage.send()
    use(shop, "replica.db")
    rest(shop)
    assert shop.subjects() == ["Order 1 is packed", "Order 2 is paid"]
    audit = shop.stage.audit()
    assert (audit["missing"], audit["doubled"]) == (0, 0)


def test_replicas_that_take_turns_bring_no_old_state_back(shop: Shop) -> None:
    other = Replica(shop.stage.path(Role.SOURCE), shop.stage.folder / "other.db")
    for number, status in enumerate(("packed", "shipped", "delivered"), 1):
        shop.status(1, status)
        shop.order(10 + number)
        shop.arrive()
        if number == 2:
            other.redo()  # behind from now on
        for file in ("replica.db", "other.db", "replica.db"):
            use(shop, file)
            shop.stage.cycle()
            shop.stage.send()
            shop.stage.advance(minutes=1)
    rest(shop)
    subjects = shop.subjects()
    assert len(subjects) == len(set(subjects)), subjects
    assert [item for item in subjects if item.startswith("Order 1 ")][-1:] and "Order 1 is delivered" in subjects
    assert {f"Order {number} is paid" for number in (11, 12, 13)} <= set(subjects)
    story = [str(mail.message["Subject"]) for mail in shop.stage.mails]
    mine = [item for item in story if item.startswith("Order 1 ")]
    assert mine == [
        item for item in ("Order 1 is packed", "Order 1 is shipped", "Order 1 is delivered") if item in mine
    ]


def test_a_row_that_is_deleted_before_its_mail_is_gone_only_by_a_newer_snapshot(shop: Shop) -> None:
    shop.order(2)
    shop.arrive()
    shop.stage.do(
        ("DELETE FROM dbo.order_line WHERE order_id = 2;", ()),
        ("DELETE FROM dbo.customer_order WHERE order_id = 2;", ()),
    )
    shop.stage.cycle()  # the replica still shows it: mailed as shown
    rest(shop)
    assert shop.subjects() == ["Order 2 is paid"]
