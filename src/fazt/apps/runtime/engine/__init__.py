"""The live side of functions: processes, the queue of runs, and logs on their way into the file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from fazt.apps.runtime.engine.answer import answer_request
from fazt.apps.runtime.engine.codes import find_code, read_code
from fazt.apps.runtime.engine.folders import Code
from fazt.apps.runtime.engine.front import answer_now
from fazt.apps.runtime.engine.functions import Failed, Functions
from fazt.apps.runtime.engine.runner import Runner
from fazt.apps.runtime.model import LIMITS
from fazt.apps.runtime.store import sites

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.app import Receive, Scope, Send
    from fazt.core.http.front import Reply

__all__ = ["Code", "Failed", "Functions", "answer", "find_code", "read_code", "run"]


async def answer(core: Core, scope: Scope, receive: Receive, send: Send) -> None:
    """The endpoint `site.code`: a request that no file of a site answers."""
    functions = core.get(Functions)
    await answer_request(functions, code_of(functions, scope["fazt.site"]), scope, receive, send)


def front(core: Core, scope: Scope, reply: Reply) -> bool:
    """The front of `site.code`. See core.http.front."""
    functions = core.engines.get(Functions)
    if not isinstance(functions, Functions):
        return False
    return answer_now(functions, code_of(functions, scope["fazt.site"]), scope, reply)


def code_of(functions: Functions, given: Any) -> Code:
    """What the app that keeps sites hands over with a request, as it is known here."""
    known = functions.codes.get(given.site.id)
    if known is None or known[0] is not given:
        files = {path: (entry.hash, entry.size) for path, entry in given.files.items()}
        code = Code(given.site.id, given.site.name, given.site.owner, given.version, given.entry, files)
        known = functions.codes[given.site.id] = (given, code)
    return known[1]


@asynccontextmanager
async def run(core: Core) -> AsyncIterator[None]:
    """Functions answer for as long as the program runs."""
    functions = Functions(core)
    runner = Runner(core, functions)
    core.add(functions)
    core.endpoints["site.code"] = answer
    core.fronts["site.code"] = front
    stops = [core.db.watch(sites.SIGNAL, runner.wake), core.db.watch(sites.CHANGED, functions.refresh_all)]
    stops += [core.settings.watch(f"runtime.{name}", lambda _: functions.refresh_all()) for name in LIMITS]
    stops.append(core.settings.watch("outbound.allow", lambda _: functions.forget_denied()))
    stops.append(core.events.listen(lambda fact: functions.shown.clear() if fact.name.startswith("sites.") else None))
    work = [functions.watch(), functions.book.run(), runner.run()]
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        for stop in stops:
            stop()
        tasks[2].cancel()
        await asyncio.wait([tasks[2]])
        await functions.close()
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks)
