"""Links: made, found, listed, changed, deleted and brought back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, delete, func, insert, or_, select, update

from fazt.apps.links.model import Link, NewLink, Rule, Variant, check_rules, check_slug, check_status, check_tags
from fazt.apps.links.model.links import TITLE_MAX, check_times
from fazt.apps.links.schema import link, tag
from fazt.core import search
from fazt.core.clock import DAY
from fazt.core.db import wake
from fazt.core.errors import Conflict, Invalid, NotFound
from fazt.core.events import Event, emit
from fazt.core.ids import new_slug

CHANGED_SIGNAL = "links"
KIND = "links.link"
TRIES = 20
FIND = select(link).where(
    link.c.host == bindparam("host"), link.c.slug == bindparam("slug"), link.c.deleted_at.is_(None)
)
ORDERS: Mapping[str, ColumnElement[Any]] = {
    "created": link.c.id,
    "changed": link.c.changed_at,
    "slug": link.c.slug,
    "target": link.c.target,
    "title": link.c.title,
    "clicks": link.c.clicks,
    "all clicks": link.c.clicks + link.c.robot_clicks,
}
RULES = msgspec.json.Decoder(tuple[Rule, ...])
VARIANTS = msgspec.json.Decoder(tuple[Variant, ...])
TAGS = msgspec.json.Decoder(tuple[str, ...])
CheckTarget = Callable[[str], str]
Mode = Literal["any", "all"]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which links a list is to show. `owner` None is everybody's; `host` None every host's; times in ms."""

    owner: str | None = None
    words: str = ""
    slug: str = ""
    tags: tuple[str, ...] = ()
    tags_mode: Mode = "any"
    without_tags: tuple[str, ...] = ()
    without_mode: Mode = "any"
    host: str | None = None
    since: int | None = None
    until: int | None = None
    skip_used_up: bool = False
    skip_expired_at: int | None = None
    deleted: bool = False
    order: str = "created"
    descending: bool = True
    offset: int = 0
    limit: int = 50


class Found(msgspec.Struct, frozen=True):
    """One page of a list, and how many there are in all."""

    links: tuple[Link, ...]
    total: int


def create_link(
    conn: Connection, asked: NewLink, *, owner: str, check_target: CheckTarget, slug_length: int, now: int
) -> Link:
    """A new link. Raises Invalid, and Conflict where the slug is taken on that host."""
    target, tags = check_target(asked.target), check_tags(asked.tags)
    check_rules(asked.rules, asked.variants, check_target)
    check_status(asked.status)
    check_times(asked.valid_from, asked.expires_at, asked.max_visits)
    slug = check_slug(asked.slug) if asked.slug else free_slug(conn, asked.host, slug_length)
    make_room(conn, asked.host, slug)
    fields = msgspec.structs.asdict(asked) | {"target": target, "tags": tags, "slug": slug, "owner": owner}
    made = Link(id=0, **fields, created_at=now, changed_at=now)
    made = msgspec.structs.replace(made, title=made.title.strip()[:TITLE_MAX])
    row = to_row(made)
    del row["id"]
    made_id = int(conn.execute(insert(link).returning(link.c.id), row).scalar_one())
    made = msgspec.structs.replace(made, id=made_id)
    put_tags(conn, made.id, tags)
    note_change(conn, made, "links.created", now)
    return made


