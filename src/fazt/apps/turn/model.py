"""What the relay is told, what it tells, and what a call page and a client are given."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

Transport = Literal["udp", "tcp", "tls"]
TRANSPORTS: tuple[Transport, ...] = ("udp", "tcp", "tls")


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
