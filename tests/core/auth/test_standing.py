"""Callers who stay: they hear when what they came with has ended, and nobody else does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, update

from fazt.core.auth import Auth, Caller, User, store
from fazt.core.auth.engine import standing
from fazt.core.auth.schema import token
from fazt.core.auth.store.standing import find_standing
from fazt.core.clock import DAY, HOUR
from fazt.core.db import Database
from tests.conftest import NOW
from tests.core.auth.people import HOME, PASSWORD, add_member, issue, open_session
from tests.core.auth.test_known import ENDS

Told = asyncio.Queue[str]


async def told_by(ended: Told, count: int) -> list[str]:
    """The next who are told."""
    async with asyncio.timeout(20):
        return sorted([await ended.get() for _ in range(count)])


@pytest.mark.parametrize(("end", "left"), ENDS)
async def test_whose_credentials_end_hears_of_it_and_nobody_else(
    database: Database, auth: Auth, ann: User, end: Callable[..., None], left: tuple[bool, bool]
) -> None:
    bob = await database.write(add_member)
    one, other = await issue(database, bob, "token"), await issue(database, ann, "token")
    secret, session_id = await database.write(lambda conn: open_session(conn, bob))
    ended = Told()
    for name, caller in (
        ("token", await auth.identify_token(one.secret, NOW)),
        ("session", await auth.identify_session(secret, NOW)),
        ("ann", await auth.identify_token(other.secret, NOW)),
        ("local", await auth.local_caller()),
    ):
        assert caller is not None
        auth.follow(caller, lambda name=name: ended.put_nowait(name))  # type: ignore[misc] # a default binds it
    expected = sorted(name for name, stays in zip(("token", "session"), left, strict=True) if not stays)
    await database.write(end, bob, one.id, session_id)
    assert await told_by(ended, len(expected)) == expected
    await database.write(store.delete_token, ann.id, other.id)
    assert await told_by(ended, 1) == ["ann"]


async def test_who_is_told_may_take_others_along_and_the_rest_hear_all_the_same(
    database: Database, auth: Auth, ann: User
) -> None:
    first, last = await issue(database, ann, "token"), await issue(database, ann, "token")
    callers = [await auth.identify_token(made.secret, NOW) for made in (first, last)]
    ended, leave = Told(), list[Callable[[], None]]()
    assert callers[0] is not None
    assert callers[1] is not None

    def end_both() -> None:
        ended.put_nowait("one of both")
        leave[0]()

    auth.follow(callers[0], end_both)
    leave.append(auth.follow(callers[0], lambda: ended.put_nowait("the other")))
    auth.follow(callers[1], lambda: ended.put_nowait("last"))

    def delete_both(conn: Connection) -> None:
        for made in (first, last):
            store.delete_token(conn, ann.id, made.id)

    await database.write(delete_both)
    assert await told_by(ended, 2) == ["last", "one of both"]
    assert ended.empty()


async def test_a_new_password_ends_what_the_old_one_opened(database: Database, auth: Auth, ann: User) -> None:
    ended = Told()
    before = await auth.identify_basic(ann.email, PASSWORD, HOME, NOW)
    assert before is not None
    auth.follow(before, lambda: ended.put_nowait("old"))
    await database.write(store.update_user, ann.id, name="Anna")
    await auth.set_password(ann.id, PASSWORD + "!", NOW + HOUR)
    after = await auth.identify_basic(ann.email, PASSWORD + "!", HOME, NOW)
    assert after is not None
    auth.follow(after, lambda: ended.put_nowait("new"))
    assert await told_by(ended, 1) == ["old"]
    await database.write(store.update_user, ann.id, name="Ann")
    await asyncio.sleep(4 * standing.GATHER_S)
    assert ended.empty()


async def test_who_was_known_before_a_change_and_stays_from_after_it_on_hears_too(
    database: Database, auth: Auth, ann: User
) -> None:
    issued = await issue(database, ann, "token")
    caller = await auth.identify_token(issued.secret, NOW)
    assert caller is not None
    await database.write(store.delete_token, ann.id, issued.id)
    ended = Told()
    auth.follow(caller, lambda: ended.put_nowait("late"))
    assert await told_by(ended, 1) == ["late"]


async def test_who_has_left_hears_nothing_and_takes_no_room(database: Database, auth: Auth, ann: User) -> None:
    issued = await issue(database, ann, "token")
    caller = await auth.identify_token(issued.secret, NOW)
    assert caller is not None
    ended = Told()
    leave = auth.follow(caller, lambda: ended.put_nowait("left"))
    auth.follow(caller, lambda: ended.put_nowait("stays"))
    leave()
    leave()
    await database.write(store.delete_token, ann.id, issued.id)
    assert await told_by(ended, 1) == ["stays"]
    assert auth._standing._followers == {}


async def test_thousands_are_looked_at_with_few_statements(
    database: Database, auth: Auth, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    find = find_standing

    def count(conn: Connection, asked: Any, now: int) -> Any:
        looks.append(len(asked))
        return find(conn, asked, now)

    monkeypatch.setattr(standing, "find_standing", count)
    ended = Told()
    for number in range(1_200):
        auth.follow(Caller(ann.id, kind="token", credential_id=f"t{number}"), lambda: ended.put_nowait("gone"))
    for _ in range(3):
        await database.write(store.update_user, ann.id, name="Anna")
    assert len(await told_by(ended, 1_200)) == 1_200
    assert looks[:3] == [500, 500, 200]


async def test_time_ends_them_too(database: Database, auth: Auth, ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "CHECK_S", 0.01)
    issued = await issue(database, ann, "app")
    basic = await auth.identify_basic("", issued.secret, HOME, NOW)
    assert basic is not None
    secret = await auth.open_session(basic, kind="joplin", name="Joplin", address=HOME, now=NOW)
    session = await auth.identify_session(secret, NOW)
    assert session is not None
    ended = Told()
    auth.follow(basic, lambda: ended.put_nowait("app"))
    auth.follow(session, lambda: ended.put_nowait("session"))
    await database.write(lambda conn: conn.execute(update(token).values(expires_at=NOW)).close())
    assert await told_by(ended, 2) == ["app", "session"]


async def test_a_session_ends_in_time_with_the_token_that_opened_it(database: Database, auth: Auth, ann: User) -> None:
    issued = await database.write(
        store.create_token, ann.id, name="a day", scopes=None, now=NOW, kind="app", expires_at=NOW + DAY
    )
    basic = await auth.identify_basic("", issued.secret, HOME, NOW)
    assert basic is not None
    secret = await auth.open_session(basic, kind="joplin", name="Joplin", address=HOME, now=NOW)
    assert await auth.identify_session(secret, NOW + DAY - 1) is not None
    assert await auth.identify_session(secret, NOW + DAY) is None
    assert await auth.identify_token(issued.secret, NOW + DAY) is None
