"""Commands that deploy, and the demo."""

from __future__ import annotations

from pathlib import Path

import click

from notify.cli.options import config_option, json_option, read_config
from notify.cli.pages import Choices, command

__all__ = ["demo", "migrate", "script"]


@command("migrate", "Bring databases up to date", "notify migrate --config demo/notify.toml")
@click.argument("roles", nargs=-1, metavar="[ROLE...]", type=Choices(["source", "processor", "queue"]))
@config_option
@json_option
def migrate(roles: tuple[str, ...], config_path: str | None, as_json: bool) -> None:
    """Bring databases up to date: tables by Alembic, then every procedure whose text differs. GRANTs survive.

    ROLE is source, processor or queue. Without one: processor and queue, and source where it is configured (its
    procedures travel to the replica).

    --json: [{role, from_revision, to_revision, deployed [names], unchanged, extra [names]}].
    """
    from notify import deploy
    from notify.cli.output import print_json
    from notify.databases import Role

    databases = read_config(config_path).databases()
    chosen = [Role(role) for role in roles] or [
        role for role in (Role.SOURCE, Role.PROCESSOR, Role.QUEUE) if role is not Role.SOURCE or role in databases
    ]
    reports = []
    for role in chosen:
        # Nothing is changed where any of them cannot be.
        deploy.check(databases[role])
    for role in chosen:
        done = deploy.migrate(databases[role])
        reports.append(done.to_json())
        if not as_json:
            click.echo(done.sentence())
    databases.dispose()
    if as_json:
        print_json(reports)


@command("script", "What a DBA reviews and runs with sqlcmd", "notify script processor > processor.sql")
@click.argument("role", metavar="ROLE", type=Choices(["processor", "queue", "replica", "source"]))
def script(role: str) -> None:
    """Print what a DBA reviews and runs with sqlcmd. It can be run again.

    ROLE is processor, queue or replica. What the replica needs is run on source; redo brings it over.
    """
    from notify import deploy

    for piece in deploy.script(role):
        click.echo(piece, nl=False)


@command("demo", "Try everything with no server", "notify demo --directory demo --seed 7")
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo"),
    show_default=True,
    metavar="FOLDER",
    help="Where it is built.",
)
@click.option("--seed", type=int, default=7, show_default=True, metavar="N", help="Another number is another town.")
@click.option(
    "--fresh", is_flag=True, help="Build it anew: databases, mails, definitions and templates of the one there go."
)
@json_option
@click.pass_context
def demo(ctx: click.Context, directory: Path, seed: int, fresh: bool, as_json: bool) -> None:
    """Build a brokerage with four embedded databases, play a morning, deliver its mail to a real SMTP server.

    Where one is there, run one more cycle over it and say what is there; nothing is sent twice.

    --json: seed, town, rows, already_there, notifications [{notification, detected, skipped, generated, messages, sent,
    waiting_sms, not_sent}], skipped [{notification, changes, reason}], not_sent [{notification, channel, messages,
    reason}], audit (as audit --json), received_now, mails, mail_folder, example_key.
    """
    from notify.demo import main as play

    ctx.exit(play(directory, seed=seed, fresh=fresh, as_json=as_json) or 0)
