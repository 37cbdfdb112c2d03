"""Commands that look: doctor, sql."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TextIO

import click

from notify.cli.options import config_option, counted, json_option, read_config
from notify.cli.pages import Choices, command

__all__ = ["doctor", "sql"]

ROLES = ("source", "replica", "processor", "queue")


@command("doctor", "Connections, drift, indexes, durability, gateways", "notify doctor --config demo/notify.toml")
@config_option
@json_option
@click.pass_context
def doctor(ctx: click.Context, config_path: str | None, as_json: bool) -> None:
    """Check connections, roles, drift of deployed objects, indexes, durability, templates, gateways.

    --json: [{role, check, result (ok, warning, failed), detail, remedy}].

    Exit code 1 when a check failed.
    """
    from notify import doctor as doctors
    from notify.cli.output import is_unicode, print_json, print_lines

    checks = list(doctors.examine(read_config(config_path)))
    if as_json:
        print_json([check._asdict() for check in checks])
    else:
        arrow = "→" if is_unicode() else "->"
        for check in checks:
            word, colour = {"ok": ("ok", "green"), "warning": ("warning", "yellow"), "failed": ("FAILED", "red")}[
                check.result
            ]
            click.secho(f"{word:7}", fg=colour, nl=False)
            print_lines([(f"  {check.role:9}  ", f"{check.check}: {check.detail}")], taken=7, dim=True)
            print_lines((f"{'':20}{arrow} ", line) for line in (check.remedy or "").splitlines())
        counts = Counter(check.result for check in checks)
        bad = [
            f"{counts[kind]} {words}"
            for kind, words in (("failed", "failed"), ("warning", "to look at"))
            if counts[kind]
        ]
        click.secho(f"\n{counted(len(checks), 'check')}: {', '.join(bad) or 'all is well'}", bold=True)
    ctx.exit(1 if any(check.result == "failed" for check in checks) else 0)


@command(
    "sql",
    "Run T-SQL with GO batches against a role",
    'notify sql queue -Q "SELECT COUNT(*) AS n FROM notify.message;" --config demo/notify.toml',
)
@click.argument("role", metavar="ROLE", type=Choices(ROLES))
@click.argument("file", type=click.File("r", encoding="utf-8"), required=False)
@click.option("-Q", "--query", metavar="TEXT", help="This T-SQL instead of a FILE, as with sqlcmd.")
@config_option
@json_option
def sql(role: str, file: TextIO | None, query: str | None, config_path: str | None, as_json: bool) -> None:
    """Run T-SQL with GO batches against a role: a FILE, --query, or standard input. Autocommit, as every connection.

    ROLE is source, replica, processor or queue.

    What PRINT and RAISERROR say goes to standard error, in its place among the results.

    --json: [{columns, rows}], one per result set; dates as ISO 8601, Decimals as text, bytes as 0x and hex digits.
    """
    from notify.cli.output import plain, print_json, print_rows
    from notify.databases import Affected, Printed, Role
    from notify.deploy import split_batches
    from notify.errors import DatabaseError

    if query is not None and file is not None:
        raise click.UsageError("FILE and --query exclude each other.")
    databases = read_config(config_path).databases()
    if query is not None:
        name, text = "--query", query
    elif file is not None:
        name, text = file.name, file.read()
    else:
        if sys.stdin.isatty():
            click.echo("T-SQL, then end of file (Ctrl-D):", err=True)
        name, text = "standard input", click.open_file("-", encoding="utf-8").read()
    results = []
    with databases.connection(Role(role)) as connection:
        for number, batch in enumerate(split_batches(text), 1):
            try:
                for found in connection.play(batch):
                    if isinstance(found, Printed):
                        click.echo(found.text, err=True)
                    elif isinstance(found, Affected):
                        if not as_json:
                            click.echo(f"({counted(found.rows, 'row')} affected)\n")
                    else:
                        results.append(found)
                        if not as_json:
                            print_rows(found.columns, found.rows)
                            click.echo(f"({counted(len(found.rows), 'row')})\n")
            except DatabaseError as error:
                error.add_note(f"batch {number} of {name}")
                raise
    if as_json:
        simple = (str, int, float, bool, type(None))
        print_json(
            [
                {
                    "columns": result.columns,
                    "rows": [
                        [value if isinstance(value, simple) else plain(value) for value in row] for row in result.rows
                    ],
                }
                for result in results
            ]
        )
    databases.dispose()
