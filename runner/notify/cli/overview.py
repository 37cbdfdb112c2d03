"""`notify status` for people: the same result sets as its JSON, as few columns as a terminal of 80 has room for."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

import click

from notify.cli.options import counted
from notify.cli.output import duration, print_lines, print_table

if TYPE_CHECKING:
    from notify.databases import ResultSet

__all__ = ["print_status"]

OPEN: Final = {"pending": "pending", "waiting": "waiting", "claimed": "in work", "failed": "failed"}
Record = dict[str, Any]


def print_status(sections: dict[str, dict[str, ResultSet]], served: set[str]) -> None:
    """Prints what `notify.reports.status` gives.

    Args:
        served: channels that have a gateway here; none where the sender is configured elsewhere.
    """
    records = {role: {name: part.records() for name, part in parts.items()} for role, parts in sections.items()}
    if "processor" in records:
        _processor(records["processor"])
    if "queue" in records:
        _queue(records["queue"], served)
    for role in ("processor", "queue"):
        if role not in records:
            click.echo(f"The {role} is not configured: nothing is said of it.")
    click.echo("Times are UTC, by each server's own clock.")


def _processor(parts: dict[str, list[Record]]) -> None:
    notifications = parts["notifications"]
    if notifications:
        rows = [
            (item["notification_name"], item["table_name"], item["state"], _since(item), _open(item))
            for item in notifications
        ]
        _section("Notifications", ("notification", "table", "state", "since", "open changes"), rows)
    else:
        click.echo("No notification is defined: notify new TABLE proposes one, notify apply FILE saves it.\n")
    watched = [
        (table, ", ".join(item["column_name"] for item in items), *told)
        for (table, *told), items in (
            (key, list(items))
            for key, items in groupby(parts["scans"], key=lambda item: (item["table_name"], *_read(item)))
        )
    ]
    _section("Watched tables", ("table", "columns", "read up to", "last read"), watched)
    for beat in parts["heartbeat"]:
        standing = duration(beat["standing_seconds"])
        click.echo(f"Heartbeat: beat {beat['beat']}, first seen {_time(beat['seen_at'])}, {standing} ago\n")
    if notifications and not parts["heartbeat"]:
        click.echo("Heartbeat: none was seen yet; the job of sql/jobs/heartbeat.sql belongs on source\n")
    runs = [
        (
            run["run_id"],
            _time(run["started_at"]),
            _took(run),
            _outcome(run),
        )
        for run in parts["runs"]
    ]
    _section("Last runs", ("run", "started", "took", "what it did"), runs)
    held = parts["held_key_scans"]
    _section(
        "Deletes held until a person approves",
        ("scan", "table", "rows", "vanished", "reason"),
        [(s["key_scan_id"], s["table_name"], s["row_count"], s["vanished_count"], s["reason"] or "") for s in held],
    )
    if held:
        click.echo(f"Look at the table on source; then, if they are true: notify approve {held[0]['key_scan_id']}\n")
    _alerts(
        "Alerts of the processor (each goes when its cause has gone)",
        (
            (
                alert["alert_id"],
                alert["severity"],
                alert["subject"],
                alert["raise_count"],
                alert["last_raised_at"],
                alert["message"],
            )
            for alert in parts["alerts"]
        ),
    )


def _queue(parts: dict[str, list[Record]], served: set[str]) -> None:
    open_rows = [
        (
            item["channel"],
            item["state"].replace("_", " "),
            item["messages"],
            item["due"] or 0,
            "" if item["oldest_due_seconds"] is None else f"{duration(item['oldest_due_seconds'])} ago",
        )
        for item in parts["open_messages"]
    ]
    _section("Messages on their way", ("channel", "state", "messages", "due", "oldest due"), open_rows)
    waiting = sorted({item["channel"] for item in parts["open_messages"] if item["due"]} - served) if served else []
    if waiting:
        click.echo(f"There is no gateway for {' or '.join(waiting)}: such messages wait (notify doctor).\n")
    ended = [(item["channel"], item["state"].replace("_", " "), item["messages"]) for item in parts["ended_messages"]]
    _section("Messages ended in the last 24 hours", ("channel", "state", "messages"), ended)
    if not open_rows and not ended:
        click.echo("The queue holds no message that waits, and none that ended in the last 24 hours.\n")
    for queue in parts["queue"]:
        if not queue["is_trusted"]:
            click.echo("THE QUEUE IS NOT THE ONE THAT IT WAS: restored or moved, it hands out nothing (error 50101).\n")
        if queue["suppressions"]:
            click.echo(
                f"{counted(queue['suppressions'], 'address is', 'addresses are')} suppressed: never written to.\n"
            )
        if queue["changes_in_doubt"]:
            click.echo(f"{counted(queue['changes_in_doubt'], 'change is', 'changes are')} in doubt: notify messages\n")
    if any(item["state"] in ("in_doubt", "held") for item in parts["open_messages"]) or any(
        item["state"] == "failed" for item in parts["ended_messages"]
    ):
        click.echo("Those in doubt, held or failed, one by one: notify messages\n")
    _alerts(
        "Alerts of the queue (until notify acknowledge [ALERT_ID])",
        (
            (
                alert["alert_id"],
                "message " + str(alert["message_id"]) if alert["message_id"] is not None else "",
                alert["kind"].replace("_", " "),
                alert["occurrences"],
                alert["last_at"],
                alert["detail"],
            )
            for alert in parts["alerts"]
        ),
    )


def _section(title: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    if rows:
        print_table(columns, rows, title)
        click.echo()


def _alerts(title: str, alerts: Iterable[tuple[Any, ...]]) -> None:
    """(id, where or how grave, what, how often, last, in full) each."""
    lines = []
    for number, remark, subject, times, last, text in alerts:
        often = f"{counted(times, 'time')}, last {_time(last)}" if times > 1 else _time(last)
        lines.append((f"  {number}  ", f"{subject}{f' ({remark})' if remark else ''}: {often}"))
        # A run's summary repeats its lines; the whole is in the JSON.
        lines += [("      ", line.strip()) for line in (text or "").splitlines()[:4] if line.strip()]
    if lines:
        click.secho(title, bold=True)
        print_lines(lines)
        click.echo()


def _since(item: Record) -> str:
    since = {"active": item["activated_at"], "paused": item["paused_at"]}.get(item["state"])
    return _time(since)[:16] if since else ""


def _outcome(run: Record) -> str:
    """A run's summary; one that did not go well begins with how it went."""
    outcome, summary = (run["outcome"] or "runs").replace("_", " "), run["summary"] or ""
    if outcome == "ok" and summary:
        return str(summary)
    return f"{outcome}: {summary}" if summary else outcome


def _open(item: Record) -> str:
    some = [f"{item[state]} {words}" for state, words in OPEN.items() if item[state]]
    return ", ".join(some) or "none"


def _read(item: Record) -> tuple[str, str]:
    """How far a column is read, and when."""
    if not item["is_scanned"]:
        return "not read any more", _time(item["scanned_at"])
    low = "no active notification" if item["low_stamp"] is None else _seconds(str(item["low_stamp"]))
    return low, "in pages, now" if item["is_sweeping"] else _time(item["scanned_at"])


def _took(run: Record) -> str:
    if run["ended_at"] is None:
        return ""
    seconds: float = (run["ended_at"] - run["started_at"]).total_seconds()
    return f"{seconds:.1f} s" if seconds < 60 else duration(seconds)


def _time(value: datetime.datetime | None) -> str:
    return "never" if value is None else f"{value:%Y-%m-%d %H:%M:%S}"


def _seconds(stamp: str) -> str:
    """A stamp without its fraction of a second; a rowversion as it is."""
    return re.sub(r"(\d\d:\d\d:\d\d)\.\d+", r"\1", stamp)
