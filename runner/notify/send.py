"""The sender: claims messages, hands them to gateways, records how it ended. It needs the queue's URL alone.

    feed (one per channel)     claim_messages ──▶ a buffer of claimed messages
    workers (one per           prepare ──▶ begin ──▶ hand_over ──▶ outcome
    connection)                              │                       │
    journal                    one commit for every worker that waits, with the outcomes that have come in since

Every attempt is committed before its hand-over, and every outcome is stored; what a killed sender leaves behind ends in
doubt and is never sent again by itself. Nothing is retried here but calls to the queue, which may all be repeated.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from notify.config import SendConfig
from notify.databases import Connection, Database
from notify.errors import DEADLOCK, ConfigError, DatabaseError, DatabaseUnreachable, NotifyError
from notify.gateways.base import Gateway, GatewayUnavailable, Message, Outcome, Session
from notify.procedures import queue

__all__ = ["SendSummary", "Sender", "send"]

T = TypeVar("T")
log = logging.getLogger("notify.send")

LOCK_TIMEOUT: Final = 1222
LOOP_WAIT_MS: Final = 50
"""How long the event loop's thread waits for a lock of an embedded queue."""
HAND_OVER_MARGIN: Final = 60
"""Seconds that an attempt's lease outlasts the longest hand-over."""
IDLE_SECONDS: Final = (0.2, 5.0)
"""Wait between claims that find nothing: the first, doubled up to the last."""
SWEEP_SECONDS: Final = 5.0
GATEWAY_SECONDS: Final = (0.5, 60.0)
"""Wait of a worker whose gateway cannot be reached: the first, doubled up to the last."""
DRAIN_TRIES: Final = 3
"""Connections a worker tries before it gives up, when draining."""
OUTCOME_SECONDS: Final = 0.05
"""How long an outcome waits for a begin to share its commit with."""
OUTCOME_KEYS: Final = Outcome._fields


