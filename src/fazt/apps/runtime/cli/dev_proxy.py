"""What stands before the cloud of `fazt dev`: it gives the site this machine's name, and has pages reload."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn

from fazt.core.app import Receive, Scope, Send
from fazt.core.http.messages import respond_text, stream_body

LIVE_PATH = "/-/fazt-live"
SCRIPT = (
    b"<script>new EventSource('" + LIVE_PATH.encode() + b"').addEventListener('reload',()=>location.reload())</script>"
)
MAX_BODY = 1 << 30
DROPPED = {b"connection", b"transfer-encoding", b"content-length", b"date", b"content-encoding"}


class LiveProxy:
    """Forwards to `inner` with the host of the site. `reload` may be called from any thread."""

    def __init__(self, inner: str, host: str, port: int) -> None:
        self._inner, self._host, self._port = inner, host, port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed = asyncio.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serve, on a thread of its own."""
        listener = socket.create_server(("127.0.0.1", self._port))
        config = uvicorn.Config(self.answer, log_config=None, access_log=False, lifespan="off", interface="asgi3")
        server = uvicorn.Server(config)

        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            await server.serve(sockets=[listener])

        thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.should_exit = server.force_exit = True
            thread.join(5)
            listener.close()

    def reload(self) -> None:
        """Have the open pages load again."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI 3."""
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 4404})
        elif scope["path"] == LIVE_PATH:
            await self._live(send)
        else:
            try:
                await self._forward(scope, receive, send)
            except httpx.HTTPError as error:
                await respond_text(send, 502, f"The site did not answer: {error}\n")

    async def _live(self, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b": here\n\n", "more_body": True})
        await self._changed.wait()
        await send({"type": "http.response.body", "body": b"event: reload\ndata: 1\n\n"})

    async def _forward(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["raw_path"].decode("latin-1") + ("?" + scope["query_string"].decode("latin-1")) * bool(
            scope["query_string"]
        )
        kept = [pair for pair in scope["headers"] if pair[0] not in DROPPED | {b"host", b"accept-encoding"}]
        headers = [(b"host", f"{self._host}:{self._port}".encode()), *kept]
        has_body = any(name in {b"content-length", b"transfer-encoding"} for name, _ in scope["headers"])
        body = stream_body(scope, receive, MAX_BODY) if has_body else None
        async with (
            httpx.AsyncClient(base_url=self._inner, timeout=None) as client,  # noqa: S113 - the cloud sets the limits
            client.stream(scope["method"], path, headers=headers, content=body) as response,
        ):
            await self._give(response, send)

    async def _give(self, response: httpx.Response, send: Send) -> None:
        """The answer, with the script in pages. Pages are not kept by the browser."""
        headers: list[tuple[bytes, bytes]] = [pair for pair in response.headers.raw if pair[0].lower() not in DROPPED]
        is_page = response.headers.get("content-type", "").startswith("text/html")
        if is_page:
            headers = [pair for pair in headers if pair[0].lower() not in {b"etag", b"cache-control"}]
            headers.append((b"cache-control", b"no-store"))
        start: dict[str, Any] = {"type": "http.response.start", "status": response.status_code, "headers": headers}
        await send(start)
        async for piece in response.aiter_bytes():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": SCRIPT if is_page else b""})
