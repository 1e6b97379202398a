"""Writing, answering, forwarding."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response, get, post

from fazt.apps.mail.actions import mailbox
from fazt.apps.mail.actions.send import own_addresses, send
from fazt.apps.mail.model.outgoing import Attachment, Draft, split_list
from fazt.apps.mail.store import messages as store
from fazt.apps.mail.store.relays import list_relays
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.errors import FaztError, TooLarge
from fazt.core.http.access import member
from fazt.ui import page, redirect
from fazt.ui.forms import Form

Asked = Request[Any, Any, Any]
MAX_FORM_BYTES = 70_000_000


async def show_form(core: Core, caller: Caller, request: Asked, draft: Draft, **context: Any) -> Response[Any]:
    """The form with a draft in it."""
    known: dict[str, Any] = {"error": None, "answers": "", "forwards": "", "files": []}
    addresses = await own_addresses(core, caller)
    can_send = await has_relay(core)
    title = "Answer" if context.get("answers") else "Forward" if context.get("forwards") else "New message"
    known |= {"draft": draft, "addresses": addresses, "form_title": title, "can_send": can_send}
    return page(request, "mail/compose.html", **{**known, **context})


async def has_relay(core: Core) -> bool:
    """Whether mail can leave this cloud."""
    return any(relay.is_on for relay in await core.db.read(list_relays))


@get("/mail/compose", guards=[member])
async def compose(
    core: Core,
    caller: Caller,
    request: Asked,
    to: str = "",
    subject: str = "",
    answer: str = "",
    everybody: bool = False,
    forward: str = "",
) -> Response[Any]:
    """An empty form, or one that answers or forwards a message."""
    own = await own_addresses(core, caller)
    if not answer and not forward:
        draft = Draft(sender=own[0] if own else "", to=split_list(to), subject=subject)
        return await show_form(core, caller, request, draft)
    message = await core.db.read(store.get_message, caller.user_id, answer or forward)
    facts = await mailbox.load_facts(core, message)
    if answer:
        draft = mailbox.answer_to(message, facts, own, to_all=everybody)
        return await show_form(core, caller, request, draft, answers=answer)
    draft = mailbox.forward_of(message, facts, own)
    files = [part.name for part in facts.parts if part.name and not part.is_inline]
    return await show_form(core, caller, request, draft, forwards=forward, files=files)


@post("/mail/compose", guards=[member], request_max_body_size=MAX_FORM_BYTES)
async def send_form(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Send what was written; where that cannot be, the form again with what is in the way."""
    fields = await request.form()
    form = Form(fields)
    answers, forwards = form.text("answers"), form.text("forwards")
    draft = Draft(
        sender=form.text("sender"),
        to=split_list(form.text("to")),
        cc=split_list(form.text("cc")),
        bcc=split_list(form.text("bcc")),
        subject=form.text("subject"),
        text=form.raw("text"),
    )
    try:
        ready = await complete(core, caller, draft, answers, forwards if form.is_on("with_files") else "")
        ready = msgspec.structs.replace(ready, attachments=(*ready.attachments, *await read_files(fields)))
        sent = await send(core, caller, ready, source="compose")
    except FaztError as error:
        context: dict[str, Any] = {"answers": answers, "forwards": forwards, "error": error}
        return await show_form(core, caller, request, draft, **context)
    if sent.queued and not await has_relay(core):
        return redirect(request, "/mail/sending", "It waits here: no relay is set up that could bring it away.", "warn")
    return redirect(request, "/mail", "On its way." if sent.queued else "Sent.")


async def complete(core: Core, caller: Caller, draft: Draft, answers: str, forwards: str) -> Draft:
    """The draft with what it answers, and with the files of what it forwards."""
    if answers:
        message = await core.db.read(store.get_message, caller.user_id, answers)
        facts = await mailbox.load_facts(core, message)
        draft = msgspec.structs.replace(draft, in_reply_to=facts.header_id, references=facts.references)
    if forwards:
        files = await mailbox.files_of(core, caller.user_id, forwards)
        draft = msgspec.structs.replace(draft, attachments=files)
    return draft


async def read_files(fields: Any) -> tuple[Attachment, ...]:
    """The files that were chosen. Raises TooLarge."""
    found, room = [], MAX_FORM_BYTES
    for file in fields.getall("file", []):
        if isinstance(file, str) or not file.filename:
            continue
        data: bytes = await file.read()
        room -= len(data)
        if room < 0:
            raise TooLarge("The files are too large together.")
        found.append(Attachment(file.filename, file.content_type or "application/octet-stream", data))
    return tuple(found)


HANDLERS = [compose, send_form]
