"""Measuring: dbstat on SQLite, the sizes of relations on PostgreSQL; sizes of blobs by the apps that keep them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import Connection, delete, insert, select, text

from fazt.core.usage.model import BOOKS, FREE, HOUSE, REST, Big, Share, Usage, part_of
from fazt.core.usage.schema import usage

BIGGEST = 12
KEPT = 400

Tree = tuple[str, str, int]
"""(name, the table it belongs to, bytes) of a table or an index."""

_DBSTAT = "SELECT name, pgsize FROM dbstat WHERE aggregate = TRUE"
_HAS_DBSTAT = "SELECT 1 FROM pragma_module_list WHERE name = 'dbstat'"
_POSTGRESQL = """
SELECT c.relname, coalesce(t.relname, c.relname), CASE c.relkind WHEN 'i' THEN pg_relation_size(c.oid)
ELSE pg_table_size(c.oid) END FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid
LEFT JOIN pg_class t ON t.oid = i.indrelid
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'i')
"""


def measure(conn: Connection, blob_queries: Mapping[str, Sequence[str]], *, log: int, now: int) -> Usage:
    """All of the database, on one snapshot. It reads the whole file, so it is for a job.

    `blob_queries` are, by app, SELECTs of the hashes of the blobs that it keeps. A blob that several keep counts
    for the first of them.
    """
    apps = frozenset(blob_queries)
    total, free, trees = measure_sqlite(conn) if conn.dialect.name == "sqlite" else measure_postgresql(conn)
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for name, table, size in trees or ():
        sums[part_of(table, apps)][name != table] += size
    blobs = measure_blobs(conn, blob_queries)
    unkept = count_bytes(conn, "state = 2 AND place = ''") - sum(blobs.values())
    house = {part: sum(sums.pop(part, (0, 0))) for part in HOUSE}
    if trees is None:
        house[REST] = total - free - sum(blobs.values()) - unkept
    else:
        house["blobs"] -= sum(blobs.values()) + unkept
        house[BOOKS] += total - free - sum(size for _, _, size in trees)
    house |= {FREE: free, "unkept": unkept}
    shares = [Share(app, sums[app][0], sums[app][1], blobs.get(app, 0)) for app in blob_queries]
    biggest = sorted((Big(name, size, name != table) for name, table, size in trees or ()), key=lambda big: -big.size)
    return Usage(
        now,
        0,
        total,
        log,
        count_bytes(conn, "state = 2 AND place <> ''"),
        trees is not None,
        sorted((share for share in shares if share.total), key=lambda share: -share.total),
        [Share(part, size) for part, size in house.items() if size],
        biggest[:BIGGEST],
    )


def measure_sqlite(conn: Connection) -> tuple[int, int, list[Tree] | None]:
    """All bytes, the free ones, and what each table and index takes; None where this SQLite cannot say."""
    pragmas = ("page_size", "page_count", "freelist_count")
    page, pages, free = (int(conn.exec_driver_sql(f"PRAGMA {name}").scalar_one()) for name in pragmas)
    if not conn.exec_driver_sql(_HAS_DBSTAT).scalar():
        return page * pages, page * free, None
    tables = {row.name: row.tbl_name for row in conn.exec_driver_sql("SELECT name, tbl_name FROM sqlite_schema")}
    trees = [(name, tables.get(name, name), int(size)) for name, size in conn.exec_driver_sql(_DBSTAT)]
    return page * pages, page * free, trees


def measure_postgresql(conn: Connection) -> tuple[int, int, list[Tree]]:
    """The same; PostgreSQL's free room is inside its tables, and what is not ours counts as its bookkeeping."""
    total = int(conn.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())
    return total, 0, [(name, table, int(size)) for name, table, size in conn.exec_driver_sql(_POSTGRESQL)]


def measure_blobs(conn: Connection, blob_queries: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The bytes in this file that each app keeps."""
    sizes: dict[str, int] = {}
    before: list[str] = []
    for app, queries in blob_queries.items():
        if queries:
            others = f"AND hash NOT IN ({' UNION '.join(before)})" if before else ""
            sizes[app] = count_bytes(conn, f"state = 2 AND place = '' AND hash IN ({' UNION '.join(queries)}) {others}")
            before += queries
    return sizes


def count_bytes(conn: Connection, where: str) -> int:
    """The sizes of some blobs together."""
    return int(conn.scalar(text(f"SELECT coalesce(sum(size), 0) FROM core_blob WHERE {where}")) or 0)  # noqa: S608 - own words


def put_usage(conn: Connection, found: Usage) -> None:
    """Keep a measurement, and forget very old ones."""
    conn.execute(delete(usage).where(usage.c.at == found.at))
    row = {"at": found.at, "total": found.total, "found": msgspec.json.encode(found).decode()}
    conn.execute(insert(usage), row)
    old = conn.scalar(select(usage.c.at).order_by(usage.c.at.desc()).offset(KEPT).limit(1))
    if old is not None:
        conn.execute(delete(usage).where(usage.c.at <= old))


def find_usage(conn: Connection) -> Usage | None:
    """The last measurement, or None."""
    row = conn.execute(select(usage.c.found).order_by(usage.c.at.desc()).limit(1)).first()
    return None if row is None else msgspec.json.decode(row.found, type=Usage)


def list_totals(conn: Connection) -> list[tuple[int, int]]:
    """(when, bytes) of the measurements that are kept, oldest first."""
    return [(row.at, row.total) for row in conn.execute(select(usage.c.at, usage.c.total).order_by(usage.c.at))]
