"""Definitions that cannot be: refused when saved, every problem at once, with the nearest right name."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from cycle.conftest import SHOP, Shop

from .conftest import notify

GOOD = (SHOP / "notifications.toml").read_text()


def apply(config: Path, folder: Path, text: str) -> Any:
    file = folder / "bad.toml"
    file.write_text(text, encoding="utf-8")
    return notify("apply", file, "--json", "--config", config)


@pytest.mark.parametrize(
    ("old", "new", "path", "suggestion"),
    [
        ('name = "customer_order"', 'name = "custmer_order"', "table", "customer_order"),
        ('created = "created_at"', 'created = "create_at"', "table.created", "created_at"),
        ('modified = ["modified_at"]', 'modified = ["modifed_at"]', "table.modified", "modified_at"),
        ("merge_fields_order_changed", "merge_field_order_changed", "merge_procedure", "merge_fields_order_changed"),
        ('template = "order_changed"', 'template = "order_chnaged"', "channels.email.template", "order_changed"),
        ('operator = "<>"', 'operator = "!!"', "where", None),
        ('column = "status"', 'column = "staus"', "where", "status"),
        ('column = "status", operator = "<>", value = "draft"', 'column = "total", operator = ">", value = "much"', "where", None),
        ('modified = ["modified_at"]', 'modified = ["modified_at"]\ntime_zone = "Pacific Standrd Time"', "table.time_zone", "Pacific Standard Time"),
        ('on = ["insert", "update"]', 'on = ["insrt"]', "on", "insert"),
        ('column = "status"', 'column = "status]; DROP TABLE dbo.customer_order; --"', "where", None),
    ],
)  # fmt: skip
def test_a_definition_that_cannot_be_is_refused(
    config: Path, tmp_path: Path, old: str, new: str, path: str, suggestion: str | None
) -> None:
    assert old in GOOD
    ran = apply(config, tmp_path, GOOD.replace(old, new).replace('"order_changed"\ndesc', '"another"\ndesc'))
    assert ran.code == 1
    (item,) = ran.json
    assert item["action"] == "refused"
    found = [problem for problem in item["problems"] if problem["path"].startswith(path)]
    assert found, item["problems"]
    if suggestion is not None:
        assert any(suggestion in (problem["suggestion"] or problem["problem"]) for problem in found), found


def test_every_problem_is_told_at_once(config: Path, tmp_path: Path) -> None:
    text = (
        GOOD.replace('created = "created_at"', 'created = "x1"')
        .replace('column = "status"', 'column = "x2"')
        .replace("merge_fields_order_changed", "x3")
        .replace('template = "order_changed"', 'template = "x4"')
    )
    (item,) = apply(config, tmp_path, text).json
    told = " ".join(str(problem["value"]) for problem in item["problems"])
    assert all(name in told for name in ("x1", "x2", "x3", "x4")), item["problems"]


def test_one_broken_definition_does_not_stop_the_others(config: Path, tmp_path: Path) -> None:
    good = GOOD.replace('name = "order_changed"', 'name = "another"')
    broken = GOOD.replace('name = "order_changed"', 'name = "third"').replace('created = "created_at"', 'created = "x"')
    ran = apply(config, tmp_path, broken + good)
    assert ran.code == 3
    assert [(item["name"], item["action"]) for item in ran.json] == [("third", "refused"), ("another", "created")]
    assert ran.json[1]["activated"]


def test_without_an_index_it_is_saved_and_not_active_and_the_others_go_on(
    shop: Shop, config: Path, tmp_path: Path
) -> None:
    table = "CREATE TABLE dbo.parcel (id int NOT NULL PRIMARY KEY, created_at datetime2(3) NOT NULL);"
    shop.stage.do((table, ()))
    shop.arrive()
    parcel = GOOD.replace('name = "order_changed"', 'name = "parcel"').replace('"customer_order"', '"parcel"')
    parcel = parcel.replace('modified = ["modified_at"]\n', "").replace('on = ["insert", "update"]', 'on = ["insert"]')
    parcel = "\n".join(line for line in parcel.splitlines() if not line.startswith("where")) + "\n"
    ran = apply(config, tmp_path, parcel + GOOD.replace('name = "order_changed"', 'name = "another"'))
    assert ran.code == 3
    first, second = ran.json
    assert (first["action"], first["activated"], second["activated"]) == ("created", False, True)
    assert "CREATE NONCLUSTERED INDEX" in first["problems"][0]["problem"] or "INDEX" in first["problems"][0]["problem"]


def test_an_injection_in_a_value_is_a_value(shop: Shop, config: Path, tmp_path: Path) -> None:
    text = GOOD.replace('value = "draft"', 'value = "x\'; DROP TABLE dbo.customer_order; --"')
    assert apply(config, tmp_path, text).json[0]["action"] in ("changed", "refused")
    shop.order(2)
    shop.arrive()
    assert notify("run-cycle", "--config", config).code == 0
    assert shop.stage.ask("SELECT COUNT(*) FROM dbo.customer_order;") == [(2,)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[notification]\n", "not readable as TOML"),
        ("", "write one [[notification]] table per notification"),
        ('[[notification]]\ndescription = "x"\n', "notification 1 has no name"),
        ('[[notification]]\nname = "a"\nstate = "on"\n', "state = 'on': write one of draft, active"),
        ('[[notification]]\nname = "a"\n[[notification]]\nname = "a"\n', "'a' is defined twice"),
        ('[[notify]]\nname = "a"\n', "unknown: notify"),
    ],
)
def test_a_file_that_is_none_of_ours(config: Path, tmp_path: Path, text: str, told: str) -> None:
    ran = apply(config, tmp_path, text)
    assert ran.code == 2
    assert told in ran.errors


def test_every_problem_of_the_files_is_told_at_once(config: Path, tmp_path: Path) -> None:
    ran = apply(
        config, tmp_path, '[[notification]]\nname = "a"\nstate = "on"\n[[notification]]\n[[notification]]\nname = "a"\n'
    )
    assert ran.code == 2
    assert all(told in ran.errors for told in ("state = 'on'", "notification 2 has no name", "'a' is defined twice"))


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "queue.db").write_bytes(bytes(range(256)) * 20)
    file = tmp_path / "notify.toml"
    file.write_text(
        '[databases]\nqueue = "mssql+tsqlite:///queue.db"\n[send]\npatience_seconds = 0.2\n'
        '[[gateway]]\nname = "c"\nkind = "console"\n'
    )
    for command in (("send", "--drain"), ("migrate", "queue")):
        ran = notify(*command, "--config", file)
        assert ran.code == 1
        assert "file is not a database" in ran.errors


@pytest.mark.parametrize("patience", [0.0, 0.3])
def test_a_queue_that_cannot_be_reached_is_tried_as_long_as_the_configuration_says(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, patience: float
) -> None:
    file = tmp_path / "notify.toml"
    file.write_text(
        f'[databases]\nqueue = "mssql+tsqlite:///none.db"\n[send]\npatience_seconds = {patience}\n'
        '[[gateway]]\nname = "c"\nkind = "console"\n'
    )
    began = time.monotonic()
    ran = notify("send", "--drain", "--config", file)
    assert ran.code == 1
    assert "no such file" in ran.errors
    assert time.monotonic() - began < patience + 5
    told = [line.getMessage() for line in caplog.records]
    # Told before the wait, once.
    assert [f"tried again for up to {patience:g} s" in line for line in told] == ([True] if patience else [])


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    file = tmp_path / "notify.toml"
    url = "mssql+tsqlite:///none.db"
    file.write_text(f'[databases]\nprocessor = "{url}"\nreplica = "{url}"\nqueue = "{url}"\n')
    ran = notify("run-cycle", "--config", file)
    assert ran.code == 1
    assert "no such file" in ran.errors
    assert "notify migrate" in ran.errors


def test_no_configuration_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = notify("run-cycle")
    assert ran.code == 2
    assert "NOTIFY_PROCESSOR_URL" in ran.errors
