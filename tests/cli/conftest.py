"""Commands run as people run them, on the shop of tests/cycle."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests import driver

from cycle.conftest import SHOP, Shop, active, built, opened, shop, stage, write  # noqa: F401
from notify.cli import main

# unixODBC reads its settings once, at the first connection of whatever test comes first.
driver.reason()


class Ran(NamedTuple):
    """What a command printed, and its exit code."""

    code: int
    output: str
    errors: str

    @property
    def said(self) -> str:
        """Standard output as one line, however it was wrapped."""
        return " ".join(self.output.split())

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.output)


def notify(*arguments: str | Path, stdin: str = "") -> Ran:
    """Runs `notify ARGUMENTS` in this process: its main function, as the console script calls it."""
    output, errors, given = StringIO(), StringIO(), sys.stdin
    sys.stdin = StringIO(stdin)
    try:
        with redirect_stdout(output), redirect_stderr(errors), pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
    finally:
        sys.stdin = given
    code = ended.value.code
    return Ran(code if isinstance(code, int) else 0, output.getvalue(), errors.getvalue())


@pytest.fixture
def config(shop: Shop) -> Iterator[Path]:  # noqa: F811
    """notify.toml of the shop with its active notification."""
    yield shop.stage.folder / "notify.toml"
