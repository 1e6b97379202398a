"""`kill -9` under a load of writes over HTTP: what was answered is there."""

from __future__ import annotations

import random
import sqlite3
import threading
from contextlib import suppress

import httpx
import pytest

from tests.conftest import LONG
from tests.program import Program

CRASHES = 50 if LONG else 2
WRITERS = 4


def write_until_killed(program: Program, writer: int, acknowledged: list[str]) -> None:
    """Create documents, of which there may be any number; note the name of each that was answered."""
    with program.owner() as client, suppress(httpx.HTTPError):
        for number in range(1_000_000):
            name = f"w{writer}-{len(acknowledged)}-{number}"
            client.post("/db/kept", json={"name": name}).raise_for_status()
            acknowledged.append(name)


@pytest.mark.slow
@pytest.mark.timeout(120 + 20 * CRASHES)
def test_every_answered_write_survives_kill_9(program: Program) -> None:
    chance = random.Random(4698)
    acknowledged: list[list[str]] = [[] for _ in range(WRITERS)]
    for _ in range(CRASHES):
        before = sum(map(len, acknowledged))
        threads = [
            threading.Thread(target=write_until_killed, args=(program, writer, acknowledged[writer]))
            for writer in range(WRITERS)
        ]
        for thread in threads:
            thread.start()
        while sum(map(len, acknowledged)) < before + 5:
            threading.Event().wait(0.005)
        threading.Event().wait(chance.uniform(0, 0.4))
        program.kill()
        for thread in threads:
            thread.join(30)
        program.start()
    program.stop()
    with sqlite3.connect(program.data) as conn:
        kept = {name for (name,) in conn.execute("SELECT json_extract(body, '$.name') FROM textdb_document")}
        assert conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    conn.close()
    assert {name for names in acknowledged for name in names} - kept == set()
    assert sum(map(len, acknowledged)) >= 5 * CRASHES
