"""Peak memory of generating and sending 100,000 messages, beside 1,000."""

from __future__ import annotations

import dataclasses
import resource
import subprocess
import sys
from pathlib import Path
from typing import Final

from bench.measure import Figure, folder
from bench.press import press
from bench.sink import sink

__all__ = ["memory"]

READERS: Final = 10
LISTS: Final = 20


def memory(quick: bool) -> list[Figure]:
    """Each number in a process of its own, which runs a cycle and drains the queue; changes give 10 messages each."""
    few, many = (1_000, 5_000) if quick else (1_000, 100_000)
    peaks = []
    for number in (few, many):
        with folder() as path, sink() as port:
            with press(path, lists=LISTS, readers=READERS, port=port) as it:
                it.publish(number // READERS, LISTS)
            done = subprocess.run(
                [sys.executable, "-m", "bench.memory", str(path), str(port), str(number)],
                stdout=subprocess.PIPE, text=True, check=True,
            )  # fmt: skip
            peaks.append(float(done.stdout.split()[-1]))
    more = peaks[1] - peaks[0]
    return [
        Figure.of(f"memory: peak at {few:,} messages", peaks[0], "MB"),
        Figure.of(f"memory: peak at {many:,} messages", peaks[1], "MB", peaks[0]),
        Figure.of(f"memory: more at {many:,} messages", more, "MB", at_most=50),
    ]


def peak() -> float:
    """Peak resident memory of this process, in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        # getrusage would count what the parent had when it forked.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / (1024 * 1024 if sys.platform == "darwin" else 1024)


def run(folder: Path, port: int, number: int) -> None:
    """One cycle and one drained queue; prints the peak."""
    from notify.config import load_config
    from notify.cycle import run_cycle
    from notify.databases import Role
    from notify.gateways import open_gateway
    from notify.send import send

    config = load_config(folder / "notify.toml", environ={})
    databases = config.databases()
    # An in-process gateway's port is another one each time; this is the sink's.
    gateway = open_gateway(dataclasses.replace(config.gateways[0], port=port, max_connections=8))
    cycle = dataclasses.replace(config.cycle, workers=1)
    report = run_cycle(dataclasses.replace(config, cycle=cycle), databases)
    assert report.messages == number, report
    print(f"after the cycle {peak():.1f}", file=sys.stderr)
    summary = send(databases[Role.QUEUE], [gateway], config.send, drain=True)
    assert summary.accepted == number, summary
    print(f"{peak():.1f}")


if __name__ == "__main__":
    run(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
