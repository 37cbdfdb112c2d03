"""Types and values on the wire: exact bytes where [MS-TDS] or SQL Server fixes them, and what must hold for every value."""

from __future__ import annotations

import datetime
import math
import struct
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tds.wire_samples import COLLATION, nvarchar_max

from tsqlite import types, values
from tsqlite.errors import Unsupported
from tsqlite.tds.reader import Malformed, Reader
from tsqlite.tds.values import (
    InvalidValue,
    collation_bytes,
    column_encoder,
    encoder,
    is_case_sensitive,
    read_type_info,
    read_value,
    type_info,
    user_type,
)
from tsqlite.types import SqlType
from tsqlite.values import Storage

OFTEN = settings(max_examples=200, deadline=None)


def there_and_back(type_: SqlType, value: Storage) -> tuple[SqlType, Storage]:
    reader = Reader(type_info(type_) + encoder(type_)(value))
    wire = read_type_info(reader)
    read = read_value(reader, wire)
    assert reader.at_end
    return wire.type, read


def received(data: str | bytes) -> tuple[SqlType, Storage]:
    """What a client's TYPE_INFO and value are to the engine."""
    reader = Reader(bytes.fromhex(data) if isinstance(data, str) else data)
    wire = read_type_info(reader)
    value = read_value(reader, wire)
    assert reader.at_end, f"{reader.remaining} bytes left"
    return wire.type, value


def python(value: object, type_: SqlType) -> Storage:
    return values.encode(value, type_)


# -- exact bytes

DEC9, DEC18, DEC19, DEC28, DEC38 = (types.decimal_type(p, 2) for p in (9, 18, 19, 28, 38))
GUID = "6F9619FF-8B86-D011-B42D-00C04FC964FF"
NOON = datetime.datetime(2024, 2, 29, 12, 0, 0, 123456)
PLUS_ONE = datetime.timezone(datetime.timedelta(hours=1))
C = "09 04 d0 00 34"

