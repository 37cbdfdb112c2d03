"""The same statements through Microsoft's driver and TDS, and in process: calls, rows out, rows in, rivals at a queue.

The server has a process of its own, as it must: pyodbc keeps Python's lock while `fast_executemany` waits.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import tsqlite
from bench.measure import Figure, folder, median
from bench.sending import fill_queue, letter

__all__ = ["wire"]

SCHEMA: Final = (
    "CREATE TABLE dbo.item (id int NOT NULL PRIMARY KEY, name nvarchar(50) NOT NULL, price decimal(9, 2) NULL,"
    " changed_at datetime2(3) NOT NULL)",
    "CREATE TABLE dbo.taken (id int NOT NULL PRIMARY KEY, name nvarchar(50) NOT NULL, price decimal(9, 2) NULL)",
    """CREATE PROCEDURE dbo.find_item (@id int) AS
BEGIN
    SET NOCOUNT ON;
    SELECT i.id, i.name, i.price, i.changed_at FROM dbo.item AS i WHERE i.id = @id;
END""",
    """CREATE PROCEDURE dbo.take_items (@items nvarchar(max)) AS
BEGIN
    SET NOCOUNT ON;
    INSERT INTO dbo.taken (id, name, price)
    SELECT j.id, j.name, j.price
    FROM OPENJSON(@items) WITH (id int '$.id', name nvarchar(50) '$.name', price decimal(9, 2) '$.price') AS j;
END""",
)
FILL: Final = (
    "INSERT INTO dbo.item (id, name, price, changed_at) SELECT j.id, CONCAT(N'Item ', j.id), j.id % 1000 / 8.0,"
    " DATEADD(SECOND, j.id, '2026-01-01') FROM OPENJSON(?) WITH (id int '$') AS j"
)
SELECT: Final = "SELECT id, name, price, changed_at FROM dbo.item"
INSERT: Final = "INSERT INTO dbo.taken (id, name, price) VALUES (?, ?, ?)"
CLAIM: Final = "EXECUTE notify.claim_messages @channel = ?, @take = ?, @lease_seconds = ?, @sender = ?"
TAKE: Final = 10
TICKS: Final = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100

Connect = Callable[[], Any]


@dataclass
class Server:
    """A server in its process."""

    process: subprocess.Popen[str]
    port: int
    password: str

    def cpu(self) -> float | None:
        """Its processor time so far, in seconds; None where the system does not tell."""
        file = Path(f"/proc/{self.process.pid}/stat")
        if not file.exists():
            return None
        numbers = file.read_text().rpartition(")")[2].split()
        return (int(numbers[11]) + int(numbers[12])) / TICKS


@contextmanager
def server(file: Path) -> Iterator[Server]:
    """Serves one file as database Bench."""
    password = secrets.token_urlsafe(12)
    process = subprocess.Popen(
        [sys.executable, "-m", "tsqlite.tds", f"Bench={file}"], env={**os.environ, "TSQLITE_PASSWORD": password},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None and process.stdout is not None
    try:
        yield Server(process, int(process.stdout.readline()), password)
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


@dataclass
class Cost:
    """Of something done a number of times: seconds on the clock, and of both processes' CPU."""

    number: int
    wall: float
    client: float
    server: float | None = None

    @property
    def rate(self) -> float:
        return self.number / self.wall


def cost(number: int, work: Callable[[], None], running: Server | None = None) -> Cost:
    """Does it."""
    theirs = running.cpu() if running else None
    wall, own = time.perf_counter(), time.process_time()
    work()
    wall, own = time.perf_counter() - wall, time.process_time() - own
    after = running.cpu() if running else None
    return Cost(number, wall, own, None if theirs is None or after is None else after - theirs)


