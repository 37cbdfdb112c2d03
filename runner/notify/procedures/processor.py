"""The processor's procedures: runs, definitions, scans, changes, batches, audit. They decide; nothing here does."""

from __future__ import annotations

import random
import time
from typing import Any, Final, NamedTuple

from notify import procedures
from notify.databases import Connection, ResultSet, Value
from notify.errors import DEADLOCK, DatabaseError
from notify.procedures import from_json, to_json

__all__ = [
    "Activation",
    "Batch",
    "Problem",
    "Recorded",
    "Saved",
    "Scan",
    "activate_notification",
    "approve_held_deletes",
    "audit_changes",
    "begin_run",
    "claim_batch",
    "compare_keys",
    "complete_batch",
    "decide_batch",
    "end_run",
    "explain_changes",
    "get_activation",
    "get_audit_scans",
    "get_audited_changes",
    "get_catalog",
    "get_definitions",
    "get_key_scans",
    "get_preview",
    "get_scans",
    "pause_notification",
    "purge_processor",
    "record_changes",
    "record_keys",
    "refresh_catalog",
    "release_batch",
    "requeue_change",
    "requeue_changes",
    "resume_notification",
    "retire_notification",
    "save_notification",
    "status",
]


TRIES: Final = 4


def call(connection: Connection, procedure: str, **parameters: Value) -> list[ResultSet]:
    """Like `procedures.call`, and again after a deadlock, which has rolled back all that the victim did.

    Each procedure of the processor is one transaction, or several that may be repeated: a page is recorded by
    compare-and-set, outcomes under a token, and a comparison of keys finds what it recorded.
    """
    for tries in range(1, TRIES):
        try:
            return procedures.call(connection, procedure, **parameters)
        except DatabaseError as error:
            if error.number != DEADLOCK:
                raise
            time.sleep(random.uniform(0.5, 1.0) * 0.1 * 2**tries)
    return procedures.call(connection, procedure, **parameters)


class Scan(NamedTuple):
    """One stamp column of a watched table above `low`, to be read with `request` (JSON for detect_changes)."""

    stamp_column_id: int
    scan_version: int
    table: str
    stamp_column: str
    low: str
    is_first: bool
    request: str


class Recorded(NamedTuple):
    """What record_changes made of a page."""

    recorded: int
    pending: int
    skipped: int
    superseded: int
    scan_version: int
    has_more: bool


class Problem(NamedTuple):
    """Why a definition is refused. `path` as in the JSON definition, `suggestion` the nearest right name or None."""

    path: str
    value: str | None
    problem: str
    suggestion: str | None


class Saved(NamedTuple):
    """`action`: created, changed, unchanged; None when there are problems, and then nothing was saved.

    `before` and `after` are the definition as it was and is stored, parsed; None where there is none.
    """

    problems: list[Problem]
    action: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class Activation(NamedTuple):
    """What an activation reads: a request per stamp column, and one for the keys (None: no key snapshot).

    `key_scan_id`: the reading that record_keys fills.
    """

    scans: list[dict[str, Any]]
    key_request: str | None
    key_scan_id: int | None = None


class Batch(NamedTuple):
    """Up to 100 changes of one notification under a lease. `channels` maps a channel to its template."""

    batch_id: str
    lease_token: str
    notification_name: str
    notification_guid: str
    policy: str
    priority: int
    channels: dict[str, str]
    request: str
    changes: list[dict[str, Any]]


def begin_run(
    connection: Connection, host: str, process_id: int, beat: int | None, min_active_rowversion: bytes | None = None
) -> dict[str, Any]:
    """Opens a run and sweeps expired leases: run_id and more.

    A `beat` that stands still, and a `min_active_rowversion` that went back, raise an alert.
    """
    position: dict[str, Value] = {"beat": beat, "min_active_rowversion": min_active_rowversion}
    return call(connection, "notify.begin_run", host=host, process_id=process_id, **position)[0].one()


def end_run(connection: Connection, run_id: int, outcome: str, summary: str) -> None:
    """Closes a run: ok, partly or failed."""
    call(connection, "notify.end_run", run_id=run_id, outcome=outcome, summary=summary[:4000])


def refresh_catalog(connection: Connection, columns: list[dict[str, Any]], procedures: list[dict[str, Any]]) -> None:
    """Replaces the copy of the replica's catalog."""
    call(connection, "notify.refresh_catalog", columns=to_json(columns), procedures=to_json(procedures))


def get_catalog(connection: Connection) -> list[ResultSet]:
    """The copy: columns, procedures."""
    return call(connection, "notify.get_catalog")


def save_notification(connection: Connection, definition: dict[str, Any], *, dry_run: bool) -> Saved:
    """Checks a definition and saves it if it has no problem."""
    results = call(connection, "notify.save_notification", definition=to_json(definition), dry_run=dry_run)
    problems = [Problem(row["path"], row["value"], row["problem"], row["suggestion"]) for row in results[0].records()]
    row = results[1].one()
    return Saved(problems, row["action"], from_json(row["definition_before"]), from_json(row["definition_after"]))


