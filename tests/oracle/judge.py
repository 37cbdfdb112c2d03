"""What must have been mailed, may have been, and must not: from the log of committed transactions and the rules alone.

For each notification and record the log gives the states, in commit order, cut into lives (from an insert to a delete).
Where the rules are exact the verdict is exact: the last state of what is there, of what was seen and is gone; history;
what no scan can have seen; a state twice; an older one after a newer. Between that they leave freedom, and so does this:
what a scan may have passed over, and what a newer state has replaced.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tests.oracle.world import TABLES, Era, State, World

CRITERIA: dict[str, Callable[[dict[str, Any]], bool]] = {
    "parcel_changed": lambda row: row["status"] not in ("draft", "void") and row["weight"] in ("1.000", "7.125"),
    "device_gone": lambda row: row["kind"] in ("a", "b"),
    "tag_latest": lambda row: row["status"] != "draft",
    "memo_latest": lambda row: "a" in row["status"],
    "ledger_latest": lambda row: 1 <= row["line"] <= 3,
}
"""`where` of notifications.toml, told once more."""

PEOPLE = {"parcel": ("desk", "chief")}


@dataclass(frozen=True)
class Told:
    """One message: who was told what of which record."""

    notification: str
    table: str
    operation: str
    record: str
    version: int
    person: str


@dataclass
class Life:
    """States of a record from its insert on; `gone`: the delete that ended it."""

    states: list[State]
    gone: State | None = None


class Judge:
    """``Judge(world).problems()``: every sentence is a broken promise; [] is what there should be."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.found: list[str] = []
        self.received, self.identities = self._received()
        self.in_doubt = self._queued("in_doubt")
        self.lives = self._lives()

    def problems(self) -> list[str]:
        """Everything that is wrong."""
        for identity, count in self.identities.items():
            if count > 1:
                self.found.append(f"{count} mails are one message: {identity}")
        told = defaultdict(list)
        for item in self.received:
            told[item.notification, item.record, item.person].append(item)
        records = {(table, record) for table, record in self.lives}
        for name, document in self.world.policies.items():
            table = document["table"]["name"]
            for where in sorted(where for where in records if where[0] == table):
                for person in PEOPLE.get(table, ("desk",)):
                    self._judge(name, document, where, person, told.pop((name, where[1], person), []))
        self.found += [f"mails of what never was: {items}" for items in told.values()]
        self._texts()
        self._audit()
        return self.found

    # --- one record -----------------------------------------------------------------------------------------------

    def _judge(
        self, name: str, document: dict[str, Any], where: tuple[str, str], person: str, told: list[Told]
    ) -> None:
        on, holds = document["on"], CRITERIA.get(name, lambda row: True)
        is_latest = document.get("policy", "latest") == "latest"
        doubtful = [
            item
            for item in self.in_doubt
            if (item.notification, item.record, item.person) == (name, where[1], person) and item not in told
        ]
        lives, eras = self.lives[where], self.world.eras[name]
        alive = [item for item in told if item.operation != "D"]
        notices = [item for item in told if item.operation == "D"]
        versions = {state.version: (life, state) for life in lives for state in life.states}

        def wrong(text: str) -> None:
            history = [f"{s.position}:{s.kind}v{s.version}" for life in lives for s in (*life.states, life.gone) if s]
            told_versions = [f"{item.operation}v{item.version}" for item in (*told, *doubtful)]
            self.found.append(
                f"{name} {where[1]!r} to {person}: {text}; states {history}, told {told_versions}, "
                f"history up to {[era.position for era in eras]}"
            )

        # What was told is the truth, was not history, met the criteria, and could be seen.
        for item in (*told, *doubtful):
            if item.version not in versions:
                wrong(f"v{item.version} was never committed")
                continue
            life, state = versions[item.version]
            if item.operation == "D":
                end = self._end(life, state)
                if end is None:
                    wrong(f"v{item.version} is told as deleted, and is not")
                elif not self._may_see(name, end.position, life, end):
                    wrong(f"nobody can have seen that v{item.version} is gone")
                continue
            if not holds(state.row):
                wrong(f"v{item.version} does not meet the criteria")
            if state.kind == "S":
                wrong(f"v{item.version} is deleted, and told as alive")
            if not self._may_see(name, state.position, life, state):
                wrong(f"v{item.version} is history, or was never to be seen")
        # Not doubled, and in order.
        if is_latest:
            doubled = [version for version, count in Counter(i.version for i in alive).items() if count > 1]
            if doubled:
                wrong(f"told more than once: {doubled}")
            if [i.version for i in told] != sorted(i.version for i in told) and not self.world.overlapped_sends:
                wrong("an older state after a newer one")
        # Missing, and too many.
        self._count(on, is_latest, lives, holds, name, [i for i in (*alive, *doubtful) if i.operation != "D"], wrong)
        if "delete" in on:
            self._deletes(lives, holds, name, [*notices, *(i for i in doubtful if i.operation == "D")], wrong)
        elif notices:
            wrong("deletes were not asked for")

    def _count(
        self,
        on: list[str],
        is_latest: bool,
        lives: list[Life],
        holds: Callable[[dict[str, Any]], bool],
        name: str,
        told: list[Told],
        wrong: Callable[[str], None],
    ) -> None:
        if "insert" not in on and "update" not in on:
            if told:
                wrong("only deletes were asked for")
            return
        has_created = TABLES[lives[0].states[0].table].created is not None
        era = self.world.eras[name][-1]
        for life in lives:
            shown = [item.version for item in told if item.version in {state.version for state in life.states}]
            last = life.states[-1]
            is_there = life.gone is None and last.kind != "S"
            known = self._certainly_known(name, life, before=last) or life.states[0].position <= era.position
            first = life.states[0]
            if on == ["insert"] and has_created:
                if len(shown) > 1:
                    wrong(f"one insert, told {len(shown)} times")
                if is_there and not shown and first.position > era.position and all(holds(s.row) for s in life.states):
                    wrong("the insert is missing")
                continue
            if on == ["update"] and has_created and shown and first.version in shown:
                wrong("an insert, told as an update")
            must = is_there and holds(last.row) and last.position > era.position
            if "insert" not in on and has_created:
                must = must and known and last is not first
            if must and last.version not in shown:
                wrong(f"the last state, v{last.version}, is missing")
            if not is_latest:
                may = [s for s in life.states if self._may_see(name, s.position, life, s)]
                if len(shown) > len(may):
                    wrong(f"told {len(shown)} times; no more than {len(may)} states can have been seen")
                certain = [s for s in life.states if self._certainly_seen(name, life, s)]
                if is_there and len(shown) < len(certain):
                    wrong(f"told {len(shown)} times; {[s.version for s in certain]} were certainly seen")

    def _deletes(
        self,
        lives: list[Life],
        holds: Callable[[dict[str, Any]], bool],
        name: str,
        told: list[Told],
        wrong: Callable[[str], None],
    ) -> None:
        era = self.world.eras[name][-1]
        for life in lives:
            states = {state.version for state in life.states}
            shown = [item for item in told if item.version in states]
            is_soft = TABLES[life.states[0].table].soft
            kinds = [state.kind for state in life.states]
            runs = sum(kind == "S" and before != "S" for before, kind in zip(["", *kinds], kinds, strict=False))
            ends = runs if is_soft else int(life.gone is not None)
            if len(shown) > ends:
                wrong(f"{ends} deletes, told {len(shown)} times")
            if not all(holds(state.row) for state in life.states) and shown:
                wrong("a delete that does not meet the criteria")
            if life is not lives[-1] or not all(holds(state.row) for state in life.states):
                continue
            run: list[State] = []
            if is_soft:
                # A deleted row that is written again is deleted still: the notice may show any state of that run.
                run = list(itertools.takewhile(lambda state: state.kind == "S", reversed(life.states)))
                end = run[-1] if run and life.gone is None else None
            else:
                end = life.gone
            if end is None or end.position <= era.position:
                continue
            known = self._certainly_known(name, life, before=end) or (
                self._alive_at(life, era.position) if not is_soft or life.states[0].position <= era.position else False
            )
            if known and not any(not is_soft or item.version in {state.version for state in run} for item in shown):
                wrong(f"the delete at {end.position} is missing")

    # --- what a scan saw ------------------------------------------------------------------------------------------

    @staticmethod
    def _end(life: Life, state: State) -> State | None:
        if TABLES[state.table].soft:
            return state if state.kind == "S" else None
        return life.gone

    @staticmethod
    def _shown_at(life: Life, position: int) -> State | None:
        """What a snapshot at a position shows of this life."""
        if life.gone is not None and life.gone.position <= position:
            return None
        return next((state for state in reversed(life.states) if state.position <= position), None)

    def _alive_at(self, life: Life, position: int) -> bool:
        state = self._shown_at(life, position)
        return state is not None and state.kind != "S"

    def _may_see(self, name: str, position: int, life: Life, state: State) -> bool:
        """Whether some scan for this notification, in an era to which the state is no history, can have seen it.

        A change whose own state was seen is mailed as the row shows at extraction; that is a look at the replica too.
        """
        eras: list[Era] = self.world.eras[name]
        for number, era in enumerate(eras):
            end = eras[number + 1].at_scan if number + 1 < len(eras) else None
            if position <= era.position:
                continue
            for scan in self.world.scans[era.at_scan : end]:
                if name not in scan.active:
                    continue
                for at in _between(scan.positions, self.world):
                    if state.kind == "D" and at >= state.position:
                        return True
                    if state.kind != "D" and self._shown_at(life, at) is state:
                        return True
        return False

    def _certain_shows(self, name: str, life: Life) -> Iterable[State]:
        """States that a scan to its end has shown, on a replica that was not behind an earlier one."""
        era = self.world.eras[name][-1]
        furthest = max([era.position, *(p for scan in self.world.scans[: era.at_scan] for p in scan.positions)])
        for scan in self.world.scans[era.at_scan :]:
            at = min(scan.positions)
            if at >= furthest and scan.is_certain and name in scan.active:
                state = self._shown_at(life, at)
                if state is not None and state.position > era.position:
                    yield state
            furthest = max(furthest, *scan.positions)

    def _certainly_seen(self, name: str, life: Life, state: State) -> bool:
        before = [item for item in life.states if item.position < state.position]
        if state.kind == "S" or any(item.stamp >= state.stamp for item in before):
            # An equal stamp asks for a newer heartbeat too, and the repeated hour for more than the stamp.
            return False
        return any(shown is state for shown in self._certain_shows(name, life))

    def _certainly_known(self, name: str, life: Life, before: State) -> bool:
        return any(shown.position < before.position and shown.kind != "S" for shown in self._certain_shows(name, life))

    # --- the rest -------------------------------------------------------------------------------------------------

    def _texts(self) -> None:
        """SMS have no gateway: the last state waits, older ones are canceled."""
        waiting = defaultdict(list)
        for told in self._queued("queued", "sms"):
            waiting[told.notification, told.record].append(f"{told.operation}v{told.version}")
        self.found += [f"texts {texts} wait for {where}" for where, texts in waiting.items() if len(texts) > 1]
        for told in self._queued("queued", "sms"):
            mailed = [i for i in (*self.received, *self.in_doubt) if i.notification == told.notification]
            if not any(
                (i.record, i.version, i.operation) == (told.record, told.version, told.operation) for i in mailed
            ):
                self.found.append(f"a text without its mail: {told}")

    def _audit(self) -> None:
        report = self.world.stage.audit()
        total = sum(report[key] for key in ("sent", "in_doubt", "pending", "explained", "missing"))
        if report["missing"] or report["doubled"] or report["expected"] != total:
            self.found.append(f"the audit says {report}")
        if not len(self.received) - len(self.in_doubt) <= report["sent"] <= len(self.received):
            self.found.append(f"the audit says {report['sent']} sent; {len(self.received)} arrived")

    def _lives(self) -> dict[tuple[str, str], list[Life]]:
        """A record that comes again with the stamp that it had before goes on with its life: nothing tells the two apart."""
        lives: dict[tuple[str, str], list[Life]] = {}
        for state in sorted(self.world.states, key=lambda state: state.position):
            of_record = lives.setdefault((state.table, state.record), [])
            if state.kind == "I" or not of_record:
                again = of_record and of_record[-1].states[0].created == state.created
                if again:
                    of_record[-1].states.append(state)
                    of_record[-1].gone = None
                else:
                    of_record.append(Life([state]))
            elif state.kind == "D":
                of_record[-1].gone = state
            else:
                of_record[-1].states.append(state)
        return lives

    def _received(self) -> tuple[list[Told], Counter[str]]:
        told, identities = [], Counter[str]()
        for mail in self.world.stage.mails:
            message = mail.message
            identities[str(message["Message-ID"])] += 1
            told.append(_told(str(message["Subject"]), mail.recipients[0]))
        return told, identities

    def _queued(self, state: str, channel: str = "email") -> list[Told]:
        subject = "b.subject" if channel == "email" else "CAST(DECOMPRESS(b.text) AS nvarchar(max))"
        rows = self.world.stage.queue(
            f"SELECT {subject}, m.address FROM notify.message AS m INNER JOIN notify.message_body AS b"
            " ON b.created_date = m.created_date AND b.message_id = m.message_id WHERE m.state = ? AND m.channel = ?;",
            state,
            channel,
        )
        return [_told(str(text).strip(), address) for text, address in rows]


def _told(subject: str, address: str) -> Told:
    name, table, operation, record, version = subject.split("|")
    key = record.replace("_", " ")
    if table == "parcel":
        depot, _, code = key.partition("/")
        canonical = TABLES[table].canonical((depot, code))
    elif table == "ledger":
        canonical = TABLES[table].canonical(tuple(key.split("/")))
    else:
        canonical = TABLES[table].canonical((key,))
    return Told(name, table, operation, canonical, int(version), address.partition("@")[0])


def _between(positions: tuple[int, ...], world: World) -> Iterable[int]:
    return range(min(positions), max(positions) + 1) if len(positions) > 1 else positions
