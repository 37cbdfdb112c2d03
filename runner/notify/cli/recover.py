"""`notify recover-queue`: after the queue came back from a backup."""

from __future__ import annotations

import datetime

import click

from notify.cli.options import config_option, json_option, read_config
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
@config_option
@json_option
def recover_queue(lost_at: datetime.datetime, config_path: str | None, as_json: bool) -> None:
    """Make a queue that came back from a backup trustworthy again; until then it neither takes nor sends anything.

    What the processor copied of its hand-overs is sent. Every other message that was due before the loss is put in
    doubt, and so is every change whose messages the restored queue does not know: a person settles them
    (notify release), since they may have been sent.

    --json: sent, messages_in_doubt, changes_in_doubt.
    """
    import dataclasses
    import getpass

    from notify.cli.output import print_json
    from notify.recover import recover

    databases = read_config(config_path).databases()
    done = recover(databases, lost_at, getpass.getuser())
    databases.dispose()
    if as_json:
        print_json(dataclasses.asdict(done))
        return
    click.echo(
        f"{done.sent} messages were sent, {done.messages_in_doubt} messages and {done.changes_in_doubt} changes"
        " are in doubt; the queue is trusted again"
    )
