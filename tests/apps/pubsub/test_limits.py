"""Who reads too slowly, asks for too much or comes in crowds costs nobody else, and is told so."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.apps.pubsub.streams import Stream, listening
from tests.program import Program, wait_until

SIZE, COUNT = 200_000, 60


@pytest.fixture
def owner(shared_program: Program) -> Iterator[httpx.Client]:
    """The owner."""
    with shared_program.owner() as client:
        yield client


def open_slow(program: Program, token: str, policy: str) -> Stream:
    """A listener that does not read until it is asked to, with little room on its side."""
    return Stream(program, f"/hub/slow/%23/json?slow={policy}", authorization=f"Bearer {token}", small=True)


def read_until(stream: Stream, body: str) -> list[dict[str, Any]]:
    """Everything up to the message that begins so, or the end."""
    found = []
    while event := stream.event():
        found.append(event)
        if str(event.get("data", "")).startswith(body):
            break
    return found


def memory_mb(program: Program) -> float:
    """What the program occupies."""
    assert program.process is not None
    lines = Path(f"/proc/{program.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def test_slow_listeners_follow_their_policy(shared_program: Program, owner: httpx.Client, token: str) -> None:
    slow = {policy: open_slow(shared_program, token, policy) for policy in ("replay", "drop", "latest", "close")}
    crowd = [open_slow(shared_program, token, "drop") for _ in range(20)]
    quick: list[str] = []
    with listening(shared_program, "/hub/slow/%23/json", authorization=f"Bearer {token}") as stream:
        stream.event()
        hearing = threading.Thread(target=lambda: quick.extend(stream.message()["data"][:3] for _ in range(COUNT)))
        hearing.start()
        before = memory_mb(shared_program)
        for n in range(COUNT):
            owner.post(f"/hub/slow/{n % 2}", content=f"{n:03}" + "x" * SIZE)
        hearing.join(20)
        grown = memory_mb(shared_program) - before
    numbers = [f"{n:03}" for n in range(COUNT)]
    assert quick == numbers, "the quick one hears everything while others do not read"
    assert grown < 150
    last = numbers[-1]
    replayed = read_until(slow["replay"], last)
    assert [one["data"][:3] for one in replayed if one["event"] == "message"] == numbers
    assert any(one["event"] == "slow" for one in replayed)
    for policy in ("drop", "latest"):
        found = read_until(slow[policy], last)
        heard = [one["data"][:3] for one in found if one["event"] == "message"]
        told = sum(one["dropped"] for one in found if one["event"] == "slow")
        assert told > 0
        assert len(heard) + told == COUNT
        assert heard == sorted(heard)
        assert heard[-1] == last
    assert read_until(slow["close"], last)[-1]["reason"] == "You read too slowly."
    for stream in (*slow.values(), *crowd):
        stream.close()


def test_crowds_are_refused_by_name(shared_program: Program, owner: httpx.Client, token: str) -> None:
    wait_until(lambda: owner.get("/hub/crowd/presence").json()["listeners"] == 0)
    owner.put("/api/v1/settings/pubsub.max_listeners", json={"value": 3})
    streams, refused = [], ""
    for _ in range(40):
        stream = Stream(shared_program, "/hub/crowd/json", authorization=f"Bearer {token}")
        streams.append(stream)
        if stream.status == 503:
            refused = stream.file.read(int(stream.headers["content-length"])).decode()
            break
    assert json.loads(refused)["detail"] == "3 listeners are connected, and no more are allowed."
    for stream in streams:
        stream.close()
    owner.put("/api/v1/settings/pubsub.max_listeners", json={"value": 10_000})


def test_strangers_share_few_connections(shared_program: Program, owner: httpx.Client) -> None:
    owner.put("/api/v1/pubsub/rules", json={"pattern": "open", "who": "everyone", "may": "read"})
    owner.put("/api/v1/settings/pubsub.visitor_listeners", json={"value": 2})
    wait_until(lambda: httpx.get(f"{shared_program.url}/hub/open/json?poll=1").status_code == 200)
    streams = [Stream(shared_program, path) for path in ("/hub/open/sse", "/hub/open/json", "/ntfy/open/json")]
    assert [stream.status for stream in streams] == [200, 200, 429]
    assert json.loads(streams[2].file.readline())["code"] == 42903
    for stream in streams:
        stream.close()


def test_too_many_topics_are_refused_one_by_one(shared_program: Program, owner: httpx.Client) -> None:
    owner.put("/api/v1/settings/pubsub.max_topics", json={"value": 60})
    answers = owner.post("/hub/", json=[{"topic": f"many/{n}", "data": n} for n in range(500)]).json()
    failed = [one["error"] for one in answers if "error" in one]
    assert 0 < len(answers) - len(failed) <= 60
    assert failed[0]["max_topics"] == 60
    assert owner.post("/hub/many/0", content="still").status_code == 200
    assert owner.post("/hub/many/new", content="x").status_code == 507
    owner.put("/api/v1/settings/pubsub.max_topics", json={"value": 100_000})
    assert owner.post("/hub/many/new", content="x").status_code == 200


def test_a_listener_whose_client_is_gone_is_forgotten(shared_program: Program, owner: httpx.Client, token: str) -> None:
    stream = Stream(shared_program, "/hub/gone/sse", authorization=f"Bearer {token}")
    assert owner.get("/hub/gone/presence").json()["listeners"] == 1
    stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset instead of an end
    stream.close()
    wait_until(lambda: owner.get("/hub/gone/presence").json()["listeners"] == 0)
