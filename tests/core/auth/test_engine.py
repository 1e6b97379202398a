"""Auth as the rest of the program uses it, on both engines, with real hashes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from fazt.core.auth import Auth, Caller, Issued, User, store
from fazt.core.auth.engine import Hasher
from fazt.core.auth.engine.hashing import MOST_WAITING
from fazt.core.auth.engine.verifier import CACHED_FOR
from fazt.core.auth.model.totp import STEP_MS
from fazt.core.clock import DAY, MINUTE, SECOND
from fazt.core.db import Database
from fazt.core.errors import Conflict, FaztError, Forbidden, Invalid, NotFound, TooMany, Unauthorized
from fazt.core.metrics import REGISTRY
from tests.conftest import NOW
from tests.core.auth.people import ANN, AWAY, CHEAP, FIREFOX, HOME, PASSWORD, cheap_hasher
from tests.core.auth.test_second_factor import code_at, wrong_code


class Waits:
    """Stands for asyncio.sleep: the seconds that were asked for, and nobody waits."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
async def auth(database: Database, waits: Waits) -> AsyncIterator[Auth]:
    running = Auth(database, hasher=cheap_hasher(), sleep=waits)
    yield running
    await running.close()


@pytest.fixture
async def ann(auth: Auth) -> User:
    return await auth.create_owner(ANN, PASSWORD, NOW)


def count_hashes() -> int:
    """How often Argon2 ran in this process."""
    return int(REGISTRY.get_sample_value("fazt_auth_hashes_total") or 0)


async def log_in(auth: Auth, login: str = ANN, password: str = PASSWORD, code: str = "", **values: str | int) -> str:
    address, now = str(values.get("address", HOME)), int(values.get("now", NOW))
    return await auth.log_in(login, password, code, address, FIREFOX, now)


async def issue(database: Database, user: User, kind: str, *scopes: str) -> Issued:
    return await database.write(
        store.create_token,
        user.id,
        name="device",
        scopes=scopes or None,
        now=NOW,
        kind=kind,  # type: ignore[arg-type] # one of the two
    )


async def turn_on_totp(database: Database, user: User) -> tuple[str, list[str]]:
    secret = await database.write(store.start_totp, user.id)
    return secret, await database.write(store.confirm_totp, user.id, code_at(secret, NOW), NOW)


async def refuse(auth: Auth, database: Database, login: str = "ann", address: str = AWAY) -> None:
    """Guess until this place is refused for this account."""
    with pytest.raises(TooMany):
        for n in range(10):
            assert await auth.identify_basic(login, f"wrong guess {n}", address, NOW) is None


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


@pytest.mark.parametrize("login", [ANN, "ann", "nobody", "nobody@example.com", "", "ann\0", "\ud800", "x" * 9_999])
async def test_wrong_logins_are_told_alike_and_cost_alike(auth: Auth, ann: User, login: str) -> None:
    before = count_hashes()
    with pytest.raises(Unauthorized) as caught:
        await log_in(auth, login, "not the password")
    assert caught.value.message == "The e-mail, name or password is not right."
    assert caught.value.details == {}
    assert count_hashes() == before + 1


@pytest.mark.parametrize("password", ["", "x" * 100_000, "\0", "\ud800", PASSWORD.upper()])
async def test_odd_passwords_are_wrong(auth: Auth, ann: User, password: str) -> None:
    with pytest.raises(Unauthorized):
        await log_in(auth, password=password)
    assert await auth.identify_basic("ann", password, AWAY, NOW) is None


@pytest.mark.parametrize("secret", ["", "x", "0" * 32, "0" * 1_000_000, "\ud800" * 32, "fazt_" + "0" * 32, "' OR 1=1 --"])
async def test_odd_secrets_are_nobodys(auth: Auth, ann: User, secret: str) -> None:
    assert await auth.identify_session(secret, NOW) is None
    assert await auth.identify_token(secret, NOW) is None


