"""Mail by SMTP, over connections that are kept.

prepare     (connect, STARTTLS, login)  MAIL FROM  RCPT TO      nothing can have been sent
hand_over   DATA  body  final reply                             from the body on, silence means 'unknown'
"""

from __future__ import annotations

import re
import socket
from typing import Final

import aiosmtplib

from notify.config import GatewayConfig
from notify.gateways.base import GatewayUnavailable, Message, Outcome, accepted, refused
from notify.packing import Mail, PackingError, pack_mail

__all__ = ["SmtpGateway"]

ENHANCED: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")
CLOSING: Final = 421
"""The server hangs up after this reply."""


class SmtpGateway:
    """Sessions to one SMTP server."""

    def __init__(self, config: GatewayConfig) -> None:
        self.config = config

    def session(self) -> _SmtpSession:
        """A session, not yet connected."""
        return _SmtpSession(self.config)


class _SmtpSession:
    def __init__(self, config: GatewayConfig) -> None:
        self._config = config
        self._client: aiosmtplib.SMTP | None = None
        self._mail: Mail | None = None
        self._in_transaction = False

    async def prepare(self, message: Message) -> Outcome | None:
        config = self._config
        try:
            self._mail = mail = pack_mail(
                from_address=config.from_address,
                from_name=config.from_name,
                to_address=message.address,
                to_name=message.recipient_name,
                subject=message.subject,
                html=message.html,
                text=message.text,
                message_key=message.dedupe_key,
                headers=message.headers,
                reply_to=config.reply_to,
                redirect_to=config.redirect_to,
            )
        except PackingError as error:
            return refused("5.6.0", str(error), permanent=True)
        # A kept connection may have been closed by the server meanwhile; a new one is tried once.
        if self._client is not None and self._client.is_connected:
            try:
                return await self._envelope(self._client, mail)
            except (aiosmtplib.SMTPException, OSError):
                self._drop()
        client = await self._connect()
        try:
            return await self._envelope(client, mail)
        except (aiosmtplib.SMTPException, OSError) as error:
            self._drop()
            raise GatewayUnavailable(f"{self._where}: {_words(error)}") from error

    async def hand_over(self) -> Outcome:
        client, mail = self._client, self._mail
        assert mail is not None
        self._in_transaction = False
        if client is None or client.protocol is None:
            return Outcome("not_handed_over", detail="the connection was lost before the body")
        try:
            go_on = await client.execute_command(b"DATA")
        except (aiosmtplib.SMTPException, OSError) as error:
            self._drop()
            return Outcome("not_handed_over", detail=f"before the body: {_words(error)}"[:1000])
        if go_on.code != 354:
            self._in_transaction = True
            return self._refusal(go_on)
        protocol = client.protocol
        if protocol is None or not protocol.is_connected:
            self._drop()
            return Outcome("not_handed_over", detail="the connection was lost before the body")
        # Dots are doubled at the beginning of a line; the first line is a header's.
        data = mail.data.replace(b"\n.", b"\n..")
        try:
            protocol.write(data + b".\r\n")
            reply = await protocol.read_response(timeout=self._config.timeout_seconds)
        except (aiosmtplib.SMTPException, OSError) as error:
            self._drop()
            return Outcome("unknown", detail=f"after the body: {_words(error)}"[:1000])
        if reply.code == CLOSING:
            self._drop()
        if 200 <= reply.code < 300:
            return accepted(f"{reply.code} {reply.message}")
        if 400 <= reply.code < 600:
            return self._refusal(reply)
        self._drop()
        return Outcome("unknown", code=str(reply.code), detail=f"after the body: {reply.message}"[:1000])

    async def abandon(self) -> None:
        self._in_transaction = True

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            try:
                await client.quit(timeout=2)
            except (aiosmtplib.SMTPException, OSError):
                client.close()

    async def _envelope(self, client: aiosmtplib.SMTP, mail: Mail) -> Outcome | None:
        if self._in_transaction:
            reset = await client.execute_command(b"RSET")
            if reset.code != 250:
                raise aiosmtplib.SMTPResponseException(reset.code, reset.message)
            self._in_transaction = False
        options = b""
        if mail.needs_utf8:
            if not client.supports_extension("smtputf8"):
                return refused(
                    "5.6.7", "the server takes no address with letters beyond ASCII (SMTPUTF8)", permanent=True
                )
            options = b" SMTPUTF8"
        reply = await client.execute_command(b"MAIL FROM:<" + mail.sender + b">" + options)
        if reply.code != 250:
            # The sender's address, the login, a limit: the same for every message.
            raise aiosmtplib.SMTPResponseException(reply.code, reply.message)
        self._in_transaction = True
        reply = await client.execute_command(b"RCPT TO:<" + mail.recipient + b">")
        if reply.code in (250, 251):
            return None
        return self._refusal(reply)

    async def _connect(self) -> aiosmtplib.SMTP:
        config = self._config
        self._in_transaction = False
        client = aiosmtplib.SMTP(
            hostname=config.host,
            port=config.port,
            username=config.username,
            password=config.password,
            # Not getfqdn, which may wait for a name server.
            local_hostname=socket.gethostname() or "localhost",
            timeout=config.timeout_seconds,
            use_tls=config.tls,
            start_tls=config.starttls,
            validate_certs=config.verify_tls,
        )
        try:
            await client.connect()
            if client.is_ehlo_or_helo_needed:
                await client.ehlo()
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            client.close()
            raise GatewayUnavailable(f"{self._where}: {_words(error)}") from error
        self._client = client
        return client

    def _drop(self) -> None:
        client, self._client = self._client, None
        self._in_transaction = False
        if client is not None:
            client.close()

    def _refusal(self, reply: aiosmtplib.SMTPResponse) -> Outcome:
        if reply.code == CLOSING:
            self._drop()
        found = ENHANCED.match(reply.message)
        code = f"{reply.code} {found.group()}" if found else str(reply.code)
        detail = reply.message[found.end() :].strip() if found else reply.message
        return refused(code, detail, permanent=500 <= reply.code < 600)

    @property
    def _where(self) -> str:
        return f"{self._config.host}:{self._config.port}"


def _words(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{error.code} {error.message}"
    return str(error) or type(error).__name__
