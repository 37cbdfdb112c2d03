"""Commands of the daily run: cycles, sending, how things stand, what became of a record."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import click

from notify.cli.options import agent_option, config_option, counted, json_option, read_config
from notify.cli.pages import Choices, command

if TYPE_CHECKING:
    from notify.config import Config, GatewayConfig

__all__ = ["acknowledge", "approve", "audit", "beat", "run_cycle", "send", "status", "why"]


@command("run-cycle", "Detect, generate, enqueue: one cycle", "notify run-cycle --config demo/notify.toml")
@config_option
@json_option
@agent_option('"partly" exits with 0 and leaves an alert row')
@click.option(
    "--workers", type=click.IntRange(1, 64), metavar="N", help="Threads that generate.  [default: cycle.workers]"
)
@click.pass_context
def run_cycle(ctx: click.Context, config_path: str | None, as_json: bool, agent: bool, workers: int | None) -> None:
    """Detect changes on the replica, generate their messages, put them into the queue.

    --json: run_id, outcome (ok, partly), detected, batches, enqueued, skipped, waiting, failed, messages,
    bad_addresses, tables [{table, scan, rows, recorded, pending, skipped, superseded, held, error}],
    failures [{where, reason}].
    """
    import dataclasses

    from notify.cli.output import print_json, progress
    from notify.cycle import run_cycle as run

    config = read_config(config_path)
    if workers is not None:
        config = dataclasses.replace(config, cycle=dataclasses.replace(config.cycle, workers=workers))
    with progress() as told:
        report = run(config, progress=told)
    if as_json:
        print_json(report.to_json())
    else:
        click.echo(report.sentence())
        for where, reason in report.failures:
            click.echo(f"  {where}: {reason}", err=True)
    code = report.exit_code
    if agent and code == 3:
        code = 0  # end_run has left the alert, and clears it after the next cycle that goes well
    ctx.exit(code)


@command("send", "Hand queued messages to their gateways", "notify send --drain --config demo/notify.toml")
@config_option
@json_option
@agent_option("messages in doubt exit with 0, a gateway that takes nothing with 1")
@click.option("--drain", is_flag=True, help="Send what is due, then end; without it, go on until stopped.")
@click.option(
    "--channel",
    "channels",
    multiple=True,
    type=Choices(["email", "sms", "push"]),
    metavar="CHANNEL",
    help="Only this channel: email, sms or push; may be given again.  [default: those that have a gateway]",
)
@click.pass_context
def send(
    ctx: click.Context, config_path: str | None, as_json: bool, agent: bool, drain: bool, channels: tuple[str, ...]
) -> None:
    """Hand queued messages to their gateways. Needs the queue's URL alone.

    --json: claimed, accepted, refused, in_doubt, not_handed_over, given_back, swept_in_doubt, expired, seconds,
    unavailable {gateway: reason}.

    Exit code 3 when a message is in doubt, or a gateway took nothing.
    """
    import dataclasses

    from notify.cli.output import print_json, progress
    from notify.databases import Role
    from notify.errors import ConfigError
    from notify.gateways import open_gateway
    from notify.send import SendSummary
    from notify.send import send as run

    config = read_config(config_path)
    settings = dataclasses.replace(config.send, channels=channels) if channels else config.send
    if not config.gateways:
        raise ConfigError("no gateway: add a [[gateway]] table to notify.toml (notify doctor says what is missing)")
    gateways = [open_gateway(gateway) for gateway in config.gateways]
    databases = config.databases()
    with progress() as told:
        if not drain:
            told.note("sending what is due, until stopped (Ctrl-C)")

        def tell(summary: SendSummary) -> None:
            told.step("send", summary.accepted + summary.refused + summary.in_doubt, None)

        summary = run(databases[Role.QUEUE], gateways, settings, drain=drain, on_progress=tell)
    databases.dispose()
    if as_json:
        print_json(dataclasses.asdict(summary))
    else:
        text = f"{summary.accepted} accepted, {summary.refused} refused, {summary.in_doubt} in doubt"
        click.echo(f"{text}, {summary.given_back} given back, in {summary.seconds:.1f} s")
        for gateway in config.gateways:
            if gateway.name in summary.unavailable:
                _tell_unavailable(config, gateway, summary.unavailable[gateway.name])
    if agent and not summary.complete:
        # Doubt is the queue's to tell; that no mail leaves, nobody would hear of but by a job that fails.
        ctx.exit(1 if summary.unavailable else 0)
    ctx.exit(0 if summary.complete else 3)


def _tell_unavailable(config: Config, gateway: GatewayConfig, reason: str) -> None:
    from notify.doctor import mailbox_remedy

    click.echo(f"  {gateway.name}: {reason}", err=True)
    remedy = mailbox_remedy(config, gateway)
    if remedy is not None:
        click.echo("\n".join(f"  {line}" for line in remedy.splitlines()), err=True)


@command("status", "How far, what is left, what is wrong", "notify status --config demo/notify.toml")
@config_option
@json_option
def status(config_path: str | None, as_json: bool) -> None:
    """How far each table is, what is left to do, the last runs, the queue, open alerts.

    The queue's alerts stay open until a person says that they are seen: notify acknowledge. The messages that need a
    person one by one: notify messages.

    --json: processor {name of each result set: [rows]}, queue {the same}.
    """
    from notify import reports
    from notify.cli.output import print_json
    from notify.cli.overview import print_status

    config = read_config(config_path)
    with _opened(config) as databases:
        sections = reports.status(databases)
    if as_json:
        print_json({role: {name: part.records() for name, part in parts.items()} for role, parts in sections.items()})
        return
    print_status(sections, {gateway.channel for gateway in config.gateways})


@command("audit", "Expected against sent, by key, from the replica", "notify audit --json --config demo/notify.toml")
@config_option
@json_option
@click.pass_context
def audit(ctx: click.Context, config_path: str | None, as_json: bool) -> None:
    """Count from the replica what should have been mailed, and say what became of each message.

    expected = sent + in_doubt + pending + explained + missing; missing and doubled must be 0.

    --json: expected, sent, in_doubt, pending, explained, missing, doubled (messages),
    changes {expected, enqueued, pending, explained, missing, not_asked}, reasons [{reason, messages}],
    findings [{finding, notification, record_key, detail}].

    Exit code 1 when something is missing or doubled.
    """
    from notify import audit as audits
    from notify.cli.output import print_json, print_table, progress
    from notify.reports import reason_words

    with _opened(read_config(config_path)) as databases, progress() as told:
        report = audits.audit(databases, told)
    if as_json:
        print_json(report.to_json())
    else:
        _tell_sum(report)
        if report.reasons:
            reasons = sorted((reason_words(reason), count) for reason, count in report.reasons.items())
            click.echo()
            print_table(("explained by", "messages"), reasons)
        if report.findings:
            click.echo()
            print_table(
                ("finding", "notification", "record", "detail"),
                [(f.finding, f.notification, f.record_key, f.detail) for f in report.findings],
            )
    ctx.exit(0 if report.is_clean else 1)


def _tell_sum(report: Any) -> None:
    """The audit's sum; what must be 0 stands out."""
    head, _, missing = report.sentence().partition("; ")[0].rpartition(" + ")
    click.echo(f"{head} + {click.style(missing, fg='red' if report.missing else 'green', bold=bool(report.missing))};")
    click.secho(f"{report.doubled} doubled", fg="red" if report.doubled else "green", bold=bool(report.doubled))


