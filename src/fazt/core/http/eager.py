"""Endpoints at the front door as they are: run on the spot up to where they first wait, and on in a task from there.

Most reads never wait: who asks is remembered, and the row is a look into the file. Such an answer costs neither a task
nor a turn of the loop, and there is no second piece of code that would have to decide alike.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from contextvars import Context
from types import coroutine
from typing import TYPE_CHECKING, Any, TypeVar, cast

from fazt.core.app import Endpoint, Receive, Scope, Send
from fazt.core.http.front import Reply
from fazt.core.http.messages import Answer

if TYPE_CHECKING:
    from fazt.core import Core

T = TypeVar("T")


def begin(endpoint: Endpoint, core: Core, scope: Scope, reply: Reply) -> bool:
    """Begin `endpoint`, which must need no task of its own before it first waits (as asyncio.timeout does). A Front."""
    said = Said()
    context = Context()
    running = cast("Coroutine[Any, Any, None]", endpoint(core, scope, reply.receive, said))
    try:
        waits_for = context.run(running.send, None)
    except StopIteration:
        reply.answer(said.whole())
        return True

    async def go_on(_scope: Scope, _receive: Receive, send: Send) -> None:
        await said.pass_on(send)
        await resume(running, waits_for)

    reply.go_on(go_on, context)
    return True


class Waits(Exception):
    """What was to answer at once has to wait for something."""


def at_once(running: Coroutine[Any, Any, T]) -> T:
    """The answer of a coroutine that waits for nothing. Raises Waits where it would, and ends it there."""
    try:
        running.send(None)
    except StopIteration as done:
        answer: T = done.value
        return answer
    running.close()
    raise Waits


class Said:
    """`send` for an endpoint that has begun: keeps a whole answer; one in pieces waits until it can be sent."""

    __slots__ = ("_body", "_ready", "_send", "_start")

    def __init__(self) -> None:
        self._start: dict[str, Any] | None = None
        self._body: dict[str, Any] | None = None
        self._send: Send | None = None
        self._ready: asyncio.Future[None] | None = None

    @property
    def started(self) -> bool:
        """Whether there is no room for another answer."""
        return self._start is not None

    async def __call__(self, message: dict[str, Any]) -> None:
        """See ASGI 3."""
        if self._send is None:
            if self._start is None:
                self._start = message
                return
            if self._body is None and not message.get("more_body"):
                self._body = message
                return
            self._ready = asyncio.get_running_loop().create_future()
            await self._ready
        await cast("Send", self._send)(message)

    def whole(self) -> Answer:
        """The answer of an endpoint that has ended. Raises RuntimeError where it gave none."""
        if self._start is None or self._body is None:
            raise RuntimeError("An endpoint ended without an answer.")
        return Answer(self._start["status"], list(self._start.get("headers", ())), self._body.get("body", b""))

    async def pass_on(self, send: Send) -> None:
        """What was said until now, and from now on, goes to `send`."""
        self._send = send
        for message in (self._start, self._body):
            if message is not None:
                await send(message)
        if self._ready is not None:
            self._ready.set_result(None)


@coroutine
def resume(running: Coroutine[Any, Any, None], waits_for: Any) -> Generator[Any, Any, None]:
    """Await the rest of a coroutine that was begun by hand and waits for something."""
    while True:
        thrown: BaseException | None = None
        value: Any = None
        try:
            value = yield waits_for
        except BaseException as error:  # noqa: BLE001 - a task's way to end what it awaits; raised again in there
            thrown = error
        try:
            waits_for = running.send(value) if thrown is None else running.throw(thrown)
        except StopIteration:
            return
