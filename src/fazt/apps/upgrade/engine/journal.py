"""The journal: what is under way, on disk before it is done, and who alone may do it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from fazt.apps.upgrade.model import Journal
from fazt.core.db.copying import sync_file
from fazt.core.errors import Invalid, Locked

MAX_BYTES = 256 * 1024


def read_journal(path: Path) -> Journal | None:
    """What stands in it; None where no upgrade was ever begun. Raises Invalid where it is garbled."""
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(MAX_BYTES), type=Journal)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise Invalid(f"{path} is damaged.", hint="Remove it, when fazt runs as it should.") from error


def write_journal(path: Path, journal: Journal) -> None:
    """Put it on disk, whole or not at all."""
    write_file(path, msgspec.json.format(msgspec.json.encode(journal)) + b"\n")


def write_file(path: Path, content: bytes) -> None:
    """A small file that anybody may read, whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(content)
    fresh.chmod(0o644)
    sync_file(fresh)
    fresh.rename(path)
    sync_file(path.parent)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Nobody else upgrades inside the block. Raises Locked."""
    number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise Locked("Another upgrade is under way.", hint="Wait until it has ended.") from error
    finally:
        os.close(number)
