"""Tables of calls: the relay's secrets, its figures, and invitations to rooms."""

from sqlalchemy import BigInteger, Column, Integer, Table, Text

from fazt.core.schema import metadata

Id = BigInteger().with_variant(Integer, "sqlite")

secret = Table(
    "turn_secret",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("secret", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
"""Passwords are made from the newest; the one before stays good until its last password has ended."""

moment = Table(
    "turn_moment",
    metadata,
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("allocations", BigInteger, nullable=False),
    Column("started", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("packets", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("dropped", BigInteger, nullable=False),
)
"""A row for each minute in which the relay did anything."""

invitation = Table(
    "turn_invitation",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("key_hash", Text, nullable=False, unique=True),
    Column("room", Text, nullable=False),
    Column("created_by", Text, nullable=False, index=True),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
)