def free_slug(conn: Connection, host: str, length: int) -> str:
    """A random slug that nobody has; longer where many of this length are taken."""
    for attempt in range(TRIES):
        slug = new_slug(length + attempt // 4)
        if conn.execute(select(link.c.id).where(link.c.host == host, link.c.slug == slug)).first() is None:
            return slug
    raise Conflict("No free short name was found.", hint="Raise the setting links.slug_length.")


def make_room(conn: Connection, host: str, slug: str) -> None:
    """Raises Conflict where a link has this slug; a deleted one makes room for good."""
    row = conn.execute(select(link.c.id, link.c.deleted_at).where(link.c.host == host, link.c.slug == slug)).first()
    if row is None:
        return
    if row.deleted_at is None:
        raise Conflict(f"The short name {slug!r} is taken.", hint="Choose another one.", slug=slug)
    conn.execute(delete(link).where(link.c.id == row.id))


def put_tags(conn: Connection, link_id: int, tags: tuple[str, ...]) -> None:
    """These and no others."""
    conn.execute(delete(tag).where(tag.c.link_id == link_id))
    if tags:
        conn.execute(insert(tag), [{"name": name, "link_id": link_id} for name in tags])


def note_change(conn: Connection, changed: Link, event: str, now: int) -> None:
    """Tell of it, have it found, and have caches look again."""
    data = {"id": changed.id, "slug": changed.slug, "host": changed.host}
    if event == "links.deleted":
        search.remove(conn, KIND, str(changed.id))
    else:
        data["target"] = changed.target
        text = f"{changed.slug} {changed.target} {' '.join(changed.tags)}"
        title, path = changed.title or changed.slug, f"/links/{changed.id}"
        search.index(conn, KIND, str(changed.id), title, text, user_id=changed.owner, path=path, now=now)
    emit(conn, Event(event, data, key=str(changed.id)), now=now)
    wake(conn, CHANGED_SIGNAL)


def find_link(conn: Connection, host: str, slug: str) -> Link | None:
    """The link of this slug on this host, or None."""
    row = conn.execute(FIND, {"host": host, "slug": slug}).first()
    return None if row is None else to_link(row)


def find_same(conn: Connection, asked: NewLink, owner: str) -> Link | None:
    """A link of this person's that leads to the same target under the same terms, for who wants no second one."""
    terms = ("status", "forward_query", "valid_from", "expires_at", "max_visits", "title")
    rows = conn.execute(
        select(link)
        .where(link.c.target == asked.target.strip(), link.c.owner == owner, link.c.host == asked.host)
        .where(link.c.deleted_at.is_(None), *([link.c.slug == asked.slug] if asked.slug else []))
        .limit(100)
    )
    for row in rows:
        found = to_link(row)
        same = all(getattr(found, term) == getattr(asked, term) for term in terms if term != "title" or asked.title)
        if same and set(check_tags(asked.tags)) <= set(found.tags):
            return found
    return None


def get_link(conn: Connection, link_id: int, *, owner: str | None, deleted: bool = False) -> Link:
    """One link, of this person where one is named. Raises NotFound."""
    row = conn.execute(select(link).where(link.c.id == link_id)).first()
    if row is None or (owner is not None and row.owner != owner) or (row.deleted_at is not None) != deleted:
        raise NotFound("There is no such link.")
    return to_link(row)


def list_slugs(conn: Connection, link_ids: list[int]) -> dict[int, str]:
    """The slugs of those links that are there, by number."""
    return {row.id: row.slug for row in conn.execute(select(link.c.id, link.c.slug).where(link.c.id.in_(link_ids)))}


def list_links(conn: Connection, asked: Asked) -> Found:
    """One page of links."""
    where = and_(*conditions_of(asked))
    total = conn.execute(select(func.count()).select_from(link).where(where)).scalar_one()
    column = ORDERS[asked.order]
    order = column.desc() if asked.descending else column.asc()
    rows = conn.execute(
        select(link).where(where).order_by(order, link.c.id.desc()).offset(asked.offset).limit(asked.limit)
    )
    return Found(tuple(to_link(row) for row in rows), int(total))


def conditions_of(asked: Asked) -> list[ColumnElement[bool]]:
    """What every link of the list has to be."""
    found: list[ColumnElement[bool]] = [
        link.c.deleted_at.is_not(None) if asked.deleted else link.c.deleted_at.is_(None)
    ]
    plain = {"owner": asked.owner, "host": asked.host}
    found += [link.c[name] == value for name, value in plain.items() if value is not None]
    if asked.slug:
        found.append(link.c.slug == asked.slug)
    for word in asked.words.split()[:10]:
        like = "%" + word.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        columns = (link.c.slug, link.c.target, link.c.title, link.c.tags)
        found.append(or_(*(func.lower(column).like(like, escape="\\") for column in columns)))
    found += has_tags(asked.tags, asked.tags_mode)
    if asked.without_tags:
        found.append(~and_(*has_tags(asked.without_tags, asked.without_mode)))
    if asked.since is not None:
        found.append(link.c.created_at >= asked.since)
    if asked.until is not None:
        found.append(link.c.created_at <= asked.until)
    if asked.skip_used_up:
        found.append(or_(link.c.max_visits.is_(None), link.c.clicks < link.c.max_visits))
    if asked.skip_expired_at is not None:
        found.append(or_(link.c.expires_at.is_(None), link.c.expires_at > asked.skip_expired_at))
    return found


def has_tags(names: tuple[str, ...], mode: Mode) -> list[ColumnElement[bool]]:
    """Links with any, or with all, of these tags."""
    if not names:
        return []
    if mode == "any":
        return [link.c.id.in_(select(tag.c.link_id).where(tag.c.name.in_(names)))]
    return [link.c.id.in_(select(tag.c.link_id).where(tag.c.name == name)) for name in names]


def change_link(
    conn: Connection,
    link_id: int,
    changes: Mapping[str, Any],
    *,
    owner: str | None,
    check_target: CheckTarget,
    now: int,
) -> Link:
    """Change some fields of a link. Raises NotFound, Invalid, and Conflict for a slug that is taken."""
    before = get_link(conn, link_id, owner=owner)
    unknown = set(changes) - (set(NewLink.__struct_fields__))
    if unknown:
        raise Invalid(f"A link has no {', '.join(sorted(unknown))}.")
    after = msgspec.structs.replace(before, **changes, changed_at=now)
    after = msgspec.structs.replace(
        after,
        slug=check_slug(after.slug),
        target=check_target(after.target),
        tags=check_tags(after.tags),
        title=after.title.strip()[:TITLE_MAX],
    )
    check_rules(after.rules, after.variants, check_target)
    check_status(after.status)
    check_times(after.valid_from, after.expires_at, after.max_visits)
    if (after.host, after.slug) != (before.host, before.slug):
        make_room(conn, after.host, after.slug)
    row = to_row(after)
    for name in ("id", "clicks", "robot_clicks"):  # clicks go on meanwhile
        del row[name]
    conn.execute(update(link).where(link.c.id == link_id).values(row))
    put_tags(conn, link_id, after.tags)
    note_change(conn, after, "links.changed", now)
    return after


def set_title(conn: Connection, link_id: int, title: str, now: int) -> None:
    """The title that the target's page gave, unless somebody chose one meanwhile."""
    row = conn.execute(select(link).where(link.c.id == link_id, link.c.title == "")).first()
    if row is not None and title.strip():
        found = msgspec.structs.replace(to_link(row), title=title.strip()[:TITLE_MAX])
        conn.execute(update(link).where(link.c.id == link_id).values(title=found.title))
        note_change(conn, found, "links.changed", now)


def delete_link(conn: Connection, link_id: int, *, owner: str | None, now: int) -> Link:
    """Take a link off; it can be brought back. Raises NotFound."""
    found = get_link(conn, link_id, owner=owner)
    conn.execute(update(link).where(link.c.id == link_id).values(deleted_at=now))
    note_change(conn, found, "links.deleted", now)
    return found


def restore_link(conn: Connection, link_id: int, *, owner: str | None, now: int) -> Link:
    """Bring a deleted link back. Raises NotFound."""
    found = msgspec.structs.replace(get_link(conn, link_id, owner=owner, deleted=True), deleted_at=None)
    conn.execute(update(link).where(link.c.id == link_id).values(deleted_at=None))
    note_change(conn, found, "links.created", now)
    return found


def purge_link(conn: Connection, link_id: int, *, owner: str | None) -> None:
    """Delete a deleted link for good. Raises NotFound."""
    get_link(conn, link_id, owner=owner, deleted=True)
    conn.execute(delete(link).where(link.c.id == link_id))


def forget_deleted(conn: Connection, *, days: int, now: int) -> int:
    """Delete for good what was deleted long ago; how many."""
    return conn.execute(delete(link).where(link.c.deleted_at < now - days * DAY)).rowcount


def forget_owner(conn: Connection, owner: str) -> None:
    """Delete all links of somebody who is gone."""
    for link_id in conn.scalars(select(link.c.id).where(link.c.owner == owner)):
        search.remove(conn, KIND, str(link_id))
    conn.execute(delete(link).where(link.c.owner == owner))
    wake(conn, CHANGED_SIGNAL)


def to_link(row: Row[Any]) -> Link:
    """A row as what it stands for."""
    fields = dict(row._mapping)
    fields |= {
        "rules": RULES.decode(row.rules),
        "variants": VARIANTS.decode(row.variants),
        "tags": TAGS.decode(row.tags),
    }
    return Link(**fields)


def to_row(made: Link) -> dict[str, Any]:
    """A link as its columns."""
    row = msgspec.structs.asdict(made)
    return row | {name: msgspec.json.encode(row[name]).decode() for name in ("rules", "variants", "tags")}
