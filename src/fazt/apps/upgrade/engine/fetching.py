"""Releases over HTTP: the list, and files that go on where they were cut off."""

from __future__ import annotations

import hashlib
import ipaddress
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from fazt import __version__
from fazt.apps.upgrade.model import Asset, Release
from fazt.apps.upgrade.wire import parse_releases
from fazt.core.db.copying import Advance, check_room
from fazt.core.errors import FaztError, Invalid, NotFound, TooLarge, Unavailable

MAX_LIST_BYTES = 8 * 1024**2
MAX_TEXT_BYTES = 256 * 1024
MAX_ARCHIVE_BYTES = 1024**3
PIECE_BYTES = 256 * 1024
TIMEOUT_S = 30.0
TRIES = 5
PAUSE_S = 0.5
PARTIAL = ".partial"


def check_url(text: str) -> None:
    """Raises Invalid for all but HTTPS; HTTP goes to this machine itself, for mirrors on it and for tests."""
    url = urlsplit(text)
    is_local = url.hostname == "localhost"
    with suppress(ValueError):
        is_local = is_local or ipaddress.ip_address(url.hostname or "").is_loopback
    if not url.hostname or url.scheme not in {"https", "http"} or (url.scheme == "http" and not is_local):
        raise Invalid(f"{text[:200]!r} is not an address of HTTPS.", hint="Releases are fetched over HTTPS only.")


@contextmanager
def opened() -> Iterator[httpx.Client]:
    """A client that goes through the proxy of the environment, and follows redirects only to where it may."""

    def check(request: httpx.Request) -> None:
        check_url(str(request.url))

    headers = {"user-agent": f"fazt/{__version__}", "accept-encoding": "identity"}
    hooks = {"request": [check]}
    with httpx.Client(headers=headers, event_hooks=hooks, timeout=TIMEOUT_S, follow_redirects=True) as client:
        yield client


@contextmanager
def translated(url: str) -> Iterator[None]:
    """What goes wrong on the way, as errors that edges know."""
    host = urlsplit(url).hostname or url
    try:
        yield
    except httpx.HTTPStatusError as error:
        code = error.response.status_code
        kind = NotFound if code == httpx.codes.NOT_FOUND else Unavailable
        raise kind(f"{host} answered {code}.", hint="See the setting upgrade.releases_url.") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unavailable(f"{host} cannot be reached: {error or type(error).__name__}.") from error


def fetch_text(url: str, limit: int = MAX_TEXT_BYTES) -> bytes:
    """A small file. Raises NotFound, Unavailable, TooLarge."""
    check_url(url)
    with translated(url), opened() as client, client.stream("GET", url, headers=accept_of(url)) as response:
        response.raise_for_status()
        found = b""
        for piece in response.iter_bytes(PIECE_BYTES):
            found += piece
            if len(found) > limit:
                raise TooLarge(f"The answer of {urlsplit(url).hostname} is too long.")
        return found


def accept_of(url: str) -> dict[str, str]:
    """GitHub wants to be asked in its own way."""
    return {"accept": "application/vnd.github+json"} if urlsplit(url).hostname == "api.github.com" else {}


def list_releases(url: str) -> list[Release]:
    """The releases that there are. Raises Invalid where nobody said where."""
    if not url:
        raise Invalid(
            "Nobody has said where releases are.",
            hint="fazt settings set upgrade.releases_url https://api.github.com/repos/OWNER/REPOSITORY/releases",
        )
    return parse_releases(fetch_text(url, MAX_LIST_BYTES))


def download(asset: Asset, target: Path, sha256: str, advance: Advance) -> None:
    """A file of a release, at `target` when it is whole and its sum is right. Raises Invalid where it is not.

    What came before the line was cut stays, and the next try goes on there; so does the next command.
    """
    check_url(asset.url)
    if asset.size > MAX_ARCHIVE_BYTES:
        raise TooLarge(f"{asset.name} is larger than any release of fazt.")
    partial = target.with_name(target.name + PARTIAL)
    held = partial.stat().st_size if partial.exists() else 0
    check_room(target.parent, max(0, asset.size - held))
    fetch_whole(asset, partial, advance)
    if hash_file(partial) != sha256:
        partial.unlink()
        if held:  # what lay there may have been of another file
            fetch_whole(asset, partial, advance)
        if not partial.exists() or hash_file(partial) != sha256:
            partial.unlink(missing_ok=True)
            raise Invalid(f"The checksum of {asset.name} is wrong.", hint="Nothing was changed. Try again later.")
    partial.rename(target)


def fetch_whole(asset: Asset, partial: Path, advance: Advance) -> None:
    """Try until it is there. Raises Unavailable when several tries in a row have brought nothing."""
    vain = 0
    while True:
        before = partial.stat().st_size if partial.exists() else 0
        try:
            with translated(asset.url), opened() as client:
                fetch_rest(client, asset, partial, before, advance)
            return
        except FaztError as error:
            came = partial.exists() and partial.stat().st_size > before
            vain = 0 if came else vain + 1
            if vain >= TRIES or not isinstance(error, Unavailable):
                raise
        time.sleep(PAUSE_S * 2**vain)


def fetch_rest(client: httpx.Client, asset: Asset, partial: Path, held: int, advance: Advance) -> None:
    """From where it was cut off to the end; from the beginning where the server knows no ranges."""
    if asset.size and held >= asset.size:
        return
    headers = {"range": f"bytes={held}-"} if held else {}
    with client.stream("GET", asset.url, headers=headers) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            return
        response.raise_for_status()
        is_rest = response.status_code == httpx.codes.PARTIAL_CONTENT
        done = held if is_rest else 0
        with partial.open("ab" if is_rest else "wb") as file:
            for piece in response.iter_raw():  # in no larger pieces than come: each is kept when the line is cut
                done += len(piece)
                if done > (asset.size or MAX_ARCHIVE_BYTES):
                    raise TooLarge(f"{asset.name} is longer than was said.")
                file.write(piece)
                advance(done, asset.size)
    if done < asset.size:
        raise Unavailable(f"The download of {asset.name} was cut off.", hint="Try again: it goes on where it was.")


def hash_file(path: Path) -> str:
    """SHA-256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
