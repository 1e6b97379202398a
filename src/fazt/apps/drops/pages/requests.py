"""Request links: ask somebody for files."""

from __future__ import annotations

from typing import Any

from litestar import Request as HttpRequest
from litestar import Response, get, post

from fazt.apps.drops import actions, store
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.errors import FaztError
from fazt.core.http.access import member
from fazt.core.http.errors import STATUS
from fazt.ui import Form, page, read_form, redirect

Asked = HttpRequest[Any, Any, Any]
MB = 1_000_000


async def requests_page(
    core: Core, caller: Caller, request: Asked, *, error: FaztError | None = None, form: Form | None = None
) -> Response[Any]:
    """The list, with what went wrong above it."""
    found = await core.db.read(store.list_requests, caller.user_id)
    return page(
        request,
        "drops/requests.html",
        status=STATUS[error.kind] if error else 200,
        requests=[(one, actions.request_url(core, request.scope, one)) for one in found],
        now=core.clock(),
        error=error,
        form={name: form.text(name) for name in ("title", "note", "types")} if form else {},
    )


@get("/drops/requests", guards=[member])
async def show_requests(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Those there are, and a new one."""
    return await requests_page(core, caller, request)


@post("/drops/requests", guards=[member])
async def create_request(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """A new one."""
    form = await read_form(request)
    try:
        wanted = actions.NewRequest(
            title=form.text("title"),
            note=form.text("note"),
            types=form.text("types"),
            max_files=form.number("max_files"),
            max_bytes=form.number("max_mb") * MB,
            max_drops=form.number("max_drops"),
            keep_days=form.number("keep", 30),
            lifetime_s=form.number("lifetime", 604_800),
        )
        await actions.create_request(core, caller, wanted)
    except FaztError as error:
        return await requests_page(core, caller, request, error=error, form=form)
    return redirect(request, "/drops/requests", "Here is the link: give it to whoever has the files.")


@post("/drops/requests/{request_id:str}/delete", guards=[member])
async def delete_request(core: Core, caller: Caller, request: Asked, request_id: str) -> Response[Any]:
    """Take it back."""
    found = await actions.get_own_request(core, caller, request_id)
    await core.db.write(store.delete_request, found.id)
    return redirect(request, "/drops/requests", "The request is taken back.", kind="warn")


PAGES = [show_requests, create_request, delete_request]
