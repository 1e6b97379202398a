"""The queue at work: takes what is due, asks one relay after the other, writes down how it went."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from prometheus_client import Counter
from sqlalchemy import Connection

from fazt.apps.mail.engine.relays import Refused, Trouble, hand_over
from fazt.apps.mail.model.addresses import domain_of
from fazt.apps.mail.model.outgoing import Delivery, Handed, Outgoing, Relay, wait_after
from fazt.apps.mail.store import outgoing as store
from fazt.apps.mail.store import relays as relay_store
from fazt.apps.mail.store.suppression import suppress as suppress_address
from fazt.apps.mail.wire.compose import sign
from fazt.core.errors import FaztError
from fazt.core.log import get_logger
from fazt.core.metrics import REGISTRY

if TYPE_CHECKING:
    from fazt.core import Core

AT_ONCE = 5
LONGEST_WAIT_S = 60.0
REST_S = 60.0
GRACE_S = 5.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
NO_RELAY_WAIT = 10 * 60_000

HANDED = Counter("fazt_mail_handed", "Messages handed to relays.", ("outcome",), registry=REGISTRY)

log = get_logger(__name__)


class Sender:
    """One for the program. A relay that failed rests for a minute, so that the next in the chain is asked at once."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._running: dict[str, asyncio.Task[None]] = {}
        self._woken = asyncio.Event()
        self._resting: dict[str, float] = {}
        self._used: dict[str, float] = {}

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Send inside the block. At its end what is being handed over gets a few seconds."""
        lost = await self._core.db.write(store.recover, now=self._core.clock())
        if lost:
            log.warning("%d deliveries were in a relay's hands at the last stop; they are offered to it again", lost)
        stop = self._core.db.watch(store.SIGNAL, self._woken.set)
        taker = asyncio.create_task(self._send_forever(), name="fazt mail queue")
        try:
            yield
        finally:
            stop()
            taker.cancel()
            await asyncio.wait([taker])
            await self._stop()

    async def _stop(self) -> None:
        if not self._running:
            return
        _, late = await asyncio.wait(self._running.values(), timeout=GRACE_S)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)

    async def _send_forever(self) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            self._woken.clear()
            try:
                wait_s = await self._start_due()
                pause_s = FIRST_PAUSE_S
            except FaztError as error:
                log.warning("the mail queue stands still for %.1f s: %s", pause_s, error)
                wait_s, pause_s = pause_s, min(LONGEST_PAUSE_S, pause_s * 2)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._woken.wait()

    async def _start_due(self) -> float:
        """Start what is due, as far as there is room; how long there is nothing to do (s)."""
        room = AT_ONCE - len(self._running)
        if room <= 0:
            return LONGEST_WAIT_S
        now = self._core.clock()
        for out_id in await self._core.db.read(store.list_due, AT_ONCE * 2, now=now):
            if out_id not in self._running and len(self._running) < AT_ONCE:
                task = asyncio.create_task(self._work(out_id), name=f"fazt mail {out_id}")
                self._running[out_id] = task
                task.add_done_callback(partial(self._ended, out_id))
        if self._running:
            return LONGEST_WAIT_S
        at = await self._core.db.read(store.find_next)
        return LONGEST_WAIT_S if at is None else min(max((at - self._core.clock()) / 1_000, 0.01), LONGEST_WAIT_S)

    def _ended(self, out_id: str, task: asyncio.Task[None]) -> None:
        del self._running[out_id]
        if not task.cancelled() and (error := task.exception()):
            log.error("message %s could not be handled", out_id, exc_info=error)
        self._woken.set()

    async def _work(self, out_id: str) -> None:
        """One message: the first relay that takes it gets it."""
        core = self._core
        chain = [relay for relay in await core.db.read(relay_store.list_relays) if relay.is_on]
        bound = await core.db.read(store.bound_to, out_id, now=core.clock())
        if bound and any(relay.url.name == bound for relay in chain):
            chain = [relay for relay in chain if relay.url.name == bound]
        if not chain:
            await self._postpone(out_id, "There is no relay to send through.", NO_RELAY_WAIT)
            return
        rested = [relay for relay in chain if self._resting.get(relay.id, 0) <= time.monotonic()] or chain
        delay_s = self._delay(rested[0])
        if delay_s > 0:
            await self._postpone(out_id, "Waiting: the relay takes only so many a minute.", delay_s * 1_000)
            return
        found = await core.db.read(store.get_outgoing, out_id)
        problem = ""
        for relay in rested:
            problem = await self._try(found, relay)
            if not problem:
                return
        attempts = max((delivery.attempts for delivery in found.deliveries), default=0) + 1
        wait = wait_after(attempts, random.random())  # noqa: S311 - spreads retries, is no secret
        await self._postpone(out_id, problem, wait, counts=True)

    async def _try(self, found: Outgoing, relay: Relay) -> str:
        """Offer the message to one relay; "" where that is the end of it for now, else why another should be asked."""
        core = self._core
        due = await core.db.write(store.take_due, found.id, relay.url.name, now=core.clock())
        if not due:
            return ""
        self._used[relay.id] = time.monotonic()
        try:
            data = await self._load(found, relay)
            handed = await hand_over(
                relay.url, found.mail_from, [delivery.address for delivery in due], data, core.config.domain
            )
        except Refused as error:
            HANDED.labels("refused").inc()
            await core.db.write(settle_refusal, due, str(error), error.stop, now=core.clock())
            return ""
        except Trouble as error:
            HANDED.labels("unsure" if error.is_unsure else "trouble").inc()
            return await self._settle_trouble(due, relay, error)
        HANDED.labels("sent").inc()
        self._resting.pop(relay.id, None)
        await core.db.write(settle_success, due, relay, handed, now=core.clock())
        return ""

    async def _settle_trouble(self, due: list[Delivery], relay: Relay, error: Trouble) -> str:
        core, now = self._core, self._core.clock()
        log.warning("%s did not take a message: %s", relay.url.name, error)
        self._resting[relay.id] = time.monotonic() + REST_S
        await core.db.write(settle_trouble, due, relay, str(error), is_unsure=error.is_unsure, now=now)
        return "" if error.is_unsure else str(error)

    async def _load(self, found: Outgoing, relay: Relay) -> bytes:
        """The bytes, signed where the relay does not sign. Raises Refused where they are gone."""
        try:
            data = await self._core.blobs.read(found.blob)
        except FaztError as error:
            raise Refused(error.message) from error
        domain = domain_of(found.mail_from)
        key = await self._core.db.read(relay_store.find_key, domain) if relay.url.signs else None
        if key is None:
            return data
        return await asyncio.to_thread(sign, data, domain, key.selector, key.private_key)

    async def _postpone(self, out_id: str, error: str, wait: float, *, counts: bool = False) -> None:
        now = self._core.clock()
        await self._core.db.write(store.postpone, out_id, error, now + int(wait), counts=counts, now=now)

    def _delay(self, relay: Relay) -> float:
        """How long (s) until this relay may be given another message."""
        if not relay.per_minute:
            return 0.0
        return self._used.get(relay.id, 0.0) + 60 / relay.per_minute - time.monotonic()


def settle_success(conn: Connection, due: list[Delivery], relay: Relay, handed: Handed, *, now: int) -> None:
    """Write down what the relay took, refused and put off."""
    taken = [one.id for one in due if one.address not in handed.refused and one.address not in handed.deferred]
    store.note_sent(conn, taken, relay.url.name, handed.remote_id, now=now)
    for one in due:
        if one.address in handed.refused:
            store.note_failed(conn, [one.id], handed.refused[one.address], now=now)
        elif one.address in handed.deferred:
            next_at = now + wait_after(one.attempts, 0.5)
            store.note_deferred(conn, [one.id], handed.deferred[one.address], next_at, is_unsure=False, now=now)
    relay_store.note_trouble(conn, relay.id, "", now=now)


def settle_refusal(conn: Connection, due: list[Delivery], error: str, stop: tuple[str, ...], *, now: int) -> None:
    """Write down that the message will never be taken."""
    store.note_failed(conn, [one.id for one in due], error, now=now)
    for address in stop:
        suppress_address(conn, address, "bounce", error, now=now)


def settle_trouble(
    conn: Connection, due: list[Delivery], relay: Relay, error: str, *, is_unsure: bool, now: int
) -> None:
    """Write down that the relay failed; who is asked next is known only where it cannot have the message."""
    relay_store.note_trouble(conn, relay.id, error, now=now)
    ids = [one.id for one in due]
    if is_unsure:
        next_at = now + wait_after(max(one.attempts for one in due), 0.5)
        store.note_deferred(conn, ids, error, next_at, is_unsure=True, now=now)
    else:
        store.give_back(conn, ids, now=now)
