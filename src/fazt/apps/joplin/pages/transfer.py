"""All notes as a JEX file or a folder of Markdown, and a JEX file that comes in."""

from __future__ import annotations

import asyncio
import re
import tarfile
import zipfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import IO, Any

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.response import Stream

from fazt.apps.joplin import actions
from fazt.apps.joplin.model import exports
from fazt.apps.joplin.model.items import FOLDER, NOTE, NOTE_TAG, RESOURCE, TAG, Item, parse_item, rewrite
from fazt.apps.joplin.model.names import ITEM, blob_name
from fazt.apps.joplin.model.notebooks import Notebook, build_tree
from fazt.apps.joplin.model.uploads import INLINE_BYTES, Upload, read_upload
from fazt.apps.joplin.store import editing, reading, transfer
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.clock import to_datetime
from fazt.core.errors import FaztError, Invalid, TooLarge
from fazt.core.http.access import member, needs
from fazt.ui import redirect

Asked = Request[Any, Any, Any]
IMPORT_BYTES = 16 * 1024**3
MAX_ENTRIES = 500_000
PIECE = 256 * 1024
BLOB = re.compile(r"resources/([0-9a-f]{32})(?:\.[^/]*)?")


async def every_item(core: Core, user_id: str) -> AsyncIterator[tuple[Any, bytes]]:
    """All items of a person but Joplin's own revisions, with their bytes."""
    after = 0
    while rows := await core.db.read(transfer.read_some, user_id, after):
        for row, data in rows:
            yield row, data
        after = rows[-1][0].id


async def read_blob(core: Core, row: Any, data: bytes) -> AsyncIterator[bytes]:
    """The bytes of an attachment, piece by piece."""
    if row.hash is None:
        yield data
        return
    async for piece in core.blobs.open(row.hash):
        yield piece


async def write_jex(core: Core, user_id: str) -> AsyncIterator[bytes]:
    """A tar archive as Joplin imports it."""
    async for row, data in every_item(core, user_id):
        yield exports.tar_head(row.name, len(data), row.item_updated_at) + data + exports.tar_fill(len(data))
        blob = await core.db.read(transfer.find_blob, user_id, row.item_id) if row.type == RESOURCE else None
        if blob is not None:
            of_blob, inline = blob
            name = f"resources/{row.item_id}{exports.extension_of(parse_item(data))}"
            yield exports.tar_head(name, of_blob.size, row.item_updated_at)
            async for piece in read_blob(core, of_blob, inline):
                yield piece
            yield exports.tar_fill(of_blob.size)
    yield b"\0" * 1024


