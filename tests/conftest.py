"""For all tests: their modes; and every piece of dynamic SQL that they make the procedures produce is parsed by Microsoft's parser too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.engine import scriptdom
from tests.modes import (  # noqa: F401
    mode,
    pytest_addoption,
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_generate_tests,
    pytest_sessionfinish,
    pytest_terminal_summary,
    running_hosts,
)

from tsqlite import calls

_parsed: set[str] = set()


@pytest.fixture(autouse=True)
def dynamic_sql_is_t_sql(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails the test whose procedures run a text that ScriptDom refuses. The engine's own tests run wrong texts on purpose."""
    folder = request.path.parent.name
    if folder in ("engine", "faults") or scriptdom.available() is not None:
        yield
        return
    calls.dynamic_texts = texts = []
    try:
        yield
    finally:
        calls.dynamic_texts = None
    for text in texts:
        if text not in _parsed:
            _parsed.add(text)
            assert scriptdom.errors(text) == [], text


def pytest_report_header() -> str:
    """Says whether dynamic SQL is parsed, or why not."""
    reason = scriptdom.available()
    return "dynamic SQL: parsed by ScriptDom 2017" if reason is None else f"dynamic SQL: not parsed ({reason})"
