"""Rule 11, the replica's and the processor's part: what should be recorded, recomputed from the rows themselves."""

from __future__ import annotations

import datetime

import pytest
from tests.procedures.shop import Shop, call


@pytest.fixture
def busy(watching: Shop) -> Shop:
    """Two inserts, an update, a soft delete; all detected, and low is past them."""
    watching.insert(1)
    watching.insert(2)
    watching.pass_time()
    watching.detect()
    watching.enqueue_all()
    watching.update(1, "closed")
    watching.wait(1)
    watching.soft_delete(2)
    watching.pass_time()
    watching.detect()
    watching.pass_time()
    watching.detect()
    return watching


def test_nothing_is_missing_when_all_is_recorded(busy: Shop) -> None:
    assert [change[:2] for change in busy.changes()] == [("1", "I"), ("2", "I"), ("1", "U"), ("2", "D")]
    assert busy.audit() == []


@pytest.mark.parametrize(("record", "operation"), [("1", "I"), ("1", "U"), ("2", "D")])
def test_a_recorded_change_that_is_deleted_is_missing_once(busy: Shop, record: str, operation: str) -> None:
    busy.ask("DELETE c FROM notify.change AS c WHERE c.record_key = ? AND c.operation = ?;", f'["{record}"]', operation)
    assert busy.audit() == [("order changed", record, operation)]


def test_a_row_with_no_recorded_change_at_all_is_missing_once(busy: Shop) -> None:
    busy.ask("DELETE c FROM notify.change AS c WHERE c.record_key = '[\"1\"]';")
    assert busy.audit() == [("order changed", "1", "I")]


def test_a_row_above_low_may_be_on_its_way_and_is_not_missing(busy: Shop) -> None:
    busy.insert(3)
    busy.redo()
    assert busy.audit() == []


def test_a_row_that_low_has_passed_and_nobody_recorded_is_missing(busy: Shop) -> None:
    busy.insert(
        3, modified_at=busy.now - datetime.timedelta(minutes=1), created_at=busy.now - datetime.timedelta(minutes=1)
    )
    busy.redo()
    busy.detect()
    assert busy.audit() == [("order changed", "3", "I")]


def test_each_notification_has_its_own_low(busy: Shop) -> None:
    busy.define("on leave")
    busy.activate("on leave")
    call(busy.processor, "pause_notification", name="on leave")
    busy.pass_time()
    busy.insert(3)
    busy.pass_time()
    busy.detect()
    busy.pass_time()
    busy.detect()
    assert busy.audit() == []


def test_rows_of_before_the_activation_are_not_expected(shop: Shop) -> None:
    shop.insert(1)
    shop.pass_time()
    shop.insert(2)
    shop.redo()
    shop.watch()
    shop.detect()
    shop.pass_time()
    shop.detect()
    assert shop.audit() == []


def test_each_notification_has_its_own_baseline(busy: Shop) -> None:
    busy.define("late comer")
    busy.activate("late comer")
    busy.pass_time()
    busy.detect()
    busy.ask("DELETE notify.change;")
    assert {name for name, _, _ in busy.audit()} == {"order changed"}


def test_a_replica_that_shows_older_rows_gives_no_alarm(busy: Shop) -> None:
    behind = busy.replica
    busy.update(1, "open again")
    busy.insert(3)
    busy.pass_time()
    busy.detect()
    busy.pass_time()
    busy.detect()
    busy.replica = behind
    assert busy.audit() == []


def test_every_recorded_change_is_listed_with_where_its_answer_lies(busy: Shop) -> None:
    rows = call(busy.processor, "get_audited_changes", after_change_number=0, take=1000)[0]
    listed = [(row["operation"], row["state"], row["bucket"]) for row in rows if row["reason"] != "baseline"]
    assert listed == [
        ("I", "enqueued", "queue"),
        ("I", "enqueued", "queue"),
        ("U", "pending", "pending"),
        ("D", "pending", "pending"),
    ]


def test_the_list_comes_in_pages(busy: Shop) -> None:
    seen: list[int] = []
    while rows := call(busy.processor, "get_audited_changes", after_change_number=max(seen, default=0), take=3)[0]:
        seen += [row["change_number"] for row in rows]
    (counted,) = busy.ask("SELECT COUNT(*) AS changes FROM notify.change;")
    assert len(seen) == len(set(seen)) == counted["changes"]
