"""Strangers may publish where a rule lets everyone, but not as fast as they like."""

from __future__ import annotations

from collections import OrderedDict

from fazt.core.auth.model.places import networks_of
from fazt.core.errors import TooMany

REFILL_S = 5.0
MAX_KNOWN = 20_000


class Visitors:
    """A bucket of requests for each address, which fills up by one every five seconds."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def spend(self, address: str, burst: int, now: float) -> None:
        """One request of this address. Raises TooMany."""
        place = networks_of(address)[0]
        left, at = self._buckets.get(place, (float(burst), now))
        left = min(float(burst), left + (now - at) / REFILL_S)
        if left < 1:
            wait_s = max(1, round((1 - left) * REFILL_S))
            raise TooMany(
                f"Strangers may publish {burst} messages at once, then one every {REFILL_S:.0f} seconds.",
                retry_after=wait_s,
                limit=burst,
            )
        self._buckets[place] = (left - 1, now)
        self._buckets.move_to_end(place)
        while len(self._buckets) > MAX_KNOWN:
            self._buckets.popitem(last=False)
