"""Clicks as they happen, for who watches: a sample that nobody writes down, and that costs nothing unwatched."""

from __future__ import annotations

from fazt.apps.links.model import Link
from fazt.core.events import Event, Events
from fazt.core.visits import Record
from fazt.core.visits.model import ROBOTS

CLICKED = "links.clicked"
WINDOW_MS, IN_WINDOW = 200, 10
"""At most so many clicks in so long a time are told; of the others only how many they were."""


class LiveClicks:
    """Tells of clicks that are on disk."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._until = 0
        self._left = 0
        self._is_heard = False
        self._skipped = 0

    def note(self, link: Link, record: Record) -> None:
        """Somebody followed a link."""
        if record.at >= self._until or record.at < self._until - WINDOW_MS:
            self._until = record.at + WINDOW_MS
            if not self._is_heard:
                self._skipped = 0
            self._is_heard = self._events.is_heard(CLICKED)
            self._left = IN_WINDOW if self._is_heard else 0
        if not self._left:
            self._skipped += 1
            return
        self._left -= 1
        self._events.tell_live(Event("links.clicked", self._describe(link, record), key=str(link.id), at=record.at))
        self._skipped = 0

    def _describe(self, link: Link, record: Record) -> dict[str, object]:
        return {
            "id": link.id,
            "slug": link.slug,
            "host": link.host,
            "owner": link.owner,
            "at": record.at,
            "country": record.country,
            "device": record.device,
            "browser": record.browser,
            "os": record.os,
            "referrer": record.referrer,
            "robot": ROBOTS.get(record.robot, ""),
            "skipped": self._skipped,
        }
