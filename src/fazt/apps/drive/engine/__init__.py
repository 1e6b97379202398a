"""The drive in memory: which spaces there are, and answers that hold until something changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from fazt.apps.drive.engine.drive import Drive, drive_of
from fazt.apps.drive.engine.indexing import index_forever
from fazt.apps.drive.engine.listings import Listing, News, State, ids_of_folders

if TYPE_CHECKING:
    from fazt.core import Core

__all__ = ["Drive", "Listing", "News", "State", "drive_of", "ids_of_folders", "run"]


@asynccontextmanager
async def run(core: Core) -> AsyncIterator[None]:
    """Search follows for as long as the program runs."""
    drive_of(core)
    task = asyncio.create_task(index_forever(core), name="drive index")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
