"""Tables of drops: what is shared, its files, uploads under way, and links by which guests send files."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from fazt.core.schema import metadata

Id = BigInteger().with_variant(Integer, "sqlite")

DRAFT, READY, GONE = range(3)
"""The states of a drop. A draft is being filled; what is gone only waits until nobody reads it any more."""

FILLING, FINISHED, MERGED = range(3)
"""The states of an upload."""

drop = Table(
    "drops_drop",
    metadata,
    Column("id", Text, primary_key=True),
    Column("state", Integer, nullable=False),
    Column("user_id", Text, nullable=False, index=True),
    Column("visitor", Text, nullable=False, index=True),
    Column("request_id", Text, nullable=False, index=True),
    Column("source", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("is_encrypted", Boolean, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("lifetime_ms", BigInteger, nullable=False),
    Column("is_sliding", Boolean, nullable=False),
    Column("max_ms", BigInteger, nullable=False),
    Column("max_downloads", BigInteger, nullable=False),
    Column("downloads", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("file_count", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("used_up_at", BigInteger),
)
"""`max_ms` after `finished_at` even a sliding drop ends. The owner token is not kept: it follows from the id."""

file = Table(
    "drops_file",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("drop_id", Text, ForeignKey("drops_drop.id"), nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("path", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("parts", Text, nullable=False),
    Column("downloads", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("drop_id", "position"),
    UniqueConstraint("drop_id", "path"),
    sqlite_autoincrement=True,
)
"""`parts` is a JSON list of [hash, size]: the blobs that are the file, one after the other, each kept once for it."""

upload = Table(
    "drops_upload",
    metadata,
    Column("id", Text, primary_key=True),
    Column("state", Integer, nullable=False),
    Column("blob_upload", Text, nullable=False),
    Column("drop_id", Text, nullable=False, index=True),
    Column("is_partial", Boolean, nullable=False),
    Column("is_alone", Boolean, nullable=False),
    Column("length", BigInteger),
    Column("reserved", BigInteger, nullable=False),
    Column("path", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("position", BigInteger),
    Column("metadata", Text, nullable=False),
    Column("concat", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("visitor", Text, nullable=False),
    Column("parts", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
)
"""A tus upload. `drop_id` is the drop it belongs to, "" for a partial one; `is_alone`: it is all of that drop.

`parts` are those of a finished partial upload, kept once for it. A finished upload is remembered for a while, so
that a client that did not hear of it is told again.
"""

request = Table(
    "drops_request",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False, index=True),
    Column("title", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("types", Text, nullable=False),
    Column("max_files", BigInteger, nullable=False),
    Column("max_bytes", BigInteger, nullable=False),
    Column("max_drops", BigInteger, nullable=False),
    Column("drops", BigInteger, nullable=False),
    Column("keep_ms", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

key = Table(
    "drops_key",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("secret", LargeBinary, nullable=False),
)
"""One row: what owner tokens follow from, and what visitors' addresses are hashed with, so that none is kept."""

Index("drops_drop_listed", drop.c.user_id, drop.c.created_at)
