"""What the owner chose, where it differs from the default."""

from sqlalchemy import BigInteger, Column, Table, Text

from fazt.core.schema import metadata

setting = Table(
    "core_setting",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)
