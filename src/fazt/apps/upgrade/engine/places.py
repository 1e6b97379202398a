"""Where and how the program is installed, and how another version takes its place there."""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Protocol

import fazt
from fazt.apps.upgrade.engine.packages import find_package
from fazt.apps.upgrade.engine.unpacking import PROGRAM, get_version, remove_versions
from fazt.apps.upgrade.model import Way, is_version
from fazt.core.db.copying import sync_file
from fazt.core.errors import Conflict, Forbidden, Unavailable

CURRENT = "current"
VERSIONS = "versions"
CONTAINER_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))
LAYERS = ("overlay", "aufs")
"""Parts of the names of the file systems that images of containers are made of; fuse-overlayfs is one, too."""


class Place(Protocol):
    """An installation that can be changed."""

    @property
    def way(self) -> Way:
        """How it was installed."""
        ...

    @property
    def journal(self) -> Path:
        """What is under way."""
        ...

    @property
    def kept(self) -> Path:
        """The journal of the last upgrade that went well, for the way back from it."""
        ...

    @property
    def lock(self) -> Path:
        """Held by the one upgrade that may be under way."""
        ...

    def current(self) -> str:
        """The version that the next start would run."""
        ...

    def program(self, version: str) -> tuple[str, ...]:
        """The command `fazt` of a version, as words."""
        ...

    @property
    def has_both(self) -> bool:
        """Whether two versions can lie beside each other, so that going from one to the other cannot fail."""
        ...

    def trying(self, version: str) -> AbstractContextManager[tuple[str, ...]]:
        """The command `fazt` of a version that is not in place yet, for the length of a block."""
        ...

    def switch(self, version: str) -> None:
        """From now on that version is started."""
        ...

    def sweep(self, keep: set[str]) -> None:
        """Remove the other versions."""
        ...

    def drop(self, version: str) -> None:
        """Remove a version that came to nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Tree:
    """A release as it is unpacked: `versions/<version>/`, and the symlink `current`."""

    root: Path
    way: Way = "tree"

    @property
    def versions(self) -> Path:
        """Where the versions lie."""
        return self.root / VERSIONS

    @property
    def downloads(self) -> Path:
        """Where archives wait until they are whole."""
        return self.root / "downloads"

    @property
    def journal(self) -> Path:
        """See Place."""
        return self.root / "upgrade.json"

    @property
    def kept(self) -> Path:
        """The journal of the last upgrade that went well, for the way back from it."""
        return self.root / "upgraded.json"

    @property
    def lock(self) -> Path:
        """See Place."""
        return self.root / "upgrade.lock"

    def current(self) -> str:
        """See Place."""
        return (self.root / CURRENT).readlink().name

    def program(self, version: str) -> tuple[str, ...]:
        """See Place. Raises NotFound where it is not there."""
        return (str(get_version(self.versions, version) / PROGRAM),)

    @property
    def has_both(self) -> bool:
        """See Place."""
        return True

    def trying(self, version: str) -> AbstractContextManager[tuple[str, ...]]:
        """See Place."""
        return nullcontext(self.program(version))

    def switch(self, version: str) -> None:
        """See Place. One rename: there is no moment without a program."""
        get_version(self.versions, version)
        fresh = self.root / f".{CURRENT}.new"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(Path(VERSIONS) / version)
        fresh.rename(self.root / CURRENT)
        sync_file(self.root)

    def sweep(self, keep: set[str]) -> None:
        """See Place."""
        remove_versions(self.versions, keep)

    def drop(self, version: str) -> None:
        """See Place."""
        if self.current() != version:
            shutil.rmtree(self.versions / version, ignore_errors=True)


def find_root(package: Path | None = None) -> Path | None:
    """The folder with `versions/` that the running program lies in, if it lies in one."""
    for folder in (package or Path(fazt.__file__)).absolute().parents:
        if folder.parent.name == VERSIONS and is_version(folder.name):
            return folder.parent.parent
    return None


def find_way() -> Way:
    """How the running program was installed."""
    if find_root() is not None:
        return "tree"
    try:
        found = metadata.distribution("fazt")
    except metadata.PackageNotFoundError:
        return "source"
    if is_editable(found.read_text("direct_url.json") or ""):
        return "source"
    return find_installer(Path(sys.prefix), found)


def find_installer(prefix: Path, found: metadata.Distribution) -> Way:
    """Who has installed the package."""
    if (prefix / "pipx_metadata.json").exists():
        return "pipx"
    if (prefix / "uv-receipt.toml").exists() or (found.read_text("INSTALLER") or "").strip() == "uv":
        return "uv"
    return "pip"


def is_editable(direct_url: str) -> bool:
    """Whether a package is a folder of source that somebody works on (PEP 610)."""
    try:
        return bool(json.loads(direct_url or "{}").get("dir_info", {}).get("editable"))
    except (ValueError, AttributeError):
        return False


def find_place(*, anyway: bool = False) -> Place:
    """The installation to change.

    Raises Conflict where something else than this command changes it, saying what does, and Forbidden where
    whoever asks may not. `anyway` is for containers whose program lies in a layer.
    """
    way, root = find_way(), find_root()
    if way == "source":
        raise Conflict(
            "This fazt runs from its source.", hint="`git pull`, then `make serve`: that brings a newer one."
        )
    folder = root or Path(sys.prefix)
    check_place(folder, anyway=anyway)
    if root is not None:
        return Tree(root)
    if way == "pip" and is_managed_by_others():
        raise Conflict(
            "The system's own package manager looks after this Python.", hint="Upgrade fazt as you have installed it."
        )
    tool = {"pipx": "pipx", "uv": "uv"}.get(way)
    if tool is not None and shutil.which(tool) is None:
        raise Unavailable(f"fazt was installed with {tool}, which is not found now.", hint="Is it on the PATH?")
    return find_package(way, Path(sys.prefix))


def find_journal_path() -> Path | None:
    """Where the journal of the running program would be; None where it runs from its source."""
    root, way = find_root(), find_way()
    if root is not None:
        return Tree(root).journal
    return None if way == "source" else find_package(way, Path(sys.prefix)).journal


def is_managed_by_others() -> bool:
    """Whether pip must not touch this Python (PEP 668)."""
    import sysconfig  # noqa: PLC0415 - a frozen program has no use for it

    is_own = sys.prefix != sys.base_prefix
    return not is_own and Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED").exists()


def check_place(folder: Path, *, anyway: bool) -> None:
    """Raises Conflict for containers and read-only systems, Forbidden where rights are missing."""
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        raise Conflict(
            f"{folder} is read-only, as on NixOS and immutable systems.",
            hint="Change the version where the system is described, and switch to it.",
        )
    if not anyway and is_container() and is_in_image(folder):
        raise Conflict(
            "This fazt lies in the image of a container: what is changed here goes with the container.",
            hint="Start the container anew from a newer image; the data is in its volume. (`--anyway` does it here.)",
        )
    if not os.access(folder, os.W_OK):
        raise Forbidden(f"{folder} belongs to somebody else.", hint="Run it with sudo.")


def is_container() -> bool:
    """Whether this is one of Docker's, Podman's or Kubernetes'."""
    return "KUBERNETES_SERVICE_HOST" in os.environ or any(mark.exists() for mark in CONTAINER_MARKS)


def is_in_image(folder: Path) -> bool:
    """Whether a folder of a container lies on its root or another layered file system, not in a volume."""
    point, kind = find_mount(folder)
    return point == "/" or any(name in kind for name in LAYERS)


def find_mount(folder: Path) -> tuple[str, str]:
    """Where the file system that a folder lies on is mounted, and its kind; or nothing."""
    best, kind = "", ""
    try:
        lines = Path("/proc/self/mounts").read_text().splitlines()
    except OSError:
        return "", ""
    for line in lines:
        _, point, found, *_ = line.split()
        if folder.absolute().is_relative_to(point) and len(point) >= len(best):
            best, kind = point, found
    return best, kind
