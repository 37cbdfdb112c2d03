"""Who runs a cycle, sends, defines or looks needs no right but those of the roles in sql/roles."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from notify import assets

RUNNER = assets.root() / "runner" / "notify"
CALL = re.compile(r"\b(processor|queue|replica)\.([a-z_]+)\(|call\(\w+, \"notify\.([a-z_]+)\"")
GRANT = re.compile(r"GRANT EXECUTE ON OBJECT::notify\.(\w+) TO (\w+);")
NO_PROCEDURE = {"parse_request", "quote_name", "merge_rows", "newest_keys", "notice_fields"}
"""Functions that call none; the last three read a table as whoever calls them (docs/real-servers.md)."""
OF_SOURCE = {"beat_heartbeat"}


def called(*files: str) -> set[str]:
    """Procedures that modules of the runner call."""
    texts = [(RUNNER / file).read_text() for file in files]
    return {function or name for text in texts for _, function, name in CALL.findall(text)} - NO_PROCEDURE - OF_SOURCE


def granted(*roles: str) -> set[str]:
    """Procedures that the roles may execute, on any database."""
    texts = [file.read_text() for file in sorted((assets.sql() / "roles").glob("*.sql"))]
    return {name for text in texts for name, role in GRANT.findall(text) if role in roles}


@pytest.mark.parametrize(
    ("files", "roles"),
    [
        (["cycle.py", "generate.py"], ["notify_detector", "notify_generator"]),
        (["send.py"], ["notify_sender"]),
        (
            ["audit.py", "reports.py", "doctor.py", "scaffold.py", "definitions.py", "recover.py"],
            ["notify_operator", "notify_auditor", "notify_detector"],
        ),
        (
            [str(file.relative_to(RUNNER)) for file in sorted((RUNNER / "cli").glob("*.py"))],
            ["notify_operator", "notify_auditor", "notify_detector"],
        ),
    ],
    ids=["cycle", "sender", "people", "commands"],
)
def test_a_role_may_execute_what_its_part_calls(files: list[str], roles: list[str]) -> None:
    needed = called(*files)
    assert needed, "the pattern finds nothing any more"
    assert needed - granted(*roles) == set()


def test_a_grant_is_for_a_procedure_that_is_there() -> None:
    there = {file.stem for file in Path(assets.sql() / "procedures").rglob("*.sql")}
    for role in ("notify_detector", "notify_generator", "notify_sender", "notify_operator", "notify_auditor"):
        assert granted(role) - there == set()
