"""Names, moments, and which backups are kept."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fazt.apps.backup.model import (
    Entry,
    TableSum,
    check_file_name,
    choose_doomed,
    compare_sums,
    find_entry,
    make_name,
    parse_moment,
    parse_name,
)
from fazt.core.clock import DAY, HOUR, MINUTE
from fazt.core.errors import Invalid
from tests.conftest import NOW

AT = NOW // 1000 * 1000


def entry(at: int) -> Entry:
    """A backup of that moment."""
    return Entry(make_name(at), at, 1, is_encrypted=False)


@pytest.mark.parametrize(("packed", "locked"), [(False, False), (True, False), (True, True), (False, True)])
def test_a_name_says_when_it_was_made(packed: bool, locked: bool) -> None:
    name = make_name(AT, is_packed=packed, is_encrypted=locked)
    assert parse_name(name) == AT
    assert check_file_name(name) == name


@given(st.text())
def test_a_name_that_is_none_leads_nowhere(text: str) -> None:
    assert parse_name("../" + text) is None
    assert parse_name(text) is None or "/" not in text


def test_a_day_that_does_not_exist_is_no_name() -> None:
    assert parse_name("fazt-2026-02-31T00-00-00Z.db") is None
    with pytest.raises(Invalid):
        check_file_name("fazt-2026-02-31T00-00-00Z.db")


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("10 minutes ago", AT - 10 * MINUTE),
        ("1h ago", AT - HOUR),
        ("3 days ago", AT - 3 * DAY),
        ("now", AT),
        ("1970-01-01T00:00:01Z", 1_000),
        ("1970-01-01 00:00:01", 1_000),
        ("1970-01-01T01:00:00.5+01:00", 500),
    ],
)
def test_moments_as_people_say_them(text: str, at: int) -> None:
    assert parse_moment(text, AT) == at


@given(st.text())
def test_other_words_are_refused(text: str) -> None:
    with suppress(Invalid):
        parse_moment(text, AT)


def test_what_is_kept_thins_out_with_age() -> None:
    entries = [entry(AT - n * 6 * HOUR) for n in range(4 * 800)]
    doomed = {one.name for one in choose_doomed(entries, daily=7, weekly=4, monthly=12)}
    kept = [one for one in entries if one.name not in doomed]
    assert kept[0] == entries[0]
    assert len([one for one in kept if one.created_at > AT - 7 * DAY]) == 7
    assert 19 <= len(kept) <= 23
    assert len({one.created_at // (31 * DAY) for one in kept}) >= 11


def test_the_newest_stays_whatever_the_rules_say() -> None:
    entries = [entry(AT - n * DAY) for n in range(5)]
    assert choose_doomed(entries, daily=0, weekly=0, monthly=0) == entries[1:]
    assert choose_doomed([], daily=7, weekly=4, monthly=12) == []


def test_the_newest_before_a_moment_is_found() -> None:
    entries = [entry(AT), entry(AT - DAY), entry(AT - 2 * DAY)]
    assert find_entry(entries, "latest") == entries[0]
    assert find_entry(entries, "latest", AT - 1) == entries[1]
    assert find_entry(entries, entries[2].name) == entries[2]
    for wanted, before in (("latest", AT - 9 * DAY), ("fazt-x.db", None)):
        with pytest.raises(Invalid):
            find_entry(entries, wanted, before)


def test_differences_are_said_by_table() -> None:
    one, other = TableSum(1, "a"), TableSum(2, "b")
    assert compare_sums({"a": one}, {"a": one}) == []
    assert [line.split()[2] for line in compare_sums({"a": one, "b": one}, {"b": other, "c": one})] == ["a", "c", "b"]
