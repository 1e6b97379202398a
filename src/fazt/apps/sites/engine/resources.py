"""What a host answers: its files, its rules, and answers that are ready to be sent."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field

from fazt.apps.sites.engine.cache import Variant
from fazt.apps.sites.model import FileEntry, Site, SiteCode
from fazt.apps.sites.wire.encoding import Encoding
from fazt.apps.sites.wire.headers import Block, merge_headers
from fazt.apps.sites.wire.redirects import Redirects
from fazt.apps.sites.wire.types import guess_type, is_immutable, is_page

IMMUTABLE = "public, max-age=31536000, immutable"
FRESH = "public, max-age=0, must-revalidate"
PRIVATE = "private, no-cache"
ETAG_SUFFIX = {Encoding.IDENTITY: "", Encoding.GZIP: "-gz", Encoding.BROTLI: "-br"}
CODINGS = {Encoding.GZIP: b"gzip", Encoding.BROTLI: b"br"}


@dataclass(frozen=True, slots=True)
class Index:
    """The version of a site that is shown, with its rules. Beside code, `files` are those that answer before it."""

    site: Site
    files: Mapping[str, FileEntry]
    redirects: Redirects = field(default_factory=Redirects)
    headers: tuple[Block, ...] = ()
    code: SiteCode | None = None
    """What `site.code` is given, where the version holds code."""


class Resource:
    """A file under one address: `variants` by Encoding, the plain one where a form does not exist."""

    __slots__ = ("is_page", "path", "variants")

    def __init__(self, path: str, variants: tuple[Variant, Variant, Variant], *, is_page: bool) -> None:
        self.path = path
        self.variants = variants
        self.is_page = is_page


def make_etag(hash: str, encoding: Encoding) -> str:
    """A strong tag: 128 bits of the content's hash, and the form it is sent in."""
    bits = base64.urlsafe_b64encode(bytes.fromhex(hash[:32])).decode().rstrip("=")
    return f'"{bits}{ETAG_SUFFIX[encoding]}"'


def build_resource(index: Index, host: str, address: str, path: str, status: int = 200) -> Resource:
    """The answers of the file at `path` under `address` (decoded, with its leading slash) of `host`."""
    entry = index.files[path]
    content_type = guess_type(path)
    defaults = {
        "content-type": content_type,
        "cache-control": choose_caching(index, path, status),
        "x-content-type-options": "nosniff",
    }
    if entry.gzip or entry.brotli:
        defaults["vary"] = "accept-encoding"
    headers = merge_headers(index.headers, host, address, defaults) if index.headers else defaults
    plain = build_variant(headers, entry.hash, entry.size, Encoding.IDENTITY, entry.hash, status)
    gzip = brotli = plain
    if entry.gzip:
        gzip = brotli = build_variant(headers, entry.gzip, entry.gzip_size, Encoding.GZIP, entry.hash, status)
    if entry.brotli:
        brotli = build_variant(headers, entry.brotli, entry.brotli_size, Encoding.BROTLI, entry.hash, status)
    return Resource(path, (plain, gzip, brotli), is_page=is_page(content_type))


def choose_caching(index: Index, path: str, status: int) -> str:
    """Cache-Control: for ever where the name has a hash; else kept, but asked for again each time."""
    if index.site.password_hash:
        return PRIVATE
    return IMMUTABLE if status == 200 and is_immutable(path) else FRESH


def build_variant(
    headers: Mapping[str, str], hash: str, size: int, encoding: Encoding, of: str, status: int
) -> Variant:
    """One form: `hash` are the bytes that are sent, `of` those of the file itself."""
    etag = make_etag(of, encoding)
    pairs = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    if status == 200:
        pairs.append((b"etag", etag.encode()))
    if encoding in CODINGS:
        pairs.append((b"content-encoding", CODINGS[encoding]))
    pairs.append((b"content-length", b"%d" % size))
    return Variant({"type": "http.response.start", "status": status, "headers": pairs}, etag, hash, size)
