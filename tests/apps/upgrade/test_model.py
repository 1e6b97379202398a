"""Versions, and which release is chosen."""

from __future__ import annotations

import pytest

from fazt.apps.upgrade.model import Release, check_upward, choose_release, is_newer, version_key
from fazt.core.errors import Invalid


def make_release(version: str, *, is_candidate: bool = False) -> Release:
    return Release(version, "", "", 0, is_candidate, {})


@pytest.mark.parametrize(
    ("version", "than"),
    [
        ("0.1.1", "0.1.0"),
        ("0.10.0", "0.9.9"),
        ("1.0.0", "1.0.0-rc.2"),
        ("1.0.0rc2", "1.0.0-beta.9"),
        ("2.0.0", "1.99.99"),
    ],
)
def test_versions_are_in_order(version: str, than: str) -> None:
    assert is_newer(version, than)
    assert not is_newer(than, version)


@pytest.mark.parametrize(
    "text", ["", "1", "1.2", "v1.2.3", "1.2.3/../x", "1.2.3-", "1.2.3.4", "..", "1.2.3\n", "9" * 99]
)
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        version_key(text)


def test_the_newest_is_chosen_whatever_the_order_of_the_list() -> None:
    releases = [make_release("0.2.0"), make_release("0.10.0"), make_release("0.11.0-rc.1", is_candidate=True)]
    chosen = choose_release(releases)
    assert chosen is not None
    assert chosen.version == "0.10.0"
    for_testers = choose_release(releases, running="0.11.0-beta.1")
    assert for_testers is not None
    assert for_testers.version == "0.11.0-rc.1"
    asked = choose_release(releases, "0.2.0")
    assert asked is not None
    assert asked.version == "0.2.0"
    assert choose_release(releases, "0.3.0") is None
    assert choose_release([]) is None


def test_there_is_no_way_down() -> None:
    check_upward("0.2.0", "0.1.9")
    with pytest.raises(Invalid, match="runs already"):
        check_upward("0.2.0", "0.2.0")
    with pytest.raises(Invalid, match="is older than"):
        check_upward("0.1.9", "0.2.0")
