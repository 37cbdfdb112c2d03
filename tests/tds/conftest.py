"""A server for each test that asks for one, on a free port, and clients of it through Microsoft's driver."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests import driver

from tsqlite.tds.server import Server

PASSWORD = "Not a {secret}; 1"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Databases Sales and Stock."""
    databases = {"Sales": tmp_path / "sales.db", "Stock": tmp_path / "stock.db"}
    with Server(databases, password=PASSWORD, synchronous="OFF") as running:
        yield running


@dataclass
class Process:
    """A server in a process of its own."""

    port: int


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    """The same in another process: pyodbc's fast_executemany waits for answers without giving Python's lock away."""
    started = subprocess.Popen(
        [sys.executable, "-m", "tsqlite.tds", f"Sales={tmp_path / 'sales.db'}", "--synchronous", "OFF"],
        env={**os.environ, "TSQLITE_PASSWORD": PASSWORD}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    with started:
        assert started.stdin and started.stdout
        yield Process(int(started.stdout.readline()))
        started.stdin.close()


def connection_string(server: Server | Process, **options: object) -> str:
    """An ODBC connection string; `options` replace or add keywords."""
    keywords: dict[str, object] = {
        "DRIVER": driver.NAME, "SERVER": f"127.0.0.1,{server.port}", "DATABASE": "Sales", "UID": "sa", "PWD": PASSWORD,
        "Encrypt": "no", "TrustServerCertificate": "yes",
    }  # fmt: skip
    keywords.update(options)
    return ";".join(f"{k}={{{str(v).replace('}', '}}')}}}" for k, v in keywords.items() if v is not None)


Connect = Callable[..., Any]


@pytest.fixture
def connect_to() -> Iterator[Connect]:
    """`connect_to(server, autocommit=True, timeout=0, DATABASE=..., Encrypt=...)`: a pyodbc connection."""
    missing = driver.reason()
    if missing is not None:
        pytest.skip(missing)
    import pyodbc

    pyodbc.pooling = False
    made: list[Any] = []

    def connect(server: Server | Process, *, autocommit: bool = True, timeout: int = 10, **options: object) -> Any:
        text = connection_string(server, **options)
        made.append(pyodbc.connect(text, autocommit=autocommit, timeout=timeout))
        return made[-1]

    yield connect
    for connection in made:
        if not connection.closed:
            connection.close()


@pytest.fixture
def connect(server: Server, connect_to: Connect) -> Connect:
    """`connect(...)`: a pyodbc connection to the test's server."""
    return lambda **options: connect_to(server, **options)


@pytest.fixture
def cursor(connect: Connect) -> Any:
    """A cursor of a connection with autocommit."""
    return connect().cursor()
