"""What a drive should do with a small state, and whether some serial order explains what two clients saw."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

PATHS = ("a", "b", "d/a", "d/b", "e/a", "d", "e")
State = tuple[frozenset[tuple[str, str]], frozenset[tuple[str, int]]]
"""Content by path ("/" for folders), and which client holds a lock on a path."""
EMPTY: State = (frozenset(), frozenset())


@dataclass(frozen=True)
class Step:
    """One request of a client, when it began and ended, and what came back: status, and content of a GET."""

    client: int
    method: str
    path: str
    goal: str = ""
    content: str = ""
    began: float = field(default=0.0, compare=False)
    ended: float = field(default=0.0, compare=False)
    status: int = 0
    got: str = ""


def above(path: str) -> str:
    """The folder of a path."""
    return path.rpartition("/")[0]


def is_below(path: str, folder: str) -> bool:
    """Whether a path is a folder itself or in it."""
    return path == folder or path.startswith(folder + "/")


def apply(state: State, step: Step) -> tuple[int, str, State]:
    """Status, content and the state after it, as they should be."""
    tree, locks = dict(state[0]), dict(state[1])
    status, got = {
        "GET": _get,
        "PUT": _put,
        "MKCOL": _mkcol,
        "DELETE": _delete,
        "MOVE": _move,
        "LOCK": _lock,
        "UNLOCK": _unlock,
    }[step.method](tree, locks, step)
    return status, got, (frozenset(tree.items()), frozenset(locks.items()))


def _held(locks: dict[str, int], path: str, client: int) -> bool:
    return any(is_below(one, path) and holder != client for one, holder in locks.items())


def _get(tree: dict[str, str], _locks: dict[str, int], step: Step) -> tuple[int, str]:
    found = tree.get(step.path)
    return (404, "") if found is None else (200, "" if found == "/" else found)


def _has_folder(tree: dict[str, str], path: str) -> bool:
    return not above(path) or tree.get(above(path)) == "/"


def _put(tree: dict[str, str], locks: dict[str, int], step: Step) -> tuple[int, str]:
    old = tree.get(step.path)
    if old == "/":
        return 405, ""
    if old is None and not _has_folder(tree, step.path):
        return 409, ""
    if locks.get(step.path, step.client) != step.client:
        return 423, ""
    tree[step.path] = step.content
    return (201 if old is None else 204), ""


def _mkcol(tree: dict[str, str], _locks: dict[str, int], step: Step) -> tuple[int, str]:
    if step.path in tree:
        return 405, ""
    if not _has_folder(tree, step.path):
        return 409, ""
    tree[step.path] = "/"
    return 201, ""


def _drop(tree: dict[str, str], locks: dict[str, int], path: str) -> None:
    for table in (tree, locks):
        for one in [one for one in table if is_below(one, path)]:
            del table[one]


def _delete(tree: dict[str, str], locks: dict[str, int], step: Step) -> tuple[int, str]:
    if step.path not in tree:
        return 404, ""
    if _held(locks, step.path, step.client):
        return 423, ""
    _drop(tree, locks, step.path)
    return 204, ""


def _move(tree: dict[str, str], locks: dict[str, int], step: Step) -> tuple[int, str]:
    path, goal = step.path, step.goal
    if path not in tree:
        return 404, ""
    if path == goal:
        return 403, ""
    if is_below(goal, path) or (is_below(path, goal) and goal in tree) or not _has_folder(tree, goal):
        return 409, ""
    if _held(locks, goal, step.client) or _held(locks, path, step.client):
        return 423, ""
    old, stays = tree.get(goal), locks.get(goal)
    moved = {goal + one.removeprefix(path): content for one, content in tree.items() if is_below(one, path)}
    _drop(tree, locks, goal)
    _drop(tree, locks, path)
    tree.update(moved)
    if stays is not None:
        locks[goal] = stays
    return (201 if old is None else 204), ""


def _lock(tree: dict[str, str], locks: dict[str, int], step: Step) -> tuple[int, str]:
    old = tree.get(step.path)
    if old is None and not _has_folder(tree, step.path):
        return 409, ""
    if step.path in locks:
        return 423, ""
    locks[step.path] = step.client
    if old is None:
        tree[step.path] = ""
    return (201 if old is None else 200), ""


def _unlock(_tree: dict[str, str], locks: dict[str, int], step: Step) -> tuple[int, str]:
    if locks.get(step.path) != step.client:
        return 409, ""
    del locks[step.path]
    return 204, ""


def is_explained(one: list[Step], two: list[Step], start: State, end: State) -> bool:
    """Whether a serial order of both clients' steps, in which each saw what it saw, leads from `start` to `end`.

    A step that ended before another began comes before it.
    """

    @cache
    def search(i: int, j: int, state: State) -> bool:
        if i == len(one) and j == len(two):
            return state == end
        for a, b, mine, others, k in ((i + 1, j, one, two, (i, j)), (i, j + 1, two, one, (j, i))):
            if k[0] == len(mine):
                continue
            step = mine[k[0]]
            if k[1] < len(others) and others[k[1]].ended < step.began:
                continue
            status, got, after = apply(state, step)
            if (status, got) == (step.status, step.got) and search(a, b, after):
                return True
        return False

    return search(0, 0, start)
