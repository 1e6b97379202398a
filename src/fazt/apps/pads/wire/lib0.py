"""lib0's encoding, in which Yjs writes everything: numbers of seven bits a byte, and bytes with their length."""

from __future__ import annotations

from fazt.core.errors import Invalid

MAX_SHIFT = 49
"""JavaScript's numbers are exact up to 2**53; eight bytes of seven bits are enough."""


def garbled(what: str = "message") -> Invalid:
    """The error for bytes that mean nothing."""
    return Invalid(f"This {what} is garbled.")


class Reader:
    """Bytes that are read from the front. Everything raises Invalid where they end too soon."""

    __slots__ = ("at", "data", "end")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.end = len(data)

    def byte(self) -> int:
        """One byte."""
        at = self.at
        if at >= self.end:
            raise garbled()
        self.at = at + 1
        return self.data[at]

    def uint(self) -> int:
        """A number."""
        number = shift = 0
        while True:
            byte = self.byte()
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
            shift += 7
            if shift > MAX_SHIFT:
                raise garbled()

    def signed(self) -> int:
        """A number with a sign, which stands in the second bit of the first byte."""
        first = self.byte()
        number, shift = first & 0x3F, 6
        byte = first
        while byte & 0x80:
            byte = self.byte()
            number |= (byte & 0x7F) << shift
            shift += 7
            if shift > 63:
                raise garbled()
        return -number if first & 0x40 else number

    def skip(self, size: int) -> None:
        """Pass over `size` bytes."""
        if size > self.end - self.at:
            raise garbled()
        self.at += size

    def buffer(self) -> bytes:
        """Bytes with their length in front."""
        size = self.uint()
        begin = self.at
        self.skip(size)
        return self.data[begin : self.at]

    def text(self) -> str:
        """UTF-8 with its length in front."""
        try:
            return self.buffer().decode()
        except UnicodeDecodeError as error:
            raise garbled() from error

    @property
    def is_over(self) -> bool:
        """Whether all is read."""
        return self.at >= self.end


def write_uint(number: int) -> bytes:
    """A number."""
    written = bytearray()
    while number > 0x7F:
        written.append(0x80 | number & 0x7F)
        number >>= 7
    written.append(number)
    return bytes(written)


def write_bytes(data: bytes) -> bytes:
    """Bytes with their length in front."""
    return write_uint(len(data)) + data


def write_text(text: str) -> bytes:
    """UTF-8 with its length in front."""
    return write_bytes(text.encode())
