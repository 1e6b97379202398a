"""Which of many credentials still open doors: one look for all who stay."""

from collections.abc import Collection, Sequence
from typing import Literal

from sqlalchemy import Connection, bindparam, select

from fazt.core.auth.schema import session, token, user

Basis = Literal["session", "token", "person"]
"""What a caller stands on: a row of sessions, of tokens (app passwords among them), or of people."""

SESSIONS = (
    select(session.c.id, user.c.password_changed_at)
    .join_from(session, user)
    .outerjoin(token, token.c.id == session.c.token_id)
    .where(session.c.id.in_(bindparam("ids", expanding=True)), user.c.suspended_at.is_(None))
    .where(session.c.expires_at > bindparam("now"))
    .where(token.c.expires_at.is_(None) | (token.c.expires_at > bindparam("now")))
)
TOKENS = (
    select(token.c.id, user.c.password_changed_at)
    .join_from(token, user)
    .where(token.c.id.in_(bindparam("ids", expanding=True)), user.c.suspended_at.is_(None))
    .where(token.c.expires_at.is_(None) | (token.c.expires_at > bindparam("now")))
)
PEOPLE = select(user.c.id, user.c.password_changed_at).where(
    user.c.id.in_(bindparam("ids", expanding=True)), user.c.suspended_at.is_(None)
)
STATEMENTS = {"session": SESSIONS, "token": TOKENS, "person": PEOPLE}


def find_standing(conn: Connection, asked: Collection[tuple[Basis, str]], now: int) -> dict[tuple[Basis, str], int]:
    """Those of `asked` that still stand, each with when the password of its person was last changed."""
    found: dict[tuple[Basis, str], int] = {}
    for basis, statement in STATEMENTS.items():
        ids: Sequence[str] = [id_ for kind, id_ in asked if kind == basis]
        if ids:
            values = {"ids": ids} if basis == "person" else {"ids": ids, "now": now}
            for id_, changed_at in conn.execute(statement, values):
                found[basis, id_] = changed_at  # type: ignore[index] # a dict's keys are no Literals
    return found
