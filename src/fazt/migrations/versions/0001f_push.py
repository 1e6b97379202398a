"""Tables of notices and of the devices that take them."""

import sqlalchemy as sa
from alembic import op

from fazt.migrations import step_before

revision = "0001f_push"
down_revision = step_before(__file__)

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "core_notice",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("user_id", sa.Text, sa.ForeignKey("core_user.id", ondelete="CASCADE"), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("tag", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("is_read", sa.Boolean, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("core_notice_user_id_id", "core_notice", ["user_id", "id"])
    op.create_index("core_notice_at", "core_notice", ["at"])
    op.create_table(
        "core_push_device",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, sa.ForeignKey("core_user.id", ondelete="CASCADE"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("endpoint", sa.Text, nullable=False),
        sa.Column("public_key", sa.Text, nullable=False),
        sa.Column("auth_secret", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("sent_at", sa.BigInteger),
        sa.UniqueConstraint("endpoint"),
    )
    op.create_index("core_push_device_user_id", "core_push_device", ["user_id"])
    op.create_table(
        "core_push_key",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("private_key", sa.Text, nullable=False),
    )
