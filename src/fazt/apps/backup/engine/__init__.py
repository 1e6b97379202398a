"""Backups at work: the desk that has work done, and Litestream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fazt.apps.backup.engine.desk import get_desk
from fazt.apps.backup.engine.litestream import replicating
from fazt.apps.backup.engine.place import sweep_partials

if TYPE_CHECKING:
    from fazt.core import Core


@asynccontextmanager
async def run(core: Core) -> AsyncIterator[None]:
    """Inside this block the replica follows the file."""
    desk = get_desk(core)
    await asyncio.to_thread(sweep_partials, core.config.data.parent)
    async with replicating(core):
        try:
            yield
        finally:
            await desk.stop()
