"""What other apps and JavaScript may call: have a site's handlers run, and keep something in its store.

The app `mail` delivers by `core.call("runtime.email", caller, site=…, message={from, to, raw, headers, id})`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fazt.apps.runtime import actions
from fazt.apps.runtime.store import kv
from fazt.core.app import ScriptFunction

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.auth import Caller


async def email(core: Core, caller: Caller, *, site: str, message: dict[str, Any]) -> dict[str, Any]:
    """What the `email` handler decided: `{rejected, forwards: [{to, headers}], replies: [{from, to, raw}]}`.

    `message` has `from` and `to` (the envelope), `raw` (bytes, text or {base64}; beside `rawSize` text is base64),
    `headers` (a list of name and value), and may have `id`, `subject`, `text` and `verdicts`. Raises Unavailable
    where the handler failed: the sender tries again.
    """
    raw = message.get("raw", b"")
    raw = actions.to_bytes({"base64": raw} if isinstance(raw, str) and "rawSize" in message else raw)
    about = {name: message.get(name) for name in ("from", "to", "id", "subject", "text", "verdicts")}
    about |= {"headers": [list(pair) for pair in message.get("headers", [])], "size": len(raw)}
    answer: dict[str, Any] = await actions.call_handler(core, caller, site, "email", about, raw)
    return answer


async def event(core: Core, caller: Caller, *, site: str, name: str, data: dict[str, Any]) -> None:
    """Have the `event` handler run now, without the queue: it returns when the handler has."""
    about = {"id": 0, "name": name, "data": data, "key": "", "at": core.clock(), "attempt": 1}
    await actions.call_handler(core, caller, site, "event", about)


async def handlers(core: Core, caller: Caller, *, site: str) -> list[str]:
    """Which handlers a site's code has; starts its process where it has none."""
    found = await actions.get_site(core, caller, site)
    process = await actions.functions_of(core).ensure(await actions.demand_code(core, found))
    return sorted(process.handlers)


async def kv_get(core: Core, caller: Caller, *, site: str, key: str) -> Any:
    """The value that a site keeps under a key, or null."""
    found = await actions.get_site(core, caller, site)
    entry = await core.db.point(kv.find_entry, found.id, key, now=core.clock())
    return None if entry is None else entry.value


SCRIPT = (
    ScriptFunction(
        "runtime.email",
        "runtime:call",
        email,
        "Hand a mail to the email() handler of a site.",
        'await fazt.runtime.email({site: "inbox", message: {from, to, raw}})',
    ),
    ScriptFunction(
        "runtime.event",
        "runtime:call",
        event,
        "Have the event() handler of a site run.",
        'await fazt.runtime.event({site: "jobs", name: "order.paid", data: {id: 7}})',
    ),
    ScriptFunction(
        "runtime.handlers",
        "runtime:read",
        handlers,
        "Which handlers a site's code has.",
        'await fazt.runtime.handlers({site: "inbox"})',
    ),
    ScriptFunction(
        "runtime.kv_get",
        "runtime:read",
        kv_get,
        "A value that another site of yours keeps.",
        'await fazt.runtime.kv_get({site: "counter", key: "hits"})',
    ),
)
