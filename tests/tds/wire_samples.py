"""Messages as clients send them, put together by hand from [MS-TDS]: what the parsers of the wire are tried on."""

from __future__ import annotations

import struct

from tsqlite.tds.packets import Message, PacketType

COLLATION = bytes.fromhex("0904d00034")
"""SQL_Latin1_General_CP1_CI_AS."""


def headers(transaction: int = 0) -> bytes:
    """ALL_HEADERS with the transaction descriptor alone."""
    return struct.pack("<IIHQI", 22, 18, 2, transaction, 1)


def utf16(text: str) -> bytes:
    return text.encode("utf-16-le")


def b_text(text: str) -> bytes:
    return bytes([len(utf16(text)) // 2]) + utf16(text)


def us_text(text: str) -> bytes:
    return struct.pack("<H", len(utf16(text)) // 2) + utf16(text)


def parameter(type_and_value: str | bytes, name: str = "", flags: int = 0) -> bytes:
    """A parameter whose TYPE_INFO and value are given as hex or as bytes."""
    data = bytes.fromhex(type_and_value) if isinstance(type_and_value, str) else type_and_value
    return b_text(name) + bytes([flags]) + data


def call(procedure: str | int, *parameters: bytes, options: int = 0) -> bytes:
    """One call of an RPC message, without headers."""
    head = us_text(procedure) if isinstance(procedure, str) else struct.pack("<HH", 0xFFFF, procedure)
    return head + struct.pack("<H", options) + b"".join(parameters)


def nvarchar(text: str | None, size: int = 8000) -> bytes:
    """TYPE_INFO and value of nvarchar(size / 2)."""
    head = b"\xe7" + struct.pack("<H", size) + COLLATION
    return head + (b"\xff\xff" if text is None else struct.pack("<H", len(utf16(text))) + utf16(text))


def nvarchar_max(*chunks: str, known: bool = True) -> bytes:
    """TYPE_INFO and value of nvarchar(max), in these chunks; the length in front known or not."""
    pieces = [utf16(c) for c in chunks]
    total = sum(map(len, pieces)) if known else 0xFFFF_FFFF_FFFF_FFFE
    body = b"".join(struct.pack("<I", len(p)) + p for p in pieces)
    return b"\xe7\xff\xff" + COLLATION + struct.pack("<Q", total) + body + b"\0\0\0\0"


def message(kind: PacketType, payload: bytes) -> Message:
    return Message(kind, payload)


def batch(text: str, transaction: int = 0) -> Message:
    return Message(PacketType.SQL_BATCH, headers(transaction) + utf16(text))


def rpc(*calls: bytes, separator: bytes = b"\xff") -> Message:
    return Message(PacketType.RPC, headers() + separator.join(calls))


def transaction(payload: str, descriptor: int = 0) -> Message:
    return Message(PacketType.TRANSACTION, headers(descriptor) + bytes.fromhex(payload))


EVERY_PARAMETER = rpc(
    call(
        10,
        parameter(nvarchar("SELECT @a")),
        parameter(nvarchar_max("@a int"), "@params"),
        parameter("1f", "@null"),
        parameter("26 01 01 ff", "@tinyint"),
        parameter("26 08 00", "@bigint"),
        parameter("38 ffffffff", "@int"),
        parameter("68 01 01 01", "@bit"),
        parameter("6d 08 08 000000000000f03f", "@float"),
        parameter("6e 08 08 00000000 10270000", "@money"),
        parameter("6a 11 12 02 05 01 39300000", "@decimal"),
        parameter("6c 11 26 0a 11 00 ffffffffffffff7f0000000000000000", "@numeric"),
        parameter("6f 08 08 00000000 2c010000", "@datetime"),
        parameter("6f 04 04 0000 0100", "@smalldatetime"),
        parameter("28 03 5b950a", "@date"),
        parameter("29 07 05 0000000000", "@time"),
        parameter("2a 03 07 00000000 5b950a", "@datetime2"),
        parameter("2b 07 0a 0000000000 5b950a 3c00", "@datetimeoffset"),
        parameter("24 10 10 00112233445566778899aabbccddeeff", "@guid"),
        parameter(b"\xa7\x1e\x00" + COLLATION + b"\x03\x00abc", "@varchar"),
        parameter(b"\xef\x08\x00" + COLLATION + b"\x02\x00a\x00", "@nchar"),
        parameter("a5 0800 0200 0102", "@varbinary"),
        parameter("a5 ffff feffffffffffffff 01000000 01 02000000 0203 00000000", "@blob"),
        parameter(b"\x63\xff\xff\xff\x7f" + COLLATION + b"\x04\x00\x00\x00a\x00b\x00", "@ntext"),
        parameter(b"\x23\xff\xff\xff\x7f" + COLLATION + b"\x02\x00\x00\x00ab", "@text"),
        parameter("22 ffffff7f 02000000 0102", "@image"),
    ),
    call("dbo.p", parameter("26 04 04 01000000", "@i", 1), parameter("26 04 00", "@j", 2)),
)
"""Two calls, with a parameter of every type that clients send."""
