"""A real SMTP server that misbehaves on request: the recipient's local part says how.

later@  450 at RCPT      never@  550 at RCPT       closing@  421 at RCPT, then hangs up
full@   452 after the body        spam@  554 after the body
vanish@ hangs up instead of taking DATA
cut@    hangs up in the middle of the body         lost@  keeps the mail, hangs up before the reply
mute@   keeps the mail, never replies              odd@   replies 399 after the body
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session


class Server:
    """Where it listens, and what it has taken. `before_body` is called, in a thread, with DATA's recipient.

    `pipelining`: it lets clients send several commands at once.
    """

    def __init__(self, *, pipelining: bool = False, **options: Any) -> None:
        self.pipelining = pipelining
        self.mails: list[Envelope] = []
        self.arrived = threading.Condition()
        self.before_body: Callable[[str], object] = lambda _recipient: None
        self.connections = 0
        self.transports: list[Any] = []
        handler = self

        class FaultySmtp(SMTP):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                handler.connections += not self._over_ssl
                handler.transports.append(transport)
                super().connection_made(transport)

            async def smtp_DATA(self, arg: str) -> None:
                if not self.envelope.rcpt_tos:
                    await super().smtp_DATA(arg)
                    return
                if self.envelope.rcpt_tos[0].startswith("vanish"):
                    self.transport.abort()
                    return
                await self.loop.run_in_executor(None, handler.before_body, self.envelope.rcpt_tos[0])
                if self.envelope.rcpt_tos[0].startswith("cut"):
                    await self.push("354 go on")
                    await self._reader.readline()
                    self.transport.abort()
                    return
                await super().smtp_DATA(arg)

        class FaultyController(Controller):
            def factory(self) -> SMTP:
                return FaultySmtp(self.handler, **self.SMTP_kwargs)

            def _trigger_server(self) -> None:
                self.port = self.server.sockets[0].getsockname()[1]
                super()._trigger_server()

        self.controller = FaultyController(
            self, hostname="127.0.0.1", port=0, ready_timeout=10, data_size_limit=None, **options
        )

    @property
    def port(self) -> int:
        """The port the system chose."""
        return int(self.controller.port)

    def hang_up(self) -> None:
        """Breaks every connection, and returns when that is done."""

        async def abort() -> None:
            for transport in self.transports:
                transport.abort()

        asyncio.run_coroutine_threadsafe(abort(), self.controller.loop).result()

    def to(self, name: str) -> list[Envelope]:
        """The mails taken for a local part."""
        return [mail for mail in self.mails if mail.rcpt_tos[0].split("@")[0] == name]

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:1], *(["250-PIPELINING"] if self.pipelining else []), *responses[1:]]

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        local = address.partition("@")[0]
        replies = {"later": "450 4.2.0 come back later", "never": "550 5.1.1 no such user"}
        if local == "closing":
            await server.push("421 4.3.2 closing")
            server.transport.close()
            return ""
        if local not in replies:
            envelope.rcpt_tos.append(address)
        return replies.get(local, "250 ok")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        local = envelope.rcpt_tos[0].partition("@")[0]
        if local in ("full", "spam"):
            return {"full": "452 4.2.2 mailbox full", "spam": "554 5.7.1 looks like spam"}[local]
        with self.arrived:
            self.mails.append(envelope)
            self.arrived.notify_all()
        if local == "lost":
            server.transport.abort()
        elif local == "mute":
            await asyncio.sleep(3600)
        elif local == "odd":
            return "399 what now"
        return f"250 2.0.0 queued as {len(self.mails)}"


@contextmanager
def smtp_server(**options: Any) -> Iterator[Server]:
    """A running server; options are aiosmtpd's."""
    server = Server(**{"enable_SMTPUTF8": False, **options})
    server.controller.start()
    server.connections = 0  # but for the one by which it saw that it runs
    try:
        yield server
    finally:
        server.controller.stop()


def check_login(_server: object, _session: object, _envelope: object, _mechanism: str, data: Any) -> AuthResult:
    """Takes office / secret."""
    return AuthResult(success=(data.login, data.password) == (b"office", b"secret"), handled=False)


def tls_context(certificate: str) -> ssl.SSLContext:
    """A server's context from one PEM file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
