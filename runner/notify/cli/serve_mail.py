"""`notify serve-mail`: the mail server of a configuration that is there to try; it writes mails into a folder."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from notify.cli.options import asked_to_stop, config_option, counted, json_option, read_config
from notify.cli.pages import command

if TYPE_CHECKING:
    from notify.config import Config, GatewayConfig
    from notify.mailbox import Mail

__all__ = ["serve_mail"]


@command(
    "serve-mail",
    "Take the demo's mail into a folder, as a mail server",
    "notify serve-mail --config demo/notify.toml",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Where each mail is written as .eml and .html.  [default: mail, beside the configuration]",
)
@config_option
@json_option
def serve_mail(folder: Path | None, config_path: str | None, as_json: bool) -> None:
    """Be the mail server that a configuration's SMTP gateway names, until Ctrl-C; nothing goes any further.

    For gateways on this machine alone, without TLS, as the demo's: `notify send --drain` in another terminal then hands
    over what is due.

    --json: one line when it is ready: host, port, gateway, folder; then one line a mail: recipients [texts], subject,
    file.
    """
    import json

    from notify.errors import NotifyError
    from notify.mailbox import Mailbox

    config = read_config(config_path)
    gateway = _gateway(config)
    chosen = folder or (config.path.parent if config.path is not None else Path()) / "mail"
    telling = threading.Lock()

    def tell(mail: Mail, file: Path | None) -> None:
        subject = str(mail.message["Subject"] or "")
        with telling:
            if as_json:
                click.echo(json.dumps({"recipients": mail.recipients, "subject": subject, "file": str(file)}))
            else:
                click.echo(f"  {file.name if file is not None else '':44}  {subject}")

    mailbox = Mailbox(chosen, gateway.port, tell)
    stopped = asked_to_stop()
    try:
        with mailbox:
            _ready(gateway, chosen, config, as_json)
            # A wait without end is not interrupted everywhere.
            while not stopped.wait(0.5):
                pass
    except OSError as error:
        raise NotifyError(
            f"cannot listen on {gateway.host}:{gateway.port}: {error.strerror or error}; is another notify serve-mail "
            "or notify demo running?"
        ) from error
    if not as_json:
        click.echo(f"\nstopped; {counted(len(mailbox.mails), 'mail')} received")


def _gateway(config: Config) -> GatewayConfig:
    """The gateway that this can stand in for."""
    from notify.doctor import is_own_mailbox
    from notify.errors import ConfigError

    for gateway in config.gateways:
        if is_own_mailbox(gateway):
            return gateway
    there = ", ".join(f"{item.name} ({item.kind}, {item.host}:{item.port})" for item in config.gateways) or "none"
    raise ConfigError(
        "serve-mail stands in for an SMTP gateway on 127.0.0.1 without TLS and login, and this configuration has no "
        f"such gateway; it has: {there}"
    )


def _ready(gateway: GatewayConfig, folder: Path, config: Config, as_json: bool) -> None:
    import json

    from notify.cli.output import print_lines

    if as_json:
        ready: dict[str, Any] = {"host": gateway.host, "port": gateway.port}
        click.echo(json.dumps(ready | {"gateway": gateway.name, "folder": str(folder)}))
        return
    option = f" --config {config.path}" if config.path is not None else ""
    print_lines(
        [
            ("", f"Gateway {gateway.name}: taking mail on {gateway.host}:{gateway.port} into {folder} until Ctrl-C."),
            ("", f"In another terminal: notify send --drain{option}"),
        ]
    )
