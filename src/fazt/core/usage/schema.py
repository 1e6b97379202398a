"""What was measured, day by day."""

from sqlalchemy import BigInteger, Column, Table, Text

from fazt.core.schema import metadata

usage = Table(
    "core_usage",
    metadata,
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("total", BigInteger, nullable=False),
    Column("found", Text, nullable=False),
)
