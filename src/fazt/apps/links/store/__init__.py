"""Rules and SQL of links."""

from sqlalchemy import Connection

from fazt.apps.links.store.clicks import Click, count_clicks, follow, forget_clicks
from fazt.apps.links.store.links import (
    CHANGED_SIGNAL,
    Asked,
    Found,
    change_link,
    create_link,
    delete_link,
    find_link,
    find_same,
    forget_deleted,
    forget_owner,
    get_link,
    list_links,
    list_slugs,
    purge_link,
    restore_link,
    set_title,
)
from fazt.apps.links.store.tags import delete_tags, list_tags, rename_tag
from fazt.core.events import Event

__all__ = [
    "CHANGED_SIGNAL",
    "Asked",
    "Click",
    "Found",
    "change_link",
    "count_clicks",
    "create_link",
    "delete_link",
    "delete_tags",
    "find_link",
    "find_same",
    "follow",
    "forget_clicks",
    "forget_deleted",
    "forget_owner",
    "get_link",
    "list_links",
    "list_slugs",
    "list_tags",
    "on_event",
    "purge_link",
    "rename_tag",
    "restore_link",
    "set_title",
]


def on_event(conn: Connection, event: Event) -> None:
    """The links of a member who is gone go, too."""
    if event.name == "auth.user_deleted":
        forget_owner(conn, event.data["user_id"])
