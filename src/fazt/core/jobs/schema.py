"""The queue, and what puts work into it by the clock."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text, text

from fazt.core.schema import metadata

job = Table(
    "core_job",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("run_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("interruptions", Integer, nullable=False),
    Column("error", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("started_at", BigInteger, nullable=True),
    Index("core_job_due", "state", "run_at", "id"),
    sqlite_autoincrement=True,  # rows come and go: a page that is a minute old must not mean another job
)

ONCE = text("state = 'queued' AND key <> ''")
Index("core_job_once", job.c.name, job.c.key, unique=True, sqlite_where=ONCE, postgresql_where=ONCE)

cron = Table(
    "core_cron",
    metadata,
    Column("name", Text, primary_key=True),
    Column("schedule", Text, nullable=False),
    Column("next_at", BigInteger, nullable=False),
    Column("is_paused", Boolean, nullable=False),
    Column("last_at", BigInteger, nullable=True),
    Column("last_took_ms", BigInteger, nullable=True),
    Column("last_error", Text, nullable=False),
)
