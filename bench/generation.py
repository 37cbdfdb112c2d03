"""The runner's own cost of generating a message, and where the time of the whole way goes."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime
from decimal import Decimal
from typing import Final

from bench.detection import detect_changes
from bench.floors import bare_renderer
from bench.measure import Calls, Figure, Span, calls, folder, median, span
from bench.press import BODY, LETTERS, Press, press
from bench.sink import sink
from notify.cycle import make_renderer, run_cycle
from notify.databases import Connection, Role
from notify.gateways import open_gateway
from notify.generate import Generator
from notify.procedures import processor
from notify.send import send

__all__ = ["fields", "generation", "whole_way"]

STEPS: Final = {
    "detect": ("read_position", "begin_run", "get_scans", "detect_changes", "get_key_scans"),
    "record": ("record_changes",),
    "claim": ("claim_batch",),
    "extract": ("extract_changes",),
    "decide": ("decide_batch",),
    "enqueue": ("enqueue_messages",),
    "complete": ("complete_batch", "end_run"),
    "send: claim": ("claim_messages", "sweep_messages"),
    "send: attempts and outcomes": ("advance_attempts", "begin_attempts", "record_outcomes"),
}


def generation(quick: bool) -> list[Figure]:
    """CPU of steps 6 to 10 of a cycle without their database calls, against the same letters rendered by bare Mako."""
    rounds, number = (3, 200) if quick else (7, 500)
    bare = bare_renderer(LETTERS / "templates", "issue")
    own, floor = [], []
    with folder() as path, press(path, lists=number, readers=1) as it:
        renderer = make_renderer(it.config())
        for _ in range(rounds + 1):
            it.publish(number, number)
            with it.stage.databases.connection(Role.REPLICA) as source, ExitStack() as stack:
                targets = [stack.enter_context(it.stage.databases.connection(r)) for r in (Role.PROCESSOR, Role.QUEUE)]
                run_id = detect_changes(source, targets[0])[0]
                generator = Generator((source, targets[0], targets[1]), renderer, region="US")
                with calls() as inside, span() as work:
                    messages = _generate(generator, targets[0], run_id)
                assert messages == number, f"{messages} of {number} messages"
            own.append((work.cpu - inside.cpu) / number)
            with span() as rendering:
                for i in range(number):
                    bare(fields(i))
            floor.append(rendering.cpu / number)
    # The first round compiles templates and warms caches.
    value, least = median(own[1:]), median(floor[1:])
    ratio = median([a / b for a, b in zip(own[1:], floor[1:], strict=True)])
    return [Figure.of("generation: own CPU a message", value * 1e6, "µs", least * 1e6, ratio=ratio, at_most=2)]


def whole_way(quick: bool) -> list[Figure]:
    """From rows that the replica shows to mails that a server has taken, and the share of each step."""
    rounds, number = (2, 200) if quick else (3, 1000)
    cycle_seconds, send_seconds, own = [], [], []
    total = Calls()
    with folder() as path, sink() as port, press(path, lists=number, readers=1, port=port) as it:
        _way(it, 50)
        for _ in range(rounds):
            it.publish(number, number)
            cycle, sending, inside = _way(it)
            cycle_seconds.append(cycle.wall)
            send_seconds.append(sending.wall)
            own.append((cycle.cpu + sending.cpu - inside.cpu) / number)
            for name, seconds in inside.wall.items():
                total.wall[name] += seconds
    both = [a + b for a, b in zip(cycle_seconds, send_seconds, strict=True)]
    seconds = sum(both)
    figures = [
        Figure.of("whole way: messages", number / median(both), "/s"),
        Figure.of("whole way: generation alone", number / median(cycle_seconds), "/s"),
        Figure.of("whole way: sending alone", number / median(send_seconds), "/s"),
        Figure.of("whole way: own CPU a message, from detection to delivery", median(own) * 1e6, "µs"),
    ]
    known: set[str] = set()
    for step, procedures in STEPS.items():
        known.update(procedures)
        share = sum(total.wall[name] for name in procedures) / seconds
        figures.append(Figure.of(f"whole way, share: {step}", 100 * share, "%"))
    inside_cycle = sum(total.wall[name] for step, names in STEPS.items() if "send" not in step for name in names)
    inside_send = sum(total.wall[name] for step, names in STEPS.items() if "send" in step for name in names)
    figures += [
        Figure.of(
            "whole way, share: render (the cycle's own)", 100 * (sum(cycle_seconds) - inside_cycle) / seconds, "%"
        ),
        # The sender calls the queue while it talks SMTP, so this is what no call covers.
        Figure.of("whole way, share: send (the sender's own)", 100 * (sum(send_seconds) - inside_send) / seconds, "%"),
    ]
    return figures


def _generate(generator: Generator, connection: Connection, run_id: int) -> int:
    """What a cycle's worker does; gives how many messages there are."""
    messages = 0
    while batch := processor.claim_batch(connection, run_id=run_id, worker="bench", batch_size=100, lease_seconds=300):
        messages += generator.run(batch).messages
    return messages


def _way(it: Press, number: int = 0) -> tuple[Span, Span, Calls]:
    """A cycle, the sending of what it made, and the calls of both."""
    config = it.config()
    if number:
        it.publish(number, number)
    with calls() as inside:
        with span() as cycle:
            run_cycle(config, it.stage.databases)
        with span() as sending:
            send(it.stage.databases[Role.QUEUE], [open_gateway(g) for g in config.gateways], config.send, drain=True)
    return cycle, sending, inside


def fields(number: int) -> dict[str, object]:
    """The merge fields of a letter."""
    return {
        "name": f"Reader {number} of 0",
        "city": f"Town {number % 50}",
        "title": f"Letter {number}",
        "body": BODY,
        "price": Decimal("12.5000"),
        "published_at": datetime(2026, 3, 1),
    }