@command("why", "One record's whole story", "notify why 42 --config demo/notify.toml", 'notify why \'["7","B"]\'')
@click.argument("key", nargs=-1, required=True)
@config_option
@json_option
@click.pass_context
def why(ctx: click.Context, key: tuple[str, ...], config_path: str | None, as_json: bool) -> None:
    """One record's whole story: what was seen, what was sent, and why nothing was.

    KEY is the record's key: one word per key column, or the JSON array that reports show.

    --json: record_key, story [{at, role, event}], looked_at [{table, notifications, watched, stamps, problem}] (of a
    record that nobody knows), changes, change_history, watched, key_snapshots, decisions, messages, attempts,
    message_history, decision_history.

    Exit code 1 when nothing is recorded of it.
    """
    from notify import reports
    from notify.cli.output import print_json

    with _opened(read_config(config_path)) as databases:
        story = reports.why(databases, reports.record_key(key))
    if as_json:
        print_json(story.to_json())
    else:
        _tell_story(story)
    ctx.exit(0 if story.events else 1)


def _tell_story(story: Any) -> None:
    from notify.cli.output import print_lines

    words = " ".join(json.loads(story.record_key))
    click.echo(click.style(f"Record {words}", bold=True) + (" (times are UTC)" if story.events else ""))
    if story.events:
        for date, events in itertools.groupby(story.events, key=lambda event: str(event.at)[:10]):
            click.echo(date)
            print_lines(((f"  {str(event.at)[11:19]}  {event.role:9}  ", event.text) for event in events), dim=True)
        return
    print_lines([("  ", "Nothing is recorded of it, on the processor or in the queue. What was looked at:")])
    for look in story.looked_at:
        print_lines([(f"  {look.table}  ", look.sentence())])
        print_lines([("      ", f"watched by {', '.join(look.notifications)}")])
    if not story.looked_at:
        print_lines([("  ", "No notification is defined that watches a table (notify status).")])


