"""Tables of backups: how the work went, what is wrong, and the manifest inside each copy."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from fazt.core.schema import metadata

run = Table(
    "backup_run",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("said", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
)
Index("backup_run_kind", run.c.kind, run.c.id)

alarm = Table(
    "backup_alarm",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("text", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
)

contents = Table(
    "backup_contents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("manifest", Text, nullable=False),
)
"""Empty in a file that is in use; in a backup its one row says what must be in it."""

due = Table(
    "backup_due",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("schedule", Text, nullable=False),
    Column("next_at", BigInteger, nullable=False),
)
"""When a schedule that the owner chose comes next."""