async def test_a_thousand_requests_with_the_password_are_one_hash(auth: Auth, ann: User) -> None:
    before = count_hashes()
    callers = await asyncio.gather(*(auth.identify_basic("ann", PASSWORD, HOME, NOW) for _ in range(500)))
    for n in range(500):
        callers.append(await auth.identify_basic("ann", PASSWORD, HOME, NOW + n * 500))
    assert count_hashes() == before + 1
    assert set(callers) == {Caller(ann.id, "ann", ANN, "owner", None, "password", "", "ann")}
    assert await auth.identify_basic("ann", PASSWORD, HOME, NOW + CACHED_FOR)
    assert count_hashes() == before + 2


async def test_a_thousand_requests_with_an_app_password_are_no_hash(auth: Auth, database: Database, ann: User) -> None:
    issued = await issue(database, ann, "app", "drive:rw")
    before = count_hashes()
    for _ in range(1_000):
        caller = await auth.identify_basic(ANN, issued.secret, HOME, NOW)
        assert caller is not None
        assert (caller.kind, caller.scopes, caller.credential_id) == ("app", {"drive:rw"}, issued.id)
    assert count_hashes() == before


async def test_a_client_that_hangs_up_takes_nobody_along(auth: Auth, ann: User) -> None:
    first = asyncio.create_task(auth.identify_basic("ann", PASSWORD, HOME, NOW))
    second = asyncio.create_task(auth.identify_basic("ann", PASSWORD, HOME, NOW))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second) is not None
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_device_with_an_old_password_costs_one_hash_and_shuts_nobody_out(auth: Auth, ann: User) -> None:
    before = count_hashes()
    for n in range(200):
        assert await auth.identify_basic("ann", "the password of last year", HOME, NOW + n * MINUTE) is None
    assert count_hashes() == before + 1
    assert await log_in(auth)


async def test_a_device_with_a_deleted_app_password_costs_nothing_and_shuts_nobody_out(
    auth: Auth, database: Database, ann: User
) -> None:
    issued = await issue(database, ann, "app")
    await database.write(store.delete_token, ann.id, issued.id)
    before = count_hashes()
    for _ in range(200):
        assert await auth.identify_basic("ann", issued.secret, HOME, NOW) is None
    assert count_hashes() == before
    assert await log_in(auth)


async def test_a_token_goes_with_its_owners_name_or_none(auth: Auth, database: Database, ann: User) -> None:
    issued = await issue(database, ann, "token")
    for login in ("", "ann", ANN.upper()):
        assert await auth.identify_basic(login, issued.secret, HOME, NOW)
    assert await auth.identify_basic("bob", issued.secret, HOME, NOW) is None
    assert await auth.identify_token(issued.secret, NOW)


@pytest.mark.parametrize("how", ["change", "set", "reset", "suspend", "delete", "elsewhere"])
async def test_a_remembered_password_is_forgotten_at_once(auth: Auth, database: Database, ann: User, how: str) -> None:
    bob = await auth.create_member("bob@example.com", PASSWORD, NOW)
    caller = await auth.identify_basic("bob", PASSWORD, HOME, NOW)
    assert caller is not None
    new = "a pail of blue frogs"
    if how == "change":
        await auth.change_password(caller, PASSWORD, new, HOME, NOW)
    elif how == "set":
        await auth.set_password(bob.id, new, NOW)
    elif how == "reset":
        link = await database.write(store.create_reset, bob.id, NOW)
        await auth.use_reset(link.secret, new, NOW)
    elif how == "suspend":
        await database.write(store.suspend_user, bob.id, NOW)
    elif how == "delete":
        await database.write(store.delete_user, bob.id, NOW)
    else:  # by another process, of which this one hears nothing
        hashed = await Hasher(**CHEAP).hash(new)
        await database.write(store.set_password, bob.id, hashed, NOW)
    assert await auth.identify_basic("bob", PASSWORD, HOME, NOW) is None
    stays = how not in {"suspend", "delete"}
    assert (await auth.identify_basic("bob", new, HOME, NOW) is not None) is stays


