"""Addresses: from the raw bytes of a request to names, and from names to an href."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes

import msgspec

from fazt.apps.drive.model.naming import check_segments
from fazt.core.errors import Invalid

PLAIN = re.compile(r"[A-Za-z0-9_.~-]*\Z")
BROKEN = re.compile(rb"%(?![0-9A-Fa-f]{2})")
SCHEME = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")
MAX_TARGET_BYTES = 32_768


class Address(msgspec.Struct, frozen=True):
    """Where a request or a Destination leads: names below the root of the host; `host` is "" where none is given."""

    segments: tuple[str, ...]
    is_folder: bool
    host: str = ""


def parse_target(raw: bytes) -> Address:
    """The path of a request as it came over the wire (`raw_path`). Raises Invalid.

    Every name is decoded once, so `%252e` is a name and `%2e%2e` is refused. A doubled slash counts as one.
    """
    path = raw.partition(b"?")[0]
    if b"#" in path or len(path) > MAX_TARGET_BYTES or BROKEN.search(path):
        raise Invalid("This address is malformed.")
    try:
        parts = [unquote_to_bytes(part).decode() for part in path.split(b"/")]
    except UnicodeDecodeError as error:
        raise Invalid("Addresses are UTF-8.") from error
    segments = tuple(part for part in parts if part)
    return Address(check_segments(segments), is_folder=not parts[-1])


def parse_url(value: bytes) -> Address:
    """A Destination, or a tag of an If header: an absolute URL or an absolute path. Raises Invalid.

    Scheme, port and user are not looked at: proxies change them.
    """
    value = value.strip()
    found = SCHEME.match(value)
    if found is None and not value.startswith(b"/"):
        raise Invalid("A Destination is an absolute address.")
    if found is None and value.startswith(b"//"):
        raise Invalid("A Destination is an absolute address.")
    address = parse_target(value[found.end() :] if found else value)
    if found is None:
        return address
    authority = found[1].rpartition(b"@")[2].decode("latin-1").lower()
    host = authority[: authority.find("]") + 1] if authority.startswith("[") else authority.partition(":")[0]
    if not host:
        raise Invalid("A Destination is an absolute address.")
    return Address(address.segments, address.is_folder, host.strip("[]").rstrip("."))


@lru_cache(maxsize=8_192)
def quote_name(name: str) -> str:
    """One name as part of an href: all but the unreserved characters are encoded (webdavfs needs `&` as %26)."""
    return quote(name, safe="", errors="replace")


def encode_name(name: str) -> str:
    """As quote_name, without a look-up for what needs none."""
    return name if PLAIN.match(name) else quote_name(name)


def to_href(segments: Iterable[str], *, is_folder: bool) -> str:
    """An absolute path. Folders end with a slash, files never do."""
    path = "".join("/" + encode_name(name) for name in segments)
    return path + "/" if is_folder else path
