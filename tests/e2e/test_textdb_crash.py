"""`kill -9` while documents are written and a feed is followed: nothing answered is lost, nothing is told twice."""

from __future__ import annotations

import random
import sqlite3
import threading
from contextlib import suppress

import httpx
import pytest

from tests.conftest import LONG
from tests.program import Program, wait_until

KILLS = 30 if LONG else 2
WRITERS = 3


class Follower(threading.Thread):
    """Reads the feed by long poll, goes on where it was cut off, and keeps what it was told."""

    def __init__(self, program: Program) -> None:
        super().__init__(daemon=True)
        self.program = program
        self.told: list[tuple[int, str]] = []
        self.stopping = threading.Event()

    def run(self) -> None:
        since = 0
        while not self.stopping.is_set():
            with suppress(httpx.HTTPError), self.program.owner() as client:
                while not self.stopping.is_set():
                    asked: dict[str, str | int] = {"since": since, "feed": "longpoll", "timeout": 500, "limit": 1_000}
                    found = client.get("/db/log/_changes", params=asked).raise_for_status().json()
                    assert not found["reset"]
                    self.told += [(entry["seq"], entry["id"]) for entry in found["changes"]]
                    since = found["lastSeq"]


def write_until_killed(program: Program, secret: str, writer: str, acknowledged: list[str]) -> None:
    """By both ways: a PUT goes the general one, a POST with a token is taken at the front door."""
    with program.client(headers={"authorization": f"Bearer {secret}"}) as client, suppress(httpx.HTTPError):
        for number in range(1_000_000):
            name = f"{writer}-{len(acknowledged)}-{number}"
            if number % 3:
                client.post("/db/log", json={"id": name, "from": writer}).raise_for_status()
            else:
                client.put(f"/db/log/{name}", json={"from": writer}).raise_for_status()
            acknowledged.append(name)


@pytest.mark.slow
@pytest.mark.timeout(120 + 20 * KILLS)
def test_the_feed_has_every_answered_write_once(program: Program) -> None:
    chance = random.Random(5)
    acknowledged: list[list[str]] = [[] for _ in range(WRITERS)]
    with program.owner() as owner:
        owner.put("/db/log/first", json={}).raise_for_status()
        secret = owner.post("/api/v1/tokens", json={"name": "writer", "scopes": ["textdb:rw"]}).json()["secret"]
    follower = Follower(program)
    follower.start()
    for round_number in range(KILLS):
        before = sum(map(len, acknowledged))
        threads = [
            threading.Thread(target=write_until_killed, args=(program, secret, f"w{n}r{round_number}", acknowledged[n]))
            for n in range(WRITERS)
        ]
        for thread in threads:
            thread.start()
        wait_until(lambda before=before: sum(map(len, acknowledged)) > before + 20, 30, "writes")
        threading.Event().wait(chance.uniform(0, 0.3))
        program.kill()
        for thread in threads:
            thread.join(30)
        program.start()
    with program.owner() as owner:
        last = owner.get("/db/log/_changes", params={"since": "now"}).json()["lastSeq"]
    wait_until(lambda: follower.told and follower.told[-1][0] == last, 30, "the end of the feed")
    follower.stopping.set()
    follower.join(30)
    numbers = [seq for seq, _ in follower.told]
    assert numbers == list(range(1, last + 1)), "in order, without gap or double"
    assert {name for names in acknowledged for name in names} <= {name for _, name in follower.told}
    program.stop()
    with sqlite3.connect(program.data) as conn:
        assert conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    conn.close()
