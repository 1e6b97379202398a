"""The relay's figures as Prometheus wants them. No label ever holds a user name: the series would never end."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

from fazt.apps.turn.model import Figures
from fazt.core.metrics import REGISTRY

ALLOCATIONS = Gauge("fazt_turn_allocations", "Allocations there are now.", registry=REGISTRY)
STREAMS = Gauge("fazt_turn_streams", "TCP and TLS clients there are now.", registry=REGISTRY)
BYTES = Counter("fazt_turn_bytes", "Bytes relayed.", ("direction",), registry=REGISTRY)
PACKETS = Counter("fazt_turn_packets", "Packets relayed.", ("direction",), registry=REGISTRY)
CPU = Counter("fazt_turn_cpu_seconds", "CPU time of the relay's process.", registry=REGISTRY)
COUNTS = Counter("fazt_turn_events", "Requests, refusals and drops.", ("name",), registry=REGISTRY)


class Meter:
    """Turns reports, whose totals begin anew with each process, into counters that only grow."""

    def __init__(self) -> None:
        self._before = Figures()

    def take(self, after: Figures) -> None:
        """Count what is new since the last report."""
        before = self._before if self._before.started_at == after.started_at else Figures()
        self._before = after
        ALLOCATIONS.set(after.allocations)
        STREAMS.set(after.streams)
        CPU.inc(max(0.0, after.cpu_s - before.cpu_s))
        BYTES.labels("sent").inc(after.bytes_sent - before.bytes_sent)
        BYTES.labels("received").inc(after.bytes_received - before.bytes_received)
        PACKETS.labels("sent").inc(after.packets_sent - before.packets_sent)
        PACKETS.labels("received").inc(after.packets_received - before.packets_received)
        for name, number in after.counts.items():
            if grown := number - before.counts.get(name, 0):
                COUNTS.labels(name).inc(grown)
