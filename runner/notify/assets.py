"""Where the T-SQL, the migrations, the shipped templates and the examples lie: in a checkout, or inside the wheel."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

__all__ = ["examples", "migrations", "root", "sql", "templates"]


@lru_cache(maxsize=1)
def root() -> Path:
    """The folder that holds sql/, migrations/, templates/ and examples/."""
    package = Path(__file__).resolve().parent
    shipped = package / "_assets"
    return shipped if shipped.is_dir() else package.parents[1]


def sql() -> Path:
    """Procedures, functions, views, roles, jobs."""
    return root() / "sql"


def migrations() -> Path:
    """The two Alembic histories."""
    return root() / "migrations"


def templates() -> Path:
    """Layouts and partials."""
    return root() / "templates"


def examples() -> Path:
    """The brokerage."""
    return root() / "examples"
