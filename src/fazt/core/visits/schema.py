"""Tables of visits: each one, the sums of them, and what counting visitors needs for a day."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text

from fazt.core.schema import metadata

Id = BigInteger().with_variant(Integer, "sqlite")

core_visit = Table(
    "core_visit",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("path", Text, nullable=False),
    Column("referrer", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("robot", Integer, nullable=False),
    Column("browser", Text, nullable=False),
    Column("os", Text, nullable=False),
    Column("device", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("utm_source", Text, nullable=False),
    Column("utm_medium", Text, nullable=False),
    Column("utm_campaign", Text, nullable=False),
    Column("utm_term", Text, nullable=False),
    Column("utm_content", Text, nullable=False),
    Column("visitor", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
Index("core_visit_target_at", core_visit.c.kind, core_visit.c.target, core_visit.c.at)
Index("core_visit_kind_at", core_visit.c.kind, core_visit.c.at)

core_visit_sum = Table(
    "core_visit_sum",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("dimension", Text, primary_key=True),
    Column("at", BigInteger, primary_key=True),
    Column("target", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("views", BigInteger, nullable=False),
    Column("visitors", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

core_visit_mark = Table(
    "core_visit_mark",
    metadata,
    Column("name", Text, primary_key=True),
    Column("visit_id", BigInteger, nullable=False),
)

core_visit_known = Table(
    "core_visit_known",
    metadata,
    Column("day", BigInteger, primary_key=True),
    Column("key", BigInteger, primary_key=True),
    sqlite_with_rowid=False,
)

core_visit_salt = Table(
    "core_visit_salt",
    metadata,
    Column("day", BigInteger, primary_key=True),
    Column("salt", LargeBinary, nullable=False),
)
