"""Each command on a real shop: what it says, its JSON, its exit code."""

from __future__ import annotations

import getpass
import json
import re
import shlex
import uuid
from pathlib import Path

import pytest

from cycle.conftest import SHOP, Shop
from notify import assets
from notify.errors import ConfigError
from notify.scaffold import _propose

from .conftest import notify


def test_run_cycle_and_send_deliver(shop: Shop, config: Path) -> None:
    shop.order(2)
    shop.arrive()
    ran = notify("run-cycle", "--config", config, "--json")
    assert ran.code == 0
    assert ran.json["detected"] == ran.json["messages"] == 1
    sent = notify("send", "--drain", "--json", "--config", config)
    assert sent.code == 0
    assert sent.json["accepted"] == 1
    assert shop.subjects() == ["Order 2 is paid"]


def test_a_cycle_that_went_partly_exits_with_3_and_for_sql_agent_with_0_and_an_alert(shop: Shop, config: Path) -> None:
    shop.order(2, "odd")
    shop.arrive()
    ran = notify("run-cycle", "--config", config)
    assert ran.code == 3
    assert "1 failed" in ran.output
    assert "colour" in ran.errors
    shop.order(3, "odd")
    shop.arrive()
    assert notify("run-cycle", "--agent", "--config", config).code == 0
    alerts = notify("status", "--json", "--config", config).json["processor"]["alerts"]
    assert any("partly" in alert["subject"] or alert["kind"] == "run" for alert in alerts)


