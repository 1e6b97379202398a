"""Drops made and changed, from whichever door."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from fazt.apps.drops import store
from fazt.apps.drops.actions.admission import Admitted, read_policy
from fazt.apps.drops.model import (
    DAY_S,
    Drop,
    File,
    Options,
    Request,
    check_options,
    check_request,
    matches_types,
    quote_path,
)
from fazt.apps.drops.schema import DRAFT
from fazt.core.clock import DAY, HOUR, MINUTE
from fazt.core.errors import Invalid
from fazt.core.http.hosts import base_url
from fazt.core.ids import new_slug

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.auth import Caller

ID_CHARS = 12
FORM_DRAFT_MS = 30 * MINUTE
"""A draft that no client can take up again goes soon."""


def source_url(core: Core, scope: Mapping[str, Any]) -> str:
    """`scheme://host[:port]` of this cloud; for this machine's own commands by the options."""
    if not scope.get("fazt.local"):
        return base_url(core.config, dict(scope))
    if not core.config.is_local:
        return f"https://{core.config.domain}"
    port = core.config.listen.port
    return "http://localhost" if port in {0, 80} else f"http://localhost:{port}"


def url_of(core: Core, scope: Mapping[str, Any], drop_id: str, file: File | None = None) -> str:
    """Where a drop, or one file of it, is."""
    url = f"{source_url(core, scope)}/d/{drop_id}"
    return url if file is None else f"{url}/{quote_path(file.path)}"


def request_url(core: Core, scope: Mapping[str, Any], request: Request) -> str:
    """Where guests send files."""
    return f"{source_url(core, scope)}/d/r/{request.id}"


def upload_ms(core: Core) -> int:
    """How long an upload that broke off may be taken up again."""
    hours: int = core.settings.get("blobs.upload_hours")
    return hours * HOUR


async def new_drop(
    core: Core, admitted: Admitted, options: Options, source: str, *, draft_ms: int | None = None
) -> Drop:
    """A draft that nobody has written down yet. Raises Invalid, TooMany."""
    now = core.clock()
    request = admitted.request
    if request is not None:
        options = Options(title=options.title, note=options.note)
    options = check_options(options, admitted.policy, now)
    if options.is_encrypted and options.title + options.note:
        raise Invalid("Title and note of an encrypted drop are in its encrypted list.")
    hashed = await core.auth.gate.hash_password(options.password) if options.password else ""
    return Drop(
        id=new_slug(ID_CHARS),
        state=DRAFT,
        user_id=admitted.uploader.user_id,
        request_id=request.id if request else "",
        source=source,
        title=options.title,
        note=options.note,
        sealed=options.sealed,
        is_encrypted=options.is_encrypted,
        password_hash=hashed,
        lifetime_ms=(options.lifetime_s or 0) * 1_000,
        is_sliding=options.is_sliding,
        max_ms=admitted.policy.max_ms,
        max_downloads=options.max_downloads,
        downloads=0,
        size=0,
        file_count=0,
        created_at=now,
        finished_at=0,
        expires_at=now + (upload_ms(core) if draft_ms is None else draft_ms),
        used_up_at=None,
    )


async def begin_draft(
    core: Core, admitted: Admitted, options: Options, source: str, *, draft_ms: int | None = None
) -> Drop:
    """A draft that is to be filled."""
    draft = await new_drop(core, admitted, options, source, draft_ms=draft_ms)
    await core.db.write(store.begin_draft, draft, admitted.uploader)
    return draft


async def share_file(
    core: Core, admitted: Admitted, options: Options, new: store.NewFile, source: str, data: bytes | None = None
) -> Drop:
    """A drop of one file, whose bytes are here already, or are `data`. Raises Invalid, TooLarge, OverQuota."""
    draft = await new_drop(core, admitted, options, source)
    uploader, policy, now = admitted.uploader, admitted.policy, core.clock()
    if data is None:
        return await core.db.write(store.share, draft, uploader, new, policy, now)
    core.db.check_room(len(data))
    return await core.db.write(store.share_small, draft, uploader, data, new, policy, now)


async def finish_draft(core: Core, drop_id: str) -> Drop:
    """The draft is whole."""
    return await core.db.write(store.finish_drop, drop_id, core.clock())


def check_kind(admitted: Admitted, path: str, type: str) -> None:
    """Raises Invalid where a request link takes other kinds of files."""
    request = admitted.request
    if request is not None and not matches_types(path, type, request.types):
        raise Invalid(f"Only these kinds of files are taken here: {request.types}.")


class Changes(msgspec.Struct, frozen=True):
    """What is to be changed of a drop; None stays. `lifetime_s` counts from now."""

    title: str | None = None
    note: str | None = None
    lifetime_s: int | None = None
    is_sliding: bool | None = None
    max_downloads: int | None = None
    password: str | None = None
    sealed: str | None = None


async def change_drop(core: Core, drop: Drop, changes: Changes) -> Drop:
    """Raises Invalid; the lifetime stays within what the policy allows from the beginning on."""
    now = core.clock()
    policy = read_policy(core, is_stranger=not drop.user_id)
    wanted = {name: value for name, value in msgspec.structs.asdict(changes).items() if value is not None}
    options = check_options(Options(**wanted), policy, now)
    values: dict[str, Any] = {name: getattr(options, name) for name in wanted if name not in {"password", "lifetime_s"}}
    if changes.lifetime_s is not None:
        values["lifetime_ms"] = (options.lifetime_s or 0) * 1_000
        if drop.state != DRAFT:
            values["expires_at"] = min(now + values["lifetime_ms"], drop.finished_at + drop.max_ms)
    if changes.password is not None:
        gate = core.auth.gate
        values["password_hash"] = await gate.hash_password(changes.password) if changes.password else ""
    return await core.db.write(store.change_drop, drop.id, values, now)


async def delete_drop(core: Core, drop: Drop) -> None:
    """Nobody finds it from here on."""
    await core.db.write(store.delete_drop, drop.id, core.clock())


class NewRequest(msgspec.Struct):
    """What guests may send. `types` is a list such as `.pdf, image/*`; limits of 0 are none."""

    title: str
    note: str = ""
    types: str = ""
    max_files: int = 0
    max_bytes: int = 0
    max_drops: int = 0
    keep_days: int = 30
    lifetime_s: int = 7 * DAY_S


async def create_request(core: Core, caller: Caller, wanted: NewRequest) -> Request:
    """A link through which guests send files to the caller. Raises Invalid."""
    now = core.clock()
    keep_days = min(max(1, wanted.keep_days), core.settings.get("drops.request_days"))
    made = Request(
        id=new_slug(ID_CHARS),
        user_id=caller.user_id,
        title=wanted.title.strip(),
        note=wanted.note.strip(),
        types=wanted.types.strip(),
        max_files=wanted.max_files,
        max_bytes=wanted.max_bytes,
        max_drops=wanted.max_drops,
        drops=0,
        keep_ms=keep_days * DAY,
        expires_at=now + wanted.lifetime_s * 1_000,
        created_at=now,
    )
    return await core.db.write(store.create_request, check_request(made, now))
