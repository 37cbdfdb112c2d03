"""A post office that refuses, breaks off and loses its answers, and keeps a list of what it did."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections import Counter
from collections.abc import Callable
from typing import Any

from aiosmtpd.smtp import SMTP

from notify.mailbox import Mailbox

MOODS = ("refused", "rejected", "vanish", "cut", "full", "never", "lost")


class FaultyMailbox(Mailbox):
    """Befalls hand-overs as `fault` says.

    refused, rejected: the recipient, for now or for good; vanish, cut: the connection ends before the body, or within;
    full, never: the body, for now or for good; lost: taken, and the connection ends before the answer.
    """

    fault: Callable[[], str] = staticmethod(lambda: "")

    def __init__(self) -> None:
        super().__init__()
        self.pipelining = False
        self.breaks = 0
        """Hand-overs whose sender cannot know how they ended."""
        self.rejected: Counter[str] = Counter()
        """Recipients refused for good."""
        self.refused_for_good: set[str] = set()
        """Message-IDs refused for good."""

    async def _listen(self) -> asyncio.Server:
        box = self

        class Faulty(SMTP):
            async def smtp_RCPT(self, arg: str) -> None:
                self.mood = box.fault()
                if self.mood == "refused":
                    await self.push("450 4.2.0 come back later")
                    return
                if self.mood == "rejected":
                    box.rejected[arg.partition("<")[2].partition(">")[0]] += 1
                    await self.push("550 5.1.1 nobody of that name")
                    return
                await super().smtp_RCPT(arg)

            async def smtp_DATA(self, arg: str) -> None:
                if self.mood == "vanish":
                    box.breaks += 1
                    self.transport.abort()
                    return
                if self.mood == "cut":
                    box.breaks += 1
                    await self.push("354 go on")
                    await self._reader.readline()
                    self.transport.abort()
                    return
                await super().smtp_DATA(arg)

        return await asyncio.get_running_loop().create_server(
            lambda: Faulty(self, hostname="localhost", enable_SMTPUTF8=True, loop=self._loop), "127.0.0.1", 0
        )

    async def handle_EHLO(
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", *responses[-1:]] if self.pipelining else responses

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if server.mood == "full":
            return "452 4.2.2 mailbox full"
        if server.mood == "never":
            message = email.message_from_bytes(bytes(envelope.content), policy=email.policy.default)
            self.refused_for_good.add(str(message["Message-ID"]))
            return "554 5.7.1 not here"
        reply = await super().handle_DATA(server, session, envelope)
        if server.mood == "lost":
            self.breaks += 1
            server.transport.abort()
        return reply
