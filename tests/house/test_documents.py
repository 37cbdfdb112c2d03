"""Whoever is new finds every room: the documents point at what is there, and the map names all of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from notify import assets

ROOT = assets.root()
DOCUMENTS = sorted(
    [
        *ROOT.glob("*.md"),
        *(path for folder in ("docs", "sql", "embedded", "bench") for path in (ROOT / folder).glob("*.md")),
    ]
)
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]+)?\)")


def anchors(document: Path) -> set[str]:
    """What a heading is called in a link."""
    headings = re.findall(r"(?m)^#+ +(.*)$", document.read_text())
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    for target, anchor in LINK.findall(document.read_text()):
        found = document.parent / target
        assert found.exists(), target
        assert not anchor or anchor[1:] in anchors(found), f"{target}{anchor}"


def test_the_map_names_every_room() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    rooms = [
        f"tests/{path.name}" for path in (ROOT / "tests").iterdir() if path.is_dir() and any(path.glob("test_*.py"))
    ]
    modules = [path.name for path in (ROOT / "runner" / "notify").glob("*.py") if path.name != "__init__.py"]
    assert [name for name in (*sorted(rooms), *sorted(modules)) if name not in text] == []


def test_the_map_names_nothing_that_is_not_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text().partition("## Add a notification")[0]
    named = re.findall(r"`([\w./]+)`", text)
    here = [ROOT, ROOT / "runner" / "notify"]
    assert [
        name
        for name in named
        if ("/" in name or name.endswith(".py")) and not any((folder / name).exists() for folder in here)
    ] == []
