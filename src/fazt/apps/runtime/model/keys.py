"""Keys and values of a site's own store."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from fazt.core.errors import Invalid, TooLarge

MAX_KEY_BYTES = 1_024
MAX_VALUE_BYTES = 1 << 20
MAX_OPERATIONS = 100
MAX_LIST = 1_000
LONGEST_TTL_S = 10 * 366 * 24 * 3600


class Entry(msgspec.Struct, frozen=True):
    """A key with its value, JSON text as it was given. `version` grows with every write to the site's store."""

    key: str
    value: msgspec.Raw
    version: int
    expires_at: int | None = None


class Operation(msgspec.Struct, frozen=True, rename="camel"):
    """One step of `db.atomic`. A `check` only compares the version; 0 means that the key must not exist."""

    op: Literal["set", "delete", "add", "check"]
    key: str
    value: msgspec.Raw = msgspec.Raw(b"null")
    ttl: float | None = None
    if_version: int | None = None
    amount: float = 1


class Listing(msgspec.Struct, frozen=True):
    """Which keys are asked for: those that begin with `prefix`, from `start` on, before `end`."""

    prefix: str = ""
    start: str = ""
    end: str | None = None
    limit: int = 100
    reverse: bool = False


def check_key(key: str) -> str:
    """`key`, 1 to 1,024 bytes without NUL. Raises Invalid."""
    try:
        size = len(key.encode())
    except UnicodeEncodeError as error:
        raise Invalid("A key is Unicode text; this one holds half a surrogate pair.") from error
    if not 0 < size <= MAX_KEY_BYTES or "\0" in key:
        raise Invalid(f"A key has 1 to {MAX_KEY_BYTES} bytes and no NUL.")
    return key


def check_value(value: bytes) -> str:
    """JSON as it is kept. Raises TooLarge over 1 MiB, Invalid where a database could not hold it."""
    if len(value) > MAX_VALUE_BYTES:
        raise TooLarge(f"A value has at most {MAX_VALUE_BYTES:,} bytes of JSON; this one has {len(value):,}.")
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise Invalid("The value is not JSON.") from error


def check_ttl(ttl: float | None) -> int | None:
    """A time to live in ms, from seconds. Raises Invalid."""
    if ttl is None:
        return None
    if not math.isfinite(ttl) or not 0 < ttl <= LONGEST_TTL_S:
        raise Invalid("ttl is a number of seconds above 0, at most ten years.")
    return max(1, round(ttl * 1_000))


def check_amount(value: str | None, amount: float) -> float | int:
    """What `db.add` makes of a value: the sum, whole where both are. Raises Invalid where either is no number."""
    found = msgspec.json.decode(value.encode()) if value is not None else 0
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise Invalid("db.add needs a number there, or nothing.")
    total = found + (int(amount) if amount.is_integer() else amount)
    if isinstance(total, int) and abs(total) >= 1 << 53:
        raise Invalid("The sum is larger than JavaScript counts exactly (2^53).")
    if not math.isfinite(total):
        raise Invalid("The sum is no finite number.")
    return total
