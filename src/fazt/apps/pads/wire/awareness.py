"""Awareness (y-protocols/awareness): the state of each client as JSON, with a clock that tells old from new."""

from __future__ import annotations

import json
from collections.abc import Iterable

import msgspec

from fazt.apps.pads.wire.lib0 import Reader, write_text, write_uint
from fazt.core.errors import Invalid, TooLarge

GONE = "null"
MAX_ENTRIES = 1_000
MAX_STATE_BYTES = 4_096


class Entry(msgspec.Struct, frozen=True):
    """What a client says of itself; `state` is JSON, `null` when it has left."""

    client: int
    clock: int
    state: str


def parse_awareness(data: bytes) -> list[Entry]:
    """Raises Invalid, and TooLarge for states that nobody's cursor needs."""
    reader = Reader(data)
    count = reader.uint()
    if count > MAX_ENTRIES:
        raise TooLarge("There are too many states in this message.")
    return [parse_entry(reader) for _ in range(count)]


def parse_entry(reader: Reader) -> Entry:
    """One of them."""
    entry = Entry(reader.uint(), reader.uint(), reader.text())
    if len(entry.state) > MAX_STATE_BYTES:
        raise TooLarge(f"What a client says of itself has at most {MAX_STATE_BYTES} characters.")
    try:
        json.loads(entry.state)
    except (ValueError, RecursionError) as error:
        raise Invalid("What a client says of itself is JSON.") from error
    return entry


def build_entries(entries: Iterable[Entry]) -> bytes:
    """As bytes."""
    listed = list(entries)
    pieces = [write_uint(len(listed))]
    for entry in listed:
        pieces += [write_uint(entry.client), write_uint(entry.clock), write_text(entry.state)]
    return b"".join(pieces)
