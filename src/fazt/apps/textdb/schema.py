"""Collections, their documents, what was deleted, what documents were before, and the words in them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import postgresql

from fazt.core.schema import metadata

ID = BigInteger().with_variant(Integer, "sqlite")
BINARY = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
"""Text that both engines sort by code point."""
JSONB = Text().with_variant(postgresql.JSONB(), "postgresql")
"""On PostgreSQL the body in a form that can be searched; unused on SQLite, which searches the text itself."""

collection = Table(
    "textdb_collection",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("name", BINARY, nullable=False),
    Column("settings", Text, nullable=False),
    Column("indexes", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("is_expiring", Boolean, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("floor", BigInteger, nullable=False),
    Column("documents", BigInteger, nullable=False),
    Column("tombstones", BigInteger, nullable=False),
    Column("told", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("name"),
    sqlite_autoincrement=True,  # a row id of a document holds this id, so none comes back
)

document = Table(
    "textdb_document",
    metadata,
    Column("rid", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("collection_id", ID, ForeignKey("textdb_collection.id"), nullable=False),
    Column("key", BINARY, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("user_id", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("doc", JSONB),
    Index("textdb_document_key", "collection_id", "key", unique=True),
    Index("textdb_document_seq", "collection_id", "seq", unique=True),
)

EXPIRING = text("expires_at IS NOT NULL")
Index("textdb_document_expires", document.c.expires_at, sqlite_where=EXPIRING, postgresql_where=EXPIRING)

tombstone = Table(
    "textdb_tombstone",
    metadata,
    Column("collection_id", ID, ForeignKey("textdb_collection.id"), primary_key=True),
    Column("key", BINARY, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("deleted_at", BigInteger, nullable=False),
    Index("textdb_tombstone_seq", "collection_id", "seq", unique=True),
    Index("textdb_tombstone_age", "deleted_at"),
    sqlite_with_rowid=False,
)

version = Table(
    "textdb_version",
    metadata,
    Column("collection_id", ID, ForeignKey("textdb_collection.id"), primary_key=True),
    Column("key", BINARY, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("rid", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("replaced_at", BigInteger, nullable=False),
    Column("replaced_seq", BigInteger, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("doc", JSONB),
)
"""What a document was from `updated_at` until just before `replaced_at`."""

words = Table(
    "textdb_word",
    metadata,
    Column("rid", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("words", Text().with_variant(postgresql.TSVECTOR(), "postgresql"), nullable=False),
    Index("textdb_word_words", "words", postgresql_using="gin"),
)
"""The index of words on PostgreSQL; SQLite has the FTS5 table textdb_words instead, and leaves this one empty."""

found = Table(
    "textdb_found",
    metadata,
    Column("collection_id", ID, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
)
"""Up to which number the cloud's search knows a collection, which may be gone by now; -1: it is too large for that."""
