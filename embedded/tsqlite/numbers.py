"""Numbers, GUIDs and code pages as text and back: what conversions need, on storage values."""

from __future__ import annotations

import math
import re
import unicodedata

from .caching import kept
from .errors import SqlError, sql_error
from .types import INTEGER_RANGE
from .values import guid_from_text, round_half_away

_INTEGER = re.compile(r"[ \t\r\n]*([+-]?)[ \t]*(\d*)[ \t\r\n]*", re.ASCII)
_DECIMAL = re.compile(r"[ \t\r\n]*([+-]?)[ \t]*(?:(\d+)\.?(\d*)|\.(\d+))[ \t\r\n]*", re.ASCII)
_FLOAT = re.compile(r"[ \t\r\n]*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?)[ \t\r\n]*", re.ASCII)
_MONEY_SIGNS = "$¢£¤¥৲৳฿៛₠₡₢₣₤₥₦₧₨₩₪₫€₭₮₯₰₱﷼﹩＄￠￡￥￦"
_MONEY = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?", re.ASCII)
_GUID = re.compile(
    r"\{?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(.*)", re.ASCII | re.IGNORECASE | re.DOTALL
)
_FIXED = {"tinyint": "INT1", "smallint": "INT2"}
_POWERS: list[int] = [10**i for i in range(80)]


# -- code page 1252

_BEST_FIT = dict(zip(
    "ĐđĦħıŁłŦŧƀƉƑƗƚƟƫƮƶǀǃΓΘΣΦΩαδεπστφ\u2010\u2011′‵⁄−∕∖∗√∞∣∩∶∼≈≡≤≥≪≫",
    "ÐdHhiLlTtbÐƒIlOtTz|!GTSFOadepstf--'`/-/\\*v8|n:~˜===«»",
    strict=True,
))  # fmt: skip
_UNDEFINED = "\x81\x8d\x8f\x90\x9d"


def _fit(char: str) -> str:
    """The character of code page 1252 that stands for one outside: a look-alike, or '?' (two for a supplementary
    one).
    """
    if char in _UNDEFINED:
        return char
    found = _BEST_FIT.get(char)
    if found is not None:
        return found
    if "\u0100" <= char <= "\u0237":
        base = unicodedata.normalize("NFD", char)[0]
        return base if base.isascii() else "?"
    if "\uff01" <= char <= "\uff5e":
        return chr(ord(char) - 0xFEE0)
    if "\u2000" <= char <= "\u2006":
        return " "
    return "??" if char > "\uffff" else "?"


def _outside(char: str) -> bool:
    try:
        char.encode("cp1252")
    except UnicodeEncodeError:
        return True
    return False


def to_code_page(text: str) -> str:
    """``text`` as varchar keeps it: characters outside code page 1252 become a look-alike or '?'."""
    if text.isascii():
        return text
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        return "".join([_fit(c) if _outside(c) else c for c in text])
    return text


def code_page_bytes(text: str) -> bytes:
    """The bytes of a varchar."""
    try:
        return text.encode("cp1252")
    except UnicodeEncodeError:
        return b"".join(
            bytes([ord(c)]) if c in _UNDEFINED else c.encode("cp1252", "replace") for c in to_code_page(text)
        )


def code_page_text(data: bytes) -> str:
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return "".join(chr(b) if chr(b) in _UNDEFINED else bytes([b]).decode("cp1252") for b in data)


def utf16_bytes(text: str) -> bytes:
    return text.encode("utf-16-le")


def utf16_text(data: bytes) -> str:
    """The text of UTF-16 bytes; an odd byte at the end is padded with zero. Error 9833 for half a surrogate pair."""
    try:
        return (data + b"\0" if len(data) % 2 else data).decode("utf-16-le")
    except UnicodeDecodeError:
        raise SqlError(9833, "Invalid data for UTF16-encoded characters") from None


# -- text to numbers


def parse_integer(text: str, target: str, source: str) -> int:
    """An integer as CAST reads it; errors 245 (8114 for bigint), 248, 244, 8115."""
    match = _INTEGER.fullmatch(text)
    if match is None:
        if target == "bigint":
            raise sql_error(8114, source, target)
        raise sql_error(245, source, text, target)
    number = int(match[2] or 0)
    if match[1] == "-":
        number = -number
    low, high = INTEGER_RANGE[target]
    if low <= number <= high:
        return number
    if target == "bigint":
        raise sql_error(8115, "expression", target)
    if target == "int":
        raise sql_error(248, source, text)
    raise sql_error(244, source, text, _FIXED[target])


