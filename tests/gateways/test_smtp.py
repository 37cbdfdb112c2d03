"""What the SMTP gateway says about a hand-over is true, whatever the server does: accepted, refused, or not known."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.gateways.servers import Server, check_login, smtp_server, tls_context

from notify.config import GatewayConfig
from notify.gateways import open_gateway
from notify.gateways.base import GatewayUnavailable, Message, Outcome


@pytest.fixture(params=[False, True], ids=["one by one", "pipelining"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server with and without PIPELINING: what is said of a hand-over is the same."""
    with smtp_server(pipelining=request.param) as running:
        yield running


def config(server: Server, **changes: object) -> GatewayConfig:
    settings: dict[str, object] = {"host": "127.0.0.1", "port": server.port, "timeout_seconds": 5.0}
    return GatewayConfig("mail", "smtp", from_address="office@example.com", **{**settings, **changes})  # type: ignore[arg-type]


def message(to: str, number: int = 1, text: str = "Hello") -> Message:
    address = to if "@" in to else f"{to}@example.org"
    return Message(number, "token", 1, f"{number:064X}", "email", address, None, "Hello", None, None, text, None)


def hand_over(settings: GatewayConfig, *messages: Message) -> list[Outcome]:
    """All messages over one session."""

    async def run() -> list[Outcome]:
        session = open_gateway(settings).session()
        outcomes = []
        for item in messages:
            outcome = await session.prepare(item)
            outcomes.append(await session.hand_over() if outcome is None else outcome)
        await session.close()
        return outcomes

    return asyncio.run(run())


def test_an_accepted_mail_brings_the_servers_own_words(server: Server) -> None:
    (outcome,) = hand_over(config(server), message("ann"))
    assert outcome == Outcome("accepted", provider_id="250 2.0.0 queued as 1")
    (mail,) = server.mails
    assert (mail.mail_from, mail.rcpt_tos) == ("office@example.com", ["ann@example.org"])


def test_one_connection_carries_many_mails_and_survives_refusals(server: Server) -> None:
    outcomes = hand_over(config(server), *(message(to) for to in ("ann", "never", "later", "spam", "full", "bob")))
    assert [outcome.outcome for outcome in outcomes] == ["accepted", *["refused"] * 4, "accepted"]
    assert server.connections == 1


@pytest.mark.parametrize(
    ("to", "outcome"),
    [
        ("later", Outcome("refused", False, None, "450 4.2.0", "come back later")),
        ("never", Outcome("refused", True, None, "550 5.1.1", "no such user")),
        ("closing", Outcome("refused", False, None, "421 4.3.2", "closing")),
        ("full", Outcome("refused", False, None, "452 4.2.2", "mailbox full")),
        ("spam", Outcome("refused", True, None, "554 5.7.1", "looks like spam")),
    ],
)
def test_a_refusal_is_definite_and_says_whether_it_is_for_ever(server: Server, to: str, outcome: Outcome) -> None:
    assert hand_over(config(server), message(to)) == [outcome]
    assert not server.mails


def test_a_connection_lost_before_the_body_has_handed_over_nothing(server: Server) -> None:
    lost, after = hand_over(config(server), message("vanish"), message("ann"))
    assert lost.outcome == "not_handed_over"
    assert after.outcome == "accepted" and server.connections == 2


@pytest.mark.parametrize("to", ["cut", "lost", "odd"])
def test_silence_after_the_body_has_begun_is_unknown(server: Server, to: str) -> None:
    unknown, after = hand_over(config(server), message(to), message("ann"))
    assert unknown.outcome == "unknown"
    assert after.outcome == "accepted"


def test_a_server_that_never_answers_is_unknown_after_the_timeout(server: Server) -> None:
    (outcome,) = hand_over(config(server, timeout_seconds=0.3), message("mute"))
    assert outcome.outcome == "unknown" and "imed out" in (outcome.detail or "")
    assert len(server.mails) == 1


def test_a_kept_connection_that_the_server_closed_is_made_anew(server: Server) -> None:
    async def run() -> list[Outcome]:
        session = open_gateway(config(server)).session()
        outcomes = []
        for to in ("ann", "bob"):
            assert await session.prepare(message(to)) is None
            outcomes.append(await session.hand_over())
            server.hang_up()
        await session.close()
        return outcomes

    assert [outcome.outcome for outcome in asyncio.run(run())] == ["accepted", "accepted"]


def test_an_attempt_that_is_not_granted_leaves_no_mail(server: Server) -> None:
    async def run() -> Outcome:
        session = open_gateway(config(server)).session()
        assert await session.prepare(message("ann")) is None
        await session.abandon()
        assert await session.prepare(message("bob")) is None
        outcome = await session.hand_over()
        await session.close()
        return outcome

    assert asyncio.run(run()).outcome == "accepted"
    assert [mail.rcpt_tos for mail in server.mails] == [["bob@example.org"]]


