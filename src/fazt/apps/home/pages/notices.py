"""What somebody was told, and on which devices they want to be told."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get, post

from fazt.apps.home.pages.entry import Asked
from fazt.core import Core, push
from fazt.core.auth import Caller
from fazt.core.auth.model import name_device
from fazt.core.errors import FaztError
from fazt.core.http.access import member, public
from fazt.core.http.hosts import find_header
from fazt.core.push import Notice
from fazt.ui import local_path, page, read_form, redirect
from fazt.ui.assets import get_asset

PATH = "/account/notices"


@get(PATH, guards=[member])
async def show_notices(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Notices and devices; what is shown counts as read."""
    notices = [
        msgspec.structs.replace(notice, path=local_path(notice.path))
        for notice in await core.db.read(push.list_notices, caller.user_id)
    ]
    response = page(
        request,
        "home/notices.html",
        notices=notices,
        devices=await core.db.read(push.list_devices, caller.user_id),
        server_key=await core.db.write(push.get_public_key),
    )
    if any(not notice.is_read for notice in notices):
        await core.db.write(push.mark_read, caller.user_id)
    return response


@post(f"{PATH}/devices", guards=[member])
async def add_device(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Send notices to the browser that asks."""
    form = await read_form(request)
    scope: Any = request.scope
    agent = (find_header(scope["headers"], b"user-agent") or b"").decode("latin-1")
    try:
        await core.db.write(
            push.add_device,
            caller.user_id,
            name=name_device(agent),
            endpoint=form.raw("endpoint"),
            public_key=form.raw("public_key"),
            auth_secret=form.raw("auth_secret"),
            now=core.clock(),
        )
    except FaztError as error:
        return redirect(request, PATH, error.message, "bad")
    return redirect(request, PATH, "Notices come to this device from now on.")


@post(f"{PATH}/devices/delete", guards=[member])
async def delete_device(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Send nothing there any more."""
    device_id = (await read_form(request)).text("id")
    await core.db.write(push.delete_device, caller.user_id, device_id)
    return redirect(request, PATH, "Nothing is sent there any more.")


@post(f"{PATH}/test", guards=[member])
async def send_test(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """A notice to see whether they arrive."""
    told = Notice(caller.user_id, "It works", "This is what a notice of your cloud looks like.", PATH, "test")
    await core.db.write(push.notify, told, now=core.clock())
    return redirect(request, PATH, "Sent. It arrives within seconds where notices are allowed.")


@get("/sw.js", guards=[public], media_type="text/javascript")
async def serve_worker() -> Response[bytes]:
    """The service worker that shows notices; it lies at the root, since it may act only below its own address."""
    headers = {"cache-control": "no-cache"}
    return Response(get_asset("home/sw.js").data, media_type="text/javascript", headers=headers)


PAGES = [show_notices, add_device, delete_device, send_test, serve_worker]
