"""The brake on guessing: who is refused, who is not, and that memory stays flat. The clock is passed in."""

import tracemalloc

import pytest

from fazt.core.auth.engine.throttle import CODE, KNOWN_FOR, NEAR, PACE, PACE_FROM, PACE_LONGEST_WAIT, PAIR, Throttle
from fazt.core.clock import HOUR, MINUTE, SECOND
from fazt.core.errors import TooMany
from tests.conftest import NOW
from tests.core.auth.people import AWAY, HOME


def refusal(throttle: Throttle, login: str, address: str, now: int = NOW) -> int:
    """Seconds to wait, 0 where a try is admitted."""
    try:
        throttle.admit(login, address, now)
    except TooMany as error:
        seconds = error.details["retry_after"]
        assert isinstance(seconds, int)
        assert seconds > 0
        return seconds
    return 0


def fail_times(throttle: Throttle, times: int, login: str = "ann", address: str = HOME, now: int = NOW) -> None:
    for _ in range(times):
        throttle.fail(login, address, now)


def attack(throttle: Throttle, login: str, failures: int) -> None:
    """Failures on one account, each from a place of its own."""
    for n in range(failures):
        throttle.fail(login, f"192.0.{n // 256}.{n % 256}", NOW)


def test_a_few_typing_errors_are_nobodys_business() -> None:
    throttle = Throttle()
    fail_times(throttle, PAIR.free)
    assert refusal(throttle, "ann", HOME) == 0


def test_failures_are_slowed_before_they_are_refused() -> None:
    throttle = Throttle()
    assert [throttle.fail("ann", HOME, NOW) for _ in range(8)] == [0, 0, 250, 500, 1000, 2000, 2000, 2000]


def test_refusal_is_for_a_while_and_grows() -> None:
    throttle, now = Throttle(), NOW
    fail_times(throttle, PAIR.free)
    waits = []
    for _ in range(8):
        throttle.fail("ann", HOME, now)
        wait = refusal(throttle, "ann", HOME, now)
        assert refusal(throttle, "ann", HOME, now + wait * SECOND - 1) == 1
        now += wait * SECOND
        assert refusal(throttle, "ann", HOME, now) == 0
        waits.append(wait)
    assert waits == [30, 60, 120, 240, 480, 480, 480, 480]  # where failures leak away as fast as they come


def test_failures_are_forgotten() -> None:
    throttle = Throttle()
    fail_times(throttle, PAIR.free + 1)
    later = NOW + (PAIR.free + 1) * PAIR.leak
    assert refusal(throttle, "ann", HOME, later) == 0
    fail_times(throttle, PAIR.free, now=later)
    assert refusal(throttle, "ann", HOME, later) == 0


def test_who_fails_now_and_then_is_never_refused() -> None:
    throttle = Throttle()
    for n in range(100):
        fail_times(throttle, 1, now=NOW + n * PAIR.leak)
        assert refusal(throttle, "ann", HOME, NOW + n * PAIR.leak) == 0


def test_a_right_password_clears_the_count() -> None:
    throttle = Throttle()
    for _ in range(5):
        fail_times(throttle, PAIR.free)
        assert refusal(throttle, "ann", HOME) == 0
        assert throttle.succeed("ann", HOME) == 0


def test_a_guesser_elsewhere_does_not_shut_anybody_out() -> None:
    throttle = Throttle()
    fail_times(throttle, 1_000, address=AWAY)
    assert refusal(throttle, "ann", AWAY)
    assert refusal(throttle, "ann", HOME) == 0


def test_a_guesser_next_door_does_not_shut_out_others_of_the_same_address() -> None:
    throttle = Throttle()
    fail_times(throttle, PAIR.free + 1)
    assert refusal(throttle, "ann", HOME)
    assert refusal(throttle, "bob", HOME) == 0


def test_one_guess_at_each_of_many_accounts_is_refused_by_address() -> None:
    throttle = Throttle()
    for n in range(NEAR.free + 1):
        throttle.fail(f"user{n}", AWAY, NOW)
    assert refusal(throttle, "somebody else", AWAY)
    assert refusal(throttle, "somebody else", HOME) == 0


def test_an_ipv6_machine_is_one_place_and_a_customer_one_network() -> None:
    throttle = Throttle()
    for n in range(NEAR.free + 1):
        throttle.fail(f"user{n}", f"2001:db8:1:2::{n:x}", NOW)
    assert refusal(throttle, "ann", "2001:db8:1:2:aaaa::1")
    assert refusal(throttle, "ann", "2001:db8:1:3::1") == 0
    for n in range(300):
        throttle.fail(f"user{n}", f"2001:db8:1:{n + 256:x}::1", NOW)
    assert refusal(throttle, "ann", "2001:db8:1:3::1")
    assert refusal(throttle, "ann", "2001:db8:2:3::1") == 0


