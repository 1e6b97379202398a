"""What is published, and what comes of it: a message in the log."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from fazt.core.ids import encode_base32

JSON = "application/json"
TEXT = "text/plain"
Kind = Literal["message", "message_delete", "message_clear"]


def new_message_id() -> str:
    """Twelve letters and digits, as ntfy's clients expect, that are never a number."""
    return "m" + encode_base32(secrets.randbits(55), 11)


class Publication(msgspec.Struct, frozen=True):
    """Something to be published. `data` is at most as long as the settings say; JSON is checked and without blanks.

    `extra` is what ntfy adds (title, priority, tags, …). `key` is an idempotency key of this `user_id`. A message that
    is `volatile` goes to who listens and is not kept; `expires_at` (ms) ends it before its topic's rules do.
    `due_at` puts it off. `retain` keeps it as the topic's last value, however old it gets.
    """

    topic: str
    data: bytes
    content_type: str = TEXT
    extra: dict[str, Any] = {}
    kind: Kind = "message"
    key: str = ""
    user_id: str = ""
    id: str = ""
    expires_at: int | None = None
    due_at: int | None = None
    volatile: bool = False
    retain: bool = False


class Receipt(msgspec.Struct, frozen=True):
    """What a publisher is told. `seq` is 0 for what is volatile or put off; `repeated` says that the key was known."""

    id: str
    seq: int
    n: int
    topic: str
    at: int
    repeated: bool = False
    due_at: int | None = None


class Message:
    """One message as it goes out. `seq` counts over all topics, `n` within its own; times are ms.

    What it looks like in a format is made once, however many hear it.
    """

    __slots__ = ("at", "content_type", "data", "expires_at", "extra", "frames", "id", "kind", "n", "seq", "topic")

    def __init__(
        self,
        *,
        seq: int,
        n: int,
        id: str,
        topic: str,
        at: int,
        data: bytes,
        content_type: str = TEXT,
        extra: dict[str, Any] | None = None,
        kind: str = "message",
        expires_at: int | None = None,
    ) -> None:
        self.seq = seq
        self.n = n
        self.id = id
        self.topic = topic
        self.at = at
        self.data = data
        self.content_type = content_type
        self.extra = extra or {}
        self.kind = kind
        self.expires_at = expires_at
        self.frames: dict[str, bytes] = {}

    def frame(self, name: str, make: Callable[[Message], bytes]) -> bytes:
        """The message in a format, made when it is first asked for."""
        found = self.frames.get(name)
        if found is None:
            found = self.frames[name] = make(self)
        return found

    @property
    def size(self) -> int:
        """About how many bytes it holds on to."""
        return len(self.data) + 200

    def text(self) -> str:
        """The body as text; what is no UTF-8 is replaced."""
        return self.data.decode("utf-8", "replace")

    def number(self) -> float | None:
        """The body as a number, or None: `21.5`, or `{"value": 21.5}`."""
        return to_number(self.data)

    def __repr__(self) -> str:
        return f"Message({self.seq}, {self.topic})"


def to_number(data: bytes) -> float | None:
    """What a chart or an alert makes of a body."""
    if len(data) > 4_096:
        return None
    try:
        value = msgspec.json.decode(data.strip())
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if isinstance(value, dict):
        value = value.get("value")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)
