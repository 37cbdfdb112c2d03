"""The list of what is supported stands in the documentation as the command prints it."""

from __future__ import annotations

from pathlib import Path

from tsqlite import __main__, support

DOCUMENT = Path(__file__).parents[2] / "docs" / "tsqlite.md"


def test_the_document_is_what_the_command_prints() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == support.markdown(), "python -m tsqlite support > docs/tsqlite.md"


def test_every_function_has_a_page() -> None:
    assert all(
        "](https://learn.microsoft.com/" in line for line in support.markdown().splitlines() if line.startswith("- [")
    )


def test_a_file_is_run_batch_by_batch(tmp_path: Path, capsys: object) -> None:
    script = tmp_path / "x.sql"
    script.write_text(
        "CREATE TABLE dbo.t (i int)\nGO\nINSERT dbo.t VALUES (1)\nSELECT i, N'x' AS s FROM dbo.t\nSELECT 1/0\nGO\n"
    )
    assert __main__.main([str(tmp_path / "x.db"), str(script)]) == 0
    out = capsys.readouterr().out  # type: ignore[attr-defined]
    assert out.splitlines()[:5] == ["(1 rows affected)", "i  s", "-  -", "1  x", "(1 rows)"]
    assert "Msg 8134, Level 16, State 1, Line 3: Divide by zero error encountered." in out
