"""The audit: counts from the replica what should have been mailed, and finds each message again, by key (rule 11).

The order matters: the lows first, then the replica, then the recorded changes, then the queue. What happens meanwhile
can only add to what is found, and never makes something missing.

Two blocks. Changes: what the replica shows above the baseline and at or below low, and everything recorded. Messages: a
change that the queue has decided counts its messages; one that is on its way, explained, in doubt or settled by a
person counts one; changes that no message was ever asked for (history, criteria, operation) are not expected at all.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any, Final, NamedTuple

from notify.cycle import Progress, Quiet
from notify.databases import Connection, Databases, Role
from notify.procedures import from_json, processor, queue, replica, to_json

__all__ = ["AuditReport", "ChangesBlock", "Finding", "audit"]

TAKE: Final = 1000
"""Recorded changes a page."""

FINDINGS_LIMIT: Final = 200

NOT_ASKED: Final = frozenset({"baseline", "criteria", "operation", "never seen alive"})
"""Reasons of changes that no message was asked for."""

BUCKETS: Final = {
    **dict.fromkeys(("sent", "delivered"), "sent"),
    "in_doubt": "in_doubt",
    **dict.fromkeys(("failed", "bounced", "suppressed", "expired", "canceled"), "explained"),
}
"""A message's state → its bucket; any other state is pending."""


class Finding(NamedTuple):
    """Something missing or doubled."""

    finding: str
    notification: str
    record_key: str
    detail: str


@dataclass
class ChangesBlock:
    """Changes: expected = enqueued + pending + explained + missing. `not_asked`: recorded, and nothing to be mailed."""

    expected: int = 0
    enqueued: int = 0
    pending: int = 0
    explained: int = 0
    missing: int = 0
    not_asked: int = 0


@dataclass
class AuditReport:
    """Messages: expected = sent + in_doubt + pending + explained + missing. Doubled are hand-overs beyond the one."""

    expected: int = 0
    sent: int = 0
    in_doubt: int = 0
    pending: int = 0
    explained: int = 0
    missing: int = 0
    doubled: int = 0
    changes: ChangesBlock = field(default_factory=ChangesBlock)
    reasons: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Neither missing nor doubled."""
        return not self.missing and not self.doubled

    def to_json(self) -> dict[str, Any]:
        """As documented for `audit --json`."""
        document = asdict(self)
        document["reasons"] = [{"reason": reason, "messages": count} for reason, count in self.reasons.most_common()]
        document["findings"] = [finding._asdict() for finding in self.findings]
        return document

    def sentence(self) -> str:
        """The sum, as one line."""
        return (
            f"{self.expected} expected = {self.sent} sent + {self.in_doubt} in doubt + {self.pending} pending + "
            f"{self.explained} explained + {self.missing} missing; {self.doubled} doubled"
        )

    def count(self, bucket: str, number: int = 1, reason: str | None = None) -> None:
        """Adds expected messages to a bucket."""
        self.expected += number
        setattr(self, bucket, getattr(self, bucket) + number)
        if bucket == "explained" and number:
            self.reasons[reason or "no reason recorded"] += number

    def find(self, finding: Finding) -> None:
        """Keeps the first findings, for people."""
        if len(self.findings) < FINDINGS_LIMIT:
            self.findings.append(finding)


def audit(databases: Databases, progress: Progress | None = None) -> AuditReport:
    """Audits every active or paused notification.

    Raises:
        notify.errors.DatabaseError: a server cannot be asked; there is no audit of a part.
    """
    progress = progress or Quiet()
    report = AuditReport()
    with (
        databases.connection(Role.PROCESSOR) as connection,
        databases.connection(Role.REPLICA) as source,
        databases.connection(Role.QUEUE) as messages,
    ):
        scans = processor.get_audit_scans(connection)
        seen: set[str] = set()
        for number, scan in enumerate(scans):
            progress.step("read the replica", number, len(scans))
            _unrecorded(connection, source, scan, report, seen)
        progress.step("read the replica", len(scans), len(scans))
        _recorded(connection, messages, report, progress)
    return report


def _unrecorded(
    connection: Connection, source: Connection, scan: dict[str, Any], report: AuditReport, seen: set[str]
) -> None:
    """What the replica shows and nobody recorded."""
    request = replica.parse_request(scan["request"])
    while True:
        page = replica.detect_changes(source, to_json(request))
        if page.rows:
            for row in processor.audit_changes(connection, scan["stamp_column_id"], scan["watermarks"], page.rows):
                if row["missing_key"] in seen:
                    continue
                seen.add(row["missing_key"])
                report.count("missing")
                report.changes.expected += 1
                report.changes.missing += 1
                detail = f"{row['operation']} at {row['state_stamp']}: {row['reason']}"
                report.find(Finding("missing", row["notification_name"], row["record_key"], detail))
        if page.is_last_page:
            return
        last = page.rows[-1]
        request |= {"cursor_stamp": last["stamp"], "cursor_key": from_json(last["record_key"])}


def _recorded(connection: Connection, messages: Connection, report: AuditReport, progress: Progress) -> None:
    """Every recorded change, and the queue's word on those it was given."""
    counted: set[int] = set()
    last = done = 0
    while True:
        page = processor.get_audited_changes(connection, last, TAKE)
        handed: dict[str, dict[str, Any]] = {}
        for change in page:
            if change["bucket"] == "queue" or change["was_claimed"]:
                handed[change["change_key"]] = change
            else:
                _undecided(change, report)
        if handed:
            _ask_queue(messages, handed, report, counted)
        done += len(page)
        if len(page) < TAKE:
            progress.step("ask the queue", done, done)
            return
        progress.step("ask the queue", done, None)
        last = page[-1]["change_number"]


