"""Rule 10, with all four roles: a queue that came back from a backup takes what the processor copied of it."""

from __future__ import annotations

import datetime
import json
import re

import pytest

from notify import assets
from notify.databases import Role
from notify.procedures import processor, queue
from notify.recover import recover

from .conftest import Shop

AS_BEFORE_THE_SEND = """
DELETE notify.attempt;
UPDATE notify.message SET state = 'queued', completed_at = NULL, claim_token = NULL, attempt_id = NULL, attempt_count = 0;
INSERT notify.ready (channel, priority, message_id) SELECT m.channel, m.priority, m.message_id FROM notify.message AS m;
UPDATE notify.queue_identity SET recovery_fork_guid = NEWID();
"""
AS_BEFORE_THE_CYCLE = """
DELETE notify.attempt;
DELETE notify.ready;
DELETE notify.message_body;
DELETE notify.message;
DELETE notify.message_key;
DELETE notify.decision;
UPDATE notify.queue_identity SET recovery_fork_guid = NEWID();
"""
LATER = datetime.datetime(2099, 1, 1)


def key_of_order_2(shop: Shop) -> str:
    """Of its only change."""
    query = "SELECT CONVERT(char(64), c.change_key, 2) FROM notify.change AS c WHERE c.record_key = N'[\"2\"]';"
    ((key,),) = shop.stage.processor(query)
    return str(key)


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


@pytest.mark.parametrize("verdict", ["send", "sent", "failed"])
def test_a_change_in_doubt_is_settled_and_the_audit_agrees(shop: Shop, verdict: str) -> None:
    """The backup is older than the change's messages: nobody knows whether they were sent."""
    shop.order(2)
    shop.cycle()
    shop.stage.queue(AS_BEFORE_THE_CYCLE)
    assert recover(shop.stage.databases, LATER, "ann").changes_in_doubt == 1
    assert shop.cycle().outcome == "ok"
    key = key_of_order_2(shop)
    assert shop.stage.audit()["in_doubt"] == 1
    with shop.stage.databases.connection(Role.QUEUE) as connection:
        queue.release_change(connection, key, verdict, "ann", "asked them")
    if verdict == "send":
        assert shop.stage.audit()["missing"] == 1, "forgotten, and not yet put back"
        with shop.stage.databases.connection(Role.PROCESSOR) as connection:
            requeued = processor.requeue_change(connection, key)
            assert requeued is not None
            assert (requeued["old_state"], requeued["state"]) == ("enqueued", "pending")
        assert shop.stage.audit()["pending"] == 1
        shop.cycle()
        shop.stage.send()
    report = shop.stage.audit()
    assert (report["expected"], report["missing"], report["doubled"], report["in_doubt"]) == (1, 0, 0, 0)
    assert (report["sent"], report["explained"]) == ((0, 1) if verdict == "failed" else (1, 0))
    assert len(shop.stage.mails) == (1 if verdict == "send" else 0)


def test_a_change_that_is_settled_ends_the_batch_of_whoever_comes_late(shop: Shop) -> None:
    """The worker died before the loss; its change was settled before the next one generated it."""
    shop.order(2)
    shop.cycle()
    shop.stage.queue(AS_BEFORE_THE_CYCLE)
    shop.stage.processor(
        "UPDATE notify.change SET state = 'pending', completed_at = NULL, message_count = NULL WHERE state = 'enqueued';"
    )
    recover(shop.stage.databases, LATER, "ann")
    key = key_of_order_2(shop)
    with shop.stage.databases.connection(Role.QUEUE) as connection:
        queue.release_change(connection, key, "sent", "ann", "their log has it")
    assert shop.cycle().outcome == "ok"
    assert shop.changes()["2"] == ("enqueued", "their log has it")
    assert shop.stage.audit()["sent"] == 1


def test_requeuing_leaves_alone_what_has_nothing_to_tell(shop: Shop) -> None:
    shop.order(2, "draft")
    shop.cycle()
    key = key_of_order_2(shop)
    with shop.stage.databases.connection(Role.PROCESSOR) as connection:
        requeued = processor.requeue_change(connection, key)
        assert requeued is not None
        assert (requeued["old_state"], requeued["state"]) == ("skipped", "skipped")
        assert processor.requeue_change(connection, "00" * 32) is None
        assert processor.requeue_change(connection, "no key") is None


def test_what_was_generated_already_is_not_told_twice_by_a_requeue(shop: Shop) -> None:
    shop.order(2)
    shop.cycle()
    key = key_of_order_2(shop)
    with shop.stage.databases.connection(Role.PROCESSOR) as connection:
        assert processor.requeue_change(connection, key) is not None
    shop.cycle()
    shop.stage.send()
    assert len(shop.stage.mails) == 1


def test_a_dba_recovers_a_queue_with_the_statements_of_the_readme(shop: Shop) -> None:
    """What one server gives is carried to the other as text; order 2 was sent and copied, of order 1's change it knows nothing."""
    shop.order(2)
    shop.cycle()
    shop.stage.send()
    shop.cycle()
    shop.stage.queue(AS_BEFORE_THE_SEND)
    shop.stage.processor(
        "UPDATE notify.change SET first_claimed_at = SYSUTCDATETIME() WHERE first_claimed_at IS NULL;"  # order 1: history
    )
    readme = (assets.sql() / "README.md").read_text()
    written = readme[readme.index("## A lost queue") : readme.index("## What grows")]
    outcomes, changes = re.findall(r"(?ms)^ *CREATE TABLE #page.*?DROP TABLE #page;", written)
    takes = re.findall(r"EXECUTE notify\.(?:take_outcomes|recover_queue) [^;`]*;", written)
    assert [take.split()[1] for take in takes] == ["notify.take_outcomes", *["notify.recover_queue"] * 2]
    for asked, given in ((outcomes, takes[0]), (changes, takes[1])):
        ((_, rows, text),) = shop.stage.processor(asked)
        assert rows == len(json.loads(text)) > 0
        shop.stage.queue(given.replace("[...]", text.replace("'", "''")))
    shop.stage.queue(takes[2])
    assert shop.stage.queue("SELECT 1 FROM notify.trusted_queue;") == [(1,)]
    assert shop.stage.queue("SELECT state FROM notify.message;") == [("sent",)]
    with shop.stage.databases.connection(Role.QUEUE) as connection:
        assert [row["record_key"] for row in queue.get_changes_in_doubt(connection)] == ['["1"]']
