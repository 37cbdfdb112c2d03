"""What disorder has found between the servers, each as the smallest scenario that shows it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from tests.cycle.conftest import Shop, active, built, shop

from notify.databases import Role
from notify.errors import DatabaseError
from notify.procedures import queue

__all__ = ["active", "built", "shop"]


def claimed(shop: Shop) -> list[dict[str, Any]]:
    """Every change that was ever claimed, as recover_queue takes them."""
    names = ("change_key", "notification_guid", "notification_name", "record_key", "record_match", "operation")
    rows = shop.stage.processor(
        "SELECT CONVERT(CHAR(64), c.change_key, 2), CONVERT(CHAR(36), n.notification_guid), n.name, c.record_key,"
        " c.record_match, c.operation FROM notify.change AS c INNER JOIN notify.notification AS n"
        " ON n.notification_id = c.notification_id WHERE c.first_claimed_at IS NOT NULL;"
    )
    return [dict(zip(names, row, strict=True)) for row in rows]


def test_a_change_in_doubt_ends_its_batch(shop: Shop) -> None:
    """It was claimed when the queue was lost: the next cycle takes the queue's word, and the audit counts it as in doubt."""
    shop.order(2)
    shop.stage.queue("UPDATE notify.queue_identity SET recovery_fork_guid = NEWID();")
    with pytest.raises(DatabaseError, match="restored"):
        shop.cycle()
    with shop.stage.databases.connection(Role.QUEUE) as target:
        assert queue.recover_queue(target, datetime(2099, 1, 1), claimed(shop), "ann")["changes_in_doubt"] == 1
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
