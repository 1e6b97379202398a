"""Names, plans and times: pure calculations."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fazt.core.clock import DAY, HOUR, MINUTE
from fazt.core.errors import Invalid
from fazt.core.tls.model import (
    Certificate,
    HostState,
    Source,
    check_name,
    covers,
    find_covering,
    is_private_name,
    is_public_name,
    normalize,
    registered_domain,
)
from fazt.core.tls.model.plan import MAX_NAMES, Order, make_plan
from fazt.core.tls.model.times import (
    delay_after_check,
    delay_after_refusal,
    delay_after_trouble,
    earliest_renewal,
    free_at,
    hsts_seconds,
    is_due,
    renewal_time,
)
from tests.conftest import NOW


def issued(number: int, *names: str, age: int = 0, source: Source = "acme", life: int = 90 * DAY) -> Certificate:
    """A certificate of that age (ms), to be renewed after two thirds of its life."""
    start, end = NOW - age, NOW - age + life
    return Certificate(
        names=names,
        chain_pem="",
        key_pem="",
        source=source,
        issuer="CA",
        not_before=start,
        not_after=end,
        fingerprint=str(number),
        id=number,
        created_at=start,
        renew_at=start + life * 2 // 3,
    )


@pytest.mark.parametrize(
    ("name", "private"),
    [
        ("example.com", False),
        ("a.b.example.co.uk", False),
        ("*.example.com", False),
        ("xn--bcher-kva.example.com", False),
        ("8.8.8.8", False),
        ("localhost", True),
        ("blog.localhost", True),
        ("printer", True),
        ("printer.lan", True),
        ("nas.home.arpa", True),
        ("nas.local", True),
        ("x.internal", True),
        ("x.example", True),
        ("10.0.0.1", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("fd00::1", True),
    ],
)
def test_private_names_are_told_from_public_ones(name: str, private: bool) -> None:
    assert is_private_name(name) is private
    assert is_public_name(name) is not private


@pytest.mark.parametrize(
    "text", ["", ".", "a..b", "-a.com", "a b.com", "a.com/", "*.*.com", "a*.com", "x.123", "é" * 70]
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        check_name(text)


def test_names_are_taken_in_every_notation() -> None:
    assert check_name(" Bücher.Example.COM. ") == "xn--bcher-kva.example.com"
    assert check_name("[2001:DB8:0::1]") == "2001:db8::1"
    assert normalize("EXAMPLE.com.") == "example.com"


@given(st.text(max_size=80))
def test_no_text_confuses_the_names(text: str) -> None:
    normalize(text)
    try:
        assert check_name(check_name(text)) == check_name(text)
    except Invalid:
        assert not is_public_name(text)


def test_registered_domains_are_about_those_that_authorities_count() -> None:
    assert registered_domain("a.b.example.com") == "example.com"
    assert registered_domain("*.example.org") == "example.org"
    assert registered_domain("www.example.co.uk") == "example.co.uk"
    assert registered_domain("example.co") == "example.co"


def test_a_wildcard_stands_for_one_label() -> None:
    assert covers(["*.example.com"], "a.example.com")
    assert not covers(["*.example.com"], "example.com")
    assert not covers(["*.example.com"], "a.b.example.com")
    assert not covers(["example.com"], "a.example.com")


def test_the_best_certificate_is_shown() -> None:
    old, new = issued(1, "a.example.com", age=60 * DAY), issued(2, "a.example.com")
    wild, ended = issued(3, "*.example.com"), issued(4, "a.example.com", age=100 * DAY, source="imported")
    brought = issued(5, "a.example.com", age=80 * DAY, source="imported")
    assert find_covering([new, old, wild, ended], "a.example.com", NOW) == new
    assert find_covering([new, brought, ended], "a.example.com", NOW) == brought
    assert find_covering([ended], "a.example.com", NOW) == ended
    assert find_covering([new], "b.example.com", NOW) is None


# --- what is asked for


def test_new_names_of_one_domain_share_an_order() -> None:
    names = [f"s{number}.example.com" for number in range(60)]
    plan = make_plan([*names, "www.example.net"], [], {}, now=NOW)
    assert [len(order.names) for order in plan.orders] == [MAX_NAMES, MAX_NAMES, 10, 1]
    assert plan.orders[-1] == Order(("www.example.net",))


def test_a_name_that_has_failed_is_asked_for_alone_and_in_its_time() -> None:
    states = {
        "a.example.com": HostState("a.example.com", failures=2, next_at=NOW),
        "b.example.com": HostState("b.example.com", failures=1, next_at=NOW + HOUR),
    }
    plan = make_plan(["a.example.com", "b.example.com", "c.example.com"], [], states, now=NOW)
    assert [order.names for order in plan.orders] == [("c.example.com",), ("a.example.com",)]
    assert plan.next_at == NOW + HOUR


def test_a_certificate_is_renewed_for_the_names_that_are_still_wanted() -> None:
    old = issued(1, "a.example.com", "b.example.com", "gone.example.com", age=61 * DAY)
    plan = make_plan(["a.example.com", "b.example.com", "new.example.com"], [old], {}, now=NOW)
    assert plan.orders == (Order(("a.example.com", "b.example.com"), "http-01", old), Order(("new.example.com",)))
    young = issued(2, "a.example.com", age=DAY)
    assert make_plan(["a.example.com"], [young], {}, now=NOW).orders == ()


def test_a_new_certificate_is_never_replaced_at_once_whatever_its_dates_say() -> None:
    """The authority's clock and ours may be months apart."""
    strange = issued(1, "a.example.com", age=80 * DAY)
    fresh = msgspec.structs.replace(strange, created_at=NOW, renew_at=1)
    plan = make_plan(["a.example.com"], [fresh], {}, now=NOW)
    assert plan.orders == ()
    assert plan.next_at == NOW + 12 * HOUR
    assert len(make_plan(["a.example.com"], [fresh], {}, now=NOW + 12 * HOUR).orders) == 1


