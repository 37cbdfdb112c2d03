"""Rule 10, with all four roles: a queue that came back from a backup takes what the processor copied of it."""

from __future__ import annotations

import datetime

from notify.databases import Role
from notify.procedures import processor
from notify.recover import recover

from .conftest import Shop

AS_BEFORE_THE_SEND = """
DELETE notify.attempt;
UPDATE notify.message SET state = 'queued', completed_at = NULL, claim_token = NULL, attempt_id = NULL, attempt_count = 0;
INSERT notify.ready (channel, priority, message_id) SELECT m.channel, m.priority, m.message_id FROM notify.message AS m;
UPDATE notify.queue_identity SET recovery_fork_guid = NEWID();
"""
LATER = datetime.datetime(2099, 1, 1)


def test_what_was_sent_and_copied_is_sent_after_the_recovery_too(shop: Shop) -> None:
    shop.order(2)
    shop.cycle()
    shop.stage.send()
    shop.cycle()
    with shop.stage.databases.connection(Role.PROCESSOR) as connection:
        assert len(processor.get_outcome_copies(connection, 0, 10)) == 1
    shop.stage.queue(AS_BEFORE_THE_SEND)
    done = recover(shop.stage.databases, LATER, "ann")
    assert (done.sent, done.messages_in_doubt, done.changes_in_doubt) == (1, 0, 0)
    shop.stage.send()
    assert len(shop.stage.mails) == 1


def test_what_was_sent_after_the_last_copy_is_in_doubt(shop: Shop) -> None:
    shop.order(2)
    shop.cycle()
    shop.stage.send()
    shop.stage.queue(AS_BEFORE_THE_SEND)
    done = recover(shop.stage.databases, LATER, "ann")
    assert (done.sent, done.messages_in_doubt, done.changes_in_doubt) == (0, 1, 0)
    shop.stage.send()
    assert len(shop.stage.mails) == 1


def test_the_queues_word_outweighs_the_processors_in_the_audit(shop: Shop) -> None:
    """The worker died between the queue's decision and its completion; meanwhile a newer state superseded the change."""
    shop.order(2)
    shop.cycle()
    shop.stage.send()
    shop.stage.processor(
        "UPDATE notify.change SET state = 'superseded', reason = N'a newer state of the record was recorded'"
        " WHERE state = 'enqueued';"
    )
    report = shop.stage.audit()
    assert (report["expected"], report["sent"], report["explained"]) == (1, 1, 0)


def test_of_a_claimed_change_that_the_queue_does_not_know_the_processors_word_counts(shop: Shop) -> None:
    shop.order(2)
    shop.cycle()
    shop.stage.processor(
        "UPDATE notify.change SET state = 'failed', reason = N'template' WHERE state = 'enqueued';"
        "UPDATE notify.change SET change_key = HASHBYTES('SHA2_256', 'another') WHERE state = 'failed';"
    )
    report = shop.stage.audit()
    assert (report["expected"], report["explained"]) == (1, 1)
    assert report["reasons"] == [{"reason": "template", "messages": 1}]
