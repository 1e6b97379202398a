"""Files from this machine to a drop: by tus, in pieces, going on after any interruption."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from fazt.apps.drops.cli.bars import Advance, progress
from fazt.apps.drops.wire.records import (
    HEADER_BYTES,
    RECORD_BYTES,
    ROOM,
    SALT_BYTES,
    Listing,
    SealedFile,
    decode64,
    encode64,
    seal_listing,
    seal_stream,
    sealed_size,
)
from fazt.apps.drops.wire.share import parse_span
from fazt.core.client import Client
from fazt.core.errors import Conflict, Invalid, Locked, NotFound, Unavailable

ROOT = "/api/v1/drops"
TUS = {"tus-resumable": "1.0.0"}
PIECE_BYTES = 1 << 18
PATCH_BYTES = 32 << 20
PAUSES_S = (0.2, 0.5, 1, 2, 4, 8, 15, 30)
KEPT_S = 86_400
PASSING = (Unavailable, Locked, Conflict)


class Item(NamedTuple):
    """A file to be sent, and the path it gets in the drop."""

    file: Path
    path: str
    size: int
    mark: str


def read_items(names: tuple[str, ...]) -> list[Item]:
    """The files that were named, folders with what is in them. Raises Invalid."""
    items: list[Item] = []
    for name in names:
        if name == "-":
            items.append(read_stdin())
            continue
        path = Path(name)
        if path.is_dir():
            top = path.resolve()
            found = sorted(one for one in top.rglob("*") if one.is_file())
            items += [to_item(one, f"{top.name}/{one.relative_to(top).as_posix()}") for one in found]
        elif path.is_file():
            items.append(to_item(path, path.name))
        else:
            raise Invalid(f"There is no file {name!r}.")
    if not items:
        raise Invalid("There are no files in there.")
    return items


def to_item(file: Path, path: str) -> Item:
    """A file as it is now; `mark` changes when it does."""
    stat = file.stat()
    return Item(file, path, stat.st_size, f"{file.resolve()}/{stat.st_size}/{stat.st_mtime_ns}")


def read_stdin() -> Item:
    """Standard input as a file, kept aside until the program ends."""
    kept = tempfile.NamedTemporaryFile(prefix="fazt-drop-", delete=False)  # noqa: SIM115 - removed at exit
    with kept:
        while piece := sys.stdin.buffer.read(PIECE_BYTES):
            kept.write(piece)
    import atexit  # noqa: PLC0415

    atexit.register(os.unlink, kept.name)
    return to_item(Path(kept.name), "stdin")


def options_of(*, expires: str | None, downloads: int, sliding: bool, password: str, title: str) -> dict[str, Any]:
    """What was chosen, as the API takes it."""
    options: dict[str, Any] = {"max_downloads": downloads, "is_sliding": sliding, "password": password, "title": title}
    if expires:
        options["lifetime_s"] = parse_span(expires)
    return options


@contextmanager
def guest_client(link: str) -> Iterator[Client]:
    """A client without credentials for the cloud of a request link. Raises Invalid."""
    import httpx  # noqa: PLC0415

    parts = urlsplit(link)
    if parts.scheme not in {"http", "https"} or "/d/r/" not in parts.path:
        raise Invalid("This is not a request link.", hint="It looks like https://HOST/d/r/ID.")
    with httpx.Client(base_url=f"{parts.scheme}://{parts.netloc}", timeout=60) as http:
        yield Client(http)


class Draft:
    """A drop that is being filled, remembered in a file of this user's until it is whole."""

    def __init__(self, client: Client, items: list[Item], options: Mapping[str, Any], *, encrypt: bool) -> None:
        secrets = {name: value for name, value in options.items() if name != "password"}
        facts = [str(client.http.base_url), encrypt, secrets, [item.mark for item in items]]
        name = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        self.file = cache / "fazt" / "drops" / f"{name}.json"
        self.known: dict[str, Any] = self._load()

    def _load(self) -> dict[str, Any]:
        with suppress(OSError, ValueError):
            if time.time() - self.file.stat().st_mtime < KEPT_S:
                found: dict[str, Any] = json.loads(self.file.read_text())
                return found
        return {}

    def save(self) -> None:
        """Remember; only this user may read it, for it holds secrets."""
        with suppress(OSError):  # without a place to remember, it is only not taken up again
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            beside = self.file.with_suffix(".new")
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                json.dump(self.known, file)
            beside.replace(self.file)

    def forget(self) -> None:
        """It is whole, or gone."""
        self.file.unlink(missing_ok=True)


def send_items(client: Client, items: list[Item], options: Mapping[str, Any], *, encrypt: bool) -> dict[str, Any]:
    """Send all of `items` as one drop; its link, and the token that changes it."""
    draft = Draft(client, items, options, encrypt=encrypt)
    if not is_there(client, draft):
        draft.known = begin(client, items, options, encrypt=encrypt)
        draft.save()
    key = decode64(draft.known["key"]) if draft.known.get("key") else None
    total = sum(sealed_size(item.size) if key else item.size for item in items)
    with progress(f"Sending {len(items)} files" if len(items) > 1 else items[0].path, total) as advance:
        for position, item in enumerate(items):
            send_item(client, draft, position, item, advance)
    headers = {"x-owner-token": draft.known["owner_token"]}
    view = client.post(f"{ROOT}/{draft.known['id']}/finish", headers=headers)
    draft.forget()
    fragment = f"#{draft.known['key']}" if key else ""
    return {
        "id": view["id"],
        "url": view["url"] + fragment,
        "owner_token": draft.known["owner_token"],
        "expires_at": view["expires_at"],
        "files": view["file_count"],
        "size": view["size"],
    }


