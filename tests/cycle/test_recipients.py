"""Addresses: the standard form, or a reason; never an exception."""

from __future__ import annotations

import pytest

from notify.recipients import address_for, email_address, phone_number
from notify.segments import count_segments


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("  Ann.Lee@Example.COM ", "Ann.Lee@example.com"),
        ("buyer@corp.local", "buyer@corp.local"),
        ("zoë@exämple.de", "zoë@exämple.de"),
    ],
)
def test_an_address_in_its_standard_form(given: str, expected: str) -> None:
    assert email_address(given) == (expected, None)


@pytest.mark.parametrize(
    "given", ["", "nobody", "a@b", "a b@example.com", "a@example.com\r\nBcc: x@example.com", "@example.com", "a@-x.com"]
)
def test_a_bad_address_has_a_reason(given: str) -> None:
    address, reason = email_address(given)
    assert address is None
    assert reason


@pytest.mark.parametrize(
    ("given", "expected"),
    [("(206) 555-0100", "+12065550100"), ("697-555-0142", "+16975550142"), ("+48 600 100 200", "+48600100200")],
)
def test_a_phone_number_in_e164(given: str, expected: str) -> None:
    assert phone_number(given, "US") == (expected, None)


@pytest.mark.parametrize("given", ["", "12", "call me", "+999 123", "206555010012345678"])
def test_a_bad_phone_number_has_a_reason(given: str) -> None:
    address, reason = phone_number(given, "US")
    assert address is None
    assert reason


def test_null_is_a_reason_too() -> None:
    assert address_for("email", None, None, "US").reason == "no e-mail address (email is NULL)"
    assert address_for("sms", None, None, "US").reason == "no phone number (phone is NULL)"


@pytest.mark.parametrize(
    ("text", "encoding", "number"),
    [
        ("", "GSM-7", 1),
        ("x" * 160, "GSM-7", 1),
        ("x" * 161, "GSM-7", 2),
        ("x" * 306, "GSM-7", 2),
        ("x" * 307, "GSM-7", 3),
        ("€" * 80, "GSM-7", 1),
        ("€" * 81, "GSM-7", 2),
        # An escape pair is not split: 152 septets, then the two of the pair go to the next segment.
        ("x" * 152 + "€" + "x" * 152, "GSM-7", 3),
        ("ą" * 70, "UCS-2", 1),
        ("ą" * 71, "UCS-2", 2),
        ("😀" * 35, "UCS-2", 1),
        ("😀" * 36, "UCS-2", 2),
        # 67 units hold 33 pairs: a surrogate pair is not split either.
        ("😀" * 67, "UCS-2", 3),
    ],
)
def test_segments(text: str, encoding: str, number: int) -> None:
    assert count_segments(text)[::2] == (encoding, number)
