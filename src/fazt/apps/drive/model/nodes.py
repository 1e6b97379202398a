"""Spaces, and the files and folders in them."""

from __future__ import annotations

from typing import Literal

import msgspec

SpaceKind = Literal["home", "shared", "site"]
EMPTY_HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
UNLIMITED = 0


class Space(msgspec.Struct, frozen=True):
    """A tree of its own: somebody's home, a folder that several share, or the files of a hosted site.

    `name` is the owner's id for a home. `may_write` is what the one who asked for it may do.
    """

    id: int
    kind: SpaceKind
    name: str
    owner: str
    root_id: int
    may_write: bool = True


class Usage(msgspec.Struct, frozen=True):
    """Bytes in the tree, bytes in trash and versions, and how many there may be in the tree (0: no limit)."""

    used: int
    kept: int
    quota: int
    seq: int


class Node(msgspec.Struct, frozen=True, array_like=True):
    """A file or folder. `hash` is "" for a folder; a folder's `size` is that of all below it. Times are ms."""

    id: int
    space_id: int
    parent_id: int | None
    name: str
    is_folder: bool
    hash: str
    size: int
    modified_at: int
    created_at: int
    seq: int
    placed: int
    checksums: str

    @property
    def etag(self) -> str:
        """Strong and quoted: of a file's bytes, of the last change in a folder."""
        return f'"{self.id}-{self.seq}"' if self.is_folder else f'"{self.hash[:32]}"'


class Trail(msgspec.Struct, frozen=True):
    """Where a path leads: the nodes from the root on that are there, and the names that are not."""

    nodes: tuple[Node, ...]
    rest: tuple[str, ...]
    may_have_locks: bool = True
    """False where it is known that nothing in the space is locked."""

    @property
    def node(self) -> Node | None:
        """What the path names, if it is there."""
        return None if self.rest else self.nodes[-1]

    @property
    def parent(self) -> Node | None:
        """The folder that the path's last name is in or would be in, if it is there."""
        if not self.rest:
            return self.nodes[-2] if len(self.nodes) > 1 else None
        last = self.nodes[-1]
        return last if len(self.rest) == 1 and last.is_folder else None

    @property
    def ids(self) -> tuple[int, ...]:
        """The ids of the nodes that are there, the root's first."""
        return tuple(node.id for node in self.nodes)


class Spot(msgspec.Struct, frozen=True):
    """A path in a space, whether there is something or not."""

    space: Space
    segments: tuple[str, ...]


class Content(msgspec.Struct, frozen=True):
    """What a file is to hold: a blob that is here, or with `data` small bytes that are still to be written."""

    hash: str
    size: int
    data: bytes | None = None
    checksums: str = ""
    modified_at: int | None = None
    created_at: int | None = None


class Put(msgspec.Struct, frozen=True):
    """What came of a write: the node, and whether it is new."""

    node: Node
    is_new: bool


class Version(msgspec.Struct, frozen=True):
    """What a file held before."""

    id: int
    hash: str
    size: int
    modified_at: int
    saved_at: int
    saved_by: str


class Trashed(msgspec.Struct, frozen=True):
    """Something in the trash, and where it was."""

    id: int
    name: str
    is_folder: bool
    size: int
    path: str
    deleted_at: int
    deleted_by: str
