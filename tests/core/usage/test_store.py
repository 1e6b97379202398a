"""What takes how much room, on both engines; on SQLite it is the file's size to the byte."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import Connection, text

from fazt.apps import APPS
from fazt.core.blobs import drop, keep, put
from fazt.core.db import Database
from fazt.core.search import index
from fazt.core.usage import Usage, find_usage, list_spares, list_totals, measure, put_usage
from fazt.core.usage.model import HOUSE
from fazt.core.usage.store import KEPT
from tests.conftest import NOW


def queries(conn: Connection) -> dict[str, list[str]]:
    """As the job gathers them."""
    stores: dict[str, Any] = {app.name: app.load("store") for app in APPS}
    dialect = conn.dialect.name
    return {
        name: store.list_blob_queries(dialect) if hasattr(store, "list_blob_queries") else []
        for name, store in stores.items()
    }


def add_thumb(conn: Connection, hash_: str) -> None:
    conn.execute(text("INSERT INTO drive_thumb (hash, edge, blob, at) VALUES ('a', 1, :hash, 1)"), {"hash": hash_})


def fill(conn: Connection) -> None:
    """A blob that two apps keep, one that nobody does, and words."""
    first = keep(conn, put(conn, b"x" * 300_000, NOW).hash)
    put(conn, b"y" * 50_000, NOW)
    add_thumb(conn, first.hash)
    conn.execute(
        text(
            "INSERT INTO mail_out (id, user_id, message_id, blob, mail_from, subject, header_id, source, created_at)"
            " VALUES ('1', 'u', '', :hash, '', '', '', '', 1)"
        ),
        {"hash": first.hash},
    )
    for n in range(50):
        index(conn, "note", str(n), f"title {n}", "words " * 100, user_id="ann", path="/", now=NOW)


def shares_of(found: Usage) -> dict[str, int]:
    return {share.name: share.total for share in (*found.apps, *found.house)}


async def test_the_shares_are_the_whole(database: Database) -> None:
    await database.write(fill)
    found = await database.read(lambda conn: measure(conn, queries(conn), log=0, now=NOW))
    shares = shares_of(found)
    assert sum(shares.values()) == found.total
    blobs = {share.name: share.blobs for share in found.apps if share.blobs}
    assert blobs == {"drive": 300_000}
    assert shares["unkept"] == 50_000
    assert shares["search"] > 5_000
    assert all(size >= 0 for size in shares.values())
    assert {share.name for share in found.house} <= set(HOUSE)
    assert found.biggest[0].size >= found.biggest[-1].size > 0


async def test_on_sqlite_it_is_the_size_of_the_file(database: Database, data_file: object) -> None:
    if not hasattr(database, "path"):
        return
    await database.write(fill)
    await database.write(lambda conn: conn.exec_driver_sql("DELETE FROM core_search_words") and None)
    await database.write(lambda conn: conn.exec_driver_sql("DELETE FROM core_search") and None)
    found = await database.read(lambda conn: measure(conn, queries(conn), log=0, now=NOW))
    await database.close()
    size = await asyncio.to_thread(database.path.stat)
    assert sum(shares_of(found).values()) == size.st_size
    assert shares_of(found)["free"] > 0
    assert data_file


def test_measurements_are_kept_for_a_while(conn: Connection) -> None:
    assert find_usage(conn) is None
    for n in range(KEPT + 3):
        put_usage(conn, Usage(NOW + n, 1, n, 0, 0, is_whole=True, apps=[], house=[], biggest=[]))
    totals = list_totals(conn)
    assert len(totals) == KEPT
    assert totals[-1] == (NOW + KEPT + 2, KEPT + 2)
    last = find_usage(conn)
    assert last is not None
    assert last.total == KEPT + 2


@pytest.mark.parametrize("name", ["drive.trash", "drive.versions", "drive.thumbs", "mail.trash", "joplin.history"])
def test_what_could_go_goes(conn: Connection, name: str) -> None:
    class Listed:
        apps = APPS

    spare = list_spares(Listed())[name]  # type: ignore[arg-type] # as much of Core as it looks at
    if name == "drive.thumbs":
        kept = keep(conn, put(conn, b"x" * 1_000, NOW).hash)
        add_thumb(conn, kept.hash)
        assert spare.measure(conn) == (1, 1_000)
    assert spare.free is not None
    while spare.free(conn, NOW):
        pass
    assert spare.measure(conn) == (0, 0)


def test_a_blob_that_is_dropped_is_no_longer_anybodys(conn: Connection) -> None:
    hash_ = keep(conn, put(conn, b"z" * 7_000, NOW).hash).hash
    drop(conn, hash_)
    assert shares_of(measure(conn, queries(conn), log=0, now=NOW))["unkept"] >= 7_000
