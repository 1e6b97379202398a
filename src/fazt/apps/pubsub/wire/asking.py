"""What a request to the hub asks for: topics and door in its path, and how to publish in its query and headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

import msgspec

from fazt.apps.pubsub.model.filter import parse_priority
from fazt.apps.pubsub.model.message import JSON, TEXT, Publication
from fazt.apps.pubsub.model.since import parse_span
from fazt.apps.pubsub.model.topic import check_pattern, check_topic
from fazt.core.clock import SECOND
from fazt.core.errors import Invalid, TooLarge

DOORS = frozenset({"ws", "sse", "json", "raw", "presence"})
MAX_PATTERNS = 10_000
MAX_KEY = 200
MAX_MANY = 1_000
YES = frozenset({"1", "yes", "true", "on"})
NO = frozenset({"0", "no", "false", "off"})
TEXTS = {"title": 250, "click": 2_000, "icon": 2_000}


def parse_query(query: str) -> dict[str, str]:
    """The parameters of a query, the last of each name; several `topic` are joined. Raises Invalid."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=200, errors="strict")
    except (ValueError, UnicodeDecodeError) as error:
        raise Invalid("The query of this address is garbled.") from error
    found = dict(pairs)
    several = [value for name, value in pairs if name in {"topic", "topics"}]
    if several:
        found["topics"] = ",".join(several)
    return found


def decode_path(raw: bytes) -> str:
    """A path without its encoding. Raises Invalid for what is not UTF-8."""
    try:
        return unquote_to_bytes(raw.partition(b"?")[0]).decode()
    except UnicodeDecodeError as error:
        raise Invalid("This address is not UTF-8.") from error


def split_door(path: str) -> tuple[str, str]:
    """`home/temp/sse` as (`home/temp`, `sse`); the door is "" where there is none."""
    before, _, last = path.rpartition("/")
    return (before, last) if last in DOORS else (path, "")


def parse_patterns(text: str) -> list[str]:
    """Patterns with commas between them, each once. Raises Invalid.

    A blank was a `+` that nobody quoted: no topic's name has one.
    """
    found = dict.fromkeys(check_pattern(part.strip().replace(" ", "+")) for part in text.split(",") if part)
    if not found:
        raise Invalid("Name a topic.", hint="/hub/home/temp/sse, or /hub/sse?topics=home/temp,home/hum.")
    if len(found) > MAX_PATTERNS:
        raise Invalid(f"At most {MAX_PATTERNS} topics at once.", limit=MAX_PATTERNS)
    return list(found)


def is_yes(text: str | None) -> bool:
    """Whether a switch is on."""
    return text is not None and text.strip().lower() in YES


def is_no(text: str | None) -> bool:
    """Whether a switch is off, said so."""
    return text is not None and text.strip().lower() in NO


def to_body(data: bytes, content_type: str, max_bytes: int) -> tuple[bytes, str]:
    """A body and its type as they are kept: JSON is checked and loses its blanks. Raises Invalid, TooLarge.

    curl's `-d` says that it sends a form, and means text.
    """
    check_size(len(data), max_bytes)
    media = content_type.partition(";")[0].strip().lower()
    if media in {"", "application/x-www-form-urlencoded", TEXT}:
        return data, TEXT
    if media == JSON or media.endswith("+json"):
        return tidy_json(data), JSON
    if len(media) > 100 or not media.isprintable():
        raise Invalid("The Content-Type is too long.")
    return data, media


def check_size(size: int, max_bytes: int) -> None:
    """Raises TooLarge."""
    if size > max_bytes:
        raise TooLarge(
            f"The message has {size} bytes; {max_bytes} are allowed.",
            hint="The owner can raise the setting pubsub.max_message_kb.",
            max_bytes=max_bytes,
        )


def tidy_json(data: bytes) -> bytes:
    """JSON without blanks between its parts. Raises Invalid."""
    try:
        msgspec.json.decode(data)
        return msgspec.json.format(data, indent=-1)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"The body is no JSON: {error}") from error


