"""Listeners over all doors that are cut at random, publishers at full speed, and a server that is killed."""

from __future__ import annotations

import asyncio
import json
import random
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import websockets

from tests.program import Program

TROUBLE = (OSError, EOFError, asyncio.IncompleteReadError, websockets.WebSocketException, ValueError)
ENOUGH = 30
DOORS = ("ws", "sse", "json", "multi", "poll", "ntfy")


@dataclass
class Soak:
    """One run. `acknowledged` holds, for each topic, what publishers were told is kept, in their order."""

    program: Program
    token: str
    topics: list[str]
    acknowledged: dict[str, list[str]] = field(default_factory=dict)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    published: bool = False
    longest_s: float = 3.0
    has_enough: asyncio.Event = field(default_factory=asyncio.Event)
    faults: list[str] = field(default_factory=list)
    cuts: int = 0
    kills: int = 0
    received: int = 0

    async def request(self, stream: tuple[Any, Any], head: str, body: bytes = b"") -> bytes:
        """One request over a connection that is kept open; the body of the answer."""
        reader, writer = stream
        lines = (
            f"{head} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {self.token}\r\ncontent-length: {len(body)}"
        )
        writer.write(f"{lines}\r\n\r\n".encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        size = next((line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:")), b"")
        if not answer.startswith(b"HTTP/1.1 200") or not size:
            raise ValueError(answer.decode("latin-1").partition("\r\n")[0])
        found: bytes = await reader.readexactly(int(size.partition(b":")[2]))
        return found

    async def publish(self, number: int, rng: random.Random) -> None:
        """Publish to one topic after another; what was not acknowledged is sent again with the same key."""
        stream: tuple[Any, Any] | None = None
        count = 0
        topic, body = "", ""
        while not self.done.is_set() or body:
            if not body:
                count += 1
                topic, body = self.topics[(number + count) % len(self.topics)], f"{number}-{count}"
            try:
                if stream is None:
                    stream = await asyncio.open_connection("127.0.0.1", self.program.port)
                said = await self.request(stream, f"POST /hub/{topic}?key={body}", body.encode())
                self.acknowledged.setdefault(topic, []).append(body)
                assert json.loads(said)["seq"] > 0
                if self.kills and sum(map(len, self.acknowledged.values())) > ENOUGH:
                    self.has_enough.set()
                body = ""
            except TROUBLE:
                if stream is not None:
                    stream[1].close()
                stream = None
                await asyncio.sleep(rng.uniform(0.01, 0.1))
        if stream is not None:
            stream[1].close()

    async def kill(self, rng: random.Random, pause_s: tuple[float, float]) -> None:
        """Kill the server now and then, and start it again at the same port."""
        while not self.done.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self.done.wait(), rng.uniform(*pause_s))
                return
            self.program.kill()
            self.kills += 1
            await asyncio.to_thread(self.program.start)


@dataclass
class Hearer:
    """One listener. It goes on from the last number it has seen, and notes what it is told."""

    soak: Soak
    door: str
    topics: list[str]
    rng: random.Random
    seen: dict[str, list[str]] = field(default_factory=dict)
    last: str = "all"
    position: int = 0
    is_caught_up: bool = False

    def note(self, said: dict[str, Any]) -> None:
        """One event of the stream."""
        if said["event"] in {"gap", "closed", "error"}:
            self.soak.faults.append(f"{self.door}: {said}")
        if said["event"] != "message":
            return
        self.soak.received += 1
        if self.door == "ntfy":
            self.last = said["id"]
            self.seen.setdefault(said["topic"], []).append(said["message"])
            return
        if said["seq"] <= self.position:
            self.soak.faults.append(f"{self.door}: {said['seq']} after {self.position}")
        self.position = said["seq"]
        self.last = str(self.position)
        self.seen.setdefault(said["topic"], []).append(said["data"])

    def is_done(self) -> bool:
        """Whether everything that was acknowledged has come."""
        want = self.soak.acknowledged
        return self.soak.published and all(len(self.seen.get(t, [])) >= len(want.get(t, [])) for t in self.topics)

    async def hear(self) -> None:
        """Listen, be cut, and come again, until all is there."""
        while not self.is_done():
            life_s = 30.0 if self.soak.published else self.rng.uniform(0.05, self.soak.longest_s)
            with suppress(*TROUBLE, TimeoutError):
                await asyncio.wait_for(self._once(), life_s)
            self.soak.cuts += 1
            await asyncio.sleep(self.rng.uniform(0, 0.2))

    async def _once(self) -> None:
        if self.door in {"ws", "multi"}:
            await self._socket()
        else:
            await self._stream()

    async def _socket(self) -> None:
        port, token = self.soak.program.port, self.soak.token
        head = {"Authorization": f"Bearer {token}"}
        path = "/hub/ws" if self.door == "multi" else f"/hub/{','.join(self.topics)}/ws?since={self.last}"
        async with websockets.connect(f"ws://127.0.0.1:{port}{path}", additional_headers=head) as socket:
            if self.door == "multi":
                await socket.send(json.dumps({"do": "subscribe", "topics": self.topics, "since": self.last}))
            async for text in socket:
                self.note(json.loads(text))
                if self.is_done():
                    return

    async def _stream(self) -> None:
        topics = quote(",".join(self.topics), safe="/,+")
        path = f"/hub/{topics}/json?poll=1" if self.door == "poll" else f"/hub/{topics}/{self.door}?"
        if self.door == "ntfy":
            path = f"/ntfy/{topics}/json?"
        reader, writer = await asyncio.open_connection("127.0.0.1", self.soak.program.port)
        try:
            head = f"GET {path}&since={self.last} HTTP/1.1\r\nhost: localhost\r\n"
            head += f"authorization: Bearer {self.soak.token}\r\n"
            if self.door == "sse" and self.last != "all":
                head += f"last-event-id: {self.last}\r\n"
            writer.write(f"{head}\r\n".encode())
            answer = await reader.readuntil(b"\r\n\r\n")
            if not answer.startswith(b"HTTP/1.1 200"):
                raise ValueError(answer.decode("latin-1"))
            while line := await reader.readline():
                text = line.removeprefix(b"data: ")
                if text.startswith(b'{"event":"message"') or b'"event":"message"' in text:
                    self.note(json.loads(text))
                if self.is_done() or line == b"0\r\n":
                    return
        finally:
            writer.close()


def find_faults(soak: Soak, hearers: list[Hearer]) -> list[str]:
    """Messages that were missed, doubled, or out of order."""
    found = list(soak.faults)
    for hearer in hearers:
        for topic in hearer.topics:
            want, seen = soak.acknowledged.get(topic, []), hearer.seen.get(topic, [])
            if len(seen) != len(set(seen)):
                found.append(f"{hearer.door} {topic}: doubled")
            if missing := set(want) - set(seen):
                found.append(f"{hearer.door} {topic}: {len(missing)} missed, such as {sorted(missing)[:3]}")
    for topic in soak.topics:
        orders = {tuple(hearer.seen.get(topic, [])) for hearer in hearers if topic in hearer.topics}
        if len(orders) > 1:
            found.append(f"{topic}: {len(orders)} orders")
    return found


async def run(program: Program, token: str, *, listeners: int, publishers: int, seconds: float, seed: int) -> Soak:
    """One soak; its faults are in `faults`."""
    rng = random.Random(seed)
    topics = [f"soak{n}" for n in range(8)]
    soak = Soak(program, token, topics, longest_s=max(3.0, listeners / 10))
    hearers = []
    for number in range(listeners):
        some = rng.sample(topics, rng.randint(1, 4))
        hearers.append(Hearer(soak, DOORS[number % len(DOORS)], some, random.Random(seed + number)))
    hearing = [asyncio.create_task(hearer.hear()) for hearer in hearers]
    publishing = [asyncio.create_task(soak.publish(n, random.Random(n))) for n in range(publishers)]
    killing = asyncio.create_task(soak.kill(rng, (seconds / 12, seconds / 4)))
    await asyncio.sleep(seconds)
    with suppress(TimeoutError):
        await asyncio.wait_for(soak.has_enough.wait(), 40)  # where the machine has other things to do
    soak.done.set()
    await asyncio.gather(*publishing, killing)
    soak.published = True
    _, late = await asyncio.wait(hearing, timeout=90)
    for task in late:
        task.cancel()
    soak.faults += [f"{len(late)} listeners are still waiting"] if late else []
    soak.faults = find_faults(soak, hearers)
    return soak
