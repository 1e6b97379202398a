"""What functions may call: share texts and bytes by a link, list drops, end them."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from fazt.apps.drops import actions, store
from fazt.apps.drops.actions import Admitted
from fazt.apps.drops.model import Options, Part, Uploader, check_id, clean_path, type_of
from fazt.core.app import ScriptFunction
from fazt.core.errors import Invalid, NotFound

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.auth import Caller

LOCAL: dict[str, Any] = {"fazt.local": True}
"""A function has no request of its own: addresses are those of the options."""
PIECE_BYTES = 1 << 18


async def list_drops(core: Core, caller: Caller) -> list[dict[str, Any]]:
    """The caller's drops."""
    drops = await core.db.read(store.list_drops, caller.user_id, core.clock())
    return [
        {
            "id": drop.id,
            "url": actions.url_of(core, LOCAL, drop.id),
            "title": drop.title,
            "files": drop.file_count,
            "size": drop.size,
            "downloads": drop.downloads,
            "expires_at": drop.expires_at,
        }
        for drop in drops
    ]


async def share(
    core: Core,
    caller: Caller,
    *,
    files: dict[str, Any],
    encoding: str = "text",
    title: str = "",
    lifetime_s: int | None = None,
    max_downloads: int = 0,
    password: str = "",
) -> dict[str, Any]:
    """A drop of files (path: content). Raises Invalid, TooLarge, OverQuota. Python callers may give bytes."""
    if not files:
        raise Invalid("There is no file to share.")
    admitted = Admitted(Uploader(caller.user_id), actions.read_policy(core, is_stranger=False))
    options = Options(title=title, lifetime_s=lifetime_s, max_downloads=max_downloads, password=password)
    draft = await actions.begin_draft(core, admitted, options, "script", draft_ms=actions.FORM_DRAFT_MS)
    for name, content in files.items():
        data, path = to_bytes(content, encoding), clean_path(name)
        blob = await core.blobs.receive(pieces(data), max_bytes=admitted.policy.max_bytes)
        new = store.NewFile(path, type_of(path), (Part(blob.hash, blob.size),))
        await core.db.write(store.add_checked, draft.id, new, admitted.uploader, admitted.policy, core.clock())
    made = await actions.finish_draft(core, draft.id)
    return {"id": made.id, "url": actions.url_of(core, LOCAL, made.id), "expires_at": made.expires_at}


async def pieces(data: bytes) -> AsyncIterator[bytes]:
    """`data` as a stream."""
    for start in range(0, len(data), PIECE_BYTES):
        yield data[start : start + PIECE_BYTES]


def to_bytes(content: Any, encoding: str) -> bytes:
    """What was given as the content of a file. Raises Invalid."""
    if isinstance(content, bytes):
        return content
    if not isinstance(content, str):
        raise Invalid("The content of a file is text.", hint='For bytes, say encoding: "base64".')
    if encoding != "base64":
        return content.encode(errors="replace")
    try:
        return base64.b64decode(content, validate=True)
    except ValueError as error:
        raise Invalid("The content is not base64.") from error


async def delete(core: Core, caller: Caller, *, id: str) -> dict[str, Any]:
    """End a drop of the caller's. Raises NotFound."""
    drop = await core.db.read(store.get_drop, check_id(id), core.clock())
    if drop.user_id != caller.user_id and not caller.is_owner:
        raise NotFound("There is no such drop.")
    await actions.delete_drop(core, drop)
    return {"deleted": True}


SCRIPT = (
    ScriptFunction("drops.list", "drops:read", list_drops, "Your drops.", "await fazt.drops.list()"),
    ScriptFunction(
        "drops.share",
        "drops:write",
        share,
        "Share files by a link that ends by itself.",
        'await fazt.drops.share({files: {"report.csv": csv}, lifetime_s: 3600})',
    ),
    ScriptFunction("drops.delete", "drops:write", delete, "End a drop.", 'await fazt.drops.delete({id: "…"})'),
)
