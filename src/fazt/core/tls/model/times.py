"""When to renew, when to try again, when to wait: pure calculations in ms."""

from __future__ import annotations

from collections.abc import Sequence

from fazt.core.clock import DAY, HOUR, MINUTE

WEEK = 7 * DAY
YEAR_S = 31_536_000


def hsts_seconds(first_at: int | None, now: int) -> int:
    """For how long a host that has been on HTTPS since then may bind browsers to it: the surer, the longer."""
    age = -1 if first_at is None else now - first_at
    return 0 if age < DAY else DAY // 1_000 if age < WEEK else YEAR_S


def renewal_time(not_before: int, not_after: int, chance: float) -> int:
    """When to renew a certificate of which the authority says nothing: after two thirds of its life.

    One of ten days or less after half of it. `chance` (0 to 1) spreads those that were issued together.
    """
    life = not_after - not_before
    share = 1 / 2 if life <= 10 * DAY else 2 / 3
    return int(not_before + life * (share - 0.05 * chance))


def earliest_renewal(issued_at: int, not_before: int, not_after: int) -> int:
    """Before this one is not replaced, whatever clocks say: else a clock that is wrong would ask without end."""
    return issued_at + min(12 * HOUR, (not_after - not_before) // 4)


def delay_after_refusal(failures: int, chance: float) -> int:
    """How long a name is left alone that an authority has refused: authorities count each failure."""
    return int(min(DAY, 15 * MINUTE * 2 ** min(failures, 20)) * (0.8 + 0.2 * chance))


def delay_after_check(failures: int, chance: float) -> int:
    """How long a name waits that our own look at its DNS showed to be not ready: that costs nobody anything."""
    return int(min(HOUR, MINUTE * 2 ** min(failures, 20)) * (0.8 + 0.2 * chance))


def delay_after_trouble(failures: int, chance: float) -> int:
    """How long an authority is left alone that is away or busy."""
    return int(min(6 * HOUR, MINUTE * 2 ** min(failures, 20)) * (0.8 + 0.2 * chance))


def is_due(at: int, now: int, longest: int) -> bool:
    """Whether `at` has come. A time further off than it can be was set by a clock that has been put right since."""
    return at <= now or at > now + longest


def free_at(times: Sequence[int], limit: int, window: int, now: int) -> int:
    """When one more is allowed, of at most `limit` in any `window`; `times` are those of the past, oldest first."""
    counted = [at for at in times if now - window < at <= now]
    return now if len(counted) < limit else counted[len(counted) - limit] + window
