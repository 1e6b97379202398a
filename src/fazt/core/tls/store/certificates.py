"""Certificates that were issued or brought."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update

from fazt.core.db import wake
from fazt.core.errors import NotFound
from fazt.core.events import Event, emit
from fazt.core.tls.model import Certificate
from fazt.core.tls.schema import certificate

c = certificate.c
SIGNAL = "tls"


def list_certificates(conn: Connection) -> list[Certificate]:
    """All there are, oldest first."""
    return [to_certificate(row) for row in conn.execute(select(certificate).order_by(c.id))]


def get_certificate(conn: Connection, certificate_id: int) -> Certificate:
    """Raises NotFound."""
    row = conn.execute(select(certificate).where(c.id == certificate_id)).first()
    if row is None:
        raise NotFound("There is no such certificate.")
    return to_certificate(row)


def add_certificate(conn: Connection, new: Certificate, *, now: int) -> int:
    """Keep a certificate and tell of it; its id. One that is there already is left as it is."""
    found: int | None = conn.scalar(select(c.id).where(c.fingerprint == new.fingerprint))
    if found is not None:
        return found
    row: dict[str, Any] = {
        name: value for name, value in msgspec.structs.asdict(new).items() if name not in {"id", "names", "created_at"}
    }
    row |= {"names": msgspec.json.encode(new.names).decode(), "created_at": now}
    certificate_id: int = conn.execute(insert(certificate).returning(c.id), row).scalar_one()
    data = {"names": list(new.names), "issuer": new.issuer, "expires_at": new.not_after}
    emit(conn, Event("tls.issued", data, key=new.names[0] if new.names else ""), now=now)
    wake(conn, SIGNAL)
    return certificate_id


def put_renewal(conn: Connection, certificate_id: int, *, renew_at: int, next_ari_at: int) -> None:
    """When to renew it, and when to ask the authority again whether that is still right (ms)."""
    values = {"renew_at": renew_at, "next_ari_at": next_ari_at}
    conn.execute(update(certificate).where(c.id == certificate_id).values(values))
    wake(conn, SIGNAL)


def delete_certificate(conn: Connection, certificate_id: int) -> None:
    """Raises NotFound."""
    get_certificate(conn, certificate_id)
    delete_certificates(conn, [certificate_id])


def delete_certificates(conn: Connection, certificate_ids: Collection[int]) -> None:
    """Forget certificates and their keys."""
    if certificate_ids:
        conn.execute(delete(certificate).where(c.id.in_(certificate_ids)))
        wake(conn, SIGNAL)


def to_certificate(row: Row[Any]) -> Certificate:
    """A row as it is known outside."""
    fields = dict(row._mapping)
    fields["names"] = tuple(msgspec.json.decode(row.names))
    return Certificate(**fields)