@dataclass
class SendSummary:
    """Counts of messages, by what this sender saw; `unavailable`: gateway name → why nothing could be handed to it."""

    claimed: int = 0
    accepted: int = 0
    refused: int = 0
    in_doubt: int = 0
    not_handed_over: int = 0
    given_back: int = 0
    swept_in_doubt: int = 0
    expired: int = 0
    seconds: float = 0.0
    unavailable: dict[str, str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Nothing of what was claimed waits for a person or for a gateway."""
        return not self.unavailable and not self.in_doubt


def send(
    database: Database,
    gateways: Sequence[Gateway],
    settings: SendConfig | None = None,
    *,
    drain: bool = False,
    on_progress: Callable[[SendSummary], None] | None = None,
) -> SendSummary:
    """Sends until SIGTERM or SIGINT, which let open hand-overs end; or, draining, until nothing is due.

    Args:
        database: the queue.
        gateways: messages of channels without one stay in the queue.
        on_progress: called after every commit.

    Raises:
        ConfigError: no gateway for a channel that the settings name.
        notify.errors.DatabaseError: the queue cannot be used; what was claimed comes back when its lease ends.
    """
    sender = Sender(database, gateways, settings, drain=drain, on_progress=on_progress)
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        handled = []
        for number in (signal.SIGTERM, signal.SIGINT):
            # Elsewhere than in the main thread, and on Windows, the caller stops by other means.
            with suppress(NotImplementedError, ValueError, RuntimeError):
                loop.add_signal_handler(number, sender.stop)
                handled.append(number)
        try:
            return runner.run(sender.run())
        finally:
            for number in handled:
                loop.remove_signal_handler(number)


class Sender:
    """One run. `stop` may be called from the loop's thread only."""

    def __init__(
        self,
        database: Database,
        gateways: Sequence[Gateway],
        settings: SendConfig | None = None,
        *,
        drain: bool = False,
        on_progress: Callable[[SendSummary], None] | None = None,
    ) -> None:
        self.settings = settings or SendConfig()
        self.summary = SendSummary()
        self._drain = drain
        self._stopping = asyncio.Event()
        self._told: dict[str, str] = {}
        served = {gateway.config.channel for gateway in gateways}
        channels = self.settings.channels or tuple(sorted(served))
        for channel in channels:
            if channel not in served:
                raise ConfigError(f"send.channels names {channel}, but no [[gateway]] serves it")
        timeout = max((gateway.config.timeout_seconds for gateway in gateways), default=0.0)
        name = f"{socket.gethostname()}:{os.getpid()}"
        self._journal = _Journal(database, self.summary, name, int(3 * timeout) + HAND_OVER_MARGIN, on_progress)
        self._journal.patience = self.settings.patience_seconds
        self._feeds = {channel: _Feed() for channel in channels}
        self._gateways = [gateway for gateway in gateways if gateway.config.channel in channels]

    def stop(self) -> None:
        """No further claims; open hand-overs end, the rest is given back."""
        self._stopping.set()
        for feed in self._feeds.values():
            feed.changed.set()

    async def run(self) -> SendSummary:
        """Sends; see `send`."""
        started = time.monotonic()
        self._journal.start(self.stop)
        workers = [
            asyncio.create_task(self._work(gateway, self._feeds[gateway.config.channel], limiter))
            for gateway in self._gateways
            for limiter in [_Limiter(gateway.config.max_per_second)]
            for _ in range(gateway.config.max_connections)
        ]
        feeders = [asyncio.create_task(self._fill(channel, feed)) for channel, feed in self._feeds.items()]
        if not self._drain:
            feeders.append(asyncio.create_task(self._sweep_now_and_then()))
        try:
            await asyncio.gather(*feeders)
        finally:
            self.stop()
            for feed in self._feeds.values():
                feed.close()
            await asyncio.gather(*workers)
            await asyncio.gather(*feeders, return_exceptions=True)
            for feed in self._feeds.values():
                for item in feed.take_all():
                    self._give_back(item.message)
            try:
                await self._journal.close()
            finally:
                self.summary.seconds = time.monotonic() - started
        return self.summary

    async def _fill(self, channel: str, feed: _Feed) -> None:
        """Keeps a channel's buffer filled."""
        idle, asked_at, was_short = IDLE_SECONDS[0], 0.0, False
        take = feed.take = self._take(channel)
        if self._drain:
            await self._sweep()
        while not self._stopping.is_set():
            if feed.is_given_up:
                return
            too_soon = was_short and not feed.is_idle and time.monotonic() < asked_at + IDLE_SECONDS[0]
            if too_soon or feed.is_stalled or feed.is_full:
                await feed.wait(IDLE_SECONDS[0])
                self._return_stale(feed)
                continue
            asked_at = time.monotonic()
            messages = await self._claim(channel, take)
            was_short = len(messages) < take
            if messages:
                idle = IDLE_SECONDS[0]
                feed.put(_Claimed(asked_at, message) for message in messages)
                self.summary.claimed += len(messages)
            elif not feed.is_idle:
                continue
            elif self._drain:
                # Retries may have come due, and what was given back is there again.
                await self._journal.settle()
                if not await self._sweep():
                    return
            else:
                await self._pause(idle)
                idle = min(2 * idle, IDLE_SECONDS[1])

    def _take(self, channel: str) -> int:
        """Messages a claim: no more than slow gateways hand over in a quarter of the lease."""
        limits = [gateway.config.max_per_second for gateway in self._gateways if gateway.config.channel == channel]
        if not all(limits):
            return self.settings.take
        return max(1, min(self.settings.take, int(sum(limits) * self.settings.lease_seconds / 4)))

    async def _claim(self, channel: str, take: int) -> list[Message]:
        try:
            return await self._journal.call(
                queue.claim_messages, channel, take, self.settings.lease_seconds, self._journal.sender
            )
        except DatabaseUnreachable as error:
            if self._drain:
                raise
            log.warning("%s", error)
            return []

    def _return_stale(self, feed: _Feed) -> None:
        """What waits for half of its lease is another sender's to try."""
        for item in feed.take_older(time.monotonic() - self.settings.lease_seconds / 2):
            self._give_back(item.message)

    def _give_back(self, message: Message) -> None:
        self.summary.given_back += 1
        self._journal.record(message, str(uuid.uuid4()), "", Outcome("not_handed_over"))

    async def _sweep(self) -> int:
        """Sweeps all there is; returns how many messages became ready."""
        queued: int = 0
        while True:
            step = await self._journal.call(queue.sweep_messages)
            queued += step["queued"]
            self.summary.swept_in_doubt += step["in_doubt"]
            self.summary.expired += step["expired"]
            if not step["has_more"]:
                return int(queued)

    async def _sweep_now_and_then(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._sweep()
            except DatabaseUnreachable as error:
                log.warning("%s", error)
            await self._pause(SWEEP_SECONDS)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _work(self, gateway: Gateway, feed: _Feed, limiter: _Limiter) -> None:
        """One connection's life."""
        session = gateway.session()
        failures = 0
        feed.workers += 1
        try:
            while (item := await feed.get()) is not None:
                if self._stopping.is_set() or not await limiter.wait(self._stopping):
                    self._give_back(item.message)
                    feed.done()
                    continue
                try:
                    await self._hand_over(session, gateway.config.name, item.message)
                except GatewayUnavailable as error:
                    failures += 1
                    self._tell_once(gateway.config.name, str(error))
                    feed.put_back(item)
                    if self._drain and failures >= DRAIN_TRIES:
                        self.summary.unavailable[gateway.config.name] = str(error)
                        return
                    feed.stalled += 1
                    feed.changed.set()
                    await self._pause(min(GATEWAY_SECONDS[0] * 2 ** (failures - 1), GATEWAY_SECONDS[1]))
                    feed.stalled -= 1
                    feed.changed.set()
                else:
                    failures = 0
                    self._told.pop(gateway.config.name, None)
                    feed.done()
        finally:
            feed.workers -= 1
            feed.changed.set()
            await session.close()

    def _tell_once(self, gateway: str, reason: str) -> None:
        """Every connection meets the same closed door: it is told once, until one gets through."""
        if self._told.get(gateway) != reason:
            self._told[gateway] = reason
            log.warning("gateway %s: %s", gateway, reason)

    async def _hand_over(self, session: Session, gateway: str, message: Message) -> None:
        journal = self._journal
        attempt_id = str(uuid.uuid4())
        journal.enter()
        try:
            outcome = await session.prepare(message)
        finally:
            journal.leave()
        begun = False
        if outcome is None:
            if begun := await journal.begin(message, attempt_id, gateway):
                journal.enter()
                try:
                    outcome = await session.hand_over()
                finally:
                    journal.leave()
            else:
                # Also where no one knows whether the attempt was committed: it is certain that nothing was handed over.
                outcome = Outcome("not_handed_over", detail="the attempt was not granted")
                await session.abandon()
        journal.record(message, attempt_id, gateway, outcome, begun=begun)
        match outcome.outcome:
            case "accepted":
                self.summary.accepted += 1
            case "refused":
                self.summary.refused += 1
            case "unknown":
                self.summary.in_doubt += 1
            case _:
                self.summary.not_handed_over += 1


@dataclass(frozen=True, slots=True)
class _Claimed:
    """A message of ours until its lease ends. `since`: the monotonic clock before the claim was asked for."""

    since: float
    message: Message


class _Feed:
    """The claimed messages of one channel, and how its workers are doing."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        """Whoever fills it has something to do: there is room, or nothing is under way any more."""
        self.take = 0
        """Messages a claim."""
        self.workers = 0
        self.stalled = 0
        self._items: deque[_Claimed] = deque()
        self._arrived: deque[asyncio.Future[None]] = deque()
        self._open = 0
        self._closed = False
        self._started = False

    @property
    def is_idle(self) -> bool:
        """No message waits here or is being handed over."""
        return not self._items and not self._open

    @property
    def is_stalled(self) -> bool:
        """No worker can reach its gateway."""
        return 0 < self.workers <= self.stalled

    @property
    def is_given_up(self) -> bool:
        """All workers have ended."""
        return self._started and not self.workers

    @property
    def is_full(self) -> bool:
        """Enough for now."""
        return len(self._items) > self.take // 2

    def put(self, items: Iterable[_Claimed]) -> None:
        """New messages, in their order."""
        self._items.extend(items)
        self._wake()

    def put_back(self, item: _Claimed) -> None:
        """A message that another worker shall try."""
        self._open -= 1
        self._items.appendleft(item)
        self._wake()

    def done(self) -> None:
        """A message taken by `get` is dealt with."""
        self._open -= 1
        if self.is_idle:
            self.changed.set()

    async def get(self) -> _Claimed | None:
        """The next message; None when the feed is closed."""
        self._started = True
        while not self._items:
            if self._closed:
                return None
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._arrived.append(waiter)
            await waiter
        if self._closed:
            return None
        self._open += 1
        item = self._items.popleft()
        if not self.is_full:
            self.changed.set()
        return item

    async def wait(self, seconds: float) -> None:
        """Until something changes, or for so many seconds."""
        self.changed.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.changed.wait(), seconds)

    def take_older(self, since: float) -> Iterator[_Claimed]:
        """Removes the messages claimed before a point of the monotonic clock."""
        while self._items and self._items[0].since < since:
            yield self._items.popleft()

    def take_all(self) -> Iterator[_Claimed]:
        """Removes every message."""
        while self._items:
            yield self._items.popleft()

    def close(self) -> None:
        """Workers end after what they have in hand."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        waiting = len(self._arrived) if self._closed else min(len(self._items), len(self._arrived))
        for _ in range(waiting):
            waiter = self._arrived.popleft()
            if not waiter.done():
                waiter.set_result(None)


class _Limiter:
    """At most so many hand-overs a second (0: no limit), evenly spread."""

    def __init__(self, per_second: float) -> None:
        self._step = 1 / per_second if per_second else 0.0
        self._next = 0.0

    async def wait(self, stopping: asyncio.Event) -> bool:
        """Until it is one's turn; False when the sender is stopped meanwhile."""
        if not self._step:
            return True
        now = time.monotonic()
        turn = max(now, self._next)
        self._next = turn + self._step
        if turn > now:
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), turn - now)
        return not stopping.is_set()


