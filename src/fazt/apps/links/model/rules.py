"""Rules: where a click leads depends on who clicks, when, and on chance."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from urllib.parse import parse_qsl

import msgspec

from fazt.core.clock import to_datetime
from fazt.core.errors import Invalid

RULES_MAX, CONDITIONS_MAX, VARIANTS_MAX, VALUE_MAX = 50, 20, 20, 500
DEVICES = ("android", "ios", "mobile", "windows", "macos", "linux", "chromeos", "desktop")
BROWSERS = ("chrome", "firefox", "edge", "safari", "opera", "android_browser")


class Condition(msgspec.Struct, frozen=True, rename="camel"):
    """One thing that has to be so, in Shlink's words; `time-of-day` (`08:00-17:30`, UTC) is ours."""

    type: str
    match_key: str | None = None
    match_value: str | None = None


class Rule(msgspec.Struct, frozen=True):
    """`target` holds where all conditions do. The first rule that fits wins."""

    target: str
    conditions: tuple[Condition, ...]


class Variant(msgspec.Struct, frozen=True):
    """One of several targets among which visitors are split by weight; each stays with theirs for the day."""

    target: str
    weight: int = 1


class Visitor(msgspec.Struct, frozen=True):
    """What a click tells of who clicks: `os` and `browser` as `core.visits` names them, `languages` as accepted."""

    now: int
    address: str = ""
    query: str = ""
    user_agent: str = ""
    languages: tuple[str, ...] = ()
    country: str = ""
    browser: str = ""
    os: str = ""
    device: str = ""


def choose_target(target: str, rules: Sequence[Rule], variants: Sequence[Variant], visitor: Visitor, salt: str) -> str:
    """Where this visitor is led. `salt` names the link, so that a visitor's draws on two links are apart."""
    for rule in rules:
        if all(fits(condition, visitor) for condition in rule.conditions):
            return rule.target
    total = sum(variant.weight for variant in variants)
    if not total:
        return target
    who = f"{salt}\0{visitor.address}\0{visitor.user_agent}"
    drawn = int.from_bytes(blake2b(who.encode(errors="replace"), digest_size=8).digest(), "big") % total
    for variant in variants:
        drawn -= variant.weight
        if drawn < 0:
            return variant.target
    return target


def fits(condition: Condition, visitor: Visitor) -> bool:
    """Whether a condition holds for this visitor."""
    return CONDITIONS[condition.type](condition.match_key or "", condition.match_value or "", visitor)


def is_device(_key: str, value: str, visitor: Visitor) -> bool:
    """Systems by name; `mobile` and `desktop` are kinds of devices."""
    names = {"android": "Android", "ios": "iOS", "windows": "Windows", "macos": "macOS", "chromeos": "Chrome OS"}
    if value == "mobile":
        return visitor.device in {"phone", "tablet"}
    if value == "desktop":
        return visitor.device == "desktop"
    if value == "linux":
        return visitor.os in {"Linux", "Ubuntu", "Fedora", "Debian"}
    return visitor.os == names[value]


def is_language(_key: str, value: str, visitor: Visitor) -> bool:
    """`en` fits `en-US`, `en-US` fits itself alone."""
    wanted = value.lower().replace("_", "-")
    return any(tag == wanted or tag.startswith(f"{wanted}-") for tag in visitor.languages)


def query_of(visitor: Visitor) -> dict[str, str]:
    """The query as names and values; a garbled one is empty."""
    try:
        return dict(parse_qsl(visitor.query, keep_blank_values=True, max_num_fields=100))
    except ValueError:
        return {}


def is_address(_key: str, value: str, visitor: Visitor) -> bool:
    """An address, a block (CIDR), or one with stars (`192.168.*.*`)."""
    if "*" in value:
        wanted, given = value.split("."), visitor.address.split(".")
        return len(wanted) == len(given) and all(a in {"*", b} for a, b in zip(wanted, given, strict=True))
    try:
        return ipaddress.ip_address(visitor.address) in ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False


