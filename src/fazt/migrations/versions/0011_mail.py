"""Tables of mail."""

import sqlalchemy as sa
from alembic import op

from fazt.migrations import step_before

revision = "0011_mail"
down_revision = step_before(__file__)

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "mail_message",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("thread_id", sa.Text, nullable=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("blob", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("fold", sa.Text, nullable=False),
        sa.Column("header_id", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("from_name", sa.Text, nullable=False),
        sa.Column("from_address", sa.Text, nullable=False),
        sa.Column("to_text", sa.Text, nullable=False),
        sa.Column("snippet", sa.Text, nullable=False),
        sa.Column("sent_at", sa.BigInteger, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("trashed_at", sa.BigInteger),
        sa.Column("is_read", sa.Boolean, nullable=False),
        sa.Column("is_starred", sa.Boolean, nullable=False),
        sa.Column("has_files", sa.Boolean, nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("mail_from", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("remote", sa.Text, nullable=False),
        sa.Column("verdicts", sa.Text, nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.UniqueConstraint("user_id", "fold"),
    )
    op.create_index("mail_message_folder", "mail_message", ["user_id", "folder", "id"])
    op.create_index("mail_message_thread", "mail_message", ["thread_id", "id"])
    op.create_index("mail_message_header", "mail_message", ["header_id"])
    op.create_table(
        "mail_reference",
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("ref", sa.Text, nullable=False),
        sa.Column("thread_id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "ref"),
    )
    op.create_index("mail_reference_thread", "mail_reference", ["thread_id"])
    op.create_table(
        "mail_label",
        sa.Column("message_id", sa.Text, sa.ForeignKey("mail_message.id", ondelete="CASCADE"), nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("message_id", "label"),
    )
    op.create_index("mail_label_user", "mail_label", ["user_id", "label"])
    op.create_table(
        "mail_address",
        sa.Column("address", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("used", sa.Integer, nullable=False),
        sa.Column("max_uses", sa.Integer),
    )
    op.create_index("mail_address_user", "mail_address", ["user_id"])
    op.create_table(
        "mail_rule",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("is_on", sa.Boolean, nullable=False),
        sa.Column("spec", sa.Text, nullable=False),
        sa.Column("hits", sa.BigInteger, nullable=False),
    )
    op.create_index("mail_rule_user", "mail_rule", ["user_id", "position"])
    op.create_table(
        "mail_out",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("blob", sa.Text, nullable=False),
        sa.Column("mail_from", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("header_id", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_index("mail_out_header", "mail_out", ["header_id"])
    op.create_index("mail_out_user", "mail_out", ["user_id", "id"])
    op.create_table(
        "mail_delivery",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("out_id", sa.Text, sa.ForeignKey("mail_out.id", ondelete="CASCADE"), nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("relay", sa.Text, nullable=False),
        sa.Column("remote_id", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("unsure", sa.Integer, nullable=False),
        sa.Column("next_at", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.UniqueConstraint("out_id", "address"),
    )
    op.create_index("mail_delivery_due", "mail_delivery", ["state", "next_at"])
    op.create_index("mail_delivery_remote", "mail_delivery", ["remote_id"])
    op.create_table(
        "mail_relay",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("per_minute", sa.Integer, nullable=False),
        sa.Column("is_on", sa.Boolean, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("error_at", sa.BigInteger),
    )
    op.create_table(
        "mail_suppression",
        sa.Column("address", sa.Text, primary_key=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "mail_key",
        sa.Column("domain", sa.Text, primary_key=True),
        sa.Column("selector", sa.Text, nullable=False),
        sa.Column("private_key", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "mail_grey",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("first_at", sa.BigInteger, nullable=False),
        sa.Column("passed_at", sa.BigInteger),
    )
    op.create_index("mail_grey_first", "mail_grey", ["first_at"])
