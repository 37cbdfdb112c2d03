"""The sender, a real queue, a real SMTP server: each message is handed over once, and the queue knows the outcome."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from tests.gateways.servers import Server, smtp_server
from tests.procedures.queue_room import Room, change, mail

from notify.config import GatewayConfig, SendConfig
from notify.databases import Database
from notify.errors import ConfigError, QueueRestored
from notify.gateways import open_gateway
from notify.gateways.console import ConsoleGateway
from notify.procedures import queue
from notify.send import Sender, SendSummary, send


@pytest.fixture
def server() -> Iterator[Server]:
    with smtp_server() as running:
        yield running


def gateway(server: Server | int, **changes: object) -> GatewayConfig:
    port = server if isinstance(server, int) else server.port
    settings: dict[str, object] = {"host": "127.0.0.1", "port": port, "timeout_seconds": 5.0, "max_connections": 4}
    return GatewayConfig("mail", "smtp", from_address="office@example.com", **{**settings, **changes})  # type: ignore[arg-type]


def drain(database: Database, *gateways: GatewayConfig, take: int = 10) -> SendSummary:
    return send(database, [open_gateway(item) for item in gateways], SendConfig(take=take), drain=True)


def enqueue(room: Room, *names: str) -> None:
    """One mail each, of a record of its own; message n goes to the n-th name."""
    changes = [change(number, mail(name)) for number, name in enumerate(names, 1)]
    for start in range(0, len(changes), 100):
        room.enqueue(*changes[start : start + 100])


def test_everything_that_is_due_is_sent_once(queue_database: Database, room: Room, server: Server) -> None:
    names = [f"person{number}" for number in range(150)]
    enqueue(room, *names)
    summary = drain(queue_database, gateway(server))
    assert (summary.claimed, summary.accepted, summary.complete) == (150, 150, True)
    assert sorted(envelope.rcpt_tos[0] for envelope in server.mails) == sorted(f"{name}@example.org" for name in names)
    assert set(room.states().values()) == {"sent"}
    assert server.connections == 4
    (row,) = room.run("SELECT provider_id FROM notify.message WHERE message_id = 1;")
    assert row["provider_id"].startswith("250 2.0.0 queued as")


@pytest.mark.parametrize(
    ("name", "state", "taken"),
    [
        ("later", "retrying", 0), ("never", "failed", 0), ("closing", "retrying", 0), ("full", "retrying", 0),
        ("spam", "failed", 0), ("vanish", "retrying", 0), ("cut", "in_doubt", 0), ("lost", "in_doubt", 1),
        ("odd", "in_doubt", 1), ("mute", "in_doubt", 1),
    ],
)  # fmt: skip
def test_every_fault_ends_in_its_state_and_harms_no_other_mail(
    queue_database: Database, room: Room, server: Server, name: str, state: str, taken: int
) -> None:
    enqueue(room, "ann", name, "bob")
    summary = drain(queue_database, gateway(server, max_connections=1, timeout_seconds=0.3 if name == "mute" else 5.0))
    assert room.states() == {1: "sent", 2: state, 3: "sent"}
    assert summary.complete is (state != "in_doubt")
    assert len(server.to(name)) == taken
    room.wait(86400 * 7)
    drain(queue_database, gateway(server))
    if state == "in_doubt":
        assert room.states()[2] == "in_doubt" and len(server.to(name)) == taken


def test_the_attempt_is_committed_before_the_body(queue_database: Database, room: Room, server: Server) -> None:
    enqueue(room, *(f"person{number}" for number in range(20)))
    seen: list[str] = []

    def look(recipient: str) -> None:
        connection = queue_database.open()
        (result,) = connection.execute(
            "SELECT m.state, a.outcome FROM notify.message AS m JOIN notify.attempt AS a ON a.attempt_id = m.attempt_id"
            " WHERE m.address = ?;",
            (recipient,),
        )
        seen.extend(f"{state} {outcome}" for state, outcome in result.rows)
        connection.close()

    server.before_body = look
    drain(queue_database, gateway(server))
    assert seen == ["sending None"] * 20


def test_two_senders_share_the_work(queue_database: Database, room: Room, server: Server) -> None:
    enqueue(room, *(f"person{number}" for number in range(200)))
    summaries: list[SendSummary] = []
    threads = [
        threading.Thread(target=lambda: summaries.append(drain(queue_database, gateway(server, max_connections=2))))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(summary.accepted for summary in summaries) == len(server.mails) == 200
    assert len({envelope.rcpt_tos[0] for envelope in server.mails}) == 200
    assert set(room.states().values()) == {"sent"}


def test_hand_overs_go_on_while_another_holds_the_queue(queue_database: Database, room: Room, server: Server) -> None:
    enqueue(room, *(f"person{number}" for number in range(40)))
    rival = queue_database.open()

    async def run() -> SendSummary:
        loop = asyncio.get_running_loop()

        def hold(_: str) -> None:
            server.before_body = lambda _: None
            rival.execute("BEGIN TRANSACTION; UPDATE notify.setting SET value = value;")
            # In the sender's own loop: were it to wait for the lock, nobody would give it back in time.
            loop.call_soon_threadsafe(loop.call_later, 0.3, lambda: rival.execute("ROLLBACK TRANSACTION;"))

        server.before_body = hold
        sender = Sender(queue_database, [open_gateway(gateway(server))], SendConfig(take=10), drain=True)
        return await asyncio.wait_for(sender.run(), 20)

    summary = asyncio.run(run())
    rival.close()
    assert (summary.accepted, summary.complete) == (40, True)
    assert len(server.mails) == 40


SCRIPT = """
import sys
from sqlalchemy import make_url
from notify.config import GatewayConfig, SendConfig
from notify.databases import Database, Role
from notify.gateways import open_gateway
from notify.send import send
url, port, drain = sys.argv[1:]
config = GatewayConfig("mail", "smtp", host="127.0.0.1", port=int(port), from_address="office@example.com")
send(Database(Role.QUEUE, make_url(url)), [open_gateway(config)], SendConfig(take=50), drain=drain == "drain")
"""


def start_sender(database: Database, server: Server, mode: str = "drain") -> subprocess.Popen[bytes]:
    url = database.url.render_as_string(hide_password=False)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, "-c", SCRIPT, url, str(server.port), mode], env=environment)


def wait_for(server: Server, mails: int) -> None:
    limit = time.monotonic() + 30
    with server.arrived:
        assert server.arrived.wait_for(lambda: len(server.mails) >= mails, limit - time.monotonic())


def test_a_killed_sender_leaves_doubt_and_nothing_missing_or_doubled(
    queue_database: Database, room: Room, server: Server
) -> None:
    names = [f"person{number}" for number in range(300)]
    enqueue(room, *names)
    for mails in (60, 140):
        sender = start_sender(queue_database, server)
        wait_for(server, mails)
        sender.kill()
        sender.wait()
        room.wait(3600)
    drain(queue_database, gateway(server))
    states = room.states()
    assert set(states.values()) <= {"sent", "in_doubt"}
    # In doubt: at most what had been begun or handed over, and not yet recorded, when the killing came.
    assert sum(state == "in_doubt" for state in states.values()) <= 2 * 4 * 2
    got = [envelope.rcpt_tos[0].partition("@")[0] for envelope in server.mails]
    assert len(got) == len(set(got))
    assert {names[number - 1] for number, state in states.items() if state == "sent"} <= set(got)
    assert room.doubled(*range(1, 301)) == 0


def test_a_sender_that_is_asked_to_stop_leaves_no_doubt(queue_database: Database, room: Room, server: Server) -> None:
    enqueue(room, *(f"person{number}" for number in range(400)))
    sender = start_sender(queue_database, server, "forever")
    wait_for(server, 50)
    sender.send_signal(signal.SIGTERM)
    assert sender.wait(20) == 0
    states = list(room.states().values())
    assert set(states) == {"sent", "queued"}
    assert states.count("sent") == len(server.mails) < 400


def test_a_gateway_that_is_not_there_costs_no_attempt(queue_database: Database, room: Room) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        enqueue(room, "ann", "bob")
        summary = drain(queue_database, gateway(taken.getsockname()[1]))
    assert set(summary.unavailable) == {"mail"} and not summary.complete
    assert room.states() == {1: "queued", 2: "queued"}
    assert [message.attempt_number for message in room.claim()] == [1, 1]


def test_another_gateway_of_the_channel_takes_over(queue_database: Database, room: Room, server: Server) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        enqueue(room, *(f"person{number}" for number in range(30)))
        absent = GatewayConfig(
            "absent", "smtp", from_address="o@example.com", host="127.0.0.1", port=taken.getsockname()[1]
        )
        summary = drain(queue_database, absent, gateway(server))
    assert summary.accepted == 30 and set(room.states().values()) == {"sent"}


def test_messages_of_a_channel_without_a_gateway_wait(queue_database: Database, room: Room, server: Server) -> None:
    room.enqueue(change(1, mail(), mail(channel="sms", address="+12065550100")))
    assert drain(queue_database, gateway(server)).claimed == 1
    assert sorted(room.states().values()) == ["queued", "sent"]
    with pytest.raises(ConfigError, match="sms"):
        send(queue_database, [open_gateway(gateway(server))], SendConfig(channels=("sms",)), drain=True)


def test_the_console_prints_what_would_go_out(queue_database: Database, room: Room) -> None:
    room.enqueue(change(1, mail(channel="sms", address="+12065550100", subject=None, html=None, text="Sold!")))
    printed = io.StringIO()
    console = ConsoleGateway(GatewayConfig("screen", "console", channel="sms"), printed)
    assert send(queue_database, [console], drain=True).accepted == 1
    assert printed.getvalue() == "--- sms to Ann <+12065550100>\nSold!\n\n"


def test_a_gateway_takes_no_more_than_its_rate(queue_database: Database, room: Room, server: Server) -> None:
    enqueue(room, *(f"person{number}" for number in range(11)))
    started = time.monotonic()
    assert drain(queue_database, gateway(server, max_per_second=50.0)).accepted == 11
    assert time.monotonic() - started >= 10 / 50


def test_what_comes_while_it_runs_is_sent_until_it_is_stopped(
    queue_database: Database, room: Room, server: Server
) -> None:
    async def run() -> SendSummary:
        sender = Sender(queue_database, [open_gateway(gateway(server))])
        task = asyncio.create_task(sender.run())
        for number in (1, 2, 3):
            room.enqueue(change(number, mail(f"person{number}")))
            await asyncio.to_thread(wait_for, server, number)
        sender.stop()
        return await task

    assert asyncio.run(run()).accepted == 3
    assert set(room.states().values()) == {"sent"}


def test_a_queue_that_is_restored_under_a_sender_stops_it_and_keeps_the_outcomes(
    queue_database: Database, room: Room, server: Server
) -> None:
    enqueue(room, *(f"person{number}" for number in range(100)))

    def restore(_recipient: str) -> None:
        if len(server.mails) >= 20:
            with queue_database.connection() as connection:
                connection.execute("UPDATE notify.queue_identity SET recovery_fork_guid = NEWID();")

    server.before_body = restore
    with pytest.raises(QueueRestored):
        drain(queue_database, gateway(server, max_connections=2))
    states = list(room.states().values())
    assert states.count("sent") == len(server.mails) < 30
    assert set(states) <= {"sent", "queued"}
    assert not queue.queue_status(room.connection).queue["is_trusted"]
