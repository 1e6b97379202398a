"""Where backups lie: a folder, or a bucket of S3 and its kin."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote

import msgspec

from fazt.apps.backup.model import SIDECAR, Entry, Summary, check_file_name, parse_name
from fazt.apps.backup.wire import split_url
from fazt.core.db.copying import Advance, check_room, sync_file
from fazt.core.errors import Invalid, NotFound, Unavailable

if TYPE_CHECKING:
    from obstore.store import S3Store

PART_BYTES = 8 * 1024 * 1024
PARTIAL = ".partial"


class Keys(msgspec.Struct, frozen=True):
    """How to sign in to S3. What is empty comes from the usual variables (AWS_ACCESS_KEY_ID and so on)."""

    endpoint: str = ""
    region: str = ""
    key_id: str = ""
    secret_key: str = ""


class Place(Protocol):
    """Files by name; `put` is all or nothing."""

    url: str

    def put(self, source: Path, name: str, advance: Advance) -> None:
        """Store the file `source`, which may be moved there."""
        ...

    def put_bytes(self, name: str, data: bytes) -> None:
        """Store a small file."""
        ...

    def fetch(self, name: str, target: Path, advance: Advance) -> None:
        """Write the file to `target`. Raises NotFound."""
        ...

    def read(self, name: str) -> bytes:
        """A small file. Raises NotFound."""
        ...

    def delete(self, name: str) -> None:
        """Remove a file; that it is not there is as well."""
        ...

    def sizes(self) -> dict[str, int]:
        """Names and sizes of the files in it."""
        ...


class Folder:
    """A folder of this machine."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = str(path)

    def put(self, source: Path, name: str, advance: Advance) -> None:
        """See Place."""
        self.path.mkdir(parents=True, exist_ok=True)
        size = source.stat().st_size
        target, partial = self.path / name, self.path / (name + PARTIAL)
        if source.stat().st_dev == self.path.stat().st_dev:
            source.rename(partial)
        else:
            check_room(self.path, size)
            with source.open("rb") as reader, partial.open("wb") as writer:
                copy_stream(reader, writer, size, advance)
            source.unlink()
        partial.chmod(0o600)
        settle(partial, target)
        advance(size, size)

    def put_bytes(self, name: str, data: bytes) -> None:
        """See Place."""
        partial = self.path / (name + PARTIAL)
        partial.write_bytes(data)
        partial.chmod(0o600)
        settle(partial, self.path / name)

    def fetch(self, name: str, target: Path, advance: Advance) -> None:
        """See Place."""
        with missing(name), (self.path / name).open("rb") as reader, target.open("wb") as writer:
            copy_stream(reader, writer, os.fstat(reader.fileno()).st_size, advance)

    def read(self, name: str) -> bytes:
        """See Place."""
        with missing(name):
            return (self.path / name).read_bytes()

    def delete(self, name: str) -> None:
        """See Place."""
        (self.path / name).unlink(missing_ok=True)

    def sizes(self) -> dict[str, int]:
        """See Place."""
        if not self.path.is_dir():
            return {}
        found = {}
        for path in self.path.iterdir():
            with suppress(FileNotFoundError):  # deleted between the two
                if path.is_file():
                    found[path.name] = path.stat().st_size
        return found


class Bucket:
    """A bucket, or the part of it below a prefix."""

    def __init__(self, url: str, keys: Keys) -> None:
        self.url = url.rstrip("/")
        parts = split_url(self.url)
        self.prefix = unquote(parts.path).strip("/")
        self.store = open_bucket(parts.netloc, self.prefix, keys)

    def put(self, source: Path, name: str, advance: Advance) -> None:
        """See Place. An upload in parts is seen by nobody before it is whole."""
        import obstore  # noqa: PLC0415 - obstore is large, and only buckets need it

        size, done = source.stat().st_size, 0
        advance(0, size)

        def pieces() -> Iterator[bytes]:
            nonlocal done
            with source.open("rb") as reader:
                while piece := reader.read(PART_BYTES):
                    yield piece
                    done += len(piece)
                    advance(done, size)

        with translated():
            obstore.put(self.store, name, pieces(), chunk_size=PART_BYTES, max_concurrency=4)
        source.unlink()

    def put_bytes(self, name: str, data: bytes) -> None:
        """See Place."""
        import obstore  # noqa: PLC0415 - obstore is large, and only buckets need it

        with translated():
            obstore.put(self.store, name, data)

    def fetch(self, name: str, target: Path, advance: Advance) -> None:
        """See Place."""
        import obstore  # noqa: PLC0415 - obstore is large, and only buckets need it

        with translated(), target.open("wb") as writer:
            answer = obstore.get(self.store, name)
            done, size = 0, answer.meta["size"]
            for piece in answer.stream(min_chunk_size=PART_BYTES):
                writer.write(piece)
                done += len(piece)
                advance(done, size)

    def read(self, name: str) -> bytes:
        """See Place."""
        import obstore  # noqa: PLC0415 - obstore is large, and only buckets need it

        with translated():
            return bytes(obstore.get(self.store, name).bytes())

    def delete(self, name: str) -> None:
        """See Place."""
        import obstore  # noqa: PLC0415 - obstore is large, and only buckets need it

        with translated(), suppress(FileNotFoundError):
            obstore.delete(self.store, name)

    def sizes(self) -> dict[str, int]:
        """See Place."""
        import obstore  # noqa: PLC0415 - obstore is large, and only buckets need it

        with translated():
            found = obstore.list_with_delimiter(self.store)["objects"]
            return {str(entry["path"]).rpartition("/")[2]: entry["size"] for entry in found}


