"""run-cycle: the walk of sql/README.md, thin. "Call A on one role, hand its rows to B on another."

What concerns one table, one notification or one batch is reported and the others go on (exit code 3); a server that
cannot be reached ends the cycle (exit code 1), and the next one goes on where this one was.
"""

from __future__ import annotations

import gc
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from notify import assets
from notify.config import Config
from notify.databases import Databases, Role
from notify.errors import DatabaseError, DatabaseUnreachable, NotifyError, QueueRestored, ScanMoved
from notify.generate import BatchResult, Generator
from notify.procedures import processor, queue, replica
from notify.render import Renderer
from notify.workers import run_workers

__all__ = ["CycleReport", "Progress", "Quiet", "TableReport", "make_renderer", "run_cycle"]

MOVED_LIMIT: Final = 5
"""Times that a scan is read again because a rival recorded it; then the rival has it."""

FAILURES_LIMIT: Final = 20
"""Batches of a worker that may fail as a whole in one cycle, before it leaves the rest to the next."""

OUTCOME_PAGE: Final = 2000
OUTCOME_PAGES: Final = 10
"""Hand-overs copied a call, and calls a cycle."""

KEY_PIECE: Final = 2000
"""Rows per call of record_keys."""


class Progress(Protocol):
    """Where a cycle tells what it does: lines in a log, or bars on a terminal."""

    def note(self, text: str) -> None:
        """A line that stays."""

    def step(self, name: str, done: int, total: int | None) -> None:
        """How far a step is; total None when that is not known."""


class Quiet:
    """Tells nothing."""

    def note(self, text: str) -> None:
        """Nothing."""

    def step(self, name: str, done: int, total: int | None) -> None:
        """Nothing."""


@dataclass
class TableReport:
    """What was found in one watched table by one scan; `rows` read, `recorded` as changes, of them `pending`."""

    table: str
    scan: str
    rows: int = 0
    recorded: int = 0
    pending: int = 0
    skipped: int = 0
    superseded: int = 0
    held: bool = False
    error: str | None = None


@dataclass
class CycleReport:
    """What a cycle did. `outcome`: ok, partly, failed; `failures` are (where, reason), at most 100 of them."""

    run_id: int = 0
    outcome: str = "ok"
    tables: list[TableReport] = field(default_factory=list)
    batches: int = 0
    enqueued: int = 0
    skipped: int = 0
    waiting: int = 0
    failed: int = 0
    messages: int = 0
    bad_addresses: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)

    @property
    def detected(self) -> int:
        """Changes recorded as pending."""
        return sum(table.pending for table in self.tables)

    @property
    def exit_code(self) -> int:
        """0 ok, 1 failed, 3 partly."""
        return {"ok": 0, "partly": 3}.get(self.outcome, 1)

    def fail(self, where: str, reason: str) -> None:
        """Notes a failure; the cycle becomes "partly"."""
        self.outcome = "partly" if self.outcome == "ok" else self.outcome
        if len(self.failures) < 100:
            self.failures.append((where, reason))

    def to_json(self) -> dict[str, Any]:
        """As documented for `run-cycle --json`."""
        document = asdict(self)
        document["detected"] = self.detected
        document["failures"] = [{"where": where, "reason": reason} for where, reason in self.failures]
        return document

    def sentence(self) -> str:
        """One line for a log."""
        parts = [
            f"{_counted(self.detected, 'change')} detected",
            f"{self.enqueued} generated",
            _counted(self.messages, "message"),
        ]
        parts += [
            f"{count} {word}"
            for count, word in ((self.waiting, "waiting"), (self.skipped, "skipped"), (self.failed, "failed"))
            if count
        ]
        if self.bad_addresses:
            parts.append(_counted(self.bad_addresses, "bad address", "bad addresses"))
        return ", ".join(parts)


