"""The process that is ready for whichever site starts next, for a while after one has started."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from fazt.apps.runtime.engine.folders import Folders
from fazt.apps.runtime.engine.shell import Shell, Walls
from fazt.core.errors import FaztError

PAUSE_S = 0.01
"""The first answer of the site that has started goes first."""


class Spares:
    """At most one spare. It has no code and no secrets, and goes only to a site that is to have its very walls."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[Shell] | None = None
        self._has = self._wanted = Walls(0, ())
        self._until = 0.0

    @property
    def is_kept(self) -> bool:
        """Whether there is one, or one on its way."""
        return self._task is not None

    async def take(self, walls: Walls) -> Shell:
        """The spare, where its walls are these, else a new one. Raises Unavailable where there is no Deno."""
        task = self._task
        if task is not None and self._has == walls:
            self._task = None
            try:
                shell = await asyncio.shield(task)
            except asyncio.CancelledError:
                self._task = task
                raise
            if shell.is_alive:
                return shell
            await shell.stop()
        return await self._open(walls)

    def prepare(self, walls: Walls, keep_s: float) -> None:
        """A site has started: have a spare with such walls ready for the next, for so long."""
        self._wanted, self._until = walls, self._loop.time() + keep_s
        if self._task is None and keep_s > 0:
            self._has = walls
            self._task = self._loop.create_task(self._prepare(walls), name="fazt spare process")

    async def _prepare(self, walls: Walls) -> Shell:
        await asyncio.sleep(PAUSE_S)
        return await self._open(walls)

    async def _open(self, walls: Walls) -> Shell:
        shell = Shell(self._folders.create_home(), walls)
        await shell.start(self._folders.boot)
        return shell

    async def watch(self) -> None:
        """Let it go when nothing has started for long, its walls are out of date, or it did not live (no memory)."""
        task = self._task
        if task is None or not task.done():
            return
        is_lost = task.cancelled() or task.exception() is not None or not task.result().is_alive
        if is_lost or self._has != self._wanted or self._loop.time() > self._until:
            await self.close()

    async def close(self) -> None:
        """Stop it."""
        task, self._task = self._task, None
        if task is not None:
            with suppress(FaztError, OSError):
                await (await task).stop()
