"""How many SMS segments a text takes: GSM-7 where its alphabet suffices, UCS-2 otherwise (3GPP TS 23.038, 23.040)."""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["Segments", "count_segments"]

BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED: Final = frozenset("^{}\\[~]|€\f")
"""Behind an escape: two septets each."""


class Segments(NamedTuple):
    """`encoding` is GSM-7 or UCS-2, `units` septets or 16-bit units, `number` of segments is what the carrier bills."""

    encoding: str
    units: int
    number: int


def count_segments(text: str) -> Segments:
    """Segments of one message. Neither an escaped character nor a surrogate pair is split over two segments."""
    if all(character in BASIC or character in EXTENDED for character in text):
        encoding, single, several = "GSM-7", 160, 153
        widths = [2 if character in EXTENDED else 1 for character in text]
    else:
        encoding, single, several = "UCS-2", 70, 67
        widths = [2 if ord(character) > 0xFFFF else 1 for character in text]
    units = sum(widths)
    if units <= single:
        return Segments(encoding, units, 1)
    count, room = 1, several
    for width in widths:
        if width > room:
            count, room = count + 1, several
        room -= width
    return Segments(encoding, units, count)
