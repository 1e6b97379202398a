"""Versions: each deploy is one, the site shows one of them, and old ones go."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, exists, func, insert, select, update

from fazt.apps.sites.model import FileEntry, Site, Version, check_hash, check_paths
from fazt.apps.sites.schema import OPEN, deploy, domain, file, site, upload, version
from fazt.apps.sites.store.contents import CONTENT, drop_entry, sweep_uploads, take_over
from fazt.apps.sites.store.sites import get_site_by_id
from fazt.core.errors import Conflict, Invalid, NotFound
from fazt.core.events import Event, emit
from fazt.core.jobs import enqueue

COLLECT_JOB = "sites.collect"
Manifest = dict[str, tuple[str, int]]
"""Path: SHA-256 and size of its bytes."""

f, v = file.c, version.c
VERSION = ("number", "created_at", "created_by", "source", "message", "file_count", "total_bytes", "changed_files")
_OPEN = select(f.id, f.path, f.hash, f.size).where(f.site_id == bindparam("site_id"), f.until == OPEN)
_FILES = select(f.path, *(f[name] for name in CONTENT)).where(
    f.site_id == bindparam("site_id"), f.first <= bindparam("number"), f.until > bindparam("number")
)
_CLOSE = update(file).where(f.id == bindparam("file_id")).values(until=bindparam("closed"))
_ADD = insert(file)
_VERSIONS = select(version).where(v.site_id == bindparam("site_id")).order_by(v.number.desc())
_HELD = exists().where(v.site_id == f.site_id, v.number >= f.first, v.number < f.until)
_LOOSE = (
    select(f.id, *(f[name] for name in CONTENT))
    .where(f.site_id == bindparam("site_id"), ~_HELD)
    .limit(bindparam("limit"))
)


class Deploy(msgspec.Struct, frozen=True):
    """A deploy under way."""

    id: str
    site_id: int
    created_by: str
    source: str
    message: str
    manifest: Manifest


class Finished(msgspec.Struct, frozen=True):
    """What a deploy came to. `is_new` is False where nothing had changed."""

    site: Site
    version: Version
    is_new: bool


def check_manifest(manifest: Mapping[str, tuple[str, int]]) -> None:
    """Raises Invalid or Conflict for paths, hashes and sizes that cannot be."""
    check_paths(manifest)
    for path, (hash, size) in manifest.items():
        check_hash(hash)
        if size < 0:
            raise Invalid(f"The size of {path!r} is {size}.")
    if not manifest:
        raise Invalid("There is no file to deploy.")


def begin_deploy(conn: Connection, begun: Deploy, now: int) -> None:
    """Note a deploy under way."""
    packed = zlib.compress(msgspec.json.encode(begun.manifest), 1)
    row = msgspec.structs.asdict(begun)
    conn.execute(insert(deploy).values({**row, "manifest": packed, "created_at": now}))


def get_deploy(conn: Connection, site_id: int, deploy_id: str) -> Deploy:
    """Raises NotFound."""
    row = conn.execute(select(deploy).where(deploy.c.id == deploy_id, deploy.c.site_id == site_id)).first()
    if row is None:
        raise NotFound("This deploy is over, or never began.", hint="Begin it again; what was sent is not lost.")
    manifest = msgspec.json.decode(zlib.decompress(row.manifest), type=Manifest)
    return Deploy(row.id, row.site_id, row.created_by, row.source, row.message, manifest)


def finish_deploy(conn: Connection, begun: Deploy, now: int) -> Finished:
    """Make the deploy the version that is shown, in one step.

    Raises NotFound when the site was deleted meanwhile, Conflict (with `details["missing"]`) while bytes are
    missing, Invalid where a size in the manifest is not that of the bytes.
    """
    found = get_site_by_id(conn, begun.site_id)
    if found.deleted_at is not None:
        raise NotFound(f"The site {found.name!r} was deleted meanwhile.")
    conn.execute(delete(deploy).where(deploy.c.id == begun.id))
    latest: int = conn.scalar(select(site.c.latest).where(site.c.id == found.id)) or 0
    number = latest + 1
    changed = put_files(conn, found.id, begun.manifest, number)
    if not changed and latest and found.version == latest:
        return Finished(found, get_version(conn, found.id, latest), is_new=False)
    totals = {"file_count": len(begun.manifest), "total_bytes": sum(size for _, size in begun.manifest.values())}
    facts = {"created_at": now, "created_by": begun.created_by, "source": begun.source, "message": begun.message}
    conn.execute(
        insert(version).values({"site_id": found.id, "number": number, "changed_files": changed, **totals, **facts})
    )
    show_version(conn, found.id, number, now, latest=number)
    data = {"site": found.name, "version": number, "files": len(begun.manifest), "by": begun.created_by}
    emit(conn, Event("sites.deployed", data, key=found.name), now=now)
    prune_versions(conn, found.id, found.options.keep, now)
    return Finished(get_site_by_id(conn, found.id), get_version(conn, found.id, number), is_new=True)


def put_files(conn: Connection, site_id: int, manifest: Manifest, number: int) -> int:
    """Let files that changed end before version `number`, and their successors begin with it; how many changed."""
    there = {row.path: row for row in conn.execute(_OPEN, {"site_id": site_id})}
    ended = [row.id for path, row in there.items() if path not in manifest or manifest[path][0] != row.hash]
    added = [path for path, (hash, _) in manifest.items() if path not in there or there[path].hash != hash]
    entries, missing = take_over(conn, site_id, [manifest[path][0] for path in added])
    if missing:
        raise Conflict(f"{len(missing)} of the files have not been sent yet.", missing=missing[:1000])
    rows: list[dict[str, Any]] = []
    for path, entry in zip(added, entries, strict=True):
        assert entry is not None, "nothing is missing"
        if entry.size != manifest[path][1]:
            raise Invalid(f"{path!r} has {entry.size} bytes, not the {manifest[path][1]} that were announced.")
        rows.append({"site_id": site_id, "path": path, "first": number, "until": OPEN, **msgspec.structs.asdict(entry)})
    if ended:
        conn.execute(_CLOSE, [{"file_id": file_id, "closed": number} for file_id in ended])
    if rows:
        conn.execute(_ADD, rows)
    return len(added) + len([path for path in there if path not in manifest])


def show_version(conn: Connection, site_id: int, number: int, now: int, *, latest: int | None = None) -> None:
    """The switch: from the commit on, this version is shown."""
    values = {"version": number, "changed_at": now} | ({} if latest is None else {"latest": latest})
    conn.execute(update(site).where(site.c.id == site_id).values(values))


def roll_back(conn: Connection, site_id: int, number: int | None, by: str, now: int) -> Version:
    """Show an older version (or a newer one again); None is the one before the one that is shown. Raises NotFound."""
    found = get_site_by_id(conn, site_id)
    if number is None:
        number = conn.scalar(select(func.max(v.number)).where(v.site_id == site_id, v.number < found.version))
        if number is None:
            raise NotFound(f"There is no version of {found.name!r} before the one that is shown.")
    target = get_version(conn, site_id, number)
    show_version(conn, site_id, number, now)
    emit(conn, Event("sites.rolled_back", {"site": found.name, "version": number, "by": by}, key=found.name), now=now)
    return msgspec.structs.replace(target, is_current=True)


def to_version(row: Any, current: int) -> Version:
    """A row as it is known outside."""
    facts = row._mapping
    return Version(**{name: facts[name] for name in VERSION}, is_current=row.number == current)


def get_version(conn: Connection, site_id: int, number: int) -> Version:
    """Raises NotFound."""
    row = conn.execute(select(version).where(v.site_id == site_id, v.number == number)).first()
    if row is None:
        raise NotFound(f"There is no version {number} of this site (any more).")
    return to_version(row, get_site_by_id(conn, site_id).version)


def list_versions(conn: Connection, site_id: int) -> list[Version]:
    """Newest first."""
    current = get_site_by_id(conn, site_id).version
    return [to_version(row, current) for row in conn.execute(_VERSIONS, {"site_id": site_id})]


def load_files(conn: Connection, site_id: int, number: int) -> dict[str, FileEntry]:
    """All files of a version, by path."""
    rows = conn.execute(_FILES, {"site_id": site_id, "number": number})
    return {path: FileEntry(*content) for path, *content in rows}


def find_file(conn: Connection, site_id: int, number: int, path: str) -> FileEntry | None:
    """One file of a version."""
    row = conn.execute(_FILES.where(f.path == path), {"site_id": site_id, "number": number}).first()
    return None if row is None else FileEntry(*row[1:])


# --- what goes


def prune_versions(conn: Connection, site_id: int, keep: int, now: int) -> list[int]:
    """Forget all but the newest `keep` versions and the one that is shown (0: forget none); which went.

    Their files go by `collect_some`, in the job that this queues.
    """
    if keep <= 0:
        return []
    current = get_site_by_id(conn, site_id).version
    numbers = [row.number for row in conn.execute(_VERSIONS, {"site_id": site_id})]
    gone = [number for number in numbers[keep:] if number != current]
    if gone:
        conn.execute(
            delete(version).where(v.site_id == site_id, v.number == bindparam("gone")),
            [{"gone": number} for number in gone],
        )
        enqueue(conn, COLLECT_JOB, {"site_id": site_id}, now=now, key=str(site_id))
    return gone


def collect_some(conn: Connection, site_id: int, limit: int = 200) -> int:
    """Forget up to `limit` files that no version holds any more; how many."""
    rows = conn.execute(_LOOSE, {"site_id": site_id, "limit": limit}).all()
    for _, *content in rows:
        drop_entry(conn, FileEntry(*content))
    if rows:
        conn.execute(delete(file).where(f.id == bindparam("file_id")), [{"file_id": row.id} for row in rows])
    return len(rows)


def purge_some(conn: Connection, site_id: int, before: int, limit: int = 200) -> bool:
    """Take away a part of a site that was deleted before this moment (ms); whether there is more to take away.

    Does nothing to a site that was restored meanwhile.
    """
    row = conn.execute(select(site.c.deleted_at).where(site.c.id == site_id)).first()
    if row is None or row.deleted_at is None or row.deleted_at >= before:
        return False
    conn.execute(delete(version).where(v.site_id == site_id))
    if collect_some(conn, site_id, limit) or sweep_site_uploads(conn, site_id, limit):
        return True
    conn.execute(delete(domain).where(domain.c.site_id == site_id))
    conn.execute(delete(deploy).where(deploy.c.site_id == site_id))
    conn.execute(delete(site).where(site.c.id == site_id))
    return False


def sweep_site_uploads(conn: Connection, site_id: int, limit: int) -> int:
    """Make all uploads of one site old, and sweep."""
    conn.execute(update(upload).where(upload.c.site_id == site_id).values(at=0))
    return sweep_uploads(conn, 1, limit)


def sweep_deploys(conn: Connection, before: int) -> int:
    """Forget deploys that began before this moment and were never finished; how many."""
    return conn.execute(delete(deploy).where(deploy.c.created_at < before)).rowcount
