"""Tables of pads: what there is, the updates that made them, and each document as it was lately, to begin from."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, LargeBinary, Table, Text

from fazt.core.schema import metadata

pad = Table(
    "pads_pad",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("user_id", Text, nullable=False, index=True),
    Column("members", Text, nullable=False),
    Column("guests", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("settled_seq", BigInteger, nullable=False),
    Column("thinned_seq", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("log_bytes", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, index=True),
)
"""`settled_seq` is how far search and events know of it, `thinned_seq` how far its history was thinned."""

update = Table(
    "pads_update",
    metadata,
    Column("pad_id", Text, ForeignKey("pads_pad.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
)
"""The history: applied one after the other they make the document. None builds upon a later one."""

state = Table(
    "pads_state",
    metadata,
    Column("pad_id", Text, ForeignKey("pads_pad.id"), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
)
"""The whole document after the update `seq`, so that opening a pad need not begin at the beginning."""

Index("pads_pad_changed", pad.c.user_id, pad.c.changed_at)
