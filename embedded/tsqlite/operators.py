"""Unary and binary operators, comparisons and LIKE: operand types, result type, SQLite text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .types import SqlType


@dataclass(frozen=True, slots=True)
class Operation:
    """What an operator means: convert the operands to ``left`` and ``right`` (implicitly), then ``emit`` their texts.

    A comparison's ``type`` is bit, its text an SQLite condition (NULL is UNKNOWN).
    """

    type: SqlType
    left: SqlType
    right: SqlType
    emit: Callable[[str, str], str]


@dataclass(frozen=True, slots=True)
class UnaryOperation:
    """As ``Operation``, with one operand."""

    type: SqlType
    operand: SqlType
    emit: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class LikeOperation:
    """LIKE: convert operand, pattern and escape (nvarchar(1) or varchar(1)) to these types; ``emit(operand, pattern, escape)``."""

    operand: SqlType
    pattern: SqlType
    escape: SqlType
    emit: Callable[[str, str, str | None], str]


def resolve_binary(
    op: str, left: SqlType, right: SqlType, left_literal: object = None, right_literal: object = None
) -> Operation:
    """``+ - * / % & | ^`` and ``= <> != < <= > >= !< !>``.

    ``left_literal`` and ``right_literal``: the value of an operand that is an integer constant (a sign folded in), since SQL Server
    reads ``2`` as numeric(1, 0) beside a decimal, not as numeric(10, 0).
    Errors: 402, 206, 257, 8117, 468; at run time 8115, 8134, 517.
    """
    raise NotImplementedError


def resolve_unary(op: str, operand: SqlType) -> UnaryOperation:
    """``-``, ``+`` and ``~``. Errors: 8117."""
    raise NotImplementedError


def resolve_like(operand: SqlType, pattern: SqlType, escape: SqlType | None = None) -> LikeOperation:
    """``operand LIKE pattern [ESCAPE escape]``; the negation is the caller's. Errors: 506 at run time, 8116, 468."""
    raise NotImplementedError
