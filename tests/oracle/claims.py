"""What the product says of itself, set against the play's own record: why nothing was sent, and how many were."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from tests.oracle.tables import TABLES, State, holds

from notify.databases import Role

if TYPE_CHECKING:
    from tests.oracle.judge import Judge, Stored

WORDS = {"I": "insert", "U": "update", "D": "delete"}
FINAL = {"sent", "failed", "expired", "canceled", "in_doubt"}


class Claims:
    """Reasons and numbers that the judge does not agree with."""

    def __init__(self, judge: Judge) -> None:
        self.judge, self.world, self.log = judge, judge.world, judge.log
        self.found: list[str] = []

    def problems(self) -> list[str]:
        """Everything that is not so."""
        self._changes()
        self._messages()
        self._texts()
        self._audit()
        return self.found

    # --- changes --------------------------------------------------------------------------------------------------

    def _changes(self) -> None:
        """Each change that gave no message has a reason, and it is true."""
        from tests.oracle.judge import record_of

        rows = self.world.stage.processor(
            "SELECT n.name, wt.table_name, c.record_key, c.operation, c.state_stamp, c.state, c.reason"
            " FROM notify.change AS c INNER JOIN notify.notification AS n ON n.notification_id = c.notification_id"
            " INNER JOIN notify.watched_table AS wt ON wt.watched_table_id = n.watched_table_id ORDER BY c.change_id;"
        )
        for name, table, key, operation, stamp, state, reason in rows:
            record = record_of(table, key)
            where = f"{name} {record!r} {operation} at {stamp}: {state}, {reason!r}"
            if state == "enqueued":
                continue
            if state not in ("skipped", "superseded", "failed"):
                self.found.append(f"not at its end: {where}")
            elif not self._is_so(name, table, record, operation, stamp, state, reason):
                self.found.append(f"not so: {where}; {self._history(table, record)}")

    def _history(self, table: str, record: str) -> list[str]:
        return [
            f"{s.position}:{s.kind}v{s.version} {s.shown_stamp} {s.row}"
            for s in self.world.states
            if (s.table, s.record) == (table, record)
        ]

    def _is_so(
        self, name: str, table: str, record: str, operation: str, stamp: str, state: str, reason: str | None
    ) -> bool:
        states = [s for s in self.world.states if (s.table, s.record) == (table, record)]
        alive = [s for s in states if s.kind != "D"]
        those = [s for s in alive if s.shown_stamp is None or _text(s) == stamp[:26]]
        if not those:
            return False
        first = min(s.position for s in those)
        ends = [s for s in states if s.kind in ("D", "S")]
        furthest = max(max(scan.positions) for scan in self.world.scans)
        documents = self.log.documents(name, first)
        match state, reason:
            case "skipped", "criteria":
                asked = alive if operation == "D" else those
                return any(
                    not holds(document, s.row) for s in asked for document in self.log.documents(name, s.position)
                )
            case "skipped", "operation":
                return any(WORDS[operation] not in document["on"] for document in documents)
            case "skipped", "baseline":
                horizon = max(era.position for era in self.world.eras[name])
                relevant = ends if operation == "D" else those
                return any(s.position <= horizon for s in relevant)
            case "skipped", "never seen alive":
                lives = self.log.lives[table, record]
                return TABLES[table].soft and any(
                    s.kind == "S" and not self.log.certainly_known(name, life, before=s)
                    for life in lives
                    for s in life.states
                )
            case "skipped", "gone":
                return any(first < s.position <= furthest for s in ends) or any(s.kind == "S" for s in those)
            case "skipped", "no longer matching":
                return any(s.position >= first and not holds(document, s.row) for s in alive for document in documents)
            case "skipped", "there again":
                return any(e.position < s.position and s.kind != "S" for e in ends for s in alive)
            case "skipped", "skipped when resumed":
                return name in self.world.resumed_with_skip
            case "skipped", "retired":
                return name in self.world.retired
            case "superseded", "a newer state of the record was recorded":
                return any(s.position > first for s in states)
            case "failed", _ if reason and "queue was lost" in reason:
                return self.world.losses > 0
            case "failed", _ if name in self.world.retired:
                return True
        return False

    # --- messages -------------------------------------------------------------------------------------------------

    def _messages(self) -> None:
        """Each message that did not arrive has a reason, and it is true."""
        world, decided, post = self.world, self.world.decided, self.world.post
        received = {item.identity for item in self.judge.received}
        mails = [item for item in self.judge.stored if item.channel == "email"]
        newest: dict[tuple[str, str, str], list[Stored]] = defaultdict(list)
        for item in mails:
            newest[item.notification, item.record, item.person].append(item)
        rejected = Counter[str]()
        for item in mails:
            if item.state not in FINAL:
                self.found.append(f"not at its end: {item}")
            elif item.state == "sent" and item.identity not in received | decided.sent:
                self.found.append(f"never arrived: {item}")
            elif item.state == "failed" and item.identity not in decided.failed | post.refused_for_good:
                rejected[item.person] += 1
            elif item.state == "expired" and not self._may_expire(item):
                self.found.append(f"not too late: {item}")
            elif item.state == "canceled" and item.identity not in decided.canceled:
                others = newest[item.notification, item.record, item.person]
                if not any(other.state != "canceled" and other.version > item.version for other in others) and not any(
                    other is not item and (other.operation == "D" or item.operation == "D") for other in others
                ):
                    self.found.append(f"canceled, and nothing newer is there: {item}")
        for person, count in rejected.items():
            if count > sum(n for address, n in post.rejected.items() if address.startswith(f"{person}@")):
                self.found.append(f"{count} messages to {person} failed; the post office rejected {post.rejected}")
        by_loss = [item for item in mails if item.state == "in_doubt" and "queue was lost" in item.reason]
        if by_loss and not world.losses:
            self.found.append(f"in doubt for a loss that never was: {by_loss}")
        doubts = sum(item.state == "in_doubt" for item in mails) - len(by_loss)
        breaks = post.breaks + world.killed_sends * world.connections
        if doubts > breaks:
            self.found.append(f"{doubts} messages are in doubt; no more than {breaks} were being handed over")

    def _may_expire(self, item: Stored) -> bool:
        """Whether so much time has passed since the state was committed, by the clocks of those who measure it."""
        state = next(s for s in self.world.states if (s.version, s.record) == (item.version, item.record))
        jumps = sum(self.world.ahead[role].total_seconds() for role in (Role.PROCESSOR, Role.QUEUE))
        passed = (self.world.now - state.at).total_seconds() + jumps
        minutes = [edition.document.get("expires_after_minutes") for edition in self.world.editions[item.notification]]
        return any(minute is not None and passed >= minute * 60 for minute in minutes)

    def _texts(self) -> None:
        """SMS have no gateway: the last state waits, older ones are canceled."""
        waiting = defaultdict(list)
        settled = self.world.decided.sent | self.world.decided.failed
        texts = [item for item in self.judge.stored if item.channel == "sms"]
        for item in texts:
            if item.state == "queued":
                waiting[item.notification, item.record].append(f"{item.operation}v{item.version}")
            elif item.state not in ("canceled", "expired", "in_doubt") and item.identity not in settled:
                self.found.append(f"a text that nobody sends is {item}")
        for where, found in waiting.items():
            policies = {edition.document.get("policy") for edition in self.world.editions[where[0]]}
            if len(found) > 1 and policies == {"latest"}:
                self.found.append(f"texts {found} wait for {where}")

    # --- the audit ------------------------------------------------------------------------------------------------

    def _audit(self) -> None:
        """Its sum holds, and its numbers are those of the post office."""
        report = self.world.stage.audit()
        total = sum(report[key] for key in ("sent", "in_doubt", "pending", "explained", "missing"))
        if report["missing"] or report["doubled"] or report["expected"] != total:
            self.found.append(f"the audit says {report}")
        states = Counter(item.state for item in self.judge.stored)
        received = {item.identity for item in self.judge.received}
        known = {item.identity: item for item in self.judge.stored}
        sent = {i for i in received if i in known and known[i].state == "sent"} | {
            i for i in self.world.decided.sent if i in known and known[i].state == "sent"
        }
        doubtful = states["in_doubt"] + self._changes_in_doubt()
        told = {"sent": len(sent), "in_doubt": doubtful, "pending": states["queued"] + self._changes_on_their_way()}
        for what, count in told.items():
            if report[what] != count and not self.world.purges:
                self.found.append(f"the audit says {report[what]} {what}; the judge {count}: {report}")
        lost = received - set(known)
        if lost and not self.world.losses:
            self.found.append(f"the queue knows nothing of {lost}")

    def _changes_in_doubt(self) -> int:
        rows = self.world.stage.queue("SELECT COUNT(*) FROM notify.decision AS d WHERE d.outcome = 'in_doubt';")
        return int(rows[0][0])

    def _changes_on_their_way(self) -> int:
        rows = self.world.stage.processor(
            "SELECT COUNT(*) FROM notify.change AS c WHERE c.state IN ('pending', 'waiting', 'claimed');"
        )
        return int(rows[0][0])


def _text(state: State) -> str:
    assert state.shown_stamp is not None
    return state.shown_stamp.strftime("%Y-%m-%d %H:%M:%S.%f")
