"""Names that nobody chose: ids that sort by time, and secrets."""

import secrets
from base64 import b32encode

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
FROM_RFC_4648 = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", ALPHABET.encode())


def new_id(now: int) -> str:
    """20 characters that sort by `now` (ms): 9 of time, 11 of chance (55 bits)."""
    return encode_base32(now << 55 | secrets.randbits(55), 20)


def encode_base32(number: int, length: int) -> str:
    """The lowest digits of `number` in Crockford's base 32, padded with zeros to `length` characters."""
    size = -(-length // 8) * 5  # the library's encoder takes five bytes for eight digits
    data = (number & (1 << 8 * size) - 1).to_bytes(size, "big")
    return b32encode(data).translate(FROM_RFC_4648)[-length:].decode()


def new_secret(prefix: str = "") -> str:
    """A secret of 160 random bits after `prefix`, safe in URLs and on a command line."""
    return prefix + encode_base32(secrets.randbits(160), 32)


def new_slug(length: int) -> str:
    """A random name of `length` letters and digits that people can read out."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
