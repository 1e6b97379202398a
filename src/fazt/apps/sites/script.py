"""What functions may call: read a site's files, and put others in their place as a new version."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import msgspec

from fazt.apps.sites import actions, store
from fazt.core.app import ScriptFunction
from fazt.core.blobs import Blob
from fazt.core.errors import Invalid, NotFound, TooLarge

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.auth import Caller

MAX_READ = 16 << 20


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
        "sites.put_files",
        "sites:write",
        put_files,
        "Put files into a site, as a new version.",
        'await fazt.sites.put_files({site: "blog", files: {"data.json": JSON.stringify(data)}})',
    ),
)
