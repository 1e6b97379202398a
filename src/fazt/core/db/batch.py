"""Many small writes of one kind as one: what waits while a commit is under way goes into the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection

from fazt.core.db.carrier import Database
from fazt.core.log import get_logger

Item = TypeVar("Item")
Answer = TypeVar("Answer")

LIMIT = 512
WORTH_WAITING_S = 0.001
"""A commit that takes longer is one to share: the next waits for those who were just answered and come again."""

WAIT_S = 0.003
"""They are not waited for any longer than this, or than a commit takes."""

log = get_logger(__name__)


class Batch(Generic[Item, Answer]):
    """`await batch.add(item)` answers when the item is on disk, with its place in what `fn` answered.

    `fn(conn, items)` writes all of them, with one statement where it can, and answers a list as long
    as `items`. When it raises for several, each is written alone, so that only the one at fault hears of it.
    With `gather_s` those of which several wait wait so long for more: where a commit costs more than that.
    Against `db.write` for each this saves a future, a hop between threads and a savepoint an item.

    Clients that ask again as soon as they are answered would split into two halves, each waiting for the other's
    commit. So where the disk is slow a commit waits for as many as the last one answered and kept waiting; who
    comes alone is never kept waiting, and who stays away delays the others once.
    """

    def __init__(
        self,
        db: Database,
        fn: Callable[[Connection, Sequence[Item]], Sequence[Answer]],
        limit: int = LIMIT,
        gather_s: float = 0.0,
    ) -> None:
        self._db = db
        self._fn = fn
        self._limit = limit
        self._gather_s = gather_s
        self._waiting: list[tuple[Item, Callable[[Answer], None], Callable[[Exception], None]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._expected = 0
        self._enough: asyncio.Future[None] | None = None
        self._took_s = 0.0

    async def add(self, item: Item) -> Answer:
        """Raises what `fn` raises for this item, and what `Database.write` raises."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.put(item, partial(settle, future.set_result, future), partial(settle, future.set_exception, future))
        return await future

    def put(self, item: Item, done: Callable[[Answer], None], failed: Callable[[Exception], None]) -> None:
        """As `add` for who waits in no task: calls `done(answer)` or `failed(error)` on the loop."""
        self._waiting.append((item, done, failed))
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write_all(), name="fazt batch")
        elif self._enough is not None and len(self._waiting) >= self._expected:
            settle(self._enough.set_result, self._enough, None)

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                if self._gather_s and len(self._waiting) > 1:
                    await asyncio.sleep(self._gather_s)
                elif self._took_s > WORTH_WAITING_S and len(self._waiting) < self._expected:
                    await self._gather()
                taken, self._waiting = self._waiting[: self._limit], self._waiting[self._limit :]
                began = monotonic()
                await self._write(taken)
                self._took_s = monotonic() - began
                self._expected = min(self._limit, len(taken) + len(self._waiting))
        finally:
            self._writing = None

    async def _gather(self) -> None:
        loop = asyncio.get_running_loop()
        self._enough = enough = loop.create_future()
        timer = loop.call_later(min(self._took_s, WAIT_S), settle, enough.set_result, enough, None)
        try:
            await enough
        finally:
            timer.cancel()
            self._enough = None

    async def _write(self, taken: list[tuple[Item, Callable[[Answer], None], Callable[[Exception], None]]]) -> None:
        try:
            answers = await self._db.write(self._fn, [item for item, _, _ in taken])
        except Exception as error:  # noqa: BLE001 - carried to whoever waits for it
            if len(taken) > 1:
                for one in taken:
                    await self._write([one])
            else:
                tell(taken[0][2], error)
            return
        for (_, done, _), answer in zip(taken, answers, strict=True):
            tell(done, answer)


def settle(how: Callable[[Any], None], future: asyncio.Future[Any], value: Any) -> None:
    """Give a future its end, unless who waited for it has given up."""
    if not future.done():
        how(value)


def tell(call: Callable[[Any], None], value: Any) -> None:
    """Tell one who waits. What is raised there is a bug, which must not cost the others their answer."""
    try:
        call(value)
    except Exception:  # a rim: it is committed, and nobody is left to raise to
        log.exception("after a write, %r failed", call)
