"""Downloads: a drop's page or its facts, one file with ranges, all of them as a zip that is made while it is sent."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from fazt.apps.drops import actions, store
from fazt.apps.drops.engine import GrantKey, get_desk
from fazt.apps.drops.model import Drop, File, disposition, etag_of, is_inline_safe, quote_path, serving_type
from fazt.apps.drops.routes.asked import NO_STORE, Asked, Header
from fazt.apps.drops.routes.screens import show_drop, show_gone, show_locked
from fazt.apps.drops.routes.sending import file_pieces, send_pieces, zip_of, zip_pieces
from fazt.apps.drops.schema import DRAFT
from fazt.apps.drops.wire.share import remaining
from fazt.core.auth.model.places import networks_of
from fazt.core.errors import NotFound, Unauthorized
from fazt.core.http.conditional import Range, evaluate, find_ranges, format_date
from fazt.core.http.hosts import client_address
from fazt.core.http.messages import respond, respond_json

SANDBOX = (
    b"sandbox; default-src 'none'; img-src 'self' data:; media-src 'self'; style-src 'unsafe-inline'; "
    b"frame-ancestors 'self'"
)
"""What strangers send is never a page of ours: no script, no origin, no form, no frame elsewhere."""
PDF_POLICY = b"default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; frame-ancestors 'self'"
"""Browsers show a PDF in a viewer that is apart from the page, and refuse to within a sandbox."""
GUARDS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"referrer-policy", b"no-referrer"),
)


async def find_open(asked: Asked, drop_id: str) -> Drop | None:
    """The drop for whoever may read it. None where a page has been sent instead: gone, or a password is asked for."""
    try:
        return await actions.open_drop(asked.core, asked.scope, drop_id)
    except NotFound as error:
        if not asked.wants_page:
            raise
        await show_gone(asked, error)
    except Unauthorized:
        if not asked.wants_page:
            raise
        await show_locked(asked, drop_id)
    return None


def check_left(drop: Drop, file: File | None = None) -> None:
    """Raises NotFound for a drop, or a file of it, that was downloaded as often as it may be."""
    if drop.used_up_at is not None or (file and 0 < drop.max_downloads <= file.downloads):
        raise NotFound("There is nothing here, or not any more.")


async def answer_drop(asked: Asked, drop_id: str) -> None:
    """Its page for people, its facts as JSON, and for curl its bytes: the file, or a zip of the files."""
    drop = await find_open(asked, drop_id)
    if drop is None:
        return
    if asked.wants_page:
        await show_drop(asked, drop)
    elif asked.wants_json:
        check_left(drop)
        await respond_json(asked.send, 200, describe(asked, drop), [NO_STORE])
    elif drop.is_encrypted:
        url = actions.url_of(asked.core, asked.scope, drop.id)
        raise NotFound("This drop is encrypted.", hint=f"fazt drop get '{url}#KEY' opens it, or a browser.")
    elif len(drop.files) == 1:
        await send_file(asked, drop, drop.files[0], "get")
    else:
        await send_zip(asked, drop)


def describe(asked: Asked, drop: Drop) -> dict[str, Any]:
    """What programs are told of a drop."""
    url = actions.url_of(asked.core, asked.scope, drop.id)
    files = [
        {
            "position": file.position,
            "path": file.path,
            "size": file.size,
            "type": file.type,
            "url": f"{url}/{quote_path(file.path)}",
            "sha256": file.parts[0].hash if len(file.parts) == 1 else None,
        }
        for file in drop.files
    ]
    return {
        "id": drop.id,
        "url": url,
        "title": drop.title,
        "note": drop.note,
        "size": drop.size,
        "expires_at": drop.expires_at,
        "max_downloads": drop.max_downloads,
        "is_encrypted": drop.is_encrypted,
        "sealed": drop.sealed,
        "files": files,
    }


async def answer_file(asked: Asked, drop_id: str, path: str, way: str) -> None:
    """One file. `way` is `get` for the bytes, `inline` to look at them, "" for a page where a person asks."""
    query = asked.query
    way = way or ("inline" if "inline" in query else "get" if "get" in query else "")
    if asked.method == "GET" and asked.headers.get("service-worker") == "script":
        raise NotFound("Nothing that somebody sent works in the background of a browser.")
    drop = await find_open(asked, drop_id)
    if drop is None:
        return
    file = next((one for one in drop.files if one.path == path), None)
    if file is None:
        raise NotFound("There is no such file in this drop.")
    if not way and asked.wants_page and asked.method == "GET":
        await show_drop(asked, drop, file)
        return
    await send_file(asked, drop, file, way)


def head_of(drop: Drop, file: File, way: str) -> list[Header]:
    """Headers of every answer about a file's bytes, which are shown only in a sandbox, as a harmless type."""
    is_shown = way == "inline" and is_inline_safe(file.type, file.path)
    type = "application/octet-stream" if drop.is_encrypted else serving_type(file.type, file.path)
    policy = PDF_POLICY if is_shown and type == "application/pdf" else SANDBOX
    return [
        (b"content-type", type.encode()),
        (b"content-disposition", disposition(file.name, inline=is_shown).encode()),
        (b"content-security-policy", policy),
        (b"accept-ranges", b"bytes"),
        (b"etag", etag_of(file).encode()),
        (b"last-modified", format_date(file.created_at).encode()),
        (b"cache-control", b"no-store" if drop.max_downloads else b"private, no-cache"),
        *GUARDS,
    ]


