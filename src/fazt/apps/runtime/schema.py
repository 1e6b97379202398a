"""Tables of functions: sites with code, their store, their clock, their runs and their logs."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text, text
from sqlalchemy.dialects import postgresql

from fazt.core.schema import metadata

ID = BigInteger().with_variant(Integer, "sqlite")
BINARY = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
"""Text that both engines sort by code point."""

site = Table(
    "runtime_site",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, index=True),
    Column("owner", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("entry", Text, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("asked", Text, nullable=False),
    Column("granted", Text, nullable=False),
    Column("limits", Text, nullable=False),
    Column("problem", Text, nullable=False),
)

space = Table(
    "runtime_space",
    metadata,
    Column("site_id", ID, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
)

entry = Table(
    "runtime_entry",
    metadata,
    Column("site_id", ID, primary_key=True),
    Column("key", BINARY, primary_key=True),
    Column("value", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    sqlite_with_rowid=False,
)
EXPIRING = text("expires_at IS NOT NULL")
Index("runtime_entry_expires", entry.c.expires_at, sqlite_where=EXPIRING, postgresql_where=EXPIRING)

secret = Table(
    "runtime_secret",
    metadata,
    Column("site_id", ID, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)

cron = Table(
    "runtime_cron",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("site_id", ID, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("schedule", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("missed", Text, nullable=False),
    Column("overlap", Boolean, nullable=False),
    Column("retries", Integer, nullable=False),
    Column("next_at", BigInteger, nullable=False, index=True),
    Column("is_paused", Boolean, nullable=False),
)

hook = Table(
    "runtime_hook",
    metadata,
    Column("site_id", ID, primary_key=True),
    Column("event", Text, primary_key=True),
    Column("filter", Text, nullable=False),
    Index("runtime_hook_event", "event"),
)

run = Table(
    "runtime_run",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("site_id", ID, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("run_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("max_attempts", Integer, nullable=False),
    Column("interruptions", Integer, nullable=False),
    Column("error", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("started_at", BigInteger),
    Column("ended_at", BigInteger),
    Index("runtime_run_site", "site_id", "id"),
    sqlite_autoincrement=True,
)
OPEN = text("state IN ('queued', 'running')")
Index("runtime_run_due", run.c.run_at, run.c.id, sqlite_where=OPEN, postgresql_where=OPEN)
Index("runtime_run_key", run.c.site_id, run.c.key, run.c.id, sqlite_where=OPEN, postgresql_where=OPEN)

log = Table(
    "runtime_log",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("site_id", ID, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("level", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("run", Text, nullable=False),
    Index("runtime_log_site", "site_id", "id"),
    sqlite_autoincrement=True,
)
