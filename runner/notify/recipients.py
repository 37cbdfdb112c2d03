"""Addresses as merge-field procedures return them, checked and in their standard form. A problem is a reason, never an
exception: the message is stored as failed with it, and the others go on.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

__all__ = ["Address", "address_for", "email_address", "phone_number"]

CACHED: Final = 20_000
"""Addresses remembered: most messages of a cycle go to people seen before, and a check costs 30 µs."""


class Address(NamedTuple):
    """`address` in standard form (None: not usable, and `reason` says why)."""

    address: str | None
    reason: str | None = None


def address_for(channel: str, email: object, phone: object, region: str) -> Address:
    """The address of a merge row on a channel.

    Args:
        channel: email, sms or push.
        email, phone: the row's columns; anything that is not a text counts as not there.
        region: of phone numbers without a country code, two letters.
    """
    if channel == "sms":
        return (
            phone_number(phone, region) if isinstance(phone, str) else Address(None, "no phone number (phone is NULL)")
        )
    return email_address(email) if isinstance(email, str) else Address(None, "no e-mail address (email is NULL)")


@lru_cache(maxsize=CACHED)
def email_address(text: str) -> Address:
    """An e-mail address by its syntax alone: no look-up, since a name server's silence must not decide about a mail.

    Names that only a company knows (.local, .test) are right; a domain without a dot is not.
    """
    from email_validator import EmailNotValidError, validate_email

    _allow_inner_domains()
    stripped = text.strip()
    if not stripped:
        return Address(None, "no e-mail address (email is empty)")
    try:
        checked = validate_email(stripped, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        return Address(None, f"bad e-mail address {_shown(stripped)}: {error}")
    if "." not in checked.ascii_domain:
        return Address(None, f"bad e-mail address {_shown(stripped)}: the part after the @-sign has no dot")
    return Address(checked.normalized)


@lru_cache(maxsize=1)
def _allow_inner_domains() -> None:
    """Lets the library pass names that a company's own mail server serves; it has no other way to be told."""
    import email_validator

    for name in ("local", "test"):
        if name in email_validator.SPECIAL_USE_DOMAIN_NAMES:
            email_validator.SPECIAL_USE_DOMAIN_NAMES.remove(name)


@lru_cache(maxsize=CACHED)
def phone_number(text: str, region: str) -> Address:
    """A phone number in E.164 form (+12065550100).

    It is checked for being possible, not for being assigned: numbering plans change faster than any list of them, and a
    number that does not exist is a refusal of the carrier's.
    """
    import phonenumbers

    stripped = text.strip()
    if not stripped:
        return Address(None, "no phone number (phone is empty)")
    try:
        number = phonenumbers.parse(stripped, region)
    except phonenumbers.NumberParseException as error:
        return Address(None, f"bad phone number {_shown(stripped)}: {error}")
    if not phonenumbers.is_possible_number(number):
        return Address(None, f"bad phone number {_shown(stripped)}: its length fits no number of its country")
    return Address(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
