"""Tables of upgrades."""

import sqlalchemy as sa
from alembic import op

from fazt.migrations import step_before

revision = "0014_upgrade"
down_revision = step_before(__file__)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "upgrade_release",
        sa.Column("version", sa.Text, primary_key=True),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("published_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "upgrade_look",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("problem", sa.Text, nullable=False),
    )
    op.create_table(
        "upgrade_run",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("old", sa.Text, nullable=False),
        sa.Column("new", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
