"""Who listens to which patterns, found by a topic in the time that its levels take."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

from fazt.apps.pubsub.model.topic import ONE, REST, SYSTEM, is_pattern, matches

T = TypeVar("T")


class Node(Generic[T]):
    """One level of the patterns with wildcards: what ends here, what takes all that follows, and the next levels."""

    __slots__ = ("below", "here", "rest")

    def __init__(self) -> None:
        self.here: dict[T, None] = {}
        self.rest: dict[T, None] = {}
        self.below: dict[str, Node[T]] = {}

    def is_empty(self) -> bool:
        """Whether nobody needs this node."""
        return not (self.here or self.rest or self.below)


class Index(Generic[T]):
    """Items by pattern. Names of single topics are a dictionary, patterns a tree of their levels."""

    def __init__(self) -> None:
        self._exact: dict[str, dict[T, None]] = {}
        self._root: Node[T] = Node()

    def add(self, pattern: str, item: T) -> None:
        """`item` listens to a checked pattern."""
        if not is_pattern(pattern):
            self._exact.setdefault(pattern, {})[item] = None
            return
        node = self._root
        levels = pattern.split("/")
        for level in levels[:-1] if levels[-1] == REST else levels:
            node = node.below.setdefault(level, Node())
        (node.rest if levels[-1] == REST else node.here)[item] = None

    def remove(self, pattern: str, item: T) -> None:
        """`item` no longer listens to a pattern."""
        if not is_pattern(pattern):
            found = self._exact.get(pattern, {})
            found.pop(item, None)
            if not found:
                self._exact.pop(pattern, None)
            return
        levels = pattern.split("/")
        way = [self._root]
        steps = levels[:-1] if levels[-1] == REST else levels
        for level in steps:
            below = way[-1].below.get(level)
            if below is None:
                return
            way.append(below)
        (way[-1].rest if levels[-1] == REST else way[-1].here).pop(item, None)
        for above, level, node in reversed(list(zip(way, steps, way[1:], strict=False))):
            if node.is_empty():
                del above.below[level]

    def match(self, topic: str) -> dict[T, None]:
        """Everybody who listens to a topic, each once."""
        found = dict(self._exact.get(topic, {}))
        levels = topic.split("/")
        self._walk(self._root, levels, 0, found)
        return found

    def _walk(self, node: Node[T], levels: list[str], at: int, found: dict[T, None]) -> None:
        is_shown = at > 0 or levels[0] not in SYSTEM
        if is_shown:
            found.update(node.rest)
        if at == len(levels):
            found.update(node.here)
            return
        for level in (levels[at], ONE) if is_shown else (levels[at],):
            below = node.below.get(level)
            if below is not None:
                self._walk(below, levels, at + 1, found)


class Patterns:
    """A set of patterns that is asked often: names are looked up, only wildcards are compared."""

    __slots__ = ("names", "wild")

    def __init__(self, patterns: Iterable[str]) -> None:
        listed = list(patterns)
        self.names = {pattern for pattern in listed if not is_pattern(pattern)}
        self.wild = [pattern for pattern in listed if is_pattern(pattern)]

    def __contains__(self, topic: str) -> bool:
        return topic in self.names or any(matches(pattern, topic) for pattern in self.wild)
