"""The past of a pad: its moments, how the text was then, and what changed since."""

from __future__ import annotations

import asyncio

from fazt.apps.pads import store
from fazt.apps.pads.actions import Access
from fazt.apps.pads.model import Pad
from fazt.apps.pads.model.diffs import compare
from fazt.apps.pads.model.pad import Version
from fazt.apps.pads.routes.asked import Asked
from fazt.core.errors import Invalid
from fazt.core.http.messages import respond_json

SHOWN_CHARS = 100_000


async def find_pad(asked: Asked) -> tuple[Access, Pad]:
    """The pad, for who may read it. Raises NotFound."""
    access = await asked.admit()
    if access.pad is None:
        raise store.no_such_pad(asked.name)
    return access, access.pad


def read_seq(asked: Asked, name: str, default: int) -> int:
    """The number of an update in the query. Raises Invalid."""
    value = asked.query.get(name, "")
    if not value:
        return default
    if not value.isascii() or not value.isdigit() or len(value) > 15:
        raise Invalid(f"{name} is the number of a moment in the history.")
    return int(value)


async def show_history(asked: Asked) -> None:
    """The moments as JSON; for people a page with one of them: `at`, compared with the one before, or `from`."""
    access, pad = await find_pad(asked)
    versions = await asked.core.db.read(store.list_versions, pad.id)
    if not asked.wants_page:
        rows = [{"seq": one.seq, "at": one.at, "who": one.who, "bytes": one.bytes} for one in versions]
        await respond_json(asked.send, 200, rows)
        return
    at = read_seq(asked, "at", versions[0].seq if versions else 0)
    before = next((one.seq for one in versions if one.seq < at), 0)
    since = read_seq(asked, "from", before)
    then = await asked.core.db.read(store.read_text_at, pad.id, at)
    earlier = await asked.core.db.read(store.read_text_at, pad.id, since)
    await asked.page(
        "pads/part.html" if asked.headers.get("sec-fetch-dest") == "empty" else "pads/history.html",
        access.caller,
        pad=pad,
        access=access,
        versions=versions,
        shown=next((one for one in versions if one.seq == at), Version(0, pad.created_at, "", 0)),
        since=since,
        before=before,
        after=next((one.seq for one in reversed(versions) if one.seq > at), 0),
        is_newest=not versions or at == versions[0].seq,
        text=then[:SHOWN_CHARS],
        is_cut=len(then) > SHOWN_CHARS,
        lines=await asyncio.to_thread(compare, earlier, then),
        link=asked.link,
    )


async def show_then(asked: Asked) -> None:
    """The text as it was after the update `at`."""
    _, pad = await find_pad(asked)
    text = await asked.core.db.read(store.read_text_at, pad.id, read_seq(asked, "at", 0))
    await asked.say(200, text, (b"content-security-policy", b"sandbox"))