def open_bucket(bucket: str, prefix: str, keys: Keys) -> S3Store:
    """The store of a bucket below a prefix."""
    from obstore.store import S3Store  # noqa: PLC0415 - obstore is large, and only buckets need it

    endpoint = keys.endpoint or os.environ.get("AWS_ENDPOINT_URL", "")
    config: dict[str, Any] = {
        "access_key_id": keys.key_id,
        "secret_access_key": keys.secret_key,
        "region": keys.region or os.environ.get("AWS_REGION", "us-east-1"),
        "endpoint": endpoint,
    }
    config = {name: value for name, value in config.items() if value}
    with translated():
        return S3Store(
            bucket,
            prefix=prefix or None,
            client_options={"allow_http": endpoint.startswith("http://"), "timeout": "300s"},
            retry_config={"max_retries": 4},
            **config,
        )


def open_place(url: str, keys: Keys) -> Place:
    """The place at `url`: `s3://bucket/prefix`, or the path of a folder. Raises Invalid."""
    if url.startswith("s3://"):
        if not split_url(url).netloc:
            raise Invalid(f"{url!r} names no bucket.", hint="For example s3://bucket/folder.")
        return Bucket(url, keys)
    path = Path(unquote(split_url(url).path) if url.startswith("file://") else url).expanduser()
    if "://" in url and not url.startswith("file://"):
        raise Invalid(f"{url!r} is neither a folder nor s3://bucket/folder.")
    if not path.is_absolute():
        raise Invalid(f"{url!r} is not a whole path.", hint="For example /srv/backups.")
    return Folder(path)


def list_entries(place: Place) -> list[Entry]:
    """The backups at a place, newest first."""
    sizes = place.sizes()
    found = []
    for name, size in sizes.items():
        at = parse_name(name)
        if at is not None:
            summary = read_summary(place, name) if name + SIDECAR in sizes else None
            found.append(Entry(name, at, size, name.endswith(".age"), summary))
    return sorted(found, key=lambda entry: entry.created_at, reverse=True)


def read_summary(place: Place, name: str) -> Summary | None:
    """The sidecar of a backup, or None where it cannot be read."""
    try:
        return msgspec.json.decode(place.read(name + SIDECAR), type=Summary)
    except (NotFound, msgspec.MsgspecError):
        return None


def delete_backup(place: Place, name: str) -> None:
    """Remove a backup and its sidecar. Raises Invalid for a name that is none of a backup."""
    check_file_name(name)
    place.delete(name)
    place.delete(name + SIDECAR)


def sweep_partials(folder: Path) -> None:
    """Remove what a backup left that was cut off; nobody else makes one here now."""
    for path in folder.glob(f"fazt-*{PARTIAL}"):
        path.unlink(missing_ok=True)


def copy_stream(reader: Any, writer: Any, size: int, advance: Advance) -> None:
    """All bytes, in pieces, so that the caller can tell how far it is."""
    done = 0
    while piece := reader.read(PART_BYTES):
        writer.write(piece)
        done += len(piece)
        advance(done, size)


def settle(partial: Path, target: Path) -> None:
    """Give a finished file its name, all on disk."""
    sync_file(partial)
    partial.rename(target)
    sync_file(target.parent)


@contextmanager
def missing(name: str) -> Iterator[None]:
    """What a missing file means."""
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound(f"{name} is not there.") from error


@contextmanager
def translated() -> Iterator[None]:
    """What object storage raises, as errors that edges know."""
    from obstore.exceptions import BaseError  # noqa: PLC0415 - obstore is large, and only buckets need it

    try:
        yield
    except FileNotFoundError as error:
        raise NotFound("The object storage has no such file or bucket.") from error
    except (BaseError, PermissionError) as error:
        first = str(error).strip().splitlines()[0][:300]
        raise Unavailable(f"The object storage refuses, or does not answer: {first}") from error
