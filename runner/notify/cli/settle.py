"""Commands for what needs a person: messages, release, requeue."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from notify.cli.options import config_option, counted, json_option, known_names, read_config
from notify.cli.pages import Choices, command

if TYPE_CHECKING:
    from notify.databases import Connection, Databases

__all__ = ["messages", "release", "requeue"]

STATES: Final = (
    "attention", "stuck", "in_doubt", "held", "failed", "scheduled", "queued", "claimed", "sending", "retrying", "sent",
    "delivered", "bounced", "suppressed", "expired", "canceled",
)  # fmt: skip
PAGE: Final = 1000
NOT_RELEASABLE: Final = 50104
F = TypeVar("F", bound=Callable[..., Any])
Records = list[dict[str, Any]]


def change_option(words: str) -> Callable[[F], F]:
    """--change KEY, as often as one likes."""
    return click.option("--change", "changes", multiple=True, metavar="KEY", help=words)


@command(
    "messages",
    "Messages that need a person, or of any state",
    "notify messages --config demo/notify.toml",
    "notify messages --state failed --hours 72 --json",
)
@click.option(
    "--state",
    type=Choices(STATES),
    default="attention",
    metavar="STATE",
    help="A message's state (in_doubt, held, failed, queued, sent ...); stuck: due, or past its lease, and nothing "
    "happens; attention: in doubt, held or failed.  [default: attention]",
)
@click.option("--notification", metavar="NAME", help="Only this notification's; the processor knows it by name.")
@click.option(
    "--hours",
    type=click.IntRange(1, 87600),
    default=24,
    metavar="N",
    show_default=True,
    help="How far back, of messages that have ended.",
)
@click.option(
    "--limit", type=click.IntRange(min=1), default=100, metavar="N", show_default=True, help="At most so many."
)
@config_option
@json_option
def messages(
    state: str, notification: str | None, hours: int, limit: int, config_path: str | None, as_json: bool
) -> None:
    """Show messages, oldest first, with record, recipient, last attempt and reason. Needs the queue's URL
    alone.

    With in_doubt and attention also the changes in doubt: those of which a queue that was lost may have sent messages.

    --json: messages [{message_id, state, is_stuck, reason, notification_guid, notification_name, record_key, operation,
    change_key, recipient_key, channel, address, created_at, next_at, completed_at, attempt_count, attempt_id, gateway,
    attempted_at, attempt_outcome, code, detail}], changes_in_doubt [{change_key, notification_guid, notification_name,
    record_key, operation, reason, decided_at}], has_more (some were left out by --limit).
    """
    from notify.cli.output import print_json
    from notify.databases import Role
    from notify.procedures import queue

    databases = read_config(config_path).databases()
    guid = _guid(databases, notification)
    with databases.connection(Role.QUEUE) as connection:
        found = _all_pages(
            lambda after, take: queue.get_messages(connection, state, guid, after, take, hours), 0, "message_id", limit
        )
        is_stuck = state == "attention" and bool(queue.get_messages(connection, "stuck", guid, 0, 1))
        doubts: Records = []
        if state in ("attention", "in_doubt"):
            doubts = _all_pages(
                lambda after, take: queue.get_changes_in_doubt(connection, guid, after, take), None, "change_key", limit
            )
    databases.dispose()
    has_more = len(found) > limit or len(doubts) > limit
    found, doubts = found[:limit], doubts[:limit]
    if as_json:
        print_json({"messages": found, "changes_in_doubt": doubts, "has_more": has_more})
        return
    _tell(found, doubts)
    if is_stuck:
        click.echo("\nSome messages are due, and nobody takes them: notify messages --state stuck")
    if not found and not doubts:
        nothing = "Nothing waits for a person" if state == "attention" else f"No message is {state.replace('_', ' ')}"
        ended = f", or failed in the last {counted(hours, 'hour')}" if state == "attention" else ""
        click.echo(f"{nothing}{ended}.")
    if has_more:
        click.echo(f"There are more than {limit:,}: --limit shows more of them.")


def _all_pages(read: Callable[[Any, int], Records], first: Any, key: str, limit: int) -> Records:
    """One more than `limit`, where there are."""
    rows: Records = []
    after = first
    while len(rows) <= limit:
        take = min(PAGE, limit + 1 - len(rows))
        page = read(after, take)
        rows += page
        if len(page) < take:
            break
        after = page[-1][key]
    return rows


def _guid(databases: Databases, notification: str | None) -> str | None:
    if notification is None:
        return None
    import difflib

    from notify.databases import Role
    from notify.errors import UnknownName
    from notify.procedures import processor

    with databases.connection(Role.PROCESSOR) as connection:
        for item in processor.get_definitions(connection, notification):
            return str(item["notification_guid"])
        known = [item["name"] for item in processor.get_definitions(connection)]
    near = difflib.get_close_matches(notification, known, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known) or 'none'}"
    raise UnknownName(f"no notification {notification}; {hint}")


def _tell(found: Records, doubts: Records) -> None:
    from notify.cli.output import print_lines

    for row in found:
        state = row["state"].replace("_", " ") + (", stuck" if row["is_stuck"] else "")
        to = f"{row['channel']} to {row['address'] or 'recipient ' + row['recipient_key']}"
        print_lines([(f"{row['message_id']}  ", f"{state}: {to}, {_record(row)}")])
        head = " " * (len(str(row["message_id"])) + 2)
        if row["attempt_id"] is not None:
            said = " ".join(str(part) for part in (row["code"], row["detail"]) if part)
            outcome = (row["attempt_outcome"] or "open").replace("_", " ")
            times = counted(row["attempt_count"], "attempt")
            last = f"{times}, last {row['attempted_at']:%Y-%m-%d %H:%M:%S} by {row['gateway']}: {outcome}"
            print_lines([(head, last + (f" ({said})" if said else ""))])
        elif row["is_stuck"] or row["state"] in ("scheduled", "queued", "held"):
            print_lines([(head, f"never handed over; due {row['next_at']:%Y-%m-%d %H:%M:%S}")])
        if row["reason"]:
            print_lines([(head, row["reason"])])
    for row in doubts:
        print_lines([("change  ", f"{row['change_key']}, in doubt: {_record(row)}"), ("        ", row["reason"])])
    states = {row["state"] for row in found}
    hints = []
    if states & {"in_doubt", "held"}:
        hints.append("In doubt or held: notify release ID... --verdict send|sent|failed --reason TEXT")
    if doubts:
        hints.append("Changes in doubt: notify release --change KEY... --verdict send|sent|failed --reason TEXT")
    if any(row["state"] == "failed" and row["attempt_count"] for row in found):
        hints.append("Failed, once the cause is mended: notify requeue --message ID...")
    if any(row["is_stuck"] for row in found):
        hints.append("Stuck: does notify send run, with a gateway for this channel? notify doctor")
    if hints:
        click.echo()
    for hint in hints:
        click.echo(hint)


def _record(row: dict[str, Any]) -> str:
    return f"{row['notification_name']} {row['record_key']}"


@command(
    "release",
    "A person's word on messages in doubt or held",
    "notify release 158 --verdict sent --reason 'their log has it'",
)
@click.argument("message_ids", type=int, nargs=-1, metavar="[MESSAGE_ID]...")
@change_option("A change in doubt, by its key of 64 hex digits; may be given again.")
@click.option(
    "--verdict",
    required=True,
    type=Choices(["send", "sent", "failed"]),
    metavar="VERDICT",
    help="send: hand it over (again: it may double); sent: it has arrived; failed: it will not.",
)
@click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept with your name.")
@config_option
@json_option
@click.pass_context
def release(
    ctx: click.Context,
    message_ids: tuple[int, ...],
    changes: tuple[str, ...],
    verdict: str,
    reason: str,
    config_path: str | None,
    as_json: bool,
) -> None:
    """Settle messages whose hand-over had an unknown outcome, or that are held. Nothing else ever sends them again.

    A change in doubt that is to be sent is generated again by the next cycle.

    MESSAGE_ID and KEY are in notify messages.

    --json: messages [{message_id, state}], changes [{change_key, outcome (null: forgotten), state (the processor's, of
    one that is to be sent)}], refused [{message_id or change_key, reason}].

    Exit code 1 when none could be released, 3 when some could not.
    """
    import getpass

    from notify.cli.output import print_json
    from notify.databases import Role
    from notify.errors import ProcedureError
    from notify.procedures import processor, queue

    if not message_ids and not changes:
        raise click.UsageError("name a MESSAGE_ID or a --change; notify messages shows those that wait")
    by = getpass.getuser()
    report: dict[str, Records] = {"messages": [], "changes": [], "refused": []}
    refusals: list[ProcedureError] = []
    databases = read_config(config_path).databases()
    with databases.connection(Role.QUEUE) as connection:
        for message_id in dict.fromkeys(message_ids):
            try:
                report["messages"].append(queue.release_message(connection, message_id, verdict, by, reason))
            except ProcedureError as error:
                _refuse(error, report, refusals, message_id=message_id)
        for change_key in dict.fromkeys(key.upper() for key in changes):
            try:
                done = queue.release_change(connection, change_key, verdict, by, reason)
            except ProcedureError as error:
                _refuse(error, report, refusals, change_key=change_key)
                continue
            state = None
            if verdict == "send":
                # Forgotten by the queue first: before that, a cycle would only be told of the doubt again.
                with databases.connection(Role.PROCESSOR) as source:
                    requeued = processor.requeue_change(source, change_key)
                state = requeued["state"] if requeued else "unknown"
            report["changes"].append({**done, "state": state})
        if refusals:
            refusals[-1].add_note(_doubtful(connection))
    databases.dispose()
    if len(refusals) == 1 and not report["messages"] and not report["changes"]:
        raise refusals[0]
    if as_json:
        print_json(report)
    else:
        for item in report["messages"]:
            click.echo(f"message {item['message_id']}: {item['state']}")
        for item in report["changes"]:
            click.echo(f"change {item['change_key']}: {item['outcome'] or _generated(item['state'])}")
        for refusal in refusals:
            click.echo(f"notify: {refusal}", err=True)
    if refusals:
        ctx.exit(3 if report["messages"] or report["changes"] else 1)


def _refuse(error: Any, report: dict[str, Records], refusals: list[Any], **which: Any) -> None:
    if error.number != NOT_RELEASABLE:
        raise error
    report["refused"].append({**which, "reason": str(error)})
    refusals.append(error)


def _generated(state: str) -> str:
    return {
        "pending": "the next cycle generates it again",
        "waiting": "the next cycle generates it again",
        "claimed": "a worker has it in hand just now; release it once more in a minute",
        "unknown": "forgotten; the processor does not know it, and generates nothing",
    }.get(state, f"forgotten; the processor has it as {state}, and generates nothing")


def _doubtful(connection: Connection) -> str:
    """How many messages wait for a person's word."""
    from notify.procedures import queue

    status = queue.queue_status(connection)
    counts = {
        words: sum(item["messages"] for item in status.open if item["state"] == state)
        for state, words in (("in_doubt", "in doubt"), ("held", "held"))
    }
    some = [f"{counted(number, 'message is', 'messages are')} {words}" for words, number in counts.items() if number]
    if status.queue["changes_in_doubt"]:
        some.append(f"{counted(status.queue['changes_in_doubt'], 'change is', 'changes are')} in doubt")
    return f"{' and '.join(some)} now: notify messages" if some else "no message is in doubt or held now"


