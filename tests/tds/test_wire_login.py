"""PRELOGIN and LOGIN7, as [MS-TDS] shows them and as drivers send them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsqlite.tds.login import Feature, Login, build_login, parse_login
from tsqlite.tds.prelogin import Encryption, Prelogin, build_prelogin, parse_prelogin
from tsqlite.tds.reader import Malformed

PRELOGIN = bytes.fromhex(
    "00 001a 0006  01 0020 0001  02 0021 0001  03 0022 0004  04 0026 0001  ff 090000000000 01 00 b80d0000 01"
)
"""The request of [MS-TDS] 4.1."""
LOGIN = bytes.fromhex(
    "88000000 02000972 00100000 00000007 00010000 00000000 e0 03 00 00 00000000 09040000"
    "5e000800 6e000200 72000000 72000700 80000000 80000000 80000400 88000000 88000000 00508be2b78f 88000000 88000000"
    "88000000 00000000"
    "73006b006f00730074006f00760031007300610"
    "04f00530051004c002d00330032004f00440042004300"
)
"""The request of [MS-TDS] 4.2."""


def test_the_specifications_prelogin_is_read() -> None:
    assert parse_prelogin(PRELOGIN) == Prelogin(
        (9, 0, 0, 0), Encryption.ON, instance=b"", thread_id=0xB80D0000, mars=True
    )


def test_a_prelogin_built_is_the_specifications() -> None:
    assert build_prelogin(parse_prelogin(PRELOGIN)) == PRELOGIN


@pytest.mark.parametrize(
    ("flags", "encryption", "certificate"),
    [(0, "OFF", False), (1, "ON", False), (2, "NOT_SUPPORTED", False), (3, "REQUIRED", False), (0x81, "ON", True)],
)
def test_what_is_asked_of_encryption(flags: int, encryption: str, certificate: bool) -> None:
    found = parse_prelogin(PRELOGIN.replace(b"\x01\x00\xb8", bytes([flags]) + b"\x00\xb8"))
    assert (found.encryption, found.client_certificate) == (Encryption[encryption], certificate)


def test_options_that_are_not_known_are_passed_over() -> None:
    data = bytes.fromhex("00 0010 0006  01 0016 0001  2a 0017 0002  ff 0e0000000000 00 dead")
    assert parse_prelogin(data) == Prelogin((14, 0, 0, 0))


@pytest.mark.parametrize(
    "data",
    [
        "",
        "ff",
        "01 0006 0001 ff 00",
        "00 0006 0006 ff 0e00",
        "00 0006 0005 ff 0e00000000",
        "00 ffff ffff ff",
        "00 0006 0006 0e0000000000",
        "00 000b 0006 00 000b 0006 ff 0e0000000000",
        "00 000b 0006 01 0011 0001 ff 0e0000000000 07",
        "00 000b 0006 01 0011 0002 ff 0e0000000000 0000",
    ],
)
def test_a_prelogin_that_no_client_sends_is_malformed(data: str) -> None:
    with pytest.raises(Malformed):
        parse_prelogin(bytes.fromhex(data))


def test_the_specifications_login_is_read() -> None:
    login = parse_login(LOGIN)
    assert (login.host, login.user, login.password) == ("skostov1", "sa", "")
    assert (login.application, login.library) == ("OSQL-32", "ODBC")
    assert (login.server, login.language, login.database, login.attach_file) == ("", "", "", "")
    assert (login.tds_version, login.packet_size, login.client_pid) == (0x72090002, 4096, 256)
    assert (login.odbc, login.database_required, login.integrated, login.read_only_intent) == (True, True, False, False)
    assert login.features == {}


def test_a_password_travels_with_its_halves_swapped_and_flipped() -> None:
    data = build_login(Login(user="sa", password="a1"))
    # 0x61 swapped is 0x16, flipped with 0xA5 is 0xB3; a zero becomes 0xA5.
    assert bytes.fromhex("b3a5 b6a5") in data
    assert parse_login(data).password == "a1"


_NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=64)


@settings(max_examples=150, deadline=None)
@given(
    st.builds(
        Login,
        user=_NAMES,
        password=_NAMES,
        host=_NAMES,
        application=_NAMES,
        server=_NAMES,
        library=_NAMES,
        language=_NAMES,
        database=_NAMES,
        attach_file=_NAMES,
        tds_version=st.just(0x74000004),
        packet_size=st.integers(0, 2**32 - 1),
        client_pid=st.integers(0, 2**32 - 1),
        time_zone=st.integers(-720, 720),
        type_flags=st.sampled_from([0, 0x20]),
        option_flags2=st.sampled_from([0, 2, 0x80]),
        sspi=st.binary(max_size=100),
        features=st.dictionaries(st.integers(0, 0xFE), st.binary(max_size=40), max_size=3),
    )
)
def test_a_login_is_read_as_it_was_built(login: Login) -> None:
    read = parse_login(build_login(login))
    assert read.option_flags3 & 0x10 == (0x10 if login.features else 0)
    for name in Login.__slots__:
        if name != "option_flags3":
            assert getattr(read, name) == getattr(login, name), name
    assert read.read_only_intent == bool(login.type_flags)


def test_feature_extensions_are_read_with_their_data() -> None:
    features = {Feature.SESSION_RECOVERY: b"", Feature.UTF8_SUPPORT: b"\x01", 0x77: b"unknown"}
    assert parse_login(build_login(Login(features=features))).features == features


def test_a_login_may_change_the_password() -> None:
    login = parse_login(build_login(Login(user="sa", password="old", new_password="neu")))
    assert (login.password, login.new_password) == ("old", "neu")
    assert parse_login(build_login(Login())).new_password is None


def test_passwords_are_not_shown() -> None:
    assert "secret" not in repr(Login(password="secret", new_password="secret"))


def test_a_login_of_tds_71_has_a_shorter_head() -> None:
    # Its table ends with the file to attach: no new password, no long SSPI.
    table = bytearray(LOGIN[:86])
    for at in range(36, 86, 4):
        if at != 72:
            at -= 2 if at > 72 else 0
            offset = int.from_bytes(table[at : at + 2], "little")
            table[at : at + 2] = (offset - 8).to_bytes(2, "little")
    data = bytes(table) + LOGIN[94:]
    data = len(data).to_bytes(4, "little") + data[4:]
    login = parse_login(data)
    assert (login.host, login.user, login.application, login.library) == ("skostov1", "sa", "OSQL-32", "ODBC")


def changed(at: int, value: str) -> bytes:
    data = bytearray(LOGIN)
    piece = bytes.fromhex(value)
    data[at : at + len(piece)] = piece
    return bytes(data)


def extended(version: str) -> bytes:
    """The flag of an extension, in a login of a version."""
    return changed(27, "10")[:4] + bytes.fromhex(version) + changed(27, "10")[8:]


def test_an_extension_is_tds_7_4s() -> None:
    assert parse_login(extended("03000b73")).features == {}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        LOGIN[:35],
        LOGIN[:93],
        LOGIN[:-1],
        changed(0, "ffffffff"),
        changed(0, "10000000"),
        changed(36, "0000"),
        changed(36, "ffff"),
        changed(38, "8100"),
        changed(40, "ff00"),
        changed(42, "ffff"),
        # An extension is announced and not there; then its features are.
        extended("04000074"),
        extended("04000074")[:56] + bytes.fromhex("5e000400") + LOGIN[60:],
        LOGIN + b"\0" * 131_072,
    ],
    ids=[
        "nothing",
        "head cut",
        "table cut",
        "data cut",
        "length too long",
        "length too short",
        "no place of data",
        "data beyond the end",
        "a host of 129 characters",
        "a user beyond the end",
        "a user of 65535 characters",
        "no extension",
        "no features",
        "too long",
    ],
)
def test_a_login_that_no_client_sends_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        parse_login(data)
