"""Rules and SQL of locks, and of the conditions of requests."""

from __future__ import annotations

from uuid import uuid4

import msgspec
from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from fazt.apps.drive.model.locks import (
    MAX_LOCKS,
    NO_LOCK,
    Condition,
    Demand,
    Lock,
    Terms,
    may_pass,
)
from fazt.apps.drive.model.nodes import Node, Spot, Trail
from fazt.apps.drive.schema import lock
from fazt.apps.drive.store.spaces import get_usage, signal
from fazt.apps.drive.store.tree import climb, path_of, walk
from fazt.core.clock import SECOND
from fazt.core.db import wake
from fazt.core.errors import Conflict, Locked, PreconditionFailed, TooMany

k = lock.c
SYNC_SCHEME = "urn:fazt:sync:"
_LOCKS = (
    select(lock)
    .where(k.space_id == bindparam("of"), k.expires_at > bindparam("now"))
    .order_by(k.created_at.desc(), k.token)
)


def list_locks(conn: Connection, space_id: int, now: int) -> list[Lock]:
    """All live locks of a space, the newest first."""
    return [Lock(*row) for row in conn.execute(_LOCKS, {"of": space_id, "now": now})]


def list_locks_at(conn: Connection, trail: Trail, now: int) -> list[Lock]:
    """All live locks of the space that a trail is in; without asking, where it is known that there are none."""
    return list_locks(conn, trail.nodes[0].space_id, now) if trail.may_have_locks else []


def list_lock_roots(conn: Connection, space_id: int, now: int) -> list[tuple[Lock, tuple[str, ...]]]:
    """All live locks of a space, each with the path of its root."""
    return [(found, path_of(conn, found.node_id)) for found in list_locks(conn, space_id, now)]


def locked(conn: Connection, found: Lock, condition: str = "lock-token-submitted") -> Locked:
    """The error for what `found` stands in the way of; `details` say where its root is."""
    path = path_of(conn, found.node_id)
    return Locked("Somebody else is working on this.", condition=condition, space_id=found.space_id, path=list(path))


def check_locks(conn: Connection, locks: list[Lock], ids: tuple[int, ...], terms: Terms) -> None:
    """Raises Locked unless a token of each lock over the end of the trail `ids` was submitted."""
    if locks:
        found = may_pass([one for one in locks if one.covers(ids)], terms.tokens, terms.user_id)
        if found is not None:
            raise locked(conn, found)


def list_inside(conn: Connection, locks: list[Lock], node_id: int) -> list[Lock]:
    """The locks on nodes below a node."""
    return [one for one in locks if any(step.id == node_id for step in climb(conn, one.node_id)[1:])]


def check_inside(conn: Connection, locks: list[Lock], node_id: int, terms: Terms) -> list[Lock]:
    """The locks below a node, for all of which a token must have been submitted. Raises Locked."""
    inside = list_inside(conn, locks, node_id) if locks else []
    for target in {one.node_id for one in inside}:
        found = may_pass([one for one in inside if one.node_id == target], terms.tokens, terms.user_id)
        if found is not None:
            raise locked(conn, found)
    return inside


# --- the conditions of a request


def check_terms(conn: Connection, trail: Trail, spot: Spot, locks: list[Lock], terms: Terms) -> None:
    """Raises PreconditionFailed where If-Match and its kin, or the If header, do not hold."""
    found = trail.node
    if not terms.is_met(found.etag if found else None, found.modified_at if found else None):
        raise PreconditionFailed("This changed since you looked.", hint="Load it again.")
    if terms.demands and not any(_holds(conn, one, trail, spot, locks, terms.now) for one in terms.demands):
        raise PreconditionFailed("The condition of the If header does not hold.")


def _holds(conn: Connection, demand: Demand, trail: Trail, spot: Spot, locks: list[Lock], now: int) -> bool:
    if demand.spot is None:
        return all(one.is_not for one in demand.conditions)
    if demand.spot != spot:
        same = demand.spot.space.id == spot.space.id
        locks = locks if same else list_locks(conn, demand.spot.space.id, now)
        trail = walk(conn, demand.spot)
    return all(_is_true(conn, one, trail, locks) != one.is_not for one in demand.conditions)


