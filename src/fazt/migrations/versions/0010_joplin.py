"""Tables of the app `joplin`."""

import sqlalchemy as sa
from alembic import op

from fazt.migrations import step_before

revision = "0010_joplin"
down_revision = step_before(__file__)

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "joplin_state",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("floor", sa.BigInteger, nullable=False),
    )
    op.execute("INSERT INTO joplin_state (id, seq, floor) VALUES (1, 0, 0)")
    op.create_table(
        "joplin_epoch",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("tag", sa.Text, nullable=False, unique=True),
        sa.Column("first_seq", sa.BigInteger, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    make_items()
    make_versions()
    make_shares()
    make_records()


def make_items() -> None:
    """Items, their bytes, and who sees them."""
    op.create_table(
        "joplin_item",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("owner_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("item_id", sa.Text, nullable=False),
        sa.Column("type", sa.Integer, nullable=False),
        sa.Column("parent_id", sa.Text, nullable=False),
        sa.Column("target_id", sa.Text, nullable=False),
        sa.Column("share_id", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("item_updated_at", sa.BigInteger, nullable=False),
        sa.Column("deleted_at", sa.BigInteger, nullable=False),
        sa.Column("is_encrypted", sa.Boolean, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.Text),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("joplin_item_owner_id", "joplin_item", ["owner_id"])
    shared, aimed = sa.text("share_id <> ''"), sa.text("target_id <> ''")
    op.create_index("joplin_item_share", "joplin_item", ["share_id"], sqlite_where=shared, postgresql_where=shared)
    op.create_index("joplin_item_parent", "joplin_item", ["parent_id", "type"])
    op.create_index("joplin_item_target", "joplin_item", ["target_id"], sqlite_where=aimed, postgresql_where=aimed)
    op.create_table(
        "joplin_content",
        sa.Column("item", ID, sa.ForeignKey("joplin_item.id"), primary_key=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "joplin_link",
        sa.Column("item", ID, sa.ForeignKey("joplin_item.id"), primary_key=True),
        sa.Column("target_id", sa.Text, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_index("joplin_link_target", "joplin_link", ["target_id"])
    op.create_table(
        "joplin_view",
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("item", ID),
        sa.Column("seq", sa.BigInteger),
        sa.Column("is_visible", sa.Boolean, nullable=False),
        sa.Column("type", sa.Integer, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    gone = sa.text("NOT is_visible")
    op.create_index("joplin_view_seq", "joplin_view", ["user_id", "seq"])
    op.create_index("joplin_view_item", "joplin_view", ["item"])
    op.create_index("joplin_view_gone", "joplin_view", ["changed_at"], sqlite_where=gone, postgresql_where=gone)
    op.create_index("joplin_view_type", "joplin_view", ["user_id", "type"])


def make_versions() -> None:
    """What items were before."""
    op.create_table(
        "joplin_version",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("type", sa.Integer, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("parent_id", sa.Text, nullable=False),
        sa.Column("is_deletion", sa.Boolean, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("data", sa.LargeBinary),
        sa.Column("hash", sa.Text),
        sa.Column("item_updated_at", sa.BigInteger, nullable=False),
        sa.Column("replaced_at", sa.BigInteger, nullable=False),
        sa.Column("replaced_by", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("joplin_version_name", "joplin_version", ["user_id", "name"])
    op.create_index("joplin_version_deletion", "joplin_version", ["user_id", "is_deletion", "replaced_at"])
    op.create_index("joplin_version_age", "joplin_version", ["is_deletion", "replaced_at"])


def make_shares() -> None:
    """Published notes, shared notebooks and their members."""
    op.create_table(
        "joplin_share",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("owner_id", sa.Text, nullable=False, index=True),
        sa.Column("type", sa.Integer, nullable=False),
        sa.Column("item_id", sa.Text, nullable=False),
        sa.Column("is_recursive", sa.Boolean, nullable=False),
        sa.Column("master_key_id", sa.Text, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("views", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "joplin_member",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("share_id", sa.Text, sa.ForeignKey("joplin_share.id"), nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("master_key", sa.Text, nullable=False),
        sa.Column("can_read", sa.Boolean, nullable=False),
        sa.Column("can_write", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
    )
    op.create_index("joplin_member_share", "joplin_member", ["share_id", "user_id"], unique=True)
    op.create_index("joplin_member_user", "joplin_member", ["user_id"])


def make_records() -> None:
    """What was refused, and which devices came."""
    op.create_table(
        "joplin_refusal",
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "joplin_device",
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("platform", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("type", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("token_id", sa.Text, primary_key=True),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("first_at", sa.BigInteger, nullable=False),
        sa.Column("synced_at", sa.BigInteger, nullable=False),
    )
