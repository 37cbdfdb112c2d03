"""Mail by SMTP, over connections that are kept.

prepare     (connect, STARTTLS, login)  MAIL FROM  RCPT TO  DATA     nothing can have been sent
hand_over   body  final reply                                        from the body on, silence means 'unknown'

A server that has PIPELINING gets the three commands in one packet. One that has not is asked for DATA by `hand_over`.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
from contextlib import suppress
from typing import Final

import aiosmtplib
from aiosmtplib import SMTPResponseException

from notify.config import GatewayConfig
from notify.gateways.base import GatewayUnavailable, Message, Outcome, accepted, refused
from notify.gateways.dialog import Dialog
from notify.packing import Mail, PackingError, pack_mail

__all__ = ["SmtpGateway"]

ENHANCED: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")
OK: Final = (250, 251)
GO_ON: Final = 354
CLOSING: Final = 421
"""The server hangs up after this reply."""
QUIT_SECONDS: Final = 2.0


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
        self._dialog: Dialog | None = None
        self._extensions: frozenset[str] = frozenset()
        self._mail: Mail | None = None
        self._in_transaction = False
        self._in_data = False

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
        if self._dialog is not None and self._dialog.error is None:
            try:
                return await self._envelope(self._dialog, mail)
            except _NoAnswer:
                self._drop()
        dialog = await self._connect()
        try:
            return await self._envelope(dialog, mail)
        except _NoAnswer as lost:
            self._drop()
            raise GatewayUnavailable(f"{self._where}: {_words(lost.error)}") from lost.error

    async def hand_over(self) -> Outcome:
        dialog, mail = self._dialog, self._mail
        assert mail is not None
        self._in_transaction = False
        if dialog is None or dialog.error is not None:
            return self._not_handed_over(dialog)
        if not self._in_data:
            replies = await dialog.ask(b"DATA\r\n")
            if not replies or (dialog.error is not None and replies[0].code == GO_ON):
                return self._not_handed_over(dialog)
            if replies[0].code != GO_ON:
                self._in_transaction = True
                return self._refusal(replies[0])
        self._in_data = False
        # Dots are doubled at the beginning of a line; the first line is a header's.
        replies = await dialog.ask(mail.data.replace(b"\n.", b"\n..") + b".\r\n")
        if not replies:
            self._drop()
            return Outcome("unknown", detail=f"after the body: {_words(dialog.error)}"[:1000])
        (reply,) = replies
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
        if self._in_data:
            # The server waits for a body, and any end of it would be a mail.
            self._drop()

    async def close(self) -> None:
        dialog, self._dialog = self._dialog, None
        if dialog is not None:
            if not self._in_data:
                with suppress(TimeoutError):
                    await asyncio.wait_for(dialog.ask(b"QUIT\r\n"), QUIT_SECONDS)
            dialog.close()

    async def _envelope(self, dialog: Dialog, mail: Mail) -> Outcome | None:
        options = b""
        if mail.needs_utf8:
            if "smtputf8" not in self._extensions:
                return refused(
                    "5.6.7", "the server takes no address with letters beyond ASCII (SMTPUTF8)", permanent=True
                )
            options = b" SMTPUTF8"
        commands = [b"MAIL FROM:<" + mail.sender + b">" + options, b"RCPT TO:<" + mail.recipient + b">"]
        if self._in_transaction:
            commands.insert(0, b"RSET")
            self._in_transaction = False
        if "pipelining" in self._extensions:
            commands.append(b"DATA")
            replies = await dialog.ask(b"\r\n".join(commands) + b"\r\n", len(commands))
        else:
            replies = []
            for command in commands:
                found = await dialog.ask(command + b"\r\n")
                replies += found
                if not found or found[0].code not in OK:
                    break
        answers = dict(zip((command[:4] for command in commands), replies, strict=False))
        for command in (b"RSET", b"MAIL"):
            # Not of this message: the sender's address, the login, a limit: the same for all of them.
            if command in answers and answers[command].code != 250:
                raise _NoAnswer(SMTPResponseException(*answers[command]))
        if b"RCPT" not in answers:
            raise _NoAnswer(dialog.error)
        self._in_transaction = True
        recipient, data = answers[b"RCPT"], answers.get(b"DATA")
        self._in_data = data is not None and data.code == GO_ON
        if recipient.code not in OK:
            if self._in_data:
                self._drop()
            return self._refusal(recipient)
        if data is not None and data.code != GO_ON:
            return self._refusal(data)
        return None

    async def _connect(self) -> Dialog:
        config = self._config
        self._in_transaction = self._in_data = False
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
        transport = client.transport
        assert isinstance(transport, asyncio.Transport)
        self._extensions = frozenset(name.lower() for name in client.esmtp_extensions)
        self._dialog = dialog = Dialog(transport, config.timeout_seconds)
        return dialog

    def _drop(self) -> None:
        dialog, self._dialog = self._dialog, None
        self._in_transaction = self._in_data = False
        if dialog is not None:
            dialog.close()

    def _not_handed_over(self, dialog: Dialog | None) -> Outcome:
        why = _words(dialog.error) if dialog is not None else "the connection was lost"
        self._drop()
        return Outcome("not_handed_over", detail=f"before the body: {why}"[:1000])

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


class _NoAnswer(Exception):
    """The connection is of no use, or the server wants nothing from us."""

    def __init__(self, error: Exception | None) -> None:
        super().__init__(error)
        self.error = error or aiosmtplib.SMTPServerDisconnected("Connection lost")


def _words(error: Exception | None) -> str:
    if isinstance(error, SMTPResponseException) and error.code > 0:
        return f"{error.code} {error.message}"
    # The library's and asyncio's words name host and port again; the operating system's say what is wrong.
    cause = error.__cause__ if isinstance(error, aiosmtplib.SMTPConnectError) else error
    if isinstance(cause, ConnectionError) and cause.errno:
        return os.strerror(cause.errno)
    if isinstance(cause, socket.gaierror) and cause.strerror:
        return cause.strerror
    return str(error) or type(error).__name__
