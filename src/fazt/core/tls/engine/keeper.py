"""Keeps every name of this cloud in a good certificate: asks, renews, waits, falls back."""

from __future__ import annotations

import asyncio
import hashlib
import random
import threading
from collections.abc import Collection
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection

from fazt.core.auth.store import find_owner
from fazt.core.clock import DAY, HOUR, MINUTE, SECOND
from fazt.core.errors import FaztError, Invalid
from fazt.core.log import get_logger
from fazt.core.tls import store, wire
from fazt.core.tls.engine.asking import Asked, Asking, ask
from fazt.core.tls.engine.checks import Checker
from fazt.core.tls.engine.options import (
    AuthorityChoice,
    Limits,
    find_provider,
    find_wild_zone,
    get_limits,
    list_choices,
    make_look,
)
from fazt.core.tls.engine.provers import DnsProver, HttpProver
from fazt.core.tls.engine.threads import run_blocking
from fazt.core.tls.engine.wanted import list_wanted
from fazt.core.tls.model import Certificate, covers, find_covering, is_good, registered_domain
from fazt.core.tls.model.outcomes import Limited, Refused, Trouble
from fazt.core.tls.model.plan import Order, make_plan
from fazt.core.tls.model.times import (
    WEEK,
    delay_after_check,
    delay_after_refusal,
    delay_after_trouble,
    free_at,
    is_due,
    renewal_time,
)

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.tls.engine.acme import Advice

AT_ONCE = 3
"""Orders under way at the same time."""

ROUNDS = 100
LONGEST_WAIT = 6 * HOUR
ARI_PAUSE = 6 * HOUR
KEPT = 30 * DAY
"""How long a certificate stays in the file that has run out."""

log = get_logger(__name__)


