"""Reading notes for pages, exports and functions: notebooks, lists, attachments, and what refers to what."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select

from fazt.apps.joplin.model.items import FOLDER, NOTE, NOTE_TAG, RESOURCE, TAG, Item, parse_item
from fazt.apps.joplin.model.names import blob_name, item_name
from fazt.apps.joplin.schema import item, link, view
from fazt.apps.joplin.store.items import get_seen, read_bytes
from fazt.apps.joplin.store.views import find_seen
from fazt.core.errors import NotFound

PAGE = 50
MAX_REACHED = 2_000
MAX_FOLDERS = 10_000

i = item.c
_SEEN = (
    select(item)
    .join_from(view, item, i.id == view.c.item)
    .where(view.c.user_id == bindparam("user_id"), view.c.is_visible)
)
_LINKS = select(link.c.target_id).where(link.c.item == bindparam("of"))
_FOLDERS = _SEEN.where(view.c.type == FOLDER).order_by(func.lower(i.title), i.id).limit(MAX_FOLDERS)
_COUNTS = (
    select(i.parent_id, func.count())
    .join_from(view, item, i.id == view.c.item)
    .where(view.c.user_id == bindparam("user_id"), view.c.is_visible, view.c.type == NOTE, i.deleted_at == 0)
    .group_by(i.parent_id)
)


def get_item(conn: Connection, user_id: str, id: str, type_: int) -> tuple[Row[Any], Item]:
    """An item that this person sees, read. Raises NotFound."""
    found = get_seen(conn, user_id, item_name(id))
    if found.type != type_:
        raise NotFound("There is no such item.")
    return found, parse_item(read_bytes(conn, found))


def get_note(conn: Connection, user_id: str, id: str) -> tuple[Row[Any], Item]:
    """A note that this person sees. Raises NotFound."""
    return get_item(conn, user_id, id, NOTE)


def find_attachment(conn: Connection, user_id: str, id: str) -> tuple[Row[Any], Row[Any]] | None:
    """The facts of an attachment and the row of its bytes, where both are there."""
    facts, data = find_seen(conn, user_id, item_name(id)), find_seen(conn, user_id, blob_name(id))
    if facts is None or data is None or facts.type != RESOURCE or facts.is_encrypted:
        return None
    return facts, data


def list_folders(conn: Connection, user_id: str) -> list[Row[Any]]:
    """All notebooks, by title; those in the trash, too."""
    return list(conn.execute(_FOLDERS, {"user_id": user_id}))


def count_notes(conn: Connection, user_id: str) -> dict[str, int]:
    """How many notes are in each notebook, those in the trash left out."""
    return {row[0]: row[1] for row in conn.execute(_COUNTS, {"user_id": user_id})}


def list_notes(
    conn: Connection,
    user_id: str,
    *,
    folder_ids: Collection[str] | None = None,
    tag_id: str = "",
    in_trash: bool = False,
    limit: int = PAGE,
    offset: int = 0,
) -> list[Row[Any]]:
    """Notes, the one changed last first: of some notebooks, of a tag, or all."""
    wanted = _SEEN.where(view.c.type == NOTE, i.deleted_at > 0 if in_trash else i.deleted_at == 0)
    if folder_ids is not None:
        wanted = wanted.where(i.parent_id.in_(list(folder_ids)))
    if tag_id:
        tagged = item.alias("tagged")
        seen = view.alias("seen")
        of_tag = (
            select(tagged.c.parent_id)
            .join_from(seen, tagged, tagged.c.id == seen.c.item)
            .where(seen.c.user_id == user_id, seen.c.is_visible)
            .where(tagged.c.type == NOTE_TAG, tagged.c.target_id == tag_id)
        )
        wanted = wanted.where(i.item_id.in_(of_tag))
    newest = (i.item_updated_at.desc(), i.id.desc())
    return list(conn.execute(wanted.order_by(*newest).limit(limit).offset(offset), {"user_id": user_id}))


def list_tags(conn: Connection, user_id: str) -> list[tuple[Row[Any], int]]:
    """All tags with how many notes have them."""
    seen = _SEEN.where(view.c.type == TAG, i.deleted_at == 0).order_by(func.lower(i.title), i.id).limit(1_000)
    counts = {
        row[0]: row[1]
        for row in conn.execute(
            select(i.target_id, func.count())
            .join_from(view, item, i.id == view.c.item)
            .where(view.c.user_id == user_id, view.c.is_visible, view.c.type == NOTE_TAG)
            .group_by(i.target_id)
        )
    }
    return [(row, counts.get(row.item_id, 0)) for row in conn.execute(seen, {"user_id": user_id})]


def tags_of(conn: Connection, user_id: str, note_id: str) -> list[Row[Any]]:
    """The tags of a note."""
    pairs = _SEEN.where(view.c.type == NOTE_TAG, i.parent_id == note_id)
    names = [item_name(row.target_id) for row in conn.execute(pairs, {"user_id": user_id})]
    found = [find_seen(conn, user_id, name) for name in names]
    return sorted((row for row in found if row is not None and row.type == TAG), key=lambda row: str(row.title).lower())


def links_of(conn: Connection, item_id: int) -> list[str]:
    """Ids that a note refers to."""
    return list(conn.scalars(_LINKS, {"of": item_id}))


def reach(conn: Connection, user_id: str, note_id: str, *, is_recursive: bool) -> tuple[set[str], set[str]]:
    """Which attachments and notes a published note shows: those it refers to, and with `is_recursive` so on."""
    notes, attachments = {note_id}, set[str]()
    waiting = deque([note_id])
    while waiting and len(notes) + len(attachments) < MAX_REACHED:
        found = find_seen(conn, user_id, item_name(waiting.popleft()))
        if found is None or found.type != NOTE or found.is_encrypted or found.deleted_at:
            continue
        for target in links_of(conn, found.id):
            row = find_seen(conn, user_id, item_name(target))
            if row is None:
                continue
            if row.type == RESOURCE:
                attachments.add(target)
            elif row.type == NOTE and is_recursive and target not in notes:
                notes.add(target)
                waiting.append(target)
    return attachments, notes


def list_attachments(conn: Connection, user_id: str, ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """Title, type and size of attachments by id, where their bytes are there."""
    found = {}
    for id_ in ids:
        pair = find_attachment(conn, user_id, id_)
        if pair is not None:
            facts, data = pair
            found[id_] = {"title": facts.title, "size": data.size, "facts": facts.facts}
    return found
