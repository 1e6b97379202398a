"""The hub: one log in, every listener out. Whatever reaches the log is told here once, in the order of its numbers."""

from __future__ import annotations

import asyncio
from collections import Counter as Tally
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import msgspec
from prometheus_client import Counter, Gauge

from fazt.apps.pubsub.engine.reader import Reader
from fazt.apps.pubsub.engine.spreading import Spread
from fazt.apps.pubsub.engine.visitors import Visitors
from fazt.apps.pubsub.engine.writing import Writer
from fazt.apps.pubsub.model.access import Rules
from fazt.apps.pubsub.model.index import Index
from fazt.apps.pubsub.model.message import JSON, Message, Publication, Receipt, new_message_id
from fazt.apps.pubsub.model.options import Limits
from fazt.apps.pubsub.model.since import Span
from fazt.apps.pubsub.model.topic import is_pattern
from fazt.apps.pubsub.store import delayed, pages, rules, topics
from fazt.apps.pubsub.store.log import Answer
from fazt.core.clock import HOUR, Clock
from fazt.core.db import Database
from fazt.core.errors import Unavailable
from fazt.core.events import Event
from fazt.core.log import get_logger
from fazt.core.metrics import REGISTRY

if TYPE_CHECKING:
    from fazt.core import Core

MAX_FANOUTS = 20_000
PAUSE_S = 1.0

PUBLISHED = Counter("fazt_pubsub_published", "Messages published.", registry=REGISTRY)
LISTENERS = Gauge("fazt_pubsub_listeners", "Listeners that are connected.", registry=REGISTRY)

log = get_logger(__name__)


