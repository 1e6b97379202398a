"""Bodies in memory, bounded in bytes; those not asked for since the hand last passed go first (CLOCK)."""

from __future__ import annotations

from collections import deque
from typing import Any

MAX_BODY_BYTES = 1 << 20
"""Larger files are streamed."""

Message = dict[str, Any]


class Variant:
    """One form of a file under one address: its answer, ready to be sent."""

    __slots__ = ("body", "etag", "hash", "is_hot", "size", "start")

    def __init__(self, start: Message, etag: str, hash: str, size: int) -> None:
        self.start = start
        self.etag = etag
        self.hash = hash
        self.size = size
        self.body: Message | None = None
        self.is_hot = False

    @property
    def is_cacheable(self) -> bool:
        """Whether the body may stay in memory."""
        return self.size <= MAX_BODY_BYTES


class BodyCache:
    """Which variants have their body in memory; `max_bytes` for all of them."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.used_bytes = 0
        self._ring: deque[Variant] = deque()

    def __len__(self) -> int:
        return len(self._ring)

    def put(self, variant: Variant, data: bytes) -> None:
        """Give a variant its body, and make room for it."""
        if variant.body is not None:
            return
        variant.body = {"type": "http.response.body", "body": data}
        variant.is_hot = True
        self._ring.append(variant)
        self.used_bytes += variant.size
        while self.used_bytes > self.max_bytes and self._ring:
            self._evict()

    def _evict(self) -> None:
        oldest = self._ring.popleft()
        if oldest.is_hot:
            oldest.is_hot = False
            self._ring.append(oldest)
            return
        oldest.body = None
        self.used_bytes -= oldest.size
