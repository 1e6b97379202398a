"""What people do on pages: write, move, throw away, bring back; each as a device would, so that devices take it."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Row

from fazt.apps.joplin.model.items import FOLDER, NOTE, RESOURCE, find_links, new_folder, new_note, parse_item, touch
from fazt.apps.joplin.model.names import INFO, blob_name, item_name, new_item_id
from fazt.apps.joplin.model.shares import PUBLISHED, Share
from fazt.apps.joplin.model.uploads import INLINE_BYTES, Keeping, Upload, read_upload
from fazt.apps.joplin.store import history, shares
from fazt.apps.joplin.store.items import get_content, get_seen, put, read_bytes
from fazt.apps.joplin.store.reading import list_folders
from fazt.apps.joplin.store.views import find_seen
from fazt.core import blobs
from fazt.core.errors import Conflict, Invalid, NotFound

MOVED = "This note was changed elsewhere in the meantime."
ENCRYPTED = "Your notes are encrypted, so new ones are written on a device."
INBOX = "Inbox"


def put_bytes(conn: Connection, user_id: str, name: str, data: bytes, keeping: Keeping, now: int) -> None:
    """Store an item that was made here."""
    upload = read_upload(name, data)
    if len(data) > INLINE_BYTES:
        blob = blobs.put(conn, data, now)
        upload = Upload(name, len(data), hash=blob.hash, item=upload.item, share_id=upload.share_id)
    put(conn, user_id, upload, keeping, now)


def check_writable_account(conn: Connection, user_id: str) -> None:
    """Raises Conflict where no device has set the account up, or notes are encrypted on devices."""
    try:
        _, data = get_content(conn, user_id, INFO)
    except NotFound as error:
        raise Conflict("Connect Joplin first: its first synchronisation sets your notes up.") from error
    try:
        is_encrypted = json.loads(data or b"{}")["e2ee"]["value"]
    except (ValueError, KeyError, TypeError):
        is_encrypted = False
    if is_encrypted:
        raise Conflict(ENCRYPTED)


def create_note(
    conn: Connection, user_id: str, folder_id: str, title: str, body: str, keeping: Keeping, now: int
) -> str:
    """A new note; without a notebook in one named Inbox. Its id. Raises Conflict, NotFound, ReadOnly."""
    check_writable_account(conn, user_id)
    if not title.strip() and not body.strip():
        raise Invalid("An empty note is no note.")
    folder_id = folder_id or find_inbox(conn, user_id, keeping, now)
    folder = get_seen(conn, user_id, item_name(folder_id))
    if folder.type != FOLDER:
        raise NotFound("There is no such notebook.")
    id_ = new_item_id()
    more = {"share_id": folder.share_id, "is_shared": "1"} if folder.share_id else {}
    data = new_note(id_, folder_id, title or first_line(body), body, now, order=str(now), **more)
    put_bytes(conn, user_id, item_name(id_), data, keeping, now)
    return id_


def first_line(body: str) -> str:
    """A title for a note that was given none."""
    line = next((line.strip("#*-> \t") for line in body.splitlines() if line.strip()), "")
    return line[:80] or "Untitled"


def find_inbox(conn: Connection, user_id: str, keeping: Keeping, now: int) -> str:
    """The notebook for what nobody has sorted yet; made where it is missing."""
    for row in list_folders(conn, user_id):
        if row.title == INBOX and not row.parent_id and not row.deleted_at and not row.share_id:
            return str(row.item_id)
    id_ = new_item_id()
    put_bytes(conn, user_id, item_name(id_), new_folder(id_, "", INBOX, now), keeping, now)
    return id_


def change_note(
    conn: Connection,
    user_id: str,
    id: str,
    keeping: Keeping,
    now: int,
    *,
    base: int | None = None,
    fields: dict[str, str] | None = None,
    title: str | None = None,
    body: str | None = None,
) -> None:
    """Write over title, body or properties of a note. `base` is the time of the text that the change began with.

    Raises NotFound, Conflict where it was changed since, Invalid where it is encrypted, ReadOnly.
    """
    row = get_seen(conn, user_id, item_name(id))
    if row.type != NOTE:
        raise NotFound("There is no such note.")
    if base is not None and row.item_updated_at != base:
        raise Conflict(MOVED, hint="Copy your text, open the note again, and put it in.")
    put_bytes(conn, user_id, row.name, touch(read_bytes(conn, row), now, fields, title=title, body=body), keeping, now)


def move_note(conn: Connection, user_id: str, id: str, folder_id: str, keeping: Keeping, now: int) -> None:
    """Put a note into another notebook. Raises as `change_note`."""
    folder = get_seen(conn, user_id, item_name(folder_id))
    if folder.type != FOLDER:
        raise NotFound("There is no such notebook.")
    fields = {"parent_id": folder_id, "share_id": folder.share_id, "is_shared": "1" if folder.share_id else "0"}
    change_note(conn, user_id, id, keeping, now, fields=fields)


def publish_note(conn: Connection, user_id: str, id: str, keeping: Keeping, now: int) -> Share:
    """Publish a note, and mark it so that apps show it as published. Raises NotFound, Invalid where it is encrypted."""
    made = shares.publish(conn, user_id, id, now, is_recursive=False)
    change_note(conn, user_id, id, keeping, now, fields={"is_shared": "1"})
    return made


def unpublish(conn: Connection, user_id: str, share_id: str, keeping: Keeping, now: int) -> None:
    """Take a link back. Raises NotFound, Forbidden."""
    found = shares.get_own_share(conn, user_id, share_id)
    shares.drop_share(conn, found, now)
    row = find_seen(conn, user_id, item_name(found.item_id))
    if found.type == PUBLISHED and row is not None and not row.is_encrypted and not row.share_id:
        change_note(conn, user_id, found.item_id, keeping, now, fields={"is_shared": "0"})


def restore_version(conn: Connection, user_id: str, version_id: int, keeping: Keeping, now: int) -> str:
    """Let a note say what it said in an older version; its id. Raises NotFound, Invalid, ReadOnly."""
    row, data = history.get_version(conn, user_id, version_id)
    if row.type != NOTE or row.is_deletion:
        raise NotFound("There is no such version any more.")
    old, id_ = parse_item(data), str(row.name[:32])
    if old.is_encrypted:
        raise Invalid("This version is encrypted, so it can only be brought back on a device.")
    change_note(conn, user_id, id_, keeping, now, title=old.head.partition("\n")[0], body=old.body)
    return id_


def restore_deleted(conn: Connection, user_id: str, version_id: int, keeping: Keeping, now: int) -> str:
    """Bring something deleted back, with its notebooks and attachments; its id. Raises NotFound, Conflict."""
    row, data = history.get_version(conn, user_id, version_id)
    if not row.is_deletion:
        raise NotFound("There is no such version any more.")
    if find_seen(conn, user_id, row.name) is not None:
        raise Conflict("There is something of this name again.")
    put_back(conn, user_id, row, data, keeping, now)
    return str(row.name[:32])


def put_back(conn: Connection, user_id: str, row: Row[Any], data: bytes, keeping: Keeping, now: int) -> None:
    """Store what was deleted as newly changed, and before it what it needs and is deleted, too."""
    item = parse_item(data)
    needed = [item.parent_id] if item.parent_id and item.type in {NOTE, FOLDER} else []
    needed += find_links(item.body)
    if not item.is_encrypted:
        data = touch(
            data, now, {"share_id": "", "is_shared": "0", "deleted_time": "0"} if item.type <= FOLDER else None
        )
    history.forget_version(conn, row)
    put_bytes(conn, user_id, row.name, data, keeping, now)
    if item.type == RESOURCE:
        put_back_blob(conn, user_id, row.name[:32], keeping, now)
    for id_ in needed:
        gone = history.find_deletion(conn, user_id, item_name(id_))
        if gone is not None and find_seen(conn, user_id, gone.name) is None and gone.type in {FOLDER, RESOURCE}:
            _, old = history.get_version(conn, user_id, gone.id)
            put_back(conn, user_id, gone, old, keeping, now)


def put_back_blob(conn: Connection, user_id: str, id: str, keeping: Keeping, now: int) -> None:
    """The bytes of an attachment that was deleted."""
    name = blob_name(id)
    gone = history.find_deletion(conn, user_id, name)
    if gone is None or find_seen(conn, user_id, name) is not None:
        return
    data = None if gone.hash is not None else bytes(gone.data or b"")
    put(conn, user_id, Upload(name, gone.size, data, gone.hash), keeping, now)
    history.forget_version(conn, gone)
