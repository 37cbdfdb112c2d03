"""Worker threads: each runs the same function until there is no more work; the first failure of one stops all."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["run_workers"]


def run_workers(count: int, work: Callable[[int, threading.Event], None]) -> None:
    """Runs `work(number, stop)` in `count` threads and waits for all.

    Args:
        work: returns when it finds nothing to do; it looks at `stop` between two units of work.

    Raises:
        BaseException: the first one that a worker raised, after every worker has ended.
    """
    stop = threading.Event()
    if count == 1:
        work(0, stop)
        return
    errors: list[BaseException] = []

    def body(number: int) -> None:
        try:
            work(number, stop)
        except BaseException as error:
            errors.append(error)
            stop.set()

    threads = [threading.Thread(target=body, args=(number,), name=f"notify-{number}") for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:
        # The batch in hand is finished, then the threads end.
        stop.set()
        for thread in threads:
            thread.join()
        raise
    if errors:
        raise errors[0]
