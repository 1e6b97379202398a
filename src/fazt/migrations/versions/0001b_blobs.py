"""Blobs: rows of facts, chunks of bytes, resumable uploads."""

import sqlalchemy as sa
from alembic import op

from fazt.migrations import step_before

revision = "0001b_blobs"
down_revision = step_before(__file__)


def upgrade() -> None:
    """Make the tables."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "core_blob",
        sa.Column("id", number, autoincrement=True, nullable=False),
        sa.Column("state", sa.Integer, nullable=False),
        sa.Column("hash", sa.Text),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("chunk_bytes", sa.Integer, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("keeps", sa.Integer, nullable=False),
        sa.Column("touched_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="core_blob_pk"),
        sa.UniqueConstraint("hash", name="core_blob_hash_unique"),
        sa.CheckConstraint("keeps >= 0", name="core_blob_keeps"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "core_blob_unkept",
        "core_blob",
        ["state", "touched_at"],
        sqlite_where=sa.text("keeps = 0"),
        postgresql_where=sa.text("keeps = 0"),
    )
    op.create_table(
        "core_chunk",
        sa.Column("blob_id", number, nullable=False),
        sa.Column("n", sa.Integer, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("blob_id", "n", name="core_chunk_pk"),
        sa.ForeignKeyConstraint(["blob_id"], ["core_blob.id"], name="core_chunk_blob_id_to_core_blob"),
    )
    if op.get_bind().dialect.name == "postgresql":
        # Most big files are compressed already: trying again costs more than it saves.
        op.execute("ALTER TABLE core_chunk ALTER COLUMN data SET STORAGE EXTERNAL")
    op.create_table(
        "core_upload",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("blob_id", number),
        sa.Column("hash", sa.Text),
        sa.Column("touched_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="core_upload_pk"),
    )
    op.create_index("core_upload_touched_at", "core_upload", ["touched_at"])
