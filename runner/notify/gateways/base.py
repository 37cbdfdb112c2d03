"""What the sender asks of a gateway, and what a gateway answers.

A hand-over has two steps, with the attempt committed between them: `prepare` goes as far as nothing can have been sent,
`hand_over` passes the point of no return. Whoever does not know how a hand-over ended must say so ('unknown'): such a
message is never sent again by itself.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from notify.config import GatewayConfig

__all__ = ["Gateway", "GatewayUnavailable", "Message", "Outcome", "Session", "accepted", "refused"]


class Message(NamedTuple):
    """A claimed message; the fields are claim_messages' columns, in its order."""

    message_id: int
    claim_token: Any
    attempt_number: int
    dedupe_key: str
    channel: str
    address: str
    recipient_name: str | None
    subject: str | None
    headers: str | None
    html: str | None
    text: str | None
    expires_at: Any


class Outcome(NamedTuple):
    """How a hand-over ended; the fields are record_outcomes' keys.

    `outcome`: accepted; refused (definitely, for ever if `is_permanent`); not_handed_over (definitely, and through no
    fault of the message); unknown. `provider_id`: the provider's own words or number for an accepted message.
    """

    outcome: str
    is_permanent: bool = False
    provider_id: str | None = None
    code: str | None = None
    detail: str | None = None
    retry_after_seconds: int | None = None


class GatewayUnavailable(Exception):
    """No connection, no login, or the sender's address is not taken: says nothing about any one message."""


class Session(Protocol):
    """One connection to a provider; one message at a time."""

    async def prepare(self, message: Message) -> Outcome | None:
        """Everything before the point of no return. None: ready to hand over; else the message's outcome.

        Raises:
            GatewayUnavailable: nothing was handed over.
        """

    async def hand_over(self) -> Outcome:
        """Hands over the prepared message. Never raises for what the provider or the network does."""

    async def abandon(self) -> None:
        """Drops the prepared message: its attempt was not granted."""

    async def close(self) -> None:
        """Says good-bye, if there is anyone to say it to. Never raises."""


class Gateway(Protocol):
    """One way out."""

    @property
    def config(self) -> GatewayConfig:
        """As configured."""

    def session(self) -> Session:
        """A session, which connects when it is first needed."""


def accepted(provider_id: str | None) -> Outcome:
    """The provider has the message."""
    return Outcome("accepted", provider_id=provider_id[:400] if provider_id else None)


def refused(code: str | int, detail: str, *, permanent: bool) -> Outcome:
    """The provider said no."""
    return Outcome("refused", is_permanent=permanent, code=str(code)[:20], detail=detail[:1000])
