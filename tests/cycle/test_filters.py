"""What templates say of amounts and times."""

import datetime as dt
from decimal import Decimal

import pytest

from notify.filters import cents, date, moment, money, number, time, weekday, yes_no

MOMENT = dt.datetime(2026, 11, 24, 15, 30)


@pytest.mark.parametrize(
    ("say", "value", "text"),
    [
        (money, Decimal("740000.00"), "$740,000"),
        (money, Decimal("12.50"), "$12.50"),
        (money, Decimal("-15000"), "−$15,000"),
        (money, 0, "$0"),
        (cents, Decimal("964172"), "$964,172.00"),
        (cents, Decimal("0.005"), "$0.01"),
        (number, Decimal("2.50"), "2.5"),
        (number, Decimal("2.0"), "2"),
        (number, 2085, "2,085"),
        (number, Decimal("100"), "100"),
        (date, MOMENT, "Nov 24, 2026"),
        (date, MOMENT.date(), "Nov 24, 2026"),
        (date, "2026-11-24T15:30:00.1234567", "Nov 24, 2026"),
        (weekday, "2026-11-24", "Tuesday"),
        (moment, MOMENT, "Nov 24, 2026, 3:30 PM"),
        (moment, "2026-11-24T15:30:00.1234567", "Nov 24, 2026, 3:30 PM"),
        (yes_no, True, "yes"),
        (yes_no, "false", "no"),
        (time, MOMENT, "3:30 PM"),
        (time, dt.time(0, 5), "12:05 AM"),
        (time, "2026-11-24T12:00:00", "12:00 PM"),
    ],
)
def test_a_filter_says_a_value_as_people_do(say, value, text):
    assert say(value) == text


@pytest.mark.parametrize("say", [cents, date, moment, money, number, time, weekday, yes_no])
def test_nothing_prints_as_nothing(say):
    assert say(None) == ""
