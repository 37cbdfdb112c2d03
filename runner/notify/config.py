"""notify.toml and the environment.

    [databases]                       # or NOTIFY_SOURCE_URL, NOTIFY_REPLICA_URL, NOTIFY_PROCESSOR_URL, NOTIFY_QUEUE_URL
    source    = "mssql+pyodbc://..."  # only for deployment; no cycle needs it
    replica   = "mssql+pyodbc://..."
    processor = "mssql+pyodbc://..."
    queue     = "mssql+pyodbc://..."
    connect_timeout_seconds = 15
    query_timeout_seconds = 300

    [templates]
    directories = ["templates"]       # relative to this file; the shipped layouts come last

    [cycle]
    workers = 4                       # threads that generate, each with its own connections
    batch_size = 100                  # changes a batch, at most 100
    lease_seconds = 300               # a batch that is not completed by then goes to another worker
    default_region = "US"             # of phone numbers without a country code (ISO 3166, two letters)
    max_sms_segments = 10

    [send]
    channels = ["email"]              # default: the channels that have a gateway
    lease_seconds = 120
    patience_seconds = 30.0           # a queue that cannot be reached is tried for so long before the sender gives up

    [[gateway]]
    name = "mail"
    kind = "smtp"                     # smtp | console
    channel = "email"                 # email | sms | push
    host = "smtp.example.com"
    port = 587
    starttls = true                   # or tls = true for TLS from the first byte
    username = "notify"
    password_env = "SMTP_PASSWORD"    # or password_file; a password itself is never written here
    from_address = "office@example.com"
    from_name = "Example Realty"
    max_connections = 8
    max_per_second = 50.0             # 0: no limit
    timeout_seconds = 30.0
    redirect_to = "test@example.com"  # every message goes there instead; nothing escapes by accident

Secrets come from the environment or from files only, and no message of notify shows them.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import tomllib
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_args, get_origin, get_type_hints

from notify.databases import Databases, Role, role_url
from notify.errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy import URL

__all__ = ["CHANNELS", "Config", "CycleConfig", "GatewayConfig", "SendConfig", "load_config"]

CHANNELS: Final = ("email", "sms", "push")
KINDS: Final = ("smtp", "console")
DEFAULT_PATH: Final = "notify.toml"
T = TypeVar("T")


@dataclass(frozen=True)
class GatewayConfig:
    """One way out. Times in seconds; `max_per_second` 0 means no limit."""

    name: str
    kind: str
    channel: str = "email"
    host: str = "localhost"
    port: int = 25
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    starttls: bool = False
    tls: bool = False
    verify_tls: bool = True
    from_address: str = ""
    from_name: str = ""
    reply_to: str | None = None
    max_connections: int = 4
    max_per_second: float = 0.0
    redirect_to: str | None = None
    timeout_seconds: float = 30.0


@dataclass(frozen=True)
class CycleConfig:
    """How a cycle works. `lease_seconds` is a batch's, in seconds."""

    workers: int = 4
    batch_size: int = 100
    lease_seconds: int = 300
    default_region: str = "US"
    max_sms_segments: int = 10


@dataclass(frozen=True)
class SendConfig:
    """How the sender works. `channels` empty: those that have a gateway. `take`: messages claimed at once.

    `patience_seconds`: how long a call is tried again while the queue cannot be reached.
    """

    channels: tuple[str, ...] = ()
    take: int = 100
    lease_seconds: int = 120
    patience_seconds: float = 30.0


@dataclass(frozen=True)
class Config:
    """All of it. `path` is the file read, None when there is none; relative paths in it count from its folder.

    `hints` are what looks like a mistake and stops nothing, as an environment variable that nobody reads.
    """

    path: Path | None
    urls: Mapping[Role, URL]
    template_directories: tuple[Path, ...]
    gateways: tuple[GatewayConfig, ...]
    cycle: CycleConfig = CycleConfig()
    send: SendConfig = SendConfig()
    connect_timeout_seconds: int = 15
    query_timeout_seconds: int = 300
    hints: tuple[str, ...] = ()

    def databases(self) -> Databases:
        """The configured roles' servers."""
        return Databases(
            self.urls, connect_timeout=self.connect_timeout_seconds, query_timeout=self.query_timeout_seconds
        )


