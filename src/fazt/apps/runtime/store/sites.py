"""What is known of the sites that have code: what they ask for, what they were granted, and their secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, delete, select, update

from fazt.apps.runtime.model import CronEntry, CronSpec, Hook, Manifest, Site, check_limits, check_variable
from fazt.apps.runtime.schema import cron, entry, hook, log, run, secret, site, space
from fazt.core.db import insert, wake
from fazt.core.errors import NotFound, OverQuota
from fazt.core.jobs import next_time

SIGNAL = "runtime"
CHANGED = "runtime/changed"
MAX_SECRETS = 100
MAX_SECRET_BYTES = 32 << 10


def to_site(row: RowMapping) -> Site:
    """A row as it is known outside."""
    lists = {name: tuple(msgspec.json.decode(row[name])) for name in ("asked", "granted")}
    return Site(**{**row, **lists, "limits": msgspec.json.decode(row["limits"])})


def find_site(conn: Connection, site_id: int) -> Site | None:
    """A site that has, or had, code."""
    row = conn.execute(select(site).where(site.c.id == site_id)).mappings().first()
    return None if row is None else to_site(row)


def get_site(conn: Connection, name: str) -> Site:
    """A site with code, by its name. Raises NotFound."""
    wanted = select(site).where(site.c.name == name).order_by(site.c.is_active.desc()).limit(1)
    row = conn.execute(wanted).mappings().first()
    if row is None:
        raise NotFound(f"The site {name!r} has no code.", hint="A version with main.js or main.ts has.")
    return to_site(row)


def list_sites(conn: Connection, *, owner: str | None = None) -> list[Site]:
    """Sites that have code, by name; one person's only, with `owner`."""
    wanted = select(site).where(site.c.is_active).order_by(site.c.name)
    if owner is not None:
        wanted = wanted.where(site.c.owner == owner)
    return [to_site(row) for row in conn.execute(wanted).mappings()]


def list_site_ids(conn: Connection) -> list[int]:
    """All that anything is kept of."""
    return list(conn.execute(select(site.c.id)).scalars())


def put_site(
    conn: Connection,
    site_id: int,
    *,
    name: str,
    owner: str,
    version: int,
    entry: str,
    manifest: Manifest,
    problem: str,
    now: int,
) -> None:
    """Take over what a version asks for. With a problem in its fazt.json, clock and hooks stay as they are."""
    row: dict[str, Any] = {"name": name, "owner": owner, "version": version, "entry": entry, "problem": problem}
    row["is_active"] = bool(entry)
    if not problem:
        row["asked"] = msgspec.json.encode(manifest.scopes).decode()
    fresh = {"asked": "[]", "granted": "[]", "limits": "{}", **row}
    new = insert(conn, site).values(id=site_id, **fresh)
    conn.execute(new.on_conflict_do_update(index_elements=[site.c.id], set_=row))
    if not entry:
        stop_site(conn, site_id)
    elif not problem:
        put_crons(conn, site_id, manifest.cron, now)
        put_hooks(conn, site_id, manifest.on)
    wake(conn, SIGNAL)


def stop_site(conn: Connection, site_id: int) -> None:
    """It has no code any more, or is deleted: nothing runs by itself. What it kept stays."""
    conn.execute(update(site).where(site.c.id == site_id).values(is_active=False))
    conn.execute(delete(cron).where(cron.c.site_id == site_id))
    conn.execute(delete(hook).where(hook.c.site_id == site_id))
    conn.execute(delete(run).where(run.c.site_id == site_id, run.c.state == "queued"))


