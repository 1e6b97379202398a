"""What an upgrade is about: versions, releases, and how far it has come."""

from __future__ import annotations

import platform
import re
from typing import Literal

from msgspec import Struct

from fazt.core.errors import Invalid

VERSION = re.compile(r"(\d{1,6})\.(\d{1,6})\.(\d{1,6})(?:-?(alpha|a|beta|b|rc)\.?(\d{1,6}))?")
STAGES = {"alpha": 0, "a": 0, "beta": 1, "b": 1, "rc": 2}
FINAL = 3

Way = Literal["tree", "pip", "pipx", "uv", "source"]
"""How the program was installed."""

State = Literal["preparing", "stopping", "switching", "starting", "going back", "done", "failed", "rolled back"]
ENDED = ("done", "failed", "rolled back")


def version_key(text: str) -> tuple[int, ...]:
    """What versions are compared by; a release comes after its own candidates. Raises Invalid."""
    found = VERSION.fullmatch(text)
    if found is None:
        raise Invalid(f"{text[:60]!r} is not a version.", hint="For example 1.4.0 or 1.5.0-rc.1.")
    stage = STAGES[found[4]] if found[4] else FINAL
    return (int(found[1]), int(found[2]), int(found[3]), stage, int(found[5] or 0))


def is_version(text: str) -> bool:
    """Whether `version_key` knows what to do with it."""
    return VERSION.fullmatch(text) is not None


def is_newer(version: str, than: str) -> bool:
    """Whether one version comes after another."""
    return version_key(version) > version_key(than)


def archive_name(version: str, machine: str = "") -> str:
    """The name of a release's archive for a kind of machine, by default this one's."""
    return f"fazt-{version}-linux-{machine or platform.machine()}.tar.gz"


class Asset(Struct, frozen=True):
    """One file of a release. `sha256` is what the server says of it, or empty."""

    name: str
    url: str
    size: int
    sha256: str = ""


class Release(Struct, frozen=True):
    """A version that somebody can have. `published_at` in ms."""

    version: str
    notes: str
    url: str
    published_at: int
    is_candidate: bool
    assets: dict[str, Asset]

    def get_asset(self, name: str) -> Asset:
        """Raises Invalid where the release lacks the file."""
        if name not in self.assets:
            raise Invalid(f"The release {self.version} has no {name}.", hint="It may not be made for this machine.")
        return self.assets[name]


class Known(Struct, frozen=True):
    """What is kept of a release that was seen."""

    version: str
    notes: str
    url: str
    published_at: int


class Run(Struct, frozen=True):
    """An upgrade that has ended."""

    id: str
    old: str
    new: str
    state: str
    said: str
    at: int


class Control(Struct, frozen=True):
    """How the service is stopped and started: commands, or nothing where no service runs."""

    stop: tuple[str, ...] = ()
    start: tuple[str, ...] = ()

    @property
    def is_there(self) -> bool:
        """Whether there is anything to start."""
        return bool(self.start)


class Journal(Struct, frozen=True, kw_only=True):
    """How far an upgrade has come; on disk before each step, so that whoever comes after a crash knows.

    `copy` is the data as it was before; `is_exact` says that it was taken after the last write of the old
    program, so that it may take the place of the data. Steps are those of the migrations; times are in ms.
    """

    id: str
    old: str
    new: str
    state: State
    data: str
    copy: str = ""
    is_exact: bool = False
    old_step: str = ""
    new_step: str = ""
    control: Control = Control()
    address: str = ""
    wait_s: float = 60.0
    is_wanted_back: bool = False
    said: str = ""
    began_at: int = 0
    at: int = 0

    @property
    def has_ended(self) -> bool:
        """Whether there is nothing left to do."""
        return self.state in ENDED


def choose_release(releases: list[Release], version: str = "", *, running: str = "") -> Release | None:
    """The one that is asked for, or the newest that is no candidate (candidates are for those who run one).

    None where there is none. The order of the list means nothing: servers may lie about it.
    """
    if version:
        return next((release for release in releases if release.version == version), None)
    takes_candidates = bool(running) and version_key(running)[3] != FINAL
    fitting = [release for release in releases if takes_candidates or not release.is_candidate]
    return max(fitting, key=lambda release: version_key(release.version), default=None)


def check_upward(version: str, running: str) -> None:
    """Raises Invalid for a version that is not after the one that runs."""
    if not is_newer(version, running):
        said = "runs already" if version == running else f"is older than {running}, which runs"
        raise Invalid(
            f"fazt {version} {said}.",
            hint="`fazt upgrade --rollback` goes back to the version before the last upgrade, with its data.",
        )
