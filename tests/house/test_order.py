"""Long tests begin first: the list of their files is true, and kept."""

from __future__ import annotations

import pytest

from tests.house.tree import ROOT
from tests.order import LONGEST_FIRST, rank


def test_the_files_that_take_long_are_there() -> None:
    assert [path for path in LONGEST_FIRST if not (ROOT / path).is_file()] == []
    assert len(set(LONGEST_FIRST)) == len(LONGEST_FIRST)


def test_they_come_first_then_the_other_end_to_end_tests() -> None:
    first, last = LONGEST_FIRST[0], LONGEST_FIRST[-1]
    mixed = ["tests/apps/links/test_store.py", last, "tests/e2e/test_links_crash.py", first, "tests/core/test_cli.py"]
    assert sorted(mixed, key=rank) == [first, last, mixed[2], mixed[0], mixed[4]]


def test_this_run_is_in_that_order(request: pytest.FixtureRequest) -> None:
    ranks = [rank(item.nodeid.partition("::")[0]) for item in request.session.items]
    assert ranks == sorted(ranks)
