"""Work that blocks, in threads that never keep the program from ending."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def run_blocking(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `call` answers or raises, from a daemon thread: one that waits for a network is left behind at the end."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(value: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(value)  # type: ignore[arg-type] # there is one where there is no error

    def work() -> None:
        value, raised = None, None
        try:
            value = call(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001 - raised again where the answer is awaited
            raised = error
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, value, raised)

    threading.Thread(target=work, name="fazt tls", daemon=True).start()
    return await future