async def send_file(asked: Asked, drop: Drop, file: File, way: str) -> None:
    """The bytes, or a part of them. A download counts when it begins; going on with it does not."""
    headers = head_of(drop, file, way)
    said = evaluate(asked.method, asked.scope["headers"], etag_of(file), file.created_at)
    if said != 200:
        check_left(drop, file)
        await respond(asked.send, said, [pair for pair in headers if pair[0] != b"content-type"])
        return
    ranges = find_ranges(asked.method, asked.scope["headers"], etag_of(file), file.size, file.created_at)
    if ranges is not None and not ranges:
        check_left(drop, file)
        await respond(asked.send, 416, [*GUARDS, (b"content-range", b"bytes */%d" % file.size)])
        return
    part = ranges[0] if ranges is not None and len(ranges) == 1 else Range(0, file.size)
    if file.parts and len(file.parts) == 1 and not drop.is_encrypted:
        digest = base64.b64encode(bytes.fromhex(file.parts[0].hash)).decode()
        headers.append((b"repr-digest", f"sha-256=:{digest}:".encode()))
    headers.append((b"content-length", b"%d" % (part.end - part.start)))
    if asked.method == "HEAD":
        check_left(drop, file)
        await respond(asked.send, 200, [*headers, *left_of(asked, drop, file)])
        return
    key = grant_key(asked, drop, file.id)
    drop = await count(asked, drop, file, part, way, key)
    file = next(one for one in drop.files if one.id == file.id)
    headers += left_of(asked, drop, file)
    status = 200 if part.end - part.start == file.size else 206
    if status == 206:
        headers.append((b"content-range", part.content_range(file.size).encode()))
    download = get_desk(asked.core).begin(drop.id, file.path, part.end - part.start, who_of(asked))
    pieces = file_pieces(asked.core, file, part.start, part.end)
    await send_pieces(asked, status, headers, pieces, download, key, part.start, file.size)


def left_of(asked: Asked, drop: Drop, file: File | None) -> list[Header]:
    """transfer.sh's remaining counts, and the exact end."""
    end = format_date(drop.expires_at).encode()
    return [*remaining(drop, file, asked.core.clock()), (b"x-expires", end)]


def grant_key(asked: Asked, drop: Drop, file_id: int) -> GrantKey:
    """Whose download this is."""
    who = f"{networks_of(client_address(asked.scope))[0]}\0{asked.agent}"
    return drop.id, file_id, hashlib.blake2b(who.encode("utf-8", "replace"), digest_size=16).digest()


def who_of(asked: Asked) -> str:
    """Who downloads, for the sender's eyes: program and neighbourhood."""
    from fazt.core.auth.model import coarse_address, name_device  # noqa: PLC0415

    return f"{name_device(asked.agent)}, {coarse_address(client_address(asked.scope))}"


async def count(asked: Asked, drop: Drop, file: File, part: Range, way: str, key: GrantKey) -> Drop:
    """The drop after this download was counted, if it is one. Raises NotFound where none is left."""
    desk, is_sender = get_desk(asked.core), drop.state == DRAFT
    if is_sender or desk.may_go_on(key, part.start):
        return drop
    if not drop.max_downloads and (part.start > 0 or way == "inline"):
        return drop
    counted = await asked.core.db.write(store.count_download, drop.id, (file.id,), asked.core.clock())
    if drop.max_downloads:
        desk.grant(key)
    asked.note_visit(drop, "/" + file.path)
    return counted


async def answer_zip(asked: Asked, drop_id: str) -> None:
    """All files in one zip."""
    drop = await find_open(asked, drop_id)
    if drop is None:
        return
    if drop.is_encrypted:
        raise NotFound("An encrypted drop is opened in the browser, or with `fazt drop get`.")
    await send_zip(asked, drop)


async def send_zip(asked: Asked, drop: Drop) -> None:
    """A download of every file. Its size is known before it is made, and nothing of it is ever written down."""
    archive = zip_of(asked.core, drop)
    name = (drop.title or f"drop-{drop.id}").replace("/", "_")
    headers = [
        (b"content-type", b"application/zip"),
        (b"content-disposition", disposition(f"{name}.zip").encode()),
        (b"content-length", str(len(archive)).encode()),
        (b"content-security-policy", SANDBOX),
        (b"accept-ranges", b"none"),
        NO_STORE,
        *GUARDS,
    ]
    if asked.method == "HEAD":
        check_left(drop)
        await respond(asked.send, 200, [*headers, *left_of(asked, drop, None)])
        return
    desk, key = get_desk(asked.core), grant_key(asked, drop, 0)
    if not desk.may_begin_again(key) and drop.state != DRAFT:
        ids = tuple(file.id for file in drop.files)
        drop = await asked.core.db.write(store.count_download, drop.id, ids, asked.core.clock())
        if drop.max_downloads:
            desk.grant(key)
        asked.note_visit(drop, "/.zip")
    size = len(archive)
    download = desk.begin(drop.id, f"{name}.zip", size, who_of(asked))
    headers += left_of(asked, drop, None)
    await send_pieces(asked, 200, headers, zip_pieces(archive), download, key, 0, size)
