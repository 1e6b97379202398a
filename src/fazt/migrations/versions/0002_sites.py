"""Tables of sites."""

import sqlalchemy as sa
from alembic import op

from fazt.migrations import step_before

revision = "0002_sites"
down_revision = step_before(__file__)

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "sites_site",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("latest", sa.BigInteger, nullable=False),
        sa.Column("options", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("deleted_at", sa.BigInteger),
        sa.UniqueConstraint("name", name="sites_site_name_unique"),
        sqlite_autoincrement=True,
    )
    op.create_index("sites_site_owner", "sites_site", ["owner"])
    op.create_table(
        "sites_version",
        sa.Column("site_id", ID, sa.ForeignKey("sites_site.id"), primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("file_count", sa.BigInteger, nullable=False),
        sa.Column("total_bytes", sa.BigInteger, nullable=False),
        sa.Column("changed_files", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "sites_file",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("site_id", ID, sa.ForeignKey("sites_site.id"), nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("first", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        *content_columns(),
    )
    op.create_index("sites_file_life", "sites_file", ["site_id", "until", "first"])
    create_deploy_tables()
    op.create_table(
        "sites_domain",
        sa.Column("host", sa.Text, primary_key=True),
        sa.Column("site_id", ID, sa.ForeignKey("sites_site.id"), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_index("sites_domain_site_id", "sites_domain", ["site_id"])


def content_columns(*, in_key: bool = False) -> list[sa.Column[object]]:
    """The bytes of a file and its compressed forms."""
    return [
        sa.Column("hash", sa.Text, nullable=False, primary_key=in_key),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("gzip", sa.Text, nullable=False),
        sa.Column("gzip_size", sa.BigInteger, nullable=False),
        sa.Column("brotli", sa.Text, nullable=False),
        sa.Column("brotli_size", sa.BigInteger, nullable=False),
    ]


def create_deploy_tables() -> None:
    """What is under way."""
    op.create_table(
        "sites_upload",
        sa.Column("site_id", ID, sa.ForeignKey("sites_site.id"), primary_key=True),
        *content_columns(in_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("sites_upload_at", "sites_upload", ["at"])
    op.create_table(
        "sites_deploy",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("site_id", ID, sa.ForeignKey("sites_site.id"), nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("manifest", sa.LargeBinary, nullable=False),
    )
    op.create_index("sites_deploy_site_id", "sites_deploy", ["site_id"])
    op.create_index("sites_deploy_created_at", "sites_deploy", ["created_at"])