def is_there(client: Client, draft: Draft) -> bool:
    """Whether a draft that broke off can be gone on with."""
    if not draft.known:
        return False
    try:
        view = client.get(f"{ROOT}/{draft.known['id']}", headers={"x-owner-token": draft.known["owner_token"]})
    except NotFound:
        return False
    return not view["is_ready"]


def begin(client: Client, items: list[Item], options: Mapping[str, Any], *, encrypt: bool) -> dict[str, Any]:
    """A new draft; for an encrypted one with its key and the salt of each file."""
    known: dict[str, Any] = {"uploads": {}}
    body = dict(options)
    if encrypt:
        key = os.urandom(SALT_BYTES)
        salts = [encode64(os.urandom(SALT_BYTES)) for _ in items]
        files = [SealedFile(item.path, item.size, salt) for item, salt in zip(items, salts, strict=True)]
        listing = Listing(files, title=str(body.pop("title", "")))
        body |= {"is_encrypted": True, "sealed": seal_listing(key, listing)}
        known |= {"key": encode64(key), "salts": salts}
    made = client.post(ROOT, body)
    return {**known, "id": made["id"], "owner_token": made["owner_token"]}


def send_item(client: Client, draft: Draft, position: int, item: Item, advance: Advance) -> None:
    """One file, from where it broke off; waits and goes on when the connection breaks. Raises Unavailable at last."""
    failures, best = 0, -1
    while True:
        try:
            offset = find_offset(client, draft, position, item)
            if best < 0:
                advance(offset)
            best, failures = max(best, offset), 0 if offset > best else failures
            if offset >= size_of(draft, item):
                return
            patch(client, draft, position, item, offset, advance)
        except PASSING:
            if failures >= len(PAUSES_S):
                raise
            time.sleep(PAUSES_S[failures])
            failures += 1


def size_of(draft: Draft, item: Item) -> int:
    """Bytes on their way for a file."""
    return sealed_size(item.size) if draft.known.get("key") else item.size


def find_offset(client: Client, draft: Draft, position: int, item: Item) -> int:
    """Where the upload of a file is; begins it where there is none."""
    headers = {**TUS, "x-owner-token": draft.known["owner_token"]}
    address = draft.known["uploads"].get(str(position))
    if address is not None:
        with suppress(NotFound):
            return int(client.request("HEAD", address, headers=headers).headers["upload-offset"])
    path = str(position) if draft.known.get("key") else item.path
    facts = {"drop": draft.known["id"], "position": str(position), "path": path}
    metadata = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in facts.items())
    headers |= {"upload-length": str(size_of(draft, item)), "upload-metadata": metadata}
    made = client.request("POST", "/d/tus", headers=headers)
    draft.known["uploads"][str(position)] = urlsplit(made.headers["location"]).path
    draft.save()
    return 0


def patch(client: Client, draft: Draft, position: int, item: Item, offset: int, advance: Advance) -> None:
    """Some megabytes more."""
    size = min(PATCH_BYTES, size_of(draft, item) - offset)
    pieces = read_pieces(draft, position, item, offset, size)

    def counted() -> Iterator[bytes]:
        for piece in pieces:
            yield piece
            advance(len(piece))

    headers = {
        **TUS,
        "x-owner-token": draft.known["owner_token"],
        "content-type": "application/offset+octet-stream",
        "upload-offset": str(offset),
        "content-length": str(size),
    }
    client.request("PATCH", draft.known["uploads"][str(position)], content=counted(), headers=headers, timeout=600)


def read_pieces(draft: Draft, position: int, item: Item, offset: int, size: int) -> Iterator[bytes]:
    """Bytes of a file as they are sent, encrypted where the drop is. Raises Invalid where it changed meanwhile."""
    if to_item(item.file, item.path).mark != item.mark:
        raise Invalid(f"{item.file} changed while it was being sent.", hint="Send it again.")
    if not draft.known.get("key"):
        yield from cut(read_file(item.file, offset), 0, size)
        return
    first = max(0, offset - HEADER_BYTES) // RECORD_BYTES
    begins = HEADER_BYTES + first * RECORD_BYTES if first else 0
    key, salt = decode64(draft.known["key"]), decode64(draft.known["salts"][position])
    yield from cut(seal_stream(key, salt, read_file(item.file, first * ROOM), first), offset - begins, size)


def read_file(file: Path, start: int) -> Iterator[bytes]:
    """A file from byte `start` on."""
    with file.open("rb") as opened:
        opened.seek(start)
        while piece := opened.read(PIECE_BYTES):
            yield piece


def cut(pieces: Iterator[bytes], skip: int, size: int) -> Iterator[bytes]:
    """`size` bytes of a stream, after the first `skip`. Raises Invalid where it ends too early."""
    for piece in pieces:
        kept = piece[skip : skip + size]
        skip = max(0, skip - len(piece))
        size -= len(kept)
        if kept:
            yield kept
        if not size:
            return
    if size:
        raise Invalid("The file became shorter while it was being sent.")
