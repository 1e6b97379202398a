"""Texts of pads, read and written from outside the WebSockets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fazt.apps.pads import store
from fazt.apps.pads.engine import get_pads
from fazt.apps.pads.model import Pad, clean_text, parse_tag, tag_of
from fazt.core.errors import NotFound, PreconditionFailed

if TYPE_CHECKING:
    from fazt.core import Core


class Text(msgspec.Struct, frozen=True):
    """The text of a pad after the update `seq`; `tag` names that moment, for If-Match."""

    text: str
    seq: int
    tag: str


async def as_text(core: Core, pad: Pad, seq: int, text: str) -> Text:
    """With its tag."""
    return Text(text, seq, tag_of(await get_pads(core).life_of(pad.id), seq))


async def read_text(core: Core, pad: Pad) -> Text:
    """What is in the file; a pad that is open need not be read. Raises NotFound."""
    room = get_pads(core).rooms.get(pad.id)
    if room is not None:
        return await as_text(core, pad, *await room.read())
    found, text = await core.db.read(store.read_text, pad.name, core.clock())
    return await as_text(core, found, found.seq, text)


async def put_text(core: Core, pad: Pad, text: str, who: str, base_tag: str = "") -> Text:
    """Make the text of a pad what it is to be; with `base_tag` what others did since that moment stays.

    Raises PreconditionFailed where nobody knows that moment any more.
    """
    base_seq = None
    if base_tag:
        base_seq = parse_tag(await get_pads(core).life_of(pad.id), base_tag)
        if base_seq is None:
            raise too_old()
    async with get_pads(core).using(pad.id) as room:
        if base_seq is not None and base_seq > room.seq:
            raise too_old()
        try:
            seq, now = await room.write(clean_text(text), who, base_seq)
        except NotFound as error:
            if base_seq is None or room.error is not None:
                raise
            raise too_old() from error
    return await as_text(core, pad, seq, now)


def too_old() -> PreconditionFailed:
    """The error for a moment that is not in the history."""
    return PreconditionFailed(
        "The text that you began from is not in the pad's history.", hint="Read it again, and send your change anew."
    )


async def add_text(core: Core, pad: Pad, text: str, who: str) -> Text:
    """Put `text` at the end of a pad."""
    async with get_pads(core).using(pad.id) as room:
        return await as_text(core, pad, *await room.add(clean_text(text), who))


async def restore(core: Core, pad: Pad, seq: int, who: str) -> Text:
    """Make the text what it was after the update `seq`, as a new change. Raises NotFound."""
    text = await core.db.read(store.read_text_at, pad.id, seq)
    return await put_text(core, pad, text, who)
