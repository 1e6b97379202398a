"""transfer.sh's headers and 0x0's form fields, as options of a drop; and what is answered."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from fazt.apps.drops.model import DAY_S, Drop, File, Options
from fazt.core.clock import DAY
from fazt.core.errors import Invalid

SPAN = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*(s|sec|m|min|h|d|w)?\Z", re.IGNORECASE)
UNITS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3_600, "d": DAY_S, "w": 7 * DAY_S}
YES = {"1", "true", "yes", "on"}
EPOCH_MS = 100_000_000_000
"""0x0 takes a number of hours, or above this a moment in ms since 1970."""


def parse_span(text: str) -> int:
    """`90`, `90s`, `10m`, `3h`, `7d`, `2w` as seconds. Raises Invalid."""
    found = SPAN.match(text.strip())
    if found is None:
        raise Invalid(f"{text[:20]!r} is not a span of time.", hint="For example 30m, 12h or 7d.")
    return int(float(found[1]) * UNITS[(found[2] or "s").lower()])


def parse_count(text: str, name: str) -> int:
    """A positive whole number. Raises Invalid."""
    if not re.fullmatch("[0-9]{1,9}", text.strip(), re.ASCII) or int(text) == 0:
        raise Invalid(f"{name} is a positive whole number.")
    return int(text)


def options_of_headers(headers: Mapping[str, str]) -> Options:
    """`Max-Days` and `Max-Downloads` as transfer.sh reads them, and ours: `Expires-In`, `Sliding`, `X-Password`,
    `X-Title`. The names are in lower case. Raises Invalid.
    """
    if "x-encrypt-password" in headers:
        raise Invalid(
            "X-Encrypt-Password is not for here.", hint="X-Password protects; the page and --encrypt encrypt."
        )
    lifetime_s = None
    if "max-days" in headers:
        lifetime_s = parse_count(headers["max-days"], "Max-Days") * DAY_S
    if "expires-in" in headers:
        lifetime_s = parse_span(headers["expires-in"])
    most = headers.get("max-downloads")
    return Options(
        title=decode(headers.get("x-title", "")),
        lifetime_s=lifetime_s,
        is_sliding=headers.get("sliding", "").lower() in YES,
        max_downloads=parse_count(most, "Max-Downloads") if most is not None else 0,
        password=decode(headers.get("x-password", "")),
    )


def decode(text: str) -> str:
    """A header's bytes as the UTF-8 that most clients send."""
    try:
        return text.encode("latin-1").decode()
    except (UnicodeEncodeError, UnicodeDecodeError):
        return text


def options_of_fields(fields: Mapping[str, str], known: Options) -> Options:
    """The fields of a form over what the headers said: 0x0's `expires`, and options by name. Raises Invalid."""
    lifetime_s, expires_at = known.lifetime_s, None
    if expires := fields.get("expires", "").strip():
        if not re.fullmatch("[0-9]{1,15}", expires, re.ASCII):
            raise Invalid("`expires` is a number of hours, or of milliseconds since 1970.")
        number = int(expires)
        lifetime_s, expires_at = (None, number) if number > EPOCH_MS else (number * 3_600, None)
    if span := fields.get("expires_in", "").strip():
        lifetime_s = parse_span(span)
    most = fields.get("max_downloads", "").strip()
    return Options(
        title=fields.get("title", known.title),
        note=fields.get("note", known.note),
        lifetime_s=lifetime_s,
        expires_at=expires_at,
        is_sliding=known.is_sliding or fields.get("sliding", "").lower() in YES,
        max_downloads=parse_count(most, "max_downloads") if most and most != "0" else known.max_downloads,
        password=fields.get("password", known.password),
        request=known.request,
    )


def remaining(drop: Drop, file: File | None, now: int) -> list[tuple[bytes, bytes]]:
    """`X-Remaining-Downloads` (of this file) and `X-Remaining-Days`, and the exact end in `Expires`' place."""
    left = "n/a"
    if drop.max_downloads:
        used = file.downloads if file else max((one.downloads for one in drop.files), default=0)
        left = str(max(0, drop.max_downloads - used))
    days = max(0, math.ceil((drop.expires_at - now) / DAY))
    return [(b"x-remaining-downloads", left.encode()), (b"x-remaining-days", str(days).encode())]
