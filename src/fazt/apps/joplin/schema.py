"""Items and their bytes, who sees which, older versions, shares, devices, and the numbers of changes."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, text

from fazt.core.schema import metadata

ID = BigInteger().with_variant(Integer, "sqlite")

state = Table(
    "joplin_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("floor", BigInteger, nullable=False),
)
"""One row: the number of the last change, and the number up to which deletes are forgotten."""

epoch = Table(
    "joplin_epoch",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("tag", Text, nullable=False, unique=True),
    Column("first_seq", BigInteger, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
"""One row for each start of the program: changes behind `first_seq`, up to the next row's, were made under `tag`."""

item = Table(
    "joplin_item",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("owner_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("item_id", Text, nullable=False),  # Joplin's id, "" for files
    Column("type", Integer, nullable=False),  # 0: no serialised item
    Column("parent_id", Text, nullable=False),
    Column("target_id", Text, nullable=False),
    Column("share_id", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("facts", Text, nullable=False),  # JSON: what pages show of it
    Column("item_updated_at", BigInteger, nullable=False),  # the item's own updated_time
    Column("deleted_at", BigInteger, nullable=False),  # in Joplin's trash since; 0: not there
    Column("is_encrypted", Boolean, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("hash", Text),  # where the bytes are a blob
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index("joplin_item_owner_id", "owner_id"),
    sqlite_autoincrement=True,
)
SHARED = text("share_id <> ''")
Index("joplin_item_share", item.c.share_id, sqlite_where=SHARED, postgresql_where=SHARED)
Index("joplin_item_parent", item.c.parent_id, item.c.type)
HAS_TARGET = text("target_id <> ''")
Index("joplin_item_target", item.c.target_id, sqlite_where=HAS_TARGET, postgresql_where=HAS_TARGET)

content = Table(
    "joplin_content",
    metadata,
    Column("item", ID, ForeignKey("joplin_item.id"), primary_key=True),
    Column("data", LargeBinary, nullable=False),
)
"""The bytes of small items, beside the row so that lists need not read over them."""

link = Table(
    "joplin_link",
    metadata,
    Column("item", ID, ForeignKey("joplin_item.id"), primary_key=True),
    Column("target_id", Text, primary_key=True),
    Index("joplin_link_target", "target_id"),
    sqlite_with_rowid=False,
)
"""Which attachments and notes a note refers to."""

view = Table(
    "joplin_view",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("item", ID),  # NULL when it is gone
    Column("seq", BigInteger),  # NULL where delta does not tell of it
    Column("is_visible", Boolean, nullable=False),
    Column("type", Integer, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Index("joplin_view_seq", "user_id", "seq"),
    Index("joplin_view_item", "item"),
    sqlite_with_rowid=False,
)
"""One row for each person and name: what they see, and the number of its last change for them. The whole of delta."""
GONE = text("NOT is_visible")
Index("joplin_view_gone", view.c.changed_at, sqlite_where=GONE, postgresql_where=GONE)
Index("joplin_view_type", view.c.user_id, view.c.type)

version = Table(
    "joplin_version",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("user_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("type", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("parent_id", Text, nullable=False),
    Column("is_deletion", Boolean, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("data", LargeBinary),
    Column("hash", Text),
    Column("item_updated_at", BigInteger, nullable=False),
    Column("replaced_at", BigInteger, nullable=False),
    Column("replaced_by", Text, nullable=False),
    Index("joplin_version_name", "user_id", "name"),
    Index("joplin_version_deletion", "user_id", "is_deletion", "replaced_at"),
    Index("joplin_version_age", "is_deletion", "replaced_at"),
    sqlite_autoincrement=True,
)
"""What an item was before somebody wrote over it, or deleted it."""

share = Table(
    "joplin_share",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner_id", Text, nullable=False, index=True),
    Column("type", Integer, nullable=False),  # 1 a published note, 3 a notebook
    Column("item_id", Text, nullable=False),
    Column("is_recursive", Boolean, nullable=False),
    Column("master_key_id", Text, nullable=False),
    Column("expires_at", BigInteger),
    Column("views", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

membership = Table(
    "joplin_member",
    metadata,
    Column("id", Text, primary_key=True),
    Column("share_id", Text, ForeignKey("joplin_share.id"), nullable=False),
    Column("user_id", Text, nullable=False),
    Column("status", Integer, nullable=False),  # 0 waiting, 1 accepted, 2 rejected
    Column("master_key", Text, nullable=False),
    Column("can_read", Boolean, nullable=False),
    Column("can_write", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index("joplin_member_share", "share_id", "user_id", unique=True),
    Index("joplin_member_user", "user_id"),
)

refusal = Table(
    "joplin_refusal",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
)
"""Items that were refused, so that their device no longer sends them."""

device = Table(
    "joplin_device",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("platform", Integer, primary_key=True),
    Column("type", Integer, primary_key=True),
    Column("token_id", Text, primary_key=True),
    Column("version", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("first_at", BigInteger, nullable=False),
    Column("synced_at", BigInteger, nullable=False),
)
