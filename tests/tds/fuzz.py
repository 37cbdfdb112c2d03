"""`python -m tests.tds.fuzz [--seconds N] [--seed S] [--conversation N]`: clients that misbehave against a real server.

The server runs in a process of its own. Conversations by chance: greetings, logins, TLS, batches, calls, transaction
requests, resets and attentions, valid or changed in a few bytes, cut at any byte, in any order; and texts and
parameters, known ones changed at random or made by a small grammar. What must hold, else exit 1:

- the server lives, and its log tells of no defect (nor an answer, error 3624);
- whoever is well-behaved is answered all along, and may log in; every answer is a token stream that can be read;
- every statement ends, by itself or by an attention;
- when all clients are gone, so are their threads, sockets, files, locks and transactions; memory stays bounded.

A conversation depends on the seed and its number alone: `--conversation N` plays one again (what others did to the same
database before it is missing then).
"""

from __future__ import annotations

import argparse
import faulthandler
import re
import resource
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.tds.conftest import PASSWORD
from tests.tds.fuzz_client import Late, Wire, Wrong, login, walk
from tests.tds.fuzz_texts import SETUP, Parameters, Texts
from tests.tds.wire_samples import EVERY_PARAMETER, headers, utf16

from tsqlite.tds.login import build_login
from tsqlite.tds.packets import PacketType, packets
from tsqlite.tds.prelogin import Encryption, Prelogin, build_prelogin
from tsqlite.tds.server import Server

WORKERS: Final = 4
ROUND: Final = 40
"""Conversations between two looks at what is left over."""
WARM: Final = 5
"""Rounds after which memory is compared: the caches of plans are full by then, or nearly."""
GROWTH: Final = 160
"""MB that the server may have more at the end than after warming up."""
ROOM: Final = 4 * 1024**3
"""Bytes of address space that the server gets."""
PATIENCE: Final = 10.0
"""Seconds to the answer, and then to that of the attention which cancels it. The machine may be busy."""
SHARED: Final = "Shared"
DEFECT: Final = 3624


@dataclass
class Problem:
    """What must not be. `address` is the client's, by which the server's log knows it."""

    what: str
    conversation: int = -1
    text: str = ""
    address: str = ""
    trace: str = ""

    @property
    def key(self) -> str:
        """The same for what is likely the same."""
        places = re.findall(r'File "[^"]*/(\w+\.py)", line (\d+)', self.trace)
        return f"{self.what} {places[-1] if places else ''}"

    def __str__(self) -> str:
        shown = self.text if len(self.text) < 1500 else f"{self.text[:1000]} ... ({len(self.text)} characters)"
        return "\n  ".join(
            [
                f"{self.what} (conversation {self.conversation})",
                *([shown] if shown else []),
                *self.trace.splitlines()[-12:],
            ]
        )


