"""What must have been mailed, may have been, and must not: from the log of committed transactions and the rules alone.

For each notification and record the log gives the states, in commit order, cut into lives (from an insert to a delete).
Where the rules are exact the verdict is exact: the last state of what is there, of what was seen and is gone; history;
what no scan can have seen; a state twice; an older one after a newer. Between that they leave freedom, and so does this:
what a scan may have passed over, what a newer state has replaced, and which of two editions of a definition a change met.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tests.oracle.operators import identity
from tests.oracle.tables import TABLES, Document, State, holds
from tests.oracle.world import Era, World

PEOPLE = {"parcel": ("desk", "chief")}
WORDS = {"I": "insert", "U": "update", "D": "delete"}


@dataclass(frozen=True)
class Told:
    """One message: who was told what of which record, by which template."""

    notification: str
    table: str
    operation: str
    record: str
    version: int
    person: str
    template: str
    identity: str


@dataclass(frozen=True)
class Stored(Told):
    """A message as the queue calls it in the end."""

    channel: str
    state: str
    reason: str


@dataclass
class Life:
    """States of a record from its insert on; `gone`: the delete that ended it."""

    states: list[State]
    gone: State | None = None


class Log:
    """The play's own record: lives, what each scan may have seen, and the definitions in force."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.lives = self._lives()

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

    # --- definitions ----------------------------------------------------------------------------------------------

    def documents(self, name: str, position: int) -> list[Document]:
        """The editions by which a state committed at a position may have been judged."""
        scans = self.world.scans
        first = next((n for n, scan in enumerate(scans) if max(scan.positions) >= position), len(scans))
        editions = self.world.editions[name]
        ends = [edition.at_scan for edition in editions[1:]]
        return [
            edition.document for edition, end in itertools.zip_longest(editions, ends) if end is None or end >= first
        ]

    def may_hold(self, name: str, state: State) -> bool:
        """Whether a state meets the criteria of some edition."""
        return any(holds(document, state.row) for document in self.documents(name, state.position))

    def must_hold(self, name: str, state: State) -> bool:
        """Whether a state meets the criteria of every edition."""
        return all(holds(document, state.row) for document in self.documents(name, state.position))

    # --- what a scan saw ------------------------------------------------------------------------------------------

    @staticmethod
    def shown_at(life: Life, position: int) -> State | None:
        """What a snapshot at a position shows of this life."""
        if life.gone is not None and life.gone.position <= position:
            return None
        return next((state for state in reversed(life.states) if state.position <= position), None)

    def alive_at(self, life: Life, position: int) -> bool:
        """Whether a snapshot at a position shows this life, not deleted softly."""
        state = self.shown_at(life, position)
        return state is not None and state.kind != "S"

    def may_see(self, name: str, life: Life, state: State) -> bool:
        """Whether some scan for this notification, in an era to which the state is no history, can have seen it.

        A change whose own state was seen is mailed as the row shows at extraction; that is a look at the replica too.
        """
        eras: list[Era] = self.world.eras[name]
        for number, era in enumerate(eras):
            end = eras[number + 1].at_scan if number + 1 < len(eras) else None
            if state.position <= era.position:
                continue
            for scan in self.world.scans[era.at_scan : end]:
                if name not in scan.active:
                    continue
                for at in between(scan.positions):
                    if state.kind == "D" and at >= state.position:
                        return True
                    if state.kind != "D" and self.shown_at(life, at) is state:
                        return True
        return False

    def certain_shows(self, name: str, life: Life) -> Iterable[State]:
        """States that a scan to its end has shown, on a replica that was not behind an earlier one."""
        era = self.world.eras[name][-1]
        furthest = max([era.position, *(p for scan in self.world.scans[: era.at_scan] for p in scan.positions)])
        for scan in self.world.scans[era.at_scan :]:
            at = min(scan.positions)
            if at >= furthest and scan.is_certain and name in scan.active:
                state = self.shown_at(life, at)
                if state is not None and state.position > era.position:
                    yield state
            furthest = max(furthest, *scan.positions)

    def certainly_seen(self, name: str, life: Life, state: State) -> bool:
        """Whether a scan is sure to have recorded this very state."""
        before = [item for item in life.states if item.position < state.position]
        if state.kind == "S" or any(item.stamp >= state.stamp for item in before):
            # An equal stamp asks for a newer heartbeat too, and the repeated hour for more than the stamp.
            return False
        return any(shown is state for shown in self.certain_shows(name, life))

    def certainly_known(self, name: str, life: Life, before: State) -> bool:
        """Whether the record is sure to have been recorded alive before something."""
        return any(shown.position < before.position and shown.kind != "S" for shown in self.certain_shows(name, life))


