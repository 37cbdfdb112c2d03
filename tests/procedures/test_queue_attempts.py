"""Claims, attempts and outcomes: nothing is handed over twice by itself, and every outcome is kept."""

from __future__ import annotations

import datetime
import uuid

import pytest
from tests.procedures.queue_room import NOTIFICATION, START, Room, change, key, mail, stamp

from notify.errors import DatabaseError, ProcedureError, QueueRestored
from notify.procedures import queue


def test_claims_go_by_priority_then_age(room: Room) -> None:
    room.enqueue(change(1, mail(priority=5)), change(2, mail(priority=1)), change(3, mail(priority=5)))
    assert [message.message_id for message in room.claim(2)] == [2, 1]
    assert [message.message_id for message in room.claim(2)] == [3]
    assert room.claim() == []


def test_a_channel_without_a_sender_waits(room: Room) -> None:
    room.enqueue(change(1, mail(channel="sms")))
    assert room.claim() == [] and room.states() == {1: "queued"}
    assert len(room.claim(channel="sms")) == 1


def test_what_expired_or_was_suppressed_meanwhile_ends_at_the_claim(room: Room) -> None:
    room.enqueue(change(1, mail(expires_in_seconds=60)), change(2, mail("bob")))
    queue.suppress_address(room.connection, "email", "BOB@example.org", "bounced", "test")
    room.wait(61)
    assert room.claim() == []
    assert room.states() == {1: "expired", 2: "suppressed"}


def test_a_claim_whose_lease_ended_is_queued_and_its_token_is_worth_nothing(room: Room) -> None:
    room.enqueue(change(1))
    late = room.claim_one()
    room.wait(61)
    assert queue.sweep_messages(room.connection)["queued"] == 1
    assert room.begin(late)[1] is False
    now = room.claim_one()
    assert room.begin(late)[1] is False and room.begin(now)[1] is True


def test_begin_may_be_repeated_with_the_same_id_and_with_no_other(room: Room) -> None:
    room.enqueue(change(1))
    message = room.claim_one()
    attempt_id, begun = room.begin(message)
    assert begun and room.begin(message, attempt_id) == (attempt_id, True)
    assert room.begin(message)[1] is False
    room.record(message, attempt_id, "accepted")
    assert room.begin(message, attempt_id)[1] is False


def test_an_acceptance_is_kept_with_the_providers_words(room: Room) -> None:
    room.enqueue(change(1))
    room.send_one(provider_id="250 2.0.0 queued as 7")
    assert room.states() == {1: "sent"} and room.alerts() == {}
    explained = queue.explain_messages(room.connection, '["1"]')
    (attempt,) = explained.attempts
    assert (attempt["outcome"], attempt["provider_id"], attempt["attempt_number"]) == (
        "accepted",
        "250 2.0.0 queued as 7",
        1,
    )


@pytest.mark.parametrize(("attempts", "least", "most"), [(1, 30, 60), (2, 60, 120), (4, 240, 480)])
def test_a_refusal_for_now_is_tried_again_later_and_later(room: Room, attempts: int, least: int, most: int) -> None:
    room.enqueue(change(1))
    for number in range(attempts):
        if number:
            room.wait(86400)
            queue.sweep_messages(room.connection)
        room.send_one("refused", code="450", detail="come back later")
    assert room.states() == {1: "retrying"} and room.reasons() == ["450 come back later"]
    (row,) = room.run("SELECT next_at FROM notify.message;")
    assert least <= (row["next_at"] - room.now).total_seconds() <= most


def test_the_wait_is_capped_and_the_providers_wish_is_heard(room: Room) -> None:
    room.run("UPDATE notify.setting SET value = N'90' WHERE name = 'retry_cap_seconds';")
    room.enqueue(change(1), change(2))
    room.send_one("refused", retry_after_seconds=1000)
    (row,) = room.run("SELECT next_at FROM notify.message WHERE message_id = 1;")
    assert row["next_at"] == room.now + datetime.timedelta(seconds=1000)
    room.run("UPDATE notify.message SET attempt_count = 6 WHERE message_id = 2;")
    room.send_one("refused")
    (row,) = room.run("SELECT next_at FROM notify.message WHERE message_id = 2;")
    assert 45 <= (row["next_at"] - room.now).total_seconds() <= 90