class Process:
    """A server in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "log"
        self._read = 0
        self._guard = threading.Lock()
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.tds.fuzz", "--serve", str(folder)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=Path(__file__).parents[2],
            )  # fmt: skip
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline() or 0)

    @property
    def code(self) -> int | None:
        """Its exit code; None while it lives."""
        return self._process.poll()

    @property
    def threads(self) -> int:
        return int(self._status("Threads"))

    @property
    def megabytes(self) -> float:
        """Resident memory."""
        return int(self._status("VmRSS")) / 1024

    @property
    def files(self) -> int:
        """Open files, sockets among them."""
        return len(list(Path(f"/proc/{self._process.pid}/fd").iterdir()))

    def _status(self, name: str) -> str:
        text = Path(f"/proc/{self._process.pid}/status").read_text()
        return next(line for line in text.splitlines() if line.startswith(name)).split()[1]

    def complaints(self) -> list[str]:
        """What the log has got since it was last asked, a complaint with its traceback each."""
        data = self.log.read_bytes()
        new, self._read = data[self._read :].decode(errors="replace"), len(data)
        return [
            part
            for part in re.split(r"^(?=127\.0\.0\.1:\d+: |accept: |Exception in |Fatal )", new, flags=re.M)
            if part.strip()
        ]

    def where(self) -> str:
        """What its threads are doing: the last lines of those that are in the engine."""
        with self._guard:
            before = self.log.stat().st_size
            self._process.send_signal(signal.SIGUSR1)
            threading.Event().wait(0.5)
            dump = self.log.read_bytes()[before:].decode(errors="replace")
            threads = [part.splitlines() for part in dump.split("\n\n") if "/tsqlite/" in part]
            self._read = max(self._read, before + len(dump.encode()))
        return "\n".join(
            "\n".join(lines[:6]) for lines in threads if "transport.py" not in lines[1] and "_serve" not in lines[1]
        )

    def stop(self) -> int:
        """Ends it in the usual way; gives its exit code."""
        assert self._process.stdin and self._process.stdout
        with suppress(OSError):
            self._process.stdin.close()
        try:
            return self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
        finally:
            self._process.stdout.close()


def serve(folder: Path) -> None:
    """The server's process: until its input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM))
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    databases = {name: folder / f"{name}.db" for name in (SHARED, *[f"W{i}" for i in range(WORKERS)])}
    with Server(
        databases, password=PASSWORD, synchronous="OFF", login_timeout=15, lock_timeout=2, message_limit=4 * 1024**2
    ) as server:
        print(server.port, flush=True)
        sys.stdin.read()


