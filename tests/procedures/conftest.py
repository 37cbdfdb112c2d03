"""Deployed databases for tests of procedures: each role is built once per session and copied for each test."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.hosts import Host
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


@pytest.fixture
def built(mode: Host, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Role], Path]:
    """The database of a role as deployment leaves it."""

    def build(role: Role) -> Path:
        folder = tmp_path_factory.mktemp("built")
        path = folder / f"{role}.db"
        server = mode.database(role, path)
        with server.connection() as connection:
            deploy(connection, role)
            if role is Role.PROCESSOR:
                connection.execute("INSERT notify.setting (name, value) VALUES ('allow_test_clock', N'1');")
        server.dispose()
        mode.release(folder, keep=True)
        return path

    return lambda role: mode.keep(("deployed", role), lambda: build(role))


@pytest.fixture
def deployed(mode: Host, built: Callable[[Role], Path], tmp_path: Path) -> Iterator[Deployed]:
    """Opens a fresh database of a role."""
    copied: set[Path] = set()
    servers: list[Database] = []
    opened: list[Connection] = []

    def fresh(role: Role) -> Connection:
        path = tmp_path / f"{role}.db"
        if path not in copied:
            mode.copy(built(role), path)
            copied.add(path)
        servers.append(mode.database(role, path))
        opened.append(servers[-1].open())
        return opened[-1]

    yield fresh
    for connection in opened:
        connection.close()
    for server in servers:
        server.dispose()
    mode.release(tmp_path)


PROCESSOR_TABLES = (
    "purge_position key_snapshot key_scan_row key_scan change_history change batch run alert queue_mark outcome_copy"
    " heartbeat_seen notification_history watermark schedule prerequisite criterion notification_channel notification stamp_column watched_column watched_table"
    " catalog_time_zone catalog_procedure catalog_column"
).split()


@pytest.fixture
def shared_processor(mode: Host, built: Callable[[Role], Path], tmp_path_factory: pytest.TempPathFactory) -> Connection:
    """One processor for the session: its procedures are compiled once."""

    def opened() -> tuple[Database, Connection]:
        path = tmp_path_factory.mktemp("shared") / "processor.db"
        mode.copy(built(Role.PROCESSOR), path)
        server = mode.database(Role.PROCESSOR, path)
        return server, server.open()

    def close(kept: tuple[Database, Connection]) -> None:
        kept[1].close()
        kept[0].dispose()

    return mode.keep("shared processor", opened, close)[1]


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


@pytest.fixture
def stage(mode: Host, built: Callable[[Role], Path], tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """Where shops are set up."""

    def folder() -> Path:
        return tmp_path_factory.mktemp("shop")

    def source() -> Path:
        path = tmp_path_factory.mktemp("source") / "source.db"
        build_source(mode, path)
        mode.release(path.parent, keep=True)
        return path

    def made() -> Stage:
        deployed_source = mode.keep("source", source)
        return Stage(lambda: Shop(mode, folder(), deployed_source, built(Role.PROCESSOR)), folder)

    return mode.keep("stage", made, lambda stage: stage.shop.close())


@pytest.fixture
def shop(stage: Stage) -> Shop:
    """A fresh source, its replica and a processor."""
    return stage.set(stage.fresh)


@pytest.fixture
def watching(stage: Stage) -> Shop:
    """A shop that watches its orders, inserts, updates and deletes, since a minute."""
    return stage.set(stage.watching)