def test_too_many_refusals_fail_and_someone_is_told(room: Room) -> None:
    room.run("UPDATE notify.setting SET value = N'2' WHERE name = 'max_attempts';")
    room.enqueue(change(1))
    room.send_one("refused", code="450")
    room.wait(86400)
    queue.sweep_messages(room.connection)
    room.send_one("refused", code="450")
    assert room.states() == {1: "failed"} and room.alerts() == {"message_failed": 1}


def test_a_refusal_for_ever_fails_at_once_also_before_an_attempt_was_begun(room: Room) -> None:
    room.enqueue(change(1), change(2))
    first, second = room.claim()
    attempt_id, _ = room.begin(first)
    assert room.record(first, attempt_id, "refused", is_permanent=True, code="554", detail="spam") == "failed"
    assert room.record(second, None, "refused", is_permanent=True, code="550", detail="no such user") == "failed"
    assert room.alerts() == {"message_failed": 2}
    explained = queue.explain_messages(room.connection, '["2"]')
    assert [(row["code"], row["outcome"]) for row in explained.attempts] == [("550", "refused")]
    assert queue.acknowledge_alerts(room.connection, "ann") == 1 and room.alerts() == {}


def test_operators_are_told_an_open_alert_once(room: Room) -> None:
    def told() -> tuple[str | None, str | None]:
        (row,) = room.run(
            "DECLARE @s nvarchar(256), @b nvarchar(max); EXECUTE notify.take_alerts @s OUTPUT, @b OUTPUT;"
            " SELECT @s AS subject, @b AS body;"
        )
        return row["subject"], row["body"]

    def refuse(number: int) -> None:
        room.enqueue(change(number))
        room.send_one("refused", is_permanent=True, code="554", detail="spam")

    assert told() == (None, None)
    refuse(1)
    subject, body = told()
    assert subject is not None and subject.startswith("notify: 1 alerts of the queue on ")
    assert body is not None
    assert body.splitlines()[:2] == [
        f"alert 1: message_failed, 1 since 2026-03-02 08:00:00 UTC (notification {NOTIFICATION.upper()})",
        "message 1",
    ]
    refuse(2)
    assert room.alerts() == {"message_failed": 2} and told() == (None, None)
    queue.acknowledge_alerts(room.connection, "ann")
    refuse(3)
    _, body = told()
    assert body is not None and body.startswith("alert 2: message_failed, 1 since")


def test_failed_messages_get_another_round_when_a_person_says_so(room: Room) -> None:
    room.enqueue(change(1), change(2, mail("bob", address="", reason="no address")))
    room.send_one("refused", is_permanent=True)
    assert queue.requeue_failed_messages(room.connection, "ann", "the server was wrong") == 1
    assert room.states() == {1: "queued", 2: "failed"}
    room.send_one()
    assert room.states()[1] == "sent"


def test_a_refused_message_with_a_newer_version_is_not_tried_again(room: Room) -> None:
    room.enqueue(change(1))
    message = room.claim_one()
    attempt_id, _ = room.begin(message)
    room.enqueue(change(2, record_match='["1"]', shown_stamp=stamp(2)))
    assert room.record(message, attempt_id, "refused") == "canceled"


def test_a_refused_message_that_would_come_too_late_expires(room: Room) -> None:
    room.enqueue(change(1, mail(expires_in_seconds=20)))
    room.send_one("refused")
    assert room.states() == {1: "expired"}


def test_a_claim_given_back_is_ready_at_once_and_counts_no_attempt(room: Room) -> None:
    room.enqueue(change(1), change(2))
    first, second = room.claim()
    assert room.record(first, None, "not_handed_over") == "queued"
    assert room.record(second, None, "not_handed_over", retry_after_seconds=60) == "retrying"
    assert room.claim_one().attempt_number == 1
    assert queue.explain_messages(room.connection, '["1"]').attempts == []


def test_a_claim_given_back_is_gone_whoever_has_it_now(room: Room) -> None:
    room.enqueue(change(1))
    late = room.claim_one()
    room.record(late, None, "not_handed_over")
    assert room.begin(late)[1] is False
    room.claim_one()
    assert room.record(late, None, "not_handed_over") == "claimed"
    assert room.record(late, None, "refused", is_permanent=True) == "claimed"


