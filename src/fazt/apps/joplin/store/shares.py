"""Shared notebooks and published notes: offering, joining, leaving, ending."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from fazt.apps.joplin.model.items import FOLDER, NOTE
from fazt.apps.joplin.model.names import ENDING, item_name
from fazt.apps.joplin.model.shares import (
    ACCEPTED,
    NOTEBOOK,
    PUBLISHED,
    REJECTED,
    WAITING,
    Member,
    Share,
    new_share_id,
)
from fazt.apps.joplin.model.uploads import Keeping, ReadOnly, Refused, refusal_of
from fazt.apps.joplin.schema import item, membership, share, view
from fazt.apps.joplin.store import words
from fazt.apps.joplin.store.items import erase, find_root_share, remove
from fazt.apps.joplin.store.seq import next_seq
from fazt.apps.joplin.store.views import find_seen, hide, put_view
from fazt.core.app import KeptLink
from fazt.core.auth import User
from fazt.core.auth import store as people
from fazt.core.errors import Forbidden, Invalid, NotFound
from fazt.core.ids import new_id
from fazt.core.jobs import enqueue

LEARN_JOB = "joplin.learn"

m = membership.c
MOST_LISTED = 1_000


class Seen(NamedTuple):
    """What a list says of a note."""

    item_id: str
    title: str
    is_encrypted: bool


_PUBLISHED = (
    select(share, item.c.title, item.c.is_encrypted)
    .outerjoin(
        view, (view.c.user_id == share.c.owner_id) & (view.c.name == share.c.item_id + ENDING) & view.c.is_visible
    )
    .outerjoin(item, item.c.id == view.c.item)
    .where(share.c.owner_id == bindparam("user_id"), share.c.type == PUBLISHED)
    .order_by(share.c.created_at.desc(), share.c.id)
)
_SHARE = select(share).where(share.c.id == bindparam("id"))
_MEMBER = select(membership).where(m.id == bindparam("id"))
_ITEMS = select(item.c.id, item.c.name, item.c.type, item.c.item_id).where(item.c.share_id == bindparam("share_id"))


def to_share(row: Any) -> Share:
    """A row as it is known outside."""
    return Share(**row._mapping)


def to_member(row: Any) -> Member:
    """A row as it is known outside."""
    return Member(**row._mapping)


def find_share(conn: Connection, id: str) -> Share | None:
    """The share with this id."""
    row = conn.execute(_SHARE, {"id": id}).first()
    return to_share(row) if row else None


def get_own_share(conn: Connection, user_id: str, id: str) -> Share:
    """A share that this person owns. Raises NotFound; Forbidden where it is somebody else's."""
    found = find_share(conn, id)
    if found is None:
        raise NotFound("There is no such share.")
    if found.owner_id != user_id:
        raise Forbidden("Only who shares a notebook may do this.", code="notOwner")
    return found


def share_notebook(conn: Connection, user_id: str, folder_id: str, master_key_id: str, now: int) -> Share:
    """Share a notebook, which its device then marks as shared; the same share where it is shared already.

    Raises NotFound where it was not synchronised yet, Forbidden for one inside another.
    """
    found = find_seen(conn, user_id, item_name(folder_id))
    if found is None or found.type != FOLDER:
        raise NotFound("This notebook is not on the server yet; synchronise first.")
    known = find_same(conn, user_id, NOTEBOOK, folder_id, is_recursive=False)
    if known is not None:
        return known
    if found.parent_id:
        raise Forbidden("Only a notebook at the top can be shared.", code="notRoot")
    if found.share_id:
        raise Forbidden("This notebook is shared with you by somebody else.", code="notOwner")
    return add(conn, user_id, NOTEBOOK, folder_id, now, master_key_id=master_key_id)


