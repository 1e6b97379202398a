"""The table of epochs, with the first one in it."""

import sqlalchemy as sa
from alembic import op

from fazt.core.clock import system_clock
from fazt.core.ids import new_id
from fazt.migrations import step_before

revision = "0001h_epoch"
down_revision = step_before(__file__)


def upgrade() -> None:
    """Make the table, and begin."""
    table = op.create_table(
        "core_epoch",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("begun_at", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    now = system_clock()
    op.bulk_insert(table, [{"id": new_id(now), "begun_at": now, "reason": "new"}])
