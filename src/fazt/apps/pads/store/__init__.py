"""Rules and SQL of pads."""

from __future__ import annotations

from sqlalchemy import Connection

from fazt.apps.pads.store.pads import (
    APP,
    SIGNAL,
    change_pad,
    count_pads,
    create_pad,
    ensure_pad,
    erase,
    erase_expired,
    find_next_end,
    find_pad,
    forget_user,
    get_by_id,
    get_pad,
    list_names_of,
    list_pads,
    no_such_pad,
)
from fazt.apps.pads.store.things import THINGS
from fazt.apps.pads.store.updates import (
    append,
    list_thinnable,
    list_unsettled,
    list_until,
    list_versions,
    put_state,
    read_document,
    read_text,
    read_text_at,
    settle,
    thin,
)
from fazt.core.events import Event

__all__ = [
    "APP",
    "SIGNAL",
    "THINGS",
    "append",
    "change_pad",
    "count_pads",
    "create_pad",
    "ensure_pad",
    "erase",
    "erase_expired",
    "find_next_end",
    "find_pad",
    "forget_user",
    "get_by_id",
    "get_pad",
    "list_names_of",
    "list_pads",
    "list_thinnable",
    "list_unsettled",
    "list_until",
    "list_versions",
    "no_such_pad",
    "on_event",
    "put_state",
    "read_document",
    "read_text",
    "read_text_at",
    "settle",
    "thin",
]


def on_event(conn: Connection, event: Event) -> None:
    """What a deleted person had goes too."""
    if event.name == "auth.user_deleted":
        forget_user(conn, str(event.data["user_id"]))
