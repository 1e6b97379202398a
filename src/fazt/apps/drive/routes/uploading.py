"""Uploads in pieces, as Nextcloud has them: `/dav/uploads/USER/ID/N`, then MOVE of `.file` to where it belongs."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from fazt.apps.drive import store
from fazt.apps.drive.actions import WRITE, assemble, receive_content
from fazt.apps.drive.model.locks import Terms
from fazt.apps.drive.model.nodes import Content, Put, Spot
from fazt.apps.drive.routes.asking import Ask, Refused, Reply
from fazt.apps.drive.routes.writing import MAX_FILE_BYTES, announced_bytes, put_headers, room, unique
from fazt.apps.drive.wire.headers import parse_checksums, parse_oc_time
from fazt.core.errors import Invalid, OverQuota, TooLarge
from fazt.core.http.messages import stream_body

ASSEMBLED = ".file"


async def upload(ask: Ask) -> Reply:
    """MKCOL, PUT, MOVE and DELETE below `/dav/uploads/`."""
    rest = ask.place.rest
    match ask.method, len(rest):
        case "MKCOL", 2:
            return await begin(ask)
        case "MKCOL", _:
            raise Refused(405, "Uploads are made at /dav/uploads/USER/ID.")
        case "PUT", 3:
            return await put_piece(ask)
        case "MOVE", 3 if rest[2] == ASSEMBLED:
            return await finish(ask)
        case "DELETE", 2:
            found = await ask.core.db.read(store.get_upload, ask.caller.user_id, rest[1])
            await ask.core.db.write(store.delete_upload, found.id)
            return Reply(204)
    raise Refused(405, "This cannot be done with an upload.", headers=((b"allow", b"MKCOL, PUT, MOVE, DELETE"),))


async def begin(ask: Ask) -> Reply:
    """A new upload; 405 where it is there already, which lets clients go on with it."""
    await ask.body()
    await check_total(ask)
    await ask.core.db.write(store.create_upload, ask.caller.user_id, ask.place.rest[1], ask.core.clock())
    return Reply(201)


async def check_total(ask: Ask) -> None:
    """Raises OverQuota early, where Destination and OC-Total-Length say what is to come."""
    total = ask.text(b"oc-total-length") or ""
    if b"destination" not in ask.headers or not (total.isascii() and total.isdigit()):
        return
    goal, _ = await ask.destination()
    if int(total[:18]) > await room(ask, goal):
        raise OverQuota("There is not enough room left in this drive.")


async def put_piece(ask: Ask) -> Reply:
    """One piece."""
    name = ask.place.rest[2]
    number = store.read_number(name)
    user_id, upload_name = ask.caller.user_id, ask.place.rest[1]
    await ask.core.db.read(store.get_upload, user_id, upload_name)
    await check_total(ask)
    announced = announced_bytes(ask)
    checks = unique(parse_checksums(ask.text(b"oc-checksum")))
    limit = MAX_FILE_BYTES if announced is None or ask.length is None else ask.length
    content = await receive_content(
        ask.core, stream_body(ask.scope, ask.receive, limit), max_bytes=limit, checks=checks
    )
    arrived = store.Piece(name, number, content.hash, content.size)
    is_new = await ask.core.db.write(keep_piece, user_id, upload_name, content, arrived, ask.core.clock())
    return Reply(201 if is_new else 204, [(b"oc-etag", f'"{content.hash[:32]}"'.encode())])


def keep_piece(conn: Connection, user_id: str, name: str, content: Content, arrived: store.Piece, now: int) -> bool:
    """Write small bytes and note the piece, at once."""
    if content.data is not None:
        from fazt.core.blobs import put  # noqa: PLC0415

        put(conn, content.data, now)
    return store.put_piece(conn, user_id, name, arrived, now)


async def finish(ask: Ask) -> Reply:
    """The pieces become a file: whole, and at once."""
    core, name = ask.core, ask.place.rest[1]
    ask.caller.check(WRITE)
    goal, _ = await ask.destination()
    terms = await ask.terms()
    found = await core.db.read(store.get_upload, ask.caller.user_id, name)
    pieces = await core.db.read(store.list_pieces, found.id)
    store.check_whole(pieces)
    size = sum(piece.size for piece in pieces)
    total = ask.text(b"oc-total-length") or ""
    if total.isascii() and total.isdigit() and int(total[:18]) != size:
        raise Invalid(f"{size} bytes have come, not the {total} that were announced.")
    plain = msgspec.structs.replace(terms, demands=(), tokens=terms.tokens)
    await core.db.read(store.check_put, goal, plain, size)
    checks = unique(parse_checksums(ask.text(b"oc-checksum")))
    try:
        stream = assemble(core, [piece.hash for piece in pieces])
        content = await receive_content(core, stream, max_bytes=MAX_FILE_BYTES, checks=checks, is_shown=bool(checks))
    except TooLarge as error:
        raise OverQuota("There is not enough room left in this drive.") from error
    content = msgspec.structs.replace(
        content,
        modified_at=parse_oc_time(ask.text(b"x-oc-mtime")),
        created_at=parse_oc_time(ask.text(b"x-oc-ctime")),
    )
    done = await core.db.write(put_whole, goal, content, plain, found.id)
    return Reply(201 if done.is_new else 204, put_headers(ask, done), changed=(goal,))


def put_whole(conn: Connection, goal: Spot, content: Content, terms: Terms, upload_id: int) -> Put:
    """The file and the end of its upload, in one step."""
    done = store.put_file(conn, goal, content, terms)
    store.delete_upload(conn, upload_id)
    return done
