"""Server-sent events for pages."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fazt.core.http import sse


async def answer_of(events: asyncio.Queue[bytes], left: asyncio.Event, said: list[bytes]) -> None:
    """Answer until the page is left; `said` is what it was sent."""

    async def receive() -> dict[str, Any]:
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        said.append(message.get("body", b""))

    await sse.send_events(receive, send, events.get)


async def test_events_are_sent_until_the_page_is_left() -> None:
    events: asyncio.Queue[bytes] = asyncio.Queue()
    left, said = asyncio.Event(), list[bytes]()
    answering = asyncio.create_task(answer_of(events, left, said))
    events.put_nowait(sse.to_event({"a": 1}, "made"))
    events.put_nowait(sse.to_event([2]))
    while len(said) < 4:
        await asyncio.sleep(0)
    left.set()
    await answering
    assert said == [b"", sse.RETRY, b'event: made\ndata: {"a": 1}\n\n', b"data: [2]\n\n"]


async def test_silence_has_signs_of_life_and_nothing_is_lost_by_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "HEARTBEAT_S", 0.001)
    events: asyncio.Queue[bytes] = asyncio.Queue()
    left, said = asyncio.Event(), list[bytes]()
    answering = asyncio.create_task(answer_of(events, left, said))
    for number in range(20):
        while said.count(sse.STILL_HERE) <= number:
            await asyncio.sleep(0)
        events.put_nowait(sse.to_event(number))
    while len(said) - said.count(sse.STILL_HERE) < 22:
        await asyncio.sleep(0)
    left.set()
    await answering
    assert [line for line in said[2:] if line != sse.STILL_HERE] == [sse.to_event(number) for number in range(20)]
