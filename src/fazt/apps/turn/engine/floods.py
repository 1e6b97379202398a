"""Strangers get few answers: a relay must not lend its address to whoever forges sources."""

from __future__ import annotations

import socket

BUCKETS = 4_096
BURST_S = 3


class AnswerLimit:
    """A fixed table of token buckets by hashed source: `rate` answers a second, three seconds' worth at once.

    IPv6 sources count by /64, ports don't count. Sources that share a bucket share its tokens, which costs a
    retransmission at worst; the table never grows.
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._tokens = [rate * BURST_S] * BUCKETS
        self._times = [0.0] * BUCKETS

    def take(self, address: str, now: float) -> bool:
        """Whether a stranger at `address` may be answered once more. `now` is monotonic seconds."""
        source = socket.inet_pton(socket.AF_INET6, address)[:8] if ":" in address else address
        bucket = hash(source) % BUCKETS  # hash() is keyed anew in each process
        most = self.rate * BURST_S
        tokens = min(most, self._tokens[bucket] + (now - self._times[bucket]) * self.rate)
        self._times[bucket] = now
        if tokens < 1.0:
            self._tokens[bucket] = tokens
            return False
        self._tokens[bucket] = tokens - 1.0
        return True
