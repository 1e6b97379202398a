"""Tables of the app `drops`."""

import sqlalchemy as sa
from alembic import op

from fazt.migrations import step_before

revision = "0006_drops"
down_revision = step_before(__file__)

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "drops_drop",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("state", sa.Integer, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("visitor", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("is_encrypted", sa.Boolean, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("lifetime_ms", sa.BigInteger, nullable=False),
        sa.Column("is_sliding", sa.Boolean, nullable=False),
        sa.Column("max_ms", sa.BigInteger, nullable=False),
        sa.Column("max_downloads", sa.BigInteger, nullable=False),
        sa.Column("downloads", sa.BigInteger, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("file_count", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("finished_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("used_up_at", sa.BigInteger),
    )
    for name in ("user_id", "visitor", "request_id", "expires_at"):
        op.create_index(f"drops_drop_{name}", "drops_drop", [name])
    op.create_index("drops_drop_listed", "drops_drop", ["user_id", "created_at"])
    op.create_table(
        "drops_file",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("drop_id", sa.Text, sa.ForeignKey("drops_drop.id"), nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("parts", sa.Text, nullable=False),
        sa.Column("downloads", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("drop_id", "position"),
        sa.UniqueConstraint("drop_id", "path"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "drops_upload",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("state", sa.Integer, nullable=False),
        sa.Column("blob_upload", sa.Text, nullable=False),
        sa.Column("drop_id", sa.Text, nullable=False),
        sa.Column("is_partial", sa.Boolean, nullable=False),
        sa.Column("is_alone", sa.Boolean, nullable=False),
        sa.Column("length", sa.BigInteger),
        sa.Column("reserved", sa.BigInteger, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("position", sa.BigInteger),
        sa.Column("metadata", sa.Text, nullable=False),
        sa.Column("concat", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("visitor", sa.Text, nullable=False),
        sa.Column("parts", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    for name in ("drop_id", "expires_at"):
        op.create_index(f"drops_upload_{name}", "drops_upload", [name])
    op.create_table(
        "drops_request",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("types", sa.Text, nullable=False),
        sa.Column("max_files", sa.BigInteger, nullable=False),
        sa.Column("max_bytes", sa.BigInteger, nullable=False),
        sa.Column("max_drops", sa.BigInteger, nullable=False),
        sa.Column("drops", sa.BigInteger, nullable=False),
        sa.Column("keep_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_index("drops_request_user_id", "drops_request", ["user_id"])
    op.create_table(
        "drops_key",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("secret", sa.LargeBinary, nullable=False),
    )