class Sink:
    """What a zip archive is written to: keeps what was written until it is taken. It cannot seek."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        """See io."""
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """See io."""

    def take(self) -> bytes:
        """What was written since the last time."""
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


@dataclass(slots=True)
class Plan:
    """Where everything goes in a folder of Markdown."""

    folders: dict[str, tuple[str, ...]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    tags: dict[str, set[str]] = field(default_factory=dict)


async def make_plan(core: Core, user_id: str) -> Plan:
    """Read everything once, for names and tags."""
    plan, names, pairs = Plan(), {}, []
    tree = await core.db.read(read_tree, user_id)
    taken: dict[str, set[str]] = {}
    for one in tree:
        above = plan.folders.get(one.parent_id, ()) if one.depth else ()
        here = taken.setdefault("/".join(above), {exports.RESOURCES})
        plan.folders[one.id] = (*above, exports.unique(exports.safe_name(one.title), here))
    async for row, data in every_item(core, user_id):
        if row.is_encrypted or row.deleted_at:
            continue
        item = parse_item(data)
        if row.type == NOTE:
            where = "/".join(plan.folders.get(item.parent_id, ()))
            name = exports.unique(exports.safe_name(item.title), taken.setdefault(where, set()), ".md")
            plan.files[row.item_id] = f"{where}/{name}" if where else name
        elif row.type == RESOURCE:
            plan.files[row.item_id] = f"{exports.RESOURCES}/{row.item_id}{exports.extension_of(item)}"
        elif row.type == TAG:
            names[row.item_id] = item.title
        elif row.type == NOTE_TAG:
            pairs.append((item.parent_id, item.target_id))
    for note_id, tag_id in pairs:
        if tag_id in names:
            plan.tags.setdefault(note_id, set()).add(names[tag_id])
    return plan


def read_tree(conn: Any, user_id: str) -> list[Notebook]:
    """The notebooks at their places."""
    return build_tree(reading.list_folders(conn, user_id), {})


async def write_zip(core: Core, user_id: str) -> AsyncIterator[bytes]:
    """A zip archive of Markdown files in folders, with their attachments."""
    plan, sink = await make_plan(core, user_id), Sink()
    stream: Any = sink
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
        async for row, data in every_item(core, user_id):
            path = plan.files.get(row.item_id)
            if path is None or row.type == FOLDER:
                continue
            info = zipfile.ZipInfo(path, exports.file_date(row.item_updated_at))
            info.compress_type = zipfile.ZIP_DEFLATED if row.type == NOTE else zipfile.ZIP_STORED
            if row.type == NOTE:
                archive.writestr(info, to_markdown(parse_item(data), path, plan, row.item_id))
            elif row.type == RESOURCE:
                async for piece in zip_blob(core, user_id, archive, info, row.item_id, sink):
                    yield piece
            yield sink.take()
    yield sink.take()


async def zip_blob(
    core: Core, user_id: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo, id: str, sink: Sink
) -> AsyncIterator[bytes]:
    """One attachment of the archive, piece by piece."""
    found = await core.db.read(transfer.find_blob, user_id, id)
    if found is None:
        return
    with archive.open(info, "w", force_zip64=found[0].size > 2**31) as entry:
        async for piece in read_blob(core, *found):
            entry.write(piece)
            yield sink.take()


def to_markdown(note: Item, path: str, plan: Plan, id: str) -> str:
    """A note as a file."""
    body = exports.relink(note.body, path.count("/"), plan.files)
    return exports.front_matter(note, plan.tags.get(id, ())) + body + "\n"


def download(core: Core, pieces: AsyncIterator[bytes], name: str, media_type: str) -> Stream:
    """An answer that is saved."""
    day = to_datetime(core.clock()).date().isoformat()
    headers = {"content-disposition": f'attachment; filename="notes-{day}.{name}"', "cache-control": "no-store"}
    return Stream(pieces, media_type=media_type, headers=headers)


@get("/joplin/export/jex", guards=[needs("joplin:read")])
async def export_jex(core: Core, caller: Caller) -> Stream:
    """All notes as Joplin exports them."""
    return download(core, write_jex(core, caller.user_id), "jex", "application/x-tar")


@get("/joplin/export/markdown", guards=[needs("joplin:read")])
async def export_markdown(core: Core, caller: Caller) -> Stream:
    """All notes as Markdown files in a zip archive."""
    return download(core, write_zip(core, caller.user_id), "zip", "application/zip")


@dataclass(slots=True)
class Tally:
    """How an import goes."""

    taken: int = 0
    known: int = 0
    refused: int = 0


async def import_jex(core: Core, caller: Caller, file: IO[bytes]) -> Tally:
    """Bring in what is not here yet. Raises Invalid where it is no JEX file, Conflict where no device has been here."""
    await core.db.read(editing.check_writable_account, caller.user_id)
    tally = Tally()
    entries = iterate(file)
    while True:
        entry = await asyncio.to_thread(next, entries, None)
        if entry is None:
            return tally
        if tally.taken + tally.known + tally.refused >= MAX_ENTRIES:
            raise TooLarge(f"An archive may have {MAX_ENTRIES} entries.")
        try:
            is_new = await bring_in(core, caller, *entry)
        except FaztError:
            tally.refused += 1
            continue
        tally.taken += is_new
        tally.known += not is_new


def iterate(file: IO[bytes]) -> Iterator[tuple[str, int, IO[bytes]]]:
    """Name, size and content of the files in a tar archive. Raises Invalid."""
    try:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            for entry in archive:
                content = archive.extractfile(entry) if entry.isfile() else None
                if content is not None:
                    yield entry.name.removeprefix("./"), entry.size, content
    except tarfile.TarError as error:
        raise Invalid("This is not a JEX file.", hint="Joplin makes one: File, Export all, JEX.") from error


async def bring_in(core: Core, caller: Caller, name: str, size: int, content: IO[bytes]) -> bool:
    """One entry; False where it is here already. Raises Invalid, TooLarge for what is nothing of Joplin's."""
    blob = BLOB.fullmatch(name)
    if blob is not None:
        name = blob_name(blob[1])
    elif not ITEM.fullmatch(name):
        raise Invalid("Nothing of Joplin's has this name.")
    if size > actions.max_bytes_of(core, name):
        raise actions.too_large(actions.max_bytes_of(core, name))
    upload = await receive(core, name, size, content)
    keeping = actions.keeping_of(core)
    return await core.db.write(transfer.bring_in, caller.user_id, upload, keeping, core.clock())


async def receive(core: Core, name: str, size: int, content: IO[bytes]) -> Upload:
    """The entry as an upload; a share that it was in elsewhere is no share here."""
    if ITEM.fullmatch(name):
        data = await asyncio.to_thread(content.read)
        item = parse_item(data)
        if item.share_id and not item.is_encrypted:
            data = rewrite(data, {"share_id": "", "is_shared": "0"})
            item = parse_item(data)
        if len(data) <= INLINE_BYTES:
            return read_upload(name, data)
        kept = await core.blobs.receive(once(data), max_bytes=len(data))
        return Upload(name, len(data), hash=kept.hash, item=item)
    if size <= INLINE_BYTES:
        return Upload(name, size, await asyncio.to_thread(content.read))
    kept = await core.blobs.receive(pieces_of(content), max_bytes=size)
    return Upload(name, kept.size, hash=kept.hash)


async def once(data: bytes) -> AsyncIterator[bytes]:
    """Bytes as a stream."""
    yield data


async def pieces_of(content: IO[bytes]) -> AsyncIterator[bytes]:
    """A file as a stream."""
    while piece := await asyncio.to_thread(content.read, PIECE):
        yield piece


@post("/joplin/import", guards=[member], request_max_body_size=IMPORT_BYTES)
async def import_notes(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Bring a JEX file in."""
    upload: Any = (await request.form()).get("file")
    if not isinstance(upload, UploadFile) or not upload.filename:
        raise Invalid("Choose a .jex file first.")
    tally = await import_jex(core, caller, upload.file)
    said = f"{tally.taken} items are new, {tally.known} were here already"
    said += f", {tally.refused} could not be taken." if tally.refused else "."
    return redirect(request, "/joplin/storage", said, kind="warn" if tally.refused else "good")


PAGES = [export_jex, export_markdown, import_notes]
