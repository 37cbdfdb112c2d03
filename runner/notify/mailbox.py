"""A real SMTP server on the loopback interface that keeps what it gets: the demo's post office, and the tests'.

It relays nothing. Each mail is kept as received; with a folder it is also written there as .eml and, for people,
as .html.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Any

from aiosmtpd.smtp import SMTP

__all__ = ["Mail", "Mailbox"]


@dataclass(frozen=True, slots=True)
class Mail:
    """One delivered mail: the envelope's recipients, and the message as received."""

    recipients: tuple[str, ...]
    content: bytes

    @property
    def message(self) -> EmailMessage:
        """The mail, parsed."""
        message = email.message_from_bytes(self.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        return message

    def part(self, subtype: str) -> str:
        """The text of its text/`subtype` part ('html', 'plain'), '' if there is none."""
        for part in self.message.walk():
            if part.get_content_type() == f"text/{subtype}":
                assert isinstance(part, EmailMessage)
                return str(part.get_content())
        return ""


class Mailbox:
    """``with Mailbox(folder) as box: ... box.port ... box.mails``.

    Args:
        folder: where to write NUMBER-RECIPIENT.eml and .html; None: only kept in memory.
        port: TCP port, 0 for a free one.
        on_mail: called with each mail and the file that it was written to, in the server's thread.
    """

    def __init__(
        self, folder: Path | None = None, port: int = 0, on_mail: Callable[[Mail, Path | None], None] | None = None
    ) -> None:
        self.folder = folder
        self._on_mail = on_mail
        self.mails: list[Mail] = []
        self._lock = threading.Lock()
        self._requested_port = port
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="mailbox", daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    def __enter__(self) -> Mailbox:
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
        self._thread.start()
        try:
            self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        except OSError:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._loop.call_soon_threadsafe(self._server.close)
        self._stop()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.get_running_loop().create_server(
            lambda: SMTP(self, hostname="localhost", enable_SMTPUTF8=True, data_size_limit=33_554_432, loop=self._loop),
            "127.0.0.1",
            self._requested_port,
        )

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 aiosmtpd's name
        """Keeps a mail; the reply's number is its file's, or its place in `mails`, from 1."""
        mail = Mail(tuple(envelope.rcpt_tos), bytes(envelope.content))
        with self._lock:
            self.mails.append(mail)
            number = len(self.mails)
        file = None
        if self.folder is not None:
            number = max(number, 1 + sum(1 for _ in self.folder.glob("*.eml")))
            file = self._write(self.folder, number, mail)
        if self._on_mail is not None:
            self._on_mail(mail, file)
        return f"250 2.0.0 Ok: kept as {number}"

    @staticmethod
    def _write(folder: Path, number: int, mail: Mail) -> Path:
        who = re.sub(r"[^\w.@-]", "_", mail.recipients[0])
        path = folder / f"{number:04d}-{who}"
        file = path.with_name(path.name + ".eml")
        file.write_bytes(mail.content)
        html = mail.part("html")
        if html:
            path.with_name(path.name + ".html").write_text(html, encoding="utf-8")
        return file
