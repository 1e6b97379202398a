"""The sites as they are shown: which hosts there are, and for each what answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from fazt.apps.sites import store
from fazt.apps.sites.engine.cache import BodyCache, Variant
from fazt.apps.sites.engine.resources import Index, Resource, build_resource
from fazt.apps.sites.model import Domain, FileEntry, Site, SiteCode, find_code
from fazt.apps.sites.wire.code import is_static, parse_static
from fazt.apps.sites.wire.headers import Block, parse_headers
from fazt.apps.sites.wire.redirects import Redirects, parse_redirects
from fazt.core.errors import NotFound

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.app import Endpoint

MAX_RULES_BYTES = 1 << 20
MAX_LOADED = 200
RULES = ("_redirects", "_headers", "fazt.json")


class Hosted:
    """One host name that shows a site. `resources` are answers by path; they go when the site changes."""

    __slots__ = ("endpoint", "host", "index", "is_plain", "resources", "site", "stand_ins")

    def __init__(self, host: str, site: Site) -> None:
        self.host = host
        self.site = site
        self.index: Index | None = None
        self.resources: dict[str, Resource] = {}
        self.stand_ins: dict[tuple[str, int], Resource] = {}
        self.is_plain = False
        """Whether a path that has a file is answered by it without any question: no password, no forced rule."""
        self.endpoint: Endpoint | None = None

    def show(self, index: Index | None) -> None:
        """From now on, this is what is answered."""
        self.index = index
        self.resources = {}
        self.stand_ins = {}
        if index is not None:
            self.site = index.site
            self.is_plain = not index.site.password_hash and not index.redirects.has_forced

    def resource(self, index: Index, address: str, path: str) -> Resource:
        """The answers of the file at `path`, which is what resolve() found for `address` in `index`."""
        if self.index is not index:  # the site changed while this request was waiting
            return build_resource(index, self.host, address, path)
        found = self.resources.get(address)
        if found is None:
            found = self.resources[address] = build_resource(index, self.host, address, path)
        return found

    def stand_in(self, index: Index, address: str, path: str, status: int) -> Resource:
        """The answers of the file at `path` for an `address` that is not its own: rewrites and error pages.

        There is no end to such addresses; they are told apart only by the rules of `_headers`.
        """
        if index.headers or self.index is not index:
            return build_resource(index, self.host, address, path, status)
        found = self.stand_ins.get((path, status))
        if found is None:
            found = self.stand_ins[path, status] = build_resource(index, self.host, address, path, status)
        return found


class Hosting:
    """All hosts of the cloud's sites. `hosts` is asked at each request; the rest follows the tables."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.hosts: dict[str, Hosted] = {}
        self.cache = BodyCache(core.settings.get("sites.cache_mb") << 20)
        self._loading: dict[int, asyncio.Task[Index]] = {}
        self._changes = 0
        self._reloading = asyncio.Lock()

    def names_of(self, name: str) -> list[str]:
        """The hosts that every site has: below the cloud's domain, and on this machine."""
        return list(dict.fromkeys([f"{name}.{self.core.config.domain}", f"{name}.localhost"]))

    async def load_all(self) -> None:
        """Learn all hosts. What is behind them is read when somebody comes."""
        async with self._reloading:
            sites, domains = await self.core.db.read(read_hosts)
            self._note_change()
            self.hosts = {}
            by_name = {site.name: site for site in sites}
            for site in sites:
                self._place(site, self.names_of(site.name))
            for domain in domains:
                self._place(by_name[domain.site], [domain.host])

    def _place(self, site: Site, hosts: list[str]) -> None:
        for host in hosts:
            self.hosts[host] = Hosted(host, site)

    async def reload(self, site_id: int) -> None:
        """Follow a change of one site: when this returns, the new state (or a newer one) is what is shown."""
        async with self._reloading:  # of two at once, the later must be the one that reads last
            await self._reload(site_id)

    async def _reload(self, site_id: int) -> None:
        try:
            site = await self.core.db.read(store.get_site_by_id, site_id)
        except NotFound:
            site = None
        gone = {host: hosted for host, hosted in self.hosts.items() if hosted.site.id == site_id}
        if site is None or site.deleted_at is not None:
            self._replace(gone, {})
            return
        domains = await self.core.db.read(store.list_domains, site_id)
        names = [*self.names_of(site.name), *(domain.host for domain in domains)]
        index = await self._read(site_id)
        fresh = {}
        self._note_change()
        for host in names:
            fresh[host] = gone.get(host) or Hosted(host, site)
            fresh[host].show(index)
        self._replace(gone, fresh)

    def _replace(self, gone: dict[str, Hosted], fresh: dict[str, Hosted]) -> None:
        for host, hosted in gone.items():
            if self.hosts.get(host) is hosted:
                del self.hosts[host]
        self.hosts |= fresh

    async def load(self, hosted: Hosted) -> Index:
        """What `hosted` shows; read once, however many ask at the same time."""
        while True:
            changes = self._changes
            index = await asyncio.shield(self._begin_reading(hosted.site.id))
            if hosted.index is not None:
                return hosted.index
            if changes == self._changes:  # else something was deployed meanwhile, perhaps this, shown, and let go again
                self._make_room()
                hosted.show(index)
                return index

    def _begin_reading(self, site_id: int) -> asyncio.Task[Index]:
        task = self._loading.get(site_id)
        if task is None:
            task = self._loading[site_id] = asyncio.create_task(self._read(site_id))
            task.add_done_callback(partial(self._end_reading, site_id))
        return task

    def _end_reading(self, site_id: int, task: asyncio.Task[Index]) -> None:
        if self._loading.get(site_id) is task:
            del self._loading[site_id]

    def _note_change(self) -> None:
        """What is being read is perhaps old by now, so nobody is to be shown it or to wait for it from here on."""
        self._changes += 1
        self._loading.clear()

    def _make_room(self) -> None:
        """Forget what is behind the hosts when very many have been asked for; it is read again."""
        loaded = [hosted for hosted in self.hosts.values() if hosted.index is not None]
        if len(loaded) >= MAX_LOADED:
            for hosted in loaded:
                hosted.show(None)

    async def _read(self, site_id: int) -> Index:
        site, files, rules = await self.core.db.read(read_index, site_id)
        texts = {path: await self._read_text(entry) for path, entry in rules.items()}
        return build_index(site, files, texts)

    async def _read_text(self, entry: FileEntry) -> str:
        if entry.size > MAX_RULES_BYTES:
            return ""
        return (await self.core.blobs.read(entry.hash)).decode(errors="replace")

    async def body(self, variant: Variant) -> bytes:
        """The bytes of a cacheable variant, from memory or read and remembered."""
        body = self.cache.find(variant.hash)
        if body is None:
            data = await self.core.blobs.read(variant.hash)
            variant.body = self.cache.put(variant.hash, data)
            return data
        variant.body = body
        assert body.message is not None, "what the cache finds is in memory"
        found: bytes = body.message["body"]
        return found


