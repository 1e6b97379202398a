"""Tables of the app `runtime`."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from fazt.migrations import step_before

revision = "0003_runtime"
down_revision = step_before(__file__)

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
BINARY = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    create_site_tables()
    create_run_tables()


def create_site_tables() -> None:
    """What is known of sites, and what their code keeps."""
    op.create_table(
        "runtime_site",
        sa.Column("id", ID, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("entry", sa.Text, nullable=False),
        sa.Column("is_active", sa.Boolean, nullable=False),
        sa.Column("asked", sa.Text, nullable=False),
        sa.Column("granted", sa.Text, nullable=False),
        sa.Column("limits", sa.Text, nullable=False),
        sa.Column("problem", sa.Text, nullable=False),
    )
    op.create_index("runtime_site_name", "runtime_site", ["name"])
    op.create_table(
        "runtime_space",
        sa.Column("site_id", ID, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "runtime_entry",
        sa.Column("site_id", ID, primary_key=True),
        sa.Column("key", BINARY, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sqlite_with_rowid=False,
    )
    expiring = sa.text("expires_at IS NOT NULL")
    op.create_index(
        "runtime_entry_expires", "runtime_entry", ["expires_at"], sqlite_where=expiring, postgresql_where=expiring
    )
    op.create_table(
        "runtime_secret",
        sa.Column("site_id", ID, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
    )


def create_run_tables() -> None:
    """What runs by itself, and what it said."""
    op.create_table(
        "runtime_cron",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("schedule", sa.Text, nullable=False),
        sa.Column("timezone", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("missed", sa.Text, nullable=False),
        sa.Column("overlap", sa.Boolean, nullable=False),
        sa.Column("retries", sa.Integer, nullable=False),
        sa.Column("next_at", sa.BigInteger, nullable=False),
        sa.Column("is_paused", sa.Boolean, nullable=False),
    )
    op.create_index("runtime_cron_site_id", "runtime_cron", ["site_id"])
    op.create_index("runtime_cron_next_at", "runtime_cron", ["next_at"])
    op.create_table(
        "runtime_hook",
        sa.Column("site_id", ID, primary_key=True),
        sa.Column("event", sa.Text, primary_key=True),
        sa.Column("filter", sa.Text, nullable=False),
    )
    op.create_index("runtime_hook_event", "runtime_hook", ["event"])
    op.create_table(
        "runtime_run",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("run_at", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("max_attempts", sa.Integer, nullable=False),
        sa.Column("interruptions", sa.Integer, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("started_at", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
        sqlite_autoincrement=True,
    )
    op.create_index("runtime_run_site", "runtime_run", ["site_id", "id"])
    is_open = sa.text("state IN ('queued', 'running')")
    for name, columns in [("due", ["run_at", "id"]), ("key", ["site_id", "key", "id"])]:
        op.create_index(f"runtime_run_{name}", "runtime_run", columns, sqlite_where=is_open, postgresql_where=is_open)
    op.create_table(
        "runtime_log",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("run", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("runtime_log_site", "runtime_log", ["site_id", "id"])