class Hub:
    """Who listens to what. `last` is the number up to which everything was told."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.db: Database = core.db
        self.clock: Clock = core.clock
        self.loop = asyncio.get_running_loop()
        self.last = 0
        self.rules = Rules(())
        self.readers: dict[Reader, None] = {}
        self.visitors: Tally[str] = Tally()
        self.strangers = Visitors()
        self.volatile: frozenset[str] = frozenset()
        self.writer = Writer(self)
        self.spread = Spread(self)
        self._index: Index[Reader] = Index()
        self._fanouts: dict[str, dict[Reader, None]] = {}
        self._reaching: list[tuple[int, asyncio.Future[None]]] = []
        self._catching: asyncio.Task[None] | None = None
        self._loading = asyncio.Lock()
        self._is_behind = False
        self._is_loaded = False

    # What there is to know

    async def load(self) -> None:
        """Read what is kept in memory. Before anybody listens, everything that is in the log counts as told."""
        self._is_loaded = True
        self.last = await self.db.read(topics.read_seq)
        await self.load_rules()
        self.volatile = frozenset(await self.db.read(topics.list_volatile))

    async def newest(self) -> int:
        """`last`, also in a command that starts no engines."""
        if not self._is_loaded:
            await self.load()
        return self.last

    async def load_rules(self) -> None:
        """Who may what; who may not any longer hears nothing from now on."""
        async with self._loading:  # or an older answer could come after a newer one
            found = await self.db.read(rules.list_rules)
            self.rules = Rules(found, str(self.core.settings.get("pubsub.members")))
            self._fanouts.clear()

    async def load_volatile(self) -> None:
        """Which topics keep nothing."""
        self.volatile = frozenset(await self.db.read(topics.list_volatile))

    def limits(self) -> Limits:
        """What the settings allow."""
        get = self.core.settings.get
        return Limits(
            int(get("pubsub.keep_hours") * HOUR),
            get("pubsub.keep_messages"),
            get("pubsub.keep_mb") * 1024 * 1024,
            get("pubsub.max_topics"),
        )

    # In

    async def publish(self, publications: list[Publication]) -> list[Answer]:
        """Publish them, in their order; for each a receipt, or why it could not be. Access is looked at before."""
        await self.newest()
        PUBLISHED.inc(len(publications))
        ways = ["late" if one.due_at is not None else self.find_way(one) for one in publications]
        durable = [one for one, way in zip(publications, ways, strict=True) if way == "log"]
        late = [one for one, way in zip(publications, ways, strict=True) if way == "late"]
        written = iter(await self.writer.add(durable)) if durable else iter(())
        put_off = iter(await self.db.write(delayed.put_off, late, now=self.clock())) if late else iter(())
        answers: list[Answer] = []
        for one, way in zip(publications, ways, strict=True):
            if way == "now":
                answers.append(self._tell_now(one))
            else:
                answers.append(next(put_off if way == "late" else written))
        return answers

    def find_way(self, publication: Publication) -> str:
        """`now` where nothing is kept of it, else `log`."""
        return "now" if publication.volatile or publication.topic in self.volatile else "log"

    def _tell_now(self, one: Publication) -> Receipt:
        """Tell what is not kept to those who listen."""
        message = Message(
            seq=0,
            n=0,
            id=one.id or new_message_id(),
            topic=one.topic,
            at=self.clock(),
            data=one.data,
            content_type=one.content_type,
            extra=one.extra,
            kind=one.kind,
        )
        self.spread.soon(message)
        return Receipt(message.id, 0, 0, message.topic, message.at)

    # Out

    def tell(self, messages: list[Message]) -> None:
        """What is on disk now. Messages that other parts added without telling are read from the log first."""
        if self._catching is None and messages[0].seq == self.last + 1:
            self.spread.all(messages)
            self._reach(messages[-1].seq)
        else:
            self.look()

    def look(self) -> None:
        """Something is in the log that was not told."""
        self._is_behind = True
        if self._catching is None:
            self._catching = self.loop.create_task(self._catch_up(), name="fazt pubsub")

    async def _catch_up(self) -> None:
        try:
            while self._is_behind:
                self._is_behind = False
                await self._read_news()
        except Unavailable as error:
            log.warning("the log cannot be read just now: %s", error)
            self.loop.call_later(PAUSE_S, self.look)
        finally:
            self._catching = None

    async def _read_news(self) -> None:
        upto = await self.db.read(topics.read_seq)
        while self.last < upto:
            page = await self.db.read(
                pages.read_page, ["#"], lambda _: True, after=self.last, upto=upto, now=self.clock()
            )
            self.spread.all(page.messages)
            self._reach(page.position)

    def _reach(self, seq: int) -> None:
        self.last = seq
        if self._reaching:
            for number, waiting in self._reaching:
                if number <= seq and not waiting.done():
                    waiting.set_result(None)
            self._reaching = [pair for pair in self._reaching if pair[0] > seq]

    async def reach(self, seq: int) -> None:
        """Return when everything up to this number of the log was told."""
        if self.last < seq:
            waiting: asyncio.Future[None] = self.loop.create_future()
            self._reaching.append((seq, waiting))
            self.look()
            await waiting

    def fanout(self, topic: str) -> dict[Reader, None]:
        """Everybody who hears a topic."""
        found = self._fanouts.get(topic)
        return self._find_fanout(topic) if found is None else found

    def _find_fanout(self, topic: str) -> dict[Reader, None]:
        if len(self._fanouts) >= MAX_FANOUTS:
            self._fanouts.clear()
        found = {reader: None for reader in self._index.match(topic) if reader.may_hear(topic)}
        self._fanouts[topic] = found
        return found

    def is_heard(self, event: str) -> bool:
        """Whether anybody listens to the topic of an event."""
        return bool(self.fanout(f"fazt/{event}"))

    def tell_live(self, fact: Event) -> None:
        """An event that nobody keeps, to those who listen to its topic; in the form that kept ones have."""
        told = {"id": 0, "name": fact.name, "key": fact.key, "data": fact.data}
        data, topic = msgspec.json.encode(told), f"fazt/{fact.name}"
        self.spread.soon(
            Message(seq=0, n=0, id=new_message_id(), topic=topic, at=fact.at, data=data, content_type=JSON)
        )

    # Listeners

    def listen(self, reader: Reader, patterns: list[str], span: Span) -> None:
        """`reader` hears these patterns from now on: what is in the log up to `span.live` is its own affair."""
        if reader.is_gone:
            return
        for pattern in patterns:
            reader.patterns[pattern] = span
            self._index.add(pattern, reader)
        self._change_fanouts(reader, patterns)

    def leave(self, reader: Reader, patterns: list[str]) -> list[str]:
        """`reader` no longer hears these patterns; those of them that it had."""
        had = [pattern for pattern in patterns if reader.patterns.pop(pattern, None) is not None]
        for pattern in had:
            self._index.remove(pattern, reader)
        self._change_fanouts(reader, had)
        return had

    def _change_fanouts(self, reader: Reader, patterns: list[str]) -> None:
        """What is known of who hears what changes by these patterns of one reader."""
        if any(map(is_pattern, patterns)):
            self._fanouts.clear()
            return
        for topic in patterns:
            fanout = self._fanouts.get(topic)
            if fanout is None:
                continue
            if reader in self._index.match(topic) and reader.may_hear(topic):
                fanout[reader] = None
            else:
                fanout.pop(reader, None)

    def admit(self, reader: Reader) -> None:
        """A new listener. Raises Unavailable where there are too many."""
        most = self.core.settings.get("pubsub.max_listeners")
        if len(self.readers) >= most:
            raise Unavailable(f"{most} listeners are connected, and no more are allowed.", limit=most)
        if reader.visitor:
            most = self.core.settings.get("pubsub.visitor_listeners")
            if self.visitors[reader.visitor] >= most:
                raise Unavailable(
                    f"{most} listeners of your address are connected, and no more are allowed.", limit=most
                )
            self.visitors[reader.visitor] += 1
        self.readers[reader] = None
        if reader.caller is not None:
            reader.leave = self.core.auth.follow(reader.caller, reader.refuse)
        LISTENERS.set(len(self.readers))

    def forget(self, reader: Reader) -> None:
        """A listener has gone."""
        if reader not in self.readers:
            return
        del self.readers[reader]
        if reader.leave is not None:
            reader.leave()
        LISTENERS.set(len(self.readers))
        if reader.visitor:
            self.visitors[reader.visitor] -= 1
            if not self.visitors[reader.visitor]:
                del self.visitors[reader.visitor]
        self.leave(reader, list(reader.patterns))

    def listeners(self, topic: str) -> list[Reader]:
        """Everybody who hears a topic at this moment."""
        return list(self.fanout(topic))

    async def stop(self) -> None:
        """End what runs in the background."""
        if self._catching is not None:
            self._catching.cancel()
            with suppress(asyncio.CancelledError):
                await self._catching


def hub_of(core: Core) -> Hub:
    """The one hub of this program; commands that start no engines get one that nobody listens to."""
    found: Any = core.engines.get(Hub)
    if found is None:
        found = Hub(core)
        core.add(found)
    hub: Hub = found
    return hub


@asynccontextmanager
async def run(core: Core) -> AsyncIterator[None]:
    """The hub, for as long as the program serves."""
    from fazt.apps.pubsub.engine.tending import tend  # noqa: PLC0415

    hub = hub_of(core)
    await hub.load()
    stop_hearing = core.events.listen_live(hub.tell_live, hub.is_heard)
    async with tend(hub):
        yield
    stop_hearing()
    await hub.stop()
