"""A packed mail says, to a standard parser, exactly what the message said; and on the wire it keeps SMTP's rules."""

from __future__ import annotations

import email
import json
from email import policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.packing import Mail, PackingError, encode_text, pack_mail

KEY = "AB" * 32


def pack(**changes: str | None) -> Mail:
    message: dict[str, str | None] = {
        "from_address": "office@example.com",
        "from_name": "Example Realty",
        "to_address": "ann@example.org",
        "to_name": "Ann",
        "subject": "Hello",
        "html": None,
        "text": "Hello, Ann.",
        "message_key": KEY,
    }
    return pack_mail(**{**message, **changes})  # type: ignore[arg-type]


def parse(mail: Mail) -> EmailMessage:
    message = email.message_from_bytes(mail.data.replace(b"\r\n", b"\n"), policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def content(part: EmailMessage) -> str:
    return str(part.get_content()).replace("\r\n", "\n")


def check_wire(mail: Mail) -> None:
    assert mail.data.endswith(b"\r\n")
    lines = mail.data.split(b"\r\n")
    assert all(len(line) <= 998 and b"\n" not in line and b"\r" not in line and b"\0" not in line for line in lines)
    if not mail.needs_utf8:
        assert mail.data.isascii()


def test_a_plain_mail_is_readable_as_it_stands() -> None:
    mail = pack()
    head, _, body = mail.data.decode().partition("\r\n\r\n")
    assert "From: Example Realty <office@example.com>" in head
    assert "To: Ann <ann@example.org>" in head
    assert f"Message-ID: <{KEY.lower()[:40]}@example.com>" in head
    assert "Content-Transfer-Encoding: 7bit" in head
    assert body == "Hello, Ann.\r\n"
    assert (mail.sender, mail.recipient) == (b"office@example.com", b"ann@example.org")


def test_html_and_text_are_alternatives_the_better_one_last() -> None:
    message = parse(pack(html="<p>Grüße 🏡</p>", text="Grüße 🏡"))
    assert message.get_content_type() == "multipart/alternative"
    plain, html = message.iter_parts()
    assert plain.get_content_type() == "text/plain" and content(plain) == "Grüße 🏡\n"
    assert html.get_content_type() == "text/html" and content(html) == "<p>Grüße 🏡</p>\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("plain words", "7bit"),
        ("Grüße aus München, wo es heute regnet und morgen die Sonne scheint", "quoted-printable"),
        ("добрый день", "base64"),
        ("🏡" * 400, "base64"),
        ("x" * 5000, "quoted-printable"),
        ("a null \0 within", "quoted-printable"),
    ],
)
def test_the_encoding_fits_the_text(text: str, encoding: str) -> None:
    mail = pack(text=text)
    check_wire(mail)
    message = parse(mail)
    assert message["Content-Transfer-Encoding"] == encoding
    assert content(message) == text + "\n"


@pytest.mark.parametrize(
    "name",
    [
        "Ann",
        "O'Neil, Ann",
        'Ann "the" Agent',
        "a\\b",
        "Ann (home)",
        "Zoë",
        "שָׁלוֹם כהן",
        "محمد",
        "李小龍",
        "👩‍👩‍👧 Ann",
        "=?utf-8?q?x?=",
    ],
)
def test_a_name_arrives_as_it_is(name: str) -> None:
    mail = pack(to_name=name)
    check_wire(mail)
    (address,) = parse(mail)["To"].addresses
    assert (address.display_name, address.addr_spec) == (name, "ann@example.org")


@pytest.mark.parametrize(
    "subject", ["Sold!", "Verkauft: Königstraße 5", "🏡 " * 60, "word " * 60, "y" * 2000, "=?x?=", ""]
)
def test_a_subject_arrives_as_it_is_in_short_lines(subject: str) -> None:
    mail = pack(subject=subject)
    check_wire(mail)
    assert parse(mail)["Subject"] == subject.strip()
    head = mail.data.partition(b"\r\n\r\n")[0]
    assert all(len(line) <= 78 for line in head.split(b"\r\n"))


def test_a_line_break_in_a_subject_or_name_cannot_add_a_header() -> None:
    message = parse(pack(subject="Hello\r\nBcc: eve@example.net", to_name="Ann\nBcc: eve@example.net"))
    assert message["Bcc"] is None
    assert message["Subject"] == "Hello Bcc: eve@example.net"


def test_a_foreign_domain_travels_in_ascii_and_a_foreign_local_part_asks_for_smtputf8() -> None:
    mail = pack(to_address="ann@bücher.example")
    assert (mail.recipient, mail.needs_utf8) == (b"ann@xn--bcher-kva.example", False)
    mail = pack(to_address="用户@bücher.example")
    assert (mail.recipient, mail.needs_utf8) == ("用户@xn--bcher-kva.example".encode(), True)
    assert "To: Ann <用户@xn--bcher-kva.example>".encode() in mail.data


@pytest.mark.parametrize(
    "address",
    ["", "ann", "ann@", "@example.org", "a b@example.org", "a@b@c", "ann@ex ample.org", "ann>@x.org", "a\r\n@x.org"],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(PackingError, match="not"):
        pack(to_address=address)


def test_headers_of_a_template_are_added_and_cannot_replace_ours() -> None:
    headers = {"List-Unsubscribe": "<https://example.com/u?k=1>", "Reply-To": "Büro <agent@example.com>", "X-Note": "ä"}
    message = parse(pack(headers=json.dumps(headers)))
    assert message["List-Unsubscribe"] == "<https://example.com/u?k=1>"
    assert message["Reply-To"].addresses[0].display_name == "Büro"
    assert message["X-Note"] == "ä"
    for name in ("Bcc", "Subject", "Content-Type", "X Y", "X:Y"):
        with pytest.raises(PackingError, match="may not set"):
            pack(headers=json.dumps({name: "x"}))


def test_a_redirected_mail_tells_for_whom_it_was() -> None:
    mail = pack(redirect_to="test@example.com")
    message = parse(mail)
    assert mail.recipient == b"test@example.com"
    assert message["X-Original-To"] == "ann@example.org"
    assert "ann@example.org" not in str(message["To"])


@given(st.text(max_size=400), st.text(max_size=400))
def test_any_text_arrives(text: str, html: str) -> None:
    mail = pack(text=text, html=html, subject=text[:100], to_name=html[:60])
    check_wire(mail)
    message = email.message_from_bytes(mail.data, policy=policy.default)
    plain, rich = message.iter_parts()  # type: ignore[attr-defined]

    def same(value: str) -> str:
        normal = value.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()
        return normal if normal.endswith("\n") else normal + "\n"

    assert plain.get_payload(decode=True).decode().replace("\r\n", "\n") == same(text)
    assert rich.get_payload(decode=True).decode().replace("\r\n", "\n") == same(html)


@given(st.text(max_size=300), st.integers(0, 60))
def test_any_header_is_printable_ascii_in_short_lines(value: str, used: int) -> None:
    lines = encode_text(value, used).split("\r\n")
    assert all(line.isascii() and line.isprintable() for line in lines)
    assert all(line.startswith(" ") for line in lines[1:])
    if not value.isascii():
        assert len(lines[0]) + used <= 78 and all(len(line) <= 78 for line in lines)
