"""Reading what a client sent: every length is checked against what is there before anything is taken."""

from __future__ import annotations

import struct

_U16 = struct.Struct("<H").unpack_from
_U32 = struct.Struct("<I").unpack_from
_U64 = struct.Struct("<Q").unpack_from
_I16 = struct.Struct("<h").unpack_from
_I32 = struct.Struct("<i").unpack_from
_I64 = struct.Struct("<q").unpack_from
_U16BE = struct.Struct(">H").unpack_from
_U32BE = struct.Struct(">I").unpack_from
_F32 = struct.Struct("<f").unpack_from
_F64 = struct.Struct("<d").unpack_from


class Malformed(Exception):
    """Bytes that no client of the protocol sends: the connection they came by is closed."""


class Reader:
    """A cursor over the payload of one message. Numbers are little-endian unless they say ``be``.

    Errors: ``Malformed`` from every method when less is left than it needs.
    """

    __slots__ = ("_at", "_data", "_end")

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self._data = bytes(data)
        self._at = 0
        self._end = len(self._data)

    @property
    def remaining(self) -> int:
        """Bytes not read yet."""
        return self._end - self._at

    @property
    def at_end(self) -> bool:
        return self._at >= self._end

    @property
    def position(self) -> int:
        """Bytes read so far."""
        return self._at

    def _advance(self, count: int) -> int:
        at = self._at
        if count < 0 or count > self._end - at:
            raise Malformed(f"{count} bytes wanted, {self._end - at} left")
        self._at = at + count
        return at

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes."""
        at = self._advance(count)
        return self._data[at : at + count]

    def skip(self, count: int) -> None:
        self._advance(count)

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(self._end - self._at)

    def peek(self) -> int:
        """The next byte, which stays."""
        if self._at >= self._end:
            raise Malformed("1 byte wanted, 0 left")
        return self._data[self._at]

    def u8(self) -> int:
        at = self._at
        if at >= self._end:
            raise Malformed("1 byte wanted, 0 left")
        self._at = at + 1
        return self._data[at]

    def u16(self) -> int:
        return int(_U16(self._data, self._advance(2))[0])

    def u32(self) -> int:
        return int(_U32(self._data, self._advance(4))[0])

    def u64(self) -> int:
        return int(_U64(self._data, self._advance(8))[0])

    def i16(self) -> int:
        return int(_I16(self._data, self._advance(2))[0])

    def i32(self) -> int:
        return int(_I32(self._data, self._advance(4))[0])

    def i64(self) -> int:
        return int(_I64(self._data, self._advance(8))[0])

    def u16be(self) -> int:
        return int(_U16BE(self._data, self._advance(2))[0])

    def u32be(self) -> int:
        return int(_U32BE(self._data, self._advance(4))[0])

    def f32(self) -> float:
        return float(_F32(self._data, self._advance(4))[0])

    def f64(self) -> float:
        return float(_F64(self._data, self._advance(8))[0])

    def text(self, characters: int) -> str:
        """UTF-16LE; ``characters`` counts code units. ``Malformed`` for half a surrogate pair."""
        return utf16(self.take(characters * 2))

    def b_text(self) -> str:
        """B_VARCHAR: a byte that counts code units, then they."""
        count = self.u8()
        return self.text(count) if count else ""

    def us_text(self) -> str:
        """US_VARCHAR: two bytes that count code units, then they."""
        return self.text(self.u16())


def utf16(data: bytes) -> str:
    """The text of UTF-16LE bytes. Errors: ``Malformed`` for an odd byte or half a surrogate pair."""
    try:
        return data.decode("utf-16-le")
    except UnicodeDecodeError as error:
        raise Malformed(f"UTF-16: {error.reason}") from None
