"""What the relay is told, what it tells, and what a call page and a client are given."""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct, field

from fazt.core.errors import Invalid

Transport = Literal["udp", "tcp", "tls"]

_ROOM = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


class Limits(Struct, frozen=True):
    """How much there may be; 0 stands for no limit where a limit is a rate or an age."""

    allocations: int = 1000
    allocations_per_user: int = 40
    permissions_per_allocation: int = 64
    bytes_per_second_per_allocation: int = 0
    bytes_per_second: int = 0
    max_age_s: int = 86_400
    max_lifetime_s: int = 3_600
    refusals_per_second: int = 10
    streams: int = 1_000
    streams_per_address: int = 100


class Orders(Struct, frozen=True, tag="orders"):
    """All the relay needs to know. Sent again when something changes; `listen` and ports count only at first.

    `external` are the addresses that peers see where the host is behind NAT, one each for IPv4 and IPv6.
    `tls_port` 0: TLS is spoken on the same port as TCP alone, told apart by its first byte.
    """

    listen: tuple[str, ...]
    port: int
    realm: str
    secrets: tuple[str, ...]
    tls_port: int = 0
    users: dict[str, str] = {}
    external: tuple[str, ...] = ()
    allow_peers: tuple[str, ...] = ()
    first_port: int = 49_152
    last_port: int = 65_535
    nonce_life_s: int = 3_600
    certificate_chain: str = ""
    certificate_key: str = ""
    limits: Limits = Limits()


class Ready(Struct, frozen=True, tag="ready"):
    """The relay listens. `addresses` are IP texts; `relays` those that peers will see."""

    addresses: tuple[str, ...]
    port: int
    tls_port: int
    relays: tuple[str, ...]
    has_tls: bool


class Session(Struct, frozen=True):
    """One allocation as it is now. Nothing in it says who the peers are."""

    user: str
    transport: Transport
    age_s: int
    relay: str
    peers: int
    bytes_sent: int
    bytes_received: int


class Figures(Struct, frozen=True, tag="figures"):
    """What the relay has done since it started, and its allocations now.

    Sent means from clients to peers, received the other way; a packet handed from one allocation to another of the
    same relay counts in both. `counts` has names such as `refused.401`, `dropped.no_permission`.
    """

    at: int = 0
    started_at: int = 0
    sessions: tuple[Session, ...] = ()
    allocations: int = 0
    streams: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    packets_sent: int = 0
    packets_received: int = 0
    cpu_s: float = 0.0
    counts: dict[str, int] = {}


class Note(Struct, frozen=True, tag="note"):
    """A line for the log."""

    level: Literal["debug", "info", "warning", "error"]
    text: str


Report = Ready | Figures | Note


class Credentials(Struct, frozen=True):
    """What a client needs to use the relay, in the words of the TURN REST scheme. `ttl` is in seconds."""

    username: str
    password: str
    ttl: int
    uris: tuple[str, ...] = field(default=())


class Invitation(Struct, frozen=True):
    """Leave for whoever has its secret to enter one room until `expires_at` (ms)."""

    id: int
    room: str
    created_at: int
    expires_at: int


class Moment(Struct, frozen=True):
    """What the relay did in the minute before `at` (ms); `allocations` are those at that time."""

    at: int
    allocations: int
    started: int
    bytes: int
    packets: int
    refused: int
    dropped: int


class RelayStatus(Struct, frozen=True):
    """The relay as its owner sees it. `problem` says why it is not running."""

    is_on: bool
    is_running: bool
    problem: str
    addresses: tuple[str, ...]
    relays: tuple[str, ...]
    uris: tuple[str, ...]
    has_tls: bool
    restarts: int
    figures: Figures


def check_room(name: str) -> str:
    """The name of a room. Raises Invalid for what could not stand in an address."""
    if not _ROOM.fullmatch(name):
        raise Invalid("A room's name has 1 to 64 small letters, digits and dashes.", hint="For example tea-time.")
    return name


def make_uris(host: str, ready: Ready) -> tuple[str, ...]:
    """Where clients find the relay, the quickest way first (RFC 7065)."""
    name = f"[{host}]" if ":" in host else host
    uris = [f"turn:{name}:{ready.port}?transport=udp", f"turn:{name}:{ready.port}?transport=tcp"]
    if ready.has_tls:
        uris.append(f"turns:{name}:{ready.tls_port}?transport=tcp")
    return tuple(uris)


def measure_moment(at: int, before: Figures, after: Figures) -> Moment:
    """What happened between two reports of the same process."""

    def count(figures: Figures, prefix: str) -> int:
        return sum(number for name, number in figures.counts.items() if name.startswith(prefix))

    def grown(prefix: str) -> int:
        return count(after, prefix) - count(before, prefix)

    return Moment(
        at=at,
        allocations=after.allocations,
        started=grown("allocations."),
        bytes=after.bytes_sent + after.bytes_received - before.bytes_sent - before.bytes_received,
        packets=after.packets_sent + after.packets_received - before.packets_sent - before.packets_received,
        # The 401 before each sign-in is how the protocol begins; a wrong password is counted apart.
        refused=grown("refused.") - grown("refused.401") - grown("refused.438") + grown("wrong_credentials"),
        dropped=grown("dropped."),
    )
