"""The rows of the index. Beside them are the words: an FTS5 table on SQLite, a column `words` on PostgreSQL."""

from sqlalchemy import BigInteger, Column, Integer, Table, Text, UniqueConstraint

from fazt.core.schema import metadata

core_search = Table(
    "core_search",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("user_id", Text, index=True),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    UniqueConstraint("kind", "ref"),
)
