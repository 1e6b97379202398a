"""tus 1.0 at /d/tus: uploads that go on where they broke off."""

from __future__ import annotations

from contextlib import suppress

import msgspec

from fazt.apps.drops import actions, store
from fazt.apps.drops.actions import Admitted
from fazt.apps.drops.engine import get_desk
from fazt.apps.drops.model import Drop, Upload, clean_path, type_of
from fazt.apps.drops.routes.asked import NO_STORE, Asked, Header
from fazt.apps.drops.routes.filling import fill, finish_if_whole, offset_of, policy_of
from fazt.apps.drops.schema import FILLING
from fazt.apps.drops.wire import tus
from fazt.apps.drops.wire.share import options_of_fields, options_of_headers
from fazt.core.errors import Conflict, FaztError, Forbidden, Invalid, Locked, NotFound, TooLarge
from fazt.core.http.conditional import format_date
from fazt.core.http.errors import encode_problem, to_headers, to_problem
from fazt.core.http.messages import ClientGone, content_length, respond
from fazt.core.ids import new_slug

UPLOAD_CHARS = 24
RESUMABLE: Header = (b"tus-resumable", tus.VERSION.encode())
VERSIONS: Header = (b"tus-version", tus.VERSION.encode())


async def answer_tus(asked: Asked, segments: list[str]) -> None:
    """Everything at and below /d/tus. What goes wrong is told with tus's header, too."""
    method = asked.method
    if method == "POST":
        method = asked.headers.get("x-http-method-override", method).upper()
    try:
        if method == "OPTIONS":
            await describe(asked)
        elif method != "GET" and asked.headers.get("tus-resumable") != tus.VERSION:
            await respond(asked.send, 412, [RESUMABLE, VERSIONS])
        else:
            await dispatch(asked, method, segments[1] if len(segments) > 1 else "")
    except ClientGone:
        raise
    except FaztError as error:
        problem = to_problem(error)
        headers = [RESUMABLE, *to_headers(problem), (b"content-type", b"application/problem+json")]
        await respond(asked.send, problem.status, headers, encode_problem(problem))


async def dispatch(asked: Asked, method: str, upload_id: str) -> None:
    """By method; an upload's address is a secret, so whoever knows it may go on with it."""
    if not upload_id and method == "POST":
        await create(asked)
    elif not upload_id or not tus.UPLOAD_ID.match(upload_id):
        raise NotFound("There is no such upload, or it was given up.")
    elif method == "HEAD":
        await tell(asked, upload_id)
    elif method == "PATCH":
        await patch(asked, upload_id)
    elif method == "DELETE":
        await terminate(asked, upload_id)
    elif method == "GET":
        await lead_to_drop(asked, upload_id)
    else:
        await respond(asked.send, 405, [RESUMABLE, (b"allow", b"HEAD, PATCH, DELETE, GET")])


async def describe(asked: Asked) -> None:
    """What this server can do."""
    most = actions.read_policy(asked.core, is_stranger=False).max_bytes
    headers = [
        RESUMABLE,
        VERSIONS,
        (b"tus-extension", tus.EXTENSIONS.encode()),
        (b"tus-max-size", str(most).encode()),
        (b"tus-checksum-algorithm", ",".join(tus.CHECKSUMS).encode()),
        (b"allow", b"POST, HEAD, PATCH, DELETE, OPTIONS"),
    ]
    await respond(asked.send, 204, headers)


