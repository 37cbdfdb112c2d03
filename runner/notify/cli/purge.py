"""`notify purge`: what the nightly purge jobs do, by hand."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import click

from notify.cli.options import config_option, counted, json_option, read_config
from notify.cli.pages import Choices, command

if TYPE_CHECKING:
    from notify.databases import Connection

__all__ = ["purge"]

LEAST_DAYS: Final = {"processor": 7, "queue": 1}


@command("purge", "Delete what has ended and is old", "notify purge --older-than-days 180 --config demo/notify.toml")
@click.argument("roles", nargs=-1, metavar="[ROLE...]", type=Choices(["processor", "queue"]))
@click.option(
    "--older-than-days",
    type=click.IntRange(1, 36500),
    default=90,
    metavar="DAYS",
    show_default=True,
    help="Delete what ended longer ago than this; at least 7 on the processor.",
)
@click.option(
    "--batch-size",
    type=click.IntRange(1, 4000),
    default=4000,
    metavar="ROWS",
    show_default=True,
    help="At most so many rows of a kind in a step, which is a transaction of its own.",
)
@config_option
@json_option
def purge(
    roles: tuple[str, ...], older_than_days: int, batch_size: int, config_path: str | None, as_json: bool
) -> None:
    """Delete what has ended and is old: changes, batches, runs and alerts of the processor, messages of the queue.

    In small steps of low deadlock priority, until nothing is left to delete; it may be stopped at any time. What keeps
    a change from being mailed twice stays. The nightly jobs (sql/jobs) do the same without it.

    ROLE is processor or queue; without one, both.

    --json: processor {steps, changes, history, batches, key_scans, outcomes, runs, alerts}, queue {steps, messages}.
    """
    from notify.cli.output import print_json, progress
    from notify.databases import Role
    from notify.errors import ConfigError

    chosen = list(dict.fromkeys(roles)) or ["processor", "queue"]
    for role in chosen:
        if older_than_days < LEAST_DAYS[role]:
            raise ConfigError(
                f"--older-than-days {older_than_days}: the {role} keeps at least {LEAST_DAYS[role]} days"
                + ("; notify purge queue takes less" if role == "processor" else "")
            )
    databases = read_config(config_path).databases()
    reports: dict[str, dict[str, int]] = {}
    with progress() as told:
        for role in chosen:
            with databases.connection(Role(role)) as connection:
                done = Counter(steps=0)
                while True:
                    deleted, has_more = _step(connection, role, older_than_days, batch_size)
                    done.update(deleted, steps=1)
                    told.step(f"purge the {role}", sum(done.values()) - done["steps"], None)
                    if not has_more:
                        break
            reports[role] = dict(done)
    databases.dispose()
    if as_json:
        print_json(reports)
        return
    for role, counts in reports.items():
        some = [f"{number:,} {kind.replace('_', ' ')}" for kind, number in counts.items() if number and kind != "steps"]
        in_steps = f", in {counted(counts['steps'], 'step')}" if some else ""
        click.echo(f"{role}: deleted {', '.join(some) or 'nothing: nothing that has ended is so old'}{in_steps}")


def _step(connection: Connection, role: str, days: int, size: int) -> tuple[dict[str, int], bool]:
    """Rows deleted by kind, and whether there are more."""
    from notify.procedures import processor, queue

    if role == "queue":
        step = queue.purge_messages(connection, days, size)
        return {"messages": step["purged"]}, bool(step["has_more"])
    step = processor.purge_processor(connection, days, size).one()
    has_more = bool(step.pop("has_more"))
    return step, has_more
