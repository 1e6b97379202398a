"""Calls of store functions on their way to a thread, and their answers on the way back to the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from fazt.core.db.carrier import run_all, run_store
from fazt.core.log import get_logger

log = get_logger(__name__)


@dataclass(slots=True)
class Call:
    """A store function with its arguments, and who waits for its answer."""

    fn: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    is_soon: bool = False
    """Whether it need not be on disk when it is answered."""
    size: int = 0
    """Bytes that it writes, where they are many."""
    answer: Any = None
    error: BaseException | None = None
    after: list[Callable[[], None]] | None = None

    def run(self, conn: Connection) -> None:
        """Fill in `answer` or `error`."""
        try:
            self.answer = run_store(self.fn, conn, self.args, self.kwargs)
        except BaseException as error:  # noqa: BLE001 - carried to the caller, who raises it
            self.error = error


def answer_all(calls: list[Call], before: Callable[[], None]) -> None:
    """Tell everybody who waits, after `before()`; runs on their loop."""
    before()
    for call in calls:
        if not call.future.done():
            if call.error is not None:
                call.future.set_exception(call.error)
            else:
                call.future.set_result(call.answer)
        run_all(call.after or ())


def post(calls: list[Call], before: Callable[[], None]) -> None:
    """Have answer_all run on the callers' loop, which may be closed by now."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Call]] = {}
    for call in calls:
        by_loop.setdefault(call.loop, []).append(call)
    for loop, theirs in by_loop.items():
        try:
            loop.call_soon_threadsafe(answer_all, theirs, before)
        except RuntimeError:
            log.warning("loop closed before %d answers", len(theirs))