@dataclass
class Play:
    """One conversation: its chance, its client, what it says."""

    number: int
    chance: Random
    database: str
    port: int
    report: Callable[[Problem], None]
    said: list[str] = field(default_factory=list)
    address: str = ""
    wire: Wire = field(init=False)
    descriptor: int = 0

    def run(self) -> str:
        """Plays it to its end; gives its kind."""
        kinds = {
            self.noise: 2, self.greeting: 3, self.handshake: 2, self.requests: 6, self.pressure: 1, self.statements: 10, self.calls: 6,
        }  # fmt: skip
        kind = self.chance.choices(list(kinds), list(kinds.values()))[0]
        try:
            self.wire = Wire(self.port, self.chance, PATIENCE)
        except OSError as e:
            self.problem(f"no connection: {e}")
            return kind.__name__
        host, port = self.wire.socket.getsockname()
        self.address = f"{host}:{port}"
        try:
            kind()
        except Late as e:
            self.problem(f"late: {e}")
        except ssl.SSLError:
            pass
        except Exception as e:
            self.problem(f"an answer that cannot be read: {type(e).__name__}: {e}")
        finally:
            self.wire.close(reset=self.chance.random() < 0.5)
        return kind.__name__

    def problem(self, what: str) -> None:
        self.report(Problem(what, self.number, "\n---\n".join(self.said[-2:]), self.address))

    # -- what all of them do

    def log_in(self) -> bool:
        encryption = self.chance.choice((Encryption.NOT_SUPPORTED,) * 6 + (Encryption.OFF, Encryption.ON))
        if self.wire.log_in(self.database, encryption, self.chance.choice((4096, 512, 8000, 32767, 0))):
            return True
        self.problem("the login failed")
        return False

    def message(self, kind: PacketType, payload: bytes, status: int = 0) -> bytes:
        """A message in packets that the server takes, its first with more status bits."""
        data = bytearray(packets(kind, payload, self.chance.choice((512, 512, 300))))
        data[1] |= status
        return bytes(data)

    def changed(self, data: bytes) -> bytes:
        """A few bytes other than they were."""
        chance, made = self.chance, bytearray(data)
        for _ in range(chance.choice((1, 1, 1, 2, 5))):
            at = chance.randrange(len(made) + 1)
            match chance.randrange(7):
                case 0 | 1:
                    made[at : at + 1] = bytes([chance.choice((0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF, chance.randrange(256)))])
                case 2:
                    del made[at : at + chance.randint(1, 9)]
                case 3:
                    made[at:at] = chance.randbytes(chance.randint(1, 9))
                case 4:
                    made[at : at + 4] = chance.choice(
                        (b"\xff\xff\xff\xff", b"\xfe\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f")
                    )
                case 5:
                    made = made[:at]
                case _:
                    made[at:at] = made[at : at + chance.randint(1, 600)]
        return bytes(made)

    def answer(self, patience: float | None = None) -> bool:
        """Reads an answer; False at the connection's end. A text that takes its time is cancelled."""
        try:
            payload = self.wire.message(patience)
        except Late:
            if patience is not None:
                return False
            return self.cancel(late=True)
        return payload is not None and not self.look(payload)

    def look(self, payload: bytes) -> bool:
        """Goes through an answer; whether it acknowledges an attention."""
        answer = walk(payload)
        if answer.transaction:
            self.descriptor = max(0, answer.transaction)
        for number, text in answer.errors:
            if number == DEFECT:
                self.problem(f"{number}: {text}")
        return answer.attention

    def cancel(self, *, late: bool = False) -> bool:
        """An attention, and all that comes up to its acknowledgement; False at the connection's end."""
        self.wire.send(packets(PacketType.ATTENTION, b""))
        try:
            while (payload := self.wire.message()) is not None:
                if self.look(payload):
                    return True
        except Late:
            raise Late("neither an answer nor one to an attention" if late else "no answer to an attention") from None
        return False

    def batch(self, text: str) -> bytes:
        return headers(self.descriptor) + utf16(text)

    # -- kinds of conversations

    def noise(self) -> None:
        """What no client says, at any stage."""
        stage = self.chance.randrange(3)
        if stage == 1:
            self.wire.greet()
        if stage == 2 and not self.log_in():
            return
        noise = self.chance.choice(
            (
                b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500), b"\0" * 100, b"\x12\x01\x00\x08" + bytes(4),
                self.chance.randbytes(self.chance.choice((1, 8, 50, 5000))), b"\x01\x00\xff\xff" + bytes(70_000), b"",
            )
        )  # fmt: skip
        self.said.append(noise[:100].hex())
        self.wire.send(noise)
        self.answer(0.05)

    def greeting(self) -> None:
        """PRELOGIN and LOGIN7, changed."""
        chance = self.chance
        asked = build_prelogin(
            Prelogin(
                (18, 0, 0, 0),
                chance.choice(list(Encryption)),
                instance=b"x",
                thread_id=7,
                mars=True,
                trace_id=bytes(36),
                federated=1,
            )
        )
        first = self.message(PacketType.PRELOGIN, asked)
        if chance.random() < 0.4:
            first = self.changed(first)
            self.said.append(first.hex())
            self.wire.send(first)
            with suppress(Late):
                self.wire.message(0.05)
            return
        if self.wire.greet() is None:
            return
        wanted = login(
            chance.choice((self.database, "nowhere", "", "ą" * 128, "a]b", "master", "\0")), chance.randrange(70_000)
        )
        fields: dict[str, Any] = {
            "user": chance.choice(("sa", "SA", "", "x" * 128, "😀")), "password": chance.choice((PASSWORD, "", "wrong", "\0")),
            "host": chance.choice(("", "h" * 128, "a\0b")), "language": chance.choice(("", "us_english", "Klingon", "]", "German")),
            "tds_version": chance.choice((0x74000004, 0x74000004, 0x71000001, 0x730B0003, 0x08000000, 0xFFFFFFFF)),
            "type_flags": chance.choice((0, 0x20, 0xFF)), "sspi": chance.choice((b"", b"", b"x" * 40)),
            "features": chance.choice(({}, {1: b"", 10: b"\1"}, {4: b"\1", 0x7F: bytes(300)})), "option_flags2": chance.choice((0, 2, 0x80)),
            "new_password": chance.choice((None, None, "new")), "application": chance.choice(("", "a" * 128)),
        }  # fmt: skip
        for name in chance.sample(sorted(fields), chance.choice((0, 1, 1, 3))):
            object.__setattr__(wanted, name, fields[name])
        data = self.message(PacketType.LOGIN7, build_login(wanted))
        if chance.random() < 0.6:
            data = self.changed(data)
        self.said.append(data.hex())
        self.wire.send(data)
        if self.answer(0.3) and chance.random() < 0.5:
            self.wire.send(self.message(PacketType.SQL_BATCH, self.batch("SELECT 1")))
            self.answer(0.3)

    def handshake(self) -> None:
        """TLS: disturbed while it begins, or its records changed when it is on."""
        wire, chance = self.wire, self.chance
        encryption = chance.choice((Encryption.ON, Encryption.OFF))
        if wire.greet(encryption) is None:
            return
        if chance.random() < 0.5:
            hello = bytes.fromhex("16030100") + chance.randbytes(chance.randint(0, 300))
            noise = chance.choice(
                (
                    packets(PacketType.PRELOGIN, hello),
                    packets(PacketType.LOGIN7, build_login(login(self.database))),
                    hello,
                    b"\x12\1\0\7aaa",
                )
            )
            self.said.append(noise.hex())
            wire.plain(noise)
            with suppress(Late):
                wire.message(0.1)
            return
        wire.start_tls()
        if chance.random() < 0.3:
            wire.plain(chance.randbytes(chance.choice((5, 100))))
            self.answer(0.1)
            return
        wire.send(packets(PacketType.LOGIN7, build_login(login(self.database))))
        if encryption is Encryption.OFF:
            wire.tls = None
        if wire.message() is None:
            self.problem("the login failed")
            return
        wire.send(
            self.message(PacketType.SQL_BATCH, self.batch("SELECT 1; SELECT REPLICATE('x', 8000) FROM sys.objects"))
        )
        if chance.random() < 0.5:
            self.answer()
        wire.plain(chance.randbytes(chance.choice((1, 5, 40))))
        self.answer(0.1)

    def request(self) -> tuple[PacketType, bytes]:
        """A message that a client may send, or nearly."""
        chance = self.chance
        texts = Texts(chance)
        match chance.randrange(12):
            case 0 | 1 | 2:
                return PacketType.SQL_BATCH, self.batch(texts.batch())
            case 3 | 4:
                calls = [Parameters(chance, texts).call() for _ in range(chance.choice((1, 1, 1, 2, 5)))]
                return PacketType.RPC, headers(self.descriptor) + chance.choice(
                    (b"\xff", b"\xff", b"\x80", b"\xfe")
                ).join(calls)
            case 5:
                return PacketType.RPC, EVERY_PARAMETER.payload
            case 6 | 7 | 8:
                name = utf16(chance.choice(("", "a", "b")))
                tail = {
                    5: bytes([chance.randrange(7), len(name)]) + name, 7: bytes([len(name)]) + name + chance.choice((b"\0", b"\1\2\0")),
                    8: bytes([len(name)]) + name + chance.choice((b"\0", b"\0", b"\1\0\0")), 9: bytes([len(name)]) + name, 0: b"", 1: b"\0\0", 6: b"",
                }  # fmt: skip
                kind = chance.choice((5, 5, 7, 8, 8, 9, 0, 1, 6))
                return PacketType.TRANSACTION, headers(self.descriptor) + kind.to_bytes(2, "little") + tail[kind]
            case 9:
                return chance.choice((PacketType.BULK, PacketType.SSPI, PacketType.FEDERATED)), chance.randbytes(
                    chance.randrange(100)
                )
            case 10:
                return chance.choice((PacketType.PRELOGIN, PacketType.LOGIN7)), chance.choice(
                    (build_login(login(self.database)), b"")
                )
            case _:
                return PacketType.SQL_BATCH, self.batch(
                    "BEGIN TRANSACTION; UPDATE dbo.t SET v = 1; EXEC sp_getapplock 'a', 'Exclusive', 'Session', 0"
                )

    def requests(self) -> None:
        """Messages in any order, some of them changed, cancelled, cut or with flags."""
        chance, wire = self.chance, self.wire
        if not self.log_in():
            return
        for _ in range(chance.randint(1, 8)):
            kind, payload = self.request()
            self.said.append(
                payload.hex() if kind is not PacketType.SQL_BATCH else payload.decode("utf-16-le", "replace")
            )
            if chance.random() < 0.1:
                payload = payload[:4] + self.changed(payload[4:])
            data = self.message(kind, payload, chance.choice((0, 0, 0, 0, 8, 16, 24, 2)))
            match chance.randrange(8):
                case 0:  # changed: whatever comes, soon
                    wire.send(self.changed(data))
                    if not self.answer(0.1):
                        return
                case 1:  # cut
                    wire.send(data[: chance.randrange(len(data))])
                    return
                case 2:  # cancelled at once
                    wire.send(data)
                    if not self.cancel():
                        return
                case 3:  # an attention in its middle
                    at = chance.randrange(len(data))
                    wire.send(data[:at] + packets(PacketType.ATTENTION, b"") + data[at:])
                    self.answer(0.1)
                    return
                case _:
                    if not wire.send(data) or not self.answer():
                        return

    def pressure(self) -> None:
        """Requests before the answers to earlier ones, storms of attentions, messages that are too long, no reading."""
        chance, wire = self.chance, self.wire
        if not self.log_in():
            return
        match chance.randrange(5):
            case 0:
                one = self.message(PacketType.SQL_BATCH, self.batch("SELECT 1"))
                wire.send(one * chance.choice((5, 40)))
            case 1:
                wire.send(self.message(PacketType.SQL_BATCH, self.batch("WAITFOR DELAY '00:00:30'")))
                wire.send(packets(PacketType.ATTENTION, b"") * chance.choice((1, 12, 40)))
                self.answer(0.5)
            case 2:
                text = self.batch("SELECT 1 --" + "x" * chance.choice((1_900_000, 2_200_000)))
                wire.send(packets(PacketType.SQL_BATCH, text, 4096 if self.database == SHARED else 512))
                self.answer(5.0)
            case 3:
                wire.send(
                    self.message(
                        PacketType.SQL_BATCH,
                        self.batch("SELECT REPLICATE(CAST('x' AS varchar(max)), 3000000) FROM sys.objects AS o;" * 3),
                    )
                )
                wire.quiet(chance.choice((0.0, 0.2)))
            case _:
                wire.send(
                    self.message(
                        PacketType.SQL_BATCH,
                        self.batch("BEGIN TRANSACTION; UPDATE dbo.t SET v = 1; WAITFOR DELAY '00:00:30'"),
                    )
                )
                wire.quiet(chance.choice((0.0, 0.05)))

    def statements(self) -> None:
        """Texts: each is answered, or cancelled and answered."""
        chance, wire = self.chance, self.wire
        if not self.log_in():
            return
        texts = Texts(chance)
        wire.send(
            self.message(
                PacketType.SQL_BATCH, self.batch(("BEGIN TRANSACTION; " if chance.random() < 0.7 else "") + SETUP)
            )
        )
        if not self.answer():
            return
        for _ in range(chance.randint(4, 12)):
            text = texts.batch()
            self.said.append(text)
            if not wire.send(self.message(PacketType.SQL_BATCH, self.batch(text))) or not self.answer():
                return

    def calls(self) -> None:
        """Remote procedure calls that are well-formed, at least as bytes."""
        chance, wire = self.chance, self.wire
        if not self.log_in():
            return
        wire.send(self.message(PacketType.SQL_BATCH, self.batch("BEGIN TRANSACTION; " + SETUP)))
        if not self.answer():
            return
        parameters = Parameters(chance, Texts(chance))
        for _ in range(chance.randint(4, 16)):
            payload = headers(self.descriptor) + parameters.call()
            self.said.append(payload.hex())
            if not wire.send(self.message(PacketType.RPC, payload)) or not self.answer():
                return


