"""Boards: pages of tiles, each showing a topic."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from fazt.apps.pubsub.model.topic import check_topic
from fazt.core.errors import Invalid

TileKind = Literal["number", "chart", "text", "gauge"]
KINDS = ("number", "chart", "gauge", "text")
MAX_TILES = 60
MAX_TITLE = 80
MAX_UNIT = 12


class Tile(msgspec.Struct, frozen=True, omit_defaults=True):
    """One topic on a board. `low` and `high` are the ends of a gauge; `is_wide` takes two places."""

    topic: str
    kind: TileKind = "number"
    title: str = ""
    unit: str = ""
    low: float = 0
    high: float = 100
    is_wide: bool = False


class Board(msgspec.Struct, frozen=True):
    """A page of tiles and whose it is. Times are ms."""

    id: str
    user_id: str
    title: str
    tiles: tuple[Tile, ...] = ()
    changed_at: int = 0

    @property
    def topics(self) -> list[str]:
        """What its tiles show, each topic once."""
        return list(dict.fromkeys(tile.topic for tile in self.tiles))


def check_title(title: str) -> str:
    """Raises Invalid."""
    title = " ".join(title.split())
    if not title or len(title) > MAX_TITLE or not title.isprintable():
        raise Invalid(f"A board has a title of up to {MAX_TITLE} characters.")
    return title


def check_tile(tile: Tile) -> Tile:
    """Raises Invalid."""
    check_topic(tile.topic)
    if tile.kind not in KINDS:
        raise Invalid(f"A tile is one of {', '.join(KINDS)}.")
    if len(tile.title) > MAX_TITLE or len(tile.unit) > MAX_UNIT:
        raise Invalid("The title or the unit of a tile is too long.")
    if not (math.isfinite(tile.low) and math.isfinite(tile.high) and tile.low < tile.high):
        raise Invalid("A gauge begins below its end.")
    return tile
