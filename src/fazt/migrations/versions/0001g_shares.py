"""The table of shares."""

import sqlalchemy as sa
from alembic import op

from fazt.migrations import step_before

revision = "0001g_shares"
down_revision = step_before(__file__)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "core_share",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("app", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, sa.ForeignKey("core_user.id", ondelete="CASCADE"), nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("may_write", sa.Boolean, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("visits", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("digest"),
    )
    op.create_index("core_share_app_target", "core_share", ["app", "target"])
    op.create_index("core_share_user_id", "core_share", ["user_id"])
    op.create_index("core_share_expires_at", "core_share", ["expires_at"])
