"""A gateway that prints: to see what would go out."""

from __future__ import annotations

import sys
from typing import TextIO

from notify.config import GatewayConfig
from notify.gateways.base import Message, Outcome, accepted

__all__ = ["ConsoleGateway"]


class ConsoleGateway:
    """Prints each message and calls it accepted."""

    def __init__(self, config: GatewayConfig, stream: TextIO | None = None) -> None:
        self.config = config
        self._stream = stream

    def session(self) -> _ConsoleSession:
        """A session; nothing to connect to."""
        return _ConsoleSession(self.config, self._stream or sys.stdout)


class _ConsoleSession:
    def __init__(self, config: GatewayConfig, stream: TextIO) -> None:
        self._config = config
        self._stream = stream
        self._message: Message | None = None

    async def prepare(self, message: Message) -> Outcome | None:
        self._message = message
        return None

    async def hand_over(self) -> Outcome:
        message = self._message
        assert message is not None
        to = self._config.redirect_to or message.address
        name = f"{message.recipient_name} " if message.recipient_name else ""
        lines = [f"--- {message.channel} to {name}<{to}>"]
        if message.subject:
            lines.append(f"Subject: {message.subject}")
        lines += [message.text or message.html or "", ""]
        self._stream.write("\n".join(lines) + "\n")
        self._stream.flush()
        return accepted(f"console {message.message_id}")

    async def abandon(self) -> None:
        self._message = None

    async def close(self) -> None:
        return None
