"""The net of tests/conftest.py is not empty, and it catches."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.engine import scriptdom

import tsqlite
from tsqlite import calls

pytestmark = pytest.mark.compiler


def test_what_procedures_run_as_dynamic_sql_is_collected(tmp_path: Path) -> None:
    connection = tsqlite.connect(tmp_path / "x.db", autocommit=True)
    connection.cursor().execute("EXECUTE sys.sp_executesql N'SELECT @a AS a;', N'@a int', @a = 1;")
    assert calls.dynamic_texts in (["SELECT @a AS a;"], None)
    if scriptdom.available() is None:
        assert calls.dynamic_texts is not None


def test_a_wrong_text_is_told() -> None:
    reason = scriptdom.available()
    if reason is not None:
        pytest.skip(reason)
    assert scriptdom.errors("SELECT FROM;") != []