def test_a_gateway_that_takes_nothing_fails_the_agents_job_and_is_told_once(
    shop: Shop, config: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shop.order(80)
    shop.arrive()
    assert notify("run-cycle", "--config", config).code == 0
    config.write_text(re.sub(r"(?m)^port = .*$", "port = 1", config.read_text()))
    assert notify("send", "--drain", "--config", config).code == 3
    assert sum("gateway mailbox" in line.getMessage() for line in caplog.records) == 1
    assert notify("send", "--drain", "--agent", "--config", config).code == 1


def test_requeue_brings_failed_changes_back(shop: Shop, config: Path) -> None:
    shop.order(2, "odd")
    shop.arrive()
    notify("run-cycle", "--config", config)
    assert (
        "no change has failed for"
        in notify("requeue", "order_changed", "--reason", "no such", "--config", config).output
    )
    assert notify("requeue", "order_changed", "--json", "--config", config).json == {"requeued": 1}


def test_status_has_a_section_for_each_part(config: Path) -> None:
    status = notify("status", "--json", "--config", config).json
    assert [row["notification_name"] for row in status["processor"]["notifications"]] == ["order_changed"]
    assert {row["column_name"] for row in status["processor"]["scans"]} == {"created_at", "modified_at"}
    assert status["queue"]["queue"][0]["is_trusted"]
    assert "order_changed" in notify("status", "--config", config).output


def test_audit_prints_its_sum(shop: Shop, config: Path) -> None:
    shop.order(2)
    shop.arrive()
    notify("run-cycle", "--config", config)
    ran = notify("audit", "--config", config)
    assert ran.code == 0
    assert "1 expected = 0 sent + 0 in doubt + 1 pending + 0 explained + 0 missing; 0 doubled" in ran.said


def test_why_of_a_record_that_nothing_is_known_of(config: Path) -> None:
    ran = notify("why", "4711", "--config", config)
    assert ran.code == 1
    assert "Nothing is recorded of it" in ran.said
    assert "dbo.customer_order no row of this key on the replica" in ran.said
    assert "no value of its key order_id" in notify("why", "abc", "--config", config).said
    assert "its key has one value: order_id" in notify("why", "1", "2", "--config", config).said


def test_why_of_a_record_from_before_the_activation(shop: Shop, config: Path) -> None:
    assert "history: it was there before the notification was activated" in notify("why", "1", "--config", config).said
    old = "INSERT INTO dbo.customer_order (order_id, customer, email, status, total, created_at, modified_at) VALUES (?, ?, ?, ?, ?, ?, ?);"
    shop.stage.do((old, (7, "Ada", "ada@example.com", "paid", "1.00", "2020-01-01", "2020-02-02")))
    shop.arrive()
    ran = notify("why", "7", "--config", config)
    assert ran.code == 1
    assert "a row (created_at 2020-01-01 00:00:00, modified_at 2020-02-02 00:00:00): history" in ran.said
    (look,) = notify("why", "7", "--json", "--config", config).json["looked_at"]
    assert (look["table"], look["notifications"]) == ("dbo.customer_order", ["order_changed"])


def test_why_knows_a_record_however_its_key_is_written(shop: Shop, config: Path, tmp_path: Path) -> None:
    shop.stage.do(
        (
            "CREATE TABLE dbo.round (depot char(3) NOT NULL, round_no smallint NOT NULL, day date NOT NULL, email nvarchar(200) NULL, "
            "created_at datetime2(3) NOT NULL INDEX ix_round_created, CONSTRAINT pk_round PRIMARY KEY (depot, round_no, day));",
            (),
        )
    )
    shop.arrive()
    assert notify("new", "round", "--directory", tmp_path / "new", "--config", config).code == 0
    procedure = tmp_path / "new" / "procedures" / "merge_fields_round_changed.sql"
    assert notify("sql", "source", procedure, "--config", config).code == 0
    shop.arrive()
    config.write_text(
        config.read_text().replace(
            "directories = [", f'directories = ["{(tmp_path / "new" / "templates").as_posix()}", '
        )
    )
    applied = notify("apply", tmp_path / "new" / "round_changed.toml", "--config", config)
    assert applied.code == 0, applied.said
    assert notify("activate", "round_changed", "--config", config).code == 0
    shop.stage.do(("INSERT INTO dbo.round VALUES ('A1', 7, '2026-01-02', N'ada@example.com', SYSUTCDATETIME());", ()))
    shop.arrive()
    notify("run-cycle", "--config", config)
    for key in (["A1", "7", "2026-01-02 00:00:00.0000000"], ["a1 ", "007", "2026-01-02"], ['["A1 ","7","20260102"]']):
        ran = notify("why", *key, "--json", "--config", config)
        assert (ran.code, len(ran.json["changes"])) == (0, 1), (key, ran.said)


def test_why_speaks_of_a_row_that_the_next_cycle_sees(shop: Shop, config: Path) -> None:
    shop.order(2)
    shop.arrive()
    assert "the next cycles see it" in notify("why", "2", "--config", config).said


def test_why_tells_a_reason_in_words(shop: Shop, config: Path, tmp_path: Path) -> None:
    file = tmp_path / "n.toml"
    file.write_text((SHOP / "notifications.toml").read_text().replace('on = ["insert", "update"]', 'on = ["update"]'))
    assert notify("apply", file, "--config", config).code == 0
    shop.order(2)
    shop.order(3, "draft")
    shop.arrive()
    notify("run-cycle", "--config", config)
    assert "the notification is not for inserts" in notify("why", "2", "--config", config).said
    assert "does not meet the notification's criteria" in notify("why", "3", "--config", config).said


def test_why_counts_one_message_as_one(shop: Shop, config: Path) -> None:
    shop.order(2)
    shop.arrive()
    notify("run-cycle", "--config", config)
    assert "order_changed: 1 message\n" in notify("why", "2", "--config", config).output


def test_export_gives_what_apply_reads_back(config: Path, tmp_path: Path) -> None:
    ran = notify("export", "--config", config)
    assert ran.code == 0
    file = tmp_path / "exported.toml"
    file.write_text(ran.output)
    again = notify("apply", file, "--json", "--config", config)
    assert [(item["action"], item["problems"]) for item in again.json] == [("unchanged", [])]


def test_apply_says_what_would_change_and_changes_nothing(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "n.toml"
    file.write_text((SHOP / "notifications.toml").read_text().replace('on = ["insert", "update"]', 'on = ["insert"]'))
    ran = notify("apply", file, "--dry-run", "--config", config)
    assert ran.code == 0
    assert "order_changed: would change" in ran.output
    assert "on:" in ran.output
    assert notify("apply", SHOP / "notifications.toml", "--json", "--config", config).json[0]["action"] == "unchanged"


def test_pausing_resuming_and_retiring(shop: Shop, config: Path) -> None:
    assert notify("pause", "order_changed", "--config", config).code == 0
    shop.order(2)
    shop.arrive()
    assert notify("run-cycle", "--config", config, "--json").json["detected"] == 0
    assert notify("resume", "order_changed", "--config", config).code == 0
    assert notify("run-cycle", "--config", config, "--json").json["detected"] == 1
    notify("pause", "order_changed", "--config", config)
    shop.order(3)
    shop.arrive()
    assert notify("resume", "order_changed", "--skip", "--config", config).code == 0
    assert notify("run-cycle", "--config", config, "--json").json["detected"] == 0
    assert notify("retire", "order_changed", "--config", config).code == 0
    ran = notify("activate", "order_changed", "--config", config)
    assert ran.code == 1
    assert "retired" in ran.errors


@pytest.mark.parametrize("command", ["pause", "resume", "retire", "activate", "requeue", "preview", "export"])
def test_a_name_that_is_not_there_gets_the_nearest(config: Path, command: str) -> None:
    ran = notify(command, "order_chnged", "--config", config)
    assert ran.code == 1
    assert "order_changed" in ran.errors
    ran = notify(command, "x", "--config", config)
    assert ran.code == 1
    assert "there are: order_changed" in ran.errors


def test_a_name_that_is_not_there_stops_no_other(config: Path) -> None:
    ran = notify("pause", "x", "order_changed", "--config", config)
    assert ran.code == 3
    assert "order_changed: paused" in ran.output
    assert "no notification named 'x'" in ran.errors


def test_a_refusal_names_its_procedure_nowhere_and_its_number_once(config: Path) -> None:
    ran = notify("release", "4711", "--verdict", "sent", "--reason", "seen", "--config", config)
    assert ran.errors.startswith("notify: message 4711 is not there")
    assert ran.errors.count("release_message") == 0
    assert ran.errors.count("50104") == 1
    assert "no message is in doubt or held now" in ran.errors
    assert "no deletes are held now" in notify("approve", "4711", "--config", config).errors


def test_preview_renders_one_real_record(config: Path, tmp_path: Path) -> None:
    shown = notify("preview", "order_changed", "--key", "1", "--json", "--config", config).json
    assert shown["record_key"] == '["1"]'
    (message,) = shown["messages"]
    assert (message["subject"], message["address"]) == ("Order 1 is paid", "buyer1@shop.example.com")
    ran = notify("preview", "order_changed", "--output", tmp_path / "out", "--config", config)
    assert ran.code == 0
    assert (tmp_path / "out" / "order_changed-1.html").exists()
    assert notify("preview", "order_changed", "--key", "99", "--config", config).code == 1


def test_preview_shows_a_record_that_would_be_mailed(shop: Shop, config: Path) -> None:
    shop.order(2, "draft")
    shop.arrive()
    assert notify("preview", "order_changed", "--json", "--config", config).json["record_key"] == '["1"]'
    ran = notify("preview", "order_changed", "--key", "2", "--config", config)
    assert ran.code == 0
    assert "does not meet the notification's criteria" in ran.output


def test_new_writes_what_apply_takes(shop: Shop, config: Path, tmp_path: Path) -> None:
    ran = notify(
        "new", "customer_order", "--name", "fresh", "--directory", tmp_path / "new", "--json", "--config", config
    )
    assert ran.code == 0
    made = ran.json
    assert (made["keys"], made["created"], made["modified"]) == (["order_id"], "created_at", ["modified_at"])
    assert "Customer order 1" in made["preview"]["subject"]
    procedure = tmp_path / "new" / "procedures" / "merge_fields_fresh.sql"
    assert notify("sql", "source", procedure, "--config", config).code == 0
    shop.arrive()
    text = config.read_text().replace(
        "directories = [", f'directories = ["{(tmp_path / "new" / "templates").as_posix()}", '
    )
    config.write_text(text)
    applied = notify("apply", tmp_path / "new" / "fresh.toml", "--json", "--config", config)
    assert [(item["action"], item["problems"]) for item in applied.json] == [("created", [])]
    assert notify("preview", "fresh", "--json", "--config", config).code == 0


def test_new_joins_keys_of_another_collation_and_asks_about_local_times(
    shop: Shop, config: Path, tmp_path: Path
) -> None:
    shop.stage.do(
        (
            "CREATE TABLE dbo.parcel (depot varchar(5) COLLATE Latin1_General_CI_AS NOT NULL, parcel_no int NOT NULL, "
            "email nvarchar(200) NULL, created_local datetime2(3) NOT NULL INDEX ix_parcel_created, "
            "CONSTRAINT pk_parcel PRIMARY KEY (depot, parcel_no));",
            (),
        ),
        ("INSERT INTO dbo.parcel VALUES ('HAM', 7, N'ada@example.com', '2026-01-02T03:04:05');", ()),
    )
    shop.arrive()
    ran = notify("new", "parcel", "--directory", tmp_path / "new", "--json", "--config", config)
    assert ran.code == 0, ran.errors
    assert ran.json["preview"] is not None, ran.json["advice"]
    assert "HAM" in ran.json["preview"]["subject"]
    assert any("time_zone" in item for item in ran.json["advice"])
    procedure = tmp_path / "new" / "procedures" / "merge_fields_parcel_changed.sql"
    assert notify("sql", "source", procedure, "--config", config).code == 0


@pytest.mark.only_in("tsqlite", because="`notify beat` moves an embedded replica on; a server's moves by itself")
def test_new_beat_and_apply_follow_each_other_beside_the_configuration(shop: Shop, config: Path) -> None:
    config.write_text(config.read_text().replace("directories = [", 'directories = ["letters", '))
    shop.stage.do(
        (
            "CREATE TABLE dbo.guest (guest_id int NOT NULL PRIMARY KEY, email nvarchar(200) NULL, "
            "created_at datetime2(3) NOT NULL INDEX ix_guest_created_at);",
            (),
        ),
        ("INSERT INTO dbo.guest VALUES (1, N'ada@example.com', '2026-01-02T03:04:05');", ()),
    )
    assert "redone" in notify("beat", "--config", config).output
    ran = notify("new", "guest", "--config", config)
    assert ran.code == 0, ran.errors
    commands = [line.split("#")[0].split()[1:] for line in ran.output.splitlines() if line.startswith("  notify ")]
    assert [words[0] for words in commands] == ["sql", "beat", "apply", "preview", "activate"]
    done = {}
    for words in commands:
        done[words[0]] = notify(*words)
        assert done[words[0]].code == 0, done[words[0]].errors
    assert "guest_changed: created" in done["apply"].output
    assert "Guest 1" in done["preview"].output
    assert "guest_changed: active" in done["activate"].output
    assert (config.parent / "letters" / "guest_changed.html.mako").exists()
    # Nothing shows an update of this table: inserts alone are proposed.
    assert 'on = ["insert"]' in (config.parent / "guest_changed.toml").read_text()


@pytest.mark.only_in("tsqlite", because="`notify beat` moves an embedded replica on; a server's moves by itself")
def test_new_adds_the_stamp_that_a_table_lacks_and_its_commands_lead_to_a_mail(shop: Shop, config: Path) -> None:
    table = (
        "CREATE TABLE dbo.[odd guest] (guest_id int NOT NULL PRIMARY KEY, email nvarchar(200), created_at varchar(9));"
    )
    shop.stage.do((table, ()), ("INSERT INTO dbo.[odd guest] VALUES (1, N'ada@example.com', NULL);", ()))
    notify("beat", "--config", config)
    config.write_text(config.read_text().replace("directories = [", 'directories = ["letters", '))
    ran = notify("new", "odd guest", "--config", config)
    assert ran.code == 0, ran.errors
    assert "stamp columns notify_created_at (to be added)" in ran.said
    assert "detection needs one" in ran.said
    commands = [
        shlex.split(line, comments=True)[1:] for line in ran.output.splitlines() if line.startswith("  notify ")
    ]
    assert [words[0] for words in commands] == ["sql", "sql", "beat", "apply", "preview", "activate"]
    for words in commands:
        done = notify(*words)
        assert done.code == 0, (words, done.errors)
    shop.stage.do(("INSERT INTO dbo.[odd guest] (guest_id, email) VALUES (2, N'bea@example.com');", ()))
    shop.arrive()
    assert notify("run-cycle", "--json", "--config", config).json["messages"] == 1
    notify("send", "--drain", "--config", config)
    assert [mail.recipients for mail in shop.stage.mails] == [("bea@example.com",)]


@pytest.mark.parametrize("columns", ["", "seen_at datetime2(3) NOT NULL, ", "created_at datetime2(3) NOT NULL, "])
def test_new_previews_a_table_without_stamps_and_one_whose_stamp_is_in_its_key(
    shop: Shop, config: Path, tmp_path: Path, columns: str
) -> None:
    key = "guest_id, created_at" if "created_at" in columns else "guest_id"
    values = "1" if not columns else "1, '2026-01-02T03:04:05'"
    shop.stage.do(
        (f"CREATE TABLE dbo.guest (guest_id int NOT NULL, {columns}CONSTRAINT pk_guest PRIMARY KEY ({key}));", ()),
        (f"INSERT INTO dbo.guest VALUES ({values});", ()),
    )
    shop.arrive()
    ran = notify("new", "guest", "--directory", tmp_path / "new", "--json", "--config", config)
    assert ran.code == 0, ran.errors
    assert ran.json["preview"]["subject"] == "Guest 1"
    assert (ran.json["added"] is not None) is ("created_at" not in columns)
    # A stamp that leads no index gets one.
    wanted = (
        "CREATE NONCLUSTERED INDEX [ix_guest_created_at] ON [dbo].[guest] ([created_at], [guest_id]); /* on Enterprise"
    )
    assert wanted in ran.json["wanted"]
    assert 'on = ["insert"]' in Path(ran.json["files"][0]).read_text()


def test_new_names_the_nearest_table(config: Path) -> None:
    ran = notify("new", "dbo.custmer_order", "--config", config)
    assert ran.code == 2
    assert "did you mean dbo.customer_order?" in ran.errors


def test_sql_runs_batches_against_a_role(config: Path) -> None:
    text = "SELECT 1 AS one;\nGO\n/* GO\nGO\n*/ SELECT N'a\nGO\nb' AS text, 2.50 AS amount;\ngo\n"
    ran = notify("sql", "queue", "--json", "--config", config, stdin=text)
    assert ran.json == [
        {"columns": ["one"], "rows": [[1]]},
        {"columns": ["text", "amount"], "rows": [["a\nGO\nb", "2.50"]]},
    ]
    ran = notify("sql", "queue", "--config", config, stdin="SELECT 1 AS one;\nGO\nSELECT * FROM dbo.nowhere;")
    assert ran.code == 1
    assert "nowhere" in ran.errors
    assert "batch 2" in ran.errors


def test_sql_takes_a_query_as_sqlcmd_does(config: Path, tmp_path: Path) -> None:
    ran = notify("sql", "queue", "-Q", "SELECT 1 AS one;", "--json", "--config", config)
    assert ran.json == [{"columns": ["one"], "rows": [[1]]}]
    assert "batch 1 of --query" in notify("sql", "queue", "--query", "SELECT nothing;", "--config", config).errors
    file = tmp_path / "one.sql"
    file.write_text("SELECT 1 AS one;")
    assert notify("sql", "queue", file, "-Q", "SELECT 1 AS one;", "--config", config).code == 2


def test_sql_tells_what_the_server_says_in_its_place(config: Path) -> None:
    text = "PRINT N'one';\nSELECT 1 AS a;\nRAISERROR(N'two %d', 10, 1, 2) WITH NOWAIT;\nGO\nPRINT N'three';\nSELECT 1 / 0 AS b;"
    ran = notify("sql", "queue", "--config", config, stdin=text)
    assert ran.code == 1
    first, second, third, *error = ran.errors.splitlines()
    assert (first, second, third) == ("one", "two 2", "three")
    assert "8134" in error[0]
    assert "one" not in ran.output
    counted = "CREATE TABLE #t (a integer);\nINSERT #t VALUES (1), (2);\nDELETE #t WHERE a = 1;"
    ran = notify("sql", "queue", "--config", config, stdin=counted)
    assert ran.output.split("\n\n")[:2] == ["(2 rows affected)", "(1 row affected)"]


def test_the_replica_refuses_to_be_written_to(config: Path) -> None:
    ran = notify("sql", "replica", "--config", config, stdin="DELETE FROM dbo.customer_order;")
    assert ran.code == 1
    assert "3906" in ran.errors


def test_doctor_finds_the_shop_well(config: Path) -> None:
    ran = notify("doctor", "--json", "--config", config)
    assert [check for check in ran.json if check["result"] == "failed"] == []
    assert ran.code == 0
    assert {"connection", "objects", "heartbeat", "indexes", "identity"} <= {check["check"] for check in ran.json}


def test_doctor_prints_the_index_that_activation_asks_for(shop: Shop, config: Path) -> None:
    shop.stage.do(("DROP INDEX ix_customer_order_modified_at ON dbo.customer_order;", ()))
    shop.arrive()
    (check,) = [item for item in notify("doctor", "--json", "--config", config).json if item["check"] == "indexes"]
    assert check["result"] == "warning" and "dbo.customer_order.modified_at" in check["detail"]
    columns = "[dbo].[customer_order] ([modified_at], [order_id])"
    assert f"CREATE NONCLUSTERED INDEX [ix_customer_order_modified_at] ON {columns}" in check["remedy"]
    assert "ONLINE = ON" in check["remedy"]


def test_new_refuses_a_memory_optimized_table() -> None:
    """As read_catalog shows one; the engine has none."""
    column = {
        "schema_name": "dbo",
        "table_name": "basket",
        "column_name": "id",
        "key_ordinal": 1,
        "is_memory_optimized": 1,
    }
    with pytest.raises(ConfigError, match=r"dbo\.basket is memory-optimized"):
        _propose([column], None)


def test_doctor_says_what_is_wrong_and_what_to_do(config: Path) -> None:
    drop = "DROP PROCEDURE notify.queue_status;"
    notify("sql", "queue", "--config", config, stdin=drop)
    notify("sql", "source", "--config", config, stdin="DROP INDEX ix_customer_order_created_at ON dbo.customer_order;")
    config.write_text(config.read_text().replace("[[gateway]]", '[[gateway]]\nredirect_to = "x@example.com"'))
    ran = notify("doctor", "--config", config)
    assert ran.code == 1
    assert "notify.queue_status (missing)" in ran.said
    assert "notify migrate queue" in ran.said
    assert "every message goes to x@example.com" in ran.said
    assert notify("migrate", "queue", "--config", config).code == 0
    assert notify("doctor", "--config", config).code == 0


@pytest.mark.only_in("tsqlite", because="the demo's databases are embedded")
def test_doctor_knows_that_the_demos_mail_server_ends_with_the_demo(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gateway(host: str) -> str:
        text = re.sub(r"(?m)^host = .*$", f'host = "{host}"', config.read_text())
        config.write_text(re.sub(r"(?m)^port = .*$", "port = 1", text))
        checks = notify("doctor", "--json", "--config", config).json
        return next(str(check["result"]) for check in checks if check["check"].startswith("gateway "))

    assert gateway("localhost") == gateway("127.0.0.1") == "warning"
    assert notify("doctor", "--config", config).code == 0
    assert gateway("nowhere.invalid") == "failed"
    gateway("127.0.0.1")
    monkeypatch.setenv("NOTIFY_SOURCE_URL", "mssql+pyodbc://127.0.0.1:1/shop?driver=ODBC+Driver+18+for+SQL+Server")
    assert gateway("127.0.0.1") == "failed"


def test_migrate_deploys_what_differs(config: Path) -> None:
    assert notify("migrate", "queue", "--json", "--config", config).json[0]["deployed"] == []
    file = assets.sql() / "procedures" / "queue" / "queue_status.sql"
    older = file.read_text().replace("@hours INTEGER = 24", "@hours INTEGER = 48")
    notify("sql", "queue", "--config", config, stdin=older)
    migrated = notify("migrate", "queue", "--json", "--config", config).json[0]
    assert migrated["deployed"] == ["notify.queue_status"]
    assert migrated["from_revision"] == migrated["to_revision"]


@pytest.mark.parametrize("role", ["processor", "queue", "replica"])
def test_script_is_what_migrate_deploys(role: str) -> None:
    ran = notify("script", role)
    assert ran.code == 0
    assert "\nGO\n" in ran.output
    names = {"processor": "notify.record_changes", "queue": "notify.begin_attempts", "replica": "notify.detect_changes"}
    assert f"CREATE OR ALTER PROCEDURE {names[role]}" in ran.output
    assert ran.output.count("SET NOEXEC ON;") == ran.output.count("SET NOEXEC OFF;")


def test_a_mass_of_deletes_is_held_until_a_person_approves(shop: Shop, config: Path, tmp_path: Path) -> None:
    file = tmp_path / "deletes.toml"
    text = (SHOP / "notifications.toml").read_text().replace('on = ["insert", "update"]', 'on = ["delete"]')
    text = text.replace('name = "order_changed"', 'name = "order_gone"')
    text = text.replace(
        'created = "created_at"', 'key_snapshot_minutes = 1\nmass_delete_rows = 3\ncreated = "created_at"'
    )
    file.write_text(text)
    for number in range(10, 20):
        shop.order(number)
    shop.arrive()
    assert notify("apply", file, "--config", config).code == 0
    shop.stage.do(("DELETE FROM dbo.order_line;", ()), ("DELETE FROM dbo.customer_order WHERE order_id >= 10;", ()))
    shop.arrive()
    shop.stage.advance(minutes=2)
    ran = notify("run-cycle", "--config", config)
    assert ran.code == 3
    assert "10 rows vanished at once: held until a person approves" in ran.errors
    (held,) = notify("status", "--json", "--config", config).json["processor"]["held_key_scans"]
    approved = notify("approve", str(held["key_scan_id"]), "--json", "--config", config).json
    assert approved["pending"] == 10


def test_release_needs_a_message_in_doubt(shop: Shop, config: Path) -> None:
    ran = notify("release", "4711", "--verdict", "sent", "--reason", "seen", "--config", config)
    assert ran.code == 1
    assert "50104" in ran.errors


def test_alerts_of_the_queue_stay_open_until_a_person_acknowledges_them(config: Path) -> None:
    def open_alerts() -> list[int]:
        alerts = notify("status", "--json", "--config", config).json["queue"]["alerts"]
        return sorted(alert["alert_id"] for alert in alerts)

    raised = [{"kind": kind, "notification_guid": str(uuid.uuid4()), "occurrences": 1} for kind in ("a", "b", "c")]
    statement = f"EXECUTE notify.raise_alerts @alerts = N'{json.dumps(raised)}';"
    assert notify("sql", "queue", "--config", config, stdin=statement).code == 0
    first, *others = open_alerts()
    assert notify("acknowledge", str(first), "--config", config).output == "1 alert acknowledged\n"
    assert open_alerts() == others
    again = notify("acknowledge", str(first), "--json", "--config", config)
    assert (again.code, again.json) == (1, {"acknowledged": 0})
    assert f"no open alert {first}; open: {others[0]}, {others[1]}" in again.errors
    assert notify("acknowledge", "--config", config).output == "2 alerts acknowledged\n"
    assert open_alerts() == []
    by = notify("sql", "queue", "--config", config, stdin="SELECT DISTINCT acknowledged_by FROM notify.alert;")
    assert getpass.getuser() in by.output


def test_purge_deletes_what_has_ended_and_is_old(shop: Shop, config: Path) -> None:
    shop.order(2)
    shop.arrive()
    notify("run-cycle", "--config", config)
    notify("send", "--drain", "--config", config)
    kept = notify("purge", "--json", "--config", config).json
    assert kept["queue"] == {"steps": 1, "messages": 0}
    shop.order(3)
    shop.arrive()
    notify("run-cycle", "--config", config)
    notify("send", "--drain", "--config", config)
    shop.stage.advance(days=100)
    stepped = notify("purge", "queue", "--batch-size", "1", "--json", "--config", config).json["queue"]
    assert stepped["messages"] == 2
    assert stepped["steps"] >= 2
    assert notify("purge", "queue", "--json", "--config", config).json == {"queue": {"steps": 1, "messages": 0}}
    ran = notify("purge", "--config", config)
    assert "processor: deleted" in ran.output
    assert re.search(r"processor: deleted .*\b\d+ runs\b.*, in 1 step", ran.output)
    assert "nothing that has ended is so old" in ran.output


def test_purge_keeps_what_must_be_kept(config: Path) -> None:
    ran = notify("purge", "--older-than-days", "3", "--config", config)
    assert ran.code == 2
    assert "the processor keeps at least 7 days" in ran.errors
    assert notify("purge", "queue", "--older-than-days", "3", "--config", config).code == 0


def test_new_formats_dates_and_amounts_for_people(config: Path, tmp_path: Path) -> None:
    made = notify(
        "new", "customer_order", "--name", "fresh", "--directory", tmp_path, "--json", "--config", config
    ).json
    template = Path(made["files"][2]).read_text()
    assert '${part.row("Created at", moment(created_at))}' in template
    assert '${part.row("Total", money(total))}' in template
    assert '${part.row("Order id", order_id)}' in template
    assert "$12.50" in made["preview"]["text"]


def test_new_takes_a_name_that_files_and_a_procedure_can_have(config: Path, tmp_path: Path) -> None:
    ran = notify("new", "customer_order", "--name", "../x", "--directory", tmp_path / "new", "--config", config)
    assert ran.code == 2
    assert "letters, digits and underscores" in ran.errors
    assert not (tmp_path / "new").exists()


def test_preview_says_which_key_is_none(config: Path) -> None:
    ran = notify("preview", "order_changed", "--key", "abc", "--config", config)
    assert ran.code == 2
    assert "abc is no value of the key of dbo.customer_order, order_id" in ran.errors


def test_a_key_that_is_no_json_is_told(config: Path) -> None:
    ran = notify("why", '["1"', "--config", config)
    assert ran.code == 2
    assert "is no JSON array" in ran.errors


def test_the_demo_writes_over_nobodys_files(tmp_path: Path) -> None:
    (tmp_path / "queue.db").write_text("mine")
    ran = notify("demo", "--directory", tmp_path)
    assert ran.code == 2
    assert "holds files that no demo wrote" in ran.errors
    assert (tmp_path / "queue.db").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("script", "procesor"), "did you mean processor?"),
        (("sql", "sorce"), "did you mean source?"),
        (("send", "--channel", "mail"), "did you mean email?"),
        (("release", "1", "--reason", "x", "--verdict", "maybe"), "write send, sent or failed"),
        (("audit", "--jsn"), "--json"),
    ],
)
def test_a_wrong_word_gets_the_nearest(arguments: tuple[str, ...], told: str) -> None:
    ran = notify(*arguments)
    assert ran.code == 2
    assert told in ran.errors
