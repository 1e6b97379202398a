"""The log of messages, its topics, and what people made of them: rules, boards, alerts, and what they watch."""

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, Index, Integer, LargeBinary, Table, Text, text
from sqlalchemy.dialects import postgresql

from fazt.core.schema import metadata

ID = BigInteger().with_variant(Integer, "sqlite")
BINARY = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
"""Text that both engines sort by code point."""

counter = Table(
    "pubsub_counter",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("topics", BigInteger, nullable=False),
)
"""One row. Whoever publishes counts here first, so numbers become visible in their order, without holes."""

topic = Table(
    "pubsub_topic",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("name", BINARY, nullable=False, unique=True),
    Column("n", BigInteger, nullable=False),
    Column("messages", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("floor", BigInteger, nullable=False),
    Column("retained_seq", BigInteger, nullable=False),
    Column("options", Text, nullable=False),
    Column("is_watched", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
Index("pubsub_topic_changed", topic.c.changed_at)

message = Table(
    "pubsub_message",
    metadata,
    Column("seq", ID, primary_key=True, autoincrement=False),
    Column("topic_id", ID, ForeignKey("pubsub_topic.id"), nullable=False),
    Column("n", BigInteger, nullable=False),
    Column("id", BINARY, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("extra", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Index("pubsub_message_topic", "topic_id", "seq", unique=True),
    Index("pubsub_message_id", "id"),
    Index("pubsub_message_expires", "expires_at"),
)

key = Table(
    "pubsub_key",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("key", BINARY, primary_key=True),
    Column("receipt", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("pubsub_key_at", "at"),
)

delayed = Table(
    "pubsub_delayed",
    metadata,
    Column("id", BINARY, primary_key=True),
    Column("topic", BINARY, nullable=False),
    Column("sequence", BINARY, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("publication", LargeBinary, nullable=False),
    Index("pubsub_delayed_due", "due_at"),
    Index("pubsub_delayed_topic", "topic"),
)

rule = Table(
    "pubsub_rule",
    metadata,
    Column("pattern", BINARY, primary_key=True),
    Column("who", Text, primary_key=True),
    Column("may", Text, nullable=False),
)

file = Table(
    "pubsub_file",
    metadata,
    Column("message_id", BINARY, primary_key=True),
    Column("topic", BINARY, nullable=False),
    Column("hash", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("pubsub_file_expires", "expires_at"),
)

alert = Table(
    "pubsub_alert",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("user_id", Text, nullable=False),
    Column("topic", BINARY, nullable=False),
    Column("kind", Text, nullable=False),
    Column("value", Float, nullable=False),
    Column("is_firing", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Index("pubsub_alert_topic", "topic"),
    sqlite_autoincrement=True,
)
SILENT = text("kind = 'silent'")
Index("pubsub_alert_silent", alert.c.id, sqlite_where=SILENT, postgresql_where=SILENT)

watch = Table(
    "pubsub_watch",
    metadata,
    Column("topic", BINARY, primary_key=True),
    Column("user_id", Text, primary_key=True),
)

board = Table(
    "pubsub_board",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("tiles", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Index("pubsub_board_user", "user_id"),
)