def wire(quick: bool) -> list[Figure]:
    """Calls, rows out, rows in and claims; nothing but a line where Microsoft's driver is not to be had."""
    from tests import driver

    missing = driver.reason()
    if missing is not None:
        print(f"left out: {missing}", file=sys.stderr)
        return []
    import pyodbc

    pyodbc.pooling = False
    rounds = 2 if quick else 5
    figures: list[Figure] = []
    with ExitStack() as stack:
        path = stack.enter_context(folder())
        rows = 10_000 if quick else 100_000
        prepare(path / "bench.db", rows)
        running = stack.enter_context(server(path / "bench.db"))
        over = over_tds(running)()
        here = in_process(path / "bench.db")()
        for name, number, work in (
            ("calls of one small procedure", 300 if quick else 2000, calls),
            (f"{rows:,} rows fetched", rows, fetch),
            (f"{rows // 10:,} rows by (fast_)executemany", rows // 10, many),
            (f"{rows // 10:,} rows by one JSON parameter", rows // 10, document),
        ):
            figures += compare(name, number, work, over, here, running, rounds)
        over.close()
        here.close()
    figures += claims(quick)
    return figures


def prepare(file: Path, rows: int) -> None:
    """The table to read from, and the procedures."""
    connection = tsqlite.connect(file)
    connection.autocommit = True
    for text in SCHEMA:
        connection.cursor().execute(text)
    connection.cursor().execute(FILL, (json.dumps(list(range(rows))),))
    connection.close()


def over_tds(running: Server) -> Connect:
    """Connections through the driver, with autocommit, as the runner has them, and without TLS."""
    import pyodbc
    from tests import driver

    text = (
        f"DRIVER={{{driver.NAME}}};SERVER=127.0.0.1,{running.port};DATABASE=Bench;UID=sa;PWD={running.password};"
        "Encrypt=no"
    )
    return lambda: pyodbc.connect(text, autocommit=True)


def in_process(file: Path) -> Connect:
    """Connections of the engine's own."""

    def connect() -> Any:
        connection = tsqlite.connect(file)
        connection.autocommit = True
        return connection

    return connect


def calls(connection: Any, number: int) -> None:
    """One row each, on one cursor."""
    cursor = connection.cursor()
    for i in range(number):
        cursor.execute("EXECUTE dbo.find_item @id = ?", (i,))
        assert len(cursor.fetchall()) == 1


def fetch(connection: Any, number: int) -> None:
    """One result."""
    assert len(connection.cursor().execute(SELECT).fetchall()) == number


def many(connection: Any, number: int) -> None:
    """Rows as an array of parameters, in one transaction."""
    connection.autocommit = False
    cursor = connection.cursor()
    cursor.execute("DELETE FROM dbo.taken")
    if hasattr(cursor, "fast_executemany"):
        cursor.fast_executemany = True
    cursor.executemany(INSERT, [(i, f"Item {i}", i / 8) for i in range(number)])
    connection.commit()
    connection.autocommit = True


def document(connection: Any, number: int) -> None:
    """Rows as one document."""
    cursor = connection.cursor()
    cursor.execute("DELETE FROM dbo.taken")
    items = [{"id": i, "name": f"Item {i}", "price": i / 8} for i in range(number)]
    cursor.execute("EXECUTE dbo.take_items @items = ?", (json.dumps(items),))
    connection.commit()


def compare(
    name: str, number: int, work: Callable[[Any, int], None], over: Any, here: Any, running: Server, rounds: int
) -> list[Figure]:
    """Both in turns; the first round warms up."""
    costs = [
        (cost(number, lambda: work(over, number), running), cost(number, lambda: work(here, number)))
        for _ in range(rounds + 1)
    ][1:]
    ratio = median([a.rate / b.rate for a, b in costs])
    return [
        Figure.of(
            f"wire: {name}", median([a.rate for a, _ in costs]), "/s", median([b.rate for _, b in costs]), ratio=ratio
        ),
        *shares(name, [a for a, _ in costs], [b for _, b in costs]),
    ]


def shares(name: str, costs: Sequence[Cost], floor: Sequence[Cost]) -> list[Figure]:
    """Processor time of both sides for each, beside that of the engine in process: what bounds it."""

    def each(seconds: Sequence[float], of: Sequence[Cost]) -> float:
        return 1e6 * median([spent / c.number for spent, c in zip(seconds, of, strict=True)])

    bare = each([c.client for c in floor], floor)
    figures = [Figure.of(f"wire, CPU each: {name}, client", each([c.client for c in costs], costs), "µs")]
    theirs = [c.server for c in costs if c.server is not None]
    if len(theirs) == len(costs):
        figures.append(Figure.of(f"wire, CPU each: {name}, server", each(theirs, costs), "µs", bare))
    return figures


# -- claims


def claims(quick: bool) -> list[Figure]:
    """1, 8 and 32 connections empty one queue, ten messages a claim; one connection in process is the floor."""
    rounds, number = (1, 300) if quick else (3, 2000)
    found: dict[int, list[Cost]] = {1: [], 8: [], 32: []}
    floor: list[Cost] = []
    once = True
    with folder() as path:
        full = path / "full.db"
        fill_queue(full, [letter(i) for i in range(number)])
        for turn in range(rounds + 1):
            for connections in (0, *found):
                file = path / f"{turn}-{connections}.db"
                shutil.copy(full, file)
                if not connections:
                    taken, spent = empty([in_process(file)()])
                    floor.append(spent)
                else:
                    with server(file) as running:
                        connect = over_tds(running)
                        taken, spent = empty([connect() for _ in range(connections)], running)
                    found[connections].append(spent)
                once = once and sorted(taken) == sorted(set(taken)) and len(taken) == number
                file.unlink()
    figures = []
    for connections, costs in found.items():
        name = f"claims of {TAKE}, {connections} connection{'s' if connections > 1 else ''}"
        ratio = median([a.rate / b.rate for a, b in zip(costs[1:], floor[1:], strict=True)])
        rates = median([c.rate for c in costs[1:]]), median([c.rate for c in floor[1:]])
        figures += [
            Figure.of(f"wire: {name}", rates[0], "/s", rates[1], ratio=ratio),
            *shares(name, costs[1:], floor[1:]),
        ]
    figures.append(Figure("wire: messages claimed twice or never", 0.0 if once else 1.0, "", target="0", ok=once))
    return figures


def empty(connections: Sequence[Any], running: Server | None = None) -> tuple[list[int], Cost]:
    """All claim until there is nothing left: the messages they got, and what it cost in claims."""
    taken: list[int] = []
    made: list[int] = []
    guard = threading.Lock()
    begin = threading.Barrier(len(connections) + 1)

    def work(connection: Any) -> None:
        mine: list[int] = []
        times = 0
        cursor = connection.cursor()
        begin.wait()
        while True:
            cursor.execute(CLAIM, ("email", TAKE, 120, "bench"))
            got = [row[0] for row in cursor.fetchall()]
            if not got:
                break
            mine += got
            times += 1
        with guard:
            taken.extend(mine)
            made.append(times)

    threads = [threading.Thread(target=work, args=(connection,)) for connection in connections]
    for thread in threads:
        thread.start()

    def race() -> None:
        begin.wait()
        for thread in threads:
            thread.join()

    spent = cost(1, race, running)
    spent.number = sum(made)
    for connection in connections:
        connection.close()
    return taken, spent
