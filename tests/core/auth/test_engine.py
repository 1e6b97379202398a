"""Auth as the rest of the program uses it, on both engines, with real hashes."""

import asyncio

import pytest

from fazt.core.auth import Auth, Caller, User, store
from fazt.core.auth.engine.seen import SeenBook
from fazt.core.auth.model import Credential
from fazt.core.auth.model.totp import STEP_MS
from fazt.core.clock import MINUTE
from fazt.core.db import Database
from fazt.core.errors import Conflict, Forbidden, Invalid, NotFound, Unauthorized
from tests.conftest import NOW
from tests.core.auth.people import (
    ANN,
    AWAY,
    HOME,
    PASSWORD,
    code_at,
    count_hashes,
    issue,
    log_in,
    turn_on_totp,
)


async def test_the_first_start(auth: Auth, database: Database) -> None:
    assert not await auth.has_owner()
    secret = auth.setup_secret()
    assert auth.setup_secret() == secret
    for wrong in ("", "x", secret[:-1], "\ud800"):
        with pytest.raises(NotFound):
            await auth.set_up(wrong, ANN, PASSWORD, NOW)
    with pytest.raises(Invalid):
        await auth.set_up(secret, ANN, "short", NOW)
    ann = await auth.set_up(secret, ANN, PASSWORD, NOW, name="Ann")
    assert await auth.has_owner()
    assert await database.read(store.find_owner) == ann
    with pytest.raises(NotFound):
        await auth.set_up(secret, "eve@example.com", PASSWORD, NOW)
    with pytest.raises(Conflict):
        await auth.create_owner("eve@example.com", PASSWORD, NOW)


async def test_two_first_owners_at_once_are_one(auth: Auth, database: Database) -> None:
    tries = [auth.create_owner(f"u{n}@example.com", PASSWORD, NOW) for n in range(4)]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(answer, User) for answer in answers) == 1
    assert sum(isinstance(answer, Conflict) for answer in answers) == 3
    assert len(await database.read(store.list_users)) == 1


async def test_who_sits_at_the_machine_is_the_owner(auth: Auth) -> None:
    assert (await auth.local_caller()).is_owner
    ann = await auth.create_owner(ANN, PASSWORD, NOW)
    caller = await auth.local_caller()
    assert (caller.user_id, caller.kind, caller.is_unlimited) == (ann.id, "local", True)


@pytest.mark.parametrize("login", [ANN, "ann", "ANN@example.COM"])
async def test_logging_in(auth: Auth, database: Database, ann: User, login: str) -> None:
    secret = await log_in(auth, login)
    caller = await auth.identify_session(secret, NOW)
    assert caller is not None
    assert (caller.user_id, caller.email, caller.handle, caller.is_owner) == (ann.id, ANN, "ann", True)
    assert (caller.kind, caller.scopes) == ("session", None)
    (session,) = await database.read(store.list_sessions, ann.id, NOW)
    assert (session.name, session.address, session.id) == ("Firefox on Linux", "203.0.113.x", caller.credential_id)


async def test_a_token_goes_with_its_owners_name_or_none(auth: Auth, database: Database, ann: User) -> None:
    issued = await issue(database, ann, "token")
    for login in ("", "ann", ANN.upper()):
        assert await auth.identify_basic(login, issued.secret, HOME, NOW)
    assert await auth.identify_basic("bob", issued.secret, HOME, NOW) is None
    assert await auth.identify_token(issued.secret, NOW)


async def test_a_member_who_is_resumed_logs_in_with_the_same_password(
    auth: Auth, database: Database, ann: User
) -> None:
    bob = await auth.create_member("bob@example.com", PASSWORD, NOW)
    cookie = await log_in(auth, "bob")
    await database.write(store.suspend_user, bob.id, NOW)
    assert await auth.identify_session(cookie, NOW) is None
    with pytest.raises(Unauthorized) as caught:
        await log_in(auth, "bob")
    assert caught.value.message == "The e-mail, name or password is not right."
    await database.write(store.resume_user, bob.id, NOW)
    assert await auth.identify_session(cookie, NOW) is None
    assert await log_in(auth, "bob")


async def test_two_factor(auth: Auth, database: Database, ann: User) -> None:
    secret, recovery = await turn_on_totp(database, ann)
    later = NOW + 10 * STEP_MS
    for code in ("", "12345", "abc"):
        with pytest.raises(Unauthorized) as caught:
            await log_in(auth, code=code, now=later)
        assert caught.value.details["code_needed"]
    with pytest.raises(Unauthorized) as wrong:
        await log_in(auth, password="not the password", code=code_at(secret, later), now=later)
    assert "code_needed" not in wrong.value.details
    assert await auth.identify_session(await log_in(auth, code=code_at(secret, later), now=later), later)
    with pytest.raises(Unauthorized):
        await log_in(auth, code=code_at(secret, later), now=later)
    assert await log_in(auth, code=recovery[0], now=later)
    assert len(await database.read(store.list_sessions, ann.id, later)) == 2


async def test_two_factor_is_not_walked_around_by_basic(auth: Auth, database: Database, ann: User) -> None:
    assert await auth.identify_basic("ann", PASSWORD, HOME, NOW)
    await turn_on_totp(database, ann)
    assert await auth.identify_basic("ann", PASSWORD, HOME, NOW) is None
    issued = await issue(database, ann, "app")
    assert await auth.identify_basic("ann", issued.secret, HOME, NOW)
    await database.write(store.delete_totp, ann.id)
    assert await auth.identify_basic("ann", PASSWORD, HOME, NOW)


