"""The lists: folders, labels, what a search finds; and what is done with many at once."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get, post
from sqlalchemy import Connection

from fazt.apps.mail.model.message import SHOWN, Thread
from fazt.apps.mail.store import messages as store
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.errors import FaztError, Invalid
from fazt.core.http.access import member
from fazt.ui import page, read_form, redirect
from fazt.ui.forms import Form
from fazt.ui.pages import local_path

Asked = Request[Any, Any, Any]
MOVES = {"archive": "archive", "trash": "trash", "inbox": "inbox", "junk": "junk"}
SAID = {
    "archive": "Archived.",
    "trash": "Moved to the trash.",
    "inbox": "Back in the inbox.",
    "junk": "Moved to junk.",
    "read": "Marked as read.",
    "unread": "Marked as unread.",
    "star": "Starred.",
    "unstar": "No longer starred.",
    "delete": "Deleted for good.",
    "label": "Labelled.",
    "unlabel": "The label is off.",
}


def title_of(view: str) -> str:
    """What a view is called."""
    return view.removeprefix("label:") if view.startswith("label:") else SHOWN.get(view, "Mail")


@get("/mail", guards=[member])
async def show_list(
    core: Core, caller: Caller, request: Asked, view: str = "inbox", before: str = "", q: str = "", at: int = 0
) -> Response[Any]:
    """A view of the mailbox, or what a search finds."""
    return page(request, "mail/list.html", **await read_list(core, caller, view, before, q, at))


@get("/mail/rows", guards=[member])
async def show_rows(core: Core, caller: Caller, request: Asked, view: str = "inbox") -> Response[Any]:
    """Only the rows: what the page asks for when something has changed."""
    return page(request, "mail/rows.html", **await read_list(core, caller, view, "", "", 0))


async def read_list(core: Core, caller: Caller, view: str, before: str, q: str, at: int) -> dict[str, Any]:
    """What the list shows."""
    if q:
        threads = await core.db.read(store.find_messages, caller.user_id, q, offset=max(at, 0))
    else:
        threads = await core.db.read(store.list_threads, caller.user_id, view, before=before)
    is_full = len(threads) == store.PAGE
    older: dict[str, Any] = {"q": q, "at": at + store.PAGE} if q else {"view": view, "before": last_of(threads)}
    return {
        "threads": threads,
        "view": view,
        "title": title_of(view),
        "views": [(key, name) for key, name in SHOWN.items()],
        "labels": await core.db.read(store.list_labels, caller.user_id),
        "unread": await core.db.read(store.count_unread, caller.user_id),
        "query": q,
        "before": before,
        "at": at,
        "older": f"/mail?{urlencode(older)}" if is_full else "",
        "address": f"{caller.handle}@{core.config.domain}",
        "takes_mail": core.config.smtp_listen is not None,
    }


def last_of(threads: list[Thread]) -> str:
    """The id that the next page begins behind."""
    return threads[-1].newest.id if threads else ""


@post("/mail/change", guards=[member])
async def change(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Move or mark messages and whole threads. Answers a script with 204, a form with a redirect."""
    form = await read_form(request)
    what = form.text("do")
    back = local_path(form.text("back"), "/mail")
    try:
        await core.db.write(change_all, caller.user_id, what, form, now=core.clock())
    except FaztError as error:
        return redirect(request, back, error.message, kind="bad")
    if request.headers.get("x-requested-with") == "fetch":
        return Response(None, status_code=204)
    return redirect(request, back, SAID.get(what, "Done."))


def change_all(conn: Connection, user_id: str, what: str, form: Form, *, now: int) -> None:
    """What the form asks for. Raises Invalid."""
    ids = form.texts("message")
    for thread in form.texts("thread")[:200]:
        ids += store.ids_of_thread(conn, user_id, thread)
    if not ids:
        raise Invalid("Choose some messages first.")
    if what in MOVES:
        move(conn, user_id, ids, MOVES[what], now=now)
    elif what in {"read", "unread"}:
        store.change_messages(conn, user_id, ids, is_read=what == "read", now=now)
    elif what in {"star", "unstar"}:
        store.change_messages(conn, user_id, ids, is_starred=what == "star", now=now)
    elif what == "delete":
        store.delete_messages(conn, user_id, ids)
    elif what in {"label", "unlabel"}:
        label_all(conn, user_id, ids, form.text("label"), is_on=what == "label")
    else:
        raise Invalid("It is not clear what is to be done.")


def move(conn: Connection, user_id: str, ids: list[str], folder: str, *, now: int) -> None:
    """Move messages; what we sent stays in Sent unless it is thrown away."""
    if folder in {"archive", "junk", "inbox"}:
        found = [store.get_message(conn, user_id, one) for one in ids]
        ids = [one.id for one in found if one.folder != "sent"]
    store.change_messages(conn, user_id, ids, folder=folder, now=now)


def label_all(conn: Connection, user_id: str, ids: list[str], name: str, *, is_on: bool) -> None:
    """Put a label on messages, or take it off."""
    for one in ids:
        store.get_message(conn, user_id, one)
        if is_on:
            store.put_labels(conn, user_id, one, [name])
        else:
            store.remove_label(conn, user_id, one, name)


HANDLERS = [show_list, show_rows, change]
