"""The certificates in memory, always as the file has them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from fazt.core.clock import DAY, HOUR
from fazt.core.errors import FaztError, NotFound
from fazt.core.log import get_logger
from fazt.core.tls import store, wire
from fazt.core.tls.contexts import create_context, create_server_context
from fazt.core.tls.engine.owned import is_own_name, list_own
from fazt.core.tls.model import (
    Certificate,
    HostState,
    Mode,
    find_covering,
    is_good,
    is_private_name,
    normalize,
)
from fazt.core.tls.model.times import hsts_seconds

if TYPE_CHECKING:
    from fazt.core.clock import Clock
    from fazt.core.config import Config
    from fazt.core.db import Database
    from fazt.core.settings import Settings

MAX_LOCAL = 1_000
LOCAL_LEFT = 30 * DAY
"""A local certificate with less than this to live is replaced by a new one."""

log = get_logger(__name__)


class Tls:
    """What certificates there are for which hosts. `is_ours(host)` says whether anything here answers for a host."""

    def __init__(self, db: Database, clock: Clock, settings: Settings, config: Config) -> None:
        self.clock = clock
        self.settings = settings
        self.config = config
        self.is_ours: Callable[[str], bool] = lambda host: host == config.domain
        self.hosts: dict[str, HostState] = {}
        self.answers: dict[str, str] = {}
        """HTTP-01: what is said at /.well-known/acme-challenge/<token>."""
        self.https_port = 0
        """Where HTTPS is served, 0 where it is not."""
        self._db = db
        self._certificates: list[Certificate] = []
        self._by_name: dict[str, list[Certificate]] = {}
        self._local: dict[str, Certificate] = {}
        self._root: tuple[str, str] | None = None
        self._contexts: dict[tuple[str, tuple[str, ...]], ssl.SSLContext] = {}
        self._watchers: list[Callable[[], None]] = []
        self._changed = asyncio.Event()
        self._loading = asyncio.Lock()

    # --- what others ask

    @property
    def mode(self) -> Mode:
        """Who vouches for this cloud: a public authority (by ACME), one of its own, or nobody."""
        chosen: str = self.settings.get("tls.mode")
        if chosen == "auto":
            if self.config.https_listen is None:
                return "off"
            return "local" if is_private_name(self.config.domain) else "acme"
        return "acme" if chosen == "acme" else "local" if chosen == "local" else "off"

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """All that are in the file, oldest first."""
        return tuple(self._certificates)

    @property
    def root_pem(self) -> str:
        """The local authority's certificate, for people to trust; "" where there is none."""
        return self._root[0] if self._root else ""

    @property
    def root_fingerprint(self) -> str:
        """Its SHA-256, as browsers show it: AB:CD:…; "" where there is none."""
        return wire.fingerprint_of(self._root[0]) if self._root else ""

    def find_certificate(self, host: str) -> Certificate | None:
        """The certificate to show for this host name (any case) or address, or None. Quick, without I/O.

        One that has run out is still found while there is no better one.
        """
        name = normalize(host)
        return self._find_kept(name) or self._find_local(name)

    def is_trusted(self, host: str) -> bool:
        """Whether browsers accept the certificate of this host now without having been told to."""
        found = self.find_certificate(host)
        return found is not None and found.source != "local" and is_good(found, self.clock())

    @property
    def public_port(self) -> int:
        """Where clients reach HTTPS."""
        return self.settings.get("tls.port") or self.https_port

    def redirects(self, host: str) -> bool:
        """Whether plain HTTP sends the clients of this host to HTTPS."""
        if not self.https_port:
            return False
        chosen: str = self.settings.get("tls.redirect")
        if chosen == "never":
            return False
        return self.is_trusted(host) if chosen == "auto" else self.find_certificate(host) is not None

    def hsts_seconds(self, host: str) -> int:
        """How long browsers are told to use nothing but HTTPS for this host; 0: they are told nothing."""
        if self.settings.get("tls.hsts") == "off" or not self.is_trusted(host):
            return 0
        state = self.hosts.get(host)
        return hsts_seconds(state.first_at if state else None, self.clock())

    def server_context(self, alpn: Sequence[str] = ()) -> ssl.SSLContext:
        """A context for a listener, good for as long as that runs: it shows each client the host's newest certificate.

        A client that names no host gets that of the cloud's domain.
        """
        return create_server_context(lambda name: self._pick(name, tuple(alpn)), alpn)

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have `callback()` run on the loop whenever certificates have changed; answers how to stop."""
        self._watchers.append(callback)

        def stop() -> None:
            with suppress(ValueError):
                self._watchers.remove(callback)

        return stop

    # --- life

    async def load(self) -> None:
        """Read all certificates; in mode "local" make the authority where there is none."""
        async with self._loading:  # of two at once, the later must be the one that reads last
            await self._load()

    async def _load(self) -> None:
        self._certificates = await self._db.read(store.list_certificates)
        self.hosts = await self._db.read(store.list_hosts)
        root, self._root = self._root, await self._db.read(store.find_root)
        if self.mode == "local" and (self._root is None or not wire.permits(self._root[0], self.config.domain)):
            self._root = await self._make_root()
        self._by_name = {}
        for certificate in self._certificates:
            for name in certificate.names:
                self._by_name.setdefault(name, []).append(certificate)
        if root != self._root:
            self._local.clear()
        known = {certificate.fingerprint for certificate in (*self._certificates, *self._local.values())}
        self._contexts = {key: context for key, context in self._contexts.items() if key[0] in known}
        for watcher in tuple(self._watchers):
            watcher()

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Follow the file inside the block."""
        stops = [
            self._db.watch(store.SIGNAL, self._changed.set),
            self.settings.watch("tls.mode", lambda _value: self._changed.set()),
        ]
        task = asyncio.create_task(self._follow(), name="fazt tls")
        try:
            yield
        finally:
            for stop in stops:
                stop()
            task.cancel()
            await asyncio.wait([task])

    async def _follow(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(HOUR / 1_000):  # dates pass too: what is shown may change without a write
                    await self._changed.wait()
            self._changed.clear()
            try:
                await self.load()
            except FaztError as error:
                log.warning("certificates are shown as they were: %s", error)
                await asyncio.sleep(1)

    async def _make_root(self) -> tuple[str, str]:
        names = [] if is_private_name(self.config.domain) and "." not in self.config.domain else [self.config.domain]
        now = self.clock()
        made = wire.create_root(self.config.domain, [*names, *list_own().names], now)
        await self._db.write(store.add_root, *made, now=now)
        return made

    def make_local(self, names: Sequence[str]) -> Certificate:
        """A new certificate of the local authority's. Raises NotFound where there is no authority."""
        if self._root is None:
            raise NotFound("This cloud has no authority of its own.", hint="`fazt settings set tls.mode local`")
        chain, key = wire.create_leaf(*self._root, names, self.clock())
        return wire.read_certificate(chain, key, "local")

    def _find_kept(self, name: str) -> Certificate | None:
        wild = "*." + name.partition(".")[2]
        return find_covering([*self._by_name.get(name, ()), *self._by_name.get(wild, ())], name, self.clock())

    def _find_local(self, name: str) -> Certificate | None:
        if self.mode != "local" or self._root is None:
            return None
        found = self._local.get(name)
        if found is None or found.not_after - self.clock() < LOCAL_LEFT:
            if not name or not (is_own_name(name) or self.is_ours(name)) or not wire.permits(self._root[0], name):
                return None
            if len(self._local) >= MAX_LOCAL:
                self._local.clear()
            found = self._local[name] = self.make_local([name])
        return found

    def _pick(self, name: str, alpn: tuple[str, ...]) -> ssl.SSLContext | None:
        found = self.find_certificate(name) if name else self._find_nameless()
        if found is None:
            return None
        key = (found.fingerprint, alpn)
        if key not in self._contexts:
            if len(self._contexts) > MAX_LOCAL:
                self._contexts.clear()
            context = create_context(found.chain_pem, found.key_pem)
            if alpn:
                context.set_alpn_protocols(list(alpn))
            self._contexts[key] = context
        return self._contexts[key]

    def _find_nameless(self) -> Certificate | None:
        """For clients that connect to an address: a certificate for addresses, else the domain's."""
        for address in list_own().addresses:
            if (found := self._find_kept(address)) is not None:
                return found
        if self.mode != "local":
            return self.find_certificate(self.config.domain)
        if "" not in self._local or self._local[""].not_after - self.clock() < LOCAL_LEFT:
            own = list_own()
            names = [self.config.domain, *own.names, *own.addresses]
            allowed = [name for name in dict.fromkeys(names) if self._root and wire.permits(self._root[0], name)]
            self._local[""] = self.make_local(allowed or ["localhost"])
        return self._local[""]
