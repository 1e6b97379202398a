"""A setting read from the file, for a command that must work while the program cannot start."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import msgspec

from fazt.apps.upgrade import APP
from fazt.apps.upgrade.engine.control import find_config
from fazt.apps.upgrade.engine.data import acting_as, owner_of


def read_setting(data: str | None, name: str) -> Any:
    """What was chosen, or the default. From PostgreSQL too, where the data is there."""
    config = find_config(data)
    default = next(setting.default for setting in APP.settings if setting.name == name)
    if config.database_url:
        return read_postgres(config.database_url, name, default)
    try:
        with acting_as(owner_of(config.data)):
            address = f"{config.data.absolute().as_uri()}?mode=ro"
            with closing(sqlite3.connect(address, uri=True)) as conn:
                row = conn.execute("SELECT value FROM core_setting WHERE name = ?", (name,)).fetchone()
    except sqlite3.DatabaseError:
        row = None
    return default if row is None else msgspec.json.decode(row[0])


def read_postgres(url: str, name: str, default: Any) -> Any:
    """The same, from a server."""
    import psycopg  # noqa: PLC0415 - only where it is used

    with psycopg.connect(url) as conn:
        row = conn.execute("SELECT value FROM core_setting WHERE name = %s", (name,)).fetchone()
    return default if row is None else msgspec.json.decode(row[0])