def is_at_time(_key: str, value: str, visitor: Visitor) -> bool:
    """Between two times of day, UTC; over midnight where the second is the earlier one."""
    start, end = (to_minutes(part) for part in value.split("-"))
    at = to_datetime(visitor.now)
    minute = at.hour * 60 + at.minute
    return start <= minute < end if start <= end else minute >= start or minute < end


def to_minutes(text: str) -> int:
    """`08:30` as minutes since midnight. Raises ValueError."""
    hours, minutes = (int(part) for part in text.strip().split(":"))
    if not (0 <= hours < 25 and 0 <= minutes < 60):
        raise ValueError(text)
    return hours * 60 + minutes


def to_moment(text: str) -> int:
    """An RFC 3339 date as ms. Raises ValueError."""
    from datetime import UTC, datetime  # noqa: PLC0415 - the only place that reads dates

    found = datetime.fromisoformat(text)
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)


CONDITIONS: Mapping[str, Callable[[str, str, Visitor], bool]] = {
    "device": is_device,
    "language": is_language,
    "query-param": lambda key, value, visitor: query_of(visitor).get(key) == value,
    "any-value-query-param": lambda key, _value, visitor: bool(query_of(visitor).get(key)),
    "valueless-query-param": lambda key, _value, visitor: query_of(visitor).get(key) == "",
    "ip-address": is_address,
    "geolocation-country-code": lambda _key, value, visitor: bool(value) and visitor.country == value.upper(),
    "geolocation-city-name": lambda _key, _value, _visitor: False,  # cities are not looked up here
    "before-date": lambda _key, value, visitor: visitor.now < to_moment(value),
    "after-date": lambda _key, value, visitor: visitor.now > to_moment(value),
    "browser": lambda _key, value, visitor: visitor.browser.lower().replace(" ", "_") == value,
    "time-of-day": is_at_time,
}


def check_rules(rules: Sequence[Rule], variants: Sequence[Variant], check: Callable[[str], str]) -> None:
    """Raises Invalid for rules that could never be asked. `check` is what every target has to pass."""
    if len(rules) > RULES_MAX or len(variants) > VARIANTS_MAX:
        raise Invalid(f"A link has up to {RULES_MAX} rules and {VARIANTS_MAX} variants.")
    for rule in rules:
        check(rule.target)
        if not 1 <= len(rule.conditions) <= CONDITIONS_MAX:
            raise Invalid(f"A rule has 1 to {CONDITIONS_MAX} conditions.")
        for condition in rule.conditions:
            check_condition(condition)
    for variant in variants:
        check(variant.target)
        if not 0 <= variant.weight <= 10_000:
            raise Invalid("A weight is between 0 and 10,000.")


def check_condition(condition: Condition) -> None:
    """Raises Invalid for an unknown kind, or a value that it cannot have."""
    value, kind = condition.match_value or "", condition.type
    if kind not in CONDITIONS:
        raise Invalid(f"There is no condition {kind[:40]!r}.", hint=f"There are {', '.join(CONDITIONS)}.")
    if len(value) > VALUE_MAX or len(condition.match_key or "") > VALUE_MAX:
        raise Invalid(f"A condition's value has up to {VALUE_MAX} characters.")
    if "query-param" in kind and not condition.match_key:
        raise Invalid("This condition names a parameter of the query.")
    choices = {"device": DEVICES, "browser": BROWSERS}.get(kind)
    if choices is not None and value not in choices:
        raise Invalid(f"A {kind} is one of {', '.join(choices)}.")
    try:
        if kind in {"before-date", "after-date"}:
            to_moment(value)
        elif kind == "time-of-day":
            first, last = value.split("-")
            to_minutes(first), to_minutes(last)
        elif kind == "ip-address" and "*" not in value:
            ipaddress.ip_network(value, strict=False)
    except ValueError as error:
        raise Invalid(f"{value[:60]!r} makes no sense for the condition {kind}.") from error
