"""A town, built once; its copies are killed and run against."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.faults import world
from tests.faults.world import Arena, Town, copied

from notify.mailbox import Mailbox


@pytest.fixture(scope="session")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """Changes wait to be detected."""
    folder = tmp_path_factory.mktemp("changed")
    with Mailbox() as mailbox:
        world.build(folder / "image", mailbox.port)
        arena = Arena(folder / "image", folder, mailbox)
        with copied(arena.image, arena.folder) as trial:  # procedures are compiled here, once for all processes
            warm = Town(trial)
            warm.stage.cycle()
            warm.settle()
            warm.account()
            warm.stage.close()
        mailbox.mails.clear()
        yield arena


@pytest.fixture(scope="session")
def queued(changed: Arena, tmp_path_factory: pytest.TempPathFactory) -> Arena:
    """Messages wait to be sent."""
    folder = tmp_path_factory.mktemp("queued")
    with copied(changed.image, folder) as trial:
        status, _ = world.in_process(lambda: world.cycle(Town(trial)))
        assert status == 0
        trial.rename(folder / "image")
    for file in (folder / "image").glob("*-sessions"):
        file.unlink()
    return Arena(folder / "image", folder, changed.mailbox)