def test_a_session_closed_before_the_body_leaves_no_mail(server: Server) -> None:
    async def run() -> None:
        session = open_gateway(config(server)).session()
        assert await session.prepare(message("ann")) is None
        await session.close()

    asyncio.run(run())
    assert not server.mails


def test_a_server_that_hangs_up_while_the_attempt_is_committed_was_handed_nothing(server: Server) -> None:
    async def run() -> Outcome:
        session = open_gateway(config(server)).session()
        assert await session.prepare(message("ann")) is None
        server.hang_up()
        while session._dialog.error is None:  # type: ignore[attr-defined]
            await asyncio.sleep(0)
        outcome = await session.hand_over()
        await session.close()
        return outcome

    assert asyncio.run(run()).outcome == "not_handed_over"
    assert not server.mails


def test_lines_that_begin_with_a_dot_arrive_so(server: Server) -> None:
    hand_over(config(server), message("ann", text=".\n..\n.x\nend"))
    (mail,) = server.mails
    assert isinstance(mail.content, bytes)
    assert mail.content.partition(b"\r\n\r\n")[2] == b".\r\n..\r\n.x\r\nend\r\n"


def test_an_address_beyond_ascii_needs_a_server_that_takes_it(server: Server) -> None:
    (outcome,) = hand_over(config(server), message("用户@example.org"))
    assert outcome.outcome == "refused" and outcome.is_permanent and outcome.code == "5.6.7"
    with smtp_server(enable_SMTPUTF8=True) as modern:
        (outcome,) = hand_over(config(modern), message("用户@example.org"))
        assert outcome.outcome == "accepted"
        assert modern.mails[0].rcpt_tos == ["用户@example.org"]


def test_a_bad_address_is_refused_without_a_connection() -> None:
    nowhere = GatewayConfig("mail", "smtp", from_address="office@example.com", host="127.0.0.1", port=1)
    (outcome,) = hand_over(nowhere, message("not an address@example.org"))
    assert outcome.outcome == "refused" and outcome.is_permanent


def test_a_redirected_gateway_lets_nothing_escape(server: Server) -> None:
    hand_over(config(server, redirect_to="test@example.com"), message("ann"))
    assert [mail.rcpt_tos for mail in server.mails] == [["test@example.com"]]


def test_a_server_that_is_not_there_says_nothing_about_the_message() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        settings = GatewayConfig(
            "mail", "smtp", from_address="o@example.com", host="127.0.0.1", port=taken.getsockname()[1]
        )
        with pytest.raises(GatewayUnavailable, match="127"):
            hand_over(settings, message("ann"))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    pem = folder / "server.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")],
        check=True, capture_output=True,
    )  # fmt: skip
    pem.write_text((folder / "key.pem").read_text() + (folder / "cert.pem").read_text())
    return pem


def test_starttls_and_login_come_before_the_mail(certificate: Path) -> None:
    options = {
        "tls_context": tls_context(str(certificate)),
        "require_starttls": True,
        "authenticator": check_login,
        "auth_required": True,
    }
    with smtp_server(**options) as server:
        login = {"starttls": True, "verify_tls": False, "username": "office"}
        (outcome,) = hand_over(config(server, password="secret", **login), message("ann"))
        assert outcome.outcome == "accepted"
        with pytest.raises(GatewayUnavailable, match="535"):
            hand_over(config(server, password="wrong", **login), message("ann"))
        with pytest.raises(GatewayUnavailable, match="530"):
            hand_over(config(server), message("ann"))
        with pytest.raises(GatewayUnavailable, match="certificate"):
            hand_over(config(server, starttls=True), message("ann"))
        assert len(server.mails) == 1


def test_a_server_that_goes_on_without_a_recipient_gets_no_body() -> None:
    """With PIPELINING its 354 may come after a refused recipient: the connection is dropped, and no mail begun."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        replies = {b"EHLO": b"250-here\r\n250 PIPELINING", b"RCPT": b"550 5.1.1 nobody", b"DATA": b"354 go on"}
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            heard.append(line)
            writer.write(replies.get(line[:4], b"250 ok") + b"\r\n")
        writer.close()

    async def run() -> Outcome | None:
        running = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = running.sockets[0].getsockname()[1]
        settings = GatewayConfig("mail", "smtp", from_address="office@example.com", host="127.0.0.1", port=port)
        session = open_gateway(settings).session()
        outcome = await session.prepare(message("ann"))
        await session.close()
        running.close()
        await running.wait_closed()
        return outcome

    assert asyncio.run(run()) == Outcome("refused", True, None, "550 5.1.1", "nobody")
    assert [line[:4] for line in heard] == [b"EHLO", b"MAIL", b"RCPT", b"DATA"]
