"""Variables and limits of a site's code."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response, get, post

from fazt.apps.runtime import actions
from fazt.apps.runtime.model import LIMITS, Site
from fazt.apps.runtime.store import sites
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.errors import FaztError, Invalid
from fazt.core.http.access import member
from fazt.core.http.errors import STATUS
from fazt.ui import page, read_form, redirect

Asked = Request[Any, Any, Any]


async def settings_page(
    core: Core, caller: Caller, request: Asked, site: Site, *, error: FaztError | None = None
) -> Response[Any]:
    """Variables, and for the owner limits."""
    limits = [
        (name, known, core.settings.get(f"runtime.{name}"), site.limits.get(name)) for name, known in LIMITS.items()
    ]
    return page(
        request,
        "runtime/settings.html",
        status=STATUS[error.kind] if error else 200,
        site=site,
        variables=await core.db.read(sites.list_secrets, site.id),
        limits=limits if caller.is_owner else [],
        error=error,
    )


@get("/functions/{name:str}/settings", guards=[member])
async def show_settings(core: Core, caller: Caller, request: Asked, name: str) -> Response[Any]:
    """What can be chosen for a site's code."""
    return await settings_page(core, caller, request, await actions.get_site(core, caller, name))


@post("/functions/{name:str}/settings", guards=[member])
async def save_settings(core: Core, caller: Caller, request: Asked, name: str) -> Response[Any]:
    """A variable, or all limits: each form says in `do` what it is about."""
    form = await read_form(request)
    site = await actions.get_site(core, caller, name, actions.WRITE)
    try:
        match form.text("do"):
            case "set":
                await core.db.write(sites.put_secret, site.id, form.text("name"), form.raw("value"), now=core.clock())
                said = f"{form.text('name')} is set. The next request finds it."
            case "delete":
                await core.db.write(sites.delete_secret, site.id, form.text("name"))
                said = f"{form.text('name')} is gone."
            case "limits":
                chosen = {limit: parse_limit(limit, text) for limit in LIMITS if (text := form.text(limit))}
                await actions.change_limits(core, caller, name, chosen)
                said = "Saved. The next request is held to them."
            case _:
                raise Invalid("It is not clear what is to be changed.")
    except FaztError as error:
        return await settings_page(core, caller, request, site, error=error)
    return redirect(request, f"/functions/{name}/settings", said)


def parse_limit(name: str, text: str) -> float:
    """A number that was typed. Raises Invalid."""
    try:
        return msgspec.convert(text, float if name.endswith("_s") else int, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid(f"{name} is a number.") from error


PAGES = [show_settings, save_settings]
