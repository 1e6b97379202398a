"""A Deno behind both walls with our boot module in it, and the site's code still to come."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from fazt.apps.runtime.engine.launch import build_command, build_order, find_deno, spawn
from fazt.core.http.protocol import UNTRUSTED

READ_BYTES = 65_536


class Walls(NamedTuple):
    """What of the walls is not the same for all: memory, and where nothing may connect to."""

    memory_mb: int
    denied: tuple[str, ...]


class Shell:
    """A process and what it needs: a folder with its sockets, one below for the code, and the bridge to the program.

    Its walls are fixed when it starts.
    """

    def __init__(self, home: Path, walls: Walls) -> None:
        self.home, self.folder, self.walls = home, home / "code", walls
        self.process: asyncio.subprocess.Process | None = None
        self.bridge: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
        self.bridge = asyncio.get_running_loop().create_future()
        self._server: asyncio.Server | None = None

    async def start(self, boot: Path) -> None:
        """Start it; its boot module comes to the bridge by itself. Raises Unavailable where there is no Deno."""
        try:
            self.folder.mkdir()
            self._server = await asyncio.start_unix_server(self._take, self.home / "b.sock", limit=READ_BYTES)
            memory_mb, denied = self.walls
            command = build_command(find_deno(), boot, self.home, self.folder, memory_mb, denied)
            self.process = await spawn(build_order(command, boot, self.home, self.folder, memory_mb))
            UNTRUSTED.add(self.process.pid)
        except BaseException:
            await self.stop()
            raise

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.bridge.done():
            writer.close()
            return
        self.bridge.set_result((reader, writer))
        self._close_door()

    def _close_door(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    @property
    def pid(self) -> int:
        """Its number, 0 before it has one."""
        return self.process.pid if self.process else 0

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.returncode is None

    def kill(self) -> None:
        """End it at once."""
        if self.process is not None and self.process.returncode is None:
            with suppress(ProcessLookupError):
                self.process.kill()

    async def stop(self) -> None:
        """Kill it, wait for its end, and remove what was its own."""
        self.kill()
        if self.process is not None:
            await self.process.wait()
            UNTRUSTED.discard(self.process.pid)
        self._close_door()
        if self.bridge.done() and not self.bridge.cancelled():
            self.bridge.result()[1].close()
        self.bridge.cancel()
        await asyncio.to_thread(shutil.rmtree, self.home, ignore_errors=True)
