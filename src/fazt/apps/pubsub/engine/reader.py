"""One listener: writes straight to its line while that keeps up, and otherwise by its policy, at nobody else's cost."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Literal

from fazt.apps.pubsub.engine import catching
from fazt.apps.pubsub.engine.lines import Line
from fazt.apps.pubsub.model.access import refused
from fazt.apps.pubsub.model.filter import Filter
from fazt.apps.pubsub.model.message import Message
from fazt.apps.pubsub.model.since import NOW, Since, Span
from fazt.apps.pubsub.wire.formats import Format
from fazt.core import frames
from fazt.core.errors import FaztError

if TYPE_CHECKING:
    from fazt.apps.pubsub.engine.hub import Hub
    from fazt.core.auth import Caller

Policy = Literal["replay", "drop", "latest", "close"]
POLICIES = ("replay", "drop", "latest", "close")
QUEUE_MESSAGES = 1_000
QUEUE_BYTES = 524_288
SLICE_BYTES = 65_536

Done = Callable[[int], None]


class Reader:
    """A listener. `patterns` holds what it hears live, and from which numbers on.

    When its line is slow, what comes waits in a short queue. When that is full: `replay` forgets the queue and reads
    on in the log when the client has caught up; `drop` gives up the oldest; `latest` keeps the newest of each topic;
    `close` ends the connection. The client is told in each case.
    """

    __slots__ = (
        "caller",
        "check",
        "check_at",
        "door",
        "dropped",
        "filter",
        "format",
        "granted",
        "hub",
        "is_direct",
        "is_gone",
        "is_paused",
        "is_refused",
        "is_replaying",
        "jobs",
        "keepalive_at",
        "label",
        "leave",
        "line",
        "opened_at",
        "patterns",
        "policy",
        "position",
        "pump",
        "queue",
        "queued_bytes",
        "visitor",
        "writable",
        "write",
    )

    def __init__(
        self,
        hub: Hub,
        caller: Caller | None,
        format: Format,  # noqa: A002 - the house's word for it
        *,
        door: str,
        policy: Policy = "replay",
        filter: Filter | None = None,  # noqa: A002 - as above
        granted: frozenset[str] = frozenset(),
        visitor: str = "",
        label: str = "",
        check: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        self.hub = hub
        self.caller = caller
        self.format = format
        self.door = door
        self.policy = policy
        self.filter = filter
        self.granted = granted
        self.visitor = visitor
        self.label = label
        self.check = check
        self.check_at = self.keepalive_at = 0.0
        self.leave: Callable[[], None] | None = None
        self.opened_at = 0
        self.patterns: dict[str, Span] = {}
        self.queue: deque[Message] | None = None
        self.queued_bytes = self.position = self.dropped = 0
        self.is_refused = False
        self.is_direct = self.is_paused = self.is_replaying = self.is_gone = False
        self.jobs: deque[catching.Job] | None = None
        self.pump: asyncio.Task[None] | None = None
        self.writable: asyncio.Future[None] | None = None
        self.line: Line | None = None
        self.write: Callable[[bytes], object] = drop

    # What the line tells

    def opened(self) -> None:
        """The line is there."""
        assert self.line is not None
        self.write = self.line.transport.write
        self.opened_at = self.hub.clock()
        self._settle()
        if self.is_refused:
            self.refuse()

    def pause(self) -> None:
        """The client does not keep up."""
        self.is_paused, self.is_direct = True, False

    def resume(self) -> None:
        """It has caught up."""
        self.is_paused = False
        if self.writable is not None and not self.writable.done():
            self.writable.set_result(None)
        if self.pump is None:
            self.flush()

    def lost(self) -> None:
        """The connection is gone."""
        self.is_gone, self.is_direct = True, False
        self.write, self.line = drop, None
        self.queue = self.jobs = None
        if self.pump is not None:
            self.pump.cancel()
        self.hub.forget(self)

    # What it hears

    def take(self, message: Message) -> None:
        """A message, when it cannot be written at once without a look."""
        if self.is_gone or (self.filter is not None and not self.filter(message)):
            return
        if self.is_replaying:
            self.dropped += not message.seq  # what is in the log will be read there
        elif self.is_paused or self.pump is not None:
            if self.queue is None:
                self.queue = deque()
            self.queue.append(message)
            self.queued_bytes += message.size
            if self.queued_bytes > QUEUE_BYTES or len(self.queue) > QUEUE_MESSAGES:
                self._overflow()
        else:
            self.write(self.format.message(message))

    def _overflow(self) -> None:
        """The queue is full."""
        queue = self.queue or deque()
        if self.policy == "close":
            self.end(frames.TRY_LATER, "You read too slowly.")
        elif self.policy == "replay":
            first = next((one.seq for one in queue if one.seq), 0)
            self.position = first - 1 if first else self.hub.last
            self.dropped += sum(not one.seq for one in queue)
            self._set_queue(deque())
            self.is_replaying = True
            self._add_job(catching.Replay())
        else:
            before = len(queue)
            if self.policy == "latest":
                newest = {one.topic: one for one in queue}
                queue = deque(sorted(newest.values(), key=lambda one: one.seq))
            kept, size = deque[Message](), 0
            while queue and len(kept) < QUEUE_MESSAGES // 2 and size < QUEUE_BYTES // 2:
                kept.appendleft(queue.pop())
                size += kept[0].size
            self._set_queue(kept)
            self.dropped += before - len(kept)

    def _set_queue(self, queue: deque[Message]) -> None:
        self.queue = queue or None
        self.queued_bytes = sum(one.size for one in queue)

    def flush(self) -> None:
        """Write what waits, as far as the line takes it."""
        if self.dropped and not self.is_paused and not self.is_replaying:
            self.notice("slow", {"policy": self.policy, "dropped": self.dropped})
            self.dropped = 0
        while self.queue and not self.is_paused:
            pieces, size = [], 0
            while self.queue and size < SLICE_BYTES:
                message = self.queue.popleft()
                self.queued_bytes -= message.size
                pieces.append(self.format.message(message))
                size += len(pieces[-1])
            self.write(b"".join(pieces))
        self._settle()

    def _settle(self) -> None:
        """Whether the next message may be written without a look."""
        if not self.queue:
            self.queue = None
        may_run = self.pump is None and not self.is_paused and not self.is_gone and self.line is not None
        if may_run and self.jobs:
            self.pump = self.hub.loop.create_task(self._run_jobs())
        is_open = self.queue is None and self.pump is None and not self.is_replaying
        self.is_direct = may_run and is_open and self.filter is None

    def notice(self, event: str, facts: dict[str, Any]) -> None:
        """Say what is no message."""
        said = self.format.notice(event, facts)
        if said:
            self.write(said)

    # What it wants to hear

    def join(self, patterns: list[str], since: Since = NOW, done: Done | None = None) -> None:
        """Hear these patterns: what there was `since`, then what comes. `done(seq)` is called in between.

        What only begins now costs no look at the log.
        """
        if since.way == "now" and not self.jobs and self.pump is None:
            self.hub.listen(self, patterns, Span(self.hub.last, self.hub.last))
            if done is not None:
                done(self.hub.last)
            return
        self._add_job(catching.Join(patterns, since, done))

    def _add_job(self, job: catching.Job) -> None:
        if self.jobs is None:
            self.jobs = deque()
        self.jobs.append(job)
        self._settle()

    async def _run_jobs(self) -> None:
        try:
            while self.jobs and not self.is_gone:
                await self.jobs.popleft().run(self)
        except FaztError as error:
            self.jobs = None
            self.end(1011, error.message)
        except Exception:  # nothing may go out behind a gap
            self.jobs = None
            self.end(1011, "Something went wrong on our side.")
            raise
        finally:
            self.pump = None
            self.jobs = self.jobs or None
            if not self.is_gone:
                self.flush()

    async def drained(self) -> None:
        """Return when the line takes more."""
        while self.is_paused and not self.is_gone:
            self.writable = self.hub.loop.create_future()
            await self.writable

    async def emptied(self) -> None:
        """Return when nothing waits."""
        await self.drained()
        self.flush()
        while self.queue and not self.is_gone:
            await self.drained()
            self.flush()

    def may_hear(self, topic: str) -> bool:
        """Whether access allows it."""
        return topic in self.granted or self.hub.rules.may(self.caller, topic, "read")

    def refuse(self) -> None:
        """What it came with has ended, or its right to hear what it named."""
        self.is_refused = True
        self.end(frames.POLICY, refused(None, "", "read").message)

    def end(self, code: int = 1000, reason: str = "") -> None:
        """Say why, and end the connection."""
        self.is_direct = False
        if self.line is not None and not self.line.is_ending:
            if reason:
                self.notice("closed", {"code": code, "reason": reason})
            self.line.end(code, reason)
        self.write = drop


def drop(_frame: bytes) -> None:
    """Where nobody listens."""
