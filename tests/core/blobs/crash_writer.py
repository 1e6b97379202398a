"""Run as a program, to be killed: fills blobs and uploads of a data.db, telling each thing that is durable."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

from fazt.core.blobs import Blobs, keep
from fazt.core.clock import system_clock
from fazt.core.config import Config
from fazt.core.db import open_database

PIECE = 50_000


def make_bytes(seed: int, size: int) -> bytes:
    """The same for the same seed, whatever the size."""
    return Random(seed).randbytes(3_000_000)[:size]


async def stream_of(data: bytes) -> AsyncIterator[bytes]:
    """Piece by piece, with other work between."""
    for at in range(0, len(data), PIECE):
        yield data[at : at + PIECE]
        await asyncio.sleep(0)


def tell(*words: object) -> None:
    """One line to the parent; it is there even if this program dies now."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


async def fill(blobs: Blobs, seed: int) -> None:
    """One blob after the other."""
    while True:
        data = make_bytes(seed, Random(seed).choice([10, 100_000, 1_000_000, 2_900_000]))
        blob = await blobs.receive(stream_of(data), max_bytes=len(data))
        await blobs.db.write(keep, blob.hash)
        tell("kept", blob.hash, seed, blob.size)
        seed += 2


async def upload(blobs: Blobs, seed: int) -> None:
    """One upload after the other, in parts."""
    while True:
        name, offset, data = await blobs.begin(), 0, make_bytes(seed, 3_000_000)
        tell("upload", name, seed, 0)
        while offset < len(data):
            part = data[offset : offset + Random(seed + offset).randrange(1, 700_000)]
            offset = await blobs.append(name, offset, stream_of(part), max_bytes=len(data))
            tell("upload", name, seed, offset)
        seed += 2


async def main(path: str, seed: str) -> None:
    """Both until killed."""
    blobs = Blobs(open_database(Config(Path(path))), system_clock)
    await asyncio.gather(fill(blobs, 2 * int(seed)), upload(blobs, 2 * int(seed) + 1))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
