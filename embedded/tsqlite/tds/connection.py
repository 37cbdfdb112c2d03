"""One client: greeting, encryption, login, then its requests in turn.

Two threads: one runs the requests and answers; the other one receives, also while a request runs, so that a cancel
(attention) or the connection's end stops what is running at once.
"""

from __future__ import annotations

import hmac
import logging
import ssl
from contextlib import suppress
from queue import SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING, Final

from ..errors import SqlError, Unsupported
from ..interpreter import Interpreter
from ..results import Failure, told
from ..session import Session
from . import execution
from .login import Login, parse_login
from .packets import DEFAULT_PACKET, MAX_PACKET, MIN_PACKET, Message, MessageReader, PacketType, packets
from .prelogin import Encryption, Prelogin, build_prelogin, parse_prelogin
from .prepared import Statements
from .reader import Malformed
from .reply import Descriptions, Reply
from .requests import parse
from .tokens import Command, Done, Tokens
from .transport import Transport

if TYPE_CHECKING:
    from .server import Server

log = logging.getLogger("tsqlite.tds")

LOGIN_LIMIT: Final = 128 * 1024
"""Bytes that a message may have before the login."""
OLDEST: Final = 0x730B0003
NEWEST: Final = 0x74000004
"""TDS 7.3B and 7.4."""
SHORT_TOKENS: Final = 0x72000000
"""Below, lines and counts have half the bytes."""
ENCRYPTED_PACKET: Final = 16_383
"""With TLS a packet is no longer than a TLS record."""
PENDING: Final = 16
"""Messages that may wait behind a running request. A client waits for its answer, or cancels."""


class Refused(Exception):
    """The login has been refused, and the client told so."""


