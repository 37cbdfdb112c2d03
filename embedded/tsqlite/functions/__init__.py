"""The registry of functions. ``lookup(name)`` finds one; ``functions()`` lists them all for the documentation."""

from __future__ import annotations

from . import aggregates, dates, format, json, mathematics, strings, system
from .registry import FUNCTIONS, NO_LITERAL, Argument, Call, Emit, Function, Resolved, lookup
from .session_protocol import SessionProtocol

__all__ = [
    "FUNCTIONS", "NO_LITERAL", "Argument", "Call", "Emit", "Function", "Resolved", "SessionProtocol", "functions",
    "lookup",
]  # fmt: skip


_MODULES = (aggregates, dates, format, json, mathematics, strings, system)
"""Each enters its functions when it is imported."""


def functions() -> list[Function]:
    """All functions by name."""
    return [FUNCTIONS[name] for name in sorted(FUNCTIONS)]
