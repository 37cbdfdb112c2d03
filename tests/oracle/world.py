"""A world that a seeded driver puts in disorder, and its log of what was committed.

The driver plays the application, the heartbeat, the network, the operators and death. It writes down every committed
transaction with its place in source's log, and every moment at which some scan may have looked, or certainly looked, at
the replica. What must follow from that is `judge.py`'s to say; nothing here or there reads how the product does it.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import os
import random
import shutil
import traceback
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aiosmtpd.smtp import SMTP

import tsqlite
from notify import definitions
from notify.databases import Role
from notify.errors import NotifyError
from notify.gateways import open_gateway
from notify.mailbox import Mailbox
from notify.procedures import processor
from notify.send import send
from notify.stage import Stage
from tsqlite.replica import Replica, log_end

HERE = Path(__file__).parent / "world"
BERLIN = ZoneInfo("Europe/Berlin")
STARTS = (
    dt.datetime(2026, 10, 24, 23, 40),  # the repeated hour begins at 00:00 UTC and ends at 02:00 UTC
    dt.datetime(2026, 10, 25, 0, 20),
    dt.datetime(2026, 3, 29, 0, 30),  # the gap
    dt.datetime(2026, 6, 30, 23, 30),
)
STATUSES = ("draft", "open", "paid", "void")

Row = dict[str, Any]


def _fold(text: str) -> str:
    return text.rstrip(" ").upper()


def _trim(text: str) -> str:
    return text.rstrip(" ")


def _datetime(moment: dt.datetime) -> dt.datetime:
    """To 1/300 s, as datetime rounds."""
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    ticks = round((moment - midnight).total_seconds() * 300)
    return midnight + dt.timedelta(microseconds=ticks * 10_000 // 3)


def _minute(moment: dt.datetime) -> dt.datetime:
    return (moment + dt.timedelta(seconds=30)).replace(second=0, microsecond=0)


def _millisecond(moment: dt.datetime) -> dt.datetime:
    return moment + dt.timedelta(microseconds=500 - (moment.microsecond + 500) % 1000)


def _local(moment: dt.datetime) -> dt.datetime:
    """What the wall clock in Berlin shows, in whole seconds."""
    return moment.replace(microsecond=0, tzinfo=dt.UTC).astimezone(BERLIN).replace(tzinfo=None)


def _same(moment: dt.datetime) -> dt.datetime:
    return moment


@dataclass(frozen=True)
class Table:
    """How the application writes a table. `stamp` cuts a moment to what the column can hold."""

    name: str
    keys: tuple[str, ...]
    created: str | None
    modified: str | None
    stamp: Callable[[dt.datetime], dt.datetime]
    key: Callable[[random.Random], tuple[Any, ...]]
    canonical: Callable[[tuple[Any, ...]], str]
    soft: bool = False
    more: Callable[[random.Random], Row] = lambda chance: {}


GUIDS = [str(uuid.UUID(int=number * 0x1234567890ABCDEF1234567890ABCDEF % (1 << 128))).upper() for number in range(1, 7)]

TABLES = {
    table.name: table
    for table in (
        Table(
            "parcel", ("depot", "code"), "created_at", "modified_at", _same,
            lambda chance: (chance.choice((1, 2)), chance.choice(("ab", "AB", "aB ", "b c", "ß", "z"))),
            lambda key: f"{key[0]}/{_fold(key[1])}",
            more=lambda chance: {"weight": chance.choice((None, "0.500", "1.000", "7.125"))},
        ),
        Table(
            "device", ("device_id",), "created_at", "modified_at", _datetime,
            lambda chance: (chance.choice(GUIDS),), lambda key: key[0].upper(), soft=True,
        ),
        Table(
            "tag", ("code",), "created_at", "modified_at", _minute,
            lambda chance: (chance.choice(("x", "X", "x ", "x y", "x  y", "é")),), lambda key: _trim(key[0]),
        ),
        Table(
            "memo", ("memo_id",), "created_on", "modified_on", lambda moment: dt.datetime(*moment.timetuple()[:3]),
            lambda chance: (chance.choice((1, 2, 3, 10**15)),), lambda key: str(key[0]),
        ),
        Table(
            "ledger", ("account", "line"), "created_at", None, _millisecond,
            lambda chance: (chance.choice(("a", "A", "a-1")), chance.randint(1, 4)),
            lambda key: f"{_trim(key[0])}/{key[1]}",
        ),
        Table(
            "visit", ("visit_id",), "created_local", "modified_local", _local,
            lambda chance: (chance.randint(1, 6),), lambda key: str(key[0]),
        ),
        Table(
            "preference", ("name",), None, "modified_at", _same,
            lambda chance: (chance.choice(("Colour", "colour", "size ", "font")),), lambda key: _fold(key[0]),
        ),
    )
}  # fmt: skip


@dataclass(frozen=True)
class State:
    """What a committed transaction left of one record. `kind`: I, U, D (the row is gone), S (deleted softly)."""

    position: int
    table: str
    record: str
    kind: str
    version: int
    row: Row
    stamp: Any
    created: Any


@dataclass
class Scan:
    """A moment at which the replica was, or may have been, read for `active` notifications."""

    positions: tuple[int, ...]
    is_certain: bool
    active: frozenset[str]
    keys_due: bool


@dataclass
class Era:
    """From an activation, or an un-pausing that skips: what its snapshot showed is history."""

    position: int
    at_scan: int


@dataclass
class Pending:
    """A transaction of the application that is open, with the stamps that it took."""

    connection: Any
    moment: dt.datetime
    operations: list[tuple[str, str, tuple[Any, ...]]]


class FaultyMailbox(Mailbox):
    """Breaks off hand-overs as `fault` says: refused, vanish, cut, full, lost."""

    fault: Callable[[], str] = staticmethod(lambda: "")

    async def _listen(self) -> asyncio.Server:
        box = self

        class Faulty(SMTP):
            async def smtp_RCPT(self, arg: str) -> None:
                self.mood = box.fault()
                if self.mood == "refused":
                    await self.push("450 4.2.0 come back later")
                    return
                await super().smtp_RCPT(arg)

            async def smtp_DATA(self, arg: str) -> None:
                if self.mood == "vanish":
                    self.transport.abort()
                    return
                if self.mood == "cut":
                    await self.push("354 go on")
                    await self._reader.readline()
                    self.transport.abort()
                    return
                await super().smtp_DATA(arg)

        return await asyncio.get_running_loop().create_server(
            lambda: Faulty(self, hostname="localhost", enable_SMTPUTF8=True, loop=self._loop), "127.0.0.1", 0
        )

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if server.mood == "full":
            return "452 4.2.2 mailbox full"
        reply = await super().handle_DATA(server, session, envelope)
        if server.mood == "lost":
            server.transport.abort()
        return reply


class World:
    """Source, two replicas of it, processor, queue, a post office; clocks that the driver moves."""

    def __init__(self, folder: Path, seed: int, connections: int = 1) -> None:
        self.chance = random.Random(seed)
        self.seed = seed
        workers = 1 + seed // 4 % 2
        self.stage = Stage(folder, templates=[folder / "templates"], connections=connections, workers=workers)
        self.stage.mailbox = FaultyMailbox()
        self.now = STARTS[seed % len(STARTS)]
        self.ahead = {Role.PROCESSOR: dt.timedelta(), Role.QUEUE: dt.timedelta(), Role.SOURCE: dt.timedelta()}
        self.rows: dict[tuple[str, str], Row] = {}
        self.last_stamp: dict[tuple[str, str], dt.datetime] = {}
        self.version = 0
        self.states: list[State] = []
        self.scans: list[Scan] = []
        self.eras: dict[str, list[Era]] = {}
        self.active: set[str] = set()
        self.paused: set[str] = set()
        self.open: Pending | None = None
        self.reserved: set[tuple[str, str]] = set()
        self.faults = True
        self.diary: list[str] = []
        self.replicas: list[Replica] = []
        self.chosen = 0
        self.policies: dict[str, dict[str, Any]] = {}
        self.mail_chance = random.Random(seed + 1)
        self.overlapped_sends = False
        self.last_key_scan = self.now

    # --- the stage ------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Fresh databases; nothing defined yet."""
        self.stage.build(schema=[HERE / "schema.sql"], procedures=[HERE / "procedures.sql"])

    def begin(self) -> None:
        """Clocks, templates, two replicas; the standing definitions become active."""
        folder = self.stage.folder
        (folder / "templates").mkdir(exist_ok=True)
        for file in ("notifications.toml", "late.toml"):
            for definition in definitions.read_definitions([HERE / file]):
                self.policies[definition.name] = definition.document
                what = f"{definition.name}|${{table_name}}|${{operation}}|${{record.replace(' ', '_')}}|${{version}}"
                html = f'<%def name="subject()">{what}</%def>\n<p>${{record}} is at version ${{version}}.</p>\n'
                (folder / "templates" / f"{definition.name}.html.mako").write_text(html, encoding="utf-8")
                (folder / "templates" / f"{definition.name}.sms.mako").write_text(what + "\n", encoding="utf-8")
        for role in (Role.SOURCE, Role.PROCESSOR, Role.QUEUE):
            tsqlite.clock.set_clock(self.stage.path(role), lambda role=role: self.now + self.ahead[role])
        self.stage.processor(
            "DELETE FROM notify.setting WHERE name = 'page_size';"
            "INSERT INTO notify.setting (name, value) VALUES ('page_size', ?);",
            str((4000, 2, 5)[self.seed // 2 % 3]),
        )
        self.beat()  # the one that building wrote has the real clock's time
        self.replicas = [Replica(self.stage.path(Role.SOURCE), folder / f"replica{number}.db") for number in (1, 2)]
        self.choose(0)
        for _ in range(6):
            self.transaction()
        self.pass_time(seconds=5)
        self.beat()
        self.redo()
        self.activate(HERE / "notifications.toml")

    @property
    def late(self) -> bool:
        """Whether some definition of late.toml was never active."""
        return not {"late_parcel", "late_memo"} <= set(self.eras)

    def choose(self, number: int) -> None:
        """The replica's address now leads to another one."""
        self.chosen = number
        self.stage.write_configuration()
        file = self.stage.folder / "notify.toml"
        text = file.read_text(encoding="utf-8").replace("replica.db", f"replica{number + 1}.db")
        text = text.replace('.db"', '.db?synchronous=OFF"')
        text = text.replace("[cycle]", f"[cycle]\nbatch_size = {(100, 3, 20)[self.seed % 3]}")
        file.write_text(text, encoding="utf-8")
        self.stage._config = None

    @property
    def replica(self) -> Replica:
        """The one that cycles read now."""
        return self.replicas[self.chosen]

    def pass_time(self, **delta: float) -> None:
        """All clocks go on."""
        self.now += dt.timedelta(**delta)

    def clock(self) -> dt.datetime:
        """Source's."""
        return self.now + self.ahead[Role.SOURCE]

    def beat(self) -> None:
        """A heartbeat."""
        self.stage.beat()

    def redo(self, up_to: int | None = None) -> None:
        """The chosen replica goes on."""
        self.replica.redo(up_to)

    # --- the application ------------------------------------------------------------------------------------------

    def transaction(self, roll_back: bool = False) -> None:
        """A few changes, committed at once."""
        operations, after = self._compose(self.clock(), self.chance.randint(1, 4))
        if not operations:
            return
        with tsqlite.connect(self.stage.path(Role.SOURCE), autocommit=True, synchronous="OFF") as connection:
            cursor = connection.cursor()
            cursor.execute("SET XACT_ABORT ON; BEGIN TRANSACTION;")
            for text, parameters in operations:
                cursor.execute(text, parameters)
            cursor.execute("ROLLBACK TRANSACTION;" if roll_back else "COMMIT TRANSACTION;")
        if not roll_back:
            self._note(after)

    def begin_late(self) -> None:
        """A transaction begins and takes its stamps; nothing of it is written, let alone committed, yet."""
        if self.open is not None:
            return
        connection = tsqlite.connect(self.stage.path(Role.SOURCE), autocommit=True, synchronous="OFF")
        connection.cursor().execute("SET XACT_ABORT ON; BEGIN TRANSACTION;")
        self.pass_time(seconds=self.chance.choice((0, 0.003, 2)))
        operations, after = self._compose(self.clock(), 2)
        self.open = Pending(connection, self.clock(), [])
        self._late = operations, after
        self.reserved = {(state.table, state.record) for state in after}

    def commit_late(self) -> None:
        """What began long ago is written and committed."""
        if self.open is None:
            return
        operations, after = self._late
        cursor = self.open.connection.cursor()
        for text, parameters in operations:
            cursor.execute(text, parameters)
        cursor.execute("COMMIT TRANSACTION;")
        self.open.connection.close()
        self.open = None
        self.reserved = set()
        self._note(after)

    def _note(self, after: list[State]) -> None:
        position = log_end(self.stage.path(Role.SOURCE))
        for state in after:
            where = (state.table, state.record)
            self.states.append(replace(state, position=position))
            if state.kind == "D":
                self.rows.pop(where, None)
            else:
                self.rows[where] = state.row
            self.diary.append(
                f"  {position}: {state.kind} {state.table} {state.record!r} v{state.version} {state.stamp}"
            )

    def _compose(self, moment: dt.datetime, count: int) -> tuple[list[tuple[str, tuple[Any, ...]]], list[State]]:
        """Statements and what they leave, one record at most once."""
        operations: list[tuple[str, tuple[Any, ...]]] = []
        after: list[State] = []
        touched = set(self.reserved)
        for _ in range(count):
            table = TABLES[self.chance.choice(list(TABLES))]
            key = table.key(self.chance)
            where = (table.name, table.canonical(key))
            if where in touched or self.last_stamp.get(where, moment) > moment:
                continue
            touched.add(where)
            self.last_stamp[where] = moment
            made = self._operation(table, key, where[1], self.rows.get(where), moment)
            operations.append(made[0])
            after.append(made[1])
        return operations, after

    def _operation(
        self, table: Table, key: tuple[Any, ...], record: str, row: Row | None, moment: dt.datetime
    ) -> tuple[tuple[str, tuple[Any, ...]], State]:
        self.version += 1
        chance, stamp = self.chance, table.stamp(moment)
        match = " AND ".join(f"{name} = ?" for name in table.keys)
        if row is not None and (not table.soft or chance.random() < 0.3) and chance.random() < 0.2:
            gone = (f"DELETE FROM dbo.{table.name} WHERE {match};", key)
            return gone, State(0, table.name, record, "D", self.version, row, stamp, row.get(table.created or ""))
        if row is None:
            kind = "I"
            new: Row = dict(zip(table.keys, key, strict=True)) | {"version": self.version}
            new |= (
                {"kind": chance.choice("abc"), "is_deleted": 0} if table.soft else {"status": chance.choice(STATUSES)}
            )
            new |= table.more(chance)
            if table.created:
                new[table.created] = stamp
            # Some applications leave the modified stamp empty until there is a modification.
            if table.modified and (table.name in ("parcel", "memo", "preference") or chance.random() < 0.5):
                new[table.modified] = stamp
            text = f"INSERT INTO dbo.{table.name} ({', '.join(new)}) VALUES ({', '.join('?' * len(new))});"
            parameters = tuple(new.values())
        else:
            kind = "U"
            changed: Row = {"version": self.version} | table.more(chance)
            if table.soft:
                changed["is_deleted"] = int(chance.random() < 0.3)
                kind = "S" if changed["is_deleted"] else "U"
            else:
                changed["status"] = chance.choice(STATUSES)
            if table.modified:
                changed[table.modified] = stamp
            new = row | changed
            text = f"UPDATE dbo.{table.name} SET {', '.join(f'{name} = ?' for name in changed)} WHERE {match};"
            parameters = (*changed.values(), *key)
        order = self.version if table.name == "ledger" else stamp
        return (text, parameters), State(
            0, table.name, record, kind, self.version, new, order, new.get(table.created or "")
        )

    # --- the operators --------------------------------------------------------------------------------------------

    def activate(self, file: Path) -> bool:
        """`notify apply`; False when it was refused, for want of a heartbeat."""
        position = self.replica.position
        wanted = [item.name for item in definitions.read_definitions([file])]
        try:
            self.stage.apply(file)
        except AssertionError as error:
            # For want of a recent heartbeat, say. What was saved is activated by another try.
            self.diary.append(f"activation refused: {str(error)[:300]}")
        self._begun(wanted, position)
        return set(wanted) <= set(self.eras)

    def _begun(self, names: list[str], position: int) -> None:
        states = dict(self.stage.processor("SELECT n.name, n.state FROM notify.notification AS n;"))
        for name in names:
            if states.get(name) == "active" and name not in self.active:
                self.active.add(name)
                self.eras[name] = [Era(position, len(self.scans))]

    def pause(self, name: str) -> None:
        """`notify pause`."""
        if name not in self.active:
            return
        databases = self.stage.databases
        with databases.connection(Role.PROCESSOR) as target:
            processor.pause_notification(target, name)
        self.active.discard(name)
        self.paused.add(name)
        self.diary.append(f"paused {name}")

    def resume(self, name: str, skip: bool) -> None:
        """`notify resume`, with --skip or without."""
        position = self.replica.position
        databases = self.stage.databases
        with databases.connection(Role.PROCESSOR) as target, databases.connection(Role.REPLICA) as source:
            try:
                definitions.resume(target, source, name, skip=skip)
            except NotifyError as error:
                self.diary.append(f"resume of {name} refused: {error}")
                return
        self.paused.discard(name)
        self.active.add(name)
        if skip:
            self.eras[name].append(Era(position, len(self.scans)))
        self.diary.append(f"resumed {name}, skip {skip}, at {position}")

    # --- cycles and senders ---------------------------------------------------------------------------------------

    def cycle(self) -> Any:
        """A cycle to its end."""
        position = self.replica.position
        keys_due = self.now - self.last_key_scan > dt.timedelta(minutes=2)
        report = self.stage.cycle()
        if keys_due:
            self.last_key_scan = self.now
        self.diary.append(f"cycle at {position}: {report.sentence()} {report.failures or ''}")
        self.scans.append(Scan((position,), report.outcome == "ok", frozenset(self.active), keys_due))
        return report

    def killed(self, what: Callable[[], Any], boundary: int) -> None:
        """A process that does something and dies at a statement boundary; its parent lives on."""
        position = self.replica.position
        self.stage.close()
        child = os.fork()
        if child == 0:
            seen = 0

            def die(_reached: tsqlite.Boundary) -> None:
                nonlocal seen
                seen += 1
                if seen > boundary:
                    os._exit(9)

            code = 1
            try:
                tsqlite.on_statement(die)
                what()
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        self.diary.append(f"{what.__name__} killed at boundary {boundary}, replica at {position}: exit {code}")
        assert code in (0, 9), self.diary[-1]
        self.scans.append(Scan((position,), False, frozenset(self.active), True))

    def overlapped(
        self, what: Callable[[], Any], rival: Callable[[], Any], boundary: int, anywhere: bool = False
    ) -> None:
        """At a boundary (at which no transaction is open, unless `anywhere`) a rival does its work too."""
        seen = 0
        inside = False

        def at(reached: tsqlite.Boundary) -> None:
            nonlocal seen, inside
            if inside or reached.phase != "after" or (reached.in_transaction and not anywhere):
                return
            seen += 1
            if seen == boundary:
                inside = True
                rival()

        before = self.replica.position
        stop = tsqlite.on_statement(at)
        try:
            what()
        finally:
            stop()
        after = self.replica.position
        self.diary.append(
            f"{what.__name__} with {rival.__name__} inside at boundary {boundary} ({inside}), replica {before} to {after}"
        )
        self.scans.append(Scan((before, after), False, frozenset(self.active), True))

    def raced(self, what: Callable[[], Any], rival: Callable[[], Any]) -> None:
        """Two processes at once."""
        position = self.replica.position
        self.stage.close()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                rival()
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        what()
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0, "the rival process failed"
        self.diary.append(f"{what.__name__} raced {rival.__name__}, replica at {position}")
        self.scans.append(Scan((position,), False, frozenset(self.active), True))

    def rival_cycle(self) -> None:
        """Another runner's cycle, on its own connections."""
        from notify.cycle import run_cycle

        databases = self.stage.config.databases()
        run_cycle(self.stage.config, databases)
        databases.dispose()

    def rival_send(self) -> None:
        """Another sender."""
        self.overlapped_sends = True
        databases = self.stage.config.databases()
        send(
            databases[Role.QUEUE],
            [open_gateway(item) for item in self.stage.config.gateways],
            self.stage.config.send,
            drain=True,
        )
        databases.dispose()

    def move_on(self) -> None:
        """In the middle of something the application, the heart and the replica go on."""
        if self.chance.random() < 0.7:
            self.transaction()
        if self.chance.random() < 0.5:
            self.beat()
        self.redo()

    def send(self) -> None:
        """A sender until nothing is due."""
        summary = self.stage.send()
        self.diary.append(f"send: {summary.accepted} accepted, {summary.refused} refused, {summary.in_doubt} in doubt")

    def fault(self) -> str:
        """What befalls the next hand-over."""
        if not self.faults or self.mail_chance.random() > 0.15:
            return ""
        return self.mail_chance.choice(("refused", "vanish", "cut", "full", "lost"))

    def cover_ledger(self) -> None:
        """The total of the ledger catches up."""
        self.stage.do(("UPDATE dbo.ledger_total SET covers_version = ? WHERE id = 1;", (self.version,)))

    # --- the play -------------------------------------------------------------------------------------------------

    def play(self, steps: int) -> None:
        """Disorder, as the seed says."""
        box = self.stage.mailbox
        assert isinstance(box, FaultyMailbox)
        box.fault = self.fault
        activate_at = self.chance.randrange(steps)
        for number in range(steps):
            self.pass_time(seconds=self.chance.choice((0, 0.001, 0.7, 5, 20, 45, 200)))
            if number >= activate_at and self.late:
                self.activate(HERE / "late.toml")
                activate_at = number + steps // 8  # if it was refused
            self.step()

    def step(self) -> None:
        """One thing happens."""
        chance = self.chance
        dice = chance.choices(
            ("transaction", "roll back", "begin late", "commit late", "beat", "redo", "cycle", "kill", "overlap", "meanwhile", "race",
             "send", "kill send", "overlap send", "pause", "resume", "choose", "failover", "clock", "cover"),
            (30, 2, 4, 6, 12, 14, 12, 6, 2, 3, 1, 8, 3, 1, 2, 3, 3, 2, 2, 2),
        )[0]  # fmt: skip
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
            case "pause":
                self.pause(chance.choice(sorted(self.policies)))
            case "resume":
                if self.paused:
                    self.resume(chance.choice(sorted(self.paused)), skip=chance.random() < 0.5)
            case "choose":
                self.choose(1 - self.chosen)
            case "failover":
                # The other primary's clock is 900 ms behind; what was open there is gone. No table sees its own past.
                if self.open is None:
                    behind = self.ahead[Role.SOURCE] < dt.timedelta()
                    self.ahead[Role.SOURCE] = dt.timedelta() if behind else dt.timedelta(milliseconds=-900)
            case "clock":
                role = chance.choice((Role.PROCESSOR, Role.QUEUE))
                self.ahead[role] += dt.timedelta(seconds=chance.choice((1, 200, 4000)))
            case "cover":
                self.cover_ledger()

    def cycle_quietly(self) -> None:
        """A cycle of which only the possibility is noted."""
        self.stage.cycle()

    def settle(self) -> None:
        """All that is broken is mended, and everything runs until nothing moves any more."""
        self.faults = False
        self.commit_late()
        self.ahead[Role.SOURCE] = dt.timedelta()
        if self.late:
            self.pass_time(seconds=1)
            self.beat()
            self.redo()
            self.cycle()
            assert self.activate(HERE / "late.toml"), self.diary[-1]
        self.cover_ledger()
        quiet = 0
        for _ in range(12):
            self.pass_time(hours=3)
            self.beat()
            for replica in self.replicas:
                replica.redo()
            for name in sorted(self.paused):
                self.resume(name, skip=False)
            report = self.cycle()
            assert report.outcome == "ok", report.failures
            before = len(self.stage.mails)
            self.send()
            quiet = quiet + 1 if not report.detected and not report.enqueued and len(self.stage.mails) == before else 0
            if quiet == 2:
                return
        raise AssertionError("it does not come to rest")


def copied(original: Path, folder: Path, seed: int) -> World:
    """A world on a copy of built databases."""
    shutil.copytree(original, folder)
    return World(folder, seed, connections=1 + seed % 3)


@contextlib.contextmanager
def opened(original: Path, folder: Path, seed: int) -> Iterator[World]:
    """A world with its post office open."""
    world = copied(original, folder, seed)
    with world.stage:
        yield world