EXACT = [
    (types.BIT, True, "68 01", "01 01"),
    (types.BIT.with_nullable(False), False, "32", "00"),
    (types.TINYINT, 255, "26 01", "01 ff"),
    (types.TINYINT.with_nullable(False), 255, "30", "ff"),
    (types.SMALLINT, -2, "26 02", "02 fe ff"),
    (types.SMALLINT.with_nullable(False), -2, "34", "fe ff"),
    (types.INT, 1, "26 04", "04 01 00 00 00"),
    (types.INT.with_nullable(False), -1, "38", "ff ff ff ff"),
    (types.BIGINT, -(2**63), "26 08", "08 00 00 00 00 00 00 00 80"),
    (types.BIGINT.with_nullable(False), 2**63 - 1, "7f", "ff ff ff ff ff ff ff 7f"),
    (types.REAL, 1.0, "6d 04", "04 00 00 80 3f"),
    (types.REAL.with_nullable(False), -2.0, "3b", "00 00 00 c0"),
    (types.FLOAT, 1.0, "6d 08", "08 00 00 00 00 00 00 f0 3f"),
    (types.FLOAT.with_nullable(False), 0.1, "3e", "9a 99 99 99 99 99 b9 3f"),
    # The high half of money comes first.
    (types.MONEY, Decimal("1.5"), "6e 08", "08 00 00 00 00 98 3a 00 00"),
    (types.MONEY.with_nullable(False), Decimal("-0.0001"), "3c", "ff ff ff ff ff ff ff ff"),
    (types.MONEY, Decimal("429496.7296"), "6e 08", "08 01 00 00 00 00 00 00 00"),
    (types.SMALLMONEY, Decimal("1"), "6e 04", "04 10 27 00 00"),
    (types.SMALLMONEY.with_nullable(False), Decimal("-1"), "7a", "f0 d8 ff ff"),
    # The length of a decimal goes by its precision, not by its digits; the sign is 1 for what is not negative.
    (DEC9, Decimal("123.45"), "6a 05 09 02", "05 01 39 30 00 00"),
    (DEC18, Decimal("-123.45"), "6a 09 12 02", "09 00 39 30 00 00 00 00 00 00"),
    (DEC19, Decimal("0"), "6a 09 13 02", "09 01 00 00 00 00 00 00 00 00"),
    (DEC28, Decimal("1"), "6a 0d 1c 02", "0d 01 64" + " 00" * 11),
    (DEC38, Decimal("-1"), "6a 11 26 02", "11 00 64" + " 00" * 15),
    (types.numeric(5, 0), Decimal("7"), "6c 05 05 00", "05 01 07 00 00 00"),
    (types.DATE, datetime.date(1, 1, 1), "28", "03 00 00 00"),
    (types.DATE, datetime.date(1900, 1, 1), "28", "03 5b 95 0a"),
    (types.DATE, datetime.date(9999, 12, 31), "28", "03 da b9 37"),
    (types.time_type(0), datetime.time(23, 59, 59), "29 00", "03 7f 51 01"),
    (types.time_type(3), datetime.time(0, 0, 1), "29 03", "04 e8 03 00 00"),
    (types.time_type(7), datetime.time(12), "29 07", "05 00 e0 34 95 64"),
    (types.datetime2(0), datetime.datetime(1900, 1, 1, 0, 0, 1), "2a 00", "06 01 00 00 5b 95 0a"),
    (types.datetime2(3), datetime.datetime(1900, 1, 1, 0, 0, 1), "2a 03", "07 e8 03 00 00 5b 95 0a"),
    (types.datetime2(7), datetime.datetime(1, 1, 1, 12), "2a 07", "08 00 e0 34 95 64 00 00 00"),
    # The moment is UTC's, the offset follows in minutes.
    (types.datetimeoffset(0), datetime.datetime(1900, 1, 1, 1, tzinfo=PLUS_ONE), "2b 00", "08 00 00 00 5b 95 0a 3c 00"),
    (
        types.datetimeoffset(7),
        datetime.datetime(1900, 1, 1, 11, tzinfo=datetime.timezone(-datetime.timedelta(hours=1))),
        "2b 07",
        "0a 00 e0 34 95 64 5b 95 0a c4 ff",
    ),
    (types.DATETIME, datetime.datetime(1900, 1, 2, 0, 0, 1), "6f 08", "08 01 00 00 00 2c 01 00 00"),
    (types.DATETIME.with_nullable(False), datetime.datetime(1753, 1, 1), "3d", "46 2e ff ff 00 00 00 00"),
    (types.SMALLDATETIME, datetime.datetime(1900, 1, 2, 0, 1), "6f 04", "04 01 00 01 00"),
    (types.SMALLDATETIME.with_nullable(False), datetime.datetime(2079, 6, 6, 23, 59), "3a", "ff ff 9f 05"),
    (types.UNIQUEIDENTIFIER, GUID, "24 10", "10 ff 19 96 6f 86 8b 11 d0 b4 2d 00 c0 4f c9 64 ff"),
    (types.varchar(3), "foo", f"a7 03 00 {C}", "03 00 66 6f 6f"),
    (types.varchar(8000), "€é", f"a7 40 1f {C}", "02 00 80 e9"),
    (types.varchar(1), "", f"a7 01 00 {C}", "00 00"),
    (types.char(4), "a", f"af 04 00 {C}", "04 00 61 20 20 20"),
    (types.nvarchar(4000), "ą", f"e7 40 1f {C}", "02 00 05 01"),
    (types.nvarchar(2), "😀", f"e7 04 00 {C}", "04 00 3d d8 00 de"),
    (types.nchar(3), "ab", f"ef 06 00 {C}", "06 00 61 00 62 00 20 00"),
    (types.nchar(3), "😀", f"ef 06 00 {C}", "06 00 3d d8 00 de 20 00"),
    (types.varchar(), "ab", f"a7 ff ff {C}", "02 00 00 00 00 00 00 00 02 00 00 00 61 62 00 00 00 00"),
    (types.nvarchar(), "a", f"e7 ff ff {C}", "02 00 00 00 00 00 00 00 02 00 00 00 61 00 00 00 00 00"),
    (types.nvarchar(), "", f"e7 ff ff {C}", "00 00 00 00 00 00 00 00 00 00 00 00"),
    (types.varbinary(5), b"\1\2", "a5 05 00", "02 00 01 02"),
    (types.varbinary(), b"\1", "a5 ff ff", "01 00 00 00 00 00 00 00 01 00 00 00 01 00 00 00 00"),
    (types.binary(3), b"\1", "ad 03 00", "03 00 01 00 00"),
    (types.ROWVERSION, bytes(range(8)), "ad 08 00", "08 00 00 01 02 03 04 05 06 07"),
]  # fmt: skip


