"""Server-sent events for pages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fazt.core import Core
from fazt.core.config import Config
from fazt.core.http import sse
from fazt.serve import create_core

Said = asyncio.Queue[bytes]


@pytest.fixture
async def core(data_file: Path) -> AsyncIterator[Core]:
    made = await create_core(Config(data=data_file), ())
    yield made
    await made.auth.close()
    await made.db.close()


async def answer_to(core: Core, events: Said, left: asyncio.Event, said: Said) -> None:
    """Answer until the page is left; `said` is what it was sent."""

    async def receive() -> dict[str, Any]:
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        said.put_nowait(message.get("body", b""))

    await sse.send_events(core, {}, receive, send, events.get)


async def test_events_are_sent_until_the_page_is_left(core: Core) -> None:
    events, said, left = Said(), Said(), asyncio.Event()
    answering = asyncio.create_task(answer_to(core, events, left, said))
    events.put_nowait(sse.to_event({"a": 1}, "made"))
    events.put_nowait(sse.to_event([2]))
    heard = [await said.get() for _ in range(4)]
    assert heard == [b"", sse.RETRY, b'event: made\ndata: {"a": 1}\n\n', b"data: [2]\n\n"]
    left.set()
    await answering
    assert said.empty()


async def test_silence_has_signs_of_life_and_nothing_is_lost_by_them(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "HEARTBEAT_S", 0.001)
    events, said, left = Said(), Said(), asyncio.Event()
    answering = asyncio.create_task(answer_to(core, events, left, said))
    heard = [await said.get(), await said.get()]
    for number in range(20):
        heard.append(await said.get())
        events.put_nowait(sse.to_event(number))
    while heard[-1] != sse.to_event(19):
        heard.append(await said.get())
    left.set()
    await answering
    assert heard[2] == sse.STILL_HERE
    assert [line for line in heard[2:] if line != sse.STILL_HERE] == [sse.to_event(number) for number in range(20)]
