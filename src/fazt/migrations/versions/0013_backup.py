"""Tables of backups."""

import sqlalchemy as sa
from alembic import op

from fazt.migrations import step_before

revision = "0013_backup"
down_revision = step_before(__file__)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "backup_run",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
    )
    op.create_index("backup_run_kind", "backup_run", ["kind", "id"])
    op.create_table(
        "backup_alarm",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "backup_contents",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("manifest", sa.Text, nullable=False),
    )
    op.create_table(
        "backup_due",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("schedule", sa.Text, nullable=False),
        sa.Column("next_at", sa.BigInteger, nullable=False),
    )
