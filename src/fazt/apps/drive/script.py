"""What functions may call: read, write, list and delete files of the person they act for."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

from fazt.apps.drive import actions, store
from fazt.apps.drive.actions import thumbs
from fazt.apps.drive.model.naming import key_of
from fazt.apps.drive.model.nodes import Content, Node, Spot
from fazt.core.app import ScriptFunction
from fazt.core.errors import Invalid, NotFound, TooLarge

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.auth import Caller

MAX_BYTES = 16 << 20


def view(path: str, found: Node) -> dict[str, Any]:
    """A file or folder as JSON."""
    return {
        "path": path,
        "name": found.name,
        "is_folder": found.is_folder,
        "size": found.size,
        "modified_at": found.modified_at,
        "etag": found.etag.strip('"'),
    }


async def list_folder(core: Core, caller: Caller, *, path: str = "/") -> list[dict[str, Any]]:
    """What is in a folder."""
    spot = await actions.spot_of(core, caller, path)
    folder = await core.db.read(store.get_node, spot)
    if not folder.is_folder:
        raise Invalid(f"{path!r} is a file.")
    base = path.rstrip("/")
    found: list[dict[str, Any]] = []
    after = ""
    while nodes := await core.db.read(store.list_children, folder.id, after):
        found += [view(f"{base}/{node.name}", node) for node in nodes]
        after = key_of(nodes[-1].name)
    return found


async def read_file(core: Core, caller: Caller, *, path: str, encoding: str = "text") -> dict[str, Any]:
    """A file with its content, as text or base64. Raises NotFound, and TooLarge over 16 MiB."""
    spot = await actions.spot_of(core, caller, path)
    found = await core.db.read(store.get_node, spot)
    if found.is_folder:
        raise Invalid(f"{path!r} is a folder.")
    if found.size > MAX_BYTES:
        raise TooLarge(f"{path!r} is larger than {MAX_BYTES:,} bytes.")
    data = b"".join([piece async for piece in core.blobs.open(found.hash)])
    content = base64.b64encode(data).decode() if encoding == "base64" else data.decode(errors="replace")
    return {**view(path, found), "content": content, "encoding": encoding}


async def write_file(
    core: Core, caller: Caller, *, path: str, content: str | bytes, encoding: str = "text", folders: bool = True
) -> dict[str, Any]:
    """Let a file hold this; with `folders` those above it are made. Raises Invalid, OverQuota, Locked."""
    data = to_bytes(content, encoding)
    spot = await actions.spot_of(core, caller, path)
    if not spot.segments:
        raise Invalid("A file has a name.")
    terms = actions.new_terms(core, caller)
    if folders and len(spot.segments) > 1:
        await core.db.write(store.ensure_folders, Spot(spot.space, spot.segments[:-1]), terms)
    core.db.check_room(len(data))
    done = await core.db.write(store.put_file, spot, Content(hashlib.sha256(data).hexdigest(), len(data), data), terms)
    await publish(core, caller, spot)
    return view(path, done.node)


def to_bytes(content: str | bytes, encoding: str) -> bytes:
    """What was given as the content of a file. Raises Invalid, TooLarge."""
    if isinstance(content, str):
        try:
            data = (
                base64.b64decode(content, validate=True) if encoding == "base64" else content.encode(errors="replace")
            )
        except ValueError as error:
            raise Invalid("The content is not base64.") from error
    elif isinstance(content, bytes):
        data = content
    else:
        raise Invalid("The content of a file is text.", hint='For bytes, say encoding: "base64".')
    if len(data) > MAX_BYTES:
        raise TooLarge(f"A function writes at most {MAX_BYTES:,} bytes at once.")
    return data


async def delete_file(core: Core, caller: Caller, *, path: str) -> None:
    """Put a file or folder into the trash. Raises NotFound, Locked."""
    spot = await actions.spot_of(core, caller, path)
    await core.db.write(store.delete_node, spot, actions.new_terms(core, caller))
    await publish(core, caller, spot)


async def publish(core: Core, caller: Caller, spot: Spot) -> None:
    """Show a change of a site's working copy."""
    if spot.space.kind == "site":
        await actions.publish(core, caller, spot.space)


async def small_picture(core: Core, caller: Caller, *, path: str) -> dict[str, Any]:
    """A picture that fits into 360 × 360, in base64; made once and kept. Raises NotFound for what is no picture."""
    spot = await actions.spot_of(core, caller, path)
    found = await core.db.read(store.get_node, spot)
    data = await thumbs.get_thumb(core, found)
    if not data:
        raise NotFound(f"{path!r} is no picture.")
    return {**view(path, found), "type": "image/webp", "content": base64.b64encode(data).decode()}


SCRIPT = (
    ScriptFunction(
        "drive.list", "drive:read", list_folder, "What is in a folder.", 'await fazt.drive.list({path: "/photos"})'
    ),
    ScriptFunction(
        "drive.read",
        "drive:read",
        read_file,
        "A file with its content.",
        'await fazt.drive.read({path: "/todo.md"})',
    ),
    ScriptFunction(
        "drive.thumb",
        "drive:read",
        small_picture,
        "A small picture of a photo, as WebP in base64.",
        'const {type, content} = await fazt.drive.thumb({path: "/photos/1.jpg"})',
    ),
    ScriptFunction(
        "drive.write",
        "drive:write",
        write_file,
        "Put a file; folders above it are made.",
        'await fazt.drive.write({path: "/reports/today.csv", content: csv})',
    ),
    ScriptFunction(
        "drive.delete",
        "drive:write",
        delete_file,
        "Put a file into the trash.",
        'await fazt.drive.delete({path: "/x"})',
    ),
)
