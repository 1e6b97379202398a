"""Connections that leave uvicorn: what thousands hear at once is written to their transports, not sent through ASGI.

An endpoint answers its request up to the head of the answer and calls `take_over`. From then on the
connection belongs to the given `Taken`, and the task and the objects of the request are free again.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from fazt.core.app import Scope
from fazt.core.errors import Unavailable
from fazt.core.http.messages import ClientGone

KEY = "fazt.protocol"
QUIET = logging.getLogger("websockets")
"""Says nothing of single connections, of which there may be thousands."""
QUIET.setLevel(logging.WARNING)


class Taken(asyncio.Protocol):
    """A connection that its endpoint has taken over. `taken` tells it that the transport is its own now."""

    __slots__ = ("connections", "transport")

    transport: asyncio.Transport
    connections: set[Any]

    def taken(self) -> None:
        """The connection is ours."""

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the name that asyncio gives it
        """See asyncio.Protocol."""
        self.connections.discard(self)

    def eof_received(self) -> bool | None:
        """See asyncio.Protocol: half closed is closed."""
        return None

    def shutdown(self) -> None:
        """The program stops: end the connection soon."""
        self.transport.close()


class Gone:
    """Stands where the transport was, for what uvicorn does at the end of a request."""

    def is_closing(self) -> bool:
        """See asyncio.Transport."""
        return True

    def close(self) -> None:
        """See asyncio.Transport."""


class OpenWebSocket(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket, which an endpoint may take over instead of accepting it."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.conn.logger = QUIET

    async def run_asgi(self) -> None:
        """See WebSocketsSansIOProtocol."""
        scope: Any = self.scope
        scope[KEY] = self
        await super().run_asgi()

    def hand_over(self, to: Taken) -> None:
        """Finish the handshake, without extensions, and leave the connection to `to`."""
        if "Sec-WebSocket-Extensions" in self.response.headers:
            del self.response.headers["Sec-WebSocket-Extensions"]
        self.handshake_complete = True
        self.conn.send_response(self.response)
        transport = self.transport
        transport.write(b"".join(self.conn.data_to_send()))
        self.transport = cast("asyncio.Transport", Gone())
        pass_on(transport, self.connections, self, to)


def pass_on(transport: asyncio.Transport, connections: set[Any], old: Any, new: Taken) -> None:
    """`new` has the transport that was `old`'s."""
    connections.discard(old)
    new.transport = transport
    new.connections = connections
    connections.add(new)
    transport.set_protocol(new)
    transport.resume_reading()
    new.taken()


def take_over(scope: Scope, to: Taken) -> None:
    """The connection of this request becomes `to`'s.

    Of a WebSocket the handshake is finished here; of an HTTP request the endpoint has sent the start of a
    response without a length, so that what `to` writes has to be chunks (RFC 9112, 7.1). Raises ClientGone
    where the client has gone already, and Unavailable where the server cannot do this.
    """
    protocol = scope.pop(KEY, None)
    if protocol is None:
        raise Unavailable("This server hands no connections over.")
    if protocol.transport.is_closing() or getattr(protocol, "ended_at", 0.0):
        raise ClientGone("The client has gone.")
    protocol.hand_over(to)
