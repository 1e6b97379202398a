"""What functions may call: read a site's files, and put others in their place as a new version."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import msgspec

from fazt.apps.sites import actions, store
from fazt.apps.sites.model import find_code
from fazt.core.app import ScriptFunction
from fazt.core.blobs import Blob
from fazt.core.errors import Invalid, NotFound, TooLarge

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.auth import Caller

MAX_READ = 16 << 20
MAX_MANIFEST = 64 << 10


async def list_sites(core: Core, caller: Caller) -> list[dict[str, Any]]:
    """Names and versions of the caller's sites."""
    return [
        {"name": site.name, "version": site.version, "changed_at": site.changed_at}
        for site in await actions.list_sites(core, caller)
    ]


async def list_files(core: Core, caller: Caller, *, site: str, version: int | None = None) -> list[dict[str, Any]]:
    """Paths, sizes and hashes of the version that is shown, or of another."""
    found = await actions.get_site(core, caller, site)
    files = await core.db.read(store.load_files, found.id, found.version if version is None else version)
    return [{"path": path, "size": entry.size, "hash": entry.hash} for path, entry in sorted(files.items())]


async def read_file(core: Core, caller: Caller, *, site: str, path: str, encoding: str = "text") -> dict[str, Any]:
    """The content of a file, as text or as base64. Raises NotFound, and TooLarge over 16 MiB."""
    found = await actions.get_site(core, caller, site)
    entry = await core.db.read(store.find_file, found.id, found.version, path)
    if entry is None:
        raise NotFound(f"There is no file {path!r} in the site {site!r}.")
    if entry.size > MAX_READ:
        raise TooLarge(f"{path!r} is larger than {MAX_READ:,} bytes.")
    data = await core.blobs.read(entry.hash)
    content = base64.b64encode(data).decode() if encoding == "base64" else data.decode(errors="replace")
    return {"path": path, "size": entry.size, "hash": entry.hash, "content": content, "encoding": encoding}


async def put_files(
    core: Core, caller: Caller, *, site: str, files: dict[str, Any], encoding: str = "text", message: str = ""
) -> dict[str, Any]:
    """Put files (path: content, null to take one away) as the next version. Other apps may give bytes and blobs."""
    changes = {path: to_bytes(content, encoding) for path, content in files.items()}
    report = await actions.put_files(core, caller, site, changes, message=message)
    answer: dict[str, Any] = msgspec.to_builtins(report)
    return answer


def to_bytes(content: Any, encoding: str) -> bytes | Blob | None:
    """What was given as the content of a file. Raises Invalid."""
    if content is None or isinstance(content, (bytes, Blob)):
        return content
    if not isinstance(content, str):
        raise Invalid("The content of a file is text.", hint='For bytes, say encoding: "base64".')
    if encoding != "base64":
        return content.encode(errors="replace")
    try:
        return base64.b64decode(content, validate=True)
    except ValueError as error:
        raise Invalid("The content is not base64.") from error


async def read_code(core: Core, caller: Caller, *, site: str = "", id: int = 0) -> dict[str, Any]:
    """What runs a site's code needs: the version that is shown, its files, and what its fazt.json says.

    By name or, since sites can be renamed, by number. `entry` is "" where the site holds no code.
    """
    if id:
        found = await core.db.read(store.get_site_by_id, id)
        if found.deleted_at is not None:
            raise NotFound("This site was deleted.")
        site = found.name
    found = await actions.get_site(core, caller, site)
    files = await core.db.read(store.load_files, found.id, found.version) if found.version else {}
    manifest = files.get("fazt.json")
    readable = manifest is not None and manifest.size <= MAX_MANIFEST
    text = (await core.blobs.read(manifest.hash)).decode(errors="replace") if manifest and readable else ""
    return {
        "id": found.id,
        "name": found.name,
        "owner": found.owner,
        "version": found.version,
        "entry": find_code(files),
        "files": {path: (entry.hash, entry.size) for path, entry in files.items()},
        "manifest": text,
        "is_manifest_too_large": manifest is not None and not readable,
    }


async def has_site(core: Core, caller: Caller, *, id: int) -> bool:
    """Whether a site of the caller's has this number and is shown, or can be brought back."""
    try:
        site = await core.db.read(store.get_site_by_id, id)
        await actions.get_site(core, caller, site.name, deleted=site.deleted_at is not None)
    except NotFound:
        return False
    return True


SCRIPT = (
    ScriptFunction("sites.list", "sites:read", list_sites, "Your sites.", "await fazt.sites.list()"),
    ScriptFunction(
        "sites.files", "sites:read", list_files, "The files of a site.", 'await fazt.sites.files({site: "blog"})'
    ),
    ScriptFunction(
        "sites.read_file",
        "sites:read",
        read_file,
        "A file of a site.",
        'await fazt.sites.read_file({site: "blog", path: "index.html"})',
    ),
    ScriptFunction(
        "sites.code",
        "sites:read",
        read_code,
        "The version of a site that is shown: its files, the one that holds code, and its fazt.json.",
        'const {version, entry} = await fazt.sites.code({site: "blog"})',
    ),
    ScriptFunction(
        "sites.exists",
        "sites:read",
        has_site,
        "Whether a site is there, or can be brought back.",
        "await fazt.sites.exists({id: 3})",
    ),
    ScriptFunction(
        "sites.put_files",
        "sites:write",
        put_files,
        "Put files into a site, as a new version.",
        'await fazt.sites.put_files({site: "blog", files: {"data.json": JSON.stringify(data)}})',
    ),
)
