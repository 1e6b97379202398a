"""What passwords cost: one hash for who is right, patience for who is not, on both engines with real hashes."""

import asyncio
import logging

import pytest

from fazt.core.auth import Auth, Caller, User, store
from fazt.core.auth.engine import Hasher
from fazt.core.auth.engine.hashing import MOST_WAITING
from fazt.core.auth.engine.verifier import CACHED_FOR
from fazt.core.clock import DAY, MINUTE, SECOND
from fazt.core.db import Database
from fazt.core.errors import FaztError, TooMany, Unauthorized
from tests.conftest import NOW
from tests.core.auth.people import (
    ANN,
    AWAY,
    CHEAP,
    HOME,
    PASSWORD,
    Waits,
    cheap_hasher,
    count_hashes,
    issue,
    log_in,
    refuse,
    turn_on_totp,
    wrong_code,
)


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


@pytest.mark.parametrize(
    "secret", ["", "x", "0" * 32, "0" * 1_000_000, "\ud800" * 32, "fazt_" + "0" * 32, "' OR 1=1 --"]
)
async def test_odd_secrets_are_nobodys(auth: Auth, ann: User, secret: str) -> None:
    assert await auth.identify_session(secret, NOW) is None
    assert await auth.identify_token(secret, NOW) is None


async def test_a_thousand_requests_with_the_password_are_one_hash(auth: Auth, ann: User) -> None:
    before = count_hashes()
    callers = await asyncio.gather(*(auth.identify_basic("ann", PASSWORD, HOME, NOW) for _ in range(500)))
    for n in range(500):
        callers.append(await auth.identify_basic("ann", PASSWORD, HOME, NOW + n * 500))
    assert count_hashes() == before + 1
    assert set(callers) == {Caller(ann.id, "ann", ANN, "owner", None, "password", str(NOW), "ann")}
    assert await auth.identify_basic("ann", PASSWORD, HOME, NOW + CACHED_FOR)
    assert count_hashes() == before + 2


async def test_a_thousand_requests_with_an_app_password_are_no_hash(auth: Auth, database: Database, ann: User) -> None:
    issued = await issue(database, ann, "app", "drive:rw")
    before = count_hashes()
    for _ in range(1_000):
        caller = await auth.identify_basic(ANN, issued.secret, HOME, NOW)
        assert caller is not None
        assert (caller.kind, caller.scopes, caller.credential_id) == ("app", frozenset({"drive:rw"}), issued.id)
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


async def test_guessing_is_refused_for_a_while_and_costs_nothing_then(
    auth: Auth, database: Database, ann: User, waits: Waits
) -> None:
    before = count_hashes()
    await refuse(auth)
    assert count_hashes() == before + 6
    assert waits.seconds == [0.25, 0.5, 1.0, 2.0]
    for password in (PASSWORD, "another guess"):
        with pytest.raises(TooMany) as caught:
            await log_in(auth, "ann", password, address=AWAY)
        assert caught.value.details["retry_after"] == 30
    assert count_hashes() == before + 6
    assert await log_in(auth, "ann", address=AWAY, now=NOW + 30 * SECOND)


async def test_accounts_that_are_not_there_are_refused_alike(auth: Auth, database: Database, ann: User) -> None:
    await refuse(auth, "nobody")
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
    await refuse(auth, "ann", AWAY)
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