def get_definitions(connection: Connection, name: str | None = None) -> list[dict[str, Any]]:
    """Every notification that is not retired, or the one of a name: name, state, definition (parsed), and more."""
    records = call(connection, "notify.get_definitions", name=name)[0].records()
    return [{**record, "definition": from_json(record["definition"])} for record in records]


def get_activation(connection: Connection, name: str) -> Activation:
    """What must be read on the replica to activate (or resume without catching up)."""
    results = call(connection, "notify.get_activation", name=name)
    keys = results[1].records() if len(results) > 1 else []
    if not keys:
        return Activation(results[0].records(), None)
    return Activation(results[0].records(), keys[0]["request"], keys[0]["key_scan_id"])


def activate_notification(connection: Connection, name: str, scans: str, keys: str | None) -> dict[str, Any]:
    """Sets the lows from one snapshot and records every visible row above them as baseline."""
    return call(connection, "notify.activate_notification", name=name, scans=scans, keys=keys)[0].one()


def pause_notification(connection: Connection, name: str) -> dict[str, Any]:
    """Stops detection and generation; queued messages leave. Gives open_changes, which wait."""
    return call(connection, "notify.pause_notification", name=name)[0].one()


def resume_notification(
    connection: Connection, name: str, policy: str, scans: str | None, keys: str | None
) -> dict[str, Any]:
    """catch_up: goes on where it was. skip: a new baseline from `scans` and `keys`. Counts."""
    return call(connection, "notify.resume_notification", name=name, policy=policy, scans=scans, keys=keys)[0].one()


def retire_notification(connection: Connection, name: str) -> None:
    """Ends a notification; its history stays."""
    call(connection, "notify.retire_notification", name=name)


def get_scans(connection: Connection, run_id: int) -> list[Scan]:
    """Every stamp column that an active, unpaused schedule needs."""
    scans: list[Scan] = []
    for row in call(connection, "notify.get_scans", run_id=run_id)[0].records():
        request = from_json(row["request"])
        scans.append(
            Scan(
                row["stamp_column_id"],
                row["scan_version"],
                f"{request['schema']}.{request['table']}",
                request["stamp"],
                request["low"],
                bool(row.get("is_first")),
                row["request"],
            )
        )
    return scans


def record_changes(
    connection: Connection,
    *,
    run_id: int,
    scan: Scan,
    beat: int,
    safe_stamp: str | None,
    is_last_page: bool,
    rows: list[dict[str, Any]],
) -> Recorded:
    """Changes and watermark in one transaction.

    Raises:
        ScanMoved: another cycle was faster; nothing was recorded.
    """
    row = call(
        connection,
        "notify.record_changes",
        run_id=run_id,
        stamp_column_id=scan.stamp_column_id,
        scan_version=scan.scan_version,
        beat=beat,
        safe_stamp=safe_stamp,
        is_last_page=is_last_page,
        rows=to_json(rows),
    )[0].one()
    return Recorded(**{name: row[name] for name in Recorded._fields})


def get_key_scans(connection: Connection, run_id: int) -> list[dict[str, Any]]:
    """Key snapshots that are due: key_scan_id, watched_table_id, schema_name, table_name, request."""
    return call(connection, "notify.get_key_scans", run_id=run_id)[0].records()


def record_keys(connection: Connection, key_scan_id: int, rows: list[dict[str, Any]]) -> None:
    """A piece of the keys read."""
    call(connection, "notify.record_keys", key_scan_id=key_scan_id, rows=to_json(rows))


def compare_keys(connection: Connection, key_scan_id: int, beat: int) -> dict[str, Any]:
    """Deletes between the stored snapshot and this one: recorded, held, ..."""
    return call(connection, "notify.compare_keys", key_scan_id=key_scan_id, beat=beat)[0].one()


def claim_batch(
    connection: Connection, *, run_id: int, worker: str, batch_size: int, lease_seconds: int
) -> Batch | None:
    """Changes of one notification under a lease; None when there is nothing due."""
    results = call(
        connection,
        "notify.claim_batch",
        run_id=run_id,
        worker=worker,
        batch_size=batch_size,
        lease_seconds=lease_seconds,
    )
    if not results or not results[0].rows:
        return None
    row = results[0].one()
    return Batch(
        batch_id=str(row["batch_id"]),
        lease_token=str(row["lease_token"]),
        notification_name=row["notification_name"],
        notification_guid=str(row["notification_guid"]),
        policy=row["policy"],
        priority=row["priority"],
        channels={item["channel"]: item["template"] for item in from_json(row["channels"])},
        request=row["request"],
        changes=results[1].records(),
    )


def decide_batch(
    connection: Connection,
    batch: Batch,
    beat: int,
    states: list[dict[str, Any]],
    prerequisites: list[dict[str, Any]],
) -> list[dict[str, Any]]:
    """change_number, change_key, verdict (generate, skip, wait), reason.

    Raises:
        LeaseLost: another worker has the batch.
    """
    return call(
        connection,
        "notify.decide_batch",
        batch_id=batch.batch_id,
        lease_token=batch.lease_token,
        beat=beat,
        states=to_json(states),
        prerequisites=to_json(prerequisites),
    )[0].records()


