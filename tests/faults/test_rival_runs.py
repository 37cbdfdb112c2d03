"""Whoever comes in between at any statement boundary: nothing is missing, nothing doubled."""

from __future__ import annotations

import pytest
from tests.faults import world
from tests.faults.world import CONNECTIONS, EVERYTHING, Arena, chosen, told

pytestmark = pytest.mark.timeout(7200 if EVERYTHING else 900)


def test_a_rival_cycle_at_every_boundary_of_a_cycle(changed: Arena) -> None:
    """A rival that meets a lock gives up (exit 1, nothing lost)."""
    places = changed.places(world.cycle)
    for number in chosen(places, 1, 3):
        with told(places, number):
            changed.disturb(world.cycle, number, world.cycle).judge()


def test_a_cycle_frozen_at_every_boundary_until_its_leases_have_passed(changed: Arena) -> None:
    places = changed.places(world.cycle)
    for number in chosen(places, 2, 3):
        with told(places, number):
            changed.disturb(world.cycle, number, world.much_later).judge(versions=True)


def test_a_rival_sender_at_every_boundary_of_a_sender(queued: Arena) -> None:
    places = queued.places(world.send)
    for number in chosen(places, 1, 3):
        with told(places, number):
            queued.disturb(world.send, number, world.send).judge()


def test_a_sender_frozen_at_every_boundary_until_its_leases_have_passed(queued: Arena) -> None:
    """What it had begun is in doubt meanwhile; it tells how it ended, late, and that counts."""
    places = queued.places(world.send)
    for number in chosen(places, 2, 3):
        with told(places, number):
            queued.disturb(world.send, number, world.much_later).judge(doubts=CONNECTIONS)
