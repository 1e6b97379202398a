"""How good input becomes bad."""

from __future__ import annotations

import random

NUMBERS = (0, 1, 2, 127, 128, 255)
PIECES = (
    b"\r\n\r\n",
    b"\0",
    b"\xff\xfe",
    b"%00",
    b"%2e%2e%2f",
    b"../",
    b"'\"<>&;",
    b"{" * 40,
    b"[" * 200,
    b"-1",
    b"99999999999999999999",
    b"1e400",
    b"\xed\xa0\x80",
    "\u202e\u2028\U0001f642".encode(),
    b"Infinity",
    b"null",
    b"A" * 5_000,
)


def damage(seed: bytes, chance: random.Random) -> bytes:
    """A relative of `seed`: bytes changed, cut out, doubled, put in; now and then only noise."""
    data = bytearray(chance.randbytes(chance.randrange(80)) if chance.random() < 0.03 else seed)
    for _ in range(chance.choice([1, 1, 2, 3, 8])):
        at = chance.randrange(len(data) + 1)
        end = min(len(data), at + chance.choice([1, 2, 4, 16, 64]))
        match chance.randrange(6):
            case 0 if at < len(data):
                data[at] = chance.choice([*NUMBERS, data[at] ^ (1 << chance.randrange(8))])
            case 1:
                del data[at:end]
            case 2:
                data[at:at] = data[at:end] * chance.choice([1, 2, 50])
            case 3:
                data[at:at] = chance.choice(PIECES)
            case 4 if len(data) > 1:
                del data[at:]
            case _:
                data[at:end] = chance.randbytes(end - at)
    return bytes(data)
