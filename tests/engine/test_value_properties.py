"""What must hold for every value: storage keeps it and its order, arithmetic is exact, text comes back."""

from __future__ import annotations

import datetime
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal
from typing import Any

from evaluation import Expression, cast, connection, op, run
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tsqlite import collation, convert, types, values
from tsqlite.types import SqlType, datetime2, datetimeoffset, decimal_type, nvarchar

WIDE = Context(prec=120)
FEW = settings(max_examples=150, deadline=None)


@st.composite
def decimals(draw: Any) -> tuple[Decimal, SqlType]:
    precision = draw(st.integers(1, 38))
    scale = draw(st.integers(0, precision))
    number = draw(st.integers(-(10**precision) + 1, 10**precision - 1))
    return Decimal(number).scaleb(-scale, WIDE), decimal_type(precision, scale)


def expression(value: Any, type_: SqlType) -> Expression:
    return Expression(values.sqlite_literal(values.encode(value, type_)), type_)


@FEW
@given(decimals(), st.data())
def test_decimals_keep_their_value_and_order(one: tuple[Decimal, SqlType], data: Any) -> None:
    value, type_ = one
    assert values.decode(values.encode(value, type_), type_) == value
    limit = 10 ** (type_.precision or 1) - 1
    other = Decimal(data.draw(st.integers(-limit, limit))).scaleb(-(type_.scale or 0), WIDE)
    a, b = values.encode(value, type_), values.encode(other, type_)
    assert (a < b) == (value < other)  # type: ignore[operator]
    assert run(op("<", expression(value, type_), expression(other, type_))) == (value < other)


@FEW
@given(decimals(), decimals(), st.sampled_from(["+", "-", "*", "/", "%"]))
def test_decimal_arithmetic_is_exact_up_to_its_scale(
    one: tuple[Decimal, SqlType], two: tuple[Decimal, SqlType], operator: str
) -> None:
    (a, a_type), (b, b_type) = one, two
    assume(operator not in "/%" or b != 0)
    made = op(operator, expression(a, a_type), expression(b, b_type))
    unit = Decimal(1).scaleb(-(made.type.scale or 0), WIDE)
    if operator == "/":
        expected = WIDE.divide(a, b).quantize(unit, ROUND_DOWN, WIDE)
    elif operator == "%":
        expected = WIDE.remainder(a, b).quantize(unit, ROUND_HALF_UP, WIDE)
    else:
        exact = {"+": WIDE.add, "-": WIDE.subtract, "*": WIDE.multiply}[operator](a, b)
        expected = exact.quantize(unit, ROUND_HALF_UP, WIDE)
    assume(abs(expected) < Decimal(10) ** ((made.type.precision or 38) - (made.type.scale or 0)))
    assert run(made) == expected


@FEW
@given(decimals(), decimals())
def test_decimals_of_any_two_types_compare_exactly(one: tuple[Decimal, SqlType], two: tuple[Decimal, SqlType]) -> None:
    (a, a_type), (b, b_type) = one, two
    for operator, expected in (("<", a < b), ("=", a == b), (">=", a >= b)):
        assert run(op(operator, expression(a, a_type), expression(b, b_type))) is expected


@FEW
@given(st.integers(-(2**31), 2**31 - 1), st.integers(-(2**31), 2**31 - 1).filter(bool))
def test_integer_division_goes_toward_zero(a: int, b: int) -> None:
    assume(not (a == -(2**31) and b == -1))
    quotient = run(op("/", expression(a, types.INT), expression(b, types.INT)))
    rest = run(op("%", expression(a, types.INT), expression(b, types.INT)))
    assert quotient == int(Decimal(a) / Decimal(b)) and quotient * b + rest == a


@FEW
@given(st.datetimes(datetime.datetime(1753, 1, 1)), st.integers(0, 7), st.integers(-840, 840))
def test_dates_survive_text(moment: datetime.datetime, scale: int, offset: int) -> None:
    assume(datetime.datetime(1753, 1, 3) < moment < datetime.datetime(9999, 12, 30))
    zoned = moment.replace(tzinfo=datetime.timezone(datetime.timedelta(minutes=offset)))
    for value, type_ in ((moment, datetime2(scale)), (zoned, datetimeoffset(scale)), (moment, types.DATETIME)):
        first = values.encode(value, type_)
        style = 126 if type_.name == "datetime" else None
        text = cast(Expression(values.sqlite_literal(first), type_), nvarchar(40), style)
        assert connection().execute(f"SELECT {cast(text, type_).sql}").fetchall()[0][0] == first


@FEW
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_survive_style_3(value: float) -> None:
    text = cast(expression(value, types.FLOAT), nvarchar(40), 3)
    assert run(cast(text, types.FLOAT)) == value


@FEW
@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=8), min_size=2, max_size=8)
)
def test_a_collation_is_an_order(words: list[str]) -> None:
    type_ = nvarchar(20)
    where = connection()
    where.execute("CREATE TABLE t (c)")
    where.executemany("INSERT INTO t VALUES (?)", [(w,) for w in words])
    rows = [r[0] for r in where.execute(f"SELECT c FROM t ORDER BY {collation.ordered('c', type_)}")]
    keys = [str(collation.sort_key(r, type_)) for r in rows]
    assert keys == sorted(keys)
    groups = where.execute(f"SELECT count(*) FROM t GROUP BY {collation.ordered('c', type_)}").fetchall()
    assert len(groups) == len(set(keys))
    for word in words:
        assert collation.sort_key(word + "  ", type_) == collation.sort_key(word, type_)


@FEW
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12), st.integers(1, 12))
def test_native_and_called_conversions_agree(text: str, length: int) -> None:
    """A conversion that SQLite's own text does must be the one that the Python function does."""
    source, target = nvarchar(12), nvarchar(12 + length)
    assume(len(text.encode("utf-16-le")) // 2 <= 12)
    sql = convert.emit_convert(values.sqlite_literal(text), source, target)
    assert connection().execute(f"SELECT {sql}").fetchall()[0][0] == text