def test_an_attempt_that_was_begun_and_not_handed_over_is_tried_again(room: Room) -> None:
    room.enqueue(change(1))
    room.send_one("not_handed_over", detail="the connection was lost before the body")
    assert room.states() == {1: "retrying"}


def test_an_unknown_outcome_is_in_doubt_and_stays_so(room: Room) -> None:
    room.enqueue(change(1), change(2))
    room.send_one("unknown", detail="after the body: timed out")
    silent = room.claim_one()
    room.begin(silent)
    room.wait(601)
    assert queue.sweep_messages(room.connection)["in_doubt"] == 1
    room.wait(86400)
    queue.sweep_messages(room.connection)
    assert room.states() == {1: "in_doubt", 2: "in_doubt"} and room.claim() == []
    assert room.alerts() == {"message_in_doubt": 2}


def test_a_late_acceptance_counts_from_any_state(room: Room) -> None:
    room.enqueue(change(1), change(2))
    doubtful, released = room.claim()
    attempts = {message: room.begin(message)[0] for message in (doubtful, released)}
    room.wait(601)
    queue.sweep_messages(room.connection)
    queue.release_message(room.connection, released.message_id, "send", "ann", "no trace of it at the provider")
    assert room.states() == {1: "in_doubt", 2: "queued"}
    assert [room.record(message, attempts[message], "accepted") for message in (doubtful, released)] == ["sent", "sent"]
    assert room.states() == {1: "sent", 2: "sent"} and room.claim() == []


def test_a_late_refusal_moves_only_the_attempt_that_still_stands(room: Room) -> None:
    room.enqueue(change(1))
    first = room.claim_one()
    old, _ = room.begin(first)
    room.wait(601)
    queue.sweep_messages(room.connection)
    queue.release_message(room.connection, 1, "send", "ann", "try again")
    second = room.claim_one()
    new, _ = room.begin(second)
    assert room.record(first, old, "refused") == "sending"
    assert room.record(second, new, "accepted") == "sent"
    assert room.record(first, old, "refused", is_permanent=True) == "sent"


def test_a_late_refusal_settles_a_doubt(room: Room) -> None:
    room.enqueue(change(1))
    message = room.claim_one()
    attempt_id, _ = room.begin(message)
    room.wait(601)
    queue.sweep_messages(room.connection)
    assert room.record(message, attempt_id, "refused") == "retrying"


def test_who_said_unknown_cannot_say_refused_afterwards(room: Room) -> None:
    room.enqueue(change(1))
    message = room.claim_one()
    attempt_id, _ = room.begin(message)
    assert room.record(message, attempt_id, "unknown") == "in_doubt"
    assert room.record(message, attempt_id, "refused") == "in_doubt"


def test_an_outcome_may_be_told_twice(room: Room) -> None:
    room.enqueue(change(1))
    message = room.claim_one()
    attempt_id, _ = room.begin(message)
    assert room.record(message, attempt_id, "refused") == "retrying"
    (before,) = room.run("SELECT next_at, attempt_count FROM notify.message;")
    room.wait(5)
    assert room.record(message, attempt_id, "refused") == "retrying"
    assert room.run("SELECT next_at, attempt_count FROM notify.message;") == [before]


def test_what_an_attempt_said_first_stays_unless_it_was_accepted_after_all(room: Room) -> None:
    room.enqueue(change(1))
    message = room.claim_one()
    attempt_id, _ = room.begin(message)
    assert room.record(message, attempt_id, "refused", is_permanent=True, code="550", detail="no such user") == "failed"
    (before,) = room.run("SELECT * FROM notify.attempt;")
    room.wait(5)
    for outcome, details in [
        ("refused", {"is_permanent": True, "code": "550"}),
        ("unknown", {}),
        ("not_handed_over", {}),
    ]:
        assert room.record(message, attempt_id, outcome, **details) == "failed"
        assert room.run("SELECT * FROM notify.attempt;") == [before]
    assert room.record(message, attempt_id, "accepted", provider_id="4711") == "sent"
    (after,) = room.run("SELECT outcome, provider_id, code FROM notify.attempt;")
    assert after == {"outcome": "accepted", "provider_id": "4711", "code": None}


