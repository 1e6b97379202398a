"""What is published while a commit is under way goes into the next one, all together."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fazt.apps.pubsub.model.message import Publication
from fazt.apps.pubsub.store.log import Answer, append

if TYPE_CHECKING:
    from fazt.apps.pubsub.engine.hub import Hub

BATCH = 500
Waiting = tuple[list[Publication], "asyncio.Future[list[Answer]]"]


class Writer:
    """Adds publications to the log. Messages of one batch go out in one piece, right after their commit."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._waiting: list[Waiting] = []
        self._work: asyncio.Task[None] | None = None

    async def add(self, publications: list[Publication]) -> list[Answer]:
        """A receipt or an error for each, when they are on disk. Raises what the database raises."""
        future: asyncio.Future[list[Answer]] = self._hub.loop.create_future()
        self._waiting.append((publications, future))
        if self._work is None:
            self._work = self._hub.loop.create_task(self._write_all(), name="fazt pubsub writing")
        return await future

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                await self._write(self._take())
        finally:
            self._work = None

    def _take(self) -> list[Waiting]:
        """The next of those who wait, at least one, and no more than BATCH publications where that is possible."""
        count = taken = 0
        for publications, _ in self._waiting:
            if taken and count + len(publications) > BATCH:
                break
            count, taken = count + len(publications), taken + 1
        batch, self._waiting = self._waiting[:taken], self._waiting[taken:]
        return batch

    async def _write(self, batch: list[Waiting]) -> None:
        hub = self._hub
        everything = [one for publications, _ in batch for one in publications]
        try:
            answers = await hub.db.write(append, everything, hub.limits(), now=hub.clock(), tell=hub.tell)
        except Exception as error:  # noqa: BLE001 - carried to those who wait for the answer
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        at = 0
        for publications, future in batch:
            if not future.done():
                future.set_result(answers[at : at + len(publications)])
            at += len(publications)
