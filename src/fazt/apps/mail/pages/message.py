"""A thread, the document inside a frame, files, and the source."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Stream
from markupsafe import Markup

from fazt.apps.mail.actions import act, mailbox
from fazt.apps.mail.model.message import Facts, Message
from fazt.apps.mail.model.outgoing import STATES, Delivery
from fazt.apps.mail.store import messages as store
from fazt.apps.mail.store.outgoing import list_of_message
from fazt.apps.mail.wire import html
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.errors import NotFound
from fazt.core.http.access import member
from fazt.ui import page, read_form, redirect

Asked = Request[Any, Any, Any]
SHOWN_MESSAGES = 40
MAX_FILES = 50


class Shown:
    """A message of a thread as the page has it; of older ones only the line."""

    def __init__(self, message: Message, facts: Facts | None, deliveries: list[Delivery]) -> None:
        self.message = message
        self.facts = facts
        self.deliveries = [(one, STATES.get(one.state, one.state)) for one in deliveries]
        self.files = [part for part in facts.parts if part.name][:MAX_FILES] if facts else []
        self.has_remote = facts is not None and html.has_remote(facts.html)
        self.has_html = facts is not None and bool(facts.html.strip())
        self.text = Markup(html.plain(facts.text)) if facts else ""  # noqa: S704 - escaped by plain
        self.has_sizes = message.size <= mailbox.WHOLE


@get("/mail/message/{message_id:str}", guards=[member])
async def go_to_message(core: Core, caller: Caller, request: Asked, message_id: str) -> Response[Any]:
    """Where a search leads: the thread of one message."""
    message = await core.db.read(store.get_message, caller.user_id, message_id)
    return redirect(request, f"/mail/thread/{message.thread_id}#m{message.id}")


@get("/mail/thread/{thread_id:str}", guards=[member])
async def show_thread(core: Core, caller: Caller, request: Asked, thread_id: str, images: str = "") -> Response[Any]:
    """All messages of a thread; those not read yet, and the newest, open. They count as read now."""
    messages = await core.db.read(store.list_thread, caller.user_id, thread_id)
    shown = []
    for message in messages[-SHOWN_MESSAGES:]:
        facts = await mailbox.load_facts(core, message)
        deliveries = await core.db.read(list_of_message, message.id) if message.folder == "sent" else []
        shown.append(Shown(message, facts, deliveries))
    unread = [message.id for message in messages if not message.is_read]
    if unread:
        await core.db.write(store.change_messages, caller.user_id, unread, is_read=True, now=core.clock())
    subject = next((message.subject for message in messages if message.subject), "(no subject)")
    return page(
        request,
        "mail/thread.html",
        thread_id=thread_id,
        subject=subject,
        shown=shown,
        hidden=max(0, len(messages) - SHOWN_MESSAGES),
        unread=set(unread),
        images=images,
        labels=await core.db.read(store.list_labels, caller.user_id),
        has_drive="drive.write" in core.script,
    )


@get("/mail/message/{message_id:str}/body", guards=[member])
async def show_body(
    core: Core, caller: Caller, message_id: str, images: bool = False, text: bool = False
) -> Response[str]:
    """What stands inside the frame: no script can run in it."""
    document, policy = await mailbox.load_document(core, caller.user_id, message_id, with_images=images, as_text=text)
    headers = {
        "content-security-policy": policy,
        "x-frame-options": "SAMEORIGIN",
        "referrer-policy": "no-referrer",
        "cache-control": "private, no-store",
    }
    return Response(document, media_type="text/html; charset=utf-8", headers=headers)


@get("/mail/message/{message_id:str}/parts/{n:int}", guards=[member])
async def get_part(core: Core, caller: Caller, message_id: str, n: int, view: bool = False) -> Response[bytes]:
    """A file, as a download; pictures and text may be looked at, in a sandbox."""
    part, data = await mailbox.load_part(core, caller.user_id, message_id, n)
    answer = mailbox.as_file(part, is_shown=view)
    return Response(data, media_type=answer.content_type, headers=answer.headers)


@post("/mail/message/{message_id:str}/parts/{n:int}/save", guards=[member])
async def save_part(core: Core, caller: Caller, request: Asked, message_id: str, n: int) -> Response[Any]:
    """A file into the drive."""
    form = await read_form(request)
    message = await core.db.read(store.get_message, caller.user_id, message_id)
    back = f"/mail/thread/{message.thread_id}"
    if "drive.write" not in core.script:
        raise NotFound("There is no drive to save to.")
    data = await core.blobs.read(message.blob)
    path = await act.save_file(core, caller, data, n, form.text("folder") or "Mail", message.id[-6:])
    return redirect(request, back, f"Saved to {path}.")


@get("/mail/message/{message_id:str}/source", guards=[member])
async def show_source(core: Core, caller: Caller, request: Asked, message_id: str) -> Response[Any]:
    """The message as it came, for reading; the end of a long one is left out."""
    message = await core.db.read(store.get_message, caller.user_id, message_id)
    data = b"".join([piece async for piece in core.blobs.open(message.blob, 0, min(message.size, 200_000))])
    text = await asyncio.to_thread(data.decode, "utf-8", "replace")
    return page(request, "mail/source.html", message=message, text=text, is_cut=message.size > 200_000)


@get("/mail/message/{message_id:str}/raw", guards=[member])
async def get_raw(core: Core, caller: Caller, message_id: str) -> Stream:
    """The message, byte for byte, as a download."""
    message = await core.db.read(store.get_message, caller.user_id, message_id)
    headers = {
        "content-length": str(message.size),
        "content-disposition": f'attachment; filename="{message.id}.eml"',
        "content-security-policy": "sandbox; default-src 'none'",
    }
    return Stream(core.blobs.open(message.blob), media_type="message/rfc822", headers=headers)


HANDLERS = [go_to_message, show_thread, show_body, get_part, save_part, show_source, get_raw]
