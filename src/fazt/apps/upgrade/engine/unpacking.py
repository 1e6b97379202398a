"""Unpacking a release: nothing lands outside of its folder, nothing is endless, and all is on disk at the end."""

from __future__ import annotations

import ctypes
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from fazt.core.db.copying import Advance, check_room, sync_file
from fazt.core.errors import Invalid, NotFound

MAX_MEMBERS = 50_000
MAX_BYTES = 2 * 1024**3
PROGRAM = "fazt"
UNPACKING = ".unpacking-"


def unpack(archive: Path, versions: Path, version: str, advance: Advance) -> Path:
    """The folder `versions/<version>` out of a release; a former one of that name is gone.

    Raises Invalid for an archive that holds anything but that folder, or too much.
    """
    folder, target = versions / f"{UNPACKING}{version}", versions / version
    shutil.rmtree(folder, ignore_errors=True)
    check_room(versions, archive.stat().st_size * 3)
    try:
        with opened(archive) as tar, world_readable():
            extract(tar, folder, version, advance)
        check_program(folder, version)
        sync_tree(folder)
        shutil.rmtree(target, ignore_errors=True)
        folder.rename(target)
        sync_file(versions)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return target


@contextmanager
def opened(archive: Path) -> Iterator[tarfile.TarFile]:
    """The archive, for reading once from its beginning to its end. Raises Invalid."""
    try:
        with tarfile.open(archive, "r|gz") as tar:
            yield tar
    except (tarfile.TarError, EOFError) as error:
        raise Invalid(f"{archive.name} cannot be unpacked: {error}.") from error


@contextmanager
def world_readable() -> Iterator[None]:
    """Folders that are made inside the block may be read by the service's user, whatever root's habit is."""
    before = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(before)


def extract(tar: tarfile.TarFile, folder: Path, version: str, advance: Advance) -> None:
    """All that lies in `versions/<version>/`, into `folder`."""
    inside, done = PurePosixPath("versions") / version, 0
    folder.mkdir(parents=True)
    for count, member in enumerate(tar, 1):
        done += member.size
        if count > MAX_MEMBERS or done > MAX_BYTES:
            raise Invalid("The archive holds more than a release of fazt can.")
        path = PurePosixPath(member.name)
        if not path.is_relative_to(inside):
            if path.parts in {("versions",), ("current",)}:
                continue
            raise Invalid(f"The archive holds {member.name[:100]!r}, which is no part of fazt {version}.")
        if path == inside:
            continue
        member.name = str(path.relative_to(inside))
        tar.extract(member, folder, set_attrs=True, filter="data")
        advance(done, 0)


def check_program(folder: Path, version: str) -> None:
    """Raises Invalid where there is no program in it."""
    program = folder / PROGRAM
    if program.is_symlink() or not program.is_file() or not os.access(program, os.X_OK):
        raise Invalid(f"The archive holds no program of fazt {version}.")


def sync_tree(folder: Path) -> None:
    """Every file and every name in a folder, on disk: its whole file system at once, which is much quicker."""
    number = os.open(folder, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(number):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(folder))
    finally:
        os.close(number)


def remove_versions(versions: Path, keep: set[str]) -> None:
    """All others, and what was never finished."""
    for path in versions.iterdir():
        if path.name not in keep and path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)


def get_version(versions: Path, version: str) -> Path:
    """Raises NotFound where it is not there."""
    folder = versions / version
    if not (folder / PROGRAM).is_file():
        raise NotFound(f"fazt {version} is not there any more.")
    return folder
