"""What takes how much room."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, func, select

from fazt.apps.joplin.model.items import NOTE, RESOURCE, REVISION
from fazt.apps.joplin.schema import item, link, version, view

i = item.c


def _seen(user_id: str) -> Any:
    return (view.c.user_id == user_id) & view.c.is_visible


def notes_by_folder(conn: Connection, user_id: str) -> dict[str, tuple[int, int]]:
    """How many notes are in each notebook, and the bytes of their texts."""
    rows = conn.execute(
        select(i.parent_id, func.count(), func.coalesce(func.sum(i.size), 0))
        .join_from(view, item, i.id == view.c.item)
        .where(_seen(user_id), view.c.type == NOTE)
        .group_by(i.parent_id)
    )
    return {row[0]: (int(row[1]), int(row[2])) for row in rows}


def attachments_by_folder(conn: Connection, user_id: str) -> dict[str, int]:
    """Bytes of the attachments that the notes of each notebook refer to."""
    note, blob, of_note, of_blob = item.alias("note"), item.alias("blob"), view.alias("of_note"), view.alias("of_blob")
    pairs = (
        select(note.c.parent_id, blob.c.id, blob.c.size)
        .join_from(of_note, note, note.c.id == of_note.c.item)
        .join(link, link.c.item == note.c.id)
        .join(of_blob, of_blob.c.name == ".resource/" + link.c.target_id)
        .join(blob, blob.c.id == of_blob.c.item)
        .where(of_note.c.user_id == user_id, of_note.c.is_visible, of_note.c.type == NOTE)
        .where(of_blob.c.user_id == user_id, of_blob.c.is_visible)
        .distinct()
        .subquery()
    )
    rows = conn.execute(select(pairs.c.parent_id, func.sum(pairs.c.size)).group_by(pairs.c.parent_id))
    return {row[0]: int(row[1]) for row in rows}


def totals(conn: Connection, user_id: str) -> dict[str, int]:
    """Bytes of notes and small items, attachments, Joplin's own revisions, and what is kept of older versions."""
    rows = conn.execute(
        select(view.c.type, func.coalesce(func.sum(i.size), 0))
        .join_from(view, item, i.id == view.c.item)
        .where(_seen(user_id))
        .group_by(view.c.type)
    )
    by_type = {row[0]: int(row[1]) for row in rows}
    kept = conn.scalar(select(func.coalesce(func.sum(version.c.size), 0)).where(version.c.user_id == user_id))
    files, revisions = by_type.pop(0, 0), by_type.pop(REVISION, 0)
    return {"items": sum(by_type.values()), "files": files, "revisions": revisions, "kept": int(kept or 0)}


def largest_attachments(conn: Connection, user_id: str, limit: int = 10) -> list[Row[Any]]:
    """The attachments that take the most room, with a note that refers to each."""
    blob, of_blob = item.alias("blob"), view.alias("of_blob")
    note_of = (
        select(func.min(i.item_id))
        .join_from(link, item, i.id == link.c.item)
        .join(view, view.c.item == i.id)
        .where(_seen(user_id), i.type == NOTE, ".resource/" + link.c.target_id == of_blob.c.name)
        .correlate(of_blob)
        .scalar_subquery()
    )
    title = item.alias("facts")
    of_title = view.alias("of_title")
    statement = (
        select(of_blob.c.name, blob.c.size, title.c.title, title.c.facts, note_of.label("note_id"))
        .join_from(of_blob, blob, blob.c.id == of_blob.c.item)
        .join(of_title, (of_title.c.user_id == user_id) & (of_title.c.name == func.substr(of_blob.c.name, 11) + ".md"))
        .join(title, title.c.id == of_title.c.item)
        .where(of_blob.c.user_id == user_id, of_blob.c.is_visible, title.c.type == RESOURCE, of_title.c.is_visible)
        .where(of_blob.c.name.like(".resource/%"), of_blob.c.type == 0)
        .order_by(blob.c.size.desc())
        .limit(limit)
    )
    return list(conn.execute(statement))
