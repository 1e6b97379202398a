"""Tables of the app `pubsub`."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from fazt.migrations import step_before

revision = "0004_pubsub"
down_revision = step_before(__file__)

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
BINARY = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "pubsub_counter",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("topics", sa.BigInteger, nullable=False),
    )
    op.execute("INSERT INTO pubsub_counter (id, seq, at, topics) VALUES (1, 0, 0, 0)")
    op.create_table(
        "pubsub_topic",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("name", BINARY, nullable=False),
        sa.Column("n", sa.BigInteger, nullable=False),
        sa.Column("messages", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("last_seq", sa.BigInteger, nullable=False),
        sa.Column("floor", sa.BigInteger, nullable=False),
        sa.Column("retained_seq", sa.BigInteger, nullable=False),
        sa.Column("options", sa.Text, nullable=False),
        sa.Column("is_watched", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("name"),
        sqlite_autoincrement=True,
    )
    op.create_index("pubsub_topic_changed", "pubsub_topic", ["changed_at"])
    op.create_table(
        "pubsub_message",
        sa.Column("seq", ID, primary_key=True, autoincrement=False),
        sa.Column("topic_id", ID, sa.ForeignKey("pubsub_topic.id"), nullable=False),
        sa.Column("n", sa.BigInteger, nullable=False),
        sa.Column("id", BINARY, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("extra", sa.Text, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    op.create_index("pubsub_message_topic", "pubsub_message", ["topic_id", "seq"], unique=True)
    op.create_index("pubsub_message_id", "pubsub_message", ["id"])
    op.create_index("pubsub_message_expires", "pubsub_message", ["expires_at"])
    op.create_table(
        "pubsub_key",
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("key", BINARY, primary_key=True),
        sa.Column("receipt", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("pubsub_key_at", "pubsub_key", ["at"])
    op.create_table(
        "pubsub_delayed",
        sa.Column("id", BINARY, primary_key=True),
        sa.Column("topic", BINARY, nullable=False),
        sa.Column("sequence", BINARY, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("publication", sa.LargeBinary, nullable=False),
    )
    op.create_index("pubsub_delayed_due", "pubsub_delayed", ["due_at"])
    op.create_index("pubsub_delayed_topic", "pubsub_delayed", ["topic"])
    op.create_table(
        "pubsub_rule",
        sa.Column("pattern", BINARY, primary_key=True),
        sa.Column("who", sa.Text, primary_key=True),
        sa.Column("may", sa.Text, nullable=False),
    )
    create_tables_of_people()


def create_tables_of_people() -> None:
    """Files, alerts, what is watched, boards."""
    op.create_table(
        "pubsub_file",
        sa.Column("message_id", BINARY, primary_key=True),
        sa.Column("topic", BINARY, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_index("pubsub_file_expires", "pubsub_file", ["expires_at"])
    op.create_table(
        "pubsub_alert",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("topic", BINARY, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("value", sa.Float, nullable=False),
        sa.Column("is_firing", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("pubsub_alert_topic", "pubsub_alert", ["topic"])
    silent = sa.text("kind = 'silent'")
    op.create_index("pubsub_alert_silent", "pubsub_alert", ["id"], sqlite_where=silent, postgresql_where=silent)
    op.create_table(
        "pubsub_watch",
        sa.Column("topic", BINARY, primary_key=True),
        sa.Column("user_id", sa.Text, primary_key=True),
    )
    op.create_table(
        "pubsub_board",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("tiles", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
    )
    op.create_index("pubsub_board_user", "pubsub_board", ["user_id"])
