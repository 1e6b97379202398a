"""Tables of links."""

import sqlalchemy as sa
from alembic import op

from fazt.migrations import step_before

revision = "0005_links"
down_revision = step_before(__file__)

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "links_link",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("slug", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("forward_query", sa.Boolean, nullable=False),
        sa.Column("is_crawlable", sa.Boolean, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("valid_from", sa.BigInteger),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("max_visits", sa.BigInteger),
        sa.Column("rules", sa.Text, nullable=False),
        sa.Column("variants", sa.Text, nullable=False),
        sa.Column("clicks", sa.BigInteger, nullable=False),
        sa.Column("robot_clicks", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("deleted_at", sa.BigInteger),
        sa.UniqueConstraint("host", "slug", name="links_link_host_slug_unique"),
        sqlite_autoincrement=True,
    )
    op.create_index("links_link_owner_id", "links_link", ["owner", "id"])
    op.create_index("links_link_deleted_at", "links_link", ["deleted_at"])
    op.create_index("links_link_target", "links_link", ["target"])
    op.create_table(
        "links_tag",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("link_id", ID, sa.ForeignKey("links_link.id", ondelete="CASCADE"), primary_key=True),
    )
    op.create_index("links_tag_link_id", "links_tag", ["link_id"])
