"""WebSocket frames (RFC 6455, section 5), as bytes."""

from __future__ import annotations

import struct

from fazt.core.errors import FaztError

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
CONTINUATION = 0
GOING_AWAY, PROTOCOL_ERROR, BAD_DATA, POLICY, TOO_BIG, TRY_LATER = 1001, 1002, 1007, 1008, 1009, 1013
ALLOWED_CODES = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014}


class Malformed(FaztError):
    """The other side does not speak WebSocket; `code` is the one to close with."""

    kind = "invalid"

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def build(opcode: int, payload: bytes) -> bytes:
    """A whole frame as a server sends it: unmasked."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, size)) + payload
    if size < 65_536:
        return struct.pack("!BBH", 0x80 | opcode, 126, size) + payload
    return struct.pack("!BBQ", 0x80 | opcode, 127, size) + payload


def build_close(code: int, reason: str = "") -> bytes:
    """A close frame; the reason is cut to what fits."""
    return build(CLOSE, struct.pack("!H", code) + reason.encode()[:120].decode("utf-8", "ignore").encode())


def unmask(payload: bytes, mask: bytes) -> bytes:
    """What was masked with these four bytes."""
    size = len(payload)
    if not size:
        return payload
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")


class Parser:
    """Frames of a client, put together to messages of at most `max_bytes`."""

    __slots__ = ("_at", "_buffer", "_kind", "_parts", "_size", "max_bytes")

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._buffer = bytearray()
        self._at = 0
        self._kind = 0
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The messages and control frames (opcode, payload) that are complete now. Raises Malformed."""
        self._buffer += data
        found: list[tuple[int, bytes]] = []
        while (frame := self._take()) is not None:
            is_last, opcode, payload = frame
            if opcode >= CLOSE:
                found.append((opcode, payload))
            elif (message := self._join(is_last, opcode, payload)) is not None:
                found.append(message)
        del self._buffer[: self._at]
        self._at = 0
        return found

    def _take(self) -> tuple[bool, int, bytes] | None:
        """The next frame, or None until there is a whole one."""
        buffer, at = self._buffer, self._at
        if len(buffer) < at + 2:
            return None
        first, second = buffer[at], buffer[at + 1]
        opcode, size = first & 0x0F, second & 0x7F
        check_head(first, second)
        at += 2
        if size > 125:
            begin, at = at, at + (2 if size == 126 else 8)
            if len(buffer) < at:
                return None
            size = int.from_bytes(buffer[begin:at], "big")
        if self._size + size > self.max_bytes:
            raise Malformed(TOO_BIG, f"A message has at most {self.max_bytes} bytes.")
        end = at + 4 + size
        if len(buffer) < end:
            return None
        self._at = end
        return bool(first & 0x80), opcode, unmask(bytes(buffer[at + 4 : end]), bytes(buffer[at : at + 4]))

    def _join(self, is_last: bool, opcode: int, payload: bytes) -> tuple[int, bytes] | None:  # noqa: FBT001 - a bit
        """The message that ends with this frame, or None."""
        if (opcode == CONTINUATION) != bool(self._kind):
            raise Malformed(PROTOCOL_ERROR, "The pieces of a message are mixed up.")
        if is_last and not self._kind:
            return opcode, payload
        self._kind = self._kind or opcode
        self._parts.append(payload)
        self._size += len(payload) + 16  # so that a million empty pieces are too large as well
        if not is_last:
            return None
        message = self._kind, b"".join(self._parts)
        self._kind, self._parts, self._size = 0, [], 0
        return message


def check_head(first: int, second: int) -> None:
    """Raises Malformed for what no client may send."""
    opcode = first & 0x0F
    if first & 0x70:
        raise Malformed(PROTOCOL_ERROR, "Extensions were not agreed on.")
    if opcode not in {CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG}:
        raise Malformed(PROTOCOL_ERROR, "There is no such kind of frame.")
    if not second & 0x80:
        raise Malformed(PROTOCOL_ERROR, "A client masks its frames.")
    if opcode >= CLOSE and (not first & 0x80 or second & 0x7F > 125):
        raise Malformed(PROTOCOL_ERROR, "A control frame is whole and short.")


def parse_close(payload: bytes) -> int:
    """The code of a close frame, 1005 for none. Raises Malformed."""
    if not payload:
        return 1005
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or not (code in ALLOWED_CODES or 3_000 <= code < 5_000):
        raise Malformed(PROTOCOL_ERROR, "There is no such code to close with.")
    decode_text(payload[2:])
    return code


def decode_text(payload: bytes) -> str:
    """The text of a text frame. Raises Malformed."""
    try:
        return payload.decode()
    except UnicodeDecodeError as error:
        raise Malformed(BAD_DATA, "The text is not UTF-8.") from error
