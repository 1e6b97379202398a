"""Figures for `/metrics`, in Prometheus' form. Each is declared here or beside what it counts."""

from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Histogram

REGISTRY = CollectorRegistry()

WRITE_BATCH = Histogram(
    "fazt_db_write_batch",
    "Writes that shared one commit.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
    registry=REGISTRY,
)
WRITE_SECONDS = Histogram("fazt_db_write_seconds", "Time from first statement to commit.", registry=REGISTRY)
REQUESTS = Counter("fazt_http_requests", "Requests answered.", ("kind", "code"), registry=REGISTRY)

CODE_CLASSES = tuple(f"{first}xx" for first in range(10))
"""The classes of status codes, by their first digit."""

_count_of = lru_cache(REQUESTS.labels)


def count_request(kind: str, code_class: str) -> None:
    """One more answer of a kind and class."""
    _count_of(kind, code_class).inc()
