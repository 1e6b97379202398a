"""Shares: links by which whoever holds them sees one thing of an app, for a while, perhaps with a password."""

from fazt.core.app import EventKind, Setting
from fazt.core.shares.engine import cookie_of, door_of, get_shared, is_open
from fazt.core.shares.jobs import JOBS
from fazt.core.shares.model import Share
from fazt.core.shares.store import (
    SIGNAL,
    change_share,
    count_visit,
    create_share,
    find_share,
    get_share,
    list_shares,
    list_shares_of,
    revoke_share,
    revoke_shares,
)

SETTINGS: tuple[Setting, ...] = ()
EVENTS: tuple[EventKind, ...] = ()

__all__ = [
    "EVENTS",
    "JOBS",
    "SETTINGS",
    "SIGNAL",
    "Share",
    "change_share",
    "cookie_of",
    "count_visit",
    "create_share",
    "door_of",
    "find_share",
    "get_share",
    "get_shared",
    "is_open",
    "list_shares",
    "list_shares_of",
    "revoke_share",
    "revoke_shares",
]
