"""The rows of the index. Their words are in the column `words` on PostgreSQL, and in an FTS5 table on SQLite."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import TSVECTOR

from fazt.core.schema import metadata

core_search = Table(
    "core_search",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("user_id", Text, index=True),
    Column("path", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),  # last, so that what stands before it is read without it
    Column("words", Text().with_variant(TSVECTOR(), "postgresql")),
    UniqueConstraint("kind", "ref"),
)
words = core_search.c.words
Index("core_search_words_gin", words, postgresql_using="gin", sqlite_where=words.is_not(None))  # on SQLite it is empty
