"""How it stands with each host name."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import Connection, delete, select, update

from fazt.core.db import insert, wake
from fazt.core.events import Event, emit
from fazt.core.tls.model import HostState
from fazt.core.tls.schema import authority, host
from fazt.core.tls.store.certificates import SIGNAL

h = host.c


def list_hosts(conn: Connection) -> dict[str, HostState]:
    """All host names that anything is known of."""
    return {row.host: HostState(**row._mapping) for row in conn.execute(select(host).order_by(h.host))}


def put_host(conn: Connection, state: HostState) -> None:
    """Keep a state."""
    row = {name: getattr(state, name) for name in ("failures", "next_at", "error", "hint", "first_at", "changed_at")}
    new = insert(conn, host).values(host=state.host, **row)
    conn.execute(new.on_conflict_do_update(index_elements=[h.host], set_=row))
    wake(conn, SIGNAL)


def find_host(conn: Connection, name: str) -> HostState:
    """What is known of a name; a fresh state where that is nothing."""
    row = conn.execute(select(host).where(h.host == name)).first()
    return HostState(name) if row is None else HostState(**row._mapping)


def note_success(conn: Connection, names: Iterable[str], *, now: int) -> None:
    """These have a certificate now."""
    for name in names:
        first_at = find_host(conn, name).first_at
        put_host(conn, HostState(name, first_at=now if first_at is None else first_at, changed_at=now))


def note_failure(conn: Connection, name: str, error: str, hint: str, *, next_at: int, now: int) -> None:
    """This one could not get a certificate, for this reason; it is tried again at `next_at` (ms)."""
    before = find_host(conn, name)
    if not before.failures or before.error != error:
        emit(conn, Event("tls.failed", {"host": name, "error": error, "hint": hint}, key=name), now=now)
    put_host(conn, HostState(name, before.failures + 1, next_at, error, hint, before.first_at, now))


def note_waiting(conn: Connection, names: Iterable[str], reason: str, hint: str, *, next_at: int, now: int) -> None:
    """These wait until `next_at` (ms) for a reason that is not theirs."""
    for name in names:
        before = find_host(conn, name)
        put_host(conn, HostState(name, before.failures, next_at, reason, hint, before.first_at, now))


def try_again(conn: Connection, names: Collection[str] | None = None) -> int:
    """Let names that wait (all without `names`) be tried at once; how many. Authorities that were away, too."""
    conn.execute(update(authority).values(next_at=0))
    wanted = update(host).where(h.next_at > 0).values(next_at=0)
    if names is not None:
        wanted = wanted.where(h.host.in_(names))
    wake(conn, SIGNAL)
    return conn.execute(wanted).rowcount


def forget_hosts(conn: Connection, wanted: Collection[str]) -> None:
    """Forget what is known of names that are no longer this cloud's."""
    gone = [name for name in list_hosts(conn) if name not in wanted]
    if gone:
        conn.execute(delete(host).where(h.host.in_(gone)))
        wake(conn, SIGNAL)
