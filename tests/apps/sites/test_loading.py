"""What is behind the hosts is read when somebody comes, and never older than what was deployed before that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, update

from fazt.apps import APPS
from fazt.apps.sites import store
from fazt.apps.sites.engine import Index
from fazt.apps.sites.engine.hosting import Hosting
from fazt.apps.sites.schema import site as site_table
from fazt.core import Core
from fazt.core.config import Config
from fazt.serve import create_core
from tests.conftest import NOW


class Held(Hosting):
    """Hosting in which the next read has read, and does not come back before `go`."""

    is_held = False

    def hold(self) -> None:
        self.is_held = True
        self.has_read, self.go = asyncio.Event(), asyncio.Event()

    async def _read(self, site_id: int) -> Index:
        index = await super()._read(site_id)
        if self.is_held:
            self.is_held = False
            self.has_read.set()
            await self.go.wait()
        return index


@pytest.fixture
async def core(data_file: Path) -> AsyncIterator[Core]:
    made = await create_core(Config(data=data_file), APPS)
    yield made
    await made.auth.close()
    await made.db.close()


def close(conn: Connection, site_id: int) -> None:
    """A change of a site that shows: from now on it asks for a password."""
    conn.execute(update(site_table).where(site_table.c.id == site_id).values(password_hash="hashed"))


@pytest.mark.parametrize("is_let_go", [False, True])
@pytest.mark.parametrize("comes_again", [False, True])
async def test_what_was_read_before_a_change_is_not_shown_after_it(
    core: Core, *, is_let_go: bool, comes_again: bool
) -> None:
    site = await core.db.write(store.create_site, "blog", "ann", NOW)
    hosting = Held(core)
    await hosting.load_all()
    hosted = hosting.hosts["blog.localhost"]
    hosting.hold()
    visits = [asyncio.create_task(hosting.load(hosted))]
    await hosting.has_read.wait()
    await core.db.write(close, site.id)
    await hosting.reload(site.id)
    if is_let_go:  # as when very many other sites are visited
        hosted.show(None)
    if comes_again:
        visits.append(asyncio.create_task(hosting.load(hosted)))
        await asyncio.sleep(0)
    hosting.go.set()
    for index in await asyncio.gather(*visits):
        assert index.site.password_hash == "hashed"
    assert hosted.index is not None
    assert hosted.index.site.password_hash == "hashed"


async def test_a_site_that_is_made_while_all_are_learned_is_not_lost(core: Core) -> None:
    await core.db.write(store.create_site, "blog", "ann", NOW)
    hosting = Hosting(core)
    for number in range(20):
        site = await core.db.write(store.create_site, f"new{number}", "ann", NOW)
        learning = asyncio.create_task(hosting.load_all())
        reloads = [asyncio.create_task(hosting.reload(site.id)) for _ in range(3)]
        await asyncio.gather(learning, *reloads)
        assert f"new{number}.localhost" in hosting.hosts


async def test_very_many_sites_take_turns_in_memory(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fazt.apps.sites.engine.hosting.MAX_LOADED", 10)
    for number in range(30):
        await core.db.write(store.create_site, f"s{number}", "ann", NOW)
    hosting = Hosting(core)
    await hosting.load_all()
    names = [f"s{number % 30}.localhost" for number in range(300)]
    found = await asyncio.gather(*(hosting.load(hosting.hosts[name]) for name in names))
    assert [f"{index.site.name}.localhost" for index in found] == names
    assert sum(hosted.index is not None for hosted in hosting.hosts.values()) <= 10
