"""Tables of mail: messages and what they belong to, rules, and what goes out."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from fazt.core.schema import metadata

ID = BigInteger().with_variant(Integer, "sqlite")

message = Table(
    "mail_message",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("thread_id", Text, nullable=False),
    Column("folder", Text, nullable=False),  # inbox, sent, archive, junk, trash, routed
    Column("blob", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("fold", Text, nullable=False),  # what doubles have in common
    Column("header_id", Text, nullable=False),  # Message-ID, without its brackets
    Column("subject", Text, nullable=False),
    Column("from_name", Text, nullable=False),
    Column("from_address", Text, nullable=False),
    Column("to_text", Text, nullable=False),
    Column("snippet", Text, nullable=False),
    Column("sent_at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("trashed_at", BigInteger),
    Column("is_read", Boolean, nullable=False),
    Column("is_starred", Boolean, nullable=False),
    Column("has_files", Boolean, nullable=False),
    Column("recipient", Text, nullable=False),  # of the envelope, with its tag
    Column("mail_from", Text, nullable=False),
    Column("source", Text, nullable=False),  # smtp, postmark, ses, raw, compose, api, submission
    Column("remote", Text, nullable=False),
    Column("verdicts", Text, nullable=False),  # JSON
    Column("notes", Text, nullable=False),  # JSON: what rules did with it
    UniqueConstraint("user_id", "fold"),
    Index("mail_message_folder", "user_id", "folder", "id"),
    Index("mail_message_thread", "thread_id", "id"),
    Index("mail_message_header", "header_id"),
)

reference = Table(
    "mail_reference",
    metadata,
    Column("user_id", Text, nullable=False),
    Column("ref", Text, nullable=False),  # a Message-ID that is in this thread, or is spoken of there
    Column("thread_id", Text, nullable=False),
    PrimaryKeyConstraint("user_id", "ref"),
    Index("mail_reference_thread", "thread_id"),
)

label = Table(
    "mail_label",
    metadata,
    Column("message_id", Text, ForeignKey("mail_message.id", ondelete="CASCADE"), nullable=False),
    Column("label", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    PrimaryKeyConstraint("message_id", "label"),
    Index("mail_label_user", "user_id", "label"),
)

address = Table(
    "mail_address",
    metadata,
    Column("address", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("kind", Text, nullable=False),  # alias, once
    Column("note", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("used", Integer, nullable=False),
    Column("max_uses", Integer),
    Index("mail_address_user", "user_id"),
)

rule = Table(
    "mail_rule",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("is_on", Boolean, nullable=False),
    Column("spec", Text, nullable=False),  # JSON: conditions and actions
    Column("hits", BigInteger, nullable=False),
    Index("mail_rule_user", "user_id", "position"),
)

out = Table(
    "mail_out",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("message_id", Text, nullable=False),  # the copy in Sent, or "" where there is none
    Column("blob", Text, nullable=False),
    Column("mail_from", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("header_id", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index("mail_out_header", "header_id"),
    Index("mail_out_user", "user_id", "id"),
)

delivery = Table(
    "mail_delivery",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("out_id", Text, ForeignKey("mail_out.id", ondelete="CASCADE"), nullable=False),
    Column("address", Text, nullable=False),
    Column("state", Text, nullable=False),  # queued, sending, sent, failed, bounced, complained, suppressed
    Column("relay", Text, nullable=False),
    Column("remote_id", Text, nullable=False),  # what the relay calls it
    Column("attempts", Integer, nullable=False),
    Column("unsure", Integer, nullable=False),  # how often the relay's answer was lost
    Column("next_at", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("error", Text, nullable=False),
    UniqueConstraint("out_id", "address"),
    Index("mail_delivery_due", "state", "next_at"),
    Index("mail_delivery_remote", "remote_id"),
)

relay = Table(
    "mail_relay",
    metadata,
    Column("id", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("url", Text, nullable=False),  # with its password
    Column("per_minute", Integer, nullable=False),
    Column("is_on", Boolean, nullable=False),
    Column("error", Text, nullable=False),
    Column("error_at", BigInteger),
)

suppression = Table(
    "mail_suppression",
    metadata,
    Column("address", Text, primary_key=True),
    Column("reason", Text, nullable=False),  # bounce, complaint, manual
    Column("detail", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)

key = Table(
    "mail_key",
    metadata,
    Column("domain", Text, primary_key=True),
    Column("selector", Text, nullable=False),
    Column("private_key", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

grey = Table(
    "mail_grey",
    metadata,
    Column("key", Text, primary_key=True),  # hash of network, sender and recipient
    Column("first_at", BigInteger, nullable=False),
    Column("passed_at", BigInteger),
    Index("mail_grey_first", "first_at"),
)
