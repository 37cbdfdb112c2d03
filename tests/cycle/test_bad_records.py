"""What one bad record does: a reason for it, and nothing to the others."""

from __future__ import annotations

import pytest

from notify.errors import DatabaseUnreachable
from notify.procedures import processor

from .conftest import Shop


def reason_of(shop: Shop, number: int) -> tuple[str, str]:
    state, reason = shop.changes()[str(number)]
    return state, reason or ""


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("odd", "no member 'colour'; there are: product, amount"),
        ("nobody", "a merge row has no recipient_key"),
        ("broken", "notify_extract.merge_fields_order_changed"),
    ],
)
def test_a_record_that_fails_does_not_stop_the_others(shop: Shop, status: str, reason: str) -> None:
    shop.order(2)
    shop.order(3, status)
    shop.order(4)
    report = shop.cycle()
    assert (report.exit_code, report.enqueued, report.failed) == (3, 2, 1)
    state, told = reason_of(shop, 3)
    assert state == "failed"
    assert reason in told or status == "broken"
    shop.stage.send()
    assert shop.subjects() == ["Order 2 is paid", "Order 4 is paid"]


def test_a_failed_change_is_mailed_when_its_cause_is_mended(shop: Shop) -> None:
    shop.order(3, "nobody")
    assert shop.cycle().failed == 1
    shop.stage.do(("UPDATE dbo.customer_order SET status = 'paid' WHERE order_id = 3;", ()))
    with shop.stage.databases.connection("processor") as connection:
        assert processor.requeue_changes(connection, "order_changed", None) == 1
    assert shop.cycle().messages == 1
    shop.stage.send()
    assert shop.subjects() == ["Order 3 is paid"]


@pytest.mark.parametrize("address", ["nobody", "a@b@c.example", "a@example.com\r\nBcc: all@example.com"])
def test_a_bad_address_is_stored_as_failed_with_its_reason(shop: Shop, address: str) -> None:
    shop.order(2, email=address)
    report = shop.cycle()
    assert (report.messages, report.bad_addresses) == (1, 1)
    shop.stage.send()
    assert shop.stage.mails == []
    ((state, reason),) = shop.stage.queue("SELECT m.state, m.reason FROM notify.message AS m;")
    assert state == "failed"
    assert reason.startswith("bad e-mail address")


def test_null_as_an_address_has_its_reason(shop: Shop) -> None:
    shop.order(2, email="")
    shop.cycle()
    assert shop.stage.queue("SELECT m.state, m.reason FROM notify.message AS m;") == [
        ("failed", "no e-mail address (email is NULL)")
    ]


def test_no_row_from_the_merge_procedure_is_no_recipient(shop: Shop) -> None:
    shop.order(2, "unaddressed")
    assert shop.cycle().skipped == 1
    assert reason_of(shop, 2) == ("skipped", "no recipient")


@pytest.mark.parametrize("customer", ["Zoë 😀", "عمر خان", "O'Brien <b>\r\nX-Evil: 1"])
def test_any_name_arrives(shop: Shop, customer: str) -> None:
    shop.order(2, customer=customer)
    assert shop.cycle().exit_code == 0
    shop.stage.send()
    (mail,) = shop.stage.mails
    assert mail.message["X-Evil"] is None
    assert customer.split("<")[0].strip() in mail.part("plain")


def test_a_body_of_two_megabytes_fails_with_its_reason(shop: Shop) -> None:
    shop.order(2)
    longer = "UPDATE dbo.order_line SET product = REPLICATE(CONVERT(nvarchar(max), N'x'), 2200000) WHERE order_id = 2;"
    shop.stage.do(("ALTER TABLE dbo.order_line ALTER COLUMN product nvarchar(max) NOT NULL;", ()), (longer, ()))
    report = shop.cycle()
    assert report.failed == 1
    assert "the limit is 2 MB" in reason_of(shop, 2)[1]


@pytest.mark.only_in("tsqlite", because="its server goes away with its file")
def test_a_server_that_is_gone_ends_the_cycle_and_the_next_goes_on(shop: Shop) -> None:
    shop.order(2)
    shop.arrive()
    queue_file = shop.stage.folder / "queue.db"
    shop.stage.close()
    hidden = queue_file.rename(queue_file.with_suffix(".away"))
    try:
        with pytest.raises(DatabaseUnreachable, match="queue"):
            shop.stage.cycle()
    finally:
        shop.stage.close()
        queue_file.unlink(missing_ok=True)
        hidden.rename(queue_file)
    shop.stage.advance(minutes=6)
    assert shop.stage.cycle().messages == 1
    shop.stage.send()
    assert shop.subjects() == ["Order 2 is paid"]
