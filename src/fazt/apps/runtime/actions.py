"""What pages, routes, jobs and scripts do with functions."""

from __future__ import annotations

import asyncio
import base64
import binascii
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from fazt.apps.runtime.engine import Code, Failed, Functions, find_code, read_code
from fazt.apps.runtime.model import LogLine, Manifest, Site, parse_manifest
from fazt.apps.runtime.store import kv, logs, runs, sites
from fazt.core.errors import Forbidden, Invalid, NotFound, Unauthorized, Unavailable

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.auth import Caller

WAIT_S = 25.0
READ, WRITE, CALL = "runtime:read", "runtime:write", "runtime:call"


class FunctionView(msgspec.Struct):
    """A site with code. `state` is running, idle (no process), or broken (its code could not be loaded)."""

    site: str
    version: int
    entry: str
    state: str
    problem: str
    asked: tuple[str, ...]
    granted: tuple[str, ...]
    limits: dict[str, float]
    memory_mb: int
    in_flight: int


def state_of(core: Core, site: Site) -> FunctionView:
    """A site with what its process does."""
    functions = core.engines.get(Functions)
    process = functions.find_process(site.id) if isinstance(functions, Functions) else None
    problem = site.problem or (functions.problem_of(site.id) if isinstance(functions, Functions) else "")
    state = "running" if process else "broken" if problem else "idle"
    memory_mb, in_flight = (process.used_mb, process.in_flight) if process else (0, 0)
    facts = (site.asked, site.granted, site.limits, memory_mb, in_flight)
    return FunctionView(site.name, site.version, site.entry, state, problem, *facts)


async def sync_site(core: Core, name: str) -> None:
    """Take over what the shown version of a site asks for; stop what runs by itself where it is gone."""
    found = await read_code(core, site=name)
    now = core.clock()
    if found is None:
        try:
            known = await core.db.read(sites.get_site, name)
        except NotFound:
            return
        await core.db.write(sites.stop_site, known.id)
        return
    if not found["entry"] and await core.db.read(sites.find_site, found["id"]) is None:
        return  # a plain site
    manifest, problem = Manifest(), "fazt.json is larger than 64 KiB." if found["is_manifest_too_large"] else ""
    try:
        manifest = parse_manifest(found["manifest"], now)
    except Invalid as error:
        problem = f"{error.message} {error.hint}".strip()
    facts = {key: found[key] for key in ("name", "owner", "version", "entry")}
    await core.db.write(sites.put_site, found["id"], **facts, manifest=manifest, problem=problem, now=now)
    if Functions in core.engines:
        core.get(Functions).refresh(found["id"])


async def is_gone(core: Core, site_id: int) -> bool:
    """Whether a site was deleted for good (one in the bin can come back, and is not gone)."""
    try:
        found = await core.call("sites.exists", await core.auth.local_caller(), id=site_id)
    except NotFound:
        return False
    return not found


async def get_site(core: Core, caller: Caller, name: str, scope: str = READ) -> Site:
    """A site with code that is the caller's. Raises NotFound and Forbidden. Looks at a new version at once."""
    try:
        site = await core.db.read(sites.get_site, name)
    except NotFound:
        await sync_site(core, name)
        site = await core.db.read(sites.get_site, name)
    if site.owner != caller.user_id and not caller.is_owner:
        raise NotFound(f"There is no site {name!r}.")
    caller.check(f"{scope}:{site.name}")
    return site


async def list_sites(core: Core, caller: Caller) -> list[Site]:
    """The caller's sites with code; all of them where the cloud is theirs."""
    found = await core.db.read(sites.list_sites, owner=None if caller.is_owner else caller.user_id)
    return [site for site in found if caller.may(f"{READ}:{site.name}")]


async def grant(core: Core, caller: Caller, name: str, scopes: list[str]) -> Site:
    """Allow the code of a site these scopes. Raises Forbidden for one that the caller does not have."""
    site = await get_site(core, caller, name, WRITE)
    caller.check_unlimited()
    unknown = [scope for scope in scopes if scope not in site.asked]
    if unknown:
        raise Invalid(f"The code of {name} does not ask for {unknown[0]}.", hint="Its fazt.json lists its scopes.")
    await core.db.write(sites.grant_scopes, site.id, tuple(scopes))
    return await core.db.read(sites.get_site, name)


