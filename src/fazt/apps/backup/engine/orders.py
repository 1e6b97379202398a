"""What a piece of work is told, what it tells meanwhile, and what comes of it."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import msgspec
from sqlalchemy.exc import DBAPIError

from fazt.apps.backup.engine.packing import find_identities
from fazt.apps.backup.engine.place import PARTIAL, Keys
from fazt.apps.backup.engine.replica import chosen_litestream
from fazt.apps.backup.wire import Replication
from fazt.core.config import Config
from fazt.core.db.copying import Advance
from fazt.core.errors import OverQuota, Unavailable

Get = Callable[[str], Any]
"""The value of a setting."""

Tell = Callable[[str, int, int], None]
"""Called with what is being done, how far it is and how far it has to go, in bytes."""

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

Work = Literal["create", "verify", "restore", "drill", "bring"]


class Order(msgspec.Struct, frozen=True):
    """What is to be done, with everything that it needs to know.

    `name` is a backup's, or `latest`; `file` a path instead; `replica` a moment of it (`at`, ms; None: the end).
    """

    work: Work
    data: str
    place: str
    now: int
    keys: Keys = Keys()
    domain: str = ""
    database_url: str = ""
    compress: bool = True
    recipients: list[str] = []
    identities: list[str] = []
    name: str = "latest"
    file: str = ""
    at: int | None = None
    replica: Replication | None = None
    litestream: str = ""
    control: str = ""


class Prepared(msgspec.Struct, frozen=True):
    """A file that is ready to be used: where it is, what it is, which epoch begins with it."""

    path: str
    name: str
    epoch: str
    said: str


def place_of(get: Get, config: Config) -> str:
    """Where backups go: as chosen, or a folder beside data.db."""
    return get("backup.place") or str(config.data.parent / "backups")


def keys_of(get: Get) -> Keys:
    """How to sign in to S3."""
    return Keys(
        get("backup.s3_endpoint"), get("backup.s3_region"), get("backup.s3_key_id"), get("backup.s3_secret_key")
    )


def replication_of(get: Get, config: Config, url: str = "") -> Replication | None:
    """What Litestream is to do (at `url`, where it is given), if anything."""
    url = url or get("backup.replica")
    if not url or config.database_url:
        return None
    return Replication(
        url,
        get("backup.s3_endpoint") or os.environ.get("AWS_ENDPOINT_URL", ""),
        get("backup.s3_region") or os.environ.get("AWS_REGION", ""),
        get("backup.replica_seconds"),
        get("backup.replica_days"),
    )


def make_order(get: Get, config: Config, work: Work, now: int, **more: Any) -> Order:
    """An order with all that the settings say; `more` comes before them."""
    known: dict[str, Any] = {
        "work": work,
        "data": str(config.data),
        "place": place_of(get, config),
        "now": now,
        "keys": keys_of(get),
        "domain": config.domain,
        "database_url": config.database_url,
        "compress": get("backup.compress"),
        "recipients": get("backup.recipients"),
        "identities": find_identities(get("backup.identity")),
        "litestream": chosen_litestream(),
    }
    return Order(**{**known, **more})


def advance_of(tell: Tell, doing: str) -> Advance:
    """Tell how one step goes."""
    tell(doing, 0, 0)
    return lambda done, size: tell(doing, done, size)


def scratch_path(folder: Path, name: str) -> Path:
    """A file for a while; `sweep_partials` knows it by its name."""
    return folder / f"fazt-{name}{PARTIAL}"


@contextmanager
def removed(*paths: Path) -> Iterator[None]:
    """At the end of the block nothing of these is left, nor of the logs beside them."""
    try:
        yield
    finally:
        for path in paths:
            for suffix in ("", "-wal", "-shm", "-journal"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)


@contextmanager
def removed_on_failure(path: Path) -> Iterator[None]:
    """As `removed`, where the block does not end well."""
    try:
        yield
    except BaseException:
        with removed(path):
            pass
        raise


@contextmanager
def foreseen() -> Iterator[None]:
    """Full disks, missing rights and what the database says of them, as errors that edges know."""
    try:
        yield
    except OSError as error:
        kind = OverQuota if error.errno in FULL else Unavailable
        raise kind(f"{error.filename or 'A file'} cannot be written or read: {error.strerror or error}.") from error
    except DBAPIError as error:
        raise Unavailable(f"The file cannot be written or read: {error.orig}.") from error
