"""Rules of each person, in their order."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, RowMapping, bindparam, delete, func, insert, select, update

from fazt.apps.mail.model.rules import Action, Condition, Rule, check_rule
from fazt.apps.mail.schema import rule
from fazt.core.errors import Invalid, NotFound
from fazt.core.ids import new_id

MAX_RULES = 200
MINE = select(rule).where(rule.c.user_id == bindparam("user")).order_by(rule.c.position, rule.c.id)
HIT = update(rule).where(rule.c.id == bindparam("rule_id")).values(hits=rule.c.hits + 1)


class Spec(msgspec.Struct, frozen=True):
    """What a row keeps as JSON."""

    conditions: tuple[Condition, ...] = ()
    actions: tuple[Action, ...] = ()
    stop: bool = True


def list_rules(conn: Connection, user_id: str) -> list[Rule]:
    """Somebody's rules in their order."""
    return [to_rule(row) for row in conn.execute(MINE, {"user": user_id}).mappings()]


def get_rule(conn: Connection, user_id: str, rule_id: str) -> Rule:
    """One of somebody's rules. Raises NotFound."""
    row = conn.execute(select(rule).where(rule.c.id == rule_id, rule.c.user_id == user_id)).mappings().first()
    if row is None:
        raise NotFound("There is no such rule.")
    return to_rule(row)


def put_rule(
    conn: Connection,
    user_id: str,
    name: str,
    conditions: tuple[Condition, ...],
    actions: tuple[Action, ...],
    *,
    stop: bool = True,
    is_on: bool = True,
    rule_id: str = "",
    now: int,
) -> Rule:
    """A new rule at the end, or with `rule_id` another shape of that one. Raises Invalid, NotFound."""
    check_rule(name, conditions, actions)
    spec = msgspec.json.encode(Spec(conditions, actions, stop)).decode()
    values = {"name": name.strip(), "spec": spec, "is_on": is_on}
    if rule_id:
        get_rule(conn, user_id, rule_id)
        conn.execute(update(rule).where(rule.c.id == rule_id).values(**values))
        return get_rule(conn, user_id, rule_id)
    if len(list_rules(conn, user_id)) >= MAX_RULES:
        raise Invalid(f"{MAX_RULES} rules are enough.")
    last = conn.scalar(select(func.max(rule.c.position)).where(rule.c.user_id == user_id))
    new = new_id(now)
    row = {"id": new, "user_id": user_id, "position": (last or 0) + 1, "hits": 0}
    conn.execute(insert(rule), row | values)
    return get_rule(conn, user_id, new)


def delete_rule(conn: Connection, user_id: str, rule_id: str) -> None:
    """Take a rule away. Raises NotFound."""
    get_rule(conn, user_id, rule_id)
    conn.execute(delete(rule).where(rule.c.id == rule_id))


def switch_rule(conn: Connection, user_id: str, rule_id: str, *, is_on: bool) -> None:
    """Let a rule rest, or work again. Raises NotFound."""
    get_rule(conn, user_id, rule_id)
    conn.execute(update(rule).where(rule.c.id == rule_id).values(is_on=is_on))


def move_rule(conn: Connection, user_id: str, rule_id: str, by: int) -> None:
    """Change places with the rule before (-1) or after (1). Raises NotFound."""
    rules = list_rules(conn, user_id)
    at = next((at for at, found in enumerate(rules) if found.id == rule_id), None)
    if at is None:
        raise NotFound("There is no such rule.")
    to = min(max(at + by, 0), len(rules) - 1)
    rules.insert(to, rules.pop(at))
    for position, found in enumerate(rules):
        conn.execute(update(rule).where(rule.c.id == found.id).values(position=position))


def note_hits(conn: Connection, rule_ids: tuple[str, ...]) -> None:
    """Count that rules fitted."""
    for rule_id in rule_ids:
        conn.execute(HIT, {"rule_id": rule_id})


def to_rule(row: RowMapping) -> Rule:
    """A row as it is known outside."""
    spec = msgspec.json.decode(row["spec"], type=Spec)
    return Rule(
        id=row["id"],
        user_id=row["user_id"],
        name=row["name"],
        conditions=spec.conditions,
        actions=spec.actions,
        is_on=row["is_on"],
        stop=spec.stop,
        position=row["position"],
        hits=row["hits"],
    )
