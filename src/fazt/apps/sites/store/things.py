"""One site out of a backup, as it was: its versions, files and options. Custom domains that are free come along."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from fazt.apps.sites.model import Site
from fazt.apps.sites.schema import domain, file, site, version
from fazt.apps.sites.store.sites import create_site, find_site, get_site, list_sites, make_findable
from fazt.core.app import Thing
from fazt.core.blobs import keep
from fazt.core.db import wake
from fazt.core.errors import Conflict
from fazt.core.events import Event, emit

CAME_BACK = "sites.came_back"
"""The signal of a site that was made past the actions."""

HASHES = (file.c.hash, file.c.gzip, file.c.brotli)


def list_names(source: Connection) -> list[str]:
    """The sites in a backup that were not deleted."""
    return [found.name for found in list_sites(source)]


def list_blobs(source: Connection, name: str) -> list[str]:
    """The bytes of all files of all versions, each once."""
    rows = source.execute(select(*HASHES).where(file.c.site_id == get_site(source, name).id))
    return list(dict.fromkeys(hash for row in rows for hash in row if hash))


def copy_site(conn: Connection, source: Connection, name: str, new_name: str, user_id: str, now: int) -> str:
    """Make a site as it was in the backup `source`. Raises NotFound, Conflict where the new name is taken."""
    old = get_site(source, name)
    if find_site(conn, new_name) is not None:
        raise Conflict(f"There is a site {new_name!r} already.", hint="Give it another name with --as NAME.")
    new = create_site(conn, new_name, user_id, now)
    copy_rows(conn, source, old, new)
    make_findable(conn, new, now)
    wake(conn, CAME_BACK)
    emit(conn, Event("sites.restored", {"site": new_name}, key=new_name), now=now)
    return f"/sites/{new_name}"


def copy_rows(conn: Connection, source: Connection, old: Site, new: Site) -> None:
    """Versions, files (each a keeper of its bytes), free domains, and which version is shown."""
    for row in source.execute(select(version).where(version.c.site_id == old.id)).mappings():
        conn.execute(insert(version).values({**row, "site_id": new.id}))
    for row in source.execute(select(file).where(file.c.site_id == old.id)).mappings():
        values = {key: value for key, value in row.items() if key != "id"}
        for hash in (row["hash"], row["gzip"], row["brotli"]):
            if hash:
                keep(conn, hash)
        conn.execute(insert(file).values({**values, "site_id": new.id}))
    taken = set(conn.scalars(select(domain.c.host)))
    for row in source.execute(select(domain).where(domain.c.site_id == old.id)).mappings():
        if row["host"] not in taken:
            conn.execute(insert(domain).values({**row, "site_id": new.id}))
    shown = source.execute(
        select(site.c.version, site.c.latest, site.c.options, site.c.password_hash).where(site.c.id == old.id)
    )
    conn.execute(update(site).where(site.c.id == new.id).values(**shown.mappings().one()))


THINGS = (Thing("site", "The site", list_names, list_blobs, copy_site),)
