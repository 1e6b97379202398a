"""What a site's code keeps: look, change, delete."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response, get, post

from fazt.apps.runtime import actions
from fazt.apps.runtime.model import Listing, Site
from fazt.apps.runtime.store import kv
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.errors import FaztError, Invalid
from fazt.core.http.access import member
from fazt.core.http.errors import STATUS
from fazt.ui import page, read_form, redirect

Asked = Request[Any, Any, Any]
SHOWN = 100


async def store_page(
    core: Core, request: Asked, site: Site, *, prefix: str = "", start: str = "", error: FaztError | None = None,
    key: str = "", value: str = "",
) -> Response[Any]:  # fmt: skip
    """Keys, and a form for one of them."""
    asked = Listing(prefix=prefix, start=start, limit=SHOWN + 1)
    entries = await core.db.read(kv.list_entries, site.id, asked, now=core.clock())
    return page(
        request,
        "runtime/store.html",
        status=STATUS[error.kind] if error else 200,
        site=site,
        rows=[(entry, pretty(entry.value)) for entry in entries[:SHOWN]],
        next_key=entries[SHOWN].key if len(entries) > SHOWN else "",
        prefix=prefix,
        key=key,
        value=value,
        error=error,
        kept_bytes=await core.db.read(kv.measure_space, site.id),
    )


def pretty(value: msgspec.Raw) -> str:
    """JSON as people read it."""
    return msgspec.json.format(bytes(value), indent=2).decode()


@get("/functions/{name:str}/store", guards=[member])
async def show_store(
    core: Core, caller: Caller, request: Asked, name: str, prefix: str = "", start: str = "", key: str = ""
) -> Response[Any]:
    """Keys that begin with `prefix`; `key` is opened for a change."""
    site = await actions.get_site(core, caller, name)
    found = await core.db.point(kv.find_entry, site.id, key, now=core.clock()) if key else None
    value = pretty(found.value) if found else ""
    return await store_page(core, request, site, prefix=prefix, start=start, key=key if found else "", value=value)


@post("/functions/{name:str}/store", guards=[member])
async def change_store(core: Core, caller: Caller, request: Asked, name: str) -> Response[Any]:
    """Set or delete a key."""
    form = await read_form(request)
    site = await actions.get_site(core, caller, name, actions.WRITE)
    key, text = form.raw("key"), form.raw("value")
    try:
        if form.text("do") == "delete":
            await core.db.write(kv.delete_entry, site.id, key, now=core.clock())
            return redirect(request, f"/functions/{name}/store", f"{key} is deleted.")
        await actions.put_key(core, site, key, parse_value(text), None, None)
    except FaztError as error:
        return await store_page(core, request, site, error=error, key=key, value=text)
    return redirect(request, f"/functions/{name}/store", f"{key} is set.")


def parse_value(text: str) -> Any:
    """JSON that was typed. Raises Invalid."""
    try:
        return msgspec.json.decode(text.encode(errors="replace"))
    except msgspec.DecodeError as error:
        raise Invalid("The value is not JSON.", hint='Text stands in quotes: "hello".') from error


PAGES = [show_store, change_store]
