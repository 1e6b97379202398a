"""Times as people and programs write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from fazt.core.errors import Invalid


def moment(text: str) -> int:
    """A time in milliseconds, given so or in RFC 3339 (without a zone: UTC). Raises Invalid."""
    if re.fullmatch(r"[0-9]{1,15}", text):
        return int(text)
    try:
        at = datetime.fromisoformat(text)
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1_000)
    except (ValueError, OverflowError) as error:
        raise Invalid(f"{text[:40]!r} is no time; write 2026-11-23T10:00:00Z, or milliseconds.") from error
