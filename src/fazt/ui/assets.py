"""Static files at `/static/{ui,vendor,<app>}/…`: versioned by content, cached for ever, compressed once."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import brotli

from fazt.core.app import Mount, Receive, Scope, Send
from fazt.core.errors import NotFound
from fazt.core.http.conditional import evaluate
from fazt.core.http.hosts import find_header
from fazt.core.http.messages import respond

if TYPE_CHECKING:
    from fazt.core import Core

ROOT = Path(__file__).parent
NAME = re.compile(r"[a-z][a-z0-9]*(/[A-Za-z0-9][A-Za-z0-9._-]*)+")
IMPORT = re.compile(rb"""(\bfrom\s*|\bimport\s*\(?\s*)(["'])(\.{1,2}/[^"']+|/static/[^"']+)\2""")
TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
FOREVER = b"public, max-age=31536000, immutable"
MIN_COMPRESSED_BYTES = 600


@dataclass(slots=True)
class Asset:
    """One file: its bytes, the version in its address, and what it compresses to, made when first asked for."""

    data: bytes
    content_type: str
    version: str
    encoded: dict[str, bytes] = field(default_factory=dict)


def locate(name: str) -> Path:
    """The file of `ui/fazt.css`, `vendor/htmx.js` or `<app>/…`. Raises NotFound."""
    if NAME.fullmatch(name):
        owner, _, rest = name.partition("/")
        folder = ROOT / "static" / owner if owner in {"ui", "vendor"} else ROOT.parent / "apps" / owner / "static"
        path = folder / rest
        if path.is_file():
            return path
    raise NotFound("There is no such file.")


@lru_cache(maxsize=1024)
def get_asset(name: str) -> Asset:
    """The file `name`, whose modules import others by their versioned addresses. Raises NotFound."""
    path = locate(name)
    data = path.read_bytes()
    if path.suffix == ".js" and not name.startswith("vendor/"):
        data = IMPORT.sub(lambda found: version_import(name, found), data)
    content_type = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Asset(data, content_type, hashlib.sha256(data).hexdigest()[:12])


def version_import(name: str, found: re.Match[bytes]) -> bytes:
    """An import in the module `name`, with the version of what it imports (no rings, please)."""
    target = found[3].decode()
    if target.startswith("/static/"):
        imported = target.removeprefix("/static/")
    else:
        folder = name.split("/")[:-1]
        for part in target.split("/"):
            folder = folder[:-1] if part == ".." else folder if part == "." else [*folder, part]
        imported = "/".join(folder)
    return found[1] + found[2] + asset(imported).encode() + found[2]


def asset(name: str) -> str:
    """The address of a static file, e.g. `asset("ui/fazt.css")`; it changes when the file does."""
    return f"/static/{name}?v={get_asset(name).version}"


def compress(found: Asset, encoding: str) -> bytes:
    """The file as `br` or `gzip`."""
    if encoding == "br":
        compressed: bytes = brotli.compress(found.data, quality=9)
        return compressed
    return gzip.compress(found.data, 9, mtime=0)


def choose_encoding(scope: Scope, found: Asset) -> str:
    """`br`, `gzip` or "" by what the client accepts and whether it is worth it."""
    if len(found.data) < MIN_COMPRESSED_BYTES or found.content_type.startswith(("image/png", "font/")):
        return ""
    accepted = (find_header(scope["headers"], b"accept-encoding") or b"").decode("latin-1")
    offered = {part.partition(";")[0].strip() for part in accepted.split(",") if not re.search(r"q=0(\.0*)?\s*$", part)}
    return next((encoding for encoding in ("br", "gzip") if encoding in offered), "")


async def serve_static(_core: Core, scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer GET and HEAD for one static file. Raises NotFound."""
    if scope["method"] not in {"GET", "HEAD"}:
        await respond(send, 405, [(b"allow", b"GET, HEAD")])
        return
    found = get_asset(str(scope["path"]).removeprefix("/static/"))
    encoding = choose_encoding(scope, found)
    etag = f'"{found.version}{"-" + encoding if encoding else ""}"'
    asked = parse_qs(scope["query_string"].decode("latin-1")).get("v", [""])[0]
    headers = [
        (b"content-type", found.content_type.encode()),
        (b"cache-control", FOREVER if asked == found.version else b"no-cache"),
        (b"etag", etag.encode()),
        (b"vary", b"accept-encoding"),
    ]
    if evaluate(scope["method"], scope["headers"], etag) != 200:
        await respond(send, 304, headers)
        return
    body = found.data
    if encoding:
        headers.append((b"content-encoding", encoding.encode()))
        if encoding not in found.encoded:
            found.encoded[encoding] = await asyncio.to_thread(compress, found, encoding)
        body = found.encoded[encoding]
    headers.append((b"content-length", str(len(body)).encode()))
    await respond(send, 200, headers, b"" if scope["method"] == "HEAD" else body)


STATIC = Mount("/static", serve_static, access="public", help="Styles, scripts and icons of the pages.")
