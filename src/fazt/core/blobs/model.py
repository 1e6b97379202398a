"""What a blob is: bytes that are known by their SHA-256 and kept once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from msgspec import Struct

from fazt.core.errors import Invalid

CHUNK_BYTES = 128 * 1024
"""Bytes of a chunk in the database file; measured by bench/db.py against 64 and 256 KiB."""

SMALL_BYTES = 2 * 1024
"""Pieces of a stream that are smaller than this are not worth an object of their own while they wait."""


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
    """Cuts a stream into chunks of `chunk_bytes`; `begun` is what the first chunk already has.

    Pieces are held as they came and copied once, into their chunk; one that is a chunk by itself is not copied.
    Small ones are gathered, so that a chunk of single bytes takes no more memory than any other.
    """

    def __init__(self, chunk_bytes: int, begun: bytes = b"") -> None:
        self._chunk_bytes = chunk_bytes
        self._held: list[bytes | bytearray | memoryview] = [begun] if begun else []
        self._size = len(begun)

    def push(self, data: bytes) -> Iterator[bytes]:
        """Take `data`, give every chunk that is full now."""
        if self._size + len(data) < self._chunk_bytes:
            self._hold(data)
            return
        view, at = memoryview(data), 0
        while len(data) - at >= (room := self._chunk_bytes - self._size):
            self._held.append(data if room == len(data) else view[at : at + room])
            at += room
            yield self.rest()
        if at < len(data):
            self._hold(view[at:])

    def rest(self) -> bytes:
        """What is not a full chunk yet; after this the cutter is empty."""
        held, self._held, self._size = self._held, [], 0
        return held[0] if len(held) == 1 and isinstance(held[0], bytes) else b"".join(held)

    def _hold(self, data: bytes | memoryview) -> None:
        self._size += len(data)
        if len(data) >= SMALL_BYTES:
            self._held.append(data)
        elif self._held and isinstance(last := self._held[-1], bytearray):
            last += data
        else:
            self._held.append(bytearray(data))


def check_range(start: int, end: int | None, size: int) -> tuple[int, int]:
    """`start` and `end` (exclusive; None means the size) as whole numbers within `size`. Raises Invalid."""
    stop = size if end is None else min(end, size)
    if not 0 <= start <= stop:
        raise Invalid(f"The bytes from {start} to {end} are not within {size} bytes.")
    return start, stop