async def test_one_code_used_twice_at_once_logs_in_once(auth: Auth, database: Database, ann: User) -> None:
    secret, _ = await turn_on_totp(database, ann)
    later = NOW + 10 * STEP_MS
    tries = [log_in(auth, code=code_at(secret, later), now=later) for _ in range(4)]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(answer, str) for answer in answers) == 1
    assert sum(isinstance(answer, Unauthorized) for answer in answers) == 3


async def test_a_changed_password_keeps_this_session_and_ends_the_others(auth: Auth, ann: User) -> None:
    here, there = await log_in(auth), await log_in(auth)
    caller = await auth.identify_session(here, NOW)
    assert caller is not None
    new = "a pail of blue frogs"
    with pytest.raises(Unauthorized):
        await auth.change_password(caller, "not the password", new, HOME, NOW)
    for bad in ("short", PASSWORD, ANN):
        with pytest.raises(Invalid):
            await auth.change_password(caller, PASSWORD, bad, HOME, NOW)
    await auth.change_password(caller, PASSWORD, new, HOME, NOW)
    assert await auth.identify_session(here, NOW)
    assert await auth.identify_session(there, NOW) is None
    with pytest.raises(Unauthorized):
        await log_in(auth)
    assert await log_in(auth, password=new)


async def test_an_invitation_becomes_a_member(auth: Auth, database: Database, ann: User) -> None:
    link = await database.write(store.create_invitation, NOW)
    with pytest.raises(Invalid):
        await auth.accept_invitation(link.secret, "bob@example.com", "bob@example.com", NOW)
    with pytest.raises(Conflict):
        await auth.accept_invitation(link.secret, ANN, PASSWORD, NOW)
    bob = await auth.accept_invitation(link.secret, "bob@example.com", PASSWORD, NOW, name="Bob", handle="bobby")
    assert (bob.role, bob.handle) == ("member", "bobby")
    assert await log_in(auth, "bobby")
    before = count_hashes()
    with pytest.raises(NotFound):
        await auth.accept_invitation(link.secret, "eve@example.com", PASSWORD, NOW)
    with pytest.raises(NotFound):
        await auth.use_reset(link.secret, PASSWORD, NOW)
    assert count_hashes() == before


async def test_a_session_for_another_protocol(auth: Auth, database: Database, ann: User) -> None:
    app = await issue(database, ann, "app", "joplin:rw", "drive:rw")
    caller = await auth.identify_basic("ann", app.secret, HOME, NOW)
    assert caller is not None
    with pytest.raises(Forbidden):
        await auth.open_session(caller, kind="joplin", name="CLI", address=HOME, now=NOW, scopes={"mail:rw"})
    secret = await auth.open_session(caller, kind="joplin", name="CLI", address=HOME, now=NOW, scopes={"joplin:rw"})
    opened = await auth.identify_session(secret, NOW)
    assert opened is not None
    assert opened.scopes == frozenset({"joplin:rw"})
    wide = await auth.identify_session(
        await auth.open_session(caller, kind="joplin", name="CLI", address=HOME, now=NOW), NOW
    )
    assert wide is not None
    assert wide.scopes == caller.scopes
    await database.write(store.delete_token, ann.id, app.id)
    assert await auth.identify_session(secret, NOW) is None


async def test_acting_for_somebody(auth: Auth, database: Database, ann: User) -> None:
    bob = await auth.create_member("bob@example.com", PASSWORD, NOW)
    caller = await auth.act_as(bob.id, frozenset({"textdb:rw"}), credential_id="f1")
    assert (caller.kind, caller.user_id, caller.may("textdb:read"), caller.may("mail:send")) == (
        "function",
        bob.id,
        True,
        False,
    )
    await database.write(store.suspend_user, bob.id, NOW)
    with pytest.raises(Unauthorized):
        await auth.act_as(bob.id, None)
    with pytest.raises(NotFound):
        await auth.act_as("nobody", None)


async def test_last_seen_is_written_at_most_once_a_minute(auth: Auth, database: Database, ann: User) -> None:
    cookie, app = await log_in(auth), await issue(database, ann, "app")

    async def seen() -> tuple[int, int | None, str]:
        (session,) = await database.read(store.list_sessions, ann.id, NOW)
        (token,) = await database.read(store.list_tokens, ann.id)
        return session.seen_at, token.used_at, token.address

    async def use(now: int) -> None:
        await asyncio.gather(*(auth.identify_session(cookie, now, HOME) for _ in range(20)))
        await asyncio.gather(*(auth.identify_token(app.secret, now, AWAY) for _ in range(20)))
        await auth._seen.close()

    await use(NOW)
    assert await seen() == (NOW, NOW, "198.51.100.x")
    await use(NOW + MINUTE - 1)
    assert await seen() == (NOW, NOW, "198.51.100.x")
    await use(NOW + MINUTE)
    assert await seen() == (NOW + MINUTE, NOW + MINUTE, "198.51.100.x")


async def test_last_seen_can_wait_when_nothing_can_be_written(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    book, credential = SeenBook(database), Credential(Caller("u1", credential_id="s1"), NOW, None, "local")
    await database.close()
    for n in range(10):
        book.note(credential, HOME, NOW + MINUTE + n)
        await book.close()
    assert caplog.text.count("cannot write when credentials were last seen") == 1
