"""What an event is."""

from __future__ import annotations

from typing import Any

import msgspec


class Event(msgspec.Struct, frozen=True):
    """A fact that one part tells the others, e.g. `Event("mail.received", {"id": …})`.

    `data` is a JSON object that names things rather than carrying them; `key` says what the fact is
    about, so that whoever cares can keep order per key. `id` and `at` (ms) are filled in by `emit`.
    """

    name: str
    data: dict[str, Any]
    key: str = ""
    id: int = 0
    at: int = 0
