"""What persons do to a running system, in disorder: each writes down what was decided, for the judge."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import apsw
from tests.oracle.world import Edition, Era, World

from notify import definitions
from notify.databases import Role
from notify.errors import DatabaseError, NotifyError
from notify.procedures import processor, queue
from notify.recover import recover

WHERE: dict[str, list[list[dict[str, Any]]]] = {
    "device": [
        [],
        [{"column": "kind", "operator": "in", "value": ["a", "b"]}],
        [{"column": "kind", "operator": "=", "value": "c"}],
    ],
    "ledger": [
        [],
        [{"column": "line", "operator": "between", "value": ["1", "3"]}],
        [{"column": "line", "operator": ">=", "value": "2"}],
    ],
}
STATUS_WHERE: list[list[dict[str, Any]]] = [
    [],
    [{"column": "status", "operator": "<>", "value": "draft"}],
    [{"column": "status", "operator": "in", "value": ["open", "paid"]}],
    [{"column": "status", "operator": "not in", "value": ["void", "open"]}],
    [{"column": "status", "operator": "like", "value": "%a%"}],
]
ON = (["insert"], ["update"], ["insert", "update"], ["insert", "update", "delete"], ["delete"])


class Operators(World):
    """A world whose definitions, messages and servers are meddled with."""

    # --- definitions ----------------------------------------------------------------------------------------------

    def edit(self) -> None:
        """A definition in force, or paused, is saved again with something else in it."""
        name = self.chance.choice(sorted(self.active | self.paused))
        document = deepcopy(self.editions[name][-1].document)
        self._change(document)
        self.put(name, document)

    def put(self, name: str, document: dict[str, Any]) -> None:
        """Saves it; from now on it may be what is judged by."""
        if name in self.save([(name, "draft", document)]):
            # Saved during a scan, both the old one and the new one may judge that scan's rows.
            self.editions[name].append(Edition(len(self.scans), document))
            self.diary.append(f"edited {name}: {document}")

    def _change(self, document: dict[str, Any]) -> None:
        chance, table = self.chance, document["table"]["name"]
        for what in chance.sample(("where", "on", "policy", "priority", "template", "expiry", "delay", "deadline"), 2):
            match what:
                case "where":
                    document["where"] = chance.choice(WHERE.get(table, STATUS_WHERE))
                case "on":
                    can_delete = "soft_delete" in document["table"] or "key_snapshot_minutes" in document["table"]
                    document["on"] = chance.choice([on for on in ON if can_delete or "delete" not in on])
                case "policy":
                    document["policy"] = chance.choice(("latest", "every"))
                case "priority":
                    document["priority"] = chance.randint(1, 9)
                case "template":
                    tag = chance.choice("abx")
                    for channel, content in document["channels"].items():
                        kind = "html" if channel == "email" else "sms"
                        content["template"] = f"{document['name']}_{tag}.{kind}.mako"
                case "expiry":
                    document["expires_after_minutes"] = chance.choice((None, 4, 90))
                case "delay":
                    document["maximum_delay_minutes"] = chance.choice((None, 1, 10))
                case "deadline" if "prerequisite" in document:
                    document["prerequisite"]["deadline_minutes"] = chance.choice((1, 10, 525600))

    def pause(self, name: str) -> None:
        """`notify pause`."""
        if name not in self.active:
            return
        with self.stage.databases.connection(Role.PROCESSOR) as target:
            self.meddled += 1
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
                self.meddled += 1
                definitions.resume(target, source, name, skip=skip)
            except NotifyError as error:
                self.diary.append(f"resume of {name} refused: {error}")
                return
        self.paused.discard(name)
        self.active.add(name)
        if skip:
            self.resumed_with_skip.add(name)
            self.eras[name].append(Era(position, len(self.scans)))
        self.diary.append(f"resumed {name}, skip {skip}, at {position}")

    def retire(self) -> None:
        """A notification ends for good, and one of another name is there in its place."""
        name = self.chance.choice(sorted(self.active | self.paused))
        if name in self.held:
            return
        with self.stage.databases.connection(Role.PROCESSOR) as target:
            self.meddled += 1
            processor.retire_notification(target, name)
        self.active.discard(name)
        self.paused.discard(name)
        self.retired.add(name)
        heir = f"{name}_2"
        self.drafts[heir] = deepcopy(self.editions[name][-1].document) | {"name": heir}
        for channel, content in self.drafts[heir]["channels"].items():
            content["template"] = f"{heir}_a.{'html' if channel == 'email' else 'sms'}.mako"
        self.write_templates(heir)
        self.diary.append(f"retired {name}")
        self.activate([heir])

    def approve(self) -> None:
        """A person says that the rows that vanished at once were deleted indeed."""
        held = self.stage.processor("SELECT ks.key_scan_id FROM notify.key_scan AS ks WHERE ks.state = 'held';")
        for (key_scan_id,) in held:
            with self.stage.databases.connection(Role.PROCESSOR) as target:
                compared = processor.approve_held_deletes(target, key_scan_id)
            self.diary.append(f"approved {key_scan_id}: {compared}")

    def requeue_changes(self) -> int:
        """`notify requeue`."""
        with self.stage.databases.connection(Role.PROCESSOR) as target:
            count = processor.requeue_changes(target, None, None)
        self.diary.append(f"requeued {count} changes")
        return count

    # --- messages -------------------------------------------------------------------------------------------------

    def hold(self) -> None:
        """A notification's messages wait for a person."""
        name = self.chance.choice(sorted(self.active))
        with self.stage.databases.connection(Role.QUEUE) as target:
            count = queue.hold_notification_messages(target, self._guid(name), "ann", "a mistake in it")
        self.held.add(name)
        self.diary.append(f"held {name}: {count}")

    def let_go(self, name: str) -> None:
        """What is held goes on, or is canceled."""
        with self.stage.databases.connection(Role.QUEUE) as target:
            if self.faults and self.chance.random() < 0.4:
                waiting = self.stage.queue(
                    "SELECT m.dedupe_key FROM notify.message AS m WHERE m.notification_guid = ? AND m.state IN"
                    " ('held', 'scheduled', 'queued', 'retrying');",
                    self._guid(name),
                )
                self.decided.canceled |= {identity(key) for (key,) in waiting}
                queue.cancel_notification_messages(target, self._guid(name), "ann", "not these")
            count = queue.release_notification_messages(target, self._guid(name), "ann", "it is right")
        self.held.discard(name)
        self.diary.append(f"let {name} go: {count}")

    def settle_doubt(self) -> None:
        """A person has a word on messages in doubt."""
        for message_id, key in self.stage.queue(
            "SELECT m.message_id, m.dedupe_key FROM notify.message AS m WHERE m.state = 'in_doubt';"
        ):
            verdict = self.chance.choice(("send", "sent", "failed", None))
            if verdict is None:
                continue
            with self.stage.databases.connection(Role.QUEUE) as target:
                queue.release_message(target, message_id, verdict, "ann", "looked into the server's log")
            self.diary.append(f"message {message_id} in doubt: {verdict}")
            match verdict:
                case "send":
                    self.decided.again[identity(key)] = self.decided.again.get(identity(key), 0) + 1
                case "sent":
                    self.decided.sent.add(identity(key))
                case "failed":
                    self.decided.failed.add(identity(key))

    def requeue_messages(self) -> None:
        """Another round for failed messages."""
        with self.stage.databases.connection(Role.QUEUE) as target:
            count = queue.requeue_failed_messages(target, "ann", "the server is mended")
        self.diary.append(f"requeued {count} messages")

    def _guid(self, name: str) -> str:
        rows = self.stage.processor("SELECT n.notification_guid FROM notify.notification AS n WHERE n.name = ?;", name)
        return str(rows[0][0])

    def purge(self) -> None:
        """Days later: what is done and old is deleted, here and there."""
        self.pass_time(days=8)
        self.archive |= {row[2]: row for row in self.stored()}
        self.purges += 1
        with self.stage.databases.connection(Role.PROCESSOR) as target:
            while processor.purge_processor(target, 7, 4000).one()["has_more"]:
                pass
        with self.stage.databases.connection(Role.QUEUE) as target:
            while queue.purge_messages(target, 1)["has_more"]:
                pass

    # --- servers --------------------------------------------------------------------------------------------------

    @property
    def backup(self) -> Path:
        """The queue's backup file."""
        return self.stage.folder / "queue.bak"

    def back_up_queue(self) -> None:
        """A backup of the queue."""
        copy_database(self.stage.path(Role.QUEUE), self.backup)

    def back_up_processor(self) -> None:
        """A backup of the processor."""
        copy_database(self.stage.path(Role.PROCESSOR), self.stage.folder / "processor.bak")
        self.backed_up = len(self.scans), self.meddled

    def lose_processor(self) -> None:
        """The processor's server is lost, and restored from its backup; of definitions nothing has changed since."""
        if self.backed_up is None or self.backed_up[1] != self.meddled or self.losses:
            return  # both servers lost are outside the promise
        self.processor_losses += 1
        self.stage.close()
        copy_database(self.stage.folder / "processor.bak", self.stage.path(Role.PROCESSOR))
        for scan in self.scans[self.backed_up[0] :]:
            scan.is_certain = False  # what it recorded is forgotten
        self.diary.append("the processor was lost and restored")

    def lose_queue(self) -> None:
        """The queue's server is lost; its backup is restored, and refuses to work until a person recovers it."""
        if not self.backup.exists() or self.processor_losses:
            return
        lost_at = self.now + self.ahead[Role.QUEUE]
        self.stage.close()
        copy_database(self.backup, self.stage.path(Role.QUEUE))
        self.stage.queue("UPDATE notify.queue_identity SET recovery_fork_guid = NEWID();")
        self.pass_time(seconds=self.chance.choice((1, 100)))
        for what in (self.cycle_quietly, self.send):
            if self.chance.random() < 0.5:
                before = len(self.stage.mails)
                position = self.replica.position
                try:
                    what()
                except DatabaseError as error:
                    assert "restored" in str(error), error
                self.scan((position,), self.active)
                assert len(self.stage.mails) == before, "a restored queue sends"
        recovered = recover(self.stage.databases, lost_at, "ann")
        self.losses += 1
        self.held.clear()
        self.held |= {
            name
            for (name,) in self.stage.processor("SELECT n.name FROM notify.notification AS n;")
            if self.stage.queue(
                "SELECT h.held_by FROM notify.held_notification AS h WHERE h.notification_guid = ?;", self._guid(name)
            )
        }
        self.diary.append(f"the queue was lost and restored: {recovered}")


def identity(dedupe_key: bytes) -> str:
    """The Message-ID that a message's key gives."""
    return f"<{bytes(dedupe_key).hex()[:40]}@brokerage.example.com>"


def copy_database(original: Path, copy: Path) -> None:
    """A whole database, page by page, as it was last committed."""
    source, target = apsw.Connection(str(original)), apsw.Connection(str(copy))
    with target.backup("main", source, "main") as pages:
        while not pages.done:
            pages.step(10_000)
    source.close()
    target.close()
