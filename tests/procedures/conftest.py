"""Deployed databases for tests of procedures: each role is built once per session and copied for each test."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy
from tests.procedures.queue_room import Room
from tests.procedures.shop import Shop, build_source

from notify import assets
from notify.databases import Connection, Database, Role
from notify.deploy import module_files, run_file

Deployed = Callable[[Role], Connection]


def deploy(connection: Connection, role: Role) -> None:
    """Tables of every revision, then functions, views and procedures, as `notify migrate` orders them."""
    for file in sorted((assets.migrations() / role / "versions").glob("*.sql")):
        run_file(connection, file)
    for file in module_files(role):
        run_file(connection, file)


def database(role: Role, path: Path) -> Database:
    """An embedded database."""
    return Database(role, sqlalchemy.URL.create("mssql+tsqlite", database=str(path), query={"synchronous": "OFF"}))


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Role], Path]:
    """The file of a role as deployment leaves it."""
    folder = tmp_path_factory.mktemp("built")

    def build(role: Role) -> Path:
        path = folder / f"{role}.db"
        if not path.exists():
            server = database(role, path)
            server.create()
            with server.connection() as connection:
                deploy(connection, role)
                if role is Role.PROCESSOR:
                    connection.execute("INSERT notify.setting (name, value) VALUES ('allow_test_clock', N'1');")
            server.dispose()  # what is still in the write-ahead log would not be copied
        return path

    return build


@pytest.fixture
def deployed(built: Callable[[Role], Path], tmp_path: Path) -> Iterator[Deployed]:
    """Opens a fresh database of a role."""
    servers: list[Database] = []
    opened: list[Connection] = []

    def fresh(role: Role) -> Connection:
        path = tmp_path / f"{role}.db"
        if not path.exists():
            shutil.copy(built(role), path)
        servers.append(database(role, path))
        opened.append(servers[-1].open())
        return opened[-1]

    yield fresh
    for connection in opened:
        connection.close()
    for server in servers:
        server.dispose()


PROCESSOR_TABLES = (
    "key_snapshot key_scan_row key_scan change_history change batch run alert queue_mark heartbeat_seen notification_history"
    " watermark schedule prerequisite criterion notification_channel notification stamp_column watched_column watched_table"
    " catalog_time_zone catalog_procedure catalog_column"
).split()


@pytest.fixture(scope="session")
def shared_processor(built: Callable[[Role], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """One processor for the session: its procedures are compiled once."""
    path = tmp_path_factory.mktemp("shared") / "processor.db"
    shutil.copy(built(Role.PROCESSOR), path)
    server = database(Role.PROCESSOR, path)
    with server.connection() as connection:
        yield connection
    server.dispose()


@pytest.fixture
def processor(shared_processor: Connection) -> Connection:
    """An empty processor; its clock may be set."""
    clear = "".join(f"DELETE FROM notify.{table};\n" for table in PROCESSOR_TABLES)
    shared_processor.execute(clear + "DELETE FROM notify.setting WHERE name <> 'allow_test_clock';")
    return shared_processor


@pytest.fixture
def room(deployed: Deployed) -> Room:
    """A fresh queue and a sender in it."""
    return Room(deployed(Role.QUEUE))


@pytest.fixture(scope="session")
def built_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a source as deployment leaves it."""
    path = tmp_path_factory.mktemp("source") / "source.db"
    build_source(path)
    return path


class Stage:
    """The shop of a session, taken back to a saved state for each test; a new one once a test has changed its tables."""

    def __init__(self, new: Callable[[], Shop], folder: Callable[[], Path]) -> None:
        self.new, self.folder = new, folder
        self.shop = new()
        self.fresh = self.folder(), self.shop.now
        self.shop.save(self.fresh[0])
        self.shop.watch()
        self.watching = self.folder(), self.shop.now
        self.shop.save(self.watching[0])

    def set(self, state: tuple[Path, datetime.datetime]) -> Shop:
        if self.shop.is_rebuilt:
            self.shop.close()
            self.shop = self.new()
        self.shop.reset(*state)
        return self.shop


@pytest.fixture(scope="session")
def stage(
    built: Callable[[Role], Path], built_source: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """Where shops are set up."""

    def folder() -> Path:
        return tmp_path_factory.mktemp("shop")

    stage = Stage(lambda: Shop(folder(), built_source, built(Role.PROCESSOR)), folder)
    yield stage
    stage.shop.close()


@pytest.fixture
def shop(stage: Stage) -> Shop:
    """A fresh source, its replica and a processor."""
    return stage.set(stage.fresh)


@pytest.fixture
def watching(stage: Stage) -> Shop:
    """A shop that watches its orders, inserts, updates and deletes, since a minute."""
    return stage.set(stage.watching)
