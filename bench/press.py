"""The newsletter that is measured: a stage with readers, and issues that give one mail a reader of their list."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from notify.config import Config
from notify.stage import Stage

__all__ = ["BODY", "LETTERS", "Press", "press"]

LETTERS: Final = Path(__file__).parent / "letters"
BODY: Final = (
    "The market opens at eight. There is bread from three bakers, cheese from the valley & honey from the heath, "
    "and what is left at noon is sold by the basket. Bring a bag, and your neighbours."
)
ISSUE: Final = "INSERT INTO dbo.issue (issue_id, list_id, title, body, price) VALUES (?, ?, ?, ?, ?);"


class Press:
    """A stage where `publish(n)` makes n changed rows, which the replica shows at once."""

    def __init__(self, stage: Stage, port: int | None) -> None:
        self.stage = stage
        self.port = port
        self._next = 1

    def config(self, connections: int = 8, **cycle: Any) -> Config:
        """The stage's configuration, its mail going to the sink."""
        config = self.stage.config
        gateway = dataclasses.replace(config.gateways[0], max_connections=connections)
        if self.port is not None:
            gateway = dataclasses.replace(gateway, port=self.port)
        return dataclasses.replace(
            config, gateways=(gateway,), cycle=dataclasses.replace(config.cycle, workers=1, **cycle)
        )

    def publish(self, number: int, lists: int) -> None:
        """New issues, each to one of `lists` lists; the heart beats and the replica redoes."""
        rows = [
            {
                "issue_id": self._next + i,
                "list_id": (self._next + i) % lists,
                "title": f"Letter {self._next + i}",
                "body": BODY,
                "price": "12.5000",
            }
            for i in range(number)
        ]
        self._next += number
        self.stage.load("dbo.issue", rows)
        self.stage.beat()
        self.stage.redo()


@contextmanager
def press(folder: Path, *, lists: int, readers: int, port: int | None = None) -> Iterator[Press]:
    """A stage with its notification active.

    Args:
        lists: how many lists of readers there are.
        readers: how many readers each list has: the mails of one issue.
        port: of an SMTP server; None: the stage's own.
    """
    people = [
        {
            "reader_id": number * readers + i,
            "list_id": number,
            "name": f"Reader {number} of {i}",
            "email": f"reader{number}.{i}@readers.example.com",
            "city": f"Town {number % 50}",
        }
        for number in range(lists)
        for i in range(readers)
    ]
    with Stage(folder, templates=[LETTERS / "templates"]) as stage:
        stage.build(
            schema=[LETTERS / "schema.sql"],
            procedures=[LETTERS / "merge_fields_issue.sql"],
            fill=lambda stage: stage.load("dbo.reader", people),
        )
        stage.apply(LETTERS / "notifications.toml")
        yield Press(stage, port)