async def create(asked: Asked) -> None:
    """A new upload; some or all of its bytes may come along."""
    core, headers = asked.core, asked.headers
    metadata = tus.parse_metadata(headers.get("upload-metadata", ""))
    concat = tus.parse_concat(headers["upload-concat"]) if "upload-concat" in headers else None
    length = tus.parse_number(headers.get("upload-length"), "Upload-Length")
    is_final = concat is not None and not concat.is_partial
    if not is_final:
        check_length(length, headers.get("upload-defer-length"))
    admitted, known = await admit(asked, metadata)
    await actions.find_limit(core, admitted, length)
    if known is not None and length is not None and known.size + length > admitted.policy.max_bytes:
        raise TooLarge(f"A drop has at most {admitted.policy.max_bytes} bytes.")
    is_alone = known is None and not (concat is not None and concat.is_partial)
    draft = await new_draft(asked, admitted, metadata) if is_alone else None
    drop_id = draft.id if draft else known.id if known else ""
    made = new_upload(asked, admitted, metadata, drop_id, length)
    if concat is None or concat.is_partial:
        begun = await core.blobs.begin()
        made = msgspec.structs.replace(made, blob_upload=begun, is_alone=is_alone, is_partial=concat is not None)
        await core.db.write(store.begin_upload, made, draft, admitted.policy, core.clock())
        await receive_first(asked, made)
    else:
        made = msgspec.structs.replace(made, is_alone=is_alone)
        made = await core.db.write(store.join_uploads, made, draft, concat.parts, admitted.policy, core.clock())
        await respond(asked.send, 201, [*await headers_of(asked, made), location_of(asked, made)])


def check_length(length: int | None, deferred: str | None) -> None:
    """Raises Invalid unless a length is given, or put off in the one way there is."""
    if (length is None) == (deferred is None) or deferred not in {None, "1"}:
        raise Invalid("Say Upload-Length, or Upload-Defer-Length: 1.")


async def admit(asked: Asked, metadata: dict[str, str]) -> tuple[Admitted, Drop | None]:
    """Who sends, and the drop that `drop` in the metadata names, whose owner token a header shows."""
    core = asked.core
    if drop_id := metadata.get("drop", ""):
        known = await actions.check_manager(core, asked.scope, drop_id)
        return await actions.admit_to(core, known), known
    return await actions.admit(core, asked.scope, metadata.get("request", "")), None


async def new_draft(asked: Asked, admitted: Admitted, metadata: dict[str, str]) -> Drop:
    """The drop that an upload will be by itself; its options are headers, or in the metadata."""
    options = options_of_fields(metadata, options_of_headers(asked.headers))
    return await actions.new_drop(asked.core, admitted, options, "tus")


def new_upload(asked: Asked, admitted: Admitted, metadata: dict[str, str], drop_id: str, length: int | None) -> Upload:
    """An upload that nobody has written down yet; `filename` and `filetype` are Uppy's and tus-js-client's names."""
    now = asked.core.clock()
    path = clean_path(metadata.get("path") or metadata.get("filename") or metadata.get("name") or "")
    type = type_of(path, metadata.get("filetype") or metadata.get("type") or "")
    actions.check_kind(admitted, path, type)
    return Upload(
        id=new_slug(UPLOAD_CHARS),
        state=FILLING,
        blob_upload="",
        drop_id=drop_id,
        is_partial=False,
        is_alone=False,
        length=length,
        path=path,
        type=type,
        position=tus.parse_number(metadata.get("position"), "position"),
        metadata=asked.headers.get("upload-metadata", ""),
        concat=asked.headers.get("upload-concat", ""),
        user_id=admitted.uploader.user_id,
        visitor=admitted.uploader.visitor,
        parts=(),
        created_at=now,
        expires_at=now + actions.upload_ms(asked.core),
    )


def location_of(asked: Asked, made: Upload) -> Header:
    """Where the upload is."""
    return b"location", f"{actions.source_url(asked.core, asked.scope)}/d/tus/{made.id}".encode()


async def receive_first(asked: Asked, made: Upload) -> None:
    """Bytes that came with the creation (creation-with-upload), and the answer to it."""
    has_body = asked.headers.get("content-type", "").partition(";")[0].strip() == tus.BODY_TYPE
    if has_body:
        await fill(asked, made, 0)
    else:
        await finish_if_whole(asked, made)
    found = await asked.core.db.read(store.get_upload, made.id, asked.core.clock())
    headers = [*await headers_of(asked, found), location_of(asked, found)]
    if has_body:
        headers.append((b"upload-offset", str(await offset_of(asked, found)).encode()))
    await respond(asked.send, 201, headers)


