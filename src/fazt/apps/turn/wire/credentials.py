"""Keys, nonces and time-limited credentials (RFC 8489 section 9.2 and the TURN REST scheme)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import unicodedata

from fazt.apps.turn.wire.numbers import PASSWORD_SHA256

NONCE_COOKIE = b"obMatJos2"
FEATURES = b"AAAB"
"""24 bits in base64; the lowest says that PASSWORD-ALGORITHMS may be used (RFC 8489 section 9.2.1).

Not USERHASH: a time-limited name cannot be found by its hash.
"""
_NONCE_SIZE = len(NONCE_COOKIE) + len(FEATURES) + 16


def derive_key(username: str, realm: str, password: str, algorithm: int) -> bytes:
    """The long-term key, 16 bytes for MD5 and 32 for SHA-256 (RFC 8489 section 18.5)."""
    text = f"{username}:{realm}:{password}".encode()
    return hashlib.sha256(text).digest() if algorithm == PASSWORD_SHA256 else hashlib.md5(text).digest()  # noqa: S324 - the protocol's own


def prepare_text(text: str) -> str:
    """OpaqueString (RFC 8265 section 4.2): other spaces become plain ones, then NFC."""
    spaced = "".join(" " if unicodedata.category(c) == "Zs" else c for c in text)
    return unicodedata.normalize("NFC", spaced)


def make_nonce(key: bytes, address: str, now_s: int) -> bytes:
    """A nonce that says when it was made (seconds) and proves for which IP address; nothing is kept of it."""
    stamp = now_s.to_bytes(4, "big")
    return NONCE_COOKIE + FEATURES + base64.b64encode(stamp + _mark(key, address, stamp))


def read_nonce(key: bytes, address: str, nonce: bytes) -> int | None:
    """The second at which this nonce was made with `key` for `address`; None for any other."""
    if len(nonce) != _NONCE_SIZE or not nonce.startswith(NONCE_COOKIE + FEATURES):
        return None
    try:
        content = base64.b64decode(nonce[-16:], validate=True)
    except ValueError:
        return None
    stamp, mark = content[:4], content[4:]
    return int.from_bytes(stamp, "big") if hmac.compare_digest(mark, _mark(key, address, stamp)) else None


def _mark(key: bytes, address: str, stamp: bytes) -> bytes:
    return hmac.new(key, stamp + address.encode(), hashlib.sha256).digest()[:8]


def make_username(user: str, expires_s: int) -> str:
    """The REST scheme's name: when it ends (Unix seconds) and whose it is."""
    return f"{expires_s}:{user}"


def read_username(username: str) -> tuple[int, str] | None:
    """(end in Unix seconds, user) of a time-limited name; None for any other name."""
    stamp, colon, user = username.partition(":")
    if not colon or not (stamp.isascii() and stamp.isdigit()) or len(stamp) > 12:
        return None
    return int(stamp), user


def make_password(secret: str, username: str) -> str:
    """The REST scheme's password for a time-limited name: base64 of HMAC-SHA1, as coturn and others expect it."""
    return base64.b64encode(hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()).decode()
