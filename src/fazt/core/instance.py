"""One program for one file: a lock beside data.db, and a socket by which commands find the server."""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO

from fazt.core.errors import Forbidden, Unavailable

MAX_SOCKET_PATH = 100  # the kernel allows 107 bytes


def socket_path(data: Path) -> Path:
    """Where the server of this file listens for commands: beside the file where the path is short enough."""
    beside = data.with_name(data.name + ".sock")
    if len(os.fsencode(beside)) <= MAX_SOCKET_PATH:
        return beside
    folder = Path(tempfile.gettempdir()) / f"fazt-{os.geteuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.geteuid() or folder.is_symlink():
        raise Unavailable(f"{folder} belongs to somebody else.", hint="Give data.db a shorter path.")
    return folder / (hashlib.sha256(os.fsencode(data.resolve())).hexdigest()[:24] + ".sock")


class InstanceLock:
    """Held by whoever has the file open as a program. Released by the system however the program ends."""

    def __init__(self, data: Path) -> None:
        self.path = data.with_name(data.name + ".lock")
        self._file: IO[str] | None = None

    def acquire(self) -> bool:
        """Whether the lock is now ours. Raises Forbidden, Unavailable where no file can be."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = self.path.open("a+")
        except OSError as error:
            kind = Forbidden if isinstance(error, PermissionError) else Unavailable
            raise kind(
                f"Nothing can be kept in {self.path.parent}: {error.strerror}.",
                hint="Name another file with --data, or FAZT_DATA.",
            ) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._file = file
        return True

    def release(self) -> None:
        """Let go."""
        if self._file is not None:
            self._file.close()
            self._file = None


def is_running(data: Path) -> bool:
    """Whether some program holds the file. Raises Forbidden where that is somebody else's."""
    lock = InstanceLock(data)
    try:
        if not lock.path.exists():
            return False
        if lock.acquire():
            lock.release()
            return False
    except (PermissionError, Forbidden) as error:
        raise Forbidden(f"{data} is not yours.", hint="Run it with sudo, or name another with --data.") from error
    return True


def check_owner(data: Path) -> None:
    """Raises Forbidden for root at the file of somebody else, who could not open what root would leave beside it."""
    if os.geteuid() != 0:
        return
    place = data if data.exists() else data.parent
    owner = place.stat().st_uid if place.exists() else 0
    if owner:
        name = find_name(owner)
        hint = f"Start its server first, or: sudo -u {name} fazt …"
        raise Forbidden(f"{data} belongs to {name}, and no server runs on it.", hint=hint)


def find_name(uid: int) -> str:
    """A user's name; as `sudo -u` takes it where there is none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"


def remove_socket(data: Path) -> None:
    """Take the socket away at the end."""
    with suppress(OSError):
        socket_path(data).unlink(missing_ok=True)
