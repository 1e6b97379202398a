"""Tables of the app `pads`."""

import sqlalchemy as sa
from alembic import op

from fazt.migrations import step_before

revision = "0007_pads"
down_revision = step_before(__file__)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "pads_pad",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("members", sa.Text, nullable=False),
        sa.Column("guests", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("settled_seq", sa.BigInteger, nullable=False),
        sa.Column("thinned_seq", sa.BigInteger, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("log_bytes", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
    )
    op.create_index("pads_pad_user_id", "pads_pad", ["user_id"])
    op.create_index("pads_pad_expires_at", "pads_pad", ["expires_at"])
    op.create_index("pads_pad_changed", "pads_pad", ["user_id", "changed_at"])
    op.create_table(
        "pads_update",
        sa.Column("pad_id", sa.Text, sa.ForeignKey("pads_pad.id"), primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "pads_state",
        sa.Column("pad_id", sa.Text, sa.ForeignKey("pads_pad.id"), primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
