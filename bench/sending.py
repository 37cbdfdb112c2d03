"""The sender against a bare loop of aiosmtplib: throughput with everything included, and its own CPU."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path
from typing import Any

import sqlalchemy

from bench.floors import bare_renderer, smtp_loop
from bench.generation import fields
from bench.measure import Figure, calls, folder, median, span
from bench.press import LETTERS
from bench.sink import sink
from notify import deploy
from notify.config import GatewayConfig, SendConfig
from notify.databases import Database, Role
from notify.gateways import open_gateway
from notify.packing import pack_mail
from notify.procedures import queue
from notify.send import send

__all__ = ["database_of", "fill_queue", "letter", "sending"]

CONNECTIONS = 8


def sending(quick: bool) -> list[Figure]:
    """8 connections, mails of 3 kB, the queue on the embedded engine; the floor sends the same mails, packed before."""
    rounds, number = (3, 400) if quick else (7, 2000)
    throughput, floor_throughput, own, floor_cpu = [], [], [], []
    with folder() as path, sink() as port:
        letters = [letter(i) for i in range(number)]
        full = path / "full.db"
        fill_queue(full, letters)
        mails = [_packed(item) for item in letters]
        size = sum(len(data) for _, data in mails) / number
        gateway = GatewayConfig(
            name="sink", kind="smtp", host="127.0.0.1", port=port, from_address="office@example.com",
            from_name="The office", max_connections=CONNECTIONS, timeout_seconds=20.0,
        )  # fmt: skip
        for turn in range(rounds + 1):
            file = path / f"{turn}.db"
            shutil.copy(full, file)
            database = database_of(file)
            with calls() as inside, span() as whole:
                summary = send(database, [open_gateway(gateway)], SendConfig(), drain=True)
            assert summary.accepted == number, summary
            database.dispose()
            file.unlink()
            with span() as loop:
                smtp_loop(port, CONNECTIONS, mails)
            throughput.append(number / whole.wall)
            floor_throughput.append(number / loop.wall)
            own.append((whole.cpu - inside.cpu) / number)
            floor_cpu.append(loop.cpu / number)
    return [
        _figure("sending: mails, everything included", throughput, floor_throughput, "/s", at_least=0.4),
        _figure("sending: own CPU a message", own, floor_cpu, "µs", scale=1e6, at_most=2),
        Figure.of("sending: size of a mail", size, "bytes"),
    ]


def _figure(name: str, values: list[float], floors: list[float], unit: str, scale: float = 1, **target: Any) -> Figure:
    """Medians, and the median of the ratios of neighbours; the first round warms up."""
    ratio = median([a / b for a, b in zip(values[1:], floors[1:], strict=True)])
    return Figure.of(name, median(values[1:]) * scale, unit, median(floors[1:]) * scale, ratio=ratio, **target)


def letter(number: int) -> dict[str, Any]:
    """A message as enqueue_messages takes it."""
    bare = _bare()
    subject, html, text = bare(fields(number))
    return {
        "recipient_key": str(number),
        "channel": "email",
        "address": f"reader{number}@readers.example.com",
        "recipient_name": f"Reader {number}",
        "subject": subject,
        "html": html,
        "text": text,
        "headers": None,
        "priority": 5,
        "expires_in_seconds": None,
        "reason": None,
    }


_renderers: list[Any] = []


def _bare() -> Any:
    if not _renderers:
        _renderers.append(bare_renderer(LETTERS / "templates", "issue"))
    return _renderers[0]


def _packed(letter: dict[str, Any]) -> tuple[str, bytes]:
    mail = pack_mail(
        from_address="office@example.com", from_name="The office", to_address=letter["address"],
        to_name=letter["recipient_name"], subject=letter["subject"], html=letter["html"], text=letter["text"],
        message_key=f"{int(letter['recipient_key']):064x}", headers=None, reply_to=None, redirect_to=None,
    )  # fmt: skip
    return letter["address"], mail.data


def database_of(file: Path) -> Database:
    """The queue in a file."""
    return Database(Role.QUEUE, sqlalchemy.make_url(f"mssql+tsqlite:///{file}"))


def fill_queue(file: Path, letters: list[dict[str, Any]]) -> None:
    """A deployed queue with these letters, one change each."""
    database = database_of(file)
    database.create()
    deploy.migrate(database)
    with database.connection() as connection:
        for start in range(0, len(letters), 100):
            queue.enqueue_messages(
                connection, [_change(start + i, item) for i, item in enumerate(letters[start : start + 100])]
            )
    database.dispose()


def _change(number: int, letter: dict[str, Any]) -> dict[str, Any]:
    return {
        "change_key": f"{number:064X}",
        "notification_guid": str(uuid.UUID(int=7)),
        "notification_name": "issue",
        "record_key": f'["{number}"]',
        "record_match": f'["{number}"]',
        "operation": "I",
        "policy": "every",
        "shown_stamp": "2026-03-01 00:00:01.0000000",
        "shown_hash": "AB",
        "outcome": "messages",
        "reason": None,
        "messages": [letter],
    }