def _is_true(conn: Connection, condition: Condition, trail: Trail, locks: list[Lock]) -> bool:
    found = trail.node
    if condition.etag:
        return found is not None and found.etag == condition.etag
    if condition.token == NO_LOCK:
        return False
    if condition.token.startswith(SYNC_SCHEME):
        return found is not None and condition.token == sync_token(found, get_usage(conn, found.space_id, 0).seq)
    mine = [one for one in locks if one.token == condition.token]
    if found is None:  # nothing is there yet; an infinity lock above covers it already
        return any(one.is_deep and one.node_id in trail.ids for one in mine)
    return any(one.covers(trail.ids) for one in mine)


def sync_token(found: Node, seq: int) -> str:
    """The name of the state of a folder after the change `seq` of its space."""
    return f"{SYNC_SCHEME}{found.space_id}:{found.id}:{seq}"


# --- taking, refreshing and giving back


class Wanted(msgspec.Struct, frozen=True):
    """The lock that is asked for."""

    is_shared: bool
    is_deep: bool
    owner_xml: str
    timeout_s: int


def add_lock(conn: Connection, trail: Trail, locks: list[Lock], wanted: Wanted, terms: Terms) -> Lock:
    """A lock on what is at the end of the trail. Raises Locked where another is in the way, TooMany."""
    found = trail.nodes[-1]
    over = [one for one in locks if one.covers(trail.ids)]
    over += list_inside(conn, locks, found.id) if wanted.is_deep else []
    for one in over:
        if not (one.is_shared and wanted.is_shared):
            raise locked(conn, one, "no-conflicting-lock")
    held = conn.scalar(
        select(func.count()).select_from(lock).where(k.user_id == terms.user_id, k.expires_at > terms.now)
    )
    if (held or 0) >= MAX_LOCKS:
        raise TooMany(f"You hold {MAX_LOCKS} locks already.", retry_after=60)
    taken = Lock(
        f"urn:uuid:{uuid4()}",
        found.space_id,
        found.id,
        terms.user_id,
        wanted.is_shared,
        wanted.is_deep,
        wanted.owner_xml,
        terms.now,
        terms.now + wanted.timeout_s * SECOND,
    )
    conn.execute(insert(lock).values(dict(zip(Lock.__struct_fields__, msgspec.structs.astuple(taken), strict=True))))
    wake(conn, signal(found.space_id))
    return taken


def refresh_lock(conn: Connection, spot: Spot, timeout_s: int, terms: Terms) -> list[Lock]:
    """Let the locks that were submitted live on; all locks over this place, those first. Raises PreconditionFailed."""
    trail = walk(conn, spot)
    locks = list_locks(conn, spot.space.id, terms.now)
    check_terms(conn, trail, spot, locks, terms)
    over = [one for one in locks if one.covers(trail.ids)] if trail.node else []
    mine = [one for one in over if one.token in terms.tokens and one.user_id == terms.user_id]
    if not mine:
        raise PreconditionFailed("There is no such lock here.", condition="lock-token-matches-request-uri")
    until = terms.now + timeout_s * SECOND
    tokens = [one.token for one in mine]
    conn.execute(update(lock).where(k.token.in_(tokens)).values(expires_at=until))
    wake(conn, signal(spot.space.id))
    refreshed = [msgspec.structs.replace(one, expires_at=until) for one in mine]
    return refreshed + [one for one in over if one.token not in tokens]


def delete_lock(conn: Connection, spot: Spot, token: str, terms: Terms) -> None:
    """Give a lock back. Raises Conflict where it is none over this place, Locked where it is another person's."""
    trail = walk(conn, spot)
    locks = list_locks(conn, spot.space.id, terms.now)
    found = next((one for one in locks if one.token == token and one.covers(trail.ids)), None)
    if found is None or trail.node is None:
        raise Conflict("There is no such lock here.", condition="lock-token-matches-request-uri")
    if terms.user_id not in {found.user_id, spot.space.owner}:
        raise locked(conn, found)
    conn.execute(delete(lock).where(k.token == token))
    wake(conn, signal(spot.space.id))


def drop_locks(conn: Connection, locks: list[Lock]) -> None:
    """Forget locks whose place is gone."""
    if locks:
        conn.execute(delete(lock).where(k.token.in_([one.token for one in locks])))


def hand_over(conn: Connection, locks: list[Lock], old_id: int, new_id: int) -> None:
    """A lock at a place stays when other content is put there (7.6)."""
    if any(one.node_id == old_id for one in locks):
        conn.execute(update(lock).where(k.node_id == old_id).values(node_id=new_id))


def sweep_locks(conn: Connection, now: int) -> int:
    """Forget what has expired; how many."""
    return conn.execute(delete(lock).where(k.expires_at <= now)).rowcount
