"""What a topic keeps: its own rules, and the limits of the hub."""

from __future__ import annotations

import msgspec

from fazt.core.clock import HOUR
from fazt.core.errors import Invalid

FOREVER = 9_000_000_000_000_000
"""A time (ms) that never comes."""


class Options(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A topic's own rules; 0 means what the settings say. A `volatile` topic keeps nothing and answers at once."""

    keep_hours: float = 0
    keep_count: int = 0
    keep_bytes: int = 0
    volatile: bool = False
    retain: bool = False


class Limits(msgspec.Struct, frozen=True):
    """What the settings allow."""

    keep_ms: int = 7 * 24 * HOUR
    keep_count: int = 10_000
    keep_bytes: int = 16 * 1024 * 1024
    max_topics: int = 100_000

    def of(self, options: Options) -> Limits:
        """With what a topic says of itself."""
        return Limits(
            int(options.keep_hours * HOUR) or self.keep_ms,
            options.keep_count or self.keep_count,
            options.keep_bytes or self.keep_bytes,
            self.max_topics,
        )


def check_options(options: Options) -> Options:
    """`options` itself. Raises Invalid."""
    if not 0 <= options.keep_hours <= 876_000 or not 0 <= options.keep_count <= 1_000_000:
        raise Invalid("A topic keeps up to a hundred years and up to a million messages.")
    if not 0 <= options.keep_bytes <= 1 << 33:
        raise Invalid("A topic keeps up to 8 GiB.")
    if options.volatile and options.retain:
        raise Invalid("A topic that keeps nothing cannot keep its last value.")
    return options
