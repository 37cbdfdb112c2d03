"""A source, its replica and a processor for a test, and words for what tests do with them.

The replica is a copy of source, made when the test says so: it shows a prefix of source's commits. Both clocks are in the
test's hand. Detection runs through the deployed procedures of both roles; nothing is imitated.
"""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any, Final

from tests.hosts import Host

import tsqlite
from notify import assets
from notify.databases import Connection, Database, Role
from notify.deploy import module_files, split_batches

START: Final = datetime.datetime(2026, 3, 2, 8, 0)

TABLES: Final = """
CREATE TABLE dbo.orders (
    order_id integer NOT NULL CONSTRAINT pk_orders PRIMARY KEY,
    status varchar(20) NOT NULL,
    amount decimal(10, 2) NULL,
    is_deleted bit NOT NULL CONSTRAINT df_orders_is_deleted DEFAULT (0),
    created_at datetime2(3) NOT NULL,
    modified_at datetime2(3) NOT NULL,
    INDEX ix_orders_created_at (created_at),
    INDEX ix_orders_modified_at (modified_at)
);
CREATE TABLE dbo.line (
    order_id integer NOT NULL,
    code nvarchar(20) NOT NULL,
    line_guid uniqueidentifier NOT NULL,
    quantity integer NULL,
    created_at datetime NOT NULL,
    modified_on smalldatetime NOT NULL,
    line_version rowversion NOT NULL,
    CONSTRAINT pk_line PRIMARY KEY (order_id, code, line_guid),
    INDEX ix_line_created_at (created_at),
    INDEX ix_line_modified_on (modified_on),
    INDEX ix_line_version (line_version)
);
CREATE TABLE dbo.visit (
    visit_id integer NOT NULL CONSTRAINT pk_visit PRIMARY KEY,
    note nvarchar(100) NULL,
    booked_on date NULL,
    modified_local datetime2(0) NOT NULL,
    INDEX ix_visit_modified_local (modified_local)
);
"""
MERGE: Final = """
CREATE PROCEDURE dbo.merge_fields_order @changes nvarchar(max)
AS
SELECT j.change_number, N'owner' AS recipient_key, N'owner@example.org' AS email, o.status AS status
FROM OPENJSON(@changes) WITH (change_number bigint, order_id integer '$.key[0]') AS j
JOIN dbo.orders AS o ON o.order_id = j.order_id;
"""
CHECK: Final = """
CREATE PROCEDURE dbo.check_totals @changes nvarchar(max)
AS
SELECT j.change_number, CONVERT(bit, 0) AS is_ready, N'totals of yesterday' AS reason
FROM OPENJSON(@changes) WITH (change_number bigint) AS j;
"""

Row = dict[str, Any]


def execute(connection: Connection, statement: str, *parameters: Any) -> list[list[Row]]:
    """All result sets of a statement, rows as dictionaries."""
    return [result.records() for result in connection.execute(statement, parameters)]


def call(connection: Connection, procedure: str, **parameters: Any) -> list[list[Row]]:
    """All result sets of a procedure of schema notify; lists and objects go as JSON."""
    names = ", ".join(f"@{name} = ?" for name in parameters)
    values = [to_json(value) if isinstance(value, list | dict) else value for value in parameters.values()]
    return execute(connection, f"EXECUTE notify.{procedure} {names};", *values)


def to_json(value: Any) -> str:
    return json.dumps(value, default=str)


def run_script(connection: Connection, text: str) -> None:
    """A script with GO lines."""
    for batch in split_batches(text):
        execute(connection, batch)


def build_source(host: Host, path: Path) -> None:
    """Source, deployed; copied for each test."""
    database = host.database(Role.SOURCE, path, name="shop")
    with database.connection() as source:
        for script in (TABLES, MERGE, CHECK):
            run_script(source, script)
        for file in [assets.sql() / "source" / "heartbeat.sql", *module_files(Role.SOURCE)]:
            run_script(source, file.read_text(encoding="utf-8"))
    database.dispose()


