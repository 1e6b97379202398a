"""Topics, rules, links, alerts and boards, on behalf of somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fazt.apps.pubsub.engine import hub_of
from fazt.apps.pubsub.model.access import EVERYONE, MEMBERS, Rule, check_rule
from fazt.apps.pubsub.model.alert import Alert, check_alert
from fazt.apps.pubsub.model.board import Board, Tile
from fazt.apps.pubsub.model.options import Options, check_options
from fazt.apps.pubsub.model.topic import check_topic, is_system
from fazt.apps.pubsub.store import alerts, boards, rules, topics
from fazt.apps.pubsub.store.topics import TopicInfo
from fazt.core.auth.store import find_account
from fazt.core.errors import Forbidden, Invalid, NotFound
from fazt.core.shares import Share, create_share, get_share, list_shares, revoke_share

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.auth import Caller

PAGE = 200
MOST = 1_000
MAX_ROUNDS = 20


def check_owner(caller: Caller) -> None:
    """Raises Forbidden for members: what a topic keeps and who may read it is the owner's to say."""
    if not caller.is_owner:
        raise Forbidden("Only the owner of this cloud may do this.")


async def list_topics(
    core: Core, caller: Caller, *, prefix: str = "", after: str = "", limit: int = 100, by_time: bool = False
) -> list[TopicInfo]:
    """Topics that the caller may read, by name or the newest first."""
    hub, found, now = hub_of(core), list[TopicInfo](), core.clock()
    for _ in range(MAX_ROUNDS):
        page = await core.db.read(
            topics.list_topics, prefix=prefix, after=after, limit=MOST if by_time else PAGE, by_time=by_time, now=now
        )
        found += [one for one in page if hub.rules.may(caller, one.name, "read") and is_meant(one.name, prefix)]
        if len(page) < PAGE or len(found) >= limit or by_time:
            break
        after = page[-1].name
    return found[:limit]


def is_meant(name: str, prefix: str) -> bool:
    """What the program itself tells is listed where it is asked for."""
    return not is_system(name) or is_system(prefix)


async def get_topic(core: Core, caller: Caller, name: str) -> TopicInfo | None:
    """A topic, or None where nothing was ever said. Raises Forbidden."""
    hub_of(core).rules.check(caller, check_topic(name), "read")
    return await core.db.read(topics.find_topic, name, now=core.clock())


async def set_options(core: Core, caller: Caller, name: str, options: Options) -> Options:
    """What a topic keeps. Raises Forbidden, Invalid."""
    check_owner(caller)
    check_topic(name)
    if is_system(name) and options.volatile:
        raise Invalid("What the program itself tells is always kept.")
    await core.db.write(topics.put_options, name, check_options(options), now=core.clock())
    return options


async def delete_topic(core: Core, caller: Caller, name: str) -> None:
    """A topic and its messages. Raises Forbidden, NotFound."""
    check_owner(caller)
    while await core.db.write(topics.delete_topic, name):
        pass


async def set_rule(core: Core, caller: Caller, pattern: str, who: str, may: str) -> Rule:
    """Say who may what; `who` is everyone, members, or somebody's id, handle or e-mail. Raises Forbidden, Invalid."""
    check_owner(caller)
    if who not in {EVERYONE, MEMBERS}:
        account = await core.db.read(find_account, who)
        if account is None:
            raise NotFound(f"Nobody here is called {who[:40]!r}.")
        who = account.user.id
    made = check_rule(pattern, who, may)
    await core.db.write(rules.put_rule, made)
    await hub_of(core).load_rules()
    return made


async def remove_rule(core: Core, caller: Caller, pattern: str, who: str) -> None:
    """Raises Forbidden, NotFound."""
    check_owner(caller)
    await core.db.write(rules.delete_rule, pattern, who)
    await hub_of(core).load_rules()


async def share_topic(core: Core, caller: Caller, name: str, expires_at: int | None = None) -> Share:
    """A link by which anybody may listen to a topic. Raises Forbidden."""
    hub_of(core).rules.check(caller, check_topic(name), "read")
    return await _share(core, caller, f"topic/{name}", name, expires_at)


async def share_board(core: Core, caller: Caller, board_id: str, expires_at: int | None = None) -> Share:
    """A link by which anybody sees a board. Its topics are looked at now: a link shows what its maker may see."""
    board = await core.db.read(boards.get_board, board_id, caller.user_id)
    for topic in board.topics:
        hub_of(core).rules.check(caller, topic, "read")
    return await _share(core, caller, f"board/{board.id}", board.title, expires_at)


async def _share(core: Core, caller: Caller, target: str, label: str, expires_at: int | None) -> Share:
    now, user_id = core.clock(), caller.user_id
    return await core.db.write(
        create_share, app="pubsub", target=target, user_id=user_id, label=label, expires_at=expires_at, now=now
    )


async def shares_of(core: Core, target: str) -> list[Share]:
    """The links to a topic or a board."""
    return await core.db.read(list_shares, "pubsub", target)


async def end_share(core: Core, caller: Caller, share_id: str) -> None:
    """Raises NotFound."""
    user_id = None if caller.is_owner else caller.user_id
    found = await core.db.read(get_share, share_id, user_id=user_id)
    if found.app != "pubsub":
        raise NotFound("There is no such link.")
    await core.db.write(revoke_share, share_id, user_id=user_id)


async def create_alert(core: Core, caller: Caller, topic: str, kind: str, value: float) -> Alert:
    """A new alert of the caller. Raises Invalid, Forbidden, Conflict."""
    new = check_alert(topic, kind, value, caller.user_id)
    hub_of(core).rules.check(caller, topic, "read")
    return await core.db.write(alerts.create_alert, new, now=core.clock())


async def watch(core: Core, caller: Caller, topic: str, *, wanted: bool) -> None:
    """A notice for each message of a topic, or no longer. Raises Invalid, Forbidden."""
    hub_of(core).rules.check(caller, check_topic(topic), "read")
    await core.db.write(alerts.set_watching, caller.user_id, topic, wanted=wanted, now=core.clock())


async def change_board(core: Core, caller: Caller, board_id: str, *, title: str, tiles: tuple[Tile, ...]) -> Board:
    """A board's title and tiles; of topics that its maker may read. Raises NotFound, Invalid, Forbidden."""
    board = await core.db.read(boards.get_board, board_id, caller.user_id)
    for tile in tiles:
        hub_of(core).rules.check(caller, check_topic(tile.topic), "read")
    return await core.db.write(boards.change_board, board, title=title, tiles=tiles, now=core.clock())
