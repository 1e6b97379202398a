"""Tables of notices and of the devices that take them."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text

from fazt.core.schema import metadata

ID = BigInteger().with_variant(Integer, "sqlite")

notice = Table(
    "core_notice",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("user_id", Text, ForeignKey("core_user.id", ondelete="CASCADE"), nullable=False),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("tag", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("is_read", Boolean, nullable=False),
    Index("core_notice_user_id_id", "user_id", "id"),
    Index("core_notice_at", "at"),
    sqlite_autoincrement=True,
)

device = Table(
    "core_push_device",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("core_user.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("endpoint", Text, nullable=False, unique=True),
    Column("public_key", Text, nullable=False),
    Column("auth_secret", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("sent_at", BigInteger),
    Index("core_push_device_user_id", "user_id"),
)

key = Table(
    "core_push_key",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # always 1
    Column("private_key", Text, nullable=False),
)
