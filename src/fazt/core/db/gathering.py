"""What goes into one commit: all that waits, and whoever is about to come again."""

from __future__ import annotations

import queue
from time import monotonic
from typing import Generic, Protocol, TypeVar

LONGEST_S = 0.002
WEIGHT = 0.2
"""Of the newest commit, in the mean."""


class Waits(Protocol):
    """A write in the queue."""

    is_soon: bool


Item = TypeVar("Item", bound=Waits)


class Gathering(Generic[Item]):
    """The writer thread's end of its queue, in which None is the end.

    Four clients of which each writes when its last write was answered fall into step as one and three: every answer
    then takes two commits. Who has just been answered is likely to come again, so it is worth a wait, of at most
    half of what a commit takes. Somebody who writes alone is expected alone, and never waits.
    """

    def __init__(self, items: queue.SimpleQueue[Item | None], most: int) -> None:
        self._items = items
        self._most = most
        self._answered = 0
        self._commit_s = 0.0
        self.is_over = False

    def take(self) -> list[Item]:
        """What to write next; blocks until there is something. Empty only when it is over."""
        taken: list[Item] = []
        self._drain(taken)
        waiting = count(taken)
        expected = self._answered + waiting
        if not taken and not self.is_over:
            self._add(taken, self._items.get())
            self._drain(taken)
            waiting = count(taken)
        if 0 < waiting < expected:
            self._wait(taken, expected)
        return taken

    def note(self, taken: list[Item], commit_s: float) -> None:
        """The commit of what was taken took this long."""
        answered = count(taken)
        if answered:
            self._answered = answered
            self._commit_s += WEIGHT * (commit_s - self._commit_s)

    def _wait(self, taken: list[Item], expected: int) -> None:
        now = monotonic()
        until = now + min(LONGEST_S, self._commit_s / 2)
        while now < until and count(taken) < expected and len(taken) < self._most and not self.is_over:
            try:
                self._add(taken, self._items.get(timeout=until - now))
            except queue.Empty:
                return
            self._drain(taken)
            now = monotonic()

    def _drain(self, taken: list[Item]) -> None:
        while len(taken) < self._most and not self.is_over and not self._items.empty():
            self._add(taken, self._items.get())

    def _add(self, taken: list[Item], item: Item | None) -> None:
        if item is None:
            self.is_over = True
        else:
            taken.append(item)


def count(items: list[Item]) -> int:
    """How many of them wait for the disk."""
    return sum(not item.is_soon for item in items)
