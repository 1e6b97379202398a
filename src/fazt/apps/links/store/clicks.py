"""Clicks: counted and written down before the redirect is answered."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, bindparam, func, or_, select, update

from fazt.apps.links.schema import link
from fazt.apps.links.store.links import CHANGED_SIGNAL
from fazt.core import visits
from fazt.core.db import Prepared, wake
from fazt.core.visits import Record
from fazt.core.visits.model import HUMAN
from fazt.core.visits.store import forget_visits

COUNT_LIMITED = (
    update(link)
    .where(link.c.id == bindparam("link_id"), or_(link.c.max_visits.is_(None), link.c.clicks < link.c.max_visits))
    .values(clicks=link.c.clicks + 1)
)
OF = link.c.id == bindparam("link_id")
COUNT = Prepared(update(link).where(OF).values(clicks=link.c.clicks + bindparam("people")))
COUNT_ROBOTS = Prepared(update(link).where(OF).values(robot_clicks=link.c.robot_clicks + bindparam("robots")))


class Click(msgspec.Struct, frozen=True):
    """Somebody follows a link; `link_id` 0 is a slug that does not exist. `is_limited`: it has a number of visits."""

    link_id: int
    record: Record
    is_limited: bool = False


def follow(conn: Connection, clicks: Sequence[Click]) -> list[bool]:
    """Write clicks down, as `fn` of a Batch; for each whether its link may be followed."""
    answers = [not click.is_limited or count_limited(conn, click) for click in clicks]
    taken = [click for click, is_open in zip(clicks, answers, strict=True) if is_open]
    visits.add(conn, [click.record for click in taken])
    people: dict[int, int] = {}
    robots: dict[int, int] = {}
    for click in taken:
        if click.record.robot != HUMAN:
            robots[click.link_id] = robots.get(click.link_id, 0) + 1
        elif not click.is_limited:
            people[click.link_id] = people.get(click.link_id, 0) + 1
    for statement, name, counts in ((COUNT, "people", people), (COUNT_ROBOTS, "robots", robots)):
        rows = [{"link_id": link_id, name: count} for link_id, count in counts.items() if link_id]
        statement.run_many(conn, rows)
    return answers


def count_clicks(conn: Connection, *, owner: str | None) -> tuple[int, int]:
    """How often the links of somebody (None: of all) were followed: by people, and by robots."""
    where = [link.c.deleted_at.is_(None), *([link.c.owner == owner] if owner is not None else [])]
    people, robots = conn.execute(select(func.sum(link.c.clicks), func.sum(link.c.robot_clicks)).where(*where)).one()
    return int(people or 0), int(robots or 0)


def forget_clicks(conn: Connection, link_id: int) -> int:
    """Count a link's clicks from nothing again; how many visits there were."""
    conn.execute(update(link).where(link.c.id == link_id).values(clicks=0, robot_clicks=0))
    wake(conn, CHANGED_SIGNAL)
    return forget_visits(conn, "link", str(link_id))


def count_limited(conn: Connection, click: Click) -> bool:
    """Take one of the visits that a link has; robots take none."""
    if click.record.robot != HUMAN:
        return True
    return conn.execute(COUNT_LIMITED, {"link_id": click.link_id}).rowcount == 1