def test_only_doubled_hand_overs_that_no_person_released_are_doubled(room: Room) -> None:
    room.enqueue(change(1), change(2))
    for message in room.claim():
        attempt_id, _ = room.begin(message)
        room.record(message, attempt_id, "accepted")
        room.record(message, str(uuid.uuid4()), "accepted")  # a sender that froze, then went on
    assert room.doubled(1) == 1 and room.doubled(1, 2) == 2


def test_a_second_copy_that_a_person_asked_for_is_not_doubled(room: Room) -> None:
    room.enqueue(change(1))
    first = room.send_one("unknown")
    (attempt,) = queue.explain_messages(room.connection, '["1"]').attempts
    queue.release_message(room.connection, 1, "send", "ann", "it has not arrived")
    room.send_one("accepted")
    assert room.record(first, attempt["attempt_id"], "accepted") == "sent"
    (audited,) = queue.audit_messages(room.connection, [key(1)]).messages
    assert (audited["accepted"], audited["released"], audited["doubled"]) == (2, 1, 0)


def test_what_is_claimed_is_not_withdrawn(room: Room) -> None:
    room.enqueue(change(1), change(2))
    room.claim(1)
    room.run(
        "EXECUTE notify.withdraw_messages @messages = N'[{\"message_id\":1},{\"message_id\":2}]', @new_state = 'canceled',"
        " @reason = N'test', @actor = N'test';"
    )
    assert room.states() == {1: "claimed", 2: "canceled"}


def test_outcomes_and_the_next_attempts_go_in_one_commit(room: Room) -> None:
    room.enqueue(change(1), change(2))
    first, second = room.claim()
    attempt_id, _ = room.begin(first)
    recorded, begun = queue.advance_attempts(
        room.connection, [room.attempt(first, attempt_id) | {"outcome": "accepted"}], [room.attempt(second)], 600
    )
    assert [row["state"] for row in recorded] == ["sent"] and [bool(row["begun"]) for row in begun] == [True]
    assert room.states() == {1: "sent", 2: "sending"}


@pytest.mark.parametrize(("verdict", "state"), [("send", "queued"), ("sent", "sent"), ("failed", "failed")])
def test_a_persons_word_settles_a_doubt(room: Room, verdict: str, state: str) -> None:
    room.enqueue(change(1))
    room.send_one("unknown")
    assert queue.release_message(room.connection, 1, verdict, "ann", "asked") == {"message_id": 1, "state": state}
    assert room.states() == {1: state}
    (attempt,) = queue.explain_messages(room.connection, '["1"]').attempts
    assert attempt["released_by"] == ("ann" if verdict == "send" else None)
    with pytest.raises(ProcedureError, match=state):
        queue.release_message(room.connection, 1, verdict, "ann", "again")


def test_a_restored_queue_neither_claims_nor_begins_but_keeps_outcomes(room: Room) -> None:
    room.enqueue(change(1), change(2))
    first, second = room.claim()
    attempt_id, _ = room.begin(first)
    room.lose()
    with pytest.raises(QueueRestored):
        room.claim()
    with pytest.raises(QueueRestored):
        room.begin(second)
    with pytest.raises(QueueRestored):
        queue.sweep_messages(room.connection)
    assert room.record(first, attempt_id, "accepted") == "sent"
    assert not queue.queue_status(room.connection).queue["is_trusted"]


def test_recovery_doubts_what_may_have_been_sent_and_nothing_else(room: Room) -> None:
    room.enqueue(change(1), change(2), change(3), change(4, mail(due_in_seconds=7200)))
    room.send_one()
    room.claim_one()
    room.lose()
    room.wait(3600)
    lost = change(9)
    counts = queue.recover_queue(room.connection, room.now, [change(1), lost], "ann")
    assert counts == {"messages_in_doubt": 2, "changes_in_doubt": 1}
    assert room.states() == {1: "sent", 2: "in_doubt", 3: "in_doubt", 4: "scheduled"}
    (told,) = room.enqueue(lost)
    assert (told["outcome"], told["was_first"]) == ("in_doubt", False)
    with pytest.raises(ProcedureError):
        queue.recover_queue(room.connection, room.now, [], "ann")


