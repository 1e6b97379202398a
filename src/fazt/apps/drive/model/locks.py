"""Write locks (RFC 4918, sections 6 and 7) and the conditions of an If header (10.4)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

import msgspec

from fazt.apps.drive.model.nodes import Spot

MIN_TIMEOUT_S = 5
MAX_TIMEOUT_S = 3_600
MAX_LOCKS = 1_000
MAX_OWNER_CHARS = 2_000
NO_LOCK = "DAV:no-lock"


class Lock(msgspec.Struct, frozen=True, array_like=True):
    """A lock on a node: on all below it, where it `is_deep`. Times are ms."""

    token: str
    space_id: int
    node_id: int
    user_id: str
    is_shared: bool
    is_deep: bool
    owner_xml: str
    created_at: int
    expires_at: int

    def covers(self, ids: Sequence[int]) -> bool:
        """Whether the node at the end of the trail `ids` is in the scope of this lock."""
        return bool(ids) and (self.node_id == ids[-1] or (self.is_deep and self.node_id in ids))


class Condition(msgspec.Struct, frozen=True):
    """One state token or entity tag (the other is "") that must hold, or with `is_not` must not."""

    token: str = ""
    etag: str = ""
    is_not: bool = False


class IfList(msgspec.Struct, frozen=True):
    """Conditions that must all hold, of the resource that `tag` names ("": the one requested)."""

    tag: str
    conditions: tuple[Condition, ...]


class IfHeader(msgspec.Struct, frozen=True):
    """Lists of which one must hold."""

    lists: tuple[IfList, ...]

    @property
    def tokens(self) -> frozenset[str]:
        """Every token that is named anywhere counts as submitted (10.4.1)."""
        return frozenset(one.token for found in self.lists for one in found.conditions if one.token)


class Demand(msgspec.Struct, frozen=True):
    """An IfList whose tag is resolved: `spot` None is a place where nothing can be."""

    spot: Spot | None
    conditions: tuple[Condition, ...]


def always(_etag: str | None, _modified_at: int | None) -> bool:
    """No precondition."""
    return True


class Terms(msgspec.Struct, frozen=True):
    """Who asks, when, and on which conditions. `is_met` judges If-Match and its kin by etag and time of what is there.

    `demands` are those of the If header, of which one must hold (none: no such header). `quota` is the
    limit in bytes for spaces that have none of their own.
    """

    user_id: str
    now: int
    tokens: frozenset[str] = frozenset()
    demands: tuple[Demand, ...] = ()
    is_met: Callable[[str | None, int | None], bool] = always
    quota: int = 0
    versions: int = 20


def may_pass(locks: Iterable[Lock], tokens: Collection[str], user_id: str) -> Lock | None:
    """The lock that stands in the way, or None: of those that cover a resource, one must be submitted by its owner."""
    first: Lock | None = None
    for lock in locks:
        if lock.token in tokens and lock.user_id == user_id:
            return None
        first = first or lock
    return first


def clamp_timeout(wanted_s: int | None) -> int:
    """How many seconds a lock lives; None is as long as may be."""
    return MAX_TIMEOUT_S if wanted_s is None else max(MIN_TIMEOUT_S, min(wanted_s, MAX_TIMEOUT_S))
