"""The dialog of an SMTP connection that is open, greeted and logged in: commands, several at once where the server lets
us, and their replies.
"""

from __future__ import annotations

import asyncio
from typing import Final

from aiosmtplib import SMTPReadTimeoutError, SMTPResponse, SMTPResponseException, SMTPServerDisconnected

__all__ = ["Dialog"]

LONGEST: Final = 32_768
"""Bytes of replies that may wait to be read: far more than any server says."""


class Dialog(asyncio.Protocol):
    """Takes a transport over from whoever opened it.

    `error` tells why there will be no more replies: silence, a connection lost, or words that are no SMTP.
    """

    def __init__(self, transport: asyncio.Transport, timeout: float) -> None:
        self.error: Exception | None = None
        self._transport = transport
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._wanted = 0
        self._replies: list[SMTPResponse] = []
        self._lines: list[bytes] = []
        self._rest = b""
        transport.set_protocol(self)
        if transport.is_closing():
            self._fail(SMTPServerDisconnected("Connection lost"))

    async def ask(self, data: bytes, replies: int = 1) -> list[SMTPResponse]:
        """Sends commands, and gives their replies in order: fewer than `replies` where the dialog ended, see `error`.

        Args:
            data: whole lines.
            replies: how many there will be.
        """
        if self.error is not None:
            return []
        found: list[SMTPResponse] = []
        self._replies, self._wanted = found, replies
        self._waiter = self._loop.create_future()
        timer = self._loop.call_later(self._timeout, self._time_out)
        self._transport.write(data)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter, self._wanted = None, 0
        return found

    def close(self) -> None:
        """Hangs up."""
        self._fail(SMTPServerDisconnected("Connection closed"))

    # -- what the transport tells

    def data_received(self, data: bytes) -> None:
        """Bytes of replies."""
        if not self._wanted:
            # Not an answer: as a rule it is that the server is about to hang up. An answer of ours must not be taken
            # for the next one's.
            self._fail(SMTPServerDisconnected(f"unasked: {data[:200].decode('utf-8', 'replace').strip()}"))
            return
        if self._rest:
            data = self._rest + data
        *lines, self._rest = data.split(b"\n")
        for line in lines:
            self._lines.append(line[4:].strip(b" \t\r"))
            if line[3:4] != b"-":
                if not line[:3].isdigit():
                    shown = line[:200].decode("utf-8", "replace").strip()
                    self._fail(SMTPResponseException(-1, f"Malformed SMTP response line: {shown}"))
                    return
                text = b"\n".join(self._lines).decode("utf-8", "surrogateescape")
                self._lines.clear()
                self._replies.append(SMTPResponse(int(line[:3]), text))
        if len(self._rest) + sum(map(len, self._lines)) > LONGEST:
            self._fail(SMTPResponseException(-1, "Response too long"))
        elif len(self._replies) > self._wanted:
            self._fail(SMTPResponseException(-1, f"More replies than commands: {self._replies[-1].message}"))
        elif len(self._replies) == self._wanted:
            self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side hung up, or we did."""
        self._fail(exc or SMTPServerDisconnected("Connection lost"))

    def _time_out(self) -> None:
        self._fail(SMTPReadTimeoutError("Timed out waiting for server response"))

    def _fail(self, error: Exception) -> None:
        if self.error is None:
            self.error = error
            self._transport.abort()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
