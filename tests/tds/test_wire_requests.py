"""What clients ask for: batches, calls and transactions, read from the messages that carry them."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from tests.tds.wire_samples import (
    EVERY_PARAMETER,
    b_text,
    batch,
    call,
    headers,
    message,
    nvarchar,
    parameter,
    rpc,
    transaction,
    utf16,
)

from tsqlite import types, values
from tsqlite.errors import SqlError, Unsupported
from tsqlite.tds.packets import Message, MessageReader, PacketType
from tsqlite.tds.reader import Malformed
from tsqlite.tds.requests import ProcId, Rpc, RpcParameter, SqlBatch, TransactionRequest, parse


def one_call(asked: Message) -> Rpc:
    [found] = parse(asked)
    assert isinstance(found, Rpc)
    return found


def test_the_specifications_batch_is_read() -> None:
    stream = bytes.fromhex(
        "01 01 005c 0000 01 00 16000000 12000000 0200 0000000000000001 00000000"
        "0a00730065006c00650063007400200027006600"
        "6f006f0027002000610073002000270062006100720027000a00200020002000200020002000200020 00"
    )
    [asked] = MessageReader().feed(stream)
    assert parse(asked) == [SqlBatch("\nselect 'foo' as 'bar'\n        ", 1 << 56)]


def test_a_batch_tells_its_transaction() -> None:
    assert parse(batch("SELECT N'ą😀';", 7)) == [SqlBatch("SELECT N'ą😀';", 7)]
    assert parse(batch("")) == [SqlBatch("")]


def test_other_headers_are_passed_over() -> None:
    notification = struct.pack("<IH", 6 + 12, 1) + struct.pack("<HHI", 0, 0, 0) + b"\0" * 4
    trace = struct.pack("<IH", 26, 3) + b"\0" * 20
    descriptor = headers(9)[4:]
    all_headers = notification + trace + descriptor
    data = struct.pack("<I", 4 + len(all_headers)) + all_headers + utf16("x")
    assert parse(message(PacketType.SQL_BATCH, data)) == [SqlBatch("x", 9)]
    assert parse(message(PacketType.SQL_BATCH, struct.pack("<I", 4) + utf16("x"))) == [SqlBatch("x")]


def test_the_specifications_call_is_read() -> None:
    stream = bytes.fromhex(
        "03 01 002f 0000 01 00 16000000 12000000 0200 0000000000000001 00000000"
        "0400 66006f006f003300 0000 00 02 26 02 00"
    )
    [asked] = MessageReader().feed(stream)
    assert parse(asked) == [
        Rpc("foo3", None, 0, (RpcParameter("", False, True, types.SMALLINT, None),), 1 << 56),
    ]


def test_a_parameter_is_by_value_by_reference_or_left_to_its_default() -> None:
    found = one_call(
        rpc(
            call(
                "dbo.p",
                parameter("38 01000000", "@a"),
                parameter("26 04 00", "@b", 1),
                parameter("26 04 00", "@c", 2),
                parameter(nvarchar("ą"), "", 3),
            )
        )
    )
    assert found.name == "dbo.p"
    assert found.proc_id is None
    assert found.parameters == (
        RpcParameter("@a", False, False, types.INT, 1),
        RpcParameter("@b", True, False, types.INT, None),
        RpcParameter("@c", False, True, types.INT, None),
        RpcParameter("", True, True, types.nvarchar(4000), "ą"),
    )


@pytest.mark.parametrize("number", range(1, 16))
def test_system_procedures_are_called_by_number(number: int) -> None:
    found = one_call(rpc(call(number)))
    assert (found.name, found.proc_id, found.parameters) == ("", ProcId(number), ())


def test_the_numbers_have_names() -> None:
    assert [ProcId(n).procedure for n in (2, 10, 11, 12, 13, 15)] == [
        "sp_cursoropen", "sp_executesql", "sp_prepare", "sp_execute", "sp_prepexec", "sp_unprepare",
    ]  # fmt: skip


def test_options_are_read() -> None:
    found = one_call(rpc(call("p", options=3)))
    assert (found.with_recompile, found.no_metadata) == (True, True)
    found = one_call(rpc(call("p", options=4)))
    assert (found.with_recompile, found.no_metadata) == (False, False)


def test_several_calls_come_in_one_message() -> None:
    calls = [call(12, parameter(f"26 04 04 0{i}000000")) for i in range(3)]
    for asked in (rpc(*calls), Message(PacketType.RPC, rpc(*calls).payload + b"\xff")):
        found = parse(asked)
        assert [f.parameters[0].value for f in found if isinstance(f, Rpc)] == [0, 1, 2]
        assert not any(f.no_exec for f in found if isinstance(f, Rpc))


def test_a_separator_may_say_that_the_call_before_is_not_run() -> None:
    asked = Message(PacketType.RPC, headers() + call("a") + b"\xfe" + call("b") + b"\xff" + call("c") + b"\xfe")
    assert [(f.name, f.no_exec) for f in parse(asked) if isinstance(f, Rpc)] == [("a", True), ("b", False), ("c", True)]


def test_a_name_of_128_characters_is_no_separator() -> None:
    name = "@" + "n" * 127
    assert one_call(rpc(call("p", parameter("1f", name)))).parameters[0].name == name


def test_parameters_of_every_type_are_read() -> None:
    first, second = parse(EVERY_PARAMETER)
    assert isinstance(first, Rpc) and isinstance(second, Rpc)
    found = {p.name: values.decode(p.value, p.type) for p in first.parameters}
    assert {k: str(v) for k, v in found.items()} == {
        "": "SELECT @a", "@params": "@a int", "@null": "None", "@tinyint": "255", "@bigint": "None", "@int": "-1",
        "@bit": "True", "@float": "1.0", "@money": "1.0000", "@decimal": "123.45",
        "@numeric": "-922337203.6854775807", "@datetime": "1900-01-01 00:00:01", "@smalldatetime": "1900-01-01 00:01:00",
        "@date": "1900-01-01", "@time": "00:00:00", "@datetime2": "1900-01-01 00:00:00",
        "@datetimeoffset": "1900-01-01 01:00:00+01:00", "@guid": "33221100-5544-7766-8899-AABBCCDDEEFF",
        "@varchar": "abc", "@nchar": "a   ", "@varbinary": str(b"\1\2"), "@blob": str(b"\1\2\3"), "@ntext": "ab",
        "@text": "ab", "@image": str(b"\1\2"),
    }  # fmt: skip
    assert [p.name for p in second.parameters] == ["@i", "@j"]


def test_more_parameters_than_sql_server_takes_are_an_error() -> None:
    assert len(one_call(rpc(call("p", *[parameter("1f")] * 2100))).parameters) == 2100
    with pytest.raises(SqlError) as caught:
        parse(rpc(call("p", *[parameter("1f")] * 2101)))
    assert caught.value.number == 8003


def test_a_value_that_its_type_has_not_is_an_error_that_names_the_parameter() -> None:
    nan = "6d 08 08" + struct.pack("<d", float("nan")).hex()
    with pytest.raises(SqlError) as caught:
        parse(rpc(call("p", parameter("1f"), parameter(nan, "@price"))))
    assert caught.value.number == 8023
    assert 'Parameter 2 ("@price")' in caught.value.message
    assert "data type float" in caught.value.message


REFUSED: dict[str, Callable[[], Message]] = {
    "table-valued": lambda: rpc(call("p", parameter("f3 00 00 0000"))),
    "xml": lambda: rpc(call("p", parameter("f1 00 ffffffffffffffff"))),
    "encrypted": lambda: rpc(call("p", parameter("1f", flags=8))),
    "Bulk load": lambda: message(PacketType.BULK, b"\x81"),
    "distributed": lambda: transaction("0100 0000"),
    "coordinator": lambda: transaction("0000 0000"),
    "Promoting": lambda: transaction("0600"),
    "surrogate": lambda: message(PacketType.SQL_BATCH, headers() + b"\x00\xd8"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_the_engine_has_not_is_refused_by_name(what: str) -> None:
    with pytest.raises(Unsupported, match=what):
        parse(REFUSED[what]())


@pytest.mark.parametrize("in_characters", [False, True])
def test_transactions_are_begun_saved_and_ended(in_characters: bool) -> None:
    def name(text: str) -> str:
        return b_text(text).hex() if in_characters else (bytes([2 * len(text)]) + utf16(text)).hex()

    assert parse(transaction("0500 00 00")) == [TransactionRequest("begin")]
    assert parse(transaction("0500 05" + name("t"), 3)) == [TransactionRequest("begin", "t", "SNAPSHOT", transaction=3)]
    assert parse(transaction("0900" + name("point"), 3)) == [TransactionRequest("save", "point", transaction=3)]
    assert parse(transaction("0700 00 00", 3)) == [TransactionRequest("commit", transaction=3)]
    assert parse(transaction("0800 00 00", 3)) == [TransactionRequest("rollback", transaction=3)]
    # After the end a new one begins.
    assert parse(transaction("0700 00 01 02 00")) == [TransactionRequest("commit", "", "READ COMMITTED", True)]
    assert parse(transaction("0800 02 7400 01 04" + name("next"))) == [
        TransactionRequest("rollback", "t", "SERIALIZABLE", True, "next")
    ]


MALFORMED = {
    "a batch without headers": message(PacketType.SQL_BATCH, utf16("SELECT 1")),
    "headers longer than the message": message(PacketType.SQL_BATCH, struct.pack("<I", 100)),
    "headers shorter than themselves": message(PacketType.SQL_BATCH, struct.pack("<I", 3) + b"\0" * 30),
    "a header longer than the headers": message(PacketType.SQL_BATCH, struct.pack("<IIH", 10, 40, 2) + b"\0" * 60),
    "a header of no length": message(PacketType.SQL_BATCH, struct.pack("<IIH", 10, 0, 2)),
    "a descriptor twice": message(PacketType.SQL_BATCH, struct.pack("<I", 40) + headers()[4:] * 2),
    "an unknown header": message(PacketType.SQL_BATCH, struct.pack("<IIH", 10, 6, 9)),
    "half a character": message(PacketType.SQL_BATCH, headers() + b"a"),
    "no call": rpc(b""),
    "a call without a name": rpc(struct.pack("<HH", 0, 0)),
    "a name beyond the end": rpc(struct.pack("<HH", 500, 0)),
    "procedure 0": rpc(call(0)),
    "procedure 16": rpc(call(16)),
    "an unknown type": rpc(call("p", parameter("99"))),
    "a parameter without a value": rpc(call("p", parameter("26 04"))),
    "a separator in front": rpc(b"\xff" + call("p")),
    "transaction request 2": transaction("0200"),
    "transaction request 22, as the specification's example has it": transaction("1600"),
    "isolation level 6": transaction("0500 06 00"),
    "a savepoint without a name": transaction("0900 00"),
    "bytes behind a commit": transaction("0700 00 00 00"),
    "a transaction's name cut short": transaction("0500 00 08 6100"),
    "a login where a request is due": message(PacketType.LOGIN7, b""),
    "an SSPI message": message(PacketType.SSPI, b""),
}


@pytest.mark.parametrize("asked", MALFORMED.values(), ids=MALFORMED)
def test_a_request_that_no_client_sends_is_malformed(asked: Message) -> None:
    with pytest.raises(Malformed):
        parse(asked)
