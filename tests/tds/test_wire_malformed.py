"""Whatever bytes come, the parsers answer with a request, a refusal or ``Malformed``: nothing else, and soon."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tds.wire_samples import EVERY_PARAMETER, batch, call, headers, rpc, transaction

from tsqlite.errors import SqlError, Unsupported
from tsqlite.tds.login import Login, build_login, parse_login
from tsqlite.tds.packets import Message, MessageReader, PacketType, packets
from tsqlite.tds.prelogin import Prelogin, build_prelogin, parse_prelogin
from tsqlite.tds.reader import Malformed
from tsqlite.tds.requests import parse

Parser = Callable[[bytes], object]


def of(kind: PacketType) -> Parser:
    return lambda data: parse(Message(kind, data))


SAMPLES: dict[str, tuple[Parser, bytes]] = {
    "prelogin": (parse_prelogin, build_prelogin(Prelogin((14, 0, 1, 2), instance=b"x", thread_id=1, mars=False))),
    "login": (
        parse_login,
        build_login(Login(user="sa", password="x", database="d", features={1: b"", 10: b"\1"}, new_password="y")),
    ),
    "batch": (of(PacketType.SQL_BATCH), batch("SELECT N'ą😀';").payload),
    "rpc": (of(PacketType.RPC), EVERY_PARAMETER.payload),
    "two calls": (of(PacketType.RPC), rpc(call(12), call("dbo.p")).payload),
    "begin": (of(PacketType.TRANSACTION), transaction("0500 05 02 7400").payload),
    "commit": (of(PacketType.TRANSACTION), transaction("0700 02 7400 01 02 02 7500").payload),
}


def survives(parser: Parser, data: bytes) -> bool:
    """Whether a request came out. Any exception but the three fails the test."""
    try:
        parser(data)
    except (Malformed, Unsupported, SqlError):
        return False
    return True


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_sample_itself_is_read(sample: str) -> None:
    assert survives(*SAMPLES[sample])


@pytest.mark.parametrize("sample", SAMPLES)
def test_no_beginning_of_a_message_breaks_a_parser(sample: str) -> None:
    parser, data = SAMPLES[sample]
    for end in range(len(data)):
        survives(parser, data[:end])


@pytest.mark.parametrize("sample", SAMPLES)
def test_no_changed_byte_breaks_a_parser(sample: str) -> None:
    parser, data = SAMPLES[sample]
    for at in range(len(data)):
        for value in (0, 1, 0x7F, 0x80, 0xFE, 0xFF, data[at] ^ 0x20):
            survives(parser, data[:at] + bytes([value]) + data[at + 1 :])


@pytest.mark.parametrize("sample", SAMPLES)
def test_no_number_of_changes_breaks_a_parser(sample: str) -> None:
    parser, data = SAMPLES[sample]
    chance = random.Random(sample)
    for _ in range(1500):
        changed = bytearray(data)
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(changed))
            match chance.randrange(4):
                case 0:
                    changed[at] = chance.randrange(256)
                case 1:
                    del changed[at : at + chance.randint(1, 8)]
                case 2:
                    changed[at:at] = chance.randbytes(chance.randint(1, 8))
                case _:
                    changed[at : at + 4] = chance.choice((b"\xff\xff\xff\xff", b"\xfe\xff\xff\xff", b"\0\0\0\0"))
            if not changed:
                changed = bytearray(data)
        survives(parser, bytes(changed))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(sorted(SAMPLES)))
def test_no_bytes_at_all_break_a_parser(data: bytes, sample: str) -> None:
    parser, _ = SAMPLES[sample]
    survives(parser, data)
    survives(parser, headers() + data)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400), st.integers(1, 50))
def test_no_stream_breaks_the_reader_of_packets(data: bytes, step: int) -> None:
    for stream in (data, packets(PacketType.RPC, data)[: len(data)] + data):
        reader = MessageReader(limit=10_000)
        try:
            for at in range(0, len(stream), step):
                reader.feed(stream[at : at + step])
        except Malformed:
            continue


def test_a_length_alone_allocates_nothing() -> None:
    huge = [
        "23 ffffffff 0904d00034 feffff7f",
        "a5 ffff f0ffffffffffff7f ffffff7f",
        "e7 ffff 0904d00034 feffffffffffffff f0ffffff",
        "a5 401f fe1f",
    ]
    tracemalloc.start()
    try:
        for data in huge:
            with pytest.raises(Malformed):
                parse(rpc(call("p", b"\0\0" + bytes.fromhex(data))))
        with pytest.raises(Malformed):
            parse(Message(PacketType.SQL_BATCH, b"\xff\xff\xff\x7f"))
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
