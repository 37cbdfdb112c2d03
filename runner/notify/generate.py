"""One batch: what the replica shows of its changes, what the processor decides, the messages, the queue's word on them.

Nothing is kept between two batches, and each step may be repeated: a worker that dies anywhere leaves a lease that
expires, and the next one comes to the same keys.
"""

from __future__ import annotations

import decimal
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from notify.databases import Connection, ResultSet
from notify.errors import DatabaseError, DatabaseUnreachable, LeaseLost, RenderError
from notify.procedures import processor, queue, replica, to_json
from notify.procedures.processor import Batch
from notify.procedures.replica import Extracted
from notify.recipients import address_for
from notify.render import REASON_LIMIT, Renderer, merge_fields

__all__ = ["BatchResult", "Generator", "compose"]

NAME_LIMIT: Final = 200
KEY_LIMIT: Final = 200
ADDRESS_LIMIT: Final = 320
NOT_THE_RECORD: Final = frozenset(
    {208, 229, 916, 1205, 1222, 2812, 3947, 3948, 3960, 3961, 8645, 8651, 50101, 50150, 50155, 50157}
)
"""Errors that no record is to blame for: an object that is missing or may not be used, a deadlock, redo or a version
store in the way, no memory. The batch goes back in line."""

RECORD_ERRORS: Final = frozenset({220, 241, 242, 245, 295, 515, 547, 2601, 2627, 2628, 8114, 8115, 8152, 13609})
"""Errors of a value that does not fit where it is to be stored."""

CALL_LIMIT: Final = 8_000_000
"""Characters of bodies in one call of enqueue_messages: bounds memory here and the log there."""


@dataclass
class BatchResult:
    """What became of a batch's changes: counts by final outcome, messages stored, and the reasons of failures."""

    notification: str
    enqueued: int = 0
    skipped: int = 0
    failed: int = 0
    superseded: int = 0
    waiting: int = 0
    messages: int = 0
    bad_addresses: int = 0
    reasons: list[tuple[str, str]] = field(default_factory=list)
    """(record_key, reason) of each failure."""
    lost: bool = False
    """Another worker took the batch over; its changes are that one's."""


