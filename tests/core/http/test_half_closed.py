"""Clients that send no more once they have asked, as `nc -N` does: they get their answers; who is gone is not kept."""

import asyncio
from typing import Any

import pytest

from fazt.core.http import protocol
from fazt.core.http.messages import Answer
from fazt.core.http.server import Listener
from tests.core.http.test_front import ask, connect
from tests.core.http.test_turns import App, app, impatient, listener, until

__all__ = ["app", "impatient", "listener"]


async def send_all(running: Listener, data: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Ask, and say that this is all."""
    reader, writer = await connect(running)
    writer.write(data)
    writer.write_eof()
    return reader, writer


async def is_ended(running: Listener) -> bool:
    """Whether the server has heard of the end."""
    await until(lambda: any(getattr(one, "ended_at", 0) for one in running.server.server_state.connections))
    return True


@pytest.mark.parametrize("path", ["/wait", "/stream"])
@pytest.mark.parametrize("behind", [b"", ask("/b"), ask("/b") * 200])
async def test_who_sends_no_more_gets_every_answer(app: App, listener: Listener, path: str, behind: bytes) -> None:
    reader, writer = await send_all(listener, ask(path) + behind)
    assert await is_ended(listener)
    app.go.set()
    heard = await asyncio.wait_for(reader.read(), 10)
    assert heard.count(b"HTTP/1.1 200 ") == 1 + behind.count(b"GET ")
    assert app.gone == []
    await until(lambda: not listener.server.server_state.connections)
    writer.close()


async def test_a_late_answer_of_the_front_door_comes_too(app: App, listener: Listener) -> None:
    reader, writer = await send_all(listener, ask("/late") + ask("/b"))
    assert await is_ended(listener)
    app.late[0].answer(Answer(200, [], b"late"))
    heard = await asyncio.wait_for(reader.read(), 10)
    assert heard.index(b"late") < heard.index(b"/b ")
    writer.close()


async def test_what_was_not_read_when_the_end_came_is_answered_too(app: App, listener: Listener) -> None:
    reader, writer = await send_all(listener, ask("/wait") + ask("/b") * 1_000)
    assert await is_ended(listener)
    app.go.set()
    assert (await asyncio.wait_for(reader.read(), 20)).count(b"HTTP/1.1 200 ") == 1_001
    writer.close()


@pytest.mark.parametrize("end", [b"", b"GET /b HT", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab"])
async def test_nobody_waits_for_the_rest_of_a_request_that_ends_in_the_middle(
    app: App, listener: Listener, end: bytes
) -> None:
    reader, writer = await send_all(listener, ask("/a") + end)
    await asyncio.wait_for(reader.read(), 5)
    await until(lambda: not listener.server.server_state.connections)
    assert set(app.asked) <= {"/a", "/"}
    writer.close()


@pytest.mark.parametrize("path", ["/wait", "/stream", "/late"])
async def test_who_may_have_gone_is_not_waited_for_very_long(app: App, impatient: Listener, path: str) -> None:
    reader, writer = await send_all(impatient, ask(path))
    assert len(await asyncio.wait_for(reader.read(), 10)) < 300
    await until(lambda: not impatient.server.server_state.connections)
    assert app.gone == [path] * (path != "/late")
    writer.close()


async def test_an_answer_that_goes_on_is_given_to_its_end(
    app: App, impatient: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "QUIET_S", 1.0)

    async def count_slowly(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for number in range(30):
            await asyncio.sleep(0.05)
            await send({"type": "http.response.body", "body": b"%d," % number, "more_body": number < 29})

    monkeypatch.setattr(App, "__call__", lambda _self, *asked: count_slowly(*asked))
    reader, writer = await send_all(impatient, ask("/count"))
    heard = await asyncio.wait_for(reader.read(), 20)
    assert heard.endswith(b"29,\r\n0\r\n\r\n")
    assert app.asked == []
    writer.close()
