"""A pad that is open: its document, its clients, and the way of every change through the file to all others.

A change is applied, written, and only then told: to everybody else, and to whoever made it as saved. What is applied
and not yet written is never sent. Changes that arrive while a write is under way go into the next one together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from fazt.apps.pads import store
from fazt.apps.pads.engine.line import BROKEN, CUT, GONE, MAX_GAPS, Line
from fazt.apps.pads.engine.presence import Presence
from fazt.apps.pads.model import Broken, Document, Edit, Pad, Row, Stored, find_edits, rewrite
from fazt.apps.pads.wire import messages
from fazt.apps.pads.wire.awareness import parse_awareness
from fazt.apps.pads.wire.updates import Pairs, Walked, find_gap, walk
from fazt.core import frames
from fazt.core.errors import FaztError, Invalid, TooLarge, Unavailable
from fazt.core.log import get_logger

if TYPE_CHECKING:
    from fazt.core import Core

INLINE_CHARS = 8_000
HEAVY = 8
"""How many times heavier than its longest text a document may be with all that was deleted from it."""
STATE_ROWS, STATE_BYTES = 500, 500_000

log = get_logger(__name__)


class Limits(msgspec.Struct, frozen=True):
    """What the owner of the cloud allows."""

    max_bytes: int
    max_clients: int

    @property
    def max_weight(self) -> int:
        """Of a whole document."""
        return self.max_bytes * HEAVY

    @property
    def max_message(self) -> int:
        """Of one message: a client that worked offline brings all at once."""
        return self.max_bytes * 2 + 262_144


class Batch:
    """Changes that are written together."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.told: list[tuple[Line | None, bytes]] = []
        self.after: list[Callable[[], None]] = []
        self.failed: list[Callable[[FaztError], None]] = []


