"""The API of functions: `/api/v1/functions…`."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import delete, get, post, put

from fazt.apps.runtime import actions
from fazt.apps.runtime.model import CronEntry, Hook, Listing, LogLine, Run, RunState
from fazt.apps.runtime.store import kv, logs, runs, sites
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.errors import NotFound
from fazt.core.http.access import member, needs

READ, WRITE = needs("runtime:read", some=True), needs("runtime:write", some=True)
ROOT = "/api/v1/functions"


class Details(msgspec.Struct):
    """One site with its clock, its events and what it keeps."""

    function: actions.FunctionView
    cron: list[CronEntry]
    events: list[Hook]
    kept_bytes: int


class EntryView(msgspec.Struct):
    """A key and its value."""

    key: str
    value: Any
    version: int
    expires_at: int | None


class NewValue(msgspec.Struct):
    """A value for a key: any JSON; `ttl` in seconds; `if_version` 0 where the key must not exist."""

    key: str
    value: Any
    ttl: float | None = None
    if_version: int | None = None


class Put(msgspec.Struct):
    """The version that a write made."""

    version: int


class Variable(msgspec.Struct):
    """A variable of `env`. What it holds is never shown again."""

    name: str
    value: str


class VariableView(msgspec.Struct):
    """A variable, without what it holds."""

    name: str
    changed_at: int


class Named(msgspec.Struct):
    """An entry of the clock."""

    name: str


class Queued(msgspec.Struct):
    """The number of a run."""

    run: int


class Grants(msgspec.Struct):
    """Scopes that the code may use."""

    scopes: list[str]


@get(ROOT, guards=[READ], summary="List functions")
async def list_functions(core: Core, caller: Caller) -> list[actions.FunctionView]:
    """Your sites that have code."""
    return [actions.state_of(core, site) for site in await actions.list_sites(core, caller)]


@get(ROOT + "/{site:str}", guards=[READ], summary="Show a site's functions")
async def show_function(core: Core, caller: Caller, site: str) -> Details:
    """One site with code."""
    found = await actions.get_site(core, caller, site)
    crons = await core.db.read(runs.list_crons, found.id)
    hooks = await core.db.read(sites.list_hooks, found.id)
    return Details(actions.state_of(core, found), crons, hooks, await core.db.read(kv.measure_space, found.id))


@put(ROOT + "/{site:str}/scopes", guards=[member], summary="Grant scopes")
async def put_scopes(core: Core, caller: Caller, site: str, data: Grants) -> actions.FunctionView:
    """Let the code call what these scopes allow: some of those that its fazt.json asks for."""
    return actions.state_of(core, await actions.grant(core, caller, site, data.scopes))


@put(ROOT + "/{site:str}/limits", guards=[member], summary="Set limits")
async def put_limits(core: Core, caller: Caller, site: str, data: dict[str, float]) -> actions.FunctionView:
    """Limits for this site alone; those that are left out are those of the settings."""
    return actions.state_of(core, await actions.change_limits(core, caller, site, data))


# --- the store


@get(ROOT + "/{site:str}/kv", guards=[READ], summary="List keys")
async def list_keys(
    core: Core,
    caller: Caller,
    site: str,
    prefix: str = "",
    start: str = "",
    end: str | None = None,
    limit: int = 100,
    reverse: bool = False,
) -> list[EntryView]:
    """Keys and values in order; for the next page, start after the last key."""
    found = await actions.get_site(core, caller, site)
    asked = Listing(prefix, start, end, limit, reverse)
    entries = await core.db.read(kv.list_entries, found.id, asked, now=core.clock())
    return [EntryView(entry.key, entry.value, entry.version, entry.expires_at) for entry in entries]


@get(ROOT + "/{site:str}/kv/entry", guards=[READ], summary="Read a key")
async def get_key(core: Core, caller: Caller, site: str, key: str) -> EntryView:
    """One key with its value and version."""
    found = await actions.get_site(core, caller, site)
    entry = await core.db.point(kv.find_entry, found.id, key, now=core.clock())
    if entry is None:
        raise NotFound(f"There is no key {key!r}.")
    return EntryView(entry.key, entry.value, entry.version, entry.expires_at)


@put(ROOT + "/{site:str}/kv/entry", guards=[WRITE], summary="Set a key")
async def put_key(core: Core, caller: Caller, site: str, data: NewValue) -> Put:
    """Set a key to any JSON value."""
    found = await actions.get_site(core, caller, site, actions.WRITE)
    return Put(await actions.put_key(core, found, data.key, data.value, data.ttl, data.if_version))


@delete(ROOT + "/{site:str}/kv/entry", guards=[WRITE], summary="Delete a key", status_code=204)
async def delete_key(core: Core, caller: Caller, site: str, key: str) -> None:
    """Delete a key; one that is not there is no error."""
    found = await actions.get_site(core, caller, site, actions.WRITE)
    await core.db.write(kv.delete_entry, found.id, key, now=core.clock())


# --- variables


@get(ROOT + "/{site:str}/env", guards=[READ], summary="List variables")
async def list_variables(core: Core, caller: Caller, site: str) -> list[VariableView]:
    """Their names."""
    found = await actions.get_site(core, caller, site)
    return [VariableView(name, at) for name, at in await core.db.read(sites.list_secrets, found.id)]


@put(ROOT + "/{site:str}/env", guards=[WRITE], summary="Set a variable", status_code=204)
async def put_variable(core: Core, caller: Caller, site: str, data: Variable) -> None:
    """Set a variable of `env`. The next request finds it."""
    found = await actions.get_site(core, caller, site, actions.WRITE)
    await core.db.write(sites.put_secret, found.id, data.name, data.value, now=core.clock())


@delete(ROOT + "/{site:str}/env", guards=[WRITE], summary="Delete a variable", status_code=204)
async def delete_variable(core: Core, caller: Caller, site: str, name: str) -> None:
    """Take a variable away."""
    found = await actions.get_site(core, caller, site, actions.WRITE)
    await core.db.write(sites.delete_secret, found.id, name)


# --- the clock and the queue


@post(ROOT + "/{site:str}/cron/run", guards=[WRITE], summary="Run a cron entry now", status_code=200)
async def run_cron(core: Core, caller: Caller, site: str, data: Named) -> Queued:
    """Besides its times."""
    return Queued(await actions.run_cron_now(core, caller, site, data.name))


@post(ROOT + "/{site:str}/cron/pause", guards=[WRITE], summary="Pause a cron entry", status_code=204)
async def pause_cron(core: Core, caller: Caller, site: str, data: Named) -> None:
    """The clock passes over it until it is resumed."""
    found = await actions.get_site(core, caller, site, actions.WRITE)
    await core.db.write(runs.pause_cron, found.id, data.name)


@post(ROOT + "/{site:str}/cron/resume", guards=[WRITE], summary="Resume a cron entry", status_code=204)
async def resume_cron(core: Core, caller: Caller, site: str, data: Named) -> None:
    """From its next time on."""
    found = await actions.get_site(core, caller, site, actions.WRITE)
    await core.db.write(runs.resume_cron, found.id, data.name, now=core.clock())


@get(ROOT + "/{site:str}/runs", guards=[READ], summary="List runs")
async def list_runs(
    core: Core,
    caller: Caller,
    site: str,
    only: RunState | None = None,
    name: str = "",
    before: int | None = None,
    limit: int = 50,
) -> list[Run]:
    """Runs by the clock and by events, newest first; `dead` ones were given up."""
    found = await actions.get_site(core, caller, site)
    limit = max(1, min(limit, 500))
    return await core.db.read(runs.list_runs, found.id, state=only, name=name, before_id=before, limit=limit)


@post(ROOT + "/{site:str}/runs/{run:int}/retry", guards=[WRITE], summary="Run again", status_code=204)
async def retry_run(core: Core, caller: Caller, site: str, run: int) -> None:
    """A run that waits or was given up, at once."""
    found = await actions.get_site(core, caller, site, actions.WRITE)
    await core.db.write(runs.retry_run, found.id, run, now=core.clock())


@delete(ROOT + "/{site:str}/runs/{run:int}", guards=[WRITE], summary="Discard a run", status_code=204)
async def discard_run(core: Core, caller: Caller, site: str, run: int) -> None:
    """One that waits or was given up."""
    found = await actions.get_site(core, caller, site, actions.WRITE)
    await core.db.write(runs.discard_run, found.id, run)


@get(ROOT + "/{site:str}/logs", guards=[READ], summary="Read the log")
async def read_logs(
    core: Core,
    caller: Caller,
    site: str,
    after: int = 0,
    before: int | None = None,
    run: str = "",
    limit: int = 200,
    wait: int = 0,
) -> list[LogLine]:
    """Lines, oldest first. With `after` what came since then; with `wait` (seconds) also what comes meanwhile."""
    found = await actions.get_site(core, caller, site)
    if before is not None or (not after and not wait):
        limit = max(1, min(limit, 1_000))
        return await core.db.read(logs.list_lines, found.id, before_id=before, run=run, limit=limit)
    return await actions.wait_for_lines(core, caller, found.id, after, run=run, wait_s=wait, limit=limit)


ROUTES = [
    list_functions,
    show_function,
    put_scopes,
    put_limits,
    list_keys,
    get_key,
    put_key,
    delete_key,
    list_variables,
    put_variable,
    delete_variable,
    run_cron,
    pause_cron,
    resume_cron,
    list_runs,
    retry_run,
    discard_run,
    read_logs,
]