def put_crons(conn: Connection, site_id: int, specs: tuple[CronSpec, ...], now: int) -> None:
    """Have exactly these entries; one that is as it was keeps its next time, and a paused one stays so."""
    rows = conn.execute(select(cron).where(cron.c.site_id == site_id)).mappings()
    there = {row["name"]: CronEntry(**row) for row in rows}
    names = [spec.name for spec in specs]
    conn.execute(delete(cron).where(cron.c.site_id == site_id, cron.c.name.not_in(names)))
    for spec in specs:
        old = there.get(spec.name)
        values = msgspec.structs.asdict(spec)
        if old is None or (old.schedule, old.timezone) != (spec.schedule, spec.timezone):
            values["next_at"] = next_time(spec.schedule, now, spec.timezone)
        if old is None:
            conn.execute(insert(conn, cron).values(site_id=site_id, is_paused=False, **values))
        else:
            conn.execute(update(cron).where(cron.c.id == old.id).values(**values))


def put_hooks(conn: Connection, site_id: int, hooks: tuple[Hook, ...]) -> None:
    """Hear exactly these events."""
    conn.execute(delete(hook).where(hook.c.site_id == site_id))
    for wanted in hooks:
        text = msgspec.json.encode(wanted.filter).decode()
        conn.execute(insert(conn, hook).values(site_id=site_id, event=wanted.event, filter=text))


def list_hooks(conn: Connection, site_id: int) -> list[Hook]:
    """The events that a site hears."""
    rows = conn.execute(select(hook).where(hook.c.site_id == site_id).order_by(hook.c.event))
    return [Hook(row.event, msgspec.json.decode(row.filter)) for row in rows]


def grant_scopes(conn: Connection, site_id: int, scopes: tuple[str, ...]) -> None:
    """Allow the code these scopes, and no others."""
    text = msgspec.json.encode(sorted(set(scopes))).decode()
    conn.execute(update(site).where(site.c.id == site_id).values(granted=text))
    wake(conn, CHANGED)


def put_limits(conn: Connection, site_id: int, chosen: Mapping[str, Any]) -> None:
    """Choose limits for one site; those that are left out are those of the settings. Raises Invalid."""
    text = msgspec.json.encode(check_limits(chosen)).decode()
    conn.execute(update(site).where(site.c.id == site_id).values(limits=text))
    wake(conn, CHANGED)


def put_secret(conn: Connection, site_id: int, name: str, value: str, *, now: int) -> None:
    """Set a variable of `env`. Raises Invalid, and OverQuota for too many or one that is too long."""
    check_variable(name)
    if len(value.encode()) > MAX_SECRET_BYTES:
        raise OverQuota(f"A variable holds at most {MAX_SECRET_BYTES:,} bytes.")
    row = {"value": value, "changed_at": now}
    new = insert(conn, secret).values(site_id=site_id, name=name, **row)
    conn.execute(new.on_conflict_do_update(index_elements=[secret.c.site_id, secret.c.name], set_=row))
    if len(list_secrets(conn, site_id)) > MAX_SECRETS:
        raise OverQuota(f"A site has at most {MAX_SECRETS} variables.")
    wake(conn, CHANGED)


def delete_secret(conn: Connection, site_id: int, name: str) -> None:
    """Take a variable away. Raises NotFound."""
    here = delete(secret).where(secret.c.site_id == site_id, secret.c.name == name)
    if not conn.execute(here).rowcount:
        raise NotFound(f"There is no variable {name!r}.")
    wake(conn, CHANGED)


def list_secrets(conn: Connection, site_id: int) -> list[tuple[str, int]]:
    """Names, and when each was set (ms); never what they hold."""
    wanted = select(secret.c.name, secret.c.changed_at).where(secret.c.site_id == site_id).order_by(secret.c.name)
    return [(row.name, row.changed_at) for row in conn.execute(wanted)]


def read_secrets(conn: Connection, site_id: int) -> dict[str, str]:
    """What the code finds in `env`."""
    wanted = select(secret.c.name, secret.c.value).where(secret.c.site_id == site_id)
    return {row.name: row.value for row in conn.execute(wanted)}


def forget_site(conn: Connection, site_id: int) -> None:
    """Remove all that was kept of a site that is gone for good."""
    conn.execute(delete(site).where(site.c.id == site_id))
    for table in (space, entry, secret, cron, hook, run, log):
        conn.execute(delete(table).where(table.c.site_id == site_id))