async def test_a_member_who_is_resumed_logs_in_with_the_same_password(auth: Auth, database: Database, ann: User) -> None:
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


async def test_guessing_is_refused_for_a_while_and_costs_nothing_then(
    auth: Auth, database: Database, ann: User, waits: Waits
) -> None:
    before = count_hashes()
    await refuse(auth, database)
    assert count_hashes() == before + 6
    assert waits.seconds == [0.25, 0.5, 1.0, 2.0]
    for password in (PASSWORD, "another guess"):
        with pytest.raises(TooMany) as caught:
            await log_in(auth, "ann", password, address=AWAY)
        assert caught.value.details["retry_after"] == 30
    assert count_hashes() == before + 6
    assert await log_in(auth, "ann", address=AWAY, now=NOW + 30 * SECOND)


async def test_accounts_that_are_not_there_are_refused_alike(auth: Auth, database: Database, ann: User) -> None:
    await refuse(auth, database, "nobody")
    with pytest.raises(TooMany) as caught:
        await log_in(auth, "nobody", address=AWAY)
    assert caught.value.details["retry_after"] == 30


async def test_a_right_password_goes_in_after_failures(auth: Auth, ann: User, waits: Waits) -> None:
    for round_ in range(4):
        for n in range(5):
            assert await auth.identify_basic("ann", f"typing error {round_}{n}", HOME, NOW) is None
        waits.seconds.clear()
        assert await log_in(auth, "ann", now=NOW + round_ * CACHED_FOR)
        assert waits.seconds == []


async def test_a_guesser_does_not_shut_out_what_is_open_already(auth: Auth, database: Database, ann: User) -> None:
    cookie, app = await log_in(auth), await issue(database, ann, "app")
    assert await auth.identify_basic("ann", PASSWORD, AWAY, NOW)
    await refuse(auth, database, "ann", AWAY)
    assert await auth.identify_session(cookie, NOW)
    assert await auth.identify_basic("ann", app.secret, AWAY, NOW)
    assert await auth.identify_basic("ann", PASSWORD, AWAY, NOW)
    assert await log_in(auth, address=HOME)


async def test_a_thousand_guesses_at_once_are_no_more_than_one_after_the_other(auth: Auth, ann: User) -> None:
    before = count_hashes()
    tries = [auth.identify_basic("ann", f"guess {n}", AWAY, NOW) for n in range(1_000)]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert count_hashes() == before + 6
    assert sum(answer is None for answer in answers) == 6
    assert sum(isinstance(answer, TooMany) for answer in answers) == 994


async def test_many_devices_at_one_address_log_in_at_once(auth: Auth, ann: User) -> None:
    for n in range(40):
        await auth.create_member(f"u{n}@example.com", f"{PASSWORD} {n}", NOW)
    tries = [log_in(auth, f"u{n}@example.com", f"{PASSWORD} {n}") for n in range(40) for _ in range(4)]
    assert len(set(await asyncio.gather(*tries))) == 160


async def test_an_attack_from_everywhere_leaves_the_owner_a_door(auth: Auth, ann: User, waits: Waits) -> None:
    for n in range(300):
        try:
            await auth.identify_basic("ann", f"guess {n}", f"192.0.{n // 200}.{n % 200}", NOW)
        except TooMany as error:
            assert error.details["retry_after"] == 2  # noqa: PT017 - others pass
    waits.seconds.clear()
    assert await log_in(auth, "ann", address="2001:db8::1", now=NOW + 10 * SECOND)
    assert waits.seconds in ([], [0.25])
    assert await log_in(auth, "ann", address="2001:db8::1", now=NOW)


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


