"""`python -m tests.sabotage [WORD...]`: removes each safeguard in turn and shows that a test fails. Exit 1 when one did not.

Each removal happens in a copy of the project, where only the tests that watch over that safeguard are run; undisturbed,
they must pass. WORDs choose sabotages by their names.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[1]
PARTS: Final = (
    "embedded",
    "examples",
    "migrations",
    "runner",
    "sql",
    "templates",
    "tests",
    "pyproject.toml",
    "alembic.ini",
)


class Sabotage(NamedTuple):
    """`old` in `file` becomes `new`, everywhere; then at least one of `tests` ("file::name") must fail."""

    name: str
    guarantee: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


PROCESSOR, QUEUE, REPLICA = (f"sql/procedures/{role}" for role in ("processor", "queue", "replica"))
CLAIM = "WITH (ROWLOCK, READPAST, UPDLOCK, READCOMMITTEDLOCK)"
ATTEMPTS, ENQUEUE = "tests/procedures/test_queue_attempts.py", "tests/procedures/test_queue_enqueue.py"
OPERATOR = "tests/procedures/test_queue_operator.py"
RECORDING, BATCHES = "tests/procedures/test_recording.py", "tests/procedures/test_batches.py"
DETECTION, KEYS = "tests/procedures/test_detection.py", "tests/procedures/test_key_snapshots.py"
SEND, CLAIMS = "tests/gateways/test_send.py", "tests/faults/test_claims.py"
MOVE_LOW = """\
        UPDATE w
        SET w.low_stamp = @safe_stamp
        FROM notify.watermark AS w
        WHERE w.stamp_column_id = @stamp_column_id AND @is_last_page = 1;
        COMMIT TRANSACTION;
        BEGIN TRANSACTION;

        EXECUTE notify.store_changes"""
HAND_OVER = """\
                journal.enter()
                try:
                    outcome = await session.hand_over()
                finally:
                    journal.leave()
