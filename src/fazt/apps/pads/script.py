"""What functions may call: read, write and append to pads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fazt.apps.pads import actions, store
from fazt.apps.pads.actions import Access
from fazt.apps.pads.model import Pad, check_name
from fazt.core.app import ScriptFunction

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.auth import Caller


async def admit(core: Core, caller: Caller, name: str) -> Access:
    """What the caller may do with a pad. Raises NotFound where that is nothing."""
    pad = await core.db.read(store.find_pad, check_name(name), core.clock())
    level = actions.find_level(core, caller, pad, name)
    if level == "none":
        raise store.no_such_pad(name)
    return Access(name, pad, caller, None, level == "write", level == "write", is_manager=False)


async def open_to_write(core: Core, caller: Caller, name: str) -> tuple[Access, Pad]:
    """The pad, made where there is none. Raises Forbidden and NotFound."""
    access = await admit(core, caller, name)
    access.check_write()
    return access, await actions.open_pad(core, access)


async def list_pads(core: Core, caller: Caller) -> list[dict[str, Any]]:
    """The caller's pads."""
    pads = await core.db.read(store.list_pads, caller.user_id, core.clock(), shared=False)
    return [{"name": pad.name, "size": pad.size, "changed_at": pad.changed_at} for pad in pads]


async def read(core: Core, caller: Caller, *, name: str) -> dict[str, Any]:
    """The text of a pad. Raises NotFound."""
    access = await admit(core, caller, name)
    if access.pad is None:
        raise store.no_such_pad(name)
    text = await actions.read_text(core, access.pad)
    return {"text": text.text, "seq": text.seq, "tag": text.tag}


async def write(core: Core, caller: Caller, *, name: str, text: str, base: str = "") -> dict[str, Any]:
    """Make the text of a pad what it is to be; with the tag of what was read, what others did since then stays."""
    access, pad = await open_to_write(core, caller, name)
    done = await actions.put_text(core, pad, text, access.who, base)
    return {"text": done.text, "seq": done.seq, "tag": done.tag}


async def append(core: Core, caller: Caller, *, name: str, text: str) -> dict[str, Any]:
    """Put a piece of text at the end, on a line of its own."""
    access, pad = await open_to_write(core, caller, name)
    done = await actions.add_text(core, pad, text, access.who)
    return {"seq": done.seq, "tag": done.tag}


SCRIPT = (
    ScriptFunction("pads.list", "pads:read", list_pads, "Your pads.", "await fazt.pads.list()"),
    ScriptFunction(
        "pads.read", "pads:read", read, "The text of a pad.", 'const {text, tag} = await fazt.pads.read({name: "todo"})'
    ),
    ScriptFunction(
        "pads.write",
        "pads:write",
        write,
        "Write a pad; with the tag that was read, others' changes since then stay.",
        'await fazt.pads.write({name: "todo", text: text.toUpperCase(), base: tag})',
    ),
    ScriptFunction(
        "pads.append",
        "pads:write",
        append,
        "Put a line at the end of a pad.",
        'await fazt.pads.append({name: "todo", text: "- milk"})',
    ),
)
