"""The command line: `notify COMMAND`. Modules are imported when a command needs them; --help imports click alone.

Exit codes: 0 ok, 1 failed, 2 usage or configuration, 3 partly (what failed is told; the rest is done).
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

import click

from notify import __version__
from notify.cli import define, develop, inspect, operate, purge, recover, serve, serve_mail, settle
from notify.cli.options import last_read
from notify.cli.pages import Page
from notify.errors import NotifyError

__all__ = ["cli", "main"]

SECTIONS: dict[str, tuple[click.Command, ...]] = {
    "Operate": (
        operate.run_cycle,
        operate.send,
        operate.status,
        operate.audit,
        operate.why,
        settle.messages,
        settle.release,
        settle.requeue,
        operate.approve,
        operate.acknowledge,
        operate.beat,
        purge.purge,
        recover.recover_queue,
    ),
    "Define": (
        define.new,
        define.apply,
        define.preview,
        define.activate,
        define.pause,
        define.resume,
        define.retire,
        define.export,
    ),
    "Inspect": (inspect.doctor, inspect.sql),
    "Deploy": (develop.script, develop.migrate),
    "Try": (develop.demo, serve_mail.serve_mail, serve.serve_sql),
}


OTHER_OBJECTS = frozenset({201, 207, 208, 2812, 8144, 8145})
"""SQL Server's numbers for a column, an object, a procedure or a parameter that is not there."""


class Commands(Page, click.Group):
    """A group whose help lists its commands by what they are for, and that suggests the nearest name."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands come first: they are what one looks for."""
        self.format_commands(ctx, formatter)
        click.Command.format_options(self, ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes one section per kind of work."""
        wide = max(len(name) for name in self.commands)
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(f"{command.name:{wide}}", command.get_short_help_str(80)) for command in commands])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Refuses an unknown command with the nearest known one."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], self.commands, 1)
            ctx.fail(f"no such command {args[0]!r}; " + (f"did you mean {near[0]}?" if near else "see notify --help"))
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, examples=["notify demo    # everything, with no server", "notify COMMAND --help"])
@click.version_option(__version__, prog_name="notify")
def cli() -> None:
    """Notifications born from row changes in SQL Server: detected on a readable replica, queued, sent, accounted for.

    Exit codes: 0 ok, 1 failed, 2 usage or configuration, 3 partly.

    Configuration: ./notify.toml, --config FILE or NOTIFY_CONFIG; NOTIFY_<ROLE>_URL outweighs it.
    """


for _commands in SECTIONS.values():
    for _command in _commands:
        cli.add_command(_command)


def _tell(error: NotifyError) -> None:
    click.echo(f"notify: {error}", err=True)
    for note in getattr(error, "__notes__", ()):
        click.echo(f"  {note}", err=True)


def _tell_version() -> bool:
    """Says that the databases are of another version, where they are."""
    from notify.doctor import other_version

    found = other_version(last_read[0]) if last_read else None
    if found is not None:
        _tell(found)
    return found is not None


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script: errors become one clear message and an exit code.

    Args:
        arguments: without the program's name; None: those of the process.
    """
    for stream in (sys.stdout, sys.stderr):
        # A log of another encoding than UTF-8 (Windows) still gets every line.
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")
    try:
        # rich knows NO_COLOR by itself, click does not.
        color = False if os.environ.get("NO_COLOR") else None
        result = cli.main(arguments, prog_name="notify", standalone_mode=False, color=color)
    except click.exceptions.Abort:
        click.echo("notify: stopped; nothing is lost, the next run goes on", err=True)
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except NotifyError as error:
        _tell(error)
        if getattr(error, "number", 0) in OTHER_OBJECTS:
            _tell_version()
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # A reader such as head closed the pipe: what it wanted it has.
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        if error.filename is None:
            raise
        click.echo(f"notify: {error.filename}: {error.strerror}", err=True)
        sys.exit(1)
    except Exception:
        # An answer that nobody expects comes of procedures of another version, or it is a defect of ours.
        if _tell_version():
            sys.exit(1)
        raise
    sys.exit(result if isinstance(result, int) else 0)
