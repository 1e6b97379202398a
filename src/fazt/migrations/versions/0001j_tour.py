"""Whether somebody has closed the first steps on the dashboard."""

import sqlalchemy as sa
from alembic import op

from fazt.migrations import step_before

revision = "0001j_tour"
down_revision = step_before(__file__)


def upgrade() -> None:
    """Add the column."""
    op.add_column("core_user", sa.Column("tour_closed_at", sa.BigInteger))
