"""The table of shares. Tokens stay readable: their owners copy them again, and what they open lies beside them."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, LargeBinary, Table, Text

from fazt.core.schema import metadata

share = Table(
    "core_share",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("token", Text, nullable=False),
    Column("app", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("user_id", Text, ForeignKey("core_user.id", ondelete="CASCADE"), nullable=False),
    Column("label", Text, nullable=False),
    Column("may_write", Boolean, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("visits", BigInteger, nullable=False),
    Index("core_share_app_target", "app", "target"),
    Index("core_share_user_id", "user_id"),
    Index("core_share_expires_at", "expires_at"),
)
