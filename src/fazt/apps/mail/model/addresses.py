"""Addresses: taken apart, compared, and checked (RFC 5321 4.1.2, RFC 6531)."""

from __future__ import annotations

import re
from contextlib import suppress

from msgspec import Struct

from fazt.core.errors import Invalid

MAX_LOCAL, MAX_ADDRESS = 64, 254
ATOMS = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+"
LOCAL = re.compile(rf'(?:{ATOMS}(?:\.{ATOMS})*|"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*")')
LABEL = r"[A-Za-z0-9\x80-\U0010ffff_](?:[A-Za-z0-9\x80-\U0010ffff_-]*[A-Za-z0-9\x80-\U0010ffff_])?"
DOMAIN = re.compile(rf"(?:{LABEL}(?:\.{LABEL})*|\[[0-9A-Za-z.:]+\])")
ROUTE = re.compile(r"@[^:<>\s]+:")
UNDECODED = re.compile("[\ud800-\udfff]")
"""What Python makes of bytes that are no UTF-8."""
ROLES = ("admin", "postmaster", "abuse")
"""Names that reach the owner from the first start (RFC 2142)."""


class Address(Struct, frozen=True):
    """One address: `base` is the local part without its tag, in lower case; `tag` is what follows the first plus."""

    local: str
    domain: str

    @property
    def base(self) -> str:
        """The local part as names are compared here."""
        return self.local.lower().partition("+")[0]

    @property
    def tag(self) -> str:
        """What follows the first plus."""
        return self.local.partition("+")[2]

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"


def parse_address(text: str) -> Address:
    """`name@example.org`; the domain in lower case. Raises Invalid."""
    local, at, domain = text.strip().rpartition("@")
    good = at and len(text) <= MAX_ADDRESS and not UNDECODED.search(text) and len(local.encode()) <= MAX_LOCAL
    if not good or not LOCAL.fullmatch(local) or not DOMAIN.fullmatch(domain):
        raise Invalid(f"{text[:80]!r} is not an e-mail address.", hint="For example anna@example.org.")
    return Address(local, domain.lower())


def find_address(text: str) -> Address | None:
    """As parse_address; None for what is none."""
    try:
        return parse_address(text)
    except Invalid:
        return None


def normalize(text: str) -> str:
    """An address as it is compared: lower case, domain in its ASCII form where it has one."""
    local, _, domain = text.strip().rpartition("@")
    with suppress(UnicodeError):
        domain = domain.encode("idna").decode()
    return f"{local.lower()}@{domain.lower()}"


def domain_of(text: str) -> str:
    """What stands behind the last `@`, in lower case; "" where there is none."""
    return text.rpartition("@")[2].strip().lower() if "@" in text else ""


def parse_path(argument: str) -> tuple[str, str] | None:
    """The address in MAIL FROM or RCPT TO (`<>` is ""), and the parameters behind it; None for bad syntax.

    A source route (`<@a,@b:user@c>`) is taken and ignored, as RFC 5321 4.1.1.3 asks.
    """
    text = argument.strip()
    if text.startswith("<"):
        path, closed, rest = text[1:].rpartition(">") if text.count(">") == 1 else split_quoted(text)
        if not closed:
            return None
    else:
        path, _, rest = text.partition(" ")
    path = ROUTE.sub("", path, count=1) if path.startswith("@") else path
    if path and path.lower() != "postmaster" and find_address(path) is None:
        return None
    return path, rest.strip()


def split_quoted(text: str) -> tuple[str, str, str]:
    """`<"a>b"@c> rest` at the bracket that closes; the middle is "" where none does."""
    is_quoted = False
    for at, char in enumerate(text[1:], 1):
        if char == '"' and text[at - 1] != "\\":
            is_quoted = not is_quoted
        elif char == ">" and not is_quoted:
            return text[1:at], ">", text[at + 1 :]
    return "", "", ""


def check_local(text: str) -> str:
    """A name before the `@` that somebody wants for an alias, in lower case. Raises Invalid."""
    name = text.strip().lower()
    if not re.fullmatch(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?", name) or ".." in name:
        raise Invalid(
            f"{text[:80]!r} cannot be the name of an address.", hint="Letters, digits, dots, hyphens and underscores."
        )
    return name
