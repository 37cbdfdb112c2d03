"""A town to be killed, frozen and run against: one folder of four databases, copied for each trial.

Every trial happens in processes of its own, made by fork: a victim, and another one that resumes. The parent keeps nothing
open but the SMTP server, which so outlives the victims. `judge` compares what arrived with the rows of source, and with
what the product's own audit says.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from notify.databases import Role
from notify.errors import DatabaseError
from notify.mailbox import Mail, Mailbox
from notify.stage import Stage, Statement
from tsqlite.session import Boundary, on_statement

TOWN: Final = Path(__file__).parent / "town"
EVERYTHING: Final = os.environ.get("NOTIFY_FAULTS") == "all"
"""Every boundary (`make faults`)."""
PLACES: Final = os.environ.get("NOTIFY_FAULTS") == "places"
"""Each place of the code once; else a sample of these, evenly spread."""
SAMPLE: Final = 30

KILLED: Final = 77
CONNECTIONS: Final = 2
PATIENCE: Final = "?synchronous=OFF&timeout=0.02"
"""Process death loses nothing that was written; a rival that meets a lock gives up at once."""

PURCHASE: Final = "INSERT INTO dbo.purchase (purchase_id, buyer, email, phone, status) VALUES (?, ?, ?, ?, ?);"
STATUS: Final = "UPDATE dbo.purchase SET status = ?, modified_at = SYSUTCDATETIME() WHERE purchase_id = ?;"
BONUS: Final = "UPDATE dbo.bonus SET amount = ?, modified_at = SYSUTCDATETIME() WHERE agent_id = ?;"
TOTAL: Final = "UPDATE dbo.total SET covers_through = SYSUTCDATETIME() WHERE agent_id = ?;"

Place = tuple[str, str, int, str]
"""phase, database and procedure, line, kind of statement"""

HARMLESS: Final = ("Declare", "SetOption", "SetIsolation", "CreateTable", "Return")
"""Statements that neither read nor write what others see: in front of them is the same as behind the one before."""


def purchase(number: int, status: str, email: str | None = None) -> Statement:
    """A new purchase."""
    return PURCHASE, (
        number,
        f"Buyer {number}",
        email or f"buyer{number}@example.com",
        f"+1206555{number:04d}",
        status,
    )


class Town:
    """A folder, as a process of its own uses it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stage = Stage(folder, templates=[TOWN / "templates"], connections=CONNECTIONS)

    def arrive(self) -> None:
        """The heart beats, and the replica redoes everything."""
        self.stage.beat()
        self.stage.redo()

    def settle(self) -> None:
        """Resumes until nothing is left: leases pass, the totals are brought up to date, cycles and senders run."""
        self.stage.do((TOTAL, (1,)), (TOTAL, (2,)))
        for _ in range(8):
            self.stage.advance(hours=1)
            self.arrive()
            report = self.stage.cycle()
            self.stage.send()
            if self.is_quiet():
                return
        raise AssertionError(f"the town does not come to rest: {report}")

    def is_quiet(self) -> bool:
        """No change and no mail is on its way."""
        changes = "SELECT COUNT(*) FROM notify.change WHERE state IN ('pending', 'waiting', 'claimed');"
        mails = (
            "SELECT COUNT(*) FROM notify.message WHERE channel = 'email'"
            " AND state IN ('queued', 'claimed', 'sending', 'retrying');"
        )
        return self.stage.processor(changes) == self.stage.queue(mails) == [(0,)]

    def account(self) -> dict[str, Any]:
        """What source, queue and audit say in the end."""
        self.arrive()
        return {
            "purchases": self.stage.query(Role.SOURCE, "SELECT purchase_id, email, status FROM dbo.purchase;"),
            "bookings": self.stage.query(Role.SOURCE, "SELECT booking_id FROM dbo.booking;"),
            "bonuses": self.stage.query(Role.SOURCE, "SELECT agent_id, email, amount FROM dbo.bonus;"),
            "states": self.stage.queue(
                "SELECT m.channel, m.state, b.subject, b.message_id FROM notify.message AS m"
                " JOIN notify.message_body AS b ON b.message_id = m.message_id AND b.created_date = m.created_date;"
            ),
            "texts": self.stage.queue(
                "SELECT CONVERT(nvarchar(max), DECOMPRESS(b.text)) FROM notify.message AS m"
                " JOIN notify.message_body AS b ON b.message_id = m.message_id AND b.created_date = m.created_date"
                " WHERE m.channel = 'sms' AND m.state = 'queued';"
            ),
            "audit": self.stage.audit(),
        }


