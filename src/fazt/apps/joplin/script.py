"""What JavaScript may do with notes: read them, and write new ones."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
from sqlalchemy import Connection

from fazt.apps.joplin import actions
from fazt.apps.joplin.actions.rendering import mime_of, render_note
from fazt.apps.joplin.model.items import RESOURCE
from fazt.apps.joplin.model.names import blob_name
from fazt.apps.joplin.model.notebooks import build_tree, ids_below
from fazt.apps.joplin.store import editing, items, reading
from fazt.core import Core
from fazt.core.app import ScriptFunction
from fazt.core.auth import Caller
from fazt.core.errors import Invalid, NotFound, TooLarge

MOST = 500
ATTACHMENT_BYTES = 16 * 1024 * 1024


def read_notes(
    conn: Connection, user_id: str, notebook: str, tag: str, limit: int, offset: int
) -> list[dict[str, Any]]:
    """Notes of a notebook and those below it, by its id or title; of a tag, by its title; or all."""
    tree = build_tree(reading.list_folders(conn, user_id), {})
    titles = {one.id: one.title for one in tree}
    below = None
    if notebook:
        here = next((one for one in tree if notebook in {one.id, one.title, "/".join(one.path)}), None)
        if here is None:
            raise NotFound(f"There is no notebook {notebook!r}.")
        below = ids_below(tree, here.id)
    tag_id = ""
    if tag:
        found = next((row for row, _ in reading.list_tags(conn, user_id) if row.title.lower() == tag.lower()), None)
        if found is None:
            return []
        tag_id = found.item_id
    rows = reading.list_notes(conn, user_id, folder_ids=below, tag_id=tag_id, limit=limit, offset=offset)
    return [describe(conn, user_id, row, titles) for row in rows if not row.is_encrypted]


def describe(conn: Connection, user_id: str, row: Any, titles: dict[str, str]) -> dict[str, Any]:
    """A note as functions get it."""
    _, note = reading.get_note(conn, user_id, row.item_id)
    facts = msgspec.json.decode(row.facts)
    attached = reading.list_attachments(conn, user_id, reading.links_of(conn, row.id))
    return {
        "id": row.item_id,
        "title": row.title,
        "body": note.body,
        "notebook": titles.get(row.parent_id, ""),
        "notebook_id": row.parent_id,
        "tags": [one.title for one in reading.tags_of(conn, user_id, row.item_id)],
        "updated_at": row.item_updated_at,
        "is_todo": bool(facts.get("todo")),
        "is_done": bool(facts.get("done")),
        "is_html": bool(facts.get("html")),
        "attachments": [{"id": id_, "title": one["title"], "size": one["size"]} for id_, one in attached.items()],
    }


async def notes(
    core: Core, caller: Caller, *, notebook: str = "", tag: str = "", limit: int = 100, offset: int = 0
) -> list[dict[str, Any]]:
    """Notes with their text, the one changed last first; encrypted ones and those in the trash are left out."""
    if not 1 <= limit <= MOST or offset < 0:
        raise Invalid(f"The limit is 1 to {MOST}, and the offset not below 0.")
    return await core.db.read(read_notes, caller.user_id, notebook, tag, limit, offset)


async def note(core: Core, caller: Caller, *, id: str) -> dict[str, Any]:
    """One note. Raises NotFound."""
    return await core.db.read(read_one, caller.user_id, id)


def read_one(conn: Connection, user_id: str, id: str) -> dict[str, Any]:
    """One note as functions get it. Raises NotFound."""
    row, found = reading.get_note(conn, user_id, id)
    if found.is_encrypted:
        raise NotFound("This note is encrypted.")
    titles = {one.item_id: one.title for one in reading.list_folders(conn, user_id)}
    return describe(conn, user_id, row, titles)


async def html(core: Core, caller: Caller, *, id: str, notes: str = "", files: str = "") -> dict[str, Any]:
    """One note as HTML without scripts; links to other notes and to attachments begin with what is said here."""
    row, found, linked, attached = await core.db.read(read_linked, caller.user_id, id)

    def address(to: str) -> str:
        if to in attached:
            return f"{files}{to}" if files else ""
        return f"{notes}{to}" if notes and to in linked else ""

    types = {f"{files}{one}": mime_of(facts["facts"]) for one, facts in attached.items()}
    return {"id": id, "title": row.title, "html": str(render_note(found, address, types))}


def read_linked(conn: Connection, user_id: str, id: str) -> tuple[Any, Any, set[str], dict[str, dict[str, Any]]]:
    """A note, the ids of what it links to, and those of its attachments. Raises NotFound."""
    row, found = reading.get_note(conn, user_id, id)
    if found.is_encrypted:
        raise NotFound("This note is encrypted.")
    ids = reading.links_of(conn, row.id)
    return row, found, set(ids), reading.list_attachments(conn, user_id, ids)


async def attachment(core: Core, caller: Caller, *, id: str) -> dict[str, Any]:
    """An attachment of at most 16 MiB, in base64. Raises NotFound, TooLarge."""
    found, facts = await core.db.read(reading.get_item, caller.user_id, id, RESOURCE)
    row = await core.db.read(items.get_stat, caller.user_id, blob_name(id))
    size = await core.db.read(items.size_of, caller.user_id, row.name)
    if size > ATTACHMENT_BYTES:
        raise TooLarge("This attachment is too large for a function.")
    data = await actions.read_content(core, caller.user_id, blob_name(id))
    mime = facts.fields.get("mime", "")
    return {"id": id, "title": found.title, "mime": mime, "content": base64.b64encode(data).decode()}


async def create(
    core: Core, caller: Caller, *, body: str = "", title: str = "", notebook_id: str = ""
) -> dict[str, Any]:
    """Write a new note, into the notebook Inbox where none is named."""
    keeping, now = actions.keeping_of(core), core.clock()
    id_ = await core.db.write(editing.create_note, caller.user_id, notebook_id, title, body, keeping, now)
    return await core.db.read(read_one, caller.user_id, id_)


SCRIPT = (
    ScriptFunction(
        "joplin.notes",
        "joplin:read",
        notes,
        "Your notes with their text, of a notebook or a tag.",
        'const posts = await fazt.joplin.notes({notebook: "Blog", limit: 20})',
    ),
    ScriptFunction("joplin.note", "joplin:read", note, "One note.", "await fazt.joplin.note({id})"),
    ScriptFunction(
        "joplin.html",
        "joplin:read",
        html,
        "One note as clean HTML; links to notes and attachments begin with what you say.",
        'const {title, html} = await fazt.joplin.html({id, notes: "/", files: "/files/"})',
    ),
    ScriptFunction(
        "joplin.attachment",
        "joplin:read",
        attachment,
        "An attachment of a note, in base64.",
        "const {mime, content} = await fazt.joplin.attachment({id})",
    ),
    ScriptFunction(
        "joplin.create",
        "joplin:write",
        create,
        "Write a new note.",
        'await fazt.joplin.create({title: "Idea", body: "…"})',
    ),
)
