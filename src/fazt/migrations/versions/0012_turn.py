"""Tables of calls."""

import sqlalchemy as sa
from alembic import op

from fazt.migrations import step_before

revision = "0012_turn"
down_revision = step_before(__file__)

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "turn_secret",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "turn_moment",
        sa.Column("at", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("allocations", sa.BigInteger, nullable=False),
        sa.Column("started", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("packets", sa.BigInteger, nullable=False),
        sa.Column("refused", sa.BigInteger, nullable=False),
        sa.Column("dropped", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "turn_invitation",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("key_hash", sa.Text, nullable=False),
        sa.Column("room", sa.Text, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("key_hash", name="turn_invitation_key_hash_unique"),
    )
    op.create_index("turn_invitation_created_by", "turn_invitation", ["created_by"])
    op.create_index("turn_invitation_expires_at", "turn_invitation", ["expires_at"])