def test_an_account_under_attack_from_everywhere_is_slowed_and_stays_open() -> None:
    throttle = Throttle()
    attack(throttle, "ann", 2 * PACE_FROM)
    turns = [throttle.admit("ann", f"198.51.100.{n}", NOW) for n in range(PACE_LONGEST_WAIT // PACE + 1)]
    assert turns == [n * PACE for n in range(len(turns))]
    assert refusal(throttle, "ann", AWAY) == 2
    assert throttle.admit("ann", AWAY, NOW + PACE) == PACE_LONGEST_WAIT
    assert throttle.admit("ann", AWAY, NOW + 2 * PACE_LONGEST_WAIT) == 0


def test_an_attack_ends() -> None:
    throttle = Throttle()
    attack(throttle, "ann", 10 * PACE_FROM)
    later = NOW + 2 * HOUR
    assert [throttle.admit("ann", AWAY, later) for _ in range(50)] == [0] * 50


def test_a_known_place_is_not_slowed_by_attacks_from_elsewhere() -> None:
    throttle = Throttle()
    throttle.know("ann", HOME, NOW)
    attack(throttle, "ann", 1_000)
    for n in range(NEAR.free * 2):
        throttle.fail(f"user{n}", HOME, NOW)
    assert [throttle.admit("ann", HOME, NOW) for _ in range(100)] == [0] * 100
    assert refusal(throttle, "bob", HOME)
    assert refusal(throttle, "ann", HOME, NOW + KNOWN_FOR - 1) == 0


def test_a_known_place_still_answers_for_itself() -> None:
    throttle = Throttle()
    throttle.know("ann", HOME, NOW)
    fail_times(throttle, PAIR.free + 1)
    assert refusal(throttle, "ann", HOME) == 30


def test_codes_count_by_account_wherever_they_come_from() -> None:
    throttle = Throttle()
    for n in range(CODE.free + 1):
        throttle.try_code("u1", "ann", f"198.51.100.{n}", NOW)
    with pytest.raises(TooMany) as caught:
        throttle.try_code("u1", "ann", AWAY, NOW)
    assert caught.value.details["retry_after"] == 60
    throttle.try_code("u2", "bob", AWAY, NOW)
    throttle.try_code("u1", "ann", AWAY, NOW + MINUTE)


def test_codes_from_a_known_place_are_its_own_affair() -> None:
    throttle = Throttle()
    throttle.know("ann", HOME, NOW)
    for n in range(CODE.free + 1):
        throttle.try_code("u1", "ann", f"198.51.100.{n}", NOW)
    for _ in range(PAIR.free + 1):
        throttle.try_code("u1", "ann", HOME, NOW)
    with pytest.raises(TooMany):
        throttle.try_code("u1", "ann", HOME, NOW)


def test_a_right_code_clears_the_count() -> None:
    throttle = Throttle()
    for _ in range(3):
        for _ in range(CODE.free):
            throttle.try_code("u1", "ann", AWAY, NOW)
        throttle.clear_codes("u1", "ann", AWAY)


def test_the_words_say_how_long() -> None:
    throttle = Throttle()
    fail_times(throttle, 50)
    with pytest.raises(TooMany) as caught:
        throttle.admit("ann", HOME, NOW)
    assert caught.value.hint == "Try again in 15 minutes."


def test_a_flood_of_addresses_and_accounts_takes_no_more_memory() -> None:
    throttle = Throttle(capacity=250)

    def flood(first: int, count: int) -> None:
        for n in range(first, first + count):
            address = f"2001:db8:{n & 0xFFFF:x}:{n >> 16:x}::1"
            throttle.admit("ann", address, NOW)
            throttle.fail(f"user{n}" + "x" * 200, address, NOW)
            throttle.know(f"user{n}", address, NOW)
            throttle.try_code(f"user{n}", "ann", address, NOW)

    tracemalloc.start()
    flood(0, 300)
    entries = len(throttle)
    before, _ = tracemalloc.get_traced_memory()
    flood(300, 2_000)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(throttle) == entries
    assert after - before < 100_000


def test_a_flood_does_not_push_out_who_is_still_active() -> None:
    throttle = Throttle(capacity=100)
    fail_times(throttle, PAIR.free + 1)
    for n in range(1_000):
        throttle.fail(f"user{n}", AWAY, NOW)
        if n % 50 == 0:
            fail_times(throttle, 1, now=NOW + n)
    assert refusal(throttle, "ann", HOME, NOW + 1_000)
