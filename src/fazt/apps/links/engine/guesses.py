"""Who asks for one slug after the other that does not exist is slowed: short names are not to be listed."""

from __future__ import annotations

from collections import OrderedDict
from math import ceil

from fazt.core.auth.model import networks_of
from fazt.core.clock import SECOND
from fazt.core.errors import TooMany

FREE = 30
LEAK = 10 * SECOND
CAPACITY = 4_096


class Guesses:
    """Counts misses by network: 30 are free, then one every ten seconds. Hits are never refused."""

    def __init__(self) -> None:
        self._misses: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def miss(self, address: str, now: int) -> None:
        """Note a miss. Raises TooMany where there were too many; that one is not counted again."""
        place = networks_of(address)[0] if address else ""
        count, at = self._misses.pop(place, (0.0, now))
        count = max(0.0, count - (now - at) / LEAK)
        is_refused = count >= FREE
        self._misses[place] = (count if is_refused else count + 1, now)
        if len(self._misses) > CAPACITY:
            self._misses.popitem(last=False)
        if is_refused:
            wait_s = ceil((count - FREE + 1) * LEAK / SECOND)
            raise TooMany("Too many short names that do not exist.", hint="Try again in a moment.", retry_after=wait_s)
