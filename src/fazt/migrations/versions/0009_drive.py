"""Tables of the drive."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from fazt.migrations import step_before

revision = "0009_drive"
down_revision = step_before(__file__)

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
BINARY = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "drive_space",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("root_id", ID),
        sa.Column("used", sa.BigInteger, nullable=False),
        sa.Column("kept", sa.BigInteger, nullable=False),
        sa.Column("quota", sa.BigInteger),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("floor", sa.BigInteger, nullable=False),
        sa.Column("indexed", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("kind", "name", name="drive_space_kind_name"),
    )
    op.create_index("drive_space_owner", "drive_space", ["owner"])
    op.create_table(
        "drive_access",
        sa.Column("space_id", ID, sa.ForeignKey("drive_space.id"), primary_key=True),
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("may_write", sa.Boolean, nullable=False),
    )
    op.create_index("drive_access_user_id", "drive_access", ["user_id"])
    op.create_table(
        "drive_node",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("space_id", ID, sa.ForeignKey("drive_space.id"), nullable=False),
        sa.Column("parent_id", ID),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("key", BINARY, nullable=False),
        sa.Column("is_folder", sa.Boolean, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("modified_at", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("placed", sa.BigInteger, nullable=False),
        sa.Column("origin_id", ID),
        sa.Column("checksums", sa.Text, nullable=False),
        sa.UniqueConstraint("parent_id", "key", name="drive_node_parent_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("drive_node_seq", "drive_node", ["space_id", "seq"])
    op.create_table(
        "drive_version",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("node_id", ID, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("modified_at", sa.BigInteger, nullable=False),
        sa.Column("saved_at", sa.BigInteger, nullable=False),
        sa.Column("saved_by", sa.Text, nullable=False),
    )
    op.create_index("drive_version_node_id", "drive_version", ["node_id"])
    op.create_index("drive_version_saved_at", "drive_version", ["saved_at"])
    op.create_table(
        "drive_trash",
        sa.Column("node_id", ID, primary_key=True, autoincrement=False),
        sa.Column("space_id", ID, sa.ForeignKey("drive_space.id"), nullable=False),
        sa.Column("parent_id", ID, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("deleted_at", sa.BigInteger, nullable=False),
        sa.Column("deleted_by", sa.Text, nullable=False),
    )
    op.create_index("drive_trash_deleted_at", "drive_trash", ["deleted_at"])
    op.create_index("drive_trash_space", "drive_trash", ["space_id", "deleted_at"])
    op.create_table(
        "drive_gone",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("space_id", ID, sa.ForeignKey("drive_space.id"), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("node_id", ID, nullable=False),
        sa.Column("parent_id", ID, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("is_folder", sa.Boolean, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("drive_gone_at", "drive_gone", ["at"])
    op.create_index("drive_gone_seq", "drive_gone", ["space_id", "seq"])
    op.create_table(
        "drive_lock",
        sa.Column("token", sa.Text, primary_key=True),
        sa.Column("space_id", ID, sa.ForeignKey("drive_space.id"), nullable=False),
        sa.Column("node_id", ID, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("is_shared", sa.Boolean, nullable=False),
        sa.Column("is_deep", sa.Boolean, nullable=False),
        sa.Column("owner_xml", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_index("drive_lock_expires_at", "drive_lock", ["expires_at"])
    op.create_index("drive_lock_node_id", "drive_lock", ["node_id"])
    op.create_index("drive_lock_space_id", "drive_lock", ["space_id"])
    op.create_index("drive_lock_user_id", "drive_lock", ["user_id"])
    op.create_table(
        "drive_prop",
        sa.Column("node_id", ID, primary_key=True, autoincrement=False),
        sa.Column("namespace", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("xml", sa.Text, nullable=False),
    )
    op.create_table(
        "drive_upload",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("touched_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("user_id", "name", name="drive_upload_user_name"),
    )
    op.create_index("drive_upload_touched_at", "drive_upload", ["touched_at"])
    op.create_table(
        "drive_piece",
        sa.Column("upload_id", ID, sa.ForeignKey("drive_upload.id"), primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "drive_thumb",
        sa.Column("hash", sa.Text, primary_key=True),
        sa.Column("edge", sa.Integer, primary_key=True),
        sa.Column("blob", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("drive_thumb_at", "drive_thumb", ["at"])