def test_recovery_doubts_what_was_held_since_it_may_have_been_released(room: Room) -> None:
    room.enqueue(change(1))
    queue.hold_notification_messages(room.connection, NOTIFICATION, "ann", "wait")
    room.lose()
    assert queue.recover_queue(room.connection, room.now, [], "ann")["messages_in_doubt"] == 1
    assert room.states() == {1: "in_doubt"}


def test_recovery_doubts_in_batches_and_leaves_what_is_recorded_between_them(room: Room) -> None:
    room.enqueue(change(1), change(2), change(3), change(4))
    first, second = room.claim(2)
    attempts = [(message, room.begin(message)[0]) for message in (first, second)]
    room.lose()
    room.wait(60)
    recover = "EXECUTE notify.recover_queue @lost_at = ?, @changes = NULL, @by = N'ann', @batch_size = 2;"
    (told,) = room.run(recover, room.now.isoformat())
    assert (told["messages_in_doubt"], told["has_more"]) == (2, True)
    assert room.record(*attempts[0], "accepted") == "sent"
    (told,) = room.run(recover, room.now.isoformat())
    assert (told["messages_in_doubt"], told["has_more"]) == (1, False)
    assert room.states() == {1: "sent", 2: "in_doubt", 3: "in_doubt", 4: "in_doubt"}


def test_a_distrusted_queue_tells_it_or_stays_trusted(room: Room) -> None:
    """Both or neither: a queue that stands still without a word would be noticed by its silence."""
    distrust = "EXECUTE notify.distrust_queue @by = N'ann', @reason = N'the machine was taken back';"
    room.run("ALTER TABLE notify.alert ADD CONSTRAINT ck_alert_none CHECK (kind <> 'queue_distrusted');")
    with pytest.raises(DatabaseError):
        room.run(distrust)
    assert queue.queue_status(room.connection).queue["is_trusted"]
    room.run("ALTER TABLE notify.alert DROP CONSTRAINT ck_alert_none;")
    room.run(distrust)
    assert not queue.queue_status(room.connection).queue["is_trusted"] and room.alerts() == {"queue_distrusted": 1}


def test_a_purge_takes_old_messages_and_leaves_what_is_known(room: Room) -> None:
    room.enqueue(change(1), change(2))
    room.send_one()
    room.wait(31 * 86400)
    assert queue.purge_messages(room.connection, 30) == {
        "purged": 1, "alerts": 0, "decision_history": 0, "has_more": False
    }  # fmt: skip
    assert list(room.states()) == [2]
    assert room.enqueue(change(1))[0]["was_first"] is False
    room.enqueue(change(3, record_match='["1"]'))
    assert list(room.states()) == [2]
    audited = queue.audit_messages(room.connection, [key(1), key(2), key(3), key(99)])
    assert [(row["outcome"], row["pending"], row["purged"], row["missing"]) for row in audited.changes] == [
        ("messages", 0, 1, 0), ("messages", 1, 0, 0), ("messages", 0, 1, 0), (None, 0, 0, 0)
    ]  # fmt: skip


def test_a_message_that_is_gone_and_that_no_purge_took_is_missing(room: Room) -> None:
    room.enqueue(change(1, mail("ann"), mail("bob")), change(2, mail("ann"), record_match='["1"]'))
    room.connection.execute(
        "DELETE b FROM notify.message_body AS b WHERE b.message_id = 1; DELETE m FROM notify.message AS m WHERE m.message_id = 1;"
    )
    audited = queue.audit_messages(room.connection, [key(1), key(2)])
    assert [(row["pending"], row["purged"], row["missing"]) for row in audited.changes] == [(1, 0, 1), (0, 0, 1)]


def test_a_purge_counts_what_it_takes_of_each_change_that_shared_a_message(room: Room) -> None:
    room.enqueue(change(1, mail("ann"), mail("bob")), change(2, mail("ann"), record_match='["1"]'))
    room.send_one()
    room.wait(31 * 86400)
    assert queue.purge_messages(room.connection, 30)["purged"] == 1
    audited = queue.audit_messages(room.connection, [key(1), key(2)])
    assert [(row["pending"], row["purged"], row["missing"]) for row in audited.changes] == [(1, 1, 0), (0, 1, 0)]


