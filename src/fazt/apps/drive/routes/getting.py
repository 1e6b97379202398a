"""GET and HEAD: files, parts of them, and a word about folders."""

from __future__ import annotations

from sqlalchemy import Connection

from fazt.apps.drive import store
from fazt.apps.drive.actions import SMALL_BYTES
from fazt.apps.drive.engine import drive_of
from fazt.apps.drive.model.locks import Terms
from fazt.apps.drive.model.nodes import Node, Spot
from fazt.apps.drive.routes.asking import Ask, Header, Refused, Reply
from fazt.apps.drive.wire.digests import format_digests
from fazt.apps.drive.wire.multistatus import (
    http_date,
)
from fazt.apps.drive.wire.types import find_type
from fazt.core.blobs import store as blobs
from fazt.core.errors import NotFound
from fazt.core.http.conditional import Range, evaluate, find_ranges

CACHED_BYTES = 64 * 1024
SAFE: tuple[Header, ...] = (
    (b"accept-ranges", b"bytes"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),
    (b"cache-control", b"private, no-cache"),
)
"""What strangers' bytes are served with: nothing in them runs on the dashboard's host."""
FOLDER = b"<!doctype html><title>Folder</title><p>This is a folder of a network drive. Open it with a file manager."


def load_file(conn: Connection, spot: Spot, terms: Terms | None) -> tuple[Node, bytes | None]:
    """A node, and the bytes of a small file. Raises NotFound, PreconditionFailed."""
    trail = store.walk(conn, spot)
    found = trail.node
    if terms is not None:
        store.check_terms(conn, trail, spot, store.list_locks(conn, spot.space.id, terms.now), terms)
    if found is None:
        raise NotFound("There is no such file.")
    if found.is_folder or found.size > SMALL_BYTES:
        return found, None
    ref, chunks = blobs.open_ref(conn, found.hash, 0, None, 1)
    data = b"".join(chunks)
    return found, data if len(data) == ref.size else None


async def get(ask: Ask) -> Reply:
    """GET and HEAD of a file, or of a folder."""
    if ask.place.spot is None:
        if ask.place.kind == "none" or (ask.place.kind == "uploads" and len(ask.place.rest) > 2):
            raise NotFound("There is nothing at this address.")
        return folder_page(ask)
    spot = ask.spot
    drive = drive_of(ask.core)
    generation = drive.generation(spot.space.id)
    has_if = b"if" in ask.headers
    kept: tuple[Node, bytes | None] | None = None
    if not has_if:
        kept = drive.find_answer(spot.space.id, spot.segments)
    if kept is None:
        kept = await ask.core.db.point(load_file, spot, await ask.terms() if has_if else None)
        size = len(kept[1] or b"")
        if not has_if and size <= CACHED_BYTES:
            drive.put_answer(spot.space.id, generation, spot.segments, kept, size + 1_000)
    found, data = kept
    return folder_page(ask) if found.is_folder else file_reply(ask, found, data)


def folder_page(ask: Ask) -> Reply:
    """What a browser sees of a folder."""
    headers: list[Header] = [(b"content-type", b"text/html; charset=utf-8"), *SAFE[1:]]
    if ask.method == "HEAD":
        headers.append((b"content-length", b"%d" % len(FOLDER)))
        return Reply(200, headers)
    return Reply(200, headers, FOLDER)


def file_reply(ask: Ask, found: Node, data: bytes | None) -> Reply:
    """A file or a part of it, after the conditions of RFC 9110. `data` are its bytes, where they are at hand."""
    etag, headers = found.etag, file_headers(found)
    asked = ask.scope["headers"]
    status = evaluate(ask.method, asked, etag, found.modified_at)
    if status == 304:
        return Reply(304, headers)
    if status == 412:
        raise Refused(412, "This changed since you looked.")
    if b"want-repr-digest" in ask.headers or b"want-digest" in ask.headers:
        wanted, older = ask.text(b"want-repr-digest") or "", ask.text(b"want-digest") or ""
        headers += format_digests(found.hash, wanted, older)
    headers.append((b"content-type", find_type(found.name).encode()))
    part = Range(0, found.size)
    ranges = find_ranges(ask.method, asked, etag, found.size, found.modified_at) if b"range" in ask.headers else None
    if ranges is not None and not ranges:
        raise Refused(416, "There are no such bytes.", headers=((b"content-range", b"bytes */%d" % found.size),))
    if ranges is not None and len(ranges) == 1:
        status, part = 206, ranges[0]
        headers.append((b"content-range", part.content_range(found.size).encode()))
    headers.append((b"content-length", b"%d" % (part.end - part.start)))
    if ask.method == "HEAD":
        return Reply(status, headers)
    if data is not None:
        return Reply(status, headers, data[part.start : part.end])
    return Reply(status, headers, ask.core.blobs.open(found.hash, part.start, part.end))


def file_headers(found: Node) -> list[Header]:
    """What every answer about a file carries."""
    return [
        (b"etag", found.etag.encode()),
        (b"last-modified", http_date(found.modified_at).encode()),
        *SAFE,
    ]