async def test_who_knows_the_password_cannot_try_all_codes(auth: Auth, database: Database, ann: User) -> None:
    secret, recovery = await turn_on_totp(database, ann)
    wrong, refused = wrong_code(secret, NOW), 0
    for n in range(50):
        with pytest.raises((Unauthorized, TooMany)) as caught:
            await log_in(auth, code=wrong, address=f"192.0.2.{n}")
        refused += caught.type is TooMany
    assert refused == 44
    assert await log_in(auth, code=recovery[0], address=AWAY)


async def test_codes_tried_at_once_are_counted(auth: Auth, database: Database, ann: User) -> None:
    secret, _ = await turn_on_totp(database, ann)
    tries = [log_in(auth, code=wrong_code(secret, NOW), address=f"192.0.2.{n}") for n in range(50)]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(answer, TooMany) for answer in answers) == 44


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
    assert opened.scopes == {"joplin:rw"}
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
    auth: Auth, database: Database, ann: User, caplog: pytest.LogCaptureFixture
) -> None:
    cookie = await log_in(auth)
    await database.close()
    if await identify_or_none(auth, cookie) is not None:
        await auth._seen.close()
        assert "cannot write when credentials were last seen" in caplog.text


async def identify_or_none(auth: Auth, cookie: str) -> Caller | None:
    """Whether a closed database still answers is the database's affair."""
    try:
        return await auth.identify_session(cookie, NOW + DAY)
    except Exception:  # noqa: BLE001 - any way of being closed
        return None


async def test_newer_parameters_are_taken_over_at_the_next_login(auth: Auth, database: Database, ann: User) -> None:
    old = (await database.read(store.get_account, ann.id)).password_hash
    newer = Auth(database, hasher=Hasher(memory_kib=128, passes=1))
    before = count_hashes()
    assert await log_in(newer)
    assert await newer.identify_basic(ANN, PASSWORD, HOME, NOW)
    assert count_hashes() == before + 2
    new = (await database.read(store.get_account, ann.id)).password_hash
    assert "m=64," in old
    assert "m=128," in new
    assert await newer.identify_basic("ann", PASSWORD, HOME, NOW)
    await newer.close()


async def test_a_flood_is_hashed_two_at_a_time_and_the_rest_sent_off() -> None:
    hasher, before = cheap_hasher(), count_hashes()
    answers = await asyncio.gather(*(hasher.verify(None, "guess") for _ in range(600)), return_exceptions=True)
    assert count_hashes() == before + MOST_WAITING
    assert answers.count(False) == MOST_WAITING
    assert sum(isinstance(answer, TooMany) for answer in answers) == 600 - MOST_WAITING
    assert hasher._threads is not None
    assert len(hasher._threads._threads) == 2
    assert await hasher.verify(None, "guess") is False
    hasher.close()


async def test_memory_of_verdicts_is_bounded(auth: Auth, ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fazt.core.auth.engine.verifier.CACHED_MOST", 10)
    for n in range(50):
        assert await auth.identify_basic(f"u{n}", "guess", f"192.0.2.{n}", NOW) is None
    assert len(auth._verifier._wrong) == 10
    assert auth._verifier._running == {}
    assert auth._verifier._lanes == {}


async def test_no_secret_is_logged(auth: Auth, database: Database, ann: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    guess = "guess of somebody"
    cookie, token = await log_in(auth), await issue(database, ann, "token")
    secret, _ = await turn_on_totp(database, ann)
    for login in ("ann", "nobody"):
        for n in range(8):
            try:
                await log_in(auth, login, f"{guess} {n}", wrong_code(secret, NOW), address=AWAY)
            except FaztError as error:
                told = f"{error} {error.hint} {error.details}"
                assert guess not in told
                assert login not in told
    await auth.identify_token(token.secret, NOW + DAY)
    for shown in (guess, PASSWORD, cookie, token.secret, secret, "$argon2"):
        assert shown not in caplog.text
