"""Bytes that have come for a site, and how a version takes them over without counting them again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, insert, select

from fazt.apps.sites.model import FileEntry
from fazt.apps.sites.schema import file, upload
from fazt.core.blobs import drop, keep, put

u = upload.c
CONTENT = ("hash", "size", "gzip", "gzip_size", "brotli", "brotli_size")
_UPLOADS = select(*(u[name] for name in CONTENT)).where(u.site_id == bindparam("site_id"))
_WHICH = select(u.hash).where(u.site_id == bindparam("site_id"), u.hash.in_(bindparam("hashes", expanding=True)))
_KNOWN = select(*(file.c[name] for name in CONTENT)).where(file.c.site_id == bindparam("site_id")).distinct()
_INSERT = insert(upload)
_FORGET = delete(upload).where(u.site_id == bindparam("of"), u.hash == bindparam("gone"))


class Bytes(msgspec.Struct, frozen=True):
    """Bytes to keep: `data` itself where they are small, None where `core.blobs` has received them already."""

    hash: str
    size: int
    data: bytes | None = None


class Content(msgspec.Struct, frozen=True):
    """A file's bytes with their compressed forms."""

    raw: Bytes
    gzip: Bytes | None = None
    brotli: Bytes | None = None


def add_uploads(conn: Connection, site_id: int, contents: Iterable[Content], now: int) -> None:
    """Keep what has come for a site, until a version takes it over or it is swept."""
    contents = list(contents)
    given = {"site_id": site_id, "hashes": [content.raw.hash for content in contents]}
    known = set(conn.scalars(_WHICH, given))
    rows = []
    for content in contents:
        if content.raw.hash in known:
            continue
        known.add(content.raw.hash)
        row: dict[str, Any] = {"site_id": site_id, "at": now}
        for column, part in (("hash", content.raw), ("gzip", content.gzip), ("brotli", content.brotli)):
            row[column] = keep_bytes(conn, part, now) if part else ""
            row["size" if column == "hash" else f"{column}_size"] = part.size if part else 0
        rows.append(row)
    if rows:
        conn.execute(_INSERT, rows)


def keep_bytes(conn: Connection, part: Bytes, now: int) -> str:
    """Count one more keeper of these bytes; their hash."""
    if part.data is not None:
        put(conn, part.data, now)
    return keep(conn, part.hash).hash


def list_uploads(conn: Connection, site_id: int) -> list[FileEntry]:
    """What has come for a site and is in no version yet."""
    return [FileEntry(*row) for row in conn.execute(_UPLOADS, {"site_id": site_id})]


def find_known(conn: Connection, site_id: int) -> dict[str, FileEntry]:
    """All contents of a site by hash, of every version.

    Another site's are not looked at: who only knows a hash shall not get the bytes.
    """
    return {row.hash: FileEntry(*row) for row in conn.execute(_KNOWN, {"site_id": site_id})}


def find_missing(conn: Connection, site_id: int, hashes: Iterable[str]) -> list[str]:
    """Those of `hashes` that a deploy still has to send, each once."""
    known = find_known(conn, site_id).keys() | {entry.hash for entry in list_uploads(conn, site_id)}
    return [hash for hash in dict.fromkeys(hashes) if hash not in known]


def take_over(conn: Connection, site_id: int, wanted: Sequence[str]) -> tuple[list[FileEntry | None], list[str]]:
    """A kept content for each of `wanted` (a hash may come twice); and the hashes that are not there.

    The first use of an upload takes over its keeps, every other use is kept anew.
    """
    uploads = {entry.hash: entry for entry in list_uploads(conn, site_id)}
    known: Mapping[str, FileEntry] = find_known(conn, site_id)
    missing = [hash for hash in dict.fromkeys(wanted) if hash not in uploads and hash not in known]
    if missing:
        return [], missing
    taken: list[FileEntry | None] = []
    used: set[str] = set()
    for hash in wanted:
        entry = uploads.get(hash) or known[hash]
        if hash not in uploads or hash in used:
            keep_entry(conn, entry)
        used.add(hash)
        taken.append(entry)
    gone = [{"of": site_id, "gone": hash} for hash in used if hash in uploads]
    if gone:
        conn.execute(_FORGET, gone)
    return taken, []


def keep_entry(conn: Connection, entry: FileEntry) -> None:
    """Count one more keeper of a file's bytes and of their compressed forms."""
    for hash in (entry.hash, entry.gzip, entry.brotli):
        if hash:
            keep(conn, hash)


def drop_entry(conn: Connection, entry: FileEntry) -> None:
    """Count one less."""
    for hash in (entry.hash, entry.gzip, entry.brotli):
        if hash:
            drop(conn, hash)


def sweep_uploads(conn: Connection, before: int, limit: int = 200) -> int:
    """Forget up to `limit` uploads from before this moment that no version took over; how many."""
    old = conn.execute(select(u.site_id, *(u[name] for name in CONTENT)).where(u.at < before).limit(limit)).all()
    for site_id, *content in old:
        entry = FileEntry(*content)
        drop_entry(conn, entry)
        conn.execute(_FORGET, {"of": site_id, "gone": entry.hash})
    return len(old)