class Judge:
    """``Judge(world).problems()``: every sentence is a broken promise; [] is what there should be."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.log = Log(world)
        self.found: list[str] = []
        self.received = [
            told(str(mail.message["Subject"]), mail.recipients[0], str(mail.message["Message-ID"]))
            for mail in world.stage.mails
        ]
        self.stored = self._stored()
        arrived = {item.identity for item in self.received}
        self.accounted = [
            item
            for item in self.stored
            if item.channel == "email"
            and (
                item.state in ("in_doubt", "failed", "expired")
                or item.identity in world.decided.canceled | world.decided.sent
            )
            and item.identity not in arrived
        ]
        """Messages that need not arrive: `claims.py` asks whether that is so with good reason."""
        self.doubtful_records = self._doubtful_records()

    def problems(self) -> list[str]:
        """Everything that is wrong."""
        from tests.oracle.claims import Claims

        for item, count in Counter(item.identity for item in self.received).items():
            allowed = 1 + self.world.decided.again.get(item, 0)
            if count > allowed:
                which = next(received for received in self.received if received.identity == item)
                self.found.append(f"{count} mails are one message: {which}")
        mailed = defaultdict(list)
        for received in self.received:
            mailed[received.notification, received.record, received.person].append(received)
        for name in self.world.eras:
            table = self.world.editions[name][-1].document["table"]["name"]
            for where in sorted(where for where in self.log.lives if where[0] == table):
                for person in PEOPLE.get(table, ("desk",)):
                    self._judge(name, where, person, mailed.pop((name, where[1], person), []))
        self.found += [f"mails of what never was: {items}" for items in mailed.values()]
        self.found += Claims(self).problems()
        return self.found

    # --- one record -----------------------------------------------------------------------------------------------

    def _judge(self, name: str, where: tuple[str, str], person: str, received: list[Told]) -> None:
        lives, eras = self.log.lives[where], self.world.eras[name]
        policies = {edition.document.get("policy", "latest") for edition in self.world.editions[name]}
        accounted = [
            item for item in self.accounted if (item.notification, item.record, item.person) == (name, where[1], person)
        ]
        everything = [*received, *accounted]
        versions = {state.version: (life, state) for life in lives for state in life.states}

        def wrong(text: str) -> None:
            history = [f"{s.position}:{s.kind}v{s.version}" for life in lives for s in (*life.states, life.gone) if s]
            versions = [f"{item.operation}v{item.version}" for item in received]
            versions += [f"({item.state} {item.operation}v{item.version})" for item in accounted]
            self.found.append(
                f"{name} {where[1]!r} to {person}: {text}; states {history}, told {versions}, "
                f"history up to {[era.position for era in eras]}"
            )

        # What was told is the truth, was not history, met the criteria, and could be seen.
        for item in everything:
            if item.version not in versions:
                wrong(f"v{item.version} was never committed")
                continue
            life, state = versions[item.version]
            templates = [
                document["channels"]["email"]["template"].removesuffix(".html.mako")
                for document in self.log.documents(name, state.position)
            ]
            if f"{name}_{item.template}" not in templates:
                wrong(f"v{item.version} is told by template {item.template}")
            if item.operation == "D":
                end = self._end(life, state)
                if end is None:
                    wrong(f"v{item.version} is told as deleted, and is not")
                elif not self.log.may_see(name, life, end):
                    wrong(f"nobody can have seen that v{item.version} is gone")
                continue
            if not self.log.may_hold(name, state):
                wrong(f"v{item.version} does not meet the criteria")
            if state.kind == "S":
                wrong(f"v{item.version} is deleted, and told as alive")
            if not self.log.may_see(name, life, state):
                wrong(f"v{item.version} is history, or was never to be seen")
        # Not doubled, and in order.
        if policies == {"latest"}:
            alive = {item.identity: item.version for item in received if item.operation != "D"}
            doubled = [version for version, count in Counter(alive.values()).items() if count > 1]
            if doubled:
                wrong(f"told more than once: {doubled}")
            once = [item.version for item in received if item.identity not in self.world.decided.again]
            if once != sorted(once) and not self.world.overlapped_sends:
                wrong("an older state after a newer one")
        self._count(lives, name, policies, [item for item in everything if item.operation != "D"], wrong, where)
        self._deletes(lives, name, [item for item in everything if item.operation == "D"], wrong, where)

    def _count(
        self,
        lives: list[Life],
        name: str,
        policies: set[str],
        told: list[Told],
        wrong: Callable[[str], None],
        where: tuple[str, str],
    ) -> None:
        """Inserts and updates: missing, and too many."""
        has_created = TABLES[where[0]].created is not None
        era = self.world.eras[name][-1]
        may_miss = name in self.world.retired or (name, *where) in self.doubtful_records
        for life in lives:
            asked = [set(document["on"]) for document in self.log.documents(name, life.states[0].position)]
            always, ever = set.intersection(*asked), set.union(*asked)
            identities = {item.identity: item.version for item in told}
            shown = [v for v in identities.values() if v in {state.version for state in life.states}]
            first, last = life.states[0], life.states[-1]
            if shown and not ever & {"insert", "update"}:
                wrong("only deletes were asked for")
            if ever & {"insert", "update"} == {"insert"} and has_created and len(shown) > 1:
                wrong(f"one insert, told {len(shown)} times")
            if "insert" not in ever and has_created and first.version in shown:
                wrong("an insert, told as an update")
            is_there = life.gone is None and last.kind != "S"
            if (
                "insert" in always
                and has_created
                and is_there
                and not shown
                and first.position > era.position
                and all(self.log.must_hold(name, state) for state in life.states)
                and not may_miss
            ):
                wrong("the insert is missing")
            known = self.log.certainly_known(name, life, before=last) or first.position <= era.position
            must = is_there and self.log.must_hold(name, last) and last.position > era.position and not may_miss
            if has_created:
                must = must and "update" in always and ("insert" in always or (known and last is not first))
            else:
                must = must and "update" in always
            if must and last.version not in shown:
                wrong(f"the last state, v{last.version}, is missing")
            if policies == {"every"}:
                may = [state for state in life.states if self.log.may_see(name, life, state)]
                if len(shown) > len(may):
                    wrong(f"told {len(shown)} times; no more than {len(may)} states can have been seen")
                certain = [
                    state
                    for state in life.states
                    if self.log.certainly_seen(name, life, state) and self.log.must_hold(name, state)
                ]
                steady = {"insert", "update"} <= always and all(self.log.must_hold(name, s) for s in life.states)
                if is_there and steady and len(shown) < len(certain) and not may_miss:
                    wrong(f"told {len(shown)} times; {[s.version for s in certain]} were certainly seen")

    def _deletes(
        self,
        lives: list[Life],
        name: str,
        told: list[Told],
        wrong: Callable[[str], None],
        where: tuple[str, str],
    ) -> None:
        era = self.world.eras[name][-1]
        asked = [edition.document["on"] for edition in self.world.editions[name]]
        may_miss = name in self.world.retired or (name, *where) in self.doubtful_records
        if told and not any("delete" in on for on in asked):
            wrong("deletes were not asked for")
        for life in lives:
            states = {state.version for state in life.states}
            shown = {item.identity: item for item in told if item.version in states}
            is_soft = TABLES[where[0]].soft
            kinds = [state.kind for state in life.states]
            runs = sum(kind == "S" and before != "S" for before, kind in zip(["", *kinds], kinds, strict=False))
            ends = runs if is_soft else int(life.gone is not None)
            if len(shown) > ends:
                wrong(f"{ends} deletes, told {len(shown)} times")
            if shown and not any(self.log.may_hold(name, state) for state in life.states):
                wrong("a delete that does not meet the criteria")
            must = life is lives[-1] and all(self.log.must_hold(name, state) for state in life.states)
            if not must or not all("delete" in on for on in asked) or may_miss:
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
            known = self.log.certainly_known(name, life, before=end) or (
                self.log.alive_at(life, era.position)
                if not is_soft or life.states[0].position <= era.position
                else False
            )
            in_run = {state.version for state in run}
            if known and not any(not is_soft or item.version in in_run for item in shown.values()):
                wrong(f"the delete at {end.position} is missing")

    @staticmethod
    def _end(life: Life, state: State) -> State | None:
        if TABLES[state.table].soft:
            return state if state.kind == "S" else None
        return life.gone

    # --- what is in the queue in the end --------------------------------------------------------------------------

    def _stored(self) -> list[Stored]:
        rows = list((self.world.archive | {row[2]: row for row in self.world.stored()}).values())
        return [
            Stored(
                **vars(told(str(text).strip(), address, identity(key))),
                channel=channel,
                state=state,
                reason=reason or "",
            )
            for text, address, key, channel, state, reason in rows
        ]

    def _doubtful_records(self) -> set[tuple[str, str, str]]:
        """Records of whose changes a restored queue knew nothing: they may have been told before the loss."""
        rows: list[tuple[Any, ...]] = self.world.stage.queue(
            "SELECT d.notification_name, d.record_key FROM notify.decision AS d WHERE d.outcome = 'in_doubt';"
        )
        found = set()
        for name, key in rows:
            table = self.world.editions[name][-1].document["table"]["name"]
            found.add((name, table, record_of(table, key)))
        if found and not self.world.losses:
            self.found.append(f"changes are in doubt, and no queue was lost: {found}")
        return found


def record_of(table: str, record_key: str) -> str:
    """The record of a record_key."""
    import json

    return TABLES[table].canonical(tuple(json.loads(record_key)))


def told(subject: str, address: str, message: str) -> Told:
    """What a message says."""
    name, table, operation, record, version, template = subject.split("|")
    key = TABLES[table].record(record.replace("_", " "))
    return Told(name, table, operation, key, int(version), address.partition("@")[0], template, message)


def between(positions: tuple[int, ...]) -> Iterable[int]:
    """All places in source's log at which a scan may have looked."""
    return range(min(positions), max(positions) + 1) if len(positions) > 1 else positions
