"""The tree of notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MAX_DEPTH = 50


@dataclass(frozen=True, slots=True)
class Notebook:
    """A notebook at its place: `depth` 0 is the top, `path` the titles down to it."""

    id: str
    title: str
    depth: int
    path: tuple[str, ...]
    parent_id: str
    share_id: str
    count: int


def build_tree(rows: Iterable[Any], counts: Mapping[str, int]) -> list[Notebook]:
    """Notebooks in the order of a list with indents; one whose parent is missing, or in a ring, stands at the top."""
    known = {row.item_id: row for row in rows if not row.deleted_at}
    children: dict[str, list[Any]] = {}
    for row in known.values():
        children.setdefault(row.parent_id if row.parent_id in known else "", []).append(row)
    tree: list[Notebook] = []
    placed: set[str] = set()

    def place(row: Any, depth: int, path: tuple[str, ...]) -> None:
        if row.item_id in placed:
            return
        placed.add(row.item_id)
        path = (*path, row.title or "Untitled")
        count = counts.get(row.item_id, 0)
        tree.append(Notebook(row.item_id, path[-1], depth, path, row.parent_id, row.share_id, count))
        for child in children.get(row.item_id, ()) if depth < MAX_DEPTH else ():
            place(child, depth + 1, path)

    for row in [*children.get("", ()), *known.values()]:
        place(row, 0, ())
    return tree


def ids_below(tree: Iterable[Notebook], id: str) -> list[str]:
    """A notebook and all below it."""
    found: list[str] = []
    depth = -1
    for one in tree:
        if one.id == id:
            depth = one.depth
        elif depth >= 0 and one.depth <= depth:
            break
        if depth >= 0:
            found.append(one.id)
    return found
