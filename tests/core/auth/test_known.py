"""Credentials that are remembered: what was ended opens no door, from before its end is answered."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection

from fazt.core.auth import Auth, Caller, User, store
from fazt.core.auth.engine.known import MOST, Known
from fazt.core.auth.model import Credential
from fazt.core.clock import MINUTE
from fazt.core.db import Database
from tests.conftest import NOW
from tests.core.auth.people import add_member, issue, open_session

STORE = Path(store.__file__).parent


def end_token(conn: Connection, user: User, token_id: str, _session_id: str) -> None:
    store.delete_token(conn, user.id, token_id)


def end_session(conn: Connection, user: User, _token_id: str, session_id: str) -> None:
    store.delete_session(conn, user.id, session_id)


def end_sessions(conn: Connection, user: User, _token_id: str, _session_id: str) -> None:
    store.delete_sessions(conn, user.id)


def change_password(conn: Connection, user: User, _token_id: str, _session_id: str) -> None:
    store.set_password(conn, user.id, "another hash", NOW)


def suspend(conn: Connection, user: User, _token_id: str, _session_id: str) -> None:
    store.suspend_user(conn, user.id, NOW)


def forget(conn: Connection, user: User, _token_id: str, _session_id: str) -> None:
    store.delete_user(conn, user.id, NOW)


ENDS = [
    (end_token, (False, True)),
    (end_session, (True, False)),
    (end_sessions, (True, False)),
    (change_password, (True, False)),
    (suspend, (False, False)),
    (forget, (False, False)),
]


@pytest.mark.parametrize(("end", "left"), ENDS)
async def test_what_was_ended_opens_no_door_once_its_end_is_answered(
    database: Database, auth: Auth, ann: User, end: Callable[..., None], left: tuple[bool, bool]
) -> None:
    assert ann.role == "owner"
    bob = await database.write(add_member)
    token = await issue(database, bob, "token")
    secret, session_id = await database.write(lambda conn: open_session(conn, bob))

    async def who() -> tuple[bool, bool]:
        found = await auth.identify_token(token.secret, NOW), await auth.identify_session(secret, NOW)
        return found[0] is not None, found[1] is not None

    assert await who() == (True, True)
    assert await who() == (True, True)
    await database.write(end, bob, token.id, session_id)
    assert await who() == left


async def test_a_new_name_shows_at_once(database: Database, auth: Auth, ann: User) -> None:
    token = await issue(database, ann, "token")
    before = await auth.identify_token(token.secret, NOW)
    await database.write(store.update_user, ann.id, name="Anna")
    after = await auth.identify_token(token.secret, NOW)
    assert before is not None
    assert after is not None
    assert (before.name, after.name) == (ann.name, "Anna")


async def test_what_ends_by_itself_ends_in_time_and_a_minute_is_the_longest(
    database: Database, auth: Auth, ann: User
) -> None:
    token = await database.write(
        store.create_token, ann.id, name="short", scopes=None, now=NOW, expires_at=NOW + MINUTE // 2
    )
    assert await auth.identify_token(token.secret, NOW) is not None
    assert await auth.identify_token(token.secret, NOW + MINUTE // 2 - 1) is not None
    assert await auth.identify_token(token.secret, NOW + MINUTE // 2) is None


async def test_a_look_that_a_change_overtook_is_not_kept(database: Database) -> None:
    known, looks = Known(database), 0

    def find(_conn: Connection, _digest: bytes, now: int) -> Credential:
        nonlocal looks
        looks += 1
        if looks == 1:
            known.forget()
        return Credential(Caller("bob"), now, None, "")

    for _ in range(3):
        assert await known.find(find, b"digest", NOW) is not None
    assert looks == 2
    known.close()


async def test_only_so_many_are_remembered(database: Database) -> None:
    known, looks = Known(database), 0

    def find(_conn: Connection, _digest: bytes, now: int) -> Credential:
        nonlocal looks
        looks += 1
        return Credential(Caller("bob"), now, None, "")

    for number in (*range(MOST + 1), MOST, 0):
        await known.find(find, b"%d" % number, NOW)
    assert looks == MOST + 2
    known.close()


def changing(tree: ast.Module) -> set[str]:
    """Functions that change or delete people, tokens or sessions and tell nobody."""
    silent = set()
    for function in [node for node in tree.body if isinstance(node, ast.FunctionDef)]:
        text = ast.unparse(function)
        changes = any(
            f"{verb}({table})" in text for verb in ("update", "delete") for table in ("user", "token", "session")
        )
        if (
            (changes or ("delete(table)" in text and "session" in text))
            and "tell" not in text
            and "set_password(" not in text
        ):
            silent.add(function.name)
    return silent


def test_every_function_that_ends_a_credential_says_so() -> None:
    silent = {name for path in STORE.glob("*.py") for name in changing(ast.parse(path.read_text()))}
    touch_none = {"replace_hash", "set_tour_closed", "delete_ended"}  # the last leaves sessions to prune_sessions
    assert silent == touch_none
