"""`notify serve-sql`: the embedded databases of a configuration, for whoever speaks SQL Server's protocol."""

from __future__ import annotations

import os
import shlex
import string
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from notify.cli.options import asked_to_stop, config_option, counted, json_option, read_config
from notify.cli.pages import command

if TYPE_CHECKING:
    from notify.config import Config

__all__ = ["serve_sql"]

PORT: Final = 14330
"""Not 1433: a SQL Server of this machine may have that."""
LOGIN: Final = "sa"
VARIABLE: Final = "NOTIFY_SERVE_SQL_PASSWORD"


@command(
    "serve-sql",
    "Let sqlcmd, SSMS and drivers look into embedded databases",
    "notify serve-sql --config demo/notify.toml",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=PORT,
    show_default=True,
    metavar="PORT",
    help="Where to listen; 0: any free one.",
)
@click.option(
    "--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Which of this machine's addresses."
)
@click.option(
    "--certificate",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The server's certificate (PEM).  [default: one that it makes, beside the configuration]",
)
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The certificate's private key (PEM).",
)
@config_option
@json_option
def serve_sql(
    port: int, host: str, certificate: Path | None, key: Path | None, config_path: str | None, as_json: bool
) -> None:
    """Serve the embedded databases of a configuration over TDS, SQL Server's protocol, until Ctrl-C.

    A database is named as its role: source, replica, processor, queue; source with ApplicationIntent=ReadOnly is the
    replica. The login is sa. Its password is NOTIFY_SERVE_SQL_PASSWORD, or one made and shown when it is ready.

    It listens on this machine alone; for another --host it wants a password of yours, --certificate and --key, and
    turns away clients that do not encrypt.

    --json: one line when it is ready: server, port, login, password (only one that it made), databases, read_only,
    certificate.
    """
    import json
    import logging

    from tsqlite.tds.server import Server, is_loopback

    config = read_config(config_path)
    files = _embedded(config)
    given, made = _password()
    if (certificate is None) != (key is None):
        raise click.UsageError("--certificate and --key belong together")
    if not is_loopback(host) and (made is not None or certificate is None):
        raise click.UsageError(
            f"--host {host} can be reached by others: set {VARIABLE}, and give --certificate and --key"
        )
    # Failed logins and clients that speak something else, as lines on standard error.
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    folder = config.path.parent if config.path is not None else Path()
    pem = (certificate, key) if certificate is not None and key is not None else _own_certificate(folder)
    read_only = {"source": "replica"} if {"source", "replica"} <= files.keys() else {}
    server = _start(
        lambda: Server(files, password=given, login=LOGIN, host=host, port=port, certificate=pem, read_only=read_only)
    )
    stopped = asked_to_stop()
    ready = {
        "server": f"{host},{server.port}",
        "port": server.port,
        "login": LOGIN,
        "password": made,
        "databases": list(files),
        "read_only": read_only,
        "certificate": str(pem[0]),
    }
    if as_json:
        click.echo(json.dumps(ready))
    else:
        _tell(ready, config, is_made=certificate is None)
    # A wait without end is not interrupted everywhere.
    while not stopped.wait(0.5):
        pass
    clients = server.connections
    server.stop()
    if not as_json:
        click.echo("\nstopped" + (f"; {counted(clients, 'client was', 'clients were')} connected" if clients else ""))


def _embedded(config: Config) -> dict[str, Path]:
    """Role → file. Real servers speak TDS themselves."""
    from notify.databases import EMBEDDED
    from notify.errors import ConfigError, DatabaseUnreachable

    databases = config.databases()
    real = [f"{item.role} ({item.shown})" for item in databases if item.url.drivername != EMBEDDED]
    if real:
        raise ConfigError(
            f"serve-sql serves embedded databases; this configuration names real servers: {', '.join(real)}. "
            "Connect to them directly."
        )
    files = {str(item.role): Path(item.url.database or "") for item in databases}
    if not files:
        raise ConfigError("no database is configured: nothing to serve")
    missing = [str(file) for file in files.values() if not file.is_file()]
    if missing:
        raise DatabaseUnreachable(f"no such file: {', '.join(missing)} (notify demo and notify migrate create them)")
    return files


