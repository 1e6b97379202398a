"""Tags: what they are used for, renamed, taken off."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
from sqlalchemy import Connection, func, select, update

from fazt.apps.links.model import check_tags
from fazt.apps.links.schema import link, tag
from fazt.apps.links.store.links import CHANGED_SIGNAL, TAGS, put_tags
from fazt.core.db import wake
from fazt.core.errors import Conflict, Invalid, NotFound


class TagFigures(msgspec.Struct, frozen=True):
    """A tag, how many links have it, and how often these were followed."""

    name: str
    links: int
    clicks: int
    robot_clicks: int


def list_tags(conn: Connection, *, owner: str | None) -> list[TagFigures]:
    """All tags of somebody's links, by name."""
    where = [link.c.deleted_at.is_(None), *([link.c.owner == owner] if owner is not None else [])]
    rows = conn.execute(
        select(tag.c.name, func.count(), func.sum(link.c.clicks), func.sum(link.c.robot_clicks))
        .join_from(tag, link)
        .where(*where)
        .group_by(tag.c.name)
        .order_by(tag.c.name)
    )
    return [TagFigures(row[0], int(row[1]), int(row[2]), int(row[3])) for row in rows]


def rename_tag(conn: Connection, old: str, new: str, *, owner: str | None) -> None:
    """Call a tag otherwise. Raises NotFound, Invalid, and Conflict where the new name is used already."""
    wanted = check_tags([new])
    if not wanted:
        raise Invalid("A tag has a name.")
    names = {figures.name for figures in list_tags(conn, owner=owner)}
    if old not in names:
        raise NotFound(f"There is no tag {old!r}.")
    if wanted[0] != old and wanted[0] in names:
        raise Conflict(f"There is a tag {wanted[0]!r} already.")
    replace_tag(conn, {old: wanted[0]}, owner)


def delete_tags(conn: Connection, names: Collection[str], *, owner: str | None) -> None:
    """Take tags off all links."""
    replace_tag(conn, dict.fromkeys(names, ""), owner)


def replace_tag(conn: Connection, names: dict[str, str], owner: str | None) -> None:
    """Each tag by another name, or by none."""
    ids = select(tag.c.link_id).where(tag.c.name.in_(list(names)))
    where = [link.c.id.in_(ids), *([link.c.owner == owner] if owner is not None else [])]
    for row in conn.execute(select(link.c.id, link.c.tags).where(*where)).all():
        kept = (names.get(name, name) for name in TAGS.decode(row.tags))
        after = tuple(dict.fromkeys(name for name in kept if name))
        conn.execute(update(link).where(link.c.id == row.id).values(tags=msgspec.json.encode(after).decode()))
        put_tags(conn, row.id, after)
    wake(conn, CHANGED_SIGNAL)
