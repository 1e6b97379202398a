"""Quotas: what is here and what is on its way, of one sender and of all."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from fazt.apps.drops.model import Policy, Uploader
from fazt.apps.drops.schema import FILLING, drop, upload
from fazt.core.errors import OverQuota, TooMany

MOST_OF_A_VISITOR = 500

d, u = drop.c, upload.c


def held_bytes(conn: Connection, uploader: Uploader | None = None) -> int:
    """Bytes of drops, and those that uploads under way have announced; of one sender, or of all."""
    drops = select(func.coalesce(func.sum(d.size), 0))
    uploads = select(func.coalesce(func.sum(u.reserved), 0))
    if uploader is not None and uploader.user_id:
        drops, uploads = drops.where(d.user_id == uploader.user_id), uploads.where(u.user_id == uploader.user_id)
    elif uploader is not None:
        drops, uploads = drops.where(d.visitor == uploader.visitor), uploads.where(u.visitor == uploader.visitor)
    return int(conn.scalar(drops) or 0) + int(conn.scalar(uploads) or 0)


def check_room(conn: Connection, uploader: Uploader, policy: Policy, added: int) -> None:
    """Before `added` bytes come: raises OverQuota where they are too many for the sender, or for all."""
    if added > find_room(conn, uploader, policy):
        raise OverQuota(
            "There is no room for this now.", hint="Delete drops that are not needed, or wait for them to end."
        )


def check_pace(conn: Connection, uploader: Uploader) -> None:
    """Raises TooMany where a stranger or guest has very many drops and uploads: rows without bytes cost, too."""
    if not uploader.visitor:
        return
    drops = conn.scalar(select(func.count()).where(d.visitor == uploader.visitor)) or 0
    uploads = conn.scalar(select(func.count()).where(u.visitor == uploader.visitor, u.state == FILLING)) or 0
    if drops + uploads >= MOST_OF_A_VISITOR:
        raise TooMany("There are too many drops from your network.", hint="Try again later.", retry_after=600)


def find_room(conn: Connection, uploader: Uploader, policy: Policy) -> int:
    """How many bytes this sender may still send."""
    own = policy.own_bytes - held_bytes(conn, uploader)
    return max(0, min(own, policy.all_bytes - held_bytes(conn)))
