"""Endpoints that are begun at the front door answer as they do in a task."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from fazt.core.config import Address
from fazt.core.errors import NotFound
from fazt.core.http.eager import Waits, at_once, begin
from fazt.core.http.front import Reply
from fazt.core.http.messages import respond
from fazt.core.http.root import StartedSend
from fazt.core.http.server import Listener, bind
from tests.core.http.test_front import talk

ADDED = ((b"x-content-type-options", b"nosniff"),)
PATHS = ("/now", "/later", "/begun", "/pieces", "/fails", "/fails-later", "/hears", "/silent")


async def endpoint(_core: Any, scope: Any, receive: Any, send: Any) -> None:
    """Answers in each way there is."""
    path = scope["path"]
    if path in {"/later", "/fails-later"}:
        await asyncio.sleep(0.001)
    if path.startswith("/fails"):
        raise NotFound("Nothing.")
    if path == "/hears":
        assert (await receive())["type"] == "http.request"
    if path in {"/begun", "/pieces"}:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if path == "/begun":
            await asyncio.sleep(0.001)
        for piece in (b"a" * 10_000, b"b" * 10_000, b""):
            await send({"type": "http.response.body", "body": piece, "more_body": bool(piece)})
    elif path != "/silent":
        await respond(send, 200, [(b"content-type", b"text/plain")], path.encode())


class Doors:
    """An application that begins its endpoint at the front door, or not."""

    def __init__(self) -> None:
        self.is_open = True
        self.begun = 0

    def front(self, scope: Any, reply: Reply) -> bool:
        """See Root.front."""
        if not self.is_open:
            return False
        self.begun += 1
        reply.begin(self, "test", ADDED)  # type: ignore[arg-type] # as much of a Root as it needs
        try:
            return begin(endpoint, self, scope, reply)  # type: ignore[arg-type]
        except (NotFound, RuntimeError) as error:
            reply.fail(error)
            return True

    def guarded(self, answer: Any, _kind: str, added: Any) -> Any:
        """See Root.guarded."""

        async def run(scope: Any, receive: Any, send: Any) -> None:
            started = StartedSend(send, added)
            try:
                await answer(scope, receive, started)
            except NotFound:
                await respond(started, 404, [], b"Nothing.")
            except RuntimeError:
                await respond(started, 500, [], b"Broken.")
            else:
                if not started.started:
                    await respond(started, 500, [], b"Broken.")

        return run

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """See ASGI 3."""
        await self.guarded(partial(endpoint, self), "test", ADDED)(scope, receive, send)


@pytest.fixture
async def doors() -> AsyncIterator[tuple[Doors, Listener]]:
    """The application and its server."""
    made = Doors()
    running = Listener(made, [bind(Address("127.0.0.1", 0))])
    await running.start()
    yield made, running
    await running.stop()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_both_doors_say_the_same(doors: tuple[Doors, Listener], method: str) -> None:
    app, listener = doors
    asked = b"".join(
        b"%b %b HTTP/1.1\r\nHost: x\r\n%b\r\n"
        % (method.encode(), path.encode(), b"Connection: close\r\n" if path == PATHS[-1] else b"")
        for path in PATHS
    )
    begun = await talk(listener, asked)
    app.is_open = False
    assert begun == await talk(listener, asked)
    assert begun.count(b"HTTP/1.1 ") == len(PATHS)
    assert app.begun == len(PATHS)


async def test_one_that_has_begun_hears_that_its_client_is_gone(doors: tuple[Doors, Listener]) -> None:
    _, listener = doors
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.sockets[0].getsockname()[1])
    writer.write(b"GET /later HTTP/1.1\r\nHost: x\r\n\r\n")
    await writer.drain()
    writer.close()
    assert await reader.read() == b""
    assert (await talk(listener, b"GET /now HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).endswith(b"/now")


async def test_what_waits_for_nothing_is_answered_at_once_and_what_waits_is_ended() -> None:
    ended = []

    async def find(*, waits: bool) -> int:
        try:
            if waits:
                await asyncio.sleep(60)
        finally:
            ended.append(waits)
        return 7

    assert at_once(find(waits=False)) == 7
    with pytest.raises(Waits):
        at_once(find(waits=True))
    assert ended == [False, True]
