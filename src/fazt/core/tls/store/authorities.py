"""Authorities, our accounts there, what counts against their limits; and our own root."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection, delete, select, update
from sqlalchemy import insert as plain_insert

from fazt.core.db import insert, wake
from fazt.core.tls.schema import attempt, authority, root
from fazt.core.tls.store.certificates import SIGNAL

a = authority.c


class Authority(msgspec.Struct, frozen=True):
    """A certificate authority by its directory's address, and our account there."""

    directory: str
    account_key_pem: str = ""
    account_uri: str = ""
    email: str = ""
    failures: int = 0
    next_at: int = 0
    error: str = ""

    def __repr__(self) -> str:
        return f"Authority({self.directory})"


def find_authority(conn: Connection, directory: str) -> Authority:
    """What is known of it; a fresh one where that is nothing."""
    row = conn.execute(select(authority).where(a.directory == directory)).first()
    return Authority(directory) if row is None else Authority(**row._mapping)


def list_authorities(conn: Connection) -> dict[str, Authority]:
    """All that were ever asked."""
    return {row.directory: Authority(**row._mapping) for row in conn.execute(select(authority))}


def put_account(conn: Connection, directory: str, *, key_pem: str, uri: str, email: str) -> None:
    """Keep our account."""
    values = {"account_key_pem": key_pem, "account_uri": uri, "email": email}
    new = insert(conn, authority).values(directory=directory, failures=0, next_at=0, error="", **values)
    conn.execute(new.on_conflict_do_update(index_elements=[a.directory], set_=values))


def note_authority_failure(conn: Connection, directory: str, error: str, *, next_at: int) -> None:
    """It cannot issue now; it is left alone until `next_at` (ms)."""
    values = {"failures": find_authority(conn, directory).failures + 1, "next_at": next_at, "error": error}
    new = insert(conn, authority).values(directory=directory, account_key_pem="", account_uri="", email="", **values)
    conn.execute(new.on_conflict_do_update(index_elements=[a.directory], set_=values))
    wake(conn, SIGNAL)


def note_authority_success(conn: Connection, directory: str) -> None:
    """It works (again)."""
    well = {"failures": 0, "next_at": 0, "error": ""}
    conn.execute(update(authority).where(a.directory == directory, a.failures > 0).values(well))
    wake(conn, SIGNAL)


def note_attempts(conn: Connection, directory: str, counted: Iterable[tuple[str, str]], *, now: int) -> None:
    """Count (kind, subject) pairs against the limits of an authority."""
    rows = [{"at": now, "directory": directory, "kind": kind, "subject": subject} for kind, subject in counted]
    if rows:
        conn.execute(plain_insert(attempt), rows)


def list_attempts(conn: Connection, directory: str, kind: str, subject: str, *, since: int) -> list[int]:
    """When such a pair was counted since then, oldest first (ms)."""
    t = attempt.c
    wanted = select(t.at).where(t.directory == directory, t.kind == kind, t.subject == subject, t.at > since)
    return list(conn.scalars(wanted.order_by(t.at)))


def prune_attempts(conn: Connection, before: int) -> None:
    """Forget what counts no longer."""
    conn.execute(delete(attempt).where(attempt.c.at < before))


def find_root(conn: Connection) -> tuple[str, str] | None:
    """The local authority's certificate and key, as PEM."""
    row = conn.execute(select(root.c.chain_pem, root.c.key_pem).order_by(root.c.id.desc()).limit(1)).first()
    return None if row is None else (row.chain_pem, row.key_pem)


def add_root(conn: Connection, chain_pem: str, key_pem: str, *, now: int) -> None:
    """Keep a new local authority, which counts from now on."""
    conn.execute(plain_insert(root).values(chain_pem=chain_pem, key_pem=key_pem, created_at=now))
    wake(conn, SIGNAL)
