"""Content types by name, which of them are worth compressing, and which names never change their bytes."""

from __future__ import annotations

import itertools
import re

TEXT = {
    "html": "text/html",
    "htm": "text/html",
    "xhtml": "application/xhtml+xml",
    "css": "text/css",
    "js": "text/javascript",
    "mjs": "text/javascript",
    "cjs": "text/javascript",
    "ts": "text/plain",
    "tsx": "text/plain",
    "jsx": "text/plain",
    "json": "application/json",
    "map": "application/json",
    "jsonld": "application/ld+json",
    "geojson": "application/geo+json",
    "topojson": "application/json",
    "webmanifest": "application/manifest+json",
    "xml": "application/xml",
    "xsl": "application/xml",
    "xsd": "application/xml",
    "rss": "application/rss+xml",
    "atom": "application/atom+xml",
    "svg": "image/svg+xml",
    "txt": "text/plain",
    "text": "text/plain",
    "log": "text/plain",
    "md": "text/markdown",
    "markdown": "text/markdown",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "ics": "text/calendar",
    "vcf": "text/vcard",
    "vtt": "text/vtt",
    "srt": "text/plain",
    "yaml": "application/yaml",
    "yml": "application/yaml",
    "toml": "application/toml",
    "rst": "text/plain",
    "py": "text/plain",
    "sh": "text/plain",
    "gpx": "application/gpx+xml",
    "kml": "application/vnd.google-earth.kml+xml",
    "graphql": "application/graphql",
    "glsl": "text/plain",
    "asc": "text/plain",
    "license": "text/plain",
}
"""Sent with `charset=utf-8`, and compressed."""

BINARY = {
    "wasm": "application/wasm",
    "ico": "image/x-icon",
    "bmp": "image/bmp",
    "ttf": "font/ttf",
    "otf": "font/otf",
    "eot": "application/vnd.ms-fontobject",
    "gltf": "model/gltf+json",
    "obj": "model/obj",
    "stl": "model/stl",
    "bin": "application/octet-stream",
    "dat": "application/octet-stream",
    "tar": "application/x-tar",
    "glb": "model/gltf-binary",
    "pdf": "application/pdf",
}
"""Compressed too, where that makes them smaller."""

PACKED = {
    "png": "image/png",
    "apng": "image/apng",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "jfif": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
    "heic": "image/heic",
    "heif": "image/heif",
    "jxl": "image/jxl",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "woff": "font/woff",
    "woff2": "font/woff2",
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "aac": "audio/aac",
    "oga": "audio/ogg",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "weba": "audio/webm",
    "mp4": "video/mp4",
    "m4v": "video/mp4",
    "webm": "video/webm",
    "ogv": "video/ogg",
    "mov": "video/quicktime",
    "mkv": "video/x-matroska",
    "m3u8": "application/vnd.apple.mpegurl",
    "mpd": "application/dash+xml",
    "m4s": "video/iso.segment",
    "zip": "application/zip",
    "gz": "application/gzip",
    "tgz": "application/gzip",
    "br": "application/octet-stream",
    "bz2": "application/x-bzip2",
    "xz": "application/x-xz",
    "zst": "application/zstd",
    "7z": "application/x-7z-compressed",
    "rar": "application/vnd.rar",
    "epub": "application/epub+zip",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "jar": "application/java-archive",
    "apk": "application/vnd.android.package-archive",
    "dmg": "application/x-apple-diskimage",
    "wacz": "application/zip",
    "pmtiles": "application/octet-stream",
}
"""Compressed by nature: left as they are."""

UNKNOWN = "application/octet-stream"
NAMES = {
    "apple-app-site-association": "application/json",
    "cname": "text/plain; charset=utf-8",
    "license": "text/plain; charset=utf-8",
    "readme": "text/plain; charset=utf-8",
}
KNOWN = {ending: f"{kind}; charset=utf-8" for ending, kind in TEXT.items()} | BINARY | PACKED
COMPRESSIBLE = frozenset(TEXT) | frozenset(BINARY)
MIN_COMPRESSED = 512
MAX_COMPRESSED = 16 << 20

IMMUTABLE_FOLDERS = ("_next/static/", "_app/immutable/")
HEX = re.compile(r"[.\-_]([0-9a-f]{8,64})\Z")
UPPER = re.compile(r"[.\-]([A-Z2-7]{8})\Z")
MIXED = re.compile(r"[.\-]([0-9A-Za-z_-]{8}|[0-9A-Za-z_-]{10,12}|[0-9A-Za-z]{16,32})\Z")
ENDINGS = re.compile(r"((?:\.(?:[a-z][a-z0-9]{0,9}))+)\Z")


def find_ending(path: str) -> str:
    """What follows the last dot of the name, in lower case, or ""."""
    return path.rpartition("/")[2].rpartition(".")[2].lower() if "." in path.rpartition("/")[2] else ""


def guess_type(path: str) -> str:
    """The Content-Type of a file by its name."""
    name = path.rpartition("/")[2].lower()
    return NAMES.get(name) or KNOWN.get(find_ending(path), UNKNOWN)


def is_page(content_type: str) -> bool:
    """Whether somebody who opens this sees a page, which is counted as a visit."""
    return content_type.startswith(("text/html", "application/xhtml"))


def is_compressible(path: str, size: int) -> bool:
    """Whether gzip and brotli are worth a try."""
    if not MIN_COMPRESSED <= size <= MAX_COMPRESSED:
        return False
    return find_ending(path) in COMPRESSIBLE or path.rpartition("/")[2].lower() in NAMES


def is_immutable(path: str) -> bool:
    """Whether a build tool has put a hash of the bytes into the name, so that it may be cached for ever.

    Errs on the side of no: a page that is not refreshed for a year is worse than one request more.
    """
    if path.startswith(IMMUTABLE_FOLDERS):
        return True
    name = path.rpartition("/")[2]
    endings = ENDINGS.search(name)
    if endings is None or find_ending(path) in {"html", "htm"}:
        return False
    stem = name[: endings.start()]
    # main.3f2a9c1b.chunk.js: what looks like an ending may be the hash
    return has_hash(stem) or any(
        has_hash("." + part) or has_hash(stem + "." + part) for part in endings[1].split(".")[1:-1] if len(part) >= 8
    )


def has_hash(stem: str) -> bool:
    """Whether a name without its endings closes with what can only be a hash."""
    found = HEX.search(stem)
    if found and sum(c.isdigit() for c in found[1]) > 1 and sum(c.isalpha() for c in found[1]) > 1:
        return True
    found = UPPER.search(stem)
    if found and count_changes(found[1]) > 1 and any(c.isdigit() for c in found[1]):
        return True
    found = MIXED.search(stem)
    return bool(found and is_mixed(found[1]))


def is_mixed(token: str) -> bool:
    """Whether letters in both cases and digits come in an order that no word has."""
    kinds = {kind_of(c) for c in token}
    return {"upper", "lower", "digit"} <= kinds and count_changes(token) > 2


def count_changes(token: str) -> int:
    """How often the kind of character changes."""
    return sum(kind_of(a) != kind_of(b) for a, b in itertools.pairwise(token))


def kind_of(character: str) -> str:
    """upper, lower, digit or other."""
    if character.isdigit():
        return "digit"
    if character.isalpha():
        return "upper" if character.isupper() else "lower"
    return "other"
