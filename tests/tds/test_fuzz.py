"""A short run of the fuzzer; `make fuzz SECONDS=600` runs it for long. What it found is in tests/engine/test_limits.py,
tests/engine/known_answers and here.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest
from tests.tds.fuzz import fuzz
from tests.tds.raw_client import RawClient, last_done

from tsqlite.tds.server import STACK, Server


@pytest.mark.skipif(sys.platform != "linux", reason="what a process leaves over is read from /proc")
def test_clients_that_misbehave_hurt_nobody_but_themselves(tmp_path: Path) -> None:
    told: list[str] = []
    fuzzer = fuzz(tmp_path, "7", 12, conversations=160, say=told.append)
    assert not fuzzer.problems, "\n".join(told)
    assert sum(fuzzer.counts.values()) >= 40


def test_a_text_that_nests_too_deeply_is_an_error_and_the_connection_goes_on(server: Server) -> None:
    client = RawClient(server.port)
    client.log_in()
    for text in ("SELECT 1" + " + 1" * 20_000, "SELECT " + "CASE WHEN 1 = 1 THEN " * 20_000 + "1" + " END" * 20_000):
        answer = client.ask(text)
        assert last_done(answer)[1] & 2
        assert (191).to_bytes(4, "little") in answer
    assert last_done(client.ask("SELECT 1"))[1:] == (0x10, 1)
    client.close()


def test_requests_have_the_stack_that_deep_texts_need_and_other_threads_keep_theirs(server: Server) -> None:
    before = threading.stack_size()
    client = RawClient(server.port)
    client.log_in()
    assert STACK >= 8 * 1024 * 1024
    assert threading.stack_size() == before
    client.close()
