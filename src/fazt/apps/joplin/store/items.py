"""Items in and out: put, read, delete; each in one transaction with all that follows from it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from fazt.apps.joplin.model.items import FOLDER, NOTE, find_links
from fazt.apps.joplin.model.names import is_scratch
from fazt.apps.joplin.model.shares import ACCEPTED, NOTEBOOK
from fazt.apps.joplin.model.uploads import (
    Keeping,
    ReadOnly,
    Refused,
    Stat,
    Upload,
    is_refusal,
    read_upload,
    refusal_of,
)
from fazt.apps.joplin.schema import content, item, link, membership, refusal, share, view
from fazt.apps.joplin.store import history, words
from fazt.apps.joplin.store.seq import next_seq
from fazt.apps.joplin.store.views import find_seen, hide, members_of, put_view, show, viewers_of
from fazt.core import blobs
from fazt.core.errors import FaztError, NotFound, TooLarge
from fazt.core.events import Event, emit

MAX_LINKS = 2_000

i = item.c
_INSERT = insert(item).returning(i.id)
_UPDATE = update(item).where(i.id == bindparam("of"))
_DELETE = delete(item).where(i.id == bindparam("of"))
_DATA = select(content.c.data).where(content.c.item == bindparam("of"))
_FORGET_DATA = delete(content).where(content.c.item == bindparam("of"))
_LINKS = delete(link).where(link.c.item == bindparam("of"))
_PARDON = delete(refusal).where(refusal.c.user_id == bindparam("of_user"), refusal.c.name == bindparam("of_name"))
_SHARE = select(share).where(share.c.id == bindparam("id"), share.c.type == NOTEBOOK)
_MEMBER = select(membership.c.can_write).where(
    membership.c.share_id == bindparam("share_id"),
    membership.c.user_id == bindparam("user_id"),
    membership.c.status == ACCEPTED,
)
_USED = select(func.coalesce(func.sum(i.size), 0)).where(i.owner_id == bindparam("user_id"))


def _upsert(on: Any) -> Any:
    statement = on.insert(content).values(item=bindparam("item"), data=bindparam("data"))
    return statement.on_conflict_do_update(index_elements=["item"], set_={"data": statement.excluded.data})


_PUT_DATA = {"sqlite": _upsert(sqlite), "postgresql": _upsert(postgresql)}


def put(conn: Connection, user_id: str, upload: Upload, keeping: Keeping, now: int) -> Stat:
    """Store an upload under its name, new or over what was there; its blob, if it is one, is kept from here on.

    Raises ReadOnly where the person may not write in the share it is in or goes to, TooLarge beyond the quota.
    """
    before = find_seen(conn, user_id, upload.name)
    shared = find_writable(conn, user_id, upload.share_id)
    target = shared.id if shared is not None else ""
    if before is not None and before.share_id and before.share_id != upload.share_id:
        find_writable(conn, user_id, before.share_id)
    if before is not None and is_same(conn, before, upload, target):
        return to_stat(before)
    check_quota(conn, user_id, upload, keeping, before)
    if before is not None and keeping.history:
        history.keep_before_change(conn, before, upload, user_id, now)
    row = facts_of(upload, shared.owner_id if shared is not None else user_id, target, now)
    if upload.hash is not None:
        blobs.keep(conn, upload.hash)
    if before is None:
        row["id"] = conn.execute(_INSERT, {**row, "created_at": now}).scalar_one()
        row["created_at"] = now
    else:
        conn.execute(_UPDATE, {**row, "of": before.id})
        row |= {"id": before.id, "created_at": before.created_at}
        if before.hash is not None:
            blobs.drop(conn, before.hash)
    put_data(conn, row["id"], upload, is_new=before is None)
    facts = Facts(row)
    viewers, lost = {user_id}, set[str]()
    if target or (before is not None and before.share_id):
        lost = show(conn, facts, members_of(conn, target) if target else viewers, now, first=user_id)
        viewers = viewers_of(conn, facts.id)
    else:
        put_view(conn, user_id, facts, next_seq(conn) if facts.type else None, now)
    follow(conn, user_id, facts, upload, viewers, lost, now, is_new=before is None)
    conn.execute(_PARDON, {"of_user": user_id, "of_name": upload.name})
    return Stat(str(facts.id), facts.name, now, facts.created_at)


class Facts:
    """The row of an item as it is written, by attribute, like a row that was read."""

    def __init__(self, row: dict[str, Any]) -> None:
        self.__dict__.update(row)

    def __getattr__(self, name: str) -> Any:
        """Only for names that the row has not. Raises AttributeError."""
        raise AttributeError(name)


def facts_of(upload: Upload, owner_id: str, share_id: str, now: int) -> dict[str, Any]:
    """The columns of an item."""
    found = upload.item
    return {
        "owner_id": owner_id,
        "name": upload.name,
        "item_id": upload.name[:32] if found else "",
        "type": upload.type,
        "parent_id": plain(found.parent_id) if found else "",
        "target_id": plain(found.target_id) if found else "",
        "share_id": share_id,
        "title": found.title if found else "",
        "facts": upload.facts,
        "item_updated_at": found.updated_time if found else 0,
        "deleted_at": found.deleted_time if found else 0,
        "is_encrypted": found.is_encrypted if found else False,
        "size": upload.size,
        "hash": upload.hash,
        "updated_at": now,
    }


def plain(text: str) -> str:
    """An id as a column holds it."""
    return text.replace("\0", "")


def put_data(conn: Connection, item_id: int, upload: Upload, *, is_new: bool) -> None:
    """The bytes, where they stand beside the row; and the links in them."""
    if upload.hash is None:
        conn.execute(_PUT_DATA[conn.dialect.name], {"item": item_id, "data": upload.data or b""})
    elif not is_new:
        conn.execute(_FORGET_DATA, {"of": item_id})
    if upload.item is None or upload.item.type != NOTE:
        return
    if not is_new:
        conn.execute(_LINKS, {"of": item_id})
    links = find_links(upload.item.body)[:MAX_LINKS]
    if links:
        conn.execute(insert(link), [{"item": item_id, "target_id": target} for target in links])


def follow(
    conn: Connection,
    user_id: str,
    facts: Any,
    upload: Upload,
    viewers: set[str],
    lost: set[str],
    now: int,
    *,
    is_new: bool,
) -> None:
    """What follows from a written note: search finds it, and the others are told."""
    if upload.item is None or upload.item.type != NOTE:
        return
    for other in lost:
        words.forget(conn, other, facts.item_id)
    for viewer in viewers:
        words.learn(conn, viewer, facts.item_id, upload.item, now)
    tell(conn, facts, user_id, "created" if is_new else "updated", now)


def tell(conn: Connection, facts: Any, user_id: str, change: str, now: int) -> None:
    """Say that a note changed."""
    data = {"id": facts.item_id, "user_id": user_id, "change": change, "notebook_id": facts.parent_id}
    emit(conn, Event("joplin.note_changed", data, key=facts.item_id), now=now)


def find_writable(conn: Connection, user_id: str, share_id: str) -> Row[Any] | None:
    """The share that an item goes to or is in; None for none, or one that is no more. Raises ReadOnly."""
    if not share_id:
        return None
    found = conn.execute(_SHARE, {"id": share_id}).first()
    if found is None:
        return None
    if found.owner_id != user_id and not conn.scalar(_MEMBER, {"share_id": share_id, "user_id": user_id}):
        raise ReadOnly
    return found


def is_same(conn: Connection, before: Row[Any], upload: Upload, share_id: str) -> bool:
    """Whether nothing would change, so that nobody need be told."""
    if before.share_id != share_id or before.size != upload.size:
        return False
    if upload.hash is not None or before.hash is not None:
        return bool(upload.hash == before.hash)
    return conn.scalar(_DATA, {"of": before.id}) == upload.data


def check_quota(conn: Connection, user_id: str, upload: Upload, keeping: Keeping, before: Row[Any] | None) -> None:
    """Raises TooLarge where an upload is more than this person has room for."""
    if not keeping.quota_bytes or is_scratch(upload.name):
        return
    more = upload.size - (before.size if before is not None else 0)
    if more > 0 and used_bytes(conn, user_id) + more > keeping.quota_bytes:
        raise TooLarge("There is no room for this: your notes fill the room that you have here.")


def used_bytes(conn: Connection, user_id: str) -> int:
    """How much room the items of this person take."""
    return int(conn.scalar(_USED, {"user_id": user_id}) or 0)


def put_batch(
    conn: Connection, user_id: str, batch: list[tuple[str, bytes]], keeping: Keeping, now: int
) -> dict[str, Stat | Refused]:
    """Store many small items; what is wrong with one is no matter to the others."""
    done: dict[str, Stat | Refused] = {}
    for name, data in batch:
        try:
            done[name] = put(conn, user_id, read_upload(name, data), keeping, now)
        except FaztError as error:
            if not isinstance(error, ReadOnly) and not is_refusal(error):
                raise
            done[name] = refuse(conn, user_id, name, len(data), error, now)
    return done


def refuse(conn: Connection, user_id: str, name: str, size: int, error: FaztError, now: int) -> Refused:
    """Remember that an item was not taken: its device does not send it again by itself."""
    if not isinstance(error, ReadOnly):
        note_refusal(conn, user_id, name, size, error.message, now)
    return refusal_of(error)


def note_refusal(conn: Connection, user_id: str, name: str, size: int, reason: str, now: int) -> None:
    """Write down what was refused, for the list on the page."""
    seen = find_seen(conn, user_id, name)
    conn.execute(_PARDON, {"of_user": user_id, "of_name": name})
    row = {"user_id": user_id, "name": name, "title": seen.title if seen else "", "reason": reason}
    conn.execute(insert(refusal), {**row, "size": size, "at": now})


def get_stat(conn: Connection, user_id: str, name: str) -> Stat:
    """Raises NotFound where this person sees no such item."""
    return to_stat(get_seen(conn, user_id, name))


def get_seen(conn: Connection, user_id: str, name: str) -> Row[Any]:
    """The row of an item that this person sees. Raises NotFound."""
    found = find_seen(conn, user_id, name)
    if found is None:
        raise NotFound("There is no such item.")
    return found


def get_content(conn: Connection, user_id: str, name: str) -> tuple[Row[Any], bytes | None]:
    """An item and its bytes; None where they are the blob that its row names. Raises NotFound."""
    found = get_seen(conn, user_id, name)
    return found, None if found.hash is not None else read_data(conn, found.id)


def read_data(conn: Connection, item_id: int) -> bytes:
    """The bytes beside a row."""
    return bytes(conn.scalar(_DATA, {"of": item_id}) or b"")


def read_bytes(conn: Connection, found: Any) -> bytes:
    """The bytes of an item of at most 64 MiB, wherever they are in this file."""
    return read_data(conn, found.id) if found.hash is None else blobs.load(conn, found.hash)


def remove(conn: Connection, user_id: str, name: str, keeping: Keeping, now: int) -> bool:
    """Delete an item for all who see it; False where this person sees none. Raises ReadOnly."""
    found = find_seen(conn, user_id, name)
    if found is None:
        return False
    find_writable(conn, user_id, found.share_id)
    if keeping.trash:
        history.keep_before_delete(conn, found, user_id, now)
    if found.type == NOTE:
        tell(conn, found, user_id, "deleted", now)
    erase(conn, found, now)
    return True


def erase(conn: Connection, found: Any, now: int) -> None:
    """Take an item away from everybody, with its bytes."""
    for viewer in sorted(viewers_of(conn, found.id)):
        hide(conn, viewer, found.name, now, is_told=found.type > 0)
        if found.type == NOTE:
            words.forget(conn, viewer, found.item_id)
    conn.execute(_LINKS, {"of": found.id})
    conn.execute(_FORGET_DATA, {"of": found.id})
    conn.execute(update(view).where(view.c.item == found.id).values(item=None))
    conn.execute(_DELETE, {"of": found.id})
    if found.hash is not None:
        blobs.drop(conn, found.hash)


def to_stat(found: Any) -> Stat:
    """A row as clients are told it."""
    return Stat(str(found.id), found.name, found.updated_at, found.created_at)


def find_root_share(conn: Connection, user_id: str, found: Any) -> Row[Any] | None:
    """The share of which this item is the notebook at the top, also where it is not marked so yet."""
    if found.type != FOLDER:
        return None
    of_item = (share.c.item_id == found.item_id) & (share.c.type == NOTEBOOK)
    mine = (share.c.id == found.share_id) | (share.c.owner_id == user_id)
    return conn.execute(select(share).where(of_item, mine)).first()


def size_of(conn: Connection, user_id: str, name: str) -> int:
    """How large what this person has under `name` is; 0 for nothing."""
    found = find_seen(conn, user_id, name)
    return found.size if found is not None else 0