def read_hosts(conn: Connection) -> tuple[list[Site], list[Domain]]:
    """In one snapshot: all sites, and the domains that lead to them."""
    return store.list_sites(conn), store.list_domains(conn)


def read_index(conn: Connection, site_id: int) -> tuple[Site, dict[str, FileEntry], dict[str, FileEntry]]:
    """In one snapshot: the site, the files of the version that is shown, and those that hold rules."""
    site = store.get_site_by_id(conn, site_id)
    files = store.load_files(conn, site_id, site.version) if site.version else {}
    return site, files, {path: files[path] for path in RULES if path in files}


def build_index(site: Site, files: dict[str, FileEntry], texts: dict[str, str]) -> Index:
    """The rules were read once at the deploy, where their faults were told; here they are passed over."""
    redirects: Redirects = parse_redirects(texts.get("_redirects", ""))[0]
    headers: tuple[Block, ...] = parse_headers(texts.get("_headers", ""))[0]
    entry = find_code(files.keys())
    if not entry:
        return Index(site, files, redirects, headers)
    patterns = parse_static(texts.get("fazt.json", ""))
    shown = {path: file for path, file in files.items() if path != entry and is_static(path, patterns)}
    return Index(site, shown, redirects, headers, SiteCode(site, site.version, files, entry))


@asynccontextmanager
async def run(core: Core) -> AsyncIterator[None]:
    """The hosts are known for as long as the program runs."""
    hosting = Hosting(core)
    await hosting.load_all()
    core.add(hosting)
    come_back = asyncio.Event()
    stop_watching = core.db.watch(store.CAME_BACK, come_back.set)
    following = asyncio.create_task(follow(hosting, come_back), name="fazt sites come back")
    try:
        yield
    finally:
        stop_watching()
        following.cancel()


async def follow(hosting: Hosting, come_back: asyncio.Event) -> None:
    """Learn of sites that came out of a backup, past the actions."""
    while True:
        await come_back.wait()
        come_back.clear()
        await hosting.load_all()