class Keeper:
    """One for each program; `keep` is called by a job, never twice at once."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.stopping = threading.Event()

    async def keep(self) -> int:
        """Do all that is due; when there is something to do again (ms)."""
        next_at = self.core.clock() + LONGEST_WAIT
        if self.core.tls.mode != "acme":
            return next_at
        for _ in range(ROUNDS):
            orders, later = await self._plan()
            if not orders or self.stopping.is_set():
                next_at = min(next_at, later)
                break
            slots = asyncio.Semaphore(AT_ONCE)
            await asyncio.gather(*(self._fulfil(order, slots) for order in orders))
        await self._follow_advice()
        await self._tidy()
        return max(next_at, self.core.clock() + SECOND)

    async def _plan(self) -> tuple[tuple[Order, ...], int]:
        core, now = self.core, self.core.clock()
        wanted = await list_wanted(core)
        states = await core.db.read(store.list_hosts)
        certificates = await core.db.read(store.list_certificates)
        plan = make_plan(wanted, certificates, states, wild_zone=find_wild_zone(core), now=now)
        return plan.orders, plan.next_at

    async def _fulfil(self, order: Order, slots: asyncio.Semaphore) -> None:
        async with slots:
            try:
                order = await self._check(order)
                if order.names:
                    await self._ask_around(order)
            except FaztError as error:  # our own settings, or the database
                log.warning("no certificate for %s: %s", ", ".join(order.names), error)
                await self._put_off(order.names, error, self.core.clock() + 10 * MINUTE)

    async def _put_off(self, names: Collection[str], why: FaztError, until: int) -> None:
        now = self.core.clock()
        await self.core.db.write(store.note_waiting, names, why.message, why.hint, next_at=until, now=now)

    # --- before asking

    async def _check(self, order: Order) -> Order:
        """The order without the names that our own look shows to be not ready."""
        if order.method == "dns-01":
            return order
        core, now = self.core, self.core.clock()
        checker = Checker(make_look(core), core.tls.answers, core.settings.get("tls.http_port"))
        states, ready = await core.db.read(store.list_hosts), []
        looks = [run_blocking(checker.check, name, is_own=is_below(name, core.config.domain)) for name in order.names]
        for name, found in zip(order.names, await asyncio.gather(*looks), strict=True):
            sure = [finding for finding in found if finding.is_sure and not finding.is_well]
            if sure:
                failures = states[name].failures if name in states else 0
                next_at = now + delay_after_check(failures, random.random())  # noqa: S311 - spreads, is no secret
                await core.db.write(store.note_failure, name, sure[0].text, sure[0].hint, next_at=next_at, now=now)
            else:
                ready.append(name)
        return Order(tuple(ready), order.method, order.replaces)

    async def _find_free(self, directory: str, order: Order) -> int:
        """When our own limits let us ask this authority (ms)."""
        core, now = self.core, self.core.clock()
        known = await core.db.read(store.find_authority, directory)
        if not is_due(known.next_at, now, DAY):
            return known.next_at
        return await core.db.read(find_free, directory, order, get_limits(core), now)

    # --- asking

    async def _ask_around(self, order: Order) -> None:
        core, put_off = self.core, dict[int, FaztError]()
        choices = list_choices(core)
        if not choices:
            raise Invalid("No authority is chosen.", hint="tls.directory is the address of its ACME directory.")
        for choice in choices:
            free = await self._find_free(choice.directory, order)
            if free > core.clock():
                put_off[free] = Limited("It waits, so as not to ask more than the authority allows.")
                continue
            try:
                asked = await self._ask(choice, order)
            except Refused as refused:
                await self._note_refusal(choice.directory, order, refused)
                return
            except Limited as limited:
                put_off[core.clock() + min(limited.retry_after_s * SECOND, WEEK)] = limited
                log.warning("%s has had enough of %s: %s", choice.directory, ", ".join(order.names), limited)
                continue
            except Trouble as trouble:
                if self.stopping.is_set():
                    return
                put_off[await self._note_trouble(choice.directory, trouble)] = trouble
                continue
            await self._take(choice.directory, order, asked)
            return
        first = min(put_off)
        await self._put_off(order.names, put_off[first], first)

    async def _ask(self, choice: AuthorityChoice, order: Order) -> Asked:
        core = self.core
        known = await core.db.read(store.find_authority, choice.directory)
        if not known.account_key_pem:
            await core.db.write(store.put_account, choice.directory, key_pem=wire.create_key(), uri="", email="")
            known = await core.db.read(store.find_authority, choice.directory)
        look = make_look(core)
        provider = find_provider(core) if order.method == "dns-01" else None
        asking = Asking(
            directory=choice.directory,
            account_key_pem=known.account_key_pem,
            account_uri=known.account_uri,
            email=await self._find_email(),
            eab_key_id=choice.eab_key_id,
            eab_key=choice.eab_key,
            roots_file=core.settings.get("tls.roots_file"),
            profile=core.settings.get("tls.profile"),
        )
        prover = DnsProver(provider, look, self.stopping) if provider else HttpProver(core.tls.answers)
        await core.db.write(store.note_attempts, choice.directory, [("order", "")], now=core.clock())
        asked = await run_blocking(ask, asking, order, prover, self.stopping)
        if asked.account_uri != known.account_uri:
            kept = {"key_pem": known.account_key_pem, "uri": asked.account_uri, "email": asking.email}
            await core.db.write(store.put_account, choice.directory, **kept)
        return asked

    async def _find_email(self) -> str:
        chosen: str = self.core.settings.get("tls.email")
        owner = None if chosen else await self.core.db.read(find_owner)
        return owner.email if owner else chosen

    # --- after it

    async def _take(self, directory: str, order: Order, asked: Asked) -> None:
        now = self.core.clock()
        renew_at, pause = weigh(asked.advice, asked.certificate)
        new = msgspec.structs.replace(
            asked.certificate, authority=directory, renew_at=renew_at, next_ari_at=now + pause
        )
        hosts = [host for host in await list_wanted(self.core) if covers(new.names, host)]
        await self.core.db.write(take, directory, order, new, [*hosts, *order.names], now=now)
        await self.core.tls.load()
        log.info("a certificate for %s from %s", ", ".join(new.names), new.issuer)

    async def _note_refusal(self, directory: str, order: Order, refused: Refused) -> None:
        now = self.core.clock()
        states = await self.core.db.read(store.list_hosts)
        for host, (error, hint) in refused.hosts.items():
            names = [name for name in order.names if name.removeprefix("*.") == host.removeprefix("*.")]
            for name in names or order.names:
                failures = states[name].failures if name in states else 0
                next_at = now + delay_after_refusal(failures, random.random())  # noqa: S311 - spreads, is no secret
                await self.core.db.write(store.note_failure, name, error, hint, next_at=next_at, now=now)
                await self.core.db.write(store.note_attempts, directory, [("failure", name)], now=now)

    async def _note_trouble(self, directory: str, trouble: Trouble) -> int:
        now = self.core.clock()
        known = await self.core.db.read(store.find_authority, directory)
        next_at = now + delay_after_trouble(known.failures, random.random())  # noqa: S311 - spreads, is no secret
        log.warning("%s: %s", directory, trouble)
        await self.core.db.write(store.note_authority_failure, directory, trouble.message, next_at=next_at)
        return next_at

    async def _follow_advice(self) -> None:
        """Ask for those in use whether the time of renewal is still right (ARI)."""
        core, now = self.core, self.core.clock()
        for certificate in core.tls.certificates:
            if certificate.source != "acme" or not is_due(certificate.next_ari_at, now, 8 * DAY):
                continue
            if certificate.not_after < now or core.tls.find_certificate(certificate.names[0]) != certificate:
                continue
            known = await core.db.read(store.find_authority, certificate.authority)
            asking = Asking(
                certificate.authority, known.account_key_pem, roots_file=core.settings.get("tls.roots_file")
            )
            try:
                advice = await run_blocking(asking.find_advice, certificate.chain_pem, self.stopping)
            except (Refused, Limited, Trouble) as error:
                log.info("no advice about renewal: %s", error)
                advice = None
            renew_at, pause = weigh(advice, certificate)
            await core.db.write(store.put_renewal, certificate.id, renew_at=renew_at, next_ari_at=now + pause)

    async def _tidy(self) -> None:
        wanted = await list_wanted(self.core)
        zone = find_wild_zone(self.core)
        known = [*wanted, *((zone, f"*.{zone}") if zone else ())]
        await self.core.db.write(tidy, known, now=self.core.clock())
        await self.core.tls.load()


def get_keeper(core: Core) -> Keeper:
    """The program's keeper."""
    if Keeper not in core.engines:
        core.add(Keeper(core))
    return core.get(Keeper)