@command(
    "requeue",
    "Try failed changes or messages again",
    "notify requeue price_reduced --config demo/notify.toml",
    "notify requeue --message 158 --message 160",
)
@click.argument("notification", required=False)
@click.option("--reason", metavar="TEXT", help="Only changes whose reason begins with this text.")
@click.option(
    "--message", "message_ids", type=int, multiple=True, metavar="ID", help="A failed message; may be given again."
)
@change_option("A failed change, by its key of 64 hex digits; may be given again.")
@config_option
@json_option
@click.pass_context
def requeue(
    ctx: click.Context,
    notification: str | None,
    reason: str | None,
    message_ids: tuple[int, ...],
    changes: tuple[str, ...],
    config_path: str | None,
    as_json: bool,
) -> None:
    """Try again what failed, once its cause is mended: a NOTIFICATION's changes, or single messages and changes.

    A failed change becomes pending again, a failed message gets another round of attempts. A message that was never
    handed over (its address is bad), or that a newer one has replaced, is left alone.

    --json: requeued.

    Exit code 1 when none of those named by --message and --change could be tried again, 3 when some could not.
    """
    import getpass

    from notify.cli.output import print_json
    from notify.databases import Role
    from notify.procedures import processor, queue

    named = len(set(message_ids)) + len({key.upper() for key in changes})
    if (notification is None) == (not named):
        raise click.UsageError("name a NOTIFICATION, or messages and changes by --message and --change")
    databases = read_config(config_path).databases()
    count = 0
    if notification is not None:
        with databases.connection(Role.PROCESSOR) as connection, known_names(connection):
            count = processor.requeue_changes(connection, notification, reason)
    if message_ids:
        with databases.connection(Role.QUEUE) as connection:
            count += queue.requeue_failed_messages(
                connection, getpass.getuser(), reason or "requeued", message_ids=sorted(set(message_ids))
            )
    if changes:
        with databases.connection(Role.PROCESSOR) as connection:
            for change_key in dict.fromkeys(key.upper() for key in changes):
                done = processor.requeue_change(connection, change_key)
                count += done is not None and done["state"] == "pending"
    databases.dispose()
    if as_json:
        print_json({"requeued": count})
    elif named:
        click.echo(f"{count} of {named} are tried again")
        if count < named:
            click.echo(
                "notify: the others have not failed, or have nothing that could be sent: notify messages", err=True
            )
    elif count:
        click.echo(f"{notification}: {counted(count, 'failed change is', 'failed changes are')} pending again")
    else:
        such = f" for a reason that begins with {reason!r}" if reason else ""
        click.echo(f"{notification}: no change has failed{such}; there is nothing to try again")
    if count < named:
        ctx.exit(3 if count else 1)
