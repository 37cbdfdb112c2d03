"""What no test can run: hints, jobs and scripts of a server, read as text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from notify import assets

SCRIPTS = sorted(assets.sql().rglob("*.sql"))


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.stem)
def test_readpast_comes_with_readcommittedlock(file: Path) -> None:
    """With READ_COMMITTED_SNAPSHOT on, READPAST is refused without it."""
    hints = re.findall(r"WITH \(([^)]*\bREADPAST\b[^)]*)\)", file.read_text(encoding="utf-8"))
    assert [hint for hint in hints if "READCOMMITTEDLOCK" not in hint] == []


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.stem)
def test_a_database_is_named_in_unicode(file: Path) -> None:
    """Outside the code page the function knows no such database, gives NULL, and that is taken for the primary."""
    asked = re.findall(r"fn_hadr_is_primary_replica\((\S)", file.read_text(encoding="utf-8"))
    assert set(asked) <= {"N"}
