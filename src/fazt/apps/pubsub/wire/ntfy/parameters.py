"""What a request of ntfy asks: headers first, then the query, each under several names; or one object of JSON."""

from __future__ import annotations

import re
from collections.abc import Callable
from email.header import decode_header, make_header
from typing import Any
from urllib.parse import urlsplit

import msgspec

from fazt.apps.pubsub.model.filter import PRIORITIES
from fazt.apps.pubsub.model.message import Kind
from fazt.apps.pubsub.wire.asking import is_no, is_yes
from fazt.apps.pubsub.wire.ntfy.buttons import check_actions, parse_actions
from fazt.apps.pubsub.wire.ntfy.delay import parse_delay
from fazt.apps.pubsub.wire.ntfy.errors import NtfyError

TOPIC = re.compile(r"[-_A-Za-z0-9]{1,64}")
SEQUENCE = re.compile(r"[-_A-Za-z0-9]{1,64}")
DISALLOWED = frozenset({"docs", "static", "file", "app", "metrics", "account", "settings", "signup", "login", "v1"})
MESSAGE_BYTES = 4_096
MAX_TEXT = 4_096

MESSAGE = ("x-message", "message", "m")
TITLE = ("x-title", "title", "t")
PRIORITY = ("x-priority", "priority", "prio", "p")
TAGS = ("x-tags", "tags", "tag", "ta")
CLICK = ("x-click", "click")
ICON = ("x-icon", "icon")
ACTIONS = ("x-actions", "actions", "action")
ATTACH = ("x-attach", "attach", "a")
FILENAME = ("x-filename", "filename", "file", "f")
DELAY = ("x-delay", "delay", "x-at", "at", "x-in", "in")
MARKDOWN = ("x-markdown", "markdown", "md")
CACHE = ("x-cache", "cache")
EMAIL = ("x-email", "x-e-mail", "email", "e-mail", "mail", "e")
CALL = ("x-call", "call")
TEMPLATE = ("x-template", "template", "tpl")
SEQUENCE_ID = ("x-sequence-id", "sequence-id", "sid")
UNIFIED_PUSH = ("x-unifiedpush", "unifiedpush", "up")
SINCE = ("x-since", "since", "si")
POLL = ("x-poll", "poll", "po")
SCHEDULED = ("x-scheduled", "scheduled", "sched")
FILTER_ID = ("x-id", "id")

Read = Callable[[tuple[str, ...]], str]
"""The first of these parameters that is there, or ""."""


class Asked(msgspec.Struct):
    """A message of ntfy on its way in. `delay` is a moment (ms); `extra` what its clients are shown."""

    message: str = ""
    extra: dict[str, Any] = {}
    filename: str = ""
    attach: str = ""
    markdown: bool = False
    volatile: bool = False
    is_push: bool = False
    due_at: int | None = None
    sequence: str = ""
    kind: Kind = "message"


class JsonMessage(msgspec.Struct):
    """What is sent to the root, or to a topic with a body of JSON."""

    topic: str
    message: str = ""
    title: str = ""
    tags: list[str] = []
    priority: int = 0
    click: str = ""
    icon: str = ""
    actions: list[dict[str, Any]] = []
    attach: str = ""
    filename: str = ""
    delay: str | int = ""
    markdown: bool = False
    email: str = ""
    call: str = ""
    cache: str | bool = ""
    sequence_id: str = ""


def check_topic_name(name: str) -> str:
    """Raises NtfyError."""
    if not TOPIC.fullmatch(name):
        raise NtfyError(40009, "invalid request: topic invalid")
    if name in DISALLOWED:
        raise NtfyError(40010, "invalid request: topic name is disallowed")
    return name


def parse_priority(text: str) -> int:
    """1 to 5, or a name; 0 where nothing is said. Raises NtfyError."""
    text = text.strip().lower()
    if not text:
        return 0
    found = PRIORITIES.get(text) or (int(text) if text in {"1", "2", "3", "4", "5"} else 0)
    if not found and not text.startswith("u="):  # browsers send RFC 9218's header of this name
        raise NtfyError(40007, "invalid priority parameter")
    return found


def plain(text: str) -> str:
    """A header as people meant it: RFC 2047 words are decoded."""
    if "=?" in text and "?=" in text:
        try:
            return str(make_header(decode_header(text)))
        except (LookupError, ValueError):
            return text
    return text


