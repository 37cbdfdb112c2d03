"""The queue's procedures. Keys and columns are those of the procedures' header comments."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple

from notify.databases import Connection
from notify.gateways.base import Message
from notify.procedures import call, to_json

__all__ = [
    "Audited",
    "Explained",
    "QueueStatus",
    "acknowledge_alerts",
    "advance_attempts",
    "allow_address",
    "audit_messages",
    "begin_attempts",
    "cancel_notification_messages",
    "claim_messages",
    "enqueue_messages",
    "explain_messages",
    "get_changes_in_doubt",
    "get_messages",
    "hold_notification_messages",
    "purge_messages",
    "queue_status",
    "record_outcomes",
    "recover_queue",
    "release_change",
    "release_message",
    "release_notification_messages",
    "requeue_failed_messages",
    "suppress_address",
    "sweep_messages",
]

Records = list[dict[str, Any]]


class QueueStatus(NamedTuple):
    """How the queue stands (queue_status)."""

    queue: dict[str, Any]
    open: Records
    ended: Records
    alerts: Records


class Explained(NamedTuple):
    """One record's story in the queue (explain_messages)."""

    decisions: Records
    messages: Records
    attempts: Records
    history: Records
    decision_history: Records


class Audited(NamedTuple):
    """What the queue knows of changes (audit_messages)."""

    changes: Records
    messages: Records


def enqueue_messages(connection: Connection, changes: Sequence[dict[str, Any]]) -> Records:
    """Stores the decision on at most 100 changes with their messages; may be repeated.

    Returns:
        change_key, outcome, reason, message_count, was_first of each.

    Raises:
        notify.errors.ProcedureError: 50101 restored queue; 50102 too many changes.
    """
    return call(connection, "notify.enqueue_messages", changes=to_json(changes))[0].records()


def claim_messages(connection: Connection, channel: str, take: int, lease_seconds: int, sender: str) -> list[Message]:
    """The next messages of a channel, at most `take` (1 to 1000), under one claim."""
    result = call(
        connection, "notify.claim_messages", channel=channel, take=take, lease_seconds=lease_seconds, sender=sender
    )[0]
    return [Message(*row) for row in result.rows]


def begin_attempts(connection: Connection, attempts: Sequence[dict[str, Any]], lease_seconds: int) -> Records:
    """Commits attempts before their hand-over. Returns attempt_id, message_id, begun, reason of each."""
    return call(connection, "notify.begin_attempts", attempts=to_json(attempts), lease_seconds=lease_seconds)[
        0
    ].records()


def record_outcomes(connection: Connection, outcomes: Sequence[dict[str, Any]]) -> Records:
    """Stores how attempts ended. Returns attempt_id, message_id, state, defect (why not recorded, or None) of each."""
    return call(connection, "notify.record_outcomes", outcomes=to_json(outcomes))[0].records()


def advance_attempts(
    connection: Connection, outcomes: Sequence[dict[str, Any]], attempts: Sequence[dict[str, Any]], lease_seconds: int
) -> tuple[Records, Records]:
    """record_outcomes and begin_attempts in one transaction; the results of both."""
    recorded, begun = call(
        connection,
        "notify.advance_attempts",
        outcomes=to_json(outcomes),
        attempts=to_json(attempts),
        lease_seconds=lease_seconds,
    )
    return recorded.records(), begun.records()


def sweep_messages(connection: Connection, batch_size: int = 1000) -> dict[str, Any]:
    """What only time brings about: queued, in_doubt, expired (counts), has_more."""
    return call(connection, "notify.sweep_messages", batch_size=batch_size)[0].one()


def release_message(connection: Connection, message_id: int, verdict: str, by: str, reason: str) -> dict[str, Any]:
    """A person's word on a message in doubt or held: verdict send, sent or failed. Returns message_id, state."""
    return call(connection, "notify.release_message", message_id=message_id, verdict=verdict, by=by, reason=reason)[
        0
    ].one()


def release_change(connection: Connection, change_key: str, verdict: str, by: str, reason: str) -> dict[str, Any]:
    """A person's word on a change in doubt: verdict send (then processor.requeue_change), sent or failed.

    Returns:
        change_key, outcome (None: the decision is forgotten).
    """
    return call(connection, "notify.release_change", change_key=change_key, verdict=verdict, by=by, reason=reason)[
        0
    ].one()


def get_messages(
    connection: Connection,
    state: str = "attention",
    notification_guid: str | uuid.UUID | None = None,
    after: int = 0,
    take: int = 100,
    hours: int = 24,
    stuck_minutes: int = 15,
) -> Records:
    """Messages in a state, or that wait for a person (attention), a page at a time; fewer than `take`: the last page.

    Args:
        after: the last message_id of the page before.
        hours: how far back, of messages that ended.
        stuck_minutes: how long a message may be due, or past its lease, before it is called stuck.
    """
    guid = None if notification_guid is None else str(notification_guid)
    return call(
        connection,
        "notify.get_messages",
        state=state,
        notification_guid=guid,
        after=after,
        take=take,
        hours=hours,
        stuck_minutes=stuck_minutes,
    )[0].records()


def get_changes_in_doubt(
    connection: Connection,
    notification_guid: str | uuid.UUID | None = None,
    after: str | None = None,
    take: int = 100,
) -> Records:
    """Changes whose messages a lost queue may have sent, a page at a time; `after`: the last change_key before."""
    guid = None if notification_guid is None else str(notification_guid)
    return call(connection, "notify.get_changes_in_doubt", notification_guid=guid, after=after, take=take)[0].records()


def hold_notification_messages(connection: Connection, notification_guid: str | uuid.UUID, by: str, reason: str) -> int:
    """Holds a notification's waiting messages, and those to come. Returns how many were waiting."""
    return _all(
        connection, "notify.hold_notification_messages", notification_guid=str(notification_guid), by=by, reason=reason
    )


def release_notification_messages(
    connection: Connection, notification_guid: str | uuid.UUID, by: str, reason: str
) -> int:
    """Ends hold_notification_messages. Returns how many go on."""
    return _all(
        connection,
        "notify.release_notification_messages",
        notification_guid=str(notification_guid),
        by=by,
        reason=reason,
    )


def cancel_notification_messages(
    connection: Connection, notification_guid: str | uuid.UUID, by: str, reason: str
) -> int:
    """Cancels a notification's waiting messages. Returns how many."""
    return _all(
        connection,
        "notify.cancel_notification_messages",
        notification_guid=str(notification_guid),
        by=by,
        reason=reason,
    )


def requeue_failed_messages(
    connection: Connection,
    by: str,
    reason: str,
    notification_guid: str | uuid.UUID | None = None,
    failed_within_hours: int = 24,
    message_ids: Sequence[int] | None = None,
) -> int:
    """Another round of attempts for failed messages, or for these alone. Returns how many."""
    guid = None if notification_guid is None else str(notification_guid)
    messages = None if message_ids is None else to_json([{"message_id": number} for number in message_ids])
    return _all(
        connection,
        "notify.requeue_failed_messages",
        by=by,
        reason=reason,
        notification_guid=guid,
        failed_within_hours=failed_within_hours,
        messages=messages,
    )


def suppress_address(connection: Connection, channel: str, address: str, reason: str, by: str) -> None:
    """Nothing goes to this address any more."""
    call(connection, "notify.suppress_address", channel=channel, address=address, reason=reason, by=by)


def allow_address(connection: Connection, channel: str, address: str) -> bool:
    """Ends suppress_address. False: the address was not suppressed."""
    return bool(call(connection, "notify.allow_address", channel=channel, address=address)[0].one()["removed"])


def acknowledge_alerts(connection: Connection, by: str, alert_id: int | None = None) -> int:
    """A person has seen an alert (None: all open ones). Returns how many."""
    return int(call(connection, "notify.acknowledge_alerts", by=by, alert_id=alert_id)[0].one()["acknowledged"])


def purge_messages(connection: Connection, older_than_days: int, batch_size: int = 1000) -> dict[str, Any]:
    """One step of a purge: purged (messages), alerts, decision_history (counts), has_more."""
    return call(connection, "notify.purge_messages", older_than_days=older_than_days, batch_size=batch_size)[0].one()


def queue_status(connection: Connection, hours: int = 24) -> QueueStatus:
    """How the queue stands; `ended` looks back so many hours."""
    queue, open_, ended, alerts = call(connection, "notify.queue_status", hours=hours)
    return QueueStatus(queue.one(), open_.records(), ended.records(), alerts.records())


def explain_messages(
    connection: Connection, record_key: str | None = None, change_keys: Sequence[str] | None = None
) -> Explained:
    """One record's story, by its key (JSON array of texts) or by change keys (hex)."""
    keys = None if change_keys is None else to_json([{"change_key": key} for key in change_keys])
    results = call(connection, "notify.explain_messages", record_key=record_key, change_keys=keys)
    return Explained(*(result.records() for result in results))


def audit_messages(connection: Connection, change_keys: Sequence[str]) -> Audited:
    """What the queue knows of changes, by their keys (hex)."""
    changes = to_json([{"change_key": key} for key in change_keys])
    results = call(connection, "notify.audit_messages", changes=changes)
    return Audited(*(result.records() for result in results))


class Outcomes(NamedTuple):
    """A page of accepted hand-overs; `highest` and their row_version are row versions as text."""

    queue_mark: str
    is_trusted: bool
    highest: str
    has_more: bool
    rows: list[dict[str, Any]]


def read_outcomes(connection: Connection, queue_mark: str | None, after: str | None, take: int) -> Outcomes:
    """What was accepted since a row version, for the processor to keep copies."""
    position, page = call(connection, "notify.read_outcomes", queue_mark=queue_mark, after=after, take=take)
    row = position.one()
    return Outcomes(row["queue_mark"], bool(row["is_trusted"]), row["highest"], bool(row["has_more"]), page.records())


def take_outcomes(connection: Connection, outcomes: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Gives a restored queue back what the processor copied: known and unknown hand-overs."""
    return call(connection, "notify.take_outcomes", outcomes=to_json(list(outcomes)))[-1].one()


def recover_queue(
    connection: Connection,
    lost_at: datetime.datetime,
    changes: Sequence[dict[str, Any]],
    by: str,
    *,
    more_changes: bool = False,
) -> dict[str, int]:
    """Makes a restored queue trustworthy again. Returns messages_in_doubt and changes_in_doubt.

    Args:
        lost_at: UTC by the queue's clock: when the lost queue was last alive.
        changes: changes that were ever claimed, as the processor keeps them: all, or a page of them.
        more_changes: other pages follow; nothing but these changes is put in doubt yet.
    """
    counts = {"messages_in_doubt": 0, "changes_in_doubt": 0}
    while True:
        step = call(
            connection,
            "notify.recover_queue",
            lost_at=lost_at,
            changes=to_json(changes),
            by=by,
            more_changes=more_changes,
        )[0].one()
        for name in counts:
            counts[name] += step[name]
        if more_changes or not step["has_more"]:
            return counts
        changes = ()


def _all(connection: Connection, procedure: str, **parameters: str | int | None) -> int:
    changed: int = 0
    while True:
        step = call(connection, procedure, **parameters)[0].one()
        changed += step["changed"]
        if not step["has_more"]:
            return int(changed)
