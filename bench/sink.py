"""An SMTP server that takes every mail and forgets it as fast as a process can; `python -m bench.sink` prints its port.

It runs in a process of its own, so that neither side of a comparison pays for it, and both meet the same one.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["sink"]

BYE: Final = b"221 2.0.0 Bye\r\n"
REPLIES: Final = {
    b"EHLO": b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
    b"HELO": b"250 sink\r\n",
    b"MAIL": b"250 2.1.0 Ok\r\n",
    b"RCPT": b"250 2.1.5 Ok\r\n",
    b"RSET": b"250 2.0.0 Ok\r\n",
    b"NOOP": b"250 2.0.0 Ok\r\n",
    b"DATA": b"354 go on\r\n",
    b"QUIT": BYE,
}


class Sink(asyncio.Protocol):
    """One connection."""

    taken = 0

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._data = b""
        self._in_body = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greets."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        """Answers each command; of a body it only looks for the end."""
        assert self._transport is not None
        self._data += data
        answers = b"".join(self._answers())
        if answers:
            self._transport.write(answers)
        if answers.startswith(BYE):
            self._transport.close()

    def _answers(self) -> Iterator[bytes]:
        while self._data:
            if self._in_body:
                end = self._data.find(b"\r\n.\r\n")
                if end < 0:
                    return
                self._data = self._data[end + 5 :]
                self._in_body = False
                Sink.taken += 1
                yield b"250 2.0.0 Ok: taken\r\n"
                continue
            line, newline, rest = self._data.partition(b"\r\n")
            if not newline:
                return
            self._data = rest
            verb = line[:4].upper()
            self._in_body = verb == b"DATA"
            yield REPLIES.get(verb, b"502 5.5.2 no\r\n")


async def serve() -> None:
    """Listens until standard input is closed, then tells how many mails it took."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    print(Sink.taken, flush=True)


@contextmanager
def sink() -> Iterator[int]:
    """The port of a sink in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.sink"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdin is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


if __name__ == "__main__":
    asyncio.run(serve())
