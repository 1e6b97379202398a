"""Who is in a room, as awareness tells it."""

from __future__ import annotations

from collections.abc import Hashable

import msgspec

from fazt.apps.pads.wire.awareness import GONE, Entry, build_entries
from fazt.core.errors import TooMany

MAX_STATES = 1_000


class Present(msgspec.Struct):
    """A client that is there, and on whose word."""

    clock: int
    state: str
    owner: Hashable


class Presence:
    """The states of a room's clients. A client is announced by one connection, which takes it away when it ends."""

    def __init__(self) -> None:
        self._states: dict[int, Present] = {}

    def hear(self, owner: Hashable, entries: list[Entry]) -> bytes:
        """What of this is news for the others, as entries; b"" for nothing. Raises TooMany."""
        return self._encode([entry for entry in entries if self._take(owner, entry)])

    def _take(self, owner: Hashable, entry: Entry) -> bool:
        known = self._states.get(entry.client)
        if known is not None and known.owner != owner and entry.clock <= known.clock:
            return False  # clients repeat what they heard of others
        if known is None and entry.state == GONE:
            return False
        if entry.state == GONE:
            del self._states[entry.client]
            return True
        if known is not None and entry.clock < known.clock:
            return False
        if known is None and len(self._states) >= MAX_STATES:
            raise TooMany("Too many are here at once.")
        self._states[entry.client] = Present(entry.clock, entry.state, owner)
        return True

    def leave(self, owner: Hashable) -> bytes:
        """A connection has ended: what the others hear of it, b"" for nothing."""
        gone = [client for client, known in self._states.items() if known.owner == owner]
        return self._encode([Entry(client, self._states.pop(client).clock + 1, GONE) for client in gone])

    def everybody(self) -> bytes:
        """All who are there; b"" for nobody."""
        return self._encode([Entry(client, known.clock, known.state) for client, known in self._states.items()])

    @staticmethod
    def _encode(entries: list[Entry]) -> bytes:
        return build_entries(entries) if entries else b""
