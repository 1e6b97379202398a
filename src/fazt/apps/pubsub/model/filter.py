"""Filters of a listener: only some of the messages of its topics."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from fazt.apps.pubsub.model.message import JSON, Message
from fazt.core.errors import Invalid

Filter = Callable[[Message], bool]

PRIORITIES = {"min": 1, "low": 2, "default": 3, "high": 4, "urgent": 5, "max": 5}
DEFAULT_PRIORITY = 3


class Wanted(msgspec.Struct, frozen=True):
    """What a message has to be: one of the priorities, all of the tags, and so on (ntfy's filters, and numbers)."""

    id: str = ""
    message: str = ""
    title: str = ""
    priority: frozenset[int] = frozenset()
    tags: frozenset[str] = frozenset()
    above: float | None = None
    below: float | None = None
    fields: tuple[tuple[str, str], ...] = ()

    def __call__(self, found: Message) -> bool:
        """Whether this one is wanted. What is no message of its own (a change, a deletion) always is."""
        if found.kind != "message":
            return True
        extra = found.extra
        return (
            (not self.id or found.id == self.id)
            and (not self.message or found.text() == self.message)
            and (not self.title or extra.get("title") == self.title)
            and (not self.priority or extra.get("priority", DEFAULT_PRIORITY) in self.priority)
            and self.tags.issubset(extra.get("tags", ()))
            and self._is_within(found)
            and self._has_fields(found)
        )

    def _is_within(self, found: Message) -> bool:
        if self.above is None and self.below is None:
            return True
        number = found.number()
        if number is None:
            return False
        return (self.above is None or number > self.above) and (self.below is None or number < self.below)

    def _has_fields(self, found: Message) -> bool:
        if not self.fields:
            return True
        if found.content_type != JSON:
            return False
        value = msgspec.json.decode(found.data)
        return isinstance(value, dict) and all(to_text(value.get(name)) == text for name, text in self.fields)


def to_text(value: object) -> str:
    """A member of a document as an address would say it."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def parse_priority(text: str) -> int:
    """1 to 5, or its name. Raises Invalid."""
    text = text.strip().lower()
    found = PRIORITIES.get(text)
    if found is None and text in {"1", "2", "3", "4", "5"}:
        found = int(text)
    if found is None:
        raise Invalid("A priority is 1 to 5, or min, low, default, high, max.")
    return found


def parse_filter(asked: Mapping[str, str]) -> Wanted | None:
    """The filter in a query, None where there is none. `field.room=kitchen` looks into JSON. Raises Invalid."""
    wanted = Wanted(
        id=asked.get("id", ""),
        message=asked.get("message", ""),
        title=asked.get("title", ""),
        priority=frozenset(parse_priority(part) for part in asked.get("priority", "").split(",") if part.strip()),
        tags=frozenset(part.strip() for part in asked.get("tags", "").split(",") if part.strip()),
        above=parse_bound(asked, "above"),
        below=parse_bound(asked, "below"),
        fields=tuple((name[6:], text) for name, text in asked.items() if name.startswith("field.")),
    )
    return None if wanted == Wanted() else wanted


def parse_bound(asked: Mapping[str, str], name: str) -> float | None:
    """`above=20.5`. Raises Invalid."""
    text = asked.get(name)
    if text is None:
        return None
    try:
        return float(text)
    except ValueError as error:
        raise Invalid(f"{name} is a number.") from error
