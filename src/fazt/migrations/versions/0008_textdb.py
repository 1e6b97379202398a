"""Tables of the app `textdb`, and its index of words."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from fazt.migrations import step_before

revision = "0008_textdb"
down_revision = step_before(__file__)

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
BINARY = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
JSONB = sa.Text().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "textdb_collection",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("name", BINARY, nullable=False),
        sa.Column("settings", sa.Text, nullable=False),
        sa.Column("indexes", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("is_expiring", sa.Boolean, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("floor", sa.BigInteger, nullable=False),
        sa.Column("documents", sa.BigInteger, nullable=False),
        sa.Column("tombstones", sa.BigInteger, nullable=False),
        sa.Column("told", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("name"),
        sqlite_autoincrement=True,
    )
    create_document_tables()
    op.create_table(
        "textdb_word",
        sa.Column("rid", ID, primary_key=True, autoincrement=False),
        sa.Column("words", sa.Text().with_variant(postgresql.TSVECTOR(), "postgresql"), nullable=False),
    )
    op.create_table(
        "textdb_found",
        sa.Column("collection_id", ID, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
    )
    op.create_index("textdb_word_words", "textdb_word", ["words"], postgresql_using="gin")
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE textdb_words "
            "USING fts5(words, tokenize='unicode61 remove_diacritics 2', prefix='2 3')"
        )


def create_document_tables() -> None:
    """Documents, and what is left of older ones."""
    op.create_table(
        "textdb_document",
        sa.Column("rid", ID, primary_key=True, autoincrement=False),
        sa.Column("collection_id", ID, sa.ForeignKey("textdb_collection.id"), nullable=False),
        sa.Column("key", BINARY, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("doc", JSONB),
    )
    op.create_index("textdb_document_key", "textdb_document", ["collection_id", "key"], unique=True)
    op.create_index("textdb_document_seq", "textdb_document", ["collection_id", "seq"], unique=True)
    expiring = sa.text("expires_at IS NOT NULL")
    op.create_index(
        "textdb_document_expires",
        "textdb_document",
        ["expires_at"],
        sqlite_where=expiring,
        postgresql_where=expiring,
    )
    op.create_table(
        "textdb_tombstone",
        sa.Column("collection_id", ID, sa.ForeignKey("textdb_collection.id"), primary_key=True),
        sa.Column("key", BINARY, primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("deleted_at", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("textdb_tombstone_seq", "textdb_tombstone", ["collection_id", "seq"], unique=True)
    op.create_index("textdb_tombstone_age", "textdb_tombstone", ["deleted_at"])
    op.create_table(
        "textdb_version",
        sa.Column("collection_id", ID, sa.ForeignKey("textdb_collection.id"), primary_key=True),
        sa.Column("key", BINARY, primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True),
        sa.Column("rid", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("replaced_at", sa.BigInteger, nullable=False),
        sa.Column("replaced_seq", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("doc", JSONB),
    )