class Room:
    """One open pad. `users` counts requests that are using it at this moment."""

    def __init__(self, core: Core, stored: Stored, pairs: Pairs, limits: Callable[[], Limits], client_id: int) -> None:
        self.core = core
        self.pad: Pad = stored.pad
        self.pairs = pairs
        self.limits = limits
        self.document = Document(stored.updates, client_id=client_id)
        self.weight = sum(map(len, stored.updates))
        self.clocks = messages.parse_state(self.document.state)
        self.seq = self.kept_seq = stored.seq
        self.state_seq, self.state_bytes = stored.seq - len(stored.updates), 0
        self.lines: set[Line] = set()
        self.slow: dict[Line, float] = {}
        self.presence = Presence()
        self.watchers: set[Callable[[], None]] = set()
        self.users = 0
        self.error: FaztError | None = None
        self.loop = asyncio.get_running_loop()
        self.idle_since = self.loop.time()
        self.changed_at = self.last_change_at = 0.0
        self.batch = Batch()
        self.in_flight: Batch | None = None
        self.on_broken: Callable[[], None] = lambda: None
        self._task: asyncio.Task[None] | None = None

    # --- clients

    def join(self, line: Line) -> None:
        """A client is connected: it hears what we have, and who is there."""
        self.lines.add(line)
        if self.error is not None:
            line.end(BROKEN, self.error.message)
            return
        line.say(messages.build_step_1(self.document.state))
        if everybody := self.presence.everybody():
            line.say(messages.build_awareness(everybody))

    def leave(self, line: Line) -> None:
        """It is gone."""
        self.lines.discard(line)
        self.slow.pop(line, None)
        if gone := self.presence.leave(line):
            self._tell_all(messages.build_awareness(gone))
        self.idle_since = self.loop.time()

    def note_slow(self, line: Line) -> None:
        """It does not read; the sweep cuts it unless it begins to."""
        self.slow[line] = self.loop.time()

    def end_all(self, code: int, reason: str) -> None:
        """Nobody stays."""
        for line in tuple(self.lines):
            line.end(code, reason)
        self._wake_watchers()

    @property
    def is_idle(self) -> bool:
        """Whether nobody uses it, and nothing waits to be written."""
        return not (self.lines or self.users or self.watchers or self.in_flight or self.batch.rows)

    def hear(self, line: Line, message: bytes) -> None:
        """What a client says. Raises Invalid and TooLarge."""
        match messages.parse(message):
            case messages.Asks(state):
                answer = frames.build(frames.BINARY, messages.build_step_2(self.document.missing(state)))
                self.when_kept(partial(line.write, answer))
            case messages.Brings(update):
                self._hear_update(line, update)
            case messages.Tells(awareness):
                if news := self.presence.hear(line, parse_awareness(awareness)):
                    self._tell_all(messages.build_awareness(news))  # its sender too: it counts on hearing something
            case messages.AsksWho():
                line.say(messages.build_awareness(self.presence.everybody() or b"\x00"))
            case None:
                pass

    def _hear_update(self, line: Line, update: bytes) -> None:
        walked = walk(update)
        if not line.who.may_write:
            if not walked.is_empty:
                line.deny()
            return
        line.brought += 1
        if find_gap(walked, self.clocks):
            line.gaps += 1
            if line.gaps > MAX_GAPS:
                raise Invalid("What these changes build upon was never sent.")
            line.say(messages.build_step_1(self.document.state))  # it brings the rest, this one too
            return
        line.gaps = 0
        if self.pairs.find_cut(walked):
            line.end(CUT, "This change cuts a character in two.")
            return
        self._bring(update, walked, line.who.name, line)
        line.unsaved += 1
        self.when_kept(partial(self._acknowledge, line, line.brought))

    def _acknowledge(self, line: Line, count: int) -> None:
        line.unsaved -= 1
        line.acknowledge(count)
        line.look()

    # --- changes

    def bring(self, update: bytes, who: str) -> None:
        """A change from outside the WebSockets. Raises Invalid, TooLarge and Unavailable."""
        self.check_whole()
        if update:
            walked = walk(update)
            if find_gap(walked, self.clocks):
                raise Invalid("What this change builds upon is not here.")
            self._bring(update, walked, who, None)

    def check_whole(self) -> None:
        """Raises what ended this room, if something has."""
        if self.error is not None:
            raise self.error

    def _bring(self, update: bytes, walked: Walked, who: str, line: Line | None) -> None:
        self._check_size(update)
        try:
            news = self.document.apply(update)
        except Broken as error:
            self._break(Unavailable("This pad is loaded anew after a change that made no sense."))
            raise Invalid("This is no Yjs update.") from error
        if news:
            self._queue(news, walked, who, line)

    def _check_size(self, update: bytes) -> None:
        """Raises TooLarge for a change that makes the pad larger than allowed; smaller it may always get."""
        limits, size = self.limits(), self.document.size
        if self.weight + len(update) > limits.max_weight:
            self.weight = len(self.document.missing())
            if self.weight + len(update) > limits.max_weight:
                raise TooLarge("This pad has become too heavy with all that was deleted from it. Go on in a new one.")
        if size + len(update) <= limits.max_bytes:
            return
        tried = Document([self.document.missing(), update]).size
        if tried > limits.max_bytes and tried >= size:
            raise self._too_large()

    async def write(self, text: str, who: str, base_seq: int | None = None) -> tuple[int, str]:
        """Make the text what it is to be, by few changes; the number of the last update and the text, once kept.

        With `base_seq` the writer began from the text after that update, and what others did since then stays.
        Raises NotFound where that moment is gone, Invalid, TooLarge and Unavailable.
        """
        self.check_whole()
        if len(text.encode()) > self.limits().max_bytes:
            raise self._too_large()
        if base_seq is None or base_seq == self.seq:
            old = self.document.text
            if len(old) + len(text) < INLINE_CHARS:
                self._edit(find_edits(old, text), who)
                return await self.read()
            updates = [self.document.missing()]
        else:
            await self.kept()
            updates = await self.core.db.read(store.list_until, self.pad.id, base_seq)
        self.bring(await asyncio.to_thread(rewrite, updates, text), who)
        return await self.read()

    async def add(self, text: str, who: str) -> tuple[int, str]:
        """Put `text` at the end, on a line of its own; as `write`."""
        self.check_whole()
        old = self.document.text
        at = len(old.encode())
        between = "\n" if old and not old.endswith("\n") else ""
        if at + len(text.encode()) >= self.limits().max_bytes:
            raise self._too_large()
        self._edit([Edit(at, at, between + text)] if text else [], who)
        return await self.read()

    def _edit(self, edits: list[Edit], who: str) -> None:
        news = self.document.edit(edits)
        if news:
            self._queue(news, walk(news), who, None)

    def _too_large(self) -> TooLarge:
        limit = self.limits().max_bytes
        return TooLarge(f"A pad has at most {limit // 1024} KB.", max_bytes=limit)

    async def read(self) -> tuple[int, str]:
        """The number of the last update and the text, once they are kept."""
        seq, text = self.seq, self.document.text
        await self.kept()
        return seq, text

    # --- keeping

    def _queue(self, news: bytes, walked: Walked, who: str, line: Line | None) -> None:
        batch, now = self.batch, self.core.clock()
        self.pairs.add(walked)
        for client, _, end in walked.blocks:
            if end > self.clocks.get(client, 0):
                self.clocks[client] = end
        self.weight += len(news)
        self.last_change_at = self.loop.time()
        self.changed_at = self.changed_at or self.last_change_at
        self.seq += 1
        batch.rows.append(Row(self.seq, now, who, news))
        batch.told.append((line, frames.build(frames.BINARY, messages.build_update(news))))
        if self._task is None:
            self._task = self.loop.create_task(self._keep_all(), name="fazt pads keeping")

    def when_kept(self, call: Callable[[], None], failed: Callable[[FaztError], None] | None = None) -> None:
        """Have `call` run as soon as everything that was applied until now is on disk; at once where it is."""
        batch = self.batch if self.batch.rows else self.in_flight
        if batch is None:
            call()
            return
        batch.after.append(call)
        if failed is not None:
            batch.failed.append(failed)

    async def kept(self) -> None:
        """Return when everything that was applied until now is on disk. Raises what went wrong."""
        waiting: asyncio.Future[None] = self.loop.create_future()
        self.when_kept(partial(set_result, waiting), partial(set_error, waiting))
        await waiting
        self.check_whole()

    async def _keep_all(self) -> None:
        try:
            while self.batch.rows and self.error is None:
                batch, self.batch = self.batch, Batch()
                self.in_flight = batch
                await self.core.db.write(store.append, self.pad.id, self.kept_seq, batch.rows, self.core.clock())
                if self.in_flight is not batch:
                    return  # it was broken meanwhile
                self.in_flight = None
                self.kept_seq = batch.rows[-1].seq
                self._deliver(batch)
        except FaztError as error:
            self._break(error)
        except Exception:
            self._break(Unavailable("Something went wrong on our side."))
            raise
        finally:
            self._task = None

    def _deliver(self, batch: Batch) -> None:
        """It is on disk: everybody hears of it."""
        writers = {writer for writer, _ in batch.told}
        everything = b"".join(framed for _, framed in batch.told)
        for line in tuple(self.lines):
            if line in writers:
                line.write(b"".join(framed for writer, framed in batch.told if writer is not line))
            else:
                line.write(everything)
        for call in batch.after:
            call()
        self._wake_watchers()
        self.state_bytes += sum(len(row.data) for row in batch.rows)

    def _break(self, error: FaztError) -> None:
        """What is in memory is not what is in the file: everybody comes back, and brings what is not there yet."""
        if self.error is not None:
            return
        self.error = error
        log.warning("pad %s is closed: %s", self.pad.id, error)
        is_gone = error.kind == "not_found"
        for batch in (self.in_flight, self.batch):
            for fail in batch.failed if batch is not None else ():
                fail(error)
        self.in_flight, self.batch = None, Batch()
        self.end_all(GONE if is_gone else BROKEN, error.message)
        self.on_broken()

    # --- telling

    def _tell_all(self, message: bytes) -> None:
        framed = frames.build(frames.BINARY, message)
        for line in tuple(self.lines):
            line.write(framed)

    def _wake_watchers(self) -> None:
        for wake in tuple(self.watchers):
            wake()

    @property
    def wants_state(self) -> bool:
        """Whether opening it anew would mean going through many updates."""
        return self.kept_seq - self.state_seq > STATE_ROWS or self.state_bytes > STATE_BYTES

    async def keep_state(self) -> None:
        """Keep the whole document, so that the next opening begins there."""
        await self.kept()
        seq, data = self.seq, self.document.missing()
        await self.kept()
        self.weight = len(data)
        await self.core.db.write(store.put_state, self.pad.id, seq, data)
        self.state_seq, self.state_bytes = seq, 0

    async def settle(self) -> None:
        """Search and events hear of the text as it is now."""
        self.changed_at = 0.0
        seq, text = await self.read()
        await self.core.db.write(store.settle, self.pad.id, seq, text, self.core.clock())


def set_result(waiting: asyncio.Future[None]) -> None:
    """It is done."""
    if not waiting.done():
        waiting.set_result(None)


def set_error(waiting: asyncio.Future[None], error: Any) -> None:
    """It failed."""
    if not waiting.done():
        waiting.set_exception(error)