def load_config(path: str | Path | None = None, environ: Mapping[str, str] | None = None) -> Config:
    """Reads notify.toml and the environment, which outweighs it.

    Args:
        path: the file; None means NOTIFY_CONFIG, else ./notify.toml if it is there.

    Raises:
        ConfigError: every problem at once: the key, its value and what to write instead.
    """
    environ = os.environ if environ is None else environ
    named = path or environ.get("NOTIFY_CONFIG")
    file = Path(named or DEFAULT_PATH)
    document: dict[str, Any] = {}
    if file.is_file():
        try:
            document = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            raise ConfigError(f"{file}: not readable as TOML: {error}") from error
    elif named:
        raise ConfigError(
            f"{file}: no such file; give --config PATH or NOTIFY_CONFIG, or run `notify demo` for an example"
        )
    folder = file.resolve().parent
    reader = _Reader()
    reader.check_keys(document, ("databases", "templates", "cycle", "send", "gateway"), "")
    databases = reader.table(document, "databases")
    timeouts = {"connect_timeout_seconds": 15, "query_timeout_seconds": 300}
    reader.check_keys(databases, (*Role, *timeouts), "databases")
    seconds = {name: reader.whole(databases, name, "databases", default) for name, default in timeouts.items()}
    templates = reader.table(document, "templates")
    reader.check_keys(templates, ("directories",), "templates")
    directories = templates.get("directories", ["templates"])
    if not isinstance(directories, list) or not all(isinstance(item, str) for item in directories):
        reader.problem("templates.directories", directories, 'write a list of folders, as ["templates"]')
        directories = []
    config = Config(
        path=file if file.is_file() else None,
        urls=types.MappingProxyType(_urls(reader, databases, environ, folder)),
        template_directories=tuple(folder / item for item in directories),
        gateways=_gateways(reader, document.get("gateway", []), environ, folder),
        cycle=reader.section(CycleConfig, reader.table(document, "cycle"), "cycle") or CycleConfig(),
        send=reader.section(SendConfig, reader.table(document, "send"), "send") or SendConfig(),
        hints=tuple(_hints(environ)),
        **seconds,
    )
    if len(reader.problems) == 1:
        raise ConfigError(f"{file}: {reader.problems[0]}")
    if reader.problems:
        raise ConfigError("\n  ".join([f"{file} has {len(reader.problems)} problems:", *reader.problems]))
    return config


def _urls(reader: _Reader, databases: Mapping[str, Any], environ: Mapping[str, str], folder: Path) -> dict[Role, URL]:
    urls: dict[Role, URL] = {}
    for role in Role:
        variable = f"NOTIFY_{role.upper()}_URL"
        text = environ.get(variable) or databases.get(role)
        if text is None:
            continue
        if not isinstance(text, str):
            reader.problem(f"databases.{role}", text, "write a URL in quotes")
            continue
        try:
            urls[role] = role_url(role, text, Path.cwd() if environ.get(variable) else folder)
        except ConfigError as error:
            reader.problems.append(str(error))
    return urls


def _hints(environ: Mapping[str, str]) -> Iterator[str]:
    """Variables that nobody reads, though their names say that somebody should."""
    urls = tuple(f"NOTIFY_{role.upper()}_URL" for role in Role)
    known = (*urls, "NOTIFY_CONFIG", "NOTIFY_SERVE_SQL_PASSWORD")
    for name in sorted(environ):
        if name in (*known, "NOTIFY_TEST_MSSQL_URL") or not name.upper().startswith("NOTIFY_"):
            continue
        near = difflib.get_close_matches(name.upper(), known, 1, 0.8)
        if near:
            yield f"the environment variable {name} is read by nobody; did you mean {near[0]}?"
        elif name.endswith("_URL"):
            yield f"the environment variable {name} is read by nobody; there are {', '.join(urls)}"


