"""Texts written, appended, restored and erased by their address."""

from __future__ import annotations

from fazt.apps.pads import actions
from fazt.apps.pads.actions import Access, Text
from fazt.apps.pads.engine import get_pads
from fazt.apps.pads.model import Pad
from fazt.apps.pads.routes.asked import Asked
from fazt.apps.pads.store import no_such_pad
from fazt.core.errors import Forbidden, Invalid, PreconditionFailed
from fazt.core.http.access import check_same_origin
from fazt.core.http.conditional import parse_etags
from fazt.core.http.messages import respond_json

MAX_FORM_BYTES = 16_384


async def open_to_write(asked: Asked) -> tuple[Access, Pad]:
    """The pad, for somebody who may change it; made where there is none. Raises Forbidden, NotFound, OverQuota."""
    access = await asked.admit()
    access.check_write()
    return access, await actions.open_pad(asked.core, access)


async def read_text(asked: Asked) -> str:
    """The body as text. Raises TooLarge and Invalid."""
    body = await asked.body(get_pads(asked.core).limits().max_bytes)
    try:
        return body.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise Invalid("A pad is text in UTF-8.") from error


async def write(asked: Asked) -> None:
    """PUT: the whole text. With If-Match, what others did since that moment stays."""
    access = await asked.admit()
    access.check_write()
    tags = parse_etags(asked.headers.get("if-match", ""))
    if tags and access.pad is None:
        raise PreconditionFailed("There is no such pad.")
    if "if-none-match" in asked.headers and access.pad is not None and access.pad.seq:
        raise PreconditionFailed("There is such a pad already.")
    text = await read_text(asked)
    is_new = access.pad is None
    pad = await actions.open_pad(asked.core, access)
    base = "" if not tags or tags == ["*"] else tags[0]
    done = await actions.put_text(asked.core, pad, text, access.who, base)
    await tell(asked, done, 201 if is_new else 200)


async def append(asked: Asked) -> None:
    """POST: a piece of text at the end, on a line of its own."""
    access, pad = await open_to_write(asked)
    done = await actions.add_text(asked.core, pad, await read_text(asked), access.who)
    await tell(asked, done, 201 if access.pad is None else 200)


async def tell(asked: Asked, done: Text, status: int) -> None:
    """What the text is now."""
    if asked.wants_json:
        facts = {"pad": asked.name, "seq": done.seq, "etag": f'"{done.tag}"', "text": done.text}
        await respond_json(asked.send, status, facts, [asked.tag(done)])
    else:
        await asked.say(status, done.text, asked.tag(done))


async def save(asked: Asked) -> None:
    """The form of the page, for browsers without JavaScript: `text`, and `base`, the tag of what was shown."""
    check_same_origin(asked.scope)
    access, pad = await open_to_write(asked)
    most = get_pads(asked.core).limits().max_bytes * 3 + MAX_FORM_BYTES  # a byte may take three in a form
    fields = await asked.fields(most)
    text = fields.get("text", "")
    try:
        await actions.put_text(asked.core, pad, text, access.who, fields.get("base", ""))
    except PreconditionFailed:
        await actions.put_text(asked.core, pad, text, access.who)
    await asked.redirect(f"/pad/{asked.name}{asked.link}")


async def restore(asked: Asked) -> None:
    """A form, or a query, with `seq`: the text is again what it was then."""
    check_same_origin(asked.scope)
    access, pad = await open_to_write(asked)
    fields = {**asked.query, **await asked.fields(MAX_FORM_BYTES)}
    seq = fields.get("seq", "")
    if not seq.isascii() or not seq.isdigit() or len(seq) > 15:
        raise Invalid("Say which moment: `seq` is its number in the history.")
    done = await actions.restore(asked.core, pad, int(seq), access.who)
    if asked.wants_page:
        await asked.redirect(f"/pad/{asked.name}{asked.link}")
    else:
        await tell(asked, done, 200)


async def erase(asked: Asked) -> None:
    """DELETE: nothing of it stays. For its owner."""
    access = await asked.admit()
    if access.pad is None:
        raise no_such_pad(asked.name)
    if not access.is_manager:
        raise Forbidden("Only the owner of a pad erases it.")
    await actions.erase_pad(asked.core, access.pad)
    await asked.answer(204, [])
