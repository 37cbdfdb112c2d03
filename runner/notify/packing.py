"""A message as the bytes of a mail (RFC 5322, MIME), put together by hand: twenty times faster than the standard
library's `EmailMessage`, and exact.

All lines end in CRLF and are at most 998 bytes; bodies travel as 7bit, quoted-printable or base64, whichever is
shortest, so no server extension is needed. Only a recipient whose local part is not ASCII needs SMTPUTF8. The bytes are
deterministic but for the Date.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
from email.utils import formatdate, getaddresses
from functools import lru_cache
from typing import Final, NamedTuple

__all__ = ["Address", "Mail", "PackingError", "encode_text", "format_address", "pack_mail", "split_address"]

SPECIAL: Final = re.compile(r"[^A-Za-z0-9 !#$%&\'*+\-/=?^_`{|}~]")
PRINTABLE: Final = re.compile(r"[ -~]*\Z")
BREAKS: Final = re.compile(r"\s*[\x00-\x1f\x7f\x85\u2028\u2029]+\s*")
LINE_LIMIT: Final = 990
"""Bytes of a line from which on a body is encoded; SMTP allows 998."""
HEADER_NAME: Final = re.compile(r"[!-9;-~]{1,70}\Z")
LOCAL_PART: Final = re.compile(r"[^\s\x00-\x20\x7f<>()\[\]\\,;:\"@]{1,64}\Z")
ASCII: Final = bytes(range(128))
PLAIN: Final = b"\t\n" + bytes(range(0x20, 0x7F))
WORD_BYTES: Final = 45  # of UTF-8 in one encoded word: 60 of base64 and 12 of frame, within 75
OWN_HEADERS: Final = frozenset(
    {
        "from",
        "to",
        "subject",
        "date",
        "message-id",
        "mime-version",
        "auto-submitted",
        "sender",
        "cc",
        "bcc",
        "return-path",
    }
)
ADDRESS_HEADERS: Final = frozenset({"reply-to"})


class PackingError(ValueError):
    """The message cannot be made a mail: a bad address or header. Trying again cannot help."""


class Address(NamedTuple):
    """As it goes on the wire: the domain in ASCII; the local part ASCII unless `needs_utf8`."""

    text: str
    needs_utf8: bool


class Mail(NamedTuple):
    """What a hand-over needs. `data` is not dot-stuffed and ends in CRLF."""

    sender: bytes
    recipient: bytes
    data: bytes
    needs_utf8: bool


def pack_mail(
    *,
    from_address: str,
    from_name: str,
    to_address: str,
    to_name: str | None,
    subject: str | None,
    html: str | None,
    text: str | None,
    message_key: str,
    headers: str | None = None,
    reply_to: str | None = None,
    redirect_to: str | None = None,
) -> Mail:
    """Packs one message for one recipient.

    Args:
        html, text: alternatives; at least one.
        message_key: identifies the message for ever: hex digits, of which its Message-ID and its boundary are made.
        headers: JSON object of further headers, as List-Unsubscribe.
        redirect_to: the mail goes there instead, and a header X-Original-To tells for whom it was.

    Raises:
        PackingError: saying what is wrong with which value.
    """
    sender = split_address(from_address)
    recipient = split_address(redirect_to or to_address)
    key = message_key.lower()
    lines = [
        _sender_lines(from_name, from_address, reply_to),
        _folded("To", _name_address(to_name, recipient.text)),
        f"Subject: {encode_text(subject or '', len('Subject: '))}\r\n",
        f"Date: {_date(int(time.time()))}\r\nMessage-ID: <{key[:40]}@{sender.text.rpartition('@')[2]}>\r\n",
    ]
    if redirect_to:
        lines.append(f"X-Original-To: {encode_text(to_address, len('X-Original-To: '))}\r\n")
    if headers:
        lines.append(_extra_headers(headers))
    lines.append("MIME-Version: 1.0\r\n")
    top = "".join(lines).encode("utf-8" if sender.needs_utf8 or recipient.needs_utf8 else "ascii")
    parts = [_part("plain", text)] if text is not None else []
    if html is not None:
        parts.append(_part("html", html))
    if not parts:
        raise PackingError("the message has neither html nor text")
    if len(parts) == 1:
        body = parts[0]
    else:
        # "=_" cannot occur in quoted-printable or base64, and nobody can guess the key in a 7bit part.
        boundary = f"=_{key[:40]}".encode()
        between = b"\r\n--" + boundary
        body = (
            b'Content-Type: multipart/alternative; boundary="' + boundary + b'"\r\n'
            + between + b"\r\n" + parts[0] + between + b"\r\n" + parts[1] + between + b"--\r\n"
        )  # fmt: skip
    return Mail(sender.text.encode(), recipient.text.encode(), top + body, sender.needs_utf8 or recipient.needs_utf8)


def split_address(address: str) -> Address:
    """An address as it goes on the wire.

    Raises:
        PackingError: it is none, or holds what would be read as SMTP or header syntax.
    """
    return _wire_address(address.strip())


@lru_cache(maxsize=20_000)
def _wire_address(address: str) -> Address:
    local, at, domain = address.rpartition("@")
    if not at or not LOCAL_PART.match(local):
        raise PackingError(f"not an e-mail address: {address!r}")
    try:
        import idna

        wire = domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise PackingError(f"the domain of {address!r} is not one: {error}") from None
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,253}|\[[A-Za-z0-9.:-]{1,60}\]", wire):
        raise PackingError(f"the domain of {address!r} is not one")
    return Address(f"{local}@{wire}", not local.isascii())


def format_address(name: str | None, address: str) -> str:
    """``name <address>`` as a header's value, the name quoted or encoded as it needs."""
    return _name_address(name, split_address(address).text)


