"""The epochs of this file; the newest is the one that holds."""

from sqlalchemy import BigInteger, Column, Table, Text

from fazt.core.schema import metadata

epoch = Table(
    "core_epoch",
    metadata,
    Column("id", Text, primary_key=True),
    Column("begun_at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
)
