"""What a site is: its name, its versions and files, and what may be called a path."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

import msgspec

from fazt.core.errors import Conflict, Invalid, TooLarge

MAX_NAME = 63  # RFC 1035: one label of a host name
MAX_PATH_BYTES = 1024
MAX_SEGMENT_BYTES = 255
RESERVED_NAMES = frozenset({"www", "api", "mail", "smtp", "imap", "admin", "localhost", "turn", "stun", "ns1", "ns2"})
CODE_FILES = ("main.js", "main.ts")
PRIVATE_FILES = frozenset({"_redirects", "_headers", "fazt.json", ".faztignore"})
"""Files that steer a site and are never served."""

VISIT_KIND = "site"
MAX_FORM_BYTES = 512 << 20
"""Of an archive that a form brings; larger ones come by the API, which the pages' script uses."""

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\Z")
HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}\Z")
HASH = re.compile(r"[0-9a-f]{64}\Z")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
WINDOWS_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[1-9]|lpt[1-9])(?:\.[^/]*)?\Z", re.IGNORECASE)
DRIVE_LETTER = re.compile(r"[A-Za-z]:")


class Limits(msgspec.Struct, frozen=True):
    """What one version may hold; the settings `sites.max_*`."""

    max_files: int = 20_000
    max_file_bytes: int = 100 << 20
    max_total_bytes: int = 1 << 30
    max_ratio: int = 200
    """How many times larger an archive may become when it is unpacked (beyond the first 16 MiB)."""


class FileEntry(msgspec.Struct, frozen=True, array_like=True):
    """One file of a version: the hash of its bytes, and those of its compressed forms ("" where there is none)."""

    hash: str
    size: int
    gzip: str = ""
    gzip_size: int = 0
    brotli: str = ""
    brotli_size: int = 0


Files = Mapping[str, FileEntry]
"""A version's files by path, without a leading slash."""


class SiteOptions(msgspec.Struct, frozen=True):
    """What the owner chooses for one site."""

    spa: bool = False
    """Paths that no file answers get /index.html, with 200."""
    keep: int = 20
    """How many versions stay; 0 keeps all."""
    track: bool = True
    """Whether visits are counted."""


class Site(msgspec.Struct, frozen=True):
    """A site as it is kept. `version` is the number that is served, 0 before the first deploy."""

    id: int
    name: str
    owner: str
    version: int
    options: SiteOptions
    password_hash: str
    created_at: int
    changed_at: int
    deleted_at: int | None = None


class Version(msgspec.Struct, frozen=True):
    """One deploy, never changed afterwards."""

    number: int
    created_at: int
    created_by: str
    source: str
    """How it came: `deploy`, `archive`, `page`, `script`."""
    message: str
    file_count: int
    total_bytes: int
    changed_files: int
    is_current: bool = False


class SiteCode(msgspec.Struct, frozen=True):
    """What the endpoint `site.code` finds as `scope["fazt.site"]`: the site, and the files of the version shown."""

    site: Site
    version: int
    files: Files
    entry: str
    """The file that holds the code, e.g. `main.js`."""


class Domain(msgspec.Struct, frozen=True):
    """A host name of the owner's that shows a site."""

    host: str
    site: str
    created_at: int


def check_name(name: str) -> str:
    """`name` in lower case if it can be a host label; raises Invalid."""
    name = name.strip().lower()
    if not NAME.match(name) or len(name) > MAX_NAME or name[2:4] == "--":
        raise Invalid(
            f"{name!r} cannot be the name of a site.",
            hint="Use letters, digits and hyphens, at most 63, for example blog.",
        )
    if name in RESERVED_NAMES:
        raise Invalid(f"The name {name!r} is kept for the cloud itself.", hint="Choose another one.")
    return name


def check_host(text: str) -> str:
    """A custom domain in lower case and IDNA form; raises Invalid."""
    host = text.strip().rstrip(".").lower()
    try:
        host = host.encode("idna").decode()
    except UnicodeError as error:
        raise Invalid(f"{text!r} is not a host name.") from error
    if not HOST.match(host) or len(host) > 253 or host.rpartition(".")[2].isdigit():
        raise Invalid(f"{text!r} is not a host name.", hint="For example www.example.com.")
    return host


def check_hash(text: str) -> str:
    """A SHA-256 in lower-case hex; raises Invalid."""
    if not HASH.match(text):
        raise Invalid(f"{text[:80]!r} is not a SHA-256 in hex.")
    return text


def check_path(path: str) -> str:
    """`path` if it can be a file's path inside a site; raises Invalid, saying why not.

    Refused are absolute paths, `.` and `..`, empty segments, control characters, what is not
    UTF-8, what is too long, and names that mean something else to Windows.
    """
    reason = find_fault(path)
    if reason:
        raise Invalid(f"The path {path[:200]!r} {reason}.", path=path[:200].encode(errors="replace").decode())
    return path


def find_fault(path: str) -> str:
    """Why `path` cannot be a file's path, or ""."""
    try:
        encoded = path.encode()
    except UnicodeEncodeError:
        return "is not valid UTF-8"
    if not path:
        return "is empty"
    if len(encoded) > MAX_PATH_BYTES:
        return f"is longer than {MAX_PATH_BYTES} bytes"
    if path.startswith("/") or DRIVE_LETTER.match(path):
        return "is absolute"
    if "\\" in path:
        return "has a backslash"
    if CONTROL.search(path):
        return "has a control character"
    return next((reason for segment in path.split("/") if (reason := find_segment_fault(segment))), "")


def find_segment_fault(segment: str) -> str:
    """Why a name between two slashes cannot be one, or ""."""
    if not segment:
        return "has an empty name in it"
    if segment in {".", ".."}:
        return f"has {segment!r} in it"
    if len(segment.encode()) > MAX_SEGMENT_BYTES:
        return f"has a name longer than {MAX_SEGMENT_BYTES} bytes"
    if WINDOWS_DEVICE.match(segment):
        return f"has the name {segment!r}, which is a device on Windows"
    return ""


def check_paths(paths: Iterable[str]) -> None:
    """Every path is one, and none is both a file and a folder. Raises Invalid or Conflict."""
    files: set[str] = set()
    folders: dict[str, str] = {}
    for path in paths:
        check_path(path)
        files.add(path)
        folder = path.rpartition("/")[0]
        while folder and folder not in folders:
            folders[folder] = path
            folder = folder.rpartition("/")[0]
    for path in files & folders.keys():
        raise Conflict(f"{path!r} is a file and also a folder (of {folders[path]!r}).")


def check_limits(sizes: Mapping[str, int], limits: Limits) -> None:
    """Raises TooLarge if there are too many files, one is too large, or all together are."""
    if len(sizes) > limits.max_files:
        raise TooLarge(f"There are {len(sizes):,} files; a site may have {limits.max_files:,}.")
    for path, size in sizes.items():
        if size > limits.max_file_bytes:
            raise TooLarge(
                f"{path!r} has {size:,} bytes; a file may have {limits.max_file_bytes:,}.",
                hint="Share large files as drops, or raise sites.max_file_mb.",
            )
    total = sum(sizes.values())
    if total > limits.max_total_bytes:
        raise TooLarge(f"The files have {total:,} bytes together; a site may have {limits.max_total_bytes:,}.")


def find_code(files: Collection[str]) -> str:
    """The file whose code answers for a site, or "".

    Plain sites have a main.js too, for browsers: beside an index.html it counts only with a fazt.json.
    """
    if "index.html" in files and "fazt.json" not in files:
        return ""
    return next((name for name in CODE_FILES if name in files), "")
