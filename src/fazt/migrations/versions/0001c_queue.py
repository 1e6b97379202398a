"""Tables of core's events, jobs and settings."""

import sqlalchemy as sa
from alembic import op

from fazt.migrations import step_before

revision = "0001c_queue"
down_revision = step_before(__file__)

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "core_event",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("is_delivered", sa.Boolean, nullable=False),
        sqlite_autoincrement=True,
    )
    waiting = sa.text("NOT is_delivered")
    op.create_index("core_event_waiting", "core_event", ["id"], sqlite_where=waiting, postgresql_where=waiting)
    op.create_index("core_event_at", "core_event", ["at"])
    create_job_tables()
    op.create_table(
        "core_setting",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
    )


def create_job_tables() -> None:
    """The queue, and what puts work into it by the clock."""
    op.create_table(
        "core_job",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("run_at", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("interruptions", sa.Integer, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=True),
        sqlite_autoincrement=True,
    )
    once = sa.text("state = 'queued' AND key <> ''")
    op.create_index("core_job_once", "core_job", ["name", "key"], unique=True, sqlite_where=once, postgresql_where=once)
    op.create_index("core_job_due", "core_job", ["state", "run_at", "id"])
    op.create_table(
        "core_cron",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("schedule", sa.Text, nullable=False),
        sa.Column("next_at", sa.BigInteger, nullable=False),
        sa.Column("is_paused", sa.Boolean, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=True),
        sa.Column("last_took_ms", sa.BigInteger, nullable=True),
        sa.Column("last_error", sa.Text, nullable=False),
    )
