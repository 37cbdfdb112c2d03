"""`notify recover-queue`: after the queue came back from a backup."""

from __future__ import annotations

import datetime
import sys

import click

from notify.cli.options import config_option, counted, json_option, read_config
from notify.cli.pages import command

__all__ = ["recover_queue"]


@command(
    "recover-queue",
    "Make a restored queue trustworthy again",
    "notify recover-queue --lost-at 2026-03-02T08:00:00 --config notify.toml",
)
@click.option(
    "--lost-at",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"]),
    required=True,
    metavar="TIME",
    help="When the lost queue was last alive, UTC by its clock. Rather too late than too early.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@config_option
@json_option
def recover_queue(lost_at: datetime.datetime, yes: bool, config_path: str | None, as_json: bool) -> None:
    """Make a queue that came back from a backup trustworthy again; until then it neither takes nor sends anything.

    What the processor copied of its hand-overs is sent. Every other message that was due before the loss is put in
    doubt, and so is every change whose messages the restored queue does not know: a person settles them
    (notify messages shows them, notify release), since they may have been sent.

    It may be repeated when it was cut off: the queue is trusted with its last step alone.

    --json: sent, messages_in_doubt, changes_in_doubt.
    """
    import dataclasses
    import getpass

    from notify.cli.output import print_json, progress
    from notify.databases import Role
    from notify.errors import ConfigError
    from notify.procedures import queue
    from notify.recover import recover

    databases = read_config(config_path).databases()
    with databases.connection(Role.QUEUE) as connection:
        stands = queue.queue_status(connection).queue
    if not stands["is_trusted"]:
        if lost_at > stands["now_at"]:
            raise ConfigError(
                f"--lost-at is in the future: the queue's clock says {stands['now_at']:%Y-%m-%dT%H:%M:%S}"
            )
        if not yes:
            _ask(lost_at)
    with progress() as told:
        done = recover(databases, lost_at, getpass.getuser(), told)
    databases.dispose()
    if as_json:
        print_json(dataclasses.asdict(done))
        return
    doubts = (
        f"{counted(done.messages_in_doubt, 'message')} and {counted(done.changes_in_doubt, 'change')}"
        f" {'is' if done.messages_in_doubt + done.changes_in_doubt == 1 else 'are'} in doubt"
    )
    click.echo(f"{counted(done.sent, 'copied hand-over was', 'copied hand-overs were')} given back; {doubts}")
    click.echo("The queue is trusted again: cycles and senders go on.")
    if done.messages_in_doubt or done.changes_in_doubt:
        click.echo("What is in doubt is never sent by itself. See it with: notify messages --state in_doubt")
        click.echo("Look each up in its gateway's log, then say what became of it: notify release")


def _ask(lost_at: datetime.datetime) -> None:
    from notify.errors import ConfigError

    if not sys.stdin.isatty():
        raise ConfigError(
            "recover-queue asks before it puts messages in doubt, and nobody is here to answer: add --yes"
        )
    click.echo(
        f"The queue was restored or moved. Every message that was due at {lost_at:%Y-%m-%d %H:%M:%S} UTC, and every"
        " change whose messages it does not know, is put in doubt, unless the processor has a copy of its hand-over.",
        err=True,
    )
    click.confirm(
        "Is the lost queue's server stopped for good, with all its senders, and shall this one go on?",
        abort=True,
        err=True,
    )
