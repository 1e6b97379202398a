"""The table of measurements of the file."""

import sqlalchemy as sa
from alembic import op

from fazt.migrations import step_before

revision = "0001i_usage"
down_revision = step_before(__file__)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "core_usage",
        sa.Column("at", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("total", sa.BigInteger, nullable=False),
        sa.Column("found", sa.Text, nullable=False),
    )