def _name_address(name: str | None, wire: str) -> str:
    name = _unbroken(name) if name else ""
    if not name:
        return wire
    if not PRINTABLE.match(name) or "=?" in name or len(name) > 300:
        return f"{_encoded_words(name, 0)} <{wire}>"
    if SPECIAL.search(name) or "  " in name:
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{wire}>'
    return f"{name} <{wire}>"


def encode_text(value: str, used: int = 0) -> str:
    """An unstructured header's value (RFC 2047), folded.

    Args:
        used: what stands on the first line before it, in characters.
    """
    value = _unbroken(value)
    if not PRINTABLE.match(value) or "=?" in value:
        return _encoded_words(value, used)
    if used + len(value) <= 78:
        return value
    lines, line = [], ""
    room = 78 - used
    for word in re.findall(r" *[^ ]+", value):
        if len(word) > 900:
            return _encoded_words(value, used)
        if line and len(line) + len(word) > room:
            lines.append(line)
            line, room = "", 78
        line += word
    return "\r\n".join([*lines, line])


def _unbroken(value: str) -> str:
    """On one line; what is printable has no break in it, and that is quickly seen."""
    return (value if value.isprintable() else BREAKS.sub(" ", value)).strip()


def _encoded_words(value: str, used: int) -> str:
    """Words of at most 75 characters, each of whole code points, one a line."""
    data = value.encode("utf-8", "replace")
    words = []
    room = min(WORD_BYTES, (66 - used) // 4 * 3)
    if room < 6:  # less than any code point may take
        return "\r\n " + _encoded_words(value, 1)
    start = 0
    while start < len(data):
        end = min(start + room, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        words.append("=?utf-8?B?" + binascii.b2a_base64(data[start:end], newline=False).decode("ascii") + "?=")
        start, room = end, WORD_BYTES
    return "\r\n ".join(words)


def _folded(name: str, value: str) -> str:
    """A header of an address: the address on a line of its own when both do not fit."""
    if len(name) + len(value) > 900:
        raise PackingError(f"the address of {name} is too long")
    if len(name) + len(value) > 76 and " <" in value:
        value = "\r\n <".join(value.rsplit(" <", 1))
    return f"{name}: {value}\r\n"


@lru_cache(maxsize=64)
def _sender_lines(name: str, address: str, reply_to: str | None) -> str:
    lines = _folded("From", format_address(name, address))
    if reply_to:
        lines += _folded("Reply-To", split_address(reply_to).text)
    # No out-of-office reply may answer a machine (RFC 3834).
    return lines + "Auto-Submitted: auto-generated\r\n"


@lru_cache(maxsize=4)
def _date(seconds: int) -> str:
    return formatdate(seconds, localtime=True)


@lru_cache(maxsize=256)
def _extra_headers(headers: str) -> str:
    try:
        values = json.loads(headers)
    except ValueError as error:
        raise PackingError(f"the headers are not JSON: {error}") from None
    if not isinstance(values, dict):
        raise PackingError("the headers are not a JSON object")
    lines = []
    for name, value in values.items():
        lower = name.lower()
        if not HEADER_NAME.match(name) or lower in OWN_HEADERS or lower.startswith("content-"):
            raise PackingError(f"a template may not set the header {name!r}")
        if not isinstance(value, str):
            raise PackingError(f"the header {name} is not a text: {value!r}")
        if lower in ADDRESS_HEADERS:
            value = ",\r\n ".join(format_address(display, address) for display, address in getaddresses([value]))
        else:
            value = encode_text(value, len(name) + 2)
        lines.append(f"{name}: {value}\r\n")
    return "".join(lines)


def _part(subtype: str, content: str) -> bytes:
    """One body part with its headers, ending in CRLF."""
    if "\r" in content:
        content = content.replace("\r\n", "\n").replace("\r", "\n")
    data = content.encode("utf-8", "replace")
    if not data.endswith(b"\n"):
        data += b"\n"
    # Methods that look at all bytes at once: a regular expression here costs more than the rest of the mail.
    if not data.translate(None, PLAIN) and max(map(len, data.split(b"\n"))) < LINE_LIMIT:
        charset, encoding, body = "us-ascii", "7bit", data
    elif len(data.translate(None, ASCII)) * 6 > len(data):
        charset, encoding, body = "utf-8", "base64", base64.encodebytes(data.replace(b"\n", b"\r\n"))
    else:
        charset, encoding, body = "utf-8", "quoted-printable", binascii.b2a_qp(data)
    head = f"Content-Type: text/{subtype}; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode("ascii") + body.replace(b"\n", b"\r\n")