def test_the_same_recipient_twice_in_a_change_is_one_message_that_nobody_misses(room: Room) -> None:
    room.enqueue(change(1, mail("ann"), mail("ann")))
    audited = queue.audit_messages(room.connection, [key(1)])
    assert [(row["message_count"], row["pending"], row["missing"]) for row in audited.changes] == [(1, 1, 0)]


def test_the_status_counts_what_is_open_and_what_ended(room: Room) -> None:
    room.enqueue(change(1), change(2), change(3, mail(due_in_seconds=60)))
    room.send_one()
    room.wait(30)
    status = queue.queue_status(room.connection)
    assert status.queue["now_at"] == START + datetime.timedelta(seconds=30) and status.queue["is_trusted"]
    assert [(row["state"], row["messages"], row["due"], row["oldest_due_seconds"]) for row in status.open] == [
        ("queued", 1, 1, 30), ("scheduled", 1, 0, None)
    ]  # fmt: skip
    assert [(row["state"], row["messages"]) for row in status.ended] == [("sent", 1)]


def test_a_records_story_is_found_by_its_key_in_any_case(room: Room) -> None:
    room.enqueue(change(1, record_key='["ab"]', record_match='["AB"]'), change(2, mail("bob"), record_match='["AB"]'))
    explained = queue.explain_messages(room.connection, '["ab"]')
    assert len(explained.decisions) == 2 and len(explained.messages) == 2
    by_key = queue.explain_messages(room.connection, change_keys=[key(2)])
    assert [row["recipient_key"] for row in by_key.messages] == ["bob"]


def test_a_ready_row_that_a_claim_left_behind_sends_nothing_and_hinders_nobody(room: Room) -> None:
    """A claim that is cut off while its message is withdrawn puts the row back, which who withdraws had left to it."""
    room.enqueue(change(1), change(2))
    queue.hold_notification_messages(room.connection, NOTIFICATION, "ann", "wait")
    left = "INSERT notify.ready (channel, priority, message_id) SELECT m.channel, m.priority, m.message_id FROM notify.message AS m;"
    room.run(left)
    queue.release_message(room.connection, 2, "send", "ann", "this one")
    queue.release_notification_messages(room.connection, NOTIFICATION, "ann", "mended")
    assert room.states() == {1: "queued", 2: "queued"}
    for _ in range(2):
        room.send_one()
    room.run(left)
    assert room.claim() == []
    assert room.states() == {1: "sent", 2: "sent"}


def test_a_failed_message_whose_ready_row_a_claim_left_behind_gets_its_round(room: Room) -> None:
    room.enqueue(change(1), change(2))
    for _ in range(2):
        room.send_one("refused", is_permanent=True)
    room.run("INSERT notify.ready (channel, priority, message_id) SELECT m.channel, m.priority, m.message_id FROM notify.message AS m"
             " WHERE m.message_id = 1;")  # fmt: skip
    assert queue.requeue_failed_messages(room.connection, "ann", "mended") == 2
    assert [room.send_one().message_id for _ in range(2)] == [1, 2]


def test_a_hold_that_is_released_has_ended_even_when_its_messages_are_not_all_released_yet(room: Room) -> None:
    room.enqueue(change(1), change(2))
    queue.hold_notification_messages(room.connection, NOTIFICATION, "ann", "wait")
    room.run("EXECUTE notify.release_notification_messages @notification_guid = ?, @by = N'ann', @reason = N'x', @batch_size = 1;",
             NOTIFICATION)  # fmt: skip
    room.enqueue(change(3))
    assert room.states() == {1: "queued", 2: "held", 3: "queued"}
    assert queue.release_notification_messages(room.connection, NOTIFICATION, "ann", "x") == 1


def test_what_is_in_doubt_past_its_time_is_no_work_for_the_sweep(room: Room) -> None:
    """However many there are: the index that the sweep reads has only what can still expire."""
    room.enqueue(change(1, mail(expires_in_seconds=60)), change(2, mail(expires_in_seconds=60)))
    room.send_one("unknown")
    room.wait(61)
    assert queue.sweep_messages(room.connection)["expired"] == 1
    assert room.states() == {1: "in_doubt", 2: "expired"}
    (index,) = room.run("SELECT i.filter_definition FROM sys.indexes AS i WHERE i.name = 'ix_message_expires';")
    assert "in_doubt" not in index["filter_definition"] and "state" in index["filter_definition"]