@dataclass
class Trial:
    """What a trial leaves: the account, and the mails that the SMTP server took."""

    account: dict[str, Any]
    mails: list[Mail]

    def judge(self, *, doubts: int = 0, versions: bool = False) -> None:
        """Neither missing nor doubled, by the rows of source.

        Args:
            doubts: at most so many mails may be in doubt.
            versions: older versions of a purchase may have been mailed too, each at most once.
        """
        mails, texts = self.expected()
        got = Counter((mail.recipients[0], str(mail.message["Subject"])) for mail in self.mails)
        doubled = {mail: number for mail, number in got.items() if number > 1}
        assert not doubled, doubled
        doubtful = {
            subject
            for channel, state, subject, _ in self.account["states"]
            if channel == "email" and state == "in_doubt"
        }
        assert len(doubtful) <= doubts, doubtful
        missing = {mail for mail in mails - set(got) if mail[1] not in doubtful}
        assert not missing, missing
        more = set(got) - mails
        assert not more or versions, more
        assert all(subject.startswith("Purchase ") for _, subject in more), more
        waiting = Counter(text for (text,) in self.account["texts"])
        assert waiting == Counter(texts), (waiting, texts)
        audit = self.account["audit"]
        assert (audit["missing"], audit["doubled"], audit["in_doubt"]) == (0, 0, len(doubtful)), audit
        assert audit["expected"] == sum(audit[name] for name in ("sent", "in_doubt", "pending", "explained", "missing"))
        sent = {
            subject for channel, state, subject, _ in self.account["states"] if channel == "email" and state == "sent"
        }
        assert sent == {subject for _, subject in got} - doubtful

    def expected(self) -> tuple[set[tuple[str, str]], list[str]]:
        """Mails (address, subject) and texts that the rows of source ask for."""
        rows = self.account["purchases"]
        told = [row for row in rows if row[0] != UNTOUCHED and row[2] != "draft"]
        mails = {(email, f"Purchase {number} is {status}") for number, email, status in told if "@" in email}
        gone = BOOKINGS - {row[0] for row in self.account["bookings"]}
        mails |= {(f"guest{number}@example.com", f"Booking {number} is cancelled") for number in gone}
        mails |= {
            (email, f"Bonus of {amount} for {agent}") for agent, email, amount in self.account["bonuses"] if amount
        }
        return mails, [f"Purchase {number} is {status}" for number, _, status in told]


UNTOUCHED: Final = 9
BOOKINGS: Final = {1, 2, 3}


def build(folder: Path, port: int) -> None:
    """The town with changes of every kind on their way to the replica's readers; the first one was mailed already."""
    stage = Stage(folder, templates=[TOWN / "templates"], connections=CONNECTIONS)
    with stage:
        town = Town(folder)
        town.stage = stage
        stage.build(schema=[TOWN / "schema.sql"], procedures=sorted((TOWN / "procedures").glob("*.sql")))
        stage.do(
            purchase(1, "paid"),
            purchase(UNTOUCHED, "history"),
            *(
                (
                    "INSERT INTO dbo.booking (booking_id, guest, email) VALUES (?, ?, ?);",
                    (n, f"Guest {n}", f"guest{n}@example.com"),
                )
                for n in BOOKINGS
            ),
            *(
                ("INSERT INTO dbo.bonus (agent_id, email, amount) VALUES (?, ?, 0);", (n, f"agent{n}@example.com"))
                for n in (1, 2)
            ),
            *(("INSERT INTO dbo.total (agent_id, covers_through) VALUES (?, '2020-01-01');", (n,)) for n in (1, 2)),
        )
        town.arrive()
        stage.apply(TOWN / "notifications.toml")
        stage.do((STATUS, ("packed", 1)))
        town.arrive()
        stage.cycle()  # its message waits in the queue, to be overtaken
        stage.do((STATUS, ("shipped", 1)))
        stage.do(purchase(2, "paid"), purchase(3, "draft"))
        stage.do((STATUS, ("packed", 2)))
        stage.do(purchase(4, "paid", "no address"))
        stage.do(("DELETE FROM dbo.booking WHERE booking_id = ?;", (2,)))
        stage.do((BONUS, (500, 1)), (BONUS, (700, 2)))
        stage.do((TOTAL, (1,)))
        town.arrive()
    text = (folder / "notify.toml").read_text(encoding="utf-8")
    text = text.replace(f"port = {stage_port(text)}", f"port = {port}").replace('.db"', f'.db{PATIENCE}"')
    (folder / "notify.toml").write_text(text, encoding="utf-8")
    for file in folder.glob("*-sessions"):
        file.unlink()


def stage_port(text: str) -> str:
    """The port that a configuration names."""
    return text.partition("port = ")[2].partition("\n")[0]


@contextmanager
def copied(image: Path, folder: Path) -> Iterator[Path]:
    """A copy of an image, gone afterwards."""
    target = folder / "trial"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(image, target)
    try:
        yield target
    finally:
        shutil.rmtree(target, ignore_errors=True)