def publish(conn: Connection, user_id: str, note_id: str, now: int, *, is_recursive: bool) -> Share:
    """Give a note a link that everybody may read it by; the same one where it has one. Raises NotFound."""
    found = find_seen(conn, user_id, item_name(note_id))
    if found is None or found.type != NOTE:
        raise NotFound("This note is not on the server yet; synchronise first.")
    known = find_same(conn, user_id, PUBLISHED, note_id, is_recursive=is_recursive)
    return known or add(conn, user_id, PUBLISHED, note_id, now, is_recursive=is_recursive)


def find_same(conn: Connection, user_id: str, type_: int, item_id: str, *, is_recursive: bool) -> Share | None:
    """A share that is there already."""
    s = share.c
    mine = (s.owner_id == user_id) & (s.type == type_) & (s.item_id == item_id)
    for row in conn.execute(select(share).where(mine)):
        if row.is_recursive == is_recursive:
            return to_share(row)
    return None


def add(conn: Connection, user_id: str, type_: int, item_id: str, now: int, **more: Any) -> Share:
    """One more share."""
    facts: dict[str, Any] = {"master_key_id": "", "is_recursive": False, "expires_at": None, "views": 0} | more
    made = Share(
        id=new_share_id(), owner_id=user_id, type=type_, item_id=item_id, created_at=now, updated_at=now, **facts
    )
    conn.execute(insert(share), {name: getattr(made, name) for name in made.__struct_fields__})
    return made


def list_shares(conn: Connection, user_id: str) -> list[tuple[Share, User]]:
    """The shares of this person, and those that they accepted; each with its owner."""
    joined = select(m.share_id).where(m.user_id == user_id, m.status == ACCEPTED)
    mine = (share.c.owner_id == user_id) | share.c.id.in_(joined)
    found = [to_share(row) for row in conn.execute(select(share).where(mine).order_by(share.c.created_at, share.c.id))]
    return [(one, people.get_user(conn, one.owner_id)) for one in found]


def invite(
    conn: Connection, user_id: str, share_id: str, email: str, master_key: str, now: int, *, can_write: bool
) -> Member:
    """Offer a notebook to somebody of this cloud. Raises NotFound, Forbidden for oneself or a second time."""
    offered = get_own_share(conn, user_id, share_id)
    if offered.type != NOTEBOOK:
        raise Invalid("Only notebooks are shared with people; notes are published.")
    found = people.find_user(conn, email)
    if found is None:
        raise NotFound("Nobody on this cloud has this e-mail address.")
    if found.id == user_id:
        raise Forbidden("This is your own address.", code="ownAddress")
    if found.is_suspended:
        raise Forbidden("This person cannot take part at the moment.", code="suspended")
    taken = conn.execute(select(m.id).where(m.share_id == share_id, m.user_id == found.id)).first()
    if taken is not None:
        raise Forbidden("This person is invited already.", code="invited")
    made = Member(new_id(now), share_id, found.id, WAITING, master_key, True, can_write, now, now)
    conn.execute(insert(membership), {name: getattr(made, name) for name in made.__struct_fields__})
    return made


def list_members(conn: Connection, user_id: str, share_id: str) -> list[tuple[Member, User]]:
    """Whom a notebook was offered to; for who shares it."""
    get_own_share(conn, user_id, share_id)
    rows = conn.execute(select(membership).where(m.share_id == share_id).order_by(m.created_at, m.id))
    return [(to_member(row), people.get_user(conn, row.user_id)) for row in rows]


def list_invitations(conn: Connection, user_id: str) -> list[tuple[Member, Share, User]]:
    """What was offered to this person, whatever they answered."""
    rows = conn.execute(select(membership).where(m.user_id == user_id).order_by(m.created_at, m.id)).all()
    found = [(to_member(row), find_share(conn, row.share_id)) for row in rows]
    return [(one, of, people.get_user(conn, of.owner_id)) for one, of in found if of is not None]


