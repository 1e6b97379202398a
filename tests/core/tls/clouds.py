"""A whole cloud in the test's own process, whose clock the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fazt.core import Core
from fazt.core.clock import system_clock
from fazt.core.config import Address, Config
from fazt.core.db import open_database
from fazt.core.settings import Settings
from fazt.core.tls import SETTINGS, store
from fazt.core.tls.model import Certificate, HostState
from fazt.serve import Running, running
from tests.program import OWNER_EMAIL, OWNER_PASSWORD

DOMAIN = "cloud.example.org"
PATIENCE_S = 30.0


@dataclass
class Cloud:
    """The running program, and by how much its clock is ahead (ms)."""

    program: Running
    ahead: int = 0

    @property
    def core(self) -> Core:
        return self.program.core

    def now(self) -> int:
        return system_clock() + self.ahead

    def jump(self, ms: int) -> None:
        """Move the clock, as when a machine wakes up; what is due begins at once."""
        self.ahead += ms
        self.core.jobs.wake()

    async def until(self, condition: Callable[[], Any], what: str = "it") -> None:
        """Wait for certificates to change until the condition is true."""
        changed = asyncio.Event()
        stop = self.core.tls.watch(changed.set)
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not condition():
                    changed.clear()
                    await changed.wait()
        except TimeoutError as error:
            raise AssertionError(f"{what} did not come true: {self.core.tls.hosts}") from error
        finally:
            stop()

    def certificate(self, host: str = DOMAIN) -> Certificate:
        found = self.core.tls.find_certificate(host)
        assert found is not None, host
        return found

    def has(self, *hosts: str) -> bool:
        """Whether each of these has a certificate."""
        return all(self.core.tls.find_certificate(host) for host in hosts)

    def state(self, host: str) -> HostState:
        return self.core.tls.hosts.get(host, HostState(host))

    async def keep(self) -> None:
        """Have all names looked at, and wait until that is done."""
        await self.core.db.write(store.try_again)
        await self.core.db.write(store.wake_keeper, now=self.now())


async def choose(data: Path, **chosen: object) -> None:
    """Put settings into a file on which nothing runs; `tls_directory` is tls.directory."""
    db = open_database(Config(data=data), [])
    settings = Settings(SETTINGS)
    await settings.load(db)
    for name, value in chosen.items():
        await settings.put(name.replace("tls_", "tls."), value, system_clock())
    await db.close()


@asynccontextmanager
async def cloud(data: Path, http_port: int, **chosen: object) -> AsyncIterator[Cloud]:
    """A cloud that serves HTTP at `http_port`, with these settings."""
    await choose(data, tls_http_port=http_port, **chosen)
    config = Config(
        data=data,
        domain=DOMAIN,
        listen=Address("127.0.0.1", http_port),
        https_listen=Address("127.0.0.1", 0),
        owner_email=OWNER_EMAIL,
        owner_password=OWNER_PASSWORD,
    )
    async with running(config) as program:
        here = Cloud(program)
        program.core.clock = program.core.tls.clock = here.now
        yield here