@pytest.mark.parametrize(("type_", "value", "info", "data"), EXACT, ids=lambda v: str(v)[:40])
def test_a_type_and_its_value_have_these_bytes(type_: SqlType, value: object, info: str, data: str) -> None:
    assert type_info(type_).hex(" ") == info
    assert encoder(type_)(python(value, type_)).hex(" ") == data


NULLS = [
    *((t, "00") for t in (types.BIT, types.TINYINT, types.SMALLINT, types.INT, types.BIGINT, types.REAL, types.FLOAT)),
    *((t, "00") for t in (types.MONEY, types.SMALLMONEY, types.DATETIME, types.SMALLDATETIME, types.DATE)),
    *((t, "00") for t in (types.time_type(), types.datetime2(), types.datetimeoffset(), types.UNIQUEIDENTIFIER)),
    *((t, "00") for t in (DEC9, DEC38)),
    *((t, "ff ff") for t in (types.varchar(3), types.char(3), types.nvarchar(3), types.nchar(3))),
    *((t, "ff ff") for t in (types.varbinary(3), types.binary(3))),
    *((t, "ff ff ff ff ff ff ff ff") for t in (types.varchar(), types.nvarchar(), types.varbinary())),
]


@pytest.mark.parametrize(("type_", "data"), NULLS, ids=str)
def test_null_has_these_bytes_and_comes_back_as_null(type_: SqlType, data: str) -> None:
    assert encoder(type_)(None).hex(" ") == data
    assert there_and_back(type_, None) == (type_, None)


def test_a_bare_null_is_an_int_column() -> None:
    assert type_info(types.NULL).hex(" ") == "26 04"
    assert encoder(types.NULL)(None) == b"\0"
    assert list(column_encoder(types.NULL)(())) == []


def test_a_column_that_is_never_null_has_no_null() -> None:
    with pytest.raises(Unsupported, match="NOT NULL"):
        encoder(types.INT.with_nullable(False))(None)


def test_timestamp_alone_has_a_user_type() -> None:
    assert [user_type(t) for t in (types.ROWVERSION, types.binary(8), types.INT)] == [80, 0, 0]


COLLATIONS = [
    (None, "09 04 d0 00 34"),
    ("SQL_Latin1_General_CP1_CI_AS", "09 04 d0 00 34"),
    ("SQL_Latin1_General_CP1_CS_AS", "09 04 c0 00 33"),
    ("Latin1_General_CI_AS", "09 04 d0 00 00"),
    ("Latin1_General_CS_AS", "09 04 c0 00 00"),
    ("Latin1_General_CI_AS_KS", "09 04 90 00 00"),
    ("Latin1_General_CI_AS_WS", "09 04 50 00 00"),
    ("Latin1_General_CI_AS_KS_WS", "09 04 10 00 00"),
    ("Latin1_General_BIN", "09 04 00 01 00"),
    ("Latin1_General_BIN2", "09 04 00 02 00"),
    ("Latin1_General_100_CI_AS", "09 04 d0 20 00"),
    ("Latin1_General_100_CS_AS", "09 04 c0 20 00"),
    ("Latin1_General_100_CI_AS_SC", "09 04 d0 20 00"),
    ("Latin1_General_100_BIN2", "09 04 00 22 00"),
]


@pytest.mark.parametrize(("name", "data"), COLLATIONS)
def test_a_collation_is_these_five_bytes(name: str | None, data: str) -> None:
    assert collation_bytes(name).hex(" ") == data
    column = types.varchar(5).with_collation(name, "implicit")
    assert type_info(column).hex(" ") == f"a7 05 00 {data}"
    assert is_case_sensitive(column) == (name is not None and ("_CS_" in name or "_BIN" in name))


# -- there and back


@st.composite
def stored(draw: Any) -> tuple[SqlType, Storage]:
    """A type and a storage value of it, over each type's whole range."""
    kind = draw(st.sampled_from(sorted(_MAKERS)))
    return draw(_MAKERS[kind])


