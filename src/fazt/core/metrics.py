"""Figures for `/metrics`, in Prometheus' form. Each is declared here or beside what it counts."""

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