def complete_batch(connection: Connection, batch: Batch, results: list[dict[str, Any]]) -> dict[str, Any]:
    """Final states: change_key, outcome (enqueued, skipped, failed, superseded), reason, message_count."""
    return call(
        connection,
        "notify.complete_batch",
        batch_id=batch.batch_id,
        lease_token=batch.lease_token,
        results=to_json(results),
    )[0].one()


def release_batch(connection: Connection, batch: Batch, reason: str) -> None:
    """Gives a batch back, undone."""
    call(
        connection,
        "notify.release_batch",
        batch_id=batch.batch_id,
        lease_token=batch.lease_token,
        reason=reason[:400],
    )


def requeue_changes(
    connection: Connection, notification: str | None, reason: str | None, batch_size: int = 1000
) -> int:
    """Failed changes become pending again, those whose reason begins with `reason`: how many."""
    requeued: int = 0
    while True:
        row = call(
            connection, "notify.requeue_changes", notification=notification, reason=reason, batch_size=batch_size
        )[0].one()
        requeued += row["requeued"]
        if row["requeued"] < batch_size:
            return requeued


def requeue_change(connection: Connection, change_key: str) -> dict[str, Any] | None:
    """One change, failed or forgotten by the queue, is generated again.

    Returns:
        change_key, notification_name, record_key, old_state, state; None: there is no such change.
    """
    rows = call(connection, "notify.requeue_change", change_key=change_key)[0].records()
    return rows[0] if rows else None


def explain_changes(connection: Connection, record_key: str, table: str | None = None) -> list[list[dict[str, Any]]]:
    """One record's story: its changes, every state they took, what is watched, the stored key snapshots."""
    results = call(connection, "notify.explain_changes", record_key=record_key, table=table)
    return [result.records() for result in results]


def get_preview(connection: Connection, name: str, operation: str) -> dict[str, Any]:
    """A notification's extract request without changes, its key columns (JSON), the best column to find new rows by."""
    return call(connection, "notify.get_preview", name=name, record_key=None, operation=operation)[0].one()


def get_audit_scans(connection: Connection) -> list[dict[str, Any]]:
    """What the audit reads on the replica, and the lows of this moment: stamp_column_id, watermarks, request, ..."""
    return call(connection, "notify.get_audit_scans")[0].records()


def audit_changes(
    connection: Connection, stamp_column_id: int, watermarks: str, rows: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Which of a page's rows should be recorded and are not."""
    return call(
        connection,
        "notify.audit_changes",
        stamp_column_id=stamp_column_id,
        watermarks=watermarks,
        rows=to_json(rows),
    )[0].records()


def get_audited_changes(connection: Connection, after_change_number: int, take: int) -> list[dict[str, Any]]:
    """The recorded changes, a page at a time; fewer than `take` is the last page."""
    return call(connection, "notify.get_audited_changes", after_change_number=after_change_number, take=take)[
        0
    ].records()


def approve_held_deletes(connection: Connection, key_scan_id: int) -> dict[str, Any]:
    """A person says that a mass of vanished records was deleted indeed: what compare_keys gives."""
    return call(connection, "notify.approve_held_deletes", key_scan_id=key_scan_id)[0].one()


def status(connection: Connection) -> list[ResultSet]:
    """Notifications, watermarks, work left, last runs, open alerts."""
    return call(connection, "notify.status")


def purge_processor(connection: Connection, older_than_days: int, batch_size: int) -> ResultSet:
    """Deletes finished work that is old enough, in small steps."""
    return call(connection, "notify.purge_processor", older_than_days=older_than_days, batch_size=batch_size)[0]


def get_queue_mark(connection: Connection) -> tuple[str | None, str | None]:
    """(mark, row version): the queue's hand-overs are copied up to there; None before the first."""
    row = call(connection, "notify.get_queue_mark")[0].one()
    return row["queue_mark"], row["highest"]


def store_outcomes(
    connection: Connection,
    known: tuple[str | None, str | None],
    queue_mark: str,
    highest: str,
    outcomes: list[dict[str, Any]],
) -> int:
    """Keeps copies of hand-overs: how many are new. `known` is what get_queue_mark gave before they were read.

    Raises:
        QueueRestored: the queue has lost what was copied from it.
    """
    row = call(
        connection,
        "notify.store_outcomes",
        known_mark=known[0],
        known_highest=known[1],
        queue_mark=queue_mark,
        highest=highest,
        outcomes=to_json(outcomes),
    )[0].one()
    return int(row["stored"])


def get_outcome_copies(connection: Connection, after: int, take: int) -> list[dict[str, Any]]:
    """The copied hand-overs, a page at a time; fewer than `take` is the last page."""
    return call(connection, "notify.get_outcome_copies", after=after, take=take)[0].records()


def get_claimed_changes(connection: Connection, after: int, take: int) -> list[dict[str, Any]]:
    """Changes that a worker has ever held, a page at a time; fewer than `take` is the last page."""
    return call(connection, "notify.get_claimed_changes", after=after, take=take)[0].records()
