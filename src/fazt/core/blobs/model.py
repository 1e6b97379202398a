"""What a blob is: bytes that are known by their SHA-256 and kept once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from msgspec import Struct

from fazt.core.errors import Invalid

CHUNK_BYTES = 128 * 1024
"""Bytes of a chunk in the database file; measured by bench/db.py against 64 and 256 KiB."""


class Blob(Struct, frozen=True):
    """Bytes that are there: `hash` is their SHA-256 in lower-case hex."""

    hash: str
    size: int


@dataclass(frozen=True, slots=True)
class Ref:
    """Where the bytes of one blob are: its row, and for object storage the prefix of its objects."""

    id: int
    size: int
    chunk_bytes: int
    place: str = ""


class Cutter:
    """Cuts a stream into chunks of `chunk_bytes`; `begun` is what the first chunk already has."""

    def __init__(self, chunk_bytes: int, begun: bytes = b"") -> None:
        self._chunk_bytes = chunk_bytes
        self._buffer = bytearray(begun)

    def push(self, data: bytes) -> Iterator[bytes]:
        """Take `data`, give every chunk that is full now."""
        at = 0
        while at < len(data):
            room = self._chunk_bytes - len(self._buffer)
            self._buffer += memoryview(data)[at : at + room]
            at += room
            if len(self._buffer) == self._chunk_bytes:
                yield self.rest()

    def rest(self) -> bytes:
        """What is not a full chunk yet; after this the cutter is empty."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest


def check_range(start: int, end: int | None, size: int) -> tuple[int, int]:
    """`start` and `end` (exclusive; None means the size) as whole numbers within `size`. Raises Invalid."""
    stop = size if end is None else min(end, size)
    if not 0 <= start <= stop:
        raise Invalid(f"The bytes from {start} to {end} are not within {size} bytes.")
    return start, stop