def _decimals() -> st.SearchStrategy[tuple[SqlType, Storage]]:
    def of(precision: int, scale: int, name: str, number: int) -> tuple[SqlType, Storage]:
        type_ = types.decimal_type(precision, min(scale, precision), name=name)
        limit = 10**precision - 1
        return type_, values.store_decimal(max(-limit, min(limit, number)), precision)

    numbers = st.integers(-(10**38) + 1, 10**38 - 1) | st.integers(-1000, 1000)
    return st.builds(of, st.integers(1, 38), st.integers(0, 38), st.sampled_from(["decimal", "numeric"]), numbers)


def _moments(kind: str) -> st.SearchStrategy[tuple[SqlType, Storage]]:
    def of(scale: int, ticks: int, offset: int) -> tuple[SqlType, Storage]:
        ticks -= ticks % 10 ** (7 - scale)
        if kind == "time":
            return types.time_type(scale), ticks % values.TICKS_PER_DAY
        if kind == "datetime2":
            return types.datetime2(scale), ticks
        local = ticks + offset * 600_000_000
        offset = offset if 0 <= local < 3_652_059 * values.TICKS_PER_DAY else 0
        return types.datetimeoffset(scale), values.dto_storage(ticks, offset)

    ticks = st.integers(0, 3_652_059 * values.TICKS_PER_DAY - 1)
    return st.builds(of, st.integers(0, 7), ticks, st.integers(-840, 840))


def _integers(type_: SqlType, low: int, high: int) -> st.SearchStrategy[tuple[SqlType, Storage]]:
    either = st.sampled_from([type_, type_.with_nullable(False)])
    return st.tuples(either, st.integers(low, high) | st.sampled_from([low, high, 0]))


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
_WESTERN = st.text(st.characters(codec="cp1252"), max_size=60)
_MAKERS: dict[str, st.SearchStrategy[tuple[SqlType, Storage]]] = {
    **{t: _integers(SqlType(t), *types.INTEGER_RANGE[t]) for t in types.INTEGER_RANGE},
    "decimal": _decimals(),
    "float": st.tuples(st.just(types.FLOAT), st.floats(allow_nan=False, allow_infinity=False)),
    "real": st.tuples(st.just(types.REAL), st.floats(width=32, allow_nan=False, allow_infinity=False)),
    "date": _integers(types.DATE, 0, 3_652_058),
    "datetime": _integers(types.DATETIME, -53_690 * 25_920_000, 2_958_464 * 25_920_000 - 1),
    "smalldatetime": _integers(types.SMALLDATETIME, 0, 65_536 * 1440 - 1),
    "time": _moments("time"),
    "datetime2": _moments("datetime2"),
    "datetimeoffset": _moments("datetimeoffset"),
    "uniqueidentifier": st.tuples(st.just(types.UNIQUEIDENTIFIER), st.binary(min_size=16, max_size=16)),
    "varbinary": st.tuples(st.sampled_from([types.varbinary(80), types.varbinary()]), st.binary(max_size=80)),
    "binary": st.tuples(st.just(types.binary(9)), st.binary(min_size=9, max_size=9)),
    "nvarchar": st.tuples(st.sampled_from([types.nvarchar(120), types.nvarchar()]), _TEXT),
    "varchar": st.tuples(st.sampled_from([types.varchar(60), types.varchar()]), _WESTERN),
}


@settings(max_examples=1500, deadline=None)
@given(stored())
def test_every_value_comes_back_as_it_is_stored(one: tuple[SqlType, Storage]) -> None:
    type_, value = one
    back, read = there_and_back(type_, value)
    assert back.same_as(type_)
    assert read == value
    assert type(read) is type(value)


@OFTEN
@given(st.lists(stored(), max_size=8))
def test_a_column_is_encoded_as_its_values_are_one_by_one(some: list[tuple[SqlType, Storage]]) -> None:
    for type_, _ in some:
        column = [v for t, v in some if t == type_]
        assert list(column_encoder(type_)(column)) == [encoder(type_)(v) for v in column]


