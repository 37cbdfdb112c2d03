"""Nothing depends on the server's collation: temporary tables of a server that sorts otherwise meet the database's columns."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from notify import assets

FILES = sorted(assets.sql().rglob("*.sql"))
TEMPORARY = re.compile(r"CREATE TABLE (#\w+) \((.*?)\n    \);", re.S)
TEXT = re.compile(r"^\s+(\w+) (?:n?(?:var)?char\b|sysname\b)", re.I)


def temporary_columns() -> Iterator[tuple[str, str, str]]:
    """(file, table, the line of a text column)"""
    for file in FILES:
        for table, body in TEMPORARY.findall(file.read_text(encoding="utf-8")):
            for line in body.splitlines():
                if TEXT.match(line):
                    yield file.name, table, line.strip().rstrip(",")


@pytest.mark.parametrize(("file", "table", "column"), list(temporary_columns()))
def test_a_text_column_of_a_temporary_table_names_its_collation(file: str, table: str, column: str) -> None:
    """Without one it has tempdb's, the server's. A table variable has its database's."""
    assert "COLLATE" in column


def test_there_are_some() -> None:
    assert len(list(temporary_columns())) > 20
