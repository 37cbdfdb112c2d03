"""How things stand, and one record's whole story, put together from processor and queue."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any, Final

from notify.databases import Connection, Databases, ResultSet, Role
from notify.errors import CONVERSION_ERRORS, ConfigError, DatabaseError, DatabaseUnreachable
from notify.procedures import call, from_json, processor, queue, replica

__all__ = ["Event", "Look", "Story", "reason_words", "record_key", "status", "why"]

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
    """A record key from what a person types: one word per key column, or the JSON array as reports show it.
    Spaces at a value's end do not count, as in SQL Server.

    Raises:
        ConfigError: it begins as a JSON array and is none.
    """
    if len(words) == 1 and words[0].lstrip().startswith("["):
        try:
            values = json.loads(words[0])
        except ValueError as error:
            raise ConfigError(
                f'{words[0]} is no JSON array ({error}); write the key\'s values as words, or as \'["7","B"]\''
            ) from None
        return _key_text([str(value) for value in values])
    return _key_text(words)


def _key_text(values: Sequence[str]) -> str:
    return json.dumps([value.rstrip(" ") for value in values], ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class Event:
    """One line of a story. `at` is the clock of `role`'s server, UTC."""

    at: Any
    role: str
    text: str


@dataclass
class Story:
    """A record's events in order, the rows they come from by the name of the part, and for a record that nobody knows
    what was looked at, table by table.
    """

    record_key: str
    events: list[Event] = field(default_factory=list)
    parts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    looked_at: list[Look] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As documented for `why --json`."""
        return {
            "record_key": self.record_key,
            "story": [{"at": event.at, "role": event.role, "event": event.text} for event in self.events],
            "looked_at": [asdict(look) for look in self.looked_at],
            **self.parts,
        }


@dataclass
class Look:
    """A watched table in which a record was sought. `stamps`: its row's on the replica, None when there is no row."""

    table: str
    notifications: list[str]
    watched: dict[str, tuple[str | None, str | None]]
    """Stamp column → (baseline: what is not newer is history, low: how far it is read)."""
    stamps: dict[str, Any] | None = None
    problem: str | None = None

    def sentence(self) -> str:
        """What was found there, and what follows."""
        if self.problem is not None:
            return self.problem
        if self.stamps is None:
            return "no row of this key on the replica, and none was ever recorded"
        row = ", ".join(f"{name} {_moment(value)}" for name, value in self.stamps.items())
        return f"a row ({row}): {self._verdict(self.stamps)}"

    def _verdict(self, stamps: dict[str, Any]) -> str:
        if all(baseline is None for baseline, _ in self.watched.values()):
            return "no notification of this table was ever activated"
        comparable = {
            name: (_comparable(value), *self.watched[name])
            for name, value in stamps.items()
            if isinstance(value, datetime) and name in self.watched
        }
        if any(low is not None and value > low for value, _, low in comparable.values()):
            return "newer than what was read so far; the next cycles see it"
        if comparable and all(baseline is not None and value <= baseline for value, baseline, _ in comparable.values()):
            since = min(baseline for _, baseline, _ in comparable.values() if baseline is not None)
            return f"history, unchanged since the activation ({_moment(since)})"
        return "read, and not recorded: notify audit says whether something is missing"


