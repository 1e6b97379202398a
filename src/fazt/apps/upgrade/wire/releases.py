"""The list of releases as GitHub's REST API has it, and files of SHA-256 sums."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from fazt.apps.upgrade.model import FINAL, Asset, Release, is_version, version_key
from fazt.core.errors import Invalid

SUM = re.compile(r"([0-9a-f]{64}) [ *]([\w.+-]{1,200})")
NAME = re.compile(r"[\w.+-]{1,200}")
MAX_NOTES_CHARACTERS = 20_000


class RawAsset(Struct):
    """A file of a release, as far as it matters."""

    name: str
    browser_download_url: str
    size: Annotated[int, Meta(ge=0)] = 0
    digest: str | None = None


class RawRelease(Struct):
    """A release, as far as it matters."""

    tag_name: str
    assets: list[RawAsset]
    body: str | None = None
    html_url: str = ""
    published_at: str | None = None
    draft: bool = False
    prerelease: bool = False


def parse_releases(text: bytes) -> list[Release]:
    """A list of releases, or a single one. Those that have no version for a name are passed over. Raises Invalid."""
    try:
        found: Any = msgspec.json.decode(text)
        many = found if isinstance(found, list) else [found]
        raw = msgspec.convert(many, list[RawRelease])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid("The server's answer is not a list of releases.", hint="See upgrade.releases_url.") from error
    return [to_release(one) for one in raw if not one.draft and is_version(one.tag_name.removeprefix("v"))]


def to_release(raw: RawRelease) -> Release:
    """A release in our words."""
    version = raw.tag_name.removeprefix("v")
    url = raw.html_url
    return Release(
        version=version,
        notes=(raw.body or "").replace("\0", "")[:MAX_NOTES_CHARACTERS],  # PostgreSQL has no place for NUL
        url=url if url.startswith("https://") and url.isprintable() else "",
        published_at=to_ms(raw.published_at or ""),
        is_candidate=raw.prerelease or version_key(version)[3] != FINAL,
        assets={
            asset.name: Asset(
                asset.name, asset.browser_download_url, asset.size, (asset.digest or "").removeprefix("sha256:")
            )
            for asset in raw.assets
            if NAME.fullmatch(asset.name)
        },
    )


def to_ms(text: str) -> int:
    """A moment of RFC 3339 in ms, 0 for anything else."""
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1_000)
    except (ValueError, OverflowError, OSError):
        return 0


def parse_sums(text: str) -> dict[str, str]:
    """Sums by file name, of what `sha256sum` writes. Raises Invalid."""
    found = [SUM.fullmatch(line) for line in text.splitlines() if line.strip()]
    if not found or None in found:
        raise Invalid("This is not a file of SHA-256 sums.")
    return {match[2]: match[1] for match in found if match is not None}