@OFTEN
@given(st.datetimes(datetime.datetime(1900, 1, 1), datetime.datetime(2079, 6, 6)), st.integers(0, 7))
def test_a_drivers_moment_is_the_engines(moment: datetime.datetime, scale: int) -> None:
    for type_ in (types.datetime2(scale), types.DATETIME, types.SMALLDATETIME, types.datetimeoffset(scale)):
        value = python(moment, type_)
        assert values.decode(there_and_back(type_, value)[1], type_) == values.decode(value, type_)


# -- what clients send


def test_fixed_types_and_those_of_the_legacy_large_objects_are_read() -> None:
    assert received("38 ffffffff") == (types.INT, -1)
    assert received("32 05") == (types.BIT, 1)
    assert received("1f") == (types.NULL, None)
    assert received(b"\x23\xff\xff\xff\x7f" + COLLATION + b"\x03\x00\x00\x00a\x80\x81") == (types.varchar(), "a€\x81")
    assert received(b"\x63\xff\xff\xff\x7f" + COLLATION + b"\x02\x00\x00\x00\x05\x01") == (types.nvarchar(), "ą")
    assert received("22 ffffff7f 00000000") == (types.varbinary(), b"")
    assert received("22 ffffff7f ffffffff") == (types.varbinary(), None)


def test_a_decimal_may_have_fewer_bytes_than_its_precision_needs() -> None:
    assert received("6a 11 12 02 05 01 39300000") == (types.decimal_type(18, 2), 12345)
    assert received("6c 11 26 00 03 00 0100") == (types.numeric(38, 0), values.store_decimal(-1, 38))
    assert received("6a 05 05 00 05 00 00000000") == (types.decimal_type(5, 0), 0)


def test_a_string_of_a_fixed_length_is_padded_as_it_is_stored() -> None:
    assert received(b"\xef\x08\x00" + COLLATION + b"\x02\x00a\x00") == (types.nchar(4), "a   ")
    assert received(b"\xaf\x03\x00" + COLLATION + b"\x01\x00\xe9") == (types.char(3), "é  ")
    assert received("ad 0400 0100 01") == (types.binary(4), b"\1\0\0\0")


def test_a_string_without_a_declared_length_is_of_the_shortest_type() -> None:
    assert received(b"\xe7\x00\x00" + COLLATION + b"\x00\x00") == (types.nvarchar(1), "")
    assert received("a5 0000 0000") == (types.varbinary(1), b"")


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("chunks", [(), ("a",), ("a", "bc"), ("ab" * 3000, "c"), tuple("abcdef")])
def test_chunks_are_put_together(chunks: tuple[str, ...], known: bool) -> None:
    assert received(nvarchar_max(*chunks, known=known)) == (types.nvarchar(), "".join(chunks))


def test_a_character_may_be_cut_by_a_chunk() -> None:
    data = "ą😀".encode("utf-16-le")
    body = b"".join(struct.pack("<I", 1) + data[i : i + 1] for i in range(len(data)))
    head = b"\xe7\xff\xff" + COLLATION + b"\xfe" + b"\xff" * 7
    assert received(head + body + b"\0\0\0\0") == (types.nvarchar(), "ą😀")


UTF8 = bytes.fromhex("0904d02400")


def test_the_code_page_is_that_of_the_parameters_collation() -> None:
    raw = bytes(5)
    german = bytes.fromhex("0704d00000")
    for collation in (COLLATION, raw, german):
        assert received(b"\xa7\x09\x00" + collation + b"\x01\x00\xfc") == (types.varchar(9), "ü")
    assert received(b"\xa7\x09\x00" + UTF8 + b"\x02\x00\xc3\xbc") == (types.varchar(9), "ü")
    # What code page 1252 has not is '?', as with any varchar.
    assert received(b"\xa7\x09\x00" + UTF8 + "я".encode().join((b"\x02\x00", b""))) == (types.varchar(9), "?")


@pytest.mark.parametrize("collation", ["1504d00000", "1904d00000", "0904d00050"])
def test_another_code_page_is_refused(collation: str) -> None:
    with pytest.raises(Unsupported, match="1252"):
        received(b"\xa7\x09\x00" + bytes.fromhex(collation) + b"\x01\x00\xfc")


