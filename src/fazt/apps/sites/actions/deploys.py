"""Deploys: a manifest, the bytes that are missing, then the switch; or all at once in an archive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from itertools import islice
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from fazt.apps.sites import store
from fazt.apps.sites.actions.limits import WRITE, check_access, read_limits
from fazt.apps.sites.engine import Hosting, pack
from fazt.apps.sites.model import Limits, Site, Version, check_hash, check_limits, check_name, check_path
from fazt.apps.sites.store import Bytes, Content, Deploy, Manifest
from fazt.apps.sites.wire.archive import Archive, Member, open_archive
from fazt.apps.sites.wire.headers import parse_headers
from fazt.apps.sites.wire.ignore import Ignore
from fazt.apps.sites.wire.redirects import parse_redirects
from fazt.apps.sites.wire.types import MAX_COMPRESSED, is_compressible
from fazt.core.blobs import Blob
from fazt.core.errors import Invalid, NotFound, OverQuota, Unavailable
from fazt.core.ids import new_id

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.auth import Caller

MAX_BATCH_BYTES = 8 << 20
SMALL_BYTES = 512 << 10
"""Up to here bytes are written in one go; larger ones go through core.blobs piece by piece."""
GROUP_BYTES = 1 << 20
GROUP_FILES = 40
RULES = {"_redirects": parse_redirects, "_headers": parse_headers}


class Plan(msgspec.Struct, frozen=True):
    """A deploy that has begun: send the bytes of `missing` hashes, then finish it. `ignored` paths stay behind."""

    id: str
    missing: list[str]
    ignored: list[str]


class Report(msgspec.Struct, frozen=True):
    """What came of a deploy. `warnings` are lines of `_redirects` and `_headers` that are passed over."""

    site: str
    version: Version
    is_new: bool
    warnings: list[str]


async def begin(core: Core, caller: Caller, name: str, manifest: Manifest, *, source: str, message: str) -> Plan:
    """Check what is to be deployed, and say what has to be sent. Makes the site if there is none.

    Raises Invalid, Conflict, TooLarge and Forbidden before anything is changed.
    """
    kept = Ignore().keep(manifest)
    ignored = sorted(manifest.keys() - set(kept))
    manifest = {path: manifest[path] for path in kept}
    store.check_manifest(manifest)
    check_limits({path: size for path, (_, size) in manifest.items()}, read_limits(core))
    site = await find_or_create(core, caller, name)
    deploy = new_deploy(core, caller, site, manifest, source=source, message=message)
    await core.db.write(store.begin_deploy, deploy, core.clock())
    hashes = [hash for hash, _ in manifest.values()]
    return Plan(deploy.id, await core.db.read(store.find_missing, site.id, hashes), ignored)


def new_deploy(core: Core, caller: Caller, site: Site, manifest: Manifest, *, source: str, message: str) -> Deploy:
    """A deploy by `caller`, that nobody knows of yet."""
    return Deploy(new_id(core.clock()), site.id, caller.user_id, source, message[:500], manifest)


async def find_or_create(core: Core, caller: Caller, name: str) -> Site:
    """The caller's site, made where there is none."""
    caller.check(f"{WRITE}:{check_name(name)}")
    now = core.clock()
    site = await core.db.write(store.ensure_site, name, caller.user_id, now, any_owner=caller.is_owner)
    if site.created_at == now:
        await show(core, site.id)
    return site


async def get_begun(core: Core, caller: Caller, name: str, deploy_id: str) -> Deploy:
    """A deploy of the caller's. Raises NotFound."""
    site = check_access(caller, await core.db.read(store.get_site, check_name(name)), WRITE)
    return await core.db.read(store.get_deploy, site.id, deploy_id)


async def receive_blob(core: Core, deploy: Deploy, hash: str, stream: AsyncIterator[bytes]) -> None:
    """The bytes of one of a deploy's files. Raises Invalid where they are others, NotFound where none has that hash."""
    path, size = wanted(deploy)[check_hash(hash)] if hash in wanted(deploy) else refuse(hash)
    if size <= MAX_COMPRESSED and (size <= SMALL_BYTES or is_compressible(path, size)):
        data = b"".join([piece async for piece in limited(stream, size)])
        check_bytes(hash, size, data)
        await keep_contents(core, deploy.site_id, [await asyncio.to_thread(pack, path, data)])
        return
    blob = await core.blobs.receive(stream, max_bytes=size)
    if blob.hash != hash:
        raise Invalid("The bytes are not those that the manifest announced.", expected=hash, got=blob.hash)
    await keep_contents(core, deploy.site_id, [Content(Bytes(blob.hash, blob.size))])


