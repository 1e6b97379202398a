"""Folding SQLite's log into the file beside the writer, while much is written."""

from __future__ import annotations

import threading

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from fazt.core.log import get_logger

PAGES = 4000
"""32 MiB of log: pages that change often go into the file once, and twice that is waited for the disk seldom."""

FOLD_BYTES = 8 * 1024 * 1024
LOG_BYTES = 48 * 1024 * 1024

log = get_logger(__name__)


class Folding:
    """A thread that folds in what is in the log each time that FOLD_BYTES more are there.

    The writer goes on meanwhile, where it would have to wait for the disk twice. As long as it goes on there is
    always more, so that the log could never begin anew: after LOG_BYTES the writer folds in the rest itself.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._thread: threading.Thread | None = None
        self._wanted = threading.Event()
        self._one = threading.Lock()
        self._is_over = False
        self._asked = 0
        self._since = 0

    def note(self, conn: Connection, size: int) -> None:
        """The writer has put so many bytes into the log, on its `conn`."""
        self._asked += size
        self._since += size
        if self._since >= LOG_BYTES:
            self._fold(conn)
            self._since = self._asked = 0
        elif self._asked >= FOLD_BYTES:
            self._asked = 0
            self._wake()

    def close(self) -> None:
        """Finish what is under way."""
        self._is_over = True
        self._wanted.set()
        if self._thread is not None:
            self._thread.join()

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="fazt-fold", daemon=True)
            self._thread.start()
        self._wanted.set()

    def _run(self) -> None:
        with self._engine.connect() as conn:
            while self._wanted.wait() and not self._is_over:
                self._wanted.clear()
                self._fold(conn)

    def _fold(self, conn: Connection) -> None:
        """One at a time, or the writer would find the file busy whenever it tries, and the log would grow."""
        with self._one:
            try:
                conn.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").all()
            except DBAPIError as error:  # what was answered is safe in the log, and the next commit tries again
                log.warning("the log could not be folded in: %s", error)
