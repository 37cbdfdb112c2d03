"""How help pages look: click's, with headings that are seen on a terminal and paragraphs that fit any width."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import click

__all__ = ["CONTEXT", "Choices", "Page", "command"]

CONTEXT: Final[dict[str, Any]] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class _Formatter(click.HelpFormatter):
    """Click strips the styles where nobody would see them."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, click.style(prefix or "Usage: ", bold=True))

    def write_heading(self, heading: str) -> None:
        self.write(f"{'':>{self.current_indent}}{click.style(f'{heading}:', bold=True)}\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 26, col_spacing: int = 2) -> None:
        super().write_dl([(click.style(name, fg="cyan"), text) for name, text in rows], col_max, col_spacing)


class _Context(click.Context):
    formatter_class = _Formatter


class Page(click.Command):
    """A command whose docstring is paragraphs; one that begins with ``--json:`` tells the shape of the report."""

    context_class = _Context

    def __init__(self, *args: Any, examples: Sequence[str] = (), **named: Any) -> None:
        named["context_settings"] = CONTEXT
        super().__init__(*args, **named)
        self.examples = tuple(examples)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Usage, what it does, options, the report's shape, examples."""
        self.format_usage(ctx, formatter)
        paragraphs = [" ".join(part.split()) for part in inspect.cleandoc(self.help or "").split("\n\n")]
        reports = [part.removeprefix("--json: ") for part in paragraphs if part.startswith("--json: ")]
        for part in paragraphs:
            if not part.startswith("--json: "):
                formatter.write_paragraph()
                with formatter.indentation():
                    formatter.write_text(part)
        self.format_options(ctx, formatter)
        for report in reports:
            with formatter.section("With --json"):
                formatter.write_text(report)
        if self.examples:
            with formatter.section("Examples" if len(self.examples) > 1 else "Example"):
                for line in self.examples:
                    # A line to be copied is never wrapped.
                    formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


def command(name: str, short: str, *examples: str) -> Callable[[Callable[..., Any]], click.Command]:
    """A command with its line in the list of commands, and examples that can be copied."""
    return click.command(name, cls=Page, short_help=short, examples=examples)


class Choices(click.Choice[str]):
    """One of some words; a wrong one gets the nearest."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The word, or click's usage error."""
        if value not in self.choices:
            near = difflib.get_close_matches(str(value), self.choices, 1)
            hint = f"did you mean {near[0]}?" if near else f"write {', '.join(self.choices[:-1])} or {self.choices[-1]}"
            self.fail(f"{value!r} is unknown; {hint}", param, ctx)
        return str(super().convert(value, param, ctx))
