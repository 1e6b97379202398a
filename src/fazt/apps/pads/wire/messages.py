"""Messages of the y-websocket protocol, and the one that fazt adds to it.

A message is a number that says its kind, and what belongs to it. Kind 0 is the sync protocol: step 1 asks with a
state vector for what is missing, step 2 brings that, and an update is one more change. Kind 1 carries awareness (who is
there, and where their cursors are), kind 2 says that something is not allowed, kind 3 asks for all awareness there is.
Kind 100 is ours, and sent only to clients that ask for it with `?saved=1`: how many steps 2 and updates of this
connection are on disk.
"""

from __future__ import annotations

import msgspec

from fazt.apps.pads.wire.lib0 import Reader, garbled, write_bytes, write_text, write_uint

SYNC, AWARENESS, AUTH, QUERY_AWARENESS, SAVED = 0, 1, 2, 3, 100
STEP_1, STEP_2, UPDATE = range(3)
EMPTY_UPDATE = b"\x00\x00"
KEEP_ALIVE = bytes((AWARENESS, 1, 0))
"""Awareness of nobody: y-websocket ends connections on which it hears nothing for 30 seconds."""


class Asks(msgspec.Struct, frozen=True):
    """Step 1: what the other side has."""

    state: bytes


class Brings(msgspec.Struct, frozen=True):
    """Step 2, or an update."""

    update: bytes


class Tells(msgspec.Struct, frozen=True):
    """Who is there, as the other side knows it."""

    awareness: bytes


class AsksWho(msgspec.Struct, frozen=True):
    """A client asks who else is there."""


Message = Asks | Brings | Tells | AsksWho | None


def parse(data: bytes) -> Message:
    """What a client says; None for kinds that a server has no use for. Raises Invalid."""
    reader = Reader(data)
    kind = reader.uint()
    found: Message = None
    if kind == SYNC:
        found = parse_sync(reader)
    elif kind == AWARENESS:
        found = Tells(reader.buffer())
    elif kind == QUERY_AWARENESS:
        found = AsksWho()
    return found


def parse_sync(reader: Reader) -> Message:
    """A message of the sync protocol. Raises Invalid."""
    step = reader.uint()
    if step == STEP_1:
        return Asks(reader.buffer())
    if step in {STEP_2, UPDATE}:
        return Brings(reader.buffer())
    raise garbled()


def build_step_1(state: bytes) -> bytes:
    """What we have: send us the rest."""
    return bytes((SYNC, STEP_1)) + write_bytes(state)


def build_step_2(update: bytes) -> bytes:
    """What you lack."""
    return bytes((SYNC, STEP_2)) + write_bytes(update)


def build_update(update: bytes) -> bytes:
    """One more change."""
    return bytes((SYNC, UPDATE)) + write_bytes(update)


def build_awareness(entries: bytes) -> bytes:
    """Who is there."""
    return bytes((AWARENESS,)) + write_bytes(entries)


def build_denied(reason: str) -> bytes:
    """That was not allowed (y-protocols/auth)."""
    return bytes((AUTH, 0)) + write_text(reason)


def build_saved(count: int) -> bytes:
    """So many of your steps 2 and updates are on disk."""
    return write_uint(SAVED) + write_uint(count)


def parse_state(data: bytes) -> dict[int, int]:
    """A state vector: what is known of each client's work. Raises Invalid."""
    reader = Reader(data)
    count = reader.uint()
    if count > reader.end:
        raise garbled("state vector")
    return {reader.uint(): reader.uint() for _ in range(count)}
