"""What to ask authorities for: from the names that are wanted and what there is already."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Literal

import msgspec

from fazt.core.clock import DAY
from fazt.core.tls.model.certificates import Certificate, HostState, covers, find_covering
from fazt.core.tls.model.names import registered_domain
from fazt.core.tls.model.times import earliest_renewal, is_due

MAX_NAMES = 25
"""In one certificate; authorities allow 100, but one name that fails holds up the others of its order."""

LONGEST_WAIT = 8 * DAY
"""What is put off further was so by a clock that has been put right since."""

Method = Literal["http-01", "dns-01"]


class Order(msgspec.Struct, frozen=True):
    """One certificate to ask for; `replaces` is the one that it renews."""

    names: tuple[str, ...]
    method: Method = "http-01"
    replaces: Certificate | None = None


class Plan(msgspec.Struct, frozen=True):
    """What to ask for now, and when to look again (ms)."""

    orders: tuple[Order, ...]
    next_at: int


def make_plan(
    wanted: Iterable[str],
    certificates: Collection[Certificate],
    states: Mapping[str, HostState],
    *,
    wild_zone: str = "",
    now: int,
) -> Plan:
    """`wild_zone` is the domain whose DNS we can change: it and what is below it is proved there, by a wildcard."""
    issued = [certificate for certificate in certificates if certificate.source == "acme"]
    brought = [one.names for one in certificates if one.source == "imported" and one.not_after > now]
    next_at = now + DAY
    fresh: list[str] = []
    due: dict[int, list[str]] = {}
    for name in fold(wanted, wild_zone):
        if any(covers(names, name) for names in brought):
            continue
        state = states.get(name)
        if state is not None and not is_due(state.next_at, now, LONGEST_WAIT):
            next_at = min(next_at, state.next_at)
            continue
        found = find_covering(issued, name, now)
        if found is None or (state is not None and state.failures):
            fresh += [name] if found is None or needs_renewal(found, now) else []
        elif needs_renewal(found, now):
            due.setdefault(found.id, []).append(name)
        else:
            next_at = min(next_at, renewal_moment(found))
    orders = [renew(one, due[one.id], wild_zone) for one in issued if one.id in due]
    return Plan((*orders, *group(fresh, states, wild_zone)), next_at)


def renewal_moment(certificate: Certificate) -> int:
    """When it is to be renewed (ms)."""
    first = earliest_renewal(certificate.created_at, certificate.not_before, certificate.not_after)
    return max(certificate.renew_at, first)


def needs_renewal(certificate: Certificate, now: int) -> bool:
    """Whether it is time."""
    return now >= renewal_moment(certificate)


def fold(wanted: Iterable[str], wild_zone: str) -> list[str]:
    """The names with those that `*.wild_zone` stands for left out, and it put in."""
    names = list(dict.fromkeys(wanted))
    if not wild_zone:
        return names
    both = (wild_zone, f"*.{wild_zone}")
    return [*both, *(name for name in names if not covers(both, name))]


def method_for(name: str, wild_zone: str) -> Method:
    """How control of a name is proved."""
    is_below = bool(wild_zone) and f".{name.removeprefix('*.')}".endswith(f".{wild_zone}")
    return "dns-01" if is_below else "http-01"


def renew(certificate: Certificate, names: list[str], wild_zone: str) -> Order:
    """The order that renews a certificate, for those of its names that are still wanted."""
    return Order(tuple(names), method_for(names[0], wild_zone), certificate)


def group(names: Iterable[str], states: Mapping[str, HostState], wild_zone: str) -> list[Order]:
    """New orders: names of one domain together, names that have failed before each by itself."""
    together: dict[tuple[Method, str], list[str]] = {}
    alone: list[Order] = []
    for name in names:
        method = method_for(name, wild_zone)
        state = states.get(name)
        if state is not None and state.failures:
            alone.append(Order((name,), method))
        else:
            together.setdefault((method, registered_domain(name)), []).append(name)
    orders = [
        Order(tuple(found[at : at + MAX_NAMES]), method)
        for (method, _), found in together.items()
        for at in range(0, len(found), MAX_NAMES)
    ]
    return orders + alone
