"""PRELOGIN: what both sides say before the login, encryption above all."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Encryption(IntEnum):
    """What a side asks for; OFF encrypts the login alone."""

    OFF = 0
    ON = 1
    NOT_SUPPORTED = 2
    REQUIRED = 3


@dataclass(frozen=True, slots=True)
class Prelogin:
    """The options of one side. ``version`` is major, minor, build, sub-build; None stands for an option not sent."""

    version: tuple[int, int, int, int] = (0, 0, 0, 0)
    encryption: Encryption = Encryption.OFF
    client_certificate: bool = False
    instance: bytes | None = None
    thread_id: int | None = None
    mars: bool | None = None
    trace_id: bytes | None = None
    federated: int | None = None
    nonce: bytes | None = None


def parse_prelogin(payload: bytes) -> Prelogin:
    """What a client sent. Errors: ``Malformed``."""
    raise NotImplementedError


def build_prelogin(options: Prelogin) -> bytes:
    """The payload of a PRELOGIN message: a server's answer (sent as ``PacketType.RESULT``) or a client's own."""
    raise NotImplementedError
