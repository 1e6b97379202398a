"""When things run."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fazt.core.clock import HOUR, SECOND
from fazt.core.errors import Invalid
from fazt.core.jobs.model import delay_after_failure, delay_after_interruption, next_time


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        ("*/5 * * * *", "2026-11-23T10:00:00", "2026-11-23T10:05:00"),
        ("*/5 * * * *", "2026-11-23T10:04:59", "2026-11-23T10:05:00"),
        ("17 3 * * *", "2026-11-23T10:00:00", "2026-11-24T03:17:00"),
        ("0 0 29 2 *", "2026-11-23T10:00:00", "2028-02-29T00:00:00"),
        ("0 9 * * MON-FRI", "2026-11-27T10:00:00", "2026-11-30T09:00:00"),
        ("0 0 L * *", "2026-11-23T10:00:00", "2026-11-30T00:00:00"),
    ],
)
def test_the_next_time_of_a_schedule(schedule: str, after: str, expected: str) -> None:
    assert next_time(schedule, ms(after)) == ms(expected)


def test_a_moment_within_a_second_is_later_than_its_second() -> None:
    assert next_time("* * * * *", ms("2026-11-23T10:00:00") + 1) == ms("2026-11-23T10:01:00")
    assert next_time("* * * * *", ms("2026-11-23T10:00:00") - 1) == ms("2026-11-23T10:00:00")


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("2026-03-28T12:00:00", "2026-03-29T01:00:00"),  # 02:30 does not exist that night: 03:00 CEST
        ("2026-10-24T12:00:00", "2026-10-25T00:30:00"),  # 02:30 comes twice: the first, CEST
        ("2026-10-25T00:30:00", "2026-10-26T01:30:00"),  # and not the second
    ],
)
def test_a_time_zone_changes_its_clocks(after: str, expected: str) -> None:
    assert next_time("30 2 * * *", ms(after), "Europe/Berlin") == ms(expected)


@pytest.mark.parametrize(
    "schedule", ["", "* * * *", "* * * * * *", "61 * * * *", "x * * * *", "*/0 * * * *", "0 0 30 2 *", "@daily"]
)
def test_nonsense_is_no_schedule(schedule: str) -> None:
    with pytest.raises(Invalid, match="is not a schedule"):
        next_time(schedule, 0)


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "", "../etc/passwd", "\0"])
def test_nonsense_is_no_time_zone(zone: str) -> None:
    with pytest.raises(Invalid, match="is not a time zone"):
        next_time("* * * * *", 0, zone)


@given(st.text(alphabet="0123456789*/,-# LWMONFEB", max_size=30), st.integers(0, 4_000_000_000_000))
def test_whatever_is_written_is_a_later_time_or_invalid(schedule: str, after: int) -> None:
    try:
        found = next_time(schedule, after)
    except Invalid:
        return
    assert after < found
    assert found % SECOND == 0


def test_back_off_doubles_up_to_an_hour_and_is_spread() -> None:
    assert [delay_after_failure(n, 1.0) // SECOND for n in (1, 2, 3, 4)] == [5, 10, 20, 40]
    assert delay_after_failure(1, 0.0) == 2_500
    assert delay_after_failure(1_000_000, 1.0) == HOUR
    assert delay_after_interruption(1_000_000) < HOUR
