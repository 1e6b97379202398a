"""Passwords shown, drops deleted and changed, by their addresses."""

from __future__ import annotations

from urllib.parse import parse_qs

from fazt.apps.drops import actions, store
from fazt.apps.drops.model import Options, check_id
from fazt.apps.drops.routes.asked import NO_STORE, TEXT, Asked
from fazt.apps.drops.wire.form import FieldRead, FormReader, parse_boundary
from fazt.apps.drops.wire.share import options_of_fields
from fazt.core.errors import Invalid, NotFound, TooMany
from fazt.core.http.access import check_same_origin
from fazt.core.http.hosts import is_secure
from fazt.core.http.messages import read_body, respond

MAX_FORM_BYTES = 16_384
REMEMBERED_S = 24 * 3_600


async def read_fields(asked: Asked) -> dict[str, str]:
    """A small form of either kind."""
    body = await read_body(asked.scope, asked.receive, MAX_FORM_BYTES)
    if not asked.headers.get("content-type", "").startswith("multipart/"):
        found = parse_qs(body.decode("latin-1"), keep_blank_values=True, encoding="utf-8", max_num_fields=50)
        return {name: values[0] for name, values in found.items()}
    reader = FormReader(parse_boundary(asked.headers["content-type"]))
    return {piece.name: piece.value for piece in reader.feed(body) if isinstance(piece, FieldRead)}


async def unlock(asked: Asked, drop_id: str) -> None:
    """The form that asks for a drop's password."""
    core = asked.core
    check_same_origin(asked.scope)
    drop = await core.db.read(store.get_drop, check_id(drop_id), core.clock())
    if not drop.password_hash or drop.is_private:
        raise NotFound("There is nothing here, or not any more.")
    try:
        value = await actions.take_password(core, asked.scope, drop, (await read_fields(asked)).get("password", ""))
    except TooMany as error:
        await asked.page("drops/locked.html", status=429, drop=drop, error=error)
        return
    if value is None:
        await asked.page("drops/locked.html", status=401, drop=drop, error="That is not the password.")
        return
    cookie = f"{drop.cookie}={value}; Path=/d; Max-Age={REMEMBERED_S}; HttpOnly; SameSite=Lax"
    cookie += "; Secure" if is_secure(asked.scope) else ""
    await asked.redirect(f"/d/{drop.id}", (b"set-cookie", cookie.encode()))


async def delete_by_address(asked: Asked, segments: list[str]) -> None:
    """`DELETE /d/ID/TOKEN` as transfer.sh has it (a file's name may stand between), or /d/ID with a credential."""
    if not segments:
        raise NotFound("There is nothing here.")
    token = segments[-1] if len(segments) > 1 else ""
    drop = await actions.check_manager(asked.core, asked.scope, segments[0], token)
    await actions.delete_drop(asked.core, drop)
    await respond(asked.send, 200, [TEXT, NO_STORE], b"Deleted.\n")


async def manage_by_form(asked: Asked, drop_id: str) -> None:
    """0x0's way: a form with `token`, and `delete` or `expires`."""
    fields = await read_fields(asked)
    check_same_origin(asked.scope)
    drop = await actions.check_manager(asked.core, asked.scope, drop_id, fields.get("token", ""))
    if "delete" in fields:
        await actions.delete_drop(asked.core, drop)
        await respond(asked.send, 200, [TEXT, NO_STORE], b"Deleted.\n")
        return
    wanted = options_of_fields(fields, Options())
    lifetime_s = wanted.lifetime_s
    if wanted.expires_at is not None:
        lifetime_s = (wanted.expires_at - asked.core.clock()) // 1_000
    if lifetime_s is None and not wanted.max_downloads:
        raise Invalid("Say `delete`, `expires` or `max_downloads`.")
    changes = actions.Changes(lifetime_s=lifetime_s, max_downloads=wanted.max_downloads or None)
    changed = await actions.change_drop(asked.core, drop, changes)
    await respond(asked.send, 200, [TEXT, NO_STORE], b"Changed: it ends at %d.\n" % (changed.expires_at // 1_000))
