"""What JavaScript and other apps may call: `fazt.pubsub.*`, with the rights of whom the function acts for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from fazt.apps.pubsub import actions
from fazt.apps.pubsub.engine import hub_of
from fazt.apps.pubsub.model.index import Patterns
from fazt.apps.pubsub.model.since import Since, parse_last, parse_since
from fazt.apps.pubsub.store import pages
from fazt.apps.pubsub.wire.asking import Item, item_to_publication, parse_patterns
from fazt.apps.pubsub.wire.formats import to_json
from fazt.core.app import ScriptFunction
from fazt.core.errors import Invalid

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.auth import Caller

MAX_READ = 1_000


async def publish(core: Core, caller: Caller, topic: str, data: Any = None, **options: Any) -> dict[str, Any]:
    """`{id, topic, seq, n, at}`, when it is on disk. Text is kept as text, all else as JSON.

    `options`: key, title, priority, tags, click, icon, ttl, retain, volatile.
    """
    try:
        item = msgspec.convert({**options, "topic": topic}, Item)
    except msgspec.ValidationError as error:
        raise Invalid(f"fazt.pubsub.publish: {error}") from error
    item.data = msgspec.Raw(msgspec.json.encode(data))
    most = actions.max_message_bytes(core)
    publication = item_to_publication(item, user_id=caller.user_id, max_bytes=most, now=core.clock())
    return actions.to_facts(await actions.publish_one(core, caller, publication))


async def read(
    core: Core,
    caller: Caller,
    topic: str,
    since: str | int = "all",
    last: int | None = None,
    limit: int = 100,
) -> dict[str, Any]:
    """`{messages, seq}`: what there is behind `since` (or the `last` few), and the number to go on from."""
    hub, patterns = hub_of(core), parse_patterns(topic)
    asked, rules = Patterns(patterns), hub.rules
    start = parse_last(str(last)) if last is not None else parse_since(str(since), core.clock())
    most = min(max(int(limit), 1), MAX_READ)

    def may(name: str) -> bool:
        return name in asked and rules.may(caller, name, "read")

    for pattern in asked.names:
        rules.check(caller, pattern, "read")
    return await collect(core, patterns, may, start, most)


async def collect(core: Core, patterns: list[str], may: pages.Wanted, since: Since, most: int) -> dict[str, Any]:
    """Messages from `since` on, up to `most`."""
    hub = hub_of(core)
    await hub.newest()
    found = await core.db.read(pages.find_start, patterns, may, since, now=core.clock())
    await hub.reach(found.position)
    messages, position, upto = found.first[-most:], found.position, hub.last
    while position < upto and len(messages) < most:
        page = await core.db.read(pages.read_page, patterns, may, after=position, upto=upto, now=core.clock())
        messages, position = messages + page.messages, page.position
    if len(messages) > most:
        messages, position = messages[:most], messages[most - 1].seq
    return {"messages": [msgspec.json.decode(to_json(one)) for one in messages], "seq": position}


SCRIPT = (
    ScriptFunction(
        "pubsub.publish",
        "pubsub:write",
        publish,
        "Publish a message on a topic; the answer comes when it is kept.",
        'await fazt.pubsub.publish({topic: "home/temp", data: 21.5})',
        by_resource=True,
    ),
    ScriptFunction(
        "pubsub.read",
        "pubsub:read",
        read,
        "Messages of a topic, or of a pattern such as home/#, behind a number or a time.",
        'const {messages, seq} = await fazt.pubsub.read({topic: "home/temp", last: 10})',
        by_resource=True,
    ),
)
