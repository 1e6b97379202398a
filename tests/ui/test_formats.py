"""How pages write bytes, counts and moments."""

import pytest

from fazt.core.clock import DAY, HOUR, MINUTE
from fazt.ui.formats import (
    describe_distance,
    describe_schedule,
    format_ago,
    format_bytes,
    format_count,
    format_date,
    format_duration,
    plural,
    spark_path,
)

NOW = 1_800_000_000_000


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1 KB"),
        (1499, "1.5 KB"),
        (999_949, "999.9 KB"),
        (999_950, "1 MB"),
        (4_000_000_000, "4 GB"),
        (10**18, "1000 PB"),
    ],
)
def test_bytes(size: int, said: str) -> None:
    assert format_bytes(size) == said


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "0"),
        (9_999, "9,999"),
        (10_000, "10k"),
        (12_345, "12.3k"),
        (999_949, "999.9k"),
        (999_960, "1M"),
        (5 * 10**9, "5G"),
    ],
)
def test_counts(number: int, said: str) -> None:
    assert format_count(number) == said


@pytest.mark.parametrize(("number", "said"), [(0, "0 things"), (1, "1 thing"), (2, "2 things"), (12_000, "12k things")])
def test_plurals(number: int, said: str) -> None:
    assert plural(number, "thing") == said


def test_plurals_of_odd_words() -> None:
    assert plural(2, "reply", "replies") == "2 replies"


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (NOW, "just now"),
        (NOW - MINUTE + 1, "just now"),
        (NOW - MINUTE, "1 minute ago"),
        (NOW - 90 * MINUTE, "1 hour ago"),
        (NOW - 13 * DAY, "1 week ago"),
        (NOW - 400 * DAY, "1 year ago"),
        (NOW + 30_000, "in a moment"),
        (NOW + 2 * HOUR, "in 2 hours"),
        (NOW + 7 * DAY - 5_000, "in 7 days"),
        (NOW + DAY - 5_000, "in 24 hours"),
    ],
)
def test_distances(at: int, said: str) -> None:
    assert describe_distance(at, NOW) == said


def test_a_moment_is_readable_by_people_and_programs() -> None:
    assert format_ago(NOW - HOUR, NOW) == (
        '<time datetime="2027-01-15T07:00:00.000Z" data-ago title="2027-01-15 07:00:00 UTC">1 hour ago</time>'
    )
    assert format_date(NOW) == '<time datetime="2027-01-15T08:00:00.000Z" data-date>2027-01-15 08:00 UTC</time>'
    assert format_ago(None) == format_date(None) == "&ndash;"


@pytest.mark.parametrize(
    ("milliseconds", "said"),
    [(12, "12 ms"), (3_400, "3.4 s"), (5 * MINUTE, "5 min"), (3 * HOUR, "3 h"), (72 * HOUR, "3 days")],
)
def test_durations(milliseconds: int, said: str) -> None:
    assert format_duration(milliseconds) == said


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ("* * * * *", "every minute"),
        ("*/1 * * * *", "every minute"),
        ("*/5 * * * *", "every 5 minutes"),
        ("41 * * * *", "every hour at minute 41"),
        ("17 3 * * *", "every day at 03:17"),
        ("0 9 * * 1", "Mondays at 09:00"),
        ("0 9 * * 7", "Sundays at 09:00"),
        ("0 9 * * 8", ""),
        ("0 9 * * 1-5", ""),
        ("0 9 1 * *", ""),
        ("0,30 * * * *", ""),
        ("*/10 3 * * *", ""),
        ("* * * *", ""),
        ("", ""),
    ],
)
def test_schedules_in_words(schedule: str, said: str) -> None:
    assert describe_schedule(schedule) == said


@pytest.mark.parametrize(
    ("values", "path"),
    [([], ""), ([5], "M0.00 1.00L100 1.00"), ([0, 0], "M0.00 29.00L100.00 29.00"), ([0, 2], "M0.00 29.00L100.00 1.00")],
)
def test_small_lines(values: list[float], path: str) -> None:
    assert spark_path(values) == path


def test_a_filled_line_is_closed() -> None:
    assert spark_path([0, 2], closed=True) == "M0.00 29.00L100.00 1.00L100 30L0 30Z"
