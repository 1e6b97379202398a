"""Bytes that come in: small ones are held until the file is written, large ones go ahead into blobs."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from fazt.apps.drive.model.nodes import Content
from fazt.apps.drive.wire.digests import Hasher, new_hasher
from fazt.apps.drive.wire.headers import Checksum
from fazt.core.errors import Invalid

if TYPE_CHECKING:
    from fazt.core import Core

SMALL_BYTES = 128 * 1024
"""Up to here a file is written with its bytes in one go."""


SHOWN = ("SHA1", "MD5")
"""rclone compares files by either of these, and which it is depends on the kind of server it believes in."""


class Tap:
    """Hashes what flows by with the algorithms that the client named, besides SHA-256."""

    def __init__(self, checks: Sequence[Checksum], *, is_shown: bool) -> None:
        self.checks = checks
        self.shown = SHOWN if is_shown else ()
        algorithms = {*(check.algorithm for check in checks), *self.shown}
        self.hashers: dict[str, Hasher] = {algorithm: new_hasher(algorithm) for algorithm in algorithms}

    def update(self, data: bytes) -> None:
        """Take bytes."""
        for hasher in self.hashers.values():
            hasher.update(data)

    def finish(self) -> str:
        """The sums to be shown later on. Raises Invalid where one is another than the client said."""
        for check in self.checks:
            if self.hashers[check.algorithm].hexdigest() != check.digest:
                raise Invalid(f"The bytes that came do not have the {check.algorithm} that was announced.")
        return " ".join(f"{algorithm}:{self.hashers[algorithm].hexdigest()}" for algorithm in self.shown)


def hold_content(body: bytes, checks: Sequence[Checksum] = (), *, is_shown: bool = False) -> Content:
    """As `receive_content`, of a small body that has come. Raises Invalid."""
    sums = ""
    if checks or is_shown:
        tap = Tap(checks, is_shown=is_shown)
        tap.update(body)
        sums = tap.finish()
    return Content(hashlib.sha256(body).hexdigest(), len(body), body, sums)


async def receive_content(
    core: Core,
    stream: AsyncIterator[bytes],
    *,
    max_bytes: int,
    checks: Sequence[Checksum] = (),
    is_shown: bool = False,
) -> Content:
    """All bytes of a stream; verified, and not yet a file. With `is_shown` its sums are kept for clients that ask.

    Raises Invalid, TooLarge, and what the stream raises.
    """
    tap = Tap(checks, is_shown=is_shown)
    head: list[bytes] = []
    size = 0
    async for data in stream:
        tap.update(data)
        head.append(data)
        size += len(data)
        if size > SMALL_BYTES:
            return await _receive_large(core, head, stream, tap, max_bytes)
    sums = tap.finish()
    body = b"".join(head)
    return Content(hashlib.sha256(body).hexdigest(), len(body), body, sums)


async def _receive_large(
    core: Core, head: list[bytes], stream: AsyncIterator[bytes], tap: Tap, max_bytes: int
) -> Content:
    async def all_of_it() -> AsyncIterator[bytes]:
        for data in head:
            yield data
        head.clear()
        async for data in stream:
            tap.update(data)
            yield data

    blob = await core.blobs.receive(all_of_it(), max_bytes=max_bytes)
    return Content(blob.hash, blob.size, checksums=tap.finish())


async def assemble(core: Core, hashes: Sequence[str]) -> AsyncIterator[bytes]:
    """The bytes of several blobs, one after the other."""
    for hash in hashes:
        async for data in core.blobs.open(hash):
            yield data
