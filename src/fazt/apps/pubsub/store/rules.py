"""Who may read and write which topics, as rows."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select

from fazt.apps.pubsub.model.access import Rule
from fazt.apps.pubsub.schema import rule
from fazt.core.db import insert, wake
from fazt.core.errors import Conflict, NotFound

RULES = "pubsub/rules"
MAX_RULES = 500


def list_rules(conn: Connection) -> list[Rule]:
    """All rules, by pattern."""
    rows = conn.execute(select(rule).order_by(rule.c.pattern, rule.c.who).limit(MAX_RULES))
    return [Rule(row.pattern, row.who, row.may) for row in rows]


def put_rule(conn: Connection, new: Rule) -> None:
    """Make or change a rule. Raises Conflict for too many."""
    if len(list_rules(conn)) >= MAX_RULES:
        raise Conflict(f"There are {MAX_RULES} rules, and no more are allowed.", hint="Delete one, or use wildcards.")
    row = {"pattern": new.pattern, "who": new.who, "may": new.may}
    made = insert(conn, rule).values(row)
    conn.execute(made.on_conflict_do_update(index_elements=["pattern", "who"], set_={"may": new.may}))
    wake(conn, RULES)


def delete_rule(conn: Connection, pattern: str, who: str) -> None:
    """Raises NotFound."""
    if not conn.execute(delete(rule).where(rule.c.pattern == pattern, rule.c.who == who)).rowcount:
        raise NotFound("There is no such rule.")
    wake(conn, RULES)


def forget_person(conn: Connection, user_id: str) -> None:
    """Somebody is gone, and so are the rules about them."""
    conn.execute(delete(rule).where(rule.c.who == user_id))
    wake(conn, RULES)