def _counted(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def run_cycle(
    config: Config,
    databases: Databases | None = None,
    progress: Progress | None = None,
    *,
    renderer: Renderer | None = None,
) -> CycleReport:
    """One cycle: detect, record, generate, enqueue.

    Raises:
        DatabaseUnreachable: a server is not there; what was recorded stays recorded, what was claimed comes back.
    """
    progress = progress or Quiet()
    databases = databases or config.databases()
    report = CycleReport()
    with (
        _fewer_collections(),
        databases.connection(Role.PROCESSOR) as connection,
        databases.connection(Role.REPLICA) as source,
    ):
        position = replica.read_position(source)
        report.run_id = processor.begin_run(
            connection, socket.gethostname(), os.getpid(), position["beat"], position["min_active_rowversion"]
        )["run_id"]
        try:
            _detect(connection, source, report, progress)
            _compare_keys(connection, source, report, progress)
            _copy_outcomes(connection, databases, progress)
            _generate(config, databases, report, progress, renderer)
        except BaseException as error:
            report.outcome = "failed"
            reason = str(error) or type(error).__name__
            # The error in hand is the one to tell; a run row that stays open says that its cycle died.
            with suppress(NotifyError):
                processor.end_run(connection, report.run_id, "failed", reason)
            raise
        processor.end_run(connection, report.run_id, report.outcome, _summary(report))
    return report


@contextmanager
def _fewer_collections() -> Iterator[None]:
    """A cycle makes short-lived rows and texts by the thousand; looking through all that lives costs more each time."""
    before = gc.get_threshold()
    gc.set_threshold(20_000, 20, 1000)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def make_renderer(config: Config, *first: Path) -> Renderer:
    """The configured templates, with the shipped layouts behind them."""
    directories = (*first, *config.template_directories, assets.templates())
    return Renderer(directories, max_sms_segments=config.cycle.max_sms_segments)


def _summary(report: CycleReport) -> str:
    lines = [report.sentence(), *(f"{where}: {reason}" for where, reason in report.failures)]
    return "\n".join(lines)


def _detect(connection: Any, source: Any, report: CycleReport, progress: Progress) -> None:
    """Steps 2 to 4: every scan, page by page, until it has no more."""
    scans = processor.get_scans(connection, report.run_id)
    if not scans:
        progress.note(
            'no active notification: nothing to watch (notify apply FILE activates what says state = "active")'
        )
    for number, scan in enumerate(scans):
        progress.step("detect", number, len(scans))
        table = TableReport(scan.table, scan.stamp_column)
        report.tables.append(table)
        if scan.is_first:
            progress.note(
                f"watching {scan.table}.{scan.stamp_column} from {scan.low}: no row from before will be mailed"
            )
        try:
            _scan(connection, source, scan, report.run_id, table)
        except (DatabaseUnreachable, QueueRestored):
            raise
        except DatabaseError as error:
            table.error = str(error)
            report.fail(f"{scan.table}.{scan.stamp_column}", str(error))
            progress.note(f"{scan.table}.{scan.stamp_column}: {error}; the other tables go on")
    progress.step("detect", len(scans), len(scans))


def _scan(connection: Any, source: Any, scan: processor.Scan, run_id: int, table: TableReport) -> None:
    moved = 0
    current: processor.Scan | None = scan
    while current is not None:
        page = replica.detect_changes(source, current.request)
        try:
            recorded = processor.record_changes(
                connection,
                run_id=run_id,
                scan=current,
                beat=page.beat,
                safe_stamp=page.safe_stamp,
                is_last_page=page.is_last_page,
                rows=page.rows,
            )
        except ScanMoved:
            moved += 1
            if moved > MOVED_LIMIT:
                return
            more = True
        else:
            table.rows += len(page.rows)
            table.recorded += recorded.recorded
            table.pending += recorded.pending
            table.skipped += recorded.skipped
            table.superseded += recorded.superseded
            more = recorded.has_more
        current = _again(connection, run_id, current) if more else None


def _again(connection: Any, run_id: int, scan: processor.Scan) -> processor.Scan | None:
    """The same scan as the processor sees it now; None when nothing needs it any more."""
    scans = processor.get_scans(connection, run_id)
    return next((item for item in scans if item.stamp_column_id == scan.stamp_column_id), None)


def _compare_keys(connection: Any, source: Any, report: CycleReport, progress: Progress) -> None:
    """Step 5: deletes by key snapshot, for the tables whose snapshot is due."""
    for scan in processor.get_key_scans(connection, report.run_id):
        name = f"{scan['schema_name']}.{scan['table_name']}"
        table = TableReport(name, "keys")
        report.tables.append(table)
        try:
            beat: int | None = None
            for at, rows in replica.read_keys(source, scan["request"], KEY_PIECE):
                if at is not None:
                    beat = at
                else:
                    processor.record_keys(connection, scan["key_scan_id"], rows)
                    table.rows += len(rows)
                    progress.step(f"keys of {name}", table.rows, None)
            assert beat is not None, "read_keys gives a position first"
            compared = processor.compare_keys(connection, scan["key_scan_id"], beat)
        except (DatabaseUnreachable, QueueRestored):
            raise
        except DatabaseError as error:
            table.error = str(error)
            report.fail(f"keys of {name}", str(error))
            progress.note(f"keys of {name}: {error}; the other tables go on")
            continue
        table.recorded, table.pending = compared["recorded"] or 0, compared["pending"] or 0
        table.skipped, table.superseded = compared["skipped"] or 0, compared["superseded"] or 0
        if compared["held"]:
            table.held = True
            reason = f"{compared['vanished']} rows vanished at once: held until a person approves"
            report.fail(f"keys of {name}", reason)
            progress.note(f"keys of {name}: {reason}")


def _copy_outcomes(connection: Any, databases: Databases, progress: Progress) -> None:
    """The processor keeps copies of what the queue handed over, a bounded number each cycle: the queue may be lost."""
    with databases.connection(Role.QUEUE) as messages:
        for _ in range(OUTCOME_PAGES):
            known = processor.get_queue_mark(connection)
            page = queue.read_outcomes(messages, *known, OUTCOME_PAGE)
            if not page.is_trusted:
                return  # whoever enqueues is told so by the queue itself
            processor.store_outcomes(connection, known, page.queue_mark, page.highest, page.rows)
            progress.step("copy outcomes", len(page.rows), None)
            if not page.has_more:
                return


def _generate(
    config: Config, databases: Databases, report: CycleReport, progress: Progress, renderer: Renderer | None
) -> None:
    """Steps 6 to 10, in worker threads."""
    renderer = renderer or make_renderer(config)
    host, process_id, lock = socket.gethostname(), os.getpid(), threading.Lock()

    def add(result: BatchResult) -> None:
        with lock:
            _add(report, result)
            progress.step("generate", report.enqueued + report.skipped + report.failed + report.waiting, None)
            for key, reason in result.reasons[:3]:
                progress.note(f"{result.notification} {key}: {reason}")

    def fail(batch: processor.Batch, error: DatabaseError) -> None:
        with lock:
            report.fail(batch.notification_name, str(error))
            progress.note(f"{batch.notification_name}: {error}; the other notifications go on")

    def work(number: int, stop: threading.Event) -> None:
        worker = f"{host}:{process_id}:{number}"
        with ExitStack() as stack:
            roles = (Role.REPLICA, Role.PROCESSOR, Role.QUEUE)
            opened = tuple(stack.enter_context(databases.connection(role)) for role in roles)
            generator = Generator((opened[0], opened[1], opened[2]), renderer, region=config.cycle.default_region)
            _work(generator, opened[1], config, report.run_id, worker, stop, add, fail)

    run_workers(config.cycle.workers, work)


def _work(
    generator: Generator,
    connection: Any,
    config: Config,
    run_id: int,
    worker: str,
    stop: threading.Event,
    add: Callable[[BatchResult], None],
    fail: Callable[[processor.Batch, DatabaseError], None],
) -> None:
    """Claims and generates until nothing is due, or only what just had to wait."""
    failures = 0
    waited: set[str] = set()
    while not stop.is_set() and failures < FAILURES_LIMIT:
        batch = processor.claim_batch(
            connection,
            run_id=run_id,
            worker=worker,
            batch_size=config.cycle.batch_size,
            lease_seconds=config.cycle.lease_seconds,
        )
        if batch is None:
            return
        try:
            result = generator.run(batch)
        except (DatabaseUnreachable, QueueRestored):
            raise
        except DatabaseError as error:
            failures += 1
            fail(batch, error)
            processor.release_batch(connection, batch, str(error))
            continue
        add(result)
        keys = {change["change_key"] for change in batch.changes}
        if result.waiting == len(keys) and keys <= waited:
            return
        waited |= keys


def _add(report: CycleReport, result: BatchResult) -> None:
    report.batches += 1
    report.enqueued += result.enqueued
    report.skipped += result.skipped + result.superseded
    report.waiting += result.waiting
    report.failed += result.failed
    report.messages += result.messages
    report.bad_addresses += result.bad_addresses
    for key, reason in result.reasons:
        report.fail(f"{result.notification} {key}", reason)
