"""What pages show of topics: the last messages, and their numbers for charts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fazt.apps.pubsub.model.board import Board, Tile
from fazt.apps.pubsub.model.message import Message
from fazt.apps.pubsub.model.since import Since
from fazt.apps.pubsub.store import pages, topics

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from fazt.core import Core

LOG, POINTS, SPARK = 50, 500, 60
NUMBER_SHARE = 0.5
ShownTile = tuple[Tile, Message | None, str]


def read_recent(conn: Connection, topic: str, count: int, *, now: int) -> list[Message]:
    """The last messages of one topic, oldest first."""
    start = pages.find_start(conn, [topic], lambda _: True, Since("last", count), now=now)
    found, position, upto = list[Message](), start.position, topics.read_seq(conn)
    while position < upto and len(found) < count:
        page = pages.read_topic(conn, topic, after=position, upto=upto, now=now)
        found, position = found + page.messages, page.position
    return found[-count:]


def read_last_values(conn: Connection, names: list[str], *, now: int) -> dict[str, Message]:
    """The last value of each of these topics that has one."""
    found = pages.read_latest(conn, names, lambda _: True, now=now)
    return {one.topic: one for one in found}


def to_shown(message: Message | None) -> str:
    """A last value as a page shows it: the number, or the beginning of the text."""
    if message is None:
        return "–"
    number = message.number()
    return f"{number:.10g}" if number is not None else message.text()[:300]


async def recent(core: Core, topic: str, count: int) -> list[Message]:
    """The last messages of one topic, oldest first."""
    return await core.db.read(read_recent, topic, count, now=core.clock())


def to_plot(messages: list[Message]) -> str:
    """Times and values for a chart, as JSON; "" where most messages are no numbers."""
    pairs = [(one.at / 1_000, number) for one in messages if (number := one.number()) is not None]
    if not pairs or len(pairs) < len(messages) * NUMBER_SHARE:
        return ""
    return msgspec.json.encode([[at for at, _ in pairs], [value for _, value in pairs]]).decode()


async def shown_tiles(core: Core, board: Board) -> list[ShownTile]:
    """The tiles of a board with their last values and, for those with a line, the numbers before."""
    lasts = await core.db.read(read_last_values, board.topics, now=core.clock())
    shown: list[ShownTile] = []
    for tile in board.tiles:
        values: list[float] = []
        if tile.kind == "chart":
            messages = await recent(core, tile.topic, SPARK)
            values = [number for one in messages if (number := one.number()) is not None]
        shown.append((tile, lasts.get(tile.topic), msgspec.json.encode(values).decode()))
    return shown