def _password() -> tuple[str, str | None]:
    """The password, and the same again where it was made here and has to be shown."""
    import secrets

    given = os.environ.get(VARIABLE)
    if given is not None:
        if not given:
            raise click.UsageError(f"{VARIABLE} is empty: give it a password, or unset it and one is made")
        return given, None
    # Letters and digits alone: no shell and no connection string has another mind about them.
    made = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(16))
    return made, made


def _own_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate signed by itself, kept so that a client that trusts it need not be told again."""
    from tsqlite.tds.certificates import self_signed

    certificate, key = folder / "serve-sql.crt", folder / "serve-sql.key"
    if not (certificate.is_file() and key.is_file() and _is_valid(certificate)):
        public, private = self_signed()
        for file, data, mode in ((certificate, public, 0o644), (key, private, 0o600)):
            file.unlink(missing_ok=True)
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as stream:
                stream.write(data)
    key.chmod(0o600)
    return certificate, key


def _is_valid(certificate: Path) -> bool:
    """Whether it lasts another day."""
    import datetime

    from cryptography import x509

    try:
        end = x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
    except ValueError:
        return False
    return end > datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)


def _start(make: Any) -> Any:
    import ssl

    from notify.errors import ConfigError, NotifyError

    try:
        return make().start()
    except ssl.SSLError as error:
        raise ConfigError(f"the certificate and its key cannot be used: {error.reason or error}") from error
    except ValueError as error:
        raise ConfigError(str(error)) from error
    except OSError as error:
        raise NotifyError(f"cannot listen there: {error.strerror or error}; --port 0 takes any free port") from error


def _tell(ready: dict[str, Any], config: Config, *, is_made: bool) -> None:
    """What a person pastes."""
    from notify.cli.output import print_lines

    server, databases, password = ready["server"], ready["databases"], ready["password"]
    shown = f"{password}  (shown this once; {VARIABLE} sets one of yours)" if password else f"as {VARIABLE} says"
    certificate = ready["certificate"] + (", signed by itself: clients are told to trust it" if is_made else "")
    print_lines([("", f"Serving the databases of {config.path or 'the environment'} until Ctrl-C.")])
    click.echo()
    for name, value in (
        ("server", server),
        ("login", ready["login"]),
        ("password", shown),
        ("databases", ", ".join(databases)),
        ("replica", "source with ApplicationIntent=ReadOnly" if ready["read_only"] else ""),
        ("TLS", certificate),
    ):
        if value:
            print_lines([(f"  {name:9}  ", value)])
    secret = shlex.quote(password) if password else f'"${VARIABLE}"'
    command = f"sqlcmd -S {server} -U {LOGIN} -P {secret}{' -C' if is_made else ''} -d"
    _heading("sqlcmd")
    click.echo(f"  {command} {databases[-1]}")
    if ready["read_only"]:
        click.echo(f"  {command} source -K ReadOnly")
    # One line to be copied, however long it is.
    _heading("pyodbc")
    click.echo(
        f"  DRIVER={{ODBC Driver 18 for SQL Server}};SERVER={server};UID={LOGIN};PWD={password or '...'};"
        f"DATABASE={databases[-1]}{';TrustServerCertificate=yes' if is_made else ''}"
    )
    _heading("SSMS")
    trust = "; tick Trust server certificate" if is_made else ""
    print_lines([("  ", f"server {server}, SQL Server Authentication, login {LOGIN}{trust}")])
    if ready["read_only"]:
        click.echo("\nWhat is committed on source reaches the replica at the next notify beat.")


def _heading(words: str) -> None:
    click.echo(click.style(f"\n{words}", bold=True))