class Generator:
    """Generates batches on its own three connections; belongs to one thread.

    Args:
        region: of phone numbers without a country code.
    """

    def __init__(
        self,
        connections: tuple[Connection, Connection, Connection],
        renderer: Renderer,
        *,
        region: str,
    ) -> None:
        self._replica, self._processor, self._queue = connections
        self._renderer = renderer
        self._region = region

    def run(self, batch: Batch) -> BatchResult:
        """Takes a claimed batch to its end.

        Raises:
            DatabaseUnreachable: a server is gone; the lease expires and the batch is done again.
            DatabaseError: the extraction itself failed (the shop's own procedure, say); nothing was decided.
        """
        result = BatchResult(batch.notification_name)
        try:
            self._run(batch, result)
        except LeaseLost:
            result.lost = True
        return result

    def _run(self, batch: Batch, result: BatchResult) -> None:
        self._renderer.refresh()
        extracted, broken = self._extract(batch)
        verdicts = processor.decide_batch(
            self._processor, batch, extracted.beat, extracted.states, extracted.prerequisites
        )
        changes = {change["change_number"]: change for change in batch.changes}
        states = {state["change_number"]: state for state in extracted.states}
        rows = _by_change(extracted.merge_rows)
        done = [_failed(changes[number], reason) for number, reason in broken.items()]
        pending: list[dict[str, Any]] = []
        size = 0
        for verdict in verdicts:
            number = verdict["change_number"]
            if number in broken:
                continue
            change, state = changes[number], states.get(number, {})
            if verdict["verdict"] == "wait":
                result.waiting += 1
                continue
            if verdict["verdict"] == "fail":
                # Already final on the processor (a deadline that passed).
                result.failed += 1
                result.reasons.append((change["record_key"], verdict["reason"]))
                continue
            decision = _decision(batch, change, state, extracted.beat)
            try:
                if verdict["verdict"] == "skip":
                    decision |= {"outcome": "skipped", "reason": verdict["reason"]}
                else:
                    decision |= compose(batch, rows.get(number, ()), self._renderer, self._region)
                    for message in decision["messages"]:
                        message["expires_in_seconds"] = change["expires_in_seconds"]
            except RenderError as error:
                done.append(_failed(change, str(error)))
                continue
            weight = sum(len(item["html"] or "") + len(item["text"] or "") for item in decision.get("messages", ()))
            if pending and size + weight > CALL_LIMIT:
                done += self._enqueue(pending)
                pending, size = [], 0
            pending.append(decision)
            size += weight
        done += self._enqueue(pending)
        if done:
            processor.complete_batch(self._processor, batch, done)
        self._count(result, batch, done)

    def _extract(self, batch: Batch) -> tuple[Extracted, dict[int, str]]:
        """What the replica shows, and the changes for which the shop's procedures fail: change_number → reason.

        One record can break a whole statement (a conversion, say). Then each change is tried for itself, and those that
        do not fail are read again together, from one snapshot.
        """
        try:
            return replica.extract_changes(self._replica, batch.request), {}
        except DatabaseError as error:
            if isinstance(error, DatabaseUnreachable) or error.number in NOT_THE_RECORD:
                raise
            request = replica.parse_request(batch.request)
            if len(request["changes"]) == 1:
                return _nothing(), {request["changes"][0]["change_number"]: str(error)}
        broken: dict[int, str] = {}
        for change in request["changes"]:
            try:
                replica.extract_changes(self._replica, to_json(request | {"changes": [change]}))
            except DatabaseError as error:
                if isinstance(error, DatabaseUnreachable) or error.number in NOT_THE_RECORD:
                    raise
                broken[change["change_number"]] = str(error)
        good = [change for change in request["changes"] if change["change_number"] not in broken]
        if not good:
            return _nothing(), broken
        return replica.extract_changes(self._replica, to_json(request | {"changes": good})), broken

    def _enqueue(self, decisions: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The queue's word on each change: the first decision stands, whoever made it."""
        if not decisions:
            return []
        try:
            return _stored(decisions, queue.enqueue_messages(self._queue, decisions))
        except DatabaseError as error:
            if error.number not in RECORD_ERRORS:
                raise
            # One change that the queue cannot take refuses the whole call: each for itself tells which.
            done: list[dict[str, Any]] = []
            for decision in decisions:
                try:
                    done += _stored([decision], queue.enqueue_messages(self._queue, [decision]))
                except DatabaseError as error:
                    if error.number not in RECORD_ERRORS:
                        raise
                    done.append(_failed(decision, f"the queue refuses it: {error}"))
            return done

    def _count(self, result: BatchResult, batch: Batch, done: list[dict[str, Any]]) -> None:
        keys = {change["change_key"]: change["record_key"] for change in batch.changes}
        for item in done:
            outcome = item["outcome"]
            setattr(result, outcome, getattr(result, outcome) + 1)
            result.messages += item.get("message_count") or 0
            result.bad_addresses += item.get("bad_addresses", 0)
            if outcome == "failed":
                result.reasons.append((keys.get(item["change_key"], ""), item["reason"]))


def compose(batch: Batch, rows: Iterable[Mapping[str, Any]], renderer: Renderer, region: str) -> dict[str, Any]:
    """The messages of one change: each merge row on each channel.

    A row's `channel` column, if there is one, limits it to that channel. A bad address makes a message that is stored
    as failed with its reason; a template that fails makes the change fail.

    Returns:
        outcome (messages, skipped), reason, messages.

    Raises:
        RenderError: the change's reason.
    """
    messages: list[dict[str, Any]] = []
    for row in rows:
        key = row.get("recipient_key")
        if key is None:
            raise RenderError("a merge row has no recipient_key (NULL, or no such column)")
        key = str(key)
        if len(key) > KEY_LIMIT:
            raise RenderError(f"recipient_key {key[:40]!r}... has {len(key)} characters; the limit is {KEY_LIMIT}")
        fields = merge_fields(row)
        only = row.get("channel")
        for channel, template in batch.channels.items():
            if only is not None and channel != only:
                continue
            address = address_for(channel, row.get("email"), row.get("phone"), region)
            message: dict[str, Any] = {
                "recipient_key": key,
                "channel": channel,
                "address": address.address or "",
                "recipient_name": _name(row.get("recipient_name")),
                "priority": batch.priority,
                "reason": address.reason,
            }
            if address.address is not None and len(address.address) > ADDRESS_LIMIT:
                message |= {"address": "", "reason": f"the address has more than {ADDRESS_LIMIT} characters"}
            rendered = renderer.render(channel, template, fields)
            message |= {"subject": rendered.subject, "html": rendered.html, "text": rendered.text, "headers": None}
            if rendered.segments is not None:
                message["headers"] = {
                    "sms_encoding": rendered.segments.encoding,
                    "sms_segments": rendered.segments.number,
                }
            messages.append(message)
    if not messages:
        return {"outcome": "skipped", "reason": "no recipient", "messages": []}
    return {"outcome": "messages", "reason": None, "messages": messages}


def _nothing() -> Extracted:
    return Extracted(0, [], [], ResultSet(("change_number",), []))


def _decision(batch: Batch, change: Mapping[str, Any], state: Mapping[str, Any], beat: int) -> dict[str, Any]:
    shown_stamp = state.get("shown_stamp")
    if change["operation"] == "D" and not state.get("is_deleted"):
        # A row that is gone shows no stamp: its delete stands where its last recorded state stood, in a later snapshot.
        # Is there a row again, then that one is a later life, which comes after the delete and is not replaced by it.
        beat = beat if shown_stamp is None else change["beat"]
        shown_stamp = change["state_stamp"]
    return {
        "change_key": change["change_key"],
        "notification_guid": batch.notification_guid,
        "notification_name": batch.notification_name,
        "record_key": change["record_key"],
        "record_match": change["record_match"],
        "operation": change["operation"],
        "policy": batch.policy,
        "shown_stamp": shown_stamp,
        "shown_hash": state.get("shown_hash"),
        "shown_beat": beat,
    }


def _stored(decisions: Sequence[Mapping[str, Any]], words: list[dict[str, Any]]) -> list[dict[str, Any]]:
    bad = {
        decision["change_key"]: sum(1 for item in decision.get("messages", ()) if item["reason"] is not None)
        for decision in decisions
    }
    return [
        {
            "change_key": word["change_key"],
            # In doubt since the queue was lost, or settled by a person: what becomes of it is asked there.
            "outcome": "skipped" if word["outcome"] == "skipped" else "enqueued",
            "reason": word["reason"],
            "message_count": word["message_count"],
            "bad_addresses": bad.get(word["change_key"], 0),
        }
        for word in words
    ]


def _failed(change: Mapping[str, Any], reason: str) -> dict[str, Any]:
    return {
        "change_key": change["change_key"],
        "outcome": "failed",
        "reason": reason if len(reason) <= REASON_LIMIT else reason[: REASON_LIMIT - 1] + "…",
        "message_count": 0,
    }


def _by_change(result: ResultSet) -> dict[int, list[dict[str, Any]]]:
    rows: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for record in result.records():
        number = record["change_number"]
        rows[int(number) if isinstance(number, decimal.Decimal | str) else number].append(record)
    return rows


def _name(value: object) -> str | None:
    """A display name on one line; a line break in it must not become a header."""
    if not isinstance(value, str):
        return None
    return " ".join(value.split())[:NAME_LIMIT] or None
