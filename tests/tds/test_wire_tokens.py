"""The answers of a server, token by token."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsqlite import types
from tsqlite.errors import Unsupported
from tsqlite.tds.tokens import ColumnInfo, Command, Done, Tokens
from tsqlite.tds.values import encoder
from tsqlite.types import SqlType
from tsqlite.values import Storage

NOT_NULL = types.INT.with_nullable(False)


def made(build: Callable[[Tokens], None]) -> bytes:
    tokens = Tokens()
    build(tokens)
    return tokens.take()


def of(data: str) -> bytes:
    return bytes.fromhex(data)


def test_the_specifications_answer_to_a_batch() -> None:
    tokens = Tokens()
    tokens.columns([ColumnInfo("bar", types.varchar(3, nullable=False), computed=True)])
    tokens.row(("foo",))
    tokens.done(count=1, command=Command.SELECT)
    assert tokens.take() == of(
        "81 0100 00000000 2000 a7 0300 0904d00034 03 620061007200  d1 0300 666f6f  fd 1000 c100 0100000000000000"
    )


def test_the_specifications_answer_to_a_call() -> None:
    tokens = Tokens()
    tokens.done(Done.DONEINPROC, count=1, more=True, command=Command.SELECT)
    tokens.return_status(0)
    tokens.done(Done.DONEPROC, command=Command.EXECUTE)
    assert tokens.take() == of("ff 1100 c100 0100000000000000  79 00000000  fe 0000 e000 0000000000000000")


def test_the_specifications_answer_to_a_login() -> None:
    tokens = Tokens()
    tokens.env_database("master", "master")
    tokens.info(5701, "Changed database context to 'master'.", state=2)
    tokens.env_collation()
    tokens.env_language("us_english")
    tokens.env_packet_size(4096)
    tokens.info(5703, "Changed language setting to us_english.")
    tokens.login_ack(version=(0, 0, 0), tds_version=0x72090002)
    tokens.done()
    expected = of(
        "e31b0001066d0061007300740065007200066d0061007300740065007200"
        "ab580045160000020025004300680061006e0067006500640020006400610074006100620061007300650020"
        "0063006f006e007400650078007400200074006f00200027006d006100730074006500720027002e000000000000 00"
        "e30800070509 04d00034 00"
        "e31700020a750073005f0065006e0067006c0069007300680000"
        "e313000404340030003900360004340030003900360 0"
        "ab5c0047160000010027004300680061006e0067006500640020006c0061006e0067007500610067006500200073006500740074"
        "0069006e006700200074006f002000750073005f0065006e0067006c006900730068002e00000000000000"
        "ad36000172090002164d006900630072006f0073006f00660074002000530051004c00200053006500720076006500720000000000 00000000"
        "fd000000000000000000000000".replace(" ", "")
    )
    assert tokens.take() == expected


def test_a_version_has_its_build_in_two_bytes() -> None:
    assert made(lambda t: t.login_ack(version=(14, 0, 3456))).endswith(of("0e 00 0d80"))
    assert made(lambda t: t.login_ack())[3:8] == of("01 74000004")


FLAGS = [
    (ColumnInfo("c", types.INT), 0x0009),
    (ColumnInfo("c", NOT_NULL), 0x0008),
    (ColumnInfo("c", NOT_NULL, identity=True), 0x0010),
    (ColumnInfo("c", types.INT, computed=True), 0x0021),
    (ColumnInfo("c", NOT_NULL, updatable=True), 0x0004),
    (ColumnInfo("c", NOT_NULL, updatable=False), 0x0000),
    (ColumnInfo("c", NOT_NULL, key=True, hidden=True), 0x6008),
    (ColumnInfo("c", types.ROWVERSION.with_nullable(False)), 0x0000),
    (ColumnInfo("c", types.nvarchar(5).with_collation("Latin1_General_CS_AS", "implicit")), 0x000B),
    (ColumnInfo("c", types.NULL, computed=True), 0x0021),
]


@pytest.mark.parametrize(("column", "flags"), FLAGS, ids=lambda v: str(v)[:60])
def test_what_is_said_of_a_column(column: ColumnInfo, flags: int) -> None:
    user = 80 if column.type.name == "rowversion" else 0
    assert made(lambda t: t.columns([column]))[:9] == b"\x81\x01\x00" + struct.pack("<IH", user, flags)


def test_a_column_may_have_no_name() -> None:
    assert made(lambda t: t.columns([ColumnInfo("", NOT_NULL)])).endswith(b"\x38\x00")


def test_a_client_may_ask_for_no_metadata() -> None:
    tokens = Tokens()
    tokens.columns([ColumnInfo("a", NOT_NULL)], metadata=False)
    tokens.row((5,))
    assert tokens.take() == of("81 ffff d1 05000000")
    assert made(lambda t: t.columns([])) == of("81 ffff")


def test_a_row_with_a_null_says_which_are_null_and_leaves_them_out() -> None:
    tokens = Tokens()
    tokens.columns([ColumnInfo(str(i), types.TINYINT) for i in range(10)])
    tokens.take()
    tokens.row(range(10))
    assert tokens.take() == of("d1 0100 0101 0102 0103 0104 0105 0106 0107 0108 0109")
    tokens.row((0, None, 2, 3, 4, 5, 6, 7, 8, None))
    assert tokens.take() == of("d2 0202 0100 0102 0103 0104 0105 0106 0107 0108")
    tokens.row((None,) * 10)
    assert tokens.take() == of("d2 ff03")


_COLUMNS: list[tuple[SqlType, st.SearchStrategy[Storage]]] = [
    (NOT_NULL, st.integers(-(2**31), 2**31 - 1)),
    (types.BIGINT, st.integers(-(2**63), 2**63 - 1)),
    (types.nvarchar(40), st.text(st.characters(exclude_categories=["Cs"]), max_size=20)),
    (types.varbinary(), st.binary(max_size=20)),
    (types.decimal_type(9, 2), st.integers(-(10**9) + 1, 10**9 - 1)),
    (types.datetime2(3), st.integers(0, 10**14).map(lambda v: v * 10_000)),
]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(range(len(_COLUMNS))), min_size=1, max_size=12), st.data())
def test_many_rows_at_once_are_the_rows_one_by_one(chosen: list[int], data: st.DataObject) -> None:
    columns = [_COLUMNS[i] for i in chosen]
    one = st.tuples(*[v if not t.nullable else st.none() | v for t, v in columns])
    rows = data.draw(st.lists(one, max_size=6))
    tokens = Tokens()
    tokens.columns([ColumnInfo("c", t) for t, _ in columns])
    tokens.take()
    tokens.rows(rows)
    expected = b""
    for row in rows:
        nulls = sum(1 << i for i, v in enumerate(row) if v is None)
        expected += b"\xd2" + nulls.to_bytes((len(row) + 7) // 8, "little") if nulls else b"\xd1"
        expected += b"".join(encoder(t)(v) for (t, _), v in zip(columns, row, strict=True) if v is not None)
    assert tokens.take() == expected


def test_a_value_that_cannot_be_sent_leaves_what_was_there() -> None:
    tokens = Tokens()
    tokens.columns([ColumnInfo("a", types.TINYINT)])
    before = bytes(tokens.data)
    with pytest.raises(Unsupported, match="tinyint"):
        tokens.rows([(1,), (256,), (3,)])
    with pytest.raises(Unsupported):
        tokens.return_value(0, "@a", types.TINYINT, 256)
    with pytest.raises(Unsupported):
        tokens.columns([ColumnInfo("a", SqlType("sql_variant"))])
    assert bytes(tokens.data) == before
    tokens.row((1,))
    assert bytes(tokens.data) == before + of("d1 0101")


def test_a_row_has_as_many_values_as_there_are_columns() -> None:
    tokens = Tokens()
    tokens.columns([ColumnInfo("a", types.TINYINT)])
    with pytest.raises(ValueError, match="1 columns"):
        tokens.rows([(1,), (1, 2)])


DONES = [
    ({}, "0000"),
    ({"more": True}, "0100"),
    ({"error": True}, "0200"),
    ({"in_transaction": True}, "0400"),
    ({"attention": True}, "2000"),
    ({"server_error": True}, "0001"),
    ({"more": True, "error": True, "in_transaction": True}, "0700"),
]


@pytest.mark.parametrize(("flags", "status"), DONES, ids=str)
def test_a_done_says_how_it_ended(flags: dict[str, bool], status: str) -> None:
    assert made(lambda t: t.done(**flags)) == of("fd" + status + "0000" + "00" * 8)  # type: ignore[arg-type]


def test_a_count_of_nothing_is_a_count() -> None:
    assert made(lambda t: t.done(count=0)) == of("fd 1000 0000 0000000000000000")
    assert made(lambda t: t.done(Done.DONEPROC, count=2**40)) == of("fe 1000 0000 0000000000010000")


def test_an_error_has_all_its_parts() -> None:
    data = made(lambda t: t.error(547, "No.", severity=14, state=3, line=70_000, procedure="p", server="S"))
    assert data == of("aa 1800 23020000 03 0e 0300 4e006f002e00 01 5300 01 7000 70110100")
    assert made(lambda t: t.info(0, "x"))[:10] == of("ab 1000 00000000 01 00 01")[:10]


def test_a_message_too_long_for_its_token_is_cut_between_characters() -> None:
    data = made(lambda t: t.error(50_000, "a" + "😀" * 40_000, server="s" * 300, procedure="p" * 128))
    length, units = struct.unpack_from("<H", data, 1)[0], struct.unpack_from("<H", data, 9)[0]
    assert length == len(data) - 3
    text = data[11 : 11 + 2 * units].decode("utf-16-le")
    assert text == "a" + "😀" * 15_499


ENVIRONMENT: list[tuple[Callable[[Tokens], None], str]] = [
    (lambda t: t.env_database("b", "a"), "e3 0700 01 01 6200 01 6100"),
    (lambda t: t.env_language("us"), "e3 0700 02 02 75007300 00"),
    (lambda t: t.env_packet_size(8000, 512), "e3 1100 04 04 3800300030003000 03 350031003200"),
    (lambda t: t.env_collation("Latin1_General_BIN2"), "e3 0800 07 05 0904000200 00"),
    (lambda t: t.env_collation(None, "Latin1_General_BIN2"), "e3 0d00 07 05 0904d00034 05 0904000200"),
    (lambda t: t.env_begin(0x0102030405060708), "e3 0b00 08 08 0807060504030201 00"),
    (lambda t: t.env_commit(1), "e3 0b00 09 00 08 0100000000000000"),
    (lambda t: t.env_rollback(1), "e3 0b00 0a 00 08 0100000000000000"),
    (lambda t: t.env_reset_ack(), "e3 0300 12 00 00"),
    (lambda t: t.env_routing("h", 1433), "e3 0c00 14 0700 00 9905 0100 6800 0000"),
    (lambda t: t.feature_ext_ack({0x0A: b"\1", 1: b""}), "ae 0a 01000000 01 01 00000000 ff"),
    (lambda t: t.order([1, 3]), "a9 0400 0100 0300"),
    (lambda t: t.return_status(-6), "79 faffffff"),
    (lambda t: t.return_value(2, "@x", NOT_NULL, 5), "ac 0200 02 40007800 01 00000000 0000 26 04 04 05000000"),
    (
        lambda t: t.return_value(0, "", types.varchar(2), None, function=True),
        "ac 0000 00 02 00000000 0000 a7 0200 0904d00034 ffff",
    ),
]


@pytest.mark.parametrize(("build", "data"), ENVIRONMENT, ids=[d[:20] for _, d in ENVIRONMENT])
def test_other_tokens_have_these_bytes(build: Callable[[Tokens], None], data: str) -> None:
    assert made(build) == of(data)


def test_what_is_taken_is_forgotten() -> None:
    tokens = Tokens()
    tokens.columns([ColumnInfo("a", NOT_NULL)])
    assert len(tokens) == len(tokens.take())
    assert (len(tokens), tokens.take()) == (0, b"")
    tokens.row((1,))
    assert tokens.take() == of("d1 01000000")