async def limited(stream: AsyncIterator[bytes], size: int) -> AsyncIterator[bytes]:
    """`stream`, until it is longer than `size`."""
    seen = 0
    async for piece in stream:
        seen += len(piece)
        if seen > size:
            raise Invalid(f"There are more than the {size} bytes that the manifest announced.")
        yield piece


async def receive_batch(core: Core, deploy: Deploy, blobs: Mapping[str, bytes]) -> None:
    """The bytes of many small files, by hash. Raises as receive_blob, and then keeps none of them."""
    known = wanted(deploy)
    for hash, data in blobs.items():
        check_bytes(hash, known[hash][1] if hash in known else refuse(hash)[1], data)
    contents = await asyncio.to_thread(lambda: [pack(known[hash][0], data) for hash, data in blobs.items()])
    await keep_contents(core, deploy.site_id, contents)


def wanted(deploy: Deploy) -> dict[str, tuple[str, int]]:
    """By hash: a path that has these bytes (one that is worth compressing, if any), and how many they are."""
    found: dict[str, tuple[str, int]] = {}
    for path, (hash, size) in deploy.manifest.items():
        if hash not in found or is_compressible(path, size):
            found[hash] = (path, size)
    return found


def refuse(hash: str) -> tuple[str, int]:
    """Raises NotFound."""
    raise NotFound(f"No file of this deploy has the hash {hash[:64]!r}.")


def check_bytes(hash: str, size: int, data: bytes) -> None:
    """Raises Invalid where `data` is not what was announced."""
    if len(data) != size or sha256(data).hexdigest() != hash:
        raise Invalid("The bytes are not those that the manifest announced.", expected=hash)


async def keep_contents(core: Core, site_id: int, contents: list[Content]) -> None:
    """Write bytes for a site: small ones together, large ones piece by piece."""
    ready: list[Content] = []
    for content in contents:
        parts = [await settle(core, part) for part in (content.raw, content.gzip, content.brotli)]
        assert parts[0] is not None, "every content has its plain bytes"
        ready.append(Content(parts[0], parts[1], parts[2]))
    for group in split(ready):
        core.db.check_room(sum(content.held_bytes for content in group))
        await core.db.write(store.add_uploads, site_id, group, core.clock())


async def settle(core: Core, part: Bytes | None) -> Bytes | None:
    """`part`, its bytes received where they are large."""
    if part is None or part.data is None or part.size <= SMALL_BYTES:
        return part
    blob = await core.blobs.receive(pieces(part.data), max_bytes=part.size)
    return Bytes(blob.hash, blob.size)


async def pieces(data: bytes) -> AsyncIterator[bytes]:
    """`data` as a stream."""
    for start in range(0, len(data), SMALL_BYTES):
        yield data[start : start + SMALL_BYTES]


def split(contents: Iterable[Content]) -> Iterator[list[Content]]:
    """Groups that are written in some milliseconds each, so that others get their turn."""
    group: list[Content] = []
    size = 0
    for content in contents:
        group.append(content)
        size += sum(len(part.data or b"") for part in (content.raw, content.gzip, content.brotli) if part)
        if size >= GROUP_BYTES or len(group) >= GROUP_FILES:
            yield group
            group, size = [], 0
    if group:
        yield group


async def finish(core: Core, deploy: Deploy) -> Report:
    """The switch: when this returns, visitors see the new version. Raises Conflict while bytes are missing."""
    warnings = await check_rules(core, deploy)
    done = await core.db.write(store.finish_deploy, deploy, core.clock())
    if done.is_new:
        await show(core, deploy.site_id)
    return Report(done.site.name, done.version, done.is_new, warnings)


async def check_rules(core: Core, deploy: Deploy) -> list[str]:
    """What is odd about `_redirects` and `_headers`. Raises Invalid for what may not be passed over."""
    warnings: list[str] = []
    for path, parse in RULES.items():
        hash, size = deploy.manifest.get(path, ("", 0))
        if not hash:
            continue
        if size > 1 << 20:
            raise Invalid(f"{path} is larger than 1 MiB.")
        try:
            text = (await core.blobs.read(hash)).decode(errors="replace")
        except NotFound:
            continue  # not sent yet: finishing says so
        warnings += parse(text)[1]
    return warnings


async def show(core: Core, site_id: int) -> None:
    """Let the hosts follow; without a server there are none."""
    if Hosting in core.engines:
        await core.get(Hosting).reload(site_id)


# --- all at once


