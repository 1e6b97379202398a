"""A drop onto this machine: with ranges after an interruption, checked, and decrypted where the link has a key."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple
from urllib.parse import quote, urlsplit

from fazt.apps.drops.cli.bars import Advance, progress
from fazt.apps.drops.model.names import clean_path
from fazt.apps.drops.wire.records import (
    HEADER_BYTES,
    RECORD_BYTES,
    ROOM,
    Listing,
    open_listing,
    open_stream,
    parse_key,
)
from fazt.core.client import to_error
from fazt.core.errors import Invalid, NotFound, Unavailable

if TYPE_CHECKING:
    import httpx

PAUSES_S = (0.2, 0.5, 1, 2, 4, 8, 15, 30)
PIECE_BYTES = 1 << 18


class Wanted(NamedTuple):
    """A file to be fetched. `salt` is "" where it is not encrypted; `sha256` is what the server says."""

    address: str
    path: str
    size: int
    sha256: str
    salt: str = ""


def fetch_drop(url: str, output: Path | None, password: str, stdout: BinaryIO) -> list[str]:
    """Fetch all files of a drop into `output` (None: print them); where they are. Raises NotFound, Invalid."""
    import httpx  # noqa: PLC0415

    parts = urlsplit(url)
    segments = [segment for segment in parts.path.split("/") if segment]
    if parts.scheme not in {"http", "https"} or "d" not in segments[:-1]:
        raise Invalid("This is not the link of a drop.", hint="It looks like https://HOST/d/ID.")
    drop_id = segments[segments.index("d") + 1]
    headers = {"x-password": password} if password else {}
    with httpx.Client(base_url=f"{parts.scheme}://{parts.netloc}", headers=headers, timeout=60) as http:
        facts = ask(http, f"/d/{drop_id}", {"accept": "application/json"}).json()
        key = parse_key(parts.fragment) if facts["is_encrypted"] else b""
        wanted = list_wanted(facts, key)
        if len(segments) > segments.index("d") + 2 and not key:
            asked = "/".join(segments[segments.index("d") + 2 :])
            wanted = [one for one in wanted if quote(one.path) == asked or one.path == asked]
        with progress(facts["title"] or drop_id, sum(one.size for one in wanted)) as advance:
            return [save(http, one, key, output, len(wanted), stdout, advance) for one in wanted]


def ask(http: httpx.Client, path: str, headers: dict[str, str]) -> httpx.Response:
    """One small request. Raises what the server means."""
    import httpx  # noqa: PLC0415

    try:
        answer = http.get(path, headers=headers)
    except httpx.HTTPError as error:
        raise Unavailable(f"Cannot reach {http.base_url}: {error}.") from error
    if answer.is_error:
        raise to_error(answer)
    return answer


def list_wanted(facts: dict[str, Any], key: bytes) -> list[Wanted]:
    """What is in the drop, under harmless names, whatever somebody called it."""
    files = {int(file["position"]): file for file in facts["files"]}
    if not key:
        return [
            Wanted(urlsplit(file["url"]).path, clean_path(file["path"]), file["size"], file["sha256"] or "")
            for file in files.values()
        ]
    listing: Listing = open_listing(key, facts["sealed"])
    missing = [file.name for position, file in enumerate(listing.files) if position not in files]
    if missing:
        raise NotFound(f"{missing[0]} is missing from this drop.")
    return [
        Wanted(urlsplit(files[position]["url"]).path, clean_path(file.name), file.size, "", file.salt)
        for position, file in enumerate(listing.files)
    ]


def save(
    http: httpx.Client, one: Wanted, key: bytes, output: Path | None, count: int, stdout: BinaryIO, advance: Advance
) -> str:
    """One file, by way of `NAME.part`, which a later command goes on with."""
    if output is None:
        for piece in fetch(http, one, key, 0):
            stdout.write(piece)
            advance(len(piece))
        return "-"
    is_name = count == 1 and not output.is_dir() and output != Path()
    target = output if is_name else output / PurePosixPath(one.path)
    if target.exists():
        raise Invalid(f"{target} is there already.", hint="Move it away, or choose another place with -o.")
    part = target.with_name(target.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    start = usable(part, one)
    advance(start)
    with part.open("r+b" if part.exists() else "w+b") as file:
        file.truncate(start)
        file.seek(start)
        for piece in fetch(http, one, key, start):
            file.write(piece)
            advance(len(piece))
        check(file, one)
    part.replace(target)
    return str(target)


def usable(part: Path, one: Wanted) -> int:
    """How much of what an earlier command left can be kept: of an encrypted file whole records."""
    try:
        size = part.stat().st_size
    except FileNotFoundError:
        return 0
    if size > one.size:
        return 0
    return size // ROOM * ROOM if one.salt else size


def check(file: BinaryIO, one: Wanted) -> None:
    """Raises Invalid where the bytes are not those that the server has."""
    file.flush()
    if file.tell() != one.size:
        raise Invalid(f"{one.path} has not the size that it should have.")
    if not one.sha256:
        return
    hasher = hashlib.sha256()
    file.seek(0)
    while piece := file.read(PIECE_BYTES):
        hasher.update(piece)
    if hasher.hexdigest() != one.sha256:
        raise Invalid(f"{one.path} came damaged.", hint="Delete its .part file and fetch it again.")


def fetch(http: httpx.Client, one: Wanted, key: bytes, start: int) -> Iterator[bytes]:
    """The bytes from `start` on, decrypted where the file is encrypted; `start` is then at the edge of a record."""
    if not one.salt:
        yield from fetch_raw(http, one, start, one.size)
        return
    if start >= one.size > 0:
        start = (one.size - 1) // ROOM * ROOM  # the last record is read again: it says that it is the last
        skip = one.size - start
        yield from (piece[skip:] for piece in open_from(http, one, key, start))
        return
    yield from open_from(http, one, key, start)


def open_from(http: httpx.Client, one: Wanted, key: bytes, start: int) -> Iterator[bytes]:
    """The decrypted bytes from the record on that begins at `start`."""
    first = start // ROOM
    begins = HEADER_BYTES + first * RECORD_BYTES if first else 0
    yield from open_stream(key, one.salt, fetch_raw(http, one, begins, None), first)


def fetch_raw(http: httpx.Client, one: Wanted, start: int, end: int | None) -> Iterator[bytes]:
    """The bytes that the server has, taken up again when the connection breaks. Raises Unavailable at last."""
    import httpx  # noqa: PLC0415

    failures = 0
    while end is None or start < end or not start:
        headers = {"range": f"bytes={start}-"} if start else {}
        try:
            with http.stream("GET", one.address, params={"get": ""}, headers=headers) as answer:
                if answer.is_error:
                    answer.read()
                    raise to_error(answer)
                for piece in answer.iter_raw(PIECE_BYTES):
                    start += len(piece)
                    failures = 0
                    yield piece
            return
        except (httpx.TransportError, Unavailable) as error:
            if failures >= len(PAUSES_S):
                raise Unavailable(f"The connection to {http.base_url} breaks again and again.") from error
            time.sleep(PAUSES_S[failures])
            failures += 1
