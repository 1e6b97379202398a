"""Facts that were told, and whether the apps have heard them."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text, text

from fazt.core.schema import metadata

event = Table(
    "core_event",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("is_delivered", Boolean, nullable=False),
    Index("core_event_at", "at"),
    sqlite_autoincrement=True,  # an id that was pruned never comes back
)

WAITING = text("NOT is_delivered")
Index("core_event_waiting", event.c.id, sqlite_where=WAITING, postgresql_where=WAITING)
