"""A changed row becomes a delivered, accounted-for message, through all four roles to a real SMTP server."""

from __future__ import annotations

import dataclasses

from notify import reports
from notify.cycle import run_cycle

from .conftest import SHOP, Shop


class Notes:
    """Keeps what a cycle tells."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)

    def step(self, name: str, done: int, total: int | None) -> None:
        pass


def test_a_new_order_is_mailed_once(shop: Shop) -> None:
    shop.order(2)
    report = shop.cycle()
    assert (report.exit_code, report.detected, report.enqueued, report.messages) == (0, 1, 1, 1)
    shop.stage.send()
    assert shop.subjects() == ["Order 2 is paid"]
    mail = shop.stage.mails[0]
    assert "Nuts &amp; bolts" in mail.part("html")
    assert "$10.00" in mail.part("html")
    assert "Total $12.50" in mail.part("plain")

    assert shop.cycle().detected == 0
    shop.stage.send()
    assert len(shop.stage.mails) == 1


def test_history_is_never_mailed_and_the_first_cycle_says_so(shop: Shop) -> None:
    notes = Notes()
    shop.arrive()
    report = run_cycle(shop.stage.config, shop.stage.databases, notes)
    assert report.detected == 0
    watching = [line for line in notes.lines if line.startswith("watching dbo.customer_order.")]
    assert len(watching) == 2
    assert all("no row from before will be mailed" in line for line in watching)
    notes.lines.clear()
    run_cycle(shop.stage.config, shop.stage.databases, notes)
    assert notes.lines == []


def test_a_change_of_an_old_order_is_an_update(shop: Shop) -> None:
    shop.status(1, "shipped")
    assert shop.cycle().messages == 1
    shop.stage.send()
    assert shop.subjects() == ["Order 1 is shipped"]


def test_an_order_that_changed_twice_is_mailed_as_it_is_now(shop: Shop) -> None:
    shop.status(1, "packed")
    shop.cycle()
    shop.status(1, "shipped")
    shop.cycle()
    shop.stage.send()
    assert shop.subjects() == ["Order 1 is shipped"]


def test_several_workers_share_the_work(shop: Shop) -> None:
    for number in range(2, 32):
        shop.order(number)
    shop.arrive()
    config = dataclasses.replace(
        shop.stage.config, cycle=dataclasses.replace(shop.stage.config.cycle, workers=3, batch_size=4)
    )
    report = run_cycle(config, shop.stage.databases)
    assert (report.exit_code, report.enqueued, report.messages) == (0, 30, 30)
    shop.stage.send()
    assert shop.subjects() == sorted(f"Order {number} is paid" for number in range(2, 32))


def test_the_audit_accounts_for_every_message(shop: Shop) -> None:
    shop.order(2)
    shop.order(3, email="nobody")
    shop.order(4, "draft")
    shop.order(5, "unaddressed")
    shop.cycle()
    shop.stage.send()
    shop.arrive()
    report = shop.stage.audit()
    assert {name: report[name] for name in ("expected", "sent", "explained", "missing", "doubled")} == {
        "expected": 3,
        "sent": 1,
        "explained": 2,
        "missing": 0,
        "doubled": 0,
    }
    assert {item["reason"].partition(":")[0] for item in report["reasons"]} == {
        "no recipient",
        "bad e-mail address 'nobody'",
    }


def test_a_change_that_is_lost_is_missing(shop: Shop) -> None:
    shop.order(2)
    shop.cycle()
    shop.stage.send()
    shop.stage.processor(
        "DELETE h FROM notify.change_history AS h INNER JOIN notify.change AS c ON c.change_id = h.change_id"
        " WHERE c.record_key = N'[\"2\"]'; DELETE FROM notify.change WHERE record_key = N'[\"2\"]';"
    )
    # Another order moves the low past the lost one.
    shop.stage.advance(seconds=10)
    shop.order(3)
    shop.cycle()
    shop.stage.send()
    report = shop.stage.audit()
    assert report["missing"] <= 1
    assert report["expected"] == sum(report[name] for name in ("sent", "in_doubt", "pending", "explained", "missing"))


def test_why_tells_one_record_from_the_row_to_the_mail(shop: Shop) -> None:
    shop.order(2)
    shop.cycle()
    shop.stage.send()
    story = reports.why(shop.stage.databases, reports.record_key(["2"]))
    told = [event.text for event in story.events]
    recorded = "recorded, its messages are to be made"
    for part in (recorded, "handed to the queue", "email to buyer2@shop.example.com", "handed to mailbox", "accepted"):
        assert any(part in line for line in told), (part, told)


def test_why_tells_also_why_nothing_was_sent(shop: Shop) -> None:
    shop.order(4, "draft")
    shop.cycle()
    story = reports.why(shop.stage.databases, reports.record_key(["4"]))
    assert any("no message: the row does not meet the notification's criteria" in event.text for event in story.events)


def test_applying_again_changes_nothing(shop: Shop) -> None:
    (applied,) = shop.stage.apply(SHOP / "notifications.toml")
    assert (applied.action, applied.differences, applied.activated) == ("unchanged", [], False)
