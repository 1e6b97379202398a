"""When a message is to come: a time in seconds, a span, or words such as `tomorrow, 10am`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from fazt.apps.pubsub.wire.ntfy.errors import NtfyError
from fazt.core.clock import DAY, HOUR, MINUTE, SECOND

MIN_DELAY = 10 * SECOND
MAX_DELAY = 3 * DAY
UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}
SPAN = re.compile(
    r"(?:in\s+)?(\d{1,7})\s*(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)(?:\s+from\s+now)?", re.IGNORECASE
)
PARTS = re.compile(r"(?:\d{1,6}[smhd]){2,4}", re.IGNORECASE)
CLOCK = re.compile(r"(?:at\s+)?(\d{1,2})(?::(\d{2}))?\s*(am|pm)?", re.IGNORECASE)
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CANNOT = "invalid delay parameter: unable to parse delay"


def parse_delay(text: str, now: int) -> int:
    """The moment (ms) when a message is due. Words are in UTC. Raises NtfyError."""
    at = find_moment(text.strip(), now)
    if at is None:
        raise NtfyError(40004, CANNOT)
    if at < now + MIN_DELAY:
        raise NtfyError(40005, "invalid delay parameter: too small, please refer to the docs")
    if at > now + MAX_DELAY:
        raise NtfyError(40006, "invalid delay parameter: too large, please refer to the docs")
    return at


def find_moment(text: str, now: int) -> int | None:
    """The moment that a text means, or None."""
    if text.isascii() and text.isdecimal() and len(text) <= 12:
        return int(text) * SECOND
    if found := SPAN.fullmatch(text):
        return now + int(found[1]) * UNITS[found[2][0].lower()]
    if PARTS.fullmatch(text):
        return now + sum(int(number) * UNITS[unit.lower()] for number, unit in re.findall(r"(\d+)([smhdSMHD])", text))
    return find_day(text.lower(), now)


def find_day(text: str, now: int) -> int | None:
    """`tomorrow`, `tomorrow, 10am`, `tuesday 7:30pm`, `10am`: the next such moment."""
    present = datetime.fromtimestamp(now / 1_000, UTC)
    word, _, rest = text.replace(",", " ").partition(" ")
    day, clock = present, rest.strip()
    if word == "tomorrow":
        day = present + timedelta(days=1)
    elif word in DAYS:
        day = present + timedelta(days=(DAYS.index(word) - present.weekday() - 1) % 7 + 1)
    elif word != "today":
        clock = text.strip()
    moment = at_clock(day, clock) if clock else (day if day != present else None)
    if moment is None:
        return None
    if moment <= present and word not in {"today", "tomorrow", *DAYS}:
        moment += timedelta(days=1)
    return int(moment.timestamp() * 1_000)


def at_clock(day: datetime, clock: str) -> datetime | None:
    """That day at `10am` or `17:30`, or None where it is no time."""
    found = CLOCK.fullmatch(clock)
    if found is None or not (found[2] or found[3]):
        return None
    hour, minute = int(found[1]), int(found[2] or 0)
    if found[3]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if found[3].lower() == "pm" else 0)
    if hour > 23 or minute > 59:
        return None
    return day.replace(hour=hour, minute=minute, second=0, microsecond=0)
