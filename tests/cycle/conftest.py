"""A small shop on four databases and a real SMTP server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.hosts import Host

from notify.stage import Stage

SHOP = Path(__file__).parent / "shop"

ORDER = "INSERT INTO dbo.customer_order (order_id, customer, email, phone, status, total) VALUES (?, ?, ?, ?, ?, ?);"
LINE = "INSERT INTO dbo.order_line (order_id, line_number, product, amount) VALUES (?, ?, ?, ?);"
STATUS = "UPDATE dbo.customer_order SET status = ?, modified_at = SYSUTCDATETIME() WHERE order_id = ?;"


class Shop:
    """What the shop's own application does, and what its operators see."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def order(self, number: int, status: str = "paid", email: str | None = None, **more: Any) -> None:
        """A new order with two lines."""
        address = f"buyer{number}@shop.example.com" if email is None else email
        row = (number, more.get("customer", f"Buyer {number}"), address or None, more.get("phone"), status, "12.5000")
        lines = ((number, 1, "Nuts & bolts", "2.5000"), (number, 2, "Washers", "10.0000"))
        self.stage.do((ORDER, row), *((LINE, line) for line in lines))

    def status(self, number: int, status: str) -> None:
        """An order takes another status."""
        self.stage.do((STATUS, (status, number)))

    def arrive(self) -> None:
        """The heart beats, and the replica redoes everything."""
        self.stage.beat()
        self.stage.redo()

    def cycle(self) -> Any:
        """What was done arrives at the replica, and a cycle runs."""
        self.arrive()
        return self.stage.cycle()

    def subjects(self) -> list[str]:
        """Subjects of the mails received, sorted."""
        return sorted(str(mail.message["Subject"]) for mail in self.stage.mails)

    def changes(self) -> dict[str, tuple[str, str | None]]:
        """Order number → state and reason of its newest change."""
        query = "SELECT c.record_key, c.state, c.reason FROM notify.change AS c ORDER BY c.change_id;"
        rows = self.stage.processor(query)
        return {key.strip('["]'): (state, reason) for key, state, reason in rows}


@pytest.fixture
def built(mode: Host, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four databases, nothing defined; one order of yesterday. Built once, copied for each test."""

    def build() -> Path:
        folder = tmp_path_factory.mktemp("built")
        with mode.stage(folder, templates=[SHOP / "templates"], keep=True) as stage:
            stage.build(schema=[SHOP / "schema.sql"], procedures=[SHOP / "merge_fields_order_changed.sql"])
            shop = Shop(stage)
            shop.order(1)
            shop.arrive()
        return folder

    return mode.keep("shop built", build)


@pytest.fixture
def active(mode: Host, built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, with the notification active."""

    def activate() -> Path:
        folder = tmp_path_factory.mktemp("active") / "stage"
        with opened(mode, built, folder, keep=True) as stage:
            stage.apply(SHOP / "notifications.toml")
        return folder

    return mode.keep("shop active", activate)


@contextmanager
def opened(mode: Host, original: Path, folder: Path, *, keep: bool = False) -> Iterator[Stage]:
    """A copy of a stage, with an SMTP server of its own."""
    with mode.stage(folder, original=original, templates=[SHOP / "templates"], keep=keep) as stage:
        stage.write_configuration()
        yield stage


@pytest.fixture
def stage(mode: Host, built: Path, tmp_path: Path) -> Iterator[Stage]:
    """Nothing defined yet."""
    with opened(mode, built, tmp_path / "stage") as stage:
        yield stage


@pytest.fixture
def shop(mode: Host, active: Path, tmp_path: Path) -> Iterator[Shop]:
    """The shop, its notification active."""
    with opened(mode, active, tmp_path / "stage") as stage:
        yield Shop(stage)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes a file and gives its path."""

    def written(name: str, text: str) -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    return written