async def headers_of(asked: Asked, found: Upload) -> list[Header]:
    """What every answer about an upload says, and where the drop is that it makes by itself."""
    headers = [RESUMABLE, NO_STORE, (b"upload-expires", format_date(found.expires_at).encode())]
    if found.is_alone:
        drop = await asked.core.db.read(store.find_drop, found.drop_id, asked.core.clock())
        if drop is not None and not drop.is_private:
            token = await get_desk(asked.core).owner_token(drop.id)
            headers.append((b"x-drop-url", actions.url_of(asked.core, asked.scope, drop.id).encode()))
            headers.append((b"x-owner-token", token.encode()))
    return headers


async def tell(asked: Asked, upload_id: str) -> None:
    """HEAD: how far it has come. A client asks after a cut, so a request that still seems to fill it ends now."""
    await get_desk(asked.core).take_over(upload_id)
    found = await asked.core.db.read(store.get_upload, upload_id, asked.core.clock())
    with suppress(Locked):
        found = await finish_if_whole(asked, found)
    headers = await headers_of(asked, found)
    headers.append((b"upload-offset", str(await offset_of(asked, found)).encode()))
    if found.length is None:
        headers.append((b"upload-defer-length", b"1"))
    else:
        headers.append((b"upload-length", str(found.length).encode()))
    if found.metadata:
        headers.append((b"upload-metadata", found.metadata.encode("latin-1", "replace")))
    if found.concat:
        headers.append((b"upload-concat", found.concat.encode("latin-1", "replace")))
    await respond(asked.send, 200, headers)


async def patch(asked: Asked, upload_id: str) -> None:
    """More bytes."""
    core = asked.core
    if asked.headers.get("content-type", "").partition(";")[0].strip() != tus.BODY_TYPE:
        await respond(asked.send, 415, [RESUMABLE])
        return
    offset = tus.parse_number(asked.headers.get("upload-offset"), "Upload-Offset")
    if offset is None:
        raise Invalid("Upload-Offset is missing.")
    found = await core.db.read(store.get_upload, upload_id, core.clock())
    if found.concat.startswith("final"):
        raise Forbidden("A final upload is made of its parts; nothing can be added.")
    await get_desk(core).take_over(upload_id)
    length = tus.parse_number(asked.headers.get("upload-length"), "Upload-Length")
    if length is not None:
        found = await core.db.write(store.set_length, upload_id, length, await policy_of(core, found), core.clock())
    await check_offset(asked, found, offset)
    if not await fill(asked, found, offset):
        await respond(asked.send, 460, [RESUMABLE])
        return
    found = await core.db.read(store.get_upload, upload_id, core.clock())
    headers = await headers_of(asked, found)
    await respond(asked.send, 204, [*headers, (b"upload-offset", str(await offset_of(asked, found)).encode())])


async def check_offset(asked: Asked, found: Upload, offset: int) -> None:
    """Raises Conflict where the client is mistaken, and TooLarge for more than was announced, before bytes come."""
    here = await offset_of(asked, found)
    if offset != here:
        raise Conflict(f"The upload is at byte {here}, not {offset}.", offset=here)
    announced = content_length(asked.scope)
    if found.length is not None and announced is not None and offset + announced > found.length:
        raise TooLarge(f"This upload was to have {found.length} bytes.", max_bytes=found.length)


async def terminate(asked: Asked, upload_id: str) -> None:
    """DELETE: give it up; one that became a drop of its own goes with it."""
    core = asked.core
    await get_desk(core).take_over(upload_id)
    found, hashes = await core.db.write(store.delete_upload, upload_id, core.clock())
    if found.state == FILLING and found.blob_upload:
        with suppress(NotFound):
            await core.blobs.abandon(found.blob_upload)
    elif found.is_alone:
        with suppress(NotFound):
            await core.db.write(store.delete_drop, found.drop_id, core.clock())
    await core.blobs.purge(hashes)
    await respond(asked.send, 204, [RESUMABLE])


async def lead_to_drop(asked: Asked, upload_id: str) -> None:
    """GET: to the drop that the upload belongs to."""
    found = await asked.core.db.read(store.get_upload, upload_id, asked.core.clock())
    if not found.drop_id:
        raise NotFound("This upload is a part of another.")
    await asked.redirect(f"/d/{found.drop_id}")
