"""Each role's whole script compiles with Microsoft's schema compiler: no name, type or parameter is unresolved."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from notify.deploy import SCRIPT_ROLES, script

COMPILER = Path(__file__).with_name("schema_compiler.py")
pytestmark = pytest.mark.compiler


def compiled(text: str, folder: Path) -> list[str]:
    """The compiler's findings; skips, with the reason, where the compiler cannot be had."""
    file = folder / "script.sql"
    file.write_text(text, encoding="utf-8")
    done = subprocess.run([sys.executable, COMPILER, file], capture_output=True, text=True, timeout=900)
    if done.returncode == 3:
        pytest.skip(f"Microsoft's schema compiler: {done.stdout.strip()}")
    assert done.returncode in (0, 1), done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("role", SCRIPT_ROLES)
def test_the_whole_script_of_a_role_compiles(role: str, tmp_path: Path) -> None:
    assert compiled("".join(script(role)), tmp_path) == []


def test_the_compiler_sees_what_is_wrong(tmp_path: Path) -> None:
    text = "CREATE TABLE dbo.t (a int NOT NULL);\nGO\nCREATE VIEW dbo.v AS SELECT t.b FROM dbo.t AS t;\nGO\n"
    assert any("[dbo].[t].[b]" in finding for finding in compiled(text, tmp_path))
