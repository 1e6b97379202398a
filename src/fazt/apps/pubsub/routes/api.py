"""The API of topics: `/api/v1/pubsub/…`: lists, what topics keep, rules, links, alerts, boards."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import delete, get, post, put

from fazt.apps.pubsub.actions import managing
from fazt.apps.pubsub.model.access import Rule
from fazt.apps.pubsub.model.alert import Alert
from fazt.apps.pubsub.model.board import Board, Tile
from fazt.apps.pubsub.model.options import Options
from fazt.apps.pubsub.store import alerts, boards, rules
from fazt.apps.pubsub.store.topics import TopicInfo
from fazt.apps.pubsub.wire.formats import to_dict
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.clock import HOUR, to_iso
from fazt.core.errors import Invalid
from fazt.core.http.access import member, needs, owner

ROOT = "/api/v1/pubsub"
READ = needs("pubsub:read", some=True)


class TopicView(msgspec.Struct):
    """A topic as the API shows it; `last` is its newest message."""

    topic: str
    messages: int
    bytes: int
    changed: str
    options: Options
    last: dict[str, Any] | None = None


class NewShare(msgspec.Struct):
    """A link to a topic or a board; `hours` after which it ends."""

    topic: str = ""
    board: str = ""
    hours: int = 0


class ShareView(msgspec.Struct):
    """A link; `path` is its page."""

    id: str
    token: str
    path: str


class NewAlert(msgspec.Struct):
    """`value` is the bound, or minutes for `silent`."""

    topic: str
    kind: str
    value: float


class NewBoard(msgspec.Struct):
    """A board with its tiles."""

    title: str
    tiles: list[Tile] = msgspec.field(default_factory=list)


def view(found: TopicInfo) -> TopicView:
    """A topic of the list."""
    last = msgspec.json.decode(msgspec.json.encode(to_dict(found.last))) if found.last is not None else None
    return TopicView(found.name, found.messages, found.bytes, to_iso(found.changed_at), found.options, last)


@get(f"{ROOT}/topics", guards=[READ])
async def list_topics(
    core: Core, caller: Caller, prefix: str = "", after: str = "", limit: int = 100
) -> list[TopicView]:
    """Topics that you may read, by name; go on behind `after`."""
    most = min(max(limit, 1), 1_000)
    found = await managing.list_topics(core, caller, prefix=prefix, after=after, limit=most)
    return [view(one) for one in found]


@put(f"{ROOT}/topics", guards=[owner])
async def set_options(core: Core, caller: Caller, topic: str, data: Options) -> Options:
    """What a topic keeps: hours, messages, bytes, whether it retains its last value, or nothing (volatile)."""
    return await managing.set_options(core, caller, topic, data)


@delete(f"{ROOT}/topics", guards=[owner])
async def delete_topic(core: Core, caller: Caller, topic: str) -> None:
    """Delete a topic with all its messages."""
    await managing.delete_topic(core, caller, topic)


@get(f"{ROOT}/rules", guards=[owner])
async def list_rules(core: Core) -> list[Rule]:
    """Who may read and write which topics."""
    return await core.db.read(rules.list_rules)


@put(f"{ROOT}/rules", guards=[owner])
async def set_rule(core: Core, caller: Caller, data: Rule) -> Rule:
    """Say what everyone, members or one person may do with the topics of a pattern."""
    return await managing.set_rule(core, caller, data.pattern, data.who, data.may)


@delete(f"{ROOT}/rules", guards=[owner])
async def delete_rule(core: Core, caller: Caller, pattern: str, who: str) -> None:
    """Take a rule back."""
    await managing.remove_rule(core, caller, pattern, who)


@post(f"{ROOT}/shares", guards=[member])
async def create_share(core: Core, caller: Caller, data: NewShare) -> ShareView:
    """A link by which anybody sees a topic or a board, and nothing else."""
    if bool(data.topic) == bool(data.board):
        raise Invalid("A link shows one topic or one board.")
    expires_at = core.clock() + data.hours * HOUR if data.hours else None
    if data.topic:
        made = await managing.share_topic(core, caller, data.topic, expires_at)
    else:
        made = await managing.share_board(core, caller, data.board, expires_at)
    return ShareView(made.id, made.token, f"/topics/shared/{made.token}")


@delete(f"{ROOT}/shares/{{share_id:str}}", guards=[member])
async def delete_share(core: Core, caller: Caller, share_id: str) -> None:
    """End a link."""
    await managing.end_share(core, caller, share_id)


@get(f"{ROOT}/alerts", guards=[member])
async def list_alerts(core: Core, caller: Caller, topic: str = "") -> list[Alert]:
    """Your alerts, on one topic or on all."""
    return await core.db.read(alerts.list_alerts, caller.user_id, topic)


@post(f"{ROOT}/alerts", guards=[member])
async def create_alert(core: Core, caller: Caller, data: NewAlert) -> Alert:
    """Be told when a topic's value is above or below a bound, or when nothing comes for some minutes."""
    return await managing.create_alert(core, caller, data.topic, data.kind, data.value)


@delete(f"{ROOT}/alerts/{{alert_id:int}}", guards=[member])
async def delete_alert(core: Core, caller: Caller, alert_id: int) -> None:
    """Delete an alert."""
    await core.db.write(alerts.delete_alert, caller.user_id, alert_id, now=core.clock())


@get(f"{ROOT}/boards", guards=[member])
async def list_boards(core: Core, caller: Caller) -> list[Board]:
    """Your boards of tiles."""
    return await core.db.read(boards.list_boards, caller.user_id)


@post(f"{ROOT}/boards", guards=[member])
async def create_board(core: Core, caller: Caller, data: NewBoard) -> Board:
    """A new board."""
    made = await core.db.write(boards.create_board, caller.user_id, data.title, now=core.clock())
    return await managing.change_board(core, caller, made.id, title=data.title, tiles=tuple(data.tiles))


@put(f"{ROOT}/boards/{{board_id:str}}", guards=[member])
async def change_board(core: Core, caller: Caller, board_id: str, data: NewBoard) -> Board:
    """A board's title and tiles."""
    return await managing.change_board(core, caller, board_id, title=data.title, tiles=tuple(data.tiles))


@delete(f"{ROOT}/boards/{{board_id:str}}", guards=[member])
async def delete_board(core: Core, caller: Caller, board_id: str) -> None:
    """Delete a board and the links to it."""
    found = await core.db.read(boards.get_board, board_id, caller.user_id)
    await core.db.write(boards.delete_board, found)


HANDLERS = [
    list_topics,
    set_options,
    delete_topic,
    list_rules,
    set_rule,
    delete_rule,
    create_share,
    delete_share,
    list_alerts,
    create_alert,
    delete_alert,
    list_boards,
    create_board,
    change_board,
    delete_board,
]
