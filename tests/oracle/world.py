"""A world that a seeded driver puts in disorder, and its log of what was committed.

The driver plays the application, the heartbeat, the network, the operators and death. It writes down every committed
transaction with its place in source's log, every moment at which some scan may have looked, or certainly looked, at
the replica, and what persons decided. What must follow from that is `judge.py`'s to say; nothing here or there reads
how the product does it.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.oracle.post import MOODS, FaultyMailbox
from tests.oracle.tables import STATUSES, TABLES, Document, Row, State, Table

import tsqlite
from notify import definitions
from notify.databases import Role
from notify.gateways import open_gateway
from notify.send import send
from notify.stage import Stage
from tsqlite.replica import Replica, log_end

HERE = Path(__file__).parent / "world"
STARTS = (
    dt.datetime(2026, 10, 24, 23, 40),  # the repeated hour begins at 00:00 UTC and ends at 02:00 UTC
    dt.datetime(2026, 10, 25, 0, 20),
    dt.datetime(2026, 3, 29, 0, 30),  # the gap
    dt.datetime(2026, 6, 30, 23, 30),
)
TAGS = ("a", "b", "x")
"""Each notification's templates; x fails for every third version."""


@dataclass
class Scan:
    """A moment at which the replica was, or may have been, read for `active` notifications."""

    positions: tuple[int, ...]
    is_certain: bool
    active: frozenset[str]
    keys_due: bool
    at: dt.datetime


@dataclass
class Era:
    """From an activation, or an un-pausing that skips: what its snapshot showed is history."""

    position: int
    at_scan: int


@dataclass
class Edition:
    """A definition as it was saved before a scan, or during it."""

    at_scan: int
    document: Document


@dataclass
class Pending:
    """A transaction of the application that is open, with the stamps that it took."""

    connection: Any
    moment: dt.datetime
    operations: list[tuple[str, tuple[Any, ...]]]
    after: list[State]


@dataclass
class Decided:
    """What persons decided of single messages, by Message-ID: how often to be sent again, sent, failed, canceled."""

    again: dict[str, int] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    canceled: set[str] = field(default_factory=set)


