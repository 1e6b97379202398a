"""Secrets as text: how they look, how they are told from passwords, and what is kept of them.

All but recovery codes (80 bits) have 120 or 160 random bits, so a plain SHA-256 is enough to keep
and guessing needs no brake.
"""

import re
import secrets
from hashlib import sha256

from fazt.core.ids import ALPHABET, encode_base32, new_secret

TOKEN_PREFIX = "fazt_"  # noqa: S105 - a prefix, not a secret
APP_PREFIX = "fazt"
HINT_LENGTH = 9

SESSION = re.compile(f"[{ALPHABET}]{{32}}")
TOKEN = re.compile(f"{TOKEN_PREFIX}[{ALPHABET}]{{32}}")
APP_PASSWORD = re.compile(f"{APP_PREFIX}[{ALPHABET}]{{24}}")
RECOVERY_CODE = re.compile(f"[{ALPHABET}]{{16}}")
TOTP_CODE = re.compile("[0-9]{6}")
LONGEST = 80


def new_session_secret() -> str:
    """160 bits for a cookie."""
    return new_secret()


def new_token_secret() -> str:
    """`fazt_` and 160 bits."""
    return new_secret(TOKEN_PREFIX)


def new_app_password() -> str:
    """`fazt-abcd-efgh-…`: 120 bits in groups that can be typed on a phone."""
    return "-".join((APP_PREFIX, *_groups(24)))


def new_recovery_code() -> str:
    """`abcd-efgh-jkmn-pqrs`: 80 bits."""
    return "-".join(_groups(16))


def _groups(length: int) -> list[str]:
    text = encode_base32(secrets.randbits(5 * length), length)
    return [text[start : start + 4] for start in range(0, length, 4)]


def normalize_secret(text: str) -> str | None:
    """A token or app password as it is hashed, or None where `text` has the shape of neither.

    Spaces, hyphens and capitals in an app password do not matter.
    """
    if len(text) > LONGEST:
        return None
    text = text.strip()
    if TOKEN.fullmatch(text):
        return text
    bare = re.sub("[ -]", "", text).lower()
    return bare if APP_PASSWORD.fullmatch(bare) else None


def is_token_shaped(text: str) -> bool:
    """Whether `text` can only be a token or an app password, never somebody's own password."""
    return normalize_secret(text) is not None


def normalize_code(text: str) -> str | None:
    """A six-digit code or a recovery code without spaces, hyphens and capitals; None for anything else."""
    bare = re.sub("[ -]", "", text[:LONGEST]).lower()
    return bare if TOTP_CODE.fullmatch(bare) or RECOVERY_CODE.fullmatch(bare) else None


def is_session_shaped(text: str) -> bool:
    """Whether `text` may be a session's secret, an invitation's or a reset's."""
    return SESSION.fullmatch(text) is not None


def digest(secret: str) -> bytes:
    """What is stored of a random secret."""
    return sha256(secret.encode()).digest()
