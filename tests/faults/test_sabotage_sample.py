"""Tests that notice nothing guard nothing. A few safeguards are removed here; `make sabotage` removes them all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.sabotage import ROOT, SABOTAGES, Sabotage, disarm, workshop

SAMPLE = (
    "heartbeat-minimum",
    "low-in-the-same-transaction",
    "dedupe-key",
    "lock-at-begin-attempts",
    "attempt-before-hand-over",
    "absent-rows-wait",
)


@pytest.fixture(scope="module")
def tree() -> Iterator[Path]:
    """A copy of the project."""
    with workshop() as folder:
        yield folder


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda item: item.name)
def test_every_safeguard_is_still_where_the_sabotage_looks_for_it(sabotage: Sabotage) -> None:
    assert sabotage.old in (ROOT / sabotage.file).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SAMPLE)
def test_a_removed_safeguard_is_noticed(tree: Path, name: str) -> None:
    (sabotage,) = (item for item in SABOTAGES if item.name == name)
    result = disarm(tree, sabotage)
    assert result.failed, result.words