class World:
    """Source, two replicas of it, processor, queue, a post office; clocks that the driver moves."""

    def __init__(self, folder: Path, seed: int, connections: int = 1) -> None:
        self.chance = random.Random(seed)
        self.seed = seed
        self.tables = self.chance.sample(sorted(TABLES), 4)
        """Few, so that much happens to each."""
        workers = 1 + seed // 4 % 2
        self.connections = connections
        self.stage = Stage(folder, templates=[folder / "templates"], connections=connections, workers=workers)
        self.post = FaultyMailbox()
        self.stage.mailbox = self.post
        self.now = STARTS[seed % len(STARTS)]
        self.ahead = {Role.PROCESSOR: dt.timedelta(), Role.QUEUE: dt.timedelta(), Role.SOURCE: dt.timedelta()}
        self.rows: dict[tuple[str, str], Row] = {}
        self.last_stamp: dict[tuple[str, str], dt.datetime] = {}
        self.version = 0
        self.states: list[State] = []
        self.scans: list[Scan] = []
        self.eras: dict[str, list[Era]] = {}
        self.editions: dict[str, list[Edition]] = {}
        self.drafts: dict[str, Document] = {}
        self.active: set[str] = set()
        self.paused: set[str] = set()
        self.retired: set[str] = set()
        self.resumed_with_skip: set[str] = set()
        self.held: set[str] = set()
        self.decided = Decided()
        self.open: Pending | None = None
        self.reserved: set[tuple[str, str]] = set()
        self.faults = True
        self.fault_rate = 0.15
        self.diary: list[str] = []
        self.replicas: list[Replica] = []
        self.chosen = 0
        self.mail_chance = random.Random(seed + 1)
        self.overlapped_sends = False
        self.killed_sends = 0
        self.archive: dict[bytes, tuple[Any, ...]] = {}
        """Messages that were purged, by key, as they ended."""
        self.purges = 0
        self.losses = 0
        self.processor_losses = 0
        self.meddled = 0
        """Decisions about definitions, so far."""
        self.backed_up: tuple[int, int] | None = None
        """Scans and decisions at the time of the processor's backup."""
        self.last_key_scan = self.now

    # --- the stage ------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Fresh databases; nothing defined yet."""
        self.stage.build(schema=[HERE / "schema.sql"], procedures=[HERE / "procedures.sql"])

    def begin(self) -> None:
        """Clocks, templates, two replicas; the standing definitions become active."""
        folder = self.stage.folder
        (folder / "templates").mkdir(exist_ok=True)
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
        for file in ("notifications.toml", "late.toml"):
            for definition in definitions.read_definitions([HERE / file]):
                if definition.document["table"]["name"] in self.tables:
                    self.write_templates(definition.name)
                    self.drafts[definition.name] = definition.document
        self.activate([name for name in self.drafts if not name.startswith("late_")])

    def write_templates(self, name: str) -> None:
        """What is mailed tells all that the judge asks for."""
        folder = self.stage.folder / "templates"
        for tag in TAGS:
            what = f"{name}|${{table_name}}|${{operation}}|${{record.replace(' ', '_')}}|${{version}}|{tag}"
            if tag == "x":
                what += "${'' if version % 3 else nowhere}"
            html = f'<%def name="subject()">{what}</%def>\n<p>${{record}} is at version ${{version}}.</p>\n'
            (folder / f"{name}_{tag}.html.mako").write_text(html, encoding="utf-8")
            (folder / f"{name}_{tag}.sms.mako").write_text(what + "\n", encoding="utf-8")

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

    def activate(self, names: list[str]) -> None:
        """`notify apply` of drafts, which may be refused: for want of a heartbeat, say."""
        position = self.replica.position
        self.save([(name, "active", self.drafts[name]) for name in names])
        states = dict(self.stage.processor("SELECT n.name, n.state FROM notify.notification AS n;"))
        for name in names:
            if states.get(name) == "active":
                self.editions[name] = [Edition(len(self.scans), self.drafts.pop(name))]
                self.active.add(name)
                self.eras[name] = [Era(position, len(self.scans))]

    def save(self, wanted: list[tuple[str, str, Document]]) -> set[str]:
        """`notify apply`: (name, state, document); gives the names that were saved, or were so before."""
        from notify.cycle import make_renderer

        items = [definitions.Definition(name, HERE, state, document) for name, state, document in wanted]
        saved = set()
        self.meddled += 1
        for item in definitions.apply_definitions(
            self.stage.databases, items, make_renderer(self.stage.config), dry_run=False
        ):
            if item.problems:
                self.diary.append(f"apply of {item.name}: {item.action}, {str(item.problems)[:300]}")
            if item.action != "refused":
                saved.add(item.name)
        return saved

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
        self.open = Pending(connection, self.clock(), operations, after)
        self.reserved = {(state.table, state.record) for state in after}

    def commit_late(self) -> None:
        """What began long ago is written and committed."""
        if self.open is None:
            return
        operations, after = self.open.operations, self.open.after
        cursor = self.open.connection.cursor()
        for text, parameters in operations:
            cursor.execute(text, parameters)
        cursor.execute("COMMIT TRANSACTION;")
        self.open.connection.close()
        self.open = None
        self.reserved = set()
        self._note(after)

    def mass(self, table: str, is_delete: bool) -> None:
        """Many rows of a table are deleted, or inserted, at once."""
        moment = self.clock()
        operations: list[tuple[str, tuple[Any, ...]]] = []
        after: list[State] = []
        for _ in range(12):
            key = TABLES[table].key(self.chance)
            where = (table, TABLES[table].canonical(key))
            row = self.rows.get(where)
            if where in self.reserved or (row is None) == is_delete or self.last_stamp.get(where, moment) > moment:
                continue
            if any(state.record == where[1] for state in after):
                continue
            self.last_stamp[where] = moment
            made = self._operation(TABLES[table], key, where[1], row, moment, must_delete=is_delete)
            operations.append(made[0])
            after.append(made[1])
        if operations:
            self.stage.do(*operations)
            self._note(after)

    def _note(self, after: list[State]) -> None:
        position = log_end(self.stage.path(Role.SOURCE))
        for state in after:
            where = (state.table, state.record)
            self.states.append(replace(state, position=position, at=self.now))
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
            table = TABLES[self.chance.choice(self.tables)]
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
        self,
        table: Table,
        key: tuple[Any, ...],
        record: str,
        row: Row | None,
        moment: dt.datetime,
        must_delete: bool = False,
    ) -> tuple[tuple[str, tuple[Any, ...]], State]:
        self.version += 1
        chance, stamp = self.chance, table.stamp(moment)
        match = " AND ".join(f"{name} = ?" for name in table.keys)
        is_delete = (not table.soft or chance.random() < 0.3) and chance.random() < 0.2
        if row is not None and (must_delete or is_delete):
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
            if table.modified and (table.name in ("parcel", "memo", "preference", "crate") or chance.random() < 0.5):
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

    # --- cycles and senders ---------------------------------------------------------------------------------------

    def cycle(self) -> Any:
        """A cycle to its end."""
        position = self.replica.position
        keys_due = self.now - self.last_key_scan > dt.timedelta(minutes=2)
        report = self.stage.cycle()
        if keys_due:
            self.last_key_scan = self.now
        self.diary.append(f"cycle at {position}: {report.sentence()} {report.failures or ''}")
        # Held deletes and changes that cannot be generated keep nobody from seeing the rows.
        is_certain = not any(table.error for table in report.tables)
        self.scan((position,), self.active, is_certain, keys_due)
        return report

    def scan(self, positions: tuple[int, ...], active: set[str], is_certain: bool = False, keys: bool = True) -> None:
        """Writes down that the replica was, or may have been, read."""
        self.scans.append(Scan(positions, is_certain, frozenset(active), keys, self.now))

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
        self.killed_sends += code == 9 and what == self.rival_send
        self.scan((position,), self.active)

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
                # A thread of its own: the sender calls its queue inside an event loop, and the rival may be a sender too.
                with ThreadPoolExecutor(1) as thread:
                    thread.submit(rival).result()

        before, active = self.replica.position, set(self.active)
        stop = tsqlite.on_statement(at)
        try:
            what()
        finally:
            stop()
        after = self.replica.position
        self.diary.append(
            f"{what.__name__} with {rival.__name__} inside at boundary {boundary} ({inside}), replica {before} to {after}"
        )
        self.scan((before, after), active | self.active)

    def cycle_quietly(self) -> None:
        """A cycle of which only the possibility is noted."""
        self.stage.cycle()

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
        self.scan((position,), self.active)

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
        if not self.faults or self.mail_chance.random() > self.fault_rate:
            return ""
        return self.mail_chance.choice(MOODS)

    def stored(self) -> list[tuple[Any, ...]]:
        """What the queue says of its messages: subject or text, address, key, channel, state, reason."""
        return self.stage.queue(
            "SELECT CASE m.channel WHEN 'email' THEN b.subject ELSE CAST(DECOMPRESS(b.text) AS nvarchar(max)) END,"
            " m.address, m.dedupe_key, m.channel, m.state, m.reason FROM notify.message AS m"
            " INNER JOIN notify.message_body AS b ON b.created_date = m.created_date AND b.message_id = m.message_id"
            " ORDER BY m.message_id;"
        )

    def elsewhere(self) -> None:
        """While this process is frozen, beyond all leases, others do its work."""
        self.pass_time(seconds=1000)
        self.move_on()
        self.rival_cycle()
        self.rival_send()

    def cover_ledger(self) -> None:
        """The total of the ledger catches up."""
        self.stage.do(("UPDATE dbo.ledger_total SET covers_version = ? WHERE id = 1;", (self.version,)))
