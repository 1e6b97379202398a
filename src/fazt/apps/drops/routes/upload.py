"""`curl -T` and `curl -F`: a whole file, or a form with some, in one request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress

from fazt.apps.drops import actions, store
from fazt.apps.drops.actions import Admitted
from fazt.apps.drops.engine import get_desk
from fazt.apps.drops.model import Drop, Options, Part, clean_path, type_of
from fazt.apps.drops.routes.asked import Asked
from fazt.apps.drops.wire.form import FieldRead, FileBegun, FileData, FileEnded, FormReader, Piece, parse_boundary
from fazt.apps.drops.wire.share import options_of_fields, options_of_headers
from fazt.core.errors import FaztError, Invalid
from fazt.core.http.messages import content_length, read_body, stream_body

SMALL_BYTES = 65_536
"""Up to here the bytes and the drop are written together."""
FORM_SPARE = 1 << 20
"""What the fields and separators of a form may add to its files."""


async def put_file(asked: Asked, name: str, *, drop_id: str = "", request_id: str = "") -> None:
    """One file as the body. Everything is checked before the first byte is asked for."""
    core = asked.core
    options = options_of_headers(asked.headers)
    path = clean_path(name)
    type = type_of(path, asked.headers.get("content-type", ""))
    known = await actions.check_manager(core, asked.scope, drop_id) if drop_id else None
    admitted = await admit_for(asked, known, request_id)
    actions.check_kind(admitted, path, type)
    announced = content_length(asked.scope)
    limit = await actions.find_limit(core, admitted, announced)
    if known is None and announced is not None and announced <= SMALL_BYTES:
        data = await read_body(asked.scope, asked.receive, limit)
        new = store.NewFile(path, type, (Part("", len(data)),))
        drop = await actions.share_file(core, admitted, options, new, "put", data)
    else:
        blob = await core.blobs.receive(stream_body(asked.scope, asked.receive, limit), max_bytes=limit)
        new = store.NewFile(path, type, (Part(blob.hash, blob.size),))
        if known is None:
            drop = await actions.share_file(core, admitted, options, new, "put")
        else:
            drop = await add_to(asked, known, new, admitted)
    await asked.made(drop, await get_desk(core).owner_token(drop.id))


async def admit_for(asked: Asked, known: Drop | None, request_id: str) -> Admitted:
    """Who sends; what is added to a drop counts for whoever made it."""
    if known is None:
        return await actions.admit(asked.core, asked.scope, request_id)
    return await actions.admit_to(asked.core, known)


async def add_to(asked: Asked, known: Drop, new: store.NewFile, admitted: Admitted) -> Drop:
    """One more file in a drop that is there."""
    core = asked.core
    await core.db.write(store.add_checked, known.id, new, admitted.uploader, admitted.policy, core.clock())
    return await core.db.read(store.get_drop, known.id, core.clock())


async def post_form(asked: Asked, request_id: str) -> None:
    """A form with files: all of them one drop, which appears when the last has come."""
    core = asked.core
    boundary = parse_boundary(asked.headers.get("content-type", ""))
    options = options_of_headers(asked.headers)
    admitted = await actions.admit(core, asked.scope, request_id)
    limit = await actions.find_limit(core, admitted, max(0, (content_length(asked.scope) or 0) - FORM_SPARE))
    draft = await actions.begin_draft(core, admitted, options, "form", draft_ms=actions.FORM_DRAFT_MS)
    try:
        fields = await take_form(asked, admitted, draft, boundary, limit)
        changed = options_of_fields(fields, options)
        await apply_fields(asked, draft, options, changed)
        drop = await actions.finish_draft(core, draft.id)
    except BaseException:
        with suppress(FaztError):  # it is gone already, or the disk is full: then the sweeper does it later
            await actions.delete_drop(core, draft)
        raise
    await asked.made(drop, await get_desk(core).owner_token(drop.id))


async def take_form(asked: Asked, admitted: Admitted, draft: Drop, boundary: bytes, limit: int) -> dict[str, str]:
    """Add every file to the draft as it comes in; the fields. Raises Invalid where there is no file."""
    core, fields, count, total = asked.core, dict[str, str](), 0, 0
    pieces = read_pieces(asked, boundary, limit + FORM_SPARE)
    async for piece in pieces:
        if isinstance(piece, FieldRead):
            if piece.name == "file" and piece.value:  # a paste: curl -F 'file=<notes.txt', or a text field
                piece = FieldRead("text", piece.value)  # noqa: PLW2901 - the same piece under the name we know
            check_field(piece)
            fields[piece.name] = piece.value
        elif isinstance(piece, FileBegun):
            path = clean_path(piece.name)
            type = type_of(path, piece.type)
            actions.check_kind(admitted, path, type)
            blob = await core.blobs.receive(file_bytes(pieces), max_bytes=max(0, limit - total))
            total += blob.size
            new = store.NewFile(path, type, (Part(blob.hash, blob.size),))
            await core.db.write(store.add_checked, draft.id, new, admitted.uploader, admitted.policy, core.clock())
            count += 1
    text = fields.pop("text", "")
    if text:
        await add_text(asked, admitted, draft, text, fields.get("name", ""))
    elif not count:
        raise Invalid("There is no file in this form.", hint="curl -F file=@NAME sends one.")
    return fields


def check_field(piece: FieldRead) -> None:
    """Raises Invalid for what 0x0 would do and we do not, so that nobody believes we did."""
    if piece.name in {"url", "shorten"}:
        raise Invalid("Files are not fetched from other addresses here.")


async def add_text(asked: Asked, admitted: Admitted, draft: Drop, text: str, name: str) -> None:
    """A paste is a file, too."""
    core = asked.core

    async def once() -> AsyncIterator[bytes]:
        yield text.encode()

    path = clean_path(name or "paste.txt")
    actions.check_kind(admitted, path, "text/plain")
    blob = await core.blobs.receive(once(), max_bytes=admitted.policy.max_bytes)
    new = store.NewFile(path, "text/plain", (Part(blob.hash, blob.size),))
    await core.db.write(store.add_checked, draft.id, new, admitted.uploader, admitted.policy, core.clock())


async def read_pieces(asked: Asked, boundary: bytes, limit: int) -> AsyncIterator[Piece]:
    """The form, piece by piece."""
    reader = FormReader(boundary)
    async for data in stream_body(asked.scope, asked.receive, limit):
        for piece in reader.feed(data):
            yield piece
    reader.end()


async def file_bytes(pieces: AsyncIterator[Piece]) -> AsyncIterator[bytes]:
    """The bytes of the file that has begun, up to its end."""
    async for piece in pieces:
        if isinstance(piece, FileData):
            yield piece.data
        elif isinstance(piece, FileEnded):
            return
    raise Invalid("The form ends too early.")


async def apply_fields(asked: Asked, draft: Drop, known: Options, changed: Options) -> None:
    """What fields of the form chose over the headers, wherever in the form they stand."""
    if changed == known:
        return
    now = asked.core.clock()
    lifetime_s = changed.lifetime_s
    if changed.expires_at is not None:
        lifetime_s = (changed.expires_at - now) // 1_000
    changes = actions.Changes(
        title=changed.title,
        note=changed.note,
        lifetime_s=lifetime_s,
        is_sliding=changed.is_sliding,
        max_downloads=changed.max_downloads,
        password=changed.password or None,
    )
    await actions.change_drop(asked.core, draft, changes)
