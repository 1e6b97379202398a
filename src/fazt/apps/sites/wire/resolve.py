"""From the path that was asked for to the file that answers it."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from urllib.parse import quote

from fazt.apps.sites.model import MAX_PATH_BYTES, PRIVATE_FILES
from fazt.apps.sites.wire.patterns import SAFE
from fazt.apps.sites.wire.types import find_ending


@dataclass(frozen=True, slots=True)
class Found:
    """The file at `path` answers."""

    path: str


@dataclass(frozen=True, slots=True)
class Moved:
    """The same page has its address elsewhere: with or without a slash at the end."""

    location: str


def resolve(path: str, files: Container[str]) -> Found | Moved | None:
    """Who answers `path` (decoded, with its leading slash): a file, its other address, or nobody.

    `/` and `/docs/` are `index.html` of that folder, `/about` is `about.html`, `/docs` moves to
    `/docs/`, and `/about/` to `/about`.
    """
    name = path[1:]
    if not path.startswith("/") or name in PRIVATE_FILES:
        return None
    if not name or name.endswith("/"):
        return resolve_folder(name, files)
    if name in files:
        return Found(name)
    if name + ".html" in files:
        return Found(name + ".html")
    if name + "/index.html" in files:
        return Moved(encode_path(path + "/"))
    return None


def resolve_folder(name: str, files: Container[str]) -> Found | Moved | None:
    """As `resolve`, for "" and for names with a slash at their end."""
    if name + "index.html" in files:
        return Found(name + "index.html")
    bare = name[:-1]
    if bare and bare + ".html" in files:
        return Moved(encode_path("/" + bare))
    return None


def encode_path(path: str) -> str:
    """`path` for a Location header; never `//host`, which would lead away."""
    return "/" + quote(path, safe=SAFE).lstrip("/")


def find_error_page(path: str, files: Container[str]) -> str:
    """The nearest `404.html`, from the folder of `path` upward, or ""."""
    folder = path[1 : MAX_PATH_BYTES + 1].rpartition("/")[0]  # a longer one holds nothing
    while folder:
        if folder + "/404.html" in files:
            return folder + "/404.html"
        folder = folder.rpartition("/")[0]
    return "404.html" if "404.html" in files else ""


def wants_page(path: str) -> bool:
    """Whether a single-page app's `/index.html` may answer: `/users/7` yes, `/app.js` no."""
    return find_ending(path) in {"", "html", "htm"}
