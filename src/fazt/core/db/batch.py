"""Many small writes of one kind as one: what waits while a commit is under way goes into the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from sqlalchemy import Connection

from fazt.core.db.carrier import Database

Item = TypeVar("Item")
Answer = TypeVar("Answer")

LIMIT = 512


class Batch(Generic[Item, Answer]):
    """`await batch.add(item)` answers when the item is on disk, with its place in what `fn` answered.

    `fn(conn, items)` writes all of them, with one statement where it can, and answers a list as long
    as `items`. When it raises for several, each is written alone, so that only the one at fault hears of it.
    With `gather_s` those of which several wait wait so long for more: where a commit costs more than that.
    Against `db.write` for each this saves a future, a hop between threads and a savepoint an item.
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
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def add(self, item: Item) -> Answer:
        """Raises what `fn` raises for this item, and what `Database.write` raises."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((item, future))
        if self._writing is None:
            self._writing = loop.create_task(self._write_all(), name="fazt batch")
        return await future

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                if self._gather_s and len(self._waiting) > 1:
                    await asyncio.sleep(self._gather_s)
                taken, self._waiting = self._waiting[: self._limit], self._waiting[self._limit :]
                await self._write(taken)
        finally:
            self._writing = None

    async def _write(self, taken: list[tuple[Item, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._db.write(self._fn, [item for item, _ in taken])
        except Exception as error:  # noqa: BLE001 - carried to whoever waits for it
            if len(taken) > 1:
                for one in taken:
                    await self._write([one])
            elif not taken[0][1].done():
                taken[0][1].set_exception(error)
            return
        for (_, future), answer in zip(taken, answers, strict=True):
            if not future.done():
                future.set_result(answer)