def change_member(
    conn: Connection, user_id: str, id: str, now: int, *, status: int | None = None, can_write: bool | None = None
) -> Member:
    """The invited answer; who shares changes what they may. Raises NotFound, Forbidden, Invalid."""
    found, owner_id = get_member(conn, id)
    if user_id not in {found.user_id, owner_id}:
        raise NotFound("There is no such invitation.")
    if status is not None:
        answer(conn, user_id, found, status, now)
    if can_write is not None:
        if user_id != owner_id:
            raise Forbidden("Only who shares a notebook may do this.", code="notOwner")
        conn.execute(update(membership).where(m.id == id).values(can_write=can_write, updated_at=now))
    return get_member(conn, id)[0]


def answer(conn: Connection, user_id: str, found: Member, status: int, now: int) -> None:
    """Accept or reject."""
    if user_id != found.user_id:
        raise Forbidden("Only who is invited can answer.", code="notInvited")
    if status not in {WAITING, ACCEPTED, REJECTED} or status == found.status:
        raise Invalid("This invitation is answered like that already.")
    conn.execute(update(membership).where(m.id == found.id).values(status=status, updated_at=now))
    if status == ACCEPTED:
        grant(conn, found.share_id, user_id, now)
    elif found.status == ACCEPTED:
        revoke(conn, found.share_id, user_id, now)


def get_member(conn: Connection, id: str) -> tuple[Member, str]:
    """A membership, and who shares. Raises NotFound."""
    row = conn.execute(_MEMBER, {"id": id}).first()
    owner = find_share(conn, row.share_id) if row else None
    if row is None or owner is None:
        raise NotFound("There is no such invitation.")
    return to_member(row), owner.owner_id


def remove_member(conn: Connection, user_id: str, id: str, now: int) -> None:
    """By who shares, or by the member. Raises NotFound."""
    found, owner_id = get_member(conn, id)
    if user_id not in {found.user_id, owner_id}:
        raise NotFound("There is no such invitation.")
    drop_member(conn, found, now)


def drop_member(conn: Connection, found: Member, now: int) -> None:
    """End a membership: all of the notebook disappears there."""
    conn.execute(delete(membership).where(m.id == found.id))
    if found.status == ACCEPTED:
        revoke(conn, found.share_id, found.user_id, now)


def end_share(conn: Connection, user_id: str, id: str, now: int) -> None:
    """Stop sharing a notebook, or unpublish a note. Raises NotFound, Forbidden."""
    drop_share(conn, get_own_share(conn, user_id, id), now)


def drop_share(conn: Connection, found: Share, now: int) -> None:
    """End a share: its members lose all of it, its owner keeps it."""
    for row in conn.execute(select(membership).where(m.share_id == found.id)).all():
        drop_member(conn, to_member(row), now)
    seen = select(view.c.item).where(view.c.is_visible, view.c.item.is_not(None))
    for row in conn.execute(select(item).where(item.c.share_id == found.id, item.c.id.not_in(seen))).all():
        erase(conn, row, now)
    conn.execute(update(item).where(item.c.share_id == found.id).values(share_id="", owner_id=found.owner_id))
    conn.execute(delete(share).where(share.c.id == found.id))


def delete_item(conn: Connection, user_id: str, name: str, keeping: Keeping, now: int) -> bool:
    """As `items.remove`; of the notebook at the top of a share, a member leaves it, and who shares ends the share."""
    found = find_seen(conn, user_id, name)
    root = find_root_share(conn, user_id, found) if found is not None else None
    if root is not None and root.owner_id != user_id:
        mine = select(membership).where(m.share_id == root.id, m.user_id == user_id)
        row = conn.execute(mine).first()
        if row is not None:
            drop_member(conn, to_member(row), now)
        return True
    if root is not None:
        drop_share(conn, to_share(root), now)
    return remove(conn, user_id, name, keeping, now)


