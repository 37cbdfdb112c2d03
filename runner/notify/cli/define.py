"""Commands that define notifications: files in, files out, states."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from notify.cli.options import config_option, counted, json_option, known_names, read_config
from notify.cli.pages import command

if TYPE_CHECKING:
    from notify.config import Config
    from notify.render import Renderer

__all__ = ["activate", "apply", "export", "new", "pause", "preview", "resume", "retire"]


@command(
    "apply",
    "Save and activate definitions from TOML files",
    "notify apply demo/notifications.toml --dry-run --config demo/notify.toml",
)
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--dry-run", is_flag=True, help="Check and say what would change; save nothing.")
@config_option
@json_option
@click.pass_context
def apply(ctx: click.Context, files: tuple[Path, ...], dry_run: bool, config_path: str | None, as_json: bool) -> None:
    """Save the definitions of each FILE, and activate those that say state = "active".

    Every problem of every definition is told at once; a definition with problems is refused, the others are saved.

    --json: [{name, file, action (created, changed, unchanged, refused), activated, baseline, differences,
    problems [{path, value, problem, suggestion}]}].

    Exit code 1 when all have problems, 3 when some have.
    """
    from notify import definitions
    from notify.cli.output import print_json

    config = read_config(config_path)
    read = definitions.read_definitions(files)
    done: list[definitions.Applied] = []
    databases = config.databases()
    for applied in definitions.apply_definitions(databases, read, _renderer(config), dry_run=dry_run):
        done.append(applied)
        if not as_json:
            _tell(applied, dry_run)
    databases.dispose()
    if as_json:
        print_json([applied.to_json() for applied in done])
    refused = sum(1 for applied in done if applied.problems)
    ctx.exit(0 if refused == 0 else 1 if refused == len(done) else 3)


def _tell(applied: Any, dry_run: bool) -> None:
    verb = {"created": "create", "changed": "change"}.get(applied.action, "refuse")
    would = applied.action if applied.action == "unchanged" else f"would {verb}"
    click.echo(f"{applied.name}: {would if dry_run else applied.action}", nl=False)
    if applied.activated:
        click.echo(
            ", and activate"
            if dry_run
            else f", activated: {counted(applied.baseline, 'recent row is', 'recent rows are')} recorded as history,"
            " no historic row will be mailed",
            nl=False,
        )
    click.echo()
    for line in applied.differences:
        click.echo(f"    {line}")
    for problem in applied.problems:
        value = f" = {problem.value!r}" if problem.value is not None else ""
        said = problem.suggestion is None or "did you mean" in problem.problem
        hint = "" if said else f" Did you mean {problem.suggestion}?"
        click.echo(f"    {problem.path}{value}: {problem.problem}{hint}", err=True)


@command("export", "Stored definitions as a TOML file", "notify export --config demo/notify.toml > notifications.toml")
@click.argument("names", nargs=-1, metavar="[NAME...]")
@config_option
@json_option
def export(names: tuple[str, ...], config_path: str | None, as_json: bool) -> None:
    """Print the stored definitions, or those of each NAME, as the file that apply reads back.

    --json: [{name, state, definition}].
    """
    import difflib

    from notify import definitions
    from notify.cli.output import print_json
    from notify.databases import Role
    from notify.errors import UnknownName
    from notify.procedures import processor

    databases = read_config(config_path).databases()
    with databases.connection(Role.PROCESSOR) as connection:
        stored = processor.get_definitions(connection)
    databases.dispose()
    known = [item["name"] for item in stored]
    if missing := [name for name in names if name not in known]:
        near = difflib.get_close_matches(missing[0], known, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known) or 'none'}"
        raise UnknownName(f"no notification {', '.join(missing)}; {hint}")
    chosen = [item for item in stored if not names or item["name"] in names]
    if as_json:
        print_json([{key: item[key] for key in ("name", "state", "definition")} for item in chosen])
        return
    documents = [
        {**item["definition"], **({"state": "active"} if item["state"] in ("active", "paused") else {})}
        for item in chosen
        if item["state"] != "retired"
    ]
    click.echo(definitions.to_toml(documents), nl=False)


@command("new", "Definition, procedure and template for a table", "notify new dbo.listing --config demo/notify.toml")
@click.argument("table")
@click.option("--name", metavar="NAME", help="The notification's name.  [default: TABLE_changed]")
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Where the files go.  [default: beside the configuration file]",
)
@click.option("--force", is_flag=True, help="Write over files that are there.")
@config_option
@json_option
def new(
    table: str, name: str | None, directory: Path | None, force: bool, config_path: str | None, as_json: bool
) -> None:
    """Write a definition, a merge-field procedure and a template for TABLE, and preview one real row.

    Reads the replica's catalog, and proposes stamp columns, keys and a soft-delete column; look at what it proposes.

    --json: name, table, keys, created, modified, rowversion, soft_delete, advice [texts], files [paths], added (the
    stamp column that is proposed, or null), wanted (T-SQL for that and for missing indexes, or null), preview
    {subject, text}.
    """
    from notify import scaffold
    from notify.cli.output import print_json, print_lines

    config = read_config(config_path)
    made = scaffold.new_notification(config, table, name=name, directory=directory, force=force)
    if as_json:
        print_json(made.to_json())
        return
    click.echo(made.sentence())
    print_lines(("  note: ", advice) for advice in made.advice)
    for file in made.files:
        click.echo(f"  wrote {file}")
    if made.preview is not None:
        click.echo(f"\n{made.preview.subject}\n\n{made.preview.text}\n")
    definition, procedure = made.files[:2]
    option = "" if config_path is None else f" --config {shlex.quote(config_path)}"
    click.echo("next, when these files say what you want:")
    for file in made.files[3:]:
        click.echo(
            f"  notify sql source {shlex.quote(file)}{option}    # what the table lacks; on a server, ask its DBA"
        )
    click.echo(f"  notify sql source {shlex.quote(procedure)}{option}")
    click.echo(f"  notify beat{option}    # an embedded replica catches up; a real one does it by itself")
    click.echo(f"  notify apply {shlex.quote(definition)}{option}")
    click.echo(f"  notify preview {made.name}{option}")
    click.echo(f"  notify activate {made.name}{option}    # from then on rows are mailed")


@command("preview", "Render one real record, send nothing", "notify preview price_reduced --config demo/notify.toml")
@click.argument("notification")
@click.option(
    "--key",
    multiple=True,
    metavar="VALUE",
    help="The record's key, once per key column.  [default: the newest row that would be mailed]",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Write .html and .txt files here.",
)
@config_option
@json_option
def preview(
    notification: str, key: tuple[str, ...], output: Path | None, config_path: str | None, as_json: bool
) -> None:
    """Render a saved notification for one real record, and send nothing.

    --json: notification, record_key, meets_criteria, messages [{channel, recipient_key, recipient_name, address,
    reason, subject, html, text, headers}].
    """
    from notify import scaffold
    from notify.cli.output import print_json

    config = read_config(config_path)
    shown = scaffold.preview(config, notification, list(key))
    if as_json:
        print_json(shown)
        return
    record = " ".join(json.loads(shown["record_key"]))
    click.echo(f"{notification}, record {record}: {counted(len(shown['messages']), 'message')}")
    if not shown["meets_criteria"]:
        click.echo("(the record does not meet the notification's criteria now: it would not be mailed)")
    for number, message in enumerate(shown["messages"], 1):
        to = f"{message['channel']} to {message['recipient_name'] or ''} <{message['address']}>"
        click.secho(f"\n--- {to}", bold=True)
        if message["reason"]:
            click.echo(f"would fail: {message['reason']}")
        if message["subject"]:
            click.echo(f"Subject: {message['subject']}\n")
        click.echo(message["text"])
        if output is not None:
            output.mkdir(parents=True, exist_ok=True)
            for kind in ("html", "text"):
                if message[kind]:
                    file = output / f"{notification}-{number}.{'html' if kind == 'html' else 'txt'}"
                    file.write_text(message[kind], encoding="utf-8")
                    click.echo(f"wrote {file}", err=True)


@command("activate", "Start watching from now on", "notify activate price_reduced --config demo/notify.toml")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@config_option
@click.pass_context
def activate(ctx: click.Context, names: tuple[str, ...], config_path: str | None) -> None:
    """Start watching, from now on: no row that is there already will be mailed."""
    from notify import definitions

    def one(target: Any, source: Any, name: str) -> str:
        baseline = definitions.activate(target, source, name)
        recent = counted(baseline, "recent row is", "recent rows are")
        return f"active; {recent} recorded as history, no historic row will be mailed"

    _each(ctx, config_path, names, one, catalog=True)


@command("pause", "Stop detecting and generating", "notify pause price_reduced --config demo/notify.toml")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@config_option
@click.pass_context
def pause(ctx: click.Context, names: tuple[str, ...], config_path: str | None) -> None:
    """Stop detecting and generating; messages already queued leave."""
    from notify.procedures import processor

    def one(target: Any, source: Any, name: str) -> str:
        waiting = processor.pause_notification(target, name)["open_changes"]
        waits = counted(waiting, "recorded change waits", "recorded changes wait")
        return f"paused; {waits}. notify resume catches up, notify resume --skip does not"

    _each(ctx, config_path, names, one)


@command("resume", "Go on after a pause", "notify resume price_reduced --config demo/notify.toml")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--skip", is_flag=True, help="Forget what happened while it was paused.")
@config_option
@click.pass_context
def resume(ctx: click.Context, names: tuple[str, ...], skip: bool, config_path: str | None) -> None:
    """Go on after a pause, catching up what happened meanwhile."""
    from notify import definitions

    def one(target: Any, source: Any, name: str) -> str:
        definitions.resume(target, source, name, skip=skip)
        return "active; what happened meanwhile is " + ("history" if skip else "caught up by the next cycle")

    _each(ctx, config_path, names, one)


@command("retire", "End a notification", "notify retire price_reduced --config demo/notify.toml")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@config_option
@click.pass_context
def retire(ctx: click.Context, names: tuple[str, ...], config_path: str | None) -> None:
    """End a notification; its history stays."""
    from notify.procedures import processor

    def one(target: Any, source: Any, name: str) -> str:
        processor.retire_notification(target, name)
        return "retired"

    _each(ctx, config_path, names, one)


def _each(
    ctx: click.Context, config_path: str | None, names: tuple[str, ...], action: Any, *, catalog: bool = False
) -> None:
    """Does something to each notification, with connections to processor and replica; one that fails stops no other."""
    from notify import definitions
    from notify.databases import Role
    from notify.errors import DatabaseUnreachable, NotifyError

    databases = read_config(config_path).databases()
    failed = 0
    with databases.connection(Role.PROCESSOR) as target, databases.connection(Role.REPLICA) as source:
        if catalog:
            definitions.refresh_catalog(source, target)
        for name in dict.fromkeys(names):
            try:
                with known_names(target):
                    click.echo(f"{name}: {action(target, source, name)}")
            except DatabaseUnreachable:
                raise
            except NotifyError as error:
                if len(set(names)) == 1:
                    raise
                failed += 1
                click.echo("\n  ".join([f"notify: {name}: {error}", *getattr(error, "__notes__", ())]), err=True)
    databases.dispose()
    ctx.exit(0 if not failed else 1 if failed == len(set(names)) else 3)


def _renderer(config: Config) -> Renderer:
    from notify.cycle import make_renderer

    return make_renderer(config)
