"""Taking a message in, from whatever door: read, judged, and committed before anybody is told that it is here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from fazt.apps.mail.engine.desk import get_desk
from fazt.apps.mail.model.message import Envelope, Facts, Stored, Verdicts
from fazt.apps.mail.store.arrive import Arrival
from fazt.apps.mail.store.deliver import Taken
from fazt.apps.mail.wire import mime
from fazt.apps.mail.wire.mime import Digest
from fazt.apps.mail.wire.reports import is_report, read_report
from fazt.core.errors import TooLarge

if TYPE_CHECKING:
    from fazt.core import Core

INLINE_BYTES = 32 * 1024
"""Reading less than this takes less time than going to another thread."""

GRACE_BYTES = 64 * 1024 * 1024
"""What a message may have at most, whatever the setting: the largest blob that is ever held in memory."""


def max_bytes(core: Core) -> int:
    """How large a message may be."""
    return min(int(core.settings.get("mail.max_mb")) * 1024 * 1024, GRACE_BYTES)


async def store_stream(core: Core, stream: AsyncIterator[bytes], limit: int) -> Stored:
    """The bytes of a message: a large one goes to its blob as it comes. Raises TooLarge, and what the stream raises."""
    digest = Digest(limit)
    head: list[bytes] = []
    async for data in stream:
        digest.push(data)
        head.append(data)
        if digest.whole is None:
            blob = await core.blobs.receive(rest_of(head, stream, digest), max_bytes=limit)
            return Stored(blob.size, blob.hash, digest.fold(), digest.head())
    return from_digest(digest)


async def rest_of(head: list[bytes], stream: AsyncIterator[bytes], digest: Digest) -> AsyncIterator[bytes]:
    """What has come and what comes."""
    for data in head:
        yield data
    head.clear()
    async for data in stream:
        digest.push(data)
        yield data


def from_digest(digest: Digest) -> Stored:
    """A small message, which is kept in the same transaction as its rows."""
    data = digest.head()
    return Stored(digest.size, digest.hash(), digest.fold(), data, data)


def store_bytes(data: bytes, limit: int) -> Stored:
    """A message that is in memory already. Raises TooLarge."""
    digest = Digest(limit)
    digest.push(data)
    return Stored(digest.size, digest.hash(), digest.fold(), digest.head(), data)


async def read_facts(stored: Stored, now: int) -> Facts:
    """What the message says; a longer one is read on another thread."""
    if len(stored.head) <= INLINE_BYTES:
        return mime.read(stored.head, now)
    return await asyncio.to_thread(mime.read, stored.head, now)


async def receive(core: Core, envelope: Envelope, stored: Stored, *, given: Verdicts | None = None) -> list[Taken]:
    """Take a message in: what became of it for each recipient. When this answers, it is on disk.

    `given` are the verdicts of a provider that has checked the sender itself.
    """
    now = core.clock()
    facts = await read_facts(stored, now)
    verdicts = given or await judge(core, envelope, stored, facts)
    desk = get_desk(core)
    about, reports = read_report(stored.head) if is_report(stored.head) else ("", [])
    if stored.data is not None:
        core.db.check_room(stored.size)
    return await desk.arrivals.add(
        Arrival(envelope, facts, stored, verdicts, desk.policy, about, reports, core.clock())
    )


async def judge(core: Core, envelope: Envelope, stored: Stored, facts: Facts) -> Verdicts:
    """The verdicts; none where the owner wants none, or no client's address is known (a provider has checked it)."""
    from fazt.apps.mail.engine.verdicts import MAX_BYTES  # noqa: PLC0415 - dnspython and dkim are large, and only mail that comes or goes needs them

    if not core.settings.get("mail.verify") or envelope.source == "local":
        return Verdicts()
    desk = get_desk(core)
    trusted = not envelope.address or desk.gate.is_trusted(envelope.address)
    if stored.data is not None:
        data = stored.data
    elif stored.size <= MAX_BYTES:
        data = await core.blobs.read(stored.hash)
    else:
        data = stored.head
    is_whole = stored.data is not None or stored.size <= MAX_BYTES
    return await desk.judge.check(data, envelope, facts.from_address, is_trusted=trusted, is_whole=is_whole)


def check_size(size: int, limit: int) -> None:
    """Raises TooLarge."""
    if size > limit:
        raise TooLarge(f"A message may have {limit} bytes.", max_bytes=limit)
