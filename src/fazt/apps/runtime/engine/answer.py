"""The answer to a visitor's request, from a site's code."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from fazt.apps.runtime.engine.exchange import Broken, Exchange
from fazt.apps.runtime.engine.folders import Code
from fazt.apps.runtime.engine.functions import Functions, explain
from fazt.apps.runtime.engine.process import Process
from fazt.apps.runtime.wire.http import build_chunk, build_head
from fazt.core.errors import TooLarge, Unavailable
from fazt.core.http.hosts import find_header, is_secure
from fazt.core.http.messages import Answer, ClientGone, content_length, respond, respond_text, stream_body

if TYPE_CHECKING:
    from fazt.core.app import Receive, Scope, Send


async def answer_request(functions: Functions, code: Code, scope: Scope, receive: Receive, send: Send) -> None:
    """Hand a request on and its answer back. Raises Unavailable, TooMany, TooLarge and ClientGone."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 4404, "reason": "Functions answer no WebSockets."})
        return
    length = content_length(scope)
    has_body = bool(length) or find_header(scope["headers"], b"transfer-encoding") is not None
    process, exchange = await functions.open(code)
    run = functions.name_run()
    head = head_of(scope, length if length is not None or has_body else 0, run)
    relay = Relay(functions, process, exchange, code, run)
    try:
        await relay.run(head, scope, receive, send, has_body=has_body)
    finally:
        relay.release()


def head_of(scope: Scope, length: int | None, run: str) -> bytes:
    """The head of the request as the process gets it, with the whole address."""
    host = find_header(scope["headers"], b"host") or b"localhost"
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope["query_string"]
    url = (b"https://" if is_secure(scope) else b"http://") + host + path + (b"?" + query if query else b"")
    return build_head(scope["method"], url, scope["headers"], host, length, run)


class Relay:
    """One request and its answer."""

    __slots__ = ("code", "exchange", "functions", "has_begun", "is_whole", "process", "run_id")

    def __init__(self, functions: Functions, process: Process, exchange: Exchange, code: Code, run: str) -> None:
        self.functions, self.process, self.exchange = functions, process, exchange
        self.code, self.run_id = code, run
        self.is_whole = False
        self.has_begun = False

    def release(self) -> None:
        """The connection is used no more."""
        self.process.release(self.exchange, may_continue=self.is_whole)

    async def run(self, head: bytes, scope: Scope, receive: Receive, send: Send, *, has_body: bool) -> None:
        """Send what came, and send back what is answered."""
        exchange, body_task = self.exchange, None
        try:
            await exchange.send(head, is_head=scope["method"] == "HEAD")
            if has_body:
                body_task = asyncio.create_task(self._send_body(scope, receive))
                await self._wait_for_head(body_task)
            else:
                await exchange.read_head()
            await self._answer(receive, send, body_task)
        except Broken as error:
            await self._tell_broken(error, send)
        finally:
            if body_task is not None:
                body_task.cancel()
                await asyncio.gather(body_task, return_exceptions=True)  # what it raised was told, or came too late

    async def go_on(self, receive: Receive, send: Send) -> None:
        """Send back what is answered to a request without a body, which has been sent."""
        try:
            await self.exchange.read_head()
            await self._answer(receive, send, None)
        except Broken as error:
            await self._tell_broken(error, send)

    async def _answer(self, receive: Receive, send: Send, body_task: asyncio.Task[None] | None) -> None:
        whole = self.take_whole()
        if whole is not None:
            self.has_begun = True
            await respond(send, *whole)
            self.is_whole = body_task is None or body_task.done()
        else:
            await self._stream(send, receive if body_task is None or body_task.done() else None)

    def take_whole(self) -> Answer | None:
        """The answer, where all of it is here already. Raises TooLarge."""
        body = self.exchange.take_whole()
        if body is None:
            return None
        self._check_size(len(body))
        return Answer(self.exchange.status, self.exchange.headers, body)

    async def _wait_for_head(self, body_task: asyncio.Task[None]) -> None:
        """The answer's head; where the body cannot be sent on, what that raised."""
        head_task = asyncio.create_task(self.exchange.read_head())
        try:
            await asyncio.wait([head_task, body_task], return_when=asyncio.FIRST_COMPLETED)
            if not head_task.done():
                body_task.result()
            await head_task
        finally:
            head_task.cancel()

    async def _send_body(self, scope: Scope, receive: Receive) -> None:
        """The body as it comes; the process slows it down where it reads slowly."""
        is_chunked = content_length(scope) is None
        most = self.process.limits.request_mb << 20
        async for piece in stream_body(scope, receive, most):
            await self.exchange.write(build_chunk(piece) if is_chunked else piece)
        if is_chunked:
            await self.exchange.write(build_chunk(b""))

    async def _stream(self, send: Send, receive: Receive | None) -> None:
        """Piece by piece. A visitor who leaves ends it."""
        headers = self.exchange.headers
        announced = find_header(headers, b"content-length")
        if announced is not None and announced.isdigit():
            self._check_size(int(announced))
        gone = asyncio.create_task(self._watch_visitor(receive)) if receive is not None else None
        self.has_begun = True
        await send({"type": "http.response.start", "status": self.exchange.status, "headers": headers})
        size = 0
        try:
            async for piece in self.exchange.read_pieces():
                size += len(piece)
                self._check_size(size)
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                self.exchange.moved_at = asyncio.get_running_loop().time()
            await send({"type": "http.response.body", "body": b""})
            self.is_whole = True
        finally:
            if gone is not None:
                gone.cancel()

    async def _watch_visitor(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.exchange.close("the visitor left")

    def _check_size(self, size: int) -> None:
        most = self.process.limits.response_mb
        if size > most << 20:
            self._log(f"Its answer was cut off: it was larger than {most} MiB (response_mb).")
            raise TooLarge("The answer of this site was larger than it may be.")

    def _log(self, text: str) -> None:
        self.functions.book.tell(self.code.site_id, text, self.run_id)

    async def _tell_broken(self, error: Broken, send: Send) -> None:
        """Say why there is no answer, or cut off the one that has begun."""
        if error.reason == "the visitor left":
            raise ClientGone("The visitor left.") from error
        if error.reason == "late":
            self._log(f"A request was ended: {explain(error, self.process)}.")
            self.process.is_stale = True  # what hangs in it is gone with it
        if self.has_begun:
            raise Unavailable("The answer of this site broke off.") from error
        if error.reason == "late":
            with suppress(ConnectionError):
                await respond_text(send, 504, "This site took too long to answer.\n", [(b"cache-control", b"no-store")])
            return
        raise Unavailable("This site could not answer. Its log says why.", retry_after=1) from error
