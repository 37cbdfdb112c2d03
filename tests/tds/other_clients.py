"""Clients that are not Python packages: found where they are installed, or fetched once from their package registry.

Fetching takes minutes, so it is asked for: NOTIFY_CLIENTS=all. What was fetched stays in the user's cache, and its tests run
from then on. Nothing of it is part of this repository.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

from tests.tds.conftest import PASSWORD, Process

CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sqlserver-notify" / "clients"
ALL: Final = os.environ.get("NOTIFY_CLIENTS") == "all"
PATIENCE: Final = 600
JDBC: Final = "com.microsoft.sqlserver:mssql-jdbc:12.8.1.jre11"
SQLCMD: Final = "github.com/microsoft/go-sqlcmd/cmd/modern@latest"

Found = tuple[Path | None, str]
"""Where a client is, or why it is not there."""


def _fetched(found: Callable[[], Path | None], program: str, *command: str, **environment: str) -> Found:
    """What is in the cache; else, when all clients are asked for, what a registry's own tool brings there."""
    if (path := found()) is not None:
        return path, ""
    if not ALL:
        return None, "not installed; NOTIFY_CLIENTS=all fetches it"
    if shutil.which(program) is None:
        return None, f"{program} is not installed, which fetches it"
    CACHE.mkdir(parents=True, exist_ok=True)
    try:
        ran = subprocess.run(
            [program, *command], cwd=CACHE, env={**os.environ, **environment}, timeout=PATIENCE,
            capture_output=True, text=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return None, f"{program} did not fetch it in {PATIENCE} seconds"
    path = found()
    said = (ran.stderr.strip() or ran.stdout.strip()).splitlines()
    return (
        path,
        "" if path is not None else f"{program} cannot fetch it: {said[-1].strip() if said else ran.returncode}",
    )


@cache
def jdbc() -> Found:
    """The jar of Microsoft's JDBC driver."""
    if shutil.which("java") is None:
        return None, "java is not installed"
    _, name, version = JDBC.split(":")
    jar = CACHE / f"{name}-{version}.jar"
    return _fetched(
        lambda: jar if jar.exists() else None, "mvn", "-q", "-B", "dependency:copy", f"-Dartifact={JDBC}",
        f"-DoutputDirectory={CACHE}",
    )  # fmt: skip


@cache
def sqlcmd() -> Found:
    """Microsoft's sqlcmd, the one in Go or the one on ODBC."""

    def found() -> Path | None:
        built = CACHE / "modern"
        installed = shutil.which("sqlcmd")
        return built if built.exists() else Path(installed) if installed else None

    return _fetched(found, "go", "install", SQLCMD, GOBIN=str(CACHE))


@cache
def freetds() -> Found:
    """FreeTDS's ODBC driver."""
    for folder in (Path("/usr/lib"), Path("/usr/local/lib"), Path("/opt/homebrew/lib")):
        for pattern in ("*/odbc/libtdsodbc.so", "libtdsodbc.so", "odbc/libtdsodbc.so"):
            for path in folder.glob(pattern):
                return path, ""
    return None, "FreeTDS is not installed (apt-get install tdsodbc)"


@contextmanager
def serving(folder: Path, password: str = PASSWORD) -> Iterator[Process]:
    """A server in a process of its own, of Sales and Stock; who asks for Sales to read only gets Stock."""
    command = [sys.executable, "-m", "tsqlite.tds", f"Sales={folder / 'sales.db'}", f"Stock={folder / 'stock.db'}"]
    started = subprocess.Popen(
        [*command, "--read-only", "Sales=Stock", "--synchronous", "OFF"],
        env={**os.environ, "TSQLITE_PASSWORD": password}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    with started:
        assert started.stdin and started.stdout
        yield Process(int(started.stdout.readline()))
        started.stdin.close()