def in_process(work: Callable[[], Any]) -> tuple[int, Any]:
    """Runs `work` in a process of its own: (exit status, what it returned, through JSON). 1 is an exception, shown."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reader)
            with os.fdopen(writer, "w", encoding="utf-8") as pipe:
                json.dump(work(), pipe, default=str)
            status = 0
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as pipe:
        text = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status, json.loads(text) if text else None


def cycle(town: Town) -> None:
    """One cycle, by one worker."""
    town.stage.cycle()


def send(town: Town) -> None:
    """One sender, until nothing is due."""
    town.stage.send()


def cycle_and_send(town: Town) -> None:
    """One of each."""
    town.stage.cycle()
    town.stage.send()


def much_later(town: Town) -> None:
    """One of each, when every lease has passed: who is interrupted by this was frozen meanwhile."""
    town.stage.advance(hours=1)
    cycle_and_send(town)


@contextmanager
def told(places: list[Place], number: int) -> Iterator[None]:
    """A failure says at which boundary."""
    try:
        yield
    except AssertionError as error:
        raise AssertionError(f"at boundary {number}, {places[number]}: {error}") from error


class Boundaries:
    """A hook that counts the statement boundaries of a process and acts at the n-th, once.

    Args:
        at: number of the boundary, from 0; None acts nowhere.
        act: what happens there; boundaries inside of it are not counted.
    """

    def __init__(self, at: int | None = None, act: Callable[[], None] = lambda: None) -> None:
        self.places: list[Place] = []
        self.at, self.act = at, act
        self.acted = self._acting = False

    def __call__(self, boundary: Boundary) -> None:
        if self._acting:
            return
        number = len(self.places)
        database = Path(boundary.database).stem
        self.places.append((boundary.phase, f"{database} {boundary.procedure or ''}", boundary.line, boundary.kind))
        if number == self.at:
            self._acting = True
            try:
                self.act()
            finally:
                self._acting = False
            self.acted = True

    @contextmanager
    def watching(self) -> Iterator[None]:
        """While the block runs."""
        stop = on_statement(self)
        try:
            yield
        finally:
            stop()


def chosen(places: list[Place], part: int = 0, parts: int = 1) -> list[int]:
    """Numbers of the boundaries to try: all of them; or the first visit to each place in processor and queue, of which
    several kinds of trials take a part each, and the commits (part 0)."""
    if EVERYTHING:
        return list(range(len(places)))
    first: dict[Place, int] = {}
    for number, (phase, where, line, kind) in enumerate(places):
        if phase == "before" and where.startswith(("processor", "queue")) and kind not in HARMLESS:
            first.setdefault((phase, where, line, kind), number)
    commits = {number for number, place in enumerate(places) if place[0] == "commit" and not part}
    if PLACES:
        return sorted(commits | set(list(first.values())[part::parts]))
    numbers = sorted(commits | set(first.values()))
    step = -(-len(numbers) // SAMPLE)
    return numbers[part % step :: step]


@dataclass
class Arena:
    """An image, the SMTP server, and where to copy to."""

    image: Path
    folder: Path
    mailbox: Mailbox

    def places(self, run: Callable[[Town], None]) -> list[Place]:
        """The boundaries of an undisturbed run."""

        def visit() -> list[Place]:
            boundaries = Boundaries()
            with boundaries.watching():
                run(Town(trial))
            return boundaries.places

        with copied(self.image, self.folder) as trial:
            status, places = in_process(visit)
        assert status == 0
        self.mailbox.mails.clear()
        return [(phase, where, line, kind) for phase, where, line, kind in places]

    def kill(self, run: Callable[[Town], None], at: int) -> Trial:
        """The process of a run dies at a boundary; another one goes on."""

        def victim() -> None:
            with Boundaries(at, lambda: os._exit(KILLED)).watching():
                run(Town(trial))

        with copied(self.image, self.folder) as trial:
            status, _ = in_process(victim)
            assert status in (0, KILLED), status
            return self._settled(trial)

    def disturb(self, run: Callable[[Town], None], at: int, rival: Callable[[Town], None]) -> Trial:
        """At a boundary of a run somebody else's run comes in between; then all goes on."""

        def victim() -> None:
            def act() -> None:
                # A thread of its own: the run may be in an event loop here, and the rival may be a sender too.
                with suppress(DatabaseError), ThreadPoolExecutor(1) as thread:
                    thread.submit(lambda: rival(Town(trial))).result()

            with (trial / "notify.toml").open("a") as file:
                file.write("\n[send]\npatience_seconds = 0.05  # the lock is held by who waits for the rival\n")
            with Boundaries(at, act).watching(), suppress(DatabaseError):
                run(Town(trial))

        with copied(self.image, self.folder) as trial:
            status, _ = in_process(victim)
            assert status == 0
            return self._settled(trial)

    def _settled(self, trial: Path) -> Trial:
        def resume() -> dict[str, Any]:
            town = Town(trial)
            town.settle()
            return town.account()

        status, account = in_process(resume)
        assert status == 0, "the process that resumed failed; its output says why"
        mails, self.mailbox.mails[:] = list(self.mailbox.mails), []
        return Trial(account, mails)