def why(databases: Databases, key: str) -> Story:
    """What was seen of a record, what was decided, what was sent, and each reason.

    Args:
        key: as `record_key` gives it. Where nothing is recorded of it and the replica has its row, as the row has it:
            007 is 7.
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
            "decision_history": explained.decision_history,
        }
        _queue_events(story, explained)
    if not story.events and Role.PROCESSOR in databases:
        story.looked_at, spellings = _look(databases, story)
        for spelling in spellings - {key}:
            other = why(databases, spelling)
            if other.events:
                return other
    # Stable: events of one moment stay in the order of the roles, which is the order in which they happen.
    story.events.sort(key=lambda event: str(event.at))
    return story


OPERATIONS: Final = {"I": "insert", "U": "update", "D": "delete", "O": "occurrence"}

STATES: Final = {
    "pending": "recorded, its messages are to be made",
    "waiting": "waits",
    "claimed": "a worker makes its messages",
    "enqueued": "handed to the queue",
    "skipped": "no message",
    "superseded": "no message",
    "failed": "failed",
}

REASONS: Final = {
    "baseline": "history: it was there before the notification was activated",
    "criteria": "the row does not meet the notification's criteria",
    "operation": "the notification is not for changes of this kind",
    "never seen alive": "deleted before it was ever seen",
    "gone": "the row was gone when its message was to be made",
    "no longer matching": "the row no longer met the criteria when its message was to be made",
    "there again": "the row was there again when its message was to be made",
    "no recipient": "the merge-field procedure named no recipient",
    "skipped when resumed": "it happened during a pause, and resume --skip left it out",
    "retired": "the notification was retired",
    "lease expired": "the worker's lease ran out; another takes it",
    "requeued": "put back by notify requeue",
    "purged": "its messages were purged, being old",
}


def reason_words(reason: str, operation: str | None = None) -> str:
    """A recorded reason in words that a person understands; a text of the shop's own stays as it is.

    Args:
        operation: I, U, D or O, which makes some of them plainer.
    """
    if reason == "operation" and operation in OPERATIONS:
        return f"the notification is not for {OPERATIONS[operation]}s"
    return REASONS.get(reason, reason)


def _processor_events(story: Story) -> None:
    changes = {row["change_id"]: row for row in story.parts["changes"]}
    for row in story.parts.get("change_history", ()):
        change = changes.get(row["change_id"])
        if change is None:
            continue
        name = f"{change['notification_name']}, {OPERATIONS.get(change['operation'], change['operation'])}"
        stamp = _moment(change["state_stamp"])
        # The replica's lag lies between the two; where there is none, the time is told already.
        if row["from_state"] is None and stamp != str(row["changed_at"])[:19]:
            name += f" of {stamp}"
        words = STATES.get(row["to_state"], row["to_state"])
        if row["reason"]:
            words += f": {reason_words(row['reason'], change['operation'])}"
        story.events.append(Event(row["changed_at"], "processor", f"{name}: {words}"))


DECISIONS: Final = {
    "skipped": "no message",
    "in_doubt": "in doubt, its messages are not known",
    "sent": "sent, by a person's word",
    "failed": "failed, by a person's word",
}


def _queue_events(story: Story, explained: queue.Explained) -> None:
    for row in explained.decisions:
        count = row["message_count"]
        what = f"{count} {'message' if count == 1 else 'messages'}"
        if row["outcome"] != "messages":
            what = DECISIONS[row["outcome"]]
            what += f": {reason_words(row['reason'], row['operation'])}" if row["reason"] else ""
        story.events.append(Event(row["decided_at"], "queue", f"{row['notification_name']}: {what}"))
    for row in explained.decision_history:
        if row["new_outcome"] is None:
            told = f"its doubt was forgotten by {row['actor']}, to be generated again: {row['reason']}"
            story.events.append(Event(row["happened_at"], "queue", told))
    for row in explained.messages:
        what = (
            f"message {row['message_id']}, {row['channel']} to {row['address'] or 'recipient ' + row['recipient_key']}"
        )
        now = row["state"].replace("_", " ") + (f": {reason_words(row['reason'])}" if row["reason"] else "")
        story.events.append(Event(row["created_at"], "queue", f"{what}; it is {now}"))
    for row in explained.attempts:
        name = f"message {row['message_id']}, attempt {row['attempt_number']}"
        story.events.append(Event(row["begun_at"], "queue", f"{name}: handed to {row['gateway']}"))
        if row["closed_at"] is not None:
            detail = " ".join(str(part) for part in (row["code"], row["detail"], row["provider_id"]) if part)
            told = f" ({detail})" if detail else ""
            outcome = str(row["outcome"]).replace("_", " ")
            story.events.append(Event(row["closed_at"], "queue", f"{name}: {outcome}{told}"))


def _look(databases: Databases, story: Story) -> tuple[list[Look], set[str]]:
    """Every watched table, and whether the replica has a row of that key there; the keys as those rows have them."""
    tables: dict[str, list[dict[str, Any]]] = {}
    for row in story.parts["watched"]:
        tables.setdefault(row["table_name"], []).append(row)
    looks = []
    spellings: set[str] = set()
    with ExitStack() as stack:
        target = stack.enter_context(databases.connection(Role.PROCESSOR))
        source: Connection | None = None
        problem: str | None = "the replica is not configured here, and was not asked"
        if Role.REPLICA in databases:
            try:
                source, problem = stack.enter_context(databases.connection(Role.REPLICA)), None
            except DatabaseUnreachable as error:
                problem = f"the replica was not asked: {error}"
        for table, rows in tables.items():
            watched = {
                name: (_least(rows, name, "baseline_stamp"), _least(rows, name, "low_stamp"))
                for name in dict.fromkeys(row["column_name"] for row in rows)
            }
            look = Look(table, sorted({row["notification_name"] for row in rows}), watched, problem=problem)
            if source is not None:
                try:
                    spellings |= _find(target, source, look, json.loads(story.record_key))
                except DatabaseError as error:
                    look.problem = f"the replica could not be asked: {error}"
            looks.append(look)
    return looks, spellings


def _least(rows: list[dict[str, Any]], column: str, name: str) -> str | None:
    stamps = [row[name] for row in rows if row["column_name"] == column and row[name] is not None]
    return min(stamps) if stamps else None


def _find(target: Connection, source: Connection, look: Look, key: list[str]) -> set[str]:
    asked = processor.get_preview(target, look.notifications[0], "U")
    names = from_json(asked["key_columns"])
    if len(names) != len(key):
        values = "one value" if len(names) == 1 else f"{len(names)} values"
        look.problem = f"its key has {values}: {', '.join(names)}"
        return set()
    columns = list(dict.fromkeys([*look.watched, *names]))
    try:
        row = replica.notice_fields(source, asked["schema_name"], asked["table_name"], names, key, columns)
    except DatabaseError as error:
        if error.number not in CONVERSION_ERRORS:
            raise
        look.problem = f"{' '.join(key)} is no value of its key {', '.join(names)}"
        return set()
    if row is None:
        return set()
    look.stamps = {name: row[name] for name in look.watched}
    return {_key_text([_key_value(row[name]) for name in names])}


def _key_value(value: Any) -> str:
    """A key column's value as record keys have it."""
    if isinstance(value, datetime):
        return _comparable(value)
    if isinstance(value, date):
        return f"{value:%Y-%m-%d} 00:00:00.0000000"
    if isinstance(value, bytes):
        return f"0x{value.hex().upper()}"
    return str(int(value) if isinstance(value, bool) else value)


def _comparable(value: datetime) -> str:
    """A moment as the processor keeps stamps: text of seven digits of a second."""
    return f"{value:%Y-%m-%d %H:%M:%S.%f}0"


def _moment(value: Any) -> str:
    """A stamp to a person: no fraction of a second."""
    return re.sub(r"(\d\d:\d\d:\d\d)\.\d+", r"\1", str(value))
