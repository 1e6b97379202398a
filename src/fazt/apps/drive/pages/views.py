"""What pages show of files: where they are, what kind they are, which parts of a path lead where."""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from fazt.apps.drive.actions import has_thumb
from fazt.apps.drive.model.nodes import Node
from fazt.apps.drive.wire.paths import to_href
from fazt.apps.drive.wire.types import find_type

MAX_TEXT_BYTES = 400_000
PICTURES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/svg+xml", "image/bmp"})
ICONS = {"folder": "drive", "image": "image", "video": "film", "audio": "music"}


class Row(msgspec.Struct):
    """A file or folder in a list."""

    node: Node
    href: str
    path: str
    kind: str
    icon: str
    thumb: str = ""
    place: str = ""


def find_kind(found: Node) -> str:
    """How a page shows it: folder, image, video, audio, pdf, markdown, text, or file."""
    if found.is_folder:
        return "folder"
    kind = find_type(found.name).partition(";")[0]
    if kind in PICTURES:
        return "image"
    main = kind.partition("/")[0]
    if main in {"video", "audio"}:
        return main
    special = {"application/pdf": "pdf", "text/markdown": "markdown"}.get(kind)
    is_text = main == "text" or kind in {"application/json", "application/xml", "application/javascript"}
    return special or ("text" if is_text else "file")


def page_href(names: tuple[str, ...], *, is_folder: bool = True) -> str:
    """The page of an address below `/drive`."""
    return "/drive" + to_href(names, is_folder=False) if names or not is_folder else "/drive/files"


def api_path(names: tuple[str, ...]) -> str:
    """The path that the API takes for an address: `/a/b` for files, `/shared:team/a` for what is shared."""
    if names[:1] == ("shared",) and len(names) > 1:
        return "/".join((f"/shared:{names[1]}", *names[2:]))
    return "/" + "/".join(names[1:])


def to_row(
    found: Node, names: tuple[str, ...], *, base: str = "/drive", thumbs: str = "/drive/thumb", place: str = ""
) -> Row:
    """A row for a node at this address."""
    kind = find_kind(found)
    thumb = f"{thumbs}/{found.id}?v={found.hash[:12]}" if has_thumb(found) else ""
    href = base + to_href(names, is_folder=False)
    return Row(found, href, api_path(names), kind, ICONS.get(kind, "file"), thumb, place)


def crumbs(names: tuple[str, ...]) -> list[tuple[str, str]]:
    """The folders above a page, and itself: what they are called, and where they are."""
    start = 1 if names[0] == "files" else 2
    first = "Files" if names[0] == "files" else names[1]
    found = [(first, page_href(names[:start]))]
    found += [(name, page_href(names[: level + 1])) for level, name in enumerate(names) if level >= start]
    return found


def sort_nodes(nodes: list[Node], order: str) -> list[Node]:
    """Folders first; by name (as people count: 2 before 10), by size, or the newest first."""
    keys = {
        "size": lambda node: (not node.is_folder, -node.size, node.name),
        "time": lambda node: (not node.is_folder, -node.modified_at, node.name),
    }
    return sorted(nodes, key=keys.get(order, lambda node: (not node.is_folder, *natural(node.name))))


def natural(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """A name as people sort it: numbers by their value, letters without regard to case."""
    parts: list[tuple[int, int, str]] = []
    text = name.casefold()
    at = 0
    while at < len(text):
        start = at
        is_digit = text[at].isascii() and text[at].isdigit()
        while at < len(text) and (text[at].isascii() and text[at].isdigit()) is is_digit:
            at += 1
        piece = text[start:at]
        parts.append((0, int(piece[:18]), piece) if is_digit else (1, 0, piece))
    return parts, name


def attachment(name: str) -> str:
    """The header that makes a browser save bytes under a name."""
    plain = "".join(char if char.isascii() and char.isprintable() and char not in '"\\%' else "_" for char in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
