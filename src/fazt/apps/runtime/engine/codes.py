"""From a site to its code, and a request to it that no visitor made."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from fazt.apps.runtime.engine.exchange import Broken
from fazt.apps.runtime.engine.folders import Code, describe
from fazt.apps.runtime.engine.functions import Failed, Functions, explain, read_whole
from fazt.apps.runtime.wire.http import build_head
from fazt.core.auth import Caller
from fazt.core.errors import NotFound

if TYPE_CHECKING:
    from fazt.core import Core

SHOWN_S = 5.0
PROGRAM = Caller(user_id="", name="fazt", role="owner", kind="local")
"""The program itself, which reads the code of every site."""


async def read_code(core: Core, *, site: str = "", site_id: int = 0) -> dict[str, Any] | None:
    """What the app that keeps sites says of one, by name or number; None where there is none."""
    asked: dict[str, Any] = {"id": site_id} if site_id else {"site": site}
    try:
        found: dict[str, Any] = await core.call("sites.code", PROGRAM, **asked)
    except NotFound:
        return None
    return found


async def find_code(core: Core, *, site: str = "", site_id: int = 0) -> Code | None:
    """The code of the version that is shown, or None."""
    found = await read_code(core, site=site, site_id=site_id)
    return None if found is None else describe(found)


async def find_shown(functions: Functions, site_id: int) -> Code | None:
    """As find_code by number, from memory where it was asked a moment ago."""
    now = asyncio.get_running_loop().time()
    at, code = functions.shown.get(site_id, (0.0, None))
    if not at or now - at > SHOWN_S:
        code = await find_code(functions.core, site_id=site_id)
        functions.shown[site_id] = (now, code)
    return code


async def request_path(functions: Functions, code: Code, path: str, about: dict[str, Any]) -> None:
    """GET a path of the site, as a cron entry asks. Raises Failed unless the answer is below 400, and Unavailable."""
    core = functions.core
    scheme = "http" if core.config.is_local else "https"
    host = f"{code.site}.{core.config.domain}".encode()
    headers = [(b"user-agent", b"fazt-cron"), (b"accept", b"*/*")]
    head = build_head("GET", scheme.encode() + b"://" + host + path.encode(), headers, host, 0, f"run {about['run']}")
    told = f"x-fazt-cron: {about['cron']}\r\nx-fazt-scheduled-time: {about['scheduledTime']}\r\n\r\n".encode()
    process, exchange = await functions.open(code)
    is_whole = False
    try:
        await exchange.send(head[:-2] + told)
        await exchange.read_head()
        await read_whole(exchange)
        is_whole = True
    except Broken as error:
        raise Failed(f"It was ended: {explain(error, process)}.", is_ours=True) from error
    finally:
        process.release(exchange, may_continue=is_whole)
    if exchange.status >= 400:
        raise Failed(f"GET {path} answered {exchange.status}.")