"""
BEGIN = "begun := await journal.begin(message, attempt_id, gateway)"

SABOTAGES: Final = (
    Sabotage(
        "heartbeat-minimum",
        "1 watermark: the least of all open transactions' begin times",
        "sql/procedures/source/beat_heartbeat.sql",
        "CASE WHEN @oldest < @now THEN @oldest ELSE @now END",
        "@now",
        (f"{DETECTION}::test_an_open_transaction_holds_the_safe_point_back", f"{DETECTION}::test_a_late_committer_is_not_passed_over"),
    ),
    Sabotage(
        "heartbeat-clock-first",
        "1 watermark: the clock is read before the transactions",
        "sql/procedures/source/beat_heartbeat.sql",
        "    DECLARE @min_active_rowversion BINARY(8) = MIN_ACTIVE_ROWVERSION();",
        "    DECLARE @min_active_rowversion BINARY(8) = MIN_ACTIVE_ROWVERSION();\n    SET @now = SYSUTCDATETIME();",
        (f"{CLAIMS}::test_a_transaction_that_begins_during_a_heartbeat_is_not_passed_over",),
    ),
    Sabotage(
        "column-step",
        "1 watermark: one whole step of the column",
        "sql/functions/replica/safe_stamp.sql",
        "-POWER(10, 9 - @scale)",
        "0",
        (f"{DETECTION}::test_no_stamp_taken_at_the_safe_point_or_later_is_at_or_below_it", f"{DETECTION}::test_by_type"),
    ),
    Sabotage(
        "skew",
        "1 watermark: the greatest difference of clocks",
        "sql/functions/replica/safe_stamp.sql",
        "DATEADD(MILLISECOND, -@skew_ms, CONVERT(DATETIME2(7), @safe_point))",
        "CONVERT(DATETIME2(7), @safe_point)",
        (f"{DETECTION}::test_no_stamp_taken_at_the_safe_point_or_later_is_at_or_below_it", f"{DETECTION}::test_by_type"),
    ),
    Sabotage(
        "repeated-hour",
        "1 watermark: an hour more for local times before the repeated hour",
        "sql/functions/replica/safe_stamp.sql",
        "CASE WHEN @offset_ahead_minutes < @offset_minutes THEN @offset_ahead_minutes ELSE @offset_minutes END",
        "@offset_minutes",
        (f"{DETECTION}::test_of_a_local_time_an_hour_more_is_taken_off_before_the_repeated_hour",),
    ),
    Sabotage(
        "low-with-the-last-page",
        "1 watermark: a sweep in pages moves low with its last page only",
        f"{PROCESSOR}/move_low.sql",
        "    IF @is_last_page = 1\n        UPDATE w",
        "    IF 1 = 1\n        UPDATE w",
        (f"{RECORDING}::test_a_sweep_moves_low_with_its_last_page_to_the_least_safe_stamp_of_all",),
    ),
    Sabotage(
        "least-safe-stamp",
        "1 watermark: low moves to the least safe point of all pages",
        f"{PROCESSOR}/move_low.sql",
        "WHEN sc.least_safe_stamp < @safe_stamp THEN sc.least_safe_stamp",
        "WHEN 1 = 0 THEN sc.least_safe_stamp",
        (f"{RECORDING}::test_a_sweep_moves_low_with_its_last_page_to_the_least_safe_stamp_of_all",),
    ),
    Sabotage(
        "low-in-the-same-transaction",
        "1 watermark: changes and low in one transaction",
        f"{PROCESSOR}/record_changes.sql",
        "        EXECUTE notify.store_changes",
        MOVE_LOW,
        (f"{CLAIMS}::test_recording_that_dies_at_any_boundary_loses_no_row",),
    ),
    Sabotage(
        "compare-and-set",
        "1 watermark: a page of a scan that has moved records nothing",
        f"{PROCESSOR}/record_changes.sql",
        "WHERE sc.stamp_column_id = @stamp_column_id AND sc.scan_version = @scan_version;\n\n        IF @@ROWCOUNT",
        "WHERE sc.stamp_column_id = @stamp_column_id;\n\n        IF @@ROWCOUNT",
        (f"{RECORDING}::test_a_page_of_a_scan_that_has_moved_records_nothing",),
    ),
    Sabotage(
        "baseline",
        "2 activation: visible rows above low are recorded as history",
        f"{PROCESSOR}/set_baseline.sql",
        "IF @policy = 'skip' OR @is_first = 1",
        "IF 1 = 0",
        (f"{RECORDING}::test_a_visible_row_above_low_is_recorded_as_baseline",),
    ),
    Sabotage(
        "baseline-beat",
        "2 activation: what a snapshot behind the baseline's shows is history",
        f"{PROCESSOR}/judge_page.sql",
        "                    AND n.baseline_beat <= @beat\n",
        "",
        ("tests/oracle/test_found.py::test_what_a_replica_behind_the_activation_shows_is_history",),
    ),
    Sabotage(
        "low-behind-the-baseline",
        "2 activation: low does not pass rows that counted as history in an older snapshot",
        f"{PROCESSOR}/move_low.sql",
        "            AND w.baseline_beat <= @least_beat",
        "",
        (f"{RECORDING}::test_low_stays_while_pages_are_older_than_the_baseline",),
    ),
    Sabotage(
        "beats-of-a-restored-source",
        "3 change key: a restored source's snapshots are newer than what was recorded",
        "sql/procedures/source/beat_heartbeat.sql",
        "WHEN DATEDIFF_BIG(SECOND, h.beat_at, @now) > 1",
        "WHEN 1 = 0",
        ("tests/procedures/test_source_restored.py::test_its_beats_go_on_above_those_that_were_lost",),
    ),
    Sabotage(
        "skipped-deletes-stay-history",
        "3 deletes: what was deleted before a resumption with skip is not told",
        f"{PROCESSOR}/record_short_lived.sql",
        "AND (c.beat >= s.beat OR c.change_id > stored.after_change_id)",
        "",
        (f"{KEYS}::test_a_replica_behind_that_records_something_later_does_not_bring_it_up_again",),
    ),
    Sabotage(
        "row-hash",
        "3 change key: an equal stamp with an unrecorded hash is a state",
        "sql/functions/processor/judged_state.sql",
        "                    AND c.state_hash = @state_hash COLLATE Latin1_General_BIN2\n",
        "",
        (f"{RECORDING}::test_another_state_with_the_same_stamp_counts_in_a_strictly_newer_snapshot",),
    ),
    Sabotage(
        "beat-strictly-newer",
        "3 change key: an equal stamp counts in a strictly newer snapshot only",
        "sql/functions/processor/judged_state.sql",
        "            @beat > newest.beat\n            AND (",
        "            1 = 1\n            AND (",
        (f"{RECORDING}::test_another_state_with_the_same_stamp_is_nothing_without_a_newer_heartbeat",),
    ),
    Sabotage(
        "newer-than-every-recorded-state",
        "3 change key: a replica that lags brings nothing back",
        "sql/functions/processor/judged_state.sql",
        "OR @state_stamp > newest.greatest_stamp",
        "OR @state_stamp <> newest.greatest_stamp",
        (f"{RECORDING}::test_an_older_state_shown_by_a_replica_that_lags_is_nothing",),
    ),
    Sabotage(
        "key-snapshot-behind",
        "3 deletes: a replica that is not proven ahead is not compared",
        f"{PROCESSOR}/begin_comparison.sql",
        "base.beat < @beat",
        "1 = 1",
        (f"{KEYS}::test_a_replica_that_is_behind_the_snapshot_is_not_compared", f"{KEYS}::test_an_equal_heartbeat_proves_nothing"),
    ),
    Sabotage(
        "mass-disappearance",
        "3 deletes: a mass of vanished records is held",
        f"{PROCESSOR}/count_vanished.sql",
        "WHEN @is_mass = 1 THEN 'held'",
        "WHEN 1 = 0 THEN 'held'",
        (f"{KEYS}::test_a_mass_of_vanished_records_is_held_with_an_alert",),
    ),
    Sabotage(
        "cancel-of-older-versions",
        "3 policy latest: a newer version cancels the older ones that wait",
        f"{QUEUE}/replace_older_versions.sql",
        "IF @older IS NOT NULL",
        "IF 1 = 0",
        (f"{ENQUEUE}::test_a_newer_version_cancels_the_older_ones_that_wait",),
    ),
    Sabotage(
        "older-version-arrives-later",
        "3 policy latest: an older version that arrives later is stored canceled",
        "sql/functions/queue/new_message_state.sql",
        "WHEN @shown_order < @newest_order COLLATE Latin1_General_BIN2 THEN 'canceled'",
        "WHEN 1 = 0 THEN 'canceled'",
        (f"{ENQUEUE}::test_an_older_version_that_arrives_later_is_stored_canceled",),
    ),
    Sabotage(
        "decision-first-wins",
        "4 messages: the first word on a change stands",
        f"{QUEUE}/decide_changes.sql",
        "SET c.is_decided = 1",
        "SET c.is_decided = 0",
        (f"{ENQUEUE}::test_the_first_word_on_a_change_stands",),
    ),
    Sabotage(
        "dedupe-key",
        "4 messages: one message for one version, recipient and channel",
        f"{QUEUE}/store_messages.sql",
        "ON mk.dedupe_key = m.dedupe_key",
        "ON 1 = 0",
        (f"{ENQUEUE}::test_two_changes_that_show_the_same_version_share_one_message",),
    ),
    Sabotage(
        "claim-of-changes",
        "5 leases: a claim keeps what it takes and skips what a rival has",
        f"{PROCESSOR}/take_changes.sql",
        f"FROM notify.change AS c {CLAIM}",
        "FROM notify.change AS c WITH (ROWLOCK, READPAST, READCOMMITTEDLOCK)",
        (f"{CLAIMS}::test_every_claim_keeps_what_it_takes_and_skips_what_a_rival_has",),
    ),
    Sabotage(
        "claim-of-messages",
        "5 leases: a claim keeps what it takes and skips what a rival has",
        f"{QUEUE}/claim_messages.sql",
        f"FROM notify.ready AS r {CLAIM}",
        "FROM notify.ready AS r WITH (ROWLOCK, READPAST, READCOMMITTEDLOCK)",
        (f"{CLAIMS}::test_every_claim_keeps_what_it_takes_and_skips_what_a_rival_has",),
    ),
    Sabotage(
        "lock-at-begin-attempts",
        "5 leases: nobody comes between the test of a claim and its attempt",
        f"{QUEUE}/begin_attempts.sql",
        "AS m WITH (UPDLOCK, ROWLOCK, FORCESEEK) ON",
        "AS m ON",
        (f"{CLAIMS}::test_nobody_comes_between_the_test_of_a_claim_and_its_attempt",),
    ),
    Sabotage(
        "token-at-begin-attempts",
        "5 leases: the claim's token",
        f"{QUEUE}/begin_attempts.sql",
        "m.state = 'claimed' AND m.claim_token = j.claim_token",
        "m.state = 'claimed'",
        (f"{ATTEMPTS}::test_a_claim_whose_lease_ended_is_queued_and_its_token_is_worth_nothing",),
    ),
    Sabotage(
        "token-at-complete-batch",
        "5 leases: the batch's token",
        f"{PROCESSOR}/complete_batch.sql",
        "b.lease_token = @lease_token AND ",
        "",
        (f"{BATCHES}::test_another_token_changes_nothing",),
    ),
    Sabotage(
        "attempt-before-hand-over",
        "6 attempts: committed before the body",
        "runner/notify/send.py",
        f"            if {BEGIN}:\n{HAND_OVER}",
        f"            if True:\n{HAND_OVER}                ({BEGIN})\n",
        (f"{SEND}::test_the_attempt_is_committed_before_the_body",),
    ),
    Sabotage(
        "doubt-after-expiry",
        "6 attempts: an attempt without an outcome is in doubt, never queued",
        f"{QUEUE}/queue_due_messages.sql",
        "WHERE m.state IN ('claimed', 'retrying', 'scheduled')",
        "WHERE m.state IN ('claimed', 'retrying', 'scheduled', 'sending')",
        (f"{ATTEMPTS}::test_a_late_acceptance_counts_from_any_state", f"{SEND}::test_a_killed_sender_leaves_doubt_and_nothing_missing_or_doubled"),
    ),
    Sabotage(
        "replica-is-read-only",
        "9 replicas: a database that can be written is refused",
        f"{REPLICA}/detect_changes.sql",
        "IF COALESCE(CONVERT(NVARCHAR(30), DATABASEPROPERTYEX(DB_NAME(), 'Updateability')), N'') <> N'READ_ONLY'",
        "IF 1 = 0",
        (f"{DETECTION}::test_a_database_that_can_be_written_is_refused",),
    ),
    Sabotage(
        "absent-rows-wait",
        "9 replicas: an absent or older row waits for a newer snapshot",
        "sql/functions/processor/shown_verdict.sql",
        "WHEN seen.is_later = 0 AND seen.is_same = 0 AND seen.is_newer_snapshot = 0 THEN 'wait'",
        "WHEN 1 = 0 THEN 'wait'",
        (f"{BATCHES}::test_an_absent_row_waits_on_a_replica_that_may_be_behind",),
    ),
    Sabotage(
        "deletes-wait",
        "9 replicas: a delete waits while its life of the row is shown",
        "sql/functions/processor/shown_verdict.sql",
        "                ELSE 'wait'",
        "                ELSE 'generate'",
        (f"{BATCHES}::test_a_delete_waits_while_the_replica_still_shows_that_life_of_the_row",),
    ),
    Sabotage(
        "recovery-fork-at-claim",
        "10 lost servers: a restored queue refuses",
        f"{QUEUE}/claim_messages.sql",
        "IF NOT EXISTS (SELECT 1 / 0 FROM notify.trusted_queue AS tq)",
        "IF 1 = 0",
        (f"{ATTEMPTS}::test_a_restored_queue_neither_claims_nor_begins_but_keeps_outcomes",),
    ),
    Sabotage(
        "recovery-fork-at-enqueue",
        "10 lost servers: a restored queue refuses",
        f"{QUEUE}/enqueue_messages.sql",
        "IF NOT EXISTS (SELECT 1 / 0 FROM notify.trusted_queue AS tq)",
        "IF 1 = 0",
        (f"{ENQUEUE}::test_a_restored_queue_takes_nothing",),
    ),
    Sabotage(
        "recovery-mark-last",
        "10 lost servers: the queue is trusted when everything is in doubt, and not before",
        f"{QUEUE}/recover_queue.sql",
        "IF @found < @batch_size AND @more_changes = 0",
        "IF @found < @batch_size",
        (f"{OPERATOR}::test_the_changes_come_in_pages_and_the_queue_is_trusted_with_the_last_call_only",),
    ),
    Sabotage(
        "recovery-shown-state",
        "10 lost servers: a state that a message in doubt may have shown is not told by another change",
        "sql/functions/queue/state_in_doubt.sql",
        "d.shown_stamp >= @shown_stamp COLLATE Latin1_General_BIN2",
        "1 = 0",
        (f"{OPERATOR}::test_a_state_that_a_change_in_doubt_may_have_shown_is_in_doubt_too",),
    ),
    Sabotage(
        "stamps-of-another-kind",
        "10 lost servers: dates and rowversions do not compare",
        "sql/functions/queue/state_in_doubt.sql",
        "    AND LEN(d.shown_stamp) = LEN(@shown_stamp)\n",
        "",
        (f"{OPERATOR}::test_a_state_in_doubt_says_nothing_of_states_with_stamps_of_another_kind",),
    ),
    Sabotage(
        "malformed-outcome",
        "6 attempts: an outcome that says nonsense holds back no other",
        "sql/functions/queue/reported_outcomes.sql",
        "WHEN n.message_before = n.message_id THEN N'the message is there twice in this call'",
        "WHEN 1 = 0 THEN N''",
        ("tests/procedures/test_queue_malformed.py::test_of_two_outcomes_for_one_message_the_acceptance_counts",),
    ),
    Sabotage(
        "ready-rows-are-left-to-claims",
        "5 leases: a claim and who withdraws its message do not wait for each other",
        f"{QUEUE}/withdraw_messages.sql",
        "WITH (ROWLOCK, READPAST, UPDLOCK, READCOMMITTEDLOCK)",
        "WITH (ROWLOCK)",
        ("tests/procedures/test_queue_lock_order.py::test_nobody_waits_for_a_ready_row",),
    ),
)  # fmt: skip


class Result(NamedTuple):
    """What a sabotage did: `seconds` of its tests, which `failed` (True), and what pytest said."""

    sabotage: Sabotage
    failed: bool
    seconds: float
    words: str


@contextmanager
def workshop() -> Iterator[Path]:
    """A copy of the project."""
    with tempfile.TemporaryDirectory(prefix="sabotage-") as folder:
        tree = Path(folder)
        for name in PARTS:
            part = ROOT / name
            if part.is_dir():
                shutil.copytree(part, tree / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
            else:
                shutil.copy(part, tree / name)
        yield tree


def run_tests(tree: Path, tests: Iterable[str]) -> subprocess.CompletedProcess[str]:
    """Runs tests ("file::name") of a tree, to the first failure."""
    chosen = list(tests)
    files = sorted({test.partition("::")[0] for test in chosen})
    names = " or ".join(sorted({test.partition("::")[2] for test in chosen}))
    paths = [str(tree), str(tree / "runner"), str(tree / "embedded")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
    for name in [name for name in environment if name.startswith("PYTEST_")]:
        del environment[name]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", "--tb=line", "-k", names, *files]
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)


def disarm(tree: Path, sabotage: Sabotage) -> Result:
    """Removes one safeguard in a tree, runs its tests, and puts it back."""
    file = tree / sabotage.file
    before = file.read_text(encoding="utf-8")
    if sabotage.old not in before:
        raise LookupError(f"{sabotage.name}: {sabotage.file} no longer says {sabotage.old!r}")
    file.write_text(before.replace(sabotage.old, sabotage.new), encoding="utf-8")
    started = time.monotonic()
    try:
        done = run_tests(tree, sabotage.tests)
    finally:
        file.write_text(before, encoding="utf-8")
    # A test must fail. An error before it, as when the script no longer compiles, proves nothing.
    lines = done.stdout.strip().splitlines()
    failed = done.returncode == 1 and "failed" in lines[-1] and " error" not in lines[-1]
    return Result(sabotage, failed, time.monotonic() - started, done.stdout[-2000:] + done.stderr[-2000:])


def undisturbed(sabotages: Sequence[Sabotage]) -> subprocess.CompletedProcess[str]:
    """All the tests of some sabotages, with nothing removed."""
    with workshop() as tree:
        return run_tests(tree, sorted({test for sabotage in sabotages for test in sabotage.tests}))


def main(words: Sequence[str]) -> int:
    """Runs the sabotages chosen, two at a time; prints a table."""
    chosen = [item for item in SABOTAGES if not words or any(word in item.name for word in words)]
    done = undisturbed(chosen)
    print(f"undisturbed: {done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr}")
    if done.returncode:
        print(done.stdout, done.stderr, sep="\n")
        return 1

    def work(items: Sequence[Sabotage]) -> list[Result]:
        results = []
        with workshop() as tree:
            for item in items:
                result = disarm(tree, item)
                print(
                    f"{'noticed' if result.failed else 'UNNOTICED':<10} {item.name:<34} {result.seconds:5.1f} s  {item.guarantee}",
                    flush=True,
                )
                results.append(result)
        return results

    with ThreadPoolExecutor(2) as pool:
        results = [result for part in pool.map(work, (chosen[::2], chosen[1::2])) for result in part]
    unnoticed = [result for result in results if not result.failed]
    for result in unnoticed:
        print(f"\n{result.sabotage.name} went unnoticed by {', '.join(result.sabotage.tests)}\n{result.words}")
    print(f"{len(results) - len(unnoticed)} of {len(results)} sabotages were noticed")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
