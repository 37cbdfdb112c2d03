"""A queue that came back from a backup is made trustworthy again (rule 10)."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from notify.cycle import Progress, Quiet
from notify.databases import Connection, Databases, Role
from notify.procedures import processor, queue

__all__ = ["Recovered", "recover"]

TAKE: Final = 1000


@dataclass
class Recovered:
    """`sent`: messages that the copied hand-overs made sent; what else was due is in doubt, for a person to settle."""

    sent: int = 0
    messages_in_doubt: int = 0
    changes_in_doubt: int = 0


def recover(databases: Databases, lost_at: datetime.datetime, by: str, progress: Progress | None = None) -> Recovered:
    """Copied outcomes first, then every change ever claimed, then doubt. The queue is trusted with the last step alone.

    Who is cut off repeats it: what is there already is left as it is.

    Args:
        lost_at: UTC by the queue's clock: when the lost queue was last alive.

    Raises:
        ProcedureError: the queue is trusted: there is nothing to recover.
    """
    progress = progress or Quiet()
    done = Recovered()
    with databases.connection(Role.PROCESSOR) as source, databases.connection(Role.QUEUE) as target:
        number = 0
        for page in _pages(source, processor.get_outcome_copies, "outcome_copy_id"):
            done.sent += queue.take_outcomes(target, page)["known"]
            number += len(page)
            progress.step("give back copied hand-overs", number, None)
        number = 0
        for page in _pages(source, processor.get_claimed_changes, "change_number"):
            counts = queue.recover_queue(target, lost_at, page, by, more_changes=True)
            done.changes_in_doubt += counts["changes_in_doubt"]
            number += len(page)
            progress.step("compare claimed changes", number, None)
        done.messages_in_doubt = queue.recover_queue(target, lost_at, [], by)["messages_in_doubt"]
    return done


def _pages(
    connection: Connection, read: Callable[[Connection, int, int], list[dict[str, Any]]], number: str
) -> Iterator[list[dict[str, Any]]]:
    after = 0
    while True:
        page = read(connection, after, TAKE)
        if page:
            yield page
            after = page[-1][number]
        if len(page) < TAKE:
            return