@dataclass(slots=True)
class _Begin:
    """An attempt that waits for its commit."""

    attempt: dict[str, Any]
    granted: asyncio.Future[bool]


class _Journal:
    """All calls to the queue, one at a time, on one connection: a server's in a thread of their own.

    An embedded queue is as much Python as the event loop: in another thread the two would hand each other the
    interpreter's lock at every statement, which costs as much again as the statements do. Its calls run in the loop's
    thread, unless they have to wait for a lock.
    """

    def __init__(
        self,
        database: Database,
        summary: SendSummary,
        sender: str,
        lease_seconds: int,
        on_progress: Callable[[SendSummary], None] | None,
    ) -> None:
        self.sender = sender[:128]
        self.patience = SendConfig.patience_seconds
        self._database = database
        self._summary = summary
        self._lease_seconds = lease_seconds
        self._on_progress = on_progress
        self._connection: Connection | None = None
        self._thread = ThreadPoolExecutor(1, "notify-queue")
        self._in_thread = 0
        self._is_quick = False
        """Whether the connection is an embedded queue's, and waits for no lock."""
        self._begins: list[_Begin] = []
        self._outcomes: list[dict[str, Any]] = []
        self._changed = asyncio.Event()
        self._settled = asyncio.Event()
        self._settled.set()
        self._busy = 0
        self._closing = False
        self._failed: NotifyError | None = None
        self._linger = 0.0
        self._task: asyncio.Task[None] | None = None
        self._on_failure: Callable[[], None] = lambda: None

    def start(self, on_failure: Callable[[], None]) -> None:
        """Begins to commit. `on_failure` is called when the queue can no longer be used."""
        self._on_failure = on_failure
        self._task = asyncio.create_task(self._commit_all())

    async def call(self, procedure: Callable[..., T], *arguments: Any) -> T:
        """A call outside the stream of attempts."""
        if self._is_quick and not self._in_thread and self._connection is not None:
            try:
                return procedure(self._connection, *arguments)
            except DatabaseUnreachable as error:
                log.debug("%s; tried again", error)
            except DatabaseError as error:
                if error.number not in (DEADLOCK, LOCK_TIMEOUT):
                    raise
        self._in_thread += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._call, procedure, arguments)
        finally:
            self._in_thread -= 1

    async def begin(self, message: Message, attempt_id: str, gateway: str) -> bool:
        """True once the attempt is committed; False when it is not this sender's to make."""
        if self._failed is not None:
            return False
        granted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        attempt = {
            "message_id": message.message_id,
            "attempt_id": attempt_id,
            "claim_token": str(message.claim_token),
            "gateway": gateway,
        }
        self._begins.append(_Begin(attempt, granted))
        if len(self._begins) == 1 or not self._busy:
            self._changed.set()
        return await granted

    def record(self, message: Message, attempt_id: str, gateway: str, outcome: Outcome, *, begun: bool = False) -> None:
        """An outcome to be stored with the next commit. `begun`: its attempt is known to be committed."""
        entry: dict[str, Any] = {"message_id": message.message_id, "attempt_id": attempt_id}
        if not begun:
            entry |= {"claim_token": str(message.claim_token), "gateway": gateway}
        entry |= {name: value for name, value in zip(OUTCOME_KEYS, outcome, strict=True) if value}
        self._outcomes.append(entry)
        self._settled.clear()
        if len(self._outcomes) == 1 or not self._busy:
            self._changed.set()

    def enter(self) -> None:
        """A worker goes to its gateway, and will ask for its next attempt soon."""
        self._busy += 1

    def leave(self) -> None:
        """It is back."""
        self._busy -= 1
        if not self._busy:
            self._changed.set()

    async def settle(self) -> None:
        """Until every outcome so far is stored."""
        while not self._settled.is_set() and self._failed is None:
            self._changed.set()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._settled.wait(), OUTCOME_SECONDS)

    async def close(self) -> None:
        """Stores what is left and closes the connection.

        Raises:
            NotifyError: what made the queue unusable; outcomes that are not stored leave their messages in doubt.
        """
        self._closing = True
        self._changed.set()
        if self._task is not None:
            await self._task
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown()
        if self._failed is not None:
            raise self._failed

    async def _commit_all(self) -> None:
        while True:
            await self._wait_for_company()
            if not self._begins and not self._outcomes:
                if self._closing:
                    return
                continue
            begins, self._begins = self._begins, []
            outcomes, self._outcomes = _one_each(self._outcomes)
            started = time.monotonic()
            try:
                granted = await self.call(self._commit, outcomes, [begin.attempt for begin in begins])
            except Exception as error:  # the workers wait for an answer, whatever happened
                granted = {}
                if not self._keep(error, outcomes) and self._closing:
                    self._outcomes.clear()
            self._linger = time.monotonic() - started
            for begin in begins:
                begin.granted.set_result(granted.get(begin.attempt["attempt_id"], False))
            if not self._outcomes:
                self._settled.set()
            if self._on_progress is not None:
                self._on_progress(self._summary)

    def _keep(self, error: Exception, outcomes: list[dict[str, Any]]) -> bool:
        """After a failed commit: outcomes are kept for the next one while there may be one."""
        if isinstance(error, DatabaseUnreachable) and not self._closing:
            log.warning("%s", error)
            self._outcomes[:0] = outcomes
            return True
        if self._failed is None:
            self._failed = error if isinstance(error, NotifyError) else NotifyError(f"the sender failed: {error!r}")
            log.error("%s", error)
            self._on_failure()
        return False

    async def _wait_for_company(self) -> None:
        """A wave: as many attempts in one commit as there are free connections, and the outcomes with them."""
        while not self._begins and not self._closing:
            if self._outcomes and not self._busy:
                return
            self._changed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), OUTCOME_SECONDS if self._outcomes else None)
                continue
            if not self._begins:
                return
        # Whoever is still with the gateway may join, for no longer than a commit takes.
        deadline = time.monotonic() + min(self._linger, 0.02)
        while self._busy and not self._closing and (left := deadline - time.monotonic()) > 0:
            self._changed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), left)

    # From here on in the journal's thread.

    def _commit(
        self, connection: Connection, outcomes: list[dict[str, Any]], attempts: list[dict[str, Any]]
    ) -> dict[str, bool]:
        if not attempts:
            _tell_defects(queue.record_outcomes(connection, outcomes))
            return {}
        if not outcomes:
            begun = queue.begin_attempts(connection, attempts, self._lease_seconds)
        else:
            try:
                recorded, begun = queue.advance_attempts(connection, outcomes, attempts, self._lease_seconds)
                _tell_defects(recorded)
            except DatabaseUnreachable:
                raise
            except DatabaseError as error:
                if error.number in (DEADLOCK, LOCK_TIMEOUT):
                    raise
                # A queue that refuses attempts still takes outcomes.
                _tell_defects(queue.record_outcomes(connection, outcomes))
                begun = queue.begin_attempts(connection, attempts, self._lease_seconds)
        return {str(row["attempt_id"]).lower(): bool(row["begun"]) for row in begun}

    def _call(self, procedure: Callable[..., T], arguments: tuple[Any, ...]) -> T:
        give_up_at = time.monotonic() + self.patience
        wait, told = 0.1, False
        while True:
            try:
                if self._connection is None:
                    self._connection = self._database.open()
                with self._patiently(self._connection):
                    return procedure(self._connection, *arguments)
            except DatabaseUnreachable as error:
                self._disconnect()
                if self._closing or time.monotonic() + wait > give_up_at:
                    raise
                if not told:
                    told = True
                    log.warning("%s; tried again for up to %g s", error, self.patience)
            except DatabaseError as error:
                if error.number != DEADLOCK or time.monotonic() + wait > give_up_at:
                    raise
            time.sleep(wait)
            wait = min(2 * wait, 5.0)

    @contextmanager
    def _patiently(self, connection: Connection) -> Iterator[None]:
        """Waits for locks as long as the database does; afterwards an embedded one waits for none to speak of."""
        if self._is_quick:
            connection.execute("SET LOCK_TIMEOUT -1;")
            self._is_quick = False
        yield
        if connection.is_embedded:
            connection.execute(f"SET LOCK_TIMEOUT {LOOP_WAIT_MS};")
            self._is_quick = True

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        self._is_quick = False
        if connection is not None:
            with suppress(Exception):
                connection.close()


def _tell_defects(recorded: Iterable[dict[str, Any]]) -> None:
    """What the queue could not record: its message stays as it is, until the sweep puts it in doubt."""
    for row in recorded:
        if row["defect"] is not None:
            log.error("an outcome was not recorded: %s (attempt %s)", row["defect"], row["attempt_id"])


def _one_each(outcomes: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The first outcome of each message, and the rest: a call takes a message once."""
    seen: set[int] = set()
    first: list[dict[str, Any]] = []
    rest: list[dict[str, Any]] = []
    for outcome in outcomes:
        (rest if outcome["message_id"] in seen else first).append(outcome)
        seen.add(outcome["message_id"])
    return first, rest