class Fuzzer:
    """Rounds of conversations, with a healthy client beside them, and a look at what is left over after each."""

    def __init__(self, folder: Path, seed: str, *, say: Callable[[str], None] = print) -> None:
        self.seed = seed
        self.say = say
        self.problems: list[Problem] = []
        self.counts: dict[str, int] = {}
        self.memory: list[float] = []
        self.slowest = 0.0
        self._guard = threading.Lock()
        self._folder = folder
        self._servers = 0
        self._start()

    def _start(self) -> None:
        folder = self._folder / str(self._servers)
        folder.mkdir()
        self._servers += 1
        self.process = Process(folder)
        self._idle: tuple[int, int] | None = None
        self.memory = []

    def report(self, problem: Problem) -> None:
        if problem.what.startswith(("late", "the probe")):
            problem.trace = self.process.where()
        with self._guard:
            self.problems.append(problem)
            known = [p.key for p in self.problems[:-1]]
        if problem.key not in known:
            self.say(f"PROBLEM {problem}")

    # -- a round

    def round(self, first: int, conversations: int = ROUND) -> None:
        """Conversations first, first + 1 ..., by some clients at a time."""
        numbers = iter(range(first, first + conversations))
        ended = threading.Event()

        def work(database: str) -> None:
            while True:
                with self._guard:
                    number = next(numbers, None)
                if number is None or self.process.code is not None:
                    return
                chance = Random(f"{self.seed}/{number}")
                # Most of them have a database of their own: whose transaction is open disturbs nobody.
                where = database if chance.random() < 0.8 else SHARED
                kind = Play(number, chance, where, self.process.port, self.report).run()
                with self._guard:
                    self.counts[kind] = self.counts.get(kind, 0) + 1

        probe = threading.Thread(target=self._probe, args=(ended,))
        workers = [threading.Thread(target=work, args=(f"W{i}",)) for i in range(WORKERS)]
        for thread in (probe, *workers):
            thread.start()
        for thread in workers:
            thread.join()
        ended.set()
        probe.join()
        self._look(first)

    def _probe(self, ended: threading.Event) -> None:
        """The healthy client: asks all along, and logs in anew from time to time."""
        chance = Random(0)
        while not ended.is_set() and self.process.code is None:
            started = time.monotonic()
            try:
                with self._client(chance, SHARED) as wire:
                    for _ in range(20):
                        asked = time.monotonic()
                        wire.send(packets(PacketType.SQL_BATCH, headers() + utf16("SELECT 1 AS x")))
                        payload = wire.message()
                        if payload is None or walk(payload).rows != 1:
                            self.report(Problem("the probe got no answer"))
                            break
                        self.slowest = max(self.slowest, time.monotonic() - asked)
                        if ended.wait(0.05):
                            break
            except (Late, Wrong, OSError) as e:
                if self.process.code is None:
                    self.report(Problem(f"the probe: {type(e).__name__} {e} after {time.monotonic() - started:.1f} s"))

    @contextmanager
    def _client(self, chance: Random, database: str) -> Iterator[Wire]:
        wire = Wire(self.process.port, chance, 3 * PATIENCE)
        try:
            if not wire.log_in(database):
                raise Wrong("the login failed")
            yield wire
        finally:
            wire.close()

    def _look(self, number: int) -> None:
        """What the clients have left over, now that they are gone."""
        if self.process.code is not None:
            trace = "".join(self.process.complaints())
            self.report(Problem(f"the server has died ({self.process.code})", number, trace=trace))
            self.process.stop()
            self._start()
            return
        self._released(number)
        for complaint in self.process.complaints():
            address = complaint.partition(": ")[0]
            found = next((p for p in reversed(self.problems) if p.address == address and not p.trace), None)
            if found is not None:
                found.trace = complaint
                self.say(f"  of conversation {found.conversation}: " + "\n    ".join(complaint.splitlines()[-7:]))
            else:
                self.report(Problem("the log: " + complaint.splitlines()[-1], number, trace=complaint))
        self.memory.append(self.process.megabytes)

    def _released(self, number: int) -> None:
        chance = Random(0)
        for database in (SHARED, *[f"W{i}" for i in range(WORKERS)]):
            try:
                with self._client(chance, database) as wire:
                    text = (
                        "SET LOCK_TIMEOUT 10000; BEGIN TRANSACTION; DECLARE @r int; EXEC @r = sp_getapplock 'a', 'Exclusive', 'Transaction', 10000;"
                        " CREATE TABLE dbo.probe (i int); IF @r < 0 THROW 50000, N'the lock is held', 1; ROLLBACK;"
                    )
                    wire.send(packets(PacketType.SQL_BATCH, headers() + utf16(text)))
                    payload = wire.message()
                    errors = walk(payload).errors if payload is not None else [(0, "closed")]
                    if errors:
                        self.report(Problem(f"locks are held when all clients are gone: {errors[0][1]}", number))
            except (Late, Wrong, OSError) as e:
                self.report(Problem(f"the probe: {type(e).__name__} {e} when all clients are gone", number))
        deadline = time.monotonic() + 20
        left = (self.process.threads, self.process.files)
        while left != (self._idle or left) or left[0] > 2:
            if time.monotonic() > deadline:
                self.report(
                    Problem(
                        f"left over: {left} threads and files, {self._idle} before", number, trace=self.process.where()
                    )
                )
                break
            threading.Event().wait(0.02)
            left = (self.process.threads, self.process.files)
        self._idle = self._idle or left

    def finish(self) -> None:
        """Memory, and the server's own end."""
        grown = self.grown
        if grown > GROWTH:
            self.report(Problem(f"memory has grown by {grown:.0f} MB: {[round(m) for m in self.memory]}"))
        code = self.process.stop()
        if code:
            self.report(Problem(f"the server ends with {code}"))

    @property
    def grown(self) -> float:
        """MB more than after warming up."""
        return self.memory[-1] - max(self.memory[:WARM]) if len(self.memory) > WARM else 0.0


