"""Options that many commands share."""

from __future__ import annotations

import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from notify.config import Config
    from notify.databases import Connection

__all__ = ["agent_option", "asked_to_stop", "config_option", "counted", "json_option", "known_names", "read_config"]

UNKNOWN_NAME: Final = 50003
F = TypeVar("F", bound=Callable[..., Any])


def config_option(function: F) -> F:
    """--config PATH."""
    return click.option(
        "--config",
        "config_path",
        type=click.Path(dir_okay=False),
        metavar="FILE",
        envvar="NOTIFY_CONFIG",
        show_envvar=True,
        help="The configuration file.  [default: ./notify.toml]",
    )(function)


def json_option(function: F) -> F:
    """--json."""
    return click.option("--json", "as_json", is_flag=True, help="JSON on standard output instead of text.")(function)


def agent_option(partly: str) -> Callable[[F], F]:
    """--agent; `partly` says what becomes of exit code 3."""
    words = f"For SQL Agent, whose CmdExec steps know one success code: {partly}."
    return click.option("--agent", is_flag=True, help=words)


def counted(number: int, one: str, many: str | None = None) -> str:
    """``1 row``, ``2 rows``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


@contextmanager
def known_names(connection: Connection) -> Iterator[None]:
    """A notification's name that is unknown, and like none, is refused with those that there are."""
    from notify.errors import ProcedureError
    from notify.procedures import processor

    try:
        yield
    except ProcedureError as error:
        if error.number == UNKNOWN_NAME and "Perhaps" not in str(error):
            names = [item["name"] for item in processor.get_definitions(connection)]
            error.add_note(f"there are: {', '.join(names)}" if names else "none is defined")
        raise


def read_config(path: str | None) -> Config:
    """The configuration, with its errors told as every other. The last one read is kept, for errors later on."""
    from notify.config import load_config
    from notify.errors import ConfigError

    config = load_config(path)
    for hint in config.hints:
        click.echo(f"notify: hint: {hint}", err=True)
    if config.path is None and not config.urls:
        raise ConfigError(
            "there is no notify.toml here: give --config PATH or NOTIFY_CONFIG, or set NOTIFY_PROCESSOR_URL and "
            "its like; `notify demo` writes an example"
        )
    last_read.append(config)
    return config


last_read: Final[deque[Config]] = deque(maxlen=1)


def asked_to_stop() -> threading.Event:
    """Set at Ctrl-C, and when the process is asked to end."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    return stopped
