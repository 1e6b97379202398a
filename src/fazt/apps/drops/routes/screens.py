"""Pages behind the doors: send, open, ask for a password, send to somebody."""

from __future__ import annotations

from typing import Any

from fazt.apps.drops import actions, store
from fazt.apps.drops.model import HIGHLIGHT_BYTES, Drop, File, check_id, choices_of, preview_of, quote_path
from fazt.apps.drops.routes.asked import Asked
from fazt.apps.drops.schema import DRAFT
from fazt.core.errors import FaztError, NotFound, Unauthorized
from fazt.core.http.messages import respond
from fazt.ui.assets import get_asset

MAX_LISTED = 500


async def show_upload_page(asked: Asked) -> None:
    """Send files; people with an account do so on their own page."""
    caller = await actions.find_caller(asked.core, asked.scope)
    if caller is not None and asked.wants_page:
        await asked.redirect("/drops")
        return
    if not asked.core.settings.get("drops.strangers"):
        if asked.wants_page:
            raise Unauthorized("Log in to send files.")
        raise NotFound("Send files here: curl -T FILE, with credentials.")
    policy = actions.read_policy(asked.core, is_stranger=True)
    base = actions.source_url(asked.core, asked.scope)
    await asked.page("drops/send.html", policy=policy, choices=choices_of(policy), base=base)


async def show_worker(asked: Asked) -> None:
    """The service worker that decrypts downloads as they come; its place gives it the addresses below /d/."""
    tools = get_asset("drops/crypt.js").data.replace(b"export ", b"")  # not every browser has modules in workers
    body = tools + get_asset("drops/worker.js").data
    headers = [(b"content-type", b"text/javascript; charset=utf-8"), (b"cache-control", b"no-cache")]
    headers.append((b"content-security-policy", b"default-src 'none'; connect-src 'self'"))
    await respond(asked.send, 200, headers, b"" if asked.method == "HEAD" else body)


async def show_drop(asked: Asked, drop: Drop, file: File | None = None) -> None:
    """What is in a drop; of one file, or of a drop with one, a preview."""
    core = asked.core
    is_manager = await actions.is_manager(core, asked.scope, drop, "drops:read")
    if drop.used_up_at is not None and not is_manager:
        await show_gone(asked, NotFound("It was downloaded as often as its sender allowed."))
        return
    if drop.state == DRAFT:
        await show_gone(asked, NotFound("This drop is still being sent.", hint="Come back in a moment."))
        return
    asked.note_visit(drop, "/")
    shown = file or (drop.files[0] if len(drop.files) == 1 else None)
    kind = preview_of(shown.type, shown.path) if shown and not drop.is_encrypted and not drop.max_downloads else ""
    text = await read_text(asked, shown) if shown and kind == "text" else None
    await asked.page(
        "drops/open.html",
        drop=drop,
        files=drop.files[:MAX_LISTED],
        shown=shown,
        kind=kind,
        text=text,
        is_manager=is_manager,
        url=actions.url_of(core, asked.scope, drop.id),
        description=describe_sealed(drop),
        quote_path=quote_path,
    )


def describe_sealed(drop: Drop) -> dict[str, Any]:
    """What the script that decrypts has to know."""
    files = [{"position": file.position, "size": file.size, "path": file.path} for file in drop.files]
    return {"id": drop.id, "sealed": drop.sealed, "files": files} if drop.is_encrypted else {}


async def read_text(asked: Asked, file: File) -> dict[str, Any]:
    """The beginning of a text, highlighted by its name."""
    from fazt.apps.drops.routes.sending import file_pieces  # noqa: PLC0415
    from fazt.ui.prose import highlight, render_markdown  # noqa: PLC0415

    end = min(file.size, HIGHLIGHT_BYTES)
    data = b"".join([piece async for piece in file_pieces(asked.core, file, 0, end)])
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    is_markdown = file.name.lower().endswith((".md", ".markdown"))
    return {
        "html": render_markdown(text) if is_markdown else highlight(text, file.name),
        "is_markdown": is_markdown,
        "is_cut": file.size > end,
    }


async def show_gone(asked: Asked, error: FaztError) -> None:
    """Nothing here, or not any more; the same for everything that is not there."""
    await asked.page("drops/gone.html", status=404, error=error)


async def show_locked(asked: Asked, drop_id: str) -> None:
    """The form for the password."""
    drop = await asked.core.db.read(store.get_drop, check_id(drop_id), asked.core.clock())
    await asked.page("drops/locked.html", status=401, drop=drop, error="")


async def show_request(asked: Asked, request_id: str) -> None:
    """Where a guest sends files to whoever made the request link."""
    core = asked.core
    try:
        admitted = await actions.admit(core, asked.scope, request_id)
    except NotFound as error:
        if not asked.wants_page:
            raise
        await show_gone(asked, error)
        return
    await asked.page(
        "drops/request.html",
        wanted=admitted.request,
        policy=admitted.policy,
        is_sent="sent" in asked.query,
    )
