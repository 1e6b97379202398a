"""A pad as a page and as text."""

from __future__ import annotations

import asyncio

from fazt.apps.pads import actions
from fazt.apps.pads.actions import Access, Text
from fazt.apps.pads.engine import get_pads
from fazt.apps.pads.routes.asked import HTML, TEXT, Asked, new_nonce
from fazt.apps.pads.store import no_such_pad
from fazt.core.errors import NotFound, TooMany, Unauthorized
from fazt.core.http.access import check_same_origin
from fazt.core.http.conditional import evaluate
from fazt.core.http.hosts import is_secure
from fazt.core.http.messages import respond_json
from fazt.core.shares import count_visit

MAX_FORM_BYTES = 4_096
REMEMBERED_S = 7 * 24 * 3_600
PREVIEW_CHARS = 200_000
LARGE_CHARS = 100_000
"""The plain form with more than that takes a browser longer to lay out than the editor to start."""


async def show(asked: Asked) -> None:
    """The page for a person's browser, JSON for who asks for it, else the text."""
    is_raw = bool(asked.rest or asked.ending)
    if asked.wants_page and not is_raw:
        await show_page(asked)
        return
    access = await asked.admit()
    if access.pad is None:
        raise no_such_pad(asked.name)
    text = await actions.read_text(asked.core, access.pad)
    headers = [asked.tag(text), (b"vary", b"accept")]
    if asked.wants_json and not is_raw:
        facts = {"pad": asked.name, "seq": text.seq, "etag": f'"{text.tag}"', "may_write": access.may_write}
        await respond_json(asked.send, 200, {**facts, "text": text.text}, headers)
        return
    if evaluate(asked.method, asked.scope["headers"], f'"{text.tag}"') == 304:
        await asked.answer(304, headers)
        return
    kind = (b"content-type", b"text/markdown; charset=utf-8") if asked.ending == "md" else TEXT
    await asked.answer(200, [kind, *headers, (b"content-security-policy", b"sandbox")], text.text.encode())


async def show_page(asked: Asked) -> None:
    """The editor; a form for its password; or a word about what is not there."""
    try:
        access = await asked.admit()
        pad = await actions.open_pad(asked.core, access)
    except Unauthorized as error:
        if not error.details.get("password_needed"):
            raise
        await ask_password(asked, 401)
        return
    except NotFound as error:
        caller = await actions.find_caller(asked.core, asked.scope)
        await asked.page("pads/gone.html", caller, status=404, error=error)
        return
    text = await actions.read_text(asked.core, pad)
    if asked.method == "GET":
        asked.note_visit(pad)
        if access.share is not None:
            await asked.core.db.write(count_visit, access.share.id)
    room = get_pads(asked.core).rooms.get(pad.id)
    await asked.page(
        "pads/pad.html",
        access.caller,
        nonce=new_nonce(),
        pad=pad,
        access=access,
        text=text,
        is_large=len(text.text) > LARGE_CHARS,
        link=asked.link,
        root=room.document.root if room is not None else "",
        max_kb=get_pads(asked.core).limits().max_bytes // 1_024,
        options=options_of(asked, access, pad.id, text),
    )


def options_of(asked: Asked, access: Access, pad_id: str, text: Text) -> dict[str, object]:
    """What the script of the page has to know."""
    return {
        "id": pad_id,
        "name": access.name,
        "share": asked.query.get("share", "") if asked.link else "",
        "mayWrite": access.may_write,
        "who": access.who if access.caller is not None else "",
        "size": len(text.text),
    }


async def ask_password(asked: Asked, status: int, error: object = "") -> None:
    """The form for the password."""
    caller = await actions.find_caller(asked.core, asked.scope)
    await asked.page("pads/locked.html", caller, status=status, pad_name=asked.name, link=asked.link, error=error)


async def unlock(asked: Asked) -> None:
    """The form that asks for a pad's password."""
    check_same_origin(asked.scope)
    password = (await asked.fields(MAX_FORM_BYTES)).get("password", "")
    token = asked.query.get("share", "")
    try:
        taken = await actions.take_password(asked.core, asked.scope, asked.name, token, password)
    except TooMany as error:
        await ask_password(asked, 429, error)
        return
    except NotFound:
        taken = None  # nobody hears here which pads there are
    if taken is None:
        await ask_password(asked, 401, "That is not the password.")
        return
    cookie = f"{taken[0]}={taken[1]}; Path=/pad; Max-Age={REMEMBERED_S}; HttpOnly; SameSite=Lax"
    cookie += "; Secure" if is_secure(asked.scope) else ""
    await asked.redirect(f"/pad/{asked.name}{asked.link}", (b"set-cookie", cookie.encode()))


async def show_preview(asked: Asked) -> None:
    """The text as Markdown, as a part of the page."""
    from fazt.ui.prose import render_markdown  # noqa: PLC0415 - only who previews pays for it

    access = await asked.admit()
    if access.pad is None:
        raise no_such_pad(asked.name)
    text = await actions.read_text(asked.core, access.pad)
    html = await asyncio.to_thread(render_markdown, text.text[:PREVIEW_CHARS])
    await asked.answer(200, [HTML, asked.tag(text)], str(html).encode())


async def ask_upgrade(asked: Asked) -> None:
    """What a browser's address bar hears at the WebSocket's address."""
    await asked.admit()
    await asked.say(426, "This address is a WebSocket, for y-websocket's clients.\n", (b"upgrade", b"websocket"))
