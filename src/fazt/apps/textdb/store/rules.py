"""Who may do what: a rule becomes a filter, and the same filter decides on single documents, lists and feeds."""

from __future__ import annotations

from sqlalchemy import Connection

from fazt.apps.textdb.model.collection import KEYWORDS, Access, Action, Collection, Settings
from fazt.apps.textdb.model.expression import EVERYTHING, Compare, Expression, Scalar
from fazt.apps.textdb.store.filters import compile_filter
from fazt.apps.textdb.store.sql import HOLE, Sql, dialect_of, execute
from fazt.apps.textdb.wire.query import path_of
from fazt.apps.textdb.wire.where import parse
from fazt.core.clock import to_iso
from fazt.core.errors import FaztError, Forbidden, Invalid, Unauthorized

DOES = {"read": "read here", "create": "add documents here", "update": "change this", "delete": "delete this"}


def macros_of(access: Access, now: int) -> dict[str, Scalar]:
    """What `@me` and its kin mean in a filter."""
    return {"@me": access.user_id, "@role": access.role, "@now": now, "@isoNow": to_iso(now)}


def check_rules(settings: Settings) -> None:
    """Raise Invalid for a rule that makes no sense."""
    for action in ("read", "create", "update", "delete"):
        rule = getattr(settings.rules, action)
        if rule == "mine" and not settings.owner_field:
            raise Invalid(f"The rule for {action} is 'mine', but no ownerField says whose a document is.")
        if rule not in KEYWORDS:
            try:
                parse(rule, macros_of(Access(), 0))
            except FaztError as error:
                raise Invalid(f"The rule for {action}: {error.message}", rule=rule) from error


def permitted(collection: Collection, action: Action, access: Access, now: int) -> Expression:
    """Which documents `access` may do this with. Raises Unauthorized or Forbidden where it is none at all."""
    if access.reads if action == "read" else access.writes:
        return EVERYTHING
    rule: str = getattr(collection.settings.rules, action)
    if rule == "public" or (rule == "members" and access.user_id):
        return EVERYTHING
    if rule == "mine" and access.user_id:
        return Compare(path_of(collection.settings.owner_field), "==", access.user_id)
    if rule not in KEYWORDS:
        return parse(rule, macros_of(access, now))
    raise refused(access, action)


def sees_all(collection: Collection, access: Access) -> bool:
    """Whether `access` may read every document there, so that `permitted` narrows nothing."""
    rule = collection.settings.rules.read
    return access.reads or rule == "public" or (rule == "members" and bool(access.user_id))


def refused(access: Access, action: Action) -> FaztError:
    """Not for you: who is unknown may log in first."""
    if not access.user_id and not access.role:
        return Unauthorized("Log in, or send a token.", hint="`fazt token create NAME --scope textdb:rw` makes one.")
    return Forbidden(f"You may not {DOES[action]}.")


def satisfies(conn: Connection, collection: Collection, rid: int, where: Expression) -> bool:
    """Whether the document in that row is one of them."""
    if where == EVERYTHING:
        return True
    condition = compile_filter(dialect_of(conn), collection, where)
    sql = Sql(f"SELECT 1 FROM textdb_document WHERE rid = {HOLE} AND {condition.text}", rid, *condition.values)  # noqa: S608 - values are bound
    return execute(conn, sql).first() is not None
