"""Results that are kept by the text they come from, but for long texts: some thousand of those would be gigabytes."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, Final, TypeVar

LONGEST: Final = 400
"""Characters of the texts whose results are kept."""

F = TypeVar("F", bound=Callable[..., Any])


def kept(maxsize: int) -> Callable[[F], F]:
    """`functools.lru_cache` for a function whose first argument is a text: long ones are worked out each time."""

    def decorate(function: F) -> F:
        cached = lru_cache(maxsize)(function)

        @wraps(function)
        def call(text: str, *others: Any, **named: Any) -> Any:
            return (cached if len(text) <= LONGEST else function)(text, *others, **named)

        return call  # type: ignore[return-value]

    return decorate
