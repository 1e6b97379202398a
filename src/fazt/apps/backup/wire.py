"""Litestream's configuration, as text. JSON is YAML, so nothing has to be escaped by hand."""

from __future__ import annotations

from itertools import pairwise
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec

from fazt.core.errors import Invalid

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


class Replication(msgspec.Struct, frozen=True):
    """What Litestream is to do. `url` is `s3://bucket/prefix` or a folder; each epoch has a part of it to itself."""

    url: str
    endpoint: str = ""
    region: str = ""
    interval_s: int = 1
    keep_days: int = 7


def split_url(url: str) -> SplitResult:
    """The parts of a URL. Raises Invalid."""
    try:
        return urlsplit(url)
    except ValueError as error:
        raise Invalid(f"{url!r} is not a URL: {error}.") from error


def make_replica(wanted: Replication, epoch: str) -> dict[str, Any]:
    """Litestream's section `replica`. Raises Invalid for a URL that is neither S3 nor a folder."""
    parts = split_url(wanted.url)
    if parts.scheme == "s3" and parts.netloc:
        prefix = unquote(parts.path).strip("/")
        section: dict[str, Any] = {
            "type": "s3",
            "bucket": parts.netloc,
            "path": f"{prefix}/{epoch}" if prefix else epoch,
            "region": wanted.region or "us-east-1",
        }
        if wanted.endpoint:
            section |= {"endpoint": wanted.endpoint, "force-path-style": True}
        return section
    path = unquote(parts.path) if parts.scheme == "file" else wanted.url
    if not path.startswith("/"):
        raise Invalid(
            f"{wanted.url!r} is no place for a replica.", hint="For example s3://bucket/replica, or a whole path."
        )
    return {"type": "file", "path": f"{path.rstrip('/')}/{epoch}"}


def make_config(wanted: Replication, *, data: str, meta: str, epoch: str, socket: str = "") -> str:
    """The whole file. The keys to S3 are not in it: Litestream takes them from its environment."""
    replica = make_replica(wanted, epoch) | {"sync-interval": f"{wanted.interval_s}s"}
    config: dict[str, Any] = {
        "logging": {"type": "json", "level": "info"},
        "snapshot": {"interval": "24h", "retention": f"{wanted.keep_days * 24}h"},
        "dbs": [{"path": data, "meta-path": meta, "replica": replica}],
    }
    if socket:
        config["socket"] = {"enabled": True, "path": socket}
    return msgspec.json.encode(config).decode()


def parse_epoch(name: str) -> int | None:
    """When an epoch began (ms), by its id; None for a name that is none."""
    if len(name) != 20 or any(letter not in ALPHABET for letter in name):
        return None
    at = 0
    for letter in name[:9]:
        at = at << 5 | ALPHABET.index(letter)
    return at


def choose_epoch(names: list[str], at: int | None) -> str:
    """The epoch to restore from: the newest, or the one that held at a moment (ms). Raises Invalid."""
    known = sorted((began, name) for name in names if (began := parse_epoch(name)) is not None)
    fitting = [name for began, name in known if at is None or began <= at]
    if not fitting:
        raise Invalid(
            "The replica does not reach so far back." if known else "There is no replica there.",
            hint="Is this the URL that backup.replica had?",
        )
    return fitting[-1]


def choose_ended(names: list[str], before: int) -> list[str]:
    """Epochs that were over before a moment (ms): the next one began by then."""
    known = sorted((began, name) for name in names if (began := parse_epoch(name)) is not None)
    return [name for (_, name), (ended, _) in pairwise(known) if ended < before]
