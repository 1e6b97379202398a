"""Whether a value suits a setting, and how text becomes one."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import msgspec

from fazt.core.errors import Invalid

if TYPE_CHECKING:
    from fazt.core.app import Setting, SettingValue

YES = {"true", "yes", "on", "1"}
NO = {"false", "no", "off", "0"}
SIZES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
SIZE = re.compile(r"([0-9.]+)\s*([kmgt]i?)?b?(?:ytes)?", re.IGNORECASE)
LONGEST_TEXT = 100_000
KINDS: dict[type, str] = {bool: "switch", int: "whole number", float: "number", str: "text", list: "list"}


class SettingView(msgspec.Struct, frozen=True):
    """A setting as it is shown. The value of a secret is never among it: `is_set` says whether there is one."""

    name: str
    kind: str
    value: bool | int | float | str | list[str]
    default: bool | int | float | str | list[str]
    help: str
    is_set: bool
    is_secret: bool
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]
    unit: str


def view(setting: Setting, value: SettingValue, *, is_set: bool) -> SettingView:
    """`setting`, of which the value is now `value`, to be shown."""
    return SettingView(
        name=setting.name,
        kind=KINDS[type(setting.default)],
        value="" if setting.secret else value,
        default="" if setting.secret else setting.default,
        help=setting.help,
        is_set=is_set,
        is_secret=setting.secret,
        minimum=setting.minimum,
        maximum=setting.maximum,
        choices=setting.choices,
        unit=setting.unit,
    )


def check_value(setting: Setting, value: object) -> SettingValue:
    """`value` in the type of the setting's default. Raises Invalid, saying what it must be."""
    kind = type(setting.default)
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        raise Invalid(f"{setting.name} must be a {KINDS[kind]}.")
    if isinstance(value, int | float) and not isinstance(value, bool):
        check_bounds(setting, value)
        return value
    if isinstance(value, str):
        check_text(setting, value)
        return value
    if isinstance(value, list):
        return check_list(setting, value)
    assert isinstance(value, bool)
    return value


def check_bounds(setting: Setting, value: float) -> None:
    """Raises Invalid where the number is out of bounds."""
    unit = f" {setting.unit}" if setting.unit else ""
    if not math.isfinite(value):
        raise Invalid(f"{setting.name} must be a number.")
    if setting.minimum is not None and value < setting.minimum:
        raise Invalid(f"{setting.name} must be at least {setting.minimum:g}{unit}.")
    if setting.maximum is not None and value > setting.maximum:
        raise Invalid(f"{setting.name} must be at most {setting.maximum:g}{unit}.")


def check_text(setting: Setting, text: str) -> None:
    """Raises Invalid where the text is none of the choices, or cannot be kept."""
    if setting.choices and text not in setting.choices:
        raise Invalid(f"{setting.name} must be one of {', '.join(setting.choices)}.")
    if "\0" in text or len(text) > LONGEST_TEXT:
        raise Invalid(f"{setting.name} must be text of at most {LONGEST_TEXT} characters.")


def check_list(setting: Setting, items: list[object]) -> list[str]:
    """The list, without empty or repeated items. Raises Invalid."""
    kept: dict[str, None] = {}
    for item in items:
        if not isinstance(item, str):
            raise Invalid(f"{setting.name} must be a list of texts.")
        if item.strip():
            check_text(setting, item.strip())
            kept[item.strip()] = None
    return list(kept)


def parse_value(setting: Setting, text: str) -> SettingValue:
    """What was typed: `yes`, `20`, `10 MB` (of bytes), `a, b` or `["a", "b"]`. Raises Invalid."""
    default = setting.default
    if isinstance(default, str):
        return check_value(setting, text)
    if isinstance(default, bool):
        return parse_switch(setting, text.strip().lower())
    if isinstance(default, list):
        return check_value(setting, parse_list(setting, text.strip()))
    return check_value(setting, parse_number(setting, text.strip().replace("_", "")))


def parse_switch(setting: Setting, text: str) -> bool:
    """`yes no on off true false 1 0`."""
    if text not in YES | NO:
        raise Invalid(f"{setting.name} must be yes or no.")
    return text in YES


def parse_list(setting: Setting, text: str) -> object:
    """A JSON array, or items with commas between."""
    if not text.startswith("["):
        return text.split(",")
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise Invalid(f"{setting.name} must be a list.", hint='For example a, b or ["a", "b"].') from error


def parse_number(setting: Setting, text: str) -> int | float:
    """A number; where it counts bytes also `10 MB` or `1.5 GiB`."""
    factor = 1
    if setting.unit == "bytes" and (match := SIZE.fullmatch(text)):
        text, factor = match[1], SIZES[(match[2] or "").lower()]
    try:
        if isinstance(setting.default, float):
            return float(text) * factor
        return int(text) if factor == 1 else round(float(text) * factor)
    except (ValueError, OverflowError) as error:
        raise Invalid(f"{setting.name} must be a {KINDS[type(setting.default)]}.") from error
