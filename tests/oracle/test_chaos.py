"""Disorder by seed, judged by an oracle that knows the rules and not the product.

``NOTIFY_SEEDS=50 pytest tests/oracle`` tries more, ``NOTIFY_SEEDS=17-17`` one; ``NOTIFY_STEPS`` is the length of a play.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.oracle.judge import Judge
from tests.oracle.play import Play, opened

SEEDS = os.environ.get("NOTIFY_SEEDS", "4")
STEPS = int(os.environ.get("NOTIFY_STEPS", "50"))


def seeds() -> range:
    first, _, last = SEEDS.partition("-")
    return range(int(first), int(last) + 1) if last else range(1, int(first) + 1)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four databases, nothing defined. Built once, copied for each test."""
    folder = tmp_path_factory.mktemp("world")
    world = Play(folder, 0)
    with world.stage:
        world.build()
    return folder


@pytest.mark.parametrize("seed", seeds())
def test_neither_missing_nor_doubled(built: Path, tmp_path: Path, seed: int) -> None:
    with opened(built, tmp_path / "stage", seed) as world:
        try:
            world.begin()
            world.play(STEPS)
            world.settle()
            problems = Judge(world).problems()
        except BaseException:
            print("\n".join(world.diary))
            raise
        assert not problems, "\n".join([*problems, "", *world.diary])


def test_the_oracle_sees_what_is_wrong(built: Path, tmp_path: Path) -> None:
    """A mail lost, a mail that came twice, an older state after a newer one: each is said."""
    with opened(built, tmp_path / "stage", 0) as world:
        world.begin()
        world.play(30)
        world.settle()
        assert Judge(world).problems() == []
        mails = list(world.stage.mails)
        assert len(mails) > 10
        for number in range(0, len(mails), 5):
            world.stage.mailbox.mails[:] = mails[:number] + mails[number + 1 :]
            assert Judge(world).problems(), f"without {mails[number].message['Subject']}"
            world.stage.mailbox.mails[:] = [*mails, mails[number]]
            assert any("are one message" in problem for problem in Judge(world).problems())
