"""How things stand, and one record's whole story, put together from processor and queue."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from notify.databases import Databases, ResultSet, Role
from notify.procedures import call, processor, queue

__all__ = ["Event", "Story", "record_key", "status", "why"]

PROCESSOR_STATUS: Final = ("notifications", "scans", "runs", "alerts", "heartbeat", "held_key_scans")
QUEUE_STATUS: Final = ("queue", "open_messages", "ended_messages", "alerts")


def status(databases: Databases) -> dict[str, dict[str, ResultSet]]:
    """Each role's status: result sets by name. A role that is not configured is left out."""
    sections: dict[str, dict[str, ResultSet]] = {}
    if Role.PROCESSOR in databases:
        with databases.connection(Role.PROCESSOR) as connection:
            sections["processor"] = _named(PROCESSOR_STATUS, processor.status(connection))
    if Role.QUEUE in databases:
        with databases.connection(Role.QUEUE) as connection:
            sections["queue"] = _named(QUEUE_STATUS, call(connection, "notify.queue_status"))
    return sections


def _named(names: Sequence[str], results: list[ResultSet]) -> dict[str, ResultSet]:
    return {names[index] if index < len(names) else f"more_{index}": result for index, result in enumerate(results)}


def record_key(words: Sequence[str]) -> str:
    """A record key from what a person types: one word per key column, or the JSON array as reports show it."""
    if len(words) == 1 and words[0].lstrip().startswith("["):
        try:
            values = json.loads(words[0])
        except ValueError:
            values = None
        if isinstance(values, list):
            return json.dumps([str(value) for value in values], ensure_ascii=False, separators=(",", ":"))
    return json.dumps(list(words), ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class Event:
    """One line of a story. `at` is the clock of `role`'s server, UTC."""

    at: Any
    role: str
    text: str


@dataclass
class Story:
    """A record's events in order, and the rows they come from, by the name of the part."""

    record_key: str
    events: list[Event] = field(default_factory=list)
    parts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As documented for `why --json`."""
        return {
            "record_key": self.record_key,
            "story": [{"at": event.at, "role": event.role, "event": event.text} for event in self.events],
            **self.parts,
        }


def why(databases: Databases, key: str) -> Story:
    """What was seen of a record, what was decided, what was sent, and each reason.

    Args:
        key: as `record_key` gives it.
    """
    story = Story(key)
    if Role.PROCESSOR in databases:
        with databases.connection(Role.PROCESSOR) as connection:
            results = processor.explain_changes(connection, key)
        story.parts |= dict(zip(("changes", "change_history", "watched", "key_snapshots"), results, strict=False))
        _processor_events(story)
    if Role.QUEUE in databases:
        with databases.connection(Role.QUEUE) as connection:
            explained = queue.explain_messages(connection, key)
        story.parts |= {
            "decisions": explained.decisions,
            "messages": explained.messages,
            "attempts": explained.attempts,
            "message_history": explained.history,
        }
        _queue_events(story, explained)
    # Stable: events of one moment stay in the order of the roles, which is the order in which they happen.
    story.events.sort(key=lambda event: str(event.at))
    return story


OPERATIONS: Final = {"I": "insert", "U": "update", "D": "delete", "O": "occurrence"}


def _processor_events(story: Story) -> None:
    changes = {row["change_id"]: row for row in story.parts["changes"]}
    for row in story.parts.get("change_history", ()):
        change = changes.get(row["change_id"])
        if change is None:
            continue
        name = f"{change['notification_name']} {OPERATIONS.get(change['operation'], change['operation'])}"
        if row["from_state"] is None:
            name += f" seen at {change['state_stamp']}"
        story.events.append(Event(row["changed_at"], "processor", f"{name}: {row['to_state']}{_reason(row)}"))


def _queue_events(story: Story, explained: queue.Explained) -> None:
    for row in explained.decisions:
        what = f"{row['message_count']} messages" if row["outcome"] == "messages" else f"no message{_reason(row)}"
        story.events.append(Event(row["decided_at"], "queue", f"{row['notification_name']}: {what}"))
    for row in explained.messages:
        what = f"message {row['message_id']}, {row['channel']} to {row['address'] or row['recipient_key']}"
        story.events.append(Event(row["created_at"], "queue", f"{what}, now {row['state']}{_reason(row)}"))
    for row in explained.attempts:
        name = f"message {row['message_id']}, attempt {row['attempt_number']}"
        story.events.append(Event(row["begun_at"], "queue", f"{name}: handed to {row['gateway']}"))
        if row["closed_at"] is not None:
            detail = " ".join(str(part) for part in (row["code"], row["detail"], row["provider_id"]) if part)
            told = f" ({detail})" if detail else ""
            story.events.append(Event(row["closed_at"], "queue", f"{name}: {row['outcome']}{told}"))


def _reason(row: dict[str, Any]) -> str:
    return f" ({row['reason']})" if row["reason"] else ""
