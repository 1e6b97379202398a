"""Host names: which may be in a certificate, and of which kind."""

from __future__ import annotations

import ipaddress
import re

from fazt.core.errors import Invalid

LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\Z")
PRIVATE_ENDINGS = frozenset({"localhost", "local", "lan", "internal", "test", "example", "invalid", "onion", "alt"})
"""Of names that no public authority vouches for (RFC 6761, 6762, 8375, 9476, ICANN's .internal)."""

SECOND_LEVELS = frozenset({"ac", "co", "com", "edu", "gob", "gov", "gv", "ltd", "ne", "net", "or", "org", "plc"})


def normalize(host: str) -> str:
    """Lower case, IDNA, without a dot at the end and without brackets; "" for what is no name."""
    text = host.strip().strip("[]").rstrip(".").lower()
    try:
        return text if text.isascii() else text.encode("idna").decode()
    except UnicodeError:
        return ""


def is_address(host: str) -> bool:
    """Whether it is an IP address rather than a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def check_name(text: str) -> str:
    """A host name, wildcard or IP address as a certificate names it. Raises Invalid."""
    name = normalize(text)
    labels = name.removeprefix("*.").split(".")
    if is_address(name):
        return str(ipaddress.ip_address(name))
    if len(name) > 253 or not all(LABEL.match(label) for label in labels) or labels[-1].isdigit():
        raise Invalid(f"{text!r} is not a host name.", hint="For example mail.example.com.")
    return name


def is_private_name(host: str) -> bool:
    """Whether no public authority can vouch for it: localhost, names of a LAN, single labels, private addresses."""
    if is_address(host):
        return not ipaddress.ip_address(host).is_global
    labels = host.removeprefix("*.").split(".")
    return len(labels) < 2 or labels[-1] in PRIVATE_ENDINGS or labels[-2:] == ["home", "arpa"]


def is_public_name(host: str) -> bool:
    """Whether a public authority may be asked for it, as far as its form tells."""
    try:
        return check_name(host) == host and not is_private_name(host)
    except Invalid:
        return False


def registered_domain(host: str) -> str:
    """About what a CA counts as one domain: `example.com` of `a.b.example.com`, `example.co.uk` of `www.example.co.uk`.

    A rule of thumb for our own limits; where it is wrong, the CA's answer says so.
    """
    labels = host.removeprefix("*.").split(".")
    is_long = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in SECOND_LEVELS
    return ".".join(labels[-3 if is_long else -2 :])
