"""The command line as a newcomer meets it."""

from __future__ import annotations

import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from notify.cli import SECTIONS, cli

COMMANDS = [command for commands in SECTIONS.values() for command in commands]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command.name))
def test_every_command_is_documented_and_ends_with_a_runnable_example(command: click.Command) -> None:
    result = CliRunner().invoke(cli, [str(command.name), "--help"])
    assert result.exit_code == 0
    assert command.help
    example = result.output.rpartition("Example:")[2]
    assert f"notify {command.name}" in example


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command.name))
def test_every_option_is_documented(command: click.Command) -> None:
    for parameter in command.params:
        assert not isinstance(parameter, click.Option) or parameter.help or isinstance(parameter.type, click.Choice)


def test_help_answers_at_once() -> None:
    command = [sys.executable, "-c", "from notify.cli import main; main()", "--help"]
    seconds = []
    for _ in range(3):
        # The processor's time, since other tests may run beside this one; waiting is not what help does.
        before = os.times()
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        after = os.times()
        seconds.append(after.children_user + after.children_system - before.children_user - before.children_system)
    assert "run-cycle" in result.stdout
    assert min(seconds) < 0.3


def test_an_unknown_command_gets_the_nearest_one() -> None:
    result = CliRunner().invoke(cli, ["run-cycel"])
    assert result.exit_code == 2
    assert "did you mean run-cycle?" in result.output


def test_the_module_is_the_command() -> None:
    command = [sys.executable, "-m", "notify", "--version"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.startswith("notify, version ")