async def deploy_archive(
    core: Core, caller: Caller, name: str, stream: AsyncIterator[bytes], *, source: str, message: str
) -> Report:
    """A zip or tar.gz as the next version of a site. Refused whole (Invalid, Conflict, TooLarge), or shown."""
    caller.check(f"{WRITE}:{check_name(name)}")
    limits = read_limits(core)
    async with spooled(stream) as file:
        archive = await asyncio.to_thread(open_archive, file, limits)
        started = core.clock()
        site = await find_or_create(core, caller, name)
        try:
            manifest = await send_archive(core, site, archive)
            return await finish(core, new_deploy(core, caller, site, manifest, source=source, message=message))
        except BaseException:
            if site.created_at >= started and not site.version:
                await take_back(core, site)
            raise


async def take_back(core: Core, site: Site) -> None:
    """Remove a site whose first deploy came to nothing, so that what was refused has changed nothing."""
    with suppress(OverQuota, Unavailable):  # the disk is too full even for that: it stays, empty, to be deleted
        await core.db.write(store.take_back_site, site.id, core.clock())
        await show(core, site.id)


def open_temporary() -> BinaryIO:
    """A file without a name, which goes with the program at the latest."""
    file: BinaryIO = TemporaryFile(prefix="fazt-")  # noqa: SIM115 - closed by `spooled`
    return file


@asynccontextmanager
async def spooled(stream: AsyncIterator[bytes]) -> AsyncIterator[BinaryIO]:
    """A temporary file with the bytes of `stream`, gone after the block."""
    file = await asyncio.to_thread(open_temporary)
    try:
        async for piece in stream:
            await asyncio.to_thread(file.write, piece)
        yield file
    finally:
        await asyncio.to_thread(file.close)


async def send_archive(core: Core, site: Site, archive: Archive) -> Manifest:
    """Keep what the site does not have yet of an archive's files; the manifest of all of them."""
    known = set(await core.db.read(store.find_known, site.id))
    manifest: Manifest = {}
    groups = group_members(archive.members)
    while group := next(groups, None):
        if group[0].size > MAX_COMPRESSED:
            contents = [await receive_member(core, archive, group[0])]
        else:
            contents = await asyncio.to_thread(pack_members, archive, group, known)
        manifest |= {member.path: (c.raw.hash, c.raw.size) for member, c in zip(group, contents, strict=True)}
        await keep_contents(core, site.id, [content for content in contents if content.raw.hash not in known])
    return manifest


def group_members(members: Iterable[Member]) -> Iterator[list[Member]]:
    """Members that are read together: some megabytes of small ones, or one that is too large for memory."""
    group: list[Member] = []
    for member in members:
        if group and (sum(m.size for m in group) + member.size > 4 * GROUP_BYTES or len(group) >= GROUP_FILES):
            yield group
            group = []
        group.append(member)
    if group:
        yield group


def pack_members(archive: Archive, members: list[Member], known: set[str]) -> list[Content]:
    """The contents of members; those that are known are not compressed again."""
    contents = []
    for member in members:
        data = b"".join(archive.read(member))
        hash = sha256(data).hexdigest()
        contents.append(Content(Bytes(hash, len(data))) if hash in known else pack(member.path, data))
    return contents


async def receive_member(core: Core, archive: Archive, member: Member) -> Content:
    """A large member, read piece by piece on a thread."""

    async def stream() -> AsyncIterator[bytes]:
        chunks = archive.read(member)
        while some := await asyncio.to_thread(lambda: list(islice(chunks, 4))):
            for chunk in some:
                yield chunk

    blob = await core.blobs.receive(stream(), max_bytes=member.size)
    return Content(Bytes(blob.hash, blob.size))


async def put_files(
    core: Core, caller: Caller, name: str, changes: Mapping[str, bytes | Blob | None], *, message: str = ""
) -> Report:
    """The current version with some files put (as bytes, or as blobs that are here) and others (None) taken away."""
    site = await find_or_create(core, caller, name)
    files = await core.db.read(store.load_files, site.id, site.version)
    manifest: Manifest = {path: (entry.hash, entry.size) for path, entry in files.items()}
    contents = []
    for path, data in changes.items():
        if data is None:
            manifest.pop(path, None)
            continue
        content = await pack_any(core, check_path(path), data)
        contents.append(content)
        manifest[path] = (content.raw.hash, content.raw.size)
    store.check_manifest(manifest)
    limits: Limits = read_limits(core)
    check_limits({path: size for path, (_, size) in manifest.items()}, limits)
    await keep_contents(core, site.id, contents)
    return await finish(core, new_deploy(core, caller, site, manifest, source="script", message=message))


async def pack_any(core: Core, path: str, data: bytes | Blob) -> Content:
    """The content of a file that is at hand, or of one whose bytes are in a blob."""
    if isinstance(data, Blob):
        if data.size > MAX_COMPRESSED or not is_compressible(path, data.size):
            return Content(Bytes(data.hash, data.size))
        data = await core.blobs.read(data.hash)
    return await asyncio.to_thread(pack, path, data)