def fuzz(
    folder: Path, seed: str, seconds: float, *, conversations: int = 10**9, say: Callable[[str], None] = print
) -> Fuzzer:
    """Rounds until the time or the number of conversations is over."""
    fuzzer = Fuzzer(folder, seed, say=say)
    ends = time.monotonic() + seconds
    number = 0
    try:
        while number < conversations and time.monotonic() < ends:
            fuzzer.round(number, min(ROUND, conversations - number))
            number += ROUND
    finally:
        fuzzer.finish()
    return fuzzer


def main(arguments: list[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser("python -m tests.tds.fuzz", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", default="1", help="any text")
    parser.add_argument("--conversation", type=int, help="one again")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.serve:
        serve(options.serve)
        return 0
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        if options.conversation is not None:
            fuzzer = Fuzzer(Path(folder), options.seed)
            fuzzer.round(options.conversation, 1)
            fuzzer.finish()
        else:
            fuzzer = fuzz(Path(folder), options.seed, options.seconds)
    found = {problem.key for problem in fuzzer.problems}
    counts = ", ".join(f"{number} {kind}" for kind, number in sorted(fuzzer.counts.items()))
    print(f"seed {options.seed}: {sum(fuzzer.counts.values())} conversations ({counts})")
    print(
        f"slowest answer to the healthy client {fuzzer.slowest:.2f} s; memory {fuzzer.memory[-1] if fuzzer.memory else 0:.0f} MB, grown by {fuzzer.grown:.0f} MB"
    )
    print("memory:", [round(m) for m in fuzzer.memory])
    print(f"{len(found)} problems" + "".join(f"\n  {key}" for key in sorted(found)))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
