"""``python -m bench [--quick] [NAME...]``: a table, and build/bench.json."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

from bench.measure import Figure

MEASUREMENTS: Final = {
    "generation": "bench.generation:generation",
    "sending": "bench.sending:sending",
    "whole_way": "bench.generation:whole_way",
    "detection": "bench.detection:detection",
    "memory": "bench.memory:memory",
    "attempts": "bench.attempts:attempts",
    "wire": "bench.wire:wire",
}


def main(arguments: list[str]) -> int:
    """Runs measurements; 1 when a target is missed."""
    parser = argparse.ArgumentParser("bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MEASUREMENTS)}; all without")
    parser.add_argument("--quick", action="store_true", help="small sizes: to see that it works, not to quote")
    chosen = parser.parse_args(arguments)
    names = chosen.names or list(MEASUREMENTS)
    unknown = [name for name in names if name not in MEASUREMENTS]
    if unknown:
        parser.error(f"no measurement {', '.join(unknown)}; there are: {', '.join(MEASUREMENTS)}")
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 120
    figures: list[Figure] = []
    for name in names:
        module, _, function = MEASUREMENTS[name].partition(":")
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        figures += getattr(importlib.import_module(module), function)(chosen.quick)
    console.print(table(figures))
    file = Path("build/bench.json")
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps([figure._asdict() for figure in figures], ensure_ascii=False, indent=2) + "\n")
    console.print(f"written to {file}")
    return 1 if any(figure.ok is False for figure in figures) else 0


def table(figures: list[Figure]) -> Table:
    """The figures for people."""
    made = Table(box=box.SIMPLE_HEAD)
    for name in ("name", "value", "unit", "floor", "ratio", "target", "ok"):
        made.add_column(name, justify="right" if name in ("value", "floor", "ratio") else "left", no_wrap=True)
    for figure in figures:
        made.add_row(
            figure.name,
            _number(figure.value),
            figure.unit,
            _number(figure.floor),
            "" if figure.ratio is None else f"{figure.ratio:.2f}",
            figure.target or "",
            {True: "[green]yes[/]", False: "[red]no[/]", None: ""}[figure.ok],
        )
    return made


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