def parse_extra(asked: Mapping[str, str]) -> dict[str, Any]:
    """Title, priority, tags and links of a message. Raises Invalid."""
    extra: dict[str, Any] = {}
    for name, most in TEXTS.items():
        if text := asked.get(name, "").strip():
            if len(text) > most:
                raise Invalid(f"{name} has at most {most} characters.")
            extra[name] = text
    if priority := asked.get("priority", "").strip():
        extra["priority"] = parse_priority(priority)
    tags = [part.strip() for part in asked.get("tags", "").split(",") if part.strip()]
    if len(tags) > 20 or any(len(tag) > 100 for tag in tags):
        raise Invalid("A message has up to 20 tags.")
    if tags:
        extra["tags"] = tags
    return extra


def to_publication(
    topic: str, body: tuple[bytes, str], asked: Mapping[str, str], *, user_id: str, now: int
) -> Publication:
    """What is to be published: `asked` are the parameters, from the query or the headers. Raises Invalid."""
    key = asked.get("key", "")
    if len(key) > MAX_KEY or not key.isprintable():
        raise Invalid(f"An idempotency key has up to {MAX_KEY} characters.")
    ttl = asked.get("ttl", "").strip()
    span = parse_span(f"{ttl}s" if ttl.isdecimal() else ttl) if ttl else None
    if ttl and span is None:
        raise Invalid("ttl is a span such as 90s or 2d.")
    return Publication(
        check_topic(topic),
        body[0],
        body[1],
        parse_extra(asked),
        key=key,
        user_id=user_id,
        expires_at=None if span is None else now + max(span, SECOND),
        volatile=is_yes(asked.get("volatile")) or is_no(asked.get("cache")),
        retain=is_yes(asked.get("retain")),
    )


class Item(msgspec.Struct):
    """A message in JSON. `data` is any JSON; text is kept as text, all else as JSON."""

    topic: str
    data: msgspec.Raw = msgspec.Raw(b"null")
    key: str = ""
    title: str = ""
    priority: int | str = ""
    tags: list[str] = []
    click: str = ""
    icon: str = ""
    ttl: int | str = ""
    retain: bool = False
    volatile: bool = False


def item_to_publication(item: Item, *, user_id: str, max_bytes: int, now: int) -> Publication:
    """What is to be published. Raises Invalid, TooLarge."""
    asked = {
        "key": item.key,
        "title": item.title,
        "priority": str(item.priority),
        "tags": ",".join(item.tags),
        "click": item.click,
        "icon": item.icon,
        "ttl": str(item.ttl),
        "retain": "1" if item.retain else "",
        "volatile": "1" if item.volatile else "",
    }
    return to_publication(item.topic, value_body(bytes(item.data), max_bytes), asked, user_id=user_id, now=now)


def value_body(data: bytes, max_bytes: int) -> tuple[bytes, str]:
    """A JSON value as a body: a string is text, anything else JSON. Raises Invalid, TooLarge."""
    check_size(len(data), max_bytes)
    if data.lstrip()[:1] == b'"':
        text: str = msgspec.json.decode(data, type=str)
        return text.encode("utf-8", "replace"), TEXT
    return tidy_json(data), JSON


def parse_items(data: bytes) -> tuple[list[Item], bool]:
    """The messages in a body, and whether it was a list. Raises Invalid, TooLarge for too many."""
    try:
        if data.lstrip()[:1] == b"[":
            items = msgspec.json.decode(data, type=list[Item])
            if len(items) > MAX_MANY:
                raise TooLarge(f"At most {MAX_MANY} messages in one call.", limit=MAX_MANY)
            return items, True
        return [msgspec.json.decode(data, type=Item)], False
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(
            f"This is no message: {error}", hint='Send {"topic": "home/temp", "data": 21.5}, or a list of these.'
        ) from error
