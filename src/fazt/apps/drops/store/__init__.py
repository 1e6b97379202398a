"""Rules and SQL of drops."""

from __future__ import annotations

from sqlalchemy import Connection

from fazt.apps.drops.store.drops import (
    SIGNAL,
    NewFile,
    add_checked,
    add_file,
    begin_draft,
    change_drop,
    count_download,
    count_drops,
    create_drop,
    delete_drop,
    delete_file,
    find_drop,
    finish_drop,
    get_drop,
    get_visitor,
    list_drops,
    list_first_names,
    list_kept_links,
    list_titles,
    share,
    share_small,
)
from fazt.apps.drops.store.quotas import check_room, find_room, held_bytes
from fazt.apps.drops.store.requests import (
    create_request,
    delete_request,
    ensure_secret,
    find_secret,
    get_open_request,
    get_request,
    list_requests,
)
from fazt.apps.drops.store.sweep import Swept, find_next_end, forget_user, is_due, sweep
from fazt.apps.drops.store.uploads import (
    begin_upload,
    delete_upload,
    finish_upload,
    get_upload,
    join_uploads,
    note_offset,
    set_length,
)
from fazt.core.events import Event


def list_blob_queries(dialect: str) -> list[str]:
    """Where hashes of kept blobs stand: the first of each pair in lists of parts."""
    if dialect == "sqlite":
        each = "SELECT json_extract(p.value, '$[0]') FROM drops_{table} AS t, json_each(t.parts) AS p"
    else:
        each = "SELECT p ->> 0 FROM drops_{table} AS t, jsonb_array_elements(t.parts::jsonb) AS p"
    return [each.format(table=table) for table in ("file", "upload")]


__all__ = [
    "SIGNAL",
    "NewFile",
    "Swept",
    "add_checked",
    "add_file",
    "begin_draft",
    "begin_upload",
    "change_drop",
    "check_room",
    "count_download",
    "count_drops",
    "create_drop",
    "create_request",
    "delete_drop",
    "delete_file",
    "delete_request",
    "delete_upload",
    "ensure_secret",
    "find_drop",
    "find_next_end",
    "find_room",
    "find_secret",
    "finish_drop",
    "finish_upload",
    "forget_user",
    "get_drop",
    "get_open_request",
    "get_request",
    "get_upload",
    "get_visitor",
    "held_bytes",
    "is_due",
    "join_uploads",
    "list_blob_queries",
    "list_drops",
    "list_first_names",
    "list_kept_links",
    "list_requests",
    "list_titles",
    "note_offset",
    "on_event",
    "set_length",
    "share",
    "share_small",
    "sweep",
]


def on_event(conn: Connection, event: Event) -> None:
    """What a deleted person had goes too."""
    if event.name == "auth.user_deleted":
        forget_user(conn, str(event.data["user_id"]))
