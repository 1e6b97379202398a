"""Who shares a commit, by the writer's end of its queue."""

from __future__ import annotations

import queue
import threading
from time import perf_counter

from fazt.core.db.gathering import LONGEST_S, Gathering

SLOW_S = 60.0
"""A commit that takes so long that any wait is the longest."""


class Write:
    """A write in the queue."""

    def __init__(self, *, is_soon: bool = False) -> None:
        self.is_soon = is_soon


Items = queue.SimpleQueue[Write | None]


def make(most: int = 256) -> tuple[Items, Gathering[Write]]:
    items: Items = queue.SimpleQueue()
    return items, Gathering(items, most)


def put(items: Items, count: int) -> list[Write]:
    made = [Write() for _ in range(count)]
    for one in made:
        items.put(one)
    return made


def test_all_that_waits_is_taken_up_to_the_most() -> None:
    items, gathering = make(most=3)
    made = put(items, 5)
    assert gathering.take() == made[:3]
    assert gathering.take() == made[3:]


def test_who_writes_alone_never_waits() -> None:
    items, gathering = make()
    for _ in range(100):
        made = put(items, 1)
        started = perf_counter()
        taken = gathering.take()
        took = perf_counter() - started
        assert taken == made
        gathering.note(taken, SLOW_S)
        if took < LONGEST_S / 2:  # on a busy machine one may be held up; a wait would hold up all
            return
    raise AssertionError("each of a hundred waited")


class Late(Items):
    """A queue to which `others` come while it is waited at."""

    def __init__(self) -> None:
        super().__init__()
        self.others = [Write() for _ in range(3)]

    def get(self, block: bool = True, timeout: float | None = None) -> Write | None:
        """See SimpleQueue."""
        return self.others.pop() if timeout is not None and self.others else super().get(block, timeout)


def test_who_was_answered_is_waited_for() -> None:
    items = Late()
    gathering = Gathering(items, 256)
    gathering.note([Write() for _ in range(3)], SLOW_S)
    put(items, 1)
    assert len(gathering.take()) == 4
    assert not items.others


def test_a_wait_ends_though_nobody_comes_and_is_not_made_again() -> None:
    items, gathering = make()
    gathering.note([Write(), Write()], SLOW_S)
    first = put(items, 1)
    assert gathering.take() == first
    gathering.note(first, SLOW_S)
    threading.Timer(0.01, put, (items, 1)).start()
    second = gathering.take()  # nobody waits for the one who did not come
    assert len(second) == 1


def test_what_need_not_be_on_disk_is_never_waited_with() -> None:
    items, gathering = make()
    gathering.note([Write() for _ in range(8)], SLOW_S)
    soon = Write(is_soon=True)
    items.put(soon)
    started = perf_counter()
    assert gathering.take() == [soon]
    assert perf_counter() - started < 1.0


def test_the_end_is_seen_after_what_came_before_it_and_while_waiting() -> None:
    items, gathering = make()
    made = put(items, 2)
    items.put(None)
    assert gathering.take() == made
    assert gathering.is_over
    items, gathering = make()
    gathering.note([Write() for _ in range(8)], SLOW_S)
    made = put(items, 1)
    items.put(None)
    assert gathering.take() == made
    assert gathering.is_over
    assert gathering.take() == []
