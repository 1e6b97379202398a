"""Notices to people: kept for their page, and brought to their devices by Web Push (RFC 8030, 8291, 8292)."""

from fazt.core.app import EventKind, Setting
from fazt.core.push.jobs import JOBS
from fazt.core.push.model import Device, Notice
from fazt.core.push.store import (
    add_device,
    count_unread,
    delete_device,
    get_public_key,
    has_device,
    list_devices,
    list_notices,
    mark_read,
    notify,
)

SETTINGS: tuple[Setting, ...] = ()
EVENTS: tuple[EventKind, ...] = ()

__all__ = [
    "EVENTS",
    "JOBS",
    "SETTINGS",
    "Device",
    "Notice",
    "add_device",
    "count_unread",
    "delete_device",
    "get_public_key",
    "has_device",
    "list_devices",
    "list_notices",
    "mark_read",
    "notify",
]
