"""Messages cut into packets and put together again, whatever the pieces in which they come."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsqlite.tds.packets import (
    HEADER,
    MAX_PACKET,
    MIN_PACKET,
    Message,
    MessageReader,
    PacketType,
    PacketWriter,
    packets,
)
from tsqlite.tds.reader import Malformed, Reader

SOME = settings(max_examples=150, deadline=None)


def packet(kind: int, payload: bytes, status: int = 1, length: int | None = None) -> bytes:
    return struct.pack(">BBHHBB", kind, status, HEADER + len(payload) if length is None else length, 0, 1, 0) + payload


def split(data: bytes) -> list[tuple[int, int, int, int, bytes]]:
    """Type, status, SPID, number and payload of each packet."""
    found = []
    while data:
        kind, status, length, spid, number, window = struct.unpack(">BBHHBB", data[:HEADER])
        assert window == 0
        found.append((kind, status, spid, number, data[HEADER:length]))
        data = data[length:]
    return found


def test_the_attention_of_the_specification_is_read() -> None:
    assert MessageReader().feed(bytes.fromhex("0601000800000100")) == [Message(PacketType.ATTENTION, b"")]


@pytest.mark.parametrize("size", [MIN_PACKET, 513, 4096, 8000, 32_767])
@pytest.mark.parametrize("length", [0, 1, 503, 504, 505, 1008, 4088, 4089, 40_000])
def test_a_message_of_any_length_comes_back_from_packets_of_any_size(size: int, length: int) -> None:
    payload = bytes(i % 251 for i in range(length))
    data = packets(PacketType.SQL_BATCH, payload, size, 57)
    found = split(data)
    assert b"".join(p[4] for p in found) == payload
    assert all(HEADER + len(p[4]) == size for p in found[:-1])
    assert [p[1] for p in found] == [0] * (len(found) - 1) + [1]
    assert [p[3] for p in found] == [(i + 1) % 256 for i in range(len(found))]
    assert {p[2] for p in found} == {57}
    assert MessageReader().feed(data) == [Message(PacketType.SQL_BATCH, payload)]


@SOME
@given(st.lists(st.binary(max_size=3000), min_size=1, max_size=4), st.integers(MIN_PACKET, 5000), st.data())
def test_messages_come_whole_and_in_order_however_the_stream_is_cut(
    payloads: list[bytes], size: int, data: st.DataObject
) -> None:
    stream = b"".join(packets(PacketType.RPC, p, size) for p in payloads)
    reader, found, at = MessageReader(), [], 0
    while at < len(stream):
        step = data.draw(st.integers(1, len(stream)))
        found += reader.feed(stream[at : at + step])
        at += step
    assert [m.payload for m in found] == payloads
    assert not reader.in_message


def test_a_message_may_come_byte_by_byte() -> None:
    reader = MessageReader()
    stream = packets(PacketType.SQL_BATCH, b"x" * 600, MIN_PACKET) + packets(PacketType.ATTENTION, b"")
    found = [m for b in stream for m in reader.feed(bytes([b]))]
    assert [(m.type, len(m.payload)) for m in found] == [(PacketType.SQL_BATCH, 600), (PacketType.ATTENTION, 0)]


def test_the_first_packet_asks_for_a_reset_and_the_last_one_gives_up() -> None:
    reader = MessageReader()
    first, last = packet(1, b"a", 0x08), packet(1, b"b", 0x01)
    assert reader.feed(first) == []
    assert reader.in_message
    assert reader.feed(last) == [Message(PacketType.SQL_BATCH, b"ab", reset_connection=True)]
    assert reader.feed(packet(1, b"a", 0x11)) == [
        Message(PacketType.SQL_BATCH, b"a", reset_connection=True, keep_transaction=True)
    ]
    assert reader.feed(packet(1, b"a", 0) + packet(1, b"b", 0x09)) == [Message(PacketType.SQL_BATCH, b"ab")]
    assert reader.feed(packet(1, b"a", 0x03)) == [Message(PacketType.SQL_BATCH, b"a", ignore=True)]


@pytest.mark.parametrize(
    "data",
    [
        packet(0x04, b""),
        packet(0x00, b""),
        packet(0x53, b"SMP"),
        packet(0x47, b"ET / HTTP/1.1\r\n"),
        packet(1, b"", length=7),
        packet(1, b"", length=0),
        packet(1, b"", length=MAX_PACKET + 1),
        packet(1, b"", length=0xFFFF),
        packet(1, b"a", 0) + packet(3, b"b"),
        packet(1, b"a", 0) + packet(6, b""),
    ],
    ids=lambda d: d[:12].hex(),
)
def test_what_is_no_packet_of_a_client_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        MessageReader().feed(data)


def test_a_message_over_the_limit_is_malformed_before_it_has_come() -> None:
    reader = MessageReader(limit=1000)
    assert reader.feed(packet(1, b"x" * 900, 0)) == []
    with pytest.raises(Malformed, match="1000"):
        # The header alone tells.
        reader.feed(packet(1, b"", 0, length=HEADER + 101))


def test_a_packet_over_the_agreed_size_is_malformed() -> None:
    with pytest.raises(Malformed):
        MessageReader(packet_limit=4096).feed(packet(1, b"", length=4097))


def test_what_follows_a_message_can_be_taken_out() -> None:
    reader = MessageReader()
    assert len(reader.feed(packet(18, b"hello") + b"\x16\x03")) == 1
    assert reader.rest() == b"\x16\x03"
    assert not reader.in_message


@SOME
@given(st.lists(st.binary(max_size=1500), max_size=6), st.integers(MIN_PACKET, 2000), st.booleans())
def test_a_message_written_in_pieces_is_the_message(pieces: list[bytes], size: int, flush: bool) -> None:
    writer = PacketWriter(PacketType.RESULT, size, 51)
    out = b""
    for piece in pieces:
        out += writer.write(piece)
        if flush:
            out += writer.flush()
    out += writer.finish()
    found = split(out)
    assert b"".join(p[4] for p in found) == b"".join(pieces)
    assert [p[1] for p in found] == [0] * (len(found) - 1) + [1]
    assert [p[3] for p in found] == [(i + 1) % 256 for i in range(len(found))]
    assert all(HEADER + len(p[4]) <= size for p in found)
    if not flush:
        assert out == packets(PacketType.RESULT, b"".join(pieces), size, 51)
    # The next message's numbers begin anew.
    assert split(writer.finish())[0][3] == 1


def test_a_reader_never_gives_more_than_there_is() -> None:
    for method in ("u8", "u16", "u32", "u64", "i16", "i32", "i64", "u16be", "u32be", "f32", "f64", "b_text", "peek"):
        with pytest.raises(Malformed):
            getattr(Reader(b""), method)()
    for count in (2, 2**31, 2**64, -1):
        with pytest.raises(Malformed):
            Reader(b"a").take(count)
    with pytest.raises(Malformed):
        Reader(b"\x05\x00a").us_text()
    with pytest.raises(Malformed):
        Reader(b"\x00\xd8").text(1)
    reader = Reader(b"\x01\x02\x03\x04\x05\x06")
    assert (reader.u16(), reader.u16be(), reader.remaining, reader.at_end) == (0x0201, 0x0304, 2, False)
    assert (reader.rest(), reader.at_end, reader.position) == (b"\x05\x06", True, 6)
