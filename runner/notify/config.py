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
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_args, get_origin, get_type_hints

from notify.databases import Databases, Role, role_url
from notify.errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy import URL

__all__ = ["CHANNELS", "Config", "CycleConfig", "GatewayConfig", "SendConfig", "load_config"]

CHANNELS: Final = ("email", "sms", "push")
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
    """How the sender works. `channels` empty: those that have a gateway. `take`: messages claimed at once."""

    channels: tuple[str, ...] = ()
    take: int = 100
    lease_seconds: int = 120


@dataclass(frozen=True)
class Config:
    """All of it. `path` is the file read, None when there is none; relative paths in it count from its folder."""

    path: Path | None
    urls: Mapping[Role, URL]
    template_directories: tuple[Path, ...]
    gateways: tuple[GatewayConfig, ...]
    cycle: CycleConfig = CycleConfig()
    send: SendConfig = SendConfig()
    connect_timeout_seconds: int = 15
    query_timeout_seconds: int = 300

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
        ConfigError: naming the file, the key, its value and what to write instead.
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
    reader = _Reader(file)
    reader.check_keys(document, ("databases", "templates", "cycle", "send", "gateway"), "")
    databases = reader.table(document, "databases")
    timeouts = ("connect_timeout_seconds", "query_timeout_seconds")
    reader.check_keys(databases, (*Role, *timeouts), "databases")
    urls: dict[Role, URL] = {}
    for role in Role:
        variable = f"NOTIFY_{role.upper()}_URL"
        text = environ.get(variable) or databases.get(role)
        if text is None:
            continue
        if not isinstance(text, str):
            raise reader.error(f"databases.{role}", text, "write a URL in quotes")
        urls[role] = role_url(role, text, Path.cwd() if environ.get(variable) else folder)
    seconds = {name: reader.whole(databases, name, "databases", 15 if "connect" in name else 300) for name in timeouts}
    templates = reader.table(document, "templates")
    reader.check_keys(templates, ("directories",), "templates")
    directories = templates.get("directories", ["templates"])
    if not isinstance(directories, list) or not all(isinstance(item, str) for item in directories):
        raise reader.error("templates.directories", directories, 'write a list of folders, as ["templates"]')
    entries = document.get("gateway", [])
    if not isinstance(entries, list):
        raise reader.error("gateway", entries, "write one [[gateway]] table per gateway")
    return Config(
        path=file if file.is_file() else None,
        urls=types.MappingProxyType(urls),
        template_directories=tuple(folder / item for item in directories),
        gateways=_gateways(reader, entries, environ, folder),
        cycle=reader.section(CycleConfig, reader.table(document, "cycle"), "cycle"),
        send=reader.section(SendConfig, reader.table(document, "send"), "send"),
        **seconds,
    )


class _Reader:
    """Values out of the document, with errors that name the file and the key."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def error(self, key: str, value: object, remedy: str) -> ConfigError:
        shown = "(not shown)" if "password" in key else repr(value)
        return ConfigError(f"{self.file}: {key} = {shown}: {remedy}")

    def table(self, document: Mapping[str, Any], name: str) -> dict[str, Any]:
        value = document.get(name, {})
        if not isinstance(value, dict):
            raise self.error(name, value, f"write a table [{name}]")
        return value

    def check_keys(self, table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
        for key, value in table.items():
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                hint = f"did you mean {near[0]}?" if near else "known here: " + ", ".join(known)
                raise self.error(f"{where}.{key}" if where else key, value, f"unknown key; {hint}")

    def whole(self, table: Mapping[str, Any], key: str, where: str, default: int) -> int:
        value = table.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self.error(f"{where}.{key}", value, "write a whole number of at least 1")
        return value

    def section(self, kind: type[T], table: Mapping[str, Any], where: str) -> T:
        """A dataclass from a table: types and least values checked."""
        hints = get_type_hints(kind)
        self.check_keys(table, tuple(hints), where)
        values = {key: self._typed(hints[key], f"{where}.{key}", value) for key, value in table.items()}
        missing = [
            item.name
            for item in dataclasses.fields(kind)  # type: ignore[arg-type]
            if item.default is dataclasses.MISSING and item.name not in values
        ]
        if missing:
            raise ConfigError(f"{self.file}: {where}: {missing[0]} is missing")
        return kind(**values)

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
        raise self.error(key, value, f"write {words.get(options[0], 'a list of texts')}")


def _gateways(
    reader: _Reader, entries: list[Any], environ: Mapping[str, str], folder: Path
) -> tuple[GatewayConfig, ...]:
    gateways: list[GatewayConfig] = []
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict):
            raise reader.error("gateway", entry, "write one [[gateway]] table per gateway")
        table = dict(entry)
        where = f"gateway {table.get('name', number)}"
        if "password" in table:
            raise reader.error(
                f"{where}.password", "", "a password does not belong in this file: write password_env or password_file"
            )
        variable, secret = table.pop("password_env", None), table.pop("password_file", None)
        if table.get("kind") not in ("smtp", "console"):
            raise reader.error(f"{where}.kind", table.get("kind"), "write smtp or console")
        if table.get("channel", "email") not in CHANNELS:
            raise reader.error(f"{where}.channel", table.get("channel"), "write one of " + ", ".join(CHANNELS))
        gateway = reader.section(GatewayConfig, table, where)
        if gateway.kind == "smtp" and not gateway.from_address:
            raise reader.error(f"{where}.from_address", "", "write the address that mails come from")
        if gateway.tls and gateway.starttls:
            raise reader.error(f"{where}.starttls", True, "choose tls (from the first byte) or starttls, not both")
        if variable is not None:
            if variable not in environ:
                raise reader.error(f"{where}.password_env", variable, "no such environment variable is set")
            gateway = dataclasses.replace(gateway, password=environ[variable])
        elif secret is not None:
            try:
                text = (folder / secret).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise reader.error(f"{where}.password_file", secret, f"cannot be read: {error.strerror}") from error
            gateway = dataclasses.replace(gateway, password=text)
        if any(gateway.name == other.name for other in gateways):
            raise reader.error(f"{where}.name", gateway.name, "this name is taken by another gateway")
        gateways.append(gateway)
    return tuple(gateways)
