"""What templates say of amounts and times: ``${price | money}``, ``${starts_at | weekday}``.

Every filter takes a value as a merge-field procedure returns it, or its text as FOR JSON writes it (in lists), and
gives text; None gives ''. English as spoken in the United States; a shop with another language puts filters of its own
into its templates.
"""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal

__all__ = ["cents", "date", "moment", "money", "number", "time", "weekday", "yes_no"]


def _decimal(value: object) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value).strip())


def _moment(value: dt.datetime | dt.date | dt.time | str) -> dt.datetime:
    if isinstance(value, dt.datetime):
        return value
    if isinstance(value, dt.date):
        return dt.datetime(value.year, value.month, value.day)
    if isinstance(value, dt.time):
        return dt.datetime.combine(dt.date.min, value)
    text = str(value).strip()
    # FOR JSON writes up to seven digits of a second, fromisoformat takes six
    head, point, fraction = text.partition(".")
    return dt.datetime.fromisoformat(f"{head}.{fraction[:6]}" if point and fraction.isdigit() else text)


def _signed(text: str, amount: Decimal) -> str:
    return f"−${text}" if amount < 0 else f"${text}"


def money(value: object) -> str:
    """Dollars, with cents only where there are any: ``$740,000``, ``$12.50``."""
    if value is None:
        return ""
    amount = _decimal(value)
    return cents(amount) if amount != amount.to_integral_value() else _signed(f"{abs(amount):,.0f}", amount)


def cents(value: object) -> str:
    """Dollars and cents, rounded half up: ``$964,172.00``."""
    if value is None:
        return ""
    amount = _decimal(value).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return _signed(f"{abs(amount):,}", amount)


def number(value: object) -> str:
    """A number with thousands separators and no idle zeros: ``2,085``, ``2.5``."""
    if value is None:
        return ""
    text = f"{_decimal(value):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def date(value: dt.datetime | dt.date | str | None) -> str:
    """``Nov 24, 2026``."""
    if value is None:
        return ""
    moment = _moment(value)
    return f"{moment:%b} {moment.day}, {moment.year}"


def weekday(value: dt.datetime | dt.date | str | None) -> str:
    """``Tuesday``."""
    return "" if value is None else f"{_moment(value):%A}"


def time(value: dt.datetime | dt.time | str | None) -> str:
    """``3:30 PM``."""
    if value is None:
        return ""
    moment = _moment(value)
    return f"{moment.hour % 12 or 12}:{moment.minute:02d} {'AM' if moment.hour < 12 else 'PM'}"


def moment(value: dt.datetime | str | None) -> str:
    """``Nov 24, 2026, 3:30 PM``."""
    return "" if value is None else f"{date(value)}, {time(value)}"


def yes_no(value: object) -> str:
    """``yes`` or ``no``, of a bit."""
    return "" if value is None else "yes" if str(value) in ("True", "true", "1") else "no"
