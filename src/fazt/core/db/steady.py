"""Files that are written while others commit: to disk piece by piece, with rests, so that no commit waits for long."""

from __future__ import annotations

import ctypes
import errno
import os
import time
from pathlib import Path

FLUSH_BYTES = 16 * 1024 * 1024
"""After so much the file is flushed, so that no cache of the disk's own fills up, either."""

PIECE_BYTES = 1024 * 1024
"""What is written out at once while others commit: they wait behind no more than that."""

LATELY_S = 1.0
LONGEST_REST_S = 0.25
WAIT_WRITE_WAIT = 1 | 2 | 4


def write_out(number: int) -> None:
    """Bring what is in the page cache of a file to the disk, without a commit of the file system's own log.

    Commits of a log that grows wait for those as well. So this does not make anything durable.
    """
    call = getattr(ctypes.CDLL(None, use_errno=True), "sync_file_range", None)
    if call is None:  # another system than Linux
        os.fdatasync(number)
    elif call(number, ctypes.c_int64(0), ctypes.c_int64(0), WAIT_WRITE_WAIT):
        if ctypes.get_errno() != errno.ENOSYS:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        os.fdatasync(number)


class Steady:
    """Brings a file that is being written to disk piece by piece.

    One fsync of all of it at the end would be quicker, and every commit meanwhile would wait behind it. While others
    commit to `live`, a database on the same disk, pieces are small, and it rests after each as long as it has waited.
    """

    def __init__(self, path: Path, live: Path) -> None:
        self._number = os.open(path, os.O_RDWR)
        self._log = live.with_name(live.name + "-wal")
        self._flushed = self._out = 0
        self._begin()

    def note(self, written: int) -> None:
        """So many bytes are written by now."""
        if written - self._out < PIECE_BYTES:
            return
        is_alone = self._is_alone()
        if written - self._flushed >= FLUSH_BYTES:
            os.fdatasync(self._number)
            self._flushed = written
        elif not is_alone:
            write_out(self._number)
        else:
            return
        self._out = written
        if not is_alone:
            time.sleep(min(LONGEST_REST_S, self._waited()))
        self._begin()

    def close(self) -> None:
        """What was written since the last piece is not flushed."""
        os.close(self._number)

    def _is_alone(self) -> bool:
        """Whether nobody has committed lately. Whoever opens a database leaves a log, too, but an empty one."""
        try:
            log = self._log.stat()
        except FileNotFoundError:
            return True
        return not log.st_size or abs(time.time() - log.st_mtime) > LATELY_S

    def _begin(self) -> None:
        self._since, self._worked = time.monotonic(), time.thread_time()

    def _waited(self) -> float:
        """Of the time since the last piece, what was not work: for the disk, or for a turn on a processor."""
        return max(0.0, time.monotonic() - self._since - (time.thread_time() - self._worked))


class SteadyFile:
    """A new file, written as Steady has it."""

    def __init__(self, path: Path, live: Path) -> None:
        self._file = path.open("wb", buffering=0)
        self._steady = Steady(path, live)
        self._written = 0

    def write(self, data: bytes) -> int:
        """See io."""
        for start in range(0, len(data), PIECE_BYTES):
            piece = memoryview(data)[start : start + PIECE_BYTES]
            while piece:
                count = self._file.write(piece)
                self._written += count
                piece = piece[count:]
            self._steady.note(self._written)
        return len(data)

    def flush(self) -> None:
        """See io."""

    def close(self) -> None:
        """See io."""
        self._steady.close()
        self._file.close()
