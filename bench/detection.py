"""What it costs to detect 100 changed rows, by the size of their table, and beside 200 tables that nobody watches."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import apsw

from bench.measure import Figure, folder, median
from bench.press import LETTERS
from notify.cycle import run_cycle
from notify.databases import Connection, Role
from notify.procedures import processor, replica
from notify.stage import Stage
from tsqlite.trace import Trace

__all__ = ["detect_changes", "detection"]

WATCHED: Final = Path(__file__).parent / "watched"
CHANGED: Final = 100
OTHERS: Final = 200

OLD: Final = 638_000_000_000_000_000
"""100 ns since 0001-01-01, as the engine stores datetime2: in 2022."""
FILL: Final = f"""
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
INSERT INTO "dbo.item" (item_id, name, price, created_at, modified_at)
SELECT n, 'Item ' || n, 125000, {OLD} + n * 10000, {OLD} + n * 10000 FROM numbers
"""


def detection(quick: bool) -> list[Figure]:
    """Three stages in turn: small, large, and small beside many tables without a schedule."""
    large_rows, rounds = (100_000, 5) if quick else (1_000_000, 15)
    small: list[float] = []
    large: list[float] = []
    beside: list[float] = []
    with folder() as path, ExitStack() as stack:
        stages = [
            stack.enter_context(Stage(path / name, templates=[LETTERS / "templates"]))
            for name in ("small", "large", "beside")
        ]
        for stage, rows, others in zip(stages, (10_000, large_rows, 10_000), (0, 0, OTHERS), strict=True):
            _build(stage, rows, others)
        for turn in range(rounds + 2):
            for stage, seconds in zip(stages, (small, large, beside), strict=True):
                seconds.append(_detect(stage, turn))
        reads, on_source = _trace(stages[2], rounds + 2)
    others_read = {name for name in reads if name.startswith("dbo.other_")}
    # The first two rounds compile procedures.
    base = median(small[2:])
    return [
        Figure.of(
            f"detection: {CHANGED} of {large_rows:,} rows (floor: 10,000)", median(large[2:]) * 1e3, "ms", base * 1e3,
            at_most=1.5,
        ),
        Figure.of(
            f"detection: beside {OTHERS} more tables (floor: without)", median(beside[2:]) * 1e3, "ms", base * 1e3,
            at_most=1.2,
        ),
        Figure.of("detection: unwatched tables read in a cycle", len(others_read), "tables", at_most=0,
                  also="dbo.item" in reads),
        Figure.of("detection: statements of a cycle on source", on_source, "statements", at_most=0),
    ]  # fmt: skip


def _build(stage: Stage, rows: int, others: int) -> None:
    def fill(stage: Stage) -> None:
        # Straight into the file: a million rows through a client would take longer than all measurements together.
        database = apsw.Connection(str(stage.path(Role.SOURCE)))
        database.execute("BEGIN")
        database.execute(FILL, (rows,))
        database.execute("COMMIT")
        database.close()

    stage.build(schema=[WATCHED / "schema.sql"], procedures=[WATCHED / "merge_fields_item.sql"], fill=fill)
    for number in range(others):
        stage.do(
            (
                f"CREATE TABLE dbo.other_{number} (id INT NOT NULL PRIMARY KEY, modified_at DATETIME2(3) NOT NULL);"
                f"INSERT INTO dbo.other_{number} (id, modified_at) VALUES (1, SYSUTCDATETIME());",
                (),
            )
        )
    stage.redo()
    stage.apply(WATCHED / "notifications.toml")


def _change(stage: Stage, turn: int) -> None:
    first = 1 + turn * CHANGED
    text = "UPDATE dbo.item SET price += 1, modified_at = SYSUTCDATETIME() WHERE item_id >= ? AND item_id < ?;"
    stage.do((text, (first, first + CHANGED)))
    stage.beat()
    stage.redo()


def _detect(stage: Stage, turn: int) -> float:
    """Seconds of what a cycle does up to the recorded changes."""
    _change(stage, turn)
    databases = stage.databases
    with databases.connection(Role.PROCESSOR) as connection, databases.connection(Role.REPLICA) as source:
        started = time.perf_counter()
        run_id, recorded = detect_changes(source, connection)
        seconds = time.perf_counter() - started
        processor.end_run(connection, run_id, "ok", "")
    assert recorded == CHANGED, f"{recorded} of {CHANGED} changes were recorded"
    return seconds


def detect_changes(source: Connection, connection: Connection) -> tuple[int, int]:
    """What a cycle does up to the recorded changes: the run's id, and how many changes are recorded."""
    beat = replica.read_position(source)["beat"]
    run_id: int = processor.begin_run(connection, "bench", 1, beat)["run_id"]
    recorded = 0
    for scan in processor.get_scans(connection, run_id):
        page = replica.detect_changes(source, scan.request)
        recorded += processor.record_changes(
            connection,
            run_id=run_id,
            scan=scan,
            beat=page.beat,
            safe_stamp=page.safe_stamp,
            is_last_page=page.is_last_page,
            rows=page.rows,
        ).recorded
    return run_id, recorded


def _trace(stage: Stage, turn: int) -> tuple[set[str], int]:
    """The tables that one whole cycle read on the replica, and how many statements it ran on source."""
    _change(stage, turn)
    stage.close()
    with Trace(stage.path(Role.REPLICA)) as on_replica, Trace(stage.path(Role.SOURCE)) as on_source:
        report = run_cycle(stage.config, stage.databases)
    assert report.outcome == "ok" and report.messages, report
    return on_replica.reads, len(on_source.statements)