async def demand_code(core: Core, site: Site) -> Code:
    """The code of a site. Raises NotFound."""
    code = await find_code(core, site_id=site.id)
    if code is None:
        raise NotFound(f"The site {site.name!r} has no code.")
    return code


def functions_of(core: Core) -> Functions:
    """The live functions. Raises Unavailable where no server runs."""
    if Functions not in core.engines:
        raise Unavailable("Functions run only while the cloud is served.", hint="Start it with `fazt serve`.")
    return core.get(Functions)


async def call_handler(
    core: Core, caller: Caller, name: str, kind: str, about: dict[str, Any], body: bytes = b""
) -> Any:
    """Have the handler `kind` of a site run now; what it answered. Raises Forbidden, NotFound and Unavailable."""
    site = await get_site(core, caller, name, CALL)
    try:
        return await functions_of(core).order(await demand_code(core, site), kind, about, body)
    except Failed as error:
        raise Unavailable(f"The {kind}() handler of {name} failed: {str(error)[:2_000]}") from error


def to_bytes(raw: Any) -> bytes:
    """A message as it was given: bytes, text, or {"base64": …}. Raises Invalid."""
    if isinstance(raw, bytes):
        return raw
    if isinstance(raw, str):
        return raw.encode("utf-8", "surrogateescape")
    if isinstance(raw, dict) and isinstance(raw.get("base64"), str):
        try:
            return base64.b64decode(raw["base64"], validate=True)
        except (binascii.Error, ValueError) as error:
            raise Invalid("The message is not base64.") from error
    raise Invalid("A message has its source as `raw`: bytes, text, or {base64}.")


async def run_cron_now(core: Core, caller: Caller, name: str, entry: str) -> int:
    """Run an entry of the clock besides its times; the run's number."""
    site = await get_site(core, caller, name, WRITE)
    return await core.db.write(runs.run_cron_now, site.id, entry, now=core.clock())


async def change_limits(core: Core, caller: Caller, name: str, chosen: dict[str, float]) -> Site:
    """Limits for one site. Raises Forbidden for anybody but the owner of the cloud, whose machine it is; Invalid."""
    site = await get_site(core, caller, name, WRITE)
    if not caller.is_owner:
        raise Forbidden("Only the owner of this cloud sets limits.")
    await core.db.write(sites.put_limits, site.id, chosen)
    return await core.db.read(sites.get_site, name)


async def put_key(core: Core, site: Site, key: str, value: Any, ttl: float | None, if_version: int | None) -> int:
    """Set a key of a site's store from outside its code; its version."""
    most = int(site.limits.get("db_mb", core.settings.get("runtime.db_mb"))) << 20
    text = msgspec.json.encode(value)
    now = core.clock()
    return await core.db.write(
        kv.set_entry, site.id, key, text, now=now, ttl=ttl, if_version=if_version, max_bytes=most
    )


async def wait_for_lines(
    core: Core, caller: Caller, site_id: int, after: int, *, run: str = "", wait_s: float = WAIT_S, limit: int = 200
) -> list[LogLine]:
    """Lines of a log after `after`; where there are none, those that come within `wait_s`.

    Raises Unauthorized where the caller's credentials end in the meantime.
    """
    limit = max(1, min(limit, 1_000))
    woken, ended = asyncio.Event(), asyncio.Event()

    def end() -> None:
        ended.set()
        woken.set()

    leave = core.auth.follow(caller, end)
    stop = core.db.watch(f"{logs.SIGNAL}/{site_id}", woken.set)
    try:
        lines = await core.db.read(logs.list_lines, site_id, after_id=after, run=run, limit=limit)
        if not lines and wait_s > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(min(wait_s, WAIT_S)):
                    await woken.wait()
            if ended.is_set():
                raise Unauthorized("These credentials have ended.", hint="Log in again, or send another token.")
            lines = await core.db.read(logs.list_lines, site_id, after_id=after, run=run, limit=limit)
        return lines
    finally:
        stop()
        leave()
