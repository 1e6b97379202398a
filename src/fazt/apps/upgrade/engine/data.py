"""The data during an upgrade: a copy before anything else, and the way back. All of it as the user whose file it is."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from fazt.apps.upgrade.engine.running import User
from fazt.apps.upgrade.model import is_version
from fazt.core.db.copying import Advance, copy_database, sync_file
from fazt.core.db.swap import held, put_in_place, replaced_path
from fazt.core.errors import Invalid, NotFound

BEFORE = ".before-"
TRIAL = ".trial"
PARTIAL = ".partial"
LOCK_S = 30.0


def owner_of(data: Path) -> User:
    """Whose file it is; where there is none yet, whose folder."""
    for path in (data, data.parent):
        with suppress(FileNotFoundError):
            found = path.stat()
            return User(found.st_uid, found.st_gid)
    return User(os.geteuid(), os.getegid())


@contextmanager
def acting_as(user: User) -> Iterator[None]:
    """Inside the block files are read and written with that user's rights: root follows no link that a service laid."""
    if user.is_me:
        yield
        return
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(user.gid)
    os.seteuid(user.uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def copy_path(data: Path, version: str) -> Path:
    """Where the data is kept as it was before a version."""
    return data.with_name(f"{data.name}{BEFORE}{version}")


def copy_data(data: Path, target: Path, advance: Advance) -> None:
    """The data as it is now, at `target`, whole or not at all."""
    partial = target.with_name(target.name + PARTIAL)
    with acting_as(owner_of(data)):
        remove(partial)
        try:
            copy_database(data, partial, advance)
            partial.rename(target)
            sync_file(target.parent)
        finally:
            remove(partial)


def find_step(path: Path) -> str:
    """The step of the migrations that a file is at. Raises Invalid for a file that is none of fazt's."""
    address = f"{path.absolute().as_uri()}?mode=ro"
    try:
        with acting_as(owner_of(path)), closing(sqlite3.connect(address, uri=True)) as conn:
            row = conn.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.DatabaseError as error:
        raise Invalid(f"{path} is not the data of a fazt: {error}.") from error
    return str(row[0]) if row else ""


def bring_back(data: Path, copy: Path, now: int) -> bool:
    """Let the copy take the place of the data, which is kept; whether that was still to be done.

    The copy's name is gone afterwards, so doing it once more changes nothing.
    """
    with acting_as(owner_of(data)):
        if not copy.exists():
            return False
        with held(data, LOCK_S):
            if not copy.exists():
                return False
            put_in_place(data, copy, replaced_path(data, now))
    return True


def remove(path: Path) -> None:
    """A file and the logs beside it, where they are."""
    for suffix in ("", "-wal", "-shm", "-journal", ".lock", ".sock"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def sweep(data: Path, *, keep: Path | None) -> None:
    """Remove the copies of earlier upgrades, and what an upgrade left that was cut off."""
    with acting_as(owner_of(data)):
        remove(data.with_name(data.name + TRIAL))
        for path in data.parent.glob(f"{data.name}{BEFORE}*"):
            version = path.name.removeprefix(data.name + BEFORE).removesuffix(PARTIAL)
            if path != keep and is_version(version):  # copies of the owner's own may be called so, too
                remove(path)


def drop(data: Path, copy: Path) -> None:
    """Remove the copy of an upgrade that came to nothing."""
    with acting_as(owner_of(data)):
        remove(copy)
        remove(data.with_name(data.name + TRIAL))


@contextmanager
def trial(copy: Path, data: Path) -> Iterator[Path]:
    """A second copy, for the new version to try itself on; gone at the end of the block."""
    path = data.with_name(data.name + TRIAL)
    user = owner_of(data)
    with acting_as(user):
        remove(path)
        if copy.exists():  # else it begins with an empty one, as it would
            copy_database(copy, path, lambda _done, _size: None, live=data)
    try:
        yield path
    finally:
        with acting_as(user):
            remove(path)


def check_data(data: Path) -> None:
    """Raises NotFound where the folder of the data is missing, which is a wrong name more often than a new cloud."""
    if not data.parent.is_dir():
        raise NotFound(f"There is no {data.parent}.", hint="--data, or FAZT_DATA, says where data.db is.")
