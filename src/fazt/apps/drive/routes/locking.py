"""LOCK and UNLOCK."""

from __future__ import annotations

from sqlalchemy import Connection

from fazt.apps.drive import store
from fazt.apps.drive.model.locks import Lock, Terms
from fazt.apps.drive.model.nodes import Spot
from fazt.apps.drive.routes.asking import XML_TYPE, Ask, Reply
from fazt.apps.drive.wire.headers import parse_depth, parse_lock_token, parse_timeout
from fazt.apps.drive.wire.multistatus import Scene, render_locks
from fazt.apps.drive.wire.paths import to_href
from fazt.apps.drive.wire.xml import parse_lockinfo
from fazt.core.errors import Invalid


def take_lock(
    conn: Connection, spot: Spot, wanted: store.Wanted, terms: Terms
) -> tuple[list[Lock], dict[str, str], bool]:
    """The lock, those beside it, and where each has its root."""
    locks, is_new = store.lock_node(conn, spot, wanted, terms)
    return locks, find_roots(conn, locks), is_new


def renew_lock(conn: Connection, spot: Spot, timeout_s: int, terms: Terms) -> tuple[list[Lock], dict[str, str]]:
    """The locks that were submitted, refreshed, and where each has its root."""
    locks = store.refresh_lock(conn, spot, timeout_s, terms)
    return locks, find_roots(conn, locks)


def find_roots(conn: Connection, locks: list[Lock]) -> dict[str, str]:
    """The addresses of locks' roots within their space."""
    return {
        lock.token: to_href(store.path_of(conn, lock.node_id), is_folder=store.is_folder(conn, lock.node_id))
        for lock in locks
    }


async def lock(ask: Ask) -> Reply:
    """LOCK: take one, or with no body refresh what the If header names."""
    ask.check_xml()
    body = await ask.body()
    spot, terms = ask.spot, await ask.terms()
    timeout_s = parse_timeout(ask.text(b"timeout"))
    if not body.strip():
        if not terms.demands:
            raise Invalid("A LOCK without a body refreshes the lock that its If header names.")
        locks, roots = await ask.core.db.write(renew_lock, spot, timeout_s, terms)
        return Reply(200, [XML_TYPE], show(ask, locks, roots, terms))
    info = parse_lockinfo(body)
    depth = parse_depth(ask.text(b"depth"), "infinity")
    if depth == "1":
        raise Invalid("LOCK has Depth 0 or infinity.")
    wanted = store.Wanted(info.is_shared, depth == "infinity", info.owner_xml, timeout_s)
    locks, roots, is_new = await ask.core.db.write(take_lock, spot, wanted, terms)
    headers = [XML_TYPE, (b"lock-token", f"<{locks[0].token}>".encode())]
    return Reply(201 if is_new else 200, headers, show(ask, locks, roots, terms), changed=(spot,) if is_new else ())


def show(ask: Ask, locks: list[Lock], roots: dict[str, str], terms: Terms) -> bytes:
    """The locks, the one that is meant first: Finder and LibreOffice read no further."""
    base = ask.core.settings.get("drive.public_path") + to_href(ask.place.base, is_folder=False)
    hrefs = {token: base + root for token, root in roots.items()}
    return render_locks(locks, Scene(now=terms.now, hrefs=hrefs)).encode()


async def unlock(ask: Ask) -> Reply:
    """UNLOCK: the whole lock ends, also when a member of it is named."""
    token = parse_lock_token(ask.text(b"lock-token"))
    spot, terms = ask.spot, await ask.terms()
    await ask.core.db.write(store.delete_lock, spot, token, terms)
    return Reply(204)
