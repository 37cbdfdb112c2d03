"""The play: what happens next, as the seed says, and how it all comes to rest."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

from tests.oracle.operators import Operators

from notify.databases import Role
from tsqlite.replica import log_end

WEIGHTS = {
    "transaction": 30, "roll back": 2, "begin late": 4, "commit late": 6, "mass": 3, "beat": 12, "redo": 14,
    "cycle": 12, "kill": 5, "overlap": 2, "meanwhile": 3, "race": 1,
    "send": 8, "kill send": 3, "overlap send": 1, "race send": 1,
    "edit": 5, "edit meanwhile": 1, "pause": 2, "pause meanwhile": 1, "resume": 4, "retire": 1, "activate": 2,
    "approve": 2, "requeue": 2, "hold": 1, "let go": 2, "doubt": 2, "again": 1,
    "choose": 3, "stick": 1, "failover": 2, "clock": 2, "cover": 2, "freeze": 1, "freeze send": 1, "purge": 1, "back up": 1, "lose": 1, "back up processor": 1, "lose processor": 1,
}  # fmt: skip

LOSES_PROCESSOR = os.environ.get("NOTIFY_LOSE") == "processor"
"""A restored processor forgets what the queue knows: see test_found_whole.py."""
THEMES = (
    ("edit", "edit meanwhile", "retire", "pause", "pause meanwhile", "resume", "activate", "requeue"),
    ("back up", "back up", "lose", "send", "kill send"),
    ("back up processor", "back up processor", "lose processor", "lose processor", "cycle", "send"),
    ("mass", "mass", "approve", "beat", "cycle"),
    ("send", "kill send", "overlap send", "race send", "doubt", "again", "hold", "let go"),
    ("choose", "stick", "redo", "failover", "begin late", "commit late", "meanwhile"),
    ("kill", "overlap", "race", "meanwhile", "clock", "freeze", "freeze", "freeze send"),
    ("purge", "cycle", "send", "transaction"),
)
"""Each seed leans to two of them: what is rare everywhere is often together somewhere."""


class Play(Operators):
    """``with opened(...) as play: play.begin(); play.play(50); play.settle()``."""

    def play(self, steps: int) -> None:
        """Disorder, as the seed says."""
        self.post.fault = self.fault
        self.post.pipelining = self.chance.random() < 0.5
        self.weights = dict(WEIGHTS)
        if not LOSES_PROCESSOR:
            self.weights |= {"back up processor": 0, "lose processor": 0}
        for theme in self.chance.sample(THEMES, 2):
            for what in theme:
                self.weights[what] *= 3
        self.fault_rate = self.chance.choice((0.05, 0.15, 0.5))
        late = self.chance.randrange(steps)
        for number in range(steps):
            self.pass_time(seconds=self.chance.choice((0, 0.001, 0.7, 5, 20, 45, 200)))
            if number == late:
                self.activate(sorted(self.drafts))
            self.step()

    def step(self) -> None:
        """One thing happens."""
        chance = self.chance
        dice = chance.choices(list(self.weights), list(self.weights.values()))[0]
        self.diary.append(f"{self.now} {dice}")
        match dice:
            case "transaction":
                self.transaction()
            case "roll back":
                self.transaction(roll_back=True)
            case "begin late":
                self.begin_late()
            case "commit late":
                self.commit_late()
            case "mass":
                self.mass(chance.choice(self.tables), chance.random() < 0.5)
            case "beat":
                self.beat()
            case "redo":
                end = log_end(self.stage.path(Role.SOURCE))
                chance.choice(self.replicas).redo(chance.choice((end, chance.randint(max(0, end - 12), end))))
            case "cycle":
                self.cycle()
            case "kill":
                self.killed(self.rival_cycle, chance.randint(1, 900))
            case "overlap":
                self.overlapped(self.cycle_quietly, self.rival_cycle, chance.randint(1, 200))
            case "meanwhile":
                self.overlapped(self.cycle_quietly, self.move_on, chance.randint(1, 700), anywhere=True)
            case "race":
                self.raced(self.cycle_quietly, self.rival_cycle)
            case "send":
                self.send()
            case "kill send":
                self.killed(self.rival_send, chance.randint(1, 120))
            case "overlap send":
                self.overlapped(self.cycle_quietly, self.rival_send, chance.randint(1, 300))
            case "race send":
                self.overlapped_sends = True
                self.raced(self.send, self.rival_send)
            case "edit":
                self.edit()
            case "edit meanwhile":
                self.overlapped(self.cycle_quietly, self.edit, chance.randint(1, 300))
            case "pause":
                self.pause(chance.choice(sorted(self.eras)))
            case "pause meanwhile":
                self.overlapped(self.cycle_quietly, self.pause_some, chance.randint(1, 300))
            case "resume" if self.paused:
                self.resume(chance.choice(sorted(self.paused)), skip=chance.random() < 0.5)
            case "retire":
                self.retire()
            case "activate" if any(not name.startswith("late_") for name in self.drafts):
                self.activate([name for name in sorted(self.drafts) if not name.startswith("late_")])
            case "approve":
                self.approve()
            case "requeue":
                self.requeue_changes()
            case "hold":
                self.hold()
            case "let go" if self.held:
                self.let_go(chance.choice(sorted(self.held)))
            case "doubt":
                self.settle_doubt()
            case "again":
                self.requeue_messages()
            case "choose":
                self.choose(1 - self.chosen)
            case "stick":
                one = chance.choice(self.replicas)
                one.stuck = not one.stuck
            case "failover":
                # The other primary's clock is 900 ms behind; what was open there is gone. No row sees its own past.
                if self.open is None:
                    behind = self.ahead[Role.SOURCE] < dt.timedelta()
                    self.ahead[Role.SOURCE] = dt.timedelta() if behind else dt.timedelta(milliseconds=-900)
            case "clock":
                role = chance.choice((Role.PROCESSOR, Role.QUEUE))
                self.ahead[role] += dt.timedelta(seconds=chance.choice((1, 200, 4000)))
            case "cover":
                self.cover_ledger()
            case "freeze":
                self.overlapped(self.cycle_quietly, self.elsewhere, chance.randint(1, 300))
            case "freeze send":
                self.overlapped(self.send, self.elsewhere, chance.randint(1, 120))
            case "purge":
                self.purge()
            case "back up":
                self.back_up_queue()
            case "lose":
                self.lose_queue()
            case "back up processor":
                self.back_up_processor()
            case "lose processor":
                self.lose_processor()

    def pause_some(self) -> None:
        """A notification is paused in the middle of something."""
        self.pause(self.chance.choice(sorted(self.eras)))

    def settle(self) -> None:
        """All that is broken is mended, and everything runs until nothing moves any more."""
        self.faults = False
        self.commit_late()
        self.ahead[Role.SOURCE] = dt.timedelta()
        for replica in self.replicas:
            replica.stuck = False
        self.cover_ledger()
        for name in sorted(self.active | self.paused):
            document = self.editions[name][-1].document
            if "_x." in document["channels"]["email"]["template"]:
                mended = deepcopy(document)
                for content in mended["channels"].values():
                    content["template"] = content["template"].replace("_x.", "_b.")
                self.put(name, mended)
        for name in sorted(self.held):
            self.let_go(name)
        quiet = 0
        for number in range(16):
            self.pass_time(minutes=6 if number < 4 else 180)
            self.beat()
            for replica in self.replicas:
                replica.redo()
            self.activate(sorted(self.drafts))
            for name in sorted(self.paused):
                self.resume(name, skip=False)
            self.approve()
            self.requeue_changes()
            report = self.cycle()
            before = len(self.stage.mails)
            self.send()
            moved = report.detected or report.enqueued or len(self.stage.mails) != before or self.drafts
            quiet = 0 if moved or report.outcome != "ok" or number < 5 else quiet + 1
            if quiet == 2:
                return
        raise AssertionError(f"it does not come to rest: {report.failures}")


def copied(original: Path, folder: Path, seed: int) -> Play:
    """A world on a copy of built databases."""
    shutil.copytree(original, folder)
    return Play(folder, seed, connections=1 + seed % 3)


@contextlib.contextmanager
def opened(original: Path, folder: Path, seed: int) -> Iterator[Play]:
    """A world with its post office open."""
    world = copied(original, folder, seed)
    with world.stage:
        yield world
