"""Expressions built from the engine's operators, functions and conversions, run by SQLite itself."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

import apsw

from tsqlite import convert, functions, operators, types, values
from tsqlite.functions import Argument, Call
from tsqlite.types import SqlType


@dataclass
class FixedSession:
    """What conversions and functions ask of a session: its settings, and a clock that stands still."""

    date_format: str = "mdy"
    date_first: int = 7
    verbose_truncation: bool = False

    def utc_now(self) -> int:
        return values.encode(_NOON, types.datetime2())  # type: ignore[return-value]

    def utc_offset(self) -> int:
        return 60

    def rowcount(self) -> int:
        return 3

    def scope_identity(self) -> int | None:
        return 42


_NOON = datetime.datetime(2026, 3, 4, 12, 0, 0, 123456)


@dataclass(frozen=True)
class Expression:
    """SQLite text, the SQL Server type of its value, and the value when it is a literal."""

    sql: str
    type: SqlType
    literal: Any = functions.NO_LITERAL
    date_part: str | None = None


def lit(value: Any, *, n: bool = False) -> Expression:
    """A literal: int, Decimal, float, str (``n``: N'...'), bytes, None."""
    type_ = types.literal_type(value, unicode=n)
    return Expression(values.sqlite_literal(values.encode(value, type_)), type_, value)


def typed(text: str | None, type_: SqlType) -> Expression:
    """A value of a type, by way of CAST from a string (binary: from hexadecimal)."""
    if text is None:
        return Expression("NULL", type_)
    source = types.nvarchar()
    style = 1 if type_.is_binary else None
    return Expression(convert.emit_convert(values.sqlite_literal(text), source, type_, style), type_)


def part(name: str) -> Expression:
    return Expression("NULL", types.NULL, date_part=name)


def cast(e: Expression, type_: SqlType, style: int | None = None, *, try_: bool = False) -> Expression:
    return Expression(convert.emit_convert(e.sql, e.type, type_, style, try_=try_), type_)


def op(operator: str, a: Expression, b: Expression) -> Expression:
    la = a.literal if isinstance(a.literal, int) else None
    lb = b.literal if isinstance(b.literal, int) else None
    found = operators.resolve_binary(operator, a.type, b.type, la, lb)
    left = convert.emit_convert(a.sql, a.type, found.left, implicit=True)
    right = convert.emit_convert(b.sql, b.type, found.right, implicit=True)
    return Expression(found.emit(left, right), found.type)


def minus(a: Expression) -> Expression:
    found = operators.resolve_unary("-", a.type)
    return Expression(found.emit(a.sql), found.type)


def like(a: Expression, pattern: Expression, escape: Expression | None = None) -> Expression:
    found = operators.resolve_like(a.type, pattern.type, escape.type if escape else None)
    left = convert.emit_convert(a.sql, a.type, found.operand, implicit=True)
    right = convert.emit_convert(pattern.sql, pattern.type, found.pattern, implicit=True)
    return Expression(found.emit(left, right, escape.sql if escape else None), types.BIT)


def call(name: str, *arguments: Expression, distinct: bool = False, order_by: str = "", over: str = "") -> Expression:
    bound = Call(
        name,
        tuple(Argument(a.type, a.literal, a.date_part) for a in arguments),
        distinct=distinct,
        over=bool(over),
        ordered="ORDER BY" in over,
        within_group=bool(order_by),
    )
    resolved = functions.lookup(name).resolve(bound)
    texts = [
        a.sql if t is None else convert.emit_convert(a.sql, a.type, t, implicit=True)
        for a, t in zip(arguments, resolved.arguments, strict=True)
    ]
    return Expression(resolved.emit(texts, order_by, over), resolved.type)


def connection(session: FixedSession | None = None) -> apsw.Connection:
    made = apsw.Connection(":memory:")
    convert.register(made, session or FixedSession())  # type: ignore[arg-type]
    return made


_SHARED: list[apsw.Connection] = []


def run(e: Expression, session: FixedSession | None = None) -> Any:
    """The Python value that a client would see."""
    if session is None and not _SHARED:
        _SHARED.append(connection())
    where = connection(session) if session else _SHARED[0]
    rows = where.execute(f"SELECT {e.sql}").fetchall()
    return values.decode(rows[0][0], e.type)


def shown(e: Expression, session: FixedSession | None = None) -> str | None:
    """The value as CAST(... AS nvarchar(max)) prints it."""
    if e.type.is_string:
        return run(e, session)  # type: ignore[no-any-return]
    style = 1 if e.type.is_binary else 3 if e.type.is_float else 2 if e.type.is_money else None
    return run(cast(e, types.nvarchar(), style), session)  # type: ignore[no-any-return]
