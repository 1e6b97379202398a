"""Links: their fields, and what these may hold."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Literal
from urllib.parse import unquote, urlsplit

import msgspec

from fazt.apps.links.model.rules import Rule, Variant
from fazt.core.errors import Invalid

CLICK, ORPHAN = "link", "link.orphan"
"""The kinds of visits: to a link, and to a slug that does not exist."""

STATUSES = (301, 302, 307, 308)
TARGET_MAX, TITLE_MAX, TAG_MAX, TAGS_MAX, SLUG_MAX = 8_000, 500, 60, 50, 200
SLUG = re.compile(r"[^\s/?#%+\\\x00-\x1f\x7f]+(?:/[^\s/?#%+\\\x00-\x1f\x7f]+)*")
TAG = re.compile(r"[^,\x00-\x1f\x7f]+")
RESERVED = frozenset({"robots.txt", "favicon.ico", "health", "rest", ".well-known"})
State = Literal["open", "early", "expired", "used up"]


class Link(msgspec.Struct, frozen=True):
    """A short link. Times in ms; `status` 0 is what the setting says; `host` "" is /r/ and every short-link host.

    `clicks` counts redirects of people, `robot_clicks` those of robots; `max_visits` looks at people alone.
    """

    id: int
    host: str
    slug: str
    target: str
    owner: str
    created_at: int
    changed_at: int
    title: str = ""
    tags: tuple[str, ...] = ()
    status: int = 0
    forward_query: bool = True
    is_crawlable: bool = False
    password_hash: str = ""
    valid_from: int | None = None
    expires_at: int | None = None
    max_visits: int | None = None
    rules: tuple[Rule, ...] = ()
    variants: tuple[Variant, ...] = ()
    clicks: int = 0
    robot_clicks: int = 0
    deleted_at: int | None = None

    @property
    def thing(self) -> str:
        """The gate's name for it."""
        return f"link {self.id}"


class NewLink(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asks for; an empty `slug` is a random one."""

    target: str
    slug: str = ""
    host: str = ""
    title: str = ""
    tags: tuple[str, ...] = ()
    status: int = 0
    forward_query: bool = True
    is_crawlable: bool = False
    password_hash: str = ""
    valid_from: int | None = None
    expires_at: int | None = None
    max_visits: int | None = None
    rules: tuple[Rule, ...] = ()
    variants: tuple[Variant, ...] = ()


def check_slug(slug: str) -> str:
    """`slug` without slashes around it. Raises Invalid for what no address could hold, or what means something else."""
    found = slug.strip().strip("/")
    if len(found) > SLUG_MAX or not SLUG.fullmatch(found) or {".", ".."} & set(found.split("/")):
        raise Invalid(
            f"{slug[:60]!r} cannot be a short name.",
            hint=f"Up to {SLUG_MAX} characters without blanks and ? # % +; parts are divided by “/”.",
        )
    if found.partition("/")[0].lower() in RESERVED:
        raise Invalid(f"{found!r} means something else on every host.", hint="Choose another short name.")
    return found


def check_target(target: str, own_hosts: Collection[str]) -> str:
    """`target`, an absolute http or https address. Raises Invalid for others, and for one that is a short link here."""
    found = target.strip()
    if len(found) > TARGET_MAX or any(ord(c) < 33 or ord(c) == 127 for c in found):
        raise Invalid("This address is too long, or holds blanks.", hint="Percent-encode blanks as %20.")
    try:
        parts = urlsplit(found)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise Invalid("This is no address of the Web.") from error
    if parts.scheme.lower() not in {"http", "https"} or not host:
        raise Invalid("A link leads to an address that begins with https:// or http://.")
    if is_short(host.lower(), parts.path, own_hosts):
        raise Invalid("This address is itself a short link of this cloud.", hint="Link to where that one leads.")
    return found


def is_short(host: str, path: str, own_hosts: Collection[str]) -> bool:
    """Whether an address would come back here. The first of `own_hosts` is the cloud's domain."""
    domain, *hosts = own_hosts
    name = host.rstrip(".")
    return name in hosts or (name == domain and unquote(path).lstrip("/").startswith("r/"))


def check_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags in small letters, each once, in their order. Raises Invalid."""
    found = tuple(dict.fromkeys(tag.strip().lower() for tag in tags if tag.strip()))
    if len(found) > TAGS_MAX or any(len(tag) > TAG_MAX or not TAG.fullmatch(tag) for tag in found):
        raise Invalid(f"A link has up to {TAGS_MAX} tags of {TAG_MAX} characters, without commas.")
    return found


def check_status(status: int) -> int:
    """Raises Invalid for what is no redirect; 0 is the setting's."""
    if status and status not in STATUSES:
        raise Invalid(f"A link redirects with one of {', '.join(map(str, STATUSES))}.")
    return status


def check_times(valid_from: int | None, expires_at: int | None, max_visits: int | None) -> None:
    """Raises Invalid where the end comes before the beginning, or nobody could ever come."""
    if valid_from is not None and expires_at is not None and expires_at <= valid_from:
        raise Invalid("This link would end before it begins.")
    if max_visits is not None and max_visits < 1:
        raise Invalid("A link can be followed at least once.")


def state_of(link: Link, now: int) -> State:
    """Whether a link leads anywhere at this moment, but for its password."""
    if link.valid_from is not None and now < link.valid_from:
        return "early"
    if link.expires_at is not None and link.expires_at <= now:
        return "expired"
    if link.max_visits is not None and link.clicks >= link.max_visits:
        return "used up"
    return "open"


def with_query(target: str, query: str) -> str:
    """`target` with the query of the request behind its own, before its fragment."""
    if not query:
        return target
    head, hash_sign, fragment = target.partition("#")
    joint = "" if head.endswith(("?", "&")) else "&" if "?" in head else "?"
    return f"{head}{joint}{query}{hash_sign}{fragment}"