@pytest.mark.parametrize(
    ("token", "what"),
    [(0xF1, "xml"), (0xF0, "CLR"), (0xF3, "table-valued"), (0x62, "sql_variant"), (0xF4, "json"), (0xF5, "vector")],
)
def test_a_type_that_the_engine_has_not_is_refused_by_name(token: int, what: str) -> None:
    with pytest.raises(Unsupported, match=what):
        received(bytes([token]) + b"\0" * 20)


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(Unsupported, match="surrogate"):
        received(b"\xe7\x08\x00" + COLLATION + b"\x02\x00\x3d\xd8")


INVALID = {
    "nan": "6d 08 08" + struct.pack("<d", math.nan).hex(),
    "infinity": "6d 08 08" + struct.pack("<d", math.inf).hex(),
    "infinity as real": "6d 04 04" + struct.pack("<f", -math.inf).hex(),
    "more digits than the precision": "6a 11 02 00 05 01 64000000",
    "a day after 9999": "28 03 dbb937",
    "24 o'clock": "29 00 03 805101",
    "24 o'clock, datetime": "6f 08 08 00000000 00858b01",
    "before 1753": "6f 08 08 452effff 00000000",
    "minute 1440": "6f 04 04 0000 a005",
    "an offset of 15 hours": "2b 00 08 000000 5b950a 8403",
    "local time before year 1": "2b 00 08 000000 000000 c4ff",
    "bad UTF-8": "a7 0900 0904d02400 0100 ff",
}


@pytest.mark.parametrize("data", INVALID.values(), ids=INVALID)
def test_a_value_that_its_type_has_not_is_no_value(data: str) -> None:
    with pytest.raises(InvalidValue):
        received(data)


MALFORMED = {
    "no such type": "99",
    "intn of 3 bytes": "26 03 00",
    "a value of another size": "26 04 02 0100",
    "a precision of 39": "6a 11 27 00 00",
    "scale over precision": "6a 11 05 06 00",
    "a decimal of 18 bytes": "6a 11 26 00 12" + "00" * 18,
    "a time with 8 digits": "29 08 00",
    "a time of the wrong length": "29 07 03 000000",
    "nvarchar of 8002 bytes": "e7 421f 0904d00034 0000",
    "nvarchar of an odd size": "e7 0700 0904d00034 0000",
    "an odd number of bytes": "e7 0800 0904d00034 0300 610062",
    "longer than declared": "e7 0200 0904d00034 0400 61006200",
    "a binary longer than declared": "a5 0100 0200 0102",
    "chunks that are not what was announced": "a5 ffff 0300000000000000 01000000 01 00000000",
    "chunks without an end": "a5 ffff 0100000000000000 01000000 01",
    "a chunk of 4 GB": "a5 ffff feffffffffffffff ffffffff 01",
    "a total of 2 EB": "a5 ffff ffffffffffffff1f 00000000",
    "text of 4 GB": "23 ffffffff 0904d00034 feffffff 61",
    "nchar(max)": "ef ffff 0904d00034 0000",
    "binary(max)": "ad ffff 0000",
    "a guid of 15 bytes": "24 0f 00",
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_bytes_that_no_client_sends_are_malformed(data: str) -> None:
    with pytest.raises(Malformed):
        received(data)


# -- what the engine must not give


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        (types.INT, 2**31),
        (types.TINYINT, -1),
        (types.INT, "1"),
        (types.FLOAT, "x"),
        (types.varchar(2), "abc"),
        (types.nvarchar(1), "😀"),
        (types.varbinary(1), b"ab"),
        (types.varbinary(), "text"),
        (types.varchar(9), b"bytes"),
        (types.decimal_type(3, 0), 1000),
        (types.decimal_type(20, 0), values.store_decimal(10**20, 38)),
        (types.time_type(), values.TICKS_PER_DAY),
        (types.DATE, -1),
        (types.datetime2(), -1),
        (types.SMALLDATETIME, -1),
        (types.REAL, 1e39),
        (types.NULL, 1),
    ],
    ids=str,
)
def test_a_value_that_its_type_cannot_hold_is_refused_not_sent(type_: SqlType, value: Storage) -> None:
    with pytest.raises(Unsupported):
        encoder(type_)(value)


def test_a_type_without_a_form_on_the_wire_is_refused() -> None:
    with pytest.raises(Unsupported, match="sql_variant"):
        type_info(SqlType("sql_variant"))
