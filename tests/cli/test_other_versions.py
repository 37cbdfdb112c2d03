"""Databases whose tables another version of notify has made: told before anything is done to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from notify import deploy, revisions
from notify.databases import Role
from notify.doctor import told_drift

from .conftest import notify

PRINTS = "dbo.notify_alembic_fingerprint"
EDITED = f"UPDATE f SET f.fingerprint = REPLICATE('0', 64) FROM {PRINTS} AS f;"


def test_a_fingerprint_is_of_statements_not_of_how_they_are_written() -> None:
    text = "CREATE TABLE a (\n    b int, -- a number\n    c varchar(9) /* words */ DEFAULT 'a  b'\n);\nGO\n"
    same = text.replace("\n", "\r\n").replace("-- a number", "-- the number").replace("    ", "\t")
    assert revisions.fingerprint("\ufeff" + same) == revisions.fingerprint(text)
    assert revisions.fingerprint(text.replace("b int", "b bigint")) != revisions.fingerprint(text)
    assert revisions.fingerprint(text.replace("'a  b'", "'a b'")) != revisions.fingerprint(text)
    assert revisions.fingerprint(text.replace("'a  b'", "'a -- b'")) != revisions.fingerprint(text)


@pytest.mark.parametrize("role", ["processor", "queue"])
def test_tables_of_another_state_of_a_revision_are_not_touched(config: Path, role: str) -> None:
    assert notify("sql", role, "-Q", EDITED, "--config", config).code == 0
    ran = notify("migrate", role, "--config", config)
    assert ran.code == 1
    assert f"{role}: its tables were made by another state of revision 0001" in ran.errors
    assert ran.output == ""
    (check,) = [item for item in notify("doctor", "--json", "--config", config).json if item["result"] == "failed"]
    assert (check["role"], check["check"]) == (role, "tables")
    script = notify("script", role).output
    told = notify("sql", role, "--config", config, stdin=script)
    assert told.code == 1
    assert "error 50190" in told.errors


def test_tables_from_before_fingerprints_were_kept_are_of_another_version(config: Path) -> None:
    notify("sql", "queue", "-Q", f"DROP TABLE {PRINTS};", "--config", config)
    assert notify("migrate", "queue", "--config", config).code == 1


def test_tables_of_a_later_revision_are_for_a_later_version(config: Path) -> None:
    later = "UPDATE v SET v.version_num = '9999' FROM dbo.notify_alembic_version AS v;"
    notify("sql", "processor", "-Q", later, "--config", config)
    ran = notify("migrate", "processor", "--config", config)
    assert ran.code == 1
    assert "at revision 9999, which this version of notify does not have" in ran.errors
    assert (
        "error 50190"
        in notify("sql", "processor", "--config", config, stdin=notify("script", "processor").output).errors
    )


def test_the_script_can_be_run_again_on_what_migrate_made(config: Path) -> None:
    script = notify("script", "queue").output
    assert notify("sql", "queue", "--config", config, stdin=script).code == 0
    assert notify("migrate", "queue", "--json", "--config", config).json[0]["deployed"] == []


def test_what_the_script_made_migrate_takes_up(tmp_path: Path) -> None:
    (tmp_path / "queue.db").touch()
    file = tmp_path / "notify.toml"
    file.write_text('[databases]\nqueue = "mssql+tsqlite:///queue.db"\n')
    assert notify("sql", "queue", "--config", file, stdin=notify("script", "queue").output).code == 0
    (done,) = notify("migrate", "queue", "--json", "--config", file).json
    assert (done["from_revision"], done["to_revision"], done["deployed"]) == ("0001", "0001", [])


def test_procedures_of_another_version_are_told_instead_of_what_comes_of_them(config: Path) -> None:
    older = "CREATE OR ALTER PROCEDURE notify.queue_status AS SELECT 1 AS one;"
    for change in (older, "DROP PROCEDURE notify.queue_status;"):
        notify("sql", "queue", "-Q", change, "--config", config)
        ran = notify("status", "--config", config)
        assert ran.code == 1
        assert "queue: 1 of its procedures are not this version's: notify.queue_status" in ran.errors
        assert "notify migrate" in ran.errors
    assert notify("migrate", "queue", "--config", config).code == 0
    assert notify("status", "--config", config).code == 0


def test_nothing_is_migrated_where_one_of_them_cannot_be(config: Path) -> None:
    notify("sql", "queue", "-Q", EDITED, "--config", config)
    notify("sql", "source", "-Q", "DROP PROCEDURE notify.read_keys;", "--config", config)
    assert notify("migrate", "--config", config).code == 1
    found = notify("sql", "source", "-Q", "SELECT OBJECT_ID(N'notify.read_keys') AS id;", "--json", "--config", config)
    assert found.json[0]["rows"] == [[None]]


def test_texts_that_a_login_may_not_see_are_no_difference() -> None:
    text = "CREATE OR ALTER PROCEDURE notify.a AS SELECT 1 AS one;"
    assert deploy.compared(text.replace("CREATE OR ALTER", "CREATE  OR  ALTER") + "\r\n", text) == "same"
    assert deploy.compared(text.replace("1", "2"), text) == "changed"
    assert deploy.compared(None, text) == "unseen"
    (check,) = told_drift(Role.QUEUE, [deploy.Module("notify.a", "unseen"), deploy.Module("notify.b", "unseen")])
    assert (check.result, check.check) == ("warning", "objects")
    assert "VIEW DEFINITION" in str(check.remedy)
