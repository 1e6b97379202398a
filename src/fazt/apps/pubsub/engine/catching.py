"""Catching up: what a listener missed comes from the log, and then, without a gap or a double, what is live."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

from fazt.apps.pubsub.model.index import Patterns
from fazt.apps.pubsub.model.message import Message
from fazt.apps.pubsub.model.since import Since, Span
from fazt.apps.pubsub.model.topic import matches
from fazt.apps.pubsub.store import pages

if TYPE_CHECKING:
    from fazt.apps.pubsub.engine.reader import Reader


class Job(Protocol):
    """Something that a listener reads from the log."""

    async def run(self, reader: Reader) -> None:
        """Read it, and write it to the reader."""


class Join:
    """New patterns. History is read without listening; the last piece, which is short, while what is live waits."""

    __slots__ = ("done", "patterns", "since")

    def __init__(self, patterns: list[str], since: Since, done: Callable[[int], None] | None) -> None:
        self.patterns = patterns
        self.since = since
        self.done = done

    async def run(self, reader: Reader) -> None:
        """See Job."""
        hub, wanted = reader.hub, wanted_by(reader, self.patterns)
        position = heard = hub.last
        if self.since.way != "now":
            start = await hub.db.read(pages.find_start, self.patterns, wanted, self.since, now=hub.clock())
            if start.is_lost:
                reader.notice("gap", {"topics": self.patterns[:20], "since": self.since.id or self.since.number})
            send(reader, start.first)
            heard = start.position
            position = await self._read_history(reader, wanted, heard)
        await hub.reach(position)
        await reader.emptied()
        upto = hub.last  # from here to `listen` nothing may be awaited
        hub.listen(reader, self.patterns, Span(min(heard, upto), upto))
        while position < upto and not reader.is_gone:
            position = await send_page(reader, self.patterns, wanted, position, upto, self._unheard(reader))
        reader.flush()
        if self.done is not None:
            self.done(upto)

    async def _read_history(self, reader: Reader, wanted: pages.Wanted, position: int) -> int:
        """Everything up to about now; where that is."""
        while position < reader.hub.last and not reader.is_gone:
            upto = reader.hub.last
            reader.flush()  # what is live by other patterns does not wait for this one's history
            position = await send_page(reader, self.patterns, wanted, position, upto, self._unheard(reader))
            if position >= upto:
                break
        return position

    def _unheard(self, reader: Reader) -> Callable[[Message], bool]:
        """Whether a message has not come by another pattern of this reader already."""
        mine = set(self.patterns)
        others = [(pattern, span.heard) for pattern, span in reader.patterns.items() if pattern not in mine]
        return lambda one: not any(heard < one.seq and matches(pattern, one.topic) for pattern, heard in others)


class Replay:
    """All that is live already, from where the reader was too slow."""

    async def run(self, reader: Reader) -> None:
        """See Job."""
        hub = reader.hub
        patterns = list(reader.patterns)
        wanted = wanted_by(reader, patterns)
        reader.notice("slow", {"policy": "replay", "dropped": reader.dropped})
        reader.dropped = 0
        position, is_new = reader.position, live_of(reader)
        while position < hub.last and not reader.is_gone:
            upto = hub.last
            position = await send_page(reader, patterns, wanted, position, upto, is_new)
            if position >= upto:
                break
        upto = hub.last
        reader.is_replaying = False  # what comes now waits in the queue
        while position < upto and not reader.is_gone:
            position = await send_page(reader, patterns, wanted, position, upto, is_new)


def live_of(reader: Reader) -> Callable[[Message], bool]:
    """Whether a message belongs to a pattern that was live when it came."""
    begun = {pattern: span.live for pattern, span in reader.patterns.items()}
    least = min(begun.values(), default=0)
    if len(set(begun.values())) <= 1:
        return lambda one: one.seq > least
    return lambda one: any(live < one.seq and matches(pattern, one.topic) for pattern, live in begun.items())


def wanted_by(reader: Reader, patterns: Iterable[str]) -> pages.Wanted:
    """Topics that the patterns mean and the reader may hear."""
    asked = Patterns(patterns)
    return lambda topic: topic in asked and reader.may_hear(topic)


async def send_page(
    reader: Reader,
    patterns: list[str],
    wanted: pages.Wanted,
    after: int,
    upto: int,
    is_new: Callable[[Message], bool],
) -> int:
    """Write the next page as soon as the line takes it; up to where the log is read now."""
    await reader.drained()
    page = await reader.hub.db.read(pages.read_page, patterns, wanted, after=after, upto=upto, now=reader.hub.clock())
    send(reader, [one for one in page.messages if is_new(one)])
    return page.position


def send(reader: Reader, messages: list[Message]) -> None:
    """Write messages that pass the reader's filter."""
    wanted = reader.filter
    frames = [reader.format.message(one) for one in messages if wanted is None or wanted(one)]
    if frames:
        reader.write(b"".join(frames))