def read_asked(read: Read, now: int, content_type: str = "") -> Asked:
    """A message from headers and query. Raises NtfyError."""
    refuse_others(read(EMAIL), read(CALL), read(TEMPLATE))
    priority = parse_priority(read(PRIORITY))
    tags = [tag for part in plain(read(TAGS)).split(",") if (tag := part.strip())]
    actions = parse_actions(plain(read(ACTIONS)))
    asked = Asked(
        message=plain(read(MESSAGE)).replace("\\n", "\n"),
        filename=plain(read(FILENAME)),
        attach=read(ATTACH),
        markdown=is_yes(read(MARKDOWN)) or content_type.partition(";")[0].strip().lower() == "text/markdown",
        volatile=is_no(read(CACHE)),
        is_push=is_yes(read(UNIFIED_PUSH)),
        sequence=check_sequence(read(SEQUENCE_ID)),
    )
    asked.extra = to_extra(plain(read(TITLE)), priority, tags, read(CLICK), read(ICON), actions)
    return finish(asked, read(DELAY), now)


def json_asked(sent: JsonMessage, read: Read, now: int, content_type: str = "") -> Asked:
    """A message from JSON; what that leaves out may stand in headers (apprise's habit). Raises NtfyError."""
    if not 0 <= sent.priority <= 5:
        raise NtfyError(40007, "invalid priority parameter")
    said = {
        MESSAGE: sent.message,
        TITLE: sent.title,
        PRIORITY: str(sent.priority or ""),
        TAGS: ",".join(sent.tags),
        CLICK: sent.click,
        ICON: sent.icon,
        ATTACH: sent.attach,
        FILENAME: sent.filename,
        DELAY: str(sent.delay),
        MARKDOWN: "yes" if sent.markdown else "",
        EMAIL: sent.email,
        CALL: sent.call,
        CACHE: str(sent.cache),
        SEQUENCE_ID: sent.sequence_id,
    }
    asked = read_asked(lambda names: said.get(names) or read(names), now, content_type)
    asked.message = sent.message or asked.message
    if sent.actions:
        asked.extra["actions"] = check_actions(sent.actions)
    return asked


def parse_json(data: bytes) -> JsonMessage:
    """The body of a request to the root. Raises NtfyError."""
    try:
        return msgspec.json.decode(data, type=JsonMessage)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NtfyError(40017, "invalid request: request body must be message JSON") from error


def refuse_others(email: str, call: str, template: str) -> None:
    """What this hub does not do is said, not forgotten. Raises NtfyError."""
    if email:
        raise NtfyError(40001, "e-mail notifications are not enabled")
    if call and not is_no(call):
        raise NtfyError(40032, "invalid request: calling is disabled")
    if template and not is_no(template):
        raise NtfyError(40000, "invalid request: templates are not supported here")


def check_sequence(text: str) -> str:
    """An id under which a message may be changed later. Raises NtfyError."""
    if text and not SEQUENCE.fullmatch(text):
        raise NtfyError(40049, "invalid request: sequence ID invalid")
    return text


def to_extra(
    title: str, priority: int, tags: list[str], click: str, icon: str, actions: list[dict[str, Any]]
) -> dict[str, Any]:
    """What is shown beside a message. Raises NtfyError."""
    if icon and not is_web_address(icon):
        raise NtfyError(40021, "invalid request: icon URL is invalid")
    if len(tags) > 20 or any(len(text) > MAX_TEXT for text in (title, click, icon, *tags)):
        raise NtfyError(40000, "invalid request: title, tags or links are too long")
    fields = {"title": title, "priority": priority, "tags": tags, "click": click, "icon": icon, "actions": actions}
    return {name: value for name, value in fields.items() if value}


def finish(asked: Asked, delay: str, now: int) -> Asked:
    """With what depends on several parameters. Raises NtfyError."""
    if asked.attach and not is_web_address(asked.attach):
        raise NtfyError(40013, "invalid request: attachment URL is invalid")
    if len(asked.filename) > 255:
        raise NtfyError(40000, "invalid request: the file name is too long")
    if delay:
        if asked.volatile:
            raise NtfyError(40002, "cannot disable cache for delayed message")
        asked.due_at = parse_delay(delay, now)
    if asked.sequence:
        asked.extra["sequence_id"] = asked.sequence
    return asked


def is_web_address(text: str) -> bool:
    """Whether it leads somewhere on the web."""
    parts = urlsplit(text)
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and len(text) <= 2_000
