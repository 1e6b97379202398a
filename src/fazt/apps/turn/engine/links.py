"""Connected sockets beside an unconnected one: the kernel finds the way once, not for each packet.

A socket that is bound to the same address as another and connected to one remote address gets just that one's
packets, the other one all the rest. What that saves is in docs/decisions/0031-relay-loop.md.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress

from fazt.apps.turn.engine.ports import create_socket

Endpoint = tuple[str, int] | tuple[str, int, int, int]
"""As recvfrom gives and sendto takes it: two fields for IPv4, four for IPv6."""


def open_link(
    base: socket.socket, remote: Endpoint, stray: Callable[[int, Endpoint], object], space: memoryview
) -> socket.socket | None:
    """A socket for what comes from and goes to `remote` alone; None where the system gives none.

    Until it is connected it may get packets of others, which are read into `space` and given to `stray(size, source)`.
    """
    try:
        link = create_socket(base.family, socket.SOCK_DGRAM)
    except OSError:
        return None
    try:
        # The base shares its address for this moment only: no other process can bind it as well at any other.
        base.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        link.bind(base.getsockname())
        link.connect(remote)
    except OSError:
        link.close()
        return None
    finally:
        base.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    with suppress(BlockingIOError):
        while True:
            size, source = link.recvfrom_into(space)
            stray(size, source)
    return link
