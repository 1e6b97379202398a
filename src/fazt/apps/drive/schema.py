"""Tables of the drive: spaces with a tree of nodes each, what was before, and what clients hold and leave behind."""

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
)
from sqlalchemy.dialects import postgresql

from fazt.core.schema import metadata

ID = BigInteger().with_variant(Integer, "sqlite")
BINARY = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
"""Text that both engines sort by code point."""

space = Table(
    "drive_space",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("owner", Text, nullable=False, index=True),
    Column("root_id", ID),
    Column("used", BigInteger, nullable=False),
    Column("kept", BigInteger, nullable=False),
    Column("quota", BigInteger),
    Column("seq", BigInteger, nullable=False),
    Column("floor", BigInteger, nullable=False),
    Column("indexed", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("kind", "name", name="drive_space_kind_name"),
)
"""`used` bytes are in the tree, `kept` ones in trash and versions. `seq` counts changes; `floor` is the last that
was forgotten. `indexed` is the change up to which search knows the space; `version` the one of the site it shows."""

access = Table(
    "drive_access",
    metadata,
    Column("space_id", ID, ForeignKey("drive_space.id"), primary_key=True),
    Column("user_id", Text, primary_key=True, index=True),
    Column("may_write", Boolean, nullable=False),
)
"""Who else sees a shared space."""

node = Table(
    "drive_node",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("space_id", ID, ForeignKey("drive_space.id"), nullable=False),
    Column("parent_id", ID),
    Column("name", Text, nullable=False),
    Column("key", BINARY, nullable=False),
    Column("is_folder", Boolean, nullable=False),
    Column("hash", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("modified_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("placed", BigInteger, nullable=False),
    Column("origin_id", ID),
    Column("checksums", Text, nullable=False),
    UniqueConstraint("parent_id", "key", name="drive_node_parent_key"),
    sqlite_autoincrement=True,
)
"""A file or folder. `key` is its name as names are compared. Roots and what lies in the trash have no parent.

A folder's `size` is that of all below it, and its `seq` that of the last change in it. `placed` is the change that
put it where it is. `origin_id` is what it was copied from, while its tree is being copied."""
Index("drive_node_seq", node.c.space_id, node.c.seq)

version = Table(
    "drive_version",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("node_id", ID, nullable=False, index=True),
    Column("hash", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("modified_at", BigInteger, nullable=False),
    Column("saved_at", BigInteger, nullable=False, index=True),
    Column("saved_by", Text, nullable=False),
)
"""What a file held before; each is one `keep` of its blob."""

trash = Table(
    "drive_trash",
    metadata,
    Column("node_id", ID, primary_key=True, autoincrement=False),
    Column("space_id", ID, ForeignKey("drive_space.id"), nullable=False),
    Column("parent_id", ID, nullable=False),
    Column("path", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("deleted_at", BigInteger, nullable=False, index=True),
    Column("deleted_by", Text, nullable=False),
)
Index("drive_trash_space", trash.c.space_id, trash.c.deleted_at)

gone = Table(
    "drive_gone",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("space_id", ID, ForeignKey("drive_space.id"), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("node_id", ID, nullable=False),
    Column("parent_id", ID, nullable=False),
    Column("path", Text, nullable=False),
    Column("is_folder", Boolean, nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
)
"""What is no longer where it was: for clients that ask what changed."""
Index("drive_gone_seq", gone.c.space_id, gone.c.seq)

lock = Table(
    "drive_lock",
    metadata,
    Column("token", Text, primary_key=True),
    Column("space_id", ID, ForeignKey("drive_space.id"), nullable=False, index=True),
    Column("node_id", ID, nullable=False, index=True),
    Column("user_id", Text, nullable=False, index=True),
    Column("is_shared", Boolean, nullable=False),
    Column("is_deep", Boolean, nullable=False),
    Column("owner_xml", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
)

prop = Table(
    "drive_prop",
    metadata,
    Column("node_id", ID, primary_key=True, autoincrement=False),
    Column("namespace", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("xml", Text, nullable=False),
)
"""Dead properties; `xml` is the whole element."""

upload = Table(
    "drive_upload",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("user_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("touched_at", BigInteger, nullable=False, index=True),
    UniqueConstraint("user_id", "name", name="drive_upload_user_name"),
)
"""A file that comes in pieces."""

piece = Table(
    "drive_piece",
    metadata,
    Column("upload_id", ID, ForeignKey("drive_upload.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
)
"""A piece that has come; one `keep` of its blob."""

thumb = Table(
    "drive_thumb",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("edge", Integer, primary_key=True),
    Column("blob", Text, nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
)
"""Small pictures by the hash of the large one; `blob` is "" where none can be made."""
