"""An answer's head and the first of its body in one packet: half the system calls, and the client is woken once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

COPIED = 65_536
"""Bytes that are cheaper to copy behind the head than to hand on beside it."""


class HeldHead:
    """The transport of one answer, as uvicorn's cycle sees it: what it writes first waits for what it writes next.

    It waits for the rest of the loop's turn at the most, so that an answer which begins and says nothing yet has its
    head sent all the same. `note` is called whenever something is written.
    """

    __slots__ = ("_has_begun", "_head", "_loop", "_note", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, note: Callable[[], None]) -> None:
        self._note = note
        self._transport = transport
        self._loop = loop
        self._head = b""
        self._has_begun = False

    def write(self, data: bytes) -> None:
        """See asyncio.WriteTransport."""
        self._note()
        if not self._has_begun:
            self._has_begun = True
            self._head = data
            self._loop.call_soon(self.flush)
            return
        head, self._head = self._head, b""
        if not head:
            self._transport.write(data)
        elif len(data) <= COPIED:
            self._transport.write(head + data)
        else:
            self._transport.writelines((head, data))

    def flush(self) -> None:
        """Wait no longer."""
        head, self._head = self._head, b""
        if head:
            self._transport.write(head)

    def close(self) -> None:
        """See asyncio.Transport."""
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """See asyncio.Transport."""
        return self._transport.is_closing()
