"""The tree as T-SQL again: `parse(print_batch(tree)) == tree`.

Every identifier is bracketed, parentheses stand only where the tree needs them, every statement ends with a semicolon.
"""

from __future__ import annotations

from .. import tree as t
from .definitions import DefinitionPrinter
from .text import quote, quote_string

__all__ = ["print_batch", "print_node", "quote", "quote_string"]


def print_node(node: t.Node) -> str:
    """Any node as T-SQL."""
    return DefinitionPrinter().node(node)


def print_batch(batch: t.Batch) -> str:
    """A batch, one statement a line."""
    return DefinitionPrinter().statements(batch.statements)
