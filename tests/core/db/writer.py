"""A program that writes until it is killed, and says on standard output what was acknowledged."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from sqlalchemy import Connection, text

from fazt.core.config import Config
from fazt.core.db import open_database
from fazt.core.errors import Conflict

PUT = text("INSERT INTO note (id, words) VALUES (:id, :words)")
PAIR = 1_000_000_000


def put_pair(conn: Connection, note_id: int, *, fails: bool) -> None:
    """Two rows that belong together."""
    conn.execute(PUT, {"id": note_id, "words": "x" * 500})
    conn.execute(PUT, {"id": note_id + PAIR, "words": "y"})
    if fails:
        raise Conflict("no")


async def main(path: Path, first_id: int) -> None:
    """Sixteen writers, each with its own numbers; every seventh write fails."""
    db = open_database(Config(data=path))

    async def write_forever(note_id: int) -> None:
        while True:
            try:
                await db.write(put_pair, note_id, fails=note_id % 7 == 0)
                os.write(1, b"%d\n" % note_id)
            except Conflict:
                os.write(1, b"%d\n" % -note_id)
            note_id += 16

    await asyncio.gather(*(write_forever(first_id + n) for n in range(16)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