class _Reader:
    """Values out of the document; what is wrong with them is collected, so that a person hears of all of it at once."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def problem(self, key: str, value: object, remedy: str) -> None:
        shown = "" if value is None else " = (not shown)" if "password" in key else f" = {value!r}"
        self.problems.append(f"{key}{shown}: {remedy}")

    def table(self, document: Mapping[str, Any], name: str) -> dict[str, Any]:
        value = document.get(name, {})
        if not isinstance(value, dict):
            self.problem(name, value, f"write a table [{name}]")
            return {}
        return value

    def check_keys(self, table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
        for key, value in table.items():
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                hint = f"did you mean {near[0]}?" if near else "known here: " + ", ".join(known)
                # A whole table's content says nothing that its name does not.
                shown = None if isinstance(value, dict | list) else value
                self.problem(f"{where}.{key}" if where else key, shown, f"unknown key; {hint}")

    def whole(self, table: Mapping[str, Any], key: str, where: str, default: int) -> int:
        value = table.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            self.problem(f"{where}.{key}", value, "write a whole number of at least 1")
            return default
        return value

    def section(self, kind: type[T], table: Mapping[str, Any], where: str) -> T | None:
        """A dataclass from a table, types and least values checked; None where something is wrong."""
        before = len(self.problems)
        hints = get_type_hints(kind)
        self.check_keys(table, tuple(hints), where)
        values = {key: self._typed(hints[key], f"{where}.{key}", value) for key, value in table.items() if key in hints}
        for item in dataclasses.fields(kind):  # type: ignore[arg-type]
            if item.default is dataclasses.MISSING and item.name not in values:
                self.problem(f"{where}.{item.name}", None, "is missing")
        return kind(**values) if len(self.problems) == before else None

    def _typed(self, hint: Any, key: str, value: object) -> Any:
        options = get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
        for option in options:
            if get_origin(option) is tuple and isinstance(value, list) and all(isinstance(item, str) for item in value):
                return tuple(value)
            if option is float and isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
                return float(value)
            if option is int and isinstance(value, int) and not isinstance(value, bool) and value >= 1:
                return value
            if option in (str, bool) and type(value) is option:
                return value
        words = {
            int: "a whole number of at least 1",
            float: "a number of at least 0",
            bool: "true or false",
            str: "a text",
        }
        self.problem(key, value, f"write {words.get(options[0], 'a list of texts')}")
        return None


def _gateways(reader: _Reader, entries: Any, environ: Mapping[str, str], folder: Path) -> tuple[GatewayConfig, ...]:
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        reader.problem("gateway", None, "write one [[gateway]] table per gateway")
        return ()
    read = [_gateway(reader, dict(entry), number, environ, folder) for number, entry in enumerate(entries, 1)]
    gateways = [gateway for gateway in read if gateway is not None]
    names = [gateway.name for gateway in gateways]
    for name in sorted({name for name in names if names.count(name) > 1}):
        reader.problem(f"gateway {name}.name", name, "this name is taken by another gateway")
    return tuple(gateways)


def _gateway(
    reader: _Reader, table: dict[str, Any], number: int, environ: Mapping[str, str], folder: Path
) -> GatewayConfig | None:
    where = f"gateway {table.get('name', number)}"
    before = len(reader.problems)
    if table.pop("password", None) is not None:
        reader.problem(
            f"{where}.password", "", "a password does not belong in this file: write password_env or password_file"
        )
    variable, secret = table.pop("password_env", None), table.pop("password_file", None)
    if table.get("kind") not in KINDS:
        reader.problem(f"{where}.kind", table.get("kind"), _one_of(table.get("kind"), KINDS))
    if table.get("channel", "email") not in CHANNELS:
        reader.problem(f"{where}.channel", table.get("channel"), _one_of(table.get("channel"), CHANNELS))
    # Only what section() alone can tell: a missing kind is told already.
    gateway = reader.section(GatewayConfig, {"kind": "", **table}, where)
    if table.get("kind") == "smtp" and not table.get("from_address"):
        reader.problem(f"{where}.from_address", None, "write the address that mails come from")
    if table.get("tls") is True and table.get("starttls") is True:
        reader.problem(f"{where}.starttls", True, "choose tls (from the first byte) or starttls, not both")
    password = None
    if variable is not None:
        password = environ.get(str(variable))
        if password is None:
            reader.problem(f"{where}.password_env", None, f"no environment variable {variable} is set")
    elif secret is not None:
        try:
            password = (folder / str(secret)).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            told = error.strerror if isinstance(error, OSError) else error
            reader.problem(f"{where}.password_file", None, f"{secret} cannot be read: {told}")
    if gateway is None or len(reader.problems) > before:
        return None
    return dataclasses.replace(gateway, password=password) if password is not None else gateway


def _one_of(value: object, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(str(value), known, 1)
    return f"write {' or '.join(known)}" + (f"; did you mean {near[0]}?" if near else "")
