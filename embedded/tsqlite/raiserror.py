"""The format strings of RAISERROR and FORMATMESSAGE: %d %i %u %o %x %X %s with flags, width, precision and *."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from .errors import sql_error
from .types import SqlType
from .values import Storage

_PART = re.compile(r"%([-+ 0#]*)(\*|\d+)?(?:\.(\*|\d+))?(h|l|I64)?([diuoxXs%])|%")
_MOST: Final = 20


def formatted(template: str, args: Sequence[tuple[Storage, SqlType]]) -> str:
    """The text with its arguments. Errors 2747 (too many), 2786 (type of an argument), 2787 (format)."""
    if len(args) > _MOST:
        raise sql_error(2747, _MOST)
    rest = list(args)

    def take() -> tuple[Storage, SqlType] | None:
        return rest.pop(0) if rest else None

    def part(match: re.Match[str]) -> str:
        flags, width, precision, _, kind = match.groups()
        if kind is None:
            raise sql_error(2787, template[match.start() :])
        if kind == "%":
            return "%"
        width = str(take_number()) if width == "*" else width
        precision = str(take_number()) if precision == "*" else precision
        given = take()
        if given is None:
            return "(null)"
        value, of = given
        if value is None:
            text = "(null)"
        elif kind == "s":
            if not (of.is_string or of.is_binary):
                raise sql_error(2786, len(args) - len(rest))
            text = str(value)[: int(precision)] if precision else str(value)
        else:
            if not of.is_integer:
                raise sql_error(2786, len(args) - len(rest))
            text = _number(int(value), flags, precision, kind)
        if width:
            fill = "0" if "0" in flags and "-" not in flags and kind != "s" and not precision else " "
            if fill == "0" and text[:1] in "+-":
                text = text[0] + text[1:].rjust(int(width) - 1, "0")
            else:
                text = text.ljust(int(width)) if "-" in flags else text.rjust(int(width), fill)
        return text

    def take_number() -> int:
        given = take()
        return int(given[0]) if given is not None and isinstance(given[0], int) else 0

    text = _PART.sub(part, template)
    return text if len(text) <= 2047 else text[:2044] + "..."


def _number(value: int, flags: str, precision: str | None, kind: str) -> str:
    if kind in "di":
        digits = str(abs(value)).rjust(int(precision or 0), "0")
        sign = "-" if value < 0 else "+" if "+" in flags else " " if " " in flags else ""
        return sign + digits
    unsigned = value if value >= 0 else value + (1 << 32)
    digits = format(unsigned, {"u": "d"}.get(kind, kind)).rjust(int(precision or 0), "0")
    if "#" in flags and kind in "xX" and value:
        return ("0x" if kind == "x" else "0X") + digits
    if "#" in flags and kind == "o":
        return "0" + digits
    return digits