class Shop:
    """One source, one replica, one processor.

    `reset` takes it back to a saved state while its sessions stay open: what they compiled stays compiled.
    """

    def __init__(self, host: Host, folder: Path, source: Path, processor: Path) -> None:
        self.host, self.folder = host, folder
        self.replicas: list[Connection] = []
        self.guests: list[Connection] = []
        self.sessions: dict[Connection, Database] = {}
        self.is_rebuilt = False
        host.copy(source, folder / "source.db")
        host.copy(processor, folder / "processor.db")
        self.source = self.session(Role.SOURCE)
        self.processor = self.session(Role.PROCESSOR)
        self.begin(START)

    def session(self, role: Role, path: Path | None = None) -> Connection:
        """A session of its own on source, processor, or a replica's file."""
        name = "shop" if role in (Role.SOURCE, Role.REPLICA) else None
        database = self.host.database(
            role, path or self.folder / f"{role}.db", name=name, readonly=role is Role.REPLICA
        )
        connection = database.open()
        self.sessions[connection] = database
        return connection

    def end(self, session: Connection) -> None:
        """Ends a session, and rolls back what it has not committed."""
        session.close()
        self.sessions.pop(session).dispose()

    def begin(self, now: datetime.datetime) -> None:
        """The clocks are set, the heart beats, the first replica is there."""
        self.now = now
        self.run_id = 1
        self.copies = 0
        self.times: list[tuple[datetime.datetime, datetime.datetime]] = []
        if not self.ask("SELECT s.value FROM notify.setting AS s WHERE s.name = 'test_clock';"):
            self.ask("INSERT notify.setting (name, value) VALUES ('test_clock', N'2000-01-01');")
        self.wait(0)
        self.beat()
        self.replica = self.redo()

    def save(self, folder: Path) -> datetime.datetime:
        """The state of source and processor goes to a folder; gives the time."""
        self.host.save(self.folder / "source.db", folder / "source.db")
        self.host.save(self.folder / "processor.db", folder / "processor.db")
        return self.now

    def reset(self, folder: Path, now: datetime.datetime) -> None:
        """Back to a saved state."""
        while self.guests:
            self.end(self.guests.pop())
        if not self.host.is_engine:  # a server ends all sessions of a database that is restored
            self.close()
            self.replicas.clear()
        self.host.copy(folder / "source.db", self.folder / "source.db")
        self.host.copy(folder / "processor.db", self.folder / "processor.db")
        if not self.host.is_engine:
            self.source, self.processor = self.session(Role.SOURCE), self.session(Role.PROCESSOR)
        self.begin(now)

    def close(self) -> None:
        if self.host.is_engine:
            tsqlite.clock.set_clock(self.folder / "source.db", None)
        for session in list(self.sessions):
            self.end(session)
        self.host.release(self.folder)

    def wait(self, seconds: float) -> None:
        """All clocks move on."""
        self.now += datetime.timedelta(seconds=seconds)
        if self.host.is_engine:
            tsqlite.clock.freeze(self.folder / "source.db", self.now)
        else:
            # The delay is more than a step of datetime: what began before is told from what begins after.
            clock = execute(self.source, "WAITFOR DELAY '00:00:00.010'; SELECT SYSUTCDATETIME() AS real;")[0][0]["real"]
            self.times.append((clock, self.now))
        self.ask("UPDATE notify.setting SET value = ? WHERE name = 'test_clock';", self.now.isoformat())

    # Source and replica

    def change(self, statement: str, *parameters: Any) -> None:
        """A statement on source."""
        self.is_rebuilt = self.is_rebuilt or statement.split()[0] in ("ALTER", "CREATE", "DROP")
        execute(self.source, statement, *parameters)

    def guest(self, role: Role) -> Connection:
        """Another session on source or processor, which ends with the test."""
        self.guests.append(self.session(role))
        return self.guests[-1]

    def insert(self, order_id: int, status: str = "open", **columns: Any) -> None:
        """An order, created and modified now."""
        values = {"created_at": self.now, "modified_at": self.now, "amount": None, "is_deleted": 0} | columns
        self.change(
            "INSERT dbo.orders (order_id, status, amount, is_deleted, created_at, modified_at) VALUES (?, ?, ?, ?, ?, ?);",
            order_id, status, values["amount"], values["is_deleted"], values["created_at"], values["modified_at"],
        )  # fmt: skip

    def update(self, order_id: int, status: str, **columns: Any) -> None:
        """An order's status, modified now."""
        values = {"modified_at": self.now, "is_deleted": 0} | columns
        self.change(
            "UPDATE dbo.orders SET status = ?, is_deleted = ?, modified_at = ? WHERE order_id = ?;",
            status, values["is_deleted"], values["modified_at"], order_id,
        )  # fmt: skip

    def soft_delete(self, order_id: int) -> None:
        self.change("UPDATE dbo.orders SET is_deleted = 1, modified_at = ? WHERE order_id = ?;", self.now, order_id)

    def delete(self, order_id: int) -> None:
        self.change("DELETE dbo.orders WHERE order_id = ?;", order_id)

    def beat(self) -> None:
        """The heartbeat job. A server's own clock cannot be set: what it read there is told in the test's time."""
        told = (
            []
            if self.host.is_engine
            else execute(self.source, "SELECT h.beat, h.beat_at FROM notify.heartbeat AS h;")[0]
        )
        call(self.source, "beat_heartbeat")
        if not self.host.is_engine:
            (row,) = execute(self.source, "SELECT h.beat, h.safe_point FROM notify.heartbeat AS h;")[0]
            if told:  # a beat is at least as many as the seconds since the last one
                passed = self.now.replace(microsecond=0) - told[0]["beat_at"].replace(microsecond=0)
                row["beat"] = told[0]["beat"] + max(1, int(passed.total_seconds()))
            back = datetime.timedelta(milliseconds=4)  # beat_heartbeat's own allowance
            began = [then for real, then in self.times if real - back <= row["safe_point"] + back]
            execute(
                self.source,
                "UPDATE notify.heartbeat SET beat = ?, beat_at = ?, safe_point = ?;",
                row["beat"],
                self.now,
                (began or [self.now])[-1] - back,
            )

    def redo(self) -> Connection:
        """A replica that has redone all of source's commits so far; it becomes the one that is asked."""
        self.copies += 1
        path = self.folder / f"replica_{self.copies}.db"
        self.host.snapshot(self.folder / "source.db", path)
        if self.copies > len(self.replicas):
            self.replicas.append(self.session(Role.REPLICA, path))
        self.replica = self.replicas[self.copies - 1]
        return self.replica

    def pass_time(self, seconds: float = 60) -> None:
        """Some time, a heartbeat, redo: the quiet end of whatever happened before."""
        self.wait(seconds)
        self.beat()
        self.redo()

    def restore_source(self, file: Path) -> None:
        """Source as it was when its database was saved to a file; what was committed since is gone."""
        if not self.host.is_engine:
            self.end(self.source)
        self.host.copy(file, self.folder / "source.db")
        if not self.host.is_engine:
            self.source = self.session(Role.SOURCE)

    # Processor

    def ask(self, statement: str, *parameters: Any) -> list[Row]:
        """A statement on the processor; its first result set."""
        results = execute(self.processor, statement, *parameters)
        return results[0] if results else []

    def refresh_catalog(self) -> None:
        columns, procedures = call(self.replica, "read_catalog")
        call(self.processor, "refresh_catalog", columns=columns, procedures=procedures)

    def define(self, name: str = "order changed", **changes: Any) -> None:
        """A definition over dbo.orders, saved; keywords replace its parts."""
        table = {
            "schema": "dbo",
            "name": "orders",
            "created": "created_at",
            "modified": ["modified_at"],
            "soft_delete": {"column": "is_deleted", "value": "1"},
        }
        definition = {
            "name": name,
            "on": ["insert", "update", "delete"],
            "merge_procedure": "dbo.merge_fields_order",
            "channels": {"email": {"template": "order.html.mako"}},
        } | changes
        definition["table"] = table | changes.get("table", {})
        self.refresh_catalog()
        problems, action = call(self.processor, "save_notification", definition=definition)
        assert not problems, problems
        assert action[0]["action"] is not None

    def read_activation(self, name: str = "order changed") -> dict[str, Any]:
        """What activate_notification takes, read on the replica as it is now."""
        scans, keys = call(self.processor, "get_activation", name=name)
        read = []
        for scan in scans:
            position, rows = call(self.replica, "detect_changes", request=scan["request"])
            read.append({"column_name": scan["column_name"], **position[0], "rows": rows})
        result: dict[str, Any] = {"scans": read, "keys": None}
        if keys:
            position, rows = call(self.replica, "read_keys", request=keys[0]["request"])
            result["keys"] = {"beat": position[0]["beat"], "rows": rows}
        return result

    def activate(self, name: str = "order changed") -> None:
        call(self.processor, "activate_notification", name=name, **self.read_activation(name))

    def watch(self, name: str = "order changed", **changes: Any) -> None:
        """Defined, activated, and a minute old: what is inserted now is news."""
        self.define(name, **changes)
        self.activate(name)
        self.pass_time()

    def scans(self) -> list[Row]:
        return call(self.processor, "get_scans", run_id=self.run_id)[0]

    def read(self, scan: Row) -> Row:
        """A scan's page on the replica, as record_changes takes it."""
        position, rows = call(self.replica, "detect_changes", request=scan["request"])
        return {
            "stamp_column_id": scan["stamp_column_id"],
            "scan_version": scan["scan_version"],
            **position[0],
            "rows": rows,
        }

    def record(self, page: Row) -> Row:
        return call(self.processor, "record_changes", run_id=self.run_id, **page)[0][0]

    def detect(self) -> list[Row]:
        """Every scan to its last page, as a cycle does; what record_changes said."""
        said = []
        for scan in self.scans():
            following: Row | None = scan
            while following is not None:
                said.append(self.record(self.read(following)))
                more = [again for again in self.scans() if again["stamp_column_id"] == scan["stamp_column_id"]]
                following = more[0] if said[-1]["has_more"] else None
        return said

    def changes(self, name: str = "order changed") -> list[tuple[str, str, str, str | None]]:
        """(record, operation, state, reason) of each change in the order of recording; the baseline is left out."""
        rows = self.ask(
            "SELECT c.record_key, c.operation, c.state, c.reason FROM notify.change AS c"
            " JOIN notify.notification AS n ON n.notification_id = c.notification_id"
            " WHERE n.name = ? AND COALESCE(c.reason, N'') <> N'baseline' ORDER BY c.change_id;",
            name,
        )
        return [
            (", ".join(json.loads(row["record_key"])), row["operation"], row["state"], row["reason"]) for row in rows
        ]

    def lows(self) -> dict[str, str]:
        """low_stamp by stamp column; the greatest where several schedules have one."""
        rows = self.ask(
            "SELECT sc.column_name, MAX(w.low_stamp) AS low_stamp FROM notify.watermark AS w"
            " JOIN notify.stamp_column AS sc ON sc.stamp_column_id = w.stamp_column_id GROUP BY sc.column_name;"
        )
        return {row["column_name"]: row["low_stamp"] for row in rows}

    # Batches

    def claim(
        self, worker: str = "worker", batch_size: int = 100, lease_seconds: int = 300
    ) -> tuple[Row, list[Row]] | None:
        """(batch, its changes)"""
        batches, changes = call(
            self.processor,
            "claim_batch",
            run_id=self.run_id,
            worker=worker,
            batch_size=batch_size,
            lease_seconds=lease_seconds,
        )
        return (batches[0], changes) if batches else None

    def extract(self, batch: Row, replica: Connection | None = None) -> Row:
        """beat, states, prerequisites (as decide_batch takes them)"""
        position, states, prerequisites, *_ = call(replica or self.replica, "extract_changes", request=batch["request"])
        return {"beat": position[0]["beat"], "states": states, "prerequisites": prerequisites}

    def decide(self, batch: Row, replica: Connection | None = None) -> list[tuple[str, str | None]]:
        """(verdict, reason) of each change by what a replica shows"""
        rows = call(
            self.processor,
            "decide_batch",
            batch_id=batch["batch_id"],
            lease_token=batch["lease_token"],
            **self.extract(batch, replica),
        )[0]
        return [(row["verdict"], row["reason"]) for row in rows]

    def complete(self, batch: Row, changes: list[Row], outcome: str = "enqueued", reason: str | None = None) -> Row:
        results = [
            {"change_key": change["change_key"], "outcome": outcome, "reason": reason, "message_count": 1}
            for change in changes
        ]
        return call(
            self.processor,
            "complete_batch",
            batch_id=batch["batch_id"],
            lease_token=batch["lease_token"],
            results=results,
        )[0][0]

    def enqueue_all(self) -> int:
        """Every due change is claimed and reported as enqueued; how many."""
        count = 0
        while (claimed := self.claim()) is not None:
            count += self.complete(*claimed)["enqueued"]
        return count

    # Key snapshots

    def compare_keys(self, replica: Connection | None = None) -> list[Row]:
        """Every due key scan, read and compared."""
        said = []
        for scan in call(self.processor, "get_key_scans", run_id=self.run_id)[0]:
            position, rows = call(replica or self.replica, "read_keys", request=scan["request"])
            call(self.processor, "record_keys", key_scan_id=scan["key_scan_id"], rows=rows)
            said += call(self.processor, "compare_keys", key_scan_id=scan["key_scan_id"], beat=position[0]["beat"])[0]
        return said

    # Audit

    def audit(self) -> list[tuple[str, str, str]]:
        """(notification, record, operation) of what is missing"""
        missing: dict[str, tuple[str, str, str]] = {}
        for scan in call(self.processor, "get_audit_scans")[0]:
            _, rows = call(self.replica, "detect_changes", request=scan["request"])
            for row in call(
                self.processor,
                "audit_changes",
                stamp_column_id=scan["stamp_column_id"],
                watermarks=scan["watermarks"],
                rows=rows,
            )[0]:
                record = ", ".join(json.loads(row["record_key"]))
                missing[row["missing_key"]] = (row["notification_name"], record, row["operation"])
        return sorted(missing.values())
