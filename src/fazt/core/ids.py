"""Names that nobody chose: ids that sort by time, and secrets."""

import secrets

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u


def new_id(now: int) -> str:
    """20 characters that sort by `now` (ms): 9 of time, 11 of chance (55 bits)."""
    return encode_base32(now, 9) + encode_base32(secrets.randbits(55), 11)


def encode_base32(number: int, length: int) -> str:
    """`number` in Crockford's base 32, padded with zeros to `length` characters."""
    return "".join(ALPHABET[(number >> shift) & 31] for shift in range(5 * (length - 1), -1, -5))


def new_secret(prefix: str = "") -> str:
    """A secret of 160 random bits after `prefix`, safe in URLs and on a command line."""
    return prefix + encode_base32(secrets.randbits(160), 32)


def new_slug(length: int) -> str:
    """A random name of `length` letters and digits that people can read out."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
