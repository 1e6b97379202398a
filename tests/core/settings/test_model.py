"""Whether values suit settings, and how text becomes one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fazt.core.app import Setting, SettingValue
from fazt.core.errors import Invalid
from fazt.core.settings import check_value, parse_value
from fazt.core.settings.model import view

SWITCH = Setting("a.switch", default=True, help="")
COUNT = Setting("a.count", 5, "", 1, 10)
SIZE = Setting("a.size", 1_000, "", 0, unit="bytes")
SHARE = Setting("a.share", 0.5, "", 0, 1, unit="parts")
TEXT = Setting("a.text", "x", "")
CHOICE = Setting("a.choice", "red", "", choices=("red", "green"))
LIST = Setting("a.list", ["x"], "")
CHOICES = Setting("a.choices", ["red"], "", choices=("red", "green"))
SECRET = Setting("a.secret", "", "", secret=True)
ALL = (SWITCH, COUNT, SIZE, SHARE, TEXT, CHOICE, LIST, CHOICES, SECRET)


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        (SWITCH, False, False),
        (COUNT, 10, 10),
        (SHARE, 1, 1.0),
        (TEXT, "", ""),
        (CHOICE, "green", "green"),
        (LIST, [" a ", "", "b", "a"], ["a", "b"]),
        (LIST, [], []),
        (CHOICES, ["green"], ["green"]),
    ],
)
def test_what_suits_is_kept_in_the_type_of_the_default(setting: Setting, value: object, expected: SettingValue) -> None:
    kept = check_value(setting, value)
    assert kept == expected
    assert type(kept) is type(setting.default)


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        (SWITCH, 1, "a.switch must be a switch."),
        (SWITCH, "yes", "a.switch must be a switch."),
        (COUNT, True, "a.count must be a whole number."),
        (COUNT, 2.0, "a.count must be a whole number."),
        (COUNT, 0, "a.count must be at least 1."),
        (COUNT, 11, "a.count must be at most 10."),
        (SHARE, 1.5, "a.share must be at most 1 parts."),
        (SHARE, float("nan"), "a.share must be a number."),
        (TEXT, None, "a.text must be a text."),
        (TEXT, "a\0b", "a.text must be text"),
        (TEXT, "a" * 100_001, "a.text must be text"),
        (CHOICE, "blue", "a.choice must be one of red, green."),
        (LIST, "a,b", "a.list must be a list."),
        (LIST, ["a", 1], "a.list must be a list of texts."),
        (CHOICES, ["red", "blue"], "a.choices must be one of red, green."),
    ],
)
def test_what_does_not_suit_is_refused_with_what_would(setting: Setting, value: object, message: str) -> None:
    with pytest.raises(Invalid, match=message.replace(".", r"\.")):
        check_value(setting, value)


@pytest.mark.parametrize(
    ("setting", "text", "expected"),
    [
        (SWITCH, "yes", True),
        (SWITCH, " OFF ", False),
        (SWITCH, "0", False),
        (COUNT, " 7 ", 7),
        (SIZE, "10 MB", 10_000_000),
        (SIZE, "1.5GiB", 1_610_612_736),
        (SIZE, "10_000", 10_000),
        (SIZE, "20 k", 20_000),
        (SIZE, "12 bytes", 12),
        (SHARE, "0.25", 0.25),
        (SHARE, "1", 1.0),
        (TEXT, " as it is ", " as it is "),
        (LIST, "a, b,,", ["a", "b"]),
        (LIST, '["a, b", "c"]', ["a, b", "c"]),
        (LIST, "", []),
    ],
)
def test_what_people_type_is_understood(setting: Setting, text: str, expected: SettingValue) -> None:
    assert parse_value(setting, text) == expected


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        (SWITCH, "maybe"),
        (COUNT, "7.5"),
        (COUNT, "10 MB"),
        (COUNT, ""),
        (SIZE, "MB"),
        (SIZE, "1.2.3 MB"),
        (SIZE, "-1"),
        (SHARE, "inf"),
        (SHARE, "half"),
        (LIST, "[1]"),
        (LIST, '["a"'),
        (COUNT, "9" * 5_000),
        (CHOICE, "blue"),
    ],
)
def test_what_cannot_be_meant_is_refused(setting: Setting, text: str) -> None:
    with pytest.raises(Invalid, match=setting.name):
        parse_value(setting, text)


@given(st.sampled_from(ALL), st.text(max_size=50))
def test_typing_anything_gives_a_value_that_suits_or_invalid(setting: Setting, text: str) -> None:
    try:
        value = parse_value(setting, text)
    except Invalid:
        return
    assert check_value(setting, value) == value


@given(
    st.sampled_from(ALL), st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists)
)
def test_any_json_is_a_value_that_suits_or_invalid(setting: Setting, value: Any) -> None:
    try:
        kept = check_value(setting, value)
    except Invalid:
        return
    assert type(kept) is type(setting.default)


def test_a_secret_is_not_among_what_is_shown() -> None:
    shown = view(SECRET, "hunter2", is_set=True)
    assert shown.is_set
    assert shown.is_secret
    assert "hunter2" not in repr(shown)