def test_what_the_owner_brought_is_not_asked_for_until_it_runs_out() -> None:
    brought = issued(1, "a.example.com", age=89 * DAY, source="imported")
    assert make_plan(["a.example.com"], [brought], {}, now=NOW).orders == ()
    assert len(make_plan(["a.example.com"], [brought], {}, now=NOW + 2 * DAY).orders) == 1


def test_a_domain_whose_dns_is_ours_gets_a_wildcard() -> None:
    wanted = ["example.com", "a.example.com", "b.c.example.com", "www.example.net"]
    plan = make_plan(wanted, [], {}, wild_zone="example.com", now=NOW)
    assert plan.orders == (
        Order(("example.com", "*.example.com", "b.c.example.com"), "dns-01"),
        Order(("www.example.net",), "http-01"),
    )


def test_times_that_a_wrong_clock_has_set_are_not_waited_for() -> None:
    states = {"a.example.com": HostState("a.example.com", next_at=NOW + 400 * DAY)}
    assert len(make_plan(["a.example.com"], [], states, now=NOW).orders) == 1
    assert is_due(NOW - 1, NOW, HOUR)
    assert not is_due(NOW + 1, NOW, HOUR)


# --- times


def test_renewal_is_due_after_two_thirds_and_spread() -> None:
    assert renewal_time(NOW, NOW + 90 * DAY, 0) == NOW + 60 * DAY
    assert NOW + 55 * DAY <= renewal_time(NOW, NOW + 90 * DAY, 1) < NOW + 60 * DAY
    assert renewal_time(NOW, NOW + 6 * DAY, 0) == NOW + 3 * DAY
    assert earliest_renewal(NOW, NOW, NOW + 90 * DAY) == NOW + 12 * HOUR
    assert earliest_renewal(NOW, NOW, NOW + DAY) == NOW + 6 * HOUR


@given(st.integers(0, 500), st.floats(0, 1))
def test_delays_grow_and_end_somewhere(failures: int, chance: float) -> None:
    assert 12 * MINUTE <= delay_after_refusal(failures, chance) <= DAY
    assert 48_000 <= delay_after_check(failures, chance) <= HOUR
    assert 48_000 <= delay_after_trouble(failures, chance) <= 6 * HOUR


def test_no_name_is_refused_more_than_four_times_an_hour() -> None:
    at, times = 0, []
    for failures in range(10):
        times.append(at)
        at += delay_after_refusal(failures, 0)
    assert all(sum(1 for one in times if start <= one < start + HOUR) <= 4 for start in times)


def test_a_window_lets_in_as_many_as_it_should() -> None:
    assert free_at([], 2, HOUR, NOW) == NOW
    assert free_at([NOW - 30 * MINUTE, NOW - MINUTE], 2, HOUR, NOW) == NOW + 30 * MINUTE
    assert free_at([NOW - 2 * HOUR, NOW - MINUTE], 2, HOUR, NOW) == NOW
    assert free_at([NOW + DAY] * 5, 2, HOUR, NOW) == NOW, "what a wrong clock has counted does not count"


def test_browsers_are_bound_for_longer_the_longer_it_works() -> None:
    found = [hsts_seconds(None, NOW), *(hsts_seconds(NOW - days * DAY, NOW) for days in (0, 1, 6, 7))]
    assert found == [0, 0, 86_400, 86_400, 31_536_000]
    assert hsts_seconds(NOW + DAY, NOW) == 0