def parse_bit(text: str, source: str) -> int:
    lowered = text.strip().lower()
    if lowered in ("true", "false"):
        return int(lowered == "true")
    match = _INTEGER.fullmatch(text)
    if match is None:
        raise sql_error(245, source, text, "bit")
    return int(int(match[2] or 0) != 0)


def parse_decimal(text: str, precision: int, scale: int, source: str) -> int:
    """The unscaled integer; digits beyond the scale round. Errors 8114, 8115."""
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise sql_error(8114, source, "numeric")
    whole, fraction = match[2] or "0", match[3] or match[4] or ""
    digits = int(whole + fraction)
    shift = scale - len(fraction)
    number = digits * _POWERS[shift] if shift >= 0 else round_half_away(digits, 10**-shift)
    if number >= _POWERS[precision]:
        raise sql_error(8115, source, "numeric")
    return -number if match[1] == "-" else number


def parse_float(text: str, target: str, source: str) -> float:
    match = _FLOAT.fullmatch(text)
    if match is None:
        if text.strip() == "":
            return 0.0
        raise sql_error(8114, source, target)
    number = float(match[1].lower().replace("d", "e"))
    if math.isinf(number):
        raise SqlError(232, f"Arithmetic overflow error for type {target}, value = {text.strip()}.")
    return number


def parse_money(text: str, target: str) -> int:
    """Ten-thousandths; currency signs and commas are passed over. Errors 235, 293, 8115."""
    plain = text.strip().replace(",", "")
    for sign in _MONEY_SIGNS:
        if sign in plain:
            head, tail = plain.split(sign, 1)
            if head.strip() in ("", "+", "-"):
                plain = head.strip() + tail.strip()
            break
    match = _MONEY.fullmatch(plain)
    if match is None or (plain not in ("", "+", "-") and not (match[2] or match[3])):
        raise SqlError(
            235 if target == "money" else 293,
            f"Cannot convert a char value to {target}. The char value has incorrect syntax.",
        )
    fraction = match[3] or ""
    number = round_half_away(int((match[2] or "0") + fraction) * 10_000, 10 ** len(fraction))
    if match[1] == "-":
        number = -number
    low, high = INTEGER_RANGE[target]
    if not low <= number <= high:
        raise sql_error(8115, "expression", target)
    return number


@kept(4096)
def parse_guid(text: str) -> bytes:
    """Text with or without braces; what follows the 36 characters does not count. Error 8169."""
    digits = text.replace("-", "") if len(text) == 36 and text[8::5][:4] == "----" else ""
    if len(digits) == 32 and digits.isalnum():
        try:
            return guid_from_text(text)
        except ValueError:
            raise sql_error(8169) from None
    match = _GUID.match(text.lstrip(" "))
    if match is None or (text.lstrip(" ").startswith("{") and not match[2].startswith("}")):
        raise sql_error(8169)
    return guid_from_text(match[1])


# -- numbers to text


def _exponent(mantissa: str, exponent: int) -> str:
    return f"{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):03d}"


def float_text(value: float, style: int, *, real: bool = False) -> str:
    """CONVERT's styles of float: 0 at most six digits, 1 eight, 2 sixteen (seven and nine for real's 2 and 3), 3
    seventeen.
    """
    if style == 0:
        text = f"{value:.6g}"
        if "e" in text:
            mantissa, exponent = text.split("e")
            return _exponent(mantissa, int(exponent))
        return "0" if text == "-0" else text
    digits = {1: 8, 2: 9 if real else 16, 3: 9 if real else 17}[style]
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return _exponent(mantissa, int(exponent))


def money_text(value: int, style: int) -> str:
    """0: two digits; 1: two, with commas; 2: four; 126: four."""
    if style in (2, 126):
        sign = "-" if value < 0 else ""
        return f"{sign}{abs(value) // 10_000}.{abs(value) % 10_000:04d}"
    cents = round_half_away(value, 100)
    sign = "-" if cents < 0 else ""
    whole = f"{abs(cents) // 100:,}" if style == 1 else str(abs(cents) // 100)
    return f"{sign}{whole}.{abs(cents) % 100:02d}"
