"""Tables of upgrades: what releases there are, when that was last looked up, and how upgrades ended."""

from sqlalchemy import BigInteger, Column, Integer, Table, Text

from fazt.core.schema import metadata

release = Table(
    "upgrade_release",
    metadata,
    Column("version", Text, primary_key=True),
    Column("notes", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("published_at", BigInteger, nullable=False),
)
"""The newest release that was seen; the owner was told of it."""

look = Table(
    "upgrade_look",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("problem", Text, nullable=False),
)
"""One row: when releases were last looked up, and why that failed."""

run = Table(
    "upgrade_run",
    metadata,
    Column("id", Text, primary_key=True),
    Column("old", Text, nullable=False),
    Column("new", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("said", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)
