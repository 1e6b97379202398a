"""How a stranger's file may be shown: the type it is served with, and whether a page may show it."""

from __future__ import annotations

from typing import Literal

Preview = Literal["", "image", "video", "audio", "pdf", "text"]

HIGHLIGHT_BYTES = 256 * 1024
"""Longer texts are shown without colours, and only their beginning."""

IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp", "image/svg+xml"})
PLAIN = frozenset(
    {"application/json", "application/xml", "application/javascript", "application/ecmascript", "application/x-sh"}
    | {"application/toml", "application/yaml", "application/x-yaml", "application/sql", "application/x-httpd-php"}
    | {"application/x-javascript", "application/x-ndjson", "application/xhtml+xml", "application/typescript"}
    | {"application/x-python-code", "application/x-tex", "application/x-csh", "application/x-perl"}
)
"""What is text although its type does not begin with `text/`."""
PACKED = frozenset(
    {"application/zip", "application/gzip", "application/x-tar", "application/x-7z-compressed", "application/zstd"}
    | {"application/pdf", "application/epub+zip", "application/x-bzip2", "application/x-xz"}
)
TEXT_NAMES = frozenset(
    {".md", ".toml", ".yml", ".yaml", ".ini", ".cfg", ".conf", ".log", ".rs", ".go", ".ts", ".tsx", ".jsx", ".sql"}
    | {".rb", ".lua", ".kt", ".swift", ".zig", ".nix", ".env", ".diff", ".patch", ".srt", ".vtt", ".tex", ".svelte"}
    | {".vue", ".scss", ".gitignore", ".dockerfile", ".tf", ".proto", ".graphql"}
)
TEXT = "text/plain; charset=utf-8"


def is_text(type: str, path: str) -> bool:
    """Whether somebody would read it as text."""
    dotted = "." + path.lower().rpartition(".")[2]
    return type.startswith("text/") or type in PLAIN or dotted in TEXT_NAMES


def serving_type(type: str, path: str) -> str:
    """The Content-Type a file is served with. Never one that a browser would run: no HTML, script, style or XML.

    Even as an attachment it could be the source of a `<script>` on a page of ours, so scripts are plain text.
    """
    if type in IMAGES or type in PACKED or type.startswith(("video/", "audio/")):
        return type
    return TEXT if is_text(type, path) else "application/octet-stream"


def is_inline_safe(type: str, path: str) -> bool:
    """Whether it may be opened in the browser (within a sandbox, which the answer's headers make)."""
    return preview_of(type, path) != ""


def preview_of(type: str, path: str) -> Preview:
    """What a page shows it as, or "" for not at all."""
    kinds: tuple[tuple[bool, Preview], ...] = (
        (type in IMAGES, "image"),
        (type.startswith("video/"), "video"),
        (type.startswith("audio/"), "audio"),
        (type == "application/pdf", "pdf"),
        (is_text(type, path), "text"),
    )
    return next((preview for fits, preview in kinds if fits), "")
