"""What must be known before the file is open: options of `serve`, each also a variable."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fazt.core.errors import Invalid

DEFAULT_LISTEN = "127.0.0.1:4698"
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port; port 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Config:
    """The options of `serve`. `data` is the path of data.db; an empty `database_url` means that file."""

    data: Path
    listen: Address = Address("127.0.0.1", 4698)
    domain: str = "localhost"
    database_url: str = ""
    smtp_listen: Address | None = None
    turn_listen: Address | None = None
    https_listen: Address | None = None
    dns_script: str = ""
    owner_email: str = ""
    owner_password: str = ""
    trusted_proxies: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
    log_level: str = "info"
    log_json: bool = False

    @property
    def is_local(self) -> bool:
        """Whether this cloud is only for the machine it runs on (no domain given)."""
        return self.domain == "localhost"


def read_config(options: Mapping[str, str | None], environ: Mapping[str, str] = os.environ) -> Config:
    """Options first, then FAZT_* variables, then defaults. Raises Invalid, naming what is wrong.

    `options` has the long option names without dashes: `data listen domain database-url …`.
    """

    def value(name: str, default: str = "") -> str:
        return options.get(name) or environ.get("FAZT_" + name.upper().replace("-", "_")) or default

    return Config(
        data=Path(value("data", "data/data.db")).expanduser().absolute(),
        listen=parse_address(value("listen", DEFAULT_LISTEN), "--listen"),
        domain=parse_domain(value("domain", "localhost")),
        database_url=value("database-url"),
        smtp_listen=parse_optional_address(value("smtp-listen"), "--smtp-listen"),
        turn_listen=parse_optional_address(value("turn-listen"), "--turn-listen"),
        https_listen=parse_optional_address(value("https-listen"), "--https-listen"),
        dns_script=value("dns-script"),
        owner_email=value("owner-email"),
        owner_password=value("owner-password"),
        trusted_proxies=parse_networks(value("trusted-proxies")),
        log_level=value("log-level", "info"),
        log_json=value("log-json") in {"1", "true", "yes"},
    )


def parse_address(text: str, option: str) -> Address:
    """`HOST:PORT`, `:PORT` (all addresses) or `[V6]:PORT`."""
    host, colon, port = text.strip().rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise Invalid(f"{option} is {text!r}, which is not HOST:PORT.", hint="For example 127.0.0.1:4698.")
    return Address(host.strip("[]") or "0.0.0.0", int(port))  # noqa: S104 - ":4698" asks for all addresses


def parse_optional_address(text: str, option: str) -> Address | None:
    """None where nothing is given; else as parse_address."""
    return parse_address(text, option) if text else None


def parse_domain(text: str) -> str:
    """A host name in lower case and IDNA form, without a dot at its end."""
    name = text.strip().rstrip(".").lower()
    try:
        name = name.encode("idna").decode()
    except UnicodeError as error:
        raise Invalid(f"--domain is {text!r}, which is not a host name.") from error
    if not name or any(not (c.isalnum() or c in "-.") for c in name):
        raise Invalid(f"--domain is {text!r}, which is not a host name.", hint="For example example.com.")
    return name


def parse_networks(text: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """Addresses or CIDR blocks, separated by commas."""
    try:
        return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise Invalid(
            f"FAZT_TRUSTED_PROXIES is {text!r}: {error}.", hint="For example 127.0.0.1,10.0.0.0/8."
        ) from error