def _undecided(change: dict[str, Any], report: AuditReport) -> None:
    """A change that the queue has no word on: the processor's counts."""
    if change["bucket"] == "pending":
        report.changes.expected += 1
        report.changes.pending += 1
        report.count("pending")
    elif change["reason"] in NOT_ASKED:
        report.changes.not_asked += 1
    else:
        report.changes.expected += 1
        report.changes.explained += 1
        report.count("explained", 1, change["reason"])


def _ask_queue(messages: Connection, handed: dict[str, dict[str, Any]], report: AuditReport, counted: set[int]) -> None:
    """The messages of changes that were ever claimed: the queue may have decided what the processor never heard of.

    A message shared by two changes counts once.
    """
    audited = queue.audit_messages(messages, list(handed))
    for word in audited.changes:
        change = handed[word["change_key"]]
        if word["outcome"] is None and change["bucket"] != "queue":
            _undecided(change, report)
            continue
        report.changes.expected += 1
        if word["outcome"] is None:
            report.changes.missing += 1
            report.count("missing")
            detail = "the processor calls it enqueued, and the queue does not know it"
            report.find(Finding("missing", change["notification_name"], change["record_key"], detail))
        elif word["outcome"] in ("in_doubt", "sent", "failed"):
            # The queue was lost: nobody knows its messages, nor how many they were; a person may have settled it.
            report.changes.enqueued += 1
            report.count(BUCKETS[word["outcome"]], 1, word["reason"])
        elif word["outcome"] == "skipped":
            report.changes.explained += 1
            report.count("explained", 1, word["reason"])
        else:
            report.changes.enqueued += 1
            report.count("explained", word["purged"], "purged")
            if word["missing"]:
                report.count("missing", word["missing"])
                detail = (
                    f"{word['missing']} of its {word['message_count']} messages are not there, and no purge took them"
                )
                report.find(Finding("missing", change["notification_name"], change["record_key"], detail))
    accepted: Counter[tuple[str, str, str]] = Counter()
    fresh: set[tuple[str, str, str]] = set()
    for row in audited.messages:
        key = (row["change_key"], row["recipient_key"], row["channel"])
        accepted[key] += row["accepted"] - row["released"]
        if row["message_id"] not in counted:
            counted.add(row["message_id"])
            fresh.add(key)
            report.count(BUCKETS.get(row["state"], "pending"), 1, row["reason"])
    for key in fresh:
        if accepted[key] > 1:
            report.doubled += accepted[key] - 1
            change = handed[key[0]]
            detail = f"{accepted[key]} hand-overs accepted for {key[1]} by {key[2]}, and no person released one"
            report.find(Finding("doubled", change["notification_name"], change["record_key"], detail))