def is_below(name: str, domain: str) -> bool:
    """Whether it is the domain or a name below it."""
    return f".{name}".endswith(f".{domain}")


def weigh(advice: Advice | None, certificate: Certificate) -> tuple[int, int]:
    """When to renew, and how long until the authority is asked again (ms). What was chosen before holds if it may."""
    chosen = certificate.renew_at
    if not chosen:
        chance = random.random()  # noqa: S311 - spreads renewals, is no secret
        chosen = renewal_time(certificate.not_before, certificate.not_after, chance)
    if advice is None:
        return chosen, ARI_PAUSE
    if not advice.start <= chosen <= advice.end:
        chosen = random.randint(advice.start, advice.end)  # noqa: S311 - as above
    return chosen, min(max(advice.held_s * SECOND, MINUTE), DAY) if advice.held_s else ARI_PAUSE


def find_free(conn: Connection, directory: str, order: Order, limits: Limits, now: int) -> int:
    """When one more such order fits into the limits of an authority (ms)."""
    counted = [
        ("order", "", limits.orders_per_3_hours, 3 * HOUR),
        ("set", set_of(order.names), limits.same_per_week, WEEK),
        *(("failure", name, limits.failures_per_hour, HOUR) for name in order.names),
    ]
    if order.replaces is None:
        domains = {registered_domain(name) for name in order.names}
        counted += [("domain", domain, limits.certificates_per_week, WEEK) for domain in domains]
    return max(
        free_at(store.list_attempts(conn, directory, kind, subject, since=now - window), limit, window, now)
        for kind, subject, limit, window in counted
    )


def set_of(names: Collection[str]) -> str:
    """A set of names, to be counted."""
    return hashlib.sha256(" ".join(sorted(names)).encode()).hexdigest()[:32]


def take(conn: Connection, directory: str, order: Order, new: Certificate, hosts: Collection[str], *, now: int) -> None:
    """Keep a certificate that was issued, and what it counts."""
    store.add_certificate(conn, new, now=now)
    store.note_success(conn, dict.fromkeys(hosts), now=now)
    store.note_authority_success(conn, directory)
    counted = [("set", set_of(order.names))]
    if order.replaces is None:
        counted += [("domain", domain) for domain in sorted({registered_domain(name) for name in order.names})]
    store.note_attempts(conn, directory, counted, now=now)


def tidy(conn: Connection, known: Collection[str], *, now: int) -> None:
    """Forget names that are gone, counts that count no longer, certificates that ran out long ago or were replaced.

    And note since when names are on HTTPS that a wildcard or a certificate of the owner's covers.
    """
    store.forget_hosts(conn, known)
    there, states = store.list_certificates(conn), store.list_hosts(conn)
    fresh = {name: find_covering(there, name, now) for name in known if name not in states}
    store.note_success(conn, [name for name, found in fresh.items() if found and is_good(found, now)], now=now)
    store.prune_attempts(conn, now - 2 * WEEK)
    held = [one for one in there if one.source == "acme"]
    old = [
        one.id
        for one in held
        if one.not_after < now - KEPT
        or any(
            other.id > one.id and set(one.names) <= set(other.names) and other.created_at < now - WEEK for other in held
        )
    ]
    store.delete_certificates(conn, old)
