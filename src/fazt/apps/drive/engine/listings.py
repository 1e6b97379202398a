"""A folder's listing that was given once: brought up to date by what changed since, rather than made again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from fazt.apps.drive.model.nodes import Node, Trail

ENTRY_OVERHEAD = 250
"""Bytes that an entry takes besides its own."""


class State(msgspec.Struct, frozen=True):
    """Which folder was listed, and when. A folder that was moved, or one above it, is another: so is its count."""

    way: tuple[tuple[int, int], ...]
    seq: int

    @classmethod
    def of(cls, trail: Trail) -> State:
        """Every change of a space is told to its root."""
        return cls(tuple((node.id, node.placed) for node in trail.nodes), trail.nodes[0].seq)


class Listing(msgspec.Struct, frozen=True):
    """What is said of a folder (`top`) and of each of its members, by id, folders first."""

    state: State
    top: bytes
    lines: dict[int, bytes]
    folders: frozenset[int]

    @property
    def size(self) -> int:
        """About how many bytes it takes in memory."""
        return len(self.top) + sum(map(len, self.lines.values())) + ENTRY_OVERHEAD * len(self.lines) + 1_000

    @property
    def parts(self) -> list[bytes]:
        """What stands between the beginning and the end of the answer."""
        return [self.top, *self.lines.values()]

    def amended(self, news: News, top: bytes, lines: Mapping[int, bytes]) -> Listing | None:
        """With the new `lines` of those that changed; None where that is not all there is to say."""
        folders = self.folders | ids_of_folders(news.changed)
        known = {**self.lines, **lines}
        try:
            order = sorted(news.ids, key=lambda id: id not in folders)
            return Listing(news.state, top, {id: known[id] for id in order}, folders)
        except KeyError:
            return None


class News(msgspec.Struct, frozen=True):
    """What became of a folder: the ids of its members in their order, and those that changed since it was listed."""

    state: State
    ids: Sequence[int]
    changed: Sequence[Node]


def ids_of_folders(nodes: Iterable[Node]) -> frozenset[int]:
    """The ids of those that are folders."""
    return frozenset(node.id for node in nodes if node.is_folder)