def grant(conn: Connection, share_id: str, user_id: str, now: int) -> None:
    """Let a member see all that is in the notebook, but for what they have under the same name."""
    rows = conn.execute(_ITEMS, {"share_id": share_id}).all()
    own = set(conn.scalars(select(view.c.name).where(view.c.user_id == user_id, view.c.is_visible)))
    seen = [row for row in rows if row.name not in own]
    seq = next_seq(conn, len(seen)) if seen else 0
    for number, row in enumerate(seen, seq):
        put_view(conn, user_id, row, number if row.type > 0 else None, now)
    if any(row.type == NOTE for row in seen):
        enqueue(conn, LEARN_JOB, {"share_id": share_id, "user_id": user_id}, now=now)


def revoke(conn: Connection, share_id: str, user_id: str, now: int) -> None:
    """Take all of the notebook away from somebody."""
    seen = select(item.c.id, item.c.name, item.c.type, item.c.item_id).join_from(view, item, item.c.id == view.c.item)
    for row in conn.execute(seen.where(view.c.user_id == user_id, item.c.share_id == share_id)).all():
        hide(conn, user_id, row.name, now, is_told=row.type > 0)
        if row.type == NOTE:
            words.forget(conn, user_id, row.item_id)


def list_published(
    conn: Connection, user_id: str, *, item_id: str = "", limit: int = MOST_LISTED
) -> list[tuple[Share, Seen | None]]:
    """The published notes of this person, newest first, each as it is now, or None where it is gone."""
    statement = _PUBLISHED.where(share.c.item_id == item_id) if item_id else _PUBLISHED
    rows = conn.execute(statement.limit(limit), {"user_id": user_id})
    return [
        (
            Share(**{name: getattr(row, name) for name in Share.__struct_fields__}),
            None if row.title is None else Seen(row.item_id, row.title, row.is_encrypted),
        )
        for row in rows
    ]


def list_kept_links(conn: Connection, user_id: str, now: int) -> list[KeptLink]:
    """The notes that this person's devices have published, for the page of all links."""
    return [
        KeptLink(
            row.title or ("An encrypted note" if row.is_encrypted else "An untitled note"),
            f"/joplin/shares/{one.id}",
            "/joplin/shared",
            one.created_at,
            one.expires_at,
            one.views,
        )
        for one, row in list_published(conn, user_id)
        if row is not None and (one.expires_at is None or one.expires_at > now)
    ]


def set_expiry(conn: Connection, user_id: str, id: str, expires_at: int | None, now: int) -> None:
    """Let a published note end at a time (ms), or never. Raises NotFound, Invalid."""
    found = get_own_share(conn, user_id, id)
    if found.type != PUBLISHED or (expires_at is not None and expires_at <= now):
        raise Invalid("A link ends at some time to come.")
    conn.execute(update(share).where(share.c.id == id).values(expires_at=expires_at, updated_at=now))


def get_public(conn: Connection, id: str, now: int) -> Share:
    """A published note that is still open. Raises NotFound for all else, in the same words."""
    found = find_share(conn, id)
    if found is None or found.type != PUBLISHED or (found.expires_at is not None and found.expires_at <= now):
        raise NotFound("This note is not published (any more).")
    if people.get_user(conn, found.owner_id).is_suspended:
        raise NotFound("This note is not published (any more).")
    return found


def count_view(conn: Connection, id: str) -> None:
    """Somebody read a published note."""
    conn.execute(update(share).where(share.c.id == id).values(views=share.c.views + 1))


def delete_items(
    conn: Connection, user_id: str, names: list[str], keeping: Keeping, now: int
) -> dict[str, Refused | None]:
    """Delete many; for each name None, or why not."""
    done: dict[str, Refused | None] = {}
    for name in names:
        try:
            was_there = delete_item(conn, user_id, name, keeping, now)
            done[name] = None if was_there else Refused(404, "There is no such item.")
        except ReadOnly as error:
            done[name] = refusal_of(error)
    return done