class Connection:
    """One client's connection. `thread` runs it from its greeting to its end."""

    def __init__(self, server: Server, transport: Transport, number: int, address: str) -> None:
        self.server = server
        self.transport = transport
        self.number = number
        self.address = address
        self.packet_size = DEFAULT_PACKET
        self.transaction = 0
        """The transaction that the client knows of, by its descriptor; 0 for none."""
        self.statements = Statements()
        self.descriptions = Descriptions()
        self.session: Session
        self.interpreter: Interpreter
        self._inbox: SimpleQueue[Message | None] = SimpleQueue()
        self._guard = Lock()
        self._attentions = 0
        self._open = False
        self.thread = Thread(target=self._run, name=f"tds-{number}", daemon=True)
        self._receiver = Thread(target=self._receive, name=f"tds-{number}-receiver", daemon=True)

    # -- life

    def _run(self) -> None:
        try:
            self.transport.set_deadline(self.server.login_timeout)
            with suppress(Refused):
                self._greet()
                self.transport.set_deadline(None)
                self._receiver.start()
                self._serve()
        except TimeoutError:
            log.info("%s: login timed out", self.address)
        except Malformed as e:
            log.info("%s: %s", self.address, e)
        except OSError as e:  # ssl.SSLError is one too
            log.info("%s: connection lost (%s)", self.address, e)
        except Exception:
            log.exception("%s: the connection ends by a defect of the server", self.address)
        finally:
            self._end()

    def _end(self) -> None:
        self.transport.shut_down()
        if self._receiver.ident is not None:
            self._receiver.join()
        if self._open:
            try:
                self.session.close()
            except Exception:
                log.exception("%s: closing the session", self.address)
        self.transport.close()
        self.server.forget(self)
        log.debug("%s: closed", self.address)

    def stop(self) -> None:
        """End it, from any thread: what runs is cancelled and rolled back. `thread` ends soon after."""
        self.transport.shut_down()

    # -- greeting and login

    def _message(self, reader: MessageReader, expected: PacketType) -> Message:
        messages: list[Message] = []
        while not messages:
            data = self.transport.receive()
            if not data:
                raise ConnectionResetError("closed before the login")
            messages = reader.feed(data)
        if len(messages) > 1 or messages[0].type is not expected:
            raise Malformed(f"{expected.name} expected")
        return messages[0]

    def _greet(self) -> None:
        reader = MessageReader(LOGIN_LIMIT)
        client = parse_prelogin(self._message(reader, PacketType.PRELOGIN).payload)
        encryption, on, possible = self._encryption(client.encryption)
        # To a client that wants MARS nothing is said of it: told no, Microsoft's driver gives up without a word.
        mars = None if client.mars else client.mars
        answer = Prelogin(version=(*self.server.version, 0), encryption=encryption, instance=b"", mars=mars)
        self.transport.send(packets(PacketType.RESULT, build_prelogin(answer)))
        if not possible:
            raise ConnectionResetError("no encryption that both sides have")
        if on:
            assert self.server.context is not None
            self.transport.start_tls(self.server.context)
        login = parse_login(self._message(reader, PacketType.LOGIN7).payload)
        if on and encryption is Encryption.OFF:
            self.transport.stop_tls()
        self._log_in(login)

    def _encryption(self, wanted: Encryption) -> tuple[Encryption, bool, bool]:
        """The answer to what the client wants; whether TLS begins; whether the connection can go on."""
        if self.server.context is None:
            return Encryption.NOT_SUPPORTED, False, wanted in (Encryption.OFF, Encryption.NOT_SUPPORTED)
        if self.server.encryption_required:
            answer = Encryption.ON if wanted is Encryption.ON else Encryption.REQUIRED
            return answer, wanted is not Encryption.NOT_SUPPORTED, wanted is not Encryption.NOT_SUPPORTED
        if wanted is Encryption.NOT_SUPPORTED:
            return Encryption.NOT_SUPPORTED, False, True
        return (Encryption.OFF if wanted is Encryption.OFF else Encryption.ON), True, True

    def _log_in(self, login: Login) -> None:
        server = self.server
        if login.tds_version < OLDEST:
            self._refuse(
                SqlError(17803, f"TDS 7.3B or later is needed; the client has {login.tds_version:#010x}.", 20),
                old=login.tds_version < SHORT_TOKENS,
            )
        if login.integrated or login.sspi:
            self._refuse(
                SqlError(
                    18452,
                    "Login failed. The login is from an untrusted domain and cannot be used with Integrated"
                    " authentication.",
                    14,
                )
            )
        failed = SqlError(18456, f"Login failed for user '{login.user}'.", 14)
        right = hmac.compare_digest(
            login.password.encode("utf-8", "surrogatepass"), server.password.encode("utf-8", "surrogatepass")
        )
        if login.user.lower() != server.login.lower() or not right or login.new_password is not None:
            log.info("%s: login failed for %r", self.address, login.user)
            self._refuse(failed)
        if not server.admit(self):
            self._refuse(
                SqlError(
                    17809,
                    f"Could not connect because the maximum number of '{server.max_connections}' user connections has"
                    " already been reached. The system administrator can use sp_configure to increase the maximum"
                    " value.",
                    20,
                )
            )
        database = login.database or server.default_database
        try:
            self.session = server.open(
                database, read_only_intent=login.read_only_intent, host=login.host, application=login.application
            )
        except SqlError as e:
            self._refuse(e, failed)
        self._open = True
        if login.read_only_intent:
            self.session.substitutes = server._read_only
        self.interpreter = Interpreter(self.session)
        self._set_language(login.language)
        limit = ENCRYPTED_PACKET if self.transport.encrypted else MAX_PACKET
        self.packet_size = min(max(login.packet_size or DEFAULT_PACKET, MIN_PACKET), limit)
        client_host, _, client_port = self.address.rpartition(":")
        self.session.wire.update(
            process=login.client_pid,
            transport="TCP",
            protocol=min(login.tds_version, NEWEST),
            encrypted=self.transport.encrypted,
            packet_size=self.packet_size,
            client_address=client_host,
            client_port=int(client_port),
            local_address=self.server.host,
            local_port=self.server.port,
        )
        self._welcome(login)
        log.debug("%s: %s logged in to %s", self.address, login.application, self.session.database)

    def _set_language(self, language: str) -> None:
        if language.lower() in ("", "english", self.session.settings.language):
            return
        sink = self.interpreter.run_batch(f"SET LANGUAGE [{language.replace(']', ']]')}]")
        for event in sink.events:
            if isinstance(event, Failure):
                said = told(event.error)
                self._refuse(SqlError(said.number, said.text, said.severity, said.state))

    def _refuse(self, *errors: SqlError, old: bool = False) -> None:
        tokens = Tokens(old=old)
        for e in errors:
            tokens.error(e.number, e.message, severity=e.severity, state=e.state, line=1, server=self.server.name)
        tokens.done(error=True)
        self.transport.send(packets(PacketType.RESULT, tokens.take()))
        raise Refused

    def _welcome(self, login: Login) -> None:
        session, name = self.session, self.server.name
        database, language = session.database, session.settings.language
        tokens = Tokens()
        tokens.env_database(database, "master")
        tokens.info(5701, f"Changed database context to '{database}'.", state=2, line=1, server=name)
        tokens.env_collation()
        tokens.env_language(language)
        tokens.info(5703, f"Changed language setting to {language}.", line=1, server=name)
        tokens.login_ack(version=self.server.version, tds_version=min(login.tds_version, NEWEST))
        tokens.env_packet_size(self.packet_size, login.packet_size or DEFAULT_PACKET)
        tokens.done()
        self.transport.send(packets(PacketType.RESULT, tokens.take(), DEFAULT_PACKET, session.spid()))

    # -- receiving

    def _receive(self) -> None:
        """Until the connection's end: messages into the inbox, attentions to the session as well."""
        reader = MessageReader(self.server.message_limit, self.packet_size)
        try:
            while data := self.transport.receive():
                for message in reader.feed(data):
                    if message.type is PacketType.ATTENTION:
                        with self._guard:
                            self._attentions += 1
                            self.session.cancel()
                    self._inbox.put(message)
                if self._inbox.qsize() > PENDING:
                    raise Malformed("requests before the answers to earlier ones")
        except Malformed as e:
            log.info("%s: %s", self.address, e)
        except (OSError, ssl.SSLError) as e:
            log.debug("%s: connection lost (%s)", self.address, e)
        finally:
            self.session.cancel()
            self._inbox.put(None)
            self.transport.shut_down()

    # -- requests

    def _serve(self) -> None:
        while (message := self._inbox.get()) is not None:
            if message.type is PacketType.ATTENTION:
                with self._guard:
                    self._attentions -= 1
                    if not self._attentions:
                        self.session.resume()
                Reply(self).acknowledge()
            else:
                self._answer(message)

    def _reset(self, reply: Reply, *, keep_transaction: bool) -> None:
        database, language = self.session.database, self.session.settings.language
        self.session.reset(keep_transaction=keep_transaction)
        self.statements.clear()
        reply.tokens.env_reset_ack()
        reply.tell_transaction(Command.ROLLBACK)
        if self.session.database != database:
            reply.tokens.env_database(self.session.database, database)
        if self.session.settings.language != language:
            reply.tokens.env_language(self.session.settings.language, language)

    def _answer(self, message: Message) -> None:
        reply = Reply(self)
        if message.reset_connection:
            self._reset(reply, keep_transaction=message.keep_transaction)
        procedure = message.type is PacketType.RPC
        try:
            if message.ignore:
                reply.end(Done.DONE, error=True)
            else:
                for request in parse(message):
                    if self.session.cancelled:
                        break
                    if request.transaction not in (0, self.transaction):
                        raise SqlError(
                            3971, f"The server failed to resume the transaction. Desc:{request.transaction:x}."
                        )
                    execution.run(reply, request)
        except (SqlError, Unsupported) as e:
            reply.failure(e)
            reply.end(Done.DONEPROC if procedure else Done.DONE, error=True)
        except Malformed as e:
            reply.failure(
                SqlError(
                    4002,
                    "The incoming tabular data stream (TDS) protocol stream is incorrect. The stream ended"
                    f" unexpectedly ({e}).",
                    20,
                )
            )
            reply.finish()
            raise
        except Exception as e:
            reply.failure(SqlError(3624, f"The server has failed ({type(e).__name__}); the connection ends.", 20))
            reply.finish()
            raise
        reply.finish()
