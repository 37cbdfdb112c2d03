"""A process may die at any statement boundary: the next one goes on, nothing is missing, nothing doubled."""

from __future__ import annotations

import pytest
from tests.faults import world
from tests.faults.world import CONNECTIONS, EVERYTHING, Arena, chosen, told

pytestmark = pytest.mark.timeout(7200 if EVERYTHING else 900)


def test_a_cycle_may_die_at_every_boundary(changed: Arena) -> None:
    places = changed.places(world.cycle)
    for number in chosen(places, 0, 3):
        with told(places, number):
            changed.kill(world.cycle, number).judge()


def test_a_sender_may_die_at_every_boundary(queued: Arena) -> None:
    """In doubt is at most what was being handed over: one mail a connection."""
    places = queued.places(world.send)
    for number in chosen(places, 0, 3):
        with told(places, number):
            queued.kill(world.send, number).judge(doubts=CONNECTIONS)
