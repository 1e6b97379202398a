"""Names in exported archives, and the head of an exported note."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime
from tarfile import GNU_FORMAT, TarInfo

from fazt.apps.joplin.model.items import LINK, Item

FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]+')
RESOURCES = "_resources"
BLOCK = 512


def safe_name(title: str) -> str:
    """A title as the name of a file on any system."""
    name = FORBIDDEN.sub("-", title).strip(" .")[:80].strip(" .")
    return name or "Untitled"


def unique(name: str, taken: set[str], extension: str = "") -> str:
    """`name` with the extension, with a number where it is taken; noted in `taken` without regard to capitals."""
    found, number = f"{name}{extension}", 1
    while found.lower() in taken:
        number += 1
        found = f"{name} ({number}){extension}"
    taken.add(found.lower())
    return found


def extension_of(item: Item) -> str:
    """The end of an attachment's file name, with its dot, or ""."""
    extension = item.fields.get("file_extension", "") or item.title.rpartition(".")[2]
    return f".{extension}" if re.fullmatch(r"[A-Za-z0-9]{1,12}", extension) else ""


def front_matter(item: Item, tags: Collection[str]) -> str:
    """What Joplin writes above an exported note."""
    lines = [f"title: {quote(item.title)}"]
    for key, name in (("updated", "user_updated_time"), ("created", "user_created_time")):
        if moment := item.fields.get(name):
            lines.append(f"{key}: {moment.replace('T', ' ')}")
    if item.fields.get("is_todo") == "1":
        lines.append(f"completed?: {'no' if item.fields.get('todo_completed', '0') == '0' else 'yes'}")
    if source := item.fields.get("source_url"):
        lines.append(f"source: {quote(source)}")
    if tags:
        lines += ["tags:", *(f"  - {quote(tag)}" for tag in sorted(tags))]
    return "---\n" + "\n".join(lines) + "\n---\n\n"


def quote(text: str) -> str:
    """A text as YAML takes it."""
    plain = re.fullmatch(r"[\w][\w ,.()/&'+-]*", text) and text.lower() not in {"yes", "no", "true", "false", "null"}
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return text if plain else f'"{escaped}"'


def relink(body: str, depth: int, files: dict[str, str]) -> str:
    """The body with links to exported files; `depth` folders lie between it and the top."""
    up = "../" * depth

    def put_path(found: re.Match[str]) -> str:
        path = files.get(found[1].lower())
        if path is None:
            return found[0]
        return found[0][: found.start(1) - found.start(0) - 2] + up + path.replace(" ", "%20")

    return LINK.sub(put_path, body)


def tar_head(name: str, size: int, at: int) -> bytes:
    """The head of a file in a tar archive; `at` in ms."""
    info = TarInfo(name)
    info.size, info.mtime, info.mode = size, max(0, at // 1000), 0o644
    return info.tobuf(GNU_FORMAT, "utf-8", "replace")


def tar_fill(size: int) -> bytes:
    """What fills the last block of a file of this size."""
    return b"\0" * (-size % BLOCK)


def file_date(at: int) -> tuple[int, int, int, int, int, int]:
    """A moment (ms) as zip archives take it."""
    day = datetime.fromtimestamp(max(at, 315_619_200_000) / 1000, UTC)
    return day.year, day.month, day.day, day.hour, day.minute, day.second
