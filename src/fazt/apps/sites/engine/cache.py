"""Bodies in memory, bounded in bytes; those not asked for since the hand last passed go first (CLOCK)."""

from __future__ import annotations

from collections import deque
from typing import Any

MAX_BODY_BYTES = 1 << 20
"""Larger files are streamed."""

Message = dict[str, Any]


class Body:
    """The bytes of one blob; `message` is None once they are forgotten."""

    __slots__ = ("hash", "is_hot", "message", "size")

    def __init__(self, hash: str, data: bytes) -> None:
        self.hash = hash
        self.size = len(data)
        self.message: Message | None = {"type": "http.response.body", "body": data}
        self.is_hot = True


class Variant:
    """One form of a file under one address: its answer, ready to be sent."""

    __slots__ = ("body", "etag", "hash", "size", "start")

    def __init__(self, start: Message, etag: str, hash: str, size: int) -> None:
        self.start = start
        self.etag = etag
        self.hash = hash
        self.size = size
        self.body: Body | None = None

    @property
    def is_cacheable(self) -> bool:
        """Whether the body may stay in memory."""
        return self.size <= MAX_BODY_BYTES


class BodyCache:
    """The bodies in memory by hash, each once however many addresses show it; `max_bytes` for all of them."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.used_bytes = 0
        self._bodies: dict[str, Body] = {}
        self._ring: deque[Body] = deque()

    def __len__(self) -> int:
        return len(self._ring)

    def find(self, hash: str) -> Body | None:
        """The body of a blob, if it is in memory."""
        body = self._bodies.get(hash)
        if body is not None:
            body.is_hot = True
        return body

    def put(self, hash: str, data: bytes) -> Body:
        """Remember a body, and make room for it."""
        known = self._bodies.get(hash)
        if known is not None:
            return known
        body = self._bodies[hash] = Body(hash, data)
        self._ring.append(body)
        self.used_bytes += body.size
        while self.used_bytes > self.max_bytes and self._ring:
            self._evict()
        return body

    def _evict(self) -> None:
        oldest = self._ring.popleft()
        if oldest.is_hot:
            oldest.is_hot = False
            self._ring.append(oldest)
            return
        oldest.message = None
        del self._bodies[oldest.hash]
        self.used_bytes -= oldest.size
