"""One site's code: how it fares, what runs by itself, and its log."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post

from fazt.apps.runtime import actions
from fazt.apps.runtime.model import LogLine, Site
from fazt.apps.runtime.store import kv, logs, runs, sites
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.clock import to_iso
from fazt.core.errors import FaztError, Invalid
from fazt.core.http.access import member
from fazt.core.http.errors import STATUS
from fazt.ui import page, read_form, redirect

Asked = Request[Any, Any, Any]
SHOWN_RUNS = 30
SHOWN_LINES = 200


async def site_page(core: Core, request: Asked, site: Site, *, error: FaztError | None = None) -> Response[Any]:
    """The overview, with what went wrong."""
    dead = await core.db.read(runs.list_runs, site.id, state="dead", limit=SHOWN_RUNS)
    return page(
        request,
        "runtime/site.html",
        status=STATUS[error.kind] if error else 200,
        site=site,
        state=actions.state_of(core, site),
        crons=await core.db.read(runs.list_crons, site.id),
        hooks=await core.db.read(sites.list_hooks, site.id),
        runs=await core.db.read(runs.list_runs, site.id, limit=SHOWN_RUNS),
        dead=dead,
        kept_bytes=await core.db.read(kv.measure_space, site.id),
        missing=[scope for scope in site.asked if scope not in site.granted],
        error=error,
    )


@get("/functions/{name:str}", guards=[member])
async def show_site(core: Core, caller: Caller, request: Asked, name: str) -> Response[Any]:
    """One site."""
    return await site_page(core, request, await actions.get_site(core, caller, name))


@post("/functions/{name:str}", guards=[member])
async def change_site(core: Core, caller: Caller, request: Asked, name: str) -> Response[Any]:
    """The buttons of the overview: each says in `do` what it is for."""
    form = await read_form(request)
    site = await actions.get_site(core, caller, name, actions.WRITE)
    now = core.clock()
    try:
        match form.text("do"):
            case "run":
                await actions.run_cron_now(core, caller, name, form.text("entry"))
                said = "It runs now."
            case "pause":
                await core.db.write(runs.pause_cron, site.id, form.text("entry"))
                said = "It is paused."
            case "resume":
                await core.db.write(runs.resume_cron, site.id, form.text("entry"), now=now)
                said = "It runs again from its next time on."
            case "retry":
                await core.db.write(runs.retry_run, site.id, form.number("run"), now=now)
                said = "It runs again."
            case "discard":
                await core.db.write(runs.discard_run, site.id, form.number("run"))
                said = "It is gone."
            case "grant":
                await actions.grant(core, caller, name, list(site.asked))
                said = "The code may use them from now on."
            case "revoke":
                await actions.grant(core, caller, name, [])
                said = "The code may use none of them any more."
            case _:
                raise Invalid("It is not clear what is to be changed.")
    except FaztError as error:
        return await site_page(core, request, site, error=error)
    return redirect(request, f"/functions/{name}", said)


def shown(lines: list[LogLine]) -> list[tuple[LogLine, str, str]]:
    """Lines with their moment, as RFC 3339 and as hours, minutes, seconds; the page makes it local time."""
    moments = [to_iso(line.at) for line in lines]
    return [(line, moment, moment[11:19]) for line, moment in zip(lines, moments, strict=True)]


@get("/functions/{name:str}/logs", guards=[member])
async def show_logs(
    core: Core, caller: Caller, request: Asked, name: str, run: str = "", before: int | None = None
) -> Response[Any]:
    """The newest lines, or those of one run."""
    site = await actions.get_site(core, caller, name)
    lines = await core.db.read(logs.list_lines, site.id, run=run, before_id=before, limit=SHOWN_LINES)
    older = lines[0].id if len(lines) == SHOWN_LINES else None
    facts: dict[str, Any] = {"site": site, "lines": shown(lines), "run": run, "older": older, "before": before}
    return page(request, "runtime/logs.html", **facts)


@get("/functions/{name:str}/logs/rows", guards=[member])
async def show_new_lines(
    core: Core, caller: Caller, request: Asked, name: str, after: int = 0, run: str = ""
) -> Response[Any]:
    """Only the lines that came after `after`, waited for a moment: what the page's script asks for."""
    site = await actions.get_site(core, caller, name)
    lines = await actions.wait_for_lines(core, caller, site.id, after, run=run)
    return page(request, "runtime/log_rows.html", lines=shown(lines), site=site)


PAGES = [show_site, change_site, show_logs, show_new_lines]
