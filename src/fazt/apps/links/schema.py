"""Tables of links. Rules and variants are JSON: they are read with the link and asked by nobody else."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from fazt.core.schema import metadata

ID = BigInteger().with_variant(Integer, "sqlite")

link = Table(
    "links_link",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("host", Text, nullable=False),
    Column("slug", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("tags", Text, nullable=False),  # JSON, in their order; links_tag is for asking
    Column("status", Integer, nullable=False),
    Column("forward_query", Boolean, nullable=False),
    Column("is_crawlable", Boolean, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("valid_from", BigInteger),
    Column("expires_at", BigInteger),
    Column("max_visits", BigInteger),
    Column("rules", Text, nullable=False),
    Column("variants", Text, nullable=False),
    Column("clicks", BigInteger, nullable=False),
    Column("robot_clicks", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    UniqueConstraint("host", "slug", name="links_link_host_slug_unique"),
    Index("links_link_owner_id", "owner", "id"),
    Index("links_link_deleted_at", "deleted_at"),
    Index("links_link_target", "target"),
    sqlite_autoincrement=True,
)

tag = Table(
    "links_tag",
    metadata,
    Column("name", Text, primary_key=True),
    Column("link_id", ID, ForeignKey("links_link.id", ondelete="CASCADE"), primary_key=True),
    Index("links_tag_link_id", "link_id"),
)
