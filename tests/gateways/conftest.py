"""A deployed queue for the sender, and the test's own connection to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.hosts import Host
from tests.procedures.conftest import built
from tests.procedures.queue_room import Room

from notify.databases import Database, Role

__all__ = ["built"]


@pytest.fixture
def queue_database(mode: Host, built: Callable[[Role], Path], tmp_path: Path) -> Iterator[Database]:
    """A fresh queue; senders open their own connections."""
    path = tmp_path / "queue.db"
    mode.copy(built(Role.QUEUE), path)
    server = mode.database(Role.QUEUE, path)
    yield server
    server.dispose()
    mode.release(tmp_path)


@pytest.fixture
def room(queue_database: Database) -> Iterator[Room]:
    """The queue in the test's hand."""
    with queue_database.connection() as connection:
        yield Room(connection)