@command("approve", "Believe a mass of deletes that was held", "notify approve 12 --config demo/notify.toml")
@click.argument("key_scan_id", type=int)
@config_option
@json_option
def approve(key_scan_id: int, config_path: str | None, as_json: bool) -> None:
    """Record the deletes of a key snapshot that was held because so many rows had vanished at once.

    KEY_SCAN_ID is in the alert, and in status under held key scans.

    --json: outcome, recorded, pending, skipped, superseded, vanished, held.
    """
    from notify.cli.output import print_json
    from notify.databases import Role
    from notify.errors import ProcedureError
    from notify.procedures import processor

    with _opened(read_config(config_path)) as databases, databases.connection(Role.PROCESSOR) as connection:
        try:
            done = processor.approve_held_deletes(connection, key_scan_id)
        except ProcedureError as error:
            if error.number == 50041:
                held = [str(row[0]) for row in processor.status(connection)[5].rows]
                error.add_note(f"held now: {', '.join(held)}" if held else "no deletes are held now")
            raise
    if as_json:
        print_json(done)
    else:
        deletes = counted(done["recorded"], "delete")
        click.echo(f"{deletes} recorded, {done['pending']} of them to be mailed by the next cycle")


@command("acknowledge", "Say that the queue's alerts are seen", "notify acknowledge 7 --config demo/notify.toml")
@click.argument("alert_id", type=int, required=False)
@config_option
@json_option
@click.pass_context
def acknowledge(ctx: click.Context, alert_id: int | None, config_path: str | None, as_json: bool) -> None:
    """Close an alert of the queue, in your name: what happens afterwards opens a new one, and operators are told again.

    ALERT_ID is in status under the queue's alerts; without it, all that are open. Those of the processor stay.

    --json: acknowledged.

    Exit code 1 when there is no open alert of this number.
    """
    import getpass

    from notify.cli.output import print_json
    from notify.databases import Role
    from notify.procedures import queue

    with _opened(read_config(config_path)) as databases, databases.connection(Role.QUEUE) as connection:
        count = queue.acknowledge_alerts(connection, getpass.getuser(), alert_id)
        open_ = sorted(alert["alert_id"] for alert in queue.queue_status(connection).alerts)
    if as_json:
        print_json({"acknowledged": count})
    else:
        click.echo(f"{counted(count, 'alert')} acknowledged")
    if alert_id is not None and not count:
        there = f"open: {', '.join(map(str, open_))}" if open_ else "none is open"
        click.echo(f"notify: the queue has no open alert {alert_id}; {there}", err=True)
        ctx.exit(1)


@command("beat", "Beat source's heart once", "notify beat --config demo/notify.toml")
@config_option
def beat(config_path: str | None) -> None:
    """Beat source's heart once; in production its SQL Agent does this every 15 to 60 seconds.

    An embedded replica then redoes everything that source has committed.
    """
    from notify.databases import Role
    from notify.procedures import replica

    with _opened(read_config(config_path)) as databases:
        with databases.connection(Role.SOURCE) as connection:
            replica.beat_heartbeat(connection)
        redone = databases.redo_embedded()
    told = "" if redone is None else f"; the replica has redone {counted(redone, 'transaction')}"
    click.echo(f"source's heart has beaten{told}")


def _opened(config: Config) -> Any:
    """The configured databases, for a `with` block."""
    import contextlib

    databases = config.databases()
    stack = contextlib.ExitStack()
    stack.callback(databases.dispose)

    @contextlib.contextmanager
    def opened() -> Any:
        with stack:
            yield databases

    return opened()
