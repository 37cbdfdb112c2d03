"""The parser: T-SQL text to the tree, by recursive descent and precedence climbing.

It accepts nothing that Microsoft's own parser would not, and says what it leaves out: `SqlError` for wrong syntax, with
SQL Server's number and words, `Unsupported` for what T-SQL has and this engine has not.
"""

from __future__ import annotations

import sys

from .. import tree as t
from ..errors import SqlError
from ..lexer import Kind, ScriptBatch, split_batches
from .statements import Statements

__all__ = ["ScriptBatch", "parse", "parse_condition", "parse_expression", "split_batches", "too_deep"]


def parse(text: str, *, quoted_identifiers: bool = True) -> t.Batch:
    """The tree of one batch (no GO in it).

    With `quoted_identifiers` False, `"x"` is a string, as under SET QUOTED_IDENTIFIER OFF. Raises SqlError or
    Unsupported, both with the line within the batch.
    """
    try:
        return Statements(text, quoted_identifiers=quoted_identifiers).batch()
    except RecursionError:
        raise too_deep() from None


def parse_expression(text: str) -> t.Expr:
    """One scalar expression, such as a stored DEFAULT or computed column."""
    parser = Statements(text)
    node = parser.value()
    if parser.tok.kind is not Kind.END:
        parser.fail()
    return node


def parse_condition(text: str) -> t.Predicate:
    """One predicate, such as a stored CHECK constraint or index filter."""
    parser = Statements(text)
    node = parser.condition()
    if parser.tok.kind is not Kind.END:
        parser.fail()
    return node


def too_deep() -> SqlError:
    """Error 191, for a text whose tree is deeper than Python's stack."""
    # SQL Server's own limit is its stack too
    return SqlError(
        191,
        "Some part of your SQL statement is nested too deeply. Rewrite the query or break it up into smaller queries.",
        15,
    )


# A level of parentheses takes about a dozen frames here; what SQL Server reads without complaint must fit.
sys.setrecursionlimit(max(sys.getrecursionlimit(), 20_000))
