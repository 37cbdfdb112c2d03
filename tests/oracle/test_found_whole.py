"""What disorder has found between the servers, each as the smallest scenario that shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest
from tests.cycle.conftest import SHOP, Shop, active, built, shop
from tests.oracle.operators import copy_database

from notify.cycle import Quiet
from notify.databases import Role
from notify.definitions import read_definitions
from notify.errors import DatabaseError
from notify.procedures import processor, queue
from notify.recover import recover

__all__ = ["active", "built", "shop"]


@contextmanager
def restored(shop: Shop) -> Iterator[None]:
    """Meanwhile the queue says of itself that it was restored: what has claimed changes cannot go on."""
    ((mark,),) = shop.stage.queue("SELECT i.recovery_fork_guid FROM notify.queue_identity AS i;")
    shop.stage.queue("UPDATE notify.queue_identity SET recovery_fork_guid = NEWID();")
    yield
    shop.stage.queue("UPDATE notify.queue_identity SET recovery_fork_guid = ?;", mark)


def test_a_change_in_doubt_ends_its_batch(shop: Shop) -> None:
    """It was claimed when the queue was lost: the next cycle takes the queue's word, and the audit counts it as in doubt."""
    shop.order(2)
    with restored(shop), pytest.raises(DatabaseError, match="restored"):
        shop.cycle()
    shop.stage.queue("UPDATE notify.queue_identity SET recovery_fork_guid = NEWID();")
    assert recover(shop.stage.databases, datetime(2099, 1, 1), "ann").changes_in_doubt == 1
    shop.stage.advance(minutes=10)
    assert shop.cycle().outcome == "ok"
    state, reason = shop.changes()["2"]
    assert state == "enqueued"
    assert reason is not None
    assert "queue was lost" in reason
    shop.stage.send()
    assert shop.stage.mails == []
    report = shop.stage.audit()
    assert (report["expected"], report["in_doubt"], report["missing"]) == (1, 1, 0)


def test_a_delete_that_comes_late_replaces_nothing_of_the_next_life(shop: Shop) -> None:
    """Its worker died; the record is there again, and that was told to the queue before: the insert is still mailed."""
    definition = read_definitions([SHOP / "notifications.toml"])[0].document
    table = definition["table"] | {"key_snapshot_minutes": 1}
    with shop.stage.databases.connection(Role.PROCESSOR) as target:
        saved = processor.save_notification(
            target, definition | {"on": ["insert", "delete"], "table": table}, dry_run=False
        )
    assert saved.problems == []
    shop.order(2)
    for _ in range(2):  # the first reading of the keys, and one that may be compared
        shop.cycle()
        shop.stage.advance(minutes=2)
    shop.stage.send()
    shop.stage.do(
        ("DELETE FROM dbo.order_line WHERE order_id = 2;", ()),
        ("DELETE FROM dbo.customer_order WHERE order_id = 2;", ()),
    )
    with restored(shop), pytest.raises(DatabaseError, match="restored"):
        shop.cycle()
    shop.order(2, "packed")
    shop.cycle()
    shop.stage.advance(minutes=10)
    assert shop.cycle().outcome == "ok"
    shop.stage.send()
    told = shop.stage.queue(
        "SELECT d.operation, m.state FROM notify.decision AS d INNER JOIN notify.message AS m"
        " ON m.change_key = d.change_key ORDER BY m.message_id;"
    )
    assert told == [("I", "sent"), ("I", "sent"), ("D", "canceled")]


@pytest.mark.xfail(strict=True, reason="nothing brings back to a restored processor what the queue has decided")
def test_a_state_newer_than_what_a_restored_processor_forgot_is_mailed(shop: Shop) -> None:
    """The insert was told before the loss; its key is known to the queue, and the row shows a later state."""
    backup = shop.stage.folder / "processor.bak"
    copy_database(shop.stage.path(Role.PROCESSOR), backup)
    shop.order(2)
    shop.cycle()
    shop.stage.send()
    shop.status(2, "packed")
    shop.stage.close()
    copy_database(backup, shop.stage.path(Role.PROCESSOR))
    for _ in range(3):
        shop.stage.advance(minutes=1)
        shop.cycle()
        shop.stage.send()
    assert shop.subjects() == ["Order 2 is packed", "Order 2 is paid"]


class Meanwhile(Quiet):
    """Does something between a cycle's detection and its generation, once."""

    def __init__(self, do: Callable[[], None]) -> None:
        self.do: Callable[[], None] | None = do

    def step(self, name: str, done: int, total: int | None) -> None:
        if name == "detect" and done == total and self.do is not None:
            do, self.do = self.do, None
            do()


def packed_meanwhile(shop: Shop) -> None:
    shop.status(2, "packed")
    shop.arrive()


@pytest.mark.parametrize(("verdict", "mails", "counts"), [("send", 2, (1, 0)), ("sent", 1, (2, 0)), (None, 1, (0, 2))])
def test_a_state_that_a_lost_message_showed_is_not_told_by_the_next_change(
    shop: Shop, verdict: str | None, mails: int, counts: tuple[int, int]
) -> None:
    """The insert's mail showed the update, which was not yet detected; then the queue was lost, and its backup is older."""
    backup = shop.stage.folder / "queue.bak"
    shop.stage.close()
    copy_database(shop.stage.path(Role.QUEUE), backup)
    shop.order(2)
    shop.arrive()
    shop.stage.cycle(Meanwhile(lambda: packed_meanwhile(shop)))
    shop.stage.send()
    assert shop.subjects() == ["Order 2 is packed"]
    shop.stage.close()
    copy_database(backup, shop.stage.path(Role.QUEUE))
    shop.stage.queue("UPDATE notify.queue_identity SET recovery_fork_guid = NEWID();")
    assert recover(shop.stage.databases, datetime(2099, 1, 1), "ann").changes_in_doubt == 1
    if verdict is not None:
        ((key,),) = shop.stage.queue("SELECT CONVERT(char(64), d.change_key, 2) FROM notify.decision AS d;")
        with shop.stage.databases.connection(Role.QUEUE) as target:
            queue.release_change(target, key, verdict, "ann", "asked them")
        if verdict == "send":
            with shop.stage.databases.connection(Role.PROCESSOR) as source:
                processor.requeue_change(source, key)
    shop.cycle()
    shop.stage.send()
    assert len(shop.stage.mails) == mails
    report = shop.stage.audit()
    assert (report["missing"], report["doubled"], report["pending"]) == (0, 0, 0)
    assert (report["sent"], report["in_doubt"]) == counts
    shop.status(2, "shipped")
    shop.cycle()
    shop.stage.send()
    assert "Order 2 is shipped" in shop.subjects(), "a later state is told"
