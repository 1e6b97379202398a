"""What a measurement says, and whose a table is."""

from __future__ import annotations

import msgspec

FREE, BOOKS, REST = "free", "books", "rest"
BLOB_TABLES = frozenset({"core_blob", "core_chunk", "core_upload"})
HOUSE = {
    "blobs": "What is kept about files' bytes",
    "unkept": "Bytes that nothing refers to any more",
    "search": "The search index",
    "visits": "The log of visits",
    "events": "The log of events",
    "core": "People, settings, jobs and the rest",
    BOOKS: "The database's own bookkeeping",
    REST: "Tables, not told apart",
    FREE: "Free, for what comes next",
}
"""What belongs to no app, in the order in which it is shown."""

CORE_TABLES = {"core_search": "search", "core_visit": "visits", "core_event": "events"}


class Share(msgspec.Struct, frozen=True):
    """What one app takes, or one part of the house (a key of HOUSE, with all of it in `tables`)."""

    name: str
    tables: int = 0
    indexes: int = 0
    blobs: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return self.tables + self.indexes + self.blobs


class Big(msgspec.Struct, frozen=True):
    """A table or an index, and what it takes."""

    name: str
    size: int
    is_index: bool


class Could(msgspec.Struct, frozen=True):
    """What could go: how many things of which size. `name` is that of its `core.app.Spare`, after the app's."""

    name: str
    count: int
    size: int


class Usage(msgspec.Struct, frozen=True):
    """One measurement. The shares of `apps` and `house` add up to `total`, the size of the database in bytes.

    `log` is the write-ahead log beside data.db (0 on PostgreSQL), `elsewhere` the bytes in an object store.
    `is_whole` is false where SQLite was built without dbstat and tables are not told apart.
    """

    at: int
    took_ms: int
    total: int
    log: int
    elsewhere: int
    is_whole: bool
    apps: list[Share]
    house: list[Share]
    biggest: list[Big]
    could: list[Could] = msgspec.field(default_factory=list)


def part_of(table: str, apps: frozenset[str]) -> str:
    """Whose a table is: the name of an app, or a key of HOUSE."""
    owner = table.partition("_")[0]
    if owner in apps:
        return owner
    if owner != "core":
        return BOOKS
    if table in BLOB_TABLES:
        return "blobs"
    return next((part for begin, part in CORE_TABLES.items() if table.startswith(begin)), "core")
