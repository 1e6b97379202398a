"""Drops and their files: made, filled, found, counted, changed, deleted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, delete, func, insert, or_, select, update

from fazt.apps.drops.model import Drop, File, Part, Policy, Uploader, expiry_of, unique_path
from fazt.apps.drops.schema import DRAFT, GONE, READY, drop, file
from fazt.apps.drops.store.quotas import check_pace, check_room
from fazt.apps.drops.store.requests import note_received
from fazt.core import blobs
from fazt.core.app import KeptLink
from fazt.core.clock import MINUTE
from fazt.core.db import wake
from fazt.core.errors import Conflict, NotFound, TooLarge
from fazt.core.events import Event, emit
from fazt.core.search import index, remove

SIGNAL = "drops"
SEARCH_KIND = "drops.drop"
SHOWN = 200
SOON_MS = 2 * MINUTE

d, f = drop.c, file.c
FACTS = [name for name in Drop.__struct_fields__ if name != "files"]
PARTS = msgspec.json.Decoder(tuple[Part, ...])
_FIND = select(*(d[name] for name in FACTS)).where(d.id == bindparam("of"))
_ADD_DROP = insert(drop)
_ADD_FILE = insert(file).returning(f.id)
_FILES = select(file).where(f.drop_id == bindparam("of")).order_by(f.position)
_COUNT_FILE = (
    update(file)
    .where(f.id == bindparam("of"), or_(bindparam("most") == 0, f.downloads < bindparam("most")))
    .values(downloads=f.downloads + 1)
)


class NewFile(msgspec.Struct, frozen=True):
    """A file that is to be added: its bytes are blobs already."""

    path: str
    type: str
    parts: tuple[Part, ...]
    position: int | None = None

    @property
    def size(self) -> int:
        """Of all parts together."""
        return sum(part.size for part in self.parts)


def no_such_drop() -> NotFound:
    """The error for a drop that is not here, in the same words whatever became of it."""
    return NotFound("There is nothing here, or not any more.", hint="Drops end: ask whoever sent you the link.")


def to_file(row: Row[Any]) -> File:
    """A row as it is known outside."""
    facts = {name: getattr(row, name) for name in File.__struct_fields__ if name != "parts"}
    return File(parts=PARTS.decode(row.parts), **facts)


def find_drop(conn: Connection, drop_id: str, now: int) -> Drop | None:
    """A draft or a drop that has not ended, with its files."""
    row = conn.execute(_FIND, {"of": drop_id}).first()
    if row is None or row.state == GONE or row.expires_at <= now:
        return None
    return Drop(**row._mapping, files=tuple(to_file(one) for one in conn.execute(_FILES, {"of": drop_id})))


def get_drop(conn: Connection, drop_id: str, now: int) -> Drop:
    """As find_drop. Raises NotFound."""
    found = find_drop(conn, drop_id, now)
    if found is None:
        raise no_such_drop()
    return found


def create_drop(conn: Connection, made: Drop, visitor: str) -> None:
    """A draft, or with `state` READY one that `add_file` and `finish_drop` in the same transaction make whole."""
    row = msgspec.structs.asdict(made)
    del row["files"]
    conn.execute(_ADD_DROP, {**row, "visitor": visitor})
    wake_if_soon(conn, made.expires_at - made.created_at)


def begin_draft(conn: Connection, made: Drop, uploader: Uploader) -> None:
    """A draft that is to be filled. Raises TooMany."""
    check_pace(conn, uploader)
    create_drop(conn, made, uploader.visitor)


def wake_if_soon(conn: Connection, span_ms: int) -> None:
    """Wake the sweeper where something ends before it looks by itself."""
    if span_ms < SOON_MS:
        wake(conn, SIGNAL)


def add_file(conn: Connection, drop_id: str, new: NewFile, policy: Policy, now: int) -> File:
    """Add a file, under another name where its own is taken. Raises NotFound, TooLarge, and Conflict for a position
    that is taken.
    """
    found = get_drop(conn, drop_id, now)
    if found.file_count >= policy.max_files:
        raise TooLarge(f"A drop has at most {policy.max_files} files.")
    if found.size + new.size > policy.max_bytes:
        raise TooLarge(f"A drop has at most {policy.max_bytes} bytes.", max_bytes=policy.max_bytes)
    positions = [one.position for one in found.files]
    position = max(positions, default=-1) + 1 if new.position is None else new.position
    if position in positions:
        raise Conflict("There is another file at this position.")
    path = unique_path(new.path, {one.path for one in found.files})
    file_id = insert_file(conn, drop_id, new, position, path, now)
    grown = {"size": d.size + new.size, "file_count": d.file_count + 1, "used_up_at": None}
    conn.execute(update(drop).where(d.id == drop_id).values(**grown))
    after = get_drop(conn, drop_id, now)
    if after.state == READY:
        make_findable(conn, after, now)
    return next(one for one in after.files if one.id == file_id)


def insert_file(conn: Connection, drop_id: str, new: NewFile, position: int, path: str, now: int) -> int:
    """The row of a file, whose blobs it keeps; its id."""
    for part in new.parts:
        blobs.keep(conn, part.hash)
    row = {
        "drop_id": drop_id,
        "position": position,
        "path": path,
        "type": new.type,
        "size": new.size,
        "parts": msgspec.json.encode(new.parts).decode(),
        "downloads": 0,
        "created_at": now,
    }
    return int(conn.execute(_ADD_FILE, row).scalar_one())


def add_checked(conn: Connection, drop_id: str, new: NewFile, uploader: Uploader, policy: Policy, now: int) -> File:
    """As add_file, within the quotas. Raises OverQuota."""
    check_room(conn, uploader, policy, new.size)
    return add_file(conn, drop_id, new, policy, now)


def get_visitor(conn: Connection, drop_id: str) -> str:
    """The hash of the stranger who made a drop, or ""."""
    return conn.scalar(select(d.visitor).where(d.id == drop_id)) or ""


def finish_drop(conn: Connection, drop_id: str, now: int) -> Drop:
    """From now on whoever has the link may open it; its lifetime begins. Again: nothing. Raises NotFound, Conflict."""
    found = get_drop(conn, drop_id, now)
    if found.state == READY:
        return found
    if not found.files:
        raise Conflict("There is no file in this drop yet.")
    times = {"state": READY, "finished_at": now, "expires_at": now + found.lifetime_ms}
    conn.execute(update(drop).where(d.id == drop_id).values(**times))
    made = get_drop(conn, drop_id, now)
    tell_made(conn, made, now)
    return made


def share(conn: Connection, made: Drop, uploader: Uploader, new: NewFile, policy: Policy, now: int) -> Drop:
    """A whole drop of one file at once. Raises OverQuota, TooLarge, TooMany."""
    check_pace(conn, uploader)
    check_room(conn, uploader, policy, new.size)
    if new.size > policy.max_bytes:
        raise TooLarge(f"A drop has at most {policy.max_bytes} bytes.", max_bytes=policy.max_bytes)
    times = {"state": READY, "finished_at": now, "expires_at": now + made.lifetime_ms}
    whole: Drop = msgspec.structs.replace(made, **times, size=new.size, file_count=1)
    create_drop(conn, whole, uploader.visitor)
    file_id = insert_file(conn, made.id, new, 0, new.path, now)
    shared: Drop = msgspec.structs.replace(
        whole, files=(File(file_id, 0, new.path, new.type, new.size, new.parts, 0, now),)
    )
    tell_made(conn, shared, now)
    return shared


def share_small(
    conn: Connection, made: Drop, uploader: Uploader, data: bytes, new: NewFile, policy: Policy, now: int
) -> Drop:
    """As `share`, with the bytes themselves, which come into the file in the same transaction."""
    blob = blobs.put(conn, data, now)
    whole: NewFile = msgspec.structs.replace(new, parts=(Part(blob.hash, blob.size),))
    return share(conn, made, uploader, whole, policy, now)


def tell_made(conn: Connection, made: Drop, now: int) -> None:
    """A drop is ready: whoever wants to know, does."""
    facts = {"drop": made.id, "user_id": made.user_id, "files": made.file_count, "size": made.size}
    emit(conn, Event("drops.created", {**facts, "source": made.source}, key=made.id), now=now)
    make_findable(conn, made, now)
    if made.request_id:
        note_received(conn, made, now)
    wake_if_soon(conn, made.lifetime_ms)


def make_findable(conn: Connection, made: Drop, now: int) -> None:
    """Let its owner find it by title and names; nothing of an encrypted one but its title."""
    if not made.user_id:
        return
    title = made.title or (made.files[0].name if made.files and not made.is_encrypted else "Drop")
    names = "" if made.is_encrypted else "\n".join(one.path for one in made.files)
    path = f"/drops/{made.id}"
    index(conn, SEARCH_KIND, made.id, title, f"{names}\n{made.note}", user_id=made.user_id, path=path, now=now)


def count_download(conn: Connection, drop_id: str, file_ids: tuple[int, ...], now: int) -> Drop:
    """Count a download of some files as it begins; the drop as it is then.

    Raises NotFound where the drop has ended, or one of these files was downloaded as often as it may be.
    """
    found = get_drop(conn, drop_id, now)
    if found.state != READY:
        raise no_such_drop()
    for file_id in file_ids:
        if not conn.execute(_COUNT_FILE, {"of": file_id, "most": found.max_downloads}).rowcount:
            raise no_such_drop()
    changes: dict[str, Any] = {"downloads": d.downloads + 1, "expires_at": expiry_of(found, now)}
    if found.max_downloads:
        left = select(func.count()).where(f.drop_id == drop_id, f.downloads < found.max_downloads)
        changes["used_up_at"] = None if conn.scalar(left) else now
    conn.execute(update(drop).where(d.id == drop_id).values(**changes))
    emit(conn, Event("drops.downloaded", {"drop": drop_id, "files": list(file_ids)}, key=drop_id), now=now)
    if changes.get("used_up_at"):
        wake(conn, SIGNAL)
    return get_drop(conn, drop_id, now)


def change_drop(conn: Connection, drop_id: str, changes: Mapping[str, Any], now: int) -> Drop:
    """Change columns that the sender may choose. Raises NotFound."""
    get_drop(conn, drop_id, now)
    if changes:
        conn.execute(update(drop).where(d.id == drop_id).values(**changes))
    changed = get_drop(conn, drop_id, now)
    if changed.state == READY:
        most = changed.max_downloads
        left = not most or any(one.downloads < most for one in changed.files)
        used = None if left else (changed.used_up_at or now)
        conn.execute(update(drop).where(d.id == drop_id).values(used_up_at=used))
        make_findable(conn, changed, now)
    wake(conn, SIGNAL)
    return get_drop(conn, drop_id, now)


def delete_drop(conn: Connection, drop_id: str, now: int) -> None:
    """Nobody finds it from here on; its bytes go when nobody reads them. Raises NotFound."""
    get_drop(conn, drop_id, now)
    conn.execute(update(drop).where(d.id == drop_id).values(state=GONE))
    remove(conn, SEARCH_KIND, drop_id)
    emit(conn, Event("drops.deleted", {"drop": drop_id, "why": "deleted"}, key=drop_id), now=now)
    wake(conn, SIGNAL)


def delete_file(conn: Connection, drop_id: str, file_id: int, now: int) -> tuple[str, ...]:
    """Take one file out; the hashes of what it was. Raises NotFound, and Conflict for the last one."""
    found = get_drop(conn, drop_id, now)
    gone = next((one for one in found.files if one.id == file_id), None)
    if gone is None:
        raise no_such_drop()
    if len(found.files) == 1 and found.state == READY:
        raise Conflict("This is the last file.", hint="Delete the whole drop.")
    hashes = drop_file_rows(conn, (gone,))
    shrunk = {"size": d.size - gone.size, "file_count": d.file_count - 1}
    conn.execute(update(drop).where(d.id == drop_id).values(**shrunk))
    return hashes


def drop_file_rows(conn: Connection, files: Iterable[File]) -> tuple[str, ...]:
    """Delete rows of files and let go of their blobs; which those were."""
    hashes: list[str] = []
    for gone in files:
        conn.execute(delete(file).where(f.id == gone.id))
        for part in gone.parts:
            blobs.drop(conn, part.hash)
            hashes.append(part.hash)
    return tuple(hashes)


def list_drops(conn: Connection, user_id: str | None, now: int, *, request_id: str = "") -> list[Drop]:
    """Drops that are ready, newest first, without their files; of one user, or of all and of strangers."""
    wanted = select(*(d[name] for name in FACTS)).where(d.state == READY, d.expires_at > now)
    if user_id is not None:
        wanted = wanted.where(d.user_id == user_id)
    if request_id:
        wanted = wanted.where(d.request_id == request_id)
    rows = conn.execute(wanted.order_by(d.created_at.desc(), d.id).limit(SHOWN))
    return [Drop(**row._mapping) for row in rows]


def list_first_names(conn: Connection, drop_ids: list[str]) -> dict[str, str]:
    """The path of the first file of each drop."""
    rows = conn.execute(select(f.drop_id, f.path).where(f.drop_id.in_(drop_ids)).order_by(f.position.desc()))
    return {row.drop_id: row.path for row in rows}


def list_kept_links(conn: Connection, user_id: str, now: int) -> list[KeptLink]:
    """This person's drops, for the page of all links."""
    drops = list_drops(conn, user_id, now)
    titles = list_titles(conn, [one.id for one in drops])
    return [
        KeptLink(
            one.title or titles[one.id],
            f"/d/{one.id}",
            f"/drops/{one.id}",
            one.created_at,
            one.expires_at,
            one.downloads,
            has_password=bool(one.password_hash),
        )
        for one in drops
    ]


def list_titles(conn: Connection, drop_ids: list[str]) -> dict[str, str]:
    """What drops that are there are called: by their first file, unless only their senders know its name."""
    encrypted = conn.execute(select(d.id, d.is_encrypted).where(d.id.in_(drop_ids)))
    names = list_first_names(conn, drop_ids)
    return {row.id: "An encrypted drop" if row.is_encrypted else names.get(row.id, row.id) for row in encrypted}


def count_drops(conn: Connection, user_id: str | None, now: int) -> tuple[int, int, int]:
    """How many drops are ready, their bytes, and how often they were downloaded."""
    wanted = select(func.count(), func.coalesce(func.sum(d.size), 0), func.coalesce(func.sum(d.downloads), 0))
    wanted = wanted.where(d.state == READY, d.expires_at > now)
    row = conn.execute(wanted if user_id is None else wanted.where(d.user_id == user_id)).one()
    return int(row[0]), int(row[1]), int(row[2])


def touch_draft(conn: Connection, drop_id: str, expires_at: int) -> None:
    """A draft that is still being filled lives on."""
    conn.execute(update(drop).where(d.id == drop_id, d.state == DRAFT).values(expires_at=expires_at))
