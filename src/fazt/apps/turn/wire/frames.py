"""Where one message ends and the next begins on a TCP or TLS stream (RFC 8656 section 12.5)."""

from __future__ import annotations

import struct

from fazt.apps.turn.wire.numbers import CHANNEL_FIRST, HEADER_SIZE
from fazt.core.errors import Invalid

_HEAD = struct.Struct("!HH")
MAX_FRAME = 65_535 + 1 + 4 + HEADER_SIZE


def measure_frame(data: bytes | bytearray | memoryview, start: int, end: int) -> int:
    """Bytes of the frame that starts at `start`, padding included; 0 while its first 4 bytes are not all there.

    Raises Invalid where no frame can start: a stream cannot be picked up again after that.
    """
    if end - start < 4:
        return 0
    kind: int
    length: int
    kind, length = _HEAD.unpack_from(data, start)
    if kind < CHANNEL_FIRST:
        if length % 4:
            raise Invalid("A STUN message's length is wrong.")
        return HEADER_SIZE + length
    if kind < 0x8000:
        return 4 + length + (-length % 4)
    raise Invalid("Neither STUN nor ChannelData.")
