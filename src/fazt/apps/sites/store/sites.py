"""Sites and their custom domains: find, make, change, delete with undo."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from fazt.apps.sites.model import Domain, Site, SiteOptions, check_host, check_name
from fazt.apps.sites.schema import domain, site
from fazt.core.db import attempt
from fazt.core.errors import Conflict, Forbidden, NotFound
from fazt.core.events import Event, emit
from fazt.core.search import index, remove

s = site.c
_BY_NAME = select(site).where(s.name == bindparam("name"))
_BY_ID = select(site).where(s.id == bindparam("id"))
_ALL = select(site).order_by(s.name)
_DOMAINS = (
    select(domain.c.host, s.name, domain.c.created_at)
    .join(site, s.id == domain.c.site_id)
    .where(s.deleted_at.is_(None))
    .order_by(domain.c.host)
)
_INSERT = insert(site).returning(s.id)

SEARCH_KIND = "sites.site"
CONDEMNED = 1
"""`deleted_at` of a site that cannot be brought back."""


def to_site(row: Row[Any]) -> Site:
    """A row as it is known outside."""
    return Site(
        id=row.id,
        name=row.name,
        owner=row.owner,
        version=row.version,
        options=msgspec.json.decode(row.options, type=SiteOptions),
        password_hash=row.password_hash,
        created_at=row.created_at,
        changed_at=row.changed_at,
        deleted_at=row.deleted_at,
    )


def find_site(conn: Connection, name: str) -> Site | None:
    """The site with this name, deleted ones too."""
    row = conn.execute(_BY_NAME, {"name": name}).first()
    return None if row is None else to_site(row)


def get_site(conn: Connection, name: str, *, deleted: bool = False) -> Site:
    """Raises NotFound; with `deleted`, a deleted one will do."""
    found = find_site(conn, name)
    if found is None:
        raise NotFound(f"There is no site {name!r}.")
    if found.deleted_at is not None and not deleted:
        raise NotFound(f"The site {name!r} was deleted.", hint=f"`fazt sites restore {name}` brings it back.")
    return found


def get_site_by_id(conn: Connection, site_id: int) -> Site:
    """Raises NotFound."""
    row = conn.execute(_BY_ID, {"id": site_id}).first()
    if row is None:
        raise NotFound("This site is gone.")
    return to_site(row)


def list_sites(conn: Connection, *, owner: str | None = None, deleted: bool = False) -> list[Site]:
    """Sites by name, of one owner or of all; with `deleted`, only the deleted ones."""
    wanted = _ALL.where(s.deleted_at > CONDEMNED if deleted else s.deleted_at.is_(None))
    if owner is not None:
        wanted = wanted.where(s.owner == owner)
    return [to_site(row) for row in conn.execute(wanted)]


def create_site(conn: Connection, name: str, owner: str, now: int) -> Site:
    """An empty site. Raises Invalid for a name that cannot be one, Conflict for one that is taken."""
    name = check_name(name)
    taken = find_site(conn, name)
    if taken is not None and taken.deleted_at is not None:
        raise Conflict(
            f"The site {name!r} was deleted and can still be brought back.",
            hint=f"`fazt sites restore {name}`, or `fazt sites delete {name} --forever` to free the name.",
        )
    row = {"name": name, "owner": owner, "version": 0, "latest": 0, "options": "{}", "password_hash": ""}
    try:
        with attempt(conn):
            conn.execute(_INSERT, {**row, "created_at": now, "changed_at": now, "deleted_at": None})
    except IntegrityError as error:
        raise Conflict(f"There is already a site {name!r}.") from error
    created = get_site(conn, name)
    make_findable(conn, created, now)
    emit(conn, Event("sites.created", {"site": name}, key=name), now=now)
    return created


def make_findable(conn: Connection, found: Site, now: int) -> None:
    """Let the search box find a site by its name."""
    index(conn, SEARCH_KIND, str(found.id), found.name, "", user_id=found.owner, path=f"/sites/{found.name}", now=now)


def ensure_site(conn: Connection, name: str, owner: str, now: int, *, any_owner: bool = False) -> Site:
    """The site with this name, made if there is none.

    Raises Forbidden if it is somebody else's (unless `any_owner`), Conflict if it was deleted.
    """
    found = find_site(conn, check_name(name))
    if found is None or found.deleted_at is not None:
        return create_site(conn, name, owner, now)
    if found.owner != owner and not any_owner:
        raise Forbidden(f"The site {name!r} belongs to somebody else.", hint="Choose another name.")
    return found


def put_options(conn: Connection, site_id: int, options: SiteOptions, now: int) -> None:
    """Change what the owner chooses."""
    values = {"options": msgspec.json.encode(options).decode(), "changed_at": now}
    conn.execute(update(site).where(s.id == site_id).values(values))


def put_password(conn: Connection, site_id: int, password_hash: str, now: int) -> None:
    """Protect a site, or with "" open it."""
    conn.execute(update(site).where(s.id == site_id).values(password_hash=password_hash, changed_at=now))


def rename_site(conn: Connection, site_id: int, name: str, now: int) -> None:
    """Give a site another name, and so another address. Raises Invalid or Conflict."""
    name, before = check_name(name), get_site_by_id(conn, site_id).name
    try:
        with attempt(conn):
            conn.execute(update(site).where(s.id == site_id).values(name=name, changed_at=now))
    except IntegrityError as error:
        raise Conflict(f"There is already a site {name!r}, or one that was deleted not long ago.") from error
    make_findable(conn, get_site_by_id(conn, site_id), now)
    emit(conn, Event("sites.renamed", {"site": name, "before": before}, key=name), now=now)


def delete_site(conn: Connection, site_id: int, now: int) -> None:
    """Take a site off; nothing of it is lost before `purge_some`."""
    found = get_site_by_id(conn, site_id)
    conn.execute(update(site).where(s.id == site_id, s.deleted_at.is_(None)).values(deleted_at=now, changed_at=now))
    remove(conn, SEARCH_KIND, str(site_id))
    emit(conn, Event("sites.deleted", {"site": found.name}, key=found.name), now=now)


def restore_site(conn: Connection, site_id: int, now: int) -> Site:
    """Undo delete_site."""
    conn.execute(update(site).where(s.id == site_id).values(deleted_at=None, changed_at=now))
    found = get_site_by_id(conn, site_id)
    make_findable(conn, found, now)
    emit(conn, Event("sites.restored", {"site": found.name}, key=found.name), now=now)
    return found


def condemn_site(conn: Connection, site_id: int, now: int) -> None:
    """Delete for good: the name is free at once, the rest goes by `purge_some`."""
    conn.execute(
        update(site)
        .where(s.id == site_id)
        .values(name=f"{site_id}!{now}", deleted_at=CONDEMNED, version=0, changed_at=now)
    )
    conn.execute(delete(domain).where(domain.c.site_id == site_id))


def take_back_site(conn: Connection, site_id: int, now: int) -> None:
    """Delete for good a site that has no version yet; one that has meanwhile got one stays."""
    if not get_site_by_id(conn, site_id).version:
        condemn_site(conn, site_id, now)
        remove(conn, SEARCH_KIND, str(site_id))


def list_condemned(conn: Connection, before: int) -> list[int]:
    """Ids of the sites that were deleted before this moment (ms)."""
    return list(conn.scalars(select(s.id).where(s.deleted_at < before).order_by(s.id)))


def count_sites(conn: Connection, owner: str | None = None) -> int:
    """How many sites there are, of one owner or of all."""
    wanted = select(func.count()).select_from(site).where(s.deleted_at.is_(None))
    return conn.scalar(wanted if owner is None else wanted.where(s.owner == owner)) or 0


# --- custom domains


def list_domains(conn: Connection, site_id: int | None = None) -> list[Domain]:
    """Custom domains of one site, or of all that are not deleted."""
    wanted = _DOMAINS if site_id is None else _DOMAINS.where(s.id == site_id)
    return [Domain(*row) for row in conn.execute(wanted)]


def add_domain(conn: Connection, site_id: int, host: str, now: int) -> Domain:
    """Show a site under a host name of its own. Raises Invalid, and Conflict if it shows another site."""
    host = check_host(host)
    try:
        with attempt(conn):
            conn.execute(insert(domain).values(host=host, site_id=site_id, created_at=now))
    except IntegrityError as error:
        raise Conflict(f"{host} already shows a site.", hint="Remove it there first.") from error
    name = get_site_by_id(conn, site_id).name
    emit(conn, Event("sites.domain_added", {"site": name, "host": host}, key=name), now=now)
    return Domain(host, name, now)


def remove_domain(conn: Connection, site_id: int, host: str, now: int) -> None:
    """Raises NotFound where this site is not shown under `host`."""
    host = host.strip().lower()
    gone = conn.execute(delete(domain).where(domain.c.host == host, domain.c.site_id == site_id))
    if not gone.rowcount:
        raise NotFound(f"This site is not shown at {host!r}.")
    name = get_site_by_id(conn, site_id).name
    emit(conn, Event("sites.domain_removed", {"site": name, "host": host}, key=name), now=now)
