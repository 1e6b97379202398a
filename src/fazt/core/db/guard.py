"""The wall between apps inside SQLite: a store may touch its own tables and core's, no others.

Who is acting is known from the module of the store function that runs. SQLite asks at the time
it prepares a statement, so a statement that is cached costs nothing.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Collection
from functools import lru_cache, partial
from typing import Any

WATCHED = frozenset(
    {sqlite3.SQLITE_READ, sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE},
)


def owner_of(fn: Callable[..., Any]) -> str:
    """The app that a function belongs to, or ""."""
    while isinstance(fn, partial):
        fn = fn.func
    return owner_of_module(getattr(fn, "__module__", "") or "")


@lru_cache(maxsize=1024)
def owner_of_module(module: str) -> str:
    """The app that a module belongs to, or "" for everything outside the apps."""
    parts = module.split(".")
    return parts[2] if parts[:2] == ["fazt", "apps"] and len(parts) > 2 else ""


class Acting:
    """A block in which one thread's statements are those of an app. Made for each call, so no generator."""

    __slots__ = ("_app", "_before", "_local")

    def __init__(self, local: threading.local, app: str) -> None:
        self._local = local
        self._app = app
        self._before = ""

    def __enter__(self) -> None:
        """From here on."""
        self._before = getattr(self._local, "app", "")
        self._local.app = self._app

    def __exit__(self, *_error: object) -> None:
        """As before."""
        self._local.app = self._before


class Guard:
    """SQLite's authorizer for every connection of one file; `apps` are the names that own tables."""

    def __init__(self, apps: Collection[str]) -> None:
        self._apps = frozenset(apps)
        self._local = threading.local()

    def acting(self, fn: Callable[..., Any]) -> Acting:
        """Until the end of the block, this thread's statements are those of `fn`'s app."""
        return Acting(self._local, owner_of(fn))

    def watch(self, conn: sqlite3.Connection) -> None:
        """Ask this guard about every statement that `conn` prepares."""
        conn.set_authorizer(self._authorize)

    def _authorize(self, action: int, table: str | None, *_rest: str | None) -> int:
        app = getattr(self._local, "app", "")
        if app and action in WATCHED and table:
            owner = table.partition("_")[0]
            if owner != app and owner in self._apps:
                return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK
