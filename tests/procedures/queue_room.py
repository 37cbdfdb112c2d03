"""A deployed queue for a test, its clock in the test's hand, and words for what tests do with it."""

from __future__ import annotations

import datetime
import json
import uuid
from typing import Any

from notify.databases import Connection
from notify.gateways.base import Message
from notify.procedures import queue

NOTIFICATION = "7c9d2f0e-0d8b-4c55-9a57-2f6f0b1d3a11"
START = datetime.datetime(2026, 3, 2, 8, 0)


def stamp(number: int) -> str:
    """The number-th version's stamp."""
    return f"2026-03-01 00:00:{number:02d}.0000000"


def key(number: int) -> str:
    """The number-th change's key."""
    return f"{number:064X}"


def mail(recipient: str = "ann", **changes: Any) -> dict[str, Any]:
    """A message as enqueue_messages takes it."""
    return {
        "recipient_key": recipient,
        "channel": "email",
        "address": f"{recipient}@example.org",
        "recipient_name": recipient.title(),
        "subject": "Hello",
        "html": f"<p>Hello {recipient} 🏡</p>",
        "text": f"Hello {recipient} 🏡",
        "headers": {"List-Unsubscribe": "<https://example.com>"},
    } | changes


def change(number: int, *messages: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A change of its own record, of version 1, with one mail to Ann unless other messages are given."""
    return {
        "change_key": key(number),
        "notification_guid": NOTIFICATION,
        "notification_name": "listing changed",
        "record_key": f'["{number}"]',
        "record_match": f'["{number}"]',
        "operation": "U",
        "policy": "latest",
        "shown_stamp": stamp(1),
        "shown_hash": "AB",
        "shown_beat": 1,
        "outcome": "messages",
        "reason": None,
        "messages": list(messages) or [mail()],
    } | changes


def skipped(number: int, reason: str) -> dict[str, Any]:
    """A change that gives no message."""
    return change(number, outcome="skipped", reason=reason, messages=None)


class Room:
    """One queue and one sender in it."""

    def __init__(self, connection: Connection, now: datetime.datetime | None = None) -> None:
        """`now`: the queue has been in a test's hand before, and this is its time."""
        self.connection = connection
        self.now = now or START
        if now is not None:
            return
        self.run("INSERT notify.setting (name, value, description) VALUES ('allow_test_clock', N'1', N'test');")
        self.run("INSERT notify.setting (name, value, description) VALUES ('test_clock', N'2000-01-01', N'test');")
        self.wait(0)

    def run(self, statement: str, *parameters: Any) -> list[dict[str, Any]]:
        """Any statement; the first result set."""
        results = self.connection.execute(statement, parameters)
        return results[0].records() if results else []

    def wait(self, seconds: float) -> None:
        """The queue's clock moves on."""
        self.now += datetime.timedelta(seconds=seconds)
        self.run("UPDATE notify.setting SET value = ? WHERE name = 'test_clock';", self.now.isoformat())

    def enqueue(self, *changes: dict[str, Any]) -> list[dict[str, Any]]:
        return queue.enqueue_messages(self.connection, changes)

    def claim(self, take: int = 100, channel: str = "email", lease_seconds: int = 60) -> list[Message]:
        return queue.claim_messages(self.connection, channel, take, lease_seconds, "test")

    def claim_one(self) -> Message:
        (message,) = self.claim(1)
        return message

    def begin(self, message: Message, attempt_id: str | None = None) -> tuple[str, bool]:
        """(attempt_id, begun)."""
        attempt = self.attempt(message, attempt_id)
        (row,) = queue.begin_attempts(self.connection, [attempt], 600)
        return attempt["attempt_id"], bool(row["begun"])

    def record(self, message: Message, attempt_id: str | None, outcome: str, **details: Any) -> str | None:
        """The message's state afterwards."""
        (row,) = queue.record_outcomes(
            self.connection, [self.attempt(message, attempt_id) | {"outcome": outcome} | details]
        )
        state = row["state"]
        assert state is None or state == self.state(message.message_id)
        return None if state is None else str(state)

    def send_one(self, outcome: str = "accepted", **details: Any) -> Message:
        """Claims the next message and takes it to an outcome."""
        message = self.claim_one()
        attempt_id, begun = self.begin(message)
        assert begun
        self.record(message, attempt_id, outcome, **details)
        return message

    @staticmethod
    def attempt(message: Message, attempt_id: str | None = None) -> dict[str, Any]:
        return {
            "attempt_id": attempt_id or str(uuid.uuid4()),
            "message_id": message.message_id,
            "claim_token": str(message.claim_token),
            "gateway": "mail",
        }

    def state(self, message_id: int) -> str:
        return str(self.run("SELECT state FROM notify.message WHERE message_id = ?;", message_id)[0]["state"])

    def states(self) -> dict[int, str]:
        """State by message."""
        self.check()
        rows = self.run("SELECT message_id, state FROM notify.message ORDER BY message_id;")
        return {row["message_id"]: row["state"] for row in rows}

    def reasons(self) -> list[str | None]:
        return [row["reason"] for row in self.run("SELECT reason FROM notify.message ORDER BY message_id;")]

    def alerts(self) -> dict[str, int]:
        """Occurrences of the open alerts, by kind."""
        return {row["kind"]: row["occurrences"] for row in queue.queue_status(self.connection).alerts}

    def doubled(self, *numbers: int) -> int:
        """What an audit calls doubled."""
        audited = queue.audit_messages(self.connection, [key(number) for number in numbers])
        return sum(row["doubled"] for row in audited.messages)

    def check(self) -> None:
        """A message is queued if and only if it is ready."""
        ready = self.run("SELECT message_id FROM notify.ready ORDER BY message_id;")
        queued = self.run("SELECT message_id FROM notify.message WHERE state = 'queued' ORDER BY message_id;")
        assert ready == queued

    def lose(self) -> None:
        """As after a restore: the mark is another recovery fork's."""
        self.run("UPDATE notify.queue_identity SET recovery_fork_guid = NEWID();")


def headers(message: Message) -> dict[str, Any]:
    value = json.loads(message.headers or "{}")
    assert isinstance(value, dict)
    return value
