"""Frames between the program and a function's process: four bytes of length, then JSON."""

from __future__ import annotations

from typing import Any

import msgspec

from fazt.core.errors import FaztError, Invalid, TooLarge

MAX_FRAME_BYTES = 8 << 20
NONE = msgspec.Raw(b"{}")


class Frame(msgspec.Struct):
    """What the process says: a call (`i`, `m`, `a`), a line of its log (`l`, `t`, `r`), or how it fares.

    `w` counts promises that `waitUntil` was given; `ready` lists handlers, `failed` says why there are none.
    """

    i: int = 0
    m: str = ""
    a: msgspec.Raw = NONE
    l: str = ""  # noqa: E741 - one letter a field, since frames are many
    t: str = ""
    r: str = ""
    w: int = 0
    pong: int = 0
    ready: list[str] | None = None
    failed: str | None = None


class GetArguments(msgspec.Struct, rename="camel"):
    """`db.get(key)` and `db.entry(key)`."""

    key: str


class SetArguments(msgspec.Struct, rename="camel"):
    """`db.set(key, value, {ttl, ifVersion})`."""

    key: str
    value: msgspec.Raw = msgspec.Raw(b"null")
    ttl: float | None = None
    if_version: int | None = None


class DeleteArguments(msgspec.Struct, rename="camel"):
    """`db.delete(key, {ifVersion})`."""

    key: str
    if_version: int | None = None


class AddArguments(msgspec.Struct):
    """`db.add(key, amount)`."""

    key: str
    amount: float = 1


class CallArguments(msgspec.Struct):
    """`fazt.<name>(given)`."""

    name: str
    given: dict[str, Any] = {}


FRAME = msgspec.json.Decoder(Frame)


class FrameReader:
    """Bytes as they come, in; frames, out."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are complete. Raises Invalid for what is none, TooLarge for one that is too long."""
        self._buffer += data
        frames = []
        at = 0
        while len(self._buffer) - at >= 4:
            size = int.from_bytes(self._buffer[at : at + 4], "big")
            if size > MAX_FRAME_BYTES:
                raise TooLarge(f"A frame has at most {MAX_FRAME_BYTES} bytes.")
            if len(self._buffer) - at - 4 < size:
                break
            frames.append(decode(bytes(self._buffer[at + 4 : at + 4 + size])))
            at += 4 + size
        del self._buffer[:at]
        return frames


def decode(body: bytes) -> Frame:
    """One frame. Raises Invalid."""
    try:
        return FRAME.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Invalid("This is not a frame.") from error


def encode(value: Any) -> bytes:
    """One frame of anything that is JSON. Raises Invalid for what is not."""
    try:
        body = msgspec.json.encode(value)
    except (TypeError, ValueError, RecursionError, UnicodeEncodeError) as error:
        raise Invalid("The answer is not JSON.") from error
    return len(body).to_bytes(4, "big") + body


def encode_answer(call: int, value: Any) -> bytes:
    """What a call answered."""
    return encode({"i": call, "v": value})


def encode_error(call: int, error: FaztError) -> bytes:
    """What a call raised: the message is for whoever wrote the code."""
    told = {"kind": error.kind, "message": error.message, "hint": error.hint, "details": error.details}
    return encode({"i": call, "e": told})
