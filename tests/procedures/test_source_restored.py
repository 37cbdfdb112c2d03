"""A source that is taken back to an older state, with the heartbeat in it: nothing is lost, nothing waits for ever, and what cannot be told is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.procedures.shop import Shop, call, execute

LINE = {"name": "line", "soft_delete": None, "created": None, "modified": [], "rowversion": "line_version"}


@pytest.fixture
def backup(shop: Shop, tmp_path: Path) -> Path:
    """Source as it is before anything is watched."""
    file = tmp_path / "backup.db"
    shop.host.save(shop.folder / "source.db", file)
    return file


def beat(shop: Shop) -> int:
    return int(execute(shop.source, "SELECT h.beat FROM notify.heartbeat AS h;")[0][0]["beat"])


def begin_run(shop: Shop) -> None:
    (position,) = call(shop.replica, "read_position")[0]
    wanted = {name: position[name] for name in ("beat", "min_active_rowversion")}
    call(shop.processor, "begin_run", host="here", process_id=1, **wanted)


def alerts(shop: Shop) -> list[str]:
    return [row["kind"] for row in shop.ask("SELECT a.kind FROM notify.alert AS a WHERE a.cleared_at IS NULL;")]


def add_line(shop: Shop, order_id: int) -> None:
    shop.change(
        "INSERT dbo.line (order_id, code, line_guid, created_at, modified_on) VALUES (?, N'a', NEWID(), ?, ?);",
        order_id, shop.now, shop.now,
    )  # fmt: skip


def test_its_beats_go_on_above_those_that_were_lost(shop: Shop, backup: Path) -> None:
    for _ in range(20):
        shop.pass_time(15)
    lost = beat(shop)
    shop.wait(60)
    shop.restore_source(backup)
    shop.beat()
    assert beat(shop) > lost


def test_what_changes_afterwards_is_told_though_the_baseline_is_younger_than_the_backup(
    shop: Shop, backup: Path
) -> None:
    shop.watch()
    shop.restore_source(backup)
    shop.insert(1)
    shop.pass_time()
    shop.detect()
    shop.update(1, "closed")
    shop.pass_time()
    shop.detect()
    assert [change[:3] for change in shop.changes()] == [("1", "I", "pending")]  # raised to its newer state
    batch, _ = shop.claim() or pytest.fail("nothing to claim")
    assert shop.decide(batch) == [("generate", None)]
    begin_run(shop)
    assert alerts(shop) == []


def test_an_alert_says_that_rowversions_went_back_and_their_tables_are_left_alone(shop: Shop, backup: Path) -> None:
    shop.watch()
    shop.watch("line changed", table=LINE, on=["update"])
    for number in range(5):
        add_line(shop, number)
    shop.pass_time()
    begin_run(shop)
    shop.restore_source(backup)
    shop.pass_time()
    begin_run(shop)
    assert alerts(shop) == ["source"]
    assert {scan["table_name"] for scan in shop.scans()} == {"orders"}
    # As the alert says: retired, watched under another name, cleared.
    call(shop.processor, "retire_notification", name="line changed")
    shop.define("line changed 2", table=LINE, on=["update"])
    shop.activate("line changed 2")
    call(shop.processor, "clear_alert", kind="source", subject="restored")
    add_line(shop, 7)
    shop.pass_time()
    begin_run(shop)
    shop.detect()
    assert len(shop.changes("line changed 2")) == 1
    assert alerts(shop) == []
