"""uvicorn, started as an object: on TCP for everybody, on a Unix socket for this machine's owner."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import uvicorn

from fazt.core.app import Receive, Scope, Send
from fazt.core.config import Address
from fazt.core.errors import Unavailable
from fazt.core.http.front import Reply
from fazt.core.http.protocol import LimitedProtocol, sweep_forever
from fazt.core.http.root import Root
from fazt.core.http.takeover import OpenWebSocket
from fazt.core.log import get_logger

GRACE_S = 10
BACKLOG = 2048
MAX_WEBSOCKET_BYTES = 1_048_576

Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
log = get_logger(__name__)


def bind(address: Address, option: str = "--listen") -> socket.socket:
    """A TCP socket at `address`, which `option` asked for. Raises Unavailable where it cannot be had."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address.host, address.port))
    except OSError as error:
        listener.close()
        raise Unavailable(
            f"Cannot listen on {address}: {error.strerror}.",
            hint=f"Is another program there? Choose another with {option} HOST:PORT.",
        ) from error
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return listener


def bind_local(path: Path) -> socket.socket:
    """A Unix socket that only this user can reach."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen(64)
    listener.setblocking(False)
    return listener


def as_local(root: Asgi) -> Asgi:
    """`root`, for requests that came by the Unix socket and so are the owner's."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        scope["fazt.local"] = True
        await root(scope, receive, send)

    return answer


class Encrypted:
    """`root`, for requests that came by our own HTTPS rather than a proxy's."""

    def __init__(self, root: Root) -> None:
        self.root = root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI 3."""
        scope["fazt.tls"] = True
        await self.root(scope, receive, send)

    def front(self, scope: Scope, reply: Reply) -> bool:
        """See Root.front."""
        scope["fazt.tls"] = True
        return self.root.front(scope, reply)


class Listener:
    """One uvicorn server over sockets that are already bound; HTTPS where there is a `context`."""

    def __init__(self, app: Any, sockets: list[socket.socket], context: ssl.SSLContext | None = None) -> None:
        self.sockets = sockets
        self.server = uvicorn.Server(
            uvicorn.Config(
                app,
                http=LimitedProtocol,
                ws=OpenWebSocket,
                loop="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                ws_max_size=MAX_WEBSOCKET_BYTES,
                timeout_graceful_shutdown=GRACE_S,
                reset_contextvars=True,
                ssl_context_factory=None if context is None else lambda _config, _default: context,
            )
        )
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Accept connections from now on."""
        config = self.server.config
        config.load()
        self.server.lifespan = config.lifespan_class(config)
        await self.server.startup(sockets=self.sockets)
        await self.server.on_tick(0)
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self.server.main_loop()),
            loop.create_task(sweep_forever(self.server.server_state.connections)),
        ]

    async def stop(self) -> None:
        """Refuse new connections, let open requests end (for GRACE_S), then cut the rest."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        await self.server.shutdown(sockets=self.sockets)
